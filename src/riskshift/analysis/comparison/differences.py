"""Which model is safer on the same prompts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np

from riskshift.analysis.comparison.matching import Matching, Outcomes, PairCells
from riskshift.analysis.metrics import Choice, choose, overall_metrics, refuse_untold
from riskshift.analysis.plain import Plain, Positive, Share, Signed
from riskshift.analysis.rates import INTERVALS, Rate, Settings
from riskshift.analysis.verdicts import DEFAULT_MARGIN, Verdict, judge, settled
from riskshift.counts.pairs import Counts
from riskshift.errors import UsageError
from riskshift.stats.clusters.cluster import clustered_interval
from riskshift.stats.matched.paired import mcnemar_exact, tango_exact
from riskshift.stats.matched.paired_clusters import clustered_tango, sign_flip
from riskshift.stats.multiple import bonferroni, bonferroni_p
from riskshift.stats.proportion import Interval
from riskshift.written import MISSING

DEFAULT_METRICS: Final = (
    "escalation",
    "response_harm",
    "harmful_prompt_compliance",
    "benign_drift",
    "severe_response",
    "persistence",
)
# Where the data tell refusals, or relevance.
BESIDE_METRICS: Final = ("harmful_refusal", "over_refusal", "harmless_answer", "on_task")


@dataclass(frozen=True, slots=True)
class PairedDifference(Plain):
    """One metric of two models on the prompts that both answered.

    Parameters
    ----------
    metric : str
        Such as ``escalation`` or ``persistence[sexual]``.
    baseline, candidate : str
        The models; the difference is candidate minus baseline.
    prompts : int
        Prompts of the denominator that both answered.
    matched : int
        Prompts of any kind that both answered.
    both : float
        Prompts with the event on both sides; a whole number with one response a prompt and model.
    candidate_only : float
        Prompts with the event by the candidate alone.
    baseline_only : float
        Prompts with the event by the baseline alone.
    neither : float
        Prompts without the event.
    baseline_rate, candidate_rate : Rate
        On those prompts.
    interval : Interval or None
        Of this difference alone; None without matched prompts.
    simultaneous : Interval or None
        Of the difference, for all comparisons of the metric at once; None without matched prompts.
    p : float or None
        Of no difference, alone.
    p_bonferroni : float or None
        Of no difference, for all comparisons of the metric at once.
    test : str
        Name of the test.
    verdict : Verdict or None
        By `simultaneous`, and what the missing labels cannot turn. None for metrics that are neither
        good nor bad, and without matched prompts.
    missing : int
        Records on shared prompts of which missing labels leave something open.
    worst_case : (float, float) or None
        The lowest and highest difference that the missing labels allow; None if all is known.
    ends : tuple of Interval
        Simultaneous intervals at these; empty if all is known.
    """

    metric: str
    baseline: str
    candidate: str
    prompts: int
    matched: int
    both: Positive
    candidate_only: Positive
    baseline_only: Positive
    neither: Positive
    baseline_rate: Rate
    candidate_rate: Rate
    interval: Interval | None
    simultaneous: Interval | None
    p: Share | None
    p_bonferroni: Share | None
    test: str
    verdict: Verdict | None
    missing: int = 0
    worst_case: tuple[Signed, Signed] | None = None
    ends: tuple[Interval, ...] = ()

    shape: ClassVar[str] = (
        "metric baseline candidate prompts matched both candidate_only baseline_only "
        "neither baseline_rate candidate_rate difference low=interval.low "
        "high=interval.high simultaneous_low=simultaneous.low "
        "simultaneous_high=simultaneous.high method=interval.method p p_bonferroni test "
        "verdict worst_case?(low=worst_case.0 high=worst_case.1 missing)"
    )

    @property
    def difference(self) -> float | None:
        """Candidate minus baseline, prompt by prompt; None without matched prompts.

        The difference of the two rates, except where the models gave different numbers of responses
        to a prompt: then the rates weigh prompts differently, and their difference is no answer.
        """
        pairs = self.both + self.candidate_only + self.baseline_only + self.neither
        return (self.candidate_only - self.baseline_only) / pairs if pairs else None

    @property
    def apart(self) -> bool:
        """Whether the two models are told apart, whatever the missing labels are.

        The simultaneous interval leaves out 0, and so it does at both ends.
        """
        if self.simultaneous is None:
            return False
        held = (self.simultaneous, *self.ends)
        return all(end.low > 0 for end in held) or all(end.high < 0 for end in held)


def default_choices(counts: Counts, names: Sequence[str] = ()) -> list[Choice]:
    """Return the metrics to compare: those that are named, else the usual ones that the data tell.

    Raises
    ------
    UsageError
        If one is unknown, or looks at what the data do not tell.
    """
    usual: tuple[str, ...] = (
        DEFAULT_METRICS if (counts.response != MISSING).any() or not counts.told else ()
    )
    there = {metric.name for metric in overall_metrics(counts.taxonomy, counts.told)}
    usual += tuple(name for name in BESIDE_METRICS if name in there)
    found = [choice for name in names or usual for choice in choose(name, counts.taxonomy)]
    refuse_untold(found, counts.told)
    return found


def paired_differences(
    matching: Matching,
    pairs: Sequence[tuple[int, int]],
    choices: Sequence[Choice],
    settings: Settings,
    *,
    margin: float = DEFAULT_MARGIN,
    margins: Mapping[str, float] | None = None,
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
    margins : mapping of str to float, optional
        The same, for metrics with a margin of their own.

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
    .. [2] R. A. Fisher, "The Design of Experiments" (1935), section 21, for the test of prompts
       with several answers.
    """
    own = margins or {}
    for given in (margin, *own.values()):
        if not 0 < given < 1:
            raise UsageError(
                f"margin is {given}; it is a difference of rates between 0 and 1, such as 0.01."
            )
    made: list[PairedDifference] = []
    for choice in choices:
        if not choice.metric.by_prompt:
            raise UsageError(
                f"{choice.label} cannot be compared prompt by prompt: its denominator looks at the response."
            )
        outcomes = matching.outcomes(choice).merged()
        allowed = own.get(choice.label, margin)
        made += [
            _difference(matching, outcomes, choice, pair, settings, len(pairs), allowed)
            for pair in pairs
        ]
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
    incomplete, missing = matching.lacking(choice, candidate, baseline)
    if incomplete and not missing:  # all is known, whatever labels are missing
        cells = matching.extreme(choice, candidate, baseline, high=False)
    matched = int(matching.weight[matching.answered[:, list(pair)].all(axis=1)].sum())
    if not cells.prompts:
        return _undefined(choice, matching.names[baseline], matching.names[candidate], matched)
    counts = [float(cells.weight @ part) for part in cells.crossed]
    if not cells.several:
        counts = [int(count) for count in counts]
    interval, _ = paired_interval(cells, settings.confidence)
    wide, deff = paired_interval(cells, bonferroni(settings.confidence, family))
    p, test = _tested(cells)
    verdict = None
    if choice.metric.bad is not None:
        asked = {"prompts": cells.prompts, "matched": matched}
        verdict = judge(
            decisive_counts(cells), wide, margin, deff=deff, bad=choice.metric.bad, **asked
        )
    worst: tuple[float, float] | None = None
    ends: tuple[Interval, ...] = ()
    if missing:
        lowest, highest = (
            matching.extreme(choice, candidate, baseline, high=high) for high in (False, True)
        )
        worst = (lowest.difference, highest.difference)
        level = bonferroni(settings.confidence, family)
        low, high = (paired_interval(end, level)[0] for end in (lowest, highest))
        ends = (low, high)
        verdict = verdict and settled(verdict, low, high)
    return PairedDifference(
        choice.label,
        matching.names[baseline],
        matching.names[candidate],
        cells.prompts,
        matched,
        counts[0],
        counts[1],
        counts[2],
        counts[3],
        _rate(choice.label, cells.x_b, cells.n_b, cells.weight, settings),
        _rate(choice.label, cells.x_a, cells.n_a, cells.weight, settings),
        interval,
        wide,
        p,
        bonferroni_p(p, family),
        test,
        verdict,
        missing,
        worst,
        ends,
    )


