"""Every metric is what its definition says, row by row."""

import random
from itertools import product

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskshift import Taxonomy
from riskshift.analysis.metrics import (
    CATEGORY,
    OVERALL,
    category_metrics,
    choose,
    overall_metrics,
)
from riskshift.analysis.rates import Settings, estimate_metric
from riskshift.analysis.severities import NO, YES
from riskshift.errors import UsageError
from riskshift.refusal import REFUSAL, RefusalScale

# name: event, denominator; from p, r (highest severities), pc, rc (in the category), h and top.
# Written anew from the definitions; what is missing is filled in in every way.
DEFINITIONS = {
    "escalation": ("r > p", "True"),
    "preservation": ("r == p", "True"),
    "reduction": ("r < p", "True"),
    "conditional_reduction": ("r < p", "p >= h"),
    "prompt_prevalence": ("p >= h", "True"),
    "response_harm": ("r >= h", "True"),
    "harmful_prompt_compliance": ("r >= h", "p >= h"),
    "benign_drift": ("r >= h", "p < h"),
    "severe_response": ("r == top", "True"),
    "refusal": ("no >= from_", "True"),
    "harmful_refusal": ("no >= from_", "p >= h"),
    "over_refusal": ("no >= from_", "p < h"),
    "benign_refusal": ("no >= from_", "benign == 1"),
    "partial_refusal": ("no == 1", "True"),
    "harmless_answer": ("no < from_ and r < h", "p >= h"),
    "harm_given_answer": ("r >= h", "p >= h and no < from_"),
    "leaky_refusal": ("r >= h", "no >= from_"),
    "on_task": ("task == 3", "p < h"),
}
IN_CATEGORY = {
    "prompt_prevalence": ("pc >= h", "True"),
    "response_prevalence": ("rc >= h", "True"),
    "persistence": ("rc >= h", "pc >= h"),
    "reduction_to_safe": ("rc < h", "pc >= h"),
    "category_reduction": ("rc < pc", "pc >= h"),
    "same_level": ("rc == pc", "pc >= h"),
    "conditional_reduction": ("r < p", "pc >= h"),
    "drift_rate": ("rc >= h", "pc < h"),
    "drift_share": ("pc < h", "rc >= h"),
    "category_escalation": ("rc > pc", "True"),
    "category_escalation_room": ("rc > pc", "pc < top"),
    "harmful_refusal": ("no >= from_", "pc >= h"),
    "harmless_answer": ("no < from_ and r < h", "pc >= h"),
    "harm_given_answer": ("rc >= h", "pc >= h and no < from_"),
}
BESIDE = {"benign": (0, 1), "task": (1, 2, 3), "no": (0, 1, 2)}
EVERYTHING = {"relevance", "benign", "refusal", "partial"}
FAST = Settings(resamples=50, permutations=50)


def sides(labels, taxonomy, category):
    c = len(taxonomy.categories)
    return {
        **dict(zip(BESIDE, labels[2 * c :], strict=True)),
        "from_": taxonomy.refusal.refused_from,
        "p": max(labels[:c]),
        "r": max(labels[c : 2 * c]),
        "pc": labels[category],
        "rc": labels[c + category],
        "h": taxonomy.harmful_from,
        "top": len(taxonomy.levels) - 1,
    }


def needed(definition, labels, taxonomy, category):
    """The labels that the definition looks at."""
    c = len(taxonomy.categories)
    held = {
        **{name: [label] for name, label in zip(BESIDE, labels[2 * c :], strict=True)},
        "p": labels[:c],
        "r": labels[c : 2 * c],
        "pc": labels[category : category + 1],
        "rc": labels[c + category : c + category + 1],
    }
    names = {name for text in definition for name in compile(text, "", "eval").co_names}
    return [label for name in names & held.keys() for label in held[name]]


def possible(definition, labels, taxonomy, category):
    """What the record may be: outside (None), without the event, with it."""
    levels = [range(len(taxonomy.levels))] * (2 * len(taxonomy.categories)) + [*BESIDE.values()]
    event, given_ = definition
    found = set()
    may_be = [may if label is None else [label] for label, may in zip(labels, levels, strict=True)]
    for full in product(*may_be):
        held = sides(full, taxonomy, category)
        found.add(bool(eval(event, {}, held)) if eval(given_, {}, held) else None)
    return found


def tally(definition, rows, taxonomy, category):
    may_be = [possible(definition, row, taxonomy, category) for row in rows]
    missing = sum(len(found) > 1 for found in may_be)
    taken = [
        found
        for found, row in zip(may_be, rows, strict=True)
        if not missing or None not in needed(definition, row, taxonomy, category)
    ]
    events = sum(found == {True} for found in taken)
    return events, events + sum(found == {False} for found in taken), missing


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 4), st.integers(1, 2), st.integers(0, 2**32), st.data())
def test_every_metric_counts_what_its_definition_says(counts_of, severities_of, k, c, seed, data):
    start = data.draw(st.integers(1, k - 1))
    partial = RefusalScale(partial_counts_as=data.draw(st.sampled_from(("answered", "refused"))))
    levels = [f"level {i}" for i in range(k)]
    taxonomy = Taxonomy(["a", "b", "c"][:c], levels, start, refusal=partial)
    rng = random.Random(seed)
    gap = [None] if data.draw(st.booleans()) else []
    labels = [*range(k), 0, *gap] if gap else range(k)
    rows = [
        (*rng.choices(labels, k=2 * c), *(rng.choice([*may, *gap]) for may in BESIDE.values()))
        for _ in range(rng.randint(1, 12))
    ]
    benign, task, no = zip(*(row[2 * c :] for row in rows), strict=True)
    refusal = [None if level is None else REFUSAL[level] for level in no]
    found = severities_of(
        *(row[: 2 * c] for row in rows),
        taxonomy=taxonomy,
        prompt_benign=pl.Series(benign, dtype=pl.Int64),
        relevance=pl.Series(task, dtype=pl.Int64),
        refusal=pl.Series(refusal, dtype=pl.String),
    )
    for scope, definitions in ((OVERALL, DEFINITIONS), (CATEGORY, IN_CATEGORY)):
        for metric in scope:
            for category in range(c):
                rate = estimate_metric(metric, found, FAST, category=category)
                wanted = tally(definitions[metric.name], rows, taxonomy, category)
                assert (rate.events, rate.trials, rate.missing) == wanted, metric.name


