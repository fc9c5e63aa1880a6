"""How far groups lie apart beyond chance: an outside value, and what must hold for all groups."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.meta_analysis import combine_effects

from riskshift.errors import UsageError
from riskshift.stats.crosstabs.heterogeneity import between_groups, logits

COUNTS = ([12, 30, 5, 44, 9], [200, 250, 180, 310, 90])
groups = st.lists(
    st.tuples(st.integers(0, 50), st.integers(0, 50)).filter(any), min_size=2, max_size=8
)


def of(found):
    events, others = np.array(found).T
    return logits(events, events + others)


def test_five_sources_agree_with_a_value_printed_by_statsmodels():
    # statsmodels 0.15.0: combine_effects(values, variances, method_re="dl").tau2
    assert between_groups(*logits(*COUNTS)) ** 2 == pytest.approx(0.2255295707159832, rel=1e-12)


@given(groups)
def test_any_groups_agree_with_statsmodels(found):
    values, variances = of(found)
    with np.errstate(all="ignore"):  # what it makes of the moment may be undefined
        moment = combine_effects(values, variances, method_re="dl").tau2
    assert between_groups(values, variances) ** 2 == pytest.approx(max(0.0, moment), abs=1e-9)


@given(groups, st.floats(-5, 5))
def test_order_and_a_common_shift_change_nothing(found, shift):
    values, variances = of(found)
    held = between_groups(values, variances)
    assert between_groups(values[::-1], variances[::-1]) == pytest.approx(held, abs=1e-6)
    assert between_groups(values + shift, variances) == pytest.approx(held, abs=1e-6)


def test_equal_groups_have_nothing_between_them_and_one_group_cannot_tell():
    assert between_groups(*logits([5, 5, 5], [50, 50, 50])) == pytest.approx(0)
    assert between_groups(*logits([5], [50])) is None


def test_sharing_prompts_leaves_less_that_chance_cannot_explain():
    assert between_groups(*logits(*COUNTS, [3.0] * 5)) < between_groups(*logits(*COUNTS))


@pytest.mark.parametrize(("events", "trials"), [([1], [0]), ([3], [2]), ([-1], [2])])
def test_impossible_counts_are_refused(events, trials):
    with pytest.raises(UsageError, match="at least one trial"):
        logits(events, trials)


def test_impossible_variances_are_refused():
    with pytest.raises(UsageError, match="each above 0"):
        between_groups([1.0, 2.0], [1.0, 0.0])