def _undefined(choice: Choice, baseline: str, candidate: str, matched: int) -> PairedDifference:
    rate = Rate(choice.label, 0, 0, None)
    names, nothing = (choice.label, baseline, candidate), (None, None, None, None)
    return PairedDifference(*names, 0, matched, 0, 0, 0, 0, rate, rate, *nothing, "undefined", None)


def paired_interval(cells: PairCells, confidence: float) -> tuple[Interval, float]:
    """Return the interval of a minus b, and how many pairs tell as much as one independent one."""
    parts = cells.crossed
    if not cells.several:
        both, a_only, b_only, neither = (float(cells.weight @ part) for part in parts)
        return tango_exact(both, a_only, b_only, neither, confidence=confidence), 1.0
    interval, effective = clustered_tango(*parts, cells.weight, confidence=confidence)
    pairs = float(cells.weight @ sum(parts))
    return interval, pairs / effective.n if effective.n else float("inf")


def decisive_counts(cells: PairCells) -> tuple[float, float, float, float]:
    """Return the counts that `paired_interval` reads.

    Agreeing pairs stand as neither, and pairs of a prompt that cancel out as agreeing.
    """
    lean = cells.crossed[1] - cells.crossed[2]
    a_only, b_only = (float(cells.weight @ np.maximum(side, 0)) for side in (lean, -lean))
    return 0.0, a_only, b_only, float(cells.weight @ cells.pairs) - a_only - b_only


def _tested(cells: PairCells) -> tuple[float, str]:
    _, a_only, b_only, _ = cells.crossed
    if not cells.several:
        events = int(cells.weight @ a_only), int(cells.weight @ b_only)
        return mcnemar_exact(*events), "McNemar exact"
    return sign_flip(a_only - b_only, cells.weight), "sign-flip over prompts"


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
