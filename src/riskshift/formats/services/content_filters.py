"""What content filters of Azure say of a prompt and of an answer, in whatever record it stands."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from riskshift.formats.json_text import at
from riskshift.formats.services.calls import dicts, largest
from riskshift.taxonomy import SIDES, Taxonomy

TAXONOMY: Final = Taxonomy()
_LEVELS: Final = {level.casefold(): level for level in TAXONOMY.levels}
# What newer APIs call the text that was looked at.
_SOURCES: Final = dict(zip(("prompt", "completion"), SIDES, strict=True))


@dataclass(frozen=True, slots=True)
class Filtered:
    """What filters said of both sides of one exchange.

    Parameters
    ----------
    of_prompt, of_response : sequence
        Results, one a part of the text: by category what was found.
    stopped : sequence of str
        The sides that a filter is said to have kept back.
    """

    of_prompt: Sequence[Any]
    of_response: Sequence[Any]
    stopped: Sequence[str] = ()

    @classmethod
    def of(cls, annotations: Any) -> Self:
        """Read a list of annotations that each name the side they speak of."""
        sides: dict[str, list[Any]] = {side: [] for side in SIDES}
        stopped = []
        for one in dicts(annotations):
            side = _SOURCES.get(str(one.get("source_type")))
            if side is None:
                continue
            sides[side].append(one.get("content_filter_results"))
            stopped += [side] if one.get("blocked") is True else []
        return cls(sides[SIDES[0]], sides[SIDES[1]], stopped)

    @property
    def labels(self) -> dict[str, str | None]:
        """Severities by role."""
        return _labels(SIDES[0], self.of_prompt) | _labels(SIDES[1], self.of_response)

    @property
    def acted_on(self) -> list[str]:
        """What a filter acted on in the answer, or that it was kept back."""
        named = acted_on(self.of_response)
        return named or (["response"] if SIDES[1] in self.stopped else [])

    @property
    def detected(self) -> dict[str, bool]:
        """What was looked for without a severity, such as jailbreaks."""
        return _detected(SIDES[0], self.of_prompt) | _detected(SIDES[1], self.of_response)


def acted_on(results: Iterable[Any]) -> list[str]:
    """Return what a filter acted on.

    Examples
    --------
    >>> acted_on([{"hate": {"filtered": True}, "sexual": {"filtered": False}}])
    ['hate']
    """
    known = (one for one in results if isinstance(one, dict))
    acted = (name for one in known for name, held in one.items() if at(held, "filtered") is True)
    return list(dict.fromkeys(acted))


def _labels(side: str, results: Sequence[Any]) -> dict[str, str | None]:
    """Return the largest severity by category; none if the filter failed on a part of the text."""
    known = [one for one in results if isinstance(one, dict)]
    if any(one.get("error") for one in known):
        return {}
    return {f"{side}_{name}": largest(_said(known, name), _LEVELS) for name in TAXONOMY.categories}


def _said(known: Sequence[Mapping[str, Any]], category: str) -> list[Any]:
    found = []
    for one in known:
        severity = at(one.get(category), "severity")
        if severity is not None:
            found.append(severity.casefold() if isinstance(severity, str) else severity)
    return found


def _detected(side: str, results: Sequence[Any]) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for one in results:
        for name, held in one.items() if isinstance(one, dict) else ():
            if isinstance(at(held, "detected"), bool):
                column = f"{name}_in_{side}"
                found[column] = found.get(column, False) or held["detected"]
    return found
