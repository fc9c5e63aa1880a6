"""Slopes within sets, and the interval of their mean."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from riskshift.errors import UsageError
from riskshift.stats.clusters.slopes import bounded_mean, slopes_within

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "slopes.json").read_text())
SLOPES = st.lists(st.fractions(-2, 2, max_denominator=6).map(float), min_size=2, max_size=30)


def starts_of(sets):
    return np.flatnonzero(np.diff(sets, prepend=-1))


def ends(values, bounds=(-2, 2), **options):
    _, interval = bounded_mean(values, np.ones(len(values)), bounds=bounds, **options)
    return interval.low, interval.high


class TestSlopesWithin:
    def test_they_are_those_of_r(self):
        found = slopes_within(GOLDEN["x"], GOLDEN["y"], starts_of(GOLDEN["set"]))
        assert found == pytest.approx(GOLDEN["slopes"], abs=1e-9)

    def test_they_are_those_of_scipy(self):
        x, y = [0, 1, 3, 2, 2, 0], [1, 0, 2, 2, 3, 0]
        theirs = [stats.linregress(x[a:b], y[a:b]).slope for a, b in ((0, 3), (3, 6))]
        assert slopes_within(x, y, [0, 3]) == pytest.approx(theirs)

    def test_without_a_step_there_is_none(self):
        assert np.isnan(slopes_within([1, 1, 0], [0, 2, 1], [0, 2])).all()

    def test_arrays_must_match(self):
        with pytest.raises(UsageError, match="equal length"):
            slopes_within([0, 1], [1], [0])

    @given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=6))
    def test_a_response_like_its_prompt_rises_by_one_and_a_constant_one_not_at_all(self, pairs):
        x, y = map(list, zip(*pairs, strict=True))
        if len(set(x)) > 1:
            assert slopes_within(x, x, [0]) == [1]
            assert slopes_within(x, [2] * len(x), [0]) == [0]
            flipped = slopes_within(x, [3 - value for value in y], [0])
            assert flipped == pytest.approx(-slopes_within(x, y, [0]))


class TestBoundedMean:
    @pytest.mark.parametrize("case", GOLDEN["cases"])
    def test_the_mean_and_its_ends_are_those_of_r(self, case):
        values = case["values"]
        weight = np.ones(len(values))
        mean, interval = bounded_mean(
            values, weight, confidence=case["level"], bounds=case["bounds"]
        )
        assert mean == pytest.approx(case["mean"])
        assert (interval.low, interval.high) == pytest.approx(case["ends"], abs=1e-7)
        assert (interval.method, interval.confidence) == ("mover-wilson-t", case["level"])

    def test_of_many_smooth_values_it_is_students_interval(self):
        values = np.clip(np.random.default_rng(5).normal(0.4, 0.3, 2_000), -1, 2)
        theirs = stats.ttest_1samp(values, 0).confidence_interval(0.95)
        assert ends(values) == pytest.approx((theirs.low, theirs.high), abs=0.001)

    def test_equal_values_leave_more_open_than_nothing(self):
        low, high = ends([0.5] * 20)
        assert low < 0.5 < high

    def test_few_values_that_differ_leave_more_open_than_students_interval(self):
        case = GOLDEN["cases"][2]
        (low, high), (first, last) = case["ends"], case["t"]
        assert low < first + 0.001
        assert high > last

    def test_one_value_tells_nothing_of_others(self):
        assert bounded_mean([0.5], [1], bounds=(-1, 1)) == (0.5, None)

    @pytest.mark.parametrize(
        ("values", "weight"), [([], []), ([2.5], [3]), ([0.5, 1], [1]), ([1], [0])]
    )
    def test_what_cannot_be_is_refused(self, values, weight):
        with pytest.raises(UsageError):
            bounded_mean(values, weight, bounds=(-2, 2))

    @given(SLOPES)
    def test_the_interval_holds_the_mean_lies_within_the_bounds_and_has_a_width(self, values):
        low, high = ends(values)
        assert -2 <= low <= np.mean(values) + 1e-9
        assert np.mean(values) - 1e-9 <= high <= 2
        assert low < high

    @given(SLOPES)
    def test_turning_values_round_turns_the_interval_round(self, values):
        low, high = ends(values)
        assert ends([-value for value in values]) == pytest.approx((-high, -low), abs=1e-9)

    @given(SLOPES)
    def test_doubled_data_keep_the_mean_and_narrow_the_interval(self, values):
        once, twice = (bounded_mean(values, [n] * len(values), bounds=(-2, 2)) for n in (1, 2))
        assert twice[0] == pytest.approx(once[0])
        assert twice[1].high - twice[1].low < once[1].high - once[1].low + 1e-12

    @given(SLOPES)
    def test_weights_are_repeats(self, values):
        value, weight = np.unique(values, return_counts=True)
        mean, interval = bounded_mean(value, weight, bounds=(-2, 2))
        assert mean == pytest.approx(np.mean(values))
        assert (interval.low, interval.high) == pytest.approx(ends(values), abs=1e-9)
