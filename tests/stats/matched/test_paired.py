"""Two or more models on the same prompts: tests and intervals."""

import json
from math import comb, sqrt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import xlogy
from statsmodels.stats import contingency_tables as oracle

from riskshift.errors import UsageError
from riskshift.stats.matched.paired import cochran_q, mcnemar_exact, tango, tango_exact
from riskshift.stats.multiple import bonferroni
from riskshift.stats.proportion import clopper_pearson, normal_quantile

FOLDER = Path(__file__).parents[2] / "golden"
GOLDEN = json.loads((FOLDER / "paired.json").read_text())
EXACT = json.loads((FOLDER / "paired_exact.json").read_text())
Z = normal_quantile(0.95)

counts = st.integers(0, 60)
tables = st.tuples(counts, counts, counts, counts).filter(any)
levels = st.sampled_from([bonferroni(0.95, family) for family in (1, 2, 5, 15, 45)])


def ends(interval):
    return interval.low, interval.high


def mirrored(interval):
    return -interval.high, -interval.low


# McNemar's exact test


@pytest.mark.parametrize("case", GOLDEN["mcnemar"])
def test_exact_p_agrees_with_r_binom_test(case):
    assert mcnemar_exact(case["a_only"], case["b_only"]) == pytest.approx(case["p"], rel=1e-12)


def test_exact_and_mid_p_of_a_printed_example():
    """Complete response before and after therapy: 59, 6, 16, 80.

    Printed by the R package contingencytables, which its authors wrote for Fagerland, Lydersen
    and Laake, "Statistical Analysis of Contingency Tables" (2017), chapter 8.
    """
    assert mcnemar_exact(6, 16) == pytest.approx(0.052479, abs=5e-7)
    assert mcnemar_exact(6, 16, mid_p=True) == pytest.approx(0.034690, abs=5e-7)


@given(st.integers(0, 200), st.integers(0, 200))
def test_exact_p_agrees_with_statsmodels(a_only, b_only):
    expected = oracle.mcnemar([[0, a_only], [b_only, 0]], exact=True).pvalue
    expected = 1.0 if a_only + b_only == 0 else expected
    assert mcnemar_exact(a_only, b_only) == pytest.approx(expected, rel=1e-9)


@given(st.integers(0, 40), st.integers(0, 40))
def test_mid_p_leaves_out_half_of_the_observed_outcome_on_either_side(a_only, b_only):
    n, fewer = a_only + b_only, min(a_only, b_only)
    tail = sum(comb(n, k) for k in range(fewer)) + comb(n, fewer) / 2
    assert mcnemar_exact(a_only, b_only, mid_p=True) == pytest.approx(2 * tail / 2**n, rel=1e-12)


def test_no_discordant_pairs_are_no_evidence():
    assert mcnemar_exact(0, 0) == pytest.approx(1.0)
    assert mcnemar_exact(0, 0, mid_p=True) == pytest.approx(1.0)


@pytest.mark.parametrize("pair", [(-1, 2), (1.5, 2), (2, float("nan"))])
def test_discordant_counts_are_whole_and_not_negative(pair):
    with pytest.raises(UsageError, match="whole counts"):
        mcnemar_exact(*pair)


# Tango's interval


@pytest.mark.parametrize("case", GOLDEN["tango"])
def test_tango_agrees_with_the_score_test_inverted_in_r(case):
    assert ends(tango(*case["counts"])) == pytest.approx(case["ends"], abs=1e-7)


def test_tango_agrees_with_a_printed_example():
    """-0.0621 (-0.1240 to -0.0054), printed by the same R package for the same table."""
    assert ends(tango(59, 6, 16, 80)) == pytest.approx((-0.1240, -0.0054), abs=5e-5)


