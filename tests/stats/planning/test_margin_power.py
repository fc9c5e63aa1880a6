"""How many matched prompts settle a rule on a difference."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskshift.errors import UsageError
from riskshift.stats.matched.paired import tango_score, tango_scores
from riskshift.stats.planning.margin_power import margin_power, pairs_for_margin

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "margin_power.json").read_text())


@pytest.mark.parametrize("case", GOLDEN["power"])
def test_power_agrees_with_r(case):
    asked = [case[key] for key in ("n", "a_only_rate", "b_only_rate", "margin")]
    found = margin_power(*asked, confidence=case["confidence"])
    assert found == pytest.approx((case["passes"], case["fails"]), abs=1e-9)


@given(
    a=st.integers(0, 300), b=st.integers(0, 300), rest=st.integers(1, 900), d=st.floats(0.001, 0.9)
)
def test_many_scores_are_the_single_ones(a, b, rest, d):
    n = a + b + rest
    if abs(a - b - n * d) > 1e-6:
        many = tango_scores(np.array([float(a)]), np.array([float(b)]), n, d)
        assert many[0] == pytest.approx(tango_score(a, b, n, d), rel=1e-9)


@settings(deadline=None, max_examples=60)
@given(
    n=st.integers(1, 3_000),
    a=st.floats(0, 0.5),
    b=st.floats(0, 0.5),
    margin=st.floats(0.001, 0.3),
)
def test_a_rule_passes_fails_or_neither(n, a, b, margin):
    passes, fails = margin_power(n, a, b, margin)
    assert passes >= -1e-12
    assert fails >= -1e-12
    assert passes + fails <= 1 + 1e-9


@pytest.mark.parametrize(
    ("a", "b", "margin", "failing"),
    [(0.03, 0.03, 0.02, False), (0.1, 0.03, 0.02, True), (0.0, 0.02, 0.01, False)],
)
def test_from_the_number_planned_on_the_power_is_reached(a, b, margin, failing):
    n = pairs_for_margin(a, b, margin)
    assert n is not None
    after = [margin_power(n + more, a, b, margin)[failing] for more in range(40)]
    assert min(after) >= 0.8
    assert margin_power(n - 1, a, b, margin)[failing] < 0.8


@pytest.mark.parametrize("n", [50, 200, 1000])
@pytest.mark.parametrize("margin", [0.01, 0.02, 0.05])
@pytest.mark.parametrize("baseline_only", [0.0, 0.005, 0.05])
def test_at_the_margin_itself_neither_verdict_is_reached_in_more_than_three_percent(
    n, margin, baseline_only
):
    assert max(margin_power(n, margin + baseline_only, baseline_only, margin)) < 0.03


def test_beyond_ten_million_none_is_given():
    assert pairs_for_margin(0.3, 0.3, 0.0001) is None


@pytest.mark.parametrize(
    ("a", "b", "margin"), [(0.05, 0.03, 0.02), (0.6, 0.6, 0.02), (-0.1, 0, 0.02), (0.1, 0.1, 0)]
)
def test_what_cannot_be_planned_is_refused(a, b, margin):
    with pytest.raises(UsageError):
        pairs_for_margin(a, b, margin)
