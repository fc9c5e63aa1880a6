"""What missing labels could change, in every job: no verdict that they could turn, every one they cannot."""

import polars as pl
import pytest

import riskshift

TWO = riskshift.Taxonomy(["harm"], ["Safe", "Harmful"])
FOUR = riskshift.Taxonomy(["hate", "violence"])


def pairs(model, harmful, missing=(), *, prompts=400):
    return pl.DataFrame(
        {
            "prompt_id": [f"p{at}" for at in range(prompts)],
            "model": model,
            "prompt_harm": [0] * prompts,
            "response_harm": [
                None if at in missing else int(at in harmful) for at in range(prompts)
            ],
        },
        schema_overrides={"response_harm": pl.Int64, "prompt_harm": pl.Int64},
    )


def compared(new, old, **options):
    return riskshift.compare(
        pl.concat([old, new]), baseline="old", taxonomy=TWO, resamples=50, **options
    )


def harm(comparison):
    return next(item for item in comparison.differences if item.metric == "response_harm")


def test_a_judge_that_goes_silent_on_harm_makes_no_model_better():
    old = pairs("old", range(60, 100))
    new = pairs("new", (), range(60))
    comparison = compared(new, old)
    item = harm(comparison)
    assert item.difference == pytest.approx(-40 / 340)
    assert item.worst_case == pytest.approx((-40 / 400, 20 / 400))
    assert (item.verdict.word, item.verdict.lacks, item.missing) == ("inconclusive", "labels", 60)
    assert not item.apart
    assert "400 of 400 prompts were answered by all. Labels are missing: 60 records" in " ".join(
        comparison.summary
    )
    assert "better" not in " ".join(comparison.summary)
    assert any("-10.0 to +5.0 points" in note for note in comparison.notes)


def test_a_verdict_that_no_missing_label_can_turn_is_given():
    old, new = pairs("old", range(200)), pairs("new", range(5), range(390, 400))
    item = harm(compared(new, old))
    assert item.worst_case == pytest.approx((-195 / 400, -185 / 400))
    assert (item.verdict.word, item.missing) == ("better", 10)
    assert item.apart


def test_better_at_one_end_and_not_worse_at_the_other_is_not_worse():
    old, new = pairs("old", range(12)), pairs("new", (), range(388, 400))
    item = harm(compared(new, old, margin=0.05))
    assert (item.verdict.word, item.verdict.lacks) == ("not_worse", None)


def test_letters_part_no_models_that_missing_labels_could_join():
    frames = [
        pairs("a", range(60, 100)),
        pairs("b", (), range(60)),
        pairs("c", range(60, 100)),
    ]
    made = riskshift.compare(pl.concat(frames), taxonomy=TWO, resamples=50)
    letters = next(item for item in made.omnibus if item.metric == "response_harm").letters
    assert set.intersection(*map(set, letters.values()))


@pytest.mark.parametrize("absent", ["missing", "drop"])
def test_a_row_that_is_not_there_is_as_a_label_that_is_not_there(absent):
    old = pairs("old", range(30), prompts=150)
    gone = pairs("new", (), prompts=50)
    blank = pairs("new", (), range(50, 150), prompts=150)
    rule = "response_harm - baseline <= 5%"
    for new in (gone, blank):
        report = riskshift.check(new, rule, baseline=old, taxonomy=TWO, absent=absent)
        dropped = absent == "drop" and new is gone
        assert report.verdict == ("pass" if dropped else "inconclusive")
        (result,) = report.results
        assert result.lacks == (None if dropped else "labels")
        if dropped:
            assert "Not compared, as --absent drop asks" in result.note
        else:
            assert result.difference.missing == 100


def test_known_escalations_are_counted_whatever_else_is_missing():
    columns = {
        "prompt_hate": [0] * 100,
        "prompt_violence": [0] * 100,
        "response_hate": [3] * 30 + [0] * 70,
        "response_violence": [None] * 30 + [0] * 70,
    }
    analysis = riskshift.analyze(pl.DataFrame(columns), taxonomy=FOUR)
    rate = analysis.rate("escalation")
    assert (rate.events, rate.trials, rate.missing) == (30, 100, 0)
    assert "more severe in 30 (30.0%" in analysis.summary[0]
    assert (
        riskshift.check(pl.DataFrame(columns), "escalation <= 10%", taxonomy=FOUR).verdict == "fail"
    )


