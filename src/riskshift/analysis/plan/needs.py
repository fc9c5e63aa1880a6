"""How much evidence a question needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final, Literal

import numpy as np

from riskshift.analysis.plain import Inner, Plain, Share, ShareInterval
from riskshift.analysis.plan.pilot import Disagreement, Need, Pilot, matched_need, need
from riskshift.errors import UsageError
from riskshift.stats.planning.paired_power import mcnemar_power, pairs_for_difference
from riskshift.stats.planning.power import (
    gate_power,
    trials_for_width,
    trials_to_fail,
    trials_to_pass,
)
from riskshift.stats.proportion import clopper_pearson, wilson
from riskshift.stats.search import MOST_TRIALS, smallest

RATES: Final = (0.001, 0.01, 0.03, 0.05, 0.1, 0.2, 0.5)
WIDTHS: Final = (0.01, 0.02, 0.05, 0.1)
POWERS: Final = (0.5, 0.8, 0.9, 0.95)
MULTIPLES: Final = (1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
Curve = tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class WidthNeed(Plain):
    """What one assumed rate and one width need.

    Parameters
    ----------
    rate : float
        Assumed.
    width : float
        Wanted at most.
    need : Need
        How much.
    interval : Interval or None
        The interval to expect then.
    """

    rate: Share
    width: Inner
    need: Need
    interval: ShareInterval | None

    shape: ClassVar[str] = "rate width *need expected_low=interval.low expected_high=interval.high"


@dataclass(frozen=True, slots=True)
class WidthPlan(Plain):
    """How much it takes for the interval of a rate to be narrow.

    Parameters
    ----------
    rates, widths : tuple of float
        Assumed and wanted; what was asked for comes first where `asked`.
    rows : tuple of WidthNeed
        Every rate with every width.
    asked : bool
        Whether the first row answers a question; otherwise all rows are an overview.
    curves : tuple of tuple of (int, float)
        By rate, independent records and the width to expect; where `asked`, of the first alone.
    """

    rates: tuple[float, ...]
    widths: tuple[float, ...]
    rows: tuple[WidthNeed, ...]
    asked: bool
    curves: tuple[Curve, ...]

    kind: ClassVar[Literal["width"]] = "width"
    shape: ClassVar[str] = "question=kind asked rows"


@dataclass(frozen=True, slots=True)
class GateNeed(Plain):
    """What one probability of a verdict needs.

    Parameters
    ----------
    power : float
        Probability wanted.
    need : Need
        How much.
    passes_at : int or None
        Events, of as many independent records, at which the gate still passes; where more events
        are better, from which on it does. None where no number of events does.
    fails_at : int or None
        Likewise from which on it fails; where more events are better, at which it still does.
    """

    power: Inner
    need: Need
    passes_at: int | None
    fails_at: int | None

    shape: ClassVar[str] = "power *need passes_at_events=passes_at fails_at_events=fails_at"


@dataclass(frozen=True, slots=True)
class GatePlan(Plain):
    """How much it takes for a gate to reach its verdict.

    Parameters
    ----------
    rule : str
        As it is written.
    rate : float
        Assumed.
    tolerance : float
        Allowed.
    aim : {"pass", "fail"} or None
        The verdict that the assumed rate deserves; None where it is the tolerance itself, so that
        no number of records brings one about.
    rows : tuple of GateNeed
        By probability; the one asked for comes first.
    curve : tuple of (int, float)
        Independent records, and the probability of the verdict.
    """

    rule: str
    rate: Share
    tolerance: Share
    aim: Literal["pass", "fail"] | None
    rows: tuple[GateNeed, ...]
    curve: Curve

    kind: ClassVar[Literal["rule"]] = "rule"
    shape: ClassVar[str] = "question=kind rule rate tolerance aim rows"


@dataclass(frozen=True, slots=True)
class DifferenceNeed(Plain):
    """What one assumed discordance needs.

    Parameters
    ----------
    discordant : float
        Share of prompts on which exactly one model shows the event.
    why : str
        Where it comes from, in a few words.
    need : Need
        How much; a prompt with one response of each model is one record.
    curve : tuple of (int, float)
        Matched prompts, and the power.
    """

    discordant: Share
    why: str
    need: Need
    curve: Curve

    shape: ClassVar[str] = (
        "discordant why matched_prompts=need.independent prompts_in_all=need.in_all"
    )


@dataclass(frozen=True, slots=True)
class DifferencePlan(Plain):
    """How many matched prompts it takes to find a difference between two models.

    Parameters
    ----------
    difference : float
        Between their rates.
    rows : tuple of DifferenceNeed
        By discordance, smallest first.
    source : {"given", "file", "range"}
        Where the discordances come from.
    """

    difference: Inner
    rows: tuple[DifferenceNeed, ...]
    source: Literal["given", "file", "range"]

    kind: ClassVar[Literal["difference"]] = "difference"
    shape: ClassVar[str] = "question=kind difference discordance_from=source rows"


def width_plan(
    rates: Sequence[float],
    widths: Sequence[float],
    *,
    asked: bool,
    confidence: float = 0.95,
    like: Pilot | None = None,
) -> WidthPlan:
    """Plan for the Wilson interval of a rate to be at most so wide.

    Parameters
    ----------
    rates, widths : sequence of float
        Rates assumed and widths wanted; where `asked`, the first of each is the question.
    asked : bool
        Whether there is such a question.
    confidence : float, default 0.95
        Two-sided coverage.
    like : Pilot, optional
        The file that the evidence will resemble.

    Raises
    ------
    UsageError
        If a rate or width is not a share.

    Examples
    --------
    >>> width_plan([0.03], [0.02], asked=True).rows[0].need.independent
    1143
    """
    rows = []
    for rate in rates:
        for width in widths:
            n = trials_for_width(rate, width, confidence=confidence)
            interval = None if n is None else wilson(rate * n, n, confidence=confidence)
            rows.append(WidthNeed(rate, width, need(n, like), interval))
    ends = rows[:1] if asked else rows
    curves = [
        _width_curve(rate, [row.need.independent for row in ends if row.rate == rate], confidence)
        for rate in (rates[:1] if asked else rates)
    ]
    return WidthPlan(tuple(rates), tuple(widths), tuple(rows), asked, tuple(curves))


def _width_curve(rate: float, needed: Sequence[int | None], confidence: float) -> Curve:
    reached = [n for n in needed if n is not None]
    if not reached:
        return ()
    grid = spaced(min(reached) / 5, 5 * max(reached))
    intervals = [(at, wilson(rate * at, at, confidence=confidence)) for at in grid]
    return tuple((at, interval.high - interval.low) for at, interval in intervals)


def gate_plan(
    rule: str,
    rate: float,
    tolerance: float,
    *,
    bad: bool = True,
    confidence: float = 0.95,
    power: float = 0.8,
    like: Pilot | None = None,
) -> GatePlan:
    """Plan for a gate to pass, or to fail where the assumed rate is beyond its tolerance.

    Parameters
    ----------
    rule : str
        As it is written, for the words.
    rate, tolerance : float
        Assumed, and allowed.
    bad : bool, default True
        Whether the rate may be at most the tolerance; otherwise it must be at least that.
    confidence : float, default 0.95
        Two-sided coverage of the gate's Clopper-Pearson interval.
    power : float, default 0.8
        Wanted probability of the verdict.
    like : Pilot, optional
        The file that the evidence will resemble.

    Raises
    ------
    UsageError
        If an argument lies outside its range.

    Examples
    --------
    >>> planned = gate_plan("escalation <= 0.05", 0.03, 0.05)
    >>> planned.aim, planned.rows[0].need.independent
    ('pass', 851)
    """
    # A rate that must be high is the rate of its opposite that must be low.
    p, limit = (rate, tolerance) if bad else (_opposite(rate), _opposite(tolerance))
    gate_power(1, p, limit, confidence=confidence)  # checks the arguments
    check_power(power)
    if rate == tolerance:
        return GatePlan(rule, rate, tolerance, None, (), ())
    aim: Literal["pass", "fail"] = "pass" if p < limit else "fail"
    trials = trials_to_pass if aim == "pass" else trials_to_fail
    rows = []
    for wanted in dict.fromkeys((power, *POWERS)):
        n = trials(p, limit, confidence=confidence, power=wanted)
        ends = _ends(n, limit, confidence, bad=bad) if n else (None, None)
        rows.append(GateNeed(wanted, need(n, like), *ends))
    n = rows[0].need.independent
    grid = [] if n is None else spaced(n / 20, 2.5 * n, points=120)
    curve = tuple(
        (at, gate_power(at, p, limit, confidence=confidence)[aim == "fail"]) for at in grid
    )
    return GatePlan(rule, rate, tolerance, aim, tuple(rows), curve)


def _opposite(share: float) -> float:
    # 1 - 0.95 is 0.050000000000000044, which must not be written so anywhere.
    return round(1 - share, 12)


def _ends(
    n: int, tolerance: float, confidence: float, *, bad: bool
) -> tuple[int | None, int | None]:
    """Return at how many events of n the gate still passes, and from how many on it fails."""

    def beyond(events: int, *, failing: bool) -> bool:
        interval = clopper_pearson(events, n, confidence=confidence)
        return interval.low > tolerance if failing else interval.high > tolerance

    passes, fails = (
        smallest(partial(beyond, failing=failing), 0, n + 1) - (not failing)
        for failing in (False, True)
    )
    allowed = passes if passes >= 0 else None
    needed = fails if fails <= n else None
    if bad:
        return allowed, needed
    return (
        None if allowed is None else n - allowed,
        None if needed is None else n - needed,
    )


def difference_plan(
    difference: float,
    *,
    discordant: float | None = None,
    rate: float | None = None,
    confidence: float = 0.95,
    power: float = 0.8,
    like: Pilot | None = None,
) -> DifferencePlan:
    """Plan for the exact McNemar test to find a difference between two models.

    Parameters
    ----------
    difference : float
        Between their rates, positive.
    discordant : float, optional
        Share of prompts on which exactly one of them shows the event; default: as between the
        models of `like`, else a range.
    rate : float, optional
        The lower rate of the two; ends the range where models would err independently.
    confidence : float, default 0.95
        1 minus the level of the test.
    power : float, default 0.8
        Wanted probability of finding it.
    like : Pilot, optional
        The file that the evidence will resemble.

    Raises
    ------
    UsageError
        If an argument lies outside its range.

    Examples
    --------
    >>> difference_plan(0.02, discordant=0.08).rows[0].need.independent
    1645
    """
    if not 0 < difference < 1:
        raise UsageError(
            f"difference is {difference}; give its size as a share between 0 and 1, such as 0.02."
        )
    check_power(power)
    source: Literal["given", "file", "range"] = "given"
    if discordant is not None:
        if not difference <= discordant <= 1:
            raise UsageError(
                f"discordant is {discordant}; it is the share of prompts on which exactly one model "
                f"shows the event, so with a difference of {difference} it lies between "
                f"{difference} and 1."
            )
        assumed = {discordant: "as given"}
    elif like is not None and like.disagreements:
        source, assumed = "file", seen_discordances(like.disagreements, difference)
    else:
        source, assumed = "range", _plausible(difference, rate)
    rows = []
    for share in sorted(assumed):
        sides = (share + difference) / 2, max(0.0, (share - difference) / 2)
        n = pairs_for_difference(*sides, alpha=1 - confidence, power=power)
        curve = [] if n is None else spaced(n / 10, 2.5 * n, points=40)
        powers = tuple((at, mcnemar_power(at, *sides, alpha=1 - confidence)) for at in curve)
        rows.append(DifferenceNeed(share, assumed[share], matched_need(n, like), powers))
    return DifferencePlan(difference, tuple(rows), source)


def seen_discordances(disagreements: Sequence[Disagreement], difference: float) -> dict[float, str]:
    """Take the least, the middle and the largest where there are too many to show."""
    shown = list(disagreements)
    if len(shown) > 10:
        shown = [shown[0], shown[len(shown) // 2], shown[-1]]
    assumed: dict[float, str] = {}
    for item in shown:
        # Two models cannot differ by more than the share of prompts they disagree on.
        share = max(item.discordant, difference)
        names = f"{item.baseline}, {item.candidate}"
        assumed[share] = f"{assumed[share]}; {names}" if share in assumed else names
    return assumed


def _plausible(difference: float, rate: float | None) -> dict[float, str]:
    most = 1.0
    if rate is not None:
        if rate + difference > 1:
            raise UsageError(
                f"rate is {rate} and difference {difference}, so the higher rate would be above 1."
            )
        most = rate * (1 - rate - difference) + (rate + difference) * (1 - rate)
    assumed = {difference: "always the same one of the two"}
    for multiple in MULTIPLES[1:]:
        share = round(multiple * difference, 12)
        if share < most:
            assumed[share] = f"{multiple:g} times the difference"
    if rate is not None and most > difference:
        assumed[most] = "if the two err independently"
    return assumed


def spaced(first: float, last: float, *, points: int = 80) -> list[int]:
    """Spread whole numbers evenly on a logarithmic scale."""
    ends = max(1.0, first), max(2.0, min(last, float(MOST_TRIALS)))
    return sorted({int(n) for n in np.geomspace(*ends, points).round()})


def check_power(power: float) -> None:
    """Refuse a power that is no chance."""
    if not 0 < power < 1:
        raise UsageError(f"power is {power}; it must lie between 0 and 1, such as 0.8.")