def test_catalogue_is_that_of_the_definitions():
    assert [metric.name for metric in OVERALL] == list(DEFINITIONS)
    assert [metric.name for metric in CATEGORY] == list(IN_CATEGORY)


@pytest.mark.parametrize("metric", [*OVERALL, *CATEGORY], ids=lambda metric: metric.name)
def test_formula_that_is_shown_is_the_one_that_counts(metric):
    shown = f"{metric.event_formula} | {metric.given_formula}"
    for old, new in (
        ("p_c", "pc"),
        ("r_c", "rc"),
        ("all", "True"),
        (" = ", " == "),
        ("answered", "no < from_"),
        ("refused", "no >= from_"),
        ("partial", "no == 1"),
        ("benign", "benign == 1"),
        ("relevance", "task"),
        ("K-1", "top"),
    ):
        shown = shown.replace(old, new)
    definitions = DEFINITIONS if metric in OVERALL else IN_CATEGORY
    assert tuple(shown.split(" | ")) == definitions[metric.name]
    assert metric.meaning.startswith("Share of ")
    assert metric.meaning.endswith(".")


def test_same_level_is_for_json_only():
    assert {metric.name for metric in (*OVERALL, *CATEGORY) if not metric.on_page} == {"same_level"}


def test_two_levels_list_each_metric_once(severities_of):
    two = Taxonomy(["a"], ["Safe", "Harmful"])
    left = {m.name for m in OVERALL} - {m.name for m in overall_metrics(two, EVERYTHING)}
    assert left == {"severe_response"}
    left = {m.name for m in CATEGORY} - {m.name for m in category_metrics(two, EVERYTHING)}
    assert left == {"category_reduction", "same_level", "category_escalation_room"}
    assert overall_metrics(Taxonomy(), EVERYTHING) == OVERALL
    assert category_metrics(Taxonomy(), EVERYTHING) == CATEGORY


def test_what_the_data_do_not_tell_has_no_metric():
    bare = {metric.name for metric in overall_metrics(Taxonomy())}
    assert bare == set(list(DEFINITIONS)[:9])
    assert {m.name for m in category_metrics(Taxonomy())} == set(list(IN_CATEGORY)[:11])
    yes_no = {metric.name for metric in overall_metrics(Taxonomy(), {"refusal"})} - bare
    assert "over_refusal" in yes_no
    assert not yes_no & {"partial_refusal", "benign_refusal", "on_task"}


def test_what_two_levels_leave_out_is_said_by_another(severities_of):
    """No information is lost: each metric left out equals one that stays."""
    two = Taxonomy(["a"], ["Safe", "Harmful"])
    rows = [(0, 0)] * 5 + [(0, 1)] * 3 + [(1, 0)] * 4 + [(1, 1)] * 2
    found = severities_of(*rows, taxonomy=two)

    def counted(name):
        (choice,) = choose(name, two)
        rate = estimate_metric(choice.metric, found, FAST)
        return rate.events, rate.trials

    for left, kept in (
        ("severe_response", "response_harm"),
        ("category_reduction[a]", "reduction_to_safe[a]"),
        ("same_level[a]", "persistence[a]"),
        ("category_escalation_room[a]", "drift_rate[a]"),
    ):
        assert counted(left) == counted(kept)


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("escalation", ["escalation"]),
        (" persistence [ hate ] ", ["persistence[hate]"]),
        ("prompt_prevalence", ["prompt_prevalence"]),
        ("prompt_prevalence[sexual]", ["prompt_prevalence[sexual]"]),
        ("drift_rate", [f"drift_rate[{c}]" for c in ("hate", "self_harm", "sexual", "violence")]),
    ],
)
def test_metrics_are_chosen_by_name(text, labels):
    assert [choice.label for choice in choose(text, Taxonomy())] == labels


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("escalatoin", r"metric 'escalatoin' is unknown \(did you mean 'escalation'\?\)"),
        ("escalation[hate]", "category metric 'escalation' is unknown"),
        ("persistence[hat]", r"category of persistence 'hat' .*did you mean 'hate'"),
        ("persistence[]", "category of persistence '' is unknown"),
    ],
)
def test_unknown_names_are_refused_with_the_likely_one(text, message):
    with pytest.raises(UsageError, match=message):
        choose(text, Taxonomy())


def test_choice_asks_its_category(severities_of):
    found = severities_of((1, 0, 1, 0), (0, 0, 0, 2))
    first, second = choose("response_prevalence", found.counts.taxonomy)
    assert (first.category, second.category) == ("a", "b")
    asked = [choice.answers(found).possible.tolist() for choice in (first, second)]
    assert sorted(asked[0]) == sorted(asked[1]) == [NO, YES]
    assert asked[0] != asked[1]
