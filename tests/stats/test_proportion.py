"""Intervals for one proportion and for the difference of two."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep

from riskshift.errors import UsageError
from riskshift.stats.proportion import (
    clopper_pearson,
    mover_difference,
    normal_quantile,
    wilson,
)

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "proportion.json").read_text())
METHODS = [wilson, clopper_pearson]


@st.composite
def counts(draw, most=2000):
    trials = draw(st.integers(1, most))
    return draw(st.integers(0, trials)), trials


def hybrid(a, b, confidence=0.95):
    """Difference of two independent shares by MOVER of Wilson's intervals: Newcombe's method 10."""
    of_a, of_b = (wilson(*each, confidence=confidence) for each in (a, b))
    return mover_difference(a[0] / a[1], of_a, b[0] / b[1], of_b)


levels = st.sampled_from([0.8, 0.95, 0.999])


@pytest.mark.parametrize("case", GOLDEN["cases"])
def test_one_proportion_agrees_with_r(case):
    at = {"confidence": case["confidence"]}
    score = wilson(case["events"], case["trials"], **at)
    exact = clopper_pearson(case["events"], case["trials"], **at)
    assert (score.low, score.high) == pytest.approx(case["wilson"], abs=1e-12, rel=1e-7)
    assert (exact.low, exact.high) == pytest.approx(case["clopper_pearson"], abs=1e-12, rel=1e-7)


@pytest.mark.parametrize(
    ("events", "trials", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_figures_newcombe_printed(events, trials, low, high):
    """Statistics in Medicine 17 (1998), p. 857-872, Table I, method 3."""
    interval = wilson(events, trials)
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


@pytest.mark.parametrize(
    ("a", "b", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0000),
        ((10, 10), (0, 10), 0.6075, 1.0000),
    ],
)
def test_hybrid_difference_gives_the_figures_newcombe_printed(a, b, low, high):
    """Statistics in Medicine 17 (1998), p. 873-890, Table II, method 10."""
    interval = hybrid(a, b)
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


@given(counts(300), counts(300), levels)
def test_hybrid_difference_agrees_with_statsmodels(a, b, confidence):
    ours = hybrid(a, b, confidence)
    theirs = confint_proportions_2indep(*a, *b, method="newcomb", alpha=1 - confidence)
    assert (ours.low, ours.high) == pytest.approx(theirs, abs=1e-9)


@given(levels)
def test_quantile_has_full_precision(confidence):
    from scipy.stats import norm

    assert normal_quantile(confidence) == pytest.approx(norm.isf((1 - confidence) / 2), rel=1e-14)


@pytest.mark.parametrize("method", METHODS)
@given(count=counts(), confidence=levels)
def test_interval_lies_in_the_unit_range_holds_the_estimate_and_has_width(
    method, count, confidence
):
    events, trials = count
    interval = method(events, trials, confidence=confidence)
    assert 0 <= interval.low <= events / trials <= interval.high <= 1
    assert interval.low < interval.high
    assert interval.confidence == confidence


@pytest.mark.parametrize("method", METHODS)
@given(count=counts())
def test_twice_the_data_narrow_the_interval(method, count):
    events, trials = count
    one, two = method(events, trials), method(2 * events, 2 * trials)
    assert two.high - two.low < one.high - one.low


@pytest.mark.parametrize("method", METHODS)
@given(count=counts())
def test_more_confidence_widens_the_interval(method, count):
    narrow, wide = method(*count, confidence=0.9), method(*count, confidence=0.99)
    assert wide.low <= narrow.low < narrow.high <= wide.high
    assert wide.high - wide.low > narrow.high - narrow.low


@pytest.mark.parametrize("method", METHODS)
@given(count=counts())
def test_counting_non_events_mirrors_the_interval(method, count):
    events, trials = count
    one, other = method(events, trials), method(trials - events, trials)
    assert (one.low, one.high) == pytest.approx((1 - other.high, 1 - other.low), abs=1e-12)


@given(counts(), counts(), st.floats(-1, 1))
def test_swapping_the_sides_mirrors_a_difference(a, b, correlation):
    of_a, of_b = (a[0] / a[1], wilson(*a)), (b[0] / b[1], wilson(*b))
    one = mover_difference(*of_a, *of_b, correlation=correlation)
    other = mover_difference(*of_b, *of_a, correlation=correlation)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-12)


@given(counts(), counts())
def test_difference_lies_between_minus_one_and_one_and_holds_the_estimate(a, b):
    interval = hybrid(a, b)
    assert -1 <= interval.low <= a[0] / a[1] - b[0] / b[1] <= interval.high <= 1
    assert interval.low < interval.high


@given(counts(), counts())
def test_correlation_of_the_estimates_narrows_their_difference(a, b):
    of_a, of_b = (a[0] / a[1], wilson(*a)), (b[0] / b[1], wilson(*b))
    apart = mover_difference(*of_a, *of_b)
    together = mover_difference(*of_a, *of_b, correlation=0.5)
    assert together.high - together.low <= apart.high - apart.low


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("events", "trials"), [(0, 0), (-1, 5), (6, 5), (float("nan"), 5)])
def test_impossible_counts_are_refused(method, events, trials):
    with pytest.raises(UsageError, match=f"{events} events of {trials} trials"):
        method(events, trials)


@pytest.mark.parametrize("confidence", [0, 1, -0.1, 95, float("nan")])
def test_impossible_confidence_is_refused(confidence):
    with pytest.raises(UsageError, match="between 0 and 1"):
        clopper_pearson(1, 5, confidence=confidence)
