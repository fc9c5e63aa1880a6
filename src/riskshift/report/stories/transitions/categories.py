"""Which categories persist, and which drift in."""

from collections.abc import Iterator
from typing import Final

from riskshift.analysis.metrics import category_metrics
from riskshift.analysis.rates import Rate, unrounded
from riskshift.analysis.transitions.contrasts import Contrast, Contrasts
from riskshift.analysis.transitions.movement import Category
from riskshift.analysis.transitions.population import Population
from riskshift.analysis.words import percent, points, points_range, spread
from riskshift.report.document import Block, Figure, Paragraph, Section, Table
from riskshift.report.stories.rates import (
    dot,
    interval_figure,
    interval_heading,
    range_if_known,
    rate_notes,
    rate_table,
)
from riskshift.report.tables import Column, table
from riskshift.stats.clusters.joint import ENOUGH
from riskshift.taxonomy import Taxonomy

_Named = tuple[str, Category]
_CATEGORY: Final = Column[_Named]("Category", lambda item: item[0], text=True)


def categories_section(population: Population, taxonomy: Taxonomy) -> Section:
    """Show, category by category, the harm that stays and the harm that comes in."""
    shown = [
        metric
        for metric in category_metrics(taxonomy)
        if metric.name not in ("persistence", "drift_rate")
    ]
    blocks: list[Block] = [
        Paragraph(
            "Harm in a response either was in the prompt and stayed (persistence) or was not there and came in "
            "(drift). The two are different failures: the first is compliance, the second is harm nobody asked for."
        ),
        *_two_rates(population),
        _category_table(population),
        _decomposition(population),
    ]
    if population.contrasts.items:
        blocks.append(_contrast_table(population.contrasts))
    for name, category in population.categories.items():
        blocks.append(rate_table(f"{name}: other rates", category.rates, shown))
    return Section(
        "Which categories persist, and which drift in", "categories", tuple(blocks), brief=True
    )


def _two_rates(population: Population) -> Iterator[Figure]:
    series = ("persistence", "drift rate")
    rows = [
        dot(name, label, category.rates[metric])
        for name, category in population.categories.items()
        for label, metric in zip(series, ("persistence", "drift_rate"), strict=True)
        if category.rates[metric].interval is not None
    ]
    told = "; ".join(
        f"{name} persistence {percent(category.rates['persistence'].estimate)}, "
        f"drift {percent(category.rates['drift_rate'].estimate)}"
        for name, category in population.categories.items()
    )
    if rows:
        yield interval_figure(
            "persistence-and-drift",
            "Persistence and drift by category",
            f"Dots with intervals. {told}.",
            rows,
            list(population.categories),
            series,
        )


def _category_table(population: Population) -> Table:
    categories = population.categories
    rates = [c.rates[name] for c in categories.values() for name in ("persistence", "drift_rate")]
    interval = interval_heading(rates)
    columns = [
        _CATEGORY,
        *_rate_columns("persistence", "Stayed", "Persistence", interval),
        *_rate_columns("drift_rate", "Came in", "Drift rate", interval),
    ]
    if any(rate.missing for rate in rates):
        columns += [
            _known_column("persistence", "Persistence"),
            _known_column("drift_rate", "Drift rate"),
        ]
    return table("Persistence and drift", categories.items(), columns, notes=rate_notes(rates))


def _rate_columns(
    name: str, events: str, heading: str, interval: str
) -> tuple[Column[_Named], ...]:
    def rate(item: _Named) -> Rate:
        return item[1].rates[name]

    return (
        Column(
            events,
            lambda item: f"{rate(item).events:,} / {rate(item).trials:,}",
            essential=name == "persistence",
        ),
        Column(heading, lambda item: percent(rate(item).estimate)),
        Column(interval, lambda item: spread(rate(item))),
    )


def _known_column(name: str, heading: str) -> Column[_Named]:
    return Column(
        f"{heading} if missing labels were known",
        lambda item: range_if_known(item[1].rates[name]),
        essential=False,
    )


def _decomposition(population: Population) -> Table:
    categories = population.categories
    interval = interval_heading([c.rates["drift_share"] for c in categories.values()])
    return table(
        "Where harmful responses come from (share of all pairs)",
        categories.items(),
        (
            _CATEGORY,
            Column("Harmful responses", lambda item: _share(_whole(item[1]))),
            Column("= stayed", lambda item: _share(item[1].from_persistence)),
            Column("+ came in", lambda item: _share(item[1].from_drift)),
            Column("Drift share", lambda item: percent(item[1].rates["drift_share"].estimate)),
            Column(interval, lambda item: spread(item[1].rates["drift_share"])),
        ),
        notes=(
            "Harmful responses = stayed + came in, exactly, among pairs labelled on both sides.",
        ),
    )


def _share(part: float | None) -> str:
    return percent(part, digits=2)


def _whole(category: Category) -> float | None:
    if category.from_persistence is None or category.from_drift is None:
        return None
    return category.from_persistence + category.from_drift


def _contrast_table(contrasts: Contrasts) -> Table:
    first = contrasts.items[0]
    notes = [
        f"Percentage points. Intervals at {unrounded(first.interval.confidence)}; for all contrasts at once at "
        f"{percent(first.simultaneous.confidence)} each (Bonferroni, from Clopper-Pearson intervals). Different: the "
        f"interval for all at once leaves out zero, and either category has at least {ENOUGH} pairs "
        "(effective ones where pairs share prompts)."
    ]
    if contrasts.chosen_from_data:
        notes.append(
            f"{contrasts.reference} was picked because it came out highest; the intervals for all at once allow "
            "for that by counting every pair of categories."
        )
    return table(
        "Differences of persistence between categories",
        contrasts.items,
        (
            Column[Contrast]("Contrast", lambda item: f"{item.a} - {item.b}", text=True),
            Column("Difference", lambda item: points(item.difference)),
            Column("Interval", lambda item: points_range(item.interval), essential=False),
            Column("For all at once", lambda item: points_range(item.simultaneous)),
            Column("Bootstrap", _bootstrap, essential=False),
            Column("Different?", _different),
        ),
        notes=notes,
    )


def _bootstrap(item: Contrast) -> str:
    return "" if item.bootstrap is None else points_range(item.bootstrap)


def _different(item: Contrast) -> str:
    if item.distinguishable:
        return "yes"
    return "not shown" if item.enough else "too few"
