"""From results to a document: what a reader meets, in which order and in which words."""

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Final

from riskshift.analysis.metrics import CATEGORY, OVERALL, Metric
from riskshift.analysis.rates import Rate, unrounded
from riskshift.analysis.transitions.population import Population
from riskshift.analysis.transitions.result import Analysis
from riskshift.analysis.words import counted, percent, spoken
from riskshift.report.document import (
    Block,
    Bullets,
    Document,
    Figure,
    Paragraph,
    Section,
    Table,
    Terms,
)
from riskshift.report.stories.card import card_section
from riskshift.report.stories.left_out import hangs_section
from riskshift.report.stories.provenance import provenance_section, source_name
from riskshift.report.stories.rates import (
    dot,
    estimate_and_spread,
    interval_figure,
    interval_heading,
    rate_notes,
)
from riskshift.report.stories.transitions.cases import cases_section
from riskshift.report.stories.transitions.categories import categories_section
from riskshift.report.stories.transitions.movement import (
    movement_section,
    one_side_section,
    origin_section,
)
from riskshift.report.stories.transitions.one_bit import one_bit_section
from riskshift.report.stories.transitions.refusals import refusal_metrics, refusals_section
from riskshift.report.stories.transitions.relevance import relevance_section
from riskshift.report.stories.transitions.sets import METHOD, sets_section
from riskshift.report.stories.trust import corrected_section, tipping_section
from riskshift.report.tables import Column, table

SIDE_BY_SIDE: Final = ("escalation", "response_harm", "harmful_prompt_compliance", "benign_drift")
NARROW: Final = SIDE_BY_SIDE[:2]
REFUSALS: Final = ("harmful_refusal", "over_refusal")
MOST_GROUPS_DRAWN: Final = 20
_Group = tuple[str, Population]


def story(analysis: Analysis) -> Document:
    """Arrange an analysis for readers.

    Parameters
    ----------
    analysis : Analysis
        The results.

    Returns
    -------
    Document
        Meaning first, then numbers, then methods, then where they come from.
    """
    population, taxonomy = analysis.population, analysis.taxonomy
    side = population.labelled_side
    sections = [one_side_section(population, side)] if side else []
    if not side:
        sections = [
            movement_section(population, taxonomy),
            categories_section(population, taxonomy),
            origin_section(population.escalation_origin, taxonomy),
        ]
    if refusal_metrics(population):
        sections.append(refusals_section(population, taxonomy))
    if any(measure.placed for measure in population.one_bit):
        sections.append(one_bit_section(population.one_bit))
    if population.relevance is not None:
        sections.append(
            relevance_section(
                population.relevance,
                taxonomy,
                analysis.settings.confidence,
                population.overall["on_task"],
            )
        )
    within = sets_section(analysis)
    if within is not None:
        sections.append(within)
    sections += [_groups(column, groups) for column, groups in analysis.groups.items()]
    if analysis.leave_one_out is not None and analysis.leave_one_out.sentence is not None:
        sections.append(hangs_section(analysis.leave_one_out, analysis.heterogeneity))
    if analysis.corrected is not None:
        sections.append(corrected_section(analysis.corrected))
    elif analysis.tipping:
        sections.append(tipping_section(analysis.tipping))
    sections += [
        *([] if side == "prompt" else [cases_section(analysis)]),
        card_section(analysis.card),
        _methods(analysis),
        provenance_section(analysis.provenance, analysis.settings),
    ]
    return Document(
        title="How risk moves from prompt to response",
        subtitle=f"{counted(population.records, 'pair')} from {source_name(analysis.provenance.source)}",
        summary=analysis.summary,
        caveats=analysis.notes,
        sections=tuple(sections),
    )


def _groups(column: str, groups: Mapping[str, Population]) -> Section:
    blocks: list[Block] = [
        Paragraph(
            f"The same rates by {column}. Overlapping intervals do not show that two groups are alike, nor separate "
            "ones that they differ as much as it seems: groups that answered the same prompts are better compared "
            "prompt by prompt."
        )
    ]
    if len(groups) <= MOST_GROUPS_DRAWN:
        blocks += _group_figure(column, groups)
    blocks.append(_rates_by(column, groups))
    if any(population.labelled_side is None for population in groups.values()):
        blocks.append(_persistence_by(column, groups))
    return Section(f"Side by side: {column}", f"by-{column}", tuple(blocks), brief=True)


def _side_by_side(groups: Mapping[str, Population]) -> list[str]:
    """Name the rates that groups are shown by: both directions where the data tell refusals."""
    wanted = [*SIDE_BY_SIDE, *REFUSALS]
    there = [name for name in wanted if any(name in group.overall for group in groups.values())]
    told = [n for n in there if any(group.overall[n].trials for group in groups.values())]
    return told or there


