"""The data card: where the data comes from, as somebody states it, and what nobody states."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from os import PathLike
from typing import Any, ClassVar, Final, Literal, TypeVar

from riskshift.analysis.plain import AtLeastOne, Plain
from riskshift.analysis.stated.card_file import OURS, made_of
from riskshift.errors import listing
from riskshift.toml_file import read_toml

By = Literal["people", "grader"]
Teller = Literal["card", "log", "column"]
SIDES: Final = ("prompt", "response")
_TELLERS: Final = {"log": "the log", "column": "the data"}
_LONGEST: Final = 60


@dataclass(frozen=True, slots=True)
class StatedModel(Plain):
    """What is stated of a model that answered.

    Parameters
    ----------
    name : str
        As in the column of models, where the data has one.
    developer : str or None
        Who made it.
    version : str or None
        Which version answered: a snapshot, a commit of the weights, the day it was asked.
    settings : str or None
        How it was asked: system prompt, temperature, longest answer, tools, filters.
    told_by : tuple of {"card", "log", "column"}
        What names it.
    """

    name: str
    developer: str | None = None
    version: str | None = None
    settings: str | None = None
    told_by: tuple[Teller, ...] = field(default=("card",), metadata=OURS)


@dataclass(frozen=True, slots=True)
class StatedSource(Plain):
    """What is stated of a source of prompts.

    Parameters
    ----------
    name : str
        As in the column of sources, where the data has one.
    version : str or None
        Which version was used.
    chosen : str or None
        How prompts were chosen: all of them, a random sample, by hand.
    reference : str or None
        Where it is described.
    licence : str or None
        Under which licence it stands.
    told_by : tuple of {"card", "log", "column"}
        What names it.
    """

    name: str
    version: str | None = None
    chosen: str | None = None
    reference: str | None = None
    licence: str | None = None
    told_by: tuple[Teller, ...] = field(default=("card",), metadata=OURS)


@dataclass(frozen=True, slots=True)
class StatedRaters(Plain):
    """What is stated of those who labelled one side.

    Parameters
    ----------
    by : {"people", "grader"} or None
        Whether people labelled it, or a grader.
    who : str or None
        Which people, or which grader in which version.
    raters : int or None
        How many of them labelled each item.
    instructions : str or None
        What they were told to do, or where that is written.
    agreement : str or None
        How far raters agree, or a grader agrees with people; with the name of the coefficient.
    """

    by: By | None = None
    who: str | None = None
    raters: AtLeastOne | None = None
    instructions: str | None = None
    agreement: str | None = None


@dataclass(frozen=True, slots=True)
class StatedLabels(Plain):
    """What is stated of the labels, side by side.

    Parameters
    ----------
    prompt : StatedRaters or None
        Who labelled prompts.
    response : StatedRaters or None
        Who labelled responses.
    """

    prompt: StatedRaters | None = None
    response: StatedRaters | None = None


@dataclass(frozen=True, slots=True)
class DataCard(Plain):
    """Where the data comes from. It changes no number.

    Parameters
    ----------
    description : str or None
        What the data is and what it was made for.
    models : tuple of StatedModel
        Which models answered.
    sources : tuple of StatedSource
        Where the prompts come from.
    labels : StatedLabels
        Who labelled which side.
    languages : tuple of str
        Languages of the texts.
    dates : str or None
        When the responses and labels were made.
    licence : str or None
        Under which licence the data stands.
    remarks : tuple of str
        Where the card, the log and the data do not say the same, in words.
    labelled : tuple of str
        Sides that the data labels at all; of others nothing need be stated.

    Examples
    --------
    >>> card = DataCard.of({"models": [{"name": "model-a", "version": "May 2026"}]})
    >>> card.models[0].version, card.not_stated[:3]
    ('May 2026', ('models.developer', 'models.settings', 'sources'))
    """

    description: str | None = None
    models: tuple[StatedModel, ...] = ()
    sources: tuple[StatedSource, ...] = ()
    labels: StatedLabels = field(default_factory=StatedLabels)
    languages: tuple[str, ...] = ()
    dates: str | None = None
    licence: str | None = None
    remarks: tuple[str, ...] = field(default=(), metadata=OURS)
    labelled: tuple[str, ...] = field(default=SIDES, metadata=OURS)

    shape: ClassVar[str] = (
        "description models sources labels languages dates licence remarks not_stated"
    )

    @classmethod
    def of(cls, found: Mapping[str, Any], *, place: str = "card") -> "DataCard":
        """Make a card of a mapping with the keys of a card's file.

        Parameters
        ----------
        found : mapping
            As TOML gives it.
        place : str
            What to call it in messages.

        Raises
        ------
        UsageError
            If a key is unknown or a value is of another type.
        """
        return made_of(cls, found, place)

    @classmethod
    def read(cls, path: str | PathLike[str]) -> "DataCard":
        """Read a card from a TOML file, such as ``riskshift card --template`` begins.

        Raises
        ------
        FileError
            If the file cannot be read or is not TOML.
        UsageError
            If a key is unknown or a value is of another type.
        """
        return cls.of(read_toml(path, "card"), place=str(path))  # type: ignore[arg-type]

    @property
    def not_stated(self) -> tuple[str, ...]:
        """What a card can hold and nobody states, by its key; of several models or sources, of any."""
        found = [*_lacking("models", self.models), *_lacking("sources", self.sources)]
        for side in self.labelled:
            found += _unlabelled(f"labels.{side}", getattr(self.labels, side))
        whole = ("languages", "dates", "licence")
        return (*found, *(name for name in whole if not getattr(self, name)))

    @property
    def written(self) -> bool:
        """Whether anything is stated beyond the names that columns hold."""
        whole = (self.description, self.languages, self.dates, self.licence)
        tellers = [m.told_by for m in self.models] + [s.told_by for s in self.sources]
        return any(whole) or self.labels != StatedLabels() or bool({*tellers} - {("column",)})

    @property
    def labels_by(self) -> By | None:
        """Who made the labels: people if they made all of them, a grader if it made some."""
        told = [getattr(self.labels, side) for side in self.labelled]
        makers = [None if side is None else side.by for side in told]
        if "grader" in makers:
            return "grader"
        return "people" if makers and set(makers) == {"people"} else None


def _lacking(name: str, items: Sequence[StatedModel | StatedSource]) -> Iterator[str]:
    if not items:
        yield name
        return
    for key in (part.name for part in fields(items[0]) if not part.metadata):
        if any(getattr(item, key) is None for item in items):
            yield f"{name}.{key}"


def _unlabelled(name: str, side: StatedRaters | None) -> Iterator[str]:
    if side is None or side == StatedRaters():
        yield name
        return
    # One grader is meant unless more are named, and one person has nobody to agree with.
    needless = "raters" if side.by == "grader" else "agreement" if side.raters == 1 else ""
    for part in fields(side):
        if getattr(side, part.name) is None and part.name != needless:
            yield f"{name}.{part.name}"


def merged(card: DataCard, known: DataCard, *, by: Teller) -> DataCard:
    """Lay a card over what a log or the columns of the data say.

    What the card states stands; what it does not state is taken from `known`; and where both say
    something else, or name other models and sources, that becomes a remark. With a log: the card
    over the log first, then both over the columns.

    Parameters
    ----------
    card : DataCard
        What somebody states.
    known : DataCard
        What the data says of itself.
    by : {"log", "column"}
        What `known` was taken from.

    Returns
    -------
    DataCard

    Examples
    --------
    >>> card = DataCard.of({"models": [{"name": "model-a", "version": "May 2026"}]})
    >>> log = {"models": [{"name": "model-a", "version": "June 2026", "settings": "temperature 0"}]}
    >>> both = merged(card, DataCard.of(log), by="log")
    >>> both.models[0].version, both.models[0].settings, both.models[0].told_by
    ('May 2026', 'temperature 0', ('card', 'log'))
    >>> print(*both.remarks)
    Model 'model-a': the card says version 'May 2026', the log 'June 2026'. The card's stands.
    """
    remarks = [*card.remarks, *known.remarks]
    models = _named("model", card.models, known.models, by, remarks)
    sources = _named("source", card.sources, known.sources, by, remarks)
    sides = {
        side: _laid(
            f"Labels of {side}s",
            getattr(card.labels, side),
            getattr(known.labels, side),
            by,
            remarks,
        )
        for side in SIDES
    }
    rest = _laid("Data", _Rest.of(card), _Rest.of(known), by, remarks)
    return replace(
        card,
        description=card.description or known.description,
        models=models,
        sources=sources,
        labels=StatedLabels(**sides),
        languages=rest.languages or (),
        dates=rest.dates,
        licence=rest.licence,
        remarks=tuple(dict.fromkeys(remarks)),
        labelled=tuple(side for side in card.labelled if side in known.labelled),
    )


@dataclass(frozen=True, slots=True)
class _Rest:
    languages: tuple[str, ...] | None
    dates: str | None
    licence: str | None

    @classmethod
    def of(cls, card: DataCard) -> "_Rest":
        return cls(card.languages or None, card.dates, card.licence)


_Item = TypeVar("_Item", StatedModel, StatedSource)
_Facts = TypeVar("_Facts")


def _named(
    noun: str, stated: Iterable[_Item], known: Iterable[_Item], by: Teller, remarks: list[str]
) -> tuple[_Item, ...]:
    """Lay one list over the other, name by name."""
    said: dict[str, _Item] = {item.name: item for item in stated}
    seen: dict[str, _Item] = {item.name: replace(item, told_by=(by,)) for item in known}
    if said and seen:
        remarks += _strangers(noun, said, seen, _TELLERS[by])
    made: list[_Item] = []
    for name in dict.fromkeys((*said, *seen)):
        one, other = said.get(name), seen.get(name)
        laid = _laid(f"{noun.capitalize()} {_short(name)}", one, other, by, remarks)
        tellers = dict.fromkeys(teller for item in (one, other) if item for teller in item.told_by)
        made.append(replace(laid, told_by=tuple(tellers)))
    return tuple(made)


def _strangers(
    noun: str, said: Mapping[str, object], seen: Mapping[str, object], teller: str
) -> Iterator[str]:
    only_said = [_short(name) for name in said if name not in seen]
    only_seen = [_short(name) for name in seen if name not in said]
    if only_said:
        yield f"The card describes {noun}s that {teller} does not name: {listing(only_said)}."
    if only_seen:
        yield f"{teller.capitalize()} names {noun}s that the card does not describe: {listing(only_seen)}."


def _laid(what: str, stated: _Facts, known: _Facts, by: Teller, remarks: list[str]) -> Any:
    """Lay what is stated of one thing over what is known of it."""
    if stated is None or known is None:
        return known if stated is None else stated
    filled = {}
    for part in fields(stated):  # type: ignore[arg-type]
        one, other = getattr(stated, part.name), getattr(known, part.name)
        if part.metadata or other is None:
            continue
        if one is None:
            filled[part.name] = other
        elif one != other:
            remarks.append(
                f"{what}: the card says {part.name} {_short(one)}, {_TELLERS[by]} {_short(other)}. "
                "The card's stands."
            )
    return replace(stated, **filled)  # type: ignore[type-var]


def _short(value: object) -> str:
    text = ", ".join(value) if isinstance(value, tuple) else str(value)
    return repr(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}...")
