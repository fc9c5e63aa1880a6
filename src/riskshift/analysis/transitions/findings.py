"""What the numbers say, and what they cannot say, in plain words."""

from collections.abc import Iterator, Mapping, Sequence
from math import sqrt
from typing import Final

import numpy as np

from riskshift.analysis.correction.rates import CorrectedRate, Correction
from riskshift.analysis.correction.sample import DOUBTFUL, doubtful
from riskshift.analysis.correction.tipping import Tipping
from riskshift.analysis.rates import Rate, unrounded
from riskshift.analysis.transitions.contrasts import Contrasts
from riskshift.analysis.transitions.one_bit import placed
from riskshift.analysis.transitions.population import Population
from riskshift.analysis.transitions.sets import Sets
from riskshift.analysis.words import (
    counted,
    enumerate_words,
    percent,
    percent_range,
    spoken,
    spread,
)
from riskshift.counts.clusters import RandomGroups
from riskshift.counts.pairs import Counts
from riskshift.stats.clusters.joint import ENOUGH

FEW_EVENTS: Final = 10
MAIN_RATES: Final = ("escalation", "harmful_prompt_compliance", "benign_drift")
_REFUSED: Final = ("harmful_refusal", "over_refusal")
# What the events are that a grader's false alarms could all be.
_ALARMS: Final = {"escalation": "escalations", "response_harm": "harmful responses"}


def headline(population: Population, corrected: Correction | None = None) -> list[str]:
    """Say the main findings: those corrected by people's labels first, then four sentences."""
    if population.labelled_side:
        told = _one_side(population, population.labelled_side)
        named = ("response_harm", *_REFUSED)
        return [*_corrected(corrected, named), *told, *_refusals(population)]
    return [
        *_corrected(corrected, (*MAIN_RATES, *_REFUSED)),
        _movement(population),
        _harm(population),
        *_refusals(population),
        _persistence(population),
        _origin(population),
        *_one_bit(population),
        *_within_sets(population),
    ]


def _refusals(population: Population) -> Iterator[str]:
    """Say in one sentence which prompts were refused; never of harmful ones alone."""
    rates = population.overall
    if "over_refusal" not in rates:
        return
    parts = [
        f"{words} prompts were refused in {_of_pairs(rates[name])}"
        for name, words in (("harmful_refusal", "harmful"), ("over_refusal", "harmless"))
        if rates[name].trials
    ]
    if parts:
        said = "; ".join(parts)
        yield f"{said[0].upper()}{said[1:]}."
    elif rates["refusal"].trials:
        yield f"Responses refused in {_of_pairs(rates['refusal'])}."


def _one_bit(population: Population) -> Iterator[str]:
    """Say in one sentence what a defect rate alone would hide."""
    found = [measure for measure in population.one_bit if measure.metric == "response_harm"]
    for measure in found:
        good, bad = measure.without_event, measure.with_event
        calm, harmful = placed(good), placed(bad)
        if min(calm, harmful) < FEW_EVENTS:
            continue
        milder, rose = bad["reduced"], bad["escalated_from_safe"] + bad["escalated_from_harm"]
        yield (
            f"One bit, a defect rate of {percent(measure.rate.estimate)}, hides that of the responses it calls good "
            f"{percent(good['reduced'] / calm)} lowered a risk and {percent(good['preserved_at_safe'] / calm)} had "
            f"none to lower; and that of the bad ones {percent(milder / harmful)} were less severe than their "
            f"prompt and {percent(rose / harmful)} more severe."
        )


def _within_sets(population: Population) -> Iterator[str]:
    if population.sets is None or population.sets.right_on_all_variants.interval is None:
        return
    rate = population.sets.right_on_all_variants
    were = "was" if rate.events == 1 else "were"
    yield (
        f"Of {counted(rate.trials, 'set')} with a harmless and a harmful prompt, {rate.events:,} {were} answered right "
        f"on all variants ({_told(rate)})."
    )


def _corrected(correction: Correction | None, named: Sequence[str]) -> Iterator[str]:
    if correction is None:
        return
    if doubtful(correction.sample):
        yield DOUBTFUL
        return
    # A note says that no labels count, or too few.
    told = [
        _corrected_rate(rate) for rate in correction.rates if rate.metric in named and not rate.note
    ]
    if told:
        yield (
            f"Corrected by people's labels of {counted(correction.sample.labelled, 'pair')}, {'; '.join(told)}. What "
            "follows here is by the grader's labels alone."
        )


