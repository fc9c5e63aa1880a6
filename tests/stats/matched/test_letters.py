"""Compact letter displays."""

from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskshift.errors import UsageError
from riskshift.stats.matched.letters import compact_letters


@st.composite
def verdicts(draw, most=12):
    k = draw(st.integers(1, most))
    pairs = list(combinations(range(k), 2))
    chosen = draw(st.sets(st.sampled_from(pairs))) if pairs else set()
    return k, chosen


def letters_of(labels, *, separated=False):
    return [set(label.split(",")) if separated else set(label) for label in labels]


def disagreements(k, different, letters):
    """Pairs that share a letter though they differ, or share none though they do not."""
    apart = {frozenset(pair) for pair in different}
    return [
        (i, j)
        for i, j in combinations(range(k), 2)
        if bool(letters[i] & letters[j]) == (frozenset((i, j)) in apart)
    ]


@given(verdicts())
def test_two_share_a_letter_exactly_where_they_were_not_told_apart(verdict):
    k, different = verdict
    assert disagreements(k, different, letters_of(compact_letters(k, different))) == []


@given(verdicts())
def test_everyone_has_a_letter_and_letters_start_at_a(verdict):
    labels = compact_letters(*verdict)
    assert all(labels)
    assert all(list(label) == sorted(set(label)) for label in labels)
    used = sorted(set("".join(labels)))
    assert used == list("abcdefghijklmnopqrstuvwxyz"[: len(used)])
    assert [labels[0][0]] == used[:1]


@given(verdicts(most=9))
def test_no_letter_could_be_left_out(verdict):
    k, different = verdict
    letters = letters_of(compact_letters(k, different))
    for letter in set().union(*letters):
        without = [own - {letter} for own in letters]
        assert disagreements(k, different, without) or not all(without)


@given(verdicts())
def test_no_letter_could_be_given_to_one_more(verdict):
    """A letter whose holders another letter covers too would have been absorbed."""
    k, different = verdict
    letters = letters_of(compact_letters(k, different))
    apart = {frozenset(pair) for pair in different}
    for letter in set().union(*letters):
        holders = [item for item in range(k) if letter in letters[item]]
        for item in set(range(k)) - set(holders):
            assert any(frozenset((item, holder)) in apart for holder in holders)


@given(verdicts())
def test_order_inside_a_pair_and_of_the_pairs_does_not_matter(verdict):
    k, different = verdict
    turned = [(j, i) for i, j in sorted(different, reverse=True)]
    assert compact_letters(k, turned) == compact_letters(k, different)


def test_runs_of_neighbours_get_one_letter_each():
    """Piepho's staircase: two differ where they stand more than two places apart."""
    different = {(i, j) for i, j in combinations(range(6), 2) if j - i > 2}
    assert compact_letters(6, different) == ("a", "ab", "abc", "bcd", "cd", "d")


def test_one_model_no_model_and_all_alike():
    assert compact_letters(0, []) == ()
    assert compact_letters(1, []) == ("a",)
    assert compact_letters(3, []) == ("a", "a", "a")


def test_beyond_z_letters_are_counted_on():
    labels = compact_letters(30, combinations(range(30), 2))
    assert labels[:2] == ("a", "b")
    assert labels[25:] == ("z", "aa", "ab", "ac", "ad")


def test_beyond_z_several_letters_of_one_label_are_separated():
    different = [(i, j) for i, j in combinations(range(40), 2) if j - i > 3]
    labels = compact_letters(40, different)
    assert labels[27] == "y,z,aa,ab"
    assert disagreements(40, different, letters_of(labels, separated=True)) == []


@pytest.mark.parametrize("share", [0.05, 0.3, 0.7, 0.95])
def test_fifty_models_with_verdicts_in_no_order_are_labelled(share):
    draw = Random(share)
    different = [pair for pair in combinations(range(50), 2) if draw.random() < share]
    labels = compact_letters(50, different)
    separated = any("," in label for label in labels)
    assert disagreements(50, different, letters_of(labels, separated=separated)) == []


def test_what_would_need_two_to_the_25_maximal_sets_is_labelled_too():
    """25 pairs of rivals, everything else tied: listing all maximal sets would never end."""
    different = [(2 * i, 2 * i + 1) for i in range(25)]
    assert disagreements(50, different, letters_of(compact_letters(50, different))) == []


@pytest.mark.parametrize("pair", [(0, 0), (0, 3), (-1, 1)])
def test_pairs_name_two_items_that_exist(pair):
    with pytest.raises(UsageError, match="out of 0 to 2"):
        compact_letters(3, [pair])
