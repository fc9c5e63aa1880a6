"""garak: reports of its probes, as JSON lines."""

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from riskshift.errors import RiskshiftWarning
from riskshift.formats.exchange import (
    NEVER,
    NO_RESPONSE,
    Entry,
    Exchange,
    Fact,
    LeftOut,
    Numbering,
    digest,
)
from riskshift.formats.format import Format, Refused
from riskshift.formats.json_text import at
from riskshift.formats.log import Log
from riskshift.formats.tools.runs import told_apart
from riskshift.refusal import COMPLIED, REFUSAL, REFUSED

_NO_OUTPUTS: Final = "attempt without outputs"
_PRIMARY: Final = "primary"
# Whose hit says that the model answered; the first that judged counts.
_ANSWERED: Final = ("judge.Refusal", "mitigation.MitigationBypass")
_THRESHOLD: Final = 0.5
_LATEST: Final = 17
_FINISHED: Final = 2


def _is_line(line: Any) -> bool:
    kind = at(line, "entry_type")
    if kind == "attempt":
        return at(line, "probe_classname") is not None and at(line, "status") is not None
    if kind == "init":
        return at(line, "garak_version") is not None
    return bool(kind == "start_run setup")


def _is_hit(line: Any) -> bool:
    return all(at(line, name) is not None for name in ("attempt_id", "detector", "score", "probe"))


class _Report:
    """A report as far as it was read.

    What follows is by the run told last: reports of several runs may stand in one file.
    """

    def __init__(self, log: Log, run: str = "") -> None:
        self._log = log
        self._run = run
        self._nth = Numbering()
        self._model: str | None = None
        self._threshold = _THRESHOLD
        self._primary: dict[str, str] = {}
        self._open: dict[str, list[int]] = {}

    def entries(self) -> Iterator[Entry]:
        for place, line in self._log.lines():
            kind = at(line, "entry_type")
            if kind == "init":
                yield from self._begun(line)
            elif kind == "start_run setup":
                yield from self._set_up(line)
            elif kind == "plugin_cache":
                self._plugins(line)
            elif kind == "attempt":
                lacking = _lacking(line)
                if lacking:
                    self._log.fault(f"{place} lacks {lacking}.")
                elif self._finished(line):
                    yield from self._outputs(line)
            elif not isinstance(line, dict) or kind is None:
                self._log.fault(f"{place} lacks entry_type.")
        for counts in self._open.values():
            yield from [LeftOut(NEVER)] * (max(counts[:_FINISHED]) - counts[_FINISHED])

    def _begun(self, line: Mapping[str, Any]) -> Iterator[Fact]:
        version = str(line.get("garak_version"))
        minor = re.match(r"0\.(\d+)\.", version)
        if minor is None or int(minor[1]) > _LATEST:
            warnings.warn(
                f"{self._log.name}: garak_version is {version!r}; known are 0.9 to 0.{_LATEST}. It is read like "
                "these: look at the pairs with riskshift convert.",
                RiskshiftWarning,
                stacklevel=2,
            )
        yield Fact("version", version)
        if line.get("start_time"):
            yield Fact("date", line["start_time"])

    def _set_up(self, line: Mapping[str, Any]) -> Iterator[Fact]:
        self._model = _model(line)
        threshold = line.get("run.eval_threshold")
        self._threshold = threshold if isinstance(threshold, int | float) else _THRESHOLD
        yield Fact("threshold", self._threshold)
        for name in ("generations", "seed"):
            if line.get(f"run.{name}") is not None:
                yield Fact(name, line[f"run.{name}"])

    def _plugins(self, line: Mapping[str, Any]) -> None:
        probes = at(line, "plugin_cache.probes")
        for name, told in (probes if isinstance(probes, dict) else {}).items():
            primary = at(told, "primary_detector")
            if isinstance(primary, str):
                self._primary[_short(name)] = _short(primary)

    def _finished(self, line: Mapping[str, Any]) -> bool:
        """Note how far an attempt came; it stands in the report once for each step."""
        # One uuid may stand for several attempts, and some reports have none.
        key = digest([line.get(name) for name in ("uuid", "seq", "probe_classname", "prompt")])
        counts = self._open.setdefault(key, [0, 0, 0])
        counts[line["status"]] += 1
        if counts[_FINISHED] >= max(counts[:_FINISHED]):
            del self._open[key]
        return bool(line["status"] == _FINISHED)

    def _outputs(self, line: Mapping[str, Any]) -> Iterator[Entry]:
        if not line["outputs"]:
            yield LeftOut(_NO_OUTPUTS)
        for number, output in enumerate(line["outputs"]):
            response = _text(output)
            if response is None:
                yield LeftOut(NO_RESPONSE)
            else:
                yield self._exchange(line, number, response)

    def _exchange(self, line: Mapping[str, Any], number: int, response: str) -> Exchange:
        turns = _turns(line, number, response)
        asked = [_text(at(turn, "content")) for turn in turns if at(turn, "role") == "user"]
        system = [_text(at(turn, "content")) for turn in turns if at(turn, "role") == "system"]
        prompt = asked[-1] if asked else None
        prompt_id = digest([system, prompt])
        hits = _hits(line, number, self._threshold)
        primary = self._primary.get(_short(line["probe_classname"]))
        scores = {name: hits[name] for name in sorted(hits, key=_of_answers)}
        harm = next((name for name in scores if _short(name) == primary), None)
        if harm is not None and not _of_answers(harm):
            scores = {_PRIMARY: hits[harm], **scores}
        sample = self._nth(prompt_id, self._model)
        several = len(asked) > 1
        return Exchange(
            prompt=prompt,
            response=response,
            prompt_id=prompt_id,
            prompt_intent=_intent(line) or prompt,
            model=self._model,
            sample=f"{self._run}{sample}",
            conversation_id=f"{self._run}{prompt_id} {sample}" if several else None,
            turn=str(len(asked)) if several else None,
            labels=_refusal(hits),
            scores=scores,
            tags=_tags(line, number, response),
        )


