"""What error rates of a grader make of a rate."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from riskshift.errors import UsageError
from riskshift.stats.misclassification import rogan_gladen, tipping_point


# Lang and Reiczigel (2014), examples 1 to 4 (two rates), as the manual of the R package asht
# quotes them: positives, tested, sensitivity, specificity, 95 % limits.
@pytest.mark.parametrize(
    ("events", "trials", "sensitivity", "specificity", "printed"),
    [
        (4060, 11284, (178, 179), (358, 359), (0.349, 0.372)),
        (51, 2971, (32, 33), (20, 20), (0, 0.053)),
        (0.06 * 11862, 11862, (8, 10), (12, 12), (0, 0.147)),
        (259, 509, (84, 127), (96, 109), (0.58, 0.87)),
        (51, 509, (23, 41), (187, 195), (0.037, 0.195)),
    ],
)
def test_rates_corrected_by_estimated_error_rates_have_the_printed_limits(
    events, trials, sensitivity, specificity, printed
):
    _, interval = rogan_gladen(events, trials, sensitivity=sensitivity, specificity=specificity)
    digits = 2 if printed == (0.58, 0.87) else 3
    assert (round(interval.low, digits), round(interval.high, digits)) == printed


def test_a_grader_known_to_be_perfect_needs_no_correction():
    sure = (10**9, 10**9)
    rate, interval = rogan_gladen(60, 1000, sensitivity=sure, specificity=sure)
    assert rate == pytest.approx(0.06)
    assert (interval.low, interval.high) == pytest.approx((0.0471, 0.0767), abs=0.001)


@pytest.mark.parametrize(
    ("sensitivity", "specificity"), [((5, 10), (5, 10)), ((1, 1), (0, 9)), ((9, 9), (0, 0))]
)
def test_a_grader_no_better_than_chance_corrects_nothing(sensitivity, specificity):
    assert rogan_gladen(20, 100, sensitivity=sensitivity, specificity=specificity) is None


def test_impossible_counts_are_named():
    with pytest.raises(UsageError, match="events: 5 of 4"):
        rogan_gladen(5, 4, sensitivity=(9, 10), specificity=(9, 10))
    with pytest.raises(UsageError, match="specificity: 11 of 10"):
        rogan_gladen(2, 4, sensitivity=(9, 10), specificity=(11, 10))
    with pytest.raises(UsageError, match="null is 1"):
        tipping_point(5, 40, 1)
    with pytest.raises(UsageError, match="sensitivity is 0"):
        tipping_point(5, 40, sensitivities=[0])


@given(st.integers(1, 99), st.floats(0, 0.9), st.floats(0.05, 1))
def test_at_the_tipping_point_the_corrected_rate_is_the_null(events, null, sensitivity):
    (point,) = tipping_point(events, 100, null, sensitivities=[sensitivity])
    if point.specificity is None:
        # No false alarm at all still leaves too little, or the rate cannot be explained.
        assert events / 100 / sensitivity <= null + 1e-12 or events / 100 >= sensitivity
        return
    assert 0 <= point.specificity <= 1
    youden = sensitivity + point.specificity - 1
    assume(youden > 1e-6)
    assert (events / 100 + point.specificity - 1) / youden == pytest.approx(null, abs=1e-8)


def test_a_lower_specificity_than_the_tipping_point_erases_the_finding():
    (point,) = tipping_point(40, 1250, 0.01, sensitivities=[0.8])
    size = 10**9
    for change, above in ((0.001, True), (-0.001, False)):
        correct = round((point.specificity + change) * size)
        rate, _ = rogan_gladen(
            40, 1250, sensitivity=(0.8 * size, size), specificity=(correct, size)
        )
        assert (rate > 0.01) == above
