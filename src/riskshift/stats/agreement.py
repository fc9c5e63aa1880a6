"""How many pairs of ratings agree.

Ratings arrive as counts, as `riskshift.stats.rating_counts` says.
"""

import numpy as np
import numpy.typing as npt

from riskshift.errors import UsageError
from riskshift.stats.rating_counts import (
    Floats,
    item_weights,
    levels_apart,
    rater_table,
    rating_counts,
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
    counts = rating_counts(units)
    near = levels_apart(counts.shape[1]) <= _tolerance(within)
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
    weight = item_weights(units, weight)
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
    counts = rater_table(table)
    near = levels_apart(len(counts)) <= _tolerance(within)
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
    counts = rating_counts(units)
    top = counts.argmax(axis=1)
    return np.where(2 * counts.max(axis=1) > counts.sum(axis=1), top, -1).astype(np.int64)


def _tolerance(within: int) -> int:
    if within < 0:
        raise UsageError(f"within is {within}; levels apart cannot be negative.")
    return within