def _corrected_rate(rate: CorrectedRate) -> str:
    held, raw = rate.corrected.interval, rate.raw.estimate
    text = f"{spoken(rate.metric)} is {percent(rate.corrected.estimate)}"
    if held is None or raw is None:
        return text
    low, high = rate.corrected.worst_case_interval or (held.low, held.high)
    by_grader = "by the grader" if low <= raw <= high else "not"
    spread = f"{percent_range(held.low, held.high)}{_with_blanks(rate)}"
    return f"{text} ({spread}), {by_grader} {percent(raw)}"


def _with_blanks(rate: CorrectedRate) -> str:
    """Say what the rate could be where labels by people are missing."""
    worst = rate.corrected.worst_case
    if worst is None:
        return ""
    whatever = f"whatever {counted(rate.corrected.missing, 'missing label')} by people would say"
    return f"; between {percent(worst[0])} and {percent(worst[1])} {whatever}"


def _one_side(population: Population, here: str) -> list[str]:
    """Say what can be told where only one side has labels, and that the rest needs the other."""
    there = "response" if here == "prompt" else "prompt"
    rate = population.overall["prompt_prevalence" if here == "prompt" else "response_harm"]
    severity = " for severity" if "refusal" in population.overall else ""
    were = "was" if rate.events == 1 else "were"
    text = f"{rate.events:,} of {counted(rate.trials, here)} {were} harmful"
    share = (
        f"{percent(rate.estimate)}, {unrounded(rate.interval.confidence)} interval {spread(rate)}"
        if rate.interval
        else ""
    )
    return [
        f"{text} ({share}).",
        f"Only {here}s are labelled{severity}. How risk moves from prompt to response, and whether harm persists, "
        f"needs labels of {there}s too.",
    ]


def _movement(population: Population) -> str:
    up, same, down = (
        population.overall[name] for name in ("escalation", "preservation", "reduction")
    )
    if up.interval is None:
        none = (
            "The only pair lacks a label"
            if population.records == 1
            else f"None of the {population.records:,} pairs has all its labels"
        )
        return f"{none}, so how risk moves cannot be told{_at_least(up, 'are more severe')}."
    if any(rate.worst_case is not None for rate in (up, same, down)):
        return (
            f"Some of the {population.records:,} pairs lack labels. By what is known of them, the response was less "
            f"severe than the prompt in {percent(down.estimate)}, as severe in {percent(same.estimate)} and more "
            f"severe in {percent(up.estimate)} ({unrounded(up.interval.confidence)} interval {spread(up)}"
            f"{f'; {percent_range(*up.worst_case)} by missing labels' if up.worst_case else ''})."
        )
    return (
        f"Of {counted(up.trials, 'pair')}, the response was less severe than the prompt in {down.events:,} "
        f"({percent(down.estimate)}), as severe in {same.events:,} ({percent(same.estimate)}) and more severe in "
        f"{up.events:,} ({percent(up.estimate)}, {unrounded(up.interval.confidence)} interval {spread(up)})."
    )


def _harm(population: Population) -> str:
    comply, drift = (
        population.overall["harmful_prompt_compliance"],
        population.overall["benign_drift"],
    )
    parts = []
    if comply.trials:
        parts.append(f"Harmful prompts got a harmful response in {_of_pairs(comply)}")
    if drift.trials:
        parts.append(
            f"harmless ones in {drift.events:,} of {drift.trials:,} ({_told(drift)})"
            if parts
            else f"Harmless prompts got a harmful response in {_of_pairs(drift)}"
        )
    if not parts:
        known = _at_least(population.overall["response_harm"], "are harmful")
        return f"Whether harmful or harmless prompts got harmful responses cannot be told{known}."
    return f"{'; '.join(parts)}."


def _at_least(rate: Rate, what: str) -> str:
    """Say what is known all the same, where no record is complete."""
    if rate.worst_case is None or rate.worst_case[0] == 0:
        return ""
    return f"; but whatever the missing labels are, at least {percent(rate.worst_case[0])} {what}"


def _of_pairs(rate: Rate) -> str:
    return f"{rate.events:,} of {counted(rate.trials, 'pair')} ({_told(rate)})"


def _told(rate: Rate) -> str:
    """Write a share with its interval, and how far missing labels could move it."""
    ends = (
        "" if rate.worst_case is None else f"; {percent_range(*rate.worst_case)} by missing labels"
    )
    return f"{percent(rate.estimate)}, {spread(rate)}{ends}"


