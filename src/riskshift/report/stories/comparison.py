"""From a comparison of models to a document: verdicts first."""

from collections.abc import Sequence
from dataclasses import dataclass

from riskshift.analysis.comparison.differences import PairedDifference, by_metric
from riskshift.analysis.comparison.findings import FEW_PROMPTS
from riskshift.analysis.comparison.interaction import Interaction
from riskshift.analysis.comparison.result import Comparison, allowance, verdict_sentence
from riskshift.analysis.rates import level
from riskshift.analysis.verdicts import Verdict
from riskshift.analysis.words import p_value, percent, points, points_range, spread
from riskshift.report.document import Block, Bullets, Document, Figure, Paragraph, Section, Table
from riskshift.report.stories.provenance import provenance_section, source_name
from riskshift.report.stories.trust import corrected_differences_section

MOST_MODELS_DRAWN = 12


def story(comparison: Comparison) -> Document:
    """Arrange a comparison for readers.

    Parameters
    ----------
    comparison : Comparison
        The results.

    Returns
    -------
    Document
        Verdicts first, then rates, differences, severity, the common mix, groups and methods.
    """
    sections = []
    if comparison.corrected is not None:
        sections.append(corrected_differences_section(comparison.corrected))
    sections += [
        _verdicts(comparison),
        _in_words(comparison),
        _rates(comparison),
        _differences(comparison),
    ]
    if comparison.omnibus:
        sections.append(_apart(comparison))
    sections.append(_severity(comparison))
    if comparison.standardized:
        sections.append(_mix(comparison))
    if comparison.interaction is not None:
        sections.append(_interaction(comparison.interaction, _Pairs(comparison.baseline)))
    sections += [
        _methods(comparison),
        provenance_section(comparison.provenance, comparison.settings),
    ]
    against = f" against {comparison.baseline}" if comparison.baseline else ""
    models = ", ".join(model for model in comparison.models if model != comparison.baseline)
    return Document(
        title="Which model is safer on the same prompts",
        subtitle=f"{models}{against}; {source_name(comparison.provenance)}",
        summary=comparison.summary,
        caveats=comparison.notes,
        sections=tuple(sections),
    )


@dataclass(frozen=True, slots=True)
class _Pairs:
    """How pairs of models stand in a column; a baseline that all share is left to the caption."""

    baseline: str | None

    @property
    def heading(self) -> str:
        return "Compared" if self.baseline is None else "Candidate"

    @property
    def against(self) -> str:
        return "" if self.baseline is None else f" against {self.baseline}"

    def name(self, candidate: str, baseline: str) -> str:
        return f"{candidate} against {baseline}" if self.baseline is None else candidate


def _verdicts(comparison: Comparison) -> Section:
    judged = [d for d in comparison.differences if d.verdict is not None]
    margin, pairs = allowance(comparison.margin), _Pairs(comparison.baseline)
    confidence = level(comparison.settings.confidence)
    at_once = max((len(family) for _, family in by_metric(comparison.differences)), default=1)
    held = (
        f"{confidence} for all {at_once:,} comparisons of a metric at once"
        if at_once > 1
        else confidence
    )
    notes = [
        f"Percentage points, {_sign(pairs)}. better: the interval ({held}) lies wholly below 0. not worse: it "
        f"ends at most {margin} above 0. worse: it begins more than {margin} above 0. not settled: none of these. "
        "though higher: it begins above 0, so that the other way round the verdict would be better. For metrics of "
        "which more is better, below and above change places."
    ]
    if any(d.prompts < FEW_PROMPTS for d in judged):
        notes.append(f"* Fewer than {FEW_PROMPTS} shared prompts.")
    alone = "" if comparison.corrected is None else ", by the grader's labels alone"
    table = Table(
        f"Verdicts{pairs.against} at a margin of {margin}{alone}",
        ("Metric", pairs.heading, "Verdict", "Difference", "Interval", "Further prompts"),
        tuple(_verdict_row(d, pairs) for d in judged),
        text_columns=3,
        notes=tuple(notes),
        essential=tuple(range(5 if comparison.baseline is None else 6)),
        legend=(
            (
                5,
                "Further prompts: how many more matched prompts of the kind that the metric takes would settle it at "
                "the rates seen; in brackets, how many of the whole mix that is.",
            ),
        ),
    )
    return Section(f"Verdicts{alone}", "verdicts", (table,), brief=True)


def _sign(pairs: _Pairs) -> str:
    return "the first minus the second" if pairs.baseline is None else "candidate minus baseline"


def _in_words(comparison: Comparison) -> Section:
    told = tuple(verdict_sentence(d) for d in comparison.differences if d.verdict is not None)
    alone = "" if comparison.corrected is None else ", by the grader's labels alone"
    return Section(f"The verdicts in words{alone}", "words", (Bullets(told),))


def _verdict_row(item: PairedDifference, pairs: _Pairs) -> tuple[str, ...]:
    verdict, name = item.verdict, pairs.name(item.candidate, item.baseline)
    if verdict is None or item.simultaneous is None:
        return (item.metric, name, "undefined", "undefined", "undefined", "")
    few = " *" if item.prompts < FEW_PROMPTS else ""
    return (
        item.metric,
        name,
        verdict.spoken + few,
        points(item.difference),
        points_range(item.simultaneous),
        _further(verdict),
    )


