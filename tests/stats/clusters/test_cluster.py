"""Rates and means whose records come in clusters."""

import json
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from riskshift.errors import UsageError
from riskshift.stats.clusters.cluster import (
    clustered_interval,
    correlation,
    effective_sample,
    linearised_variance,
    mean_interval,
    t_quantile,
)
from riskshift.stats.proportion import clopper_pearson, wilson

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "cluster.json").read_text())
DATA = {name: np.array(values) for name, values in GOLDEN["data"].items()}
ONES = np.ones(24, dtype=int)


@st.composite
def clusters(draw, most_trials=6, kinds=8):
    trials = draw(st.lists(st.integers(0, most_trials), min_size=1, max_size=kinds))
    assume(any(trials))
    events = [draw(st.integers(0, n)) for n in trials]
    weight = [draw(st.integers(1, 30)) for _ in trials]
    return np.array(events), np.array(trials), np.array(weight)


def test_variance_agrees_with_survey_svymean_on_records():
    variance = linearised_variance(DATA["xa"], DATA["na"], ONES)
    assert variance == pytest.approx(GOLDEN["variance"], rel=1e-12)


@pytest.mark.parametrize("case", GOLDEN["beta"])
def test_effective_size_and_quantiles_agree_with_survey_svyciprop(case):
    """The package shrinks no design effect, so its plain one is put into the same formula."""
    n, groups, level = DATA["na"].sum(), len(ONES), case["confidence"]
    rate = DATA["xa"].sum() / n
    deff = linearised_variance(DATA["xa"], DATA["na"], ONES) / (rate * (1 - rate) / n)
    assert deff == pytest.approx(GOLDEN["plain_deff"], rel=1e-12)
    effective = n / deff * (t_quantile(n - 1, level) / t_quantile(groups - 1, level)) ** 2
    interval = clopper_pearson(rate * effective, effective, confidence=level)
    assert (interval.low, interval.high) == pytest.approx(case["ci"], rel=1e-9)


@pytest.mark.parametrize("case", GOLDEN["beta"])
def test_with_plenty_of_events_the_interval_is_that_of_survey_svyciprop(case):
    """The linearised design effect is larger here than what the correlation's prior gives."""
    level = case["confidence"]
    interval, sample = clustered_interval(
        DATA["xa"], DATA["na"], ONES, confidence=level, method=clopper_pearson
    )
    assert sample.deff == pytest.approx(GOLDEN["plain_deff"], rel=1e-12)
    assert (interval.low, interval.high) == pytest.approx(case["ci"], rel=1e-9)
    assert sample.clusters == 24


@pytest.mark.parametrize("case", GOLDEN["t_quantiles"])
def test_student_quantile_agrees_with_r(case):
    assert t_quantile(case["df"], 0.95) == pytest.approx(case["t"], rel=1e-10)


def test_correlation_of_two_rates_agrees_with_survey_svyratio():
    ours = correlation(DATA["xa"], DATA["na"], DATA["xb"], DATA["nb"], ONES)
    assert ours == pytest.approx(GOLDEN["correlation"], rel=1e-10)


def test_mean_over_clusters_agrees_with_survey_svyratio():
    mean, interval = mean_interval(DATA["score"], DATA["na"], ONES, bounds=(-3, 3))
    assert mean == pytest.approx(GOLDEN["mean"]["estimate"], rel=1e-12)
    assert (interval.low, interval.high) == pytest.approx(GOLDEN["mean"]["ci"], rel=1e-9)


def test_mean_of_independent_records_has_the_t_test_interval_of_r():
    values, repeats = np.unique(GOLDEN["t_test"]["values"], return_counts=True)
    _, interval = mean_interval(values, np.ones(3), repeats, bounds=(-3, 3))
    assert (interval.low, interval.high) == pytest.approx(GOLDEN["t_test"]["ci"], rel=1e-9)


@given(clusters(most_trials=1), st.sampled_from([wilson, clopper_pearson]))
def test_without_shared_clusters_the_interval_is_the_plain_one(data, method):
    x, n, w = data
    interval, sample = clustered_interval(x, n, w, method=method)
    assert interval == method(int(w @ x), int(w @ n))
    assert (sample.deff, sample.n, sample.clusters) == (1.0, w @ n, w @ n)


