"""How many pairs people must label for a rate that corrects a grader's labels by theirs."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import floor
from typing import ClassVar, Final, Literal

import numpy as np
import numpy.typing as npt

from riskshift.analysis.correction.sample import STATES, Crossed
from riskshift.analysis.metrics import Choice
from riskshift.analysis.plain import AtLeastOne, Inner, Plain, Share
from riskshift.analysis.plan.needs import Curve, check_power, spaced
from riskshift.analysis.words import counted, exact, percent, percentage_points
from riskshift.counts.doubled import Doubled, Drawing
from riskshift.errors import DataError, UsageError
from riskshift.stats.graded.graded_sample import NO, YES
from riskshift.stats.planning.label_power import WAYS, GradedPairs, Way
from riskshift.stats.planning.power import gate_power
from riskshift.stats.proportion import wilson
from riskshift.stats.ranges import check_at_least_one, check_inside, check_share

Floats = npt.NDArray[np.float64]
IN_WORDS: Final = {
    "alone": "at random, without the grader's labels",
    "random": "at random",
    "strata": "equally by strata of what the grader says",
}
_POINTS: Final = 25


@dataclass(frozen=True, slots=True)
class LabelNeed(Plain):
    """How many pairs people must label if they are drawn in one way.

    Parameters
    ----------
    way : {"alone", "random", "strata"}
        At random and without the grader's labels, at random and with them, or equally many by
        strata of what the grader says.
    labels : int or None
        Pairs; None where all the graded ones do not suffice.
    curve : tuple of (int, float)
        Pairs that people label, and the width to expect or the chance of the verdict.
    """

    way: Way
    labels: AtLeastOne | None
    curve: Curve

    shape: ClassVar[str] = "way labels"


@dataclass(frozen=True, slots=True)
class LabelPlan(Plain):
    """How many pairs people must label for a corrected rate.

    Parameters
    ----------
    width : float or None
        Wanted of the interval, at most; None where a rule is asked.
    rule : str or None
        As it is written; None where a width is asked.
    tolerance : float or None
        Allowed by the rule.
    aim : {"pass", "fail"} or None
        The verdict that the assumed rate deserves; None where there is no rule or the rate is the
        tolerance itself, so that no number of labels brings a verdict about.
    rate : float
        Assumed, by people.
    sensitivity : float or None
        Share of people's events that the grader finds; None if they find none.
    specificity : float or None
        Share of what people find to be none that it does not call an event; None if all are.
    graded : int
        Pairs that the grader labels.
    labelled : int or None
        Pairs whose labels by people say how good the grader is; None where it was assumed.
    rows : tuple of LabelNeed
        By how the pairs are drawn.
    """

    width: Inner | None
    rule: str | None
    tolerance: Share | None
    aim: Literal["pass", "fail"] | None
    rate: Share
    sensitivity: Share | None
    specificity: Share | None
    graded: AtLeastOne
    labelled: AtLeastOne | None
    rows: tuple[LabelNeed, ...]

    kind: ClassVar[Literal["labels"]] = "labels"
    shape: ClassVar[str] = (
        "question=kind width rule tolerance aim rate sensitivity specificity graded labelled rows"
    )

    def labels(self, way: str) -> int | None:
        """Return the pairs that people must label if they are drawn so; None if all are too few."""
        return next((row.labels for row in self.rows if row.way == way), None)

    def told(self, rate: str, at: str, power: str) -> Iterator[str]:
        """Say how many labels it takes."""
        if self.rule is not None and self.aim is None:
            yield (
                f"The rate assumed, {exact(self.rate)}, is the tolerance itself. No number of labels settles such a "
                "gate."
            )
            return
        random, alone, strata = (self.labels(way) for way in ("random", "alone", "strata"))
        if random is None:
            yield (
                f"{self._truth}, all {self.graded:,} graded pairs, drawn at random, would be too few."
            )
        else:
            yield (
                f"{self._truth}, {self._wanted(rate, at, power)} from {counted(random, 'pair')} labelled by people on, "
                f"drawn at random from the {self.graded:,} graded ones."
            )
        without = "all would not do" if alone is None else f"it takes {alone:,}"
        drawn = "all would not do" if strata is None else f"it takes {strata:,}"
        yield f"Without the grader's labels {without}; drawn {IN_WORDS['strata']}, {drawn}."

    @property
    def _truth(self) -> str:
        grader = []
        if self.sensitivity is not None:
            grader.append(f"finds {percent(self.sensitivity)} of these")
        if self.specificity is not None:
            grader.append(f"wrongly flags {percent(1 - self.specificity)} of the others")
        return (
            f"If people find the event in {exact(self.rate)} of the pairs that count, and the grader "
            f"{' and '.join(grader)}"
        )

    def _wanted(self, rate: str, at: str, power: str) -> str:
        if self.rule is None:
            wide = percentage_points(self.width or 0)
            return (
                f"the {at} interval of {rate}, corrected by people's labels, is at most {wide} wide"
            )
        does = "passes" if self.aim == "pass" else "fails"
        return (
            f"the gate {self.rule} on the corrected rate {does} with a chance of at least {power}"
        )

    def notes(self) -> Iterator[str]:
        """Say what the numbers assume."""
        if self.labelled is None:
            yield "How good the grader is was assumed; --people beside --like tells it from labels that are there."
        else:
            yield (
                f"How good the grader is was seen on {counted(self.labelled, 'pair')} that people labelled, and is "
                "itself uncertain."
            )
        if 1 in (self.sensitivity, self.specificity):
            yield "There the grader made no mistake of one kind. Plan for some: --sensitivity, --specificity."
        if self.rule is not None:
            yield (
                "The power of a corrected gate is not exact. In simulations the gate reached its verdict in 81% to "
                "91% of the cases where 80% was asked."
            )


def label_plan(
    graded: GradedPairs,
    *,
    width: float | None = None,
    rule: str | None = None,
    tolerance: float = 0.0,
    bad: bool = True,
    power: float = 0.8,
    labelled: int | None = None,
) -> LabelPlan:
    """Plan how many pairs people must label.

    Parameters
    ----------
    graded : GradedPairs
        What people and the grader are assumed to say.
    width : float, optional
        Ask for an interval at most this wide.
    rule : str, optional
        Ask for the verdict of this rule, as it is written.
    tolerance : float
        What the rule allows.
    bad : bool, default True
        Whether the rate may be at most the tolerance; otherwise it must be at least that.
    power : float, default 0.8
        Chance wanted of the verdict.
    labelled : int, optional
        Pairs on which the grader was seen.

    Raises
    ------
    UsageError
        If an argument lies outside its range.

    Examples
    --------
    >>> graded = GradedPairs.assumed(0.05, sensitivity=0.9, specificity=0.98, pairs=20_000)
    >>> planned = label_plan(graded, width=0.02)
    >>> planned.labels("alone"), planned.labels("random"), planned.labels("strata")
    (1838, 804, 680)
    """
    check_power(power)
    aim: Literal["pass", "fail"] | None = None
    rate = round(graded.rate, 12)
    rows: tuple[LabelNeed, ...] = ()
    if rule is None:
        check_inside("width", width or 0)
        rows = tuple(_of_width(graded, way, width or 0) for way in WAYS)
    elif rate != tolerance:
        check_share("tolerance", tolerance)
        # A rate that must be high is the rate of its opposite that must be low.
        of = graded if bad else replace(graded, shares=graded.shares[[0, YES, NO]])
        limit = tolerance if bad else round(1 - tolerance, 12)
        aim = "pass" if of.rate < limit else "fail"
        rows = tuple(_of_rule(of, way, limit, power) for way in WAYS)
    false = _called(graded, NO)
    return LabelPlan(
        width=width,
        rule=rule,
        tolerance=None if rule is None else tolerance,
        aim=aim,
        rate=rate,
        sensitivity=_called(graded, YES),
        specificity=None if false is None else round(1 - false, 12),
        graded=graded.pairs,
        labelled=labelled,
        rows=rows,
    )


def graded_like(
    doubled: Doubled,
    choice: Choice,
    drawing: Drawing,
    *,
    source: str,
    deff: float,
    pairs: int | None,
    rate: float | None,
    confidence: float,
) -> tuple[GradedPairs, int]:
    """Learn from pairs that people labelled beside a grader what others will be like.

    Parameters
    ----------
    doubled : Doubled
        The grader's labels on all pairs, people's on some.
    choice : Choice
        The metric to plan for.
    drawing : Drawing
        How the pairs to label were drawn.
    source : str
        Where people's labels come from.
    deff : float
        Design effect of the rate over all graded pairs.
    pairs : int or None
        Graded pairs there will be; None: as many as there are.
    rate : float or None
        By people; None: as they found it.
    confidence : float
        Two-sided coverage.

    Returns
    -------
    tuple of (GradedPairs, int)
        What to plan with, and on how many of people's labels it rests.

    Raises
    ------
    DataError
        If people's labels do not tell of the metric, or not of all that the grader says.
    """
    if drawing.metric not in (None, choice.label):
        raise DataError(
            f"{source}: its pairs were drawn by strata of {drawing.metric}, which says nothing of {choice.label} among "
            f"all pairs. Plan for --metric {drawing.metric}, or give labels of pairs drawn at random."
        )
    crossed = Crossed.of(doubled, choice)
    if crossed.untold:
        raise DataError(f"{source}: {crossed.untold}, so no label by people helps {choice.label}.")
    sums = np.array([doubled.table.n[mask].sum() for mask in crossed.masks()], np.float64)
    people, rest = sums[:12].reshape(3, 4), sums[12:]
    graded, labelled = people.sum(axis=0) + rest, people.sum(axis=0)
    unseen = [name for name, n, k in zip(STATES, graded, labelled, strict=True) if n and not k]
    if unseen:
        raise DataError(
            f"{source}: people labelled no pair of which the grader says {choice.label}: {unseen[0]}. Label some of "
            "them, or assume how good the grader is: --sensitivity and --specificity."
        )
    # What people say of each thing that the grader says, as often as the grader says it.
    each = np.divide(people, labelled, out=np.zeros_like(people), where=labelled > 0)
    shares = each * graded / graded.sum()
    if not shares[NO:].sum():
        raise DataError(
            f"{source}: by people no pair belongs to {choice.label}. Plan for another --metric."
        )
    if rate is not None:
        shares = _at_rate(shares, rate, source)
    made = GradedPairs(shares, pairs or int(graded.sum()), deff, confidence)
    return made, int(labelled.sum())


def assumed(
    rate: float | None,
    sensitivity: float | None,
    specificity: float | None,
    graded: int | None,
    *,
    confidence: float,
) -> GradedPairs:
    """Return what was assumed of the grader, of which everything must be given."""
    if rate is None or sensitivity is None or specificity is None or graded is None:
        raise UsageError(
            "a corrected rate is planned from --rate (by people), --sensitivity and --specificity of the grader, and "
            "--graded, how many pairs it labels; or from --like GRADED --people LABELLED, which say all of it."
        )
    for name, share in (("sensitivity", sensitivity), ("specificity", specificity)):
        check_share(name, share)
    check_at_least_one("graded", graded)
    return GradedPairs.assumed(
        rate, sensitivity=sensitivity, specificity=specificity, pairs=graded, confidence=confidence
    )


def _at_rate(shares: Floats, rate: float, source: str) -> Floats:
    """Let people find another rate, and the grader be as good as it is."""
    of = shares.sum(axis=1)
    wanted = np.array([of[0], (1 - rate) * of[NO:].sum(), rate * of[NO:].sum()])
    if (wanted[NO:][of[NO:] == 0] > 0).any():
        raise DataError(
            f"{source}: people found {'no event' if not of[YES] else 'nothing but events'} there, so it cannot be told "
            "how good the grader is at others. Assume it: --sensitivity and --specificity."
        )
    scale = np.divide(wanted, of, out=np.zeros(3), where=of > 0)
    return np.asarray(shares * scale[:, None])


def _called(graded: GradedPairs, by_people: int) -> float | None:
    """Return the share of pairs in a state by people that the grader calls events."""
    row = graded.shares[by_people]
    return round(float(row[YES] / row.sum()), 12) if row.any() else None


def _of_width(graded: GradedPairs, way: Way, width: float) -> LabelNeed:
    labels = graded.labels_for_width(width, way)
    rate = graded.rate

    def expected(n: int) -> float | None:
        worth = graded.worth(n, way)
        if not worth:
            return None
        held = wilson(rate * worth, worth, confidence=graded.confidence)
        return held.high - held.low

    points = [(n, expected(n)) for n in _grid(graded, labels)]
    return LabelNeed(way, labels, tuple((n, share) for n, share in points if share is not None))


def _of_rule(graded: GradedPairs, way: Way, limit: float, power: float) -> LabelNeed:
    labels = graded.labels_for_rule(limit, way, power=power)
    if way == "strata":
        return LabelNeed(way, labels, ())
    failing = graded.rate > limit
    points = [(n, floor(graded.worth(n, way))) for n in _grid(graded, labels)]
    curve = tuple(
        (n, gate_power(worth, graded.rate, limit, confidence=graded.confidence)[failing])
        for n, worth in points
        if worth >= 1
    )
    return LabelNeed(way, labels, curve)


def _grid(graded: GradedPairs, labels: int | None) -> list[int]:
    if labels is None:
        return []
    return [n for n in spaced(labels / 10, 2.5 * labels, points=_POINTS) if n <= graded.pairs]
