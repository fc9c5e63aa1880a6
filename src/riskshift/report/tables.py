"""Tables from items and columns: a column knows its cells, so no position is counted by hand."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Generic, TypeVar

from riskshift.report.document import Table

T = TypeVar("T")
# What a column can say of a kind of item, it can say of every special one.
T_contra = TypeVar("T_contra", contravariant=True)


# Without slots: on Python 3.11, Column[Item](...) cannot be made of a frozen class that has them.
@dataclass(frozen=True)
class Column(Generic[T_contra]):
    """One column of a table whose rows are one item each.

    Parameters
    ----------
    heading : str
        What stands above it.
    cell : callable
        What it says of an item.
    text : bool
        Whether it is set as text; such columns stand first, and the others are set flush right.
    essential : bool
        Whether narrow places keep it.
    legend : str
        What it means, told below the table wherever the column is shown.
    """

    heading: str
    cell: Callable[[T_contra], str]
    text: bool = False
    essential: bool = True
    legend: str = ""


def table(
    caption: str,
    items: Iterable[T],
    columns: Sequence[Column[T]],
    *,
    notes: Iterable[str] = (),
    told: Iterable[tuple[str, str]] = (),
) -> Table:
    """Set items out in a table, a row each.

    Parameters
    ----------
    caption : str
        What it shows.
    items : iterable
        What the rows are about.
    columns : sequence of Column
        What is said of each; those of text first.
    notes : iterable of str
        Footnotes.
    told : iterable of (str, str)
        What stands below the name of each row, and what the cursor shows there.

    Examples
    --------
    >>> letters = table("Words", ["a", "bb"], [Column("Word", str, text=True), Column("Length", lambda w: f"{len(w)}")])
    >>> letters.columns, letters.rows
    (('Word', 'Length'), (('a', '1'), ('bb', '2')))
    """
    kept = tuple(position for position, column in enumerate(columns) if column.essential)
    return Table(
        caption,
        tuple(column.heading for column in columns),
        tuple(tuple(column.cell(item) for column in columns) for item in items),
        text_columns=sum(1 for _ in takewhile(lambda column: column.text, columns)),
        notes=tuple(notes),
        essential=kept if len(kept) < len(columns) else (),
        told=tuple(told),
        legend=tuple((at, column.legend) for at, column in enumerate(columns) if column.legend),
    )
