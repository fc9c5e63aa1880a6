"""A plan, and what it says in words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from riskshift.analysis.plain import Inner
from riskshift.analysis.plan.corrected import LabelPlan
from riskshift.analysis.plan.margins import MarginPlan, which_discordance
from riskshift.analysis.plan.needs import DifferencePlan, GatePlan, WidthPlan
from riskshift.analysis.plan.pilot import Need, Pilot
from riskshift.analysis.rates import unrounded
from riskshift.analysis.results import Glance, Results
from riskshift.analysis.transitions.findings import FEW_EVENTS
from riskshift.analysis.words import counted, exact, percent, percentage_points, spread
from riskshift.stats.planning.power import trials_for_width
from riskshift.stats.proportion import Interval
from riskshift.stats.search import MOST_TRIALS

# The columns of its rows that are text, whatever the question.
_TEXT: Final = frozenset({"question", "metric", "rule", "why", "way"})
Planned = WidthPlan | GatePlan | MarginPlan | DifferencePlan | LabelPlan


@dataclass(frozen=True, slots=True)
class Plan(Results):
    """How much evidence a question needs.

    Parameters
    ----------
    metric : str
        What is planned for.
    among : str
        Which records count for it: ``"all"``, or a formula.
    confidence : float
        Coverage of intervals and gates (1 minus the level of tests).
    power : float
        The probability wanted of a verdict or of finding a difference.
    answer : WidthPlan, GatePlan, MarginPlan, DifferencePlan or LabelPlan
        The numbers.
    pilot : Pilot or None
        What an existing file says; None where none was given.
    """

    metric: str
    among: str
    confidence: Inner
    power: Inner
    answer: Planned
    pilot: Pilot | None = None

    kind: ClassVar[str] = "plan"
    shape: ClassVar[str] = "confidence power summary notes metric among plan=answer like=pilot"

    @property
    def need(self) -> Need | None:
        """The number asked for; None where several stand side by side or none can be given.

        Labels by people are no prompts: of these see `LabelPlan.labels`.
        """
        answer = self.answer
        if isinstance(answer, LabelPlan):
            return None
        if isinstance(answer, WidthPlan):
            return answer.rows[0].need if answer.asked else None
        if isinstance(answer, DifferencePlan | MarginPlan):
            return answer.rows[0].need if len(answer.rows) == 1 else None
        return answer.rows[0].need if answer.rows else None

    @property
    def summary(self) -> tuple[str, ...]:
        """The answer in plain words."""
        answer = self.answer
        if isinstance(answer, WidthPlan):
            return tuple(_width(self, answer))
        if isinstance(answer, GatePlan):
            return tuple(_gate(self, answer))
        if isinstance(answer, MarginPlan):
            return tuple(_margin(self, answer))
        if isinstance(answer, LabelPlan):
            at, power = unrounded(self.confidence), exact(self.power)
            return tuple(answer.told(_the_rate(self), at, power))
        return tuple(_difference(self, answer))

    @property
    def notes(self) -> tuple[str, ...]:
        """What the answer assumes."""
        return tuple(_notes(self))

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield every planned number as one flat row."""
        answer = self.answer
        shared = {
            "question": answer.kind,
            "metric": self.metric,
            "confidence": self.confidence,
            "power": None if isinstance(answer, WidthPlan) else self.power,
        }
        if isinstance(answer, GatePlan):
            shared |= {"rule": answer.rule, "rate": answer.rate}
        if isinstance(answer, MarginPlan):
            shared |= {"rule": answer.rule, "margin": answer.margin}
        if isinstance(answer, DifferencePlan | MarginPlan):
            shared |= {"difference": answer.difference}
        if isinstance(answer, LabelPlan):
            shared |= {"rule": answer.rule, "width": answer.width, "rate": answer.rate}
            shared |= {"graded": answer.graded}
        for row in answer.rows:
            yield shared | row.to_dict()
        if not answer.rows:
            yield shared

    @property
    def columns(self) -> Mapping[str, type]:
        """The columns of its rows, which the question decides, and of what type they are."""
        names = next(self.rows())
        return {name: str if name in _TEXT else float for name in names}

    def _glance(self) -> Glance:
        headings = tuple(name.replace("_", " ") for name in self.columns)
        return headings, (tuple(map(_shown, row.values())) for row in self.rows())


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return exact(value)
    return f"{value:,}" if isinstance(value, int) else str(value or "")


def _width(plan: Plan, answer: WidthPlan) -> Iterator[str]:
    at = unrounded(plan.confidence)
    if not answer.asked:
        yield (
            f"How much it takes for the {at} interval of a rate to be narrow depends on the rate: the nearer to 50%, "
            "the more."
        )
        yield "Half the width takes about four times as much where events are many, less where they are rare."
        return
    row = answer.rows[0]
    if row.need.units is None or row.interval is None:
        yield _hopeless(
            f"a {at} interval at most {percentage_points(row.width)} wide", "Ask for a wider one"
        )
        return
    yield (
        f"If {_the_rate(plan)} is {exact(row.rate)}, its {at} interval is at most "
        f"{percentage_points(row.width)} wide from {_much(plan, row.need)} on. It would then reach from "
        f"{percent(row.interval.low)} to {percent(row.interval.high)}."
    )
    yield from _worth(plan, row.need)


