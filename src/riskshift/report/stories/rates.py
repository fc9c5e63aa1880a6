"""Rates in tables and figures: headings, cells and footnotes."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from riskshift.analysis.correction.rates import Share
from riskshift.analysis.metrics import Metric
from riskshift.analysis.rates import Rate, unrounded
from riskshift.analysis.words import enumerate_words, percent, percent_range, spoken, spread
from riskshift.report.document import Figure, Table
from riskshift.report.tables import Column, table

LETTERS: Final = (
    "event, then those it is counted among. p and r are the highest severity of prompt and response, p_c and r_c those "
    "in the category, h the first harmful level, K the number of levels."
)
# Fewer records than these never set the ends of an axis.
FEW_RECORDS: Final = 30
# How much longer an axis may be for the sake of few records.
_STRETCH: Final = 1.4


def rate_table(caption: str, rates: Mapping[str, Rate], metrics: Sequence[Metric]) -> Table:
    """Set rates out in a table with their counts, intervals and what limits them."""
    shown = [rates[metric.name] for metric in metrics if metric.on_page]
    told = [_in_words(metric) for metric in metrics if metric.on_page]
    columns = [
        Column[Rate]("Rate", lambda rate: spoken(rate.name), text=True),
        Column("Estimate", lambda rate: percent(rate.estimate)),
        Column(interval_heading(shown), spread),
        Column("Events", lambda rate: f"{rate.events:,}"),
        Column("Of", lambda rate: f"{rate.trials:,}"),
    ]
    if any(rate.deff is not None for rate in shown):
        columns.append(Column("Design effect", _deff, essential=False))
    if any(rate.missing for rate in shown):
        columns.append(Column("If missing labels were known", range_if_known, essential=False))
    wanted = [spoken(m.name) for m in metrics if m.on_page and m.bad is False]
    better = [f"Higher is better: {enumerate_words(wanted)}."] if wanted else []
    return table(caption, shown, columns, notes=(*better, *rate_notes(shown)), told=told)


def _in_words(metric: Metric) -> tuple[str, str]:
    """Say what a rate is a share of, and its formula with what its letters stand for."""
    formula = f"{metric.event_formula} | {metric.given_formula}"
    return metric.meaning, f"{formula}: {LETTERS}"


def _deff(rate: Rate) -> str:
    return "" if rate.deff is None else f"{rate.deff:.2f}"


def interval_heading(rates: Sequence[Rate]) -> str:
    """Head a column of intervals with their confidence."""
    confidence = next((rate.interval.confidence for rate in rates if rate.interval), None)
    return "Interval" if confidence is None else f"{unrounded(confidence)} interval"


def range_if_known(rate: Rate) -> str:
    """Say between which ends missing labels leave a rate."""
    worst = rate.worst_case
    return "" if worst is None else f"{percent_range(*worst)} ({rate.missing:,} missing)"


def rate_notes(rates: Sequence[Rate]) -> tuple[str, ...]:
    """Say what the intervals rest on, and why some rates are undefined."""
    notes = []
    if any(rate.deff is not None for rate in rates):
        notes.append(
            "Records share prompts, so intervals rest on the effective number of records: records / design effect, "
            "less what few prompts cost."
        )
    if any(rate.interval is None for rate in rates):
        notes.append(
            "Undefined: no record that has its labels belongs to the denominator, so nothing can be said. It is not "
            "zero."
        )
    return tuple(notes)


def estimate_and_spread(rate: Rate) -> str:
    """Write a rate with its interval: ``3.2% (2.4% to 4.3%)``."""
    return "undefined" if rate.interval is None else f"{percent(rate.estimate)} ({spread(rate)})"


def dot(
    label: str, series: str, rate: Rate | Share, *, beside: str = ""
) -> dict[str, str | float | int]:
    """Return a rate or a share as one row of a figure of intervals."""
    if rate.interval is None or rate.estimate is None:
        raise ValueError(f"{label} is undefined and cannot be drawn")
    few = isinstance(rate, Rate) and rate.trials < FEW_RECORDS
    return {
        "label": label,
        "series": series,
        "estimate": rate.estimate,
        "low": rate.interval.low,
        "high": rate.interval.high,
        "beside": beside,
        "few": int(few),
    }


def interval_figure(
    name: str,
    title: str,
    alt: str,
    rows: Sequence[dict[str, str | float | int]],
    order: Sequence[str],
    series: Sequence[str] = (),
    *,
    kind: Literal["intervals", "differences"] = "intervals",
    marks: Sequence[float] = (),
    narrow: bool = False,
) -> Figure:
    """Make a figure of dots with intervals whose axis few records cannot stretch."""
    firm = [row for row in rows if not row["few"]]
    limits, notes = None, []
    if 0 < len(firm) < len(rows):
        notes.append(f"Hollow: fewer than {FEW_RECORDS} records.")
        low, high = _ends(firm, marks)
        lowest, highest = _ends(rows, marks)
        if highest - lowest > _STRETCH * (high - low):
            limits = low, high
            notes.append("An arrow: it goes on beyond the axis.")
    return Figure(
        name,
        kind,
        title,
        alt,
        tuple(rows),
        tuple(order),
        tuple(series),
        limits=limits,
        marks=tuple(marks),
        narrow=narrow,
        note=" ".join(notes),
    )


def _ends(
    rows: Sequence[dict[str, str | float | int]], marks: Sequence[float]
) -> tuple[float, float]:
    lows, highs = ([float(row[end]) for row in rows] for end in ("low", "high"))
    return min(*lows, *marks, 0.0), max(*highs, *marks, 0.0)
