"""How risk moves from prompt to response, and how escalations come about."""

from collections.abc import Iterator, Mapping

from riskshift.analysis.exposure import ASSUMED, Chance, Exposure
from riskshift.analysis.metrics import OVERALL, Metric
from riskshift.analysis.rates import Rate, unrounded
from riskshift.analysis.transitions.origin import EscalationOrigin, Origin
from riskshift.analysis.transitions.population import Population
from riskshift.analysis.words import enumerate_words, percent, percent_range, spoken, spread
from riskshift.report.document import Block, Figure, Matrix, Paragraph, Section, Table
from riskshift.report.stories.rates import interval_heading, range_if_known, rate_notes, rate_table
from riskshift.report.tables import Column, table
from riskshift.taxonomy import Taxonomy

_Named = tuple[str, Rate]


def movement_section(population: Population, taxonomy: Taxonomy) -> Section:
    """Show where pairs go from prompt to response, and the rates over all categories."""
    shift = population.shift
    mean = "No pair has all its labels, so none is placed."
    if shift.estimate is not None:
        mean = f"On average severity moves by {shift.estimate:+.2f} levels"
        if shift.interval is not None:
            at = unrounded(shift.interval.confidence)
            mean += f" ({at} interval {shift.interval.low:+.2f} to {shift.interval.high:+.2f})"
        mean += "."
    blocks: list[Block] = [
        Paragraph(
            "Each pair is placed by the highest severity of its prompt (row) and of its response (column), over all "
            "categories. Below the diagonal the response is less severe than the prompt; above it, more. "
            f"{mean}"
        ),
        Matrix("Pairs by prompt and response severity", taxonomy.levels, population.matrix.rows),
        rate_table("Rates over all categories", population.overall, severity_metrics(population)),
        *_exposure(population.exposure),
    ]
    return Section("How risk moves", "movement", tuple(blocks), brief=True)


def severity_metrics(population: Population) -> list[Metric]:
    """Return the metrics that look at severities alone."""
    return [m for m in OVERALL if not m.beside and m.name in population.overall]


def one_side_section(population: Population, side: str) -> Section:
    """Show what can be told where one side alone has labels of severity, and name the rest."""
    there = "response" if side == "prompt" else "prompt"
    told = [m for m in severity_metrics(population) if population.overall[m.name].trials]
    lacking = [m.name for m in severity_metrics(population) if m not in told]
    name = "prompt_prevalence" if side == "prompt" else "response_prevalence"
    rates = [(c, category.rates[name]) for c, category in population.categories.items()]
    columns = (
        Column[_Named]("Category", lambda item: item[0], text=True),
        Column[_Named]("Events", lambda item: f"{item[1].events:,}"),
        Column[_Named]("Of", lambda item: f"{item[1].trials:,}"),
        Column[_Named]("Estimate", lambda item: percent(item[1].estimate)),
        Column[_Named](interval_heading([r for _, r in rates]), lambda item: spread(item[1])),
    )
    blocks = (
        Paragraph(
            f"Only {side}s have labels of severity. What compares them with the {there}s is missing here, not zero: "
            f"{enumerate_words([spoken(metric) for metric in lacking])}; also whether harm persists, drifts in or "
            f"escalates. Label the {there}s to know."
        ),
        rate_table("What can be told", population.overall, told),
        table(f"How often {side}s are harmful, by category", rates, columns),
    )
    return Section(f"The {side}s alone", "one-side", blocks, brief=True)


def _exposure(exposure: Exposure) -> Iterator[Block]:
    """Show what the rate of severe responses means for whoever uses a model often."""
    if exposure.sentence is None:
        return
    yield Paragraph(exposure.sentence)
    columns = [
        Column[Chance]("Uses", lambda chance: f"{chance.uses:,}", text=True),
        Column("Chance", lambda chance: percent(chance.estimate)),
        Column(interval_heading([exposure.rate]), _held),
    ]
    if exposure.rate.missing:
        columns.append(Column("If missing labels were known", _worst))
    yield table(
        f"The chance of at least one event of {spoken(exposure.metric)} in many uses",
        exposure.chances,
        columns,
        notes=(
            f"1 - (1 - rate) ^ uses, {ASSUMED}. A user who asks again about the same thing, or an attacker, is "
            "exposed otherwise.",
        ),
    )


