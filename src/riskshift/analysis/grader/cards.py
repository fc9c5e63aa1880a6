"""The grader's report card: where it differs from people, on either side and in each category."""

from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from riskshift.analysis.plain import Keyed, LevelTable, Limits, Plain, Share, Signed, SignedInterval
from riskshift.analysis.rates import INTERVALS, Rate, Settings
from riskshift.counts.clusters import BoolArray, IntArray
from riskshift.counts.doubled import Doubled
from riskshift.errors import DataError
from riskshift.stats.cluster import clustered_interval
from riskshift.stats.grading import ReportCard, card_intervals, report_card
from riskshift.stats.joint import contrast_intervals
from riskshift.stats.multiple import bonferroni
from riskshift.stats.paired_clusters import clustered_tango
from riskshift.stats.proportion import Interval
from riskshift.stats.table_interval import TableInterval
from riskshift.taxonomy import SIDES, Taxonomy
from riskshift.written import MISSING

MEASURES: Final = ("sensitivity", "specificity", "precision")
# Positions of true positives, false positives, false negatives and true negatives.
_TP, _FP, _FN, _TN = range(4)
_EVENT: Final[dict[str, tuple[int, ...]]] = {
    "sensitivity": (_TP,),
    "specificity": (_TN,),
    "precision": (_TP,),
    "people_harmful": (_TP, _FN),
    "grader_harmful": (_TP, _FP),
}
_GIVEN: Final[dict[str, tuple[int, ...]]] = {
    "sensitivity": (_TP, _FN),
    "specificity": (_TN, _FP),
    "precision": (_TP, _FP),
    "people_harmful": (_TP, _FP, _FN, _TN),
    "grader_harmful": (_TP, _FP, _FN, _TN),
}


@dataclass(frozen=True, slots=True)
class Measure(Plain):
    """A number with its interval, or why there is none.

    Parameters
    ----------
    estimate : float or None
        None where it is undefined.
    held : TableInterval or None
        Its interval, or why there is none; None where nothing was drawn.
    """

    estimate: Signed | None
    held: TableInterval | None

    shape: ClassVar[str] = "estimate interval=held"

    @property
    def interval(self) -> Interval | None:
        """The interval; None where there is none."""
        return None if self.held is None else self.held.interval


@dataclass(frozen=True, slots=True)
class Gap(Plain):
    """A difference of two shares and its interval.

    Parameters
    ----------
    estimate : float or None
        None where it is undefined.
    interval : Interval or None
        None where it is undefined.
    """

    estimate: Signed | None
    interval: SignedInterval | None


@dataclass(frozen=True, slots=True)
class SideCard(Plain):
    """A grader against people on one side, in one category or in all together.

    Parameters
    ----------
    side : {"prompt", "response"}
        Whose labels.
    category : str or None
        None: the labels of all categories together; intervals then take a record, or what it
        shares a prompt with, as one unit.
    table : tuple of tuple of int
        Labels by people's level (rows) and the grader's (columns).
    counts : ReportCard
        Error counts.
    rates : dict of str to Rate
        ``sensitivity``, ``specificity``, ``precision``, and the shares called harmful,
        ``people_harmful`` and ``grader_harmful``.
    bias : Gap
        Share harmful by the grader minus by people, with Tango's paired interval.
    macro_f1 : Measure
        Mean over levels of the F1 measure.
    weighted_kappa : Measure
        Cohen's kappa with quadratic weights.
    missing : int
        Labels of the pairs that people saw that they or the grader left out.
    """

    side: Annotated[str, Limits(enum=["prompt", "response"])]
    category: str | None
    table: LevelTable
    counts: ReportCard
    rates: Annotated[
        dict[str, Rate], Keyed("sensitivity specificity precision people_harmful grader_harmful")
    ]
    bias: Gap
    macro_f1: Measure
    weighted_kappa: Measure
    missing: int

    shape: ClassVar[str] = (
        "side category labels missing counts.true_positive counts.false_positive "
        "counts.false_negative counts.true_negative counts.under counts.over rates bias "
        "macro_f1 weighted_kappa table"
    )

    @property
    def labels(self) -> int:
        """Labels that both people and the grader gave."""
        return self.counts.records


