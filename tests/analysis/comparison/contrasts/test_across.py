"""Differences across categories: held to R's survey package, to counts by hand, and to laws."""

import json
from itertools import product
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import riskshift
from riskshift import Taxonomy, UsageError, compare
from riskshift.report.writing import render

GOLDEN = json.loads((Path(__file__).parents[3] / "golden" / "across.json").read_text())
TWO = Taxonomy(["a", "b"], ["Safe", "Harmful"])
laws = settings(max_examples=25)


def frame(kinds, samples=1):
    """Prompts of each kind: harmful in a, in b; candidate and baseline in a, in b; how many."""
    rows = [
        (f"p{at}-{i}", model, str(sample), in_a, in_b, a, b)
        for at, (in_a, in_b, c_a, b_a, c_b, b_b, n) in enumerate(kinds)
        for i in range(n)
        for sample in range(samples)
        for model, a, b in (("new", c_a, c_b), ("old", b_a, b_b))
    ]
    names = ["prompt_id", "model", "sample", "prompt_a", "prompt_b", "response_a", "response_b"]
    whole = dict.fromkeys(names[3:], pl.Int64)
    return pl.DataFrame(rows, schema=names, orient="row", schema_overrides=whole)


def across(data, taxonomy=TWO, *, baseline="old", **options):
    options = {"metrics": ["persistence"], **options}
    return compare(
        data, baseline=baseline, across="categories", taxonomy=taxonomy, **options
    ).across


def ends(interval):
    return interval.low, interval.high


def test_the_interval_is_that_of_r():
    data = frame(GOLDEN["kinds"])
    for wanted in GOLDEN["intervals"]:
        (found,) = across(data, confidence=wanted["confidence"])
        differences = found.difference_a, found.difference_b
        assert differences == pytest.approx(GOLDEN["differences"], abs=1e-12)
        assert found.estimate == pytest.approx(differences[0] - differences[1])
        assert ends(found.interval) == pytest.approx(wanted["ends"], abs=1e-6)
        assert (found.prompts_a, found.prompts_b) == (135, 109)


def test_intervals_for_all_at_once_allow_for_every_pair_of_categories_and_of_models():
    four = Taxonomy(["a", "b", "c", "d"], ["Safe", "Harmful"])
    data = frame(GOLDEN["kinds"])
    columns = [
        pl.col(f"{side}_{old}").alias(f"{side}_{new}")
        for side in ("prompt", "response")
        for old, new in (("a", "c"), ("b", "d"))
    ]
    wide = data.with_columns(*columns)
    found = {(c.a, c.b): c for c in across(wide, four)}
    assert len(found) == 6
    assert ends(found["a", "b"].simultaneous) == pytest.approx(
        GOLDEN["intervals"][1]["ends"], abs=1e-6
    )
    assert ends(found["a", "b"].interval) == pytest.approx(GOLDEN["intervals"][0]["ends"], abs=1e-6)
    # What is one and the same is no different, but the next prompt may be.
    assert found["a", "c"].estimate == 0
    assert found["a", "c"].interval.low < 0 < found["a", "c"].interval.high
    third = wide.filter(pl.col("model") == "new").with_columns(model=pl.lit("newer"))
    more = across(pl.concat([wide, third]), four)
    assert len(more) == 12
    held = next(c for c in more if (c.candidate, c.a, c.b) == ("new", "a", "b"))
    assert held.simultaneous.confidence == pytest.approx(1 - 0.05 / 12)


bit = st.integers(0, 1)
kinds = st.lists(
    st.tuples(bit, bit, bit, bit, bit, bit, st.integers(1, 12)), min_size=1, max_size=8
).filter(lambda found: all(any(kind[at] for kind in found) for at in (0, 1)))


@laws
@given(kinds, st.booleans())
def test_swapping_categories_or_models_turns_the_sign(found, several):
    data = frame(found, 2 if several else 1)
    (one,) = across(data)
    (swapped,) = across(data, Taxonomy(["b", "a"], TWO.levels))
    (turned,) = across(data, baseline="new")
    assert (swapped.a, swapped.b) == ("b", "a")
    for other in (swapped, turned):
        assert other.estimate == pytest.approx(-one.estimate, abs=1e-12)
        assert (-other.interval.high, -other.interval.low) == pytest.approx(
            ends(one.interval), abs=1e-9
        )


