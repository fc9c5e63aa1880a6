"""How far raters agree: Krippendorff's alpha, weighted kappa, shares of agreeing pairs.

Ratings arrive as counts. `units` has shape (m, K): an item of kind `u` has ``units[u, k]`` ratings
at level `k`, and there are ``weight[u]`` such items; a missing rating is simply not counted. What
every statistic here needs is linear in the number of items of each kind, so that resampling items
costs the same however many there are.
"""

from collections.abc import Callable
from math import sqrt
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from riskshift.errors import UsageError, unknown_choice
from riskshift.stats.proportion import Interval, normal_quantile
from riskshift.stats.ranges import check_at_least_one
from riskshift.stats.resample import MAX_CELLS, Bootstrap

Metric = Literal["nominal", "ordinal", "interval"]
KappaWeights = Literal["quadratic", "linear", "none"]
Clusters = tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike]
Floats = npt.NDArray[np.float64]

_BLOCK_BYTES = 64 * 2**20


def krippendorff_alpha(
    units: npt.ArrayLike, weight: npt.ArrayLike | None = None, *, metric: Metric
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
    _known("metric", metric, get_args(Metric))
    pairs, weight = _coincidences(units), _weights(units, weight)
    return _number(_alphas(np.tensordot(weight, pairs, 1)[None], metric)[0])


def alpha_bootstrap(
    units: npt.ArrayLike,
    weight: npt.ArrayLike | None = None,
    *,
    metric: Metric,
    clusters: Clusters | None = None,
    resamples: int,
    confidence: float,
    rng: np.random.Generator,
) -> Bootstrap | None:
    """Interval for Krippendorff's alpha by resampling items, or clusters of items.

    Parameters
    ----------
    units, weight, metric
        As in `krippendorff_alpha`.
    clusters : tuple of (indptr, indices, cluster_weight), optional
        Items that belong together, such as the responses to one prompt. A cluster of kind `g`
        holds one item of each kind in ``indices[indptr[g]:indptr[g + 1]]`` (repeats allowed), and
        there are ``cluster_weight[g]`` of them. Whole clusters are drawn.
    resamples : int
        Number of resamples, at least 1.
    confidence : float
        Two-sided coverage.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    Bootstrap or None
        Percentile interval; above `MAX_CELLS` kinds a normal approximation from linearised
        influence values, method ``"linearised"``. None where the resamples cannot tell how wide
        it is: they all agree, there are fewer than two clusters, or alpha is undefined in more
        of them than one tail holds.

    Raises
    ------
    UsageError
        If the arrays do not match or an option is out of range.

    References
    ----------
    .. [1] A. C. Davison, D. V. Hinkley, "Bootstrap Methods and their Application" (1997),
       section 3.8 on hierarchical data.
    .. [2] B. Efron, R. J. Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13.

    Examples
    --------
    >>> units, weight = [[3, 0], [0, 3], [2, 1]], [40, 6, 4]
    >>> ends = alpha_bootstrap(
    ...     units, weight, metric="nominal", resamples=2000, confidence=0.95,
    ...     rng=np.random.default_rng(1),
    ... )
    >>> ends.low < 0.788 < ends.high, ends.method
    (True, 'percentile')
    """
    _known("metric", metric, get_args(Metric))
    pairs, weight = _coincidences(units), _weights(units, weight)
    return _bootstrap(
        pairs,
        weight,
        clusters,
        lambda summed: _alphas(summed, metric),
        lambda summed: _alpha_gradient(summed, metric),
        resamples=resamples,
        confidence=confidence,
        rng=rng,
    )


def agreeing_pairs(units: npt.ArrayLike, *, within: int = 0) -> tuple[Floats, Floats]:
    """Pairs of ratings of the same item that agree, for each kind of item.

    Parameters
    ----------
    units : array_like of int, shape (m, K)
        Ratings at each level for each kind of item.
    within : int, default 0
        Levels that two ratings may lie apart and still agree.

    Returns
    -------
    tuple of (ndarray, ndarray), each of shape (m,)
        Agreeing pairs and all pairs of one item of each kind, as whole numbers. Items are the
        clusters of these pairs: `riskshift.stats.cluster.clustered_interval` gives the interval.

    Raises
    ------
    UsageError
        If the counts are impossible or `within` is negative.

    Examples
    --------
    >>> agreeing_pairs([[2, 1, 0], [1, 1, 1]], within=1)
    (array([3., 2.]), array([3., 3.]))
    """
    counts = _units(units)
    near = _steps(counts.shape[1]) <= _tolerance(within)
    rated = counts.sum(axis=1)
    agreeing = np.einsum("uc,ck,uk->u", counts, near.astype(np.float64), counts) - rated
    return agreeing / 2, rated * (rated - 1) / 2


def percent_agreement(
    units: npt.ArrayLike, weight: npt.ArrayLike | None = None, *, within: int = 0
) -> tuple[int, int]:
    """Pairs of ratings that agree, and all pairs, over every item.

    Parameters
    ----------
    units : array_like of int, shape (m, K)
        Ratings at each level for each kind of item.
    weight : array_like of int, shape (m,), optional
        Number of items of each kind; one of each if left out.
    within : int, default 0
        Levels that two ratings may lie apart and still agree.

    Returns
    -------
    tuple of (int, int)
        Every pair of raters of an item counts once, so an item with more raters counts more.

    Examples
    --------
    >>> percent_agreement([[3, 0], [0, 3], [2, 1]], [40, 6, 4])
    (142, 150)
    """
    agreeing, pairs = agreeing_pairs(units, within=within)
    weight = _weights(units, weight)
    return round(float(weight @ agreeing)), round(float(weight @ pairs))


def table_agreement(table: npt.ArrayLike, *, within: int = 0) -> tuple[int, int]:
    """Count the records on which two raters agree, and all records.

    Parameters
    ----------
    table : array_like of int, shape (K, K)
        Counts by the level of one rater (rows) and of the other (columns).
    within : int, default 0
        Levels that the two may lie apart and still agree.

    Returns
    -------
    tuple of (int, int)

    Examples
    --------
    >>> table_agreement([[50, 3, 1], [2, 9, 4], [0, 1, 5]], within=1)
    (74, 75)
    """
    counts = _table(table)
    near = _steps(len(counts)) <= _tolerance(within)
    return round(float(counts[near].sum())), round(float(counts.sum()))


def majority_level(units: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Level that more than half of an item's ratings chose.

    Parameters
    ----------
    units : array_like of int, shape (m, K)
        Ratings at each level for each kind of item.

    Returns
    -------
    ndarray of int, shape (m,)
        The level, or -1 where none has a majority.

    Examples
    --------
    >>> majority_level([[2, 1, 0], [1, 1, 1]])
    array([ 0, -1])
    """
    counts = _units(units)
    top = counts.argmax(axis=1)
    return np.where(2 * counts.max(axis=1) > counts.sum(axis=1), top, -1).astype(np.int64)


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
    counts = _table(table)
    return _number(_kappas(counts[None], _disagreement(len(counts), weights))[0])


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
    counts = _table(table)
    kappa = weighted_kappa(counts, weights=weights)
    if kappa is None:
        return None
    influence = _kappa_gradient(counts, _disagreement(len(counts), weights))
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
    counts = _table(table)
    levels = len(counts)
    distance = _disagreement(levels, weights)
    return _bootstrap(
        np.eye(levels * levels).reshape(-1, levels, levels),
        counts.ravel(),
        clusters,
        lambda summed: _kappas(summed, distance),
        lambda summed: _kappa_gradient(summed, distance),
        resamples=resamples,
        confidence=confidence,
        rng=rng,
    )


def _bootstrap(
    pairs: Floats,
    weight: Floats,
    clusters: Clusters | None,
    statistic: Callable[[Floats], Floats],
    gradient: Callable[[Floats], Floats],
    *,
    resamples: int,
    confidence: float,
    rng: np.random.Generator,
) -> Bootstrap | None:
    z = normal_quantile(confidence)
    check_at_least_one("resamples", resamples)
    if clusters is not None:
        pairs, weight = _by_cluster(pairs, weight, clusters)
    used = (weight > 0) & (pairs != 0).any(axis=(1, 2))
    pairs, weight = pairs[used], weight[used]
    if weight.sum() < 2:
        return None
    observed = np.tensordot(weight, pairs, 1)
    estimate = float(statistic(observed[None])[0])
    if np.isnan(estimate):
        return None
    if len(pairs) > MAX_CELLS:
        influence = np.tensordot(pairs, gradient(observed), 2)
        half = z * _standard_error(influence, weight)
        ends = max(-1.0, estimate - half), min(1.0, estimate + half)
        return Bootstrap(*ends, 0, "linearised", confidence) if half > 0 else None
    drawn = _resampled(pairs, weight, statistic, resamples, rng)
    tail = (1 - confidence) / 2
    # With more undefined resamples than one tail holds, the end of the interval is unknown.
    if len(drawn) < (1 - tail) * resamples or drawn.min() == drawn.max():
        return None
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Bootstrap(float(low), float(high), len(drawn), "percentile", confidence)


def _resampled(
    pairs: Floats,
    weight: Floats,
    statistic: Callable[[Floats], Floats],
    resamples: int,
    rng: np.random.Generator,
) -> Floats:
    kinds, levels, _ = pairs.shape
    flat, total = pairs.reshape(kinds, -1), round(float(weight.sum()))
    block = max(1, _BLOCK_BYTES // (8 * (2 * kinds + 4 * levels * levels)))
    values = []
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        draws = rng.multinomial(total, weight / weight.sum(), size=size)
        values.append(statistic((draws.astype(np.float64) @ flat).reshape(-1, levels, levels)))
    drawn = np.concatenate(values)
    return drawn[~np.isnan(drawn)]


def _standard_error(influence: Floats, weight: Floats) -> float:
    total = float(weight.sum())
    centred = influence - float(weight @ influence) / total
    return sqrt(total / (total - 1) * float(weight @ centred**2))


def _by_cluster(pairs: Floats, weight: Floats, clusters: Clusters) -> tuple[Floats, Floats]:
    indptr, indices = (np.asarray(part, dtype=np.int64) for part in clusters[:2])
    many = np.asarray(clusters[2], dtype=np.float64)
    if len(indptr) != len(many) + 1 or indptr[0] != 0 or indptr[-1] != len(indices):
        raise UsageError("clusters must be (indptr, indices, cluster_weight) as in a CSR matrix.")
    owner = np.repeat(np.arange(len(many)), np.diff(indptr))
    members = np.bincount(indices, weights=many[owner], minlength=len(weight))
    if not np.array_equal(members, weight):
        raise UsageError("The items in the clusters are not the items counted in the weights.")
    summed = np.zeros((len(many), *pairs.shape[1:]))
    np.add.at(summed, owner, pairs[indices])
    return summed, many


def _coincidences(units: npt.ArrayLike) -> Floats:
    counts = _units(units)
    pairs = counts[:, :, None] * counts[:, None, :]
    levels = np.arange(counts.shape[1])
    pairs[:, levels, levels] -= counts
    others = counts.sum(axis=1) - 1
    return np.where(others > 0, 1 / np.maximum(others, 1), 0.0)[:, None, None] * pairs


def _alphas(pairs: Floats, metric: Metric) -> Floats:
    used = pairs.sum(axis=2)
    total = used.sum(axis=1)
    distance = _differences(used, metric)
    observed = np.einsum("bck,bck->b", pairs, distance)
    expected = np.einsum("bc,bck,bk->b", used, distance, used)
    defined = expected > 0
    ratio = (total - 1) * observed / np.where(defined, expected, 1.0)
    return np.where(defined, 1 - ratio, np.nan)


def _differences(used: Floats, metric: Metric) -> Floats:
    """Squared differences (B, K, K) of the levels, from the ratings at each level (B, K)."""
    batch, levels = used.shape
    if metric == "nominal":
        return np.broadcast_to(1.0 - np.eye(levels), (batch, levels, levels))
    if metric == "interval":
        return np.broadcast_to(_steps(levels) ** 2.0, (batch, levels, levels))
    rank = np.cumsum(used, axis=1) - used / 2
    return (rank[:, :, None] - rank[:, None, :]) ** 2


def _alpha_gradient(pairs: Floats, metric: Metric) -> Floats:
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


def _kappas(tables: Floats, distance: Floats) -> Floats:
    total = tables.sum(axis=(1, 2))
    observed = np.einsum("bij,ij->b", tables, distance) * total
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


def _disagreement(levels: int, weights: KappaWeights) -> Floats:
    _known("weights", weights, get_args(KappaWeights))
    if weights == "none":
        return 1.0 - np.eye(levels)
    return np.asarray(_steps(levels) ** (2.0 if weights == "quadratic" else 1.0))


def _steps(levels: int) -> npt.NDArray[np.int64]:
    at = np.arange(levels)
    apart: npt.NDArray[np.int64] = np.abs(at[:, None] - at[None, :])
    return apart


def _units(units: npt.ArrayLike) -> Floats:
    counts = np.asarray(units, dtype=np.float64)
    if counts.ndim != 2 or (counts < 0).any():
        raise UsageError(
            "Ratings must be counts of at least 0, one row a kind, one column a level."
        )
    return counts


def _weights(units: npt.ArrayLike, weight: npt.ArrayLike | None) -> Floats:
    kinds = len(np.asarray(units))
    if weight is None:
        return np.ones(kinds)
    items = np.asarray(weight, dtype=np.float64)
    if items.shape != (kinds,) or (items < 0).any():
        raise UsageError(f"weight must hold {kinds} counts of items, one for each kind.")
    return items


def _table(table: npt.ArrayLike) -> Floats:
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or (counts < 0).any():
        raise UsageError("A table of two raters must be square, with counts of at least 0.")
    return counts


def _tolerance(within: int) -> int:
    if within < 0:
        raise UsageError(f"within is {within}; levels apart cannot be negative.")
    return within


def _known(what: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise unknown_choice(what, value, choices)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
