"""Where the data comes from: what is stated of models, prompts and labels, and what is not."""

from collections.abc import Iterator
from typing import Final

from riskshift.analysis.stated.card import DataCard, StatedModel, StatedRaters, StatedSource
from riskshift.analysis.unstated import clauses
from riskshift.report.document import Block, Bullets, Paragraph, Section, Table
from riskshift.report.tables import Column, table

NOT_STATED: Final = "not stated"
WRITE_ONE: Final = "To state it, write a card (riskshift card --template) and give it with --card."
_TELLERS: Final = {"card": "card", "log": "log", "column": "data"}
_SIDE: Final = {
    "by": "Labelled by",
    "who": "Who",
    "raters": "Raters of each item",
    "instructions": "Instructions",
    "agreement": "Agreement",
}


def card_section(card: DataCard) -> Section:
    """Say where the data comes from; in few lines, where only columns tell of it.

    Parameters
    ----------
    card : DataCard
        What is stated, and what the data names.
    """
    blocks = list(_tables(card) if card.written else _names(card))
    if card.remarks:
        blocks.append(Bullets(card.remarks))
    lacking = clauses(card)
    if lacking:
        hint = "" if card.written else f" {WRITE_ONE}"
        blocks.append(Paragraph(f"Not stated: {'; '.join(lacking)}.{hint}", "note"))
    return Section("Where the data comes from", "card", tuple(blocks))


def _names(card: DataCard) -> Iterator[Block]:
    """Say what columns tell, in a sentence a kind."""
    for what, items in (("Models", card.models), ("Sources of prompts", card.sources)):
        if items:
            yield Paragraph(f"{what} that the data names: {', '.join(i.name for i in items)}.")


def _tables(card: DataCard) -> Iterator[Block]:
    if card.description:
        yield Paragraph(card.description)
    if card.models:
        yield table(
            "Models",
            card.models,
            (
                Column[StatedModel]("Model", lambda m: m.name, text=True),
                Column("Made by", lambda m: _stated(m.developer), text=True),
                Column("Version", lambda m: _stated(m.version), text=True),
                Column("Settings", lambda m: _stated(m.settings), text=True),
                Column("Named by", _tellers, text=True, essential=False),
            ),
        )
    if card.sources:
        yield table(
            "Sources of prompts",
            card.sources,
            (
                Column[StatedSource]("Source", lambda s: s.name, text=True),
                Column("Version", lambda s: _stated(s.version), text=True, essential=False),
                Column("How prompts were chosen", lambda s: _stated(s.chosen), text=True),
                Column("Described in", lambda s: _stated(s.reference), text=True),
                Column("Licence", lambda s: _stated(s.licence), text=True),
                Column("Named by", _tellers, text=True, essential=False),
            ),
        )
    yield _labels(card)
    whole = (
        ("Languages", ", ".join(card.languages)),
        ("Dates", card.dates),
        ("Licence", card.licence),
    )
    rows = tuple((what, _stated(value)) for what, value in whole)
    yield Table("The data as a whole", ("What", "Value"), rows, text_columns=2)


def _labels(card: DataCard) -> Table:
    sides = [(side, getattr(card.labels, side) or StatedRaters()) for side in card.labelled]
    rows = tuple(
        (what, *(_of_raters(raters, key) for _, raters in sides)) for key, what in _SIDE.items()
    )
    headings = ("Labels", *(f"{side.capitalize()}s" for side, _ in sides))
    return Table("Who labelled", headings, rows, text_columns=len(headings))


def _of_raters(raters: StatedRaters, key: str) -> str:
    value = getattr(raters, key)
    return _stated(None if value is None else str(value))


def _tellers(item: StatedModel | StatedSource) -> str:
    return ", ".join(_TELLERS[teller] for teller in item.told_by)


def _stated(value: str | None) -> str:
    return value or NOT_STATED
