"""Do two raters, models or moments put the same shares of items on each ordinal level."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc

from riskshift.errors import UsageError
from riskshift.stats.crosstabs.tables import ChiSquare


def stuart_maxwell(table: ArrayLike) -> ChiSquare | None:
    """Stuart-Maxwell test that both margins of a square table are the same.

    Parameters
    ----------
    table : array_like of int, shape (k, k)
        ``table[i][j]`` items are at level i on the first side and at level j on the second.

    Returns
    -------
    ChiSquare or None
        Degrees of freedom are the rank of the covariance of the margins' differences: k - 1 less
        one for every further group of levels between which no item moved, so that levels nobody
        used do not count. None where no item is off the diagonal, since nothing can be compared.

    Raises
    ------
    UsageError
        If the table is not square or holds anything but whole counts.

    References
    ----------
    .. [1] A. Stuart, "A test for homogeneity of the marginal distributions in a two-way
       classification", Biometrika 42 (1955), p. 412-416.
    .. [2] A. E. Maxwell, "Comparing the classification of subjects by two independent judges",
       British Journal of Psychiatry 116 (1970), p. 651-655.

    Examples
    --------
    >>> test = stuart_maxwell([[20, 10, 5], [3, 30, 15], [0, 5, 40]])
    >>> round(test.statistic, 3), test.df, round(test.p, 4)
    (13.765, 2, 0.001)
    """
    counts = _square(table)
    both_ways = counts + counts.T
    covariance = np.diag(both_ways.sum(axis=1)) - both_ways
    difference = counts.sum(axis=1) - counts.sum(axis=0)
    # The differences add up to 0, so the full matrix is singular by design: least squares is the
    # pseudo-inverse, whichever level one would have left out.
    solution, _, rank, _ = np.linalg.lstsq(covariance, difference, rcond=None)
    if rank == 0:
        return None
    statistic = max(0.0, float(difference @ solution))
    return ChiSquare(statistic, int(rank), float(chdtrc(rank, statistic)))


def bowker(table: ArrayLike) -> ChiSquare | None:
    """Bowker's test that a square table is symmetric.

    Parameters
    ----------
    table : array_like of int, shape (k, k)
        ``table[i][j]`` items are at level i on the first side and at level j on the second.

    Returns
    -------
    ChiSquare or None
        Degrees of freedom are the pairs of levels between which at least one item moved; for
        k = 2 this is McNemar's chi-square without continuity correction. None where no item is
        off the diagonal.

    Raises
    ------
    UsageError
        If the table is not square or holds anything but whole counts.

    References
    ----------
    .. [1] A. H. Bowker, "A test for symmetry in contingency tables", JASA 43 (1948), p. 572-574.

    Examples
    --------
    >>> test = bowker([[20, 10, 5], [3, 30, 15], [0, 5, 40]])
    >>> round(test.statistic, 3), test.df, round(test.p, 4)
    (13.769, 3, 0.0032)
    """
    counts = _square(table)
    rows, columns = np.triu_indices(len(counts), 1)
    one_way, other_way = counts[rows, columns], counts[columns, rows]
    both_ways = one_way + other_way
    used = both_ways > 0
    if not used.any():
        return None
    statistic = float(((one_way - other_way)[used] ** 2 / both_ways[used]).sum())
    df = int(used.sum())
    return ChiSquare(statistic, df, float(chdtrc(df, statistic)))


def _square(table: ArrayLike) -> NDArray[np.float64]:
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:
        raise UsageError(f"the table has shape {counts.shape}; it must be square, k x k.")
    if not (np.isfinite(counts).all() and (counts >= 0).all() and (counts % 1 == 0).all()):
        raise UsageError("the table must hold whole counts of at least 0.")
    return counts
