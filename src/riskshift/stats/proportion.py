"""Intervals for one proportion and for the difference of two."""

from dataclasses import dataclass
from math import sqrt

from scipy.special import betaincinv, ndtri

from riskshift.errors import UsageError


@dataclass(frozen=True, slots=True)
class Interval:
    """A two-sided confidence interval and how it was made.

    Parameters
    ----------
    low, high : float
        The ends.
    method : str
        Name of the method, such as ``"wilson"``.
    confidence : float
        Nominal two-sided coverage, between 0 and 1.
    """

    low: float
    high: float
    method: str
    confidence: float


def normal_quantile(confidence: float) -> float:
    """Return z such that a standard normal lies within plus or minus z with `confidence`.

    Examples
    --------
    >>> round(normal_quantile(0.95), 6)
    1.959964
    """
    # Below, the quantile is no number that one may divide by.
    if not 1e-9 <= confidence < 1:
        raise UsageError(f"confidence is {confidence}; it must lie between 0 and 1, such as 0.95.")
    return float(-ndtri((1 - confidence) / 2))


def wilson(events: float, trials: float, *, confidence: float = 0.95) -> Interval:
    """Wilson score interval for a proportion.

    Parameters
    ----------
    events, trials : float
        ``0 <= events <= trials`` and ``trials > 0``. They need not be whole: with an effective
        sample size, pass ``estimate * effective_n`` and ``effective_n``.
    confidence : float, default 0.95
        Two-sided coverage.

    Returns
    -------
    Interval
        Inside [0, 1], of positive width also at 0 and at `trials` events.

    Raises
    ------
    UsageError
        If the counts are impossible or `confidence` is not between 0 and 1.

    References
    ----------
    .. [1] E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
       JASA 22 (1927), p. 209-212.
    .. [2] R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics
       in Medicine 17 (1998), p. 857-872, method 3.

    Examples
    --------
    >>> interval = wilson(40, 1250)
    >>> round(interval.low, 4), round(interval.high, 4)
    (0.0236, 0.0433)
    """
    _check_counts(events, trials)
    z = normal_quantile(confidence)
    p = events / trials
    shrink = 1 + z * z / trials
    centre = (p + z * z / (2 * trials)) / shrink
    half = z / shrink * sqrt(p * (1 - p) / trials + z * z / (4 * trials * trials))
    # At 0 and n events one end is exactly 0 or 1; rounding must not push it past.
    low = 0.0 if events == 0 else max(0.0, centre - half)
    high = 1.0 if events == trials else min(1.0, centre + half)
    return Interval(low, high, "wilson", confidence)


def clopper_pearson(events: float, trials: float, *, confidence: float = 0.95) -> Interval:
    """Clopper-Pearson ("exact") interval for a proportion.

    Its one-sided error is at most ``(1 - confidence) / 2`` on either side for independent
    records, which is what a release gate needs.

    Parameters
    ----------
    events, trials : float
        ``0 <= events <= trials`` and ``trials > 0``; need not be whole (effective sample size).
    confidence : float, default 0.95
        Two-sided coverage.

    Returns
    -------
    Interval

    References
    ----------
    .. [1] C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits illustrated in
       the case of the binomial", Biometrika 26 (1934), p. 404-413.
    .. [2] E. L. Korn, B. I. Graubard, "Confidence intervals for proportions with small expected
       number of positive counts estimated from survey data", Survey Methodology 24 (1998),
       p. 193-201, for counts that are not whole.

    Examples
    --------
    >>> interval = clopper_pearson(0, 40)
    >>> interval.low, round(interval.high, 4)
    (0.0, 0.0881)
    """
    _check_counts(events, trials)
    normal_quantile(confidence)  # checks the level
    tail = (1 - confidence) / 2
    low = 0.0 if events == 0 else float(betaincinv(events, trials - events + 1, tail))
    high = 1.0 if events == trials else float(betaincinv(events + 1, trials - events, 1 - tail))
    return Interval(low, high, "clopper-pearson", confidence)


def mover_difference(
    estimate_a: float,
    interval_a: Interval,
    estimate_b: float,
    interval_b: Interval,
    *,
    correlation: float = 0.0,
) -> Interval:
    """Interval for ``a - b`` from the intervals of a and of b (MOVER).

    Parameters
    ----------
    estimate_a, estimate_b : float
        Point estimates.
    interval_a, interval_b : Interval
        Their intervals, both at the confidence wanted for the difference.
    correlation : float, default 0
        Correlation of the two estimators.

    Returns
    -------
    Interval

    References
    ----------
    .. [1] G. Y. Zou, A. Donner, "Construction of confidence limits about effect measures: a
       general approach", Statistics in Medicine 27 (2008), p. 1693-1702, section 2.
    .. [2] R. G. Newcombe, "Interval estimation for the difference between independent
       proportions", Statistics in Medicine 17 (1998), p. 873-890, method 10: of Wilson's intervals.

    Examples
    --------
    >>> a, b = wilson(56, 70), wilson(48, 80)
    >>> interval = mover_difference(56 / 70, a, 48 / 80, b)
    >>> round(interval.low, 4), round(interval.high, 4)
    (0.0524, 0.3339)
    """
    below_a, above_a = estimate_a - interval_a.low, interval_a.high - estimate_a
    below_b, above_b = estimate_b - interval_b.low, interval_b.high - estimate_b
    difference = estimate_a - estimate_b
    low = difference - _joint(below_a, above_b, correlation)
    high = difference + _joint(above_a, below_b, correlation)
    # The ends cannot lie beyond those of perfect opposition, so rounding must not put them there.
    return Interval(
        max(low, interval_a.low - interval_b.high),
        min(high, interval_a.high - interval_b.low),
        f"mover-{interval_a.method}",
        interval_a.confidence,
    )


def _joint(one: float, other: float, correlation: float) -> float:
    # Rounding can leave a tiny negative number where both distances cancel at correlation 1.
    return sqrt(max(0.0, one * one + other * other - 2 * correlation * one * other))


def _check_counts(events: float, trials: float) -> None:
    if not (trials > 0 and 0 <= events <= trials):
        raise UsageError(
            f"{events} events of {trials} trials is impossible; 0 <= events <= trials, trials > 0."
        )
