"""Differences between models, corrected for a grader's errors by people's labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, inf
from typing import ClassVar

from riskshift.analysis.correction.rates import Share
from riskshift.analysis.correction.sample import CELLS, FEW_LABELS, Crossed, PeopleSample
from riskshift.analysis.metrics import Choice
from riskshift.analysis.plain import Plain
from riskshift.analysis.rates import Settings
from riskshift.analysis.verdicts import Verdict, judge, settled
from riskshift.analysis.words import counted
from riskshift.counts.clusters import IntArray
from riskshift.counts.doubled import Doubled
from riskshift.stats.graded.correction import Corrected, corrected_difference
from riskshift.stats.multiple import bonferroni
from riskshift.stats.proportion import Interval


@dataclass(frozen=True, slots=True)
class CorrectedDifference(Plain):
    """Two models on the prompts that both answered, by people's labels and a grader's together.

    Parameters
    ----------
    metric, baseline, candidate : str
        What is compared.
    labelled : tuple of (int, int)
        Pairs of the denominator that people labelled, of the baseline and of the candidate.
    baseline_rate, candidate_rate : Share
        Corrected rates; nothing where people labelled no pair of the denominator.
    difference : float or None
        Candidate minus baseline.
    interval : Interval or None
        MOVER with the linearised correlation over whole prompts; for all comparisons of the
        metric at once.
    missing : int
        Pairs of either that people left blank.
    worst_case : tuple of (float, float) or None
        The lowest and highest difference that these allow; None if none are missing.
    verdict : Verdict or None
        On the corrected difference; inconclusive where people's blanks could turn it. None where
        it is undefined, where more is neither better nor worse, and where people labelled fewer
        than `FEW_LABELS` of either.
    further : int or None
        For inconclusive: roughly how many further labels by people would settle it, over both
        models; None where there are not so many pairs left to label, or blanks are in the way.
    note : str
        What stands in the way; empty if nothing.
    """

    metric: str
    baseline: str
    candidate: str
    labelled: tuple[int, int]
    baseline_rate: Share
    candidate_rate: Share
    difference: float | None = None
    interval: Interval | None = None
    missing: int = 0
    worst_case: tuple[float, float] | None = None
    verdict: Verdict | None = None
    further: int | None = None
    note: str = ""

    shape: ClassVar[str] = (
        "metric baseline candidate labelled baseline_rate candidate_rate difference "
        "interval worst_case?(low=worst_case.0 high=worst_case.1 missing) "
        "verdict=verdict.word verdict.higher further note"
    )


@dataclass(frozen=True, slots=True)
class CorrectedComparison(Plain):
    """Every difference corrected, and whether the people's sample allows it.

    Parameters
    ----------
    sample : PeopleSample
        The pairs that people labelled.
    differences : tuple of CorrectedDifference
        Metric by metric, pair by pair.
    """

    sample: PeopleSample
    differences: tuple[CorrectedDifference, ...]

    shape: ClassVar[str] = "*sample differences"


@dataclass(frozen=True, slots=True, eq=False)
class SharedCells:
    """Sums for two models' corrected rates, over the kinds of prompt that both answered.

    Parameters
    ----------
    baseline, candidate : ndarray of int, shape (kinds, CELLS)
        As `Crossed.rate` takes them.
    weight : ndarray of int, shape (kinds,)
        Prompts of each kind.
    prompts : tuple of (int, int, int)
        Prompts that both answered, only the baseline, and only the candidate.
    blank : tuple of (int, int)
        Pairs of shared prompts that people left blank, baseline first.
    """

    baseline: IntArray
    candidate: IntArray
    weight: IntArray
    prompts: tuple[int, int, int]
    blank: tuple[int, int]

    def rates(
        self, crossed: tuple[Crossed, Crossed], confidence: float
    ) -> tuple[Corrected | None, Corrected | None]:
        """Correct both rates, baseline first."""
        old, new = (
            one.rate(side, self.weight, confidence=confidence)
            for one, side in zip(crossed, (self.baseline, self.candidate), strict=True)
        )
        return old, new

    def lacking(self, crossed: Crossed) -> str:
        """Say what of people's labels is lacking on either side; empty if nothing."""
        sides = self.baseline, self.candidate
        return next(filter(None, (crossed.lacking(side, self.weight) for side in sides)), "")

    def pairs(self, crossed: Crossed) -> float:
        """How many graded pairs of both belong to the denominator."""
        sides = self.baseline, self.candidate
        return sum(crossed.denominator(side, self.weight) for side in sides)

    @classmethod
    def of(
        cls, doubled: Doubled, pair: tuple[str, str], crossed: tuple[Crossed, Crossed]
    ) -> "SharedCells":
        """Sum over the prompts of two groups of doubled labels, baseline first."""
        chosen = [doubled.group == doubled.names.index(name) for name in pair]
        sides = list(zip(crossed, chosen, strict=True))
        masks = [mask for one, own in sides for mask in one.masks(own)]
        masks += [one.blank & own for one, own in sides]
        cells, weight = doubled.grader.sums(*masks, *chosen)
        old, new = (cells[:, -2:] > 0).T
        prompts = [int(weight[kinds].sum()) for kinds in (old & new, old & ~new, new & ~old)]
        cells, weight = cells[old & new], weight[old & new]
        blank = weight @ cells[:, -4:-2]
        return cls(
            cells[:, :CELLS],
            cells[:, CELLS : 2 * CELLS],
            weight,
            (prompts[0], prompts[1], prompts[2]),
            (int(blank[0]), int(blank[1])),
        )


