"""Differences between models corrected by people's labels: by hand, and where the grader is unfair."""

import json

import numpy as np
import polars as pl
import pytest
from jsonschema import Draft202012Validator

import riskshift
from riskshift.report.writing import json_schema, render
from riskshift.stats.graded.correction import corrected_difference, ppi_rate

TWO = riskshift.Taxonomy(["harm"], ["Safe", "Harmful"])
OPTIONS = {"taxonomy": TWO, "resamples": 50, "metrics": ["response_harm", "persistence[harm]"]}


def draw(seed=1, prompts=800, labelled=400, unfair=0.1):
    """Two models with equal truth; the grader raises false alarms about the new one only."""
    rng = np.random.default_rng(seed)
    frames = []
    prompt = (rng.random(prompts) < 0.6).astype(int)
    hard = rng.random(prompts) < 0.1
    for model, alarms in (("new", unfair), ("old", 0.0)):
        truth = (hard | (rng.random(prompts) < 0.02)).astype(int)
        graded = np.where(rng.random(prompts) < alarms, 1, truth)
        base = {"prompt_id": range(prompts), "model": [model] * prompts, "prompt_harm": prompt}
        frames.append(pl.DataFrame(base | {"response_harm": graded, "truth": truth}))
    whole = pl.concat(frames)
    chosen = np.sort(rng.choice(len(whole), labelled, replace=False)).tolist()
    people = whole[chosen].with_columns(response_harm="truth").drop("truth")
    return whole.drop("truth"), people


def by_hand(grader, people, model, conditional, shared):
    joined = grader.join(people, on=["prompt_id", "model"], how="left", suffix="_p")
    joined = joined.filter(pl.col("model") == model).sort("prompt_id")
    size = 3 if conditional else 2
    labelled, rest = np.zeros((800, size, size), int), np.zeros((800, size), int)
    for row in joined.iter_rows(named=True):
        if row["prompt_id"] not in shared:
            continue

        def state(prompt, response):
            return response if not conditional else 0 if prompt == 0 else 1 + response

        f = state(row["prompt_harm"], row["response_harm"])
        if row["response_harm_p"] is None:
            rest[row["prompt_id"], f] += 1
        else:
            y = state(row["prompt_harm_p"], row["response_harm_p"])
            labelled[row["prompt_id"], y, f] += 1
    return ppi_rate(labelled, rest)


@pytest.mark.parametrize("metric", OPTIONS["metrics"])
def test_the_difference_is_that_of_both_models_by_hand(metric):
    grader, people = draw()
    # The old model lacks fifty prompts, which then count for neither.
    grader = grader.filter((pl.col("model") == "new") | (pl.col("prompt_id") >= 50))
    people = people.filter((pl.col("model") == "new") | (pl.col("prompt_id") >= 50))
    result = riskshift.compare(grader, baseline="old", people=people, **OPTIONS)
    made = next(item for item in result.corrected.differences if item.metric == metric)
    shared = set(range(50, 800))
    new, old = (by_hand(grader, people, model, "[" in metric, shared) for model in ("new", "old"))
    wanted = corrected_difference(new, old)
    assert made.difference == pytest.approx(new.estimate - old.estimate)
    assert (made.interval.low, made.interval.high) == pytest.approx((wanted.low, wanted.high))
    assert made.candidate_rate.estimate == pytest.approx(new.estimate)
    assert made.labelled == (old.labelled, new.labelled)


def test_an_unfair_grader_does_not_make_a_model_worse():
    grader, people = draw()
    result = riskshift.compare(grader, baseline="old", people=people, margin=0.05, **OPTIONS)
    assert result.difference("response_harm", "new").verdict.word == "worse"
    made = result.corrected.differences[0]
    assert made.interval.low < 0 < made.interval.high
    assert made.verdict.word != "worse"
    told = json.loads(json.dumps(result.to_dict(), allow_nan=False))["comparison"]["corrected"]
    metrics = [item["metric"] for item in told["differences"]]
    assert metrics[: len(OPTIONS["metrics"])] == OPTIONS["metrics"]
    assert "Corrected differences" in render(result, ".md")


def test_few_labels_get_no_verdict():
    grader, people = draw(labelled=40)
    result = riskshift.compare(grader, baseline="old", people=people, **OPTIONS)
    made = result.corrected.differences[0]
    assert made.verdict is None
    assert made.interval is not None
    assert "only" in made.note


