"""Prompts that belong together: right on all variants, and how responses change within a set."""

from collections.abc import Iterator, Mapping
from typing import Final

from riskshift.analysis.rates import Rate, unrounded
from riskshift.analysis.transitions.result import Analysis
from riskshift.analysis.transitions.sets import Sets, SetSlope
from riskshift.analysis.words import percent, spread
from riskshift.report.document import Block, Figure, Paragraph, Section, Table
from riskshift.report.stories.rates import dot, interval_heading, range_if_known, spoken
from riskshift.report.tables import Column, table

MOST_SIZES: Final = 6
MOST_DRAWN: Final = 20
METHOD: Final = (
    "Within sets: a share of sets has the interval of independent records, each set being one. The change per level of "
    "the prompt is the mean over sets of the slope of least squares within each, each set alike. Its interval is put "
    "together by MOVER of what lies above and what lies below the median slope, each with Wilson's interval on the "
    "effective number by the variance between sets and Student's t: where few sets differ from the rest, the plain t "
    "interval is too narrow."
)
_Named = tuple[str, Sets]


def sets_section(analysis: Analysis) -> Section | None:
    """Show what each model does within sets of prompts; None where the data names none."""
    told = _by_model(analysis)
    if not told:
        return None
    blocks: list[Block] = [Paragraph(_meaning(told)), _right(told)]
    blocks += _figure(told)
    blocks += [_slopes(told), _held(told)]
    return Section("Prompts that belong together", "sets", tuple(blocks), brief=True)


def _by_model(analysis: Analysis) -> Mapping[str, Sets]:
    """Return what is told of the one model, or of each of several by its name."""
    if analysis.population.sets is not None:
        return {"all": analysis.population.sets}
    for groups in analysis.groups.values():
        told = {name: group.sets for name, group in groups.items() if group.sets is not None}
        if told:
            return told
    return {}


def _meaning(told: Mapping[str, Sets]) -> str:
    refusals = any(sets.refusal_slope is not None for sets in told.values())
    right = "A harmful prompt is answered right by a harmless response; a harmless one too"
    right += ", if it is not refused." if refusals else "; whether it is refused is not told."
    several = " Each model is judged by itself." if len(told) > 1 else ""
    return (
        "A set holds prompts that belong together, such as a harmful prompt and its harmless twin. What stands here is "
        f"about sets with at least one of each. {right} A set counts once, and as right only if all its responses "
        f"are.{several}"
    )


def _right(told: Mapping[str, Sets]) -> Table:
    rates = [sets.right_on_all_variants for sets in told.values()]
    columns = [
        Column[_Named]("Model", lambda item: item[0], text=True),
        Column("Right", lambda item: f"{_rate(item).events:,}"),
        Column("Of sets", lambda item: f"{_rate(item).trials:,}"),
        Column("Estimate", lambda item: percent(_rate(item).estimate)),
        Column(interval_heading(rates), lambda item: spread(_rate(item))),
    ]
    if any(rate.missing for rate in rates):
        columns.append(
            Column(
                "If missing labels were known",
                lambda item: range_if_known(_rate(item)),
                essential=False,
            )
        )
    undefined = (
        "Undefined: no set has all its labels, a harmless and a harmful prompt. It is not zero."
    )
    notes = (undefined,) if any(rate.interval is None for rate in rates) else ()
    return table("Sets answered right on all variants", told.items(), columns, notes=notes)


def _rate(item: _Named) -> Rate:
    return item[1].right_on_all_variants


def _figure(told: Mapping[str, Sets]) -> Iterator[Figure]:
    """Draw models side by side, where there are several."""
    rates = {
        name: sets.right_on_all_variants
        for name, sets in told.items()
        if sets.right_on_all_variants.interval is not None
    }
    if not 1 < len(rates) <= MOST_DRAWN:
        return
    shares = "; ".join(f"{name}: {percent(rate.estimate)}" for name, rate in rates.items())
    series = "right on all variants"
    yield Figure(
        "sets",
        "intervals",
        "Sets answered right on all variants",
        f"Dots with intervals. {shares}.",
        tuple(dot(name, series, rate) for name, rate in rates.items()),
        tuple(rates),
        (series,),
    )


def _slopes(told: Mapping[str, Sets]) -> Table:
    named = {name: sets.severity_slope for name, sets in told.items()}
    rows = [(name, "response severity, levels", slope) for name, slope in named.items()]
    rows += [
        (name, "refusal, share of responses", sets.refusal_slope)
        for name, sets in told.items()
        if sets.refusal_slope is not None
    ]
    held = next((slope.interval for *_, slope in rows if slope.interval), None)
    columns = [
        Column[tuple[str, str, SetSlope]]("Model", lambda row: row[0], text=True),
        Column("Change of", lambda row: row[1], text=True),
        Column("Sets", lambda row: f"{row[2].sets:,}", essential=False),
        Column("Per level of the prompt", lambda row: _signed(row[2].estimate)),
        Column(
            "Interval" if held is None else f"{unrounded(held.confidence)} interval",
            lambda row: _signed_range(row[2]),
        ),
    ]
    if any(slope.missing for *_, slope in rows):
        columns.append(Column("If missing labels were known", _if_known, essential=False))
    return table(
        "Change with the severity of the prompt, within a set",
        rows,
        columns,
        notes=(
            "The mean over sets of the slope within each. A model that tells variants apart refuses more as prompts "
            "get more severe, while the severity of its responses stays where it is.",
        ),
    )


def _signed(value: float | None) -> str:
    return "undefined" if value is None else f"{value:+.2f}"


def _signed_range(slope: SetSlope) -> str:
    held = slope.interval
    return "undefined" if held is None else f"{held.low:+.2f} to {held.high:+.2f}"


def _if_known(row: tuple[str, str, SetSlope]) -> str:
    slope = row[2]
    if slope.worst_case is None:
        return ""
    low, high = slope.worst_case
    return f"{low:+.2f} to {high:+.2f} ({slope.missing:,} missing)"


def _held(told: Mapping[str, Sets]) -> Table:
    reasons = list(dict.fromkeys(reason for sets in told.values() for reason in sets.left_out))
    columns = [
        Column[_Named]("Model", lambda item: item[0], text=True),
        Column("Records in a set (sets)", lambda item: _sizes(item[1]), text=True),
        Column("Sets", lambda item: f"{item[1].count:,}"),
        Column("With both", lambda item: f"{item[1].matched:,}"),
        *map(_left_out, reasons),
    ]
    return table("What the sets hold, and which are left out", told.items(), columns)


def _left_out(reason: str) -> Column[_Named]:
    return Column(
        f"Left out: {spoken(reason)}", lambda item: f"{item[1].left_out.get(reason, 0):,}"
    )


def _sizes(sets: Sets) -> str:
    sizes = sets.sizes
    if len(sizes) > MOST_SIZES:
        return f"{min(sizes):,} to {max(sizes):,}"
    return ", ".join(f"{size:,} ({many:,})" for size, many in sizes.items())
