"""Rates on a common mix of strata."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskshift.errors import UsageError
from riskshift.stats.clusters.cluster import clustered_interval
from riskshift.stats.clusters.standardized import standardized_rate
from riskshift.stats.proportion import clopper_pearson, wilson

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "standardized.json").read_text())


def single(events, trials):
    """One cluster a record."""
    strata = np.eye(len(trials))
    x = np.concatenate([strata, 0 * strata])
    weight = np.concatenate([events, np.subtract(trials, events)])
    return x, np.concatenate([strata, strata]), weight


@pytest.mark.parametrize("case", GOLDEN["cases"])
def test_each_end_is_the_farther_of_movers_and_the_score_intervals_as_r_gives_them(case):
    x, n, w = (np.atleast_1d(case[key]) for key in "xnw")
    found = standardized_rate(*single(x, n), w, confidence=case["level"])
    (low, high), (first, last) = case["mover"], case["score"]
    assert found.estimate == pytest.approx(case["estimate"])
    assert found.interval.low == pytest.approx(min(low, first), abs=1e-7)
    assert found.interval.high == pytest.approx(max(high, last), abs=1e-7)
    assert (found.interval.method, found.interval.confidence) == ("mover-wilson", case["level"])


def test_strata_without_events_keep_the_upper_end_away():
    """A bootstrap gives 4.2 %: to it, 0 of 10 leaves nothing open."""
    found = standardized_rate(*single([3, 2, 2, 0], [250, 100, 40, 10]), [0.25] * 4)
    assert found.interval.high == pytest.approx(0.097, abs=0.0005)


def test_empty_strata_are_left_out_and_the_others_scaled_up():
    with_empty = standardized_rate(*single([3, 0, 8], [10, 0, 40]), [0.3, 0.5, 0.2])
    without = standardized_rate(*single([3, 8], [10, 40]), [0.6, 0.4])
    assert with_empty.estimate == pytest.approx(0.6 * 0.3 + 0.4 * 0.2)
    assert with_empty.interval.low == pytest.approx(without.interval.low)
    assert with_empty.interval.high == pytest.approx(without.interval.high)
    assert standardized_rate(*single([0, 0], [0, 0]), [0.5, 0.5]) is None
    assert standardized_rate(*single([1, 0], [2, 0]), [0, 1]) is None


def test_shared_prompts_widen():
    alone = standardized_rate(*single([30, 10], [100, 100]), [0.5, 0.5]).interval
    x, n, weight = single([15, 5], [50, 50])
    shared = standardized_rate(2 * x, 2 * n, weight, [0.5, 0.5]).interval
    assert shared.low < alone.low < alone.high < shared.high
    one = clustered_interval([2, 0], [2, 2], [15, 35])[0]
    only = standardized_rate([[2], [0]], [[2], [2]], [15, 35], [1]).interval
    assert (only.low, only.high) == pytest.approx((one.low, one.high))


def test_one_prompt_says_nothing_of_a_stratum():
    found = standardized_rate(
        [[9, 0], [0, 1], [0, 0]], [[9, 0], [0, 1], [0, 1]], [1, 3, 97], [1, 3]
    )
    assert found.interval.high == pytest.approx(0.25 + 0.75 * wilson(3, 100).high, abs=0.02)
    assert found.interval.low < 0.05


strata = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 30), st.floats(0.05, 1)), min_size=1, max_size=6
).filter(lambda rows: any(a + b for a, b, _ in rows))


@given(strata, st.sampled_from([wilson, clopper_pearson]))
def test_ends_lie_within_bounds_around_the_estimate_and_mirror(rows, method):
    events, rest, shares = np.array(rows).T
    options = {"shares": shares, "method": method}
    found = standardized_rate(*single(events, events + rest), **options)
    low, high = found.interval.low, found.interval.high
    assert 0 <= low <= found.estimate + 1e-12
    assert found.estimate - 1e-12 <= high <= 1
    assert low < high
    turned = standardized_rate(*single(rest, events + rest), **options)
    assert turned.estimate == pytest.approx(1 - found.estimate)
    assert (turned.interval.low, turned.interval.high) == pytest.approx(
        (1 - high, 1 - low), abs=1e-9
    )


@given(strata)
def test_more_records_at_the_same_rates_narrow(rows):
    events, rest, shares = np.array(rows).T
    once = standardized_rate(*single(events, events + rest), shares).interval
    twice = standardized_rate(*single(2 * events, 2 * (events + rest)), shares).interval
    assert twice.high - twice.low < once.high - once.low


def test_arrays_that_do_not_match_are_refused():
    with pytest.raises(UsageError, match="shapes"):
        standardized_rate([[1, 0]], [[1, 0]], [1], [1])
    with pytest.raises(UsageError, match="exceed"):
        standardized_rate([[2]], [[1]], [1], [1])
    with pytest.raises(UsageError, match="negative"):
        standardized_rate([[1]], [[1]], [1], [-1])
