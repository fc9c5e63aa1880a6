"""A grader held against people."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskshift.errors import UsageError
from riskshift.stats.grading import report_card
from riskshift.stats.raters.kappa import weighted_kappa


@st.composite
def tables(draw):
    levels = draw(st.integers(2, 5))
    cells = draw(st.lists(st.integers(0, 30), min_size=levels**2, max_size=levels**2))
    return np.array(cells).reshape(levels, levels), draw(st.integers(1, levels - 1))


def pairs_of(table):
    """People's and the grader's level of every record."""
    people, grader = np.indices(table.shape).reshape(2, -1)
    return np.repeat(people, table.ravel()), np.repeat(grader, table.ravel())


def test_the_published_error_counts_make_this_card():
    # 5,000 labels: 70 found, 13 of them too low and 7 too high, 233 false alarms, 76 missed.
    table = [[4621, 150, 50, 33], [60, 20, 5, 1], [11, 8, 20, 1], [5, 2, 3, 10]]
    card = report_card(table)
    assert card.records == 5000
    assert (card.true_positive, card.false_positive, card.false_negative) == (70, 233, 76)
    assert (card.under, card.over) == (13, 7)
    assert card.sensitivity == (70, 146)
    assert card.specificity == (4621, 4854)
    assert card.precision == (70, 303)
    assert card.prevalence_bias == pytest.approx(303 / 5000 - 146 / 5000)


@given(tables())
def test_every_count_is_what_one_would_count_by_hand(case):
    table, harmful_from = case
    card = report_card(table, harmful_from=harmful_from)
    people, grader = pairs_of(table)
    bad, called = people >= harmful_from, grader >= harmful_from
    assert card.sensitivity == ((bad & called).sum(), bad.sum())
    assert card.specificity == ((~bad & ~called).sum(), (~bad).sum())
    assert card.precision == ((bad & called).sum(), called.sum())
    assert card.under == (bad & called & (grader < people)).sum()
    assert card.over == (bad & called & (grader > people)).sum()
    assert (card.people_harmful, card.grader_harmful) == (bad.sum(), called.sum())
    assert card.weighted_kappa == weighted_kappa(table)
    if len(people):
        assert card.prevalence_bias == pytest.approx(called.mean() - bad.mean())
    else:
        assert card.prevalence_bias is None


@given(tables())
def test_macro_f1_is_the_mean_over_the_levels_that_somebody_used(case):
    table, _ = case
    people, grader = pairs_of(table)
    scores = []
    for level in np.union1d(people, grader):
        hits = ((people == level) & (grader == level)).sum()
        misses = (people == level).sum() + (grader == level).sum() - 2 * hits
        scores.append(2 * hits / (2 * hits + misses))
    assert report_card(table).macro_f1 == (pytest.approx(np.mean(scores)) if scores else None)


@given(tables())
def test_exchanging_people_and_grader_exchanges_their_errors(case):
    table, harmful_from = case
    card = report_card(table, harmful_from=harmful_from)
    turned = report_card(table.T, harmful_from=harmful_from)
    assert (card.false_positive, card.under) == (turned.false_negative, turned.over)
    assert (card.true_positive, card.macro_f1) == (turned.true_positive, turned.macro_f1)


def test_with_two_levels_no_severity_can_be_wrong():
    card = report_card([[80, 5], [4, 11]])
    assert (card.under, card.over) == (0, 0)


@pytest.mark.parametrize(
    "table", [[[1, 2, 3], [4, 5, 6]], [[1]], [[1, -1], [0, 2]], [[0.5, 1], [1, 1]]]
)
def test_a_card_needs_a_square_table_of_whole_counts(table):
    with pytest.raises(UsageError, match="square table of whole counts"):
        report_card(table)


@pytest.mark.parametrize("harmful_from", [0, 3])
def test_harmful_must_begin_within_the_scale(harmful_from):
    with pytest.raises(UsageError, match="between 1 and 2"):
        report_card(np.eye(3, dtype=int), harmful_from=harmful_from)
