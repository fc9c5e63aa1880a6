"""Association in two-way tables of counts."""

import json
from itertools import permutations
from math import comb, sqrt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from riskshift.errors import UsageError
from riskshift.stats.crosstabs import association
from riskshift.stats.crosstabs.association import (
    chi_square,
    cramers_v,
    cramers_v_corrected,
    permutation_p,
    rao_scott,
    two_by_two,
)
from riskshift.stats.resample import generator

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "association.json").read_text())
TABLES = GOLDEN["tables"]
CLUSTERED = GOLDEN["clustered"]
RAO_SCOTT = json.loads((Path(__file__).parents[2] / "golden" / "rao_scott.json").read_text())
# Response severity by relevance, overall and for one category, published by
# microsoft/PairedSafety with the figures quoted in the tests below.
PUBLISHED = {
    "overall": [[28, 71, 1010], [1, 6, 88], [0, 14, 25], [0, 1, 6]],
    "category": [[0, 0, 37], [0, 3, 15], [0, 10, 48], [1, 9, 23]],
}

tables = arrays(
    np.int64, st.tuples(st.integers(2, 4), st.integers(2, 4)), elements=st.integers(0, 9)
)
quick = settings(max_examples=40, deadline=None)


@pytest.mark.parametrize("case", TABLES)
def test_nominal_tests_agree_with_r(case):
    test = chi_square(case["table"])
    assert test.statistic == pytest.approx(case["chi_square"], rel=1e-10)
    assert (test.df, test.p) == (case["df"], pytest.approx(case["p"], rel=1e-9))
    assert cramers_v(case["table"]) == pytest.approx(case["cramers_v"], rel=1e-10)


@pytest.mark.parametrize("case", TABLES)
def test_permutation_p_agrees_with_a_million_tables_of_r(case):
    draws = 100_000
    p = permutation_p(case["table"], draws=draws, rng=generator(1))
    assert p == pytest.approx(case["p_simulated"], abs=5 * sqrt(case["p_simulated"] / draws))


@pytest.mark.parametrize(
    ("name", "chi2", "p", "v", "corrected", "permutation"),
    [
        (
            "overall",
            50.16856980735566,
            4.349097982231202e-09,
            0.14165954935316666,
            0.13301819121710803,
            3.0e-4,
        ),
        (
            "category",
            14.409852404309166,
            0.02537834775636588,
            0.22214591961996177,
            0.1704698852175639,
            0.0140,
        ),
    ],
)
def test_relevance_has_the_published_figures(name, chi2, p, v, corrected, permutation):
    table = PUBLISHED[name]
    test = chi_square(table)
    assert (test.statistic, test.p) == pytest.approx((chi2, p), rel=1e-9)
    assert test.df == 6
    assert cramers_v(table) == pytest.approx(v, rel=1e-10)
    assert cramers_v_corrected(table) == pytest.approx(corrected, rel=1e-10)
    # Both are Monte Carlo from 50,000 tables, so five standard errors of their difference.
    ours = permutation_p(table, draws=50_000, rng=generator(20260709))
    assert ours == pytest.approx(permutation, abs=5 * sqrt(2 * permutation / 50_000))


@pytest.mark.parametrize(
    ("table", "odds_ratio", "unbounded", "p", "phi"),
    [
        (
            [[25, 14], [1104, 107]],
            0.17307194616977226,
            False,
            5.683022326287873e-06,
            -0.15911854674037548,
        ),
        ([[37, 0], [1092, 121]], None, True, 0.043072061393699776, 0.057176316849577136),
        ([[23, 10], [37, 0]], 0.0, False, 0.00023332489132289757, -0.432283109626882),
    ],
)
def test_two_by_two_has_the_published_figures(table, odds_ratio, unbounded, p, phi):
    result = two_by_two(table)
    assert (result.odds_ratio, result.unbounded) == (pytest.approx(odds_ratio), unbounded)
    assert (result.p, result.phi) == pytest.approx((p, phi), rel=1e-9)


