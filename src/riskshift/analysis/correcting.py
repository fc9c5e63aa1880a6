"""Rates corrected for a grader's errors, from pairs that people labelled too."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from riskshift.analysis.metrics import Choice, category_metrics, choose, overall_metrics
from riskshift.analysis.rates import Settings
from riskshift.analysis.severities import Severities
from riskshift.analysis.words import p_value
from riskshift.counts import BoolArray, Doubled
from riskshift.errors import DataError
from riskshift.stats.association import rao_scott
from riskshift.stats.cluster import clustered_interval
from riskshift.stats.correction import (
    Corrected,
    MixTest,
    ppi_mean,
    ppi_ratio,
    rogan_gladen,
    sample_mix_test,
    stratified_rate,
)
from riskshift.stats.proportion import Interval
from riskshift.taxonomy import MISSING, Taxonomy

FEW_LABELS: Final = 30
SUSPICIOUS: Final = 0.01
States = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Share:
    """A share of pairs and its interval; None where nothing can be said."""

    events: float | None
    trials: float | None
    estimate: float | None
    interval: Interval | None

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
        People's labels alone.
    corrected : Share
        Both together; nothing where the data does not allow it, and `note` says why.
    trust : float or None
        How far the grader's labels were used, 0 to 1; None for stratified samples.
    gain : float or None
        How many times more people's labels would be needed to be as sure without the grader.
    effective_n : float or None
        Pairs labelled by people that would say as much.
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
    source : str
        Where people's labels come from.
    labelled, pairs : int
        Pairs with people's labels, and all pairs.
    stratified_by : str or None
        The metric by which the sample was drawn; None for a plain random sample.
    rates : tuple of CorrectedRate
        Metric by metric.
    mix : MixTest or None
        Whether labelled and other pairs look alike to the grader; None for stratified samples and
        where all pairs are labelled.
    notes : tuple of str
        What must hold for the correction to be right, and what speaks against it.
    """

    source: str
    labelled: int
    pairs: int
    stratified_by: str | None
    rates: tuple[CorrectedRate, ...]
    mix: MixTest | None
    notes: tuple[str, ...]

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
        mix = None
        if self.mix is not None:
            mix = {"statistic": self.mix.statistic, "df": self.mix.df, "p": self.mix.p}
        return {
            "source": self.source,
            "labelled": self.labelled,
            "pairs": self.pairs,
            "stratified_by": self.stratified_by,
            "rates": [item.to_dict() for item in self.rates],
            "mix": mix,
            "notes": list(self.notes),
        }


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
    settings: Settings,
    *,
    source: str,
    choices: Sequence[Choice] | None = None,
    stratified_by: str | None = None,
) -> Correction:
    """Correct metrics for the grader's errors.

    Parameters
    ----------
    doubled : Doubled
        The grader's labels on all pairs, people's on some.
    settings : Settings
        How to estimate.
    source : str
        Where people's labels come from.
    choices : sequence of Choice, optional
        Default: every metric.
    stratified_by : str, optional
        The metric by whose value (by the grader) the pairs to label were drawn.

    Returns
    -------
    Correction

    Raises
    ------
    DataError
        If people labelled no pair, or none of a stratum.

    References
    ----------
    .. [1] A. N. Angelopoulos, J. C. Duchi, T. Zrnic, "PPI++: Efficient prediction-powered
       inference" (2023), arXiv 2311.01453.
    """
    taxonomy = doubled.layout.taxonomy
    grader, people = Severities(doubled.grader), Severities(doubled.people)
    labelled = int(doubled.table.n[doubled.labelled].sum())
    if not labelled:
        raise DataError(f"{source} labels none of the graded pairs.")
    strata = None
    if stratified_by is not None:
        strata = states(grader, choose(stratified_by, taxonomy)[0])
        _refuse_empty_strata(doubled, strata, stratified_by)
    rates = []
    for choice in choices if choices is not None else all_choices(taxonomy):
        y, f = states(people, choice), states(grader, choice)
        rate = _random(doubled, choice, y, f, settings)
        rates.append(rate if strata is None else _stratified(doubled, rate, y, f, strata, settings))
    mix = sample_mix(doubled) if strata is None else None
    pairs = int(doubled.table.n.sum())
    notes = _notes(labelled, pairs, mix, stratified_by)
    return Correction(source, labelled, pairs, stratified_by, tuple(rates), mix, tuple(notes))


def states(severities: Severities, choice: Choice) -> States:
    """Return 0 outside the denominator, 1 inside, 2 with the event, -1 where labels are missing."""
    event, given = choice.event(severities), choice.given(severities)
    inside = np.where(event == -1, -1, 1 + event)
    return np.where(given == -1, -1, np.where(given == 0, 0, inside)).astype(np.int8)


def corrected_cells(
    doubled: Doubled, y: States, f: States, chosen: BoolArray | None = None
) -> list[NDArray[Any]]:
    """Return the twelve masks whose cluster sums prediction-powered inference needs.

    First people's state by the grader's (nine), then the grader's alone where people gave none.
    """
    within = np.ones(len(y), dtype=bool) if chosen is None else chosen
    both = within & (y >= 0) & (f >= 0)
    alone = within & (y < 0) & (f >= 0)
    masks = [both & (y == i) & (f == j) for i in range(3) for j in range(3)]
    return masks + [alone & (f == j) for j in range(3)]


def powered(cells: NDArray[Any], weight: NDArray[Any], confidence: float) -> Corrected | None:
    """Correct a rate from its twelve sums by kind of cluster."""
    labelled, unlabelled = cells[:, :9].reshape(-1, 3, 3), cells[:, 9:]
    outside = labelled[:, 0, :].sum() + labelled[:, :, 0].sum() + unlabelled[:, 0].sum()
    if outside:
        return ppi_ratio(labelled, unlabelled, weight, confidence=confidence)
    return ppi_mean(labelled[:, 1:, 1:], unlabelled[:, 1:], weight, confidence=confidence)


