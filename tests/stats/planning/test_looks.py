"""Looking again: the error of all looks together, and the boundaries weighed against the equal split."""

import json
from math import log
from pathlib import Path

import numpy as np
import pytest
from benchmarks.coverage.looks import RateGate, advised, spent
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri
from scipy.stats import binom

from riskshift.errors import UsageError
from riskshift.stats.binomial import at_least, at_most
from riskshift.stats.planning.looks import look_confidence
from riskshift.stats.planning.power import further_trials

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "looks.json").read_text())
# Jennison and Turnbull (2000), table 2.1: Pocock's constant at two-sided 5 %, by number of looks.
POCOCK = {1: 1.960, 2: 2.178, 3: 2.289, 4: 2.361, 5: 2.413, 10: 2.555}


def tail(looks, confidence=0.95):
    return (1 - look_confidence(looks, confidence=confidence)) / 2


@pytest.mark.parametrize("looks", POCOCK)
def test_no_look_asks_for_less_than_equal_steps_need(looks):
    """Equal steps are the mildest case: other sizes hang less together, and the split covers them."""
    bound = -ndtri(tail(looks))
    assert POCOCK[looks] - 5e-4 <= bound <= 1.1 * POCOCK[looks]


@pytest.mark.parametrize("case", GOLDEN["pocock"])
def test_the_printed_table_is_rs(case):
    assert case["z"] == pytest.approx(POCOCK[case["looks"]], abs=5e-4)


@pytest.mark.parametrize("case", GOLDEN["spending"])
def test_spending_in_the_lab_agrees_with_r(case):
    steps = tuple(log(b / a) for a, b in zip(case["sizes"], case["sizes"][1:], strict=False))
    found = [spent(steps[:at], len(case["sizes"])) for at in range(len(case["sizes"]))]
    assert found == pytest.approx(case["tails"], rel=2e-4)


@pytest.mark.parametrize("case", GOLDEN["spending"])
def test_the_split_never_gives_a_look_more_than_spending_does(case):
    assert all(tail(len(case["sizes"])) <= each * (1 + 1e-12) for each in case["tails"])


@given(looks=st.integers(1, 200), confidence=st.floats(0.5, 0.999))
def test_all_looks_together_spend_what_one_would(looks, confidence):
    assert looks * (1 - look_confidence(looks, confidence=confidence)) == pytest.approx(
        1 - confidence
    )


def ever(first, rate, bound, looks, further):
    """The exact chance that a series ever passes and ever fails; `further` says how it grows."""
    open_ = {(first, x): p for x, p in enumerate(binom.pmf(range(first + 1), first, rate))}
    passed = failed = 0.0
    for _ in range(looks):
        grown = {}
        for (n, x), chance in open_.items():
            if at_most(x, n, bound) <= tail(looks):
                passed += chance
            elif at_least(x, n, bound) < tail(looks):
                failed += chance
            else:
                more = further(n, x)
                for extra, p in enumerate(binom.pmf(range(more + 1), more, rate)):
                    key = n + more, x + extra
                    grown[key] = grown.get(key, 0.0) + chance * p
        open_ = grown
    return passed, failed


@settings(max_examples=15, deadline=None)
@given(
    first=st.integers(10, 40),
    rate=st.sampled_from([0.05, 0.1, 0.3]),
    looks=st.integers(1, 4),
    step=st.integers(1, 30),
)
def test_a_series_whose_growth_was_settled_before_errs_no_more_than_one_look(
    first, rate, looks, step
):
    passed, failed = ever(first, rate, rate, looks, lambda n, x: step)
    assert passed <= 0.025 + 1e-12
    assert failed <= 0.025 + 1e-12


@pytest.mark.parametrize(("rate", "first"), [(0.1, 30), (0.3, 20)])
def test_growing_by_what_the_gate_asks_for_errs_no_more_either(rate, first):
    def asked(n, x):
        further = further_trials(x, n, rate, confidence=look_confidence(2))
        return min(further if further is not None else 3 * n, 3 * n)

    passed, failed = ever(first, rate, rate, 2, asked)
    assert max(passed, failed) <= 0.025


def test_the_lab_grows_series_by_what_the_gate_asks_for():
    events, trials, bound = np.array([3.0, 12.0, 4.0]), np.array([200.0, 200.0, 300.0]), 0.03
    found = advised(RateGate(bound, bound), events[:, None], trials, np.full(3, tail(3)), 200)
    wanted = [
        further_trials(x, n, bound, confidence=look_confidence(3))
        for x, n in zip(events, trials, strict=True)
    ]
    capped = np.minimum(np.array(wanted, float), 3 * trials)
    assert found == pytest.approx(capped, abs=1)


def test_a_plan_without_looks_is_refused():
    with pytest.raises(UsageError, match="looks is 0"):
        look_confidence(0)
