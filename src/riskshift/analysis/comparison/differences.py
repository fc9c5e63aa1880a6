"""Which model is safer on the same prompts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from riskshift.analysis.comparison.matching import Matching, Outcomes, PairCells
from riskshift.analysis.metrics import Choice, choose
from riskshift.analysis.rates import INTERVALS, Rate, Settings
from riskshift.analysis.verdicts import DEFAULT_MARGIN, Verdict, judge
from riskshift.errors import UsageError
from riskshift.stats.cluster import clustered_interval
from riskshift.stats.multiple import bonferroni, holm
from riskshift.stats.paired import clustered_tango, durkalski, mcnemar_exact, tango
from riskshift.stats.proportion import Interval
from riskshift.taxonomy import Taxonomy

DEFAULT_METRICS: Final = (
    "escalation",
    "response_harm",
    "harmful_prompt_compliance",
    "benign_drift",
    "severe_response",
    "persistence",
)


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """One metric of two models on the prompts that both answered.

    Parameters
    ----------
    metric : str
        Such as ``escalation`` or ``persistence[sexual]``.
    baseline, candidate : str
        The models; the difference is candidate minus baseline.
    prompts : int
        Prompts of the denominator that both answered.
    both, candidate_only, baseline_only, neither : float
        Where the event happened; whole numbers with one response a prompt and model.
    baseline_rate, candidate_rate : Rate
        On those prompts.
    interval, simultaneous : Interval or None
        Of the difference: alone, and for all comparisons of the metric at once. None without
        matched prompts.
    p, p_holm : float or None
        Of no difference; Holm across the comparisons of the metric.
    test : str
        Name of the test.
    verdict : Verdict or None
        None for metrics that are neither good nor bad, and without matched prompts.
    """

    metric: str
    baseline: str
    candidate: str
    prompts: int
    both: float
    candidate_only: float
    baseline_only: float
    neither: float
    baseline_rate: Rate
    candidate_rate: Rate
    interval: Interval | None
    simultaneous: Interval | None
    p: float | None
    p_holm: float | None
    test: str
    verdict: Verdict | None

    @property
    def difference(self) -> float | None:
        """Candidate minus baseline, prompt by prompt; None without matched prompts.

        The difference of the two rates, except where the models gave different numbers of responses
        to a prompt: then the rates weigh prompts differently, and their difference is no answer.
        """
        pairs = self.both + self.candidate_only + self.baseline_only + self.neither
        return (self.candidate_only - self.baseline_only) / pairs if pairs else None

    def to_dict(self) -> dict[str, Any]:
        """Return the difference as plain data."""
        return {
            "metric": self.metric,
            "baseline": self.baseline,
            "candidate": self.candidate,
            "prompts": self.prompts,
            "both": self.both,
            "candidate_only": self.candidate_only,
            "baseline_only": self.baseline_only,
            "neither": self.neither,
            "baseline_rate": self.baseline_rate.to_dict(),
            "candidate_rate": self.candidate_rate.to_dict(),
            "difference": self.difference,
            "low": self.interval.low if self.interval else None,
            "high": self.interval.high if self.interval else None,
            "simultaneous_low": self.simultaneous.low if self.simultaneous else None,
            "simultaneous_high": self.simultaneous.high if self.simultaneous else None,
            "method": self.interval.method if self.interval else "undefined",
            "p": self.p,
            "p_holm": self.p_holm,
            "test": self.test,
            "verdict": self.verdict.to_dict() if self.verdict else None,
        }


def default_choices(taxonomy: Taxonomy, names: Sequence[str] = ()) -> list[Choice]:
    """Return the metrics to compare."""
    return [choice for name in names or DEFAULT_METRICS for choice in choose(name, taxonomy)]


def paired_differences(
    matching: Matching,
    pairs: Sequence[tuple[int, int]],
    choices: Sequence[Choice],
    settings: Settings,
    *,
    margin: float = DEFAULT_MARGIN,
) -> list[PairedDifference]:
    """Compare each pair of models in each metric.

    Parameters
    ----------
    matching : Matching
        Models on the same prompts.
    pairs : sequence of (int, int)
        Positions of baseline and candidate.
    choices : sequence of Choice
        Metrics whose denominator looks at the prompt alone.
    settings : Settings
        How to estimate.
    margin : float, default 0.01
        How much worse a candidate may be.

    Returns
    -------
    list of PairedDifference
        Metric by metric.

    Raises
    ------
    UsageError
        If the margin is not between 0 and 1, or a metric's denominator looks at the response.

    References
    ----------
    .. [1] T. Tango, "Equivalence test and confidence interval for the difference in proportions
       for the paired-sample design", Statistics in Medicine 17 (1998), p. 891-908.
    .. [2] V. L. Durkalski et al., "The analysis of clustered matched-pair data", Statistics in
       Medicine 22 (2003), p. 2417-2428.
    """
    if not 0 < margin < 1:
        raise UsageError(
            f"margin is {margin}; it is a difference of rates between 0 and 1, such as 0.01."
        )
    made: list[PairedDifference] = []
    for choice in choices:
        if not choice.metric.by_prompt:
            raise UsageError(
                f"{choice.label} cannot be compared prompt by prompt: its denominator looks at the response."
            )
        outcomes = matching.outcomes(choice)
        family = [
            _difference(matching, outcomes, choice, pair, settings, len(pairs), margin)
            for pair in pairs
        ]
        adjusted = holm([item.p for item in family])
        made += [replace(item, p_holm=p) for item, p in zip(family, adjusted, strict=True)]
    return made


def _difference(
    matching: Matching,
    outcomes: Outcomes,
    choice: Choice,
    pair: tuple[int, int],
    settings: Settings,
    family: int,
    margin: float,
) -> PairedDifference:
    baseline, candidate = pair
    cells = outcomes.pair(candidate, baseline)
    a, b = matching.names[candidate], matching.names[baseline]
    if not cells.prompts:
        nothing = Rate(choice.label, 0, 0, None)
        return PairedDifference(
            choice.label,
            b,
            a,
            0,
            0,
            0,
            0,
            0,
            nothing,
            nothing,
            None,
            None,
            None,
            None,
            "undefined",
            None,
        )
    counts = [float(cells.weight @ part) for part in cells.crossed]
    if not cells.several:
        counts = [int(count) for count in counts]
    interval, deff = paired_interval(cells, settings.confidence)
    wide, _ = paired_interval(cells, bonferroni(settings.confidence, family))
    p, test = _tested(cells)
    verdict = None
    if choice.metric.bad is not None:
        verdict = judge(counts, interval, margin, deff=deff, bad=choice.metric.bad)
    return PairedDifference(
        choice.label,
        b,
        a,
        cells.prompts,
        counts[0],
        counts[1],
        counts[2],
        counts[3],
        _rate(choice.label, cells.x_b, cells.n_b, cells.weight, settings),
        _rate(choice.label, cells.x_a, cells.n_a, cells.weight, settings),
        interval,
        wide,
        p,
        None,
        test,
        verdict,
    )


def paired_interval(cells: PairCells, confidence: float) -> tuple[Interval, float]:
    """Return the interval of a minus b, and how many pairs tell as much as one independent one."""
    parts = cells.crossed
    if not cells.several:
        both, a_only, b_only, neither = (float(cells.weight @ part) for part in parts)
        return tango(both, a_only, b_only, neither, confidence=confidence), 1.0
    interval, effective = clustered_tango(*parts, cells.weight, confidence=confidence)
    pairs = float(cells.weight @ sum(parts))
    return interval, pairs / effective.n if effective.n else float("inf")


def _tested(cells: PairCells) -> tuple[float | None, str]:
    _, a_only, b_only, _ = cells.crossed
    if not cells.several:
        return mcnemar_exact(
            int(cells.weight @ a_only), int(cells.weight @ b_only)
        ), "McNemar exact"
    return durkalski(a_only, b_only, cells.pairs, cells.weight).p, "clustered McNemar (Durkalski)"


def _rate(
    name: str,
    events: np.ndarray[Any, Any],
    trials: np.ndarray[Any, Any],
    weight: np.ndarray[Any, Any],
    settings: Settings,
) -> Rate:
    method = INTERVALS[settings.interval]
    x, n = int(weight @ events), int(weight @ trials)
    if not (trials > 1).any():
        return Rate(name, x, n, method(x, n, confidence=settings.confidence))
    interval, effective = clustered_interval(
        events, trials, weight, confidence=settings.confidence, method=method
    )
    return Rate(name, x, n, interval, effective.deff, effective.n)


def by_metric(
    differences: Sequence[PairedDifference],
) -> Iterator[tuple[str, list[PairedDifference]]]:
    """Group differences by their metric, in order."""
    for metric in dict.fromkeys(d.metric for d in differences):
        yield metric, [d for d in differences if d.metric == metric]
