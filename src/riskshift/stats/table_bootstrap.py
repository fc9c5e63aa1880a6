"""Bootstrap of a statistic of one table that many items add up to."""

from collections.abc import Callable, Iterator
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from riskshift.errors import UsageError
from riskshift.stats.proportion import normal_quantile
from riskshift.stats.ranges import check_at_least_one
from riskshift.stats.resample import MAX_CELLS, Bootstrap

Clusters = tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike]
Floats = npt.NDArray[np.float64]

_BLOCK_BYTES = 64 * 2**20


def table_bootstrap(
    tables: Floats,
    weight: Floats,
    clusters: Clusters | None,
    statistic: Callable[[Floats], Floats],
    gradient: Callable[[Floats], Floats],
    *,
    resamples: int,
    confidence: float,
    rng: np.random.Generator,
) -> Bootstrap | None:
    """Interval for a statistic by resampling items, or clusters of items.

    Parameters
    ----------
    tables : ndarray, shape (m, K, K)
        What one item of each kind adds to the table.
    weight : ndarray, shape (m,)
        Number of items of each kind.
    clusters : tuple of (indptr, indices, cluster_weight) or None
        As in `riskshift.stats.alpha.alpha_bootstrap`.
    statistic : callable
        From tables, shape (size, K, K), to values, shape (size,), at most 1 and at least -1; not a
        number where undefined.
    gradient : callable
        From one table to the derivatives of the statistic by its entries.
    resamples : int
        Number of resamples, at least 1.
    confidence : float
        Two-sided coverage.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    Bootstrap or None
        As in `riskshift.stats.alpha.alpha_bootstrap`.

    Raises
    ------
    UsageError
        If the clusters do not hold the items or an option is out of range.
    """
    z = normal_quantile(confidence)
    check_at_least_one("resamples", resamples)
    if clusters is not None:
        tables, weight = _by_cluster(tables, weight, clusters)
    used = (weight > 0) & (tables != 0).any(axis=(1, 2))
    tables, weight = tables[used], weight[used]
    if weight.sum() < 2:
        return None
    observed = np.tensordot(weight, tables, 1)
    estimate = float(statistic(observed[None])[0])
    if np.isnan(estimate):
        return None
    if len(tables) > MAX_CELLS:
        influence = np.tensordot(tables, gradient(observed), 2)
        half = z * standard_error(influence, weight)
        ends = max(-1.0, estimate - half), min(1.0, estimate + half)
        return Bootstrap(*ends, 0, "linearised", confidence) if half > 0 else None
    drawn = np.concatenate(
        [statistic(block) for block in drawn_tables(tables, weight, resamples, rng)]
    )
    drawn = drawn[~np.isnan(drawn)]
    tail = (1 - confidence) / 2
    # With more undefined resamples than one tail holds, the end of the interval is unknown.
    if len(drawn) < (1 - tail) * resamples or drawn.min() == drawn.max():
        return None
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Bootstrap(float(low), float(high), len(drawn), "percentile", confidence)


def drawn_tables(
    tables: Floats, weight: npt.NDArray[Any], resamples: int, rng: np.random.Generator
) -> Iterator[Floats]:
    """Yield, block by block, the tables that items drawn anew add up to, shape (size, K, K)."""
    kinds, levels, _ = tables.shape
    flat, total = tables.reshape(kinds, -1), round(float(weight.sum()))
    block = max(1, _BLOCK_BYTES // (8 * (2 * kinds + 4 * levels * levels)))
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        draws = rng.multinomial(total, weight / weight.sum(), size=size)
        yield (draws.astype(np.float64) @ flat).reshape(-1, levels, levels)


def standard_error(influence: Floats, weight: npt.NDArray[Any]) -> float:
    """Linearise the error of a statistic from what one more item of each kind would do to it."""
    total = float(weight.sum())
    centred = influence - float(weight @ influence) / total
    return sqrt(total / (total - 1) * float(weight @ centred**2))


def _by_cluster(tables: Floats, weight: Floats, clusters: Clusters) -> tuple[Floats, Floats]:
    indptr, indices = (np.asarray(part, dtype=np.int64) for part in clusters[:2])
    many = np.asarray(clusters[2], dtype=np.float64)
    if len(indptr) != len(many) + 1 or indptr[0] != 0 or indptr[-1] != len(indices):
        raise UsageError("clusters must be (indptr, indices, cluster_weight) as in a CSR matrix.")
    owner = np.repeat(np.arange(len(many)), np.diff(indptr))
    members = np.bincount(indices, weights=many[owner], minlength=len(weight))
    if not np.array_equal(members, weight):
        raise UsageError("The items in the clusters are not the items counted in the weights.")
    summed = np.zeros((len(many), *tables.shape[1:]))
    np.add.at(summed, owner, tables[indices])
    return summed, many
