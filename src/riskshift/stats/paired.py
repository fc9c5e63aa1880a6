"""Two or more models on the same prompts: tests and intervals for paired binary outcomes.

Counts of pairs are named after where the event happened: `both`, `a_only`, `b_only`, `neither`.
A difference is always a minus b.
"""

from dataclasses import dataclass
from math import exp, isfinite, lgamma, log, sqrt

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, chdtrc

from riskshift.errors import UsageError
from riskshift.stats.cluster import EffectiveSample, linearised_variance, t_quantile
from riskshift.stats.proportion import Interval, normal_quantile
from riskshift.stats.tables import ChiSquare

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class McNemar:
    """A test that two paired shares are equal.

    Parameters
    ----------
    statistic : float or None
        Chi-square on 1 degree of freedom; None for an exact test and where undefined.
    p : float or None
        Two-sided p-value; None where undefined.
    method : str
        Name of the method, such as ``"mcnemar-exact"``.
    """

    statistic: float | None
    p: float | None
    method: str


def mcnemar_exact(a_only: int, b_only: int, *, mid_p: bool = False) -> float:
    """Exact McNemar test: two-sided binomial p-value of the discordant pairs.

    Parameters
    ----------
    a_only, b_only : int
        Pairs in which the event happened on one side only.
    mid_p : bool, default False
        Count only half the probability of the outcome observed. The test is then no longer
        guaranteed to keep its level, but rarely exceeds it and is far less conservative.

    Returns
    -------
    float
        1 where there are no discordant pairs: they are no evidence of a difference.

    Raises
    ------
    UsageError
        If a count is negative or not whole.

    References
    ----------
    .. [1] M. W. Fagerland, S. Lydersen, P. Laake, "The McNemar test for binary matched-pairs
       data: mid-p and asymptotic are better than exact conditional", BMC Medical Research
       Methodology 13:91 (2013).

    Examples
    --------
    >>> round(mcnemar_exact(1, 7), 4), round(mcnemar_exact(1, 7, mid_p=True), 4)
    (0.0703, 0.0391)
    """
    if not (a_only >= 0 and b_only >= 0 and a_only % 1 == b_only % 1 == 0):
        raise UsageError(f"{a_only} and {b_only} must be whole counts of at least 0.")
    fewer, more = sorted((a_only, b_only))
    tails = 2 * float(betainc(more, fewer + 1, 0.5)) if more else 2.0
    if mid_p:
        discordant = fewer + more
        choices = lgamma(discordant + 1) - lgamma(fewer + 1) - lgamma(more + 1)
        tails -= exp(choices - discordant * log(2))
    return min(1.0, tails)


def tango(
    both: float, a_only: float, b_only: float, neither: float, *, confidence: float = 0.95
) -> Interval:
    """Tango's score interval for the difference of two paired proportions.

    Parameters
    ----------
    both, a_only, b_only, neither : float
        Counts of pairs. They need not be whole: with an effective sample size, scale all four.
    confidence : float, default 0.95
        Two-sided coverage.

    Returns
    -------
    Interval
        For ``(a_only - b_only) / n``. Inside [-1, 1] and of positive width, also where no pair
        or every pair is discordant.

    Raises
    ------
    UsageError
        If a count is negative, there are no pairs, or `confidence` is not between 0 and 1.

    References
    ----------
    .. [1] T. Tango, "Equivalence test and confidence interval for the difference in proportions
       for the paired-sample design", Statistics in Medicine 17 (1998), p. 891-908.

    Examples
    --------
    >>> interval = tango(59, 6, 16, 80)
    >>> round(interval.low, 4), round(interval.high, 4)
    (-0.124, -0.0054)
    """
    counts = (both, a_only, b_only, neither)
    n = sum(counts)
    if not (min(counts) >= 0 and n > 0 and isfinite(n)):
        raise UsageError(f"{counts} cannot be counts of pairs; none may be negative, all 0 or inf.")
    z = normal_quantile(confidence)
    high = _tango_upper(a_only, b_only, n, z)
    low = -_tango_upper(b_only, a_only, n, z)
    return Interval(low, high, "tango", confidence)


def tango_score(a_only: float, b_only: float, n: float, delta: float) -> float:
    """Tango's score statistic for a paired difference of `delta`.

    Parameters
    ----------
    a_only, b_only, n : float
        Discordant pairs and all pairs; need not be whole.
    delta : float
        The difference that is tested, between -1 and 1 and not the one observed.

    Returns
    -------
    float
        Standard normal under the hypothesis; positive where the observed difference is larger.

    References
    ----------
    .. [1] T. Tango, "Equivalence test and confidence interval for the difference in proportions
       for the paired-sample design", Statistics in Medicine 17 (1998), p. 891-908.

    Examples
    --------
    >>> round(tango_score(12, 10, 500, 0.02), 4)
    -1.6046
    """
    return (a_only - b_only - n * delta) / sqrt(_tango_variance(a_only, b_only, n, delta))


