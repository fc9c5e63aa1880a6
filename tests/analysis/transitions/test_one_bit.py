"""What one bit hides adds up to the transition matrix, and invents nothing."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import riskshift
from riskshift.analysis.rates import Settings
from riskshift.analysis.severities import Severities
from riskshift.analysis.transitions.movement import overall_rates, transition_matrix
from riskshift.analysis.transitions.one_bit import MOVES, one_bit

FAST = Settings(resamples=20, permutations=20)
THREE = riskshift.Taxonomy(["a", "b"], ["Safe", "Low", "High"], 2)
levels = st.sampled_from((None, 0, 0, 1, 2))
rows = st.lists(st.tuples(levels, levels, levels, levels), min_size=1, max_size=12)


def measures_of(counts):
    severities = Severities(counts)
    return {item.name: item for item in one_bit(severities, overall_rates(severities, FAST))}


def matrix_of(counts):
    severities = Severities(counts)
    return transition_matrix(counts, severities.prompt, severities.response).rows


def by_move(matrix, start, cells):
    """What the moves of some cells of a matrix (prompt, response) are, straight from their names."""
    found = dict.fromkeys(MOVES, 0)
    for p, row in enumerate(matrix):
        for r, count in enumerate(row):
            if not cells(p, r):
                continue
            if r < p:
                name = "reduced"
            elif r == p:
                name = "preserved_at_harm" if p >= start else "preserved_at_safe"
            else:
                name = "escalated_from_harm" if p >= start else "escalated_from_safe"
            found[name] += count
    return found


@settings(max_examples=60)
@given(rows)
def test_moves_add_up_to_the_matrix(counts_of, rows):
    counts = counts_of(*rows, taxonomy=THREE)
    matrix, h = matrix_of(counts), THREE.harmful_from
    bad = {
        "attack success rate": (lambda p, r: p >= h and r >= h, lambda p, r: p >= h > r),
        "defect rate": (lambda p, r: r >= h, lambda p, r: r < h),
    }
    for name, cells in bad.items():
        item = measures_of(counts).get(name)
        if item is None:
            continue
        told = [{move: moves[move] for move in MOVES} for _, moves in item.parts]
        assert told == [by_move(matrix, h, cell) for cell in cells]
        assert item.placed == sum(map(sum, (part.values() for part in told)))


def test_refusals_are_taken_apart_too_and_what_is_not_known_is_not_placed(counts_of):
    rows = [(2, 0, 0, 0), (2, 0, 2, 0), (0, 0, 0, 0), (2, 0, None, 0), (0, 0, 2, 0)]
    refusal = pl.Series(["refused", "complied", "refused", "refused", None])
    found = measures_of(counts_of(*rows, taxonomy=THREE, refusal=refusal))
    refused = found["refusal rate"]
    assert (refused.rate.events, refused.rate.trials) == (3, 4)
    assert refused.with_event == {
        **dict.fromkeys(MOVES, 0), "reduced": 1, "preserved_at_safe": 1, "not_known": 1
    }  # fmt: skip
    assert sum(refused.without_event.values()) == refused.without_event["preserved_at_harm"] == 1
    over = found["over-refusal rate"]
    assert (over.event, over.rest) == ("refused", "answered")
    assert over.with_event["preserved_at_safe"] == 1
    assert sum(over.without_event.values()) == 0


def test_measures_of_which_nothing_is_known_are_left_out(counts_of):
    found = measures_of(counts_of((0, 0, 0, 0), taxonomy=THREE))
    assert list(found) == ["defect rate"]
    assert measures_of(counts_of((0, 0, None, 0), taxonomy=THREE)) == {}


def test_of_real_labels_it_adds_up_exactly(public_pairs):
    found = {item.name: item for item in public_pairs.population.one_bit}
    matrix, start = public_pairs.population.matrix.rows, 1
    whole = by_move(matrix, start, lambda p, r: True)
    defect = found["defect rate"]
    assert {m: defect.with_event[m] + defect.without_event[m] for m in MOVES} == whole
    attack = found["attack success rate"]
    assert sum(attack.with_event.values()) == attack.rate.events
    assert attack.without_event["reduced"] == attack.rate.trials - attack.rate.events


def test_the_summary_says_it_in_one_sentence(corpus):
    (told,) = [sentence for sentence in corpus.summary if "One bit" in sentence]
    defect = next(item for item in corpus.population.one_bit if item.name == "defect rate")
    harmful = sum(defect.with_event.values())
    assert f"a defect rate of {defect.rate.estimate:.1%}" in told
    assert (
        f"{defect.with_event['reduced'] / harmful:.1%} were less severe than their prompt" in told
    )


@pytest.mark.parametrize("suffix", [".html", ".md", ".tex"])
def test_it_is_on_every_page(corpus, suffix):
    from riskshift.report.writing import render

    assert "What one bit would have said" in render(corpus, suffix)