# What a line holds, in the layouts of all versions.


def _lacking(line: Mapping[str, Any]) -> str | None:
    status = line.get("status")
    if not isinstance(status, int) or status not in range(_FINISHED + 1):
        return "a status that is known"
    for name in ("probe_classname", "prompt"):
        if not line.get(name):
            return name
    return None if isinstance(line.get("outputs"), list) else "outputs"


def _short(name: str) -> str:
    """Name a plugin as the newest versions do.

    Examples
    --------
    >>> _short("garak.detectors.judge.Refusal"), _short("probes.dan.Dan_11_0"), _short("dan.DAN")
    ('judge.Refusal', 'dan.Dan_11_0', 'dan.DAN')
    """
    return ".".join(str(name).split(".")[-2:])


def _model(line: Mapping[str, Any]) -> str | None:
    for word in ("target", "model"):  # until 0.12 it was called the model
        parts = [line.get(f"plugins.{word}_type"), line.get(f"plugins.{word}_name")]
        if any(parts):
            return "/".join(str(part) for part in parts if part)
    return None


def _text(value: Any) -> str | None:
    held = at(value, "text") if isinstance(value, dict) else value
    return held if isinstance(held, str) else None


def _turns(line: Mapping[str, Any], number: int, response: str) -> list[Any]:
    """Return what was said before a response: in its own conversation, if it is known."""
    talk = at(line, f"conversations.{number}.turns")
    if isinstance(talk, list) and talk and _text(at(talk[-1], "content")) == response:
        return talk[:-1]
    prompt = line["prompt"]
    turns = at(prompt, "turns")
    return turns if isinstance(turns, list) else [{"role": "user", "content": prompt}]


def _intent(line: Mapping[str, Any]) -> str | None:
    stub = at(line, "notes.stub._content")
    if isinstance(stub, str):
        return stub
    before = at(line, "notes.pre_translation_prompt.turns")
    said = before if isinstance(before, list) else []
    asked = [_text(at(turn, "content")) for turn in said if at(turn, "role") == "user"]
    return asked[-1] if asked else None


def _values(line: Mapping[str, Any], number: int) -> Iterator[tuple[str, float]]:
    found = line.get("detector_results")
    for name, values in (found if isinstance(found, dict) else {}).items():
        held = values[0] if isinstance(values, list) and _is_nested(values) else values
        value = held[number] if isinstance(held, list) and number < len(held) else None
        if isinstance(value, int | float):
            yield name, value


def _is_nested(values: Sequence[Any]) -> bool:
    return len(values) == 1 and isinstance(values[0], list)


def _hits(line: Mapping[str, Any], number: int, threshold: float) -> dict[str, bool]:
    return {name: value >= threshold for name, value in _values(line, number)}


def _of_answers(name: str) -> bool:
    """Tell a detector whose hit says that the model answered, which says nothing of harm."""
    return _short(name) in _ANSWERED


def _refusal(hits: Mapping[str, bool]) -> dict[str, str]:
    answered = {_short(name): hit for name, hit in hits.items()}
    judge = next((name for name in _ANSWERED if name in answered), None)
    return {} if judge is None else {"refusal": REFUSAL[COMPLIED if answered[judge] else REFUSED]}


def _tags(line: Mapping[str, Any], number: int, response: str) -> dict[str, Any]:
    translated = _text(at(line, f"reverse_translation_outputs.{number}"))
    between = {name: value for name, value in _values(line, number) if value not in (0, 1)}
    return {
        "probe": _short(line["probe_classname"]),
        "goal": line.get("goal") or None,
        "intent": line.get("intent") or at(line, "notes.stub.intent"),
        "translated_response": None if translated == response else translated,
        **{f"value_{name}": value for name, value in between.items()},
    }


def _together(logs: Sequence[Log]) -> Sequence[Iterator[Entry]]:
    """Tell the samples of several runs with one model apart."""
    names = told_apart([_run(log) for log in logs])
    return [_Report(log, name).entries() for log, name in zip(logs, names, strict=True)]


def _run(log: Log) -> tuple[Any, Any]:
    """Return the model of a report and what tells its run from others."""
    model = run = None
    for line in log.first:
        model = model or (_model(line) if at(line, "entry_type") == "start_run setup" else None)
        run = run or (at(line, "run") if at(line, "entry_type") == "init" else None)
    return model, run


GARAK: Final = Format(
    name="garak",
    title="garak: reports of its probes (report.jsonl)",
    labels=(
        "Responses: Harmful where the probe's primary detector hit, if the report names it (0.15 and later); refusals, "
        "where garak looked for them. Prompts are not labelled, and what other detectors mean must be declared."
    ),
    source=(
        "Reports written by garak 0.9.0.16, 0.10.3.1, 0.13 to 0.15.1 and 0.17.1, among them aggregated, translated, "
        "resumed and broken ones."
    ),
    recognise=lambda log: not log.is_folder and any(_is_line(line) for line in log.first),
    known={_PRIMARY: "harmful"},
    entries=lambda log: _Report(log).entries(),
    together=_together,
)

GARAK_HITS: Final = Refused(
    name="garak's list of hits (hitlog.jsonl)",
    recognise=lambda log: bool(log.first) and _is_hit(log.first[0]),
    why=(
        "It holds only what detectors hit, once for each detector, so it has no rates. Give the report.jsonl of the "
        "same run."
    ),
)
