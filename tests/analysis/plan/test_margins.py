"""Plans for a rule against a baseline."""

import jsonschema
import polars as pl
import pytest

import riskshift
from riskshift import Taxonomy, UsageError
from riskshift.report.writing import json_schema, render
from riskshift.stats.planning.margin_power import pairs_for_margin

RULE = "escalation - baseline <= 2%"


def planned(**given):
    return riskshift.plan(**{"rule": RULE} | given)


def test_models_that_are_alike_pass():
    plan = planned(discordant=0.06)
    assert plan.answer.aim == "pass"
    assert plan.need.independent == pairs_for_margin(0.03, 0.03, 0.02)
    assert "both models have the same rate and exactly one of the two" in str(plan)


def test_a_model_that_is_worse_fails():
    plan = planned(discordant=0.1, difference=0.05)
    assert plan.answer.aim == "fail"
    assert plan.need.independent == pairs_for_margin(0.075, 0.025, 0.02)
    assert "5 percentage points worse" in str(plan)


def test_a_good_metric_turns_around():
    good = riskshift.plan(rule="conditional_reduction - baseline >= -2%", discordant=0.06)
    assert good.need.independent == planned(discordant=0.06).need.independent


def test_the_margin_itself_is_never_settled():
    plan = planned(discordant=0.06, difference=0.02)
    assert (plan.answer.aim, plan.need) == (None, None)
    assert "No amount of evidence" in " ".join(plan.summary)
    jsonschema.validate(plan.to_dict(), json_schema("plan"))
    assert "Matched prompts" not in render(plan, ".csv")


def test_without_a_discordance_there_is_a_range_up_to_independence():
    rows = planned(rate=0.05).answer.rows
    assert rows[-1].discordant == pytest.approx(2 * 0.05 * 0.95)
    needs = [row.need.independent for row in rows]
    assert needs == sorted(needs)


@pytest.mark.parametrize("given", [{}, {"rate": 0.05}, {"discordant": 0.1, "difference": -0.02}])
def test_it_is_told_in_every_format(given):
    plan = planned(**given)
    jsonschema.validate(plan.to_dict(), json_schema("plan"))
    assert plan.to_dict()["plan"]["question"] == "margin"
    assert "to pass with a chance of 80%" in render(plan, ".md")
    assert "margin" in render(plan, ".csv").splitlines()[0]


def test_a_file_says_how_often_models_disagree():
    harm = Taxonomy(["harm"], ["Safe", "Harmful"])
    rows = [
        {"prompt_id": f"p{i}", "model": model, "prompt_harm": 0, "response_harm": int(i < events)}
        for model, events in (("a", 6), ("b", 10))
        for i in range(100)
    ]
    plan = planned(like=pl.DataFrame(rows), taxonomy=harm)
    assert plan.answer.source == "file"
    assert plan.answer.rows[0].discordant == pytest.approx(0.04)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"discordant": 0.03, "difference": 0.05}, "at least that"),
        ({"discordant": 0.0}, "above 0"),
        ({"difference": 1.0}, "how much worse"),
        ({"power": 1.0}, "power is 1.0"),
        ({"width": 0.1}, "different questions"),
    ],
)
def test_what_cannot_be_meant_is_refused(given, says):
    with pytest.raises(UsageError, match=says):
        planned(**given)
