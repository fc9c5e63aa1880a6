"""Association in two-way tables of counts: tests and measures of strength.

Tables are 2-d integer arrays, rows by columns. What a table cannot answer, such as a test with a
single row, is None.
"""

from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, fdtrc

from riskshift.errors import UsageError
from riskshift.stats.crosstabs.tables import ChiSquare, Floats, clustered, two_way
from riskshift.stats.ranges import check_at_least_one

_BLOCK_DRAWS = 8192
# Of the generator that tables are drawn with.
_MOST_DRAWN = 10**9
_NOTHING = 1e-20
# Tables so far from the likeliest one are looked at, however large the counts.
_NEAR = 2**16


@dataclass(frozen=True, slots=True)
class RaoScott:
    """A Pearson statistic of a clustered table with Rao and Scott's second-order correction.

    Parameters
    ----------
    statistic : float
        Pearson's chi-square over the sum of the generalised design effects.
    df, df_denominator : float
        Degrees of freedom of the F distribution that it is held against.
    p : float
        From that distribution.
    deff : float
        Mean generalised design effect.
    """

    statistic: float
    df: float
    df_denominator: float
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
        with fewer than two rows or columns that are not empty, and for a billion records, which
        are more than can be drawn from.

    Raises
    ------
    UsageError
        If `draws` is below 1 or the table is not one of counts.

    References
    ----------
    .. [1] J. M. Boyett, "Algorithm AS 144: Random R x C tables with given row and column totals",
       Applied Statistics 28 (1979), p. 329-332: the distribution that is drawn from.
    .. [2] B. Phipson, G. K. Smyth, "Permutation p-values should never be zero", Statistical
       Applications in Genetics and Molecular Biology 9 (2010), article 39.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> round(permutation_p([[3, 1], [1, 3]], draws=20_000, rng=rng), 2)  # exact: 34/70, 0.49
    0.48
    """
    check_at_least_one("draws", draws)
    counts = two_way(table, drop=True)
    if min(counts.shape) < 2 or counts.sum() >= _MOST_DRAWN:
        return None
    rows, columns = counts.sum(axis=1), counts.sum(axis=0)
    # With fixed margins chi-square is n * (sum n_ij^2 / (r_i c_j) - 1).
    observed = float((counts**2 / np.outer(rows, columns)).sum())
    rows, columns = np.sort(rows), np.sort(columns)
    inverse = (1 / np.outer(rows, columns)).ravel()
    threshold = observed - 1e-9 * (observed - 1) - 1e-13
    margins = rows.astype(np.int64), columns.astype(np.int64)
    extreme = 0
    for start in range(0, draws, _BLOCK_DRAWS):
        size = min(_BLOCK_DRAWS, draws - start)
        drawn = _random_tables(*margins, size, rng)
        squares = np.square(drawn.reshape(size, -1), dtype=np.float64)
        extreme += int((squares @ inverse >= threshold).sum())
    return (1 + extreme) / (1 + draws)


def _random_tables(
    rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64], size: int, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Draw tables with these margins, each cell given those before it: hypergeometric."""
    drawn = np.zeros((size, len(rows), len(columns)), dtype=np.int64)
    left = np.tile(columns, (size, 1))
    for row, total in enumerate(rows[:-1]):
        need, beyond = np.full(size, total), left.sum(axis=1)
        for column in range(len(columns) - 1):
            beyond -= left[:, column]
            drawn[:, row, column] = rng.hypergeometric(left[:, column], beyond, need)
            need -= drawn[:, row, column]
        drawn[:, row, -1] = need
        left -= drawn[:, row]
    drawn[:, -1] = left
    return drawn


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
    counts = two_way(table)
    if counts.shape != (2, 2):
        raise UsageError(f"The table is {counts.shape[0]} x {counts.shape[1]}; it must be 2 x 2.")
    (a, b), (c, d) = counts.tolist()
    odds_ratio = a * d / (b * c) if b * c > 0 else None
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    if margins == 0:
        return TwoByTwo(odds_ratio, False, None, None)
    p = _fisher(round(a), round(a + b), round(a + c), round(a + b + c + d))
    return TwoByTwo(odds_ratio, b * c == 0, (a * d - b * c) / sqrt(margins), p)


