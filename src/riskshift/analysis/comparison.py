"""Which model is safer on the same prompts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any, Final, Literal

import numpy as np

from riskshift.analysis.matching import Matching, Outcomes, PairCells
from riskshift.analysis.metrics import Choice, choose
from riskshift.analysis.rates import INTERVALS, Rate, Settings
from riskshift.counts import Grouped, distinct_rows
from riskshift.errors import DataError, UsageError, unknown_choice
from riskshift.stats.cluster import clustered_interval, mean_interval
from riskshift.stats.homogeneity import ChiSquare, bowker, stuart_maxwell
from riskshift.stats.letters import compact_letters
from riskshift.stats.multiple import bonferroni, holm
from riskshift.stats.paired import clustered_tango, cochran_q, durkalski, mcnemar_exact, tango
from riskshift.stats.paired_power import further_pairs
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
DEFAULT_MARGIN: Final = 0.01
Word = Literal["better", "not_worse", "worse", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the candidate is worse than the baseline by more than a margin.

    Parameters
    ----------
    word : {"better", "not_worse", "worse", "inconclusive"}
        better: surely below the baseline. not_worse: surely at most the margin above it. worse:
        surely more than the margin above it. inconclusive: none of these can be said.
    margin : float
        The difference that is tolerated.
    higher : bool
        Whether the candidate is surely above the baseline, be it within the margin.
    further_prompts : int or None
        For inconclusive: how many more matched prompts would settle it at the rates seen; None
        where no number up to ten million would.
    """

    word: Word
    margin: float
    higher: bool
    further_prompts: int | None

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as plain data."""
        return {
            "verdict": self.word,
            "margin": self.margin,
            "higher": self.higher,
            "further_prompts": self.further_prompts,
        }


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


@dataclass(frozen=True, slots=True)
class Omnibus:
    """Whether any of three or more models differ, and which cannot be told apart.

    Parameters
    ----------
    metric : str
        What is compared.
    prompts : int
        Prompts that every model answered once.
    cochran_q : ChiSquare or None
        None where it is undefined, or models answered more than once.
    letters : dict of str to str
        Models that share a letter are not distinguishable; empty unless all pairs were compared.
    """

    metric: str
    prompts: int
    cochran_q: ChiSquare | None
    letters: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return the test as plain data."""
        q = self.cochran_q
        tested = None if q is None else {"statistic": q.statistic, "df": q.df, "p": q.p}
        return {
            "metric": self.metric,
            "prompts": self.prompts,
            "cochran_q": tested,
            "letters": dict(self.letters),
        }


