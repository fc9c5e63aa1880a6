"""Tails of the binomial distribution, also beyond its ends."""

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, betaincc

Floats = npt.NDArray[np.float64]


def at_most(events: npt.ArrayLike, n: npt.ArrayLike, rate: float) -> Floats:
    """P(X <= events) for X ~ Binomial(n, rate), also for events below 0 or above n."""
    x, trials = np.asarray(events, np.float64), np.asarray(n, np.float64)
    inner = (x >= 0) & (x < trials)
    tail = betaincc(np.where(inner, x + 1, 1.0), np.where(inner, trials - x, 1.0), rate)
    return np.asarray(np.where(inner, tail, np.where(x < 0, 0.0, 1.0)), np.float64)


def at_least(events: npt.ArrayLike, n: npt.ArrayLike, rate: float) -> Floats:
    """P(X >= events) for X ~ Binomial(n, rate), also for events below 0 or above n."""
    x, trials = np.asarray(events, np.float64), np.asarray(n, np.float64)
    inner = (x > 0) & (x <= trials)
    tail = betainc(np.where(inner, x, 1.0), np.where(inner, trials - x + 1, 1.0), rate)
    return np.asarray(np.where(inner, tail, np.where(x <= 0, 1.0, 0.0)), np.float64)
