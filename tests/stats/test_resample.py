"""Bootstraps of whole clusters, drawn on counts."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskshift.errors import UsageError
from riskshift.stats import resample
from riskshift.stats.resample import bootstrap_difference, bootstrap_ratio, generator

FOLDER = Path(__file__).parents[1] / "golden"
GOLDEN = json.loads((FOLDER / "resample.json").read_text())
DATA = {
    name: np.array(values)
    for name, values in json.loads((FOLDER / "cluster.json").read_text())["data"].items()
}
ONES = np.ones(24, dtype=int)
A, B = (DATA["xa"], DATA["na"]), (DATA["xb"], DATA["nb"])
LEVEL = {"resamples": 200, "confidence": 0.9}


def ends(bootstrap):
    return None if bootstrap is None else (bootstrap.low, bootstrap.high)


@st.composite
def kinds(draw, rates=2):
    size = draw(st.integers(2, 6))
    columns = []
    for _ in range(rates):
        trials = draw(st.lists(st.integers(0, 3), min_size=size, max_size=size))
        columns += [[draw(st.integers(0, n)) for n in trials], trials]
    weight = draw(st.lists(st.integers(1, 40), min_size=size, max_size=size))
    return np.array([*columns, weight])


def test_ratio_agrees_with_the_boot_package():
    """Both are Monte Carlo: 200,000 resamples leave about 0.001 at either end."""
    ours = bootstrap_ratio(*A, ONES, resamples=200_000, confidence=0.95, rng=generator(1))
    assert ends(ours) == pytest.approx(GOLDEN["ratio"], abs=0.003)


def test_difference_agrees_with_the_boot_package():
    one, joint = bootstrap_difference(
        *A, *B, ONES, resamples=200_000, confidence=0.95, simultaneous=0.99, rng=generator(1)
    )
    assert ends(one) == pytest.approx(GOLDEN["difference"], abs=0.003)
    assert ends(joint) == pytest.approx(GOLDEN["difference_simultaneous"], abs=0.005)


@pytest.mark.parametrize(
    ("b", "low", "high"),
    [
        ((24, 329), 0.10929837320307483, 0.24431274216438245),
        ((12, 106), 0.04778292998595743, 0.22108766419269543),
        ((19, 230), 0.09543312677209359, 0.23762693233215323),
    ],
)
def test_contrasts_of_persistence_agree_with_the_published_ones(b, low, high):
    """Published by microsoft/PairedSafety, which resamples its 1,250 records row by row."""
    (xa, na), (xb, nb) = (47, 189), b
    weight = [xa, na - xa, xb, nb - xb, 1250 - na - nb]
    one, _ = bootstrap_difference(
        [1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 1, 1, 0], weight,
        resamples=100_000, confidence=0.95, rng=generator(20260709),
    )  # fmt: skip
    assert ends(one) == pytest.approx((low, high), abs=0.003)


@settings(max_examples=30, deadline=None)
@given(kinds())
def test_splitting_and_reordering_kinds_change_not_one_bit(data):
    split = np.concatenate([data[:, ::-1], data], axis=1)
    doubled = data.copy()
    doubled[-1] *= 2
    one = bootstrap_difference(*doubled, **LEVEL, simultaneous=0.99, rng=generator(5))
    assert bootstrap_difference(*split, **LEVEL, simultaneous=0.99, rng=generator(5)) == one
    ratio = bootstrap_ratio(*doubled[[0, 1, 4]], **LEVEL, rng=generator(5))
    assert bootstrap_ratio(*split[[0, 1, 4]], **LEVEL, rng=generator(5)) == ratio


@settings(max_examples=30, deadline=None)
@given(kinds(rates=1))
def test_ratio_lies_in_the_unit_range_and_has_width_or_is_none(data):
    bootstrap = bootstrap_ratio(*data, **LEVEL, rng=generator(5))
    if bootstrap is not None:
        assert 0 <= bootstrap.low < bootstrap.high <= 1
        assert bootstrap.resamples <= 200
        assert (bootstrap.method, bootstrap.confidence) == ("percentile", 0.9)


def test_swapping_the_sides_mirrors_the_difference():
    options = {"resamples": 100_000, "confidence": 0.95}
    one, _ = bootstrap_difference(*A, *B, ONES, **options, rng=generator(5))
    other, _ = bootstrap_difference(*B, *A, ONES, **options, rng=generator(6))
    assert ends(one) == pytest.approx((-other.high, -other.low), abs=0.004)


def test_the_size_of_blocks_does_not_change_the_draws(monkeypatch):
    whole = bootstrap_difference(*A, *B, ONES, **LEVEL, rng=generator(5))
    monkeypatch.setattr(resample, "_BLOCK_BYTES", 5000)
    assert bootstrap_difference(*A, *B, ONES, **LEVEL, rng=generator(5)) == whole


def test_above_the_limit_of_kinds_the_interval_is_linearised_and_says_so(monkeypatch):
    many = ONES * 200
    options = {"resamples": 20_000, "confidence": 0.95}
    drawn = bootstrap_ratio(*A, many, **options, rng=generator(5))
    drawn_difference, _ = bootstrap_difference(*A, *B, many, **options, rng=generator(5))
    monkeypatch.setattr(resample, "MAX_CELLS", 10)
    closed = bootstrap_ratio(*A, many, **options, rng=generator(5))
    difference, joint = bootstrap_difference(
        *A, *B, many, **options, simultaneous=0.99, rng=generator(5)
    )
    assert (closed.method, closed.resamples) == ("linearised", 0)
    assert ends(closed) == pytest.approx(ends(drawn), abs=0.001)
    assert ends(difference) == pytest.approx(ends(drawn_difference), abs=0.001)
    assert joint.low < difference.low < difference.high < joint.high


@pytest.mark.parametrize(
    ("events", "trials", "weight"),
    [
        ([0, 0], [1, 2], [50, 50]),
        ([1, 2], [1, 2], [50, 50]),
        ([1, 2], [2, 4], [50, 50]),
        ([1, 0], [2, 0], [1, 50]),
        ([0, 0], [0, 0], [9, 9]),
        ([], [], []),
    ],
    ids=["none", "all", "equal rates", "one cluster", "no trials", "nothing"],
)
def test_where_a_ratio_cannot_vary_there_is_no_interval(events, trials, weight):
    assert bootstrap_ratio(events, trials, weight, **LEVEL, rng=generator(5)) is None
    twice = bootstrap_difference(
        events, trials, events, trials, weight, **LEVEL, simultaneous=0.99, rng=generator(5)
    )
    assert twice == (None, None)


def test_a_rate_minus_itself_has_no_interval():
    assert bootstrap_difference(*A, *A, ONES, **LEVEL, rng=generator(5)) == (None, None)


def test_resamples_without_trials_are_dropped_and_not_counted():
    bootstrap = bootstrap_ratio([0, 1, 0], [1, 1, 0], [1, 1, 8], **LEVEL, rng=generator(5))
    assert 0 < bootstrap.resamples < 200


def test_streams_are_the_same_everywhere_and_differ_by_name():
    """The first draw is pinned, so a change of numpy or platform that moves results is seen."""
    assert generator(20260709, "persistence", "hate").integers(0, 2**32) == 3530498143
    names = [(), ("a",), ("b",), ("a", "b"), ("b", "a"), ("ab",), ("",), ("", "")]
    firsts = {int(generator(1, *name).integers(0, 2**62)) for name in names}
    assert len(firsts) == len(names)
    assert generator(1).integers(0, 2**62) != generator(2).integers(0, 2**62)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"resamples": 0, "confidence": 0.95}, "at least 1"),
        ({"resamples": 10, "confidence": 95}, "between 0 and 1"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        bootstrap_ratio(*A, ONES, **options, rng=generator(5))


def test_a_negative_seed_and_arrays_that_do_not_match_are_refused():
    with pytest.raises(UsageError, match="seed is -1"):
        generator(-1)
    with pytest.raises(UsageError, match="equal length"):
        bootstrap_ratio([0, 1], [1, 1], [3], **LEVEL, rng=generator(5))
