"""Association in two-way tables of counts: tests and measures of strength.

Tables are 2-d integer arrays, rows by columns. What a table cannot answer, such as a test with a
single row, is None.
"""

from dataclasses import dataclass
from math import atanh, sqrt, tanh

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from riskshift.errors import UsageError
from riskshift.stats.cluster import t_quantile
from riskshift.stats.proportion import normal_quantile
from riskshift.stats.ranges import check_at_least_one

_BLOCK_DRAWS = 8192

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ChiSquare:
    """A chi-square statistic with its degrees of freedom and asymptotic p-value."""

    statistic: float
    df: int
    p: float


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
class Gamma:
    """Goodman-Kruskal gamma; `low` and `high` are None where its error is unknown."""

    estimate: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Trend:
    """A linear-by-linear statistic, chi-square with one degree of freedom, and its p-value."""

    statistic: float
    p: float


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
    counts = _table(table, drop=True)
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
    counts = _table(table, drop=True)
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
    counts = _table(table, drop=True)
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
    counts = _table(table, drop=True)
    test = chi_square(counts)
    if test is None:
        return None
    n = float(counts.sum())
    excess = max(0.0, test.statistic / n - test.df / (n - 1))
    levels = min(size - 1 - (size - 1) ** 2 / (n - 1) for size in counts.shape)
    return min(1.0, sqrt(excess / levels)) if levels > 0 else None


def gamma(
    table: npt.ArrayLike,
    *,
    confidence: float = 0.95,
    clusters: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
) -> Gamma | None:
    """Goodman-Kruskal gamma of two ordinal variables, with an interval on the atanh scale.

    Parameters
    ----------
    table : array_like, shape (rows, columns)
        Counts, both variables in rising order.
    confidence : float, default 0.95
        Two-sided coverage.
    clusters : tuple of (cells, weight), optional
        Where records come in clusters: `cells`, shape (m, rows, columns), the counts of each
        kind of cluster, and `weight`, shape (m,), the number of clusters of that kind. Their
        weighted sum must be `table`. The error is then linearised over whole clusters and the
        quantile is Student's with G - 1 degrees of freedom.

    Returns
    -------
    Gamma or None
        None without concordant or discordant pairs. The ends are None at gamma of -1 or 1,
        where its error is 0, and with fewer than two clusters.

    Raises
    ------
    UsageError
        If `clusters` does not add up to `table`, or `confidence` is impossible.

    References
    ----------
    .. [1] L. A. Goodman, W. H. Kruskal, "Measures of association for cross classifications IV",
       JASA 67 (1972), p. 415-421.
    .. [2] M. B. Brown, J. K. Benedetti, "Sampling behavior of tests for correlation in two-way
       contingency tables", JASA 72 (1977), p. 309-315.

    Examples
    --------
    >>> strength = gamma([[20, 10, 5], [10, 10, 15]])
    >>> round(strength.estimate, 4), round(strength.low, 4), round(strength.high, 4)
    (0.5294, 0.1771, 0.7615)
    """
    quantile = normal_quantile(confidence)
    counts = _table(table)
    estimate, influence = _gamma_influence(counts)
    if estimate is None:
        return None
    if clusters is None:
        variance = float((counts * influence**2).sum())
    else:
        cells, weight = _clusters(*clusters)
        if not np.array_equal(np.tensordot(weight, cells, 1), counts):
            raise UsageError("The clusters do not add up to the table.")
        groups = float(weight.sum())
        if groups < 2:
            return Gamma(estimate, None, None)
        each = np.tensordot(cells, influence, 2)
        variance = groups / (groups - 1) * float(weight @ each**2)
        quantile = t_quantile(groups - 1, confidence)
    if abs(estimate) == 1 or variance == 0:
        return Gamma(estimate, None, None)
    # d atanh(g) / dg = 1 / (1 - g^2)
    centre, half = atanh(estimate), quantile * sqrt(variance) / (1 - estimate**2)
    return Gamma(estimate, tanh(centre - half), tanh(centre + half))


def linear_by_linear(
    table: npt.ArrayLike,
    *,
    row_scores: npt.ArrayLike | None = None,
    column_scores: npt.ArrayLike | None = None,
) -> Trend | None:
    """Linear-by-linear test of trend for two ordinal variables.

    Parameters
    ----------
    table : array_like, shape (rows, columns)
        Counts, both variables in rising order.
    row_scores, column_scores : array_like, optional
        A score for each row and column; equally spaced by default.

    Returns
    -------
    Trend or None
        ``(n - 1) r^2`` with r the correlation of the scores. None where either score does not
        vary.

    Raises
    ------
    UsageError
        If the scores do not match the table.

    References
    ----------
    .. [1] A. Agresti, "Categorical Data Analysis", section 3.4.1.

    Examples
    --------
    >>> trend = linear_by_linear([[20, 10, 5], [10, 10, 15]])
    >>> round(trend.statistic, 3), round(trend.p, 4)
    (8.118, 0.0044)
    """
    counts = _table(table)
    rows, columns = counts.sum(axis=1), counts.sum(axis=0)
    x, y = _scores(row_scores, rows, "row"), _scores(column_scores, columns, "column")
    if len(set(x[rows > 0])) < 2 or len(set(y[columns > 0])) < 2:
        return None
    n = float(counts.sum())
    x, y = x - float(rows @ x) / n, y - float(columns @ y) / n
    spread = float(rows @ x**2) * float(columns @ y**2)
    statistic = (n - 1) * float(x @ counts @ y) ** 2 / spread
    return Trend(statistic, float(chdtrc(1, statistic)))


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

    counts = _table(table)
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
    counts, w = _clusters(cells, weight)
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


def _gamma_influence(counts: Floats) -> tuple[float | None, Floats]:
    """Return gamma and what one more record in each cell would do to it, times n."""
    before = np.pad(counts, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    up_left = before[:-1, :-1]
    up_right = before[:-1, -1:] - before[:-1, 1:]
    down_left = before[-1:, :-1] - before[1:, :-1]
    down_right = before[-1, -1] - before[1:, -1:] - before[-1:, 1:] + before[1:, 1:]
    concordant, discordant = up_left + down_right, up_right + down_left
    p, q = float((counts * concordant).sum()), float((counts * discordant).sum())
    if p + q == 0:
        return None, np.zeros_like(counts)
    return (p - q) / (p + q), 4 * (q * concordant - p * discordant) / (p + q) ** 2


def _scores(scores: npt.ArrayLike | None, margin: Floats, side: str) -> Floats:
    values = np.asarray(range(len(margin)) if scores is None else scores, dtype=np.float64)
    if values.shape != margin.shape:
        raise UsageError(f"{len(margin)} {side} scores are needed; their shape is {values.shape}.")
    return values


def _clusters(cells: npt.ArrayLike, weight: npt.ArrayLike) -> tuple[Floats, Floats]:
    counts, w = np.asarray(cells, dtype=np.float64), np.asarray(weight, dtype=np.float64)
    if counts.ndim != 3 or w.shape != counts.shape[:1]:
        raise UsageError(
            f"Clusters are cells (m, rows, columns) and weight (m,); shapes: "
            f"{counts.shape} and {w.shape}."
        )
    used = counts.any(axis=(1, 2)) & (w > 0)
    return counts[used], w[used]


def _table(table: npt.ArrayLike, *, drop: bool = False) -> Floats:
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim != 2 or not (counts >= 0).all():
        raise UsageError("A table is 2-d, with counts that are not negative.")
    return counts[counts.any(axis=1)][:, counts.any(axis=0)] if drop else counts
