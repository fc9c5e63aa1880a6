"""A report card from pairs that people labelled by strata: its shares weigh the strata as they are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from riskshift.analysis.correction.sample import States, states
from riskshift.analysis.grader.cards import (
    MEASURES,
    Asymmetry,
    Gap,
    Judged,
    Measure,
    RefusalCard,
    SideCard,
    quarters,
    refusals,
    severities,
    shares,
)
from riskshift.analysis.metrics import choose
from riskshift.analysis.rates import INTERVALS, Rate, Settings
from riskshift.analysis.severities import Severities
from riskshift.counts.clusters import IntArray
from riskshift.counts.doubled import Doubled
from riskshift.stats.clusters.joint import ENOUGH
from riskshift.stats.graded.correction import Corrected, corrected_difference
from riskshift.stats.graded.strata import stratified_rate
from riskshift.stats.grading import agreement_of, card_intervals
from riskshift.stats.multiple import bonferroni
from riskshift.taxonomy import SIDES

_STRATA: Final = 3
C = TypeVar("C", SideCard, RefusalCard)


def weighed(
    doubled: Doubled,
    cards: tuple[SideCard, ...],
    stratified_by: str,
    settings: Settings,
) -> tuple[tuple[SideCard, ...], tuple[Asymmetry, ...]]:
    """Weigh what people labelled by the strata that they labelled it in.

    Parameters
    ----------
    doubled : Doubled
        The grader's labels on all pairs, people's on a sample of each stratum.
    cards : tuple of SideCard
        What `report_cards` made of the sample as it is.
    stratified_by : str
        The metric by whose value (by the grader) the pairs were drawn.
    settings : Settings
        How to estimate.

    Returns
    -------
    cards : tuple of SideCard
        With the same counts, but shares, bias and agreement of all graded pairs. Nothing is said
        where a stratum has no usable label.
    asymmetries : tuple of Asymmetry
        Prompt side against response side, likewise.

    References
    ----------
    .. [1] C. B. Begg, R. A. Greenes, "Assessment of diagnostic tests when disease verification is
       subject to selection bias", Biometrics 39 (1983), p. 207-215.
    """
    taxonomy, strata = doubled.layout.taxonomy, _strata(doubled, stratified_by)
    by_scope = {
        category: {
            side: card for card in cards for side in [card.side] if card.category == category
        }
        for category in (None, *taxonomy.categories)
    }
    made: dict[tuple[str, str | None], SideCard] = {}
    compared: list[Asymmetry] = []
    for category, sides in by_scope.items():
        judged = [severities(doubled, side, category) for side in SIDES]
        labels = _Labels.of(doubled, judged, strata)
        for at, side in enumerate(SIDES):
            made[side, category] = _weigh(sides[side], labels, at, settings)
        compared += [_asymmetry(labels, measure, category, settings) for measure in MEASURES]
    return tuple(made[card.side, card.category] for card in cards), tuple(compared)


def weighed_refusals(
    doubled: Doubled, card: RefusalCard | None, stratified_by: str, settings: Settings
) -> RefusalCard | None:
    """Weigh what people told of refusals by the strata; as `weighed`."""
    told = refusals(doubled)
    if card is None or told is None:
        return None
    labels = _Labels.of(doubled, [told], _strata(doubled, stratified_by))
    return _weigh(card, labels, 0, settings)


def _strata(doubled: Doubled, stratified_by: str) -> States:
    choice = choose(stratified_by, doubled.layout.taxonomy)[0]
    return states(Severities(doubled.grader), choice)


@dataclass(frozen=True, slots=True, eq=False)
class _Labels:
    """Labels of both sides, or refusals as the only side, by kind of cluster and stratum.

    `tables` has shape (m, sides, strata, K, K), people's level by the grader's on what people
    labelled. Of all pairs, `graded` holds the labels, shape (m, strata), and `flagged` those that
    the grader calls harmful, or refused, shape (m, sides, strata).
    """

    tables: IntArray
    graded: IntArray
    flagged: IntArray
    weight: IntArray
    start: int

    @classmethod
    def of(cls, doubled: Doubled, judged: Sequence[Judged], strata: States) -> "_Labels":
        within = [strata == at for at in range(_STRATA)]
        columns: list[IntArray] = []
        for side in judged:
            masks = side.masks()
            for inside in within:
                columns += [mask.sum(axis=1) * inside for mask in masks]
                columns.append((side.grader >= side.start).sum(axis=1) * inside)
        each, levels = judged[0].people.shape[1], judged[0].levels
        sums, weight = doubled.grader.sums(*columns, *(inside * each for inside in within))
        sides = sums[:, :-_STRATA].reshape(-1, len(judged), _STRATA, levels**2 + 1)
        tables = sides[..., :-1].reshape(*sides.shape[:3], levels, levels)
        return cls(tables, sums[:, -_STRATA:], sides[..., -1], weight, judged[0].start)

    def share(self, side: int, name: str, settings: Settings) -> Corrected | None:
        """Weigh one share; None where it is undefined."""
        cells = []
        for at in range(_STRATA):
            part = quarters(self.tables[:, side, at], self.start)
            events, trials = shares(name, part)
            cells.append(np.stack([part.sum(axis=1) - trials, trials - events, events], axis=1))
        table, graded = np.stack(cells, axis=1), self.graded
        if name == "precision":
            # Which labels are in its denominator the grader tells, of all pairs.
            table, graded = table[:, :, 1:], self.flagged[:, side]
        elif not table[:, :, 0].any():
            table = table[:, :, 1:]
        held = self.weight @ graded > 0
        if not held.any() or not (self.weight @ table.sum(axis=2))[held].all():
            return None
        return stratified_rate(
            table,
            graded,
            self.weight,
            confidence=settings.confidence,
            method=INTERVALS[settings.interval],
        )

    def usable(self, side: int) -> bool:
        """Whether every stratum with graded labels has some of both."""
        seen = np.tensordot(self.weight, self.tables[:, side].sum(axis=(2, 3)), 1)
        return bool((seen[self.weight @ self.graded > 0] > 0).all())

    def weighed_tables(self, side: int) -> NDArray[np.float64]:
        """Let each label stand for those of its stratum, on average for one."""
        seen = np.tensordot(self.weight, self.tables[:, side].sum(axis=(2, 3)), 1)
        graded = self.weight @ self.graded
        stands_for = graded / np.where(seen, seen, 1) * seen.sum() / graded.sum()
        return np.asarray(np.tensordot(self.tables[:, side], stands_for, axes=(1, 0)))


def _weigh(card: C, labels: _Labels, side: int, settings: Settings) -> C:
    found = {name: labels.share(side, name, settings) for name in card.rates}
    rates = {name: _rate(card.rates[name], made) for name, made in found.items()}
    by_people, by_grader = list(found.values())[-2:]
    nothing = Measure(None, None)
    f1, kappa = nothing, nothing
    if labels.usable(side):
        tables = labels.weighed_tables(side)
        held = card_intervals(tables, labels.weight, confidence=settings.confidence)
        of_all = agreement_of(np.tensordot(labels.weight, tables, 1))
        f1, kappa = (Measure(*each) for each in zip(of_all, held, strict=True))
    return replace(
        card,
        rates=rates,
        bias=_gap(by_grader, by_people),
        macro_f1=f1,
        weighted_kappa=kappa,
    )


def _rate(plain: Rate, made: Corrected | None) -> Rate:
    if made is None:
        return Rate(plain.name, 0, 0, None)
    return Rate(
        plain.name,
        plain.events,
        plain.trials,
        made.interval,
        effective_n=made.effective_n,
        weighed=made.estimate,
    )


def _asymmetry(
    labels: _Labels, measure: str, category: str | None, settings: Settings
) -> Asymmetry:
    # What is said of the sides holds for all measures at once, by exact limits.
    wide = replace(
        settings,
        confidence=bonferroni(settings.confidence, len(MEASURES)),
        interval="clopper-pearson",
    )
    one, other = (labels.share(at, measure, settings) for at in (0, 1))
    sure = _gap(*(labels.share(at, measure, wide) for at in (0, 1))).interval
    return Asymmetry(
        measure,
        category,
        None if one is None else one.estimate,
        None if other is None else other.estimate,
        _gap(one, other),
        sure,
        enough=all(
            made is not None and min(made.labelled, made.effective_n) >= ENOUGH
            for made in (one, other)
        ),
    )


def _gap(one: Corrected | None, other: Corrected | None) -> Gap:
    if one is None or other is None:
        return Gap(None, None)
    return Gap(one.estimate - other.estimate, corrected_difference(one, other))