def score_by_optimiser(table, delta):
    """Score statistic with the constrained maximum of the likelihood found numerically."""
    both, a_only, b_only, neither = table
    n = sum(table)

    def loss(p_b):
        rest = 1 - 2 * p_b - delta
        return -(xlogy(a_only, p_b + delta) + xlogy(b_only, p_b) + xlogy(both + neither, rest))

    bounds = (max(0.0, -delta), (1 - delta) / 2)
    p_b = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-13}).x
    return (a_only - b_only - n * delta) / sqrt(n * (2 * p_b + delta - delta**2))


@settings(max_examples=60)
@given(st.tuples(*[st.integers(1, 40)] * 4), st.sampled_from([0.8, 0.95, 0.99]))
def test_the_score_at_either_end_is_the_normal_quantile(table, confidence):
    interval, z = tango(*table, confidence=confidence), normal_quantile(confidence)
    assert score_by_optimiser(table, interval.low) == pytest.approx(z, abs=1e-5)
    assert score_by_optimiser(table, interval.high) == pytest.approx(-z, abs=1e-5)


@given(tables)
def test_tango_excludes_zero_exactly_where_the_mcnemar_chi_square_is_significant(table):
    _, a_only, b_only, _ = table
    chi_square = (a_only - b_only) ** 2 / (a_only + b_only) if a_only + b_only else 0.0
    interval = tango(*table)
    assert (interval.low > 0 or interval.high < 0) == (chi_square > Z * Z)


@given(tables, st.sampled_from([0.5, 0.95, 0.999]))
def test_tango_holds_the_estimate_has_width_and_stays_inside(table, confidence):
    interval = tango(*table, confidence=confidence)
    estimate = (table[1] - table[2]) / sum(table)
    assert -1 <= interval.low <= estimate <= interval.high <= 1
    assert interval.high - interval.low > 1e-3
    assert (interval.method, interval.confidence) == ("tango", confidence)


@given(tables)
def test_swapping_the_models_mirrors_tango(table):
    both, a_only, b_only, neither = table
    assert ends(tango(both, b_only, a_only, neither)) == mirrored(tango(*table))


@given(tables)
def test_concordant_pairs_count_alike_whichever_way_they_agree(table):
    both, a_only, b_only, neither = table
    assert tango(0, a_only, b_only, both + neither) == tango(*table)


@given(tables)
def test_more_pairs_of_the_same_kind_narrow_tango(table):
    once, twice = tango(*table), tango(*(2 * count for count in table))
    assert twice.high - twice.low < once.high - once.low


def test_no_discordant_pairs_still_leave_a_width():
    """At 0 discordant pairs the score equation is solved by z^2 / (n + z^2)."""
    bound = Z**2 / (50 + Z**2)
    assert ends(tango(20, 0, 0, 30)) == pytest.approx((-bound, bound), abs=1e-12)


def test_all_pairs_discordant_in_one_direction_reach_one():
    """There the lower end solves the score equation at (n - z^2) / (n + z^2)."""
    interval = tango(0, 30, 0, 0)
    assert interval.high == pytest.approx(1.0)
    assert interval.low == pytest.approx((30 - Z**2) / (30 + Z**2), abs=1e-12)
    assert ends(tango(0, 0, 30, 0)) == mirrored(interval)


def test_tango_works_on_counts_that_are_not_whole():
    lower, middle, upper = (tango(10, k, 2 * k, 40) for k in (3, 3.5, 4))
    assert lower.low > middle.low > upper.low


def test_tango_is_precise_for_very_many_pairs():
    """With 10^9 pairs the score interval is the Wald interval to 4 digits of its width."""
    n, a_only, b_only = 10**9, 2_000, 1_000
    half = Z * sqrt(a_only + b_only) / n
    interval = tango(0, a_only, b_only, n - a_only - b_only)
    assert (interval.high - interval.low) / 2 == pytest.approx(half, rel=1e-3)


@pytest.mark.parametrize("table", [(0, 0, 0, 0), (5, -1, 2, 3), (5, float("inf"), 2, 3)])
def test_impossible_tables_are_refused(table):
    with pytest.raises(UsageError, match="counts of pairs"):
        tango(*table)


