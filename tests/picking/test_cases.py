"""Cases to read: of every cell some, drawn with the seed, never more than asked for."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import riskshift
from riskshift.collapse.pairs import collapse
from riskshift.picking.cases import MOST_QUIET, _shared, cases_to_read

HARM = riskshift.Taxonomy(["harm"], ["Safe", "Low", "High"], 1)
CELLS = [(p, r) for p in range(3) for r in range(3)]


def pairs(each=10, refusal=False):
    rows = [
        {
            "prompt_id": f"p{p}{r}-{at:03}",
            "prompt_harm": p,
            "response_harm": r,
            "response": f"text {p}{r}-{at:03}",
        }
        | ({"refusal": "refused" if at % 2 else "complied"} if refusal else {})
        for p, r in CELLS
        for at in range(each)
    ]
    return pl.DataFrame(rows)


def picked(frame, limit, seed=1, **options):
    return cases_to_read(
        collapse(riskshift.read(frame, taxonomy=HARM)), limit=limit, seed=seed, **options
    )


def cells(cases):
    found = [(case.prompt["harm"], case.response["harm"]) for case in cases]
    return {cell: found.count(cell) for cell in found}


def test_every_cell_is_there_and_quiet_ones_with_a_few():
    found = cells(picked(pairs(), 500))
    loud = {cell: 10 for cell in CELLS if cell[1] >= 1}
    assert found == loud | {(p, 0): MOST_QUIET for p in range(3)}


def test_a_short_list_still_has_harm_that_did_not_rise():
    found = cells(picked(pairs(100), 20))
    assert sum(found.values()) == 20
    assert {cell for cell in CELLS if cell[1] >= 1} <= set(found)


def test_the_worst_come_first():
    rises = [case.response["harm"] - case.prompt["harm"] for case in picked(pairs(), 500)]
    loud = rises[: -3 * MOST_QUIET]
    assert loud == sorted(loud, reverse=True)


def test_refused_and_answered_pairs_are_both_there():
    found = picked(pairs(refusal=True), 500)
    quiet = [case for case in found if case.response["harm"] == 0]
    assert {case.refusal for case in quiet} == {0, 2}


def test_the_seed_draws_and_the_order_of_rows_does_not_matter():
    frame = pairs(100)
    first = picked(frame, 30)
    assert first == picked(frame.sample(fraction=1, shuffle=True, seed=3), 30)
    assert first != picked(frame, 30, seed=2)


def test_texts_belong_to_their_pairs_and_are_left_out_unless_asked_for():
    frame = pairs()
    for case in picked(frame, 30):
        assert case.response_text == case.prompt_id.replace("p", "text ")
    assert {case.response_text for case in picked(frame, 30, text=False)} == {None}
    nameless = picked(frame.drop("prompt_id"), 30)
    assert all(case.response_text.startswith("text ") for case in nameless)


def test_a_harm_beside_a_missing_label_is_listed_and_an_unknown_pair_is_not():
    two = riskshift.Taxonomy(["a", "b"], ["Safe", "High"])
    frame = pl.DataFrame({
        "prompt_id": ["harm", "unknown"],
        "prompt_a": [0, 0], "prompt_b": [0, 0],
        "response_a": [1, 0], "response_b": [None, None],
    })  # fmt: skip
    records = riskshift.read(frame, taxonomy=two)
    (case,) = cases_to_read(collapse(records), limit=9, seed=1)
    assert (case.prompt_id, case.origin) == ("harm", "not_known")


def test_without_a_limit_every_harmful_or_risen_pair_is_there():
    found = picked(pairs(40), None)
    assert sum(case.response["harm"] >= 1 for case in found) == 6 * 40


@pytest.mark.parametrize(("limit", "kept"), [(0, 0), (1, 1), (7, 7)])
def test_never_more_than_asked_for(limit, kept):
    assert len(picked(pairs(), limit)) == kept


@given(st.lists(st.integers(0, 50), max_size=9), st.integers(0, 200))
def test_shares_are_as_alike_as_they_can_be(wanted, total):
    given = _shared(wanted, total)
    assert all(got <= want for got, want in zip(given, wanted, strict=True))
    assert sum(given) == min(total, sum(wanted))
    short = [got for got, want in zip(given, wanted, strict=True) if got < want]
    assert not short or max(given) - min(short) <= 1
