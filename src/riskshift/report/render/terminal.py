"""What a person sees in a terminal: findings, the main tables, what cannot be said."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, takewhile
from typing import Final

from rich import box
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table as Lines
from rich.text import Text

from riskshift.outputs import escape
from riskshift.report.document import (
    Block,
    Bullets,
    CaseList,
    Document,
    Grid,
    Matrix,
    Paragraph,
    Table,
)
from riskshift.report.render.tabular import matrix_table, narrowed, shared_width, shortened

WIDEST: Final = 100
MOST_ROWS: Final = 50
MOST_ITEMS: Final = 8
LONGEST_NAME: Final = 120
_GAP: Final = 2
# Columns of text wrap between words; a longer word is broken.
_LONG_WORD: Final = 30
_LONG_WORD_IF_TIGHT: Final = 16


def render_terminal(document: Document, console: Console) -> None:
    """Print the brief part of a document.

    Parameters
    ----------
    document : Document
        What to show: its summary, the sections that are brief, its caveats.
    console : rich.console.Console
        Where to; lines are at most 100 cells wide, and no wider than the console.

    Examples
    --------
    >>> page = Document("Risk", "3 pairs", ("All fell.",), ("Labels are taken as they are.",))
    >>> render_terminal(page, Console(width=40))
    Risk
    3 pairs
    <BLANKLINE>
    • All fell.
    <BLANKLINE>
    What cannot be said
    ───────────────────
    <BLANKLINE>
    • Labels are taken as they are.
    """
    _Screen(console).show(document)


class _Screen:
    """A console, how wide to write on it, and what its encoding can carry."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.width = min(console.width, WIDEST)
        self.noted: set[str] = set()
        plain = console.options.ascii_only
        self.bullet, self.line = ("*", "-") if plain else ("•", "─")

    def show(self, document: Document) -> None:
        self.print(self.text(document.title, style="bold"))
        if document.subtitle:
            self.print(self.text(document.subtitle, style="dim"))
        if document.summary:
            self.print(Text(), self.bullets(document.summary))
        for section in document.sections:
            if section.brief:
                self.section(section.title, section.blocks)
        if document.caveats:
            self.section("What cannot be said", ())
            self.print(Text(), self.bullets(document.caveats))
        if document.sections:
            hidden = [section.title for section in document.sections if not section.brief]
            told = "; ".join(["charts and further tables", *hidden])
            self.print(Text(), self.text(f"In the report (-o report.html): {told}.", style="dim"))

    def section(self, title: str, blocks: Sequence[Block]) -> None:
        heading = self.text(title, style="bold")
        self.print(Text(), heading, Text(self.line * min(heading.cell_len, self.width)))
        for block in _brief(blocks):
            for part in self.block(block):
                self.print(Text(), part)

    def print(self, *parts: RenderableType) -> None:
        for part in parts:
            self.console.print(part, width=self.width)

    def text(self, text: str, *, style: str = "", width: int = 0) -> Text:
        encoding = self.console.encoding
        shown = escape.visible(text).encode(encoding, "backslashreplace").decode(encoding)
        return Text(_folded(shown, width) if width else shown, style=style, overflow="fold")

    def bullets(self, items: Sequence[str]) -> Lines:
        grid = Lines.grid(padding=(0, 1, 0, 0))
        grid.add_column(width=1)
        grid.add_column(overflow="fold")
        for item in items:
            grid.add_row(self.bullet, self.text(item))
        return grid

    def block(self, block: Block) -> Iterator[RenderableType]:
        match block:
            case Paragraph(text, kind):
                shown = self.text(text)
                yield Padding(shown, (0, 0, 0, 2)) if kind == "note" else shown
            case Bullets(items):
                yield self.bullets(items[:MOST_ITEMS])
                if len(items) > MOST_ITEMS:
                    yield self.more(len(items) - MOST_ITEMS, "")
            case Matrix():
                yield from self.table(matrix_table(block))
            case Grid():
                # As numbers, so that no verdict is broken.
                yield from self.table(replace(block.table(), text_columns=1))
            case Table():
                yield from self.table(block)
            case CaseList(cases):
                noun = "pair" if len(cases) == 1 else "pairs"
                yield self.text(f"{len(cases):,} {noun} to read in the report: -o report.html")
            case _:
                pass

    def more(self, count: int, what: str) -> Text:
        return self.text(f"and {count:,} more{what} in the report: -o report.html")

    def table(self, table: Table) -> Iterator[RenderableType]:
        yield self.text(table.caption, style="bold")
        table = shortened(table, LONGEST_NAME)
        more = len(table.rows) - MOST_ROWS
        narrow = narrowed(table)
        shown = narrow
        for candidate, long_word in (
            (table, None),
            (narrow, _LONG_WORD),
            (narrow, _LONG_WORD_IF_TIGHT),
        ):
            widths = self.widths(candidate, long_word)
            if widths is not None:
                shown = candidate
                yield self.grid(shown, widths)
                break
        else:
            yield self.stacked(shown)
        if more > 0:
            yield self.more(more, " rows")
        hidden = [name for name in table.columns if name not in shown.columns]
        if hidden:
            yield Padding(
                self.text(f"Not shown here: {_listed(hidden)}.", style="dim"), (0, 0, 0, 2)
            )
        for note in [note for note in shown.footnotes if note not in self.noted]:
            self.noted.add(note)
            yield Padding(self.text(note, style="dim"), (0, 0, 0, 2))

    def widths(self, table: Table, long_word: int | None) -> list[int] | None:
        """Share the width among the columns, or give None where a number would break.

        Text wraps between words, and a word longer than `long_word` within; None: not at all.
        """
        columns = list(zip(table.columns, *table.rows[:MOST_ROWS], strict=True))
        shown = [[self.text(cell).plain for cell in column] for column in columns]
        full = [max(map(cell_len, column)) for column in shown]
        least = []
        for position, (heading, *cells) in enumerate(shown):
            words = max(map(_longest_word, (heading, *cells)))
            if position < table.text_columns and long_word is not None:
                least.append(max(min(long_word, words), 1))
            else:
                least.append(max(_longest_word(heading), *map(cell_len, cells), 1))
        width = self.width - _GAP * (len(least) - 1)
        if sum(least) > width:
            return None
        return [int(w) for w in shared_width(least, full, texts=table.text_columns, width=width)]

    def grid(self, table: Table, widths: Sequence[int]) -> Lines:
        grid = Lines(
            box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, _GAP - 1, 0, 0)
        )
        for position, (heading, width) in enumerate(zip(table.columns, widths, strict=True)):
            number = position >= table.text_columns
            grid.add_column(
                self.text(heading),
                justify="right" if number else "left",
                width=width,
                overflow="fold",
            )
        for row in table.rows[:MOST_ROWS]:
            cells = zip(row, widths, strict=True)
            grid.add_row(*(self.text(cell, width=width) for cell, width in cells))
        return grid

    def stacked(self, table: Table) -> Lines:
        """Set a table that is too wide as one short list a row."""
        grid = Lines.grid()
        grid.add_column(overflow="fold")
        names = max(table.text_columns, 1)
        for row in table.rows[:MOST_ROWS]:
            grid.add_row(self.text(", ".join(filter(None, row[:names])), style="bold"))
            for heading, cell in zip(table.columns[names:], row[names:], strict=True):
                if cell:
                    said = self.text(f"{heading}: {cell}" if heading else cell)
                    grid.add_row(Padding(said, (0, 0, 0, 2)))
        return grid