def _further(verdict: Verdict) -> str:
    if verdict.word != "inconclusive":
        return ""
    further, of_mix = verdict.further_prompts, verdict.further_prompts_of_mix
    if further is None or of_mix is None:
        return "over ten million"
    return f"{further:,}" if further == of_mix else f"{further:,} ({of_mix:,} of the mix)"


def _rates(comparison: Comparison) -> Section:
    blocks: list[Block] = [
        Paragraph(
            "Each model's rates on all prompts that it answered. Overlapping intervals do not show that models are "
            "alike: on shared prompts the differences below are far more precise."
        )
    ]
    if len(comparison.models) <= MOST_MODELS_DRAWN:
        blocks.append(_rate_figure(comparison))
    blocks.append(
        Table(
            f"Rates ({level(comparison.settings.confidence)} intervals)",
            ("Metric", *comparison.models),
            tuple(
                (
                    metric,
                    *(
                        f"{percent(rate.estimate)} ({spread(rate)})"
                        if rate.interval
                        else "undefined"
                        for rate in rates.values()
                    ),
                )
                for metric, rates in comparison.rates.items()
            ),
        )
    )
    return Section("Rates side by side", "rates", tuple(blocks))


def _rate_figure(comparison: Comparison) -> Figure:
    rows: list[dict[str, str | float | int]] = []
    for metric, rates in comparison.rates.items():
        for model, rate in rates.items():
            if rate.interval is not None and rate.estimate is not None:
                low, high = rate.interval.low, rate.interval.high
                rows.append(
                    {
                        "label": metric,
                        "series": model,
                        "estimate": rate.estimate,
                        "low": low,
                        "high": high,
                    }
                )
    told = "; ".join(
        f"{metric}: "
        + ", ".join(f"{model} {percent(rate.estimate)}" for model, rate in rates.items())
        for metric, rates in comparison.rates.items()
    )
    return Figure(
        "rates-by-model",
        "intervals",
        "Rates by model",
        f"Dots with intervals. {told}.",
        tuple(rows),
        tuple(comparison.rates),
        comparison.models,
    )


def _differences(comparison: Comparison) -> Section:
    several = any(isinstance(d.both, float) for d in comparison.differences)
    pairs = _Pairs(comparison.baseline)
    tables = [
        _difference_table(metric, family, pairs, several)
        for metric, family in by_metric(comparison.differences)
    ]
    tests = "; ".join(sorted({d.test for d in comparison.differences if d.p is not None}))
    text = (
        "Only prompts that both models answered count here. What decides is the prompts on which exactly one of them "
        f"showed the event. Differences are in percentage points, {_sign(pairs)}. Tests: {tests or 'none'}. For all "
        "at once: Bonferroni's correction across the comparisons of one metric."
    )
    return Section("Differences, prompt by prompt", "differences", (Paragraph(text), *tables))


def _difference_table(
    metric: str, family: Sequence[PairedDifference], pairs: _Pairs, several: bool
) -> Table:
    rows = []
    for d in family:
        counts = [
            f"{n:,.1f}" if several else f"{n:,.0f}"
            for n in (d.both, d.candidate_only, d.baseline_only, d.neither)
        ]
        interval = wide = "undefined"
        if d.interval is not None and d.simultaneous is not None:
            interval, wide = points_range(d.interval), points_range(d.simultaneous)
        name = pairs.name(d.candidate, d.baseline)
        row = (name, f"{d.prompts:,}", *counts, points(d.difference), interval, p_value(d.p))
        rows.append((*row, wide, p_value(d.p_bonferroni)))
    first, second = ("First", "Second") if pairs.baseline is None else ("Candidate", "Baseline")
    columns = (
        *(pairs.heading, "Prompts", "Both", f"{first} only", f"{second} only", "Neither"),
        *("Difference", "Interval", "p", "For all at once", "p for all"),
    )
    notes = (
        ("Counts are expected pairs: every response meets every response of the other model.",)
        if several
        else ()
    )
    table = Table(f"{metric}{pairs.against}", columns, tuple(rows), notes=notes)
    # Of a single comparison there is nothing to correct.
    return table if len(family) > 1 else table.taken(range(len(columns) - 2))


def _apart(comparison: Comparison) -> Section:
    models = list(comparison.omnibus[0].letters)
    rows = []
    for item in comparison.omnibus:
        q = item.cochran_q
        tested = (
            ("undefined", "undefined")
            if q is None
            else (f"{q.statistic:.2f}, df {q.df}", p_value(q.p))
        )
        letters = (item.letters[model] for model in models)
        rows.append((item.metric, f"{item.prompts:,}", *tested, *letters))
    asked = "Cochran's Q asks whether any model differs from the others."
    lettered = (
        " Models that share a letter are not distinguishable; that is not the same as being alike."
        if models
        else " Which ones: compare all pairs, without --baseline."
    )
    fit = range(4, 4 + len(models)) if len(models) <= 5 else range(1, 3)
    return Section(
        "Which models can be told apart",
        "letters",
        (
            Paragraph(asked + lettered),
            Table(
                "Models by letter" if models else "Does any model differ?",
                ("Metric", "Prompts", "Cochran's Q", "p", *models),
                tuple(rows),
                essential=(0, 3, *fit),
            ),
        ),
        brief=True,
    )


