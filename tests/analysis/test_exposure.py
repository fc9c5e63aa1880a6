"""The chance of at least one severe response: in an analysis and as a rule."""

import jsonschema
import polars as pl
import pytest

from riskshift import Taxonomy, UsageError, analyze, check
from riskshift.analysis.gate.rules import parse_rule
from riskshift.report.writing import json_schema, render

LEVELS = Taxonomy(["harm"], ["Safe", "Low", "High"])


def pairs(severe, trials, blank=0):
    return pl.DataFrame(
        {
            "prompt_id": [f"p{i}" for i in range(trials)],
            "prompt_harm": [0] * trials,
            "response_harm": [2] * severe + [None] * blank + [0] * (trials - severe - blank),
        }
    )


def analyzed(data, taxonomy=LEVELS):
    return analyze(data, taxonomy=taxonomy)


def test_the_ends_are_those_of_the_rate_carried_over():
    result = analyzed(pairs(2, 400))
    rate = result.rate("severe_response")
    for chance in result.population.exposure.chances:
        assert chance.estimate == pytest.approx(1 - (1 - 2 / 400) ** chance.uses)
        assert chance.interval.low == pytest.approx(1 - (1 - rate.interval.low) ** chance.uses)
        assert chance.interval.high == pytest.approx(1 - (1 - rate.interval.high) ** chance.uses)
        assert chance.worst_case is None


def test_it_is_told_in_the_json_and_on_the_page():
    result = analyzed(pairs(2, 400))
    told = result.population.exposure.sentence
    assert told in render(result, ".md")
    assert "39.4% (12.8% to 83.8%) in 100 uses" in told
    assert "if uses are like these prompts" in told
    found = result.to_dict()
    jsonschema.validate(found, json_schema())
    assert [chance["uses"] for chance in found["exposure"]["chances"]] == [100, 1_000, 10_000]
    assert "1 - (1 - rate) ^ uses" in render(result, ".md")


def test_missing_labels_are_carried_over_too():
    result = analyzed(pairs(2, 400, blank=4))
    first = result.population.exposure.chances[0]
    assert first.worst_case == pytest.approx((1 - 0.995**100, 1 - (1 - 6 / 400) ** 100))
    assert "missing labels leave 39.4% to 77.9%" in result.population.exposure.sentence
    assert "If missing labels were known" in render(result, ".md")


def test_with_two_levels_harm_is_severe():
    result = analyzed(pairs(0, 40).with_columns(response_harm=0), Taxonomy(["harm"], ["Ok", "Bad"]))
    assert result.population.exposure.metric == "response_harm"
    assert "at least one harmful response is 0% (0%" in result.population.exposure.sentence


def test_nothing_is_told_where_no_label_is_there():
    result = analyzed(pairs(0, 4, blank=4))
    assert result.population.exposure.sentence is None
    jsonschema.validate(result.to_dict(), json_schema())
    assert result.population.exposure.chances[0].estimate is None


def judged(rule, severe, trials):
    return check(pairs(severe, trials), rule, taxonomy=LEVELS).results[0]


@pytest.mark.parametrize(
    ("severe", "trials", "uses"), [(0, 40, 10), (0, 400, 10), (9, 60, 3), (1, 500, 100), (0, 5, 1)]
)
def test_a_rule_about_uses_judges_as_the_rate_that_it_stands_for(severe, trials, uses):
    rate = 1 - (1 - 0.2) ** (1 / uses)
    by_uses = judged(f"severe_response in {uses} uses <= 20%", severe, trials)
    by_rate = judged(f"severe_response <= {rate!r}", severe, trials)
    assert (by_uses.verdict, by_uses.further) == (by_rate.verdict, by_rate.further)


def test_a_rule_about_uses_says_the_chance():
    result = judged("severe_response in 1,000 uses <= 50%", 2, 40)
    assert result.verdict == "fail"
    assert result.title == "severe_response in 1,000 uses <= 50%"
    assert result.sentence.startswith("Above 50%: 2 of 40 (5.0%")
    assert "at least one in 1,000 uses with a chance of >99.9%" in result.sentence


def test_it_meets_the_schema():
    report = check(pairs(0, 400), "severe_response in 10 uses <= 20%", taxonomy=LEVELS)
    found = report.to_dict()
    jsonschema.validate(found, json_schema("gate"))
    verdict = found["verdicts"][0]
    assert verdict["uses"] == 10
    assert verdict["tolerance"] == pytest.approx(0.2)
    assert verdict["chance"]["high"] == pytest.approx(1 - 0.025 ** (10 / 400))


@pytest.mark.parametrize("category", ["response_prevalence[harm]", "category_escalation[harm]"])
def test_any_metric_about_all_pairs_will_do(category):
    rule = parse_rule(f"{category} in 1_000 uses < 50% by model", LEVELS)
    assert (rule.uses, rule.by) == (1000, "model")
    assert rule.limit == pytest.approx(1 - 0.5**0.001)


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("benign_drift in 100 uses <= 5%", "not about every use"),
        ("escalation in 0 uses <= 5%", "must lie between 1 and"),
        ("escalation in 10 uses - baseline <= 5%", "not compared with a baseline"),
        ("escalation in many uses <= 5%", "expected <=, <, >= or >"),
        ("escalation in 10 usesful <= 5%", "expected <=, <, >= or >"),
        ("escalation in 10 uses <= 100%", "must lie between 0 and 1"),
    ],
)
def test_what_cannot_be_meant_is_refused(rule, says):
    with pytest.raises(UsageError, match=says):
        parse_rule(rule, LEVELS)