@dataclass(frozen=True, slots=True)
class Asymmetry(Plain):
    """How much better a grader is on prompts than on responses.

    Parameters
    ----------
    measure : {"sensitivity", "specificity", "precision"}
        What is compared.
    category : str or None
        None: all together.
    prompt : float or None
        The share on prompts.
    response : float or None
        The share on responses.
    gap : Gap
        Prompt minus response: MOVER with the correlation of the two over whole clusters, kept
        below 1.
    simultaneous : Interval or None
        The same for all measures at once (Bonferroni), from Clopper-Pearson intervals.
    enough : bool
        Whether both shares rest on enough labels to say anything of the two
        (`riskshift.stats.joint.ENOUGH`, effective ones).
    """

    measure: Annotated[str, Limits(enum=["sensitivity", "specificity", "precision"])]
    category: str | None
    prompt: Share | None
    response: Share | None
    gap: Gap
    simultaneous: SignedInterval | None
    enough: bool

    shape: ClassVar[str] = "measure category prompt response difference=gap simultaneous enough"

    @property
    def distinguishable(self) -> bool:
        """Whether there is enough to tell, and the simultaneous interval leaves out zero."""
        held = self.simultaneous
        return self.enough and held is not None and (held.low > 0 or held.high < 0)


def report_cards(doubled: Doubled, settings: Settings) -> tuple[SideCard, ...]:
    """Hold a grader against people, side by side and category by category.

    Parameters
    ----------
    doubled : Doubled
        The grader's labels, and people's on some pairs.
    settings : Settings
        How to estimate.

    Returns
    -------
    tuple of SideCard
        Both sides, all categories together first.

    Raises
    ------
    DataError
        If there is no label that both people and the grader gave.
    """
    categories = doubled.layout.taxonomy.categories
    scopes: list[str | None] = [None, *categories]
    cards = tuple(_card(doubled, side, scope, settings) for side in SIDES for scope in scopes)
    if not any(card.labels for card in cards):
        raise DataError("there is no label that both people and the grader gave.")
    return cards


def labels_of(doubled: Doubled, side: str, category: str | None) -> tuple[IntArray, IntArray]:
    """Return people's and the grader's labels, a column for each category in question."""
    people, grader = (getattr(counts, side) for counts in (doubled.people, doubled.grader))
    if category is None:
        return people, grader
    at = doubled.layout.taxonomy.categories.index(category)
    return people[:, [at]], grader[:, [at]]


def _card(doubled: Doubled, side: str, category: str | None, settings: Settings) -> SideCard:
    people, grader = labels_of(doubled, side, category)
    columns = [mask.sum(axis=1) for mask in level_masks(doubled, side, category)]
    cells, weight = doubled.grader.sums(*columns)
    levels = doubled.layout.taxonomy.top + 1
    tables = cells.reshape(-1, levels, levels)
    table = np.tensordot(weight, tables, 1)
    start = doubled.layout.taxonomy.harmful_from
    made = report_card(table, harmful_from=start)
    parts = quarters(tables, start)
    f1, kappa = card_intervals(tables, weight, confidence=settings.confidence)
    lacking = ((people < 0) | (grader < 0)).sum(axis=1)
    given = doubled.given
    open_ = _possible_quarters(people[given], grader[given], doubled.layout.taxonomy)
    n = doubled.table.n[given]
    return SideCard(
        side,
        category,
        tuple(tuple(int(n) for n in row) for row in table),
        made,
        {name: _bounded(_rate(name, parts, weight, settings), open_, n) for name in _EVENT},
        _bias(made, parts, weight, settings),
        Measure(made.macro_f1, f1),
        Measure(made.weighted_kappa, kappa),
        int((doubled.table.n * lacking)[given].sum()),
    )


def level_masks(doubled: Doubled, side: str, category: str | None) -> list[NDArray[np.bool_]]:
    """Tell for each pair of levels, people's first, which labels of which patterns have them."""
    people, grader = labels_of(doubled, side, category)
    levels = range(doubled.layout.taxonomy.top + 1)
    return [(people == i) & (grader == j) for i in levels for j in levels]


def quarters(tables: IntArray, start: int) -> IntArray:
    """Sum levels to true positives, false positives, false negatives and true negatives."""
    safe, harmful = slice(None, start), slice(start, None)
    parts = ((harmful, harmful), (safe, harmful), (harmful, safe), (safe, safe))
    return np.stack([tables[:, of, by].sum(axis=(1, 2)) for of, by in parts], axis=1)


