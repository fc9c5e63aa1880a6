"""Which columns of data that nobody described probably hold texts, ids and labels."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from riskshift.collapse.likely import like_models, like_prompts
from riskshift.direction import points
from riskshift.engines import engine
from riskshift.records import Records
from riskshift.taxonomy import HARM, MAX_LEVELS, SIDES, Taxonomy

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SIDE: Final = {
    SIDES[0]: frozenset(
        {"prompt", "question", "query", "instruction", "input", "request", "goal", "behavior"}
        | {"behaviour", "user", "task", "problem"}
    ),
    SIDES[1]: frozenset(
        {"response", "answer", "output", "completion", "generation", "reply", "assistant"}
        | {"prediction", "generated", "continuation"}
    ),
}
_LABEL: Final = frozenset(
    {
        "label",
        "labels",
        "harm",
        "harmful",
        "unsafe",
        "safe",
        "safety",
        "toxic",
        "toxicity",
        "verdict",
    }
    | {"flagged", "jailbroken", "jailbreak", "judgement", "judgment", "grade", "rating", "severity"}
    | {"score", "violation", "harmless", "annotation"}
)
_NO_TEXT: Final = _LABEL | {"id", "ids", "uid", "idx", "index", "model", "length", "tokens", "type"}
_SAMPLE: Final = frozenset({"sample", "epoch", "repeat", "repetition", "trial", "attempt", "run"})
_FLAGS: Final = frozenset({"0", "1", "0.0", "1.0", "true", "false"})
_YES_NO: Final = Taxonomy(HARM.categories, ("No", "Yes"))
_BLANK: Final = frozenset({"", "nan", "null", "na"})
_MARKS: Final = frozenset({"-1", "-1.0", "n/a", "?", "error", "failed", "invalid", "unparseable"})
# What columns of categories are called; of others only an object of yes and no is taken for one.
_CATEGORIES: Final = _LABEL | {
    "category",
    "categories",
    "harms",
    "violated",
    "violations",
    "hazards",
}
_LOOKED_AT: Final = 50


@dataclass(frozen=True, slots=True)
class Likely:
    """What columns probably are.

    Parameters
    ----------
    taxonomy : Taxonomy or None
        Of the labels; None if no column looks like one.
    columns : dict of str to str
        By role a column of another name that probably plays it.
    invert : tuple of str
        Labels whose 1 or true is probably safe.
    missing : tuple of str
        What probably stands where there is no label.
    categories_in : dict of str to str
        By side a column that probably holds the labels of all categories.
    unread : tuple of str
        Columns that are called like labels and hold what are no levels, such as scores.
    """

    taxonomy: Taxonomy | None
    columns: dict[str, str] = field(default_factory=dict)
    invert: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    categories_in: dict[str, str] = field(default_factory=dict)
    unread: tuple[str, ...] = ()


def likely_columns(records: Records) -> Likely:
    """Guess which columns play which role, by their names and by what labels hold.

    Parameters
    ----------
    records : Records
        Assembled, not bound: their labels may be anywhere.

    Returns
    -------
    Likely
        For somebody to confirm; nothing is analyzed by it unasked.
    """
    columns: dict[str, str] = {}
    for side in SIDES:
        text = next((name for name in records.names if _is_text(name, side)), None)
        if text is not None and side not in records.names:
            columns[side] = text
    ids = [name for role, name in like_prompts(records) if role == "prompt_id"]
    if ids and not records.column("prompt_id"):
        columns["prompt_id"] = ids[0]
    models = like_models(records)
    if models and not records.column("model"):
        columns["model"] = models[0]
    for name in records.names:
        if _SAMPLE & _words(name) and not records.column("sample"):
            columns.setdefault("sample", name)
    return _with_labels(records, columns)


def _is_text(name: str, side: str) -> bool:
    words = _words(name)
    return bool(words & _SIDE[side]) and not words & _NO_TEXT


def _with_labels(records: Records, columns: dict[str, str]) -> Likely:
    own = _own_labels(records)
    if own is not None:
        return replace(own, columns=columns)
    taxonomy, invert, missing, unread = None, list[str](), set[str](), list[str]()
    for name in records.names:
        words = _words(name)
        if not words & _LABEL or name in columns.values():
            continue
        side = SIDES[0] if words & _SIDE[SIDES[0]] else SIDES[1]
        role = f"{side}_{HARM.categories[0]}"
        values, marks = _without_marks(values_in(records, name))
        found = levels_of(values)
        if found is not None and found.levels == _YES_NO.levels and points(name) < 0:
            found = Taxonomy(found.categories, found.levels[::-1])
        if found is None:
            unread.append(name)
        if found is None or role in columns or (taxonomy is not None and found != taxonomy):
            continue
        missing |= marks
        taxonomy = found
        if name != role:
            columns[role] = name
        if found == HARM and points(name) < 0:
            invert.append(role)
    nested = _nested(records) if taxonomy is None else {}
    columns = {role: name for role, name in columns.items() if name not in nested.values()}
    marked = tuple(sorted(missing))
    return Likely(taxonomy, columns, tuple(invert), marked, nested, tuple(unread))


def _without_marks(values: Sequence[str]) -> tuple[list[str], set[str]]:
    """Tell labels from what probably stands where there is none."""
    marks = {value for value in values if value.casefold() in _MARKS}
    return [value for value in values if value not in marks], marks


def _nested(records: Records) -> dict[str, str]:
    """Return by side the first column that holds lists or objects of categories."""
    found: dict[str, str] = {}
    for name in records.names:
        words = _words(name)
        side = SIDES[0] if words & _SIDE[SIDES[0]] else SIDES[1]
        try:
            first = engine.fetch(records.frame.select(records.at(name)).head(_LOOKED_AT))
        except (engine.EngineError, ValueError):  # of arrays nothing can be told in one word
            continue
        held = [kind for row in first if (kind := _kind_of(row[0])) is not None]
        if held and (set(held) == {"flags"} or (words & _CATEGORIES and "" not in held)):
            found.setdefault(side, name)
    return found


def _kind_of(value: Any) -> str | None:
    """Tell a list of names and objects of yes and no from other values; nothing is None."""
    if isinstance(value, str) and value.strip()[:1] in ("[", "{"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return ""
    if value is None or (isinstance(value, str) and value.strip().casefold() in _BLANK):
        return None
    if isinstance(value, list):
        return "names" if all(isinstance(one, str) for one in value) else ""
    if not isinstance(value, dict) or any(isinstance(one, dict | list) for one in value.values()):
        return ""
    flags = all(one is None or isinstance(one, bool) for one in value.values())
    return "flags" if value and flags else "levels"


def _own_labels(records: Records) -> Likely | None:
    """Return the taxonomy of columns that are called as labels are, in categories of their own."""
    held: dict[str, list[str]] = {}
    for name in records.names:
        side, _, category = name.partition("_")
        if side in SIDES and category and category not in ("id", "benign", "intent"):
            held.setdefault(category, []).append(name)
    sides = {tuple(name.partition("_")[0] for name in names) for names in held.values()}
    values = {
        value for names in held.values() for name in names for value in values_in(records, name)
    }
    labels, marks = _without_marks(sorted(values))
    scale = levels_of(labels) if len(sides) == 1 else None
    if scale is None:
        return None
    return Likely(Taxonomy(tuple(held), scale.levels), missing=tuple(sorted(marks)))


def values_in(records: Records, column: str) -> list[str]:
    """Return the values of a column as text; none where they are too many for labels."""
    own = records.at(column)
    frame, refused = engine.plain(records.frame, [own])
    if refused:
        return []
    rows = engine.count_patterns(frame, [own], limit=MAX_LEVELS + 2)
    found = {"" if row[0] is None else str(row[0]).strip() for row in rows}
    found = {value for value in found if value.casefold() not in _BLANK}
    return sorted(found) if len(found) <= MAX_LEVELS else []


def levels_of(values: Sequence[str]) -> Taxonomy | None:
    """Return the taxonomy of one category that values look like; None if they are no labels.

    Examples
    --------
    >>> levels_of(["false", "true"]).levels, levels_of(["unsafe", "safe"]).levels
    (('Safe', 'Harmful'), ('safe', 'unsafe'))
    >>> levels_of(["no", "yes"]).levels
    ('No', 'Yes')
    >>> levels_of(["1", "2", "4"]).levels, levels_of(["0.13", "0.9"])
    (('1', '2', '3', '4'), None)
    """
    words = {value.casefold() for value in values}
    if not words:
        return None
    if words <= {level.casefold() for level in _YES_NO.levels}:
        return _YES_NO
    if words <= _FLAGS or words <= {level.casefold() for level in HARM.levels}:
        return HARM
    default = Taxonomy(HARM.categories)
    if words <= {level.casefold() for level in default.levels}:
        return default
    if all(re.fullmatch(r"\d{1,2}(\.0)?", word) for word in words):
        whole = sorted(int(float(word)) for word in words)
        low, high = min(whole[0], 1), whole[-1]
        if high - low >= MAX_LEVELS or high == low:
            return None
        # From 0 to 3, as the default levels are; any other scale by its own numbers.
        names = tuple(map(str, range(low, high + 1)))
        return default if (low, high) == (0, default.top) else Taxonomy(HARM.categories, names)
    ways: dict[int, Any] = {points(value): value for value in values}
    if len(values) == 2 and set(ways) == {-1, 1}:
        return Taxonomy(HARM.categories, (ways[-1], ways[1]))
    return None


def _words(name: str) -> set[str]:
    return {word.casefold() for word in _WORD.findall(name)}
