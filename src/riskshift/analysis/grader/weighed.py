"""A report card from pairs that people labelled by strata: its shares weigh the strata as they are."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from riskshift.analysis.correction.sample import States, states
from riskshift.analysis.grader.cards import (
    MEASURES,
    Asymmetry,
    Gap,
    Measure,
    SideCard,
    labels_of,
    level_masks,
    quarters,
    shares,
)
from riskshift.analysis.metrics import choose
from riskshift.analysis.rates import INTERVALS, Rate, Settings
from riskshift.analysis.severities import Severities
from riskshift.counts.clusters import IntArray
from riskshift.counts.doubled import Doubled
from riskshift.stats.correction import Corrected, corrected_difference
from riskshift.stats.grading import agreement_of, card_intervals
from riskshift.stats.joint import ENOUGH
from riskshift.stats.multiple import bonferroni
from riskshift.stats.strata import stratified_rate
from riskshift.taxonomy import SIDES

_STRATA: Final = 3


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
    taxonomy = doubled.layout.taxonomy
    strata = states(Severities(doubled.grader), choose(stratified_by, taxonomy)[0])
    by_scope = {
        category: {
            side: card for card in cards for side in [card.side] if card.category == category
        }
        for category in (None, *taxonomy.categories)
    }
    made: dict[tuple[str, str | None], SideCard] = {}
    compared: list[Asymmetry] = []
    for category, sides in by_scope.items():
        labels = _Labels.of(doubled, category, strata)
        for at, side in enumerate(SIDES):
            made[side, category] = _weigh(sides[side], labels, at, settings)
        compared += [_asymmetry(labels, measure, category, settings) for measure in MEASURES]
    return tuple(made[card.side, card.category] for card in cards), tuple(compared)


@dataclass(frozen=True, slots=True, eq=False)
class _Labels:
    """Labels of both sides by kind of cluster and stratum.

    `tables` has shape (m, sides, strata, K, K), people's level by the grader's on what people
    labelled. Of all pairs, `graded` holds the labels, shape (m, strata), and `flagged` those that
    the grader calls harmful, shape (m, sides, strata).
    """

    tables: IntArray
    graded: IntArray
    flagged: IntArray
    weight: IntArray
    harmful_from: int

    @classmethod
    def of(cls, doubled: Doubled, category: str | None, strata: States) -> "_Labels":
        taxonomy = doubled.layout.taxonomy
        within = [strata == at for at in range(_STRATA)]
        columns: list[IntArray] = []
        for side in SIDES:
            _, grader = labels_of(doubled, side, category)
            masks = level_masks(doubled, side, category)
            for inside in within:
                columns += [mask.sum(axis=1) * inside for mask in masks]
                columns.append((grader >= taxonomy.harmful_from).sum(axis=1) * inside)
        each = len(taxonomy.categories) if category is None else 1
        sums, weight = doubled.grader.sums(*columns, *(inside * each for inside in within))
        levels = taxonomy.top + 1
        sides = sums[:, :-_STRATA].reshape(-1, len(SIDES), _STRATA, levels**2 + 1)
        tables = sides[..., :-1].reshape(*sides.shape[:3], levels, levels)
        return cls(tables, sums[:, -_STRATA:], sides[..., -1], weight, taxonomy.harmful_from)

    def share(self, side: int, name: str, settings: Settings) -> Corrected | None:
        """Weigh one share; None where it is undefined."""
        cells = []
        for at in range(_STRATA):
            part = quarters(self.tables[:, side, at], self.harmful_from)
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


def _weigh(card: SideCard, labels: _Labels, side: int, settings: Settings) -> SideCard:
    found = {name: labels.share(side, name, settings) for name in card.rates}
    rates = {name: _rate(card.rates[name], made) for name, made in found.items()}
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
        bias=_gap(found["grader_harmful"], found["people_harmful"]),
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
