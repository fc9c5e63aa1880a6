"""Findings in words: sentences hold for one and for none, and say what is not known."""

import re

import pytest

from riskshift.analysis.rates import Settings
from riskshift.analysis.transitions.findings import caveats, headline
from riskshift.analysis.transitions.population import estimate

FAST = Settings(resamples=50, permutations=50)


@pytest.fixture
def said(counts_of):
    def sentences(*rows, **columns):
        counts = counts_of(*rows, **columns)
        population = estimate(counts, FAST)
        return headline(population), caveats(population, counts, cluster=None)

    return sentences


def test_most_half_and_all_are_told_apart(said):
    up, comply, still = (0, 0, 1, 0), (1, 0, 2, 0), (0, 0, 0, 0)
    for rows, words in (
        ([up] * 3 + [comply, still], "Of 4 escalations, most came from harmless prompts"),
        ([up] + [comply] * 3, "Of 4 escalations, most came from harmful prompts (compliance that"),
        ([up] * 2 + [comply] * 2, "Of 4 escalations, half came from harmless prompts"),
        ([comply] * 2, "Of 2 escalations, all came from harmful prompts"),
        ([comply], "The only escalation came from a harmful prompt (compliance that goes further)"),
        ([still], "No response was more severe than its prompt."),
    ):
        assert said(*rows)[0][3].startswith(words)


def test_persistence_names_the_highest_and_what_it_is_clear_of(said):
    clear = [(1, 0, 1, 0)] * 50 + [(1, 0, 0, 0)] * 10 + [(0, 1, 0, 0)] * 60
    assert said(*clear)[0][2].startswith(
        "Harm persists most in a: in 50 of 60 pairs with a prompt "
    )
    assert said(*clear)[0][2].endswith(", clearly more than in b.")
    unclear = [(1, 0, 1, 0)] * 7 + [(1, 0, 0, 0)] * 5 + [(0, 1, 0, 1), (0, 1, 0, 0)] * 5
    assert said(*unclear)[0][2].endswith(", not distinguishable from b.")


@pytest.mark.parametrize("n", [1, 9, 10])
def test_nothing_is_clear_from_fewer_than_ten_pairs(said, n):
    """All of b persists, nothing of a: the interval for all at once leaves out zero."""
    sentence = said(*[(1, 0, 0, 0)] * 400, *[(0, 1, 0, 1)] * n)[0][2]
    assert sentence.startswith(f"Harm persists most in b: in {n} of {n} pair")
    told = {True: ", clearly more than in a.", False: ", too few pairs to tell it from a (either "}
    assert told[n >= 10] in sentence
    assert told[n < 10] not in sentence


def test_ties_are_said(said):
    tied = [(1, 0, 1, 0), (1, 0, 0, 0), (0, 1, 0, 1), (0, 1, 0, 0)]
    assert "Harm persists most in a (tied with b): in 1 of 2 pairs" in said(*tied)[0][2]


def test_no_persistence_is_not_certainty(said):
    none = said(*[(1, 0, 0, 0)] * 7, *[(0, 1, 0, 0)] * 3)[0][2]
    assert none == (
        "In no category did harm persist from prompt to response; the intervals reach up to "
        "56.1% (b)."
    )


def test_few_escalations_are_said_to_be_few(said):
    def few(n):
        notes = said(*[(0, 0, 1, 0)] * n, (0, 0, 0, 0))[1]
        return [re.match(r"There .* only .*?,", note)[0] for note in notes if "only" in note]

    assert few(1) == ["There is only 1 escalation,"]
    assert few(9) == ["There are only 9 escalations,"]
    assert few(10) == few(0) == []


def test_caveats_always_say_what_labels_and_prompts_limit(said):
    for row in ((0, 0, 0, 0), (None,) * 4):
        first, second, *_ = said(row)[1]
        assert first.startswith("The labels are taken as they are.")
        assert second.startswith("The intervals speak of prompts like these")


def test_undefined_persistence_says_whether_prompts_or_labels_are_lacking(said):
    notes = " ".join(said((1, 0, None, 0), (0, 0, 0, 0))[1])
    assert "Labels are missing in a: persistence there is undefined" in notes
    assert "No prompt is harmful in b: persistence there is undefined" in notes
