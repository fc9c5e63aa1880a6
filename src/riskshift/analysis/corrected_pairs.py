"""Differences between models, corrected for a grader's errors by people's labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, Final

from riskshift.analysis.correcting import (
    FEW_LABELS,
    NOTHING,
    Share,
    corrected_cells,
    powered,
    states,
)
from riskshift.analysis.metrics import Choice
from riskshift.analysis.rates import Settings
from riskshift.analysis.severities import Severities
from riskshift.analysis.verdicts import Verdict, judge
from riskshift.counts import Doubled
from riskshift.stats.correction import Corrected, corrected_difference
from riskshift.stats.proportion import Interval

_STATES: Final = 12


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
        MOVER with the linearised correlation over whole prompts.
    verdict : Verdict or None
        On the corrected difference; None where it is undefined, where more is neither better nor
        worse, and where people labelled fewer than `FEW_LABELS` of either.
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
            "note": self.note,
        }


def corrected_differences(
    doubled: Doubled,
    pairs: Sequence[tuple[str, str]],
    choices: Sequence[Choice],
    settings: Settings,
    *,
    margin: float,
) -> tuple[CorrectedDifference, ...]:
    """Correct the differences of models, metric by metric.

    Parameters
    ----------
    doubled : Doubled
        A grader's labels and people's, grouped by model and clustered by prompt.
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
    tuple of CorrectedDifference

    References
    ----------
    .. [1] A. N. Angelopoulos, J. C. Duchi, T. Zrnic, "PPI++: Efficient prediction-powered
       inference" (2023), arXiv 2311.01453.
    .. [2] G. Y. Zou, A. Donner, "Construction of confidence limits about effect measures: a
       general approach", Statistics in Medicine 27 (2008), p. 1693-1702, section 2.
    """
    return tuple(
        _difference(doubled, choice, pair, settings, margin) for choice in choices for pair in pairs
    )


def _difference(
    doubled: Doubled, choice: Choice, pair: tuple[str, str], settings: Settings, margin: float
) -> CorrectedDifference:
    old, new = _both(doubled, choice, pair, settings)
    labelled = tuple(0 if made is None else made.people.trials for made in (old, new))
    counts = labelled[0], labelled[1]
    if old is None or new is None:
        note = "people labelled no pair of the denominator on prompts that both answered"
        return CorrectedDifference(
            choice.label, *pair, counts, _share(old), _share(new), None, None, None, note
        )
    interval = corrected_difference(new, old)
    few = min(counts) < FEW_LABELS
    verdict = None
    if choice.metric.bad is not None and not few:
        # No number of further prompts is told: it depends on how many of them people label.
        verdict = judge((0, 0, 0, 0), interval, margin, deff=inf, bad=choice.metric.bad)
    note = f"people labelled only {min(counts)} pairs of one model" if few else ""
    return CorrectedDifference(
        choice.label,
        *pair,
        counts,
        _share(old),
        _share(new),
        new.estimate - old.estimate,
        interval,
        verdict,
        note,
    )


def _both(
    doubled: Doubled, choice: Choice, pair: tuple[str, str], settings: Settings
) -> tuple[Corrected | None, Corrected | None]:
    """Correct both rates over the same kinds of prompt: those that both models answered."""
    y = states(Severities(doubled.people), choice)
    f = states(Severities(doubled.grader), choice)
    chosen = [doubled.group == doubled.names.index(name) for name in pair]
    masks = [mask for own in chosen for mask in corrected_cells(doubled, y, f, own)]
    cells, weight = doubled.grader.sums(*masks, *chosen)
    shared = (cells[:, 2 * _STATES :] > 0).all(axis=1)
    cells, weight = cells[shared], weight[shared]
    if not len(cells):
        return None, None
    old, new = cells[:, :_STATES], cells[:, _STATES : 2 * _STATES]
    return (
        powered(old, weight, settings.confidence),
        powered(new, weight, settings.confidence),
    )


def _share(made: Corrected | None) -> Share:
    return NOTHING if made is None else Share(None, None, made.estimate, made.interval)
