"""Data frames of any library that narwhals knows, left in their engine."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw

from riskshift.engines.engine import (
    EngineError,
    Frame,
    engine_name,
    fetch,
    is_blank,
    plain,
    translated,
)
from riskshift.errors import DataError, UsageError
from riskshift.records import Options, Purpose, Records


@dataclass(frozen=True, slots=True)
class FrameSource:
    """A frame, asked again only to say where a fault stands."""

    frame: Frame
    eager: bool

    @property
    def name(self) -> str:
        """What to call the data in a message."""
        return f"the {self.engine} frame"

    @property
    def engine(self) -> str:
        """The engine that holds the rows."""
        return engine_name(self.frame)

    def places(self, column: str, values: Sequence[object]) -> dict[str, str]:
        """Say in which row each value stands first; lazy frames have no row numbers. None is a blank."""
        if not self.eager:
            return {}
        frame, _ = plain(self.frame.select(column), [column])
        rows = frame.collect().with_row_index("riskshift_row")
        places = {}
        for value in values:
            same = is_blank(frame, column) if value is None else nw.col(column) == value
            first = fetch(rows.filter(same).head(1).lazy())
            if first:
                text = "" if value is None else str(value).strip()
                places[text] = f"{self.name}, row {first[0][0]} (counted from 0)"
        return places

    def explain(self, message: str) -> DataError:
        """Say what the engine said."""
        return DataError(f"{self.name} cannot be read: {message.splitlines()[0]}")


def read_frame(data: Any, *, options: Options, purpose: Purpose) -> Records:
    """Bind a data frame to its roles.

    Parameters
    ----------
    data : pandas, Polars or PyArrow frame, Polars LazyFrame, DuckDB relation, ...
        One row a pair; whatever narwhals accepts.
    options : Options
        How to read the columns.
    purpose : Purpose
        What the rows are read for.

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
    try:
        with _explained(type(data).__name__):
            native = nw.from_native(data)
    except TypeError as error:
        raise UsageError(
            f"cannot read {type(data).__name__} objects. Give a path, or a pandas, Polars or PyArrow frame, "
            "a Polars LazyFrame or a DuckDB relation."
        ) from error
    with _explained(type(data).__name__):
        frame = native.lazy()
        frame.collect_schema()
    return purpose.bind(
        frame, options=options, source=FrameSource(frame, isinstance(native, nw.DataFrame))
    )


@contextmanager
def _explained(kind: str) -> Iterator[None]:
    try:
        with translated():
            yield
    except EngineError as error:
        raise DataError(f"the {kind} cannot be read: {str(error).splitlines()[0]}") from error
