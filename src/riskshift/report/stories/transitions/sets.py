"""Prompts that belong together: right on all variants, and how responses change within a set."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from riskshift.analysis.rates import unrounded
from riskshift.analysis.transitions.result import Analysis
from riskshift.analysis.transitions.sets import Sets, SetSlope
from riskshift.analysis.words import percent, spread
from riskshift.report.document import Block, Figure, Paragraph, Section, Table
from riskshift.report.stories.rates import dot, interval_figure, range_if_known
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
    blocks: list[Block] = [
        Paragraph(_meaning(told)),
        _figures(told),
        *_figure(told),
        _held(told),
    ]
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


def _figures(told: Mapping[str, Sets]) -> Table:
    rows = [row for name, sets in told.items() for row in _rows(name, sets)]
    confidence = next((row.confidence for row in rows if row.confidence is not None), None)
    columns = [
        *([Column[_Row]("Model", lambda row: row.model, text=True)] if len(told) > 1 else []),
        Column[_Row]("Within sets", lambda row: row.what, text=True),
        Column("Sets", lambda row: row.sets),
        Column("Estimate", lambda row: row.estimate),
        Column(
            "Interval" if confidence is None else f"{unrounded(confidence)} interval",
            lambda row: row.interval,
        ),
    ]
    if any(row.if_known for row in rows):
        columns.append(
            Column("If missing labels were known", lambda row: row.if_known, essential=False)
        )
    notes = [
        "Changes per prompt level are the mean over sets of the slope within each. A model that tells variants "
        "apart refuses more as prompts get more severe, while the severity of its responses stays where it is."
    ]
    if any(row.confidence is None for row in rows):
        notes.append(
            "Undefined: too few sets with all their labels, a harmless and a harmful prompt. It is not zero."
        )
    return table(
        "What is right in whole sets, and what changes within them", rows, columns, notes=notes
    )


@dataclass(frozen=True)
class _Row:
    """One figure within the sets of one model, in words."""

    model: str
    what: str
    sets: str
    estimate: str
    interval: str
    confidence: float | None
    if_known: str


def _rows(model: str, sets: Sets) -> Iterator[_Row]:
    rate = sets.right_on_all_variants
    held = rate.interval
    yield _Row(
        model,
        "right on all variants",
        f"{rate.events:,} of {rate.trials:,}",
        percent(rate.estimate),
        spread(rate),
        None if held is None else held.confidence,
        range_if_known(rate),
    )
    yield _change(model, "severity of responses, per prompt level", sets.severity_slope)
    if sets.refusal_slope is not None:
        yield _change(model, "share of refusals, per prompt level", sets.refusal_slope)


def _change(model: str, what: str, slope: SetSlope) -> _Row:
    held, worst = slope.interval, slope.worst_case
    return _Row(
        model,
        what,
        f"{slope.sets:,}",
        "undefined" if slope.estimate is None else f"{slope.estimate:+.2f}",
        "undefined" if held is None else f"{held.low:+.2f} to {held.high:+.2f}",
        None if held is None else held.confidence,
        "" if worst is None else f"{worst[0]:+.2f} to {worst[1]:+.2f} ({slope.missing:,} missing)",
    )


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
    yield interval_figure(
        "sets",
        "Sets answered right on all variants",
        f"Dots with intervals. {shares}.",
        [dot(name, series, rate) for name, rate in rates.items()],
        list(rates),
        (series,),
    )


def _held(told: Mapping[str, Sets]) -> Table:
    reasons = list(dict.fromkeys(reason for sets in told.values() for reason in sets.left_out))
    columns = [
        *([Column[_Named]("Model", lambda item: item[0], text=True)] if len(told) > 1 else []),
        Column[_Named]("Records in a set (sets)", lambda item: _sizes(item[1]), text=True),
        Column("Sets", lambda item: f"{item[1].count:,}"),
        Column("With both", lambda item: f"{item[1].matched:,}"),
        *map(_left_out, reasons),
    ]
    return table("What the sets hold, and which are left out", told.items(), columns)


def _left_out(reason: str) -> Column[_Named]:
    return Column(f"Left out: {reason}", lambda item: f"{item[1].left_out.get(reason, 0):,}")


def _sizes(sets: Sets) -> str:
    sizes = sets.sizes
    if len(sizes) > MOST_SIZES:
        return f"{min(sizes):,} to {max(sizes):,}"
    return ", ".join(f"{size:,} ({many:,})" for size, many in sizes.items())