def _rates_by(column: str, groups: Mapping[str, Population]) -> Table:
    names = _side_by_side(groups)
    everything = [group.overall[name] for group in groups.values() for name in names]
    columns = (
        Column[_Group](column, lambda group: group[0], text=True),
        Column("Pairs", lambda group: f"{group[1].records:,}", essential=False),
        *map(_rate_of_group, names),
    )
    caption = f"Rates by {column}{_in_brackets(everything)}"
    return table(caption, groups.items(), columns, notes=_group_notes(everything))


def _rate_of_group(name: str) -> Column[_Group]:
    return Column(
        spoken(name),
        lambda group: estimate_and_spread(group[1].overall[name]),
        essential=name in NARROW or "refusal" in name,
    )


def _persistence_by(column: str, groups: Mapping[str, Population]) -> Table:
    rates = {
        value: [category.rates["persistence"] for category in population.categories.values()]
        for value, population in groups.items()
    }
    everything = [rate for row in rates.values() for rate in row]
    return Table(
        f"Persistence by {column}{_in_brackets(everything)}",
        (column, *next(iter(groups.values())).categories),
        tuple((value, *map(estimate_and_spread, row)) for value, row in rates.items()),
        notes=_group_notes(everything),
    )


def _in_brackets(rates: Sequence[Rate]) -> str:
    return f" ({interval_heading(rates)})" if any(rate.interval for rate in rates) else ""


def _group_notes(rates: Sequence[Rate]) -> tuple[str, ...]:
    missing = "Missing labels could move some of these rates; results.json says how far."
    return rate_notes(rates) + ((missing,) if any(rate.missing for rate in rates) else ())


def _group_figure(column: str, groups: Mapping[str, Population]) -> Iterator[Figure]:
    names = _side_by_side(groups)
    series = tuple(map(spoken, names))
    rows = tuple(
        dot(value, spoken(name), population.overall[name])
        for value, population in groups.items()
        for name in names
        if population.overall[name].interval is not None
    )
    told = "; ".join(
        f"{value}: "
        + ", ".join(f"{spoken(name)} {percent(p.overall[name].estimate)}" for name in names)
        for value, p in groups.items()
    )
    if rows:
        yield interval_figure(
            f"rates-by-{column}",
            f"Rates by {column}",
            f"Dots with intervals. {told}.",
            rows,
            list(groups),
            series,
        )


def _methods(analysis: Analysis) -> Section:
    taxonomy, settings = analysis.taxonomy, analysis.settings
    first_harmful = taxonomy.levels[taxonomy.harmful_from]
    harmful = f"{first_harmful} or more" if taxonomy.harmful_from < taxonomy.top else first_harmful
    how = [
        f"Each side of a pair has one severity in {_each(len(taxonomy.categories))}: "
        f"{' < '.join(taxonomy.levels)}. Harmful means {harmful}. p and r are the highest severity of "
        "prompt and response, p_c and r_c those in one category, h the first harmful level, K the number of levels.",
        "A missing label is never read as safe, and a known harm is never dropped: a severity lies between the highest "
        "known label and, if any label is missing, the top. Where that leaves no record open, a rate counts all of "
        "them; else it is that of the records with all labels, moved to the nearest share that the missing labels "
        "allow, and the page says how far they could move it.",
        f"Intervals of a rate: {settings.interval} at {unrounded(settings.confidence)}. Where records share a prompt: "
        "the same on the effective number of records, from the design effect (by the linearised variance between "
        "prompts or a beta-binomial model with a prior on the correlation within prompts, whichever is larger, because "
        "few events make the first look too small) and Student's t (Korn and Graubard 1998). In results.json the "
        "percentile bootstrap of whole prompts stands beside it; with few events it covers worse.",
        "Differences between categories: MOVER (Zou and Donner 2008) with the correlation of the two rates, "
        "kept below 1 by four pseudo-prompts; for all at once: the same from Clopper-Pearson intervals at "
        "Bonferroni's level. Mean of the severity's move: linearised variance between prompts and Student's t.",
    ]
    if analysis.population.relevance is not None:
        how.append(
            "Relevance: chi-square with both margins fixed by permutation, Fisher's exact test for two by two, "
            "Cramér's V (corrected: Bergsma 2013), Goodman and Kruskal's gamma; p corrected by Holm within each "
            "family. Where prompts repeat, Rao and Scott's second-order correction with an F distribution instead."
        )
    if sets_section(analysis) is not None:
        how.append(METHOD)
    return Section(
        "Methods and definitions",
        "methods",
        (
            Bullets(tuple(how)),
            Terms(_terms(analysis.population.overall, OVERALL)),
            Terms(_terms(next(iter(analysis.population.categories.values())).rates, CATEGORY)),
        ),
    )


def _each(categories: int) -> str:
    return "the one category" if categories == 1 else f"each of {categories} categories"


def _terms(used: Container[str], everything: Sequence[Metric]) -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (metric.name, f"{metric.event_formula} | {metric.given_formula}", metric.meaning)
        for metric in everything
        if metric.name in used and metric.on_page
    )