def _tango_variance(a_only: float, b_only: float, n: float, delta: float) -> float:
    size = abs(delta)
    larger, smaller = (a_only, b_only) if delta >= 0 else (b_only, a_only)
    # The constrained maximum-likelihood share of the smaller discordant cell solves
    # 2n q^2 + slope q - product = 0. By the mirror at 0 no term is negative but the slope.
    slope = (2 * n - larger + smaller) * size - larger - smaller
    product = smaller * size * (1 - size)
    share = (sqrt(slope * slope + 8 * n * product) - slope) / (4 * n)
    return n * (2 * share + size * (1 - size))


def durkalski(
    a_only: npt.ArrayLike, b_only: npt.ArrayLike, size: npt.ArrayLike, weight: npt.ArrayLike
) -> McNemar:
    """McNemar's test for clusters of pairs, after Durkalski and others.

    With ``d_k = (a_only_k - b_only_k) / size_k``, the statistic is
    ``(sum of d_k)^2 / sum of d_k^2`` over clusters, a chi-square with 1 degree of freedom. Each
    cluster counts once whatever its size, so with unequal sizes this compares the average prompt
    and not the average response.

    Parameters
    ----------
    a_only, b_only, size, weight : array_like, shape (m,)
        Discordant pairs of either sort and all pairs in each kind of cluster, and the number of
        clusters of that kind. Clusters without pairs are left out.

    Returns
    -------
    McNemar
        Statistic and p are None where no cluster leans to either side. Where every cluster is
        one pair this is McNemar's chi-square without continuity correction.

    Raises
    ------
    UsageError
        If the arrays do not match or the discordant pairs exceed the size of a cluster.

    References
    ----------
    .. [1] V. L. Durkalski, Y. Y. Palesch, S. R. Lipsitz, P. F. Rust, "Analysis of clustered
       matched-pair data", Statistics in Medicine 22 (2003), p. 2417-2428.

    Examples
    --------
    >>> test = durkalski([2, 1, 0, 0], [0, 1, 2, 0], [3, 3, 3, 3], [12, 5, 3, 80])
    >>> round(test.statistic, 2), round(test.p, 4)
    (5.4, 0.0201)
    """
    a, b, n, w = _kinds(a_only, b_only, size, weight)
    if (a + b > n).any():
        raise UsageError("A cluster has more discordant pairs than pairs.")
    lean = (a - b)[n > 0] / n[n > 0]
    w = w[n > 0]
    spread = float(w @ lean**2)
    if spread == 0:
        return McNemar(None, None, "durkalski")
    statistic = float(w @ lean) ** 2 / spread
    return McNemar(statistic, float(chdtrc(1, statistic)), "durkalski")


def clustered_tango(
    both: npt.ArrayLike,
    a_only: npt.ArrayLike,
    b_only: npt.ArrayLike,
    neither: npt.ArrayLike,
    weight: npt.ArrayLike,
    *,
    confidence: float = 0.95,
) -> tuple[Interval, EffectiveSample]:
    """Tango's interval where several pairs share a cluster, such as samples of one prompt.

    Every pair scores d = 1 (a only), -1 (b only) or 0. The design effect is the linearised
    variance of the mean of d over whole clusters, divided by its variance for independent pairs,
    ``(a_only + b_only) / n - mean^2`` over n, and at least 1. It is computed after adding one
    cluster that is all a-only, one all b-only and two all neither, of the size that the average
    pair lives in: the rule for a single rate (two clusters with the event, two without), spread
    over both directions, because a design effect from few discordant pairs is far too small.
    All four counts are then divided by ``deff * (t_{G-1} / t_{n-1})^2``. The added clusters are
    riskshift's own rule; simulated coverage stays above 93 % from 50 to 2,000 prompts.

    Parameters
    ----------
    both, a_only, b_only, neither, weight : array_like, shape (m,)
        Counts of pairs in each kind of cluster, and the number of clusters of that kind.
    confidence : float, default 0.95
        Two-sided coverage.

    Returns
    -------
    tuple of (Interval, EffectiveSample)
        The interval for ``(a_only - b_only) / n`` over all pairs, and what the pairs are worth.
        `deff` is 1 where no cluster has more than one pair; [-1, 1] where there is one cluster.

    Raises
    ------
    UsageError
        If the arrays do not match, a count is negative, there are no pairs, or `confidence` is
        not between 0 and 1.

    Examples
    --------
    >>> interval, sample = clustered_tango(
    ...     [0, 0, 0], [3, 1, 0], [0, 1, 0], [0, 1, 3], [20, 10, 170]
    ... )
    >>> round(interval.low, 4), round(interval.high, 4), round(sample.deff, 2)
    (0.0598, 0.1468, 2.26)
    """
    counts = _kinds(both, a_only, b_only, neither, weight)
    cells, w = np.stack(counts[:4]), counts[4]
    pooled = [float(cell) for cell in cells @ w]
    sample = _effective_pairs(cells, w, confidence)
    if sample.n == 0:
        return Interval(-1.0, 1.0, "tango", confidence), sample
    scale = sample.n / sum(pooled)
    return tango(*(cell * scale for cell in pooled), confidence=confidence), sample


