"""How many pairs of ratings agree.

Ratings arrive as counts, as `riskshift.stats.raters.rating_counts` says.
"""

import numpy as np
import numpy.typing as npt

from riskshift.errors import UsageError
from riskshift.stats.raters.rating_counts import Floats, levels_apart, rating_counts


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
        clusters of these pairs: `riskshift.stats.clusters.cluster.clustered_interval` gives the interval.

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