def _gate(plan: Plan, answer: GatePlan) -> Iterator[str]:
    rate, tolerance = exact(answer.rate), exact(answer.tolerance)
    if answer.aim is None:
        tail = exact(_rest(plan.confidence) / 2)
        yield (
            f"The rate assumed, {rate}, is the tolerance itself. No amount of evidence settles such a gate: it passes "
            f"with a chance of at most {tail}, fails with at most {tail}, and stays inconclusive otherwise."
        )
        yield "Plan for the rate you hope for, on the side of the tolerance where the gate passes."
        return
    row = answer.rows[0]
    if answer.aim == "fail":
        yield f"The rate assumed, {rate}, is beyond the tolerance of {tolerance}: the gate should fail."
    if row.need.units is None or row.need.independent is None:
        yield _hopeless(
            f"the gate {answer.rule} to {answer.aim} with a chance of {exact(row.power)} at a true rate of {rate}",
            "The rate is too near the tolerance",
        )
        return
    does = "passes" if answer.aim == "pass" else "fails"
    yield (
        f"If the true rate is {rate}, the gate {answer.rule} {does} with a chance of at least {exact(row.power)} from "
        f"{_much(plan, row.need)} on."
    )
    yield from _worth(plan, row.need)
    yield _outcomes(answer)


def _outcomes(answer: GatePlan) -> str:
    row = answer.rows[0]
    n = counted(row.need.independent or 0, "independent record")
    more_is_better = (answer.aim == "pass") == (answer.rate > answer.tolerance)
    passes, fails = ("or more", "or fewer") if more_is_better else ("or fewer", "or more")
    parts = []
    if row.passes_at is not None:
        parts.append(f"passes with {counted(row.passes_at, 'event')} {passes}")
    if row.fails_at is not None:
        parts.append(f"fails with {row.fails_at:,} {fails}")
    return f"Of {n} it {' and '.join(parts)}; otherwise it is inconclusive."


def _difference(plan: Plan, answer: DifferencePlan) -> Iterator[str]:
    wanted = f"a difference of {percentage_points(answer.difference)}"
    test = f"the exact McNemar test at level {exact(_rest(plan.confidence))}"
    reached = [row for row in answer.rows if row.need.independent is not None]
    if not reached:
        yield _hopeless(f"{test} to find {wanted}", "Look for a larger difference")
        return
    if len(answer.rows) == 1:
        row = reached[0]
        yield (
            f"If exactly one of two models shows the event on {exact(row.discordant)} of the prompts, {test} finds "
            f"{wanted} with a chance of at least {exact(plan.power)} from "
            f"{counted(row.need.independent or 0, 'matched prompt')} on."
        )
        yield from _drawn(plan, row.need)
        return
    low, high = reached[0], answer.rows[-1]
    ends = (
        f"{low.need.independent or 0:,} to {counted(high.need.independent, 'matched prompt')}"
        if high.need.independent is not None
        else f"{low.need.independent or 0:,} matched prompts to more than {MOST_TRIALS:,}"
    )
    yield (
        f"To find {wanted} with a chance of at least {exact(plan.power)}, {test} needs {ends}: it depends on how often "
        "exactly one of the two models shows the event."
    )
    yield which_discordance(answer.source, low.discordant, high.discordant)
    yield from _drawn(plan, high.need)


def _margin(plan: Plan, answer: MarginPlan) -> Iterator[str]:
    yield from answer.told(exact(plan.power))
    if answer.rows:
        yield from _drawn(plan, answer.rows[-1].need)


def _hopeless(wanted: str, fix: str) -> str:
    return f"More than {MOST_TRIALS:,} independent records would be needed for {wanted}. {fix}."


def _the_rate(plan: Plan) -> str:
    return f"the {plan.metric} rate" if plan.among == "all" else f"the rate of {plan.metric}"


def _much(plan: Plan, need: Need) -> str:
    like = plan.pilot
    if like is None or need.records is None or need.units is None:
        return counted(need.units or 0, "independent prompt")
    if like.clustered:
        return f"{counted(need.records, 'record')} of {like.named(need.units)}"
    return like.named(need.units)


def _worth(plan: Plan, need: Need) -> Iterator[str]:
    like = plan.pilot
    if like is None or need.independent is None:
        return
    if like.clustered and need.records is not None and like.rate.effective_n is not None:
        yield (
            f"They tell as much as {need.independent:,} independent ones, if records that share "
            f"{'a prompt' if like.unit == 'prompt' else f'a value of {like.unit}'} are as alike as in {like.source} "
            f"({like.records_per_unit:.3g} records each, design effect {like.deff:.2f})."
        )
    yield from _drawn(plan, need)


def _drawn(plan: Plan, need: Need) -> Iterator[str]:
    like = plan.pilot
    if like is not None and like.partial and need.in_all is not None:
        yield (
            f"Only {like.named(like.occupied)} of {like.units:,} in {like.source} count for {plan.metric} "
            f"({plan.among}), so draw {like.named(need.in_all)} like those."
        )


