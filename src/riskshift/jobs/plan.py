"""How much evidence is needed: before data is gathered, or with the help of what is there."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Unpack

from riskshift.analysis.comparison.matching import Matching
from riskshift.analysis.gate.rules import Rule, parse_rule
from riskshift.analysis.metrics import Choice, choose_one, refuse_untold
from riskshift.analysis.plan.corrected import LabelPlan, assumed, graded_like, label_plan
from riskshift.analysis.plan.margins import margin_plan
from riskshift.analysis.plan.needs import (
    RATES,
    WIDTHS,
    difference_plan,
    gate_plan,
    width_plan,
)
from riskshift.analysis.plan.pilot import Pilot, pilot
from riskshift.analysis.plan.result import Plan, Planned
from riskshift.analysis.rates import Settings
from riskshift.collapse.pairs import Collapsed, collapse
from riskshift.collapse.rated.beside import double, drawing_of
from riskshift.errors import UsageError, listing
from riskshift.jobs.opening import Reading, opened, read_people, refuse_columns_alone, silent
from riskshift.records import Records
from riskshift.stats.planning.label_power import GradedPairs
from riskshift.taxonomy import Taxonomy

DEFAULT_METRIC = "escalation"


def plan(
    *,
    rate: float | None = None,
    width: float | None = None,
    rule: str | None = None,
    difference: float | None = None,
    discordant: float | None = None,
    like: Any = None,
    people: Any = None,
    people_columns: Mapping[str, str] | None = None,
    sensitivity: float | None = None,
    specificity: float | None = None,
    graded: int | None = None,
    metric: str | None = None,
    confidence: float = 0.95,
    power: float = 0.8,
    progress: Callable[[str], None] = silent,
    **reading: Unpack[Reading],
) -> Plan:
    """Plan how much evidence a question needs.

    One of `width`, `rule` and `difference` asks; without them the plan is an overview of widths.

    Parameters
    ----------
    rate : float, optional
        Rate assumed, between 0 and 1; default: that of `like`. For a difference it is the lower
        rate of the two, and optional.
    width : float, optional
        Ask when the Wilson interval of the rate is at most this wide.
    rule : str, optional
        Ask when this gate, such as ``"escalation <= 0.05"`` or ``"escalation - baseline <= 0.02"``,
        passes; or fails, where the rate is beyond its tolerance.
    difference : float, optional
        Ask when the exact McNemar test finds this difference between two models on the same
        prompts. With a rule against a baseline: how much worse the candidate is assumed to be
        (default: not at all).
    discordant : float, optional
        Share of prompts on which exactly one of the two shows the event; default: as between the
        models of `like`, else a range.
    like : path, list of paths, data frame, or Records, optional
        Existing pairs that the new ones will resemble; see `riskshift.read`. Gives the rate, what
        records that share prompts are worth, and how often models disagree.
    people : path, data frame or Records, optional
        Some of the pairs of `like`, labelled by people: plan how many of a grader's pairs people
        must label so that the rate corrected by them answers the question.
    people_columns : Columns or mapping, optional
        Columns of `people` by role, where they are not those of `like`.
    sensitivity, specificity : float, optional
        Plan likewise for a grader that is as good as this: the share of people's events that it
        finds, and of the other pairs that it does not call events.
    graded : int, optional
        Pairs that the grader labels; default: those of `like`.
    metric : str, optional
        What is planned for, such as ``"persistence[sexual]"``; default: escalation.
    confidence : float, default 0.95
        Coverage of intervals and gates; tests have level 1 minus this.
    power : float, default 0.8
        Wanted probability of the verdict, or of finding the difference.
    progress : callable, optional
        Told what is being done, in a few words.
    **reading
        Options of `riskshift.read`, for `like`; `taxonomy` also for the names of categories.

    Returns
    -------
    Plan

    Raises
    ------
    UsageError
        If more than one question is asked, something it needs is not given, or an argument lies
        outside its range.
    DataError
        If `like` cannot be read or says nothing about the metric.

    Examples
    --------
    >>> print(plan(rate=0.03, width=0.02))
    If the escalation rate is 3%, its 95% interval is at most 2 percentage points
    wide from 1,143 independent prompts on. It would then reach from 2.2% to 4.2%.
    """
    if rate is not None and not 0 <= rate <= 1:
        raise UsageError(
            f"rate is {rate}; write it as a share between 0 and 1, such as 0.03 for 3%."
        )
    settings = Settings(confidence=confidence)
    given = None if like is None else opened(like, reading, progress)
    taxonomy = given.options.taxonomy if given else reading.get("taxonomy") or Taxonomy()
    asked = None if rule is None else _rule(rule, metric, taxonomy)
    _check_question(width, asked, difference, discordant)
    choice = asked.choices[0] if asked else choose_one(metric or DEFAULT_METRIC, taxonomy)
    if difference is not None and not choice.metric.by_prompt:
        raise UsageError(
            f"{choice.label} cannot be compared prompt by prompt: its denominator looks at the response."
        )
    corrects = _check_corrected(
        asked,
        difference,
        wanted=width is not None or asked is not None,
        like=like,
        people=people,
        columns=people_columns,
        told={"sensitivity": sensitivity, "specificity": specificity, "graded": graded},
    )
    learnt = collapsed = None
    if given is not None:
        paired = difference is not None or (asked is not None and asked.baseline)
        matched = paired and discordant is None
        learnt, collapsed = _learn(given, choice, settings, progress, matched=matched)
    elif set(reading) - {"taxonomy"}:
        raise UsageError(
            f"without like there is nothing to read, so {listing(sorted(reading))} would change nothing."
        )
    seen = None
    if people is not None and collapsed is not None:
        progress("reading people's labels")
        like_these, model = collapsed.records, reading.get("model")
        seen = collapse(
            read_people(people, reading, like=like_these, model=model, columns=people_columns)
        )
    progress("planning")
    assumed_rate = rate
    if rate is None and learnt is not None and not corrects:
        assumed_rate = learnt.rate.estimate
    answer: Planned
    if corrects:
        good, labelled = _grader(
            choice,
            (rate, sensitivity, specificity, graded),
            learnt=learnt,
            collapsed=collapsed,
            people=seen,
            confidence=confidence,
        )
        answer = _corrected(good, labelled, width, asked, power)
    elif asked is not None and asked.baseline:
        answer = margin_plan(
            asked.text,
            abs(asked.bound),
            difference=difference or 0.0,
            discordant=discordant,
            rate=assumed_rate,
            confidence=confidence,
            power=power,
            like=learnt,
        )
    elif difference is not None:
        answer = difference_plan(
            difference,
            discordant=discordant,
            rate=assumed_rate,
            confidence=confidence,
            power=power,
            like=learnt,
        )
    elif asked is not None:
        answer = gate_plan(
            asked.text,
            _needed(assumed_rate, "a rule", "the rate that you hope for"),
            asked.limit,
            bad=asked.upper,
            confidence=confidence,
            power=power,
            like=learnt,
        )
    else:
        answer = _widths(assumed_rate, width, confidence, learnt)
    return Plan(choice.label, choice.metric.given_formula, confidence, power, answer, learnt)


def _check_corrected(
    rule: Rule | None,
    difference: float | None,
    *,
    wanted: bool,
    like: Any,
    people: Any,
    columns: Mapping[str, str] | None,
    told: Mapping[str, float | None],
) -> bool:
    """Say whether people's labels are planned; refuse what does not go together."""
    refuse_columns_alone(people, columns)
    given = [name for name, value in told.items() if value is not None]
    if people is None and not given:
        return False
    if people is not None and like is None:
        raise UsageError("people labelled pairs of a grader's: give those too, with --like.")
    doubled = [name for name in given if name != "graded"]
    if people is not None and doubled:
        raise UsageError(
            f"{listing(doubled)}: people's labels say how good the grader is. Leave out one or the other."
        )
    if difference is not None or (rule is not None and rule.baseline):
        raise UsageError(
            "people's labels are planned for one corrected rate, not for a difference of two. Ask with --width or a "
            "--rule on a rate."
        )
    if not wanted:
        raise UsageError(
            "how many labels depends on what they are for: ask with --width or --rule."
        )
    return True


