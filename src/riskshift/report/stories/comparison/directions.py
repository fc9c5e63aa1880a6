"""Verdicts pair by pair, harm and help together: one cell a pair."""

from typing import Final

from riskshift.analysis.comparison.joint.directions import JOINTLY, Direction, Joint, TwoDirections
from riskshift.analysis.comparison.result import Comparison
from riskshift.analysis.verdicts import SPOKEN
from riskshift.report.document import Grid, Paragraph, Section, Tone, Verdict

_TONES: Final[dict[Joint, Tone]] = {
    "better": "good",
    "not_worse": "even",
    "worse": "bad",
    "trade_off": "mixed",
    "inconclusive": "open",
}


def directions_section(comparison: Comparison) -> Section:
    """Say of each pair of models what it gains in harm, and what that costs in help."""
    held = {(item.candidate, item.baseline): item for item in comparison.directions}
    columns = list(dict.fromkeys(item.baseline for item in comparison.directions))
    rows = list(dict.fromkeys(item.candidate for item in comparison.directions))
    text = (
        "Each row against each column, harm and help judged together. better: better in one direction and at least "
        "not worse in the other. A trade-off: better in one, worse in the other. In a direction of several metrics, "
        "better needs one that is better by Holm's correction and none that is more than the margin worse; worse "
        "needs one that is worse. Not settled: these prompts cannot tell."
    )
    grid = Grid(
        "Verdicts, harm and help together",
        "Model" if len(columns) > 1 else "Candidate",
        tuple(columns if len(columns) > 1 else [f"against {columns[0]}"]),
        tuple((row, tuple(_cell(held.get((row, column))) for column in columns)) for row in rows),
        notes=() if len(columns) == 1 else ("Every pair stands once: the row against the column.",),
    )
    return Section("Verdicts", "directions", (Paragraph(text), grid), brief=True)


def _cell(item: TwoDirections | None) -> Verdict | None:
    if item is None:
        return None
    parts = (f"harm {_word(item.harm)}", f"help {_word(item.helpful)}")
    if item.verdict is None:
        return Verdict("no verdict", "open", parts)
    return Verdict(JOINTLY[item.verdict], _TONES[item.verdict], parts)


def _word(direction: Direction) -> str:
    return "not known" if direction.verdict is None else SPOKEN[direction.verdict]
