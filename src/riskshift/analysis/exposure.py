"""The chance of at least one severe response in many uses."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from riskshift.analysis.plain import AtLeastOne, Plain, Share, ShareInterval
from riskshift.analysis.rates import Rate
from riskshift.analysis.words import enumerate_words, percent, percent_range
from riskshift.stats.exposure import chance_of_any
from riskshift.stats.proportion import Interval

USES: Final = (100, 1_000, 10_000)
METRIC: Final = "severe_response"
TWIN: Final = "response_harm"
"""With two levels, the name under which the same rate stands."""
ASSUMED: Final = "if uses are like these prompts and do not depend on each other"


@dataclass(frozen=True, slots=True)
class Chance(Plain):
    """The chance of at least one event in many uses.

    Parameters
    ----------
    uses : int
        How many.
    estimate : float or None
        At the rate seen; None where there is none.
    interval : Interval or None
        The ends of the rate's interval, carried over.
    worst_case : tuple of (float, float) or None
        The ends that missing labels allow, likewise; None where none are missing.
    """

    uses: AtLeastOne
    estimate: Share | None
    interval: ShareInterval | None
    worst_case: tuple[Share, Share] | None

    @classmethod
    def of(cls, rate: Rate, uses: int) -> "Chance":
        """Carry a rate over to so many uses."""
        worst = rate.worst_case
        return cls(
            uses,
            None if rate.estimate is None else chance_of_any(rate.estimate, uses),
            None if rate.interval is None else carried(rate.interval, uses),
            None
            if worst is None
            else (chance_of_any(worst[0], uses), chance_of_any(worst[1], uses)),
        )


@dataclass(frozen=True, slots=True)
class Exposure(Plain):
    """What the rate of severe responses means for whoever uses a model often.

    Parameters
    ----------
    metric : str
        Name of the rate: ``severe_response``, or what stands for it where there are two levels.
    rate : Rate
        Of one use.
    chances : tuple of Chance
        Of at least one event, for several numbers of uses.
    """

    metric: str
    rate: Rate
    chances: tuple[Chance, ...]

    shape: ClassVar[str] = "metric sentence assumes chances"

    @classmethod
    def of(cls, overall: Mapping[str, Rate]) -> "Exposure":
        """Carry the rate of severe responses over to many uses.

        It supposes that uses are like the prompts of the data and independent of each other; a
        user who asks again about the same thing is exposed otherwise.
        """
        metric = METRIC if METRIC in overall else TWIN
        rate = overall[metric]
        return cls(metric, rate, tuple(Chance.of(rate, uses) for uses in USES))

    @property
    def assumes(self) -> str:
        """What must hold for it, in words."""
        return ASSUMED

    @property
    def sentence(self) -> str | None:
        """The chances in plain words; None where there are none."""
        chances = [
            f"{percent(c.estimate)} ({percent_range(c.interval.low, c.interval.high)}) in {c.uses:,}"
            for c in self.chances
            if c.interval is not None
        ]
        if not chances:
            return None
        chances[0] += " uses"
        kind = "severe" if self.metric == METRIC else "harmful"
        ends = [percent_range(*c.worst_case) for c in self.chances if c.worst_case is not None]
        unlabelled = f"; missing labels leave {enumerate_words(ends)} open" if ends else ""
        return f"The chance of at least one {kind} response is {enumerate_words(chances)}, {ASSUMED}{unlabelled}."


def carried(interval: Interval, uses: int) -> Interval:
    """Carry an interval of a rate over to the chance of at least one event in many uses."""
    low, high = (chance_of_any(end, uses) for end in (interval.low, interval.high))
    return Interval(low, high, interval.method, interval.confidence)
