"""Verdicts without one source or category are those of a comparison of the rest."""

import polars as pl
import pytest

import riskshift

TWO = riskshift.Taxonomy(["a", "b"], ["Safe", "Harmful"])
FAST = {"resamples": 50}


def pairs(sources=("x", "y"), prompts=60):
    """On the prompts of x the new model is far worse, on those of y far better."""
    rows = [
        {
            "prompt_id": f"{source}{i}",
            "model": model,
            "source": source,
            "prompt_a": 1,
            "prompt_b": i % 2,
            "response_a": int(i % 3 == 0 or ((model == "new") == (source == "x"))),
            "response_b": int(i % 5 == 0),
        }
        for source in sources
        for i in range(prompts if source == "x" else prompts // 2)
        for model in ("old", "new")
    ]
    return pl.DataFrame(rows)


def compared(frame, **options):
    return riskshift.compare(frame, baseline="old", **{"taxonomy": TWO, **FAST, **options})


def agrees(whole, alone, kind, name):
    found = [
        i for i in whole.leave_one_out.differences if (i.part.kind, i.part.name) == (kind, name)
    ]
    assert found
    for item in found:
        other = alone.difference(item.metric, item.candidate, item.baseline)
        assert (item.prompts, item.difference, item.simultaneous) == (
            other.prompts,
            other.difference,
            other.simultaneous,
        )
        assert item.verdict == (other.verdict and other.verdict.word)


def test_each_omission_is_a_comparison_of_the_rest():
    frame = pairs()
    whole = compared(frame)
    for name in ("x", "y"):
        agrees(whole, compared(frame.filter(pl.col("source") != name)), "source", name)
    for name in ("a", "b"):
        agrees(whole, compared(frame, taxonomy=TWO.without(name)), "category", name)


def test_a_verdict_that_turns_round_comes_first_and_is_named():
    result = compared(pairs())
    first = result.leave_one_out.turning[0]
    assert (first.part.name, first.verdict_with, first.verdict) == ("x", "worse", "better")
    assert first.turns_sign
    assert "without source x, new against old on" in result.summary[-1]
    assert "turns from worse to better" in result.summary[-1]


def test_without_sources_and_with_one_category_nothing_is_left_out():
    one = riskshift.Taxonomy(["a"], ["Safe", "Harmful"])
    result = compared(pairs().drop("source"), taxonomy=one)
    assert result.leave_one_out.differences == ()
    assert result.leave_one_out.sentence is None


def test_models_that_share_prompts_of_one_source_alone_have_no_verdict_without_it():
    frame = pairs().filter((pl.col("source") == "x") | (pl.col("model") == "old"))
    without = [i for i in compared(frame).leave_one_out.differences if i.part.name == "x"]
    assert without
    assert all(i.verdict is None and i.difference is None for i in without)


@pytest.mark.parametrize("kind", ["source"])
def test_public_pairs_agree_with_separate_comparisons(shared, kind):
    frame = pl.read_csv(shared / "paired_public_labels.csv")
    whole = riskshift.compare(frame, **FAST)
    for name in frame[kind].unique():
        rest = riskshift.compare(frame.filter(pl.col(kind) != name), **FAST)
        agrees(whole, rest, kind, name)
