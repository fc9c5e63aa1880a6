"""Rates of refusals are corrected where people tell refusals, and said not to be where they do not."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import riskshift
from riskshift import Taxonomy
from riskshift.errors import DataError, LabelError
from riskshift.report.writing import render

HARM = Taxonomy(["harm"], ["Safe", "Harmful"])
FAST = {"taxonomy": HARM, "resamples": 50}
ANALYZE = FAST | {"permutations": 20}
SCALE = {
    "complied": "1_full_compliance",
    "partial": "3_partial_refusal",
    "refused": "2_full_refusal",
}


def made(seed=1, pairs=300, labelled=120, model=None):
    """A grader who misses one refusal in four, and people who saw some of the pairs."""
    rng = np.random.default_rng(seed)
    truth = rng.random(pairs) < 0.4
    called = np.where(rng.random(pairs) < 0.25, False, truth)
    ids = {
        "prompt_id": [f"p{at}" for at in range(pairs)],
        "prompt_harm": (np.arange(pairs) % 2).tolist(),
        "response_harm": [0] * pairs,
    }
    grader, people = (
        pl.DataFrame(ids | {"refusal": labels.tolist()}) for labels in (called, truth)
    )
    if model is not None:
        grader, people = (rows.with_columns(model=pl.lit(model)) for rows in (grader, people))
    return grader, people[:labelled], truth


def test_rates_of_refusals_are_corrected():
    grader, people, truth = made()
    result = riskshift.analyze(grader, people=people, **ANALYZE)
    rate = result.corrected.rate("refusal")
    assert rate.raw.estimate < rate.corrected.estimate
    assert rate.corrected.interval.low <= truth.mean() <= rate.corrected.interval.high
    for name in ("harmful_refusal", "over_refusal", "harmful_refusal[harm]", "harmless_answer"):
        assert result.corrected.rate(name).corrected.interval is not None
    assert "over-refusal is" in result.summary[0]


@settings(max_examples=10)
@given(st.integers(0, 10_000), st.booleans())
def test_a_refusal_that_is_a_harm_is_corrected_as_that_harm(seed, strata):
    """Refusal and response_harm are then one event, so all that is said of them must be one."""
    grader, people, _ = made(seed, pairs=80, labelled=40)
    both = [
        rows.with_columns(response_harm=pl.col("refusal").cast(pl.Int64))
        for rows in (grader, people)
    ]
    if strata:
        chosen = both[0].join(both[1].select("prompt_id"), on="prompt_id", how="semi")
        many = dict(chosen.group_by("refusal").len().iter_rows())
        every = dict(both[0].group_by("refusal").len().iter_rows())
        if set(many) != set(every):
            return
        drawn = chosen.select(
            "prompt_id",
            stratum=pl.when("refusal")
            .then(pl.lit("refusal: yes"))
            .otherwise(pl.lit("refusal: no")),
            inclusion_probability=pl.col("refusal").replace_strict(
                {told: many[told] / every[told] for told in many}
            ),
        )
        both[1] = both[1].join(drawn, on="prompt_id")
    found = riskshift.analyze(both[0], people=both[1], **ANALYZE).corrected
    refusal, harm = (found.rate(name).to_dict() for name in ("refusal", "response_harm"))
    assert refusal.pop("metric") != harm.pop("metric")
    assert refusal == harm


def test_without_people_s_refusals_it_is_said_that_nothing_is_corrected():
    grader, people, _ = made()
    result = riskshift.analyze(grader, people=people.drop("refusal"), **ANALYZE)
    rate = result.corrected.rate("over_refusal")
    assert rate.raw.estimate is not None
    assert (rate.corrected.estimate, rate.people.estimate) == (None, None)
    assert rate.note == "people's labels tell no refusals"
    assert result.corrected.rate("response_harm").corrected.estimate == 0
    assert any("the grader's alone" in note for note in result.corrected.sample.notes)
    assert "refusal" not in result.summary[0]
    page = render(result, ".md")
    assert "| over_refusal |" in page
    assert "not corrected: people's labels tell no refusals." in page


def test_what_people_wrote_for_a_refusal_is_checked():
    grader, people, _ = made()
    people = people.with_columns(refusal=pl.lit("maybe"))
    with pytest.raises(LabelError, match="refusal is 'maybe'") as caught:
        riskshift.analyze(grader, people=people, **ANALYZE)
    assert "written as names of levels: complied, partial, refused" in str(caught.value)


def test_people_may_tell_partial_refusals_that_the_grader_does_not_know():
    grader, people, _ = made()
    people = people.with_columns(
        refusal=pl.when("refusal").then(pl.lit("partial")).otherwise(pl.lit("complied"))
    )
    found = riskshift.analyze(grader, people=people, **ANALYZE).corrected
    assert found.rate("partial_refusal").corrected.estimate > 0.3
    assert found.rate("refusal").corrected.estimate == 0


def test_what_a_benchmark_calls_benign_is_corrected_too():
    grader, people, _ = made()
    grader = grader.with_columns(prompt_benign=pl.col("prompt_harm") == 0)
    found = riskshift.analyze(grader, people=people, **ANALYZE).corrected
    benign, harmless = found.rate("benign_refusal"), found.rate("over_refusal")
    assert benign.corrected == harmless.corrected


def test_a_side_that_nobody_labelled_is_neither_blank_nor_corrected():
    grader, people, _ = made()
    result = riskshift.analyze(
        grader.drop("response_harm"), people=people.drop("response_harm"), **ANALYZE
    )
    assert result.corrected.sample.blank == 0
    names = {rate.metric for rate in result.corrected.rates}
    assert names == {
        "prompt_prevalence",
        "refusal",
        "harmful_refusal",
        "over_refusal",
        "prompt_prevalence[harm]",
        "harmful_refusal[harm]",
    }


def test_a_side_of_people_s_alone_has_no_rate_by_the_grader():
    grader, people, _ = made()
    result = riskshift.analyze(grader.drop("response_harm"), people=people, **ANALYZE)
    assert result.corrected.rate("escalation").raw.estimate is None


def test_a_gate_on_refusals_is_judged_by_people_s_or_not_at_all():
    grader, people, _ = made(pairs=600, labelled=300)
    rules = ["over_refusal <= 60%"]
    report = riskshift.check(grader, rules, people=people, taxonomy=HARM)
    assert report.verdict == "pass"
    assert report.results[0].to_dict()["corrected"] is not None
    with pytest.raises(DataError, match="'over_refusal <= 60%': people's labels tell no refusals"):
        riskshift.check(grader, rules, people=people.drop("refusal"), taxonomy=HARM)


def test_a_comparison_says_which_verdicts_nothing_corrects():
    parts = [made(seed, model=name) for seed, name in ((1, "old"), (2, "new"))]
    grader, people = (pl.concat([part[at] for part in parts]) for at in (0, 1))
    asked = {"baseline": "old", "metrics": ["over_refusal", "response_harm"], **FAST}
    told = riskshift.compare(grader, people=people, **asked)
    item = next(d for d in told.corrected.differences if d.metric == "over_refusal")
    assert item.verdict is not None
    without = riskshift.compare(grader, people=people.drop("refusal"), **asked)
    item = next(d for d in without.corrected.differences if d.metric == "over_refusal")
    assert (item.difference, item.verdict) == (None, None)
    assert item.note == "people's labels tell no refusals"
    assert "none: not corrected" in render(without, ".md")
    assert any("grader's labels alone for over-refusal" in line for line in without.summary)


def test_xstest_is_corrected_from_a_sample_by_strata(shared, tmp_path):
    """Graded by one model, labelled by people: the truth of all pairs is known."""
    file = shared / "published/xstest/labels.csv"
    options = {
        "columns": {"prompt_harm": "prompt_unsafe", "refusal": "gpt4_label"},
        "refusal_scale": SCALE,
        "missing": "(other text)",
        "taxonomy": HARM,
    }
    drawn = riskshift.sample(file, n=400, stratify="over_refusal", **options)
    assert drawn.blank == 11
    assert drawn.columns[2:4] == ("prompt_unsafe", "gpt4_label")
    truth = pl.read_csv(file, infer_schema_length=0)
    blank = pl.DataFrame(drawn.rows, schema=list(drawn.columns), orient="row")
    filled = blank.drop("prompt_unsafe", "gpt4_label").join(
        truth.select("prompt_id", "model", "prompt_unsafe", gpt4_label="final_label"),
        on=["prompt_id", "model"],
    )
    filled.write_csv(tmp_path / "people.csv")
    found = riskshift.analyze(
        file, people=tmp_path / "people.csv", resamples=50, permutations=20, **options
    ).corrected
    refused = truth["final_label"] == "2_full_refusal"
    for name, unsafe in (("over_refusal", "0"), ("harmful_refusal", "1")):
        share = refused.filter(truth["prompt_unsafe"] == unsafe).mean()
        held = found.rate(name).corrected.interval
        assert held.low <= share <= held.high
    assert found.rate("over_refusal").raw.events == 146
