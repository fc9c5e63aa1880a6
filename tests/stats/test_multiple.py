"""Several tests or intervals at once."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskshift.errors import UsageError
from riskshift.stats.multiple import bonferroni, holm

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "association.json").read_text())
p_values = st.lists(st.none() | st.floats(0, 1))


@pytest.mark.parametrize("case", GOLDEN["holm"])
def test_holm_agrees_with_r(case):
    assert holm(case["p"]) == pytest.approx(case["adjusted"], rel=1e-12)


@given(p_values)
def test_adjusted_is_at_least_raw_and_at_most_one(raw):
    for before, after in zip(raw, holm(raw), strict=True):
        assert (before is None) == (after is None)
        if before is not None:
            assert before <= after <= 1


@given(p_values)
def test_adjusting_keeps_the_order(raw):
    pairs = sorted((a, b) for a, b in zip(raw, holm(raw), strict=True) if a is not None)
    adjusted = [after for _, after in pairs]
    assert adjusted == sorted(adjusted)


@given(p_values)
def test_undefined_tests_do_not_count(raw):
    known = [p for p in raw if p is not None]
    assert [p for p in holm(raw) if p is not None] == holm(known)


@given(st.lists(st.floats(0, 1), min_size=1), st.randoms())
def test_the_order_of_the_family_does_not_matter(raw, random):
    shuffled = raw.copy()
    random.shuffle(shuffled)
    assert sorted(holm(shuffled)) == sorted(holm(raw))


@given(st.floats(0.5, 0.999), st.integers(1, 100))
def test_errors_of_the_single_intervals_add_up_to_that_of_the_family(confidence, comparisons):
    single = bonferroni(confidence, comparisons)
    assert (1 - single) * comparisons == pytest.approx(1 - confidence, rel=1e-9)


@pytest.mark.parametrize(("confidence", "comparisons"), [(95, 3), (0, 3), (0.95, 0)])
def test_impossible_families_are_refused(confidence, comparisons):
    with pytest.raises(UsageError):
        bonferroni(confidence, comparisons)
