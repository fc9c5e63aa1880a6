"""What readers meet of sets: figures of each model, what is left out, and how it was done."""

import polars as pl
import pytest

import riskshift
from riskshift.report.document import Figure, Paragraph, Table
from riskshift.report.stories.transitions.sets import METHOD, sets_section
from riskshift.report.stories.transitions.story import story
from riskshift.taxonomy import Taxonomy

HARM = Taxonomy(["harm"], ["Safe", "Low", "High"])


def analyzed(models=("a", "b"), refusal=True, **columns):
    """Two sets a model, one of them right, and a prompt that stands alone."""
    members = [("s", 0, 0, "no"), ("s", 2, 0, "yes"), ("t", 0, 1, "no"), ("t", 1, 1, "no")]
    members.append(("alone", 0, 0, "no"))
    rows = [(model, f"p{at}", *member) for model in models for at, member in enumerate(members)]
    names = ["model", "prompt_id", "set", "prompt_harm", "response_harm", "refusal"]
    frame = pl.DataFrame(rows, names, orient="row").with_columns(**columns)
    return riskshift.analyze(
        frame if refusal else frame.drop("refusal"), taxonomy=HARM, resamples=100
    )


def tables(result):
    return [block for block in sets_section(result).blocks if isinstance(block, Table)]


def test_of_one_model_no_model_is_named():
    figures, held = tables(analyzed(("a",)))
    assert figures.columns == ("Within sets", "Sets", "Estimate", "95% interval")
    assert figures.rows[0] == ("right on all variants", "1 of 2", "50.0%", "9.5% to 90.5%")
    assert [row[2] for row in figures.rows[1:]] == ["+0.00", "+0.25"]
    assert held.rows == (("1 (1), 2 (2)", "3", "2", "1"),)
    assert held.columns[-1] == "Left out: one record"


def test_several_models_stand_side_by_side_and_are_drawn():
    result = analyzed()
    figures, _ = tables(result)
    assert [row[0] for row in figures.rows] == ["a"] * 3 + ["b"] * 3
    drawn = [block for block in sets_section(result).blocks if isinstance(block, Figure)]
    assert [row["label"] for row in drawn[0].rows] == ["a", "b"]


def test_without_refusals_it_says_that_they_are_not_told():
    result = analyzed(refusal=False)
    assert all("refusals" not in row[1] for row in tables(result)[0].rows)
    (text,) = [block.text for block in sets_section(result).blocks if isinstance(block, Paragraph)]
    assert "whether it is refused is not told" in text


def test_missing_labels_have_a_column_of_their_own():
    known = pl.col("prompt_id") != "p1"
    result = analyzed(response_harm=pl.when(known).then("response_harm"))
    figures, _ = tables(result)
    assert figures.columns[-1] == "If missing labels were known"
    assert figures.rows[0][-1] == "0% to 50.0% (1 missing)"
    assert figures.rows[1][-1] == "+0.00 to +0.50 (1 missing)"


def test_what_is_undefined_is_said_to_be():
    figures, _ = tables(analyzed(("a",), prompt_harm=pl.lit(1)))
    assert [row[2] for row in figures.rows] == ["undefined"] * 3
    assert any("It is not zero" in note for note in figures.notes)


@pytest.mark.parametrize("named", [True, False])
def test_the_section_and_its_method_are_there_where_sets_are(named, corpus):
    document = story(analyzed() if named else corpus)
    methods = next(section for section in document.sections if section.anchor == "methods")
    assert any(section.anchor == "sets" for section in document.sections) is named
    assert (METHOD in methods.blocks[0].items) is named
