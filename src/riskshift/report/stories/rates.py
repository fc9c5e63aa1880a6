"""Rates in tables and figures: headings, cells and footnotes."""

from collections.abc import Mapping, Sequence

from riskshift.analysis.correction.rates import Share
from riskshift.analysis.metrics import Metric
from riskshift.analysis.rates import Rate, unrounded
from riskshift.analysis.words import enumerate_words, percent, percent_range, spoken, spread
from riskshift.report.document import Table
from riskshift.report.tables import Column, table


def rate_table(caption: str, rates: Mapping[str, Rate], metrics: Sequence[Metric]) -> Table:
    """Set rates out in a table with their counts, intervals and what limits them."""
    shown = [rates[metric.name] for metric in metrics if metric.on_page]
    formulas = {
        metric.name: f"{metric.event_formula} | {metric.given_formula}" for metric in metrics
    }
    columns = [
        Column[Rate]("Rate", lambda rate: spoken(rate.name), text=True),
        Column("Event | among", lambda rate: formulas[rate.name], text=True, essential=False),
        Column("Events", lambda rate: f"{rate.events:,}"),
        Column("Of", lambda rate: f"{rate.trials:,}"),
        Column("Estimate", lambda rate: percent(rate.estimate)),
        Column(interval_heading(shown), spread),
    ]
    if any(rate.deff is not None for rate in shown):
        columns.append(Column("Design effect", _deff, essential=False))
    if any(rate.missing for rate in shown):
        columns.append(Column("If missing labels were known", range_if_known, essential=False))
    wanted = [spoken(m.name) for m in metrics if m.on_page and m.bad is False]
    better = [f"Higher is better: {enumerate_words(wanted)}."] if wanted else []
    return table(caption, shown, columns, notes=(*better, *rate_notes(shown)))


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


def dot(label: str, series: str, rate: Rate | Share) -> dict[str, str | float | int]:
    """Return a rate or a share as one row of a figure of intervals."""
    if rate.interval is None or rate.estimate is None:
        raise ValueError(f"{label} is undefined and cannot be drawn")
    low, high = rate.interval.low, rate.interval.high
    return {"label": label, "series": series, "estimate": rate.estimate, "low": low, "high": high}
