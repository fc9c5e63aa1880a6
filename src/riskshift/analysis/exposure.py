"""The chance of at least one severe response in many uses."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from riskshift.analysis.rates import Rate, interval_dict
from riskshift.analysis.words import enumerate_words, percent, percent_range
from riskshift.stats.exposure import chance_of_any
from riskshift.stats.proportion import Interval

USES: Final = (100, 1_000, 10_000)
METRIC: Final = "severe_response"
TWIN: Final = "response_harm"
"""With two levels, the name under which the same rate stands."""
ASSUMED: Final = "if uses are like these prompts and do not depend on each other"


@dataclass(frozen=True, slots=True)
class Chance:
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

    uses: int
    estimate: float | None
    interval: Interval | None
    worst_case: tuple[float, float] | None

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

    def to_dict(self) -> dict[str, Any]:
        """Return the chance as plain data, undefined as None."""
        worst = self.worst_case
        return {
            "uses": self.uses,
            "estimate": self.estimate,
            **interval_dict(self.interval),
            "worst_case": None if worst is None else {"low": worst[0], "high": worst[1]},
        }


@dataclass(frozen=True, slots=True)
class Exposure:
    """What the rate of severe responses means for whoever uses a model often.

    Parameters
    ----------
    metric : str
        The rate: `METRIC`, or `TWIN` where there are two levels.
    rate : Rate
        Of one use.
    chances : tuple of Chance
        Of at least one event, for each of `USES`.
    """

    metric: str
    rate: Rate
    chances: tuple[Chance, ...]

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

    def to_dict(self) -> dict[str, Any]:
        """Return the chances as plain data."""
        return {
            "metric": self.metric,
            "sentence": self.sentence,
            "assumes": ASSUMED,
            "chances": [chance.to_dict() for chance in self.chances],
        }


def carried(interval: Interval, uses: int) -> Interval:
    """Carry an interval of a rate over to the chance of at least one event in many uses."""
    low, high = (chance_of_any(end, uses) for end in (interval.low, interval.high))
    return Interval(low, high, interval.method, interval.confidence)