@given(clusters(), st.sampled_from([wilson, clopper_pearson]))
def test_interval_lies_in_the_unit_range_holds_the_estimate_and_has_width(data, method):
    x, n, w = data
    interval, sample = clustered_interval(x, n, w, method=method)
    assert 0 <= interval.low <= (w @ x) / (w @ n) <= interval.high <= 1
    assert interval.low < interval.high
    assert sample.deff >= 1
    assert 0 <= sample.n <= w @ n


@given(clusters())
def test_clusters_never_narrow_the_interval(data):
    x, n, w = data
    interval, _ = clustered_interval(x, n, w)
    plain = wilson(w @ x, w @ n)
    assert interval.high - interval.low >= plain.high - plain.low - 1e-12


@given(clusters())
def test_counting_non_events_keeps_the_design_effect_and_mirrors_the_interval(data):
    x, n, w = data
    one, sample = clustered_interval(x, n, w)
    other, swapped = clustered_interval(n - x, n, w)
    assert swapped.deff == pytest.approx(sample.deff, rel=1e-9)
    assert (one.low, one.high) == pytest.approx((1 - other.high, 1 - other.low), abs=1e-9)


@given(clusters())
def test_twice_the_clusters_narrow_the_interval(data):
    x, n, w = data
    assume(w[n > 0].sum() > 1 or n.max() == 1)
    one, _ = clustered_interval(x, n, w)
    two, _ = clustered_interval(x, n, 2 * w)
    assert two.high - two.low < one.high - one.low


@given(clusters())
def test_splitting_a_kind_and_kinds_without_trials_change_nothing(data):
    x, n, w = data
    parts = np.concatenate([x, x, [0]]), np.concatenate([n, n, [0]]), np.concatenate([w, w, [9]])
    one, two = effective_sample(x, n, 2 * w), effective_sample(*parts)
    assert (two.deff, two.n) == pytest.approx((one.deff, one.n), rel=1e-12)
    assert one.clusters == two.clusters


