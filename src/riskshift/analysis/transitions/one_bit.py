"""What one bit would have said: the binary measures of the field, and what each of them hides."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

import numpy as np

from riskshift.analysis.metrics import OVERALL, Choice
from riskshift.analysis.plain import Keyed, Plain
from riskshift.analysis.rates import Rate
from riskshift.analysis.severities import NO, YES, Severities
from riskshift.counts.clusters import BoolArray
from riskshift.counts.pairs import Counts
from riskshift.written import MISSING

MOVES: Final = (
    "reduced",
    "preserved_at_safe",
    "preserved_at_harm",
    "escalated_from_safe",
    "escalated_from_harm",
)
_OPEN: Final = "not_known"
# How the field calls a rate, the rate, and what a reader calls its event and the rest.
_MEASURES: Final = (
    ("attack success rate", "harmful_prompt_compliance", "attack worked", "attack failed"),
    ("defect rate", "response_harm", "defect", "no defect"),
    ("refusal rate", "refusal", "refused", "answered"),
    ("over-refusal rate", "over_refusal", "refused", "answered"),
)
Moves = Annotated[dict[str, int], Keyed(f"{' '.join(MOVES)} {_OPEN}")]


@dataclass(frozen=True, slots=True)
class BinaryMeasure(Plain):
    """One bit a response, and what became of the risk behind it.

    Parameters
    ----------
    name : str
        What the field calls it, such as ``attack success rate``.
    metric : str
        The rate that it is.
    rate : Rate
        Its value.
    event, rest : str
        What a response with the event is called, and one without.
    with_event, without_event : dict of str to int
        Records by what happened to the risk: reduced, preserved at a safe level, preserved at a
        harmful one, escalated from a harmless prompt, escalated from a harmful one. Where labels
        are missing it may be not known. They add up to the transition matrix, restricted to the
        records of the measure.
    """

    name: str
    metric: str
    rate: Rate
    event: str
    rest: str
    with_event: Moves
    without_event: Moves

    shape: ClassVar[str] = "name metric rate event rest with_event without_event"

    @property
    def parts(self) -> tuple[tuple[str, dict[str, int]], ...]:
        """What each bit is called, and its records by what happened to the risk."""
        return (self.event, self.with_event), (self.rest, self.without_event)

    @property
    def placed(self) -> int:
        """Records of which it is known what happened to the risk."""
        return sum(placed(moves) for _, moves in self.parts)


def placed(moves: dict[str, int]) -> int:
    """Count the records of which it is known what happened to the risk.

    Examples
    --------
    >>> placed({**dict.fromkeys(MOVES, 2), "not_known": 5})
    10
    """
    return sum(moves[name] for name in MOVES)


def one_bit(severities: Severities, rates: dict[str, Rate]) -> tuple[BinaryMeasure, ...]:
    """Take apart the binary measures that the data allow.

    Parameters
    ----------
    severities : Severities
        The patterns.
    rates : dict of str to Rate
        Metrics over all categories, of the same patterns.

    Returns
    -------
    tuple of BinaryMeasure
        Without those of which no record is known.
    """
    moves = _moves(severities)
    made = []
    for name, metric, event, rest in _MEASURES:
        if metric not in rates or not rates[metric].trials:
            continue
        choice = next(Choice(one, None) for one in OVERALL if one.name == metric)
        possible = choice.answers(severities).possible
        parts = [_tally(severities.counts, possible == bit, moves) for bit in (YES, NO)]
        made.append(BinaryMeasure(name, metric, rates[metric], event, rest, *parts))
    return tuple(made)


def _moves(severities: Severities) -> dict[str, BoolArray]:
    """Tell what happened to the risk, where both sides' severities are known."""
    p, r = severities.prompt.value, severities.response.value
    known = (p != MISSING) & (r != MISSING)
    harmful = p >= severities.harmful_from
    kinds = (r < p, ~harmful & (r == p), harmful & (r == p), ~harmful & (r > p), harmful & (r > p))
    return {name: known & kind for name, kind in zip(MOVES, kinds, strict=True)} | {_OPEN: ~known}


def _tally(counts: Counts, chosen: BoolArray, moves: dict[str, BoolArray]) -> dict[str, int]:
    return {name: int(np.sum(counts.n[chosen & move])) for name, move in moves.items()}
