"""Slopes within sets, and their mean: how far one thing moves with another among what belongs together.

A slope lies within known bounds, many are equal, and what moves may be rare: in 100 sets of two with a
true share of 5 % of slopes that are not 0, the mean's t interval holds it in 86 %. So a mean's interval
is put together of two, one for what lies above the middle slope and one for what lies below it.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from riskshift.errors import UsageError
from riskshift.stats.clusters.cluster import correlation, t_quantile
from riskshift.stats.proportion import Interval, mover_difference, normal_quantile, wilson

Floats = npt.NDArray[np.float64]
METHOD: Final = "mover-wilson-t"


def slopes_within(x: npt.ArrayLike, y: npt.ArrayLike, starts: npt.ArrayLike) -> Floats:
    """Least-squares slope of y on x within each set.

    Parameters
    ----------
    x, y : array_like of number, shape (n,)
        Values, those of a set next to each other.
    starts : array_like of int, shape (sets,)
        Where each set begins.

    Returns
    -------
    ndarray of float, shape (sets,)
        ``sum((x - mean(x)) * y) / sum((x - mean(x)) * x)``; NaN where all x of a set are equal.

    Raises
    ------
    UsageError
        If the arrays do not match.

    References
    ----------
    .. [1] M. H. Kutner, C. J. Nachtsheim, J. Neter, W. Li, "Applied Linear Statistical Models", 5th ed.
       (2005), equation 1.10a: the slope of least squares.

    Examples
    --------
    >>> slopes_within([0, 2, 0, 1, 3], [1, 0, 0, 1, 3], [0, 2])
    array([-0.5,  1. ])
    """
    one, other = np.asarray(x, np.float64), np.asarray(y, np.float64)
    at = np.asarray(starts, np.int64)
    if one.shape != other.shape or one.ndim != 1:
        raise UsageError(f"x and y must be 1-d and of equal length: {one.shape}, {other.shape}.")
    size = np.diff(np.append(at, len(one)))
    # Multiplied by the size, so that whole numbers stay exact.
    off = np.repeat(size, size) * one - np.repeat(np.add.reduceat(one, at), size)
    along, spread = np.add.reduceat(off * other, at), np.add.reduceat(off * one, at)
    slopes: Floats = np.divide(along, spread, out=np.full(len(at), np.nan), where=spread > 0)
    return slopes


def bounded_mean(
    values: npt.ArrayLike,
    weight: npt.ArrayLike,
    *,
    confidence: float = 0.95,
    bounds: tuple[float, float],
) -> tuple[float, Interval | None]:
    """Mean of independent values between known bounds, with an interval that few events do not break.

    Parameters
    ----------
    values : array_like of float, shape (m,)
        Distinct values.
    weight : array_like of int, shape (m,)
        How many there are of each, G in all.
    confidence : float, default 0.95
        Two-sided coverage.
    bounds : tuple of (float, float)
        Smallest and largest possible value.

    Returns
    -------
    tuple of (float, Interval or None)
        The mean and its interval; None for a single value. With c the median, the mean is c plus the
        mean excess over c less the mean shortfall below it. Each of the two, as a share of the most
        that it can be, has Wilson's interval on the effective number m (1 - m) / (s^2 / G) * (z / t)^2,
        where m and s^2 are its mean and variance, t is Student's quantile with G - 1 degrees of freedom
        and z the normal one; G * (z / t)^2 where it does not vary. MOVER joins them with their
        correlation. So it has positive width where all values are equal.

    Raises
    ------
    UsageError
        If there is no value, one lies beyond the bounds, or `confidence` is impossible.

    References
    ----------
    .. [1] E. L. Korn, B. I. Graubard, "Confidence intervals for proportions with small expected number
       of positive counts estimated from survey data", Survey Methodology 24 (1998), p. 193-201: the
       effective number and its t-factor.
    .. [2] G. Y. Zou, A. Donner, "Construction of confidence limits about effect measures: a general
       approach", Statistics in Medicine 27 (2008), p. 1693-1702, section 2: MOVER. Parting the values at
       their median is riskshift's own rule.

    Examples
    --------
    >>> mean, interval = bounded_mean([-1, 0, 1], [2, 90, 8], bounds=(-1, 1))
    >>> mean, round(interval.low, 3), round(interval.high, 3)
    (0.06, -0.006, 0.134)
    """
    z = normal_quantile(confidence)  # checks the level
    value, w = np.asarray(values, np.float64), np.asarray(weight, np.float64)
    low, high = bounds
    if value.ndim != 1 or value.shape != w.shape or not w.sum() > 0:
        raise UsageError("values and weight must be 1-d, of equal length, and not empty.")
    if (value < low).any() or (value > high).any():
        raise UsageError(f"a value lies beyond {low:g} and {high:g}.")
    many = float(w.sum())
    mean = float(w @ value) / many
    if many < 2:
        return mean, None
    middle = _median(value, w)
    over, under = np.maximum(value - middle, 0), np.maximum(middle - value, 0)
    shrink = (z / t_quantile(many - 1, confidence)) ** 2
    above, below = (
        _share(part, w, most, shrink, confidence)
        for part, most in ((over, high - middle), (under, middle - low))
    )
    ones = np.ones(len(value))
    joined = mover_difference(
        float(w @ over) / many,
        above,
        float(w @ under) / many,
        below,
        correlation=correlation(over, ones, under, ones, w),
    )
    ends = max(low, middle + joined.low), min(high, middle + joined.high)
    return mean, Interval(*ends, METHOD, confidence)


def _median(values: Floats, weight: Floats) -> float:
    order = np.argsort(values, kind="stable")
    reached, half = np.cumsum(weight[order]), float(weight.sum()) / 2
    lower, upper = (int(np.searchsorted(reached, half, side=side)) for side in ("left", "right"))
    return float(values[order[lower]] + values[order[upper]]) / 2


def _share(part: Floats, weight: Floats, most: float, shrink: float, confidence: float) -> Interval:
    """Interval of the mean of values from 0 to `most`."""
    if most <= 0:
        return Interval(0.0, 0.0, "wilson", confidence)
    many, share = float(weight.sum()), part / most
    mean = float(weight @ share) / many
    variance = float(weight @ (share - mean) ** 2) / (many - 1)
    # Equal values may differ from their mean by rounding, which is no variance.
    varies = float(np.ptp(share[weight > 0])) > 0
    n = shrink * many * (mean * (1 - mean) / variance if varies else 1.0)
    held = wilson(min(mean * n, n), n, confidence=confidence)
    return Interval(most * held.low, most * held.high, held.method, confidence)