def _random(
    doubled: Doubled, choice: Choice, y: States, f: States, settings: Settings
) -> CorrectedRate:
    cells, weight = doubled.grader.sums(*corrected_cells(doubled, y, f))
    raw = _share(doubled, f == 2, f >= 1, settings)
    made = powered(cells, weight, settings.confidence)
    if made is None:
        note = "people labelled no pair of the denominator"
        return CorrectedRate(choice.label, raw, NOTHING, NOTHING, None, None, None, NOTHING, note)
    inside = int(doubled.table.n[(y >= 1) & (f >= 0)].sum())
    people = Share(
        made.people.events, made.people.trials, made.people.estimate, made.people.interval
    )
    note = f"people labelled only {inside} pairs of the denominator" if inside < FEW_LABELS else ""
    corrected = Share(None, None, made.estimate, made.interval)
    another = _rogan_gladen(doubled, y, f, settings)
    return CorrectedRate(
        choice.label, raw, people, corrected, made.lam, made.gain, made.effective_n, another, note
    )


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


def _rogan_gladen(doubled: Doubled, y: States, f: States, settings: Settings) -> Share:
    """Correct by error rates; only where every pair belongs to the denominator."""
    n = doubled.table.n
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


def _refuse_empty_strata(doubled: Doubled, strata: States, metric: str) -> None:
    n = doubled.table.n
    for at in (0, 1, 2):
        here = strata == at
        if n[here].sum() and not n[here & doubled.labelled].sum():
            raise DataError(
                f"people labelled no pair of the stratum {_stratum(metric, at)}, which holds {int(n[here].sum()):,} "
                "graded pairs. Label some of them, or draw the sample again."
            )


def _stratum(metric: str, state: int) -> str:
    return f"{metric}: {('outside', 'no', 'yes')[state]}"


def _stratified(
    doubled: Doubled,
    rate: CorrectedRate,
    y: States,
    f: States,
    strata: States,
    settings: Settings,
) -> CorrectedRate:
    """Weigh people's rates by the strata they were drawn from."""
    n = doubled.table.n
    if (y == 0).any() or (f == 0).any():
        note = "a stratified sample corrects rates over all pairs only"
        return CorrectedRate(
            rate.metric, rate.raw, NOTHING, NOTHING, None, None, None, NOTHING, note
        )
    shares, estimates, intervals = [], [], []
    for at in (0, 1, 2):
        here = strata == at
        cells, weight = doubled.grader.sums(here & (y == 2), here & (y >= 1))
        trials = float(weight @ cells[:, 1])
        if not n[here].sum():
            continue
        if not trials:
            return CorrectedRate(
                rate.metric,
                rate.raw,
                NOTHING,
                NOTHING,
                None,
                None,
                None,
                NOTHING,
                "a stratum has no usable labels",
            )
        shares.append(float(n[here].sum()))
        estimates.append(float(weight @ cells[:, 0]) / trials)
        intervals.append(
            clustered_interval(cells[:, 0], cells[:, 1], weight, confidence=settings.confidence)[0]
        )
    total = sum(shares)
    estimate, interval = stratified_rate([share / total for share in shares], estimates, intervals)
    return CorrectedRate(
        rate.metric,
        rate.raw,
        NOTHING,
        Share(None, None, estimate, interval),
        None,
        None,
        None,
        NOTHING,
        "people alone are not a random sample, so only their stratified rate is shown",
    )


def sample_mix(doubled: Doubled) -> MixTest | None:
    """Test whether people's pairs look like the others to the grader.

    Where records share prompts, whole prompts may have been chosen: the statistic is divided by
    the design effect of the choice (first-order Rao-Scott), at least 1.
    """
    grader = Severities(doubled.grader)
    # Pairs that the grader did not label cannot be drawn, so they are no part of the comparison.
    known = (grader.prompt.value != MISSING) & (grader.response.value != MISSING)
    cell = grader.prompt.value * (grader.top + 1) + grader.response.value
    masks = [
        chosen & known & (cell == kind)
        for chosen in (doubled.labelled, ~doubled.labelled)
        for kind in np.unique(cell[known])
    ]
    if not masks:
        return None
    sums, weight = doubled.grader.sums(*masks)
    tables = sums.reshape(len(sums), 2, -1)
    labelled, others = np.tensordot(weight, tables, axes=1)
    if not labelled.sum() or not others.sum():
        return None
    shared = rao_scott(tables, weight) if doubled.table.clusters is not None else None
    return sample_mix_test(labelled, others, deff=max(1.0, shared.deff) if shared else 1.0)


def _notes(labelled: int, pairs: int, mix: MixTest | None, stratified_by: str | None) -> list[str]:
    drawn = (
        "at random from all graded pairs"
        if stratified_by is None
        else f"at random within {stratified_by}"
    )
    notes = [
        f"People labelled {labelled:,} of {pairs:,} pairs. The correction is right if those were drawn {drawn}: not "
        "the odd ones, nor those that someone wondered about. riskshift sample draws them so.",
    ]
    if mix is not None and mix.p is not None and mix.p < SUSPICIOUS:
        notes.append(
            "The labelled pairs do not look like a random sample: the grader's severities differ between them and the "
            f"others (p {p_value(mix.p)}). Do not trust the correction before "
            "you know how they were drawn."
        )
    if labelled < FEW_LABELS:
        notes.append(
            f"{labelled} labels are few; {FEW_LABELS} is the least to take a corrected rate seriously."
        )
    return notes
