"""Association in two-way tables of counts: tests and measures of strength.

Tables are 2-d integer arrays, rows by columns. What a table cannot answer, such as a test with a
single row, is None.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from riskshift.errors import UsageError
from riskshift.stats.ranges import check_at_least_one
from riskshift.stats.tables import ChiSquare, Floats, clustered, two_way

_BLOCK_DRAWS = 8192


@dataclass(frozen=True, slots=True)
class RaoScott:
    """A Pearson statistic divided by the mean design effect of a clustered table.

    Parameters
    ----------
    statistic : float
        Pearson's chi-square over `deff`.
    df : int
        Degrees of freedom of the table.
    p : float
        From the chi-square distribution.
    deff : float
        Mean generalised design effect.
    """

    statistic: float
    df: int
    p: float
    deff: float


@dataclass(frozen=True, slots=True)
class TwoByTwo:
    """A two-by-two table in numbers.

    Parameters
    ----------
    odds_ratio : float or None
        The sample odds ratio; None where it is infinite or 0/0.
    unbounded : bool
        Whether the odds ratio is infinite.
    phi : float or None
        Signed correlation of the two bits; None where a margin is empty.
    p : float or None
        Fisher's exact two-sided p-value; None where a margin is empty.
    """

    odds_ratio: float | None
    unbounded: bool
    phi: float | None
    p: float | None


def chi_square(table: npt.ArrayLike) -> ChiSquare | None:
    """Pearson's chi-square test of independence, asymptotic, without continuity correction.

    Parameters
    ----------
    table : array_like, shape (rows, columns)
        Counts. Empty rows and columns are dropped.

    Returns
    -------
    ChiSquare or None
        None with fewer than two rows or columns that are not empty.

    References
    ----------
    .. [1] A. Agresti, "Categorical Data Analysis", section 3.2.

    Examples
    --------
    >>> test = chi_square([[20, 30], [30, 20]])
    >>> test.statistic, test.df, round(test.p, 4)
    (4.0, 1, 0.0455)
    """
    counts = two_way(table, drop=True)
    if min(counts.shape) < 2:
        return None
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    statistic = float(((counts - expected) ** 2 / expected).sum())
    df = (counts.shape[0] - 1) * (counts.shape[1] - 1)
    return ChiSquare(statistic, df, float(chdtrc(df, statistic)))


def permutation_p(table: npt.ArrayLike, *, draws: int, rng: np.random.Generator) -> float | None:
    """Monte Carlo p-value of Pearson's chi-square with both margins fixed.

    Parameters
    ----------
    table : array_like, shape (rows, columns)
        Counts. Empty rows and columns are dropped.
    draws : int
        Random tables, at least 1.
    rng : numpy.random.Generator
        Source of the draws. Permuting rows or columns of the table does not change the result.

    Returns
    -------
    float or None
        ``(1 + #{drawn >= observed}) / (1 + draws)``, never 0; ties count, up to rounding. None
        with fewer than two rows or columns that are not empty.

    Raises
    ------
    UsageError
        If `draws` is below 1 or the table is not one of counts.

    References
    ----------
    .. [1] W. M. Patefield, "Algorithm AS 159: An efficient method of generating random R x C
       tables with given row and column totals", Applied Statistics 30 (1981), p. 91-97.
    .. [2] B. Phipson, G. K. Smyth, "Permutation p-values should never be zero", Statistical
       Applications in Genetics and Molecular Biology 9 (2010), article 39.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> round(permutation_p([[3, 1], [1, 3]], draws=20_000, rng=rng), 2)  # exact: 34/70
    0.49
    """
    from scipy.stats import random_table  # half a second to import

    check_at_least_one("draws", draws)
    counts = two_way(table, drop=True)
    if min(counts.shape) < 2:
        return None
    rows, columns = counts.sum(axis=1), counts.sum(axis=0)
    # With fixed margins chi-square is n * (sum n_ij^2 / (r_i c_j) - 1).
    observed = float((counts**2 / np.outer(rows, columns)).sum())
    rows, columns = np.sort(rows), np.sort(columns)
    inverse = (1 / np.outer(rows, columns)).ravel()
    threshold = observed - 1e-9 * (observed - 1) - 1e-13
    tables = random_table(rows.astype(np.int64), columns.astype(np.int64))
    extreme = 0
    for start in range(0, draws, _BLOCK_DRAWS):
        size = min(_BLOCK_DRAWS, draws - start)
        drawn = tables.rvs(size, method="patefield", random_state=rng)
        squares = np.square(drawn.reshape(size, -1), dtype=np.float64)
        extreme += int((squares @ inverse >= threshold).sum())
    return (1 + extreme) / (1 + draws)


def cramers_v(table: npt.ArrayLike) -> float | None:
    """Cramer's V, the strength of association between 0 and 1.

    Parameters
    ----------
    table : array_like, shape (rows, columns)
        Counts. Empty rows and columns are dropped.

    Returns
    -------
    float or None
        None with fewer than two rows or columns that are not empty.

    References
    ----------
    .. [1] H. Cramer, "Mathematical Methods of Statistics" (1946), chapter 21.

    Examples
    --------
    >>> cramers_v([[20, 30], [30, 20]])
    0.2
    """
    counts = two_way(table, drop=True)
    test = chi_square(counts)
    if test is None:
        return None
    # Capped, because rounding can carry a perfect association past 1.
    return min(1.0, sqrt(test.statistic / (float(counts.sum()) * (min(counts.shape) - 1))))


def cramers_v_corrected(table: npt.ArrayLike) -> float | None:
    """Cramer's V with Bergsma's correction for bias.

    Parameters
    ----------
    table : array_like, shape (rows, columns)
        Counts. Empty rows and columns are dropped.

    Returns
    -------
    float or None
        0 where the plain measure is no larger than chance alone would make it. None with fewer
        than two rows or columns that are not empty, or too few records for the correction.

    References
    ----------
    .. [1] W. Bergsma, "A bias-correction for Cramer's V and Tschuprow's T", Journal of the
       Korean Statistical Society 42 (2013), p. 323-328.

    Examples
    --------
    >>> round(cramers_v_corrected([[20, 30], [30, 20]]), 4)
    0.1738
    """
    counts = two_way(table, drop=True)
    test = chi_square(counts)
    if test is None:
        return None
    n = float(counts.sum())
    excess = max(0.0, test.statistic / n - test.df / (n - 1))
    levels = min(size - 1 - (size - 1) ** 2 / (n - 1) for size in counts.shape)
    return min(1.0, sqrt(excess / levels)) if levels > 0 else None


def two_by_two(table: npt.ArrayLike) -> TwoByTwo:
    """Fisher's exact test, sample odds ratio and phi of a two-by-two table.

    Parameters
    ----------
    table : array_like, shape (2, 2)
        Counts ``[[a, b], [c, d]]``.

    Returns
    -------
    TwoByTwo
        The odds ratio is ``ad / bc``, not the conditional estimate.

    Raises
    ------
    UsageError
        If the table is not two by two.

    References
    ----------
    .. [1] A. Agresti, "Categorical Data Analysis", section 3.5 for Fisher's exact test.

    Examples
    --------
    >>> result = two_by_two([[3, 1], [1, 3]])
    >>> result.odds_ratio, result.phi, round(result.p, 4)
    (9.0, 0.5, 0.4857)
    """
    from scipy.stats import fisher_exact  # half a second to import

    counts = two_way(table)
    if counts.shape != (2, 2):
        raise UsageError(f"The table is {counts.shape[0]} x {counts.shape[1]}; it must be 2 x 2.")
    (a, b), (c, d) = counts.tolist()
    odds_ratio = a * d / (b * c) if b * c > 0 else None
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    if margins == 0:
        return TwoByTwo(odds_ratio, False, None, None)
    p = float(fisher_exact(counts.astype(np.int64))[1])
    return TwoByTwo(odds_ratio, b * c == 0, (a * d - b * c) / sqrt(margins), p)


def rao_scott(cells: npt.ArrayLike, weight: npt.ArrayLike) -> RaoScott | None:
    """Pearson's chi-square of a clustered table with the first-order Rao-Scott correction.

    Parameters
    ----------
    cells : array_like, shape (m, rows, columns)
        Counts of each kind of cluster.
    weight : array_like, shape (m,)
        Number of clusters of that kind.

    Returns
    -------
    RaoScott or None
        The correction divides by the mean generalised design effect, estimated at the observed
        proportions. None with fewer than two clusters, or two rows or columns that are not
        empty, or where empty cells leave the design effect undefined.

    References
    ----------
    .. [1] J. N. K. Rao, A. J. Scott, "On chi-squared tests for multiway contingency tables with
       cell proportions estimated from survey data", Annals of Statistics 12 (1984), p. 46-60.

    Examples
    --------
    Each of 25 prompts was answered twice, always in the same way: half the evidence.

    >>> cells = [[[2, 0], [0, 0]], [[0, 2], [0, 0]], [[0, 0], [2, 0]], [[0, 0], [0, 2]]]
    >>> test = rao_scott(cells, [8, 4, 5, 8])
    >>> round(chi_square([[16, 8], [10, 16]]).statistic, 3), round(test.statistic, 3)
    (3.978, 1.909)
    """
    counts, w = clustered(cells, weight)
    table = np.tensordot(w, counts, 1)
    counts = counts[:, table.any(axis=1)][:, :, table.any(axis=0)]
    test = chi_square(table)
    if test is None or w.sum() < 2:
        return None
    deff = _mean_deff(counts, w)
    if not deff:
        return None
    statistic = test.statistic / deff
    return RaoScott(statistic, test.df, float(chdtrc(test.df, statistic)), deff)


def _mean_deff(counts: Floats, w: Floats) -> float | None:
    kinds, rows, columns = counts.shape
    n, groups = float(np.tensordot(w, counts, 1).sum()), float(w.sum())
    share = np.tensordot(w, counts, 1).ravel() / n
    inverse = np.divide(1, share, out=np.zeros_like(share), where=share > 0)
    # Orthogonal to both main effects, so what is left is the interaction.
    contrasts = np.kron(_steps(rows), _steps(columns))
    weighted = inverse[:, None] * contrasts
    independent = contrasts.T @ weighted / n
    if np.linalg.matrix_rank(independent) < len(independent):
        return None
    flat = counts.reshape(kinds, -1)
    scores = (flat - flat.sum(axis=1, keepdims=True) * share) @ weighted
    clustered = groups / (groups - 1) * (scores.T * w) @ scores / n**2
    return float(np.trace(np.linalg.solve(independent, clustered))) / len(independent)


def _steps(size: int) -> Floats:
    """Return contrasts of neighbours, shape (size, size - 1)."""
    return np.eye(size, size - 1) - np.eye(size, size - 1, -1)
