"""How many trials: for an interval's width, for a gate.

Power comes from the exact binomial distributions, not from normal approximations. It rises in a
saw-tooth: one more trial can lower it. A planned number is therefore the smallest from which on
the power stays reached, not the first at which it happens to be.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from riskshift.errors import UsageError
from riskshift.stats.binomial import Floats, at_least, at_most
from riskshift.stats.proportion import clopper_pearson, normal_quantile, wilson
from riskshift.stats.ranges import check_at_least_one, check_inside, check_positive, check_share
from riskshift.stats.search import MOST_TRIALS, fewest_further, smallest, smallest_if_any

_EVENTS_AHEAD = 2_000


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
    check_share("rate", rate)
    check_inside("width", width)

    def narrow(trials: int) -> bool:
        interval = wilson(rate * trials, trials, confidence=confidence)
        return interval.high - interval.low <= width

    return smallest_if_any(narrow, 1, MOST_TRIALS)


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
    check_at_least_one("n", n)
    too_many = smallest(lambda events: bool(at_most(events, n, tolerance) > tail), 0, n)
    enough = smallest(lambda events: bool(at_least(events, n, tolerance) < tail), 0, n + 1)
    return float(at_most(too_many - 1, n, rate)), float(at_least(enough, n, rate))


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
    check_inside("power", power)
    if rate >= tolerance:
        raise UsageError(
            f"rate {rate} is not below tolerance {tolerance}: such a gate is not made to pass by "
            "more trials."
        )

    def starts(allowed: Floats) -> Floats:
        return _first_trials(lambda n: at_most(allowed, n, tolerance) <= tail, len(allowed))

    def weakest(allowed: Floats) -> Floats:
        # Power falls for as long as the number of events allowed stays the same.
        return at_most(allowed, starts(allowed + 1) - 1, rate)

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
    check_inside("power", power)
    if rate <= tolerance:
        raise UsageError(
            f"rate {rate} is not above tolerance {tolerance}: such a gate is not made to fail by "
            "more trials."
        )

    def starts(needed: Floats) -> Floats:
        return _first_trials(lambda n: at_least(needed - 1, n, tolerance) >= tail, len(needed))

    def weakest(needed: Floats) -> Floats:
        # Power rises for as long as the number of events needed stays the same.
        return at_least(needed, starts(needed), rate)

    last = _last_weak(weakest, power, first=1)
    if last is None:
        return None
    begin, beyond = (int(n) for n in starts(np.array([last, last + 1.0])))
    planned = smallest(lambda n: bool(at_least(last, n, rate) >= power), begin, beyond)
    return planned if planned <= MOST_TRIALS else None


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
    check_positive("deff", deff)

    clopper_pearson(events, trials, confidence=confidence)  # checks the counts

    def settled(scale: float) -> bool:
        interval = clopper_pearson(events * scale, trials * scale, confidence=confidence)
        return interval.high <= tolerance or interval.low > tolerance

    return fewest_further(settled, trials, deff)


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

    found = smallest_if_any(strong, first, MOST_TRIALS)
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


def _check_gate(rate: float, tolerance: float, confidence: float) -> float:
    check_share("rate", rate)
    check_inside("tolerance", tolerance)
    normal_quantile(confidence)  # checks the level
    return (1 - confidence) / 2
