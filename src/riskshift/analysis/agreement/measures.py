"""How far raters agree on each label, and which interval to trust."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Annotated, Any, ClassVar, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from riskshift.analysis.plain import Keyed, LevelTable, Plain, Signed
from riskshift.analysis.rates import Rate, Settings
from riskshift.counts.clusters import BoolArray, Clusters, IntArray
from riskshift.counts.ratings import Label, Ratings, distinct_entries, regrouped
from riskshift.stats.clusters.cluster import clustered_interval
from riskshift.stats.clusters.table_interval import TableInterval
from riskshift.stats.proportion import Interval, wilson
from riskshift.stats.raters.agreement import agreeing_pairs, majority_level
from riskshift.stats.raters.alpha import Measurement, alpha_interval, krippendorff_alpha
from riskshift.stats.raters.kappa import weighted_kappa, weighted_kappa_interval
from riskshift.written import MISSING

METRICS: Final = get_args(Measurement)
# Pairs of more raters are not laid out one by one; of many, those who rated most are.
MOST_PAIRED: Final = 20
_NO_MAJORITY: Final = "no majority"


@dataclass(frozen=True, slots=True)
class Alpha(Plain):
    """Krippendorff's alpha with its intervals.

    Parameters
    ----------
    metric : {"nominal", "ordinal", "interval"}
        How far apart two levels are.
    estimate : float or None
        None where all ratings are equal or no item has two: nothing can be said.
    by_items : TableInterval
        Interval that takes items for independent, or why there is none.
    by_prompts : TableInterval or None
        Interval that takes prompts with all their items for independent; None where no two items
        share one.
    shared : bool
        Whether items share prompts, so that only the interval by prompts is right.
    """

    metric: str
    estimate: Signed | None
    by_items: TableInterval
    by_prompts: TableInterval | None
    shared: bool

    shape: ClassVar[str] = "estimate by_items by_prompts trust"

    @property
    def trusted(self) -> TableInterval:
        """The interval to trust, or why there is none: by prompts where items share them."""
        return self.by_items if self.by_prompts is None else self.by_prompts

    @property
    def interval(self) -> Interval | None:
        """The interval to trust; None where there is none."""
        return self.trusted.interval

    @property
    def trust(self) -> Literal["by_items", "by_prompts"]:
        """Which interval to trust: by prompts where items share them."""
        return "by_prompts" if self.shared else "by_items"


@dataclass(frozen=True, slots=True)
class PairAgreement(Plain):
    """Two raters on the items that both rated.

    Parameters
    ----------
    a, b : str
        Who they are.
    table : tuple of tuple of int
        Items by the level that a (rows) and b (columns) gave.
    kappa : float or None
        Quadratic-weighted; None where both gave one and the same level throughout, or share no item.
    held : TableInterval
        Interval of kappa, or why there is none.
    exact : Rate
        Share of items on which they gave the same level.
    within_one : Rate
        Share of items on which they gave levels one apart at most.
    """

    a: str
    b: str
    table: LevelTable
    kappa: Signed | None
    held: TableInterval
    exact: Rate
    within_one: Rate

    shape: ClassVar[str] = "a b items table kappa(estimate=kappa *held) exact within_one"

    @property
    def interval(self) -> Interval | None:
        """Interval of kappa; None where there is none."""
        return self.held.interval

    @property
    def items(self) -> int:
        """Items that both rated."""
        return sum(map(sum, self.table))


@dataclass(frozen=True, slots=True)
class LabelAgreement(Plain):
    """Agreement on one category of one side, or on whether the response refuses.

    Parameters
    ----------
    label : Label
        What is rated.
    ratings : int
        Ratings there are.
    items : int
        Items with two ratings or more.
    alone : int
        Items with one rating, which agrees with nothing.
    used : dict of str to int
        Ratings at each level.
    alpha : dict of str to Alpha
        By metric.
    exact : Rate
        Share of pairs of ratings of one item with the same level.
    within_one : Rate
        Share of pairs of ratings of one item with levels one apart at most.
    by_majority : dict of str to Rate
        Exact agreement on the items whose majority chose a level; those without a majority last.
    pairs : tuple of PairAgreement
        Two raters each.
    """

    label: Label
    ratings: int
    items: int
    alone: int
    used: dict[str, int]
    alpha: Annotated[dict[str, Alpha], Keyed("nominal ordinal interval")]
    exact: Rate
    within_one: Rate
    by_majority: dict[str, Rate]
    pairs: tuple[PairAgreement, ...] = field(default=())

    shape: ClassVar[str] = (
        "label.side label.category ratings items items_with_one_rating=alone used alpha "
        "exact within_one by_majority_level=by_majority kappa(weights mean=mean_kappa pairs)"
    )

    @property
    def weights(self) -> Literal["quadratic"]:
        """How kappa counts labels that are levels apart."""
        return "quadratic"

    @property
    def mean_kappa(self) -> Signed | None:
        """Mean of the pairs' kappas that are defined; None if none is."""
        defined = [pair.kappa for pair in self.pairs if pair.kappa is not None]
        return sum(defined) / len(defined) if defined else None