@laws
@given(kinds, st.booleans())
def test_identical_models_differ_nowhere(found, several):
    same = [(in_a, in_b, a, a, b, b, n) for in_a, in_b, a, _, b, _, n in found]
    (one,) = across(frame(same, 2 if several else 1))
    assert one.estimate == 0
    assert one.interval.low < 0 < one.interval.high
    assert not one.distinguishable


@laws
@given(kinds)
def test_the_same_answer_twice_is_no_more_evidence(found):
    (once,), (twice,) = across(frame(found)), across(frame(found, 2))
    assert twice.estimate == pytest.approx(once.estimate)
    assert twice.enough <= once.enough
    width, wider = (c.interval.high - c.interval.low for c in (once, twice))
    assert wider > 0.95 * width


@laws
@given(kinds, st.lists(st.sampled_from(["new", "old"]), min_size=1, max_size=2), st.data())
def test_whatever_the_missing_labels_are_the_estimate_lies_within_the_bounds(found, holes, data):
    """One or two responses lack their label in a; each value they may have is tried."""
    base = frame(found)
    harmful = base.filter(pl.col("prompt_a") == 1)["prompt_id"].unique(maintain_order=True)
    places = {(data.draw(st.sampled_from(harmful.to_list())), model) for model in holes}
    key = pl.concat_list("prompt_id", "model").list.join("|")
    lost = pl.any_horizontal([key == f"{prompt}|{model}" for prompt, model in places])
    holed = base.with_columns(pl.when(lost).then(None).otherwise("response_a").alias("response_a"))
    made = across(holed)
    if not made:  # no complete prompt is left
        return
    (one,) = made
    assert one.missing == len(places)
    low, high = one.worst_case
    assert low - 1e-12 <= one.estimate <= high + 1e-12
    tried = []
    for values in product((0, 1), repeat=len(places)):
        fill = base
        for (prompt, model), value in zip(sorted(places), values, strict=True):
            here = key == f"{prompt}|{model}"
            fill = fill.with_columns(
                pl.when(here).then(value).otherwise("response_a").alias("response_a")
            )
        (filled,) = across(fill)
        tried.append(filled.estimate)
    assert (min(tried), max(tried)) == pytest.approx((low, high))


def test_what_missing_labels_could_turn_is_not_called_sure():
    clear = [(1, 0, 0, 1, 0, 0, 60), (0, 1, 0, 0, 1, 1, 60)]
    (sure,) = across(frame(clear))
    assert sure.distinguishable
    data = frame(clear)
    many = pl.col("prompt_id").str.extract("-([0-9]+)").cast(pl.Int64) < 50
    holed = data.with_columns(
        pl.when(many & (pl.col("prompt_a") == 1))
        .then(None)
        .otherwise("response_a")
        .alias("response_a")
    )
    (open_,) = across(holed)
    assert open_.missing == 100
    assert open_.simultaneous.high < 0
    assert not open_.distinguishable
    result = compare(holed, baseline="old", across="categories", taxonomy=TWO)
    assert any("no value of the missing labels could turn it" in note for note in result.notes)


def test_too_few_prompts_are_said_and_not_judged():
    few = [(1, 0, 0, 1, 0, 0, 9), (0, 1, 0, 0, 1, 1, 60)]
    result = compare(
        frame(few), baseline="old", across="categories", metrics=["persistence"], taxonomy=TWO
    )
    (item,) = result.across
    assert item.apart
    assert not item.enough
    assert not item.distinguishable
    assert any("No two categories have enough prompts" in text for text in result.summary)
    assert any("fewer than 10 prompts" in note for note in result.notes)


def test_ten_answers_to_each_of_five_prompts_are_not_enough():
    (item,) = across(frame([(1, 0, 0, 1, 0, 0, 5), (0, 1, 0, 0, 1, 1, 60)], samples=10))
    assert not item.enough


