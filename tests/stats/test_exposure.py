"""The chance of at least one event in many uses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from riskshift.errors import UsageError
from riskshift.stats.exposure import chance_of_any, rate_for_chance

rates = st.floats(0, 1) | st.floats(1e-12, 1e-3)
uses = st.integers(1, 10**7)


@pytest.mark.parametrize("rate", [0.0, 1e-9, 0.0003, 0.02, 0.5, 1.0])
@pytest.mark.parametrize("n", [1, 3, 100, 10_000])
def test_it_is_scipys_binomial_tail(rate, n):
    assert chance_of_any(rate, n) == pytest.approx(binom.sf(0, n, rate), rel=1e-12)


def test_a_hundred_uses_of_one_in_a_hundred():
    """Printed in many textbooks: 0.634."""
    assert chance_of_any(0.01, 100) == pytest.approx(0.634, abs=5e-4)


@given(rate=st.floats(1e-9, 0.5), n=st.integers(1, 1_000))
def test_the_way_back(rate, n):
    chance = chance_of_any(rate, n)
    if chance < 1 - 1e-6:
        assert rate_for_chance(chance, n) == pytest.approx(rate, rel=1e-6)


@given(a=rates, b=rates, n=uses)
def test_it_rises_with_the_rate_and_stays_a_chance(a, b, n):
    low, high = sorted((a, b))
    assert 0 <= chance_of_any(low, n) <= chance_of_any(high, n) <= 1
    assert low <= chance_of_any(low, n) * (1 + 1e-12)


@pytest.mark.parametrize(("value", "n"), [(-0.1, 1), (1.1, 1), (0.5, 0)])
def test_what_cannot_be_is_refused(value, n):
    for function in (chance_of_any, rate_for_chance):
        with pytest.raises(UsageError):
            function(value, n)


def test_a_certain_event_needs_a_certain_rate():
    assert rate_for_chance(1.0, 5) == pytest.approx(1.0)
    assert rate_for_chance(0.0, 5) == pytest.approx(0.0)
