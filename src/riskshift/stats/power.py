"""How many trials: for an interval's width, for a gate, for a difference of two models.

Power comes from the exact binomial distributions, not from normal approximations. It rises in a
saw-tooth: one more trial can lower it. A planned number is therefore the smallest from which on
the power stays reached, not the first at which it happens to be.
"""

from collections.abc import Callable
from math import isfinite, sqrt

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, betaincc, gammaln, ndtri, xlog1py, xlogy

from riskshift.errors import UsageError
from riskshift.stats.paired import tango, tango_score
from riskshift.stats.proportion import clopper_pearson, normal_quantile, wilson

Floats = npt.NDArray[np.float64]

MOST_TRIALS = 10_000_000
"""Searches end here: more than this nobody will run."""

_EVENTS_AHEAD = 2_000
_PAIRS_AHEAD = 200
_WORN_VARIANCE = 100.0


def trials_for_width(rate: float, width: float, *, confidence: float = 0.95) -> int | None:
    """Smallest number of trials for which the Wilson interval is narrow enough.

    Parameters
    ----------
    rate : float
        The rate assumed, between 0 and 1.
    width : float
        Largest allowed distance between the ends of the interval, between 0 and 1.
    confidence : float, default 0.95
        Two-sided coverage.

    Returns
    -------
    int or None
        None if more than 10 million are needed.

    Raises
    ------
    UsageError
        If an argument lies outside its range.

    Examples
    --------
    >>> trials_for_width(0.05, 0.02)
    1838
    """
    _check_share("rate", rate)
    _check_inside("width", width)

    def narrow(trials: int) -> bool:
        interval = wilson(rate * trials, trials, confidence=confidence)
        return interval.high - interval.low <= width

    return _first_if_any(narrow, 1, MOST_TRIALS)


def gate_power(
    n: int, rate: float, tolerance: float, *, confidence: float = 0.95
) -> tuple[float, float]:
    """Probabilities that a gate passes and that it fails after n trials.

    Parameters
    ----------
    n : int
        Number of independent trials, at least 1.
    rate : float
        The true rate.
    tolerance : float
        The gate passes if the upper end of the Clopper-Pearson interval is at most this, and
        fails if the lower end is above it.
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

    Examples
    --------
    >>> passes, fails = gate_power(1000, 0.002, 0.01)
    >>> round(passes, 4), round(fails, 4)
    (0.8573, 0.0)
    """
    tail = _check_gate(rate, tolerance, confidence)
    _check_number(n)
    too_many = _first(lambda events: bool(_at_most(events, n, tolerance) > tail), 0, n)
    enough = _first(lambda events: bool(_at_least(events, n, tolerance) < tail), 0, n + 1)
    return float(_at_most(too_many - 1, n, rate)), float(_at_least(enough, n, rate))


def trials_to_pass(
    rate: float, tolerance: float, *, confidence: float = 0.95, power: float = 0.8
) -> int | None:
    """Trials for which a gate passes with the wanted probability, and keeps doing so.

    Parameters
    ----------
    rate : float
        The true rate assumed, below `tolerance`.
    tolerance : float
        The gate passes if the upper end of the Clopper-Pearson interval is at most this.
    confidence : float, default 0.95
        Two-sided coverage of that interval.
    power : float, default 0.8
        Wanted probability of a pass.

    Returns
    -------
    int or None
        Smallest n such that n and every larger number checked has at least `power`. Checked are
        all numbers of trials at which the gate allows up to half as many events again and 50
        (at most 2,000) more. None if more than 10 million are needed.

    Raises
    ------
    UsageError
        If `rate` is not below `tolerance`, for then more trials do not help, or an argument lies
        outside its range.

    Examples
    --------
    >>> trials_to_pass(0.002, 0.01), trials_to_pass(0, 0.01)
    (874, 368)
    """
    tail = _check_gate(rate, tolerance, confidence)
    _check_inside("power", power)
    if rate >= tolerance:
        raise UsageError(
            f"rate {rate} is not below tolerance {tolerance}: such a gate is not made to pass by "
            "more trials."
        )

    def starts(allowed: Floats) -> Floats:
        return _first_trials(lambda n: _at_most(allowed, n, tolerance) <= tail, len(allowed))

    def weakest(allowed: Floats) -> Floats:
        # Power falls for as long as the number of events allowed stays the same.
        return _at_most(allowed, starts(allowed + 1) - 1, rate)

    last = _last_weak(weakest, power, first=-1)
    if last is None:
        return None
    planned = int(starts(np.array([last + 1.0]))[0])
    return planned if planned <= MOST_TRIALS else None


