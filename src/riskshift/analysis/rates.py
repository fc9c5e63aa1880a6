"""A rate with its counts, its interval and what was left out of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Final, Literal

from riskshift.analysis.metrics import Choice, Metric
from riskshift.analysis.plain import (
    AtLeastOne,
    Inner,
    Limits,
    Plain,
    Positive,
    Share,
    ShareInterval,
)
from riskshift.analysis.severities import Answers, Severities
from riskshift.counts.clusters import BoolArray, IntArray
from riskshift.counts.pairs import Counts
from riskshift.errors import UsageError, unknown_choice
from riskshift.stats.clusters.cluster import clustered_interval
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
    bootstrapped : bool, default True
        Whether a bootstrap is drawn beside the intervals that have one.
    """

    confidence: Inner = 0.95
    interval: str = "wilson"
    seed: int = DEFAULT_SEED
    resamples: AtLeastOne = 10_000
    permutations: AtLeastOne = 50_000
    bootstrapped: bool = True

    def __post_init__(self) -> None:
        normal_quantile(self.confidence)  # checks the level
        if self.interval not in INTERVALS:
            raise unknown_choice("interval", self.interval, list(INTERVALS))
        for name, least in (("seed", 0), ("resamples", 1), ("permutations", 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise UsageError(f"{name} is {value!r}; it must be a whole number from {least} up.")


Basis = Literal[
    "all records",
    "complete records",
    "complete records, moved to the nearest that missing labels allow",
]


@dataclass(frozen=True, slots=True)
class Rate(Plain):
    """Share of `trials` in which the event happened.

    Parameters
    ----------
    name : str
        Name of the metric.
    events : int
        Trials in which it happened.
    trials : int
        Records in the denominator. Where missing labels leave some record open, those with all labels
        that the metric needs; else all, since then all is known.
    interval : Interval or None
        None where there are no trials, so that nothing can be said.
    deff : float or None
        Design effect; None where every record stands alone.
    effective_n : float or None
        Independent records that would tell as much; None where every record stands alone.
    bootstrap : Bootstrap or None
        Cluster bootstrap beside it; None where every record stands alone or no spread was seen.
    missing : int
        Records of which missing labels leave open whether they count, or as what.
    worst_case : (float, float) or None
        The lowest and highest share of this data that the missing labels allow; None if all is
        known, or if it may be that no record belongs to the denominator.
    moved : float or None
        The nearest share that the missing labels allow, where the counts give one beyond.
    weighed : float or None
        The share where records count unequally, by the strata that they were drawn from; None
        where all count alike.
    """

    name: str
    events: int
    trials: int
    interval: ShareInterval | None
    deff: Annotated[float, Limits(minimum=1)] | None = None
    effective_n: Positive | None = None
    bootstrap: Bootstrap | None = None
    missing: int = 0
    worst_case: tuple[Share, Share] | None = None
    moved: float | None = None
    weighed: float | None = None

    shape: ClassVar[str] = (
        "events trials estimate interval deff effective_n cluster_bootstrap=bootstrap "
        "basis worst_case?(low=worst_case.0 high=worst_case.1 missing)"
    )

    @property
    def estimate(self) -> Share | None:
        """Events / trials, unless moved or weighed; None where there are no trials."""
        if self.weighed is not None:
            return self.weighed
        if self.moved is not None:
            return self.moved
        return self.events / self.trials if self.trials else None

    @property
    def basis(
        self,
    ) -> Literal[
        "all records",
        "complete records",
        "complete records, moved to the nearest that missing labels allow",
    ]:
        """Which records the estimate is from, in words."""
        if not self.missing:
            return "all records"
        if self.moved is None:
            return "complete records"
        return "complete records, moved to the nearest that missing labels allow"

    def __str__(self) -> str:
        if self.interval is None or self.estimate is None:
            return f"{self.name}: undefined (no records in the denominator)"
        low, high = self.interval.low, self.interval.high
        return (
            f"{self.name}: {self.events:,} of {self.trials:,}, {self.estimate:.1%} "
            f"[{low:.1%}, {high:.1%}] ({self.interval.method}, {unrounded(self.interval.confidence)})"
        )


def unrounded(share: float) -> str:
    """Write a confidence or a bound as it was given: 99.95% must not be rounded to 100%.

    Examples
    --------
    >>> unrounded(0.95), unrounded(0.999)
    ('95%', '99.9%')
    """
    return f"{100 * share:.10g}%"


def interval_dict(held: Interval | Bootstrap | None) -> dict[str, Any]:
    """Return an interval as plain data."""
    return {
        "low": None if held is None else held.low,
        "high": None if held is None else held.high,
        "method": "undefined" if held is None else held.method,
        "confidence": None if held is None else held.confidence,
    }


def estimate_metric(
    metric: Metric,
    severities: Severities,
    settings: Settings,
    *,
    category: int = 0,
    share: float | None = None,
) -> Rate:
    """Estimate one metric of the catalogue; see `estimate_rate`."""
    name = severities.counts.taxonomy.categories[category]
    return estimate_rate(
        metric.name,
        severities.counts,
        Choice(metric, name, category).answers(severities),
        settings,
        stream=f"{metric.name}[{name}]",
        share=share,
    )


def estimate_rate(
    name: str,
    counts: Counts,
    answers: Answers,
    settings: Settings,
    *,
    stream: str = "",
    share: float | None = None,
) -> Rate:
    """Estimate the share of a denominator in which an event happened.

    Parameters
    ----------
    name : str
        Name of the rate.
    counts : Counts
        The patterns.
    answers : Answers
        What is possible of each pattern.
    settings : Settings
        How to estimate.
    stream : str, optional
        Names the stream of random numbers; default: `name`.
    share : float, optional
        What to move the estimate to, where the missing labels leave something open; default: the
        nearest that they allow.

    Returns
    -------
    Rate
        From all records where all is known. Else from the complete ones, moved into what the
        missing labels allow; so is its interval: neither end lies beyond what it would be with the
        worst or the best labels.

    References
    ----------
    .. [1] E. L. Korn, B. I. Graubard, "Confidence intervals for proportions with small expected
       number of positive counts estimated from survey data", Survey Methodology 24 (1998).
    .. [2] C. F. Manski, "Partial Identification of Probability Distributions" (2003), chapter 1:
       worst-case bounds.
    """
    inside, happened = answers.counted
    rate = _share(name, counts, inside, happened, settings)
    clustered = counts.clusters is not None and not counts.in_groups
    if settings.bootstrapped and rate.interval is not None and clustered:
        cells, weight = counts.sums(happened, inside)
        boot = bootstrap_ratio(
            cells[:, 0],
            cells[:, 1],
            weight,
            resamples=settings.resamples,
            confidence=settings.confidence,
            rng=generator(settings.seed, "rate", stream or name),
        )
        rate = replace(rate, bootstrap=boot)
    if answers.whole:
        return rate
    ends = [_share(name, counts, *answers.settled(high=high), settings) for high in (False, True)]
    missing = int(counts.n[answers.unknown].sum())
    method = INTERVALS[settings.interval]
    return bounded(replace(rate, missing=missing), *ends, method=method, share=share)


def bounded(
    rate: Rate,
    lowest: Rate,
    highest: Rate,
    *,
    method: Callable[..., Interval],
    share: float | None = None,
) -> Rate:
    """Move a rate of complete records into what the missing labels allow.

    Parameters
    ----------
    rate : Rate
        Of the complete records.
    lowest, highest : Rate
        With the missing labels taken so that the rate is as low, and as high, as it can be.
    method : callable
        Interval of a proportion.
    share : float, optional
        What to move to; default: the nearest that the missing labels allow.
    """
    ends = [share for share in (lowest.estimate, highest.estimate) if share is not None]
    if not ends:
        return rate
    rate = replace(rate, worst_case=(ends[0], ends[-1]))
    held, estimate = rate.interval, rate.estimate
    if held is None or estimate is None:
        return rate
    moved = min(max(estimate, ends[0]), ends[-1]) if share is None else share
    if moved != estimate:
        rate = _recentred(rate, moved, method)
        held = rate.interval or held
    floor = held.low if lowest.interval is None else lowest.interval.low
    roof = held.high if highest.interval is None else highest.interval.high
    inside = replace(
        held, low=max(held.low, min(floor, moved)), high=min(held.high, max(roof, moved))
    )
    return replace(rate, interval=inside)


def _recentred(rate: Rate, share: float, method: Callable[..., Interval]) -> Rate:
    size = float(rate.trials) if rate.effective_n is None else rate.effective_n
    held = rate.interval
    if held is not None and size:
        held = method(share * size, size, confidence=held.confidence)
    return replace(rate, interval=held, moved=share)


def _share(
    name: str, counts: Counts, inside: BoolArray, happened: BoolArray, settings: Settings
) -> Rate:
    events, trials = int(counts.n[happened].sum()), int(counts.n[inside].sum())
    method = INTERVALS[settings.interval]
    if trials == 0:
        return Rate(name, 0, 0, None)
    if counts.clusters is None:
        return Rate(name, events, trials, method(events, trials, confidence=settings.confidence))
    cells, weight = counts.sums(happened, inside)
    interval, effective = clustered_interval(
        cells[:, 0],
        cells[:, 1],
        weight,
        confidence=settings.confidence,
        method=method,
        random_groups=counts.in_groups,
    )
    return Rate(name, events, trials, interval, effective.deff, effective.n)


def summed(counts: Counts, *questions: Answers) -> tuple[IntArray, IntArray]:
    """Marginalise to the events and denominators of several rates; see `Counts.sums`."""
    columns = []
    for answers in questions:
        inside, happened = answers.counted
        columns += [happened, inside]
    return counts.sums(*columns)
