"""How a table fits a page of LaTeX: size of type, widths of columns, parts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import Final

from riskshift.outputs import escape
from riskshift.report.document import Table
from riskshift.report.render.tabular import shared_width

# All in points: the line, and of each size of type its em and the gap between columns.
_LINE: Final = 504.0
_LONG_WORD: Final = 11.0
# More than these may not fit one page.
MOST_LINES: Final = 40
_NARROW: Final = frozenset(" .,:;'!|ijlt()[]/-")
_WIDE: Final = frozenset("mwMW%@<>=+~")


@dataclass(frozen=True, slots=True)
class _Size:
    command: str
    em: float
    gap: float = 12.0

    def room(self, columns: int) -> float:
        """Width of the line in em, gaps aside."""
        return (_LINE - self.gap * (columns - 1)) / self.em


_SIZES: Final = (
    _Size(r"\small", 9.3),
    _Size(r"\footnotesize", 8.6),
    _Size(r"\scriptsize\setlength{\tabcolsep}{3pt}", 7.7, 6.0),
)
# Letters between two places where a word too long for its column may break.
_PIECE: Final = 3


@dataclass(frozen=True, slots=True)
class Setting:
    """How a table is set.

    Parameters
    ----------
    size : str
        Command for the size of type.
    columns : str
        Argument of ``tabular``.
    widths : tuple of float
        Width of each column in em.
    long : bool
        Whether it may not fit one page.
    """

    size: str
    columns: str
    widths: tuple[float, ...]
    long: bool


def typeset(table: Table) -> Iterator[tuple[Table, Setting]]:
    """Yield a table with its setting; in parts, each with all columns of text, if it is too wide."""
    natural = [max(map(ems, column)) for column in _columns(table)]
    for size in _SIZES[:2]:
        if sum(natural) <= size.room(len(natural)):
            marks = "l" * table.text_columns + "r" * (len(natural) - table.text_columns)
            columns = f"@{{}}{marks}@{{}}"
            if _lines(table, natural) > MOST_LINES:
                # Over several pages TeX needs a second run for columns that measure themselves.
                columns = _paragraphs(table, natural, size)
            yield table, _setting(table, size, columns, natural)
            return
    for part in _parts(table):
        size = next((size for size in _SIZES if _fits(part, size)), _SIZES[-1])
        widths = _shared(part, size.room(len(part.columns)))
        yield part, _setting(part, size, _paragraphs(part, widths, size), widths)


@lru_cache(maxsize=2**16)  # tables say the same words over and over
def ems(text: str) -> float:
    """Estimate the width of a line of text, in em.

    Examples
    --------
    >>> ems("1,250") < ems("1,250 pairs") < ems("1,250 PAIRS")
    True
    """
    return sum(map(_em, escape.visible(text)))


def _em(char: str) -> float:
    if char in _NARROW:
        return 0.33
    if not char.isascii():
        return 0.8 if len(escape.latex(char)) < len("$\\langle$U+0000$\\rangle$") else 4.5
    return 0.85 if char in _WIDE else 0.76 if char.isupper() else 0.53


def broken(text: str, *, width: float) -> str:
    r"""Escape text, letting a word wider than `width` em break within.

    Examples
    --------
    >>> print(broken("a verylongname", width=2.0))
    a ver\allowbreak{}ylo\allowbreak{}ngn\allowbreak{}ame
    """
    words = []
    for word in text.split(" "):
        step = _PIECE if ems(word) > 1.01 * width else max(len(word), 1)
        pieces = [word[i : i + step] for i in range(0, len(word), step)]
        words.append(r"\allowbreak{}".join(map(escape.latex, pieces)))
    return " ".join(words)


def _columns(table: Table) -> list[tuple[str, ...]]:
    return list(zip(table.columns, *table.rows, strict=True))


def _least(table: Table) -> list[float]:
    """Give the widths, in em, down to which columns may shrink: numbers do not break."""
    least = []
    for position, (heading, *cells) in enumerate(_columns(table)):
        words = max((ems(word) for cell in (heading, *cells) for word in cell.split()), default=0.0)
        if position < table.text_columns:
            least.append(min(words, _LONG_WORD))
        else:
            whole = max(map(ems, cells), default=0.0)
            least.append(max(whole, *map(ems, heading.split()), 0.0))
    return least


def _fits(table: Table, size: _Size) -> bool:
    return sum(_least(table)) <= size.room(len(table.columns))


def _parts(table: Table) -> Iterator[Table]:
    """Deal the columns of numbers out to as many tables as it takes."""
    texts = list(range(table.text_columns))
    kept: list[int] = []
    for position in range(table.text_columns, len(table.columns)):
        if kept and not _fits(table.taken([*texts, *kept, position]), _SIZES[-1]):
            yield table.taken([*texts, *kept])
            kept = []
        kept.append(position)
    yield table.taken([*texts, *kept])


def _shared(table: Table, width: float) -> list[float]:
    least = _least(table)
    if sum(least) > width:
        return [part * width / sum(least) for part in least]
    full = [max(map(ems, column)) for column in _columns(table)]
    return shared_width(least, full, texts=table.text_columns, width=width)


def _paragraphs(table: Table, widths: Sequence[float], size: _Size) -> str:
    """Write columns that wrap, as shares of the line so that they fit a narrower one too."""
    marks = []
    for position, width in enumerate(widths):
        flush = r"\raggedright" if position < table.text_columns else r"\raggedleft"
        share = f"{(width * size.em + size.gap) / _LINE:.4f}"
        marks.append(
            rf">{{{flush}\arraybackslash}}p{{\dimexpr {share}\linewidth-2\tabcolsep\relax}}"
        )
    return f"@{{}}{''.join(marks)}@{{}}"


def _setting(table: Table, size: _Size, columns: str, widths: Sequence[float]) -> Setting:
    return Setting(size.command, columns, tuple(widths), _lines(table, widths) > MOST_LINES)


def _lines(table: Table, widths: Sequence[float]) -> int:
    return sum(
        max(ceil(ems(cell) / max(width, 0.1)) for cell, width in zip(row, widths, strict=True))
        for row in (table.columns, *table.rows)
    )
