"""modelbench: the journal of a run, whose lines on many items are mixed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from riskshift.formats.exchange import ERROR, NEVER, Entry, Exchange, Fact, LeftOut
from riskshift.formats.format import Format
from riskshift.formats.json_text import at
from riskshift.formats.log import Log

# What the tests of modelbench measure an item by, and what the only annotator said where they do not.
_IS_SAFE: Final = "is_safe"
_ENDS: Final = ("item finished", "item failed")


@dataclass(slots=True)
class _Item:
    """What the lines on one item tell."""

    prompt: str | None = None
    response: str | None = None
    failed: bool = False
    said: dict[str, Any] = field(default_factory=dict)
    measured: dict[str, Any] = field(default_factory=dict)

    def take(self, line: dict[str, Any]) -> None:
        """Take in what a line tells; what is fetched, cached or overridden is not the last word."""
        match line.get("message"):
            case "queuing item":
                self.prompt = line.get("prompt_text")
            case "translated sut response":
                self.response = line.get("response_text")
            case "sut exception":
                self.failed = True
            case "translated annotation":
                # An annotation that is not valid says so, and is none.
                valid = at(line, "annotation.is_valid") is not False
                verdict = at(line, "annotation.is_safe") if valid else None
                self.said[str(line.get("annotator"))] = verdict
            case "annotator exception":
                self.said[str(line.get("annotator"))] = None
            case "measured item quality":
                self.measured = line.get("measurements") or {}

    def entry(self, test: str, prompt_id: str, model: str) -> Entry:
        """Return what it comes to."""
        if self.response is None:
            return LeftOut(ERROR if self.failed else NEVER)
        return Exchange(
            prompt=self.prompt,
            response=self.response,
            prompt_id=f"{test} {prompt_id}",
            model=model,
            scores=self._scores(),
            tags={"test": test},
        )

    def _scores(self) -> dict[str, Any]:
        scores = {name: value for name, value in self.measured.items() if name != _IS_SAFE}
        scores |= {f"{name}.{_IS_SAFE}": verdict for name, verdict in self.said.items()}
        if _IS_SAFE in self.measured:
            # Of an item that some annotator gave no verdict on, the measure is not one of all.
            whole = None not in self.said.values()
            scores[_IS_SAFE] = self.measured[_IS_SAFE] if whole else None
        elif len(self.said) == 1:
            scores[_IS_SAFE] = next(iter(self.said.values()))
        return scores


def _entries(log: Log) -> Iterator[Entry]:
    items: dict[tuple[str, str, str], _Item] = {}
    for place, line in log.lines():
        if not isinstance(line, dict):
            log.fault(f"{place} is no object.")
            continue
        if line.get("message") == "starting run":
            names = {"date": "timestamp", "run": "run_id", "benchmarks": "benchmarks"}
            yield from (Fact(name, line[key]) for name, key in names.items() if line.get(key))
        if line.get("prompt_id") is None:
            continue
        key = (str(line.get("test")), str(line["prompt_id"]), str(line.get("sut")))
        if line.get("message") in _ENDS:
            yield items.pop(key, _Item()).entry(*key)
        else:
            items.setdefault(key, _Item()).take(line)
    for key, item in items.items():
        yield item.entry(*key)


MODELBENCH: Final = Format(
    name="modelbench",
    title="modelbench: the journal of a run (JSON lines, often .zst)",
    labels=(
        "Responses: Safe or Harmful, where modelbench measured is_safe or had one annotator. Of several the one that "
        "counts must be declared. Prompts are not labelled."
    ),
    source="A journal that modelbench 1.0.0 wrote with three annotators, and its source.",
    recognise=lambda log: any(
        isinstance(one, dict) and one.get("class") == "RunJournal" for one in log.first[:1]
    ),
    known={_IS_SAFE: "safe"},
    entries=_entries,
)
