"""Verdicts on a difference: one interval, one rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskshift.analysis.verdicts import judge
from riskshift.stats.matched.paired import tango_exact

tables = st.tuples(*[st.integers(0, 80)] * 4).filter(any)
margins = st.sampled_from([0.005, 0.01, 0.05, 0.2])
levels = st.sampled_from([0.95, 0.99])


def judged(counts, margin, confidence=0.95, **options):
    return judge(counts, tango_exact(*counts, confidence=confidence), margin, **options)


@given(tables, margins, levels, st.booleans())
def test_swapping_baseline_and_candidate_swaps_better_with_higher(counts, margin, level, bad):
    both, more, less, neither = counts
    one = judged(counts, margin, level, bad=bad)
    other = judged((both, less, more, neither), margin, level, bad=bad)
    assert (one.word == "better") == other.higher
    assert (other.word == "better") == one.higher
    assert one.higher or one.word != "worse"
    if "better" not in (one.word, other.word):
        assert {one.word, other.word} <= {"not_worse", "inconclusive"}


@given(tables, margins)
def test_a_good_event_is_a_bad_one_that_did_not_happen(counts, margin):
    both, more, less, neither = counts
    good, bad = judged(counts, margin, bad=False), judged((neither, less, more, both), margin)
    assert (good.word, good.higher, good.further_prompts) == (
        bad.word,
        bad.higher,
        bad.further_prompts,
    )


def test_further_prompts_count_the_kind_and_the_mix():
    """4 of a kind that is 16 of 600 are 150."""
    counts = (100, 120, 80, 1_700)
    plain = judged(counts, 0.03).further_prompts
    answers = judged(counts, 0.03, prompts=500, matched=4_000)
    assert answers.further_prompts == -(-plain // 4)
    assert answers.further_prompts_of_mix == 2 * plain
    assert judged(counts, 0.03).further_prompts_of_mix == plain


@pytest.mark.parametrize(
    ("counts", "margin", "spoken"),
    [
        ((0, 0, 40, 360), 0.01, "better"),
        ((10, 3, 4, 983), 0.02, "not worse"),
        ((10, 16, 4, 1_980), 0.02, "not worse, though higher"),
        ((0, 40, 0, 360), 0.01, "worse"),
        ((0, 40, 20, 340), 0.04, "not settled, though higher"),
        ((0, 5, 5, 90), 0.01, "not settled"),
    ],
)
def test_verdicts_are_spoken(counts, margin, spoken):
    assert judged(counts, margin).spoken == spoken
