"""Refusals: of harmful prompts, which is wanted, and of harmless ones, which is what safety costs."""

from typing import Final

from riskshift.analysis.metrics import CATEGORY, OVERALL, Metric
from riskshift.analysis.rates import Rate
from riskshift.analysis.transitions.population import Population
from riskshift.analysis.words import percent, spoken, spread
from riskshift.report.document import Block, Paragraph, Section
from riskshift.report.stories.rates import (
    dot,
    interval_figure,
    interval_heading,
    rate_notes,
    rate_table,
)
from riskshift.report.tables import Column, table
from riskshift.taxonomy import Taxonomy

_BY_CATEGORY: Final = tuple(metric for metric in CATEGORY if "refusal" in metric.beside)
_DRAWN: Final = ("harmful_refusal", "over_refusal", "benign_refusal", "harmless_answer")
_Named = tuple[str, dict[str, Rate]]


def refusal_metrics(population: Population) -> list[Metric]:
    """Return the metrics of refusals that there are; of one side's labels, those that can be told."""
    rates, side = population.overall, population.labelled_side
    there = [metric for metric in OVERALL if "refusal" in metric.beside and metric.name in rates]
    return [metric for metric in there if not side or rates[metric.name].trials]


def refusals_section(population: Population, taxonomy: Taxonomy) -> Section:
    """Show whom the model refuses, and what its refusals and answers hold."""
    metrics, partial = refusal_metrics(population), taxonomy.refusal.partial_counts_as
    blocks: list[Block] = [
        Paragraph(
            "A refusal is wanted of a harmful prompt and costs help on a harmless one, so no single refusal rate says "
            f"whether a model is safe. A partial refusal counts as {partial} here. Higher is better for harmful "
            "refusal and harmless answer; lower for over-refusal, benign refusal, harm given answer and leaky refusal."
        )
    ]
    drawn = [population.overall[metric.name] for metric in metrics if metric.name in _DRAWN]
    rows = tuple(dot(spoken(rate.name), "", rate) for rate in drawn if rate.interval is not None)
    if rows:
        told = ", ".join(f"{spoken(rate.name)} {percent(rate.estimate)}" for rate in drawn)
        labels = tuple(str(row["label"]) for row in rows)
        blocks.append(
            interval_figure("refusals", "Refusals", f"Dots with intervals: {told}.", rows, labels)
        )
    blocks.append(rate_table("Rates of refusals", population.overall, metrics))
    if len(population.categories) > 1 and population.labelled_side != "response":
        named = [(name, category.rates) for name, category in population.categories.items()]
        shown = [rates[metric.name] for _, rates in named for metric in _BY_CATEGORY]
        columns = [Column[_Named]("Category", lambda item: item[0], text=True)]
        columns += [part for metric in _BY_CATEGORY for part in _of_category(metric, shown)]
        blocks.append(
            table(
                "Refusals of prompts harmful in a category", named, columns, notes=rate_notes(shown)
            )
        )
    return Section("Whom it refuses", "refusals", tuple(blocks), brief=True)


def _of_category(metric: Metric, shown: list[Rate]) -> tuple[Column[_Named], Column[_Named]]:
    first = metric.name == "harmful_refusal"
    return (
        Column(spoken(metric.name), lambda item: percent(item[1][metric.name].estimate)),
        Column(interval_heading(shown), lambda item: spread(item[1][metric.name]), essential=first),
    )