def trials_to_fail(
    rate: float, tolerance: float, *, confidence: float = 0.95, power: float = 0.8
) -> int | None:
    """Trials for which a gate fails with the wanted probability, and keeps doing so.

    Parameters
    ----------
    rate : float
        The true rate assumed, above `tolerance`.
    tolerance : float
        The gate fails if the lower end of the Clopper-Pearson interval is above this.
    confidence : float, default 0.95
        Two-sided coverage of that interval.
    power : float, default 0.8
        Wanted probability of a failure.

    Returns
    -------
    int or None
        Smallest n such that n and every larger number checked has at least `power`; checked as
        in `trials_to_pass`. None if more than 10 million are needed.

    Raises
    ------
    UsageError
        If `rate` is not above `tolerance`, for then more trials do not help, or an argument lies
        outside its range.

    Examples
    --------
    >>> trials_to_fail(0.03, 0.01)
    416
    """
    tail = _check_gate(rate, tolerance, confidence)
    _check_inside("power", power)
    if rate <= tolerance:
        raise UsageError(
            f"rate {rate} is not above tolerance {tolerance}: such a gate is not made to fail by "
            "more trials."
        )

    def starts(needed: Floats) -> Floats:
        return _first_trials(lambda n: _at_least(needed - 1, n, tolerance) >= tail, len(needed))

    def weakest(needed: Floats) -> Floats:
        # Power rises for as long as the number of events needed stays the same.
        return _at_least(needed, starts(needed), rate)

    last = _last_weak(weakest, power, first=1)
    if last is None:
        return None
    begin, beyond = (int(n) for n in starts(np.array([last, last + 1.0])))
    planned = _first(lambda n: bool(_at_least(last, n, rate) >= power), begin, beyond)
    return planned if planned <= MOST_TRIALS else None


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
    _check_number(n)
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
    _check_inside("power", power)
    if a_only_rate == b_only_rate:
        raise UsageError(f"Both rates are {a_only_rate}: there is no difference to find.")
    planned = _first_if_any(
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


def further_trials(
    events: float,
    trials: float,
    tolerance: float,
    *,
    confidence: float = 0.95,
    deff: float = 1.0,
) -> int | None:
    """Further trials at the observed rate until a gate is no longer inconclusive.

    Parameters
    ----------
    events, trials : float
        What was observed.
    tolerance : float
        The gate passes if the upper end of the Clopper-Pearson interval is at most this, and
        fails if the lower end is above it.
    confidence : float, default 0.95
        Two-sided coverage of that interval.
    deff : float, default 1
        Trials over effective trials, where they share clusters; assumed to stay the same.

    Returns
    -------
    int or None
        0 where the gate has settled. None where it would take more than 10 million, as it does
        where the observed rate equals the tolerance.

    Raises
    ------
    UsageError
        If an argument lies outside its range.

    Examples
    --------
    None of 40 is not a pass at 1 %, but none of 368 would be:

    >>> further_trials(0, 40, 0.01)
    328
    """
    _check_gate(0.0, tolerance, confidence)
    _check_deff(deff)

    def settled(further: int) -> bool:
        scale = (1 + further / trials) / deff
        interval = clopper_pearson(events * scale, trials * scale, confidence=confidence)
        return interval.high <= tolerance or interval.low > tolerance

    clopper_pearson(events, trials, confidence=confidence)  # checks the counts
    return _first_if_any(settled, 0, MOST_TRIALS)


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
        How much worse the candidate may be, at least 0. By Tango's interval for a minus b it is
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
    _check_deff(deff)
    counts = (both, a_only, b_only, neither)
    tango(*counts, confidence=confidence)  # checks the counts
    pairs = sum(counts)
    if (a_only - b_only) / pairs == margin:
        return None
    z = normal_quantile(confidence)

    def settled(further: int) -> bool:
        # An end of Tango's interval is within the margin where its test rejects the margin: one
        # evaluation of the score instead of a search for the end.
        scale = (1 + further / pairs) / deff
        return abs(tango_score(a_only * scale, b_only * scale, pairs * scale, margin)) >= z

    return _first_if_any(settled, 0, MOST_TRIALS)


def _first(holds: Callable[[int], bool], low: int, high: int) -> int:
    """Find the smallest number from low on at which `holds`; it must hold at high."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _first_if_any(
    holds: Callable[[int], bool], low: int, most: int, *, near: float = 0
) -> int | None:
    """Like `_first`, but search outwards from `near`; None if it does not hold at `most`."""
    at = int(min(max(near, low), most))
    step = 1 + at // 500
    if holds(at):
        while at - step > low and holds(at - step):
            at, step = at - step, 2 * step
        return _first(holds, max(low, at - step), at)
    while at + step < most and not holds(at + step):
        at, step = at + step, 2 * step
    if at + step >= most and not holds(most):
        return None
    return _first(holds, at + 1, min(at + step, most))


def _first_trials(holds: Callable[[Floats], npt.NDArray[np.bool_]], size: int) -> Floats:
    """Find the smallest n for each of several conditions, up to four times the cap."""
    low, high = np.full(size, -1.0), np.full(size, 4.0 * MOST_TRIALS)
    while (open_ := high - low > 1).any():
        middle = np.where(open_, (low + high) // 2, high)
        held = holds(middle)
        high = np.where(held, middle, high)
        low = np.where(held, low, middle)
    return high


def _last_weak(weakest: Callable[[Floats], Floats], power: float, *, first: int) -> float | None:
    """Find the last number of events whose weakest power is below the one wanted."""

    def strong(events: int) -> bool:
        return bool(weakest(np.array([float(events)]))[0] >= power)

    found = _first_if_any(strong, first, MOST_TRIALS)
    if found is None:
        return None
    last = found - 1
    while True:
        teeth = min(max(last, 0) // 2 + 50, _EVENTS_AHEAD)
        ahead = np.arange(last + 1, last + 1 + teeth, dtype=np.float64)
        weak = ahead[weakest(ahead) < power]
        if not weak.size:
            return float(last)
        last = int(weak[-1])


def _at_most(events: npt.ArrayLike, n: npt.ArrayLike, rate: float) -> Floats:
    """P(X <= events) for X ~ Binomial(n, rate), also for events below 0 or above n."""
    x, trials = np.asarray(events, np.float64), np.asarray(n, np.float64)
    inner = (x >= 0) & (x < trials)
    tail = betaincc(np.where(inner, x + 1, 1.0), np.where(inner, trials - x, 1.0), rate)
    return np.asarray(np.where(inner, tail, np.where(x < 0, 0.0, 1.0)), np.float64)


def _at_least(events: npt.ArrayLike, n: npt.ArrayLike, rate: float) -> Floats:
    """P(X >= events) for X ~ Binomial(n, rate), also for events below 0 or above n."""
    x, trials = np.asarray(events, np.float64), np.asarray(n, np.float64)
    inner = (x > 0) & (x <= trials)
    tail = betainc(np.where(inner, x, 1.0), np.where(inner, trials - x + 1, 1.0), rate)
    return np.asarray(np.where(inner, tail, np.where(x <= 0, 1.0, 0.0)), np.float64)


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
    while (below := _at_most(critical + 1, pairs, 0.5) <= level).any():
        critical[below] += 1
    return _at_most(critical, pairs, share) + _at_least(pairs - critical, pairs, share)


def _check_gate(rate: float, tolerance: float, confidence: float) -> float:
    _check_share("rate", rate)
    _check_inside("tolerance", tolerance)
    normal_quantile(confidence)  # checks the level
    return (1 - confidence) / 2


def _check_discordance(
    a_only_rate: float, b_only_rate: float, alpha: float
) -> tuple[float, float, float]:
    _check_share("a_only_rate", a_only_rate)
    _check_share("b_only_rate", b_only_rate)
    _check_inside("alpha", alpha)
    discordance = a_only_rate + b_only_rate
    if discordance > 1:
        raise UsageError(
            f"a_only_rate and b_only_rate add up to {discordance}; no prompt can be in both."
        )
    return discordance, a_only_rate / discordance if discordance else 0.5, alpha


def _check_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise UsageError(f"{name} is {value}; it must lie between 0 and 1.")


def _check_inside(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise UsageError(f"{name} is {value}; it must lie between 0 and 1, neither included.")


def _check_number(n: int) -> None:
    if n < 1:
        raise UsageError(f"n is {n}; it must be at least 1.")


def _check_deff(deff: float) -> None:
    if not (deff > 0 and isfinite(deff)):
        raise UsageError(f"deff is {deff}; it must be positive and finite.")
