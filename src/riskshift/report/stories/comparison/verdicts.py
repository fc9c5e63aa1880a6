"""Which of two models is better: verdicts, differences prompt by prompt, and letters."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from riskshift.analysis.comparison.differences import PairedDifference, by_metric
from riskshift.analysis.comparison.findings import FEW_PROMPTS
from riskshift.analysis.comparison.omnibus import Omnibus
from riskshift.analysis.comparison.result import (
    Comparison,
    allowance,
    verdict_sentence,
    wanted,
)
from riskshift.analysis.rates import unrounded
from riskshift.analysis.words import p_value, points, points_range, spoken
from riskshift.report.document import Bullets, Figure, Paragraph, Section, Table
from riskshift.report.stories.rates import interval_figure
from riskshift.report.tables import Column, table
from riskshift.stats.crosstabs.tables import ChiSquare

# How many pairs of models a terminal shows metric by metric, and the page draws.
MOST_IN_BRIEF: Final = 3
MOST_DRAWN: Final = 36
LONGEST_NAME: Final = 20


class _Pair(Protocol):
    @property
    def candidate(self) -> str: ...
    @property
    def baseline(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Pairs:
    """How pairs of models stand in a column; a baseline that all share is left to the caption."""

    baseline: str | None

    @property
    def heading(self) -> str:
        """What stands above the column."""
        return "Compared" if self.baseline is None else "Candidate"

    @property
    def against(self) -> str:
        """What to add to a caption."""
        return "" if self.baseline is None else f" against {self.baseline}"

    def name(self, item: _Pair) -> str:
        """Name a pair in the column."""
        if self.baseline is None:
            return f"{item.candidate} against {item.baseline}"
        return item.candidate

    def short(self, items: Sequence[_Pair]) -> list[str]:
        """Name pairs in a chart: long names lose their middle, if they can still be told apart."""
        if self.baseline is not None:
            return [item.candidate for item in items]
        cut = [f"{_cut(item.candidate)} − {_cut(item.baseline)}" for item in items]
        return cut if len(set(cut)) == len(cut) else [self.name(item) for item in items]


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[:12]}…{name[-7:]}"


def verdicts_section(comparison: Comparison) -> Section:
    """Say of every metric and pair of models which is better, or that it is not settled."""
    judged = [d for d in comparison.differences if d.verdict is not None]
    margin = allowance(
        *(d.verdict.margin for d in judged if d.verdict),
        *([comparison.margin] if not judged else []),
    )
    pairs = Pairs(comparison.baseline)
    confidence = unrounded(comparison.settings.confidence)
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
    shown = table(
        f"Verdicts{pairs.against} at a margin of {margin}{alone}",
        judged,
        (
            Column[PairedDifference](
                "Metric", lambda d: f"{d.metric}{wanted(d.metric)}", text=True
            ),
            Column(pairs.heading, pairs.name, text=True),
            Column("Verdict", _verdict, text=True),
            Column("Difference", lambda d: points(d.difference)),
            Column("Interval", lambda d: points_range(d.simultaneous)),
            Column(
                "Further prompts",
                _further,
                essential=comparison.baseline is not None,
                legend="Further prompts: how many more matched prompts of the kind that the metric takes would settle "
                "it at the rates seen; in brackets, how many of the whole mix that is.",
            ),
        ),
        notes=notes,
    )
    few = len({(d.candidate, d.baseline) for d in judged}) <= MOST_IN_BRIEF
    return Section(f"Verdicts, metric by metric{alone}", "verdicts", (shown,), brief=few)


def _sign(pairs: Pairs) -> str:
    return "the first minus the second" if pairs.baseline is None else "candidate minus baseline"


def words_section(comparison: Comparison) -> Section:
    """Say the verdicts in sentences."""
    told = tuple(verdict_sentence(d) for d in comparison.differences if d.verdict is not None)
    alone = "" if comparison.corrected is None else ", by the grader's labels alone"
    return Section(f"The verdicts in words{alone}", "words", (Bullets(told),))


def _verdict(item: PairedDifference) -> str:
    if item.verdict is None:
        return "undefined"
    return item.verdict.spoken + (" *" if item.prompts < FEW_PROMPTS else "")


def _further(item: PairedDifference) -> str:
    verdict = item.verdict
    if verdict is None or verdict.word != "inconclusive":
        return ""
    further, of_mix = verdict.further_prompts, verdict.further_prompts_of_mix
    if further is None or of_mix is None:
        return "over ten million"
    return f"{further:,}" if further == of_mix else f"{further:,} ({of_mix:,} of the mix)"


def differences_section(comparison: Comparison) -> Section:
    """Show what the verdicts rest on: the prompts on which two models differ."""
    several = any(isinstance(d.both, float) for d in comparison.differences)
    pairs = Pairs(comparison.baseline)
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


def differences_drawn(comparison: Comparison) -> Iterator[Section]:
    """Draw the differences in the metrics of the two directions, pair by pair."""
    pairs, first = Pairs(comparison.baseline), comparison.directions[0]
    asked = (*first.harm.metrics, *first.helpful.metrics)
    drawn = [
        _difference_figure(metric, family, pairs)
        for metric, family in by_metric(comparison.differences)
        if metric in asked and len(family) <= MOST_DRAWN and any(d.simultaneous for d in family)
    ]
    if drawn:
        text = (
            f"In percentage points, {_sign(pairs)}, on the prompts that both answered, with the intervals that "
            "verdicts read. The line is no difference, the dashed one the margin."
        )
        yield Section("Differences", "drawn", (Paragraph(text), *drawn))


def _difference_figure(metric: str, family: Sequence[PairedDifference], pairs: Pairs) -> Figure:
    shown = [d for d in family if d.difference is not None and d.simultaneous is not None]
    names = pairs.short(shown)
    rows: list[dict[str, str | float | int]] = [
        {
            "label": name,
            "series": "",
            "estimate": item.difference or 0.0,
            "low": item.simultaneous.low if item.simultaneous else 0.0,
            "high": item.simultaneous.high if item.simultaneous else 0.0,
            "beside": "",
            "few": int(item.prompts < FEW_PROMPTS),
        }
        for name, item in zip(names, shown, strict=True)
    ]
    told = "; ".join(
        f"{pairs.name(d)} {points(d.difference)} ({points_range(d.simultaneous)})" for d in shown
    )
    sign = -1 if wanted(metric) else 1
    margins = {sign * d.verdict.margin for d in shown if d.verdict is not None}
    return interval_figure(
        f"differences-{metric}",
        f"{spoken(metric)}{wanted(metric) or ' (lower is better)'}{pairs.against}",
        f"Dots with intervals, in percentage points. {told}.",
        rows,
        names,
        kind="differences",
        marks=(0.0, *sorted(margins)),
    )


def _difference_table(
    metric: str, family: Sequence[PairedDifference], pairs: Pairs, several: bool
) -> Table:
    first, second = ("First", "Second") if pairs.baseline is None else ("Candidate", "Baseline")
    digits = 1 if several else 0
    columns = [
        Column[PairedDifference](pairs.heading, pairs.name, text=True),
        Column("Prompts", lambda d: f"{d.prompts:,}"),
        Column("Both", lambda d: f"{d.both:,.{digits}f}"),
        Column(f"{first} only", lambda d: f"{d.candidate_only:,.{digits}f}"),
        Column(f"{second} only", lambda d: f"{d.baseline_only:,.{digits}f}"),
        Column("Neither", lambda d: f"{d.neither:,.{digits}f}"),
        Column("Difference", lambda d: points(d.difference)),
        Column("Interval", lambda d: points_range(d.interval)),
        Column("p", lambda d: p_value(d.p)),
    ]
    # Of a single comparison there is nothing to correct.
    if len(family) > 1:
        columns += [
            Column("For all at once", lambda d: points_range(d.simultaneous)),
            Column("p for all", lambda d: p_value(d.p_bonferroni)),
        ]
    notes = (
        ("Counts are expected pairs: every response meets every response of the other model.",)
        if several
        else ()
    )
    return table(f"{metric}{pairs.against}", family, columns, notes=notes)


def letters_section(comparison: Comparison) -> Section:
    """Show which of several models cannot be told apart."""
    models = list(comparison.omnibus[0].letters)
    asked = "Cochran's Q asks whether any model differs from the others."
    lettered = (
        " Models that share a letter are not distinguishable; that is not the same as being alike."
        if models
        else " Which ones: compare all pairs, without --baseline."
    )
    columns = (
        Column[Omnibus]("Metric", lambda item: item.metric, text=True),
        Column("Prompts", lambda item: f"{item.prompts:,}"),
        Column("Cochran's Q", lambda item: chi_square(item.cochran_q)),
        Column("p", lambda item: p_value(item.cochran_q.p if item.cochran_q else None)),
        *map(_letters, models),
    )
    caption = "Models by letter" if models else "Does any model differ?"
    blocks = (Paragraph(asked + lettered), table(caption, comparison.omnibus, columns))
    return Section("Which models can be told apart", "letters", blocks)


def _letters(model: str) -> Column[Omnibus]:
    return Column(model, lambda item: item.letters[model])


def chi_square(test: ChiSquare | None) -> str:
    """Write a test by its statistic and degrees of freedom."""
    return "undefined" if test is None else f"{test.statistic:.2f}, df {test.df}"
