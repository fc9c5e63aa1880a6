"""The file that labelling leaves: the pairs as they were, their labels, and how each came about."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from riskshift.formats.exchange import UNSCORED, cell
from riskshift.graders.asking import LACKING, Graded, Outcome, Ungraded
from riskshift.outputs.sheets import write_rows
from riskshift.reading.layout import DataFile
from riskshift.reading.logs import TYPES, kind_of
from riskshift.records import NAMING
from riskshift.running.labelling.flicker import flickers
from riskshift.running.pairs import Pairs
from riskshift.running.raters import Rater
from riskshift.running.tasks import Plan, Wish
from riskshift.scratch import scratch

NOT_ASKED: Final = "not asked yet (--limit)"
# Whose labels they are that were there before, where others label the same.
GIVEN: Final = "given"
_ANNOTATOR: Final = "annotator"
_BESIDE: Final = ("grader", "grader_fingerprint", "saw_other_side", "flickered", "ungraded")
_RAW: Final = "raw_"
_AND: Final = " + "
_LEAST: Final = 1 << 20


@dataclass(slots=True)
class Ledger:
    """What became of the labels that were lacking.

    Parameters
    ----------
    filled : Counter of str
        Labels that were given, by role.
    ungraded : Counter of str
        Texts without labels, by reason; a text counts once a grader, however many rows repeat it.
    """

    filled: Counter[str] = field(default_factory=Counter)
    ungraded: Counter[str] = field(default_factory=Counter)
    _seen: set[object] = field(default_factory=set)

    def note(self, wish: Wish, why: Ungraded) -> str:
        """Count a text without labels, and say so in a line."""
        # What cannot be asked has no key: there each row is its own.
        text = wish.keys[0] if wish.keys else (wish.rater, wish.side, wish.row)
        if text not in self._seen:
            self._seen.add(text)
            self.ungraded[why.reason] += 1
        more = f" ({why.detail})" if why.detail else ""
        return f"{wish.side}: {why.reason}{more}"


@dataclass(frozen=True, slots=True)
class Told:
    """What a rater tells of a row: labels by role, and what stands beside them."""

    rater: Rater
    labels: Mapping[str, str]
    raw: Mapping[str, Any]
    saw_other_side: bool
    flickered: bool | None
    ungraded: tuple[str, ...]


def write_labelled(
    output: Path, pairs: Pairs, plan: Plan, outcomes: Mapping[str, Outcome]
) -> Ledger:
    """Write the pairs with their labels, beside first, then renamed.

    Parameters
    ----------
    output : Path
        ``.parquet``, ``.jsonl`` or ``.csv``.
    pairs : Pairs
        As they were.
    plan : Plan
        Which labels were lacking.
    outcomes : mapping of str to Outcome
        What became of the items, by key.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    ledger = Ledger()
    made = _Rows(pairs, plan, outcomes, ledger)
    types: dict[str, int] = {}
    longest = _LEAST
    with scratch() as folder:
        place = folder / "rows.jsonl"
        with place.open("wb") as spooled:
            for row in made.rows():
                line = json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
                spooled.write(line)
                longest = max(longest, len(line))
                for name, value in row.items():
                    types[name] = max(types.get(name, 0), kind_of(value))
        file = DataFile(place, "jsonl", "none", output.name, longest=longest)
        columns = {name: TYPES[kind] for name, kind in types.items()}
        named = pairs.records.options.columns
        write_rows(output, [file], columns, kept={named[role] for role in (*NAMING, *made.roles)})
    return ledger


