"""How many trials a question needs."""

import json
from functools import cache
from math import ceil, log
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from riskshift.errors import UsageError
from riskshift.stats.paired import mcnemar_exact, tango
from riskshift.stats.power import (
    further_pairs,
    further_trials,
    gate_power,
    mcnemar_power,
    pairs_for_difference,
    trials_for_width,
    trials_to_fail,
    trials_to_pass,
)
from riskshift.stats.proportion import clopper_pearson, wilson

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "paired.json").read_text())


# Width of an interval


@given(st.floats(0, 1), st.floats(0.005, 0.9), st.sampled_from([0.8, 0.95, 0.99]))
def test_width_is_reached_and_one_trial_fewer_misses_it(rate, width, confidence):
    n = trials_for_width(rate, width, confidence=confidence)

    def wilson_width(trials):
        interval = wilson(rate * trials, trials, confidence=confidence)
        return interval.high - interval.low

    assert wilson_width(n) <= width
    assert n == 1 or wilson_width(n - 1) > width


def test_a_width_out_of_reach_has_no_number():
    assert trials_for_width(0.5, 1e-4) is None


# The gate


@pytest.mark.parametrize("case", GOLDEN["gate_power"])
def test_gate_power_agrees_with_r_binom_test_outcome_by_outcome(case):
    powers = gate_power(case["n"], case["rate"], case["tolerance"])
    assert powers == pytest.approx(tuple(case["power"]), rel=1e-9)


@cache
def verdicts(n, tolerance, confidence):
    """The outcomes, out of 0 to n events, at which the gate passes and those at which it fails."""
    intervals = [clopper_pearson(x, n, confidence=confidence) for x in range(n + 1)]
    passes = np.array([interval.high <= tolerance for interval in intervals])
    return passes, np.array([interval.low > tolerance for interval in intervals])


def gate_by_outcomes(n, rate, tolerance, confidence=0.95):
    passes, fails = verdicts(n, tolerance, confidence)
    chance = binom.pmf(np.arange(n + 1), n, rate)
    return chance[passes].sum(), chance[fails].sum()


@settings(max_examples=60)
@example(1, 0.0, 0.5, 0.95)
@example(5, 1.0, 0.99, 0.6)
@given(
    st.integers(1, 80),
    st.integers(0, 1000).map(lambda thousandths: thousandths / 1000),
    st.sampled_from([0.01, 0.05, 0.5, 0.9, 0.99]),
    st.sampled_from([0.6, 0.95, 0.99]),
)
def test_gate_power_adds_up_the_outcomes(n, rate, tolerance, confidence):
    powers = gate_power(n, rate, tolerance, confidence=confidence)
    assert powers == pytest.approx(gate_by_outcomes(n, rate, tolerance, confidence), abs=1e-12)


@given(st.integers(1, 3000), st.floats(0.001, 0.999))
def test_at_the_tolerance_itself_either_verdict_is_as_rare_as_promised(n, tolerance):
    assert max(gate_power(n, tolerance, tolerance)) <= 0.025 + 1e-12


def first_that_stays(curve, power):
    """Smallest n (the curve starts at 1) from which on the power is never again too small."""
    weak = np.nonzero(np.array(curve) < power)[0]
    assert weak.size < len(curve)
    return int(weak[-1]) + 2 if weak.size else 1


@pytest.mark.parametrize(
    ("rate", "tolerance", "power"),
    [(0.01, 0.05, 0.8), (0.02, 0.05, 0.5), (0, 0.1, 0.9), (0.35, 0.5, 0.8), (0.8, 0.95, 0.7)],
)
def test_trials_to_pass_is_the_last_crossing_of_the_whole_curve(rate, tolerance, power):
    n = trials_to_pass(rate, tolerance, power=power)
    curve = [gate_by_outcomes(k, rate, tolerance)[0] for k in range(1, int(1.5 * n) + 40)]
    assert n == first_that_stays(curve, power)


@pytest.mark.parametrize(
    ("rate", "tolerance", "power"),
    [(0.2, 0.05, 0.8), (0.15, 0.05, 0.5), (1, 0.9, 0.9), (0.65, 0.5, 0.8), (0.9, 0.5, 0.05)],
)
def test_trials_to_fail_is_the_last_crossing_of_the_whole_curve(rate, tolerance, power):
    n = trials_to_fail(rate, tolerance, power=power)
    curve = [gate_by_outcomes(k, rate, tolerance)[1] for k in range(1, int(1.5 * n) + 40)]
    assert n == first_that_stays(curve, power)


def test_a_first_crossing_would_promise_too_much():
    """The saw-tooth: 142 trials have the power and 149 do not; from 173 on all have it."""
    assert trials_to_pass(0.01, 0.05) == 173
    powers = [gate_power(n, 0.01, 0.05)[0] for n in range(142, 173)]
    assert powers[0] >= 0.8
    assert min(powers) < 0.8


