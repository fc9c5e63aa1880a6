"""One document, many renderers: order, rounding and wording are decided before rendering."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from riskshift.counts.case import Case

Tone = Literal["good", "bad", "mixed", "even", "open"]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text; a note is set apart."""

    text: str
    kind: Literal["plain", "note"] = "plain"


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of text that is ready to be read.

    Parameters
    ----------
    caption : str
        What it shows.
    columns : tuple of str
        Headings.
    rows : tuple of tuple of str
        Cells; may hold names from the data, so renderers escape them.
    text_columns : int
        How many leading columns are text; the rest are numbers and set flush right.
    notes : tuple of str
        Footnotes.
    legend : tuple of (int, str)
        What single columns mean, by position; left out with their columns.
    essential : tuple of int
        Positions of the columns that narrow places keep; empty: all.
    told : tuple of (str, str)
        What the page says below the name of each row, and shows in full under the cursor; empty:
        nothing.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text_columns: int = 1
    notes: tuple[str, ...] = ()
    essential: tuple[int, ...] = ()
    legend: tuple[tuple[int, str], ...] = ()
    told: tuple[tuple[str, str], ...] = ()

    @property
    def footnotes(self) -> tuple[str, ...]:
        """What stands below: the notes, then what the columns mean."""
        meanings = " ".join(text for _, text in self.legend)
        return (*self.notes, meanings) if meanings else self.notes

    def taken(self, kept: Sequence[int]) -> "Table":
        """Return the table of some of its columns."""
        return replace(
            self,
            columns=tuple(self.columns[i] for i in kept),
            rows=tuple(tuple(row[i] for i in kept) for row in self.rows),
            text_columns=sum(i < self.text_columns for i in kept),
            essential=(),
            legend=tuple((list(kept).index(i), text) for i, text in self.legend if i in kept),
        )


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart as data; `charts` knows how to draw each kind.

    Parameters
    ----------
    name : str
        File name without suffix, unique in the document.
    kind : {"intervals", "differences", "bars", "heatmap", "lines"}
        Dots with intervals, the same of differences of rates, stacked bars, a transition heat map,
        or shares along numbers.
    title, alt : str
        Heading, and the same in words for those who do not see it.
    rows : tuple of dict
        intervals and differences: label, series, estimate, low, high (shares), and where it is so
        `beside` (what follows the number) and `few` (1 where it rests on few records). bars: label,
        part, share, count.
        heatmap: prompt, response, count. lines: x (a positive number, on a logarithmic axis),
        y (a share), series.
    order : tuple of str
        Labels from top to bottom (heatmap: levels, mildest first; lines: titles of the x-axis and
        the y-axis).
    series : tuple of str
        Series or parts in the order of the legend.
    limits : (float, float) or None
        Where the axis of intervals ends, if not at their ends: what goes on beyond has an arrow.
    marks : tuple of float
        Where differences have a line to be held against.
    narrow : bool
        Whether it is one of several that stand side by side.
    note : str
        What its marks mean.
    """

    name: str
    kind: Literal["intervals", "differences", "bars", "heatmap", "lines"]
    title: str
    alt: str
    rows: tuple[dict[str, str | float | int], ...]
    order: tuple[str, ...]
    series: tuple[str, ...] = ()
    limits: tuple[float, float] | None = None
    marks: tuple[float, ...] = ()
    narrow: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Panels:
    """One picture of several charts side by side."""

    title: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One cell of a grid of verdicts.

    Parameters
    ----------
    word : str
        The verdict.
    tone : {"good", "bad", "mixed", "even", "open"}
        How it is coloured, beside the word.
    parts : tuple of str
        What it is put together from.
    """

    word: str
    tone: Tone
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grid:
    """Verdicts on pairs: each row against each column; None where there is no such pair."""

    caption: str
    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Verdict | None, ...]], ...]
    notes: tuple[str, ...] = ()

    def table(self) -> Table:
        """Return it as a table of words, for places that know nothing better."""
        cells = (
            (name, *("" if cell is None else cell.word for cell in row)) for name, row in self.rows
        )
        return Table(
            self.caption,
            (self.heading, *self.columns),
            tuple(cells),
            text_columns=1 + len(self.columns),
            notes=self.notes,
        )


@dataclass(frozen=True, slots=True)
class Matrix:
    """A transition matrix: rows are prompt severities, columns response severities."""

    caption: str
    levels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    def figure(self) -> Figure:
        """Return the same as a heat map, for charts that stand alone."""
        rows: tuple[dict[str, str | float | int], ...] = tuple(
            {"prompt": prompt, "response": response, "count": count}
            for prompt, row in zip(self.levels, self.counts, strict=True)
            for response, count in zip(self.levels, row, strict=True)
        )
        told = "; ".join(f"{row['prompt']} to {row['response']}: {row['count']:,}" for row in rows)
        return Figure(
            "transitions", "heatmap", self.caption, f"Heat map. {told}.", rows, self.levels
        )


@dataclass(frozen=True, slots=True)
class Terms:
    """Names and what they mean; the formula stands between them."""

    items: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class CaseList:
    """Pairs to read, worst first; texts stay hidden until asked for.

    Parameters
    ----------
    cases : tuple of Case
        The pairs.
    levels : tuple of str
        Names of the levels, mildest first.
    bits : tuple of (str, tuple of int)
        What one bit would say, and the positions of the cases of which it says so.
    """

    cases: tuple[Case, ...]
    levels: tuple[str, ...]
    bits: tuple[tuple[str, tuple[int, ...]], ...] = ()


Block = Paragraph | Bullets | Table | Matrix | Grid | Figure | Panels | Terms | CaseList


@dataclass(frozen=True, slots=True)
class Section:
    """A titled part of the document.

    Parameters
    ----------
    title, anchor : str
        Heading, and its name in links.
    blocks : tuple of Block
        What stands in it.
    brief : bool
        Whether the terminal shows it.
    folded : bool
        Whether the page shows its title alone until it is opened; paper shows all.
    """

    title: str
    anchor: str
    blocks: tuple[Block, ...]
    brief: bool = False
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A report before it is rendered.

    Parameters
    ----------
    title, subtitle : str
        What it is, and of what.
    summary : tuple of str
        The main findings in plain words.
    caveats : tuple of str
        What cannot be said.
    sections : tuple of Section
        The rest, in reading order.
    """

    title: str
    subtitle: str
    summary: tuple[str, ...]
    caveats: tuple[str, ...]
    sections: tuple[Section, ...] = field(default=())

    def figures(self) -> Iterator[Figure]:
        """Yield every figure, in order; matrices as heat maps."""
        for section in self.sections:
            for block in section.blocks:
                if isinstance(block, Figure):
                    yield block
                elif isinstance(block, Panels):
                    yield from block.figures
                elif isinstance(block, Matrix):
                    yield block.figure()
