"""How many trials a question about one rate needs."""

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
from riskshift.stats.planning.power import (
    further_trials,
    gate_power,
    trials_for_width,
    trials_to_fail,
    trials_to_pass,
)
from riskshift.stats.proportion import clopper_pearson, wilson

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "paired.json").read_text())


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


@pytest.mark.parametrize(
    ("rate", "tolerance", "power"),
    [(0.01, 0.05, 0.8), (0.02, 0.05, 0.5), (0, 0.1, 0.9), (0.35, 0.5, 0.8), (0.8, 0.95, 0.7)],
)
def test_trials_to_pass_is_the_last_crossing_of_the_whole_curve(
    first_that_stays, rate, tolerance, power
):
    n = trials_to_pass(rate, tolerance, power=power)
    curve = [gate_by_outcomes(k, rate, tolerance)[0] for k in range(1, int(1.5 * n) + 40)]
    assert n == first_that_stays(curve, power)


@pytest.mark.parametrize(
    ("rate", "tolerance", "power"),
    [(0.2, 0.05, 0.8), (0.15, 0.05, 0.5), (1, 0.9, 0.9), (0.65, 0.5, 0.8), (0.9, 0.5, 0.05)],
)
def test_trials_to_fail_is_the_last_crossing_of_the_whole_curve(
    first_that_stays, rate, tolerance, power
):
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


# Further trials


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
        lambda: further_trials(1, 0, 0.1),
        lambda: further_trials(3, 2, 0.1),
        lambda: further_trials(1, 20, 0),
        lambda: further_trials(1, 20, 0.1, deff=0),
    ],
)
def test_arguments_out_of_range_are_refused(call):
    with pytest.raises(UsageError):
        call()
