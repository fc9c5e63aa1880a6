"""Two or more models on the same prompts: tests and intervals for paired binary outcomes.

Counts of pairs are named after where the event happened: `both`, `a_only`, `b_only`, `neither`.
A difference is always a minus b.
"""

from math import exp, isfinite, lgamma, log, sqrt

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, betaincinv, chdtrc

from riskshift.errors import UsageError
from riskshift.stats.crosstabs.tables import ChiSquare
from riskshift.stats.proportion import Interval, normal_quantile

Floats = npt.NDArray[np.float64]


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


def tango_exact(
    both: float, a_only: float, b_only: float, neither: float, *, confidence: float = 0.95
) -> Interval:
    """Tango's interval, held to exact limits.

    Where few pairs are discordant, the end of Tango's interval that lies towards 0 is too bold:
    4 discordant pairs of one sort leave out 0 at an exact p of 0.125, and where all are of one sort
    the lower end errs in up to 5.2 %. This interval also reaches as far as `exact_upper` on either
    side. It leaves out 0 only where the exact McNemar test rejects, and the tolerance of a
    rule on a difference only where, if all discordant pairs are of one sort, Clopper and Pearson's
    limits do. That they are joined is riskshift's own rule: at 20 to 2,000 pairs, margins of 1 to
    10 points and baseline-only shares up to 10 % no end errs in more than 2.8 % at the margin.

    Parameters
    ----------
    both, a_only, b_only, neither : float
        Counts of pairs. They need not be whole: with an effective sample size, scale all four.
    confidence : float, default 0.95
        Two-sided coverage.

    Returns
    -------
    Interval
        For ``(a_only - b_only) / n``; holds Tango's interval.

    Raises
    ------
    UsageError
        If a count is negative, there are no pairs, or `confidence` is not between 0 and 1.

    References
    ----------
    .. [1] T. Tango, "Equivalence test and confidence interval for the difference in proportions
       for the paired-sample design", Statistics in Medicine 17 (1998), p. 891-908.
    .. [2] C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits illustrated in
       the case of the binomial", Biometrika 26 (1934), p. 404-413.

    Examples
    --------
    >>> bold, held = tango(0, 4, 0, 46), tango_exact(0, 4, 0, 46)
    >>> round(bold.low, 4), round(held.low, 4), round(held.high, 4)
    (0.0029, -0.0164, 0.1884)
    """
    interval = tango(both, a_only, b_only, neither, confidence=confidence)
    n = both + a_only + b_only + neither
    high = max(interval.high, exact_upper(a_only, b_only, n, confidence))
    low = min(interval.low, -exact_upper(b_only, a_only, n, confidence))
    return Interval(low, high, "tango-exact", confidence)


def exact_upper(a_only: float, b_only: float, n: float, confidence: float) -> float:
    """Upper end for a paired difference by exact limits, of which something is taken as given.

    Parameters
    ----------
    a_only, b_only, n : float
        Discordant pairs and all pairs; need not be whole.
    confidence : float
        Two-sided coverage.

    Returns
    -------
    float
        The larger of two. With all discordant pairs given: ``(2 s - 1) * (a_only + b_only) / n`` at
        the upper Clopper-Pearson limit s of a_only among them; 0 without any. With a_only given:
        a_only less the lower Clopper-Pearson limit of b_only, which counts where a_only is rare.

    Examples
    --------
    >>> round(exact_upper(1, 7, 80, 0.95), 4), round(exact_upper(0, 30, 600, 0.95), 4)
    (0.0053, -0.034)
    """
    return float(exact_uppers(np.array([a_only]), np.array([b_only]), n, confidence)[0])


def exact_uppers(
    a_only: Floats, b_only: Floats, n: float | Floats, confidence: float | Floats
) -> Floats:
    """`exact_upper` for many tables at once.

    Parameters
    ----------
    a_only, b_only : ndarray, shape (m,)
        Discordant pairs.
    n : float or ndarray, shape (m,)
        All pairs.
    confidence : float or ndarray, shape (m,)
        Two-sided coverage.

    Returns
    -------
    ndarray, shape (m,)

    Examples
    --------
    >>> exact_uppers(np.array([1.0, 0.0]), np.array([7.0, 0.0]), 80, 0.95).round(4).tolist()
    [0.0053, 0.0]
    """
    inner, tail = b_only > 0, (1 - confidence) / 2
    opposed = np.where(inner, b_only, 1.0)
    share = np.where(inner, betaincinv(a_only + 1, opposed, 1 - tail), 1.0)
    low = np.where(inner, betaincinv(opposed, n - opposed + 1, tail), 0.0)
    conditional = (2 * share - 1) * (a_only + b_only) / n
    return np.asarray(np.maximum(conditional, a_only / n - low), np.float64)


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


def tango_scores(a_only: Floats, b_only: Floats, n: float | Floats, delta: float) -> Floats:
    """`tango_score` for many tables at once.

    Parameters
    ----------
    a_only, b_only : ndarray, shape (m,)
        Discordant pairs.
    n : float or ndarray, shape (m,)
        All pairs.
    delta : float
        The difference that is tested, between 0 and 1, neither included.

    Returns
    -------
    ndarray, shape (m,)

    Examples
    --------
    >>> tango_scores(np.array([12.0, 14.0]), np.array([10.0, 10.0]), 500, 0.02).round(4).tolist()
    [-1.6046, -1.177]
    """
    slope = (2 * n - a_only + b_only) * delta - a_only - b_only
    product = b_only * delta * (1 - delta)
    share = (np.sqrt(slope * slope + 8 * n * product) - slope) / (4 * n)
    variance = n * (2 * share + delta * (1 - delta))
    return np.asarray((a_only - b_only - n * delta) / np.sqrt(variance))


def _tango_variance(a_only: float, b_only: float, n: float, delta: float) -> float:
    size = abs(delta)
    larger, smaller = (a_only, b_only) if delta >= 0 else (b_only, a_only)
    # The constrained maximum-likelihood share of the smaller discordant cell solves
    # 2n q^2 + slope q - product = 0. By the mirror at 0 no term is negative but the slope.
    slope = (2 * n - larger + smaller) * size - larger - smaller
    product = smaller * size * (1 - size)
    share = (sqrt(slope * slope + 8 * n * product) - slope) / (4 * n)
    return n * (2 * share + size * (1 - size))


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