def shares(name: str, parts: IntArray) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return events and trials of a share, from what `quarters` gives."""
    return parts[:, list(_EVENT[name])].sum(axis=1), parts[:, list(_GIVEN[name])].sum(axis=1)


def _rate(name: str, parts: IntArray, weight: IntArray, settings: Settings) -> Rate:
    events, trials = shares(name, parts)
    seen, total = int(weight @ events), int(weight @ trials)
    if not total:
        return Rate(name, 0, 0, None)
    interval, effective = clustered_interval(
        events,
        trials,
        weight,
        confidence=settings.confidence,
        method=INTERVALS[settings.interval],
    )
    if trials.max() <= 1:
        return Rate(name, seen, total, interval)
    return Rate(name, seen, total, interval, effective.deff, effective.n)


def _possible_quarters(people: IntArray, grader: IntArray, taxonomy: Taxonomy) -> BoolArray:
    """Tell which quarters each label of each pattern may be in; shape (patterns, labels, 4)."""
    may = []
    for levels in (people, grader):
        missing = levels == MISSING
        harmful = levels >= taxonomy.harmful_from
        may.append((harmful | missing, ~harmful | missing))
    (p_yes, p_no), (g_yes, g_no) = may
    return np.stack([p_yes & g_yes, p_no & g_yes, p_yes & g_no, p_no & g_no], axis=-1)


def _bounded(rate: Rate, quarters: BoolArray, n: IntArray) -> Rate:
    """Add what the labels that are missing on either side could make of a share.

    Of each label the worst is taken for the lowest share and the best for the highest.
    """
    event, given = _EVENT[rate.name], _GIVEN[rate.name]
    without = [at for at in given if at not in event]
    outside = [at for at in range(4) if at not in given]
    may_yes, may_no, may_out = (
        quarters[..., list(at)].any(axis=-1) for at in (event, without, outside)
    )
    open_ = (may_yes.astype(int) + may_no + may_out) > 1
    missing = int(n @ open_.sum(axis=1))
    if not missing:
        return rate
    low = n @ (~may_no & ~may_out).sum(axis=1), n @ (may_no | ~may_out).sum(axis=1)
    high = n @ may_yes.sum(axis=1), n @ (may_yes | ~may_out).sum(axis=1)
    shares = [int(x) / int(total) for x, total in (low, high) if total]
    worst = (shares[0], shares[-1]) if shares else None
    return replace(rate, missing=missing, worst_case=worst)


def _bias(card: ReportCard, parts: IntArray, weight: IntArray, settings: Settings) -> Gap:
    if not card.records:
        return Gap(None, None)
    both, grader_only, people_only, neither = parts.T
    interval, _ = clustered_tango(
        both, grader_only, people_only, neither, weight, confidence=settings.confidence
    )
    return Gap(card.prevalence_bias, interval)


def asymmetries(
    doubled: Doubled, cards: tuple[SideCard, ...], settings: Settings
) -> tuple[Asymmetry, ...]:
    """Compare the prompt side with the response side.

    Parameters
    ----------
    doubled : Doubled
        The labels.
    cards : tuple of SideCard
        What `report_cards` made of them.
    settings : Settings
        How to estimate.

    Returns
    -------
    tuple of Asymmetry
        All categories together first.

    References
    ----------
    .. [1] G. Y. Zou, A. Donner, "Construction of confidence limits about effect measures: a
       general approach", Statistics in Medicine 27 (2008), p. 1693-1702, section 2.
    """
    found = {(card.side, card.category): card for card in cards}
    scopes: list[str | None] = [None, *doubled.layout.taxonomy.categories]
    made = []
    for category in scopes:
        columns = [part for side in SIDES for part in _pattern_quarters(doubled, side, category)]
        cells, weight = doubled.grader.sums(*columns)
        for measure in MEASURES:
            rates = [found[side, category].rates[measure] for side in SIDES]
            sides = shares(measure, cells[:, :4]), shares(measure, cells[:, 4:])
            made.append(_asymmetry(measure, category, rates, sides, weight, settings))
    return tuple(made)


def _asymmetry(
    measure: str,
    category: str | None,
    rates: list[Rate],
    sides: tuple[tuple[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]],
    weight: IntArray,
    settings: Settings,
) -> Asymmetry:
    one, other = (rate.estimate for rate in rates)
    if one is None or other is None:
        return Asymmetry(measure, category, one, other, Gap(None, None), None, enough=False)
    (x_a, n_a), (x_b, n_b) = sides
    interval, simultaneous, enough = contrast_intervals(
        x_a,
        n_a,
        x_b,
        n_b,
        weight,
        confidence=settings.confidence,
        wide=bonferroni(settings.confidence, len(MEASURES)),
        method=INTERVALS[settings.interval],
    )
    gap = Gap(one - other, interval)
    return Asymmetry(measure, category, one, other, gap, simultaneous, enough)


def _pattern_quarters(doubled: Doubled, side: str, category: str | None) -> list[IntArray]:
    people, grader = labels_of(doubled, side, category)
    start, known = doubled.layout.taxonomy.harmful_from, (people >= 0) & (grader >= 0)
    bad, flagged = people >= start, grader >= start
    parts = (bad & flagged, ~bad & flagged, bad & ~flagged, ~bad & ~flagged)
    return [(known & part).sum(axis=1) for part in parts]