def _fisher(cell: int, row: int, column: int, total: int) -> float:
    """Sum the chances of all tables with these margins that are no likelier than the one seen.

    Chances are multiplied up from the likeliest table on, so that no logarithm of a large factorial
    is subtracted from another. Tables that differ in rounding alone are equally likely. Those beyond
    40 standard deviations and `_NEAR` more are left out: together they have no chance of 10**-300.
    """
    lowest, highest = max(0, row + column - total), min(row, column)
    mode = min(max((row + 1) * (column + 1) // (total + 2), lowest), highest)
    deviation = sqrt(row * column * (total - row) * (total - column) / total**3)
    reach = _NEAR + ceil(40 * deviation)
    lowest, highest = max(lowest, mode - reach), min(highest, mode + reach)
    if not lowest <= cell <= highest:
        return 0.0
    up = np.arange(mode, highest, dtype=np.float64)
    down = np.arange(mode, lowest, -1, dtype=np.float64)
    apart = total - row - column
    rising = np.cumprod((row - up) * (column - up) / ((up + 1) * (apart + up + 1)))
    falling = np.cumprod(down * (apart + down) / ((row - down + 1) * (column - down + 1)))
    chances = np.concatenate([falling[::-1], [1.0], rising])
    seen = chances[cell - lowest]
    return min(1.0, float(chances[chances <= seen * (1 + 1e-7)].sum() / chances.sum()))


def rao_scott(
    cells: npt.ArrayLike, weight: npt.ArrayLike, *, cautious: bool = True
) -> RaoScott | None:
    """Pearson's chi-square of a clustered table with the second-order Rao-Scott correction.

    Parameters
    ----------
    cells : array_like, shape (m, rows, columns)
        Counts of each kind of cluster.
    weight : array_like, shape (m,)
        Number of clusters of that kind.
    cautious : bool, default True
        Hold the test to its level also where few clusters carry the rare cells; see Notes. False
        gives what R's ``svychisq(statistic = "F")`` gives.

    Returns
    -------
    RaoScott or None
        None with fewer than two clusters, or two rows or columns that are not empty, or where
        clusters do not differ, or (not `cautious`) empty cells leave the design effects undefined.

    Notes
    -----
    With design effects d, the statistic is ``chi^2 / sum(d)`` on ``D = sum(d)^2 / sum(d^2)`` and
    ``D (G - 1)`` degrees of freedom [1]_ [2]_. Design effects at the observed proportions come out
    too small where a rare cell happens to be empty or to live in one cluster: with 60 prompts of 20
    answers, an intra-cluster correlation of 0.8 and margins of 10 % and 30 % the test then errs
    17 % instead of 5 %. So `cautious` takes them at independence, where the score of a record is
    the product of its row's and its column's deviation; never takes their mean below 1, because
    sharing prompts cannot tell more than independence; and counts clusters by what they carry:
    G is ``sum(s)^2 / sum(s^2)``, with s a cluster's part of the sum of the design effects. This is
    riskshift's own rule, after Satterthwaite's idea; the coverage lab measures it.

    References
    ----------
    .. [1] J. N. K. Rao, A. J. Scott, "On chi-squared tests for multiway contingency tables with
       cell proportions estimated from survey data", Annals of Statistics 12 (1984), p. 46-60.
    .. [2] D. R. Thomas, J. N. K. Rao, "Small-sample comparisons of level and power for simple
       goodness-of-fit statistics under cluster sampling", JASA 82 (1987), p. 630-636, for F.

    Examples
    --------
    Each of 25 prompts was answered twice, always in the same way: half the evidence.

    >>> cells = [[[2, 0], [0, 0]], [[0, 2], [0, 0]], [[0, 0], [2, 0]], [[0, 0], [0, 2]]]
    >>> test = rao_scott(cells, [8, 4, 5, 8], cautious=False)
    >>> round(chi_square([[16, 8], [10, 16]]).statistic, 3), round(test.statistic, 3)
    (3.978, 1.909)
    """
    counts, w = clustered(cells, weight)
    table = np.tensordot(w, counts, 1)
    counts = counts[:, table.any(axis=1)][:, :, table.any(axis=0)]
    test = chi_square(table)
    if test is None or w.sum() < 2:
        return None
    scores = _scores(counts, w, at_independence=cautious)
    if scores is None:
        return None
    groups, parts = float(w.sum()), (scores**2).sum(axis=1)
    effects = groups / (groups - 1) * (scores.T * w) @ scores
    total = float(np.trace(effects))
    # What is zero but for rounding says that the clusters do not differ.
    if total < _NOTHING:
        return None
    df = total**2 / float((effects**2).sum())
    if cautious:
        groups = max(2.0, min(groups, float(w @ parts) ** 2 / float(w @ parts**2)))
        total = max(total, float(test.df))
    statistic, rest = test.statistic / total, df * (groups - 1)
    return RaoScott(statistic, df, rest, float(fdtrc(df, rest, statistic)), total / test.df)


def _scores(counts: Floats, w: Floats, *, at_independence: bool) -> Floats | None:
    """Return what a cluster of each kind adds to the interaction, in units of independent records.

    Shape (kinds, degrees of freedom); the sum of their squares is that of the design effects.
    """
    kinds, rows, columns = counts.shape
    table = np.tensordot(w, counts, 1)
    n = float(table.sum())
    share = table.ravel() / n
    base = (
        np.outer(table.sum(axis=1), table.sum(axis=0)).ravel() / n**2 if at_independence else share
    )
    inverse = np.divide(1, base, out=np.zeros_like(base), where=base > 0)
    # Orthogonal to both main effects, so what is left is the interaction.
    contrasts = np.kron(_steps(rows), _steps(columns))
    weighted = inverse[:, None] * contrasts
    independent = contrasts.T @ weighted
    if np.linalg.matrix_rank(independent) < len(independent):
        return None
    flat = counts.reshape(kinds, -1)
    raw = (flat - flat.sum(axis=1, keepdims=True) * share) @ weighted
    # Triangular whitening: the covariance of independent records becomes the identity.
    whitened: Floats = np.linalg.solve(np.linalg.cholesky(independent), raw.T).T / np.sqrt(n)
    return whitened


def _steps(size: int) -> Floats:
    """Return contrasts of neighbours, shape (size, size - 1)."""
    return np.eye(size, size - 1) - np.eye(size, size - 1, -1)