@pytest.mark.parametrize("case", GOLDEN["fisher"])
def test_fisher_agrees_with_r(case):
    assert two_by_two(case["table"]).p == pytest.approx(case["p"], rel=1e-9)


@pytest.mark.parametrize("case", RAO_SCOTT["cases"])
def test_rao_scott_agrees_with_survey_svychisq(case):
    test = rao_scott(case["cells"], case["weight"], cautious=False)
    found = (test.statistic, test.df, test.df_denominator, test.p)
    wanted = (case["statistic"], case["df"], case["df_denominator"], case["p"])
    assert found == pytest.approx(wanted, rel=1e-9)
    pearson = chi_square(np.tensordot(case["weight"], np.array(case["cells"]), 1))
    assert pearson.statistic == pytest.approx(case["pearson"])
    assert pearson.statistic / pearson.df / test.deff == pytest.approx(test.statistic)


def test_caution_knows_no_more_than_independence_and_counts_clusters_by_what_they_carry():
    one_cluster_decides = [[[0, 0], [0, 20]], [[0, 1], [0, 0]], [[0, 0], [1, 0]], [[0, 1], [1, 0]]]
    weight = [1, 9, 9, 10]
    test, plain = (rao_scott(one_cluster_decides, weight, cautious=c) for c in (True, False))
    assert test.df_denominator < 5 < plain.df_denominator
    assert test.p > 0.05
    # One record a cluster, all cells alike: nothing to correct.
    every = np.eye(4).reshape(4, 2, 2)
    independent = rao_scott(every, [30, 20, 20, 30])
    pearson = chi_square([[30, 20], [20, 30]])
    assert independent.deff == pytest.approx(1, abs=0.05)
    assert independent.p == pytest.approx(pearson.p, abs=0.01)
    assert 50 < independent.df_denominator < 99


@quick
@given(tables, st.randoms(use_true_random=False))
def test_permuting_rows_and_columns_changes_no_permutation_p(table, random):
    rows = random.sample(range(table.shape[0]), table.shape[0])
    columns = random.sample(range(table.shape[1]), table.shape[1])
    one = permutation_p(table, draws=300, rng=generator(3))
    assert permutation_p(table[rows][:, columns], draws=300, rng=generator(3)) == one


@pytest.mark.parametrize("shift", [0, 30, 200, 900])
def test_tables_without_a_chance_are_left_out_of_fishers_test(monkeypatch, shift):
    table = [[3_000 + shift, 97_000 - shift], [27_000 - shift, 873_000 + shift]]
    whole = two_by_two(table).p
    monkeypatch.setattr(association, "_NEAR", 0)
    assert two_by_two(table).p == pytest.approx(whole, rel=1e-12)


def test_fishers_test_of_a_hundred_million_records_is_none_of_them():
    near = two_by_two([[3_000_000, 17_000_000], [12_000_000, 68_000_000]])
    assert near.p == pytest.approx(1.0)
    assert two_by_two([[4_000_000, 16_000_000], [11_000_000, 69_000_000]]).p == pytest.approx(0)


def test_permutation_p_of_two_by_two_is_the_exact_one():
    """All tables with these margins, by hand: the hypergeometric distribution."""
    a, row, column, n = 9, 12, 15, 40
    weight = {k: comb(column, k) * comb(n - column, row - k) for k in range(13)}
    centre = row * column / n  # chi-square rises with the distance from here
    exact = sum(w for k, w in weight.items() if abs(k - centre) >= abs(a - centre) - 1e-9) / comb(
        n, row
    )
    table = [[a, row - a], [column - a, n - row - column + a]]
    p = permutation_p(table, draws=200_000, rng=generator(1))
    assert p == pytest.approx(exact, abs=5 * sqrt(exact / 200_000))


def test_permutation_p_counts_ties_as_at_least_as_extreme():
    """Only two tables have these margins and both are equally far from independence."""
    for table in permutations([[1, 0], [0, 1]]):
        assert permutation_p(table, draws=99, rng=generator(1)) == 1


