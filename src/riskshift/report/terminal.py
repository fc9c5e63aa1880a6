"""A document for a person at a terminal: the summary, the main tables, what cannot be said."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, Literal

from riskshift.report.document import (
    Block,
    Bullets,
    CaseList,
    Document,
    Matrix,
    Paragraph,
    Section,
    Table,
)
from riskshift.report.escape import visible

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

WIDEST: Final = 100
LONGEST_NAME: Final = 40


def render_terminal(document: Document, console: "Console") -> None:
    """Print a document.

    Parameters
    ----------
    document : Document
        What to print; figures, definitions and cases are for the page.
    console : rich.console.Console
        Where to; at most 100 columns of it are used.
    """
    from rich.text import Text

    width = min(console.width, WIDEST)

    def show(what: "RenderableType") -> None:
        console.print(what, width=width, markup=False, highlight=False)

    show(Text(visible(document.title), style="bold"))
    show(Text(visible(document.subtitle), style="dim"))
    for sentence in document.summary:
        console.print()
        show(Text(visible(sentence)))
    for section in document.sections:
        parts = list(_section(section, width)) if section.brief else []
        if parts:
            console.print()
            show(Text(visible(section.title), style="bold underline"))
        for part in parts:
            console.print()
            show(part)
    if document.caveats:
        console.print()
        show(Text("What cannot be said", style="bold underline"))
        for caveat in document.caveats:
            show(_item(caveat))


def _section(section: Section, width: int) -> Iterator["RenderableType"]:
    shown: set[str] = set()
    for block in section.blocks:
        # The other tables of a section go into detail that only the page has room for.
        kind = type(block).__name__
        if kind in ("Table", "Paragraph") and kind in shown:
            continue
        shown.add(kind)
        yield from _block(block, width)


def _block(block: Block, width: int) -> Iterator["RenderableType"]:
    from rich.text import Text

    if isinstance(block, Table):
        yield from _table(block, width)
    elif isinstance(block, Matrix):
        yield from _matrix(block, width)
    elif isinstance(block, Paragraph) and block.kind == "note":
        yield Text(visible(block.text), style="italic")
    elif isinstance(block, CaseList) and block.cases:
        count = len(block.cases)
        what = "1 case is" if count == 1 else f"{count:,} cases are"
        yield Text(f"{what} listed in the page: -o report.html")
    elif isinstance(block, Bullets) and not block.items:
        return


def _table(block: Table, width: int) -> Iterator["RenderableType"]:
    from rich.text import Text

    positions = list(range(len(block.columns)))
    if block.essential and _needed(block, positions) > width:
        positions = list(block.essential)
    while len(positions) > 2 and _needed(block, positions) > width:
        positions.pop()
    rows = [[row[at] for at in positions] for row in block.rows]
    heads = [block.columns[at] for at in positions]
    left = {i for i, at in enumerate(positions) if at < block.text_columns}
    yield Text(visible(block.caption), style="bold")
    yield _grid(heads, rows, left)
    for note in block.notes:
        yield Text(visible(note), style="dim")


def _needed(block: Table, positions: list[int]) -> int:
    from rich.cells import cell_len

    widths = [
        max(
            cell_len(_short(block.columns[at])),
            *(cell_len(_short(row[at])) for row in block.rows),
            0,
        )
        for at in positions
    ]
    return sum(widths) + 2 * (len(positions) - 1)


def _short(cell: str) -> str:
    shown = visible(cell)
    return shown if len(shown) <= LONGEST_NAME else f"{shown[: LONGEST_NAME - 1]}…"


def _grid(heads: list[str], rows: list[list[str]], left: set[int]) -> "RenderableType":
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(
        box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False, collapse_padding=True
    )
    for at, head in enumerate(heads):
        flush: Literal["left", "right"] = "left" if at in left else "right"
        grid.add_column(Text(_short(head)), justify=flush, overflow="fold")
    for row in rows:
        grid.add_row(*(Text(_short(cell)) for cell in row))
    return grid


def _matrix(block: Matrix, width: int) -> Iterator["RenderableType"]:
    from rich.text import Text

    rows = [
        [level, *(f"{count:,}" for count in row)]
        for level, row in zip(block.levels, block.counts, strict=True)
    ]
    yield Text(f"{visible(block.caption)} (rows: prompt, columns: response)", style="bold")
    if 12 * (len(block.levels) + 1) > 2 * width:
        yield Text("The matrix is too wide for the terminal; the page has it.")
        return
    yield _grid(["", *block.levels], rows, {0})


def _item(text: str) -> "RenderableType":
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid.grid(padding=(0, 1))
    grid.add_column(width=1)
    grid.add_column()
    grid.add_row(Text("-"), Text(visible(text)))
    return grid
