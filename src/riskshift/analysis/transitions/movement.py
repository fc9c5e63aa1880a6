"""Where severity goes between prompt and response: over all categories, and in each."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import ClassVar, Final

import numpy as np

from riskshift.analysis.metrics import category_metrics, overall_metrics
from riskshift.analysis.plain import LevelTable, Plain, Share
from riskshift.analysis.rates import (
    Rate,
    Settings,
    estimate_metric,
)
from riskshift.analysis.severities import Severities, Severity
from riskshift.counts.pairs import Counts
from riskshift.stats.clusters.cluster import mean_interval
from riskshift.stats.proportion import Interval
from riskshift.written import MISSING

MOVES: Final = ("escalation", "preservation", "reduction")


@dataclass(frozen=True, slots=True)
class TransitionMatrix:
    """How many pairs went from each prompt severity to each response severity.

    Parameters
    ----------
    levels : tuple of str
        Names of the levels, mildest first.
    rows : tuple of tuple of int
        Counts; rows are prompt severities, columns response severities.
    """

    levels: tuple[str, ...]
    rows: LevelTable

    def at(self, *, prompt: str, response: str) -> int:
        """Return the count of one transition, by level names."""
        return self.rows[self.levels.index(prompt)][self.levels.index(response)]


@dataclass(frozen=True, slots=True)
class MeanShift(Plain):
    """Mean of response severity minus prompt severity.

    Parameters
    ----------
    estimate : float or None
        None without records.
    interval : Interval or None
        From the linearised variance and Student's t; None where no spread was seen.
    trials : int
        Records with all labels on both sides; all records, where all severities are known.
    worst_case : (float, float) or None
        The lowest and highest mean of this data that the missing labels allow; None if all
        severities are known.
    """

    estimate: float | None
    interval: Interval | None
    trials: int
    worst_case: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Category(Plain):
    """What happens in one harm category.

    Parameters
    ----------
    rates : dict of str to Rate
        By the metric's name.
    matrix : TransitionMatrix
        Severities in this category.
    from_persistence : float or None
        Part of the response prevalence: harm that was in the prompt and stayed, as a share of the
        records with both labels.
    from_drift : float or None
        The other part: harm that was not in the prompt. The two add up to it exactly.
    """

    rates: dict[str, Rate]
    matrix: TransitionMatrix
    from_persistence: Share | None
    from_drift: Share | None

    shape: ClassVar[str] = "*rates transition_matrix=matrix.rows from_persistence from_drift"


def overall_rates(
    severities: Severities, settings: Settings, *, only: Collection[str] | None = None
) -> dict[str, Rate]:
    """Estimate the metrics over all categories, or only some, those that share out all pairs among them."""
    metrics = overall_metrics(severities.counts.taxonomy, severities.counts.told)
    if only is not None:
        metrics = tuple(metric for metric in metrics if metric.name in {*MOVES, *only})
    rates = {metric.name: estimate_metric(metric, severities, settings) for metric in metrics}
    shares = _adding_up({name: rates[name] for name in MOVES})
    return rates | {
        metric.name: estimate_metric(metric, severities, settings, share=shares[metric.name])
        for metric in metrics
        if metric.name in shares
    }


def _adding_up(rates: dict[str, Rate]) -> dict[str, float]:
    """Move shares of one whole to the nearest that add up to 1 and are possible; those that move.

    Nearest in the sense of squares: the projection adds one number to all, within their bounds.
    """
    shares = [rate.estimate for rate in rates.values() if rate.estimate is not None]
    if len(shares) < len(rates) or not any(rate.worst_case for rate in rates.values()):
        return {}
    bounds = [
        (share, share) if rate.worst_case is None else rate.worst_case
        for share, rate in zip(shares, rates.values(), strict=True)
    ]

    def moved(by: float) -> list[float]:
        return [
            round(min(max(share + by, low), high), 12)  # not a hair beside 0 or 1
            for share, (low, high) in zip(shares, bounds, strict=True)
        ]

    from scipy.optimize import brentq  # slow to import, and asked only where labels are missing

    by = brentq(lambda by: sum(moved(by)) - 1, -1, 1)
    return {
        name: share
        for (name, rate), share in zip(rates.items(), moved(by), strict=True)
        if share != rate.estimate
    }


def transition_matrix(counts: Counts, prompt: Severity, response: Severity) -> TransitionMatrix:
    """Count the pairs by prompt and response severity, where both are known."""
    levels = counts.taxonomy.levels
    known = (prompt.value != MISSING) & (response.value != MISSING)
    cells = prompt.value[known] * len(levels) + response.value[known]
    filled = np.bincount(cells, weights=counts.n[known], minlength=len(levels) ** 2).astype(int)
    rows = filled.reshape(len(levels), len(levels)).tolist()
    return TransitionMatrix(levels, tuple(tuple(row) for row in rows))


def mean_shift(severities: Severities, settings: Settings) -> MeanShift:
    """Estimate the mean of response minus prompt severity."""
    counts, top = severities.counts, severities.top
    prompt, response = severities.prompt, severities.response
    known = (prompt.value != MISSING) & (response.value != MISSING)
    worst = None
    if not known.all():
        known = prompt.complete & response.complete
        total = counts.total
        worst = (
            float(counts.n @ (response.low - prompt.high)) / total,
            float(counts.n @ (response.high - prompt.low)) / total,
        )
    trials = int(counts.n[known].sum())
    if not trials:
        return MeanShift(None, None, 0, worst)
    # Shifted by K-1 so that sums over clusters are not negative; shifted back below.
    rise = np.where(known, response.low - prompt.low + top, 0)
    cells, weight = counts.sums(rise, known)
    estimate, interval = mean_interval(
        cells[:, 0] - top * cells[:, 1],
        cells[:, 1],
        weight,
        confidence=settings.confidence,
        bounds=(-top, top),
    )
    if worst is not None:
        moved = min(max(estimate, worst[0]), worst[1]) - estimate
        estimate += moved
        if interval is not None:
            interval = replace(interval, low=interval.low + moved, high=interval.high + moved)
    return MeanShift(estimate, interval, trials, worst)


def categories(severities: Severities, settings: Settings) -> dict[str, Category]:
    """Estimate what happens in each harm category."""
    taxonomy = severities.counts.taxonomy
    return {name: _category(severities, c, settings) for c, name in enumerate(taxonomy.categories)}


def _category(severities: Severities, c: int, settings: Settings) -> Category:
    counts, start = severities.counts, severities.harmful_from
    prompt, response = severities.prompt_in(c), severities.response_in(c)
    rates = {
        metric.name: estimate_metric(metric, severities, settings, category=c)
        for metric in category_metrics(counts.taxonomy, counts.told)
    }
    both = (prompt.value != MISSING) & (response.value != MISSING)
    harmful = both & (response.value >= start)
    n = int(counts.n[both].sum())
    stayed = int(counts.n[harmful & (prompt.value >= start)].sum())
    came = int(counts.n[harmful & (prompt.value < start)].sum())
    return Category(
        rates,
        transition_matrix(counts, prompt, response),
        stayed / n if n else None,
        came / n if n else None,
    )
