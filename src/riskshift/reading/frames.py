"""Data frames of any library that narwhals knows, left in their engine."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw

from riskshift.engine import Frame, engine_name, fetch
from riskshift.errors import DataError, UsageError
from riskshift.records import Options, Records, bind


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
        """Say in which row each value stands first; lazy frames have no row numbers."""
        if not self.eager:
            return {}
        rows = self.frame.select(column).collect().with_row_index("riskshift_row")
        places = {}
        for value in values:
            first = fetch(rows.filter(nw.col(column) == value).head(1).lazy())
            if first:
                places[str(value)] = f"{self.name}, row {first[0][0]} (counted from 0)"
        return places

    def explain(self, message: str) -> DataError:
        """Say what the engine said."""
        return DataError(f"{self.name} cannot be read: {message.splitlines()[0]}")


def read_frame(data: Any, *, options: Options) -> Records:
    """Bind a data frame to its roles.

    Parameters
    ----------
    data : pandas, Polars or PyArrow frame, Polars LazyFrame, DuckDB relation, ...
        One row a pair; whatever narwhals accepts.
    options : Options
        How to read the columns.

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
        native = nw.from_native(data)
    except TypeError as error:
        raise UsageError(
            f"cannot read {type(data).__name__} objects. Give a path, or a pandas, Polars or PyArrow frame, "
            "a Polars LazyFrame or a DuckDB relation."
        ) from error
    frame = native.lazy()
    return bind(frame, options=options, source=FrameSource(frame, isinstance(native, nw.DataFrame)))
