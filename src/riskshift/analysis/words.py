"""What the numbers say, and what they cannot say, in plain words."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from riskshift.analysis.contrasts import Contrasts
from riskshift.analysis.population import Population
from riskshift.analysis.rates import Rate
from riskshift.counts import Counts
from riskshift.taxonomy import Taxonomy

FEW_EVENTS: Final = 10


def percent(share: float | None, *, digits: int = 1) -> str:
    """Write a share as a percentage that never rounds something to nothing.

    Examples
    --------
    >>> percent(0.032), percent(0.00004), percent(1.0), percent(0.99996), percent(None)
    ('3.2%', '<0.1%', '100%', '>99.9%', 'undefined')
    """
    if share is None:
        return "undefined"
    if share in (0.0, 1.0):
        return f"{share:.0%}"
    edge = 10.0 ** -(digits + 2)
    if 0 < share < edge:
        return f"<{edge:.{digits}%}"
    if 1 - edge < share < 1:
        return f">{1 - edge:.{digits}%}"
    return f"{share:.{digits}%}"


def spread(rate: Rate) -> str:
    """Write a rate's interval: ``2.4% to 4.3%``."""
    if rate.interval is None:
        return "undefined"
    return f"{percent(rate.interval.low)} to {percent(rate.interval.high)}"


def enumerate_words(words: Sequence[str]) -> str:
    """Join words as a sentence does: ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def _level(rate: Rate) -> str:
    return percent(rate.interval.confidence if rate.interval else None, digits=0)


def headline(population: Population, taxonomy: Taxonomy) -> list[str]:
    """Say the main findings in three or four sentences."""
    sentences = [
        _movement(population),
        _harm(population),
        _persistence(population),
        _origin(population),
    ]
    return [sentence for sentence in sentences if sentence]


def _movement(population: Population) -> str:
    up, same, down = (
        population.overall[name] for name in ("escalation", "preservation", "reduction")
    )
    if not up.trials:
        return f"None of the {population.records:,} pairs has all its labels, so no transition can be told."
    return (
        f"Of {up.trials:,} pairs, the response was less severe than the prompt in {down.events:,} "
        f"({percent(down.estimate)}), as severe in {same.events:,} ({percent(same.estimate)}) and more severe in "
        f"{up.events:,} ({percent(up.estimate)}, {_level(up)} interval {spread(up)})."
    )


def _harm(population: Population) -> str:
    comply, drift = (
        population.overall["harmful_prompt_compliance"],
        population.overall["benign_drift"],
    )
    parts = []
    if comply.trials:
        parts.append(
            f"{comply.events:,} of {comply.trials:,} harmful prompts got a harmful response "
            f"({percent(comply.estimate)}, {spread(comply)})"
        )
    if drift.trials:
        parts.append(
            f"{drift.events:,} of {drift.trials:,} harmless ones did ({percent(drift.estimate)}, {spread(drift)})"
            if parts
            else f"{drift.events:,} of {drift.trials:,} harmless prompts got a harmful response "
            f"({percent(drift.estimate)}, {spread(drift)})"
        )
    return f"{'; '.join(parts)}." if parts else ""


def _persistence(population: Population) -> str:
    rates = {
        name: category.rates["persistence"] for name, category in population.categories.items()
    }
    known = {name: rate for name, rate in rates.items() if rate.estimate is not None}
    if not known:
        return "No prompt is harmful in any category, so nothing can be said about persistence."
    top = max(known, key=lambda name: known[name].estimate or 0.0)
    if not known[top].events:
        return "In no category did harm persist from prompt to response."
    rate = known[top]
    return (
        f"Harm persists most in {top}: {rate.events:,} of {rate.trials:,} harmful prompts kept it "
        f"({percent(rate.estimate)}, {spread(rate)}){_compared(population.contrasts, top)}."
    )


def _compared(contrasts: Contrasts, top: str) -> str:
    own = [c for c in contrasts.items if c.a == top]
    clear = [c.b for c in own if c.simultaneous.low > 0]
    unclear = [c.b for c in own if c.simultaneous.low <= 0]
    parts = []
    if clear:
        parts.append(f"clearly more than {enumerate_words(clear)}")
    if unclear:
        parts.append(f"not distinguishable from {enumerate_words(unclear)}")
    return ", " + "; ".join(parts) if parts else ""


def _origin(population: Population) -> str:
    origin = population.escalation_origin
    safe, harmful = (
        origin.unsolicited_elaboration.of_escalations,
        origin.compliance_escalation.of_escalations,
    )
    if not safe.trials:
        return "No response was more severe than its prompt."
    if safe.events >= harmful.events:
        first, rate = "harmless prompts (unsolicited elaboration)", safe
    else:
        first, rate = "harmful prompts (compliance that goes further)", harmful
    tied = safe.events == harmful.events
    much = "half" if tied else "all" if rate.events == rate.trials else "most"
    return (
        f"Of {rate.trials:,} escalations, {much} came from {first}: {rate.events:,} "
        f"({percent(rate.estimate)}, {spread(rate)})."
    )


def caveats(population: Population, counts: Counts, *, cluster: str | None) -> list[str]:
    """Say what the numbers do not tell."""
    return [
        *_always(population),
        *_about_clusters(population, counts, cluster),
        *_about_gaps(population, counts),
    ]


def _always(population: Population) -> Iterator[str]:
    yield (
        "The labels are taken as they are. If a grader made them, its mistakes move every rate, and the intervals "
        "do not include that."
    )
    yield (
        "The intervals speak of prompts like these, chosen as these were; not of other prompts, languages or "
        "settings."
    )
    escalations = population.overall["escalation"].events
    if 0 < escalations < FEW_EVENTS:
        yield (
            f"There {'is 1 escalation' if escalations == 1 else f'are {escalations} escalations'}; shares among them "
            "say little."
        )


def _about_clusters(population: Population, counts: Counts, cluster: str | None) -> Iterator[str]:
    if counts.clusters is None:
        if cluster is None:
            yield "The data does not say which records share a prompt; each was taken as a prompt of its own."
        return
    rate = population.overall["escalation"]
    deff = (
        f" (escalation: design effect {rate.deff:.1f}, {rate.trials:,} records tell as much as "
        if rate.deff
        else ""
    )
    if deff:
        deff += f"{rate.effective_n or 0:,.0f} independent ones)"
    yield (
        f"{counts.total:,} records share {counts.units:,} values of {cluster}. Records that share one are not "
        f"independent, and the intervals are wider for it{deff}."
    )
    if len(np.unique(np.diff(counts.clusters.indptr))) > 1:
        yield f"Values of {cluster} have different numbers of records; those with more weigh more."


def _about_gaps(population: Population, counts: Counts) -> Iterator[str]:
    empty = [
        name for name, item in population.categories.items() if not item.rates["persistence"].trials
    ]
    if empty:
        yield f"No prompt is harmful in {enumerate_words(empty)}: persistence there is undefined, not zero."
    missing = population.overall["escalation"].missing
    if missing:
        worst = population.overall["escalation"].worst_case or (0.0, 1.0)
        yield (
            f"{missing:,} records lack a label and are left out where it is needed; whatever the labels are, the "
            f"escalation rate of this data lies between {percent(worst[0])} and {percent(worst[1])}."
        )
    if counts.relevance is None:
        yield "The data has no relevance, so a refusal cannot be told from a helpful safe answer."
