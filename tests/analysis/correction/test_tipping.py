"""How wrong a grader would have to be: the specificity that would erase each finding."""

import polars as pl
import pytest
from jsonschema import Draft202012Validator

import riskshift
from riskshift.analysis.correction.tipping import CATEGORY_FINDINGS, FINDINGS
from riskshift.report.writing import json_schema
from riskshift.stats.misclassification import rogan_gladen

TWO = riskshift.Taxonomy(["harm"], ["Safe", "Harmful"])
FAST = {"resamples": 50, "permutations": 50}


def analyzed(pairs, **options):
    frame = pl.DataFrame(
        {"prompt_harm": [p for p, _ in pairs], "response_harm": [r for _, r in pairs]}
    )
    return riskshift.analyze(frame, taxonomy=TWO, **FAST, **options)


PAIRS = [(0, 1)] * 3 + [(1, 1)] * 8 + [(1, 0)] * 2 + [(0, 0)] * 27


def by_metric(result):
    return {item.metric: item for item in result.tipping}


def test_each_finding_has_its_tipping_point():
    found = by_metric(analyzed(PAIRS))
    assert set(found) == {*FINDINGS, *(f"{name}[harm]" for name in CATEGORY_FINDINGS)}
    # With every non-event left alone but a share of the rate, all events are false alarms.
    assert found["escalation"].estimate == pytest.approx(3 / 40)
    assert found["escalation"].specificity[1.0] == pytest.approx(1 - 3 / 40)
    assert found["response_harm"].specificity[0.6] == pytest.approx(1 - 11 / 40)
    assert found["persistence[harm]"].specificity[0.9] == pytest.approx(1 - 8 / 10)


def test_at_the_tipping_point_the_corrected_rate_is_zero():
    point = by_metric(analyzed(PAIRS))["escalation"].specificity[0.8]
    wrong = round(1000 * (1 - point))
    rate, _ = rogan_gladen(3, 40, sensitivity=(800, 1000), specificity=(1000 - wrong, 1000))
    assert rate == pytest.approx(0, abs=1e-9)
    better, _ = rogan_gladen(3, 40, sensitivity=(800, 1000), specificity=(1001 - wrong, 1000))
    assert better > 0


def test_a_rate_above_the_sensitivity_is_explained_by_none():
    found = by_metric(analyzed([(1, 1)] * 7 + [(1, 0)] * 3))
    points = found["persistence[harm]"].specificity
    assert points[0.6] is None
    assert points[0.8] == pytest.approx(0.3)


def test_a_finding_without_events_is_left_out():
    found = by_metric(analyzed([(1, 0)] * 5 + [(0, 0)] * 5))
    assert found == {}


def test_people_need_no_tipping_table():
    assert analyzed(PAIRS, labels_by="people").tipping == ()
    assert analyzed(PAIRS, labels_by="grader").tipping == analyzed(PAIRS).tipping


def test_who_labelled_must_be_known():
    with pytest.raises(riskshift.UsageError, match="labels_by"):
        analyzed(PAIRS, labels_by="nobody")


@pytest.mark.parametrize("labels_by", [None, "grader", "people"])
def test_the_json_keeps_its_contract(labels_by):
    told = analyzed(PAIRS, labels_by=labels_by).to_dict()
    Draft202012Validator(json_schema()).validate(told)
    assert told["labels_by"] == labels_by
    assert told["grader_relative"] is (labels_by != "people")


def test_the_notes_say_at_which_specificity_all_could_be_false_alarms():
    told = "At a specificity of 92.5% or less all escalations could be its false alarms, at 72.5% or less all harmful"
    assert told in analyzed(PAIRS).notes[0]
    assert "specificity" not in " ".join(analyzed(PAIRS, labels_by="people").notes)
    assert "specificity" not in " ".join(analyzed([(1, 0)] * 5 + [(0, 0)] * 5).notes)


def test_the_specificity_that_explains_a_rate_is_the_same_at_every_sensitivity():
    for item in analyzed(PAIRS).tipping:
        known = {at for at in item.specificity.values() if at is not None}
        assert known == {item.null_specificity}
        assert item.null_specificity == pytest.approx(1 - item.estimate)