def test_permutation_p_is_never_zero():
    assert permutation_p([[500, 0], [0, 500]], draws=99, rng=generator(1)) == pytest.approx(0.01)


@quick
@given(tables)
def test_strength_lies_between_zero_and_one_and_correction_never_adds(table):
    v, corrected = cramers_v(table), cramers_v_corrected(table)
    if v is not None:
        assert 0 <= v <= 1 + 1e-12
    if corrected is not None:
        assert 0 <= corrected <= v * (1 + 1e-9) or v == pytest.approx(1)


@quick
@given(tables)
def test_empty_rows_and_columns_do_not_count(table):
    padded = np.pad(table, ((1, 0), (0, 2)))
    assert chi_square(padded) == chi_square(table)
    assert cramers_v_corrected(padded) == cramers_v_corrected(table)
    assert permutation_p(padded, draws=50, rng=generator(1)) == permutation_p(
        table, draws=50, rng=generator(1)
    )


@pytest.mark.parametrize("table", [[[3, 4], [0, 0]], [[0, 3], [0, 4]], [[0, 0], [0, 0]]])
def test_one_row_or_column_answers_nothing(table):
    assert chi_square(table) is None
    assert permutation_p(table, draws=10, rng=generator(1)) is None
    assert cramers_v(table) is None
    assert cramers_v_corrected(table) is None
    assert rao_scott([table], [5]) is None
    assert two_by_two(table).p is None
    assert two_by_two(table).phi is None
    assert two_by_two(table).odds_ratio is None
    assert not two_by_two(table).unbounded


@quick
@given(arrays(np.int64, (2, 2), elements=st.integers(1, 60)))
def test_swapping_rows_inverts_the_odds_ratio_and_the_sign_of_phi(table):
    one, other = two_by_two(table), two_by_two(table[::-1])
    assert other.odds_ratio == pytest.approx(1 / one.odds_ratio)
    assert other.phi == pytest.approx(-one.phi)
    assert other.p == pytest.approx(one.p, rel=1e-6)
    assert abs(one.phi) == pytest.approx(cramers_v(table), abs=1e-9)


@quick
@given(arrays(np.int64, (3, 3), elements=st.integers(1, 9)), st.integers(2, 5))
def test_records_repeated_within_clusters_add_no_evidence(table, copies):
    """Each record `copies` times over: Pearson's statistic grows, the corrected one does not."""
    single = np.eye(9).reshape(9, 3, 3)
    once, repeated = (
        rao_scott(single * times, table.ravel(), cautious=False) for times in (1, copies)
    )
    n = table.sum()
    assert once.deff == pytest.approx(n / (n - 1))
    assert repeated.deff == pytest.approx(copies * once.deff)
    assert repeated.statistic == pytest.approx(once.statistic)
    assert repeated.p == pytest.approx(once.p)


def test_rao_scott_of_clusters_that_do_not_differ_is_undefined():
    assert rao_scott([[[2, 1], [1, 2]]], [40]) is None
    assert rao_scott([[[2, 1], [1, 2]]], [1]) is None


def test_rao_scott_at_the_observed_proportions_is_undefined_where_too_few_cells_are_filled():
    corners = np.eye(3)[:, :, None] * np.eye(3)[:, None, :]
    assert rao_scott(corners, [10, 10, 10], cautious=False) is None
    assert rao_scott(corners, [10, 10, 10]).p < 1e-4


def test_what_is_no_table_is_refused():
    for wrong in ([1, 2], [[1, -2], [3, 4]], [[float("nan"), 1], [1, 1]]):
        with pytest.raises(UsageError, match="A table is 2-d"):
            chi_square(wrong)
    with pytest.raises(UsageError, match="2 x 3"):
        two_by_two([[1, 2, 3], [4, 5, 6]])
    with pytest.raises(UsageError, match="shapes"):
        rao_scott([[1, 2], [3, 4]], [1, 1])
    with pytest.raises(UsageError, match="at least 1"):
        permutation_p([[1, 2], [3, 4]], draws=0, rng=generator(1))
