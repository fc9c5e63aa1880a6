"""Looks at a gate whose data grow: how many were planned, and what each found.

A small JSON file carries them from one look to the next. A look at the data of an earlier one is
that look again and gives its verdict again; any other must add to what was there, must ask the same
rules at the same confidence, and must be one of those planned.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from riskshift.errors import FileError, UsageError
from riskshift.outputs.places import write_bytes
from riskshift.stats.planning.looks import look_confidence
from riskshift.stats.ranges import check_at_least_one

VERSION: Final = 1
_FRESH: Final = "Judge a fresh sample with a new looks file"
_MORE: Final = "A look is at all that was there before, and more"
_KINDS: Final[dict[str, type | tuple[type, ...]]] = {
    "version": int,
    "planned": int,
    "confidence": float,
    "rules": list,
    "done": list,
}
_VALUES: Final[dict[str, type]] = {"data_hash": str, "sizes": int, "verdicts": str}


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the data.

    Parameters
    ----------
    data_hash : dict of str to str
        Of the sorted counts of each part: ``data``, and where they are given ``baseline``,
        ``people`` and ``baseline_people``.
    sizes : dict of str to int
        How much each part held: records, and labels on them.
    confidence : float
        Two-sided, of the intervals at this look.
    verdicts : dict of str to str
        By check: ``pass``, ``fail`` or ``inconclusive``.
    """

    data_hash: dict[str, str]
    sizes: dict[str, int]
    confidence: float
    verdicts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Looks:
    """The looks planned for one gate, and those done.

    Parameters
    ----------
    planned : int
        How many looks there will be at most.
    confidence : float
        Two-sided, of all looks together.
    rules : tuple of str
        The rules, as they were written, sorted.
    done : tuple of Look
        In their order.

    Raises
    ------
    UsageError
        If no look is planned.

    Examples
    --------
    >>> looks = Looks.plan(4, rules=["escalation <= 1%"])
    >>> looks.number({"data": "a"}, {"data": 100}), looks.confidence_each
    (1, 0.9875)
    >>> looks = looks.with_look({"data": "a"}, {"data": 100}, {"escalation <= 1%": "inconclusive"})
    >>> looks.number({"data": "a"}, {"data": 100}), looks.number({"data": "b"}, {"data": 150})
    (1, 2)
    """

    planned: int
    confidence: float
    rules: tuple[str, ...]
    done: tuple[Look, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a plan without looks."""
        if not isinstance(self.planned, int):
            raise UsageError(f"looks is {self.planned!r}; it must be a whole number, such as 3.")
        check_at_least_one("looks", self.planned)

    @classmethod
    def plan(cls, planned: int, *, rules: Sequence[str], confidence: float = 0.95) -> "Looks":
        """Plan looks, before the first of them."""
        return cls(planned, confidence, tuple(sorted(rules)))

    @property
    def confidence_each(self) -> float:
        """Two-sided confidence of the intervals at each look."""
        return look_confidence(self.planned, confidence=self.confidence)

    def same_plan(self, planned: int | None, rules: Sequence[str], confidence: float) -> None:
        """Refuse what was not planned so before the first look.

        Raises
        ------
        UsageError
            If the number of looks, the rules or the confidence changed.
        """
        if planned is not None and planned != self.planned:
            raise UsageError(
                f"{planned} looks are asked for, but {self.planned} were planned before the first. The plan cannot "
                f"change once data were seen. {_FRESH}."
            )
        if tuple(sorted(rules)) != self.rules:
            changed = sorted(set(rules).symmetric_difference(self.rules)) or list(self.rules)
            raise UsageError(
                f"the rules are not those of the looks so far ({len(self.done)} of {self.planned}): {changed[0]!r} "
                f"differs. Rules that change once data were seen promise nothing. {_FRESH}."
            )
        if confidence != self.confidence:
            raise UsageError(
                f"the confidence is {confidence:.10g}, but the looks were planned at {self.confidence:.10g}. {_FRESH}."
            )

    def number(self, data_hash: Mapping[str, str], sizes: Mapping[str, int]) -> int:
        """Tell which look this is, from 1: an earlier one if the data are the same.

        Raises
        ------
        UsageError
            If a part of the data is new, gone or smaller than at the last look, if none is larger, or
            if no look is left.
        """
        for number, look in enumerate(self.done, 1):
            if look.data_hash == dict(data_hash):
                return number
        if self.done:
            _refuse_less(self.done[-1].sizes, sizes)
        if len(self.done) >= self.planned:
            raise UsageError(
                f"all {self.planned} planned looks are done, and these data are other ones. One more would err more "
                f"often than was promised. {_FRESH}."
            )
        return len(self.done) + 1

    def with_look(
        self,
        data_hash: Mapping[str, str],
        sizes: Mapping[str, int],
        verdicts: Mapping[str, str],
    ) -> "Looks":
        """Add a look; one at the data of an earlier look changes nothing.

        Raises
        ------
        UsageError
            As `number` does, and if the same data gave other verdicts than before.
        """
        number = self.number(data_hash, sizes)
        if number > len(self.done):
            look = Look(dict(data_hash), dict(sizes), self.confidence_each, dict(verdicts))
            return replace(self, done=(*self.done, look))
        before = self.done[number - 1].verdicts
        if before != dict(verdicts):
            changed = next(c for c in {**before, **verdicts} if before.get(c) != verdicts.get(c))
            raise UsageError(
                f"the same data as at look {number} gave another verdict on {changed!r}: "
                f"{verdicts.get(changed, 'none')}, then {before.get(changed, 'none')}. Read the data as they were read "
                f"then (groups, clusters, prompt labels). {_FRESH}, otherwise."
            )
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {
            "version": VERSION,
            "planned": self.planned,
            "confidence": self.confidence,
            "rules": list(self.rules),
            "done": [asdict(look) for look in self.done],
        }


def read_looks(path: str | Path) -> Looks | None:
    """Read a looks file; None where there is none yet.

    Raises
    ------
    FileError
        If it cannot be read or is no looks file.
    """
    place = Path(path)
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise FileError(f"{path}: cannot read the looks: {error}.") from error
    fault = _fault(found)
    if fault:
        raise FileError(f"{path} is not a file of looks: {fault}. Name another file.")
    looks = [Look(**look) for look in found["done"]]
    return Looks(found["planned"], found["confidence"], tuple(found["rules"]), tuple(looks))


def write_looks(path: str | Path, looks: Looks) -> Path:
    """Write a looks file beside, then rename it, so that it is never half written.

    Raises
    ------
    OutputError
        If it cannot be written; what stood there before is then still there.
    """
    text = json.dumps(looks.to_dict(), indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    return write_bytes(Path(path), text.encode())


def _refuse_less(before: Mapping[str, int], now: Mapping[str, int]) -> None:
    for part in sorted(set(before) ^ set(now)):
        change = "are new" if part in now else "are gone"
        raise UsageError(f"{part} {change} since the last look. {_MORE}. {_FRESH}, otherwise.")
    for part, count in now.items():
        if count < before[part]:
            raise UsageError(
                f"there are {count:,} {part}, and {before[part]:,} at the last look. {_MORE}: add the new records to "
                f"the old. {_FRESH}, otherwise."
            )
    if dict(now) == dict(before):
        raise UsageError(
            f"the data are other ones than at the last look, but no more. {_MORE}. {_FRESH}, otherwise."
        )


def _fault(found: Any) -> str | None:
    """Say what keeps this from being looks."""
    if not isinstance(found, dict):
        return "it holds no object"
    for key, kind in _KINDS.items():
        if not isinstance(found.get(key), kind) or isinstance(found[key], bool):
            return f"{key!r} is {found.get(key)!r}"
    if found["version"] != VERSION or found["planned"] < max(1, len(found["done"])):
        return f"version {found['version']}, {len(found['done'])} of {found['planned']} looks"
    if not 0 < found["confidence"] < 1:
        return f"'confidence' is {found['confidence']!r}"
    if not all(isinstance(rule, str) for rule in found["rules"]):
        return f"'rules' is {found['rules']!r}"
    return next((fault for look in found["done"] if (fault := _fault_of_look(look))), None)


def _fault_of_look(look: Any) -> str | None:
    """Say what keeps this from being one look."""
    if not isinstance(look, dict) or set(look) != {*_VALUES, "confidence"}:
        return f"a look holds {', '.join(look) if isinstance(look, dict) else look!r}"
    for key, kind in _VALUES.items():
        held = look[key]
        if not isinstance(held, dict) or not all(isinstance(v, kind) for v in held.values()):
            return f"{key!r} of a look is {held!r}"
    return None
