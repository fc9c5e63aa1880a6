"""How every job comes to its data card: what somebody states, over what the columns say."""

from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from typing import Final

from riskshift.analysis.stated.card import (
    SIDES,
    DataCard,
    StatedModel,
    StatedSource,
    merged,
)
from riskshift.collapse.pairs import Collapsed
from riskshift.counts.pairs import NO_VALUE
from riskshift.engines import engine
from riskshift.errors import UsageError, listing

Card = DataCard | str | PathLike[str] | None
# A column of more values hardly names sources of prompts; nobody would read them either.
MOST_SOURCES: Final = 100


def open_card(card: Card, *, labels_by: str | None = None, people: bool = False) -> DataCard:
    """Return a card as it is, read one from a file, or begin an empty one.

    Parameters
    ----------
    card : DataCard, path or None
        What somebody states of the data.
    labels_by : {"people", "grader", None}
        Who is said elsewhere to have made the labels.
    people : bool
        Whether people's labels are given, to correct a grader's.

    Raises
    ------
    FileError
        If the file cannot be read.
    UsageError
        If it is no card, or contradicts `labels_by` or `people`.
    """
    if card is None:
        return DataCard()
    if not isinstance(card, DataCard | str | PathLike):
        raise UsageError(
            f"card is a {type(card).__name__}; give a path or a DataCard, such as DataCard.of(...)."
        )
    opened = card if isinstance(card, DataCard) else DataCard.read(card)
    _check_makers(opened, labels_by, people=people)
    return opened


def _check_makers(card: DataCard, labels_by: str | None, *, people: bool) -> None:
    by_grader = [s for s in SIDES if (side := getattr(card.labels, s)) and side.by == "grader"]
    clash = None
    if labels_by == "people" and by_grader:
        clash = f"a grader labelled {listing(f'{side}s' for side in by_grader)}"
    elif labels_by == "grader" and card.labels_by == "people":
        clash = "people labelled prompts and responses"
    if clash:
        raise UsageError(
            f"labels_by {labels_by!r} (--labels-by) contradicts the card, which states that {clash}. "
            "Change one of the two."
        )
    if people and card.labels_by == "people":
        raise UsageError(
            "the card states that people labelled prompts and responses, and people's labels (--people FILE) correct "
            "a grader's: change the card, or leave out the other."
        )


def over_columns(card: DataCard, *parts: Collapsed) -> DataCard:
    """Lay a card over what logs know, and over what columns name: models, sources, labelled sides.

    Parameters
    ----------
    card : DataCard
        What somebody states.
    *parts : Collapsed
        The data: of a gate, candidate and baseline.
    """
    models = dict.fromkeys(name for part in parts for name in _values(part, "model"))
    named = dict.fromkeys(name for part in parts for name in _values(part, "source"))
    many = len(named) > MOST_SOURCES
    known = DataCard(
        models=tuple(map(StatedModel, models)),
        sources=() if many else tuple(map(StatedSource, named)),
        remarks=(
            f"The column of sources has more than {MOST_SOURCES} values, so they are not listed.",
        )
        if many
        else (),
        labelled=tuple(_labelled(parts)),
    )
    if any(part.records.options.model is not None for part in parts):
        card = _only(card, models)
    return merged(merged(card, _of_logs(parts), by="log"), known, by="column")


def _of_logs(parts: Sequence[Collapsed]) -> DataCard:
    """Say what logs know of their runs."""
    facts = [part.records.source.facts for part in parts]
    told, dates = (
        dict.fromkeys(str(value) for one in facts for value in one.get(name, ()))
        for name in ("log", "date")
    )
    read = listing(told)
    return DataCard(
        description=f"{read[0].upper()}{read[1:]}." if read else None,
        dates=listing(sorted(dates)) or None,
    )


def _only(card: DataCard, models: dict[str, None]) -> DataCard:
    """Keep the models that were asked for, if the card has them: of the others no label is left."""
    kept = tuple(model for model in card.models if model.name in models)
    return replace(card, models=kept) if kept else card


def _labelled(parts: Sequence[Collapsed]) -> list[str]:
    return [
        side for side in SIDES if any((getattr(part.counts, side) >= 0).any() for part in parts)
    ]


def _values(part: Collapsed, role: str) -> Sequence[str]:
    """Name the values of a column, sorted; of too many only so many as to show it."""
    records = part.records
    column = records.column(role)
    if column is None:
        return ()
    if records.counted is not None:
        found = set(records.counted.names_of(column))
    elif column in part.groups:
        found = set(part.groups[column].names)
    else:
        own = records.at(column)
        frame, refused = engine.plain(records.frame, [own])
        if refused:
            return ()
        with engine.explained(records.source):
            found = engine.names(frame, own, limit=MOST_SOURCES + 2)
    return sorted(found - {NO_VALUE})
