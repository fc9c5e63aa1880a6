"""Whether a model is worse than another by more than is tolerated."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import ClassVar, Final, Literal

import numpy as np

from riskshift.analysis.plain import Plain
from riskshift.stats.planning.paired_power import further_pairs
from riskshift.stats.proportion import Interval

DEFAULT_MARGIN: Final = 0.01
Word = Literal["better", "not_worse", "worse", "inconclusive"]
# As readers meet them.
SPOKEN: Final[dict[Word, str]] = {
    "better": "better",
    "not_worse": "not worse",
    "worse": "worse",
    "inconclusive": "not settled",
}


@dataclass(frozen=True, slots=True)
class Verdict(Plain):
    """Whether the candidate is worse than the baseline by more than a margin.

    Parameters
    ----------
    word : {"better", "not_worse", "worse", "inconclusive"}
        better: surely below the baseline. not_worse: surely at most the margin above it. worse:
        surely more than the margin above it. inconclusive: none of these can be said. Of an event
        that is wanted below and above change places.
    margin : float
        The difference that is tolerated.
    higher : bool
        Whether the candidate is surely above the baseline, be it within the margin: with baseline
        and candidate swapped it would be better.
    further_prompts : int or None
        For inconclusive: how many more matched prompts of the kind that the metric takes would
        settle it at the rates seen; None where no number up to ten million would.
    further_prompts_of_mix : int or None
        How many prompts of the whole mix that is.
    bad : bool, default True
        Whether the event is bad, so that above is worse.
    lacks : {"prompts", "labels"} or None
        For inconclusive: what would settle it. Labels, where the missing ones could turn a verdict.
    """

    word: Word
    margin: float
    higher: bool
    further_prompts: int | None
    further_prompts_of_mix: int | None
    bad: bool = True
    lacks: Literal["prompts", "labels"] | None = None

    shape: ClassVar[str] = "verdict=word margin higher further_prompts further_prompts_of_mix lacks"

    @property
    def above(self) -> str:
        """How the candidate's rate is called where `higher` holds."""
        return "higher" if self.bad else "lower"

    @property
    def spoken(self) -> str:
        """The verdict as readers meet it."""
        if self.lacks == "labels":
            return f"{SPOKEN[self.word]} for want of labels"
        # "worse" says it already, and "better" excludes it.
        higher = self.higher and self.word in ("not_worse", "inconclusive")
        return SPOKEN[self.word] + (f", though {self.above}" if higher else "")


def judge(
    counts: Sequence[float],
    interval: Interval,
    margin: float,
    *,
    deff: float = 1.0,
    bad: bool = True,
    prompts: int | None = None,
    matched: int | None = None,
) -> Verdict:
    """Judge a difference against a margin.

    Parameters
    ----------
    counts : sequence of float
        Both, candidate only, baseline only, neither.
    interval : Interval
        Of candidate minus baseline; of several comparisons at once, the simultaneous one.
    margin : float
        How much worse the candidate may be.
    deff : float, default 1
        Pairs that tell as much as one independent one.
    bad : bool, default True
        Whether the event is bad; where it is good, less of it is worse.
    prompts : int, optional
        Prompts that the pairs come from; default: one each.
    matched : int, optional
        Prompts of the whole mix, of which the metric takes `prompts`; default: all of them.

    Returns
    -------
    Verdict

    Examples
    --------
    >>> from riskshift.stats.matched.paired import tango_exact
    >>> counts = (20, 12, 4, 464)
    >>> verdict = judge(counts, tango_exact(*counts), 0.01, matched=2_000)
    >>> verdict.word, verdict.further_prompts, verdict.further_prompts_of_mix
    ('inconclusive', 2796, 11184)
    """
    both, more, less, neither = counts
    low, high = interval.low, interval.high
    if not bad:
        both, more, less, neither = neither, less, more, both
        low, high = -high, -low
    word: Word = "inconclusive"
    if high < 0:
        word = "better"
    elif high <= margin:
        word = "not_worse"
    elif low > margin:
        word = "worse"
    further = None
    if word == "inconclusive" and np.isfinite(deff):
        further = further_pairs(
            both, more, less, neither, margin, confidence=interval.confidence, deff=deff
        )
    lacks: Literal["prompts"] | None = "prompts" if word == "inconclusive" else None
    if further is None:
        return Verdict(word, margin, low > 0, None, None, bad, lacks)
    pairs = float(sum(counts))
    asked = pairs if prompts is None else prompts
    mix = asked if matched is None else matched
    more_prompts, of_mix = _scaled(further, asked / pairs), _scaled(further, mix / pairs)
    return Verdict(word, margin, low > 0, more_prompts, of_mix, bad, lacks)


def settled(known: Verdict, lowest: Interval, highest: Interval) -> Verdict:
    """Keep of a verdict what the missing labels cannot turn.

    Parameters
    ----------
    known : Verdict
        By the complete records.
    lowest, highest : Interval
        Of candidate minus baseline, with the missing labels taken so that it is as low, and as
        high, as it can be.

    Returns
    -------
    Verdict
        The one that both ends give, if they agree. "better" at one end and "not worse" at the other
        is not worse. Else inconclusive, for want of labels.
    """
    nothing = (0.0, 0.0, 0.0, 1.0)
    ends = [
        judge(nothing, end, known.margin, deff=float("inf"), bad=known.bad)
        for end in (lowest, highest)
    ]
    words = {end.word for end in ends}
    higher = all(end.higher for end in ends)
    if words == {"inconclusive"}:
        told = known if known.word == "inconclusive" else ends[0]
        return replace(told, higher=higher)
    if words <= {"better", "not_worse"}:
        word: Word = "better" if words == {"better"} else "not_worse"
    elif words == {"worse"}:
        word = "worse"
    else:
        return Verdict("inconclusive", known.margin, higher, None, None, known.bad, "labels")
    return Verdict(word, known.margin, higher, None, None, known.bad)


def _scaled(further: int, share: float) -> int:
    # A share such as 16 / 600 * 600 / 16 must not round up to one more.
    return ceil(further * share * (1 - 1e-12))