def _grader(
    choice: Choice,
    told: tuple[float | None, float | None, float | None, int | None],
    *,
    learnt: Pilot | None,
    collapsed: Collapsed | None,
    people: Collapsed | None,
    confidence: float,
) -> tuple[GradedPairs, int | None]:
    """Say how good the grader is, and on how many of people's labels that rests."""
    rate, sensitivity, specificity, graded = told
    if people is None or collapsed is None or learnt is None:
        there = None if collapsed is None else collapsed.counts.total
        made = assumed(rate, sensitivity, specificity, graded or there, confidence=confidence)
        return (made if learnt is None else replace(made, deff=learnt.deff)), None
    return graded_like(
        double(collapsed, people),
        choice,
        drawing_of(people.records),
        source=people.records.source.name,
        deff=learnt.deff,
        pairs=graded,
        rate=rate,
        confidence=confidence,
    )


def _corrected(
    graded: GradedPairs, labelled: int | None, width: float | None, rule: Rule | None, power: float
) -> LabelPlan:
    if rule is None:
        return label_plan(graded, width=width, power=power, labelled=labelled)
    return label_plan(
        graded,
        rule=rule.text,
        tolerance=rule.limit,
        bad=rule.upper,
        power=power,
        labelled=labelled,
    )


def _check_question(
    width: float | None, rule: Rule | None, difference: float | None, discordant: float | None
) -> None:
    against = rule is not None and rule.baseline
    questions = {"width": width, "rule": rule, "difference": None if against else difference}
    asked = [name for name, value in questions.items() if value is not None]
    if len(asked) > 1:
        raise UsageError(f"{listing(asked)}: these are different questions; ask one at a time.")
    if discordant is not None and difference is None and not against:
        raise UsageError(
            "discordant says how often two models disagree, so it needs a --difference to find, such as 0.02, "
            "or a rule against a baseline."
        )


