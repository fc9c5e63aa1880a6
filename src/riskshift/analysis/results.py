"""What every result offers alike: sentences, a table, a data frame, plain data."""

import importlib.util
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar, Final

from riskshift.analysis.plain import Plain, plain
from riskshift.analysis.words import percent, percent_range, printable
from riskshift.errors import unknown_choice
from riskshift.version import __version__

SCHEMA_VERSION: Final = 1
FRAMES: Final = ("polars", "pandas", "pyarrow")
# What `str` fits: a terminal as wide as most, as high as one that is not small.
WIDTH: Final = 80
HEIGHT: Final = 40
# Rows that a notebook shows of a table.
MOST_ROWS: Final = 60
Glance = tuple[tuple[str, ...], Iterable[tuple[str, ...]]]


class Results(Plain):
    """What a command wrote.

    A class of results has a `summary`, yields its `rows`, and declares the `columns` that they have.
    """

    __slots__ = ()
    kind: ClassVar[str]

    if TYPE_CHECKING:  # a field of some classes, a property of others

        @property
        def summary(self) -> tuple[str, ...]:
            """The main findings in plain words."""

        @property
        def notes(self) -> Sequence[str]:
            """What cannot be said, in plain words."""

        @property
        def columns(self) -> Mapping[str, type]:
            """The columns of its rows: text, int where it is always known, else float."""

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data, undefined as None: the contents of the JSON file."""
        made: dict[str, Any] = plain(self)
        return envelope(self.kind) | made

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield its numbers as flat rows, alike in their keys."""
        raise NotImplementedError

    def to_frame(self, library: str | None = None) -> Any:
        """Return its rows as a data frame.

        Parameters
        ----------
        library : {"polars", "pandas", "pyarrow"}, optional
            Default: the library that the data came in, else the first of these installed.

        Raises
        ------
        UsageError
            If `library` is none of these.
        ImportError
            If no such library is installed.
        """
        import narwhals.stable.v2 as nw

        if library is not None and library not in FRAMES:
            raise unknown_choice("library", library, FRAMES)
        types: Any = {str: nw.String, int: nw.Int64, float: nw.Float64}
        rows, kinds = list(self.rows()), self.columns.items()
        held = {name: [_cell(row[name], kind) for row in rows] for name, kind in kinds}
        schema = {name: types[kind] for name, kind in kinds}
        backend: Any = library or self._library()
        return nw.from_dict(held, schema, backend=backend).to_native()

    def _library(self) -> str:
        for name in (self._engine(), *FRAMES):
            if name in FRAMES and importlib.util.find_spec(name) is not None:
                return name
        raise ImportError(
            f"to_frame needs one of {', '.join(FRAMES)}; install one, such as: pip install polars."
        )

    def _engine(self) -> str:
        """Return what held the rows of the data, if there were some."""
        return str(getattr(getattr(self, "provenance", None), "engine", ""))

    def _lines(self) -> Iterable[str]:
        """Return what `str` shows below the summary."""
        return ()

    def _glance(self) -> Glance:
        """Return what a notebook shows below the summary: headings, and cells row by row."""
        raise NotImplementedError

    def __str__(self) -> str:
        below = [line for told in self._lines() for line in _wrapped(told)]
        lines = [line for told in self.summary for line in _wrapped(told)]
        lines += ["", *below] if below else []
        if len(lines) > HEIGHT:
            more = len(lines) - HEIGHT + 1
            lines[HEIGHT - 1 :] = [f"... and {more:,} lines more: riskshift.write, to_frame()"]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        headings, cells = self._glance()
        notes = f"<details><summary>Notes</summary>{_paragraphs(self.notes)}</details>"
        return _paragraphs(self.summary) + _html_table(headings, list(cells)) + notes


def envelope(kind: str) -> dict[str, Any]:
    """Return the keys with which all results begin."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": kind,
        "riskshift_version": __version__,
    }


def share_cells(estimate: float | None, held: Any) -> tuple[str, str]:
    """Return the cells of a share and of its interval, empty where there is none.

    Examples
    --------
    >>> share_cells(0.25, None)
    ('25.0%', '')
    """
    return percent(estimate), "" if held is None else percent_range(held.low, held.high)


def _cell(value: Any, kind: type) -> Any:
    if value is None or (value == "" and kind is not str):
        return None
    return kind(value)


def _wrapped(told: str) -> list[str]:
    indent = " " * (len(told) - len(told.lstrip(" ")))
    return textwrap.wrap(
        printable(told), WIDTH, subsequent_indent=indent, break_on_hyphens=False
    ) or [""]


def _paragraphs(sentences: Iterable[str]) -> str:
    return "".join(f"<p>{escape(printable(told))}</p>" for told in sentences)


def _html_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in headings)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(printable(cell))}</td>" for cell in row) + "</tr>"
        for row in rows[:MOST_ROWS]
    )
    more = len(rows) - MOST_ROWS
    rest = f"<p>{more:,} further rows: to_frame().</p>" if more > 0 else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}"
