"""The section on the data: short where nothing is stated, whole where something is, safe always."""

import re

import pytest

from riskshift import DataCard
from riskshift.analysis.stated.card import merged
from riskshift.report.document import Bullets, Document, Paragraph, Table
from riskshift.report.render.html import render_html
from riskshift.report.render.latex import render_latex
from riskshift.report.render.markdown import render_markdown
from riskshift.report.stories.card import card_section

COLUMNS = DataCard.of({"models": [{"name": "a"}, {"name": "b"}]})
HOSTILE = "<script>alert(1)</script> & \\input{x} | ![x](http://x)"


def test_where_nothing_is_stated_there_is_one_note_that_says_how_to_state_it():
    (only,) = card_section(DataCard()).blocks
    assert isinstance(only, Paragraph)
    assert only.text.startswith("Not stated: which models answered; ")
    assert "riskshift card --template" in only.text


def test_what_columns_name_takes_a_line():
    blocks = card_section(merged(DataCard(), COLUMNS, by="column")).blocks
    assert blocks[0] == Paragraph("Models that the data names: a, b.")
    assert len(blocks) == 2


def test_a_card_is_told_in_tables_and_gaps_are_named_in_their_cells():
    card = DataCard.of({"models": [{"name": "a", "version": "1"}], "description": "Gardening."})
    section = card_section(merged(card, COLUMNS, by="column"))
    tables = [block for block in section.blocks if isinstance(block, Table)]
    assert [found.caption for found in tables] == ["Models", "Who labelled", "The data as a whole"]
    assert tables[0].rows == (
        ("a", "not stated", "1", "not stated", "card, data"),
        ("b", "not stated", "not stated", "not stated", "data"),
    )
    assert section.blocks[0] == Paragraph("Gardening.")
    assert any(isinstance(block, Bullets) for block in section.blocks)


def test_a_full_card_needs_no_note():
    side = {"by": "people", "who": "w", "raters": 1, "instructions": "i"}
    card = DataCard.of(
        {
            "models": [{"name": "m", "developer": "d", "version": "1", "settings": "s"}],
            "sources": [
                {"name": "s", "version": "1", "chosen": "all", "reference": "r", "licence": "l"}
            ],
            "labels": {"prompt": side, "response": side},
            "languages": ["en"],
            "dates": "d",
            "licence": "l",
        }
    )
    assert not [b for b in card_section(card).blocks if isinstance(b, Paragraph)]


@pytest.mark.parametrize(
    ("render", "active"),
    [
        (render_html, "<script>alert"),
        (render_markdown, r"(?<!\\)<script>"),
        (render_markdown, r"(?<!\\)!?(?<!\\)\[x"),
        (render_latex, r"\\input\{"),
    ],
)
def test_texts_of_a_card_never_become_markup(render, active):
    card = DataCard.of(
        {
            "description": HOSTILE,
            "languages": [HOSTILE],
            "models": [{"name": HOSTILE, "version": HOSTILE}],
            "sources": [{"name": HOSTILE, "chosen": HOSTILE}],
            "labels": {"prompt": {"who": HOSTILE}},
        }
    )
    whole = merged(card, DataCard.of({"models": [{"name": HOSTILE + "2"}]}), by="column")
    made = render(Document("t", "s", (), (), (card_section(whole),)))
    assert "alert" in made
    assert not re.search(active, made)