def cochran_q(patterns: npt.ArrayLike, weight: npt.ArrayLike) -> ChiSquare | None:
    """Cochran's Q: do k models have the same rate on the same prompts.

    Parameters
    ----------
    patterns : array_like of 0 or 1, shape (m, k)
        The outcomes of the k models, one row for each kind of prompt.
    weight : array_like, shape (m,)
        Number of prompts of each kind.

    Returns
    -------
    ChiSquare or None
        On k - 1 degrees of freedom; for k = 2 it is McNemar's chi-square without continuity
        correction. None where every prompt has the same outcome under all models.

    Raises
    ------
    UsageError
        If the shapes do not match, there are fewer than two models, or an outcome is not 0 or 1.

    References
    ----------
    .. [1] W. G. Cochran, "The comparison of percentages in matched samples", Biometrika 37
       (1950), p. 256-266.

    Examples
    --------
    >>> test = cochran_q([[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 0, 0]], [9, 4, 1, 86])
    >>> round(test.statistic, 3), test.df, round(test.p, 5)
    (16.714, 2, 0.00023)
    """
    outcomes = np.asarray(patterns, dtype=np.float64)
    w = np.asarray(weight, dtype=np.float64)
    if outcomes.ndim != 2 or w.shape != outcomes.shape[:1] or outcomes.shape[1] < 2:
        raise UsageError(
            f"patterns has shape {outcomes.shape} and weight {w.shape}; they must be (m, k) with "
            "k of at least 2, and (m,)."
        )
    if not np.isin(outcomes, (0, 1)).all() or not (w >= 0).all():
        raise UsageError("Outcomes must be 0 or 1 and no weight negative.")
    k = outcomes.shape[1]
    events = outcomes.sum(axis=1)
    mixed = float(w @ (events * (k - events)))
    if mixed == 0:
        return None
    totals = w @ outcomes
    statistic = k * (k - 1) * float(((totals - totals.mean()) ** 2).sum()) / mixed
    return ChiSquare(statistic, k - 1, float(chdtrc(k - 1, statistic)))


def _tango_upper(a_only: float, b_only: float, n: float, z: float) -> float:
    """Find the largest difference that the score test does not reject."""
    from scipy.optimize import brentq

    # Where all pairs are alike the variance vanishes at the estimate; the ends are known.
    if a_only + b_only == 0:
        return z * z / (n + z * z)
    if b_only >= n:
        return (z * z - n) / (n + z * z)
    if a_only >= n:
        return 1.0

    # The numerator of the score against z standard errors: finite at 1, where the score is not.
    def excess(delta: float) -> float:
        return a_only - b_only - n * delta + z * sqrt(_tango_variance(a_only, b_only, n, delta))

    return float(brentq(excess, (a_only - b_only) / n, 1.0, xtol=1e-15, rtol=1e-14))


def _effective_pairs(cells: Floats, w: Floats, confidence: float) -> EffectiveSample:
    n = cells.sum(axis=0)
    used = (n > 0) & (w > 0)
    cells, n, w = cells[:, used], n[used], w[used]
    if not used.any():
        raise UsageError("There are no pairs, so there is no difference; report it as undefined.")
    normal_quantile(confidence)  # checks the level
    total, clusters = float(w @ n), round(float(w.sum()))
    if n.max() <= 1:
        return EffectiveSample(1.0, total, clusters)
    deff = _paired_deff(cells[1], cells[2], n, w)
    if clusters == 1:
        return EffectiveSample(deff, 0.0, clusters)
    shrink = t_quantile(total - 1, confidence) / t_quantile(clusters - 1, confidence)
    return EffectiveSample(deff, total / deff * shrink**2, clusters)


def _paired_deff(a: Floats, b: Floats, n: Floats, w: Floats) -> float:
    typical = float(w @ n**2) / float(w @ n)
    a = np.append(a, [typical, 0.0, 0.0])
    b = np.append(b, [0.0, typical, 0.0])
    n = np.append(n, [typical] * 3)
    w = np.append(w, [1.0, 1.0, 2.0])
    total = float(w @ n)
    mean = float(w @ (a - b)) / total
    independent = (float(w @ (a + b)) / total - mean**2) / total
    variance = linearised_variance(a - b, n, w)
    # Clusters of both directions were added, so neither variance is zero.
    return max(1.0, (variance or 0.0) / independent)


def _kinds(*arrays: npt.ArrayLike) -> list[Floats]:
    columns = [np.asarray(array, dtype=np.float64) for array in arrays]
    if any(column.ndim != 1 or column.shape != columns[0].shape for column in columns):
        shapes = ", ".join(str(column.shape) for column in columns)
        raise UsageError(f"Counts of clusters must be 1-d and of equal length; shapes: {shapes}.")
    if not all((np.isfinite(column) & (column >= 0)).all() for column in columns):
        raise UsageError("Counts of clusters must be finite and none negative.")
    return columns
