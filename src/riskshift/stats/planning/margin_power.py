"""How many matched prompts until a difference is settled against a margin.

Power is that of Tango's interval held to exact limits, summed over every count of discordant pairs that matters.
"""

from collections.abc import Callable
from math import sqrt

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, ndtri, xlog1py, xlogy

from riskshift.errors import UsageError
from riskshift.stats.binomial import Floats, at_most
from riskshift.stats.matched.paired import exact_uppers, tango_scores
from riskshift.stats.proportion import normal_quantile
from riskshift.stats.ranges import check_at_least_one, check_inside, check_share
from riskshift.stats.search import MOST_TRIALS, smallest_if_any

BoolArray = npt.NDArray[np.bool_]

_AHEAD = 1.05
_CHECKED = 60
_TEETH_GONE = 400.0


def margin_power(
    n: int, a_only_rate: float, b_only_rate: float, margin: float, *, confidence: float = 0.95
) -> tuple[float, float]:
    """Probabilities that n matched prompts settle a difference against a margin.

    Parameters
    ----------
    n : int
        Number of matched prompts with one response each, at least 1.
    a_only_rate, b_only_rate : float
        True shares of prompts on which only the candidate a, or only the baseline b, has the event.
    margin : float
        How much higher the candidate's rate may be, between 0 and 1. The rule passes if the upper
        end of `tango_exact` for a minus b is at most this, and fails if the lower end is above.
    confidence : float, default 0.95
        Two-sided coverage of that interval.

    Returns
    -------
    tuple of (float, float)
        Probability of a pass and of a failure; the rest is inconclusive.

    Raises
    ------
    UsageError
        If an argument lies outside its range.

    References
    ----------
    .. [1] T. Tango, "Equivalence test and confidence interval for the difference in proportions
       for the paired-sample design", Statistics in Medicine 17 (1998), p. 891-908.

    Examples
    --------
    Two models that are alike, and disagree on 6 % of the prompts:

    >>> passes, fails = margin_power(1200, 0.03, 0.03, 0.02)
    >>> round(passes, 4), round(fails, 4)
    (0.7896, 0.0)
    """
    z = _check(a_only_rate, b_only_rate, margin, confidence)
    check_at_least_one("n", n)
    spread = 9 * sqrt(n * b_only_rate * (1 - b_only_rate)) + 20
    middle = n * b_only_rate
    b = np.arange(max(0, int(middle - spread)), min(n, int(middle + spread)) + 1.0)
    chance = np.exp(
        gammaln(n + 1)
        - gammaln(b + 1)
        - gammaln(n - b + 1)
        + xlogy(b, b_only_rate)
        + xlog1py(n - b, -b_only_rate)
    )
    # Among the prompts on which the event is not the baseline's alone.
    share = min(1.0, a_only_rate / (1 - b_only_rate)) if b_only_rate < 1 else 0.0
    size = float(n)

    def below(a: Floats) -> BoolArray:
        upper = exact_uppers(a, b, size, confidence)
        return (tango_scores(a, b, size, margin) <= -z) & (upper <= margin)

    def not_above(a: Floats) -> BoolArray:
        lower = -exact_uppers(b, a, size, confidence)
        return (tango_scores(a, b, size, margin) <= z) | (lower <= margin)

    passes = at_most(_most_a(b, n, below), n - b, share)
    fails = 1 - at_most(_most_a(b, n, not_above), n - b, share)
    return float(chance @ passes / chance.sum()), float(chance @ fails / chance.sum())


def pairs_for_margin(
    a_only_rate: float,
    b_only_rate: float,
    margin: float,
    *,
    confidence: float = 0.95,
    power: float = 0.8,
) -> int | None:
    """Return the matched prompts for which a rule on a difference reaches its verdict, for good.

    Parameters
    ----------
    a_only_rate, b_only_rate : float
        Shares of prompts assumed on which only the candidate a, or only the baseline b, has the
        event. Where their difference is below the margin the rule should pass, else fail.
    margin : float
        How much higher the candidate's rate may be, between 0 and 1.
    confidence : float, default 0.95
        Two-sided coverage of the interval (`riskshift.stats.matched.paired.tango_exact`).
    power : float, default 0.8
        Wanted probability of that verdict.

    Returns
    -------
    int or None
        Smallest n such that n and 60 larger numbers, up to 5 % more, have at least `power`; power
        rises in a saw-tooth where few prompts differ. None if more than 10 million are needed.

    Raises
    ------
    UsageError
        If the difference assumed is the margin, for then more prompts do not help, or an argument
        lies outside its range.

    Examples
    --------
    >>> pairs_for_margin(0.03, 0.03, 0.02)
    1235
    """
    z = _check(a_only_rate, b_only_rate, margin, confidence)
    check_inside("power", power)
    difference = a_only_rate - b_only_rate
    if round(difference - margin, 12) == 0:
        raise UsageError(
            f"the difference assumed is the margin, {margin}: more prompts do not settle such a rule."
        )
    failing = difference > margin

    def reached(n: int) -> bool:
        found = margin_power(n, a_only_rate, b_only_rate, margin, confidence=confidence)
        return found[failing] >= power

    spread = a_only_rate + b_only_rate - difference**2
    guess = spread * ((z + float(ndtri(power))) / (difference - margin)) ** 2
    planned = smallest_if_any(reached, 1, MOST_TRIALS, near=max(guess, 1 / margin))
    while planned is not None and planned * (a_only_rate + b_only_rate) < _TEETH_GONE:
        ahead = np.unique(np.geomspace(planned, planned * _AHEAD + _CHECKED, _CHECKED).round())
        weak = [int(n) for n in ahead if not reached(int(n))]
        if not weak:
            break
        planned = weak[-1] + 1
    return planned


def _most_a(b: Floats, n: int, holds: Callable[[Floats], BoolArray]) -> Floats:
    """Find the most a-only pairs for which something still holds that more of them end; else -1."""
    low, high = np.full(b.shape, -1.0), n - b + 1
    while (open_ := high - low > 1).any():
        middle = np.where(open_, (low + high) // 2, low)
        held = holds(np.maximum(middle, 0.0)) & (middle >= 0)
        low = np.where(open_ & held, middle, low)
        high = np.where(open_ & ~held, middle, high)
    return low


def _check(a_only_rate: float, b_only_rate: float, margin: float, confidence: float) -> float:
    check_share("a_only_rate", a_only_rate)
    check_share("b_only_rate", b_only_rate)
    check_inside("margin", margin)
    if a_only_rate + b_only_rate > 1:
        raise UsageError(
            f"a_only_rate and b_only_rate add up to {a_only_rate + b_only_rate}; no prompt can be in both."
        )
    return normal_quantile(confidence)