@dataclass(frozen=True, slots=True)
class OrdinalDifference:
    """Response severity of two models on the prompts that both answered.

    Parameters
    ----------
    baseline, candidate : str
        The models.
    table : tuple of tuple of int
        Prompts by the severity of the baseline's response (row) and of the candidate's (column);
        empty where models answered more than once.
    stuart_maxwell, bowker : ChiSquare or None
        Marginal homogeneity and symmetry; None where undefined or models answered more than once.
    mean : float or None
        Mean of candidate minus baseline severity, prompt by prompt; where both answered a prompt
        equally often, the difference of their mean shifts.
    interval : Interval or None
        Of the mean; None where no spread was seen.
    """

    baseline: str
    candidate: str
    table: tuple[tuple[int, ...], ...]
    stuart_maxwell: ChiSquare | None
    bowker: ChiSquare | None
    mean: float | None
    interval: Interval | None

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain data."""
        tests = {"stuart_maxwell": self.stuart_maxwell, "bowker": self.bowker}
        return {
            "baseline": self.baseline,
            "candidate": self.candidate,
            "table": [list(row) for row in self.table],
            **{
                k: None if t is None else {"statistic": t.statistic, "df": t.df, "p": t.p}
                for k, t in tests.items()
            },
            "mean_shift_difference": {
                "estimate": self.mean,
                "low": self.interval.low if self.interval else None,
                "high": self.interval.high if self.interval else None,
            },
        }


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which prompts the models share.

    Parameters
    ----------
    prompts, shared : int
        All prompts, and those that every compared model answered.
    lacking : dict of str to int
        Prompts that each model did not answer.
    examples : dict of str to tuple of str
        Some of them, by id.
    """

    prompts: int
    shared: int
    lacking: dict[str, int]
    examples: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the coverage as plain data."""
        return {
            "prompts": self.prompts,
            "shared": self.shared,
            "lacking": dict(self.lacking),
            "examples": {model: list(ids) for model, ids in self.examples.items()},
        }


def pick_models(
    names: Sequence[str], baseline: str | None, candidates: Sequence[str]
) -> list[tuple[int, int]]:
    """Return the pairs to compare, as (baseline, candidate) positions.

    Raises
    ------
    UsageError
        If a model is not there, or would be compared with itself.
    """
    for name in filter(None, (baseline, *candidates)):
        if name not in names:
            raise unknown_choice("model", name, names)
    if baseline is not None and baseline in candidates:
        raise UsageError(f"model {baseline!r} is named as baseline and as candidate.")
    if len(set(candidates)) < len(candidates):
        raise UsageError("a candidate is named twice.")
    if baseline is not None:
        chosen = candidates or [name for name in names if name != baseline]
        return [(names.index(baseline), names.index(name)) for name in chosen]
    chosen = candidates or names
    if len(chosen) < 2:
        raise UsageError(
            f"one model alone cannot be compared. Name a --baseline. Models: {', '.join(names)}."
        )
    return list(combinations(sorted(names.index(name) for name in chosen), 2))


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


def judge(
    counts: Sequence[float],
    interval: Interval,
    margin: float,
    *,
    deff: float = 1.0,
    bad: bool = True,
) -> Verdict:
    """Judge a difference against a margin.

    Parameters
    ----------
    counts : sequence of float
        Both, candidate only, baseline only, neither.
    interval : Interval
        Of candidate minus baseline.
    margin : float
        How much worse the candidate may be.
    deff : float, default 1
        Pairs that tell as much as one independent one.
    bad : bool, default True
        Whether the event is bad; where it is good, less of it is worse.

    Returns
    -------
    Verdict
    """
    both, more, less, neither = counts
    low, high = interval.low, interval.high
    if not bad:
        both, more, less, neither = neither, less, more, both
        low, high = -high, -low
    word: Word = "inconclusive"
    if high < 0:
        word = "better"
    elif high <= margin:
        word = "not_worse"
    elif low > margin:
        word = "worse"
    further = None
    if word == "inconclusive" and np.isfinite(deff):
        further = further_pairs(
            both, more, less, neither, margin, confidence=interval.confidence, deff=deff
        )
    return Verdict(word, margin, low > 0, further)


def omnibus_tests(
    matching: Matching,
    pairs: Sequence[tuple[int, int]],
    choices: Sequence[Choice],
    differences: Sequence[PairedDifference],
    settings: Settings,
) -> list[Omnibus]:
    """Test whether any of three or more models differ, metric by metric."""
    models = sorted({at for pair in pairs for at in pair})
    if len(models) < 3:
        return []
    names = [matching.names[at] for at in models]
    everyone = len(pairs) == len(models) * (len(models) - 1) // 2
    made = []
    for choice in choices:
        outcomes = matching.outcomes(choice)
        trials, events = outcomes.trials[:, models], outcomes.events[:, models]
        once = (trials == 1).all(axis=1)
        q = None
        if once.any() and not (trials > 1).any():
            q = cochran_q(*distinct_rows(events[once], outcomes.weight[once]))
        letters = (
            _letters(names, [d for d in differences if d.metric == choice.label], settings)
            if everyone
            else {}
        )
        made.append(Omnibus(choice.label, int(outcomes.weight[once].sum()), q, letters))
    return made


def _letters(
    names: Sequence[str], differences: Sequence[PairedDifference], settings: Settings
) -> dict[str, str]:
    alpha = 1 - settings.confidence
    different = [
        (names.index(d.baseline), names.index(d.candidate))
        for d in differences
        if d.p_holm is not None and d.p_holm < alpha
    ]
    return dict(zip(names, compact_letters(len(names), different), strict=True))


def ordinal_differences(
    matching: Matching, pairs: Sequence[tuple[int, int]], settings: Settings
) -> list[OrdinalDifference]:
    """Compare the severity of responses, pair by pair of models."""
    return [_ordinal(matching, baseline, candidate, settings) for baseline, candidate in pairs]


def _ordinal(
    matching: Matching, baseline: int, candidate: int, settings: Settings
) -> OrdinalDifference:
    severity, known = matching.response_severity
    both = (known[:, baseline] > 0) & (known[:, candidate] > 0)
    columns = np.stack(
        [severity[:, baseline], known[:, baseline], severity[:, candidate], known[:, candidate]],
        axis=1,
    )
    cells, weight = distinct_rows(columns[both], matching.weight[both])
    names = matching.names[baseline], matching.names[candidate]
    if not len(weight):
        return OrdinalDifference(*names, (), None, None, None, None)
    s_b, n_b, s_c, n_c = cells.T
    size = np.minimum(n_b, n_c)  # as in PairCells.pairs
    top = matching.taxonomy.top
    mean, interval = mean_interval(
        (s_c / n_c - s_b / n_b) * size,
        size,
        weight,
        confidence=settings.confidence,
        bounds=(-top, top),
    )
    if (np.maximum(n_b, n_c) > 1).any():
        return OrdinalDifference(*names, (), None, None, mean, interval)
    table = np.zeros((top + 1, top + 1), dtype=np.int64)
    np.add.at(table, (s_b, s_c), weight)
    rows = tuple(tuple(int(n) for n in row) for row in table)
    return OrdinalDifference(*names, rows, stuart_maxwell(table), bowker(table), mean, interval)


def coverage(matching: Matching, pairs: Sequence[tuple[int, int]]) -> Coverage:
    """Count the prompts that the compared models share and lack.

    Raises
    ------
    DataError
        If no prompt was answered by both models of any pair.
    """
    models = sorted({at for pair in pairs for at in pair})
    answered = matching.answered[:, models]
    weight = matching.weight[answered.any(axis=1)]
    answered = answered[answered.any(axis=1)]
    if not any(
        (answered[:, models.index(a)] & answered[:, models.index(b)]).any() for a, b in pairs
    ):
        raise DataError(
            f"no prompt was answered by two of {', '.join(matching.names[at] for at in models)}. Models are compared "
            "on the same prompts: give their records equal prompt_id."
        )
    lacking = {
        matching.names[at]: int(weight[~answered[:, i]].sum()) for i, at in enumerate(models)
    }
    return Coverage(int(weight.sum()), int(weight[answered.all(axis=1)].sum()), lacking)


def default_choices(taxonomy: Taxonomy, names: Sequence[str] = ()) -> list[Choice]:
    """Return the metrics to compare."""
    return [choice for name in names or DEFAULT_METRICS for choice in choose(name, taxonomy)]


def by_metric(
    differences: Sequence[PairedDifference],
) -> Iterator[tuple[str, list[PairedDifference]]]:
    """Group differences by their metric, in order."""
    for metric in dict.fromkeys(d.metric for d in differences):
        yield metric, [d for d in differences if d.metric == metric]


def grouped_by_model(groups: dict[str, Grouped], model: str | None) -> Grouped:
    """Return the counts by model.

    Raises
    ------
    DataError
        If the data has no models to compare.
    """
    if model is None or model not in groups:
        raise DataError(
            "there is only one model to compare. Give a file with a model column and two models in it, or one file "
            "a model."
        )
    return groups[model]
