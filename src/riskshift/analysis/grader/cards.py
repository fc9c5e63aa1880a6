"""The grader's report card: where it differs from people, on either side and in each category."""

from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from riskshift.analysis.plain import Keyed, LevelTable, Limits, Plain, Share, Signed, SignedInterval
from riskshift.analysis.rates import INTERVALS, Rate, Settings
from riskshift.counts.clusters import BoolArray, IntArray
from riskshift.counts.doubled import Doubled
from riskshift.errors import DataError
from riskshift.refusal import REFUSAL
from riskshift.stats.clusters.cluster import clustered_interval
from riskshift.stats.clusters.joint import contrast_intervals
from riskshift.stats.clusters.table_interval import TableInterval
from riskshift.stats.grading import ReportCard, card_intervals, report_card
from riskshift.stats.matched.paired_clusters import clustered_tango
from riskshift.stats.multiple import bonferroni
from riskshift.stats.proportion import Interval
from riskshift.taxonomy import SIDES
from riskshift.written import MISSING

MEASURES: Final = ("sensitivity", "specificity", "precision")
# Positions of true positives, false positives, false negatives and true negatives.
_TP, _FP, _FN, _TN = range(4)
_ALL: Final = (_TP, _FP, _FN, _TN)
_EVENT: Final[dict[str, tuple[int, ...]]] = {
    "sensitivity": (_TP,),
    "specificity": (_TN,),
    "precision": (_TP,),
    "agreement": (_TP, _TN),
    **dict.fromkeys(("people_harmful", "people_refused"), (_TP, _FN)),
    **dict.fromkeys(("grader_harmful", "grader_refused"), (_TP, _FP)),
}
_GIVEN: Final[dict[str, tuple[int, ...]]] = {
    "sensitivity": (_TP, _FN),
    "specificity": (_TN, _FP),
    "precision": (_TP, _FP),
}
_SHARES: Final = (*MEASURES, "agreement")


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
        ``sensitivity``, ``specificity``, ``precision``, ``agreement`` on what is harmful, and the
        shares called harmful, ``people_harmful`` and ``grader_harmful``.
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
        dict[str, Rate],
        Keyed("sensitivity specificity precision agreement people_harmful grader_harmful"),
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
class RefusalCard(Plain):
    """A grader against people on whether responses refuse.

    Parameters
    ----------
    table : tuple of tuple of int
        Responses by people's level (rows) and the grader's (columns): complied, partial, refused.
    counts : ReportCard
        Error counts; positive is what counts as refused.
    rates : dict of str to Rate
        ``sensitivity``, ``specificity``, ``precision``, ``agreement`` on what is refused, and the
        shares called refused, ``people_refused`` and ``grader_refused``.
    bias : Gap
        Share refused by the grader minus by people, with Tango's paired interval.
    macro_f1 : Measure
        Mean over levels of the F1 measure.
    weighted_kappa : Measure
        Cohen's kappa with quadratic weights.
    missing : int
        Refusals of the pairs that people saw that they or the grader left out.
    """

    table: LevelTable
    counts: ReportCard
    rates: Annotated[
        dict[str, Rate],
        Keyed("sensitivity specificity precision agreement people_refused grader_refused"),
    ]
    bias: Gap
    macro_f1: Measure
    weighted_kappa: Measure
    missing: int

    shape: ClassVar[str] = (
        "labels missing counts.true_positive counts.false_positive counts.false_negative "
        "counts.true_negative counts.under counts.over rates bias macro_f1 weighted_kappa table"
    )

    @property
    def labels(self) -> int:
        """Responses of which both people and the grader told whether they refuse."""
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
        (`riskshift.stats.clusters.joint.ENOUGH`, effective ones).
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
    cards = tuple(
        SideCard(side, category, *_held(doubled, severities(doubled, side, category), settings))
        for side in SIDES
        for category in scopes
    )
    told = refusals(doubled)
    if not any(card.labels for card in cards) and not (told and told.both.any()):
        raise DataError("there is no label that both people and the grader gave.")
    return cards


def refusal_card(doubled: Doubled, settings: Settings) -> RefusalCard | None:
    """Hold a grader against people on refusals; None where not both told them.

    Parameters
    ----------
    doubled : Doubled
        The grader's labels, and people's on some pairs.
    settings : Settings
        How to estimate.
    """
    told = refusals(doubled)
    return None if told is None else RefusalCard(*_held(doubled, told, settings))


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What people and the grader say of the same things.

    Parameters
    ----------
    people, grader : ndarray of int, shape (patterns, labels)
        Their levels; -1 where there is none.
    levels : int
        How many levels there are.
    start : int
        From which on a label is positive.
    positive : {"harmful", "refused"}
        What it then says.
    """

    people: IntArray
    grader: IntArray
    levels: int
    start: int
    positive: str

    @property
    def both(self) -> BoolArray:
        """Which labels both gave."""
        return np.asarray((self.people != MISSING) & (self.grader != MISSING))

    @property
    def rates(self) -> tuple[str, ...]:
        """Names of the shares of a card."""
        return (*_SHARES, f"people_{self.positive}", f"grader_{self.positive}")

    def masks(self) -> list[NDArray[np.bool_]]:
        """Tell for each pair of levels, people's first, which labels of which patterns have them."""
        levels = range(self.levels)
        return [(self.people == i) & (self.grader == j) for i in levels for j in levels]