def test_people_who_saw_one_model_only_leave_it_undefined():
    grader, people = draw()
    only = people.filter(pl.col("model") == "new")
    made = riskshift.compare(grader, baseline="old", people=only, **OPTIONS)
    made = made.corrected.differences[0]
    assert (made.difference, made.interval, made.verdict) == (None, None, None)
    assert made.labelled[0] == 0
    assert "no pair" in made.note


def test_without_people_there_is_nothing_corrected():
    grader, _ = draw(prompts=60, labelled=20)
    result = riskshift.compare(grader, baseline="old", **OPTIONS)
    assert result.corrected is None
    assert "Corrected differences" not in render(result, ".md")


def test_of_three_models_the_corrected_intervals_hold_together():
    grader, people = draw()
    more = [
        pl.concat([frame, frame.filter(pl.col("model") == "old").with_columns(model=pl.lit("too"))])
        for frame in (grader, people)
    ]
    two = riskshift.compare(grader, baseline="old", people=people, **OPTIONS)
    three = riskshift.compare(more[0], baseline="old", people=more[1], **OPTIONS)
    alone = two.corrected.differences[0]
    (joint,) = (
        item
        for item in three.corrected.differences
        if (item.metric, item.candidate) == (alone.metric, "new")
    )
    assert (alone.interval.confidence, joint.interval.confidence) == pytest.approx((0.95, 0.975))
    assert joint.difference == pytest.approx(alone.difference)
    assert joint.interval.low < alone.interval.low < alone.interval.high < joint.interval.high
    assert joint.candidate_rate.to_dict() == alone.candidate_rate.to_dict()


def silent(prompts=2000, people=1000, seed=3):
    """People call 25 % of the new and 20 % of the old harmful; the judge says nothing of most of the new's."""
    rng = np.random.default_rng(seed)
    frames = []
    for model, rate, silence in (("new", 0.25, 0.9), ("old", 0.2, 0.0)):
        truth = (np.arange(prompts) < rate * prompts).astype(int)
        graded = np.where(rng.random(prompts) < silence * truth, -1, truth)
        base = {
            "prompt_id": range(prompts),
            "model": [model] * prompts,
            "prompt_harm": [1] * prompts,
        }
        frames.append(pl.DataFrame(base | {"response_harm": graded, "truth": truth}))
    whole = pl.concat(frames)
    chosen = np.sort(rng.choice(len(whole), people, replace=False)).tolist()
    asked = whole[chosen].with_columns(response_harm="truth").drop("truth")
    harm = pl.col("response_harm")
    return whole.drop("truth").with_columns(pl.when(harm >= 0).then(harm)), asked


def test_a_judge_that_is_silent_on_one_model_s_harm_does_not_make_it_better():
    grader, people = silent()
    result = riskshift.compare(grader, baseline="old", people=people, **OPTIONS)
    made = result.corrected.differences[0]
    assert made.difference == pytest.approx(0.05, abs=0.02)
    assert made.interval.low < 0.05 < made.interval.high
    assert made.verdict.word in ("worse", "inconclusive")
    assert made.candidate_rate.estimate == pytest.approx(0.25, abs=0.02)


def test_a_verdict_that_blanks_could_turn_is_withheld():
    grader, people = draw(unfair=0.0)
    known = riskshift.compare(grader, baseline="old", people=people, margin=0.1, **OPTIONS)
    before = known.corrected.differences[0]
    assert before.verdict.word == "not_worse"
    assert before.worst_case is None
    lost = pl.when((pl.col("model") == "new") & (pl.col("prompt_id") % 2 == 0)).then(None)
    blank = people.with_columns(response_harm=lost.otherwise("response_harm"))
    result = riskshift.compare(grader, baseline="old", people=blank, margin=0.1, **OPTIONS)
    made = result.corrected.differences[0]
    assert (made.verdict.word, made.further) == ("inconclusive", None)
    assert "could turn" in made.note
    assert made.missing == blank["response_harm"].null_count()
    low, high = made.worst_case
    assert low < before.difference < high
    told = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    Draft202012Validator(json_schema("comparison")).validate(told)
    text = render(result, ".md")
    assert f"people left {made.missing} pairs blank" in text
    assert "those left blank" in text


def test_blanks_that_cannot_turn_a_verdict_leave_it():
    grader, people = draw(unfair=0.0)
    few = people.with_columns(
        response_harm=pl.when(pl.int_range(pl.len()) < 3).then(None).otherwise("response_harm")
    )
    result = riskshift.compare(grader, baseline="old", people=few, margin=0.1, **OPTIONS)
    made = result.corrected.differences[0]
    assert (made.missing, made.verdict.word, made.note) == (3, "not_worse", "")
    assert made.worst_case[0] <= made.difference <= made.worst_case[1]
