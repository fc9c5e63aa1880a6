"""Numbers in words: nothing is rounded away, and counts agree with their nouns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskshift.analysis.rates import Rate
from riskshift.analysis.words import counted, enumerate_words, percent, points_with_range, spread
from riskshift.stats.proportion import Interval, wilson


@pytest.mark.parametrize(
    ("share", "digits", "written"),
    [
        (0, 1, "0%"),
        (1, 1, "100%"),
        (0.032, 1, "3.2%"),
        (0.00004, 1, "<0.1%"),
        (0.99996, 1, ">99.9%"),
        (0.00004, 2, "<0.01%"),
        (0.5, 0, "50%"),
        (0.004, 0, "<1%"),
        (None, 1, "undefined"),
    ],
)
def test_percentages(share, digits, written):
    assert percent(share, digits=digits) == written


@given(st.floats(0, 1, exclude_min=True, exclude_max=True), st.integers(0, 3))
def test_no_share_is_rounded_to_nothing_or_to_all(share, digits):
    written = percent(share, digits=digits)
    assert written not in ("0%", "100%")
    assert float(written.strip("<>%")) not in (0, 100) or written[0] in "<>"


@given(st.integers(0, 500), st.integers(1, 500))
def test_shares_are_within_half_a_digit(events, more):
    written = percent(events / (events + more))
    if written[0] not in "<>":
        assert float(written[:-1]) == pytest.approx(100 * events / (events + more), abs=0.0501)


def test_spread_names_both_ends():
    assert spread(Rate("x", 40, 1250, wilson(40, 1250))) == "2.4% to 4.3%"
    assert spread(Rate("x", 0, 10, wilson(0, 10))) == "0% to 27.8%"
    assert spread(Rate("x", 0, 0, None)) == "undefined"


@pytest.mark.parametrize(
    ("n", "written"), [(0, "0 pairs"), (1, "1 pair"), (2, "2 pairs"), (1250, "1,250 pairs")]
)
def test_counts_agree_with_their_noun(n, written):
    assert counted(n, "pair") == written


@pytest.mark.parametrize(
    ("words", "joined"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_words_are_joined_as_a_sentence_does(words, joined):
    assert enumerate_words(words) == joined


def test_points_are_written_with_their_sign():
    assert (
        points_with_range(-0.031, Interval(-0.04, 0.002, "tango", 0.95))
        == "-3.1 points (-4.0 to +0.2)"
    )
    assert points_with_range(None, None) == "undefined"