def test_a_grader_that_says_nothing_of_harm_has_found_none_of_it():
    rows = {"prompt_id": range(120), "prompt_harm": [1] * 120}
    truth = [1] * 30 + [0] * 90
    said = [1] * 10 + [None] * 20 + [0] * 90
    judge, people = (pl.DataFrame(rows | {"response_harm": labels}) for labels in (said, truth))
    report = riskshift.grade(judge, people, taxonomy=TWO)
    found = report.card("response").rates["sensitivity"]
    assert (found.events, found.trials, found.missing) == (10, 10, 20)
    assert found.worst_case == pytest.approx((10 / 30, 1))
    assert "33.3% to 100% if 20 missing labels were known" in " ".join(report.summary)
    precise = report.card("response").rates["precision"]
    assert precise.worst_case == pytest.approx((10 / 10, 10 / 10)) or precise.worst_case[0] < 1


def test_groups_mixes_and_tipping_points_have_their_ends():
    old, new = pairs("old", range(60, 100)), pairs("new", (), range(60))
    frame = pl.concat([old, new]).with_columns(
        language=pl.when(pl.col("prompt_id").str.len_chars() > 3)
        .then(pl.lit("de"))
        .otherwise(pl.lit("fr"))
    )
    made = riskshift.compare(
        frame, baseline="old", taxonomy=TWO, by="language", standardize="pooled", resamples=50
    )
    within = [d for d in made.interaction.differences if d.metric == "response_harm"]
    assert [d.missing for d in within if d.worst_case] == [60]
    standard = {r.model: r for r in made.standardized if r.metric == "response_harm"}
    assert standard["old"].worst_case is None
    assert standard["new"].worst_case == pytest.approx((0, 60 / 400))
    analysis = riskshift.analyze(pairs("m", range(10), range(10, 30)), taxonomy=TWO)
    tipping = next(item for item in analysis.tipping if item.metric == "response_harm")
    assert tipping.worst_case == pytest.approx((1 - 30 / 400, 1 - 10 / 400))
    assert "2.5% to 7.5% by missing labels" in " ".join(analysis.summary)


def test_no_category_is_clearly_worse_if_missing_labels_could_undo_it():
    rows = 300
    both = {
        "prompt_a": [1] * rows,
        "prompt_b": [1] * rows,
        "response_a": [1] * 100 + [0] * 200,
        "response_b": [None] * 150 + [1] * 10 + [0] * 140,
    }
    taxonomy = riskshift.Taxonomy(["a", "b"], ["Safe", "Harmful"])
    (contrast,) = riskshift.analyze(
        pl.DataFrame(both), taxonomy=taxonomy
    ).population.contrasts.items
    assert contrast.simultaneous.low > 0
    assert not contrast.distinguishable


def test_a_plan_from_a_file_says_what_its_missing_labels_leave_open():
    plan = riskshift.plan(
        like=pairs("m", range(10), range(10, 30)), metric="response_harm", width=0.05, taxonomy=TWO
    )
    assert any(
        "20 records leave the rate" in note and "2.5% to 7.5%" in note for note in plan.notes
    )


def test_a_known_harm_is_never_denied_in_words():
    """Known escalations of which no record is complete, beside complete ones without any."""
    columns = {
        "prompt_hate": [0] * 100,
        "prompt_violence": [0] * 100,
        "response_hate": [3] * 30 + [0] * 70,
        "response_violence": [None] * 30 + [0] * 60 + [None] * 10,
    }
    none = {**columns, "response_violence": [None] * 100}
    for frame, wanted in ((columns, "30.0%"), (none, "at least 30.0% are more severe")):
        made = riskshift.analyze(pl.DataFrame(frame), taxonomy=FOUR)
        told = " ".join(made.summary)
        assert wanted in told
        assert "No response" not in told
        assert (
            made.rate("escalation").worst_case is None
            or made.rate("escalation").worst_case[0] >= 0.3
        )
