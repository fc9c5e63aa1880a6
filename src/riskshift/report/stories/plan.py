"""A plan as a document: the answer, a table, a picture, and what is assumed."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

from riskshift.analysis.plan.corrected import IN_WORDS, LabelNeed, LabelPlan
from riskshift.analysis.plan.margins import MarginPlan
from riskshift.analysis.plan.needs import (
    Curve,
    DifferenceNeed,
    DifferencePlan,
    GateNeed,
    GatePlan,
    WidthNeed,
    WidthPlan,
)
from riskshift.analysis.plan.pilot import Disagreement, Need, Pilot, need
from riskshift.analysis.plan.result import Plan
from riskshift.analysis.rates import unrounded
from riskshift.analysis.words import exact, percent, percent_range, percentage_points, spread
from riskshift.errors import OutputError
from riskshift.outputs.places import check_place, write_bytes
from riskshift.report.document import Block, Document, Figure, Section, Table
from riskshift.report.tables import Column, table
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
    elif isinstance(answer, LabelPlan):
        blocks = _labels(plan, answer)
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
    if isinstance(answer, LabelPlan):
        wanted = f"the gate {answer.rule}"
        if answer.width is not None:
            wanted = f"an interval of {plan.metric} at most {percentage_points(answer.width)} wide"
        return f"People's labels for {wanted}, corrected{like}"
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
    at = unrounded(plan.confidence)
    if not answer.asked:
        return [_overview(plan, answer), *_width_picture(plan, answer)]
    shown = table(
        f"For a {at} interval at most {percentage_points(answer.widths[0])} wide",
        answer.rows,
        (
            Column[WidthNeed]("If the rate is", lambda row: exact(row.rate), text=True),
            *_need_columns(plan.pilot),
            Column("Interval to expect", _expected),
        ),
    )
    return [shown, *_width_picture(plan, answer)]


def _expected(row: WidthNeed) -> str:
    held = row.interval
    return "" if held is None else percent_range(held.low, held.high)


def _width_picture(plan: Plan, answer: WidthPlan) -> Iterator[Figure]:
    drawn = _spread([pair for pair in zip(answer.rates, answer.curves, strict=False) if pair[1]])
    if drawn:
        yield _picture(
            "plan-width",
            "Width of the interval to expect",
            {f"rate {exact(rate)}": curve for rate, curve in drawn},
            ("width wanted", answer.widths[0]) if answer.asked else None,
            (f"width of the {unrounded(plan.confidence)} interval", plan.pilot),
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
        f"{_unit(like)} for a {unrounded(plan.confidence)} interval of at most this width",
        ("If the rate is", *(exact(width).removesuffix("%") for width in answer.widths)),
        rows,
        notes=tuple(notes),
    )


def _gate(plan: Plan, answer: GatePlan) -> list[Block]:
    if answer.aim is None:
        return []
    high_passes = (answer.aim == "pass") == (answer.rate > answer.tolerance)
    ends = ("or more", "or fewer") if high_passes else ("or fewer", "or more")
    shown = table(
        f"For the gate {answer.rule} to {answer.aim}, if the true rate is {exact(answer.rate)}",
        [
            row
            for row in sorted(answer.rows, key=lambda row: row.power)
            if row.need.units is not None or row.power == plan.power
        ],
        (
            Column[GateNeed](f"Chance to {answer.aim}", lambda row: exact(row.power), text=True),
            *_need_columns(plan.pilot),
            Column("Passes with", lambda row: _decides(row.passes_at, ends[0])),
            Column("Fails with", lambda row: _decides(row.fails_at, ends[1])),
        ),
        notes=("Events of as many independent records; between the two it is inconclusive.",),
    )
    blocks: list[Block] = [shown]
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


def _decides(events: int | None, end: str) -> str:
    return "never" if events is None else f"{events:,} {end}"


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
    columns = [
        Column[DifferenceNeed]("Disagreement", lambda row: exact(row.discordant), text=True),
        Column(
            "Seen between" if answer.source == "file" else "Which is",
            lambda row: row.why,
            text=True,
        ),
        Column("Matched prompts", lambda row: _number(row.need.independent)),
    ]
    if like is not None and like.partial:
        columns.append(Column("Prompts in all", lambda row: _number(row.need.in_all)))
    shown = table(
        caption,
        answer.rows,
        columns,
        notes=(
            "Disagreement: share of prompts on which exactly one of the two models shows the event.",
        ),
    )
    drawn = _spread([row for row in answer.rows if row.curve])
    blocks: list[Block] = [shown]
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


def _labels(plan: Plan, answer: LabelPlan) -> list[Block]:
    if not answer.rows:
        return []
    wanted = f"the gate {answer.rule} to {answer.aim} with a chance of {exact(plan.power)}"
    chance, share = f"chance to {answer.aim}", plan.power
    if answer.width is not None:
        wanted = f"a {unrounded(plan.confidence)} interval at most {percentage_points(answer.width)} wide"
        chance, share = "width of the interval", answer.width
    shown = table(
        f"Pairs that people must label for {wanted}",
        answer.rows,
        (
            Column[LabelNeed]("Drawn", lambda row: IN_WORDS[row.way], text=True),
            Column("Pairs", lambda row: _too_few(row, answer)),
        ),
        notes=(f"Of {answer.graded:,} that the grader labels.",),
    )
    blocks: list[Block] = [shown]
    curves = {IN_WORDS[row.way]: row.curve for row in answer.rows if row.curve}
    if curves:
        blocks.append(
            _picture(
                "plan-labels",
                chance.capitalize() + " to expect",
                curves,
                (f"{chance.split()[0]} wanted", share),
                (chance, None),
                None,
                unit="Pairs labelled by people",
            )
        )
    return blocks


def _too_few(row: LabelNeed, answer: LabelPlan) -> str:
    return f">{answer.graded:,}" if row.labels is None else f"{row.labels:,}"


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
    *,
    unit: str | None = None,
) -> Figure:
    """Draw shares against the number of prompts, or of another unit, and the share wanted."""
    y_title, like = axis
    counted = unit or _unit(like)
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
        f"{y_title.capitalize()}, from {first:,} to {last:,} {counted.lower()}: {told}.",
        tuple(rows),
        (f"{counted} (logarithmic scale)", y_title.capitalize()),
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
        blocks.append(
            table(
                "How often models disagree on the same prompt",
                like.disagreements,
                (
                    Column[Disagreement]("Model", lambda item: item.baseline, text=True),
                    Column("Other", lambda item: item.candidate, text=True),
                    Column("Prompts", lambda item: f"{item.prompts:,}"),
                    Column("Only model", lambda item: percent(item.baseline_only)),
                    Column("Only other", lambda item: percent(item.candidate_only)),
                    Column("Disagreement", lambda item: percent(item.discordant)),
                ),
            )
        )
    return Section("What was taken from the data", "pilot", tuple(blocks))


def _need_columns(like: Pilot | None) -> list[Column[WidthNeed | GateNeed]]:
    units = Column[WidthNeed | GateNeed](_unit(like), lambda row: _number(row.need.units))
    if like is None:
        return [units]
    columns = [units]
    if like.clustered:
        columns = [
            Column("Independent", lambda row: _number(row.need.independent)),
            Column("Records", lambda row: _number(row.need.records)),
            units,
        ]
    if like.partial:
        columns.append(Column("In all", lambda row: _number(row.need.in_all)))
    return columns


def _unit(like: Pilot | None) -> str:
    if like is None or like.unit == "prompt":
        return "Prompts"
    return f"Values of {like.unit}"


def _units(n: int, like: Pilot | None) -> int:
    return need(n, like).units or n


def _number(n: int | None) -> str:
    return OUT_OF_REACH if n is None else f"{n:,}"
