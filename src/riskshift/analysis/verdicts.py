"""Whether a model is worse than another by more than is tolerated."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from riskshift.stats.paired_power import further_pairs
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
class Verdict:
    """Whether the candidate is worse than the baseline by more than a margin.

    Parameters
    ----------
    word : {"better", "not_worse", "worse", "inconclusive"}
        better: surely below the baseline. not_worse: surely at most the margin above it. worse:
        surely more than the margin above it. inconclusive: none of these can be said.
    margin : float
        The difference that is tolerated.
    higher : bool
        Whether the candidate is surely above the baseline, be it within the margin.
    further_prompts : int or None
        For inconclusive: how many more matched prompts would settle it at the rates seen; None
        where no number up to ten million would.
    """

    word: Word
    margin: float
    higher: bool
    further_prompts: int | None

    @property
    def spoken(self) -> str:
        """The verdict as readers meet it."""
        higher = ", though higher" if self.higher and self.word == "not_worse" else ""
        return SPOKEN[self.word] + higher

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as plain data."""
        return {
            "verdict": self.word,
            "margin": self.margin,
            "higher": self.higher,
            "further_prompts": self.further_prompts,
        }


def judge(
    counts: Sequence[float],
    interval: Interval,
    margin: float,
    *,
    deff: float = 1.0,
    bad: bool = True,
) -> Verdict:
    """Judge a difference against a margin.

    Parameters
    ----------
    counts : sequence of float
        Both, candidate only, baseline only, neither.
    interval : Interval
        Of candidate minus baseline.
    margin : float
        How much worse the candidate may be.
    deff : float, default 1
        Pairs that tell as much as one independent one.
    bad : bool, default True
        Whether the event is bad; where it is good, less of it is worse.

    Returns
    -------
    Verdict
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
    return Verdict(word, margin, low > 0, further)
