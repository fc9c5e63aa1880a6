"""The few questions that rows are asked, in whatever engine holds them.

Expressions go through narwhals. DuckDB answers with its own fetch, so that no Arrow library is
needed; eager frames are collected as numpy arrays.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import Any, Final, Protocol

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from riskshift.counts.pairs import NO_VALUE
from riskshift.errors import DataError
from riskshift.records import stripped

Frame = nw.LazyFrame[Any]

FIRST_ROWS: Final = 10_000
MOST_HASHES: Final = 2**24


def engine_name(frame: Frame) -> str:
    """Return the engine that holds the rows, such as ``"duckdb"`` or ``"polars"``."""
    return str(frame.implementation.value)


def on_spark(frame: Frame) -> bool:
    """Tell whether PySpark holds the rows."""
    return frame.implementation.is_pyspark() or frame.implementation.is_pyspark_connect()


class EngineError(Exception):
    """The engine could not read the rows; its source may know why."""


@contextmanager
def translated() -> Iterator[None]:
    """Turn what any engine raises while it computes into an `EngineError`."""
    try:
        yield
    except _engine_errors() as error:
        raise EngineError(_said(str(error)) or type(error).__name__) from error


def _said(message: str) -> str:
    """Return a message from the line on that says something: Spark begins with what says nothing."""
    first, _, rest = message.partition("\n")
    lines = [line for line in rest.splitlines() if line.strip()]
    if lines and first.startswith("An error occurred while calling"):
        return lines[0].removeprefix(": ")
    if lines and first.endswith("the Python worker:"):
        # What an error says may quote the data; its name does not.
        return f"{first} {lines[-1].partition(':')[0]}"
    return message


def _engine_errors() -> tuple[type[Exception], ...]:
    # Of the engines that are in use, so that none is imported for its exceptions. DuckDB fails to
    # decode its own message where that quotes bytes that are no text.
    found: list[type[Exception]] = [nw.exceptions.NarwhalsError, OSError, UnicodeDecodeError]
    for library, name in (
        ("duckdb", "Error"),
        ("polars", "exceptions.PolarsError"),
        ("pyarrow", "ArrowException"),
        ("pyspark.errors", "PySparkException"),
        ("py4j.protocol", "Py4JError"),
    ):
        if library in sys.modules:
            found.append(attrgetter(name)(sys.modules[library]))
    return tuple(found)


class Explains(Protocol):
    """Where rows come from: whether they are what they were, and why an engine could not read them."""

    def check_unchanged(self) -> None:
        """Refuse rows that are not what they were."""
        ...

    def explain(self, message: str) -> DataError:
        """Turn what an engine says into a message that helps."""
        ...


@contextmanager
def explained(source: Explains) -> Iterator[None]:
    """Say of any fault in a block first that the rows changed meanwhile, and else what the source knows."""
    try:
        yield
    except Exception as error:
        source.check_unchanged()  # of two states of the rows anything may follow
        if isinstance(error, EngineError):
            raise source.explain(str(error)) from error
        raise


def fetch(frame: Frame) -> list[tuple[Any, ...]]:
    """Bring a small frame over as rows; what is missing is None, whatever the engine calls it."""
    with translated():
        if frame.implementation.is_duckdb():
            return list(frame.to_native().fetchall())
        if on_spark(frame):  # without an Arrow library
            rows: Iterable[Sequence[Any]] = frame.to_native().collect()
        else:
            rows = frame.collect().iter_rows()
    return [tuple(None if _is_missing(value) else value for value in row) for row in rows]


def fetch_columns(frame: Frame) -> list[NDArray[Any]]:
    """Bring a large frame over column by column; text that is missing is None."""
    with translated():
        if frame.implementation.is_duckdb():
            arrays = frame.to_native().fetchnumpy()
            columns = [arrays[name] for name in frame.collect_schema().names()]
            return [
                c.filled(None)
                if isinstance(c, np.ma.MaskedArray) and c.dtype == object
                else np.asarray(c)
                for c in columns
            ]
        if on_spark(frame):
            names = frame.collect_schema().names()
            held = fetch(frame)
            return [_as_array([row[at] for row in held]) for at in range(len(names))]
        rows = frame.collect()
    columns = [rows.get_column(name).to_numpy() for name in rows.columns]
    return [
        np.array([None if _is_missing(v) else v for v in c], dtype=object)
        if c.dtype.kind in "OTU"
        else c
        for c in columns
    ]


def _as_array(values: list[Any]) -> NDArray[Any]:
    numbers = all(isinstance(value, int) for value in values)
    return np.array(values, dtype=np.int64 if numbers else object)


def _is_missing(value: object) -> bool:
    try:
        return bool(value != value)  # NaN and NaT differ from themselves
    except TypeError:  # pandas.NA refuses to say
        return True


def positions(codes: NDArray[Any], found: NDArray[Any]) -> NDArray[np.int64]:
    """Return where each of some codes stands among all; of one that is not there, somewhere."""
    order = np.argsort(codes, kind="stable")
    place = np.searchsorted(codes[order], found)
    return order[np.minimum(place, len(codes) - 1)]


def quoted(name: str) -> str:
    """Write a name of SQL, whatever stands in it."""
    return '"' + name.replace('"', '""') + '"'


def plain(frame: Frame, columns: Iterable[str]) -> tuple[Frame, dict[str, str]]:
    """Give values one form in every engine: NaN is null; enumerations and mixed objects are text.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        The rows.
    columns : iterable of str
        The columns that matter.

    Returns
    -------
    frame : narwhals.LazyFrame
        The rows, with those columns changed where they must be.
    refused : dict of str to str
        Columns that hold lists and the like, with their types.
    """
    schema = frame.collect_schema()
    pandas, duckdb = frame.implementation.is_pandas_like(), frame.implementation.is_duckdb()
    changed: list[nw.Expr] = []
    refused: dict[str, str] = {}
    for column in columns:
        dtype, value = schema[column], nw.col(column)
        if dtype.is_nested() or dtype == nw.Binary or (dtype == nw.Object and not pandas):
            refused[column] = str(dtype)
        elif dtype.is_float() and duckdb:
            # As text: of Parquet columns DuckDB believes statistics that know nothing of NaN.
            text = value.cast(nw.String)
            changed.append(nw.when(text != "nan").then(text).alias(column))
        elif dtype.is_float():
            changed.append(nw.when(~value.is_nan()).then(value).alias(column))
        elif dtype in (nw.Categorical, nw.Enum, nw.Object, nw.Unknown):
            changed.append(nw.when(~value.is_null()).then(value.cast(nw.String)).alias(column))
    with translated():
        return (frame.with_columns(*changed) if changed else frame), refused


def categories_are_text(frame: Frame) -> bool:
    """Tell whether categories are texts in the engine; in others they may be anything."""
    return frame.implementation.is_polars() or frame.implementation.is_duckdb()


def texts_among(frame: Frame, columns: Iterable[str]) -> list[str]:
    """Return those of some columns that hold text."""
    schema = frame.collect_schema()
    return [column for column in columns if schema[column] == nw.String]


def somewhere(frame: Frame, conditions: Sequence[nw.Expr]) -> list[bool]:
    """Tell which conditions hold in any row, all at once."""
    if not conditions:
        return []
    hits = [nw.when(one).then(nw.lit(1)).otherwise(nw.lit(0)) for one in conditions]
    counted = (hit.max().alias(f"riskshift_{at}") for at, hit in enumerate(hits))
    return [bool(held) for held in fetch(frame.select(*counted))[0]]


def count_patterns(
    frame: Frame, columns: Sequence[str], *, limit: int | None = None
) -> list[tuple[Any, ...]]:
    """Group by the values as they are; each row ends with its count. At most `limit` patterns."""
    counted = frame.group_by(*columns).agg(nw.len().alias("riskshift_n"))
    return fetch(counted if limit is None else counted.head(limit))


def occur_twice(frame: Frame, columns: Sequence[str]) -> bool:
    """Tell whether values repeat; the first rows often settle it."""
    if repeats(frame.head(FIRST_ROWS), columns)[1] > 1:
        return True
    if frame.implementation.is_duckdb() and _hashes_differ(frame, columns):
        return False
    return repeats(frame, columns)[1] > 1


def _hashes_differ(frame: Frame, columns: Sequence[str]) -> bool:
    """Tell whether all values have different hashes, so that they differ themselves.

    Numbers are sorted in a fifth of the time in which values are grouped, and with a 64-bit hash some
    two of 20 million different values meet with a chance of 10**-5; then they are grouped after all.
    """
    parts = -(-count_rows(frame) // MOST_HASHES)
    with translated():
        held = ", ".join(map(quoted, columns))
        hashed = frame.to_native().project(f"hash({held}) AS riskshift_hash")
        for part in range(parts):
            some = hashed.filter(f"riskshift_hash % {parts:d} = {part:d}")
            hashes = np.sort(some.fetchnumpy()["riskshift_hash"])
            if (hashes[1:] == hashes[:-1]).any():
                return False
    return True


def repeats(frame: Frame, columns: Sequence[str]) -> tuple[int, int]:
    """Return how many distinct values there are and how often the most frequent one occurs."""
    groups = frame.group_by(*columns).agg(nw.len().alias("riskshift_n"))
    rows = fetch(groups.select(nw.len().alias("groups"), nw.col("riskshift_n").max().alias("most")))
    return int(rows[0][0]), int(rows[0][1] or 0)


def count_rows(frame: Frame) -> int:
    """Count the rows."""
    return int(fetch(frame.select(nw.len().alias("riskshift_n")))[0][0])


def is_blank(frame: Frame, column: str) -> nw.Expr:
    """Tell where a column is null, NaN or empty text."""
    dtype = frame.collect_schema()[column]
    blank = nw.col(column).is_null()
    if dtype == nw.String:
        return blank | (nw.col(column) == "")
    return blank | nw.col(column).is_nan() if dtype.is_float() else blank


def names(frame: Frame, column: str, *, limit: int | None = None) -> set[str]:
    """Return the groups of a column by name, at most `limit`."""
    called = frame.select(named(column).alias("riskshift_group"))
    return {row[0] for row in count_patterns(called, ["riskshift_group"], limit=limit)}


def named(column: str) -> nw.Expr:
    """Name the groups of a column in the engine as `group_name` does."""
    text = stripped(nw.col(column).cast(nw.String))
    flag = nw.when(text.is_in(["True", "False"])).then(text.str.to_lowercase()).otherwise(text)
    return nw.when(~text.is_null() & (text != "")).then(flag).otherwise(nw.lit(NO_VALUE))
