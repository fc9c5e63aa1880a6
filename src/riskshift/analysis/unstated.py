"""What nobody states of where the data comes from, in one sentence."""

from collections.abc import Iterator, Sequence
from typing import Final

from riskshift.analysis.stated.card import DataCard
from riskshift.analysis.words import enumerate_words

# In the order in which they are told; {} is the sides that lack it, {who} what is known to have labelled them.
_CLAUSES: Final = {
    "models": "which models answered",
    "models.developer": "who made the models",
    "models.version": "which versions of the models answered",
    "models.settings": "with which settings the models answered",
    "sources": "where the prompts come from and how they were chosen",
    "sources.version": "in which versions the sources were used",
    "sources.chosen": "how prompts were chosen",
    "sources.reference": "where the sources are described",
    "sources.licence": "under which licences the sources stand",
    "labels": "who labelled {}",
    "labels.by": "whether people or a grader labelled {}",
    "labels.who": "which {who} labelled {}",
    "labels.raters": "how many people labelled each of the {}",
    "labels.instructions": "by which instructions {} were labelled",
    "labels.agreement": "how well raters of {} agree",
    "languages": "in which languages the texts are",
    "dates": "when the data was made",
    "licence": "under which licence the data stands",
}


def clauses(card: DataCard) -> tuple[str, ...]:
    """Say in words what a card does not state, both sides in one clause.

    Examples
    --------
    >>> people = {"by": "people", "who": "staff", "raters": 1, "instructions": "in guide.md"}
    >>> card = DataCard.of({"labels": {"prompt": people}, "languages": ["en"], "dates": "2026"})
    >>> clauses(card)[2:]
    ('who labelled responses', 'under which licence the data stands')
    """
    lacking = card.not_stated
    made = []
    for key, clause in _CLAUSES.items():
        if not key.startswith("labels"):
            made += [clause] if key in lacking else []
            continue
        last = key.removeprefix("labels")
        sides = [side for side in card.labelled if f"labels.{side}{last}" in lacking]
        told = enumerate_words([f"{side}s" for side in sides])
        made += [clause.format(told, who=_makers(card, sides))] if sides else []
    return tuple(made)


def _makers(card: DataCard, sides: Sequence[str]) -> str:
    told = [getattr(card.labels, side) for side in sides]
    makers = {None if raters is None else raters.by for raters in told}
    return str(makers.pop()) if len(makers) == 1 and None not in makers else "people or graders"


def unstated(card: DataCard) -> Iterator[str]:
    """Name in one sentence what cannot be said because nobody states it; nothing if all is stated.

    Examples
    --------
    >>> people = {"by": "people", "who": "staff", "raters": 1, "instructions": "in guide.md"}
    >>> labels = {"prompt": people, "response": people}
    >>> source = {"name": "a", "version": "1", "chosen": "all", "reference": "b", "licence": "CC0"}
    >>> print(*unstated(DataCard.of({"labels": labels, "sources": [source], "languages": ["en"]})))
    It is not stated which models answered, when the data was made, or under which licence the data stands.
    """
    found = clauses(card)
    if found:
        told = ", ".join(found[:-1])
        yield (
            f"It is not stated {told}, or {found[-1]}."
            if told
            else f"It is not stated {found[-1]}."
        )
