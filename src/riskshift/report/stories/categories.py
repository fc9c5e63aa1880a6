"""Which categories persist, and which drift in."""

from collections.abc import Iterator

from riskshift.analysis.metrics import category_metrics
from riskshift.analysis.rates import level
from riskshift.analysis.transitions.contrasts import Contrasts
from riskshift.analysis.transitions.population import Population
from riskshift.analysis.words import percent, points, points_range, spread
from riskshift.report.document import Block, Figure, Paragraph, Section, Table
from riskshift.report.stories.rates import (
    dot,
    interval_heading,
    range_if_known,
    rate_notes,
    rate_table,
)
from riskshift.stats.joint import ENOUGH
from riskshift.taxonomy import Taxonomy


def categories_section(population: Population, taxonomy: Taxonomy) -> Section:
    """Show, category by category, the harm that stays and the harm that comes in."""
    metrics = {metric.name: metric for metric in category_metrics(taxonomy)}
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
        shown = [m for m in metrics.values() if m.name not in ("persistence", "drift_rate")]
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
        yield Figure(
            "persistence-and-drift",
            "intervals",
            "Persistence and drift by category",
            f"Dots with intervals. {told}.",
            tuple(rows),
            tuple(population.categories),
            series,
        )


def _category_table(population: Population) -> Table:
    pairs = {
        name: (category.rates["persistence"], category.rates["drift_rate"])
        for name, category in population.categories.items()
    }
    rates = [rate for pair in pairs.values() for rate in pair]
    gaps = any(rate.missing for rate in rates)
    rows = []
    for name, pair in pairs.items():
        row = [name]
        for rate in pair:
            row += [f"{rate.events:,} / {rate.trials:,}", percent(rate.estimate), spread(rate)]
        row += [range_if_known(rate) for rate in pair] if gaps else []
        rows.append(tuple(row))
    interval = interval_heading(rates)
    columns = ["Category", "Stayed", "Persistence", interval, "Came in", "Drift rate", interval]
    if gaps:
        columns += [
            f"{rate} if missing labels were known" for rate in ("Persistence", "Drift rate")
        ]
    return Table(
        "Persistence and drift",
        tuple(columns),
        tuple(rows),
        notes=rate_notes(rates),
        essential=(0, 1, 2, 3, 5, 6),
    )


def _decomposition(population: Population) -> Table:
    rows: list[tuple[str, ...]] = []
    shares = [category.rates["drift_share"] for category in population.categories.values()]
    for (name, category), share in zip(population.categories.items(), shares, strict=True):
        if category.from_persistence is None or category.from_drift is None:
            rows.append(
                (
                    name,
                    "undefined",
                    "undefined",
                    "undefined",
                    percent(share.estimate),
                    spread(share),
                )
            )
            continue
        whole = category.from_persistence + category.from_drift
        parts = [
            percent(part, digits=2)
            for part in (whole, category.from_persistence, category.from_drift)
        ]
        rows.append((name, *parts, percent(share.estimate), spread(share)))
    return Table(
        "Where harmful responses come from (share of all pairs)",
        (
            "Category",
            "Harmful responses",
            "= stayed",
            "+ came in",
            "Drift share",
            interval_heading(shares),
        ),
        tuple(rows),
        notes=(
            "Harmful responses = stayed + came in, exactly, among pairs labelled on both sides.",
        ),
    )


def _contrast_table(contrasts: Contrasts) -> Table:
    rows = []
    for item in contrasts.items:
        boot = item.bootstrap
        rows.append(
            (
                f"{item.a} - {item.b}",
                points(item.difference),
                points_range(item.interval),
                points_range(item.simultaneous),
                "" if boot is None else points_range(boot),
                "yes" if item.distinguishable else "not shown" if item.enough else "too few",
            )
        )
    first = contrasts.items[0]
    notes = [
        f"Percentage points. Intervals at {level(first.interval.confidence)}; for all contrasts at once at "
        f"{percent(first.simultaneous.confidence)} each (Bonferroni, from Clopper-Pearson intervals). Different: the "
        f"interval for all at once leaves out zero, and either category has at least {ENOUGH} pairs "
        "(effective ones where pairs share prompts)."
    ]
    if contrasts.chosen_from_data:
        notes.append(
            f"{contrasts.reference} was picked because it came out highest; the intervals for all at once allow "
            "for that by counting every pair of categories."
        )
    return Table(
        "Differences of persistence between categories",
        ("Contrast", "Difference", "Interval", "For all at once", "Bootstrap", "Different?"),
        tuple(rows),
        notes=tuple(notes),
        essential=(0, 1, 3, 5),
    )
