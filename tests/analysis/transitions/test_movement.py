"""Transitions, the mean shift, categories and the origin of escalations."""

import numpy as np
import pytest
from scipy import stats

from riskshift import Taxonomy
from riskshift.analysis.rates import Settings
from riskshift.analysis.transitions.movement import (
    categories,
    mean_shift,
    overall_rates,
    transition_matrix,
)
from riskshift.analysis.transitions.origin import escalation_origin

FAST = Settings(resamples=200)
N = None


def counted(origin):
    return [
        (rate.events, rate.trials, rate.missing)
        for rate in (origin.of_escalations, origin.of_records)
    ]


class TestMatrix:
    def test_rows_are_prompts_and_columns_responses(self, severities_of):
        found = severities_of((0, 0, 1, 0), (0, 0, 0, 1), (2, 0, 0, 0), (2, N, 0, 0))
        matrix = transition_matrix(found.counts, found.prompt, found.response)
        # A label at the top is enough: whatever the other is, the prompt is at the top.
        assert matrix.rows == ((0, 2, 0), (0, 0, 0), (2, 0, 0))
        assert matrix.at(prompt="Safe", response="Low") == 2
        assert matrix.at(prompt="High", response="Safe") == 2
        assert matrix.rows == ((0, 2, 0), (0, 0, 0), (2, 0, 0))

    def test_unknown_level_is_an_error(self, severities_of):
        found = severities_of((0, 0, 1, 0))
        matrix = transition_matrix(found.counts, found.prompt, found.response)
        with pytest.raises(ValueError, match="not in"):
            matrix.at(prompt="Severe", response="Low")


class TestMeanShift:
    def test_independent_records_give_students_interval(self, severities_of):
        rows = [(2, 0, 0, 0)] * 4 + [(1, 0, 1, 0)] * 3 + [(0, 0, 2, 0), (0, N, 2, 0)]
        shift = mean_shift(severities_of(*rows), FAST)
        rises = np.repeat([-2, 0, 2], [4, 3, 1])
        theirs = stats.ttest_1samp(rises, 0).confidence_interval(0.95)
        # The last record rises by 0, 1 or 2, so the mean of the nine is -4/9 at most.
        assert shift.worst_case == pytest.approx((-6 / 9, -4 / 9))
        moved = -6 / 9 - rises.mean()
        assert (shift.estimate, shift.trials) == (pytest.approx(-6 / 9), 8)
        ends = theirs.low + moved, theirs.high + moved
        assert (shift.interval.low, shift.interval.high) == pytest.approx(ends)
        said = shift.to_dict()
        assert (said["method"], said["confidence"], said["trials"]) == ("linearised-t", 0.95, 8)

    def test_equal_prompts_are_worth_one_record_each(self, severities_of):
        rises = [-2, -1, 0, 0, 2]
        rows = [(max(-r, 0), 0, max(r, 0), 0) for r in rises]
        alone = mean_shift(severities_of(*rows), FAST)
        tripled = [row for row in rows for _ in range(3)]
        prompts = [f"p{i}" for i in range(5) for _ in range(3)]
        samples = [str(i) for i in range(15)]
        shared = mean_shift(severities_of(*tripled, prompt_id=prompts, sample=samples), FAST)
        assert shared.estimate == pytest.approx(alone.estimate)
        assert shared.interval.low == pytest.approx(alone.interval.low)
        assert shared.interval.high == pytest.approx(alone.interval.high)
        assert (alone.trials, shared.trials) == (5, 15)

    def test_interval_stays_within_what_is_possible(self, severities_of):
        shift = mean_shift(severities_of((2, 0, 0, 0), (2, 0, 1, 0)), FAST)
        assert (shift.interval.low, shift.estimate) == (-2, -1.5)

    def test_no_spread_gives_no_interval_and_no_record_no_mean(self, severities_of):
        same = mean_shift(severities_of((1, 0, 0, 0), (2, 0, 1, 0)), FAST)
        assert (same.estimate, same.interval, same.trials) == (-1, None, 2)
        assert same.to_dict()["method"] == "undefined"
        nothing = mean_shift(severities_of((N, 0, 0, 0)), FAST)
        assert (nothing.estimate, nothing.interval, nothing.trials) == (None, None, 0)


