"""How many matched prompts: for a difference of two models, for a verdict.

As with one rate, power is exact and rises in a saw-tooth; see `riskshift.stats.planning.power`.
"""

from math import sqrt

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, ndtri, xlog1py, xlogy

from riskshift.errors import UsageError
from riskshift.stats.binomial import Floats, at_least, at_most
from riskshift.stats.matched.paired import exact_upper, tango, tango_score
from riskshift.stats.proportion import normal_quantile
from riskshift.stats.ranges import check_at_least_one, check_inside, check_positive, check_share
from riskshift.stats.search import MOST_TRIALS, fewest_further, smallest_if_any

_PAIRS_AHEAD = 200
_WORN_VARIANCE = 100.0


def mcnemar_power(n: int, a_only_rate: float, b_only_rate: float, *, alpha: float = 0.05) -> float:
    """Power of the exact two-sided McNemar test on n matched prompts.

    Parameters
    ----------
    n : int
        Number of matched prompts, at least 1.
    a_only_rate, b_only_rate : float
        True shares of prompts on which only a, or only b, has the event.
    alpha : float, default 0.05
        The test rejects where its p-value is at most this.

    Returns
    -------
    float
        Unconditional: the power given the number of discordant pairs, averaged over the binomial
        distribution of that number.

    Raises
    ------
    UsageError
        If an argument lies outside its range.

    Examples
    --------
    >>> round(mcnemar_power(500, 0.05, 0.02), 4)
    0.6719
    """
    check_at_least_one("n", n)
    return float(_powers(np.array([n]), *_check_discordance(a_only_rate, b_only_rate, alpha))[0])


def pairs_for_difference(
    a_only_rate: float, b_only_rate: float, *, alpha: float = 0.05, power: float = 0.8
) -> int | None:
    """Smallest number of matched prompts for which the exact McNemar test has the wanted power.

    Parameters
    ----------
    a_only_rate, b_only_rate : float
        Shares of prompts assumed on which only a, or only b, has the event.
    alpha : float, default 0.05
        Level of the test.
    power : float, default 0.8
        Wanted power.

    Returns
    -------
    int or None
        Smallest n such that n and every larger number has at least `power`; the 200 numbers
        after it are checked unless the discordant pairs vary too much for a saw-tooth (variance
        of 100). None if more than 10 million are needed.

    Raises
    ------
    UsageError
        If both rates are the same, for then there is nothing to find, or an argument lies outside
        its range.

    Examples
    --------
    >>> pairs_for_difference(0.05, 0.02)
    645
    """
    truth = _check_discordance(a_only_rate, b_only_rate, alpha)
    check_inside("power", power)
    if a_only_rate == b_only_rate:
        raise UsageError(f"Both rates are {a_only_rate}: there is no difference to find.")
    planned = smallest_if_any(
        lambda n: bool(_powers(np.array([n]), *truth)[0] >= power),
        1,
        MOST_TRIALS,
        near=_pairs_by_normal(a_only_rate, b_only_rate, alpha, power),
    )
    # The spread of the number of discordant pairs wears the saw-tooth's teeth, two pairs long, off.
    while planned is not None and planned * truth[0] * (1 - truth[0]) < _WORN_VARIANCE:
        ahead = np.arange(planned, planned + _PAIRS_AHEAD + 1)
        weak = ahead[_powers(ahead, *truth) < power]
        if not weak.size:
            break
        planned = int(weak[-1]) + 1
    return planned


