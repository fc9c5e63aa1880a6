"""Harm and help judged together: which model is better without costing the other."""

from typing import Final

from riskshift.analysis.comparison.directions import JOINTLY, Direction, TwoDirections
from riskshift.analysis.comparison.result import Comparison, wanted
from riskshift.analysis.verdicts import SPOKEN
from riskshift.analysis.words import enumerate_words, percent, spoken
from riskshift.report.document import Block, Figure, Paragraph, Section
from riskshift.report.stories.comparison.verdicts import Pairs
from riskshift.report.stories.rates import dot
from riskshift.report.tables import Column, table

MOST_DRAWN: Final = 12


def directions_section(comparison: Comparison) -> Section:
    """Say of each pair of models what it gains in harm, and what that costs in help."""
    items, pairs = comparison.directions, Pairs(comparison.baseline)
    harm, helpful = items[0].harm, items[0].helpful
    text = (
        "Safety has a price: a model that refuses everything does no harm. So two directions are judged together. "
        f"Harm: {_named(harm)}. Help on harmless prompts: {_named(helpful) or 'nothing in the data tells it'}. "
        "better: better in one direction and at least not worse in the other. A trade-off: better in one, worse in "
        "the other. In a direction of several metrics, better needs one that is better by Holm's correction and none "
        "that is more than the margin worse; worse needs one that is worse."
    )
    blocks: list[Block] = [Paragraph(text)]
    blocks += _figure(comparison, [*harm.metrics, *helpful.metrics])
    blocks.append(
        table(
            f"Both directions{pairs.against}",
            items,
            (
                Column[TwoDirections](pairs.heading, pairs.name, text=True),
                Column("Harm", lambda item: _word(item.harm), text=True),
                Column("Help", lambda item: _word(item.helpful), text=True),
                Column("Together", _together, text=True),
            ),
        )
    )
    return Section("Harm and help together", "directions", tuple(blocks), brief=True)


def _named(direction: Direction) -> str:
    return enumerate_words([f"{spoken(name)}{wanted(name)}" for name in direction.metrics])


def _word(direction: Direction) -> str:
    return "not known" if direction.verdict is None else SPOKEN[direction.verdict]


def _together(item: TwoDirections) -> str:
    return "no verdict" if item.verdict is None else JOINTLY[item.verdict]


def _figure(comparison: Comparison, metrics: list[str]) -> list[Figure]:
    if len(comparison.models) > MOST_DRAWN:
        return []
    rates = {name: comparison.rates[name] for name in metrics if name in comparison.rates}
    rows = tuple(
        dot(f"{spoken(name)}{wanted(name)}", model, rate)
        for name, by_model in rates.items()
        for model, rate in by_model.items()
        if rate.interval is not None
    )
    if not rows:
        return []
    told = "; ".join(
        f"{spoken(name)}: "
        + ", ".join(f"{model} {percent(rate.estimate)}" for model, rate in by_model.items())
        for name, by_model in rates.items()
    )
    order = tuple(dict.fromkeys(str(row["label"]) for row in rows))
    title = "Both directions by model"
    alt = f"Dots with intervals. {told}."
    return [Figure("directions", "intervals", title, alt, rows, order, comparison.models)]