def test_without_events_the_rule_of_three_and_a_bit():
    """No events in n trials: the upper end 1 - 0.025^(1/n) is at most 1 % from n = 368 on."""
    assert trials_to_pass(0, 0.01) == 368
    assert 1 - 0.025 ** (1 / 368) <= 0.01 < 1 - 0.025 ** (1 / 367)


@given(st.floats(0.01, 0.2), st.floats(0.3, 0.95))
def test_the_same_plan_from_the_other_side(rate, power):
    """Few events against a tolerance are many non-events against its complement."""
    assert trials_to_pass(rate, 0.25, power=power) == pytest.approx(
        trials_to_fail(1 - rate, 0.75, power=power), abs=1
    )


@given(st.floats(0.001, 0.02), st.floats(0.03, 0.2), st.floats(0.5, 0.99))
def test_the_planned_number_has_the_power(low, high, power):
    assert gate_power(trials_to_pass(low, high, power=power), low, high)[0] >= power
    assert gate_power(trials_to_fail(high, low, power=power), high, low)[1] >= power


@pytest.mark.parametrize(("plan", "rate"), [(trials_to_pass, 0.4999), (trials_to_fail, 0.5001)])
def test_more_trials_than_anyone_would_run_are_no_plan(plan, rate):
    assert plan(rate, 0.5) is None


@pytest.mark.parametrize(
    ("plan", "rate"),
    [(trials_to_pass, 0.05), (trials_to_pass, 0.2), (trials_to_fail, 0.05), (trials_to_fail, 0.01)],
)
def test_a_rate_on_the_wrong_side_of_the_tolerance_is_refused(plan, rate):
    with pytest.raises(UsageError, match=r"tolerance 0\.05"):
        plan(rate, 0.05)


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
def test_pairs_for_difference_is_the_last_crossing_of_the_whole_curve(a_only, b_only, power):
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


# Further trials and pairs


def gate_settled(events, trials, tolerance, confidence=0.95):
    interval = clopper_pearson(events, trials, confidence=confidence)
    return interval.high <= tolerance or interval.low > tolerance


@settings(max_examples=50)
@given(st.integers(1, 60), st.data(), st.sampled_from([0.05, 0.3, 0.8]), st.floats(1, 3))
def test_further_trials_is_the_first_step_that_settles_the_gate(trials, data, tolerance, deff):
    events = data.draw(st.integers(0, trials))
    assume(abs(events / trials - tolerance) > 0.05)
    further = further_trials(events, trials, tolerance, deff=deff)
    rate = events / trials
    settled = [
        gate_settled(min(rate * n, n) / deff, n / deff, tolerance)
        for n in range(trials, trials + further + 20)
    ]
    assert settled == [False] * further + [True] * 20


def test_none_of_forty_is_not_a_pass_at_one_percent():
    assert further_trials(0, 40, 0.01) == 368 - 40
    # Half as much worth each: 1 - 0.025^(2/n) is at most 1 % from n = 735 on.
    assert further_trials(0, 40, 0.01, deff=2) == ceil(2 * log(0.025) / log(0.99)) - 40
    assert further_trials(0, 368, 0.01) == 0


def test_at_the_tolerance_no_number_of_further_trials_settles_anything():
    assert further_trials(5, 100, 0.05) is None
    assert further_trials(50_001, 1_000_000, 0.05) is None


def comparison_settled(counts, margin):
    interval = tango(*counts)
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
        lambda: trials_for_width(1.5, 0.1),
        lambda: trials_for_width(0.5, 0),
        lambda: trials_for_width(0.5, 0.1, confidence=1),
        lambda: gate_power(0, 0.5, 0.1),
        lambda: gate_power(10, -0.1, 0.1),
        lambda: gate_power(10, 0.1, 1),
        lambda: trials_to_pass(0.01, 0.05, power=1),
        lambda: trials_to_fail(0.1, 0.05, confidence=0),
        lambda: mcnemar_power(0, 0.1, 0.2),
        lambda: mcnemar_power(10, 0.1, 0.2, alpha=0),
        lambda: pairs_for_difference(float("nan"), 0.2),
        lambda: further_trials(1, 0, 0.1),
        lambda: further_trials(3, 2, 0.1),
        lambda: further_trials(1, 20, 0),
        lambda: further_trials(1, 20, 0.1, deff=0),
        lambda: further_pairs(1, 2, 3, 4, -0.1),
        lambda: further_pairs(0, 0, 0, 0, 0.1),
        lambda: further_pairs(1, 2, 3, 4, 0.1, deff=float("inf")),
    ],
)
def test_arguments_out_of_range_are_refused(call):
    with pytest.raises(UsageError):
        call()