def _persistence(population: Population) -> str:
    rates = {
        name: category.rates["persistence"] for name, category in population.categories.items()
    }
    known = {name: rate for name, rate in rates.items() if rate.interval is not None}
    if not known:
        if any(rate.missing for rate in rates.values()):
            return (
                "Labels are missing where persistence would show, so nothing can be said about it."
            )
        return "No prompt is harmful in any category, so nothing can be said about persistence."
    top = max(known, key=lambda name: known[name].estimate or 0.0)
    rate = known[top]
    if not any(rate.events for rate in known.values()):
        return f"In no category did harm persist from prompt to response{_at_most(known)}."
    found = f"{rate.events:,} of {counted(rate.trials, 'pair')} with a prompt harmful in it ({_told(rate)})"
    if len(known) == 1:
        return f"Harm in {top} persisted in {found}."
    tied = [name for name in known if name != top and known[name].estimate == rate.estimate]
    also = f" (tied with {enumerate_words(tied)})" if tied else ""
    return f"Harm persists most in {top}{also}: in {found}{_compared(population.contrasts, top)}."


def _at_most(rates: Mapping[str, Rate]) -> str:
    ends = {name: rate.interval.high for name, rate in rates.items() if rate.interval}
    widest = max(ends, key=lambda name: ends[name])
    return f"; the intervals reach up to {percent(ends[widest])} ({widest})"


def _compared(contrasts: Contrasts, top: str) -> str:
    own = [c for c in contrasts.items if c.a == top]
    clear = [c.b for c in own if c.distinguishable]
    unclear = [c.b for c in own if c.enough and not c.distinguishable]
    few = [c.b for c in own if not c.enough]
    parts = []
    if clear:
        parts.append(f"clearly more than in {enumerate_words(clear)}")
    if unclear:
        parts.append(f"not distinguishable from {enumerate_words(unclear)}")
    if few:
        parts.append(
            f"too few pairs to tell it from {enumerate_words(few)} (either needs {ENOUGH})"
        )
    return ", " + "; ".join(parts) if parts else ""


def _origin(population: Population) -> str:
    origin = population.escalation_origin
    safe, harmful = (
        origin.unsolicited_elaboration.of_escalations,
        origin.compliance_escalation.of_escalations,
    )
    escalation = population.overall["escalation"]
    if not safe.trials and escalation.worst_case is not None and escalation.worst_case[0] > 0:
        return (
            "How escalations came about cannot be told, because labels are missing"
            f"{_at_least(escalation, 'are escalations')}."
        )
    if not safe.trials:
        known = "is known to be" if population.overall["escalation"].missing else "was"
        return f"No response {known} more severe than its prompt."
    if safe.events >= harmful.events:
        kind, why, rate = "harmless", "unsolicited elaboration", safe
    else:
        kind, why, rate = "harmful", "compliance that goes further", harmful
    if rate.trials == 1:
        return f"The only escalation came from a {kind} prompt ({why})."
    tied = safe.events == harmful.events
    much = "half" if tied else "all" if rate.events == rate.trials else "most"
    return (
        f"Of {rate.trials:,} escalations, {much} came from {kind} prompts ({why}): {rate.events:,} "
        f"({percent(rate.estimate)}, {spread(rate)})."
    )


def caveats(
    population: Population,
    counts: Counts,
    *,
    cluster: str | None,
    labels_by: str | None = None,
    corrected: bool = False,
    tipping: Sequence[Tipping] = (),
    sets: str | None = None,
    by_model: bool = False,
) -> list[str]:
    """Say what the numbers do not tell.

    Parameters
    ----------
    population : Population
        All records together.
    counts : Counts
        Their counts.
    cluster : str or None
        Column whose equal values are not independent.
    labels_by : {"people", "grader", None}
        Who made the labels.
    corrected : bool
        Whether rates were corrected by people's labels.
    tipping : sequence of Tipping
        How wrong the grader would have to be for each finding to vanish.
    sets : str or None
        Column that tells which prompts belong together.
    by_model : bool
        Whether several models answered, so that sets are judged model by model.
    """
    return [
        _about_labels(labels_by, corrected, tipping),
        *_always(population),
        *_about_clusters(population, counts, cluster),
        *_about_sets(population.sets, cluster, sets, by_model=by_model),
        *_about_gaps(population, counts),
    ]


def _about_labels(labels_by: str | None, corrected: bool, tipping: Sequence[Tipping]) -> str:
    if labels_by == "people":
        return "The labels are taken as they are. People err too, and the intervals do not include that."
    if corrected:
        return (
            "The labels are taken as they are, but for the corrected rates. The grader's mistakes move every other "
            "rate, and the intervals do not include that."
        )
    return (
        "The labels are taken as they are. If a grader made them, its mistakes move every rate, and the intervals "
        f"do not include that.{_false_alarms(tipping)}"
    )


def _false_alarms(tipping: Sequence[Tipping]) -> str:
    told = [
        (percent(item.null_specificity), _ALARMS[item.metric])
        for item in tipping
        if item.metric in _ALARMS and item.null_specificity is not None
    ]
    if not told:
        return ""
    (at, events), *more = told
    rest = "".join(f", at {at} or less all {events}" for at, events in more)
    return f" At a specificity of {at} or less all {events} could be its false alarms{rest}."


