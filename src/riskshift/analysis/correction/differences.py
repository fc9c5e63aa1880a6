"""Differences between models, corrected for a grader's errors by people's labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf
from typing import Any

from riskshift.analysis.correction.rates import Share
from riskshift.analysis.correction.sample import CELLS, FEW_LABELS, Crossed, PeopleSample
from riskshift.analysis.metrics import Choice
from riskshift.analysis.rates import Settings
from riskshift.analysis.verdicts import Verdict, judge
from riskshift.analysis.words import counted
from riskshift.counts.clusters import IntArray
from riskshift.counts.doubled import Doubled
from riskshift.stats.correction import corrected_difference
from riskshift.stats.multiple import bonferroni
from riskshift.stats.proportion import Interval


@dataclass(frozen=True, slots=True)
class CorrectedDifference:
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
    verdict : Verdict or None
        On the corrected difference; None where it is undefined, where more is neither better nor
        worse, and where people labelled fewer than `FEW_LABELS` of either.
    further : int or None
        For inconclusive: roughly how many further labels by people would settle it, over both
        models; None where there are not so many pairs left to label.
    note : str
        What stands in the way; empty if nothing.
    """

    metric: str
    baseline: str
    candidate: str
    labelled: tuple[int, int]
    baseline_rate: Share
    candidate_rate: Share
    difference: float | None
    interval: Interval | None
    verdict: Verdict | None
    further: int | None
    note: str

    def to_dict(self) -> dict[str, Any]:
        """Return the difference as plain data."""
        held = self.interval
        return {
            "metric": self.metric,
            "baseline": self.baseline,
            "candidate": self.candidate,
            "labelled": list(self.labelled),
            "baseline_rate": self.baseline_rate.to_dict(),
            "candidate_rate": self.candidate_rate.to_dict(),
            "difference": self.difference,
            "low": held.low if held else None,
            "high": held.high if held else None,
            "method": held.method if held else "undefined",
            "verdict": self.verdict.word if self.verdict else None,
            "higher": self.verdict.higher if self.verdict else None,
            "further": self.further,
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class CorrectedComparison:
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

    def to_dict(self) -> dict[str, Any]:
        """Return the correction as plain data."""
        told = [item.to_dict() for item in self.differences]
        return {**self.sample.to_dict(), "differences": told}


@dataclass(frozen=True, slots=True, eq=False)
class SharedCells:
    """Sums for two models' corrected rates, over the kinds of prompt that both answered.

    Parameters
    ----------
    baseline, candidate : ndarray of int, shape (kinds, 12)
        As `Crossed.rate` takes them.
    weight : ndarray of int, shape (kinds,)
        Prompts of each kind.
    prompts : tuple of (int, int, int)
        Prompts that both answered, only the baseline, and only the candidate.
    ungraded : tuple of (int, int)
        Pairs of shared prompts that the grader says too little about, baseline first.
    """

    baseline: IntArray
    candidate: IntArray
    weight: IntArray
    prompts: tuple[int, int, int]
    ungraded: tuple[int, int]

    @classmethod
    def of(
        cls, doubled: Doubled, pair: tuple[str, str], crossed: tuple[Crossed, Crossed]
    ) -> "SharedCells":
        """Sum over the prompts of two groups of doubled labels, baseline first."""
        chosen = [doubled.group == doubled.names.index(name) for name in pair]
        sides = list(zip(crossed, chosen, strict=True))
        masks = [mask for one, own in sides for mask in one.masks(own)]
        masks += [~one.graded & own for one, own in sides]
        cells, weight = doubled.grader.sums(*masks, *chosen)
        old, new = (cells[:, -2:] > 0).T
        prompts = [int(weight[kinds].sum()) for kinds in (old & new, old & ~new, new & ~old)]
        cells, weight = cells[old & new], weight[old & new]
        ungraded = weight @ cells[:, -4:-2]
        return cls(
            cells[:, :CELLS],
            cells[:, CELLS : 2 * CELLS],
            weight,
            (prompts[0], prompts[1], prompts[2]),
            (int(ungraded[0]), int(ungraded[1])),
        )


def corrected_differences(
    doubled: Doubled,
    sample: PeopleSample,
    pairs: Sequence[tuple[str, str]],
    choices: Sequence[Choice],
    settings: Settings,
    *,
    margin: float,
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
        _difference(doubled, crossed, choice, pair, settings, together, margin)
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
    sides = [shared.baseline, shared.candidate]
    old, new = (crossed.rate(side, shared.weight, confidence=settings.confidence) for side in sides)
    labelled = (old.labelled if old else 0, new.labelled if new else 0)
    rates = Share.of(old), Share.of(new)
    if old is None or new is None:
        why = next(filter(None, (crossed.lacking(side, shared.weight) for side in sides)))
        note = f"{why}, on prompts that both answered"
        return CorrectedDifference(
            choice.label, *pair, labelled, *rates, None, None, None, None, note
        )
    wide = [crossed.rate(side, shared.weight, confidence=together) for side in sides]
    interval = corrected_difference(wide[1] or new, wide[0] or old)
    few = min(labelled) < FEW_LABELS
    verdict, further = None, None
    if choice.metric.bad is not None and not few:
        # Further prompts are not told: what counts is how many pairs people label.
        verdict = judge((0, 0, 0, 0), interval, margin, deff=inf, bad=choice.metric.bad)
        bound = margin if choice.metric.bad else -margin
        if verdict.word == "inconclusive":
            further = further_labels(
                new.estimate - old.estimate,
                interval,
                bound,
                labelled=sum(labelled),
                pairs=sum(crossed.denominator(side, shared.weight) for side in sides),
            )
    return CorrectedDifference(
        choice.label,
        *pair,
        labelled,
        *rates,
        new.estimate - old.estimate,
        interval,
        verdict,
        further,
        _too_few(pair[labelled.index(min(labelled))], min(labelled)) if few else "",
    )


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
