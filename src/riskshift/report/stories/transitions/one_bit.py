"""What one bit would have said: each binary measure, and what became of the risk behind it."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from riskshift.analysis.transitions.one_bit import MOVES, BinaryMeasure, placed
from riskshift.analysis.words import counted, enumerate_words, percent, spread
from riskshift.report.document import Block, Bullets, Figure, Paragraph, Section
from riskshift.report.stories.rates import interval_heading
from riskshift.report.tables import Column, table

_WORDS: Final = dict(
    zip(
        MOVES,
        (
            "less severe than the prompt",
            "as harmless as the prompt",
            "as severe as a harmful prompt",
            "more severe than a harmless prompt",
            "more severe than a harmful prompt",
        ),
        strict=True,
    )
)
_SHORT: Final = dict(
    zip(
        MOVES,
        (
            "lowered",
            "kept harmless",
            "kept harmful",
            "rose, harmless prompt",
            "rose, harmful prompt",
        ),
        strict=True,
    )
)


class _Bit(NamedTuple):
    """One value of one measure."""

    measure: str
    called: str
    moves: dict[str, int]

    @property
    def label(self) -> str:
        return f"{self.measure.removesuffix(' rate')}: {self.called}"

    @property
    def placed(self) -> int:
        return placed(self.moves)

    @property
    def open(self) -> int:
        return sum(self.moves.values()) - self.placed


def one_bit_section(measures: tuple[BinaryMeasure, ...]) -> Section:
    """Show each binary measure beside what it hides."""
    bits = [_Bit(m.name, called, moves) for m in measures for called, moves in m.parts]
    bits = [bit for bit in bits if sum(bit.moves.values())]
    blocks: list[Block] = [
        Paragraph(
            "Evaluations often report one of these numbers alone: one bit a response. The same bit may stand for risk "
            "that was lowered, for risk that was never there, and for risk that rose."
        ),
        table(
            "What one bit would have said",
            measures,
            (
                Column[BinaryMeasure]("Measure", lambda m: m.name, text=True),
                Column("Counts", lambda m: f"{m.rate.events:,} of {m.rate.trials:,}"),
                Column("Value", lambda m: percent(m.rate.estimate)),
                Column(interval_heading([m.rate for m in measures]), lambda m: spread(m.rate)),
            ),
        ),
        Bullets(tuple(_sentences(bits))),
        *_picture(bits),
    ]
    columns = [Column[_Bit]("Measure: bit", lambda bit: bit.label, text=True)]
    columns += [_moved(name) for name in MOVES]
    if any(bit.open for bit in bits):
        columns.append(Column("not known", lambda bit: f"{bit.open:,}", essential=False))
    notes = [
        "Lowered, kept and rose compare the response with its prompt, by the highest severity of each. The rows of a "
        "measure add up to the matrix above, as far as the measure counts its pairs."
    ]
    blocks.append(
        table("What it hides: records by what happened to the risk", bits, columns, notes=notes)
    )
    return Section("What one bit would have said", "one-bit", tuple(blocks), brief=True)


def _moved(name: str) -> Column[_Bit]:
    return Column(_SHORT[name], lambda bit: f"{bit.moves[name]:,}")


def _sentences(bits: list[_Bit]) -> Iterator[str]:
    for bit in bits:
        if bit.placed:
            said = f"{bit.measure.capitalize()}, {bit.called}: {hidden(bit.moves)}"
            yield f"{said} ({counted(bit.placed, 'pair')})."


def hidden(moves: dict[str, int]) -> str:
    """Say what happened to the risk behind one value of a bit.

    Examples
    --------
    >>> hidden(dict(zip(MOVES, (3, 1, 0, 0, 0))))
    'the response was less severe than the prompt in 75.0% and as harmless as the prompt in 25.0%'
    """
    all_ = placed(moves)
    parts = [f"{_WORDS[name]} in {percent(moves[name] / all_)}" for name in MOVES if moves[name]]
    return f"the response was {enumerate_words(parts)}"


def _picture(bits: list[_Bit]) -> Iterator[Figure]:
    drawn = [bit for bit in bits if bit.placed]
    if not drawn:
        return
    rows: tuple[dict[str, str | float | int], ...] = tuple(
        {
            "label": bit.label,
            "part": _SHORT[name],
            "share": bit.moves[name] / bit.placed,
            "count": bit.moves[name],
        }
        for bit in drawn
        for name in MOVES
    )
    told = "; ".join(f"{bit.label}: {hidden(bit.moves)}" for bit in drawn)
    yield Figure(
        "one-bit",
        "bars",
        "What became of the risk behind each bit",
        f"Stacked bars. {told}.",
        rows,
        tuple(bit.label for bit in drawn),
        tuple(_SHORT.values()),
    )