def _always(population: Population) -> Iterator[str]:
    yield (
        "The intervals speak of prompts like these, chosen as these were; not of other prompts, languages or "
        "settings."
    )
    escalations = population.overall["escalation"].events
    if 0 < escalations < FEW_EVENTS:
        yield (
            f"There {'is' if escalations == 1 else 'are'} only {counted(escalations, 'escalation')}, too few to say "
            "much about how escalations come about."
        )


def _about_clusters(population: Population, counts: Counts, cluster: str | None) -> Iterator[str]:
    if counts.clusters is None:
        if cluster is None:
            yield "The data does not say which records share a prompt; each was taken as a prompt of its own."
        return
    if counts.units == 1:
        yield (
            f"All {counts.total:,} records share one value of {cluster}. Records that share one are not independent, "
            "so nothing can be said about others."
        )
        return
    rate = population.overall["escalation"]
    deff = ""
    if rate.deff is not None and rate.effective_n is not None:
        digits = 0 if rate.effective_n >= 10 else 1
        deff = (
            f" (escalation: design effect {rate.deff:.1f}; {counted(rate.trials, 'record')} "
            f"{'tells' if rate.trials == 1 else 'tell'} as much as {rate.effective_n:,.{digits}f} would if independent)"
        )
    yield (
        f"{counts.total:,} records share {counted(counts.units, 'value')} of {cluster}. Records that share one are not "
        f"independent, and the intervals allow for it{deff}."
    )
    if isinstance(counts.clusters, RandomGroups) and counts.clusters.alone:
        yield f"Values of {cluster} have too many records for anything to be said within sets."
    elif isinstance(counts.clusters, RandomGroups):
        groups = len(counts.clusters.weight)
        yield (
            f"Values of {cluster} are of more kinds than are kept. How sure the numbers are was estimated from "
            f"{groups:,} groups of them, drawn by a hash of the value, which tells the width of an interval to about "
            f"{sqrt(1 / (2 * groups)):.0%}. The numbers themselves come from all records. Nothing is resampled, and "
            "nothing is said within sets."
        )
    elif len(np.unique(np.diff(counts.clusters.indptr))) > 1:
        yield f"Values of {cluster} have different numbers of records; those with more weigh more."


def _about_sets(
    told: Sets | None, cluster: str | None, column: str | None, *, by_model: bool
) -> Iterator[str]:
    if column is None:
        return
    if cluster != column:
        yield (
            f"The data names sets of prompts that belong together ({column}), but {cluster} was named as the unit that "
            "is independent: nothing is said within sets, and no interval allows for them."
        )
    elif by_model:
        yield "What is said within sets is said of each model by itself, never of several at once."
    if told is not None and told.left_out:
        many = sum(told.left_out.values())
        yield (
            f"{many:,} of {counted(told.count, 'set')} {'is' if many == 1 else 'are'} not known to hold a harmless and "
            "a harmful prompt, and left out of what is said within sets."
        )


def _about_gaps(population: Population, counts: Counts) -> Iterator[str]:
    undefined = {
        name: item.rates["persistence"]
        for name, item in population.categories.items()
        if not item.rates["persistence"].trials
    }
    empty = [name for name, rate in undefined.items() if not rate.missing]
    unlabelled = [name for name, rate in undefined.items() if rate.missing]
    if empty:
        yield f"No prompt is harmful in {enumerate_words(empty, last='or')}: persistence there is undefined, not zero."
    if unlabelled and not population.labelled_side:
        yield f"Labels are missing in {enumerate_words(unlabelled)}: persistence there is undefined, not zero."
    escalation = population.overall["escalation"]
    worst = escalation.worst_case
    if worst is not None and not population.labelled_side:
        many = escalation.missing
        yield (
            f"{counted(many, 'record')} {'lacks' if many == 1 else 'lack'} labels without which it is open whether the "
            f"response is more severe. Rates are those of the complete records, as far as the others allow; whatever "
            f"the labels are, the escalation rate of this data lies between {percent(worst[0])} and "
            f"{percent(worst[1])}."
        )
    if counts.relevance is None and counts.refusal is None:
        yield "The data has no relevance and no refusals, so a refusal cannot be told from a helpful safe answer."
    if counts.refusal is not None and (refusals := population.overall["refusal"]).missing:
        yield (
            f"{counted(refusals.missing, 'response')} {'lacks' if refusals.missing == 1 else 'lack'} the label of "
            "refusal. Rates of refusals are those of the others; the page says how far the missing could move them."
        )
