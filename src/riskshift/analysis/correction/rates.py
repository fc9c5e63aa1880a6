"""Rates corrected for a grader's errors, from pairs that people labelled too."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import ClassVar, Final

from riskshift.analysis.correction.sample import FEW_LABELS, Crossed, PeopleSample
from riskshift.analysis.metrics import Choice, category_metrics, overall_metrics
from riskshift.analysis.plain import Plain
from riskshift.analysis.rates import Settings
from riskshift.analysis.words import counted
from riskshift.counts.clusters import BoolArray
from riskshift.counts.doubled import Doubled
from riskshift.stats.clusters.cluster import clustered_interval
from riskshift.stats.graded.correction import Corrected, Estimate
from riskshift.stats.misclassification import rogan_gladen
from riskshift.stats.proportion import Interval
from riskshift.written import MISSING


@dataclass(frozen=True, slots=True)
class Share(Plain):
    """A share of pairs and its interval; None where nothing can be said.

    Parameters
    ----------
    events, trials : float or None
        Counts; None for a corrected share, which has none of its own.
    estimate : float or None
        The share by what is known.
    interval : Interval or None
        Its interval.
    missing : int
        Pairs left out for want of a label that may belong to it.
    worst_case : tuple of (float, float) or None
        The lowest and highest estimate that the missing labels allow; None if none are missing.
    worst_case_interval : tuple of (float, float) or None
        The low end of the interval with the lowest estimate, and the high end with the highest.
    """

    events: float | None
    trials: float | None
    estimate: float | None
    interval: Interval | None
    missing: int = 0
    worst_case: tuple[float, float] | None = None
    worst_case_interval: tuple[float, float] | None = None

    shape: ClassVar[str] = (
        "events trials estimate interval worst_case?(low=worst_case.0 high=worst_case.1 "
        "interval_low=worst_case_interval.0 interval_high=worst_case_interval.1 missing)"
    )

    @classmethod
    def of(
        cls, made: Corrected | None, *, missing: int = 0, filled: Sequence[Corrected] = ()
    ) -> "Share":
        """Return a corrected rate, which has no counts of its own.

        Parameters
        ----------
        made : Corrected or None
            By what is known.
        missing : int
            Pairs that people left blank.
        filled : sequence of Corrected
            The same with these taken for events, and for none.
        """
        if made is None:
            return NOTHING
        bare = cls(None, None, made.estimate, made.interval)
        return bare.bounded(missing, [(one.estimate, one.interval) for one in filled])

    def bounded(self, missing: int, filled: Sequence[tuple[float, Interval]]) -> "Share":
        """Add what it could be, from estimates and intervals with the missing labels filled in."""
        if not filled or self.estimate is None or self.interval is None:
            return self
        every = [(self.estimate, self.interval), *filled]
        estimates = [estimate for estimate, _ in every]
        ends = min(held.low for _, held in every), max(held.high for _, held in every)
        return replace(
            self,
            missing=missing,
            worst_case=(min(estimates), max(estimates)),
            worst_case_interval=ends,
        )


NOTHING: Final = Share(None, None, None, None)


@dataclass(frozen=True, slots=True)
class CorrectedRate(Plain):
    """One metric three ways: by the grader, by people alone, and corrected.

    Parameters
    ----------
    metric : str
        Such as ``escalation`` or ``persistence[sexual]``.
    raw : Share
        The grader's labels on all pairs.
    people : Share
        People's labels alone; nothing for stratified samples.
    corrected : Share
        Both together; nothing where the data does not allow it, and `note` says why.
    trust : float or None
        How far the grader's labels were used, 0 to 1; None for stratified samples.
    silence : float or None
        Weight of the grader's leaving a pair blank; None for stratified samples.
    gain : float or None
        How many times more people's labels would be needed to be as sure without the grader.
    effective_n : float or None
        Pairs labelled by people that would say as much; None where all is known.
    rogan_gladen : Share
        Corrected another way, from the grader's error rates, to see how much the way matters.
    note : str
        What stands in the way; empty if nothing.
    """

    metric: str
    raw: Share
    people: Share
    corrected: Share
    trust: float | None
    silence: float | None
    gain: float | None
    effective_n: float | None
    rogan_gladen: Share
    note: str = ""


@dataclass(frozen=True, slots=True)
class Correction(Plain):
    """Every metric corrected, and whether the people's sample allows it.

    Parameters
    ----------
    sample : PeopleSample
        The pairs that people labelled.
    rates : tuple of CorrectedRate
        Metric by metric.
    """

    sample: PeopleSample
    rates: tuple[CorrectedRate, ...]

    shape: ClassVar[str] = "*sample rates"

    def rate(self, metric: str) -> CorrectedRate:
        """Return one metric by its label.

        Raises
        ------
        KeyError
            If it was not corrected.
        """
        for item in self.rates:
            if item.metric == metric:
                return item
        raise KeyError(metric)


def all_choices(doubled: Doubled) -> list[Choice]:
    """Return every metric that is shown, in every category, of which people or the grader can tell.

    What looks at a side that neither labelled is left out. What looks at refusals that the grader
    alone tells is not: that it is not corrected must be said.
    """
    people, grader = doubled.people, doubled.grader
    taxonomy, told = people.taxonomy, people.told | grader.told
    made = [Choice(metric, None) for metric in overall_metrics(taxonomy, told) if metric.on_page]
    for at, name in enumerate(taxonomy.categories):
        metrics = category_metrics(taxonomy, told)
        made += [Choice(metric, name, at) for metric in metrics if metric.on_page]
    return [choice for choice in made if _sides(choice) <= people.sides | grader.sides]


def _sides(choice: Choice) -> set[str]:
    """Return the sides that a metric looks at: ``p`` and ``r``."""
    return {name[0] for name in choice.metric.needs if name.removesuffix("_c") in ("p", "r")}


def correct(
    doubled: Doubled,
    sample: PeopleSample,
    settings: Settings,
    *,
    choices: Sequence[Choice] | None = None,
) -> Correction:
    """Correct metrics for the grader's errors.

    Parameters
    ----------
    doubled : Doubled
        The grader's labels on all pairs, people's on some.
    sample : PeopleSample
        How the latter were drawn, and what the rates are to speak of.
    settings : Settings
        How to estimate.
    choices : sequence of Choice, optional
        Default: every metric.

    Returns
    -------
    Correction

    References
    ----------
    .. [1] A. N. Angelopoulos, J. C. Duchi, T. Zrnic, "PPI++: Efficient prediction-powered
       inference" (2023), arXiv 2311.01453.
    """
    asked = all_choices(doubled) if choices is None else choices
    return Correction(
        sample, tuple(_corrected(doubled, sample, choice, settings) for choice in asked)
    )


def _corrected(
    doubled: Doubled, sample: PeopleSample, choice: Choice, settings: Settings
) -> CorrectedRate:
    crossed = Crossed.of(doubled, choice, sample.stratified_by)
    told = _sides(choice) <= doubled.grader.sides
    raw = _raw(doubled, crossed, settings) if told else NOTHING
    made, note = _rate(doubled, crossed, sample, settings)
    if made is None:
        return CorrectedRate(
            choice.label, raw, NOTHING, NOTHING, None, None, None, None, NOTHING, note
        )
    missing = int(doubled.table.n[crossed.blank].sum())
    filled = _filled(doubled, crossed, sample, settings) if missing else []
    people, another = NOTHING, NOTHING
    if made.people is not None:
        people = _alone(made.people).bounded(
            missing,
            [(one.people.estimate, one.people.interval) for one in filled if one.people],
        )
        another = _rogan_gladen(doubled, crossed, settings)
    few = made.labelled < FEW_LABELS
    return CorrectedRate(
        metric=choice.label,
        raw=raw,
        people=people,
        corrected=Share.of(made, missing=missing, filled=filled),
        trust=made.lam,
        silence=made.silence,
        gain=made.gain if isfinite(made.gain) else None,
        effective_n=made.effective_n if isfinite(made.effective_n) else None,
        rogan_gladen=another,
        note=_too_few(made.labelled) if few else "",
    )


def _rate(
    doubled: Doubled, crossed: Crossed, sample: PeopleSample, settings: Settings
) -> tuple[Corrected | None, str]:
    """Return the corrected rate, or what is lacking."""
    cells, weight = doubled.grader.sums(*crossed.masks())
    made = crossed.rate(cells, weight, confidence=settings.confidence, about=sample.about)
    return made, crossed.lacking(cells, weight)


def _filled(
    doubled: Doubled, crossed: Crossed, sample: PeopleSample, settings: Settings
) -> list[Corrected]:
    """Correct the rate with all that people left blank taken for no event, and for events."""
    made = [
        _rate(doubled, crossed.filled(as_event), sample, settings)[0] for as_event in (False, True)
    ]
    return [one for one in made if one is not None]


def _alone(people: Estimate) -> Share:
    return Share(people.events, people.trials, people.estimate, people.interval)


def _too_few(labelled: int) -> str:
    counts = "counts" if labelled == 1 else "count"
    return f"only {counted(labelled, 'labelled pair')} {counts} for this rate (at least {FEW_LABELS} needed)"


def _raw(doubled: Doubled, crossed: Crossed, settings: Settings) -> Share:
    """Return the grader's own rate, with its blanks as bounds."""
    yes, inside, blank = crossed.grader == 2, crossed.grader >= 1, crossed.grader == MISSING
    made = _share(doubled, yes, inside, settings)
    missing = int(doubled.table.n[blank].sum())
    if made.estimate is None or not missing:
        return made
    filled = [_share(doubled, events, inside | blank, settings) for events in (yes, yes | blank)]
    bounds = [(one.estimate, one.interval) for one in filled]
    return made.bounded(missing, [(a, b) for a, b in bounds if a is not None and b is not None])


