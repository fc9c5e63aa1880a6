"""A rate with its counts, its interval and what was left out of it."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from riskshift.analysis.metrics import Metric
from riskshift.analysis.severities import Answer, Severities
from riskshift.counts.clusters import IntArray
from riskshift.counts.pairs import Counts
from riskshift.errors import UsageError, unknown_choice
from riskshift.stats.cluster import clustered_interval
from riskshift.stats.proportion import Interval, clopper_pearson, normal_quantile, wilson
from riskshift.stats.resample import Bootstrap, bootstrap_ratio, generator

INTERVALS: Final = {"wilson": wilson, "clopper-pearson": clopper_pearson}
DEFAULT_SEED: Final = 20260709


@dataclass(frozen=True, slots=True)
class Settings:
    """How to estimate.

    Parameters
    ----------
    confidence : float, default 0.95
        Two-sided coverage of every interval.
    interval : {"wilson", "clopper-pearson"}
        Interval of a proportion.
    seed : int
        Where all random numbers start; each question has its own stream.
    resamples : int
        Draws of a bootstrap.
    permutations : int
        Draws of a permutation test.
    """

    confidence: float = 0.95
    interval: str = "wilson"
    seed: int = DEFAULT_SEED
    resamples: int = 10_000
    permutations: int = 50_000

    def __post_init__(self) -> None:
        normal_quantile(self.confidence)  # checks the level
        if self.interval not in INTERVALS:
            raise unknown_choice("interval", self.interval, list(INTERVALS))
        for name, least in (("seed", 0), ("resamples", 1), ("permutations", 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise UsageError(f"{name} is {value!r}; it must be a whole number from {least} up.")


@dataclass(frozen=True, slots=True)
class Rate:
    """Share of `trials` in which the event happened.

    Parameters
    ----------
    name : str
        Name of the metric.
    events, trials : int
        Counts. Records whose needed labels are missing are in neither.
    interval : Interval or None
        None where there are no trials, so that nothing can be said.
    deff : float or None
        Design effect; None where every record stands alone.
    effective_n : float or None
        Independent records that would tell as much; None where every record stands alone.
    bootstrap : Bootstrap or None
        Cluster bootstrap beside it; None where every record stands alone or no spread was seen.
    missing : int
        Records left out that may belong to the denominator.
    weighed : float or None
        The share where records count unequally, by the strata that they were drawn from; None
        where all count alike.
    """

    name: str
    events: int
    trials: int
    interval: Interval | None
    deff: float | None = None
    effective_n: float | None = None
    bootstrap: Bootstrap | None = None
    missing: int = 0
    weighed: float | None = None

    @property
    def estimate(self) -> float | None:
        """Events / trials, unless they are weighed; None where there are no trials."""
        if self.weighed is not None:
            return self.weighed
        return self.events / self.trials if self.trials else None

    @property
    def worst_case(self) -> tuple[float, float] | None:
        """The lowest and highest value that the missing labels allow; None if none are missing."""
        if not self.missing:
            return None
        total = self.trials + self.missing
        return self.events / total, (self.events + self.missing) / total

    def to_dict(self) -> dict[str, Any]:
        """Return the rate as plain data, undefined as None."""
        worst = self.worst_case
        boot = self.bootstrap
        return {
            "events": self.events,
            "trials": self.trials,
            "estimate": self.estimate,
            **interval_dict(self.interval),
            "deff": self.deff,
            "effective_n": self.effective_n,
            "cluster_bootstrap": None if boot is None else bootstrap_dict(boot),
            "worst_case": None
            if worst is None
            else {"low": worst[0], "high": worst[1], "missing": self.missing},
        }

    def __str__(self) -> str:
        if self.interval is None or self.estimate is None:
            return f"{self.name}: undefined (no records in the denominator)"
        low, high = self.interval.low, self.interval.high
        return (
            f"{self.name}: {self.events:,} of {self.trials:,}, {self.estimate:.1%} "
            f"[{low:.1%}, {high:.1%}] ({self.interval.method}, {level(self.interval.confidence)})"
        )


def level(confidence: float) -> str:
    """Write a confidence as it was given: a level of 99.9% must not be rounded to 100%.

    Examples
    --------
    >>> level(0.95), level(0.999)
    ('95%', '99.9%')
    """
    return f"{100 * confidence:.10g}%"


def interval_dict(held: Interval | Bootstrap | None) -> dict[str, Any]:
    """Return an interval as plain data."""
    return {
        "low": None if held is None else held.low,
        "high": None if held is None else held.high,
        "method": "undefined" if held is None else held.method,
        "confidence": None if held is None else held.confidence,
    }


def bootstrap_dict(boot: Bootstrap) -> dict[str, Any]:
    """Return a bootstrap interval as plain data."""
    return {"low": boot.low, "high": boot.high, "resamples": boot.resamples, "method": boot.method}


def estimate_metric(
    metric: Metric, severities: Severities, settings: Settings, *, category: int = 0
) -> Rate:
    """Estimate one metric of the catalogue."""
    name = severities.counts.taxonomy.categories[category]
    return estimate_rate(
        metric.name,
        severities.counts,
        event=metric.event(severities, category),
        given=metric.given(severities, category),
        settings=settings,
        stream=f"{metric.name}[{name}]",
    )


def estimate_rate(
    name: str, counts: Counts, *, event: Answer, given: Answer, settings: Settings, stream: str = ""
) -> Rate:
    """Estimate the share of `given` records in which `event` happened.

    Parameters
    ----------
    name : str
        Name of the rate.
    counts : Counts
        The patterns.
    event, given : ndarray of int8, shape (patterns,)
        1 yes, 0 no, -1 not known. A record counts where both are known and `given` is 1.
    settings : Settings
        How to estimate.
    stream : str, optional
        Names the stream of random numbers; default: `name`.

    Returns
    -------
    Rate

    References
    ----------
    .. [1] E. L. Korn, B. I. Graubard, "Confidence intervals for proportions with small expected
       number of positive counts estimated from survey data", Survey Methodology 24 (1998).
    """
    inside, happened = members(event, given)
    unknown = (given == -1) | ((given == 1) & (event == -1))
    events, trials = int(counts.n[happened].sum()), int(counts.n[inside].sum())
    missing = int(counts.n[unknown].sum())
    method = INTERVALS[settings.interval]
    if trials == 0:
        return Rate(name, 0, 0, None, missing=missing)
    if counts.clusters is None:
        interval = method(events, trials, confidence=settings.confidence)
        return Rate(name, events, trials, interval, missing=missing)
    cells, weight = counts.sums(happened, inside)
    interval, effective = clustered_interval(
        cells[:, 0], cells[:, 1], weight, confidence=settings.confidence, method=method
    )
    boot = bootstrap_ratio(
        cells[:, 0],
        cells[:, 1],
        weight,
        resamples=settings.resamples,
        confidence=settings.confidence,
        rng=generator(settings.seed, "rate", stream or name),
    )
    return Rate(name, events, trials, interval, effective.deff, effective.n, boot, missing)


def members(event: Answer, given: Answer) -> tuple[np.ndarray[Any, np.dtype[np.bool_]], ...]:
    """Return which patterns belong to the denominator, and in which of them the event happened."""
    inside = (given == 1) & (event >= 0)
    return inside, inside & (event == 1)


def summed(counts: Counts, *questions: tuple[Answer, Answer]) -> tuple[IntArray, IntArray]:
    """Marginalise to the events and denominators of several rates; see `Counts.sums`."""
    columns = []
    for event, given in questions:
        inside, happened = members(event, given)
        columns += [happened, inside]
    return counts.sums(*columns)
