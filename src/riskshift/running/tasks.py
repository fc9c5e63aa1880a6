"""What rows come to: each text once, whoever answered it and however many rows repeat it."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from riskshift.formats.exchange import BLOCKED
from riskshift.graders.asking import NO_TEXT, Task, Ungraded
from riskshift.running.pairs import Pairs
from riskshift.running.raters import Rater, share_labels

_BETWEEN: Final = (",", ":")


@dataclass(frozen=True, slots=True)
class Item:
    """A text, or a pair of them, that a rater is asked about once.

    Parameters
    ----------
    rater : Rater
        Who is asked.
    task : Task
        The texts, as far as the rater may see them.
    key : str
        What tells it from all others: see `key_of`.
    """

    rater: Rater
    task: Task = field(repr=False)
    key: str

    @property
    def about(self) -> dict[str, str]:
        """What the journal notes beside its answers."""
        return {
            "grader": self.rater.grader.facts.name,
            "model": self.rater.model,
            "fingerprint": self.rater.grader.fingerprint,
            "side": self.task.side,
        }


@dataclass(frozen=True, slots=True)
class Wish:
    """Labels that a row lacks, and what will tell them.

    Parameters
    ----------
    row : int
        Which row.
    rater : Rater
        Whose labels.
    side : {"prompt", "response", "pair"}
        The task.
    roles : tuple of str
        The labels.
    keys : tuple of str
        Of the items, one for each time that it is asked; none if it cannot be asked.
    unasked : Ungraded or None
        Why it cannot.
    """

    row: int
    rater: Rater
    side: str
    roles: tuple[str, ...]
    keys: tuple[str, ...] = ()
    unasked: Ungraded | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """All wishes of all rows, and the items that grant them.

    Parameters
    ----------
    wishes : sequence of Wish
        By row.
    items : dict of str to Item
        By key; those that are asked first come first.
    as_raters : bool
        Whether several label the same, so that each has rows of its own.
    """

    wishes: Sequence[Wish] = field(repr=False)
    items: dict[str, Item] = field(repr=False)
    as_raters: bool


def key_of(rater: Rater, task: Task, again: int = 0) -> str:
    """Name an item by a hash of all that can change its answer.

    Parameters
    ----------
    rater : Rater
        The fingerprint of its grader and its model count.
    task : Task
        Its side and texts count.
    again : int, default 0
        How often it was asked before.
    """
    told = [rater.grader.fingerprint, rater.model, task.side, task.prompt, task.response]
    # Escaped, so that half a surrogate pair has bytes too.
    text = json.dumps(told + [again] * (again > 0), separators=_BETWEEN)
    return sha256(text.encode()).hexdigest()[:32]


def plan_tasks(pairs: Pairs, raters: Sequence[Rater], *, side: str, repeat: int = 1) -> Plan:
    """Say what must be asked so that no label is missing that can be had.

    A label that is there is kept, and not asked for; where several raters label the same, each is
    asked about every text, for one's labels are not another's.

    Parameters
    ----------
    pairs : Pairs
        The rows.
    raters : sequence of Rater
        Who is asked.
    side : {"prompt", "response", "both"}
        What is to be labelled.
    repeat : int, default 1
        How often everything is asked.
    """
    as_raters = share_labels(raters, side)
    asked = list(_asked(raters, side))
    prompts, responses = pairs.text("prompt"), pairs.text("response")
    blocked = _blocked(pairs)
    wishes: list[Wish] = []
    rounds: list[dict[str, Item]] = [{} for _ in range(repeat)]
    for row in range(len(pairs.rows)):
        for rater, kind, roles in asked:
            lacking = (
                roles if as_raters else tuple(r for r in roles if pairs.labels[r][row] is None)
            )
            if not lacking:
                continue
            task = Task(
                kind,
                None if kind == "response" else prompts[row],
                None if kind == "prompt" else responses[row],
            )
            if unasked := _unasked(task, blocked[row]):
                wishes.append(Wish(row, rater, kind, lacking, unasked=unasked))
                continue
            keys = tuple(key_of(rater, task, again) for again in range(repeat))
            for key, items in zip(keys, rounds, strict=True):
                items.setdefault(key, Item(rater, task, key))
            wishes.append(Wish(row, rater, kind, lacking, keys))
    return Plan(wishes, {k: item for items in rounds for k, item in items.items()}, as_raters)


def _asked(raters: Iterable[Rater], side: str) -> Iterator[tuple[Rater, str, tuple[str, ...]]]:
    for rater in raters:
        for kind, roles in rater.tasks(side).items():
            yield rater, kind, roles


def _unasked(task: Task, blocked: bool) -> Ungraded | None:
    """Say why a task cannot be asked. What stands in place of a blocked response is none."""
    if blocked and task.side != "prompt":
        return Ungraded(NO_TEXT, f"the response was {BLOCKED}")
    lacking = [
        name
        for name, text in (("prompt", task.prompt), ("response", task.response))
        if text is None and task.side in (name, "pair")
    ]
    return Ungraded(NO_TEXT, f"empty {lacking[0]}") if lacking else None


def _blocked(pairs: Pairs) -> list[bool]:
    names = pairs.names
    if "status" not in names:
        return [False] * len(pairs.rows)
    at = names.index("status")
    return [str(row[at]).strip().casefold() == BLOCKED for row in pairs.rows]
