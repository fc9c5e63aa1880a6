"""A plan as a document: the answer, a table, a picture, and what is assumed."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

from riskshift.analysis.plan.margins import MarginPlan
from riskshift.analysis.plan.needs import Curve, DifferencePlan, GatePlan, WidthPlan
from riskshift.analysis.plan.pilot import Need, Pilot, need
from riskshift.analysis.plan.result import Plan
from riskshift.analysis.rates import level
from riskshift.analysis.words import exact, percent, percentage_points, spread
from riskshift.errors import OutputError
from riskshift.outputs.places import check_place, write_bytes
from riskshift.report.document import Block, Document, Figure, Section, Table
from riskshift.stats.search import MOST_TRIALS

MOST_CURVES: Final = 5
OUT_OF_REACH: Final = f">{MOST_TRIALS:,}"
Row = dict[str, str | float | int]
T = TypeVar("T")


def story(plan: Plan) -> Document:
    """Arrange a plan for readers.

    Parameters
    ----------
    plan : Plan
        The numbers.

    Returns
    -------
    Document
    """
    answer = plan.answer
    if isinstance(answer, WidthPlan):
        blocks = _width(plan, answer)
    elif isinstance(answer, GatePlan):
        blocks = _gate(plan, answer)
    else:
        blocks = _difference(plan, answer)
    sections = []
    if blocks:
        sections.append(Section("How much", "how-much", tuple(blocks), brief=True))
    if plan.pilot is not None:
        sections.append(_pilot(plan.pilot))
    return Document(
        title="How much evidence is needed",
        subtitle=_question(plan),
        summary=plan.summary,
        caveats=plan.notes,
        sections=tuple(sections),
    )


def _question(plan: Plan) -> str:
    answer = plan.answer
    like = "" if plan.pilot is None else f", with data like {plan.pilot.source}"
    if isinstance(answer, GatePlan | MarginPlan):
        return f"For the gate {answer.rule}{like}"
    if isinstance(answer, DifferencePlan):
        found = f"For a difference of {percentage_points(answer.difference)} in {plan.metric}"
        return f"{found} between two models{like}"
    if answer.asked:
        return f"For an interval of {plan.metric} at most {percentage_points(answer.widths[0])} wide{like}"
    return f"For the interval of {plan.metric}{like}"


def check_picture(path: Path) -> Path:
    """Refuse a picture that could not be written, before any work is done.

    Raises
    ------
    OutputError
        If the path is a folder, or its folder cannot be written to.
    """
    check_place(path, example="plan.svg")
    return path


def write_picture(plan: Plan, path: Path) -> Path:
    """Write the picture of a plan alone, as ``.svg`` or ``.png``.

    Raises
    ------
    OutputError
        If there is nothing to draw, or the file cannot be written.
    """
    from riskshift.report import charts

    figure = next(story(plan).figures(), None)
    if figure is None:
        raise OutputError(f"{path}: this plan has no number to reach, so there is nothing to draw.")
    drawn = charts.png(figure) if path.suffix.lower() == ".png" else charts.svg(figure).encode()
    return write_bytes(check_picture(path), drawn)


def _width(plan: Plan, answer: WidthPlan) -> list[Block]:
    at = level(plan.confidence)
    if not answer.asked:
        return [_overview(plan, answer), *_width_picture(plan, answer)]
    rows = tuple(
        (
            exact(row.rate),
            *_needs(row.need, plan.pilot),
            ""
            if row.interval is None
            else f"{percent(row.interval.low)} to {percent(row.interval.high)}",
        )
        for row in answer.rows
    )
    table = Table(
        f"For a {at} interval at most {percentage_points(answer.widths[0])} wide",
        ("If the rate is", *_headings(plan.pilot), "Interval to expect"),
        rows,
    )
    return [table, *_width_picture(plan, answer)]


def _width_picture(plan: Plan, answer: WidthPlan) -> Iterator[Figure]:
    drawn = _spread([pair for pair in zip(answer.rates, answer.curves, strict=False) if pair[1]])
    if drawn:
        yield _picture(
            "plan-width",
            "Width of the interval to expect",
            {f"rate {exact(rate)}": curve for rate, curve in drawn},
            ("width wanted", answer.widths[0]) if answer.asked else None,
            (f"width of the {level(plan.confidence)} interval", plan.pilot),
            answer.rows[0].need if answer.asked else None,
        )


def _overview(plan: Plan, answer: WidthPlan) -> Table:
    like = plan.pilot
    cells = {(row.rate, row.width): row.need for row in answer.rows}
    rows = tuple(
        (exact(rate), *(_number(cells[rate, width].in_all) for width in answer.widths))
        for rate in answer.rates
    )
    notes = ["Width in percentage points, from one end of the interval to the other."]
    if like is not None and like.clustered:
        notes.append(f"{like.records_per_unit:.3g} records each, as in {like.source}.")
    if like is not None and like.partial:
        notes.append(f"Of these, {percent(like.occupied / like.units)} count for {plan.metric}.")
    return Table(
        f"{_unit(like)} for a {level(plan.confidence)} interval of at most this width",
        ("If the rate is", *(exact(width).removesuffix("%") for width in answer.widths)),
        rows,
        notes=tuple(notes),
    )


def _gate(plan: Plan, answer: GatePlan) -> list[Block]:
    if answer.aim is None:
        return []
    high_passes = (answer.aim == "pass") == (answer.rate > answer.tolerance)
    ends = ("or more", "or fewer") if high_passes else ("or fewer", "or more")
    rows = tuple(
        (
            exact(row.power),
            *_needs(row.need, plan.pilot),
            *(
                "never" if events is None else f"{events:,} {end}"
                for events, end in zip((row.passes_at, row.fails_at), ends, strict=True)
            ),
        )
        for row in sorted(answer.rows, key=lambda row: row.power)
        if row.need.units is not None or row.power == plan.power
    )
    table = Table(
        f"For the gate {answer.rule} to {answer.aim}, if the true rate is {exact(answer.rate)}",
        (f"Chance to {answer.aim}", *_headings(plan.pilot), "Passes with", "Fails with"),
        rows,
        notes=("Events of as many independent records; between the two it is inconclusive.",),
    )
    blocks: list[Block] = [table]
    if answer.curve:
        blocks.append(
            _picture(
                "plan-gate",
                f"Chance that the gate {answer.aim}{'es' if answer.aim == 'pass' else 's'}",
                {f"chance to {answer.aim}": answer.curve},
                ("chance wanted", plan.power),
                (f"chance to {answer.aim}", plan.pilot),
                answer.rows[0].need,
            )
        )
    return blocks


def _difference(plan: Plan, answer: DifferencePlan | MarginPlan) -> list[Block]:
    if not answer.rows:
        return []
    title, chance = "Chance to find the difference", "chance to find it"
    caption = f"To find a difference of {percentage_points(answer.difference)} with a chance of {exact(plan.power)}"
    if isinstance(answer, MarginPlan):
        title = f"Chance that the gate {answer.aim}{'es' if answer.aim == 'pass' else 's'}"
        chance = f"chance to {answer.aim}"
        caption = f"For the gate {answer.rule} to {answer.aim} with a chance of {exact(plan.power)}"
    like = plan.pilot
    partial = like is not None and like.partial
    rows = []
    for row in answer.rows:
        needs = [_number(row.need.independent)] + ([_number(row.need.in_all)] if partial else [])
        rows.append((exact(row.discordant), row.why, *needs))
    why = "Seen between" if answer.source == "file" else "Which is"
    table = Table(
        caption,
        ("Disagreement", why, "Matched prompts", *(("Prompts in all",) if partial else ())),
        tuple(rows),
        text_columns=2,
        notes=(
            "Disagreement: share of prompts on which exactly one of the two models shows the event.",
        ),
    )
    drawn = _spread([row for row in answer.rows if row.curve])
    blocks: list[Block] = [table]
    if drawn:
        blocks.append(
            _picture(
                f"plan-{answer.kind}",
                title,
                {f"disagreement {exact(row.discordant)}": row.curve for row in drawn},
                ("chance wanted", plan.power),
                (chance, None),
                answer.rows[0].need if len(answer.rows) == 1 else None,
            )
        )
    return blocks


def _spread(rows: Sequence[T]) -> list[T]:
    """Keep as many curves as can be told apart, from the first to the last."""
    if len(rows) <= MOST_CURVES:
        return list(rows)
    step = (len(rows) - 1) / (MOST_CURVES - 1)
    return [rows[round(at * step)] for at in range(MOST_CURVES)]


def _picture(
    name: str,
    title: str,
    curves: dict[str, Curve],
    wanted: tuple[str, float] | None,
    axis: tuple[str, Pilot | None],
    planned: Need | None,
) -> Figure:
    """Draw shares against the number of prompts, and the share wanted."""
    y_title, like = axis
    rows: list[Row] = []
    for name_of, curve in curves.items():
        rows += [{"x": _units(n, like), "y": share, "series": name_of} for n, share in curve]
    numbers = [int(row["x"]) for row in rows]
    first, last = min(numbers), max(numbers)
    told = "; ".join(_told(series, curve) for series, curve in curves.items())
    series = tuple(curves)
    if wanted is not None:
        label, share = wanted
        rows += [{"x": end, "y": share, "series": label} for end in (first, last)]
        series += (label,)
        told += f". {label.capitalize()}: {exact(share)}"
    if planned is not None:
        told += f", reached from {_number(planned.units)} on"
    return Figure(
        name,
        "lines",
        title,
        f"{y_title.capitalize()}, from {first:,} to {last:,} {_unit(like).lower()}: {told}.",
        tuple(rows),
        (f"{_unit(like)} (logarithmic scale)", y_title.capitalize()),
        series,
    )


def _told(series: str, curve: Curve) -> str:
    return f"{series} {percent(curve[0][1])} at first, {percent(curve[-1][1])} at last"


def _pilot(like: Pilot) -> Section:
    facts = [
        ("data", like.source),
        (like.rate.name, f"{like.rate.events:,} of {like.rate.trials:,}"),
        ("rate", f"{percent(like.rate.estimate)} ({spread(like.rate)})"),
        (_unit(like).lower(), f"{like.units:,}"),
        ("of these count", f"{like.occupied:,}"),
        ("records for each of them", f"{like.records_per_unit:.3g}"),
        ("design effect", f"{like.deff:.2f}"),
    ]
    blocks: list[Block] = [Table("What the data says", ("What", "Value"), tuple(facts), 2)]
    if like.disagreements:
        rows = tuple(
            (
                item.baseline,
                item.candidate,
                f"{item.prompts:,}",
                percent(item.baseline_only),
                percent(item.candidate_only),
                percent(item.discordant),
            )
            for item in like.disagreements
        )
        blocks.append(
            Table(
                "How often models disagree on the same prompt",
                ("Model", "Other", "Prompts", "Only model", "Only other", "Disagreement"),
                rows,
                text_columns=2,
            )
        )
    return Section("What was taken from the data", "pilot", tuple(blocks))


def _headings(like: Pilot | None) -> tuple[str, ...]:
    if like is None:
        return ("Prompts",)
    return (
        *(("Independent", "Records") if like.clustered else ()),
        _unit(like),
        *(("In all",) if like.partial else ()),
    )


def _needs(need: Need, like: Pilot | None) -> tuple[str, ...]:
    if like is None:
        return (_number(need.units),)
    return (
        *((_number(need.independent), _number(need.records)) if like.clustered else ()),
        _number(need.units),
        *((_number(need.in_all),) if like.partial else ()),
    )


def _unit(like: Pilot | None) -> str:
    if like is None or like.unit == "prompt":
        return "Prompts"
    return f"Values of {like.unit}"


def _units(n: int, like: Pilot | None) -> int:
    return need(n, like).units or n


def _number(n: int | None) -> str:
    return OUT_OF_REACH if n is None else f"{n:,}"