def _listed(names: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(names))


def _longest_word(text: str) -> int:
    return max(map(cell_len, text.split()), default=0)


def _folded(text: str, width: int) -> str:
    """Break words wider than `width`, where a name has a joint if it has one."""
    words = []
    for word in text.split(" "):
        rest = word
        while cell_len(rest) > width:
            most = _that_fit(rest, width)
            joint = max(rest.rfind(mark, 0, most) + 1 for mark in "_-/.:")
            joint = max(joint, rest.rfind("[", 1, most + 1))
            at = joint if joint > most // 2 else most
            words.append(f"{rest[:at]}\n")
            rest = rest[at:]
        words.append(rest)
    return " ".join(words).replace("\n ", "\n")


def _that_fit(word: str, width: int) -> int:
    taken = accumulate(map(cell_len, word))
    return max(sum(1 for _ in takewhile(lambda cells: cells <= width, taken)), 1)


def _brief(blocks: Sequence[Block]) -> Iterator[Block]:
    """Leave out all but the first table and the first paragraph: the rest is detail."""
    seen: set[type[Block]] = set()
    for block in blocks:
        plain = isinstance(block, Paragraph) and block.kind == "plain"
        once = plain or isinstance(block, Table)
        if not once or type(block) not in seen:
            yield block
        if once:
            seen.add(type(block))