@pytest.mark.parametrize("events", [0, 400])
def test_no_events_in_pure_clusters_are_worth_one_record_per_cluster(events):
    """Nothing tells answers to one prompt apart, so 100 prompts of 4 are near 100 records."""
    sample = effective_sample([events // 100], [4], [100])
    assert 80 < sample.n < 110


def test_clusters_that_are_not_alike_do_not_swamp_rare_events():
    """Ten events among 1,000 single answers, and as many, on ten prompts, among 20 of 50."""
    alone, _ = clustered_interval([1, 0], [1, 1], [10, 990])
    both, sample = clustered_interval([1, 0, 1, 0], [1, 1, 50, 50], [10, 990, 10, 10])
    assert both.high - both.low < 0.75 * (alone.high - alone.low)
    assert both.low > alone.low
    assert both.high < alone.high
    assert sample.deff < 1.1


def test_no_events_in_clusters_take_nothing_from_single_records_without_events():
    alone, _ = clustered_interval([0], [1], [1000])
    both, _ = clustered_interval([0, 0], [1, 50], [1000, 20])
    assert both.high < alone.high


def evenly(events, size, count):
    """Spread events over clusters of one size, as evenly as whole numbers allow."""
    low, more = divmod(events, count)
    return [low, low + 1], [size, size], [count - more, more]


@given(
    st.tuples(st.integers(1, 20), st.integers(20, 80), st.floats(0, 1)),
    st.tuples(st.integers(1, 20), st.integers(20, 80)),
)
@settings(max_examples=60)
def test_more_data_with_the_same_rate_never_widens_the_interval_by_a_tenth(first, further):
    """Clusters in which events are spread evenly: nothing in them says that records are alike."""
    size, count, rate = first
    seen = round(rate * size * count)
    more = round(seen / (size * count) * further[0] * further[1])
    one = evenly(seen, size, count)
    two = [a + b for a, b in zip(one, evenly(more, *further), strict=True)]
    before, after = clustered_interval(*one)[0], clustered_interval(*two)[0]
    assert after.high - after.low < 1.1 * (before.high - before.low)


@given(clusters(), st.integers(1, 40))
def test_single_records_added_at_the_same_rate_never_widen_the_interval(data, times):
    x, n, w = data
    assume(w[n > 0].sum() > 1)
    seen, total = times * int(w @ x), times * int(w @ n)
    alone = [1, 0], [1, 1], [seen, total - seen]
    more = [np.append(column, extra) for column, extra in zip(data, alone, strict=True)]
    one, two = clustered_interval(x, n, w)[0], clustered_interval(*more)[0]
    assert two.high - two.low < 1.1 * (one.high - one.low)


@pytest.mark.parametrize("share", [0.4, 0.6, 0.8])
def test_a_cluster_that_dominates_counts_as_few(share):
    """All harmful in one prompt that holds most records: others may be harmless for all we know."""
    size = round(200 * share / (1 - share))
    interval, sample = clustered_interval([0, size], [10, size], [20, 1])
    assert interval.low < 0.1
    assert interval.high > 0.85
    assert sample.n < 2


def test_one_cluster_says_nothing_beyond_itself():
    interval, sample = clustered_interval([2], [5], [1])
    assert (interval.low, interval.high, interval.method) == (0, 1, "wilson")
    assert (sample.n, sample.clusters) == (0, 1)
    assert linearised_variance([2], [5], [1]) is None


@given(clusters(), clusters())
def test_correlation_is_symmetric_and_at_most_one(a, b):
    kinds = min(len(a[0]), len(b[0]))
    one, other, w = [a[0][:kinds], a[1][:kinds]], [b[0][:kinds], b[1][:kinds]], a[2][:kinds]
    assert -1 <= correlation(*one, *other, w) <= 1
    assert correlation(*one, *other, w) == correlation(*other, *one, w)


@given(clusters())
def test_a_rate_is_perfectly_correlated_with_itself_and_opposed_to_its_complement(data):
    x, n, w = data
    assume((linearised_variance(x, n, w) or 0) > 0)
    assert correlation(x, n, x, n, w) == pytest.approx(1)
    assert correlation(x, n, n - x, n, w) == pytest.approx(-1)


def test_correlation_of_one_record_each_is_that_of_the_bits():
    both, a_only, b_only, neither = 6, 4, 3, 7
    counts = [both, a_only, b_only, neither]
    a, b = np.repeat([1, 1, 0, 0], counts), np.repeat([1, 0, 1, 0], counts)
    ours = correlation([1, 1, 0, 0], np.ones(4), [1, 0, 1, 0], np.ones(4), counts)
    assert ours == pytest.approx(np.corrcoef(a, b)[0, 1])


def test_correlation_with_a_rate_that_cannot_vary_is_zero():
    assert correlation([0, 1], [1, 1], [1, 1], [1, 1], [5, 5]) == 0
    assert correlation([0, 1], [1, 1], [0, 0], [0, 0], [5, 5]) == 0


@given(clusters(), st.integers(-3, 3))
def test_mean_interval_moves_with_its_values(data, shift):
    x, n, w = data
    mean, interval = mean_interval(x, n, w, bounds=(-99, 99))
    moved, there = mean_interval(x + shift * n, n, w, bounds=(-99, 99))
    assert moved == pytest.approx(mean + shift)
    assert (interval is None) == (there is None)
    if interval is not None:
        ends = interval.low + shift, interval.high + shift
        assert (there.low, there.high) == pytest.approx(ends, abs=1e-9)


def test_mean_interval_is_clipped_to_what_a_record_can_have():
    mean, interval = mean_interval([-1, 1], [1, 1], [1, 1], bounds=(-1, 1))
    assert (mean, interval.low, interval.high) == (0, -1, 1)


@pytest.mark.parametrize("weight", [[1, 0], [4, 4]])
def test_mean_without_spread_has_no_interval(weight):
    assert mean_interval([2, 4], [1, 2], weight, bounds=(-3, 3)) == (2, None)


def test_standard_error_falls_with_the_root_of_the_number_of_clusters():
    one = linearised_variance(DATA["xa"], DATA["na"], ONES * 1000)
    four = linearised_variance(DATA["xa"], DATA["na"], ONES * 4000)
    assert sqrt(one / four) == pytest.approx(2, rel=1e-4)


@pytest.mark.parametrize("function", [effective_sample, clustered_interval, linearised_variance])
def test_an_empty_denominator_is_refused_and_not_zeroed(function):
    with pytest.raises(UsageError, match="undefined"):
        function([0, 0], [0, 0], [3, 4])


def test_arrays_that_do_not_match_are_refused():
    with pytest.raises(UsageError, match="equal length"):
        effective_sample([0, 1], [1, 1], [3])


def test_impossible_confidence_is_refused():
    with pytest.raises(UsageError, match="between 0 and 1"):
        mean_interval([1, 2], [1, 1], [3, 3], bounds=(-3, 3), confidence=95)
