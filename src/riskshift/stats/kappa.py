"""Cohen's weighted kappa: how far two raters agree beyond chance."""

from math import sqrt
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from riskshift.stats.proportion import Interval, normal_quantile
from riskshift.stats.ranges import check_choice
from riskshift.stats.rating_counts import Floats, defined_or_none, levels_apart, rater_table
from riskshift.stats.resample import Bootstrap
from riskshift.stats.table_bootstrap import Clusters, table_bootstrap

KappaWeights = Literal["quadratic", "linear", "none"]


def weighted_kappa(table: npt.ArrayLike, *, weights: KappaWeights = "quadratic") -> float | None:
    """Cohen's kappa of two raters, weighted by how far they lie apart.

    Parameters
    ----------
    table : array_like of int, shape (K, K)
        Counts by the level of one rater (rows) and of the other (columns).
    weights : {"quadratic", "linear", "none"}
        Disagreement by squared steps, by steps, or equal for every two levels.

    Returns
    -------
    float or None
        None where chance alone would never disagree: both raters used one and the same level.

    Raises
    ------
    UsageError
        If the counts are impossible or `weights` is unknown.

    References
    ----------
    .. [1] J. Cohen, "Weighted kappa: nominal scale agreement with provision for scaled
       disagreement or partial credit", Psychological Bulletin 70 (1968), p. 213-220.

    Examples
    --------
    >>> round(weighted_kappa([[50, 3, 1], [2, 9, 4], [0, 1, 5]]), 4)
    0.7948
    """
    counts = rater_table(table)
    return defined_or_none(kappas(counts[None], disagreement(len(counts), weights))[0])


def weighted_kappa_interval(
    table: npt.ArrayLike, *, weights: KappaWeights = "quadratic", confidence: float = 0.95
) -> Interval | None:
    """Large-sample interval for weighted kappa, independent records.

    Parameters
    ----------
    table, weights
        As in `weighted_kappa`.
    confidence : float, default 0.95
        Two-sided coverage.

    Returns
    -------
    Interval or None
        Inside [-1, 1]. None where kappa is undefined or its standard error is 0, as when the
        raters never disagree.

    References
    ----------
    .. [1] J. L. Fleiss, J. Cohen, B. S. Everitt, "Large sample standard errors of kappa and
       weighted kappa", Psychological Bulletin 72 (1969), p. 323-327.

    Examples
    --------
    >>> interval = weighted_kappa_interval([[50, 3, 1], [2, 9, 4], [0, 1, 5]])
    >>> round(interval.low, 3), round(interval.high, 3)
    (0.659, 0.93)
    """
    z = normal_quantile(confidence)
    counts = rater_table(table)
    kappa = weighted_kappa(counts, weights=weights)
    if kappa is None:
        return None
    influence = _kappa_gradient(counts, disagreement(len(counts), weights))
    mean = float((counts * influence).sum()) / counts.sum()
    half = z * sqrt(float((counts * (influence - mean) ** 2).sum()))
    if half == 0:
        return None
    low, high = max(-1.0, kappa - half), min(1.0, kappa + half)
    return Interval(low, high, "fleiss-cohen-everitt", confidence)


def kappa_bootstrap(
    table: npt.ArrayLike,
    *,
    weights: KappaWeights = "quadratic",
    clusters: Clusters | None = None,
    resamples: int,
    confidence: float,
    rng: np.random.Generator,
) -> Bootstrap | None:
    """Interval for weighted kappa by resampling records, or clusters of records.

    Parameters
    ----------
    table, weights
        As in `weighted_kappa`.
    clusters : tuple of (indptr, indices, cluster_weight), optional
        As in `alpha_bootstrap`; the kinds are the cells of `table`, ``row * K + column``.
    resamples, confidence, rng
        As in `alpha_bootstrap`.

    Returns
    -------
    Bootstrap or None
        As in `alpha_bootstrap`.

    Examples
    --------
    >>> ends = kappa_bootstrap(
    ...     [[50, 3, 1], [2, 9, 4], [0, 1, 5]], resamples=2000, confidence=0.95,
    ...     rng=np.random.default_rng(1),
    ... )
    >>> 0.6 < ends.low < 0.7948 < ends.high < 1
    True
    """
    counts = rater_table(table)
    levels = len(counts)
    distance = disagreement(levels, weights)
    return table_bootstrap(
        np.eye(levels * levels).reshape(-1, levels, levels),
        counts.ravel(),
        clusters,
        lambda summed: kappas(summed, distance),
        lambda summed: _kappa_gradient(summed, distance),
        resamples=resamples,
        confidence=confidence,
        rng=rng,
    )


def kappas(tables: Floats, distance: Floats) -> Floats:
    """Return the weighted kappa of each of several tables; not a number where it is undefined."""
    observed = (tables * distance).sum(axis=(1, 2)) * tables.sum(axis=(1, 2))
    expected = np.einsum("bi,ij,bj->b", tables.sum(axis=2), distance, tables.sum(axis=1))
    defined = expected > 0
    return np.where(defined, 1 - observed / np.where(defined, expected, 1.0), np.nan)


def _kappa_gradient(table: Floats, distance: Floats) -> Floats:
    """Differentiate weighted kappa by the counts of its table."""
    rows, columns, total = table.sum(axis=1), table.sum(axis=0), float(table.sum())
    observed = float((table * distance).sum())
    expected = float(rows @ distance @ columns)
    by_expected = (distance @ columns)[:, None] + (rows @ distance)[None, :]
    gradient: Floats = (
        total * observed * by_expected / expected - observed - total * distance
    ) / expected
    return gradient


def disagreement(levels: int, weights: KappaWeights) -> Floats:
    """Return how much two levels disagree, shape (levels, levels)."""
    check_choice("weights", weights, get_args(KappaWeights))
    if weights == "none":
        return 1.0 - np.eye(levels)
    return np.asarray(levels_apart(levels) ** (2.0 if weights == "quadratic" else 1.0))
