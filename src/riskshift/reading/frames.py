"""Data frames of any library that narwhals knows, left in their engine."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import narwhals.stable.v2 as nw

from riskshift.engines.engine import (
    EngineError,
    engine_name,
    fetch,
    is_blank,
    plain,
    quoted,
    translated,
)
from riskshift.errors import DataError, UsageError, listing
from riskshift.reading.labels.joined import AllJoined, with_labels
from riskshift.reading.labels.nested import with_categories
from riskshift.records import Held, Options, Purpose, Records, own_names


@dataclass(frozen=True, slots=True)
class FrameSource:
    """A frame, asked again only to say where a fault stands."""

    held: Held
    eager: bool
    metadata: Mapping[bytes, bytes] = field(default_factory=dict)
    joined: AllJoined = field(default_factory=AllJoined)
    told: Sequence[str] = ()

    @property
    def name(self) -> str:
        """What to call the data in a message."""
        return f"the {self.engine} frame"

    @property
    def engine(self) -> str:
        """The engine that holds the rows."""
        return engine_name(self.held.frame)

    def places(self, column: str, values: Sequence[object]) -> dict[str, str]:
        """Say in which row each value stands first; lazy frames have no row numbers. None is a blank."""
        found = self.joined.places(column, values)
        own = self.held.columns.get(column)
        if not self.eager or own is None or self.held.frame.collect_schema()[own].is_nested():
            return found
        frame, _ = plain(self.held.frame.select(own), [own])
        rows = frame.collect().with_row_index("riskshift_row")
        places = found
        for value in values:
            same = is_blank(frame, own) if value is None else nw.col(own) == value
            first = fetch(rows.filter(same).head(1).lazy())
            if first:
                text = "" if value is None else str(value).strip()
                places[text] = f"{self.name}, row {first[0][0]} (counted from 0)"
        return places

    @property
    def listing(self) -> str:
        """The same, and the labels that were joined."""
        return f"{self.name}{self.joined.listing}"

    @property
    def notes(self) -> Sequence[str]:
        """What became of labels beside it; no tool wrote a frame."""
        return [*self.told, *self.joined.notes]

    @property
    def facts(self) -> Mapping[str, Sequence[Any]]:
        """Nor does one know how it was made."""
        return {}

    def check_unchanged(self) -> None:
        """Nothing to look at: a frame is what it is."""

    def explain(self, message: str) -> DataError:
        """Say what the engine said."""
        return DataError(f"{self.name} cannot be read: {message.splitlines()[0]}")


def read_frame(
    data: Any, *, options: Options, purpose: Purpose, labels: Sequence[Records] = ()
) -> Records:
    """Bind a data frame to its roles.

    Parameters
    ----------
    data : pandas, Polars or PyArrow frame, Polars LazyFrame, DuckDB relation, Dataset, ...
        One row a pair; whatever narwhals accepts, and data sets of Hugging Face.
    options : Options
        How to read the columns.
    purpose : Purpose
        What the rows are read for.
    labels : sequence of Records
        Labels in frames of their own, of the same library, to be joined.

    Returns
    -------
    Records

    Raises
    ------
    UsageError
        If `data` is not a data frame.
    ColumnError
        If a needed column is missing.
    """
    data = _as_table(data)
    try:
        with _explained(type(data).__name__):
            named, names = _own(data)
            native = nw.from_native(named)
    except TypeError as error:
        raise UsageError(
            f"cannot read {type(data).__name__} objects. Give a path, or a pandas, Polars or PyArrow frame, "
            "a Polars LazyFrame or a DuckDB relation."
        ) from error
    with _explained(type(data).__name__):
        frame = native.lazy()
        names = names or frame.collect_schema().names()
        frame = frame.rename(
            dict(zip(frame.collect_schema().names(), own_names(len(names)), strict=True))
        )
        frame.collect_schema()
    held = Held.named(frame, names)
    # Only PyArrow keeps any; to ask others for a schema may make them compute.
    arrow = type(data).__module__.partition(".")[0] == "pyarrow" and hasattr(data, "schema")
    metadata = (data.schema.metadata if arrow else None) or {}
    source = FrameSource(held, isinstance(native, nw.DataFrame), metadata)
    try:
        held, options, told = with_categories(held, options=options, source=source)
        held, joined = with_labels(held, labels, options=options, name=source.name)
    except EngineError as error:
        raise source.explain(str(error)) from error
    return purpose.bind(held, options=options, source=replace(source, joined=joined, told=told))


def _as_table(data: Any) -> Any:
    """Return a data set of Hugging Face as the Arrow table that it is, and anything else as it is."""
    if type(data).__module__.partition(".")[0] != "datasets":
        return data
    if isinstance(data, Mapping):
        raise UsageError(
            f"a {type(data).__name__} holds splits: {listing(data)}. Give one of them: data[{next(iter(data), '')!r}]."
        )
    if not hasattr(data, "data"):
        raise UsageError(
            f"cannot read {type(data).__name__} objects, which stream. Load the data set without streaming=True."
        )
    return data.with_format("arrow")[:]


def _own(data: Any) -> tuple[Any, list[str]]:
    """Give the columns our own names, by their places, where a library would look into the user's.

    DuckDB takes a dot in the name of a column for the end of the name of its table, and pandas and
    PyArrow let several columns bear one name.
    """
    kind = type(data).__module__.partition(".")[0].lstrip("_")
    if kind == "duckdb" and hasattr(data, "project"):
        names = list(data.columns)
        parts = (f"{quoted(name)} AS {own}" for name, own in _with_own(names))
        return data.project(", ".join(parts)), names
    if kind == "pandas" and hasattr(data, "set_axis") and hasattr(data, "columns"):
        # An index with a name is a column; set_index may have left a column of that name, too.
        levels = [
            name for name in data.index.names if name is not None and name not in data.columns
        ]
        data = data.reset_index(level=levels) if levels else data
        names = [str(name) for name in data.columns]
        return data.set_axis(own_names(len(names)), axis=1), names
    if kind == "pyarrow" and hasattr(data, "rename_columns"):
        names = list(data.column_names)
        return data.rename_columns(own_names(len(names))), names
    return data, []


def _with_own(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    return zip(names, own_names(len(names)), strict=True)


@contextmanager
def _explained(kind: str) -> Iterator[None]:
    try:
        with translated():
            yield
    except EngineError as error:
        raise DataError(f"the {kind} cannot be read: {str(error).splitlines()[0]}") from error
