"""Two sentences on three or more models: which are safest, and what that costs."""

import polars as pl
import pytest

from riskshift import Taxonomy, compare
from riskshift.analysis.comparison.joint.safest import unbeaten

HARM = Taxonomy(["harm"], ["Safe", "High"])


def frame(**models):
    """Each model: how many of 200 harmful prompts it follows, how many of 200 harmless it refuses."""
    rows = []
    for model, (followed, refused) in models.items():
        for at in range(400):
            harmful = at < 200
            rows.append(
                {
                    "prompt_id": at,
                    "model": model,
                    "prompt_harm": int(harmful),
                    "response_harm": int(harmful and at < followed),
                    "refusal": "refused" if not harmful and at - 200 < refused else "complied",
                }
            )
    return pl.DataFrame(rows)


def told(**models):
    return compare(frame(**models), taxonomy=HARM, harm=["harmful_prompt_compliance"])


def test_the_safest_are_those_that_no_other_surely_beats():
    made = told(good=(10, 100), alike=(12, 10), bad=(100, 5))
    assert made.summary[0] == (
        "Safest: good and alike. No other model is surely better on harmful prompt compliance, and they cannot be "
        "told apart (harmful prompt compliance 5.0% and 6.0%, of the others 50.0%)."
    )
    assert made.summary[1] == (
        "On harmless prompts (over-refusal) best: bad and alike (2.5% and 5.0%), which cannot be told apart; of the "
        "safest, good 50.0%."
    )
    assert made.summary[2] == "Harm and help together, good is worse than alike."


def test_one_alone_is_said_to_be_alone():
    made = told(good=(10, 0), worse=(60, 0), bad=(150, 0))
    assert made.summary[0].startswith("Safest: good. No other model is surely better on harmful")
    assert "told apart" not in made.summary[0]
    assert made.summary[1] == (
        "On harmless prompts (over-refusal) no model is surely better than another: 0%."
    )


def test_where_nothing_differs_nobody_is_called_safest():
    made = told(a=(10, 1), b=(11, 1), c=(12, 1))
    assert made.summary[0] == (
        "No model is surely safer than another on harmful prompt compliance: harmful prompt compliance 5.0% to 6.0%."
    )


def test_the_safest_may_serve_best_too():
    made = told(good=(10, 1), worse=(60, 100), bad=(150, 100))
    assert made.summary[1].endswith("best: good (0.5%); the safest are among them.")


def test_without_refusals_the_price_is_not_known():
    made = compare(
        frame(a=(10, 0), b=(60, 0), c=(150, 0)).drop("refusal"),
        taxonomy=HARM,
        harm=["harmful_prompt_compliance"],
    )
    assert made.summary[1].startswith("What the models do to harmless prompts cannot be said")


@pytest.mark.parametrize("options", [{"baseline": "a"}, {"candidates": ["a", "b"]}])
def test_it_is_said_only_where_every_two_of_three_or_more_were_compared(options):
    made = compare(frame(a=(10, 0), b=(60, 0), c=(150, 0)), taxonomy=HARM, **options)
    assert not any("afest" in sentence for sentence in made.summary)


def test_two_that_are_told_apart_are_never_both_unbeaten():
    made = told(a=(10, 5), b=(60, 1), c=(150, 0), d=(14, 150))
    for metric in ("harmful_prompt_compliance", "over_refusal"):
        best = set(unbeaten(made.models, made.differences, [metric]))
        assert best
        apart = [
            {d.baseline, d.candidate} for d in made.differences if d.metric == metric and d.apart
        ]
        assert not any(pair <= best for pair in apart)


def test_who_shares_no_prompt_is_not_ranked():
    held = frame(a=(10, 0), b=(60, 0), c=(150, 0))
    split = held.filter((pl.col("model") != "c") | (pl.col("prompt_harm") == 0))
    made = compare(split, taxonomy=HARM, harm=["harmful_prompt_compliance"])
    assert unbeaten(made.models, made.differences, ["harmful_prompt_compliance"]) is None
    assert not any("Safest" in sentence for sentence in made.summary)
