"""How many pairs people must label, in words and numbers."""

from dataclasses import replace

import numpy as np
import pytest

from riskshift.analysis.plan.corrected import assumed, label_plan
from riskshift.analysis.plan.labels import allocate
from riskshift.analysis.plan.result import Plan
from riskshift.errors import UsageError
from riskshift.stats.planning.label_power import WAYS, GradedPairs, equal_shares


@pytest.fixture
def graded():
    return GradedPairs.assumed(0.05, sensitivity=0.9, specificity=0.98, pairs=20_000)


def said(answer, metric="escalation", among="all"):
    plan = Plan(metric, among, 0.95, 0.8, answer)
    return " ".join(plan.summary), " ".join(plan.notes)


def test_strata_are_shared_out_as_the_sample_does():
    whole = allocate(101, {"no": 960, "yes": 40})
    assert equal_shares(101, np.array([960.0, 40.0])).tolist() == [whole["no"], whole["yes"]]


def test_the_grader_is_what_was_assumed(graded):
    answer = label_plan(graded, width=0.02)
    assert (answer.rate, answer.sensitivity, answer.specificity) == (0.05, 0.9, 0.98)
    assert [row.way for row in answer.rows] == list(WAYS)


def test_a_width_is_answered_three_ways_and_none_of_them_is_a_number_of_prompts(graded):
    answer = label_plan(graded, width=0.02)
    words, notes = said(answer)
    assert "1,838" in words
    assert f"{answer.labels('random'):,} pairs labelled by people" in words
    assert f"{answer.labels('strata'):,}" in words
    assert "was assumed" in notes
    assert "prompt of its own" in notes
    assert Plan("escalation", "all", 0.95, 0.8, answer).need is None


def test_the_curve_reaches_the_width_where_the_number_says(graded):
    answer = label_plan(graded, width=0.02)
    for row in answer.rows:
        before = [width for n, width in row.curve if n < row.labels]
        after = [width for n, width in row.curve if n >= row.labels]
        assert min(before) > 0.02 >= max(after)


@pytest.mark.parametrize(("tolerance", "aim"), [(0.08, "pass"), (0.02, "fail")])
def test_a_rule_is_planned_for_the_verdict_that_the_rate_deserves(graded, tolerance, aim):
    answer = label_plan(graded, rule=f"escalation <= {tolerance}", tolerance=tolerance)
    assert answer.aim == aim
    assert (("passes" if aim == "pass" else "fails") + " with a chance") in said(answer)[0]


def test_a_rule_that_wants_more_is_that_of_the_opposite_which_wants_less(graded):
    flipped = replace(graded, shares=graded.shares[[0, 2, 1]])
    more = label_plan(flipped, rule="reduction >= 0.92", tolerance=0.92, bad=False)
    less = label_plan(graded, rule="escalation <= 0.08", tolerance=0.08)
    assert (more.aim, more.rows) == (less.aim, less.rows)
    assert more.rate == pytest.approx(0.95)


def test_at_the_tolerance_itself_no_number_of_labels_is_given(graded):
    answer = label_plan(graded, rule="escalation <= 0.05", tolerance=0.05)
    assert (answer.aim, answer.rows) == (None, ())
    assert "No number of labels" in said(answer)[0]


def test_more_power_takes_more_labels(graded):
    some, most = (
        label_plan(graded, rule="escalation <= 0.08", tolerance=0.08, power=power)
        for power in (0.7, 0.95)
    )
    assert all(a.labels < b.labels for a, b in zip(some.rows, most.rows, strict=True))


def test_too_few_graded_pairs_are_said():
    few = GradedPairs.assumed(0.3, sensitivity=0.6, specificity=0.6, pairs=400)
    answer = label_plan(few, width=0.02)
    assert [row.labels for row in answer.rows] == [None] * 3
    assert "all 400 graded pairs, drawn at random, would be too few" in said(answer)[0]


def test_a_grader_without_a_mistake_is_warned_of():
    perfect = GradedPairs.assumed(0.05, sensitivity=1, specificity=0.98, pairs=2_000)
    assert "no mistake of one kind" in said(label_plan(perfect, width=0.03))[1]


@pytest.mark.parametrize("without", range(4))
def test_an_assumption_that_is_left_out_is_asked_for(without):
    given = [0.05, 0.9, 0.98, 20_000]
    given[without] = None
    with pytest.raises(UsageError, match="--graded"):
        assumed(*given, confidence=0.95)


@pytest.mark.parametrize("sensitivity", [-0.1, 1.5])
def test_what_is_no_share_is_refused(sensitivity):
    with pytest.raises(UsageError, match="sensitivity"):
        assumed(0.05, sensitivity, 0.9, 1_000, confidence=0.95)