def further_pairs(
    both: float,
    a_only: float,
    b_only: float,
    neither: float,
    margin: float,
    *,
    confidence: float = 0.95,
    deff: float = 1.0,
) -> int | None:
    """Further pairs at the observed rates until a non-inferiority verdict is reached.

    Parameters
    ----------
    both, a_only, b_only, neither : float
        Counts of pairs; a is the candidate, b the baseline, the event is bad.
    margin : float
        How much worse the candidate may be, at least 0. By `tango_exact` for a minus b it is
        better (upper end below 0), not worse (upper end at most the margin) or worse (lower end
        above the margin); otherwise the comparison is inconclusive.
    confidence : float, default 0.95
        Two-sided coverage of that interval.
    deff : float, default 1
        Pairs over effective pairs, where they share clusters; assumed to stay the same.

    Returns
    -------
    int or None
        0 where a verdict is reached. None where it would take more than 10 million, as it does
        where the observed difference equals the margin.

    Raises
    ------
    UsageError
        If an argument lies outside its range.

    Examples
    --------
    >>> further_pairs(20, 12, 10, 458, 0.02)
    246
    """
    if not 0 <= margin < 1:
        raise UsageError(f"margin is {margin}; it must be at least 0 and below 1, such as 0.01.")
    check_positive("deff", deff)
    counts = (both, a_only, b_only, neither)
    tango(*counts, confidence=confidence)  # checks the counts
    pairs = sum(counts)
    if (a_only - b_only) / pairs == margin:
        return None
    z, below = normal_quantile(confidence), (a_only - b_only) / pairs < margin

    def settled(scale: float) -> bool:
        # An end of Tango's interval is within the margin where its test rejects the margin: one
        # evaluation of the score instead of a search for the end.
        a, b, n = a_only * scale, b_only * scale, pairs * scale
        if abs(tango_score(a, b, n, margin)) < z:
            return False
        if below:
            return exact_upper(a, b, n, confidence) <= margin
        return -exact_upper(b, a, n, confidence) > margin

    return fewest_further(settled, pairs, deff)


def _powers(n: npt.NDArray[np.int64], discordance: float, share: float, alpha: float) -> Floats:
    """Unconditional power of the exact McNemar test at each of several consecutive n."""
    if discordance == 0:
        return np.zeros(len(n))
    spread = 9 * sqrt(n[-1] * discordance * (1 - discordance)) + 20
    fewest = max(0, int(n[0] * discordance - spread))
    pairs = np.arange(fewest, min(int(n[-1]), int(n[-1] * discordance + spread)) + 1.0)
    rejection = _rejection(pairs, share, alpha)
    arrangements = -gammaln(pairs + 1)
    powers = np.empty(len(n))
    for at, total in enumerate(n):
        possible = pairs <= total
        m = pairs[possible]
        logs = arrangements[possible] - gammaln(total - m + 1)
        logs += xlogy(m, discordance) + xlog1py(total - m, -discordance)
        chance = np.exp(logs - logs.max())
        powers[at] = chance @ rejection[possible] / chance.sum()
    return powers


def _pairs_by_normal(a_only_rate: float, b_only_rate: float, alpha: float, power: float) -> float:
    """Approximate what `pairs_for_difference` searches for, to start the search near it."""
    discordance, difference = a_only_rate + b_only_rate, a_only_rate - b_only_rate
    null, truth = sqrt(discordance), sqrt(max(0.0, discordance - difference**2))
    return float(((ndtri(alpha / 2) * null - ndtri(power) * truth) / difference) ** 2)


def _rejection(pairs: Floats, share: float, alpha: float) -> Floats:
    """Power of the exact test given the discordant pairs, `share` of them expected on one side."""
    # Ties of p-value and level, such as 2/2^5 and 0.0625, must count as rejections.
    level = alpha / 2 * (1 + 1e-12)
    # The normal guess is never more than 1 too high; so start below it and go up.
    critical: Floats = np.floor((pairs - 3 + ndtri(alpha / 2) * np.sqrt(pairs)) / 2)
    while (below := at_most(critical + 1, pairs, 0.5) <= level).any():
        critical[below] += 1
    return at_most(critical, pairs, share) + at_least(pairs - critical, pairs, share)


def _check_discordance(
    a_only_rate: float, b_only_rate: float, alpha: float
) -> tuple[float, float, float]:
    check_share("a_only_rate", a_only_rate)
    check_share("b_only_rate", b_only_rate)
    check_inside("alpha", alpha)
    discordance = a_only_rate + b_only_rate
    if discordance > 1:
        raise UsageError(
            f"a_only_rate and b_only_rate add up to {discordance}; no prompt can be in both."
        )
    return discordance, a_only_rate / discordance if discordance else 0.5, alpha
