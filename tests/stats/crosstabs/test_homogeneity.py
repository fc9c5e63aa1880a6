"""Square tables: the same margins, the same both ways."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import SquareTable, mcnemar

from riskshift.errors import UsageError
from riskshift.stats.crosstabs.homogeneity import bowker, stuart_maxwell

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "paired.json").read_text())["square"]


def square(low, high):
    return st.integers(2, 5).flatmap(
        lambda k: st.lists(
            st.lists(st.integers(low, high), min_size=k, max_size=k), min_size=k, max_size=k
        )
    )


def values(test):
    return None if test is None else (test.statistic, test.df, test.p)


def same(one, other):
    return values(one) == (None if other is None else pytest.approx(values(other), abs=1e-9))


def test_bowker_agrees_with_r_mcnemar_test():
    expected = pytest.approx(tuple(GOLDEN["bowker"]), rel=1e-9)
    assert values(bowker(GOLDEN["table"])) == expected


def test_stuart_maxwell_agrees_with_coin_mh_test():
    expected = pytest.approx(tuple(GOLDEN["stuart_maxwell"]), rel=1e-9)
    assert values(stuart_maxwell(GOLDEN["table"])) == expected


@given(square(1, 60))
def test_both_agree_with_statsmodels(table):
    reference = SquareTable(np.array(table), shift_zeros=False)
    margins, symmetry = reference.homogeneity(), reference.symmetry()
    expected = pytest.approx((margins.statistic, margins.df, margins.pvalue), rel=1e-7, abs=1e-9)
    assert values(stuart_maxwell(table)) == expected
    expected = pytest.approx((symmetry.statistic, symmetry.df, symmetry.pvalue), rel=1e-9)
    assert values(bowker(table)) == expected


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40), st.integers(0, 40))
def test_with_two_levels_both_are_mcnemars_chi_square(both, a_only, b_only, neither):
    table = [[both, a_only], [b_only, neither]]
    if a_only + b_only == 0:
        assert stuart_maxwell(table) is None
        assert bowker(table) is None
        return
    expected = mcnemar(table, exact=False, correction=False)
    for test in (stuart_maxwell(table), bowker(table)):
        assert test.df == 1
        assert test.statistic == pytest.approx(expected.statistic, rel=1e-9, abs=1e-12)


@given(square(0, 9), st.data())
def test_levels_that_nobody_used_change_nothing(table, data):
    at = data.draw(st.integers(0, len(table)))
    wider = np.insert(np.insert(np.array(table), at, 0, axis=0), at, 0, axis=1)
    assert same(stuart_maxwell(wider), stuart_maxwell(table))
    assert same(bowker(wider), bowker(table))


@given(square(0, 9), st.randoms(use_true_random=False))
def test_order_of_levels_and_sides_does_not_matter(table, random):
    order = random.sample(range(len(table)), len(table))
    shuffled = np.array(table)[np.ix_(order, order)].T
    assert same(stuart_maxwell(shuffled), stuart_maxwell(table))
    assert same(bowker(shuffled), bowker(table))


def test_levels_that_only_agree_add_no_degrees_of_freedom():
    """The third level holds items, but none moved to or from it: the covariance is singular."""
    table, core = [[20, 9, 0], [4, 31, 0], [0, 0, 50]], [[20, 9], [4, 31]]
    assert stuart_maxwell(table).df == 1
    assert same(stuart_maxwell(table), stuart_maxwell(core))


def test_separate_groups_of_levels_add_up():
    """Between {0, 1} and {2, 3} nothing moves: two tests of one degree of freedom each."""
    table = [[5, 9, 0, 0], [2, 5, 0, 0], [0, 0, 5, 3], [0, 0, 12, 5]]
    test = stuart_maxwell(table)
    assert test.df == 2
    assert test.statistic == pytest.approx(7**2 / 11 + 9**2 / 15, rel=1e-9)


@pytest.mark.parametrize("test", [stuart_maxwell, bowker])
def test_tables_without_any_move_are_undefined(test):
    assert test(np.diag([5, 3, 0])) is None
    assert test(np.zeros((3, 3))) is None


@pytest.mark.parametrize("test", [stuart_maxwell, bowker])
@pytest.mark.parametrize(
    "table", [[[1, 2, 3], [4, 5, 6]], [1, 2], [[1, -2], [3, 4]], [[1, 0.5], [3, 4]]]
)
def test_what_is_no_square_table_of_counts_is_refused(test, table):
    with pytest.raises(UsageError):
        test(table)
