"""A rate: its counts, its interval, what was left out, and how it is written."""

import numpy as np
import pytest

from riskshift.analysis.rates import Rate, Settings, estimate_rate, level, members, summed
from riskshift.errors import UsageError
from riskshift.stats.proportion import clopper_pearson, wilson

FAST = Settings(resamples=200)


def answers(*values):
    return np.array(values, dtype=np.int8)


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


def test_counts_where_event_and_denominator_are_known(counts):
    rate = estimate_rate(
        "x", counts, event=answers(1, 0, 1, -1), given=answers(1, 1, 0, 1), settings=FAST
    )
    assert (rate.events, rate.trials, rate.missing) == (1, 3, 4)
    assert rate.interval == wilson(1, 3)
    assert (rate.deff, rate.effective_n, rate.bootstrap) == (None, None, None)


def test_records_that_may_belong_to_the_denominator_are_missing(counts):
    rate = estimate_rate(
        "x", counts, event=answers(1, 0, -1, -1), given=answers(-1, -1, 0, 1), settings=FAST
    )
    assert (rate.events, rate.trials, rate.missing) == (0, 0, 1 + 2 + 4)
    assert rate.worst_case == (0.0, 1.0)


def test_records_known_to_lie_outside_are_not_missing(counts):
    rate = estimate_rate(
        "x", counts, event=answers(1, -1, -1, 0), given=answers(1, 0, 0, 1), settings=FAST
    )
    assert (rate.events, rate.trials, rate.missing, rate.worst_case) == (1, 5, 0, None)


def test_worst_case_is_that_every_missing_record_speaks_for_one_side():
    assert Rate("x", 3, 10, wilson(3, 10), missing=5).worst_case == (3 / 15, 8 / 15)


def test_without_trials_nothing_is_said():
    rate = Rate("x", 0, 0, None)
    assert rate.estimate is None
    said = rate.to_dict()
    assert (said.pop("events"), said.pop("trials"), said.pop("method")) == (0, 0, "undefined")
    assert set(said.values()) == {None}
    assert str(rate) == "x: undefined (no records in the denominator)"


def test_interval_is_the_one_of_the_settings(counts):
    exact = Settings(0.9, "clopper-pearson")
    everyone = answers(1, 1, 1, 1)
    rate = estimate_rate("x", counts, event=answers(1, 0, 1, 0), given=everyone, settings=exact)
    assert rate.interval == clopper_pearson(4, 10, confidence=0.9)


def test_records_that_share_a_prompt_count_as_one(shared):
    event = (shared.response[:, 0] > 0).astype(np.int8)
    rate = estimate_rate("x", shared, event=event, given=np.ones_like(event), settings=FAST)
    assert (rate.events, rate.trials) == (9, 30)
    assert rate.deff == pytest.approx(3, rel=0.1)
    assert rate.effective_n < 10
    alone = wilson(9, 30)
    assert rate.interval.low < alone.low < alone.high < rate.interval.high
    assert rate.bootstrap.low < 0.3 < rate.bootstrap.high
    assert rate.to_dict()["cluster_bootstrap"]["resamples"] == 200


def test_random_streams_have_names(shared):
    event = (shared.response[:, 0] > 0).astype(np.int8)

    def boot(stream):
        options = {"event": event, "given": np.ones_like(event), "settings": FAST}
        return estimate_rate("x", shared, stream=stream, **options).bootstrap

    assert boot("one") == boot("one")
    assert len({(boot(str(i)).low, boot(str(i)).high) for i in range(20)}) > 1


def test_members_are_known_and_inside():
    inside, happened = members(answers(1, 0, -1, 1), answers(1, 1, 1, 0))
    assert inside.tolist() == [True, True, False, False]
    assert happened.tolist() == [True, False, False, False]


def test_summed_marginalises_to_few_cells(shared):
    event = (shared.response[:, 0] > 0).astype(np.int8)
    cells, weight = summed(shared, (event, np.ones_like(event)))
    assert cells.tolist() == [[0, 3], [3, 3]]
    assert weight.tolist() == [7, 3]


@pytest.mark.parametrize(
    ("confidence", "written"),
    [(0.95, "95%"), (0.9, "90%"), (0.999, "99.9%"), (0.99999, "99.999%"), (0.975, "97.5%")],
)
def test_level_is_written_as_it_was_given(confidence, written):
    assert level(confidence) == written
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