class TestCategories:
    def test_severities_are_those_of_the_category(self, severities_of):
        found = categories(severities_of((2, 1, 0, 1), (0, 1, 1, 0)), FAST)
        assert found["a"].matrix.rows == ((0, 1, 0), (0, 0, 0), (1, 0, 0))
        assert found["b"].matrix.rows == ((0, 0, 0), (1, 1, 0), (0, 0, 0))

    def test_a_gap_in_another_category_does_not_matter(self, severities_of):
        found = categories(severities_of((1, N, 1, 0), (1, 0, 0, N)), FAST)
        kept = found["a"].rates["persistence"]
        assert (kept.events, kept.trials, kept.missing) == (1, 2, 0)
        whole = found["a"].rates["conditional_reduction"]
        assert (whole.trials, whole.missing) == (0, 2)

    def test_parts_are_of_records_labelled_on_both_sides(self, severities_of):
        rows = [(1, 0, 1, 0), (0, 0, 1, 0), (0, 0, 0, 0), (1, 0, 0, 0), (N, 0, 1, 0), (1, 0, N, 0)]
        found = categories(severities_of(*rows), FAST)["a"]
        assert (found.from_persistence, found.from_drift) == (0.25, 0.25)
        prevalence = found.rates["response_prevalence"]
        assert (prevalence.events, prevalence.trials) == (3, 5)

    def test_without_labels_there_are_no_parts(self, severities_of):
        found = categories(severities_of((N, 0, 1, 0)), FAST)["a"].to_dict()
        assert (found["from_persistence"], found["from_drift"]) == (None, None)
        assert found["transition_matrix"] == [[0] * 3] * 3


class TestOrigin:
    ROWS = ((0, 0, 1, 0), (0, 0, 2, 0), (1, 0, 2, 0), (1, 1, 1, 0), (2, 0, 0, 0), (0, 0, 0, 0))

    def test_harmless_prompts_elaborate_and_harmful_ones_comply(self, severities_of):
        origin = escalation_origin(severities_of(*self.ROWS), FAST)
        assert counted(origin.unsolicited_elaboration) == [(2, 3, 0), (2, 6, 0)]
        assert counted(origin.compliance_escalation) == [(1, 3, 0), (1, 6, 0)]
        assert origin.topic_mandated is None
        assert origin.landing_severity == {1: 1, 2: 2}
        assert origin.to_dict()["landing_severity"] == {"1": 1, "2": 2}

    def test_harm_begins_where_the_taxonomy_says(self, severities_of):
        late = Taxonomy(["a", "b"], ["Safe", "Low", "High"], 2)
        origin = escalation_origin(severities_of(*self.ROWS, taxonomy=late), FAST)
        assert counted(origin.unsolicited_elaboration)[1] == (3, 6, 0)
        assert counted(origin.compliance_escalation)[1] == (0, 6, 0)

    def test_benign_labels_tell_what_the_topic_mandates(self, severities_of):
        benign = [True, False, True, True, False, True]
        origin = escalation_origin(severities_of(*self.ROWS, prompt_benign=benign), FAST)
        assert counted(origin.topic_mandated) == [(1, 3, 0), (1, 6, 0)]

    def test_half_labelled_records_count_for_no_origin(self, severities_of):
        """A harmful prompt without a response label cannot be unsolicited, and yet is not counted.

        Counting it as a no, while the harmless prompts without a response label are left out,
        would make unsolicited elaboration rarer than it is. What may be is bounded by it.
        """
        rows = [(0, 0, 1, 0), (1, 0, 0, 0)] * 5
        gaps = [(0, 0, N, 0), (1, 0, N, 0)] * 45
        whole = escalation_origin(severities_of(*rows), FAST).unsolicited_elaboration
        gappy = escalation_origin(severities_of(*rows, *gaps), FAST).unsolicited_elaboration
        assert gappy.of_records.estimate == whole.of_records.estimate == pytest.approx(0.5)
        assert counted(gappy) == [(5, 5, 90), (5, 10, 45)]
        assert gappy.of_records.worst_case == pytest.approx((5 / 100, 50 / 100))
        escalation = overall_rates(severities_of(*rows, *gaps), FAST)["escalation"]
        assert (escalation.trials, escalation.missing) == (10, 90)

    def test_missing_benign_labels_are_left_out_of_what_the_topic_mandates(self, severities_of):
        benign = [True, None, True, None, False, None]
        origin = escalation_origin(severities_of(*self.ROWS, prompt_benign=benign), FAST)
        assert counted(origin.topic_mandated) == [(1, 2, 1), (1, 3, 1)]
        assert counted(origin.unsolicited_elaboration) == [(2, 3, 0), (2, 6, 0)]