class _Rows:
    def __init__(
        self, pairs: Pairs, plan: Plan, outcomes: Mapping[str, Outcome], ledger: Ledger
    ) -> None:
        self._pairs = pairs
        self._plan = plan
        self._outcomes = outcomes
        self._ledger = ledger
        asked = dict.fromkeys(role for wish in plan.wishes for role in wish.roles)
        there = [role for role in pairs.labels if pairs.records.column(role)]
        self.roles = [role for role in pairs.labels if role in there or role in asked]
        self._by_row: dict[int, list[Wish]] = {}
        for wish in plan.wishes:
            self._by_row.setdefault(wish.row, []).append(wish)
        self._raw = self._raw_roles()
        self._repeated = any(len(wish.keys) > 1 for wish in plan.wishes)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield each row; where several label the same, one for each of them."""
        numbered = self._plan.as_raters and not any(
            map(self._pairs.records.column, ("record_id", "prompt_id"))
        )
        for at, values in enumerate(self._pairs.rows):
            row = dict(zip(self._pairs.names, values, strict=True))
            if numbered:
                row["record_id"] = at + 1
            told = self._told(at)
            if self._plan.as_raters:
                yield from self._as_raters(at, row, told)
            else:
                yield self._labelled(row, self._given(at), told)

    def _as_raters(
        self, at: int, row: dict[str, Any], told: Sequence[Told]
    ) -> Iterator[dict[str, Any]]:
        given = self._given(at)
        if any(given.values()):
            yield self._labelled(row | {_ANNOTATOR: GIVEN}, given, [])
        for one in told:
            yield self._labelled(
                row | {_ANNOTATOR: one.rater.name}, dict.fromkeys(self.roles), [one]
            )

    def _given(self, at: int) -> dict[str, str | None]:
        return {role: self._pairs.labels[role][at] for role in self.roles}

    def _labelled(
        self, row: dict[str, Any], labels: dict[str, str | None], told: Sequence[Told]
    ) -> dict[str, Any]:
        """Put labels into a row, and beside them how they came about."""
        columns = self._pairs.records.options.columns
        new = {role: label for one in told for role, label in one.labels.items()}
        row |= {columns[role]: label for role, label in (labels | new).items()}
        raw = {role: value for one in told for role, value in one.raw.items()}
        row |= {
            _RAW + role: cell(raw[role]) if role in raw else row.get(_RAW + role)
            for role in self._raw
        }
        if row.get("status") == UNSCORED and any(role.startswith("response_") for role in new):
            row["status"] = None
        return row | self._beside(row, told)

    def _beside(self, row: Mapping[str, Any], told: Sequence[Told]) -> dict[str, Any]:
        """Say who labelled a row; what an earlier run said stays beside it."""
        made = [one for one in told if one.labels]
        severe = [one for one in made if any(_is_severity(role) for role in one.labels)]
        before = {name: row.get(name) for name in _BESIDE}
        saw = str(any(one.saw_other_side for one in severe)).lower()
        known = [one.flickered for one in told if one.flickered is not None]
        beside = {
            "grader": _joined(before["grader"], [one.rater.name for one in made]),
            "grader_fingerprint": _joined(
                before["grader_fingerprint"], [one.rater.grader.fingerprint for one in made]
            ),
            "saw_other_side": saw if severe else before["saw_other_side"],
            "flickered": str(any(known)).lower() if known else before["flickered"],
            "ungraded": "; ".join(line for one in told for line in one.ungraded) or None,
        }
        if not self._repeated and before["flickered"] is None:
            del beside["flickered"]
        return beside

    def _told(self, at: int) -> list[Told]:
        """Return what each rater tells of a row."""
        by_rater: dict[Rater, list[Wish]] = {}
        for wish in self._by_row.get(at, ()):
            by_rater.setdefault(wish.rater, []).append(wish)
        return [self._of(rater, wishes) for rater, wishes in by_rater.items()]

    def _of(self, rater: Rater, wishes: Sequence[Wish]) -> Told:
        labels: dict[str, str] = {}
        raw: dict[str, Any] = {}
        ungraded: list[str] = []
        saw = False
        for wish in wishes:
            outcome = self._outcome(wish)
            if isinstance(outcome, Ungraded):
                ungraded.append(self._ledger.note(wish, outcome))
                continue
            granted = [role for role in wish.roles if role in outcome.labels]
            labels |= {role: outcome.labels[role] for role in granted}
            raw |= {role: outcome.raw[role] for role in granted if role in outcome.raw}
            saw = saw or (outcome.saw_other_side and any(map(_is_severity, granted)))
            if len(granted) < len(wish.roles):
                ungraded.append(self._ledger.note(wish, Ungraded(LACKING)))
        self._ledger.filled.update(labels.keys())
        changed = [flickers(wish, self._outcomes) for wish in wishes]
        known = [one for one in changed if one is not None]
        return Told(rater, labels, raw, saw, any(known) if known else None, tuple(ungraded))

    def _outcome(self, wish: Wish) -> Outcome:
        if wish.unasked:
            return wish.unasked
        return self._outcomes.get(wish.keys[0], Ungraded(NOT_ASKED))

    def _raw_roles(self) -> list[str]:
        """Return the labels of which some grader said more than the level."""
        finer = {
            role
            for outcome in self._outcomes.values()
            if isinstance(outcome, Graded)
            for role in outcome.raw
        }
        return [role for role in self._pairs.labels if role in finer]


def _is_severity(role: str) -> bool:
    return role.startswith(("prompt_", "response_"))


def _joined(before: object, names: Sequence[str]) -> str | None:
    old = str(before).split(_AND) if before else []
    return _AND.join(dict.fromkeys([*old, *names])) or None