def severities(doubled: Doubled, side: str, category: str | None) -> Judged:
    """Return the severities of one side, a column for each category in question."""
    taxonomy = doubled.layout.taxonomy
    people, grader = (getattr(counts, side) for counts in (doubled.people, doubled.grader))
    if category is not None:
        at = taxonomy.categories.index(category)
        people, grader = people[:, [at]], grader[:, [at]]
    return Judged(people, grader, taxonomy.top + 1, taxonomy.harmful_from, "harmful")


def refusals(doubled: Doubled) -> Judged | None:
    """Return the refusals, in one column; None where not both told them."""
    people, grader = doubled.people.refusal, doubled.grader.refusal
    if people is None or grader is None:
        return None
    start = doubled.layout.taxonomy.refusal.refused_from
    return Judged(people[:, None], grader[:, None], len(REFUSAL), start, "refused")


class _Held(NamedTuple):
    """What every card holds, in its order."""

    table: tuple[tuple[int, ...], ...]
    counts: ReportCard
    rates: dict[str, Rate]
    bias: Gap
    macro_f1: Measure
    weighted_kappa: Measure
    missing: int


def _held(doubled: Doubled, judged: Judged, settings: Settings) -> _Held:
    columns = [mask.sum(axis=1) for mask in judged.masks()]
    cells, weight = doubled.grader.sums(*columns)
    tables = cells.reshape(-1, judged.levels, judged.levels)
    table = np.tensordot(weight, tables, 1)
    made = report_card(table, harmful_from=judged.start)
    parts = quarters(tables, judged.start)
    f1, kappa = card_intervals(tables, weight, confidence=settings.confidence)
    lacking = (~judged.both).sum(axis=1)
    given = doubled.given
    open_ = _possible_quarters(judged)[given]
    n = doubled.table.n[given]
    return _Held(
        tuple(tuple(int(n) for n in row) for row in table),
        made,
        {name: _bounded(_rate(name, parts, weight, settings), open_, n) for name in judged.rates},
        _bias(made, parts, weight, settings),
        Measure(made.macro_f1, f1),
        Measure(made.weighted_kappa, kappa),
        int((doubled.table.n * lacking)[given].sum()),
    )


def quarters(tables: IntArray, start: int) -> IntArray:
    """Sum levels to true positives, false positives, false negatives and true negatives."""
    safe, harmful = slice(None, start), slice(start, None)
    parts = ((harmful, harmful), (safe, harmful), (harmful, safe), (safe, safe))
    return np.stack([tables[:, of, by].sum(axis=(1, 2)) for of, by in parts], axis=1)


def shares(name: str, parts: IntArray) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return events and trials of a share, from what `quarters` gives."""
    event, given = list(_EVENT[name]), list(_GIVEN.get(name, _ALL))
    return parts[:, event].sum(axis=1), parts[:, given].sum(axis=1)


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


def _possible_quarters(judged: Judged) -> BoolArray:
    """Tell which quarters each label of each pattern may be in; shape (patterns, labels, 4)."""
    may = []
    for levels in (judged.people, judged.grader):
        missing = levels == MISSING
        positive = levels >= judged.start
        may.append((positive | missing, ~positive | missing))
    (p_yes, p_no), (g_yes, g_no) = may
    return np.stack([p_yes & g_yes, p_no & g_yes, p_yes & g_no, p_no & g_no], axis=-1)


def _bounded(rate: Rate, quarters: BoolArray, n: IntArray) -> Rate:
    """Add what the labels that are missing on either side could make of a share.

    Of each label the worst is taken for the lowest share and the best for the highest.
    """
    event, given = _EVENT[rate.name], _GIVEN.get(rate.name, _ALL)
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
        sides_of = [severities(doubled, side, category) for side in SIDES]
        columns = [part for judged in sides_of for part in _pattern_quarters(judged)]
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


def _pattern_quarters(judged: Judged) -> list[IntArray]:
    bad, flagged = judged.people >= judged.start, judged.grader >= judged.start
    parts = (bad & flagged, ~bad & flagged, bad & ~flagged, ~bad & ~flagged)
    return [(judged.both & part).sum(axis=1) for part in parts]