# Tango's interval, held to the exact test


@pytest.mark.parametrize("case", EXACT["held"])
def test_the_held_interval_agrees_with_r(case):
    found = tango_exact(*case["counts"], confidence=case["confidence"])
    assert ends(found) == pytest.approx(case["ends"], abs=1e-7)


@given(tables, levels)
def test_zero_is_left_out_only_where_the_exact_test_rejects(table, confidence):
    """And wherever it does: up to families of 45 comparisons the score test never is stricter."""
    interval = tango_exact(*table, confidence=confidence)
    p = mcnemar_exact(table[1], table[2])
    assert (interval.low > 0 or interval.high < 0) == (p < 1 - confidence)


@given(tables, levels)
def test_the_held_interval_holds_tangos_and_the_estimate(table, confidence):
    plain = tango(*table, confidence=confidence)
    held = tango_exact(*table, confidence=confidence)
    assert -1 <= held.low <= plain.low < plain.high <= held.high <= 1
    assert (held.method, held.confidence) == ("tango-exact", confidence)


@given(tables, levels)
def test_swapping_the_models_mirrors_the_held_interval(table, confidence):
    both, a_only, b_only, neither = table
    swapped = tango_exact(both, b_only, a_only, neither, confidence=confidence)
    assert ends(swapped) == mirrored(tango_exact(*table, confidence=confidence))


@given(tables)
def test_more_pairs_of_the_same_kind_narrow_the_held_interval(table):
    once, twice = tango_exact(*table), tango_exact(*(2 * count for count in table))
    assert twice.high - twice.low < once.high - once.low


@given(st.integers(1, 200), st.integers(0, 800), levels)
def test_where_all_discordant_pairs_are_of_one_sort_the_lower_end_is_that_of_clopper_and_pearson(
    a_only, rest, confidence
):
    held = tango_exact(0, a_only, 0, rest, confidence=confidence)
    exact = clopper_pearson(a_only, a_only + rest, confidence=confidence)
    assert held.low <= exact.low + 1e-12


def test_with_many_pairs_holding_costs_nothing():
    plain, held = tango(0, 4_000, 3_000, 93_000), tango_exact(0, 4_000, 3_000, 93_000)
    assert ends(held) == pytest.approx(ends(plain), rel=0.02)


# Cochran's Q


def test_cochran_q_agrees_with_r_friedman_test():
    data = GOLDEN["cochran"]
    test = cochran_q(data["patterns"], data["weight"])
    assert (test.statistic, test.df, test.p) == pytest.approx(tuple(data["test"]), rel=1e-9)


@given(
    st.integers(2, 5).flatmap(
        lambda k: st.lists(st.lists(st.integers(0, 1), min_size=k, max_size=k), min_size=1)
    ),
    st.data(),
)
def test_cochran_q_agrees_with_statsmodels(patterns, data):
    weight = data.draw(st.lists(st.integers(1, 9), min_size=len(patterns), max_size=len(patterns)))
    test = cochran_q(patterns, weight)
    if all(len(set(pattern)) == 1 for pattern in patterns):
        assert test is None
    else:
        expected = oracle.cochrans_q(np.repeat(patterns, weight, axis=0))
        assert test.statistic == pytest.approx(expected.statistic, rel=1e-9, abs=1e-12)
        assert test.p == pytest.approx(expected.pvalue, rel=1e-9)
        assert test.df == expected.df


@pytest.mark.parametrize(
    ("patterns", "weight"),
    [([[1, 0]], [1, 2]), ([[1], [0]], [1, 2]), ([1, 0], [1, 2]), ([[1, 2]], [1]), ([[1, 0]], [-1])],
)
def test_cochran_q_refuses_what_is_not_a_table_of_outcomes(patterns, weight):
    with pytest.raises(UsageError):
        cochran_q(patterns, weight)