def _share(doubled: Doubled, event: BoolArray, inside: BoolArray, settings: Settings) -> Share:
    cells, weight = doubled.grader.sums(event, inside)
    trials = int(weight @ cells[:, 1])
    if not trials:
        return NOTHING
    interval, _ = clustered_interval(
        cells[:, 0], cells[:, 1], weight, confidence=settings.confidence
    )
    events = int(weight @ cells[:, 0])
    return Share(events, trials, events / trials, interval)


def _rogan_gladen(doubled: Doubled, crossed: Crossed, settings: Settings) -> Share:
    """Correct by error rates; only where every pair is in the denominator and graded."""
    n, y, f = doubled.table.n, crossed.people, crossed.grader
    if (f <= 0).any() or (y == 0).any():
        return NOTHING
    count = [[int(n[(y == i) & (f == j)].sum()) for j in (1, 2)] for i in (1, 2)]
    cells, weight = doubled.grader.sums(f == 2, f >= 1)
    _, effective = clustered_interval(
        cells[:, 0], cells[:, 1], weight, confidence=settings.confidence
    )
    if not effective.n:
        return NOTHING  # one cluster says nothing about others
    share = float(weight @ cells[:, 0]) / float(weight @ cells[:, 1])
    made = rogan_gladen(
        share * effective.n,
        effective.n,
        sensitivity=(count[1][1], sum(count[1])),
        specificity=(count[0][0], sum(count[0])),
        confidence=settings.confidence,
    )
    return NOTHING if made is None else Share(None, None, made[0], made[1])
