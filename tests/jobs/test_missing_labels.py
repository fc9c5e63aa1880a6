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
    assert "400 of 400 prompts were answered by all. Labels are missing: 60 records" in str(
        comparison.summary[0]
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