@dataclass(frozen=True, slots=True, eq=False)
class _Units:
    """Ratings of one label: how many at each level, on which kinds of item, in which prompts."""

    counts: IntArray
    weight: IntArray
    prompts: Clusters | None

    @property
    def linked(self) -> tuple[IntArray, IntArray, IntArray] | None:
        clusters = self.prompts
        return None if clusters is None else (clusters.indptr, clusters.indices, clusters.weight)


def agreement_by_label(ratings: Ratings, settings: Settings) -> Iterator[LabelAgreement]:
    """Measure agreement on every label that anyone gave.

    Parameters
    ----------
    ratings : Ratings
        The ratings, without those of an adjudicator.
    settings : Settings
        How to estimate.

    Yields
    ------
    LabelAgreement
        Prompt side first.
    """
    seats = _seats(ratings)
    for at, label in enumerate(ratings.labels):
        if ratings.levels[:, at].any():
            yield _label_agreement(ratings, at, label, seats, settings)


def _label_agreement(
    ratings: Ratings, at: int, label: Label, seats: list[tuple[str, IntArray]], settings: Settings
) -> LabelAgreement:
    units, levels = _units(ratings, at), label.levels
    many = units.counts.sum(axis=1)
    used = (units.weight @ units.counts).tolist()
    everything = np.ones(len(many), dtype=np.bool_)
    majority = majority_level(units.counts)
    by_majority = {
        name: _agreeing(name, units, majority == level, 0, settings)
        for level, name in [*enumerate(levels), (MISSING, _NO_MAJORITY)]
    }
    return LabelAgreement(
        label=label,
        ratings=sum(used),
        items=int(units.weight[many >= 2].sum()),
        alone=int(units.weight[many == 1].sum()),
        used=dict(zip(levels, used, strict=True)),
        alpha={metric: _alpha(units, metric, settings) for metric in METRICS},
        exact=_agreeing("exact", units, everything, 0, settings),
        within_one=_agreeing("within_one", units, everything, 1, settings),
        by_majority={name: rate for name, rate in by_majority.items() if rate.trials},
        pairs=tuple(_pairs(ratings, at, seats, settings)),
    )


def _units(ratings: Ratings, at: int) -> _Units:
    own = len(ratings.labels[at].levels)
    counts, renumber = distinct_entries(ratings.levels[:, at, :own])
    weight = np.bincount(renumber, weights=ratings.items.weight, minlength=len(counts))
    # An item with one rating pairs with nothing, and resampling it would change nothing.
    paired = np.where(counts.sum(axis=1) >= 2, np.arange(len(counts)), -1)
    prompts = None
    if ratings.prompts is not None:
        grouped = regrouped(ratings.prompts, paired[renumber])
        prompts = grouped if (np.diff(grouped.indptr) > 1).any() else None
    return _Units(counts, weight.astype(np.int64), prompts)


