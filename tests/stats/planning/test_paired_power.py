"""How many matched prompts a question about two models needs."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from riskshift.errors import UsageError
from riskshift.stats.matched.paired import mcnemar_exact, tango_exact
from riskshift.stats.planning.paired_power import further_pairs, mcnemar_power, pairs_for_difference

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "paired.json").read_text())


# McNemar's test


@pytest.mark.parametrize("case", GOLDEN["mcnemar_power"])
def test_mcnemar_power_agrees_with_every_outcome_in_r(case):
    power = mcnemar_power(case["n"], case["a_only_rate"], case["b_only_rate"])
    assert power == pytest.approx(case["power"], rel=1e-9)


@settings(max_examples=40)
@given(
    st.integers(1, 40),
    st.integers(0, 20),
    st.integers(0, 20),
    st.sampled_from([1e-4, 0.05, 0.0625, 0.5]),
)
def test_mcnemar_power_adds_up_the_trinomial(n, a, b, alpha):
    assume(a + b)
    total, share = 0.0, a / (a + b)
    for m in range(n + 1):
        chance = binom.pmf(np.arange(m + 1), m, share)
        rejected = [mcnemar_exact(x, m - x) <= alpha * (1 + 1e-9) for x in range(m + 1)]
        total += binom.pmf(m, n, (a + b) / 40) * chance[rejected].sum()
    assert mcnemar_power(n, a / 40, b / 40, alpha=alpha) == pytest.approx(total, abs=1e-10)


@given(st.integers(1, 5000), st.floats(0, 0.5))
def test_without_a_difference_the_power_is_at_most_the_level(n, rate):
    assert mcnemar_power(n, rate, rate) <= 0.05 + 1e-9


@pytest.mark.parametrize(
    ("a_only", "b_only", "power"),
    [(0.2, 0.05, 0.8), (0.3, 0.7, 0.8), (0.25, 0.75, 0.95), (0.3, 0, 0.9), (0.8, 0.2, 0.8)],
)
def test_pairs_for_difference_is_the_last_crossing_of_the_whole_curve(
    first_that_stays, a_only, b_only, power
):
    n = pairs_for_difference(a_only, b_only, power=power)
    curve = [mcnemar_power(k, a_only, b_only) for k in range(1, 2 * n + 60)]
    assert n == first_that_stays(curve, power)


@settings(max_examples=30)
@given(st.floats(0.01, 0.2), st.floats(1.5, 4), st.floats(0.5, 0.95))
def test_the_planned_pairs_have_the_power_and_one_fewer_does_not(rate, ratio, power):
    n = pairs_for_difference(rate, rate * ratio, power=power)
    assert mcnemar_power(n, rate, rate * ratio) >= power
    assert mcnemar_power(n - 1, rate, rate * ratio) < power
    assert pairs_for_difference(rate * ratio, rate, power=power) == n


def test_rare_differences_can_be_planned_and_hopeless_ones_cannot():
    assert 3_000 < pairs_for_difference(0.03, 0.02) < 5_000
    assert pairs_for_difference(0.01, 0.00999) is None


def test_equal_rates_leave_nothing_to_find():
    with pytest.raises(UsageError, match="no difference"):
        pairs_for_difference(0.02, 0.02)


def test_discordant_shares_cannot_exceed_all_prompts():
    with pytest.raises(UsageError, match="add up to"):
        mcnemar_power(100, 0.6, 0.5)


# Further pairs


def comparison_settled(counts, margin):
    interval = tango_exact(*counts)
    return interval.high < 0 or interval.high <= margin or interval.low > margin


@settings(max_examples=50)
@given(
    st.tuples(*[st.integers(0, 20)] * 3, st.integers(1, 60)),
    st.sampled_from([0.0, 0.02, 0.1]),
    st.floats(1, 3),
)
def test_further_pairs_is_the_first_step_that_settles_the_comparison(counts, margin, deff):
    n, difference = sum(counts), (counts[1] - counts[2]) / sum(counts)
    assume(abs(difference - margin) > 0.03)
    further = further_pairs(*counts, margin, deff=deff)
    checked = {0, further // 2, further - 1, further, further + 1, 2 * further + 5} - {-1}
    for extra in checked:
        scaled = [count * (n + extra) / n / deff for count in counts]
        assert comparison_settled(scaled, margin) == (extra >= further)


def test_a_verdict_reached_needs_no_further_pairs():
    assert further_pairs(10, 0, 40, 950, 0.01) == 0
    assert further_pairs(10, 80, 5, 905, 0.01) == 0


def test_at_the_margin_no_number_of_further_pairs_settles_anything():
    assert further_pairs(0, 0, 0, 500, 0.0) is None
    assert further_pairs(10, 6, 5, 79, 0.01) is None


# Arguments


@pytest.mark.parametrize(
    "call",
    [
        lambda: mcnemar_power(0, 0.1, 0.2),
        lambda: mcnemar_power(10, 0.1, 0.2, alpha=0),
        lambda: pairs_for_difference(float("nan"), 0.2),
        lambda: further_pairs(1, 2, 3, 4, -0.1),
        lambda: further_pairs(0, 0, 0, 0, 0.1),
        lambda: further_pairs(1, 2, 3, 4, 0.1, deff=float("inf")),
    ],
)
def test_arguments_out_of_range_are_refused(call):
    with pytest.raises(UsageError):
        call()