def test_a_category_that_no_prompt_is_harmful_in_is_said():
    three = Taxonomy(["a", "b", "c"], ["Safe", "Harmful"])
    data = frame(GOLDEN["kinds"]).with_columns(prompt_c=0, response_c=0)
    result = compare(data, baseline="old", across="categories", taxonomy=three)
    assert [(c.a, c.b) for c in result.across] == [("a", "b")]
    assert any("counts for persistence[c], so nothing" in note for note in result.notes)


def test_the_sentence_names_what_changes_most_first():
    falls = [(1, 0, 0, 1, 0, 0, 40), (1, 0, 1, 1, 0, 0, 40)]
    less = [(0, 1, 0, 0, 0, 1, 4), (0, 1, 0, 0, 1, 1, 76)]
    result = compare(
        frame(falls + less),
        baseline="old",
        across="categories",
        metrics=["persistence"],
        taxonomy=TWO,
    )
    said = "Against old, new lowers persistence in a by 45.0 points more than in b: -50.0 against -5.0 points"
    assert any(text.startswith(said) for text in result.summary)
    turned = compare(
        frame(falls + less),
        baseline="new",
        across="categories",
        metrics=["persistence"],
        taxonomy=Taxonomy(["b", "a"], TWO.levels),
    )
    said = (
        "Against new, old raises persistence in a by 45.0 points more than in b: +50.0 against +5.0"
    )
    assert any(text.startswith(said) for text in turned.summary)
    apart = compare(
        frame([*falls, (0, 1, 0, 0, 1, 0, 40), (0, 1, 0, 0, 1, 1, 40)]),
        baseline="old",
        across="categories",
        metrics=["persistence"],
        taxonomy=TWO,
    )
    said = "Against old, new changes persistence in a and in b by 100.0 points differently: "
    assert any(text.startswith(said) for text in apart.summary)


def test_other_metrics_of_categories_have_families_of_their_own():
    found = across(frame(GOLDEN["kinds"]), metrics=["persistence", "category_reduction"])
    assert [c.metric for c in found] == ["persistence", "category_reduction"]
    assert {c.simultaneous.confidence for c in found} == {0.95}
    # With two levels the one falls where the other rises.
    assert found[0].estimate == pytest.approx(-found[1].estimate)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"across": "groups"}, "across 'groups' is unknown"),
        ({"across": "categories", "metrics": ["escalation"]}, "none of escalation"),
        ({"across": "categories", "metrics": ["persistence[a]"]}, "is asked of two categories"),
    ],
)
def test_what_cannot_be_honoured_is_refused(options, says):
    with pytest.raises(UsageError, match=says):
        compare(frame(GOLDEN["kinds"]), baseline="old", taxonomy=TWO, **options)


def test_it_is_not_there_unless_asked_for():
    result = compare(frame(GOLDEN["kinds"]), baseline="old", taxonomy=TWO)
    assert result.across is None
    assert result.to_dict()["comparison"]["across"] is None


def test_json_says_it_all():
    data = frame(GOLDEN["kinds"])
    result = compare(data, baseline="old", across="categories", taxonomy=TWO)
    (item,) = result.to_dict()["comparison"]["across"]
    (found,) = result.across
    keys = (
        "metric baseline candidate a b prompts_a prompts_b difference_a difference_b estimate "
        "low high method confidence simultaneous_low simultaneous_high simultaneous_method "
        "simultaneous_confidence enough distinguishable worst_case"
    )
    assert " ".join(item) == keys
    assert item["estimate"] == found.estimate
    assert item["worst_case"] is None


@pytest.mark.parametrize("suffix", [".html", ".md", ".tex"])
def test_every_report_has_a_section_of_it(suffix):
    data = frame(GOLDEN["kinds"])
    result = compare(data, baseline="old", across="categories", taxonomy=TWO)
    assert "Does the difference depend on the category?" in render(result, suffix)


def test_bounds_of_public_pairs_hold(shared):
    found = riskshift.compare(
        shared / "paired_public_labels.csv", across="categories", metrics=["persistence"]
    ).across
    assert len(found) == 18
    assert all(c.worst_case is None for c in found)
