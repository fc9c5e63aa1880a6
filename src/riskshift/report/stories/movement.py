"""How risk moves from prompt to response, and how escalations come about."""

from collections.abc import Iterator, Mapping

from riskshift.analysis.exposure import ASSUMED, Exposure
from riskshift.analysis.metrics import overall_metrics
from riskshift.analysis.rates import level
from riskshift.analysis.transitions.movement import EscalationOrigin, Origin
from riskshift.analysis.transitions.population import Population
from riskshift.analysis.words import percent, spread
from riskshift.report.document import Block, Figure, Matrix, Paragraph, Section, Table
from riskshift.report.stories.rates import (
    interval_heading,
    range_if_known,
    rate_notes,
    rate_table,
    spoken,
)
from riskshift.taxonomy import Taxonomy


def movement_section(population: Population, taxonomy: Taxonomy) -> Section:
    """Show where pairs go from prompt to response, and the rates over all categories."""
    shift = population.shift
    mean = "No pair has all its labels, so none is placed."
    if shift.estimate is not None:
        mean = f"On average severity moves by {shift.estimate:+.2f} levels"
        if shift.interval is not None:
            at = level(shift.interval.confidence)
            mean += f" ({at} interval {shift.interval.low:+.2f} to {shift.interval.high:+.2f})"
        mean += "."
    blocks: list[Block] = [
        Paragraph(
            "Each pair is placed by the highest severity of its prompt (row) and of its response (column), over all "
            "categories. Below the diagonal the response is less severe than the prompt; above it, more. "
            f"{mean}"
        ),
        Matrix("Pairs by prompt and response severity", taxonomy.levels, population.matrix.rows),
        rate_table("Rates over all categories", population.overall, overall_metrics(taxonomy)),
        *_exposure(population.exposure),
    ]
    return Section("How risk moves", "movement", tuple(blocks), brief=True)


def _exposure(exposure: Exposure) -> Iterator[Block]:
    """Show what the rate of severe responses means for whoever uses a model often."""
    if exposure.sentence is None:
        return
    yield Paragraph(exposure.sentence)
    gaps = bool(exposure.rate.missing)
    rows = []
    for chance in exposure.chances:
        held, worst = chance.interval, chance.worst_case
        row = [f"{chance.uses:,}", percent(chance.estimate)]
        row += ["" if held is None else f"{percent(held.low)} to {percent(held.high)}"]
        if gaps:
            row += ["" if worst is None else f"{percent(worst[0])} to {percent(worst[1])}"]
        rows.append(tuple(row))
    columns = ["Uses", "Chance", interval_heading([exposure.rate])]
    columns += ["If missing labels were known"] if gaps else []
    yield Table(
        f"The chance of at least one event of {spoken(exposure.metric)} in many uses",
        tuple(columns),
        tuple(rows),
        notes=(
            f"1 - (1 - rate) ^ uses, {ASSUMED}. A user who asks again about the same thing, or an attacker, is "
            "exposed otherwise.",
        ),
    )


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
    rates = [rate for kind in kinds.values() for rate in (kind.of_escalations, kind.of_records)]
    gaps = any(rate.missing for rate in rates)
    rows = []
    for name, kind in kinds.items():
        row = [name, f"{kind.of_records.events:,}"]
        for rate in (kind.of_escalations, kind.of_records):
            row += [percent(rate.estimate), spread(rate)]
        rows.append((*row, range_if_known(kind.of_records)) if gaps else tuple(row))
    interval = interval_heading(rates)
    columns = ["Origin", "Events", "Of escalations", interval, "Of all pairs", interval]
    columns += ["Of all pairs, if missing labels were known"] if gaps else []
    blocks: list[Block] = [
        Paragraph(
            "An escalation from a harmless prompt is unsolicited elaboration: the model brought the harm. One from a "
            "harmful prompt is compliance that goes further than what was asked."
        ),
        Table(
            "Escalations by origin",
            tuple(columns),
            tuple(rows),
            notes=rate_notes(rates),
            essential=(0, 1, 2, 3, 4),
        ),
        Table(
            "Severity at which escalations land",
            ("Response severity", "Escalations"),
            tuple(
                (taxonomy.levels[severity], f"{n:,}")
                for severity, n in origin.landing_severity.items()
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
