"""What people write in a card, checked against the classes that hold it: their fields are its keys."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date, datetime, time
from typing import Any, Final, Literal, TypeVar, get_args, get_origin, get_type_hints

from riskshift.analysis.plain import bare
from riskshift.errors import UsageError, unknown_choice

T = TypeVar("T")
# Marks a field that riskshift fills in, so that no card may hold it.
OURS: Final = {"ours": True}


def made_of(of: type[T], found: object, place: str, *, above: Sequence[str] = ()) -> T:
    """Make a frozen dataclass of a table.

    Parameters
    ----------
    of : type
        A dataclass of texts, numbers, lists and further dataclasses.
    found : object
        The table, as TOML gives it.
    place : str
        Where it stands, for messages: the file, then the key that leads there.
    above : sequence of str
        Keys of the card itself, for those that slipped into a table below.

    Raises
    ------
    UsageError
        If it is no table, has an unknown key, lacks one, or a value is of another type.

    Examples
    --------
    >>> from riskshift.analysis.stated.card import StatedModel
    >>> made_of(StatedModel, {"name": "model-a", "version": " May 2026 "}, "card.toml: models 1").version
    'May 2026'
    >>> made_of(StatedModel, {"name": "model-a", "verison": "2"}, "card.toml: models 1")
    Traceback (most recent call last):
        ...
    riskshift.errors.UsageError: card.toml: models 1: key 'verison' is unknown (did you mean 'version'?). ...
    """
    if not isinstance(found, Mapping):
        raise UsageError(f"{place} is {_shown(found)}; it must be a table of keys and values.")
    known = {field.name: field for field in fields(of) if not field.metadata}  # type: ignore[arg-type]
    for key in found:
        if key not in known:
            raise _unknown(place, str(key), list(known), above)
    hints = get_type_hints(of, include_extras=True)
    values = {
        key: _value(hints[key], value, f"{place}: {key}", known) for key, value in found.items()
    }
    stated = {key: value for key, value in values.items() if value is not None}
    for name, field in known.items():
        if name not in stated and _needed(field):
            raise UsageError(f"{place}: {name} is missing; every table of these needs one.")
    return of(**stated)


def _needed(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _unknown(place: str, key: str, known: Sequence[str], above: Sequence[str]) -> UsageError:
    fault = unknown_choice(f"{place}: key", key, known)
    if key not in above:
        return fault
    return UsageError(
        f"{fault} {key} is a key of the card itself: write it above the first [table]."
    )


def _value(hint: Any, found: object, place: str, above: Mapping[str, object]) -> Any:
    of = bare(hint)
    if get_origin(of) is tuple:
        return _list(get_args(of)[0], found, place, above)
    if is_dataclass(of) and isinstance(of, type):
        return made_of(of, found, place, above=list(above))
    if get_origin(of) is Literal:
        return _choice(found, place, get_args(of))
    return _number(found, place) if of is int else _text(found, place)


def _text(found: object, place: str) -> str | None:
    """Read a text in one line, or a date; a blank one states nothing."""
    if isinstance(found, date | datetime | time):
        return found.isoformat()
    if not isinstance(found, str):
        raise UsageError(f"{place} is {_shown(found)}; write a text in quotes.")
    return " ".join(found.split()) or None


def _choice(found: object, place: str, choices: Sequence[str]) -> str | None:
    text = _text(found, place)
    if text is not None and text not in choices:
        raise unknown_choice(place, text, choices)
    return text


def _number(found: object, place: str) -> int:
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise UsageError(f"{place} is {_shown(found)}; write a whole number from 1 up.")
    return found


def _list(of: Any, found: object, place: str, above: Mapping[str, object]) -> tuple[Any, ...]:
    tables = is_dataclass(of)
    if not isinstance(found, Sequence) or isinstance(found, str):
        key = place.rpartition(": ")[2]
        how = f"tables, each headed [[{key}]]" if tables else 'texts, such as ["en", "de"]'
        raise UsageError(f"{place} is {_shown(found)}; write a list of {how}.")
    if tables:
        entries = tuple(
            made_of(of, entry, f"{place} {at}", above=list(above))
            for at, entry in enumerate(found, 1)
        )
        _refuse_twins([entry.name for entry in entries], place)
        return entries
    texts = (_text(entry, f"{place}, entry {at}") for at, entry in enumerate(found, 1))
    return tuple(dict.fromkeys(text for text in texts if text is not None))


def _refuse_twins(names: Sequence[str], place: str) -> None:
    for at, name in enumerate(names):
        if name in names[:at]:
            raise UsageError(f"{place}: {_shown(name)} is named twice; say all of it in one table.")


def _shown(found: object) -> str:
    """Show a value, cut short: what people write may be long."""
    if isinstance(found, Mapping):
        return "a table"
    text = repr(found)
    return text if len(text) <= 80 else f"{text[:77]}..."
