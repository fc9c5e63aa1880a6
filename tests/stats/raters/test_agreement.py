"""Shares of ratings that agree."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskshift.errors import UsageError
from riskshift.stats.raters.agreement import agreeing_pairs, majority_level


@st.composite
def rated(draw, kinds=8, most=4):
    levels = draw(st.integers(2, 5))
    row = st.lists(st.integers(0, most), min_size=levels, max_size=levels)
    units = draw(st.lists(row, min_size=1, max_size=kinds))
    weight = draw(st.lists(st.integers(1, 20), min_size=len(units), max_size=len(units)))
    return np.array(units), np.array(weight)


@given(rated(), st.integers(0, 4))
def test_agreeing_pairs_are_those_one_would_count_by_hand(ratings, within):
    units, _ = ratings
    agreeing, pairs = agreeing_pairs(units, within=within)
    for unit, near, every in zip(units, agreeing, pairs, strict=True):
        given_levels = np.repeat(np.arange(len(unit)), unit)
        gaps = [abs(a - b) for i, a in enumerate(given_levels) for b in given_levels[:i]]
        assert (near, every) == (sum(gap <= within for gap in gaps), len(gaps))


def test_agreement_within_a_negative_distance_is_refused():
    with pytest.raises(UsageError, match="within is -1"):
        agreeing_pairs([[2, 1]], within=-1)


def test_a_majority_is_more_than_half():
    units = [[2, 1, 0], [1, 1, 1], [2, 2, 0], [0, 0, 1], [0, 0, 0]]
    assert majority_level(units).tolist() == [0, -1, -1, 2, -1]
