"""A rate: its counts, its interval, what was left out, and how it is written."""

import numpy as np
import pytest

from riskshift.analysis.rates import Rate, Settings, bounded, estimate_rate, summed, unrounded
from riskshift.analysis.severities import NO, OUTSIDE, YES, Answers
from riskshift.errors import UsageError
from riskshift.stats.proportion import clopper_pearson, wilson

FAST = Settings(resamples=200)


def answers(*possible, complete=()):
    """What is possible of each pattern; complete where not said otherwise and all is known."""
    bits = np.array(possible, dtype=np.uint8)
    return Answers(bits, np.isin(bits, (OUTSIDE, NO, YES)) if not complete else np.array(complete))


def harmful(counts):
    return answers(*np.where(counts.response[:, 0] > 0, YES, NO))


@pytest.fixture
def counts(counts_of):
    """Four patterns of 1, 2, 3 and 4 records; in order of their severities."""
    return counts_of(*[(0, 0, 0, 0)], *[(0, 0, 1, 0)] * 2, *[(1, 0, 0, 0)] * 3, *[(2, 0, 0, 0)] * 4)


@pytest.fixture
def shared(counts_of):
    """Ten prompts with three records each; they agree within a prompt."""
    rows = [(0, 0, int(i < 3), 0) for i in range(10) for _ in range(3)]
    prompts = [f"p{i}" for i in range(10) for _ in range(3)]
    return counts_of(*rows, prompt_id=prompts, sample=[str(i) for i in range(30)])


def test_where_something_is_open_complete_records_count(counts):
    rate = estimate_rate("x", counts, answers(YES, NO, OUTSIDE, NO | YES), FAST)
    assert (rate.events, rate.trials, rate.missing) == (1, 3, 4)
    assert rate.worst_case == pytest.approx((1 / 7, 5 / 7))
    assert rate.estimate == pytest.approx(1 / 3)
    assert (rate.deff, rate.effective_n, rate.bootstrap) == (None, None, None)


def test_where_all_is_known_all_records_count(counts):
    some = (False, True, True, True)
    rate = estimate_rate("x", counts, answers(YES, NO, OUTSIDE, NO, complete=some), FAST)
    assert (rate.events, rate.trials, rate.missing, rate.worst_case) == (1, 7, 0, None)
    assert rate.interval == wilson(1, 7)
    assert rate.basis == "all records"


def test_known_records_without_all_labels_wait_for_the_others(counts):
    some = (False, True, True, False)
    rate = estimate_rate("x", counts, answers(YES, NO, NO, NO | YES, complete=some), FAST)
    assert (rate.events, rate.trials, rate.missing) == (0, 5, 4)
    assert rate.worst_case == pytest.approx((1 / 10, 5 / 10))
    assert rate.estimate == rate.moved == pytest.approx(1 / 10)


def test_where_nothing_is_complete_the_ends_are_still_told(counts):
    open_ = (OUTSIDE | YES, OUTSIDE | NO, OUTSIDE, NO | YES)
    rate = estimate_rate("x", counts, answers(*open_), FAST)
    assert (rate.events, rate.trials, rate.missing, rate.estimate) == (0, 0, 1 + 2 + 4, None)
    assert rate.worst_case == (0.0, 1.0)


def test_no_end_of_the_interval_lies_beyond_what_missing_labels_allow():
    low, high = Rate("x", 3, 10, wilson(3, 10)), Rate("x", 4, 10, wilson(4, 10))
    rate = bounded(Rate("x", 1, 2, wilson(1, 2)), low, high, method=wilson)
    assert rate.estimate == rate.moved == pytest.approx(0.4)
    ends = rate.interval.low, rate.interval.high
    assert ends == pytest.approx((wilson(3, 10).low, wilson(4, 10).high))


def test_without_trials_nothing_is_said():
    rate = Rate("x", 0, 0, None)
    assert rate.estimate is None
    said = rate.to_dict()
    assert (said.pop("events"), said.pop("trials"), said.pop("method")) == (0, 0, "undefined")
    assert said.pop("basis") == "all records"
    assert set(said.values()) == {None}
    assert str(rate) == "x: undefined (no records in the denominator)"


def test_interval_is_the_one_of_the_settings(counts):
    exact = Settings(0.9, "clopper-pearson")
    rate = estimate_rate("x", counts, answers(YES, NO, YES, NO), exact)
    assert rate.interval == clopper_pearson(4, 10, confidence=0.9)


def test_records_that_share_a_prompt_count_as_one(shared):
    rate = estimate_rate("x", shared, harmful(shared), FAST)
    assert (rate.events, rate.trials) == (9, 30)
    assert rate.deff == pytest.approx(3 * 10 / 9)  # the linearised one, for ten prompts
    assert rate.effective_n < 10
    alone = wilson(9, 30)
    assert rate.interval.low < alone.low < alone.high < rate.interval.high
    assert rate.bootstrap.low < 0.3 < rate.bootstrap.high
    assert rate.to_dict()["cluster_bootstrap"]["resamples"] == 200


def test_random_streams_have_names(shared):
    def boot(stream):
        return estimate_rate("x", shared, harmful(shared), FAST, stream=stream).bootstrap

    assert boot("one") == boot("one")
    assert len({(boot(str(i)).low, boot(str(i)).high) for i in range(20)}) > 1


def test_summed_marginalises_to_few_cells(shared):
    cells, weight = summed(shared, harmful(shared))
    assert cells.tolist() == [[0, 3], [3, 3]]
    assert weight.tolist() == [7, 3]


@pytest.mark.parametrize(
    ("confidence", "written"),
    [(0.95, "95%"), (0.9, "90%"), (0.999, "99.9%"), (0.99999, "99.999%"), (0.975, "97.5%")],
)
def test_confidence_is_written_as_it_was_given(confidence, written):
    assert unrounded(confidence) == written
    assert str(Rate("x", 1, 3, wilson(1, 3, confidence=confidence))).endswith(
        f"(wilson, {written})"
    )


def test_settings_are_checked_when_made():
    with pytest.raises(UsageError, match="between 0 and 1"):
        Settings(confidence=95)
    with pytest.raises(UsageError, match="interval 'wald' is unknown"):
        Settings(interval="wald")
    for name in ("resamples", "permutations"):
        with pytest.raises(UsageError, match=f"{name} is 0"):
            Settings(**{name: 0})
    assert Settings(seed=0).seed == 0