def corrected_differences(
    doubled: Doubled,
    sample: PeopleSample,
    pairs: Sequence[tuple[str, str]],
    choices: Sequence[Choice],
    settings: Settings,
    *,
    margin: float,
    margins: Mapping[str, float] | None = None,
) -> CorrectedComparison:
    """Correct the differences of models, metric by metric.

    Parameters
    ----------
    doubled : Doubled
        A grader's labels and people's, grouped by model and clustered by prompt.
    sample : PeopleSample
        How people's pairs were drawn.
    pairs : sequence of (str, str)
        Baseline and candidate.
    choices : sequence of Choice
        The metrics.
    settings : Settings
        How to estimate.
    margin : float
        How much worse a candidate may be.
    margins : mapping of str to float, optional
        The same, for metrics with a margin of their own.

    Returns
    -------
    CorrectedComparison

    References
    ----------
    .. [1] A. N. Angelopoulos, J. C. Duchi, T. Zrnic, "PPI++: Efficient prediction-powered
       inference" (2023), arXiv 2311.01453.
    .. [2] G. Y. Zou, A. Donner, "Construction of confidence limits about effect measures: a
       general approach", Statistics in Medicine 27 (2008), p. 1693-1702, section 2.
    """
    together = bonferroni(settings.confidence, len(pairs))
    made = [
        _difference(
            doubled,
            crossed,
            choice,
            pair,
            settings,
            together,
            (margins or {}).get(choice.label, margin),
        )
        for choice in choices
        for crossed in [Crossed.of(doubled, choice, sample.stratified_by)]
        for pair in pairs
    ]
    return CorrectedComparison(sample, tuple(made))


def _difference(
    doubled: Doubled,
    crossed: Crossed,
    choice: Choice,
    pair: tuple[str, str],
    settings: Settings,
    together: float,
    margin: float,
) -> CorrectedDifference:
    shared = SharedCells.of(doubled, pair, (crossed, crossed))
    old, new = shared.rates((crossed, crossed), settings.confidence)
    missing = sum(shared.blank)
    labelled = (old.labelled if old else 0, new.labelled if new else 0)
    bare = CorrectedDifference(
        choice.label, *pair, labelled, Share.of(old), Share.of(new), missing=missing
    )
    if old is None or new is None:
        where = "" if crossed.untold else ", on prompts that both answered"
        return replace(bare, note=f"{shared.lacking(crossed)}{where}")
    wide = shared.rates((crossed, crossed), together)
    interval = corrected_difference(wide[1] or new, wide[0] or old)
    made = _Gap(new.estimate - old.estimate, interval)
    filled = _filled(doubled, crossed, pair, together) if missing else []
    every = [gap.estimate for gap in (made, *filled)]
    told = replace(
        bare,
        difference=made.estimate,
        interval=made.interval,
        worst_case=(min(every), max(every)) if filled else None,
    )
    if min(labelled) < FEW_LABELS:
        return replace(told, note=_too_few(pair[labelled.index(min(labelled))], min(labelled)))
    if choice.metric.bad is None:
        return told
    return _judged(told, made, filled, margin, bad=choice.metric.bad, pairs=shared.pairs(crossed))


def _judged(
    told: CorrectedDifference,
    made: "_Gap",
    filled: Sequence["_Gap"],
    margin: float,
    *,
    bad: bool,
    pairs: float,
) -> CorrectedDifference:
    """Add the verdict, unless blanks could turn it."""
    # Further prompts are not told: what counts is how many pairs people label.
    verdict = judge((0, 0, 0, 0), made.interval, margin, deff=inf, bad=bad)
    if filled:
        verdict = settled(verdict, *(gap.interval for gap in (filled[0], filled[-1])))
    if verdict.lacks == "labels":
        return replace(told, verdict=verdict, note="their labels could turn the verdict")
    further = None
    if verdict.word == "inconclusive":
        bound = margin if bad else -margin
        further = further_labels(
            made.estimate, made.interval, bound, labelled=sum(told.labelled), pairs=pairs
        )
    return replace(told, verdict=verdict, further=further)


@dataclass(frozen=True, slots=True)
class _Gap:
    """Candidate minus baseline."""

    estimate: float
    interval: Interval


def _filled(
    doubled: Doubled, crossed: Crossed, pair: tuple[str, str], confidence: float
) -> list[_Gap]:
    """Take the candidate's blanks for events and the baseline's for none, and the reverse."""
    made = []
    for as_event in (False, True):
        sides = crossed.filled(not as_event), crossed.filled(as_event)
        old, new = SharedCells.of(doubled, pair, sides).rates(sides, confidence)
        if old is not None and new is not None:
            made.append(_Gap(new.estimate - old.estimate, corrected_difference(new, old)))
    return made


def _too_few(model: str, labelled: int) -> str:
    counts = "counts" if labelled == 1 else "count"
    return f"only {counted(labelled, 'labelled pair')} of {model} {counts} (at least {FEW_LABELS} needed)"


def further_labels(
    difference: float, interval: Interval, bound: float, *, labelled: int, pairs: float
) -> int | None:
    """Say roughly how many further labels would move an interval to one side of a bound.

    Its reach shrinks with the square root of their number, at best: what the pairs add that
    people do not label stays. None where there are not so many pairs.
    """
    gap = abs(bound - difference)
    reach = interval.high - difference if bound > difference else difference - interval.low
    if not gap or labelled * (reach / gap) ** 2 > pairs:
        return None
    return max(1, ceil(labelled * ((reach / gap) ** 2 - 1)))
