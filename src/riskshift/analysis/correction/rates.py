"""Rates corrected for a grader's errors, from pairs that people labelled too."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from riskshift.analysis.correction.sample import FEW_LABELS, Crossed, PeopleSample
from riskshift.analysis.metrics import Choice, category_metrics, overall_metrics
from riskshift.analysis.rates import Settings
from riskshift.analysis.words import counted
from riskshift.counts.clusters import BoolArray
from riskshift.counts.doubled import Doubled
from riskshift.stats.cluster import clustered_interval
from riskshift.stats.correction import Corrected
from riskshift.stats.misclassification import rogan_gladen
from riskshift.stats.proportion import Interval
from riskshift.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True)
class Share:
    """A share of pairs and its interval; None where nothing can be said."""

    events: float | None
    trials: float | None
    estimate: float | None
    interval: Interval | None

    @classmethod
    def of(cls, made: Corrected | None) -> "Share":
        """Return a corrected rate, which has no counts of its own."""
        return NOTHING if made is None else cls(None, None, made.estimate, made.interval)

    def to_dict(self) -> dict[str, Any]:
        """Return the share as plain data."""
        return {
            "events": self.events,
            "trials": self.trials,
            "estimate": self.estimate,
            "low": self.interval.low if self.interval else None,
            "high": self.interval.high if self.interval else None,
            "method": self.interval.method if self.interval else "undefined",
        }


NOTHING: Final = Share(None, None, None, None)


@dataclass(frozen=True, slots=True)
class CorrectedRate:
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
    gain: float | None
    effective_n: float | None
    rogan_gladen: Share
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the rates as plain data."""
        return {
            "metric": self.metric,
            "raw": self.raw.to_dict(),
            "people": self.people.to_dict(),
            "corrected": self.corrected.to_dict(),
            "trust": self.trust,
            "gain": self.gain,
            "effective_n": self.effective_n,
            "rogan_gladen": self.rogan_gladen.to_dict(),
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class Correction:
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

    def to_dict(self) -> dict[str, Any]:
        """Return the correction as plain data."""
        return {**self.sample.to_dict(), "rates": [item.to_dict() for item in self.rates]}


def all_choices(taxonomy: Taxonomy) -> list[Choice]:
    """Return every metric that is shown, in every category."""
    made = [Choice(metric, None) for metric in overall_metrics(taxonomy) if metric.on_page]
    for at, name in enumerate(taxonomy.categories):
        made += [
            Choice(metric, name, at) for metric in category_metrics(taxonomy) if metric.on_page
        ]
    return made


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
    asked = all_choices(doubled.layout.taxonomy) if choices is None else choices
    return Correction(
        sample, tuple(_corrected(doubled, sample, choice, settings) for choice in asked)
    )


def _corrected(
    doubled: Doubled, sample: PeopleSample, choice: Choice, settings: Settings
) -> CorrectedRate:
    crossed = Crossed.of(doubled, choice, sample.stratified_by)
    cells, weight = doubled.grader.sums(*crossed.masks())
    raw = _share(doubled, crossed.grader == 2, crossed.grader >= 1, settings)
    made = crossed.rate(cells, weight, confidence=settings.confidence, about=sample.about)
    if made is None:
        note = crossed.lacking(cells, weight)
        return CorrectedRate(choice.label, raw, NOTHING, NOTHING, None, None, None, NOTHING, note)
    people, another = NOTHING, NOTHING
    if made.people is not None:
        alone = made.people
        people = Share(alone.events, alone.trials, alone.estimate, alone.interval)
        another = _rogan_gladen(doubled, crossed, settings)
    few = made.labelled < FEW_LABELS
    return CorrectedRate(
        metric=choice.label,
        raw=raw,
        people=people,
        corrected=Share.of(made),
        trust=made.lam,
        gain=made.gain if isfinite(made.gain) else None,
        effective_n=made.effective_n if isfinite(made.effective_n) else None,
        rogan_gladen=another,
        note=_too_few(made.labelled) if few else "",
    )


def _too_few(labelled: int) -> str:
    counts = "counts" if labelled == 1 else "count"
    return f"only {counted(labelled, 'labelled pair')} {counts} for this rate (at least {FEW_LABELS} needed)"


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
    """Correct by error rates; only where every pair belongs to the denominator."""
    n, y, f = doubled.table.n, crossed.people, crossed.grader
    if (f == 0).any() or (y == 0).any():
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