def _held(chance: Chance) -> str:
    held = chance.interval
    return "" if held is None else percent_range(held.low, held.high)


def _worst(chance: Chance) -> str:
    worst = chance.worst_case
    return "" if worst is None else percent_range(*worst)


def origin_section(origin: EscalationOrigin, taxonomy: Taxonomy) -> Section:
    """Show from which prompts escalations come, and how severe they get."""
    kinds: dict[str, Origin] = {
        "unsolicited elaboration": origin.unsolicited_elaboration,
        "compliance escalation": origin.compliance_escalation,
    }
    if origin.topic_mandated is not None:
        kinds = {
            "unsolicited elaboration": origin.unsolicited_elaboration,
            "  of which topic-mandated": origin.topic_mandated,
            "compliance escalation": origin.compliance_escalation,
        }
    blocks: list[Block] = [
        Paragraph(
            "An escalation from a harmless prompt is unsolicited elaboration: the model brought the harm. One from a "
            "harmful prompt is compliance that goes further than what was asked."
        ),
        _origin_table(kinds),
        table(
            "Severity at which escalations land",
            origin.landing_severity.items(),
            (
                Column[tuple[int, int]](
                    "Response severity", lambda landed: taxonomy.levels[landed[0]], text=True
                ),
                Column("Escalations", lambda landed: f"{landed[1]:,}"),
            ),
        ),
    ]
    if origin.topic_mandated is not None:
        blocks.insert(
            1,
            Paragraph(
                "Topic-mandated: the benchmark itself calls the prompt benign, so an honest answer to a legitimate "
                "question may be what the rubric rates as severe."
            ),
        )
    if origin.unsolicited_elaboration.of_escalations.trials:
        blocks.insert(-2, _origin_figure(kinds))
    return Section("How escalations come about", "origin", tuple(blocks), brief=True)


def _origin_table(kinds: Mapping[str, Origin]) -> Table:
    rates = [rate for kind in kinds.values() for rate in (kind.of_escalations, kind.of_records)]
    interval = interval_heading(rates)
    columns = [
        Column[tuple[str, Origin]]("Origin", lambda kind: kind[0], text=True),
        Column("Events", lambda kind: f"{kind[1].of_records.events:,}"),
        Column("Of escalations", lambda kind: percent(kind[1].of_escalations.estimate)),
        Column(interval, lambda kind: spread(kind[1].of_escalations)),
        Column("Of all pairs", lambda kind: percent(kind[1].of_records.estimate)),
        Column(interval, lambda kind: spread(kind[1].of_records), essential=False),
    ]
    if any(rate.missing for rate in rates):
        columns.append(
            Column(
                "Of all pairs, if missing labels were known",
                lambda kind: range_if_known(kind[1].of_records),
                essential=False,
            )
        )
    return table("Escalations by origin", kinds.items(), columns, notes=rate_notes(rates))


def _origin_figure(kinds: Mapping[str, Origin]) -> Figure:
    whole = {name: kind for name, kind in kinds.items() if not name.startswith(" ")}
    rows: tuple[dict[str, str | float | int], ...] = tuple(
        {
            "label": "escalations",
            "part": name,
            "share": kind.of_escalations.estimate or 0.0,
            "count": kind.of_records.events,
        }
        for name, kind in whole.items()
    )
    told = ", ".join(
        f"{name} {percent(kind.of_escalations.estimate)}" for name, kind in whole.items()
    )
    return Figure(
        "escalation-origin",
        "bars",
        "Escalations by origin",
        f"One bar of all escalations: {told}.",
        rows,
        ("escalations",),
        tuple(whole),
    )
