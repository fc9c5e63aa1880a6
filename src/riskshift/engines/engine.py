"""The few questions that rows are asked, in whatever engine holds them.

Expressions go through narwhals. DuckDB answers with its own fetch, so that no Arrow library is
needed; eager frames are collected as numpy arrays.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from riskshift.counts.clusters import IntArray
from riskshift.counts.pairs import NO_VALUE
from riskshift.records import BLANKS

Frame = nw.LazyFrame[Any]


def engine_name(frame: Frame) -> str:
    """Return the engine that holds the rows, such as ``"duckdb"`` or ``"polars"``."""
    return str(frame.implementation.value)


class EngineError(Exception):
    """The engine could not read the rows; its source may know why."""


@contextmanager
def translated() -> Iterator[None]:
    """Turn what any engine raises while it computes into an `EngineError`."""
    try:
        yield
    except _engine_errors() as error:
        raise EngineError(str(error) or type(error).__name__) from error


def _engine_errors() -> tuple[type[Exception], ...]:
    # Of the engines that are in use, so that none is imported for its exceptions. DuckDB fails to
    # decode its own message where that quotes bytes that are no text.
    found: list[type[Exception]] = [nw.exceptions.NarwhalsError, OSError, UnicodeDecodeError]
    for library, name in (
        ("duckdb", "Error"),
        ("polars", "exceptions.PolarsError"),
        ("pyarrow", "ArrowException"),
    ):
        if library in sys.modules:
            found.append(attrgetter(name)(sys.modules[library]))
    return tuple(found)


def fetch(frame: Frame) -> list[tuple[Any, ...]]:
    """Bring a small frame over as rows; what is missing is None, whatever the engine calls it."""
    with translated():
        if frame.implementation.is_duckdb():
            return list(frame.to_native().fetchall())
        rows = frame.collect().iter_rows()
    return [tuple(None if _is_missing(value) else value for value in row) for row in rows]


def fetch_columns(frame: Frame) -> list[NDArray[Any]]:
    """Bring a large frame over column by column; text that is missing is None."""
    with translated():
        if frame.implementation.is_duckdb():
            held = frame.to_native().fetchnumpy()
            columns = [held[name] for name in frame.collect_schema().names()]
            return [
                c.filled(None)
                if isinstance(c, np.ma.MaskedArray) and c.dtype == object
                else np.asarray(c)
                for c in columns
            ]
        rows = frame.collect()
    columns = [rows.get_column(name).to_numpy() for name in rows.columns]
    return [
        np.array([None if _is_missing(v) else v for v in c], dtype=object)
        if c.dtype.kind in "OTU"
        else c
        for c in columns
    ]


def _is_missing(value: object) -> bool:
    try:
        return bool(value != value)  # NaN and NaT differ from themselves
    except TypeError:  # pandas.NA refuses to say
        return True


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


def trimmed(frame: Frame, columns: Iterable[str]) -> Frame:
    """Take the spaces off that stand around the texts of some columns, the same in every engine."""
    schema = frame.collect_schema()
    texts = [column for column in columns if schema[column] == nw.String]
    return (
        frame.with_columns(nw.col(column).str.strip_chars(BLANKS) for column in texts)
        if texts
        else frame
    )


def count_patterns(
    frame: Frame, columns: Sequence[str], *, limit: int | None = None
) -> list[tuple[Any, ...]]:
    """Group by the values as they are; each row ends with its count. At most `limit` patterns."""
    counted = frame.group_by(*columns).agg(nw.len().alias("riskshift_n"))
    return fetch(counted if limit is None else counted.head(limit))


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


def named(column: str) -> nw.Expr:
    """Name the groups of a column in the engine as `group_name` does."""
    text = nw.col(column).cast(nw.String).str.strip_chars(BLANKS)
    flag = nw.when(text.is_in(["True", "False"])).then(text.str.to_lowercase()).otherwise(text)
    return nw.when(~text.is_null() & (text != "")).then(flag).otherwise(nw.lit(NO_VALUE))


def compositions(
    frame: Frame, cluster: str, code: nw.Expr
) -> tuple[IntArray, IntArray, NDArray[Any]]:
    """Collect the distinct multisets of codes that occur together in a cluster.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        The rows.
    cluster : str
        Rows with equal values here belong together.
    code : narwhals.Expr
        The code of a row.

    Returns
    -------
    indptr : ndarray of int, shape (kinds + 1,)
        Where the codes of each kind of cluster begin and end.
    weight : ndarray of int, shape (kinds,)
        How many clusters are of the kind. A kind may come more than once.
    codes : ndarray, shape (indptr[-1],)
        The codes, ascending within a kind.
    """
    coded = frame.select(cluster, code.alias("riskshift_code"))
    if frame.implementation.is_duckdb():
        with translated():
            return _compositions_duckdb(coded.to_native(), cluster)
    return _compositions_eager(coded, cluster)


def _compositions_duckdb(relation: Any, cluster: str) -> tuple[IntArray, IntArray, NDArray[Any]]:
    quoted = '"' + cluster.replace('"', '""') + '"'
    kinds = relation.aggregate("list_sort(list(riskshift_code)) AS codes", quoted).aggregate(
        "codes, count(*) AS weight", "codes"
    )
    flat = kinds.query(
        "kinds",
        "SELECT (row_number() OVER ())::INTEGER AS kind, weight::INTEGER AS weight, "
        "unnest(codes) AS code FROM kinds",
    ).fetchnumpy()
    # Threads hand their rows back in any order; the stable sort keeps the codes of a kind ascending.
    order = np.argsort(flat["kind"], kind="stable")
    kind = flat["kind"][order]
    starts = np.flatnonzero(np.diff(kind, prepend=-1))
    indptr = np.append(starts, len(kind)).astype(np.int64)
    return indptr, flat["weight"][order][starts].astype(np.int64), flat["code"][order]


def _compositions_eager(coded: Frame, cluster: str) -> tuple[IntArray, IntArray, NDArray[Any]]:
    with translated():
        rows = coded.sort(cluster, "riskshift_code").collect()
    values, n = rows.get_column(cluster), len(rows)
    # Not by shift(), which makes pandas' integers floats: ids beyond 2**53 would run together.
    changed = (values.tail(n - 1) != values.head(n - 1)).to_numpy().astype(bool)
    first = np.append(True, changed)
    indptr = np.append(np.flatnonzero(first), len(rows)).astype(np.int64)
    codes = rows.get_column("riskshift_code").to_numpy()
    return indptr, np.ones(len(indptr) - 1, dtype=np.int64), codes


@dataclass(frozen=True, slots=True)
class Nested:
    """What occurs together in items, and which items occur together in a cluster.

    Parameters
    ----------
    weight : ndarray of int, shape (kinds,)
        How many clusters are of each kind. A kind may come more than once.
    items : ndarray of int, shape (kinds + 1,)
        Where the items of each kind of cluster begin and end.
    codes : ndarray of int, shape (items[-1] + 1,)
        Where the codes of each item begin and end.
    code : ndarray, shape (codes[-1],)
        The codes.
    """

    weight: IntArray
    items: IntArray
    codes: IntArray
    code: NDArray[Any]


def nested_compositions(
    frame: Frame, cluster: Sequence[str], item: Sequence[str], code: nw.Expr
) -> Nested:
    """Collect the codes that occur together in each item, and the items of each cluster.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        The rows.
    cluster, item : sequence of str
        Rows with equal values in `cluster` belong to one cluster; if they have equal values in
        `item` too, to one item. No value may be missing.
    code : narwhals.Expr
        The code of a row.

    Returns
    -------
    Nested
    """
    coded = frame.select(*dict.fromkeys((*cluster, *item)), code.alias("riskshift_code"))
    if frame.implementation.is_duckdb():
        with translated():
            return _nested_duckdb(coded.to_native(), cluster, item)
    return _nested_eager(coded, cluster, item)


def _nested_duckdb(relation: Any, cluster: Sequence[str], item: Sequence[str]) -> Nested:
    outer, inner = (
        ", ".join('"' + name.replace('"', '""') + '"' for name in names)
        for names in (cluster, dict.fromkeys((*cluster, *item)))
    )
    flat = (
        relation.aggregate(f"{inner}, list_sort(list(riskshift_code)) AS codes", inner)
        .aggregate("list_sort(list(codes)) AS items", outer)
        .aggregate("items, count(*) AS weight", "items")
        .query(
            "kinds",
            "SELECT kind, weight, item, unnest(codes) AS code FROM (SELECT kind, weight, "
            "generate_subscripts(items, 1)::INTEGER AS item, unnest(items) AS codes FROM "
            "(SELECT (row_number() OVER ())::INTEGER AS kind, weight::INTEGER AS weight, items FROM kinds))",
        )
        .fetchnumpy()
    )
    order = np.lexsort((flat["item"], flat["kind"]))
    kind, at = flat["kind"][order], flat["item"][order]
    return _bounded(kind, at, flat["weight"][order], flat["code"][order])


def _bounded(kind: Any, at: Any, weight: Any, code: NDArray[Any]) -> Nested:
    """Find where kinds and their items begin in sorted rows."""
    new_kind = np.diff(kind, prepend=-1) != 0
    new_item = new_kind | (np.diff(at, prepend=-1) != 0)
    codes = np.append(np.flatnonzero(new_item), len(code)).astype(np.int64)
    items = np.append(np.flatnonzero(new_kind[new_item]), len(codes) - 1).astype(np.int64)
    return Nested(weight[new_kind].astype(np.int64), items, codes, code)


def _nested_eager(coded: Frame, cluster: Sequence[str], item: Sequence[str]) -> Nested:
    with translated():
        rows = coded.sort(*dict.fromkeys((*cluster, *item))).collect()
    kind = np.cumsum(_changes(rows, cluster))
    at = np.cumsum(_changes(rows, item))
    codes = rows.get_column("riskshift_code").to_numpy()
    return _bounded(kind, at, np.ones(len(rows), dtype=np.int64), codes)


def _changes(rows: Any, columns: Sequence[str]) -> NDArray[np.bool_]:
    """Tell where a row differs from the one before."""
    n = len(rows)
    changed = np.zeros(n, dtype=np.bool_)
    changed[:1] = True
    for column in columns:
        values = rows.get_column(column)
        changed[1:] |= (values.tail(n - 1) != values.head(n - 1)).to_numpy().astype(bool)
    return changed