def _widths(
    rate: float | None, width: float | None, confidence: float, like: Pilot | None
) -> Planned:
    seen = None if like is None or rate != like.rate.estimate else like.rate.interval
    rates: tuple[float, ...]
    if width is None:
        rates = RATES if rate is None else (rate,)
        rates = rates if seen is None else (*rates, seen.low, seen.high)
        return width_plan(rates, WIDTHS, asked=False, confidence=confidence, like=like)
    assumed = _needed(rate, "a width", "the rate that you expect (0.5 is safe, no rate needs more)")
    ends = (assumed / 2, min(1.0, 2 * assumed)) if seen is None else (seen.low, seen.high)
    rates = tuple(dict.fromkeys((assumed, *ends, 0.5)))
    return width_plan(rates, (width,), asked=True, confidence=confidence, like=like)


def _needed(rate: float | None, asked: str, which: str) -> float:
    if rate is None:
        raise UsageError(
            f"{asked} needs a rate: give --rate, {which}, or --like, data to take it from."
        )
    return rate


def _learn(
    records: Records,
    choice: Choice,
    settings: Settings,
    progress: Callable[[str], None],
    *,
    matched: bool,
) -> tuple[Pilot, Collapsed]:
    if matched and records.options.cluster not in (None, records.prompt):
        raise UsageError(
            "models are matched prompt by prompt, so cluster would change nothing. Leave it out."
        )
    if matched and records.prompt is not None:
        records = records.by_prompt()
    collapsed = collapse(replace(records, all_kinds=True), progress=progress)
    refuse_untold([choice], collapsed.counts.told)
    records = collapsed.records
    models = collapsed.groups.get(records.column("model") or "")
    together = models is not None and models.table.clusters is not None
    several = matched and records.prompt is not None and together
    made = pilot(
        collapsed.counts,
        choice,
        source=records.source.name,
        unit="prompt" if records.cluster in (None, records.prompt) else str(records.cluster),
        matching=Matching(models) if several and models is not None else None,
        settings=settings,
    )
    return made, collapsed


def _rule(text: str, metric: str | None, taxonomy: Taxonomy) -> Rule:
    rule = parse_rule(text, taxonomy)
    if metric is not None:
        raise UsageError(f"rule {rule.text!r} names its metric already. Leave metric out.")
    if rule.by is not None:
        raise UsageError(
            f"rule {rule.text!r} asks the same of each value of {rule.by}. Plan for one of them: leave "
            f"'by {rule.by}' out, and gather that much for each."
        )
    if len(rule.choices) > 1:
        labels = listing(rule.about(choice) for choice in rule.choices)
        raise UsageError(f"rule {rule.text!r} speaks of every category. Plan for one: {labels}.")
    return rule
