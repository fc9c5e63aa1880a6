"""From a comparison of models to a document: the safest first."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from riskshift.analysis.comparison.contrasts.interaction import (
    DifferenceOfDifferences,
    GroupDifference,
    Interaction,
)
from riskshift.analysis.comparison.result import Comparison
from riskshift.analysis.comparison.severity import OrdinalDifference
from riskshift.analysis.comparison.standardized import StandardizedRate
from riskshift.analysis.rates import unrounded
from riskshift.analysis.words import p_value, percent, percent_range, points, points_range
from riskshift.report.document import Block, Bullets, Document, Figure, Paragraph, Section, Table
from riskshift.report.stories.card import card_section
from riskshift.report.stories.comparison.across import across_section
from riskshift.report.stories.comparison.alone import alone_section
from riskshift.report.stories.comparison.directions import directions_section
from riskshift.report.stories.comparison.glance import glance_section
from riskshift.report.stories.comparison.verdicts import (
    Pairs,
    chi_square,
    differences_drawn,
    differences_section,
    letters_section,
    verdicts_section,
    words_section,
)
from riskshift.report.stories.left_out import hanging_verdicts_section
from riskshift.report.stories.provenance import provenance_section, source_name
from riskshift.report.stories.rates import dot, estimate_and_spread, interval_figure
from riskshift.report.stories.trust import corrected_differences_section
from riskshift.report.tables import Column, table
from riskshift.stats.crosstabs.tables import ChiSquare

MOST_MODELS_DRAWN: Final = 12


def story(comparison: Comparison) -> Document:
    """Arrange a comparison for readers.

    Parameters
    ----------
    comparison : Comparison
        The results.

    Returns
    -------
    Document
        Which models are safest, verdicts, what was asked for, differences drawn, the prompts that one
        model fails alone; all else is folded.
    """
    pairs = Pairs(comparison.baseline)
    sections = [glance_section(comparison), directions_section(comparison)]
    if comparison.corrected is not None:
        sections.append(corrected_differences_section(comparison.corrected))
    sections += _asked_for(comparison, pairs)
    sections += differences_drawn(comparison)
    if comparison.alone:
        sections.append(alone_section(comparison))
    rest = [verdicts_section(comparison), words_section(comparison), _rates(comparison)]
    rest.append(differences_section(comparison))
    if comparison.omnibus:
        rest.append(letters_section(comparison))
    rest.append(_severity(comparison))
    if comparison.leave_one_out is not None and comparison.leave_one_out.differences:
        rest.append(hanging_verdicts_section(comparison.leave_one_out, pairs.against))
    rest += [
        card_section(comparison.card),
        _methods(comparison),
        provenance_section(comparison.provenance, comparison.settings),
    ]
    sections += [replace(section, folded=True) for section in rest]
    against = f" against {comparison.baseline}" if comparison.baseline else ""
    models = ", ".join(model for model in comparison.models if model != comparison.baseline)
    return Document(
        title="Which model is safer on the same prompts",
        subtitle=f"{models}{against}; {source_name(comparison.provenance.source)}",
        summary=comparison.summary,
        caveats=comparison.notes,
        sections=tuple(sections),
    )


def _asked_for(comparison: Comparison, pairs: Pairs) -> Iterator[Section]:
    """Yield what stands there only because it was asked for."""
    if comparison.standardized:
        yield _mix(comparison)
    if comparison.interaction is not None:
        yield _interaction(comparison.interaction, pairs)
    if comparison.across is not None:
        yield across_section(comparison.across, pairs)


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
            f"Rates ({unrounded(comparison.settings.confidence)} intervals)",
            ("Metric", *comparison.models),
            tuple(
                (metric, *map(estimate_and_spread, rates.values()))
                for metric, rates in comparison.rates.items()
            ),
        )
    )
    return Section("Rates side by side", "rates", tuple(blocks))


def _rate_figure(comparison: Comparison) -> Figure:
    rows = [
        dot(metric, model, rate)
        for metric, rates in comparison.rates.items()
        for model, rate in rates.items()
        if rate.interval is not None
    ]
    told = "; ".join(
        f"{metric}: "
        + ", ".join(f"{model} {percent(rate.estimate)}" for model, rate in rates.items())
        for metric, rates in comparison.rates.items()
    )
    return interval_figure(
        "rates-by-model",
        "Rates by model",
        f"Dots with intervals. {told}.",
        rows,
        list(comparison.rates),
        comparison.models,
    )


def _severity(comparison: Comparison) -> Section:
    pairs = Pairs(comparison.baseline)
    shown = table(
        f"Response severity on shared prompts{pairs.against}",
        comparison.ordinal,
        (
            Column[OrdinalDifference](pairs.heading, pairs.name, text=True),
            Column("Mean difference (levels)", _mean),
            Column("Stuart-Maxwell", lambda item: _with_p(item.stuart_maxwell)),
            Column("Bowker", lambda item: _with_p(item.bowker)),
        ),
        notes=(
            "Stuart-Maxwell: do the models use the levels equally often? Bowker: do prompts move between levels "
            "equally often in both directions?",
        ),
    )
    return Section("How severe the responses are", "severity", (shown,))


def _mean(item: OrdinalDifference) -> str:
    if item.mean is None:
        return "undefined"
    held = item.interval
    return f"{item.mean:+.3f}" + (f" ({held.low:+.3f} to {held.high:+.3f})" if held else "")


def _with_p(test: ChiSquare | None) -> str:
    if test is None or test.p is None:
        return "undefined"
    return f"{chi_square(test)}, p {p_value(test.p)}"


def _mix(comparison: Comparison) -> Section:
    notes = []
    for item in comparison.standardized:
        if item.empty:
            told = ", ".join(f"{name} ({percent(share)})" for name, share in item.empty.items())
            notes.append(
                f"{item.model}, {item.metric}: no answers in {told}; the other strata were scaled up."
            )
    shown = table(
        "Raw and standardised rates",
        comparison.standardized,
        (
            Column[StandardizedRate]("Metric", lambda item: item.metric, text=True),
            Column("Model", lambda item: item.model, text=True),
            Column("Raw", lambda item: percent(item.raw)),
            Column("Standardised", lambda item: percent(item.estimate)),
            Column("Interval", _standardized_interval),
        ),
        notes=tuple(dict.fromkeys(notes)),
    )
    text = (
        f"The rates each model would have on the mix of prompts of: {comparison.mix}. Strata are the set of harmful "
        "categories and the prompt's severity."
    )
    return Section("On a common mix of prompts", "mix", (Paragraph(text), shown))


def _standardized_interval(item: StandardizedRate) -> str:
    if item.low is None or item.high is None:
        return "undefined"
    return percent_range(item.low, item.high)


def _interaction(item: Interaction, pairs: Pairs) -> Section:
    within = table(
        f"Difference within each {item.column}{pairs.against} (points)",
        item.differences,
        (
            Column[GroupDifference]("Metric", lambda d: d.metric, text=True),
            Column(item.column, lambda d: d.group, text=True),
            Column(pairs.heading, pairs.name, text=True),
            Column("Prompts", lambda d: f"{d.prompts:,}"),
            Column("Difference", lambda d: points(d.difference)),
            Column("Interval", lambda d: points_range(d.interval)),
        ),
    )
    between = table(
        f"Differences of differences{pairs.against} (points)",
        item.contrasts,
        (
            Column[DifferenceOfDifferences]("Metric", lambda c: c.metric, text=True),
            Column("Groups", lambda c: f"{c.a} - {c.b}", text=True),
            Column(pairs.heading, pairs.name, text=True),
            Column("Difference", lambda c: points(c.estimate)),
            Column("Interval", lambda c: points_range(c.interval)),
            Column("For all at once", lambda c: points_range(c.simultaneous)),
        ),
    )
    text = (
        f"First the difference within each value of {item.column}, then how much the differences differ. An interval "
        "for all at once that leaves out zero says that the change is larger in one group."
    )
    title = f"Does the difference depend on {item.column}?"
    return Section(title, "interaction", (Paragraph(text), within, between))


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
    if comparison.across:
        items.append(
            "Differences across categories: MOVER (Zou and Donner 2008) from the two paired intervals, with the "
            "correlation of shared prompts, kept below 1 by four pseudo-prompts; for all at once: Bonferroni over all "
            "pairs of categories and of models of one metric."
        )
    if comparison.interaction is not None:
        items.append(
            "Differences of differences: MOVER (Zou and Donner 2008) with the correlation of shared prompts, kept "
            "below 1 by four pseudo-prompts."
        )
    return Section("Methods", "methods", (Bullets(tuple(items)),))