def _severity(comparison: Comparison) -> Section:
    rows, pairs = [], _Pairs(comparison.baseline)
    for item in comparison.ordinal:
        mean = "undefined" if item.mean is None else f"{item.mean:+.3f}"
        if item.interval is not None:
            mean += f" ({item.interval.low:+.3f} to {item.interval.high:+.3f})"
        tests = [
            "undefined"
            if test is None or test.p is None
            else f"{test.statistic:.2f}, df {test.df}, p {p_value(test.p)}"
            for test in (item.stuart_maxwell, item.bowker)
        ]
        rows.append((pairs.name(item.candidate, item.baseline), mean, *tests))
    return Section(
        "How severe the responses are",
        "severity",
        (
            Table(
                f"Response severity on shared prompts{pairs.against}",
                (pairs.heading, "Mean difference (levels)", "Stuart-Maxwell", "Bowker"),
                tuple(rows),
                notes=(
                    "Stuart-Maxwell: do the models use the levels equally often? Bowker: do prompts move between "
                    "levels equally often in both directions?",
                ),
            ),
        ),
    )


def _mix(comparison: Comparison) -> Section:
    rows, empty = [], []
    for item in comparison.standardized:
        interval = (
            "undefined" if item.low is None else f"{percent(item.low)} to {percent(item.high)}"
        )
        rows.append((item.metric, item.model, percent(item.raw), percent(item.estimate), interval))
        if item.empty:
            told = ", ".join(f"{name} ({percent(share)})" for name, share in item.empty.items())
            empty.append(
                f"{item.model}, {item.metric}: no answers in {told}; the other strata were scaled up."
            )
    return Section(
        "On a common mix of prompts",
        "mix",
        (
            Paragraph(
                f"The rates each model would have on the mix of prompts of: {comparison.mix}. Strata are the set of "
                "harmful categories and the prompt's severity."
            ),
            Table(
                "Raw and standardised rates",
                ("Metric", "Model", "Raw", "Standardised", "Interval"),
                tuple(rows),
                text_columns=2,
                notes=tuple(dict.fromkeys(empty)),
            ),
        ),
    )


def _interaction(item: Interaction, pairs: _Pairs) -> Section:
    within = tuple(
        (
            d.metric,
            d.group,
            pairs.name(d.candidate, d.baseline),
            f"{d.prompts:,}",
            points(d.difference),
            "undefined" if d.interval is None else points_range(d.interval),
        )
        for d in item.differences
    )
    between = tuple(
        (
            c.metric,
            f"{c.a} - {c.b}",
            pairs.name(c.candidate, c.baseline),
            points(c.estimate),
            points_range(c.interval),
            points_range(c.simultaneous),
        )
        for c in item.contrasts
    )
    return Section(
        f"Does the difference depend on {item.column}?",
        "interaction",
        (
            Paragraph(
                f"First the difference within each value of {item.column}, then how much the differences differ. "
                "An interval for all at once that leaves out zero says that the change is larger in one group."
            ),
            Table(
                f"Difference within each {item.column}{pairs.against} (points)",
                (
                    "Metric",
                    item.column,
                    pairs.heading,
                    "Prompts",
                    "Difference",
                    "Interval",
                ),
                within,
                text_columns=3,
            ),
            Table(
                f"Differences of differences{pairs.against} (points)",
                (
                    "Metric",
                    "Groups",
                    pairs.heading,
                    "Difference",
                    "Interval",
                    "For all at once",
                ),
                between,
                text_columns=3,
            ),
        ),
    )


def _methods(comparison: Comparison) -> Section:
    several = any(isinstance(d.both, float) for d in comparison.differences)
    paired = (
        "Prompts have several responses: Tango's interval on the effective number of pairs, held to the test, which "
        "turns the sign of every prompt's difference at random (Fisher 1935). Every response of one model meets every "
        "response of the other."
        if several
        else "Difference of two rates on the same prompts: Tango's score interval (1998), held to the exact McNemar "
        "test: it leaves out zero only where the test does."
    )
    items = [
        paired,
        "For all at once: Bonferroni over the comparisons of one metric.",
        "Verdicts and letters read the interval for all at once, never the point estimate.",
    ]
    if comparison.standardized:
        items.append(
            "Common mix: direct standardisation; MOVER over the intervals of the strata (Zou, Huang and Zhang 2009), "
            "or the score interval's end where that is farther out."
        )
    if comparison.interaction is not None:
        items.append(
            "Differences of differences: MOVER (Zou and Donner 2008) with the correlation of shared prompts, kept "
            "below 1 by four pseudo-prompts."
        )
    return Section("Methods", "methods", (Bullets(tuple(items)),))
