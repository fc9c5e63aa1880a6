"""What is possible of a record whose labels are missing in part: against every way to fill them in."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskshift.analysis.metrics import CATEGORY, OVERALL, Choice
from riskshift.analysis.rates import Settings, estimate_metric
from riskshift.analysis.severities import NO, OUTSIDE, YES, Severities, Severity
from riskshift.counts.pairs import Counts
from riskshift.taxonomy import Taxonomy
from riskshift.written import MISSING

TWO = Taxonomy(["a", "b"], ["Safe", "Low", "High"])
# Prompt a, prompt b, response a, response b, then what is said beside severities.
VALUES = ([0, 1, 2],) * 4 + ([0, 1], [1, 2, 3], [0, 1, 2])
PATTERN = st.tuples(*(st.sampled_from([MISSING, *values]) for values in VALUES))
NAMES = {
    "p": (0, 1),
    "p_c": (1,),
    "r": (2, 3),
    "r_c": (3,),
    "benign": (4,),
    "relevance": (5,),
    "refusal": (6,),
}
CHOICES = [Choice(m, None) for m in OVERALL] + [Choice(m, "b", 1) for m in CATEGORY]


def counts(*rows, n=None):
    """Counts of patterns: prompt a, prompt b, response a, response b."""
    labels = np.array(rows, dtype=np.int64)
    many = np.ones(len(rows), dtype=np.int64) if n is None else np.array(n)
    sides = labels[:, :2], labels[:, 2:4]
    if labels.shape[1] == 4:
        return Counts(TWO, *sides, None, None, many, None)
    benign, relevance, refusal = labels[:, 4:].T
    return Counts(TWO, *sides, relevance, benign, many, None, refusal, True)


def needed(choice):
    return {at for name in choice.metric.needs for at in NAMES[name]}


def filled(row, choice):
    """Every way to fill in what is missing, of the labels that the metric looks at."""
    asked = needed(choice)
    return product(
        *[
            values if label == MISSING and at in asked else [label]
            for at, (label, values) in enumerate(zip(row, VALUES, strict=True))
        ]
    )


def state(choice, row):
    """What a complete record is, computed in another way: on one record, with plain numbers."""
    p, r = max(row[:2]), max(row[2:4])
    names = {"p": p, "r": r, "p_c": row[1], "r_c": row[3], "h": 1, "K": 3}
    names |= {"benign": row[4] == 1, "relevance": row[5], "partial": row[6] == 1}
    names |= {"refused": row[6] == 2, "answered": row[6] in (0, 1)}
    event, given_ = (
        True if text == "all" else eval(text.replace(" = ", " == "), {}, names)
        for text in (choice.metric.event_formula, choice.metric.given_formula)
    )
    return (YES if event else NO) if given_ else OUTSIDE


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.label)
@given(row=PATTERN)
@settings(max_examples=60)
def test_possible_is_what_some_labels_make_true(choice, row):
    found = choice.answers(Severities(counts(row)))
    ways = [state(choice, full) for full in filled(row, choice)]
    assert found.possible[0] == np.bitwise_or.reduce(ways)
    assert found.complete[0] == all(row[at] != MISSING for at in needed(choice))


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.label)
@given(rows=st.lists(PATTERN, min_size=1, max_size=2))
@settings(max_examples=40)
def test_worst_and_best_case_are_sharp(choice, rows):
    table = counts(*rows)
    rate = estimate_metric(choice.metric, Severities(table), Settings(), category=choice.position)
    shares = []
    for full in product(*(filled(row, choice) for row in rows)):
        states = [state(choice, row) for row in full]
        inside = sum(s != OUTSIDE for s in states)
        if inside:
            shares.append(states.count(YES) / inside)
    if not rate.missing:
        assert rate.worst_case is None
        assert len({round(share, 12) for share in shares}) <= 1
        assert rate.estimate == (pytest.approx(shares[0]) if shares else None)
    elif shares:
        assert rate.worst_case == pytest.approx((min(shares), max(shares)))
        if rate.estimate is not None:
            assert min(shares) - 1e-12 <= rate.estimate <= max(shares) + 1e-12


def test_a_known_harm_is_known_whatever_else_is_missing():
    # 30 responses at the top in one category, the other not labelled; 70 complete and safe.
    table = counts((0, 0, 2, MISSING), (0, 0, 0, 0), n=[30, 70])
    rate = estimate_metric(OVERALL[0], Severities(table), Settings())
    assert (rate.events, rate.trials, rate.missing, rate.worst_case) == (30, 100, 0, None)


def test_known_events_are_not_counted_alone():
    # Complete records say 10 of 50; of the others 10 are known events and 40 are open.
    rows = ((0, 0, 2, 0), (0, 0, 0, 0), (0, 0, 2, MISSING), (0, 0, 0, MISSING))
    rate = estimate_metric(OVERALL[0], Severities(counts(*rows, n=[10, 40, 10, 40])), Settings())
    assert (rate.events, rate.trials, rate.missing) == (10, 50, 40)
    assert rate.estimate == pytest.approx(0.2)
    assert rate.worst_case == pytest.approx((0.2, 0.6))


def test_an_estimate_beyond_what_is_possible_is_moved_to_the_nearest():
    # No complete record escalates, but 30 of 100 are known to.
    rows = ((0, 0, 0, 0), (0, 0, 2, MISSING), (0, 0, 0, MISSING))
    rate = estimate_metric(OVERALL[0], Severities(counts(*rows, n=[60, 30, 10])), Settings())
    assert rate.estimate == rate.moved == pytest.approx(0.3)
    assert rate.interval.low < 0.3 < rate.interval.high
    assert rate.interval.low >= 0.2
    assert rate.basis == "complete records, moved to the nearest that missing labels allow"


def test_a_severity_is_known_where_its_bounds_meet():
    held = Severity.highest(np.array([[2, MISSING], [1, MISSING], [MISSING, MISSING], [0, 1]]), 2)
    assert held.low.tolist() == [2, 1, 0, 1]
    assert held.high.tolist() == [2, 2, 2, 1]
    assert held.value.tolist() == [2, MISSING, MISSING, 1]
    assert held.of_complete.tolist() == [MISSING, MISSING, MISSING, 1]
    assert held.at_least(1).tolist() == [1, 1, -1, 1]