def _notes(plan: Plan) -> Iterator[str]:
    answer, like = plan.answer, plan.pilot
    if isinstance(answer, WidthPlan):
        yield (
            "The width is that of a Wilson interval if the rate comes out as assumed; nearer to 50% the interval is "
            f"wider{_safest(plan)}."
        )
    elif isinstance(answer, GatePlan) and answer.aim is not None:
        yield (
            f"The gate is the exact one of riskshift check (Clopper-Pearson at {unrounded(plan.confidence)}). Its "
            "power rises in a saw-tooth, one record more can lower it; from the number given on it stays reached."
        )
        yield (
            "With that much evidence the gate may still end without that verdict, though the rate is as assumed: "
            f"with a chance of up to {exact(_rest(plan.power))}."
        )
    elif isinstance(answer, MarginPlan):
        yield (
            "Matched prompts are prompts that both models answered once. The rule is judged by Tango's interval, held "
            "to the exact test, as in riskshift check; its power is summed over all tables, and counts on the "
            "difference and the share of disagreement being as assumed."
        )
    elif isinstance(answer, DifferencePlan):
        yield (
            "Matched prompts are prompts that both models answered once. The numbers are exact for McNemar's test; its "
            "power counts on the difference and the share of disagreement being as assumed."
        )
    elif isinstance(answer, LabelPlan):
        yield from answer.notes()
        yield (
            "A corrected rate is about prompts like these, and right if the pairs that people label are drawn as "
            "planned, such as by riskshift sample."
        )
    if like is None and plan.among != "all":
        yield f"Only records with {plan.among} count for {plan.metric}; of all prompts you need more."
    if like is None and not isinstance(answer, DifferencePlan | MarginPlan):
        yield (
            "Every record stands for a prompt of its own. Several models or samples on one prompt tell less than as "
            "many prompts; --like FILE says how much less."
        )
    if like is not None and not (isinstance(answer, WidthPlan) and not answer.asked):
        yield from _about(plan, like)
    whose = "people's labels" if isinstance(answer, LabelPlan) else "labels"
    yield f"Prompts must be drawn as the future ones that the answer is meant for; {whose} are taken as right."


def _safest(plan: Plan) -> str:
    answer = plan.answer
    if not isinstance(answer, WidthPlan) or not answer.asked or answer.rates[0] == 0.5:
        return ""
    most = trials_for_width(0.5, answer.widths[0], confidence=plan.confidence)
    return "" if most is None else f", but no rate needs more than {most:,} independent records"


def _rest(share: float) -> float:
    # 1 - 0.95 is 0.050000000000000044, which must not be written so.
    return round(1 - share, 12)


def _about(plan: Plan, like: Pilot) -> Iterator[str]:
    answer, seen = plan.answer, like.rate.interval
    if isinstance(answer, LabelPlan):
        if like.clustered:
            yield (
                f"Pairs of {like.source} share prompts: so many of them are taken to tell as much as {like.deff:.2f} "
                "times fewer that do not, and some drawn at random for accordingly more."
            )
        return
    if isinstance(answer, DifferencePlan | MarginPlan):
        if answer.source == "file":
            fewest = min(item.prompts for item in like.disagreements)
            yield (
                f"How often two models of {like.source} disagree was seen on {counted(fewest, 'prompt')} or more each, "
                "and is itself uncertain."
            )
        return
    if seen is not None:
        yield (
            f"In {like.source} {like.rate.name} is {like.rate.events:,} of {like.rate.trials:,} "
            f"({percent(like.rate.estimate)}, {unrounded(seen.confidence)} interval {spread(like.rate)}), which is "
            f"itself uncertain{_safer(answer, like.rate.estimate, seen)}."
        )
    if like.rate.worst_case is not None:
        low, high = (percent(end) for end in like.rate.worst_case)
        yield (
            f"Labels are missing there: {counted(like.rate.missing, 'record')} leave the rate of {like.source} "
            f"anywhere from {low} to {high}. Plan for the worst of these too: --rate."
        )
    few = min(
        (like.rate.events, counted(like.rate.events, "event")),
        (like.occupied, like.named(like.occupied)),
    )
    if like.clustered and few[0] < FEW_EVENTS:
        yield f"The file has only {few[1]} that count, too few to tell the design effect well."


def _safer(answer: WidthPlan | GatePlan, estimate: float | None, seen: Interval) -> str:
    """Say which end of the file's interval would need more, if its rate is what was assumed."""
    assumed = answer.rate if isinstance(answer, GatePlan) else answer.rates[0]
    if assumed != estimate:
        return ""
    towards = answer.tolerance if isinstance(answer, GatePlan) else 0.5
    if seen.low <= towards <= seen.high:
        across = "; it reaches across the tolerance, so which verdict is due is not known yet"
        return across if isinstance(answer, GatePlan) else ""
    end = min((seen.low, seen.high), key=lambda end: abs(end - towards))
    return f"; with --rate {end:.3g} more would be needed"