def _alpha(units: _Units, metric: Measurement, settings: Settings) -> Alpha:
    paired = units.counts.sum(axis=1) >= 2
    weight = np.where(paired, units.weight, 0)
    estimate = krippendorff_alpha(units.counts, weight, metric=metric) if paired.any() else None

    def interval(clusters: Any) -> TableInterval:
        return alpha_interval(
            units.counts, weight, metric=metric, clusters=clusters, confidence=settings.confidence
        )

    shared = units.prompts is not None
    by_prompts = interval(units.linked) if shared else None
    return Alpha(metric, estimate, interval(None), by_prompts, shared)


def _agreeing(name: str, units: _Units, chosen: BoolArray, within: int, settings: Settings) -> Rate:
    """Share of the pairs of ratings that agree, among some kinds of item."""
    agree, pairs = agreeing_pairs(units.counts, within=within)
    return _rate(
        name,
        np.where(chosen, agree, 0),
        np.where(chosen, pairs, 0),
        units.weight,
        units.prompts,
        settings,
    )


def _rate(
    name: str,
    events: NDArray[Any],
    trials: NDArray[Any],
    weight: IntArray,
    prompts: Clusters | None,
    settings: Settings,
) -> Rate:
    if not weight @ trials:
        return Rate(name, 0, 0, None)
    if prompts is not None:
        events, trials, weight = prompts.totals(events), prompts.totals(trials), prompts.weight
    interval, effective = clustered_interval(
        events, trials, weight, confidence=settings.confidence, method=wilson
    )
    return Rate(
        name,
        round(float(weight @ events)),
        round(float(weight @ trials)),
        interval,
        effective.deff,
        effective.n,
    )


def _seats(ratings: Ratings) -> list[tuple[str, IntArray]]:
    """Return what each rater said of each kind of item; of many raters, those who rated most."""
    rated = ratings.rated_by()
    most = sorted((r for r in rated if rated[r]), key=lambda rater: (-rated[rater], rater))
    return [
        (rater, ratings.by(ratings.raters.index(rater)).astype(np.int8))
        for rater in sorted(most[:MOST_PAIRED])
    ]


def _pairs(
    ratings: Ratings, at: int, seats: list[tuple[str, IntArray]], settings: Settings
) -> Iterator[PairAgreement]:
    judged = [(rater, given[:, at]) for rater, given in seats if (given[:, at] != MISSING).any()]
    for one, other in combinations(judged, 2):
        yield _pair(ratings, len(ratings.labels[at].levels), one, other, settings)


def _pair(
    ratings: Ratings,
    levels: int,
    a: tuple[str, IntArray],
    b: tuple[str, IntArray],
    settings: Settings,
) -> PairAgreement:
    both = (a[1] != MISSING) & (b[1] != MISSING)
    cell = np.where(both, a[1].astype(np.int64) * levels + b[1], -1)
    weight = ratings.items.weight
    table = np.bincount(cell[both], weights=weight[both], minlength=levels**2).astype(np.int64)
    prompts = None if ratings.prompts is None else regrouped(ratings.prompts, cell)
    square = table.reshape(levels, levels)
    row, column = np.divmod(np.arange(levels**2), levels)
    ones = np.ones(levels**2, dtype=np.int64)
    shares = [
        _rate(name, (abs(row - column) <= within).astype(np.int64), ones, table, prompts, settings)
        for within, name in enumerate(("exact", "within_one"))
    ]
    held = weighted_kappa_interval(
        square,
        clusters=None if prompts is None else (prompts.indptr, prompts.indices, prompts.weight),
        confidence=settings.confidence,
    )
    return PairAgreement(
        a[0],
        b[0],
        tuple(tuple(int(n) for n in line) for line in square),
        weighted_kappa(square),
        held,
        *shares,
    )
