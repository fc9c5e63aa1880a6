"""Columns that probably play a role which nobody gave them."""

import re
from typing import Final

from riskshift.engines import engine
from riskshift.records import ROLES, Records, label_roles

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_MARK: Final = frozenset(
    {"id", "ids", "idx", "uid", "uuid", "guid", "index", "key", "hash", "no", "num", "number"}
)
_ALONE: Final = frozenset({"id", "uid", "uuid", "guid", "qid", "pid", "idx", "index", "key"})
_JOINED: Final = frozenset({"promptid", "questionid", "itemid", "taskid"})
_PROMPT: Final = frozenset(
    {
        "prompt",
        "question",
        "query",
        "item",
        "example",
        "case",
        "goal",
        "behavior",
        "behaviour",
        "task",
    }
    | {"instruction", "request", "attack", "seed", "scenario", "problem", "test", "q", "p", "input"}
)
_TEXT: Final = frozenset(
    {"question", "query", "instruction", "goal", "behavior", "behaviour", "request", "input"}
)
_RATER: Final = frozenset(
    {"rater", "annotator", "labeler", "labeller", "labelled", "labeled", "worker", "coder", "judge"}
    | {"reviewer", "expert", "crowdworker"}
)
_MODEL: Final = frozenset({"name", "id", "version", "under", "tested"})


def like_prompts(records: Records) -> list[tuple[str, str]]:
    """Return columns that look as if they told prompts apart, ids before texts.

    Returns
    -------
    list of (str, str)
        The role that each could play and its name; those that play a role already are left out.
    """
    ids, texts = [], []
    for name in _free(records):
        words = _words(name)
        if words and _is_id(name, words):
            ids.append(("prompt_id", name))
        elif words and (
            words[-1] in _TEXT or (words[-1] in ("prompt", "text") and "prompt" in words)
        ):
            texts.append(("prompt", name))
    return [*ids, *texts]


def _is_id(name: str, words: list[str]) -> bool:
    of_prompt = words[-1] in _MARK and bool(_PROMPT & set(words))
    return of_prompt or name.casefold() in _ALONE or words[-1] in _JOINED


def like_models(records: Records) -> list[str]:
    """Return columns that look as if they named models, though none plays that role."""
    return [
        name
        for name in _free(records)
        if (words := _words(name))[:1] == ["model"] and (words[1:2] or ["name"])[0] in _MODEL
    ]


def like_raters(records: Records) -> list[str]:
    """Return columns that look as if they named who rated, though none plays that role."""
    return [
        name
        for name in _free(records)
        if _RATER & set(_words(name)) or name.casefold() in ("completed_by", "who")
    ]


def values_of(records: Records, column: str) -> int | None:
    """Count a column's values; None where it holds what cannot be counted."""
    own = records.at(column)
    frame, refused = engine.plain(records.frame, [own])
    return None if refused else engine.repeats(frame, [own])[0]


def _free(records: Records) -> list[str]:
    roles = (*ROLES, *(role for pair in label_roles(records.options.taxonomy) for role in pair))
    taken = {records.options.columns[role] for role in roles}
    return [name for name in records.names if name not in taken]


def _words(name: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(name)]
