"""Cohen's weighted kappa: how far two raters agree beyond chance."""

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from riskshift.stats.clusters.table_interval import (
    Links,
    TableInterval,
    cluster_tables,
    table_interval,
)
from riskshift.stats.ranges import check_choice
from riskshift.stats.raters.rating_counts import Floats, defined_or_none, levels_apart, rater_table

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
    table: npt.ArrayLike,
    *,
    weights: KappaWeights = "quadratic",
    clusters: Links | None = None,
    confidence: float = 0.95,
) -> TableInterval:
    """Interval for weighted kappa, of independent records or of clusters of records.

    Parameters
    ----------
    table, weights
        As in `weighted_kappa`.
    clusters : tuple of (indptr, indices, cluster_weight), optional
        As in `riskshift.stats.clusters.table_interval.table_interval`; the kinds are the cells of `table`,
        ``row * K + column``.
    confidence : float, default 0.95
        Two-sided coverage.

    Returns
    -------
    TableInterval
        Inside [-1, 1] and around kappa, or the reason why there is none.

    References
    ----------
    .. [1] J. L. Fleiss, J. Cohen, B. S. Everitt, "Large sample standard errors of kappa and
       weighted kappa", Psychological Bulletin 72 (1969), p. 323-327, for the linearised variance.

    Examples
    --------
    >>> held = weighted_kappa_interval([[50, 3, 1], [2, 9, 4], [0, 1, 5]]).interval
    >>> round(held.low, 3), round(held.high, 3)
    (0.574, 0.908)
    """
    counts = rater_table(table)
    levels = len(counts)
    distance = disagreement(levels, weights)
    cells = np.eye(levels * levels).reshape(-1, levels, levels)
    return table_interval(
        cells,
        counts.ravel(),
        lambda summed: kappas(summed, distance),
        lambda summed: kappa_gradient(summed, distance),
        clusters=cluster_tables(cells, counts.ravel(), clusters),
        lowest=-1.0,
        confidence=confidence,
    )


def kappas(tables: Floats, distance: Floats) -> Floats:
    """Return the weighted kappa of each of several tables; not a number where it is undefined."""
    observed = (tables * distance).sum(axis=(1, 2)) * tables.sum(axis=(1, 2))
    expected = np.einsum("bi,ij,bj->b", tables.sum(axis=2), distance, tables.sum(axis=1))
    defined = expected > 0
    return np.where(defined, 1 - observed / np.where(defined, expected, 1.0), np.nan)


def kappa_gradient(table: Floats, distance: Floats) -> Floats:
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
