"""Krippendorff's alpha: how far any number of raters agree beyond chance.

Ratings arrive as counts, as `riskshift.stats.raters.rating_counts` says. What alpha needs is linear in
the number of items of each kind, so that an interval costs the same however many there are.
"""

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
from riskshift.stats.raters.rating_counts import (
    Floats,
    defined_or_none,
    item_weights,
    levels_apart,
    rating_counts,
)

Measurement = Literal["nominal", "ordinal", "interval"]


def krippendorff_alpha(
    units: npt.ArrayLike, weight: npt.ArrayLike | None = None, *, metric: Measurement
) -> float | None:
    """Krippendorff's alpha: agreement of any number of raters beyond chance.

    Parameters
    ----------
    units : array_like of int, shape (m, K)
        Ratings at each of K levels for each kind of item, levels in rising order. Items with
        fewer than two ratings pair with nothing and do not count.
    weight : array_like of int, shape (m,), optional
        Number of items of each kind; one of each if left out.
    metric : {"nominal", "ordinal", "interval"}
        How far apart two levels are: equal or not; by the ratings that lie between them; by
        their squared distance in steps.

    Returns
    -------
    float or None
        1 at full agreement, 0 at chance, negative below it. None where all ratings are equal
        or no item has two: chance alone would agree as well, so nothing can be said.

    Raises
    ------
    UsageError
        If the counts are impossible or `metric` is unknown.

    References
    ----------
    .. [1] K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), sections C
       and D, for the coincidence matrix and the differences by level of measurement.
    .. [2] A. F. Hayes, K. Krippendorff, "Answering the call for a standard reliability measure
       for coding data", Communication Methods and Measures 1 (2007), p. 77-89.

    Examples
    --------
    Three raters: 40 items all safe, 6 all harmful, 4 where one of three saw harm.

    >>> round(krippendorff_alpha([[3, 0], [0, 3], [2, 1]], [40, 6, 4], metric="nominal"), 3)
    0.788
    """
    check_choice("metric", metric, get_args(Measurement))
    pairs, weight = coincidences(units), item_weights(units, weight)
    return defined_or_none(alphas(np.tensordot(weight, pairs, 1)[None], metric)[0])


def alpha_interval(
    units: npt.ArrayLike,
    weight: npt.ArrayLike | None = None,
    *,
    metric: Measurement,
    clusters: Links | None = None,
    confidence: float = 0.95,
) -> TableInterval:
    """Interval for Krippendorff's alpha, of independent items or of clusters of items.

    Parameters
    ----------
    units, weight, metric
        As in `krippendorff_alpha`.
    clusters : tuple of (indptr, indices, cluster_weight), optional
        Items that belong together, such as the responses to one prompt: as in
        `riskshift.stats.clusters.table_interval.table_interval`.
    confidence : float, default 0.95
        Two-sided coverage.

    Returns
    -------
    TableInterval
        Inside [-1, 1] and around alpha, or the reason why there is none.

    Raises
    ------
    UsageError
        If the arrays do not match or an option is out of range.

    References
    ----------
    .. [1] K. L. Gwet, "Large-sample variance of Fleiss generalized kappa", Educational and
       Psychological Measurement 81 (2021), p. 781-790, for the linearised variance.

    Examples
    --------
    >>> units, weight = [[3, 0], [0, 3], [2, 1]], [40, 6, 4]
    >>> held = alpha_interval(units, weight, metric="nominal").interval
    >>> round(held.low, 2), round(held.high, 2)
    (0.47, 0.93)

    Three items of fifty on which raters differ, none that all find harmful:

    >>> alpha_interval([[3, 0], [2, 1]], [9, 1], metric="nominal").reason
    'too little to go by: an interval would rest on assumptions more than on labels'
    """
    check_choice("metric", metric, get_args(Measurement))
    pairs, weight = coincidences(units), item_weights(units, weight)
    return table_interval(
        pairs,
        weight,
        lambda summed: alphas(summed, metric),
        lambda summed: alpha_gradient(summed, metric),
        clusters=cluster_tables(pairs, weight, clusters),
        lowest=-1.0,
        symmetric=True,
        confidence=confidence,
    )


def coincidences(units: npt.ArrayLike) -> Floats:
    """Return what one item of each kind adds to the coincidence matrix, shape (m, K, K)."""
    counts = rating_counts(units)
    pairs = counts[:, :, None] * counts[:, None, :]
    levels = np.arange(counts.shape[1])
    pairs[:, levels, levels] -= counts
    others = counts.sum(axis=1) - 1
    return np.where(others > 0, 1 / np.maximum(others, 1), 0.0)[:, None, None] * pairs


def alphas(pairs: Floats, metric: Measurement) -> Floats:
    """Return alpha of each of several coincidence matrices; not a number where undefined."""
    used = pairs.sum(axis=2)
    total = used.sum(axis=1)
    distance = _differences(used, metric)
    observed = np.einsum("bck,bck->b", pairs, distance)
    expected = np.einsum("bc,bck,bk->b", used, distance, used)
    defined = expected > 0
    ratio = (total - 1) * observed / np.where(defined, expected, 1.0)
    return np.where(defined, 1 - ratio, np.nan)


def _differences(used: Floats, metric: Measurement) -> Floats:
    """Squared differences (B, K, K) of the levels, from the ratings at each level (B, K)."""
    batch, levels = used.shape
    if metric == "nominal":
        return np.broadcast_to(1.0 - np.eye(levels), (batch, levels, levels))
    if metric == "interval":
        return np.broadcast_to(levels_apart(levels) ** 2.0, (batch, levels, levels))
    rank = np.cumsum(used, axis=1) - used / 2
    return (rank[:, :, None] - rank[:, None, :]) ** 2


def alpha_gradient(pairs: Floats, metric: Measurement) -> Floats:
    """Differentiate alpha by the entries of its coincidence matrix."""
    used = pairs.sum(axis=1)
    total = float(used.sum())
    distance = _differences(used[None], metric)[0]
    observed = float((pairs * distance).sum())
    expected = float(used @ distance @ used)
    by_observed, by_expected = distance, 2 * (distance @ used)
    if metric == "ordinal":
        # Ordinal distances move with the marginals: rank_c = used below c + half of used at c.
        rank = np.cumsum(used) - used / 2
        apart = rank[:, None] - rank[None, :]
        below = np.tri(len(used), k=-1) + np.eye(len(used)) / 2
        by_observed = distance + (4 * (pairs * apart).sum(axis=1) @ below)[:, None]
        by_expected = by_expected + 4 * (used * (apart @ used)) @ below
    slope = (total - 1) / expected
    gradient: Floats = -(
        observed / expected
        + slope * by_observed
        - slope * observed / expected * by_expected[:, None]
    )
    return gradient
