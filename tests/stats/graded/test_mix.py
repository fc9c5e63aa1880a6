"""Whether some pairs look like a random sample of all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency

from riskshift.errors import UsageError
from riskshift.stats.graded.mix import sample_mix_test


@given(
    st.lists(st.tuples(st.integers(20, 200), st.integers(20, 200)), min_size=2, max_size=6),
)
def test_the_mix_test_is_pearsons_chi_square(counts):
    labelled, unlabelled = zip(*counts, strict=True)
    test = sample_mix_test(labelled, unlabelled)
    expected = chi2_contingency([labelled, unlabelled], correction=False)
    assert (test.df, test.pooled) == (expected.dof, 0)
    assert test.statistic == pytest.approx(expected.statistic, rel=1e-9, abs=1e-9)
    assert test.p == pytest.approx(expected.pvalue, rel=1e-9)


def test_rare_patterns_are_compared_together():
    test = sample_mix_test([60, 20, 2, 1, 3, 0], [600, 150, 20, 15, 25, 0])
    expected = chi2_contingency([[60, 20, 6], [600, 150, 60]], correction=False)
    assert (test.df, test.pooled) == (2, 3)
    assert test.statistic == pytest.approx(expected.statistic)


def test_a_sample_in_proportion_fits_and_a_picked_one_does_not():
    assert sample_mix_test([80, 20], [800, 200]).p == 1
    assert sample_mix_test([50, 50], [850, 150]).p < 1e-10


def test_a_design_effect_weakens_the_evidence():
    plain, divided = (sample_mix_test([70, 30], [800, 200], deff=d) for d in (1.0, 2.0))
    assert divided.statistic == plain.statistic / 2
    assert divided.p > plain.p


@pytest.mark.parametrize(
    ("labelled", "unlabelled"), [([5, 0], [50, 0]), ([0, 0], [9, 9]), ([1, 1], [2, 1]), ([], [])]
)
def test_nothing_to_compare_is_undefined(labelled, unlabelled):
    test = sample_mix_test(labelled, unlabelled)
    assert (test.statistic, test.p, test.df) == (None, None, 0)


def test_patterns_must_match():
    with pytest.raises(UsageError, match="same order"):
        sample_mix_test([1, 2, -1], [4, 5, 6])
    with pytest.raises(UsageError, match="same order"):
        sample_mix_test([1, 2, 3], [4, 5])
