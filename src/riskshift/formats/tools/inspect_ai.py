"""Inspect AI: logs of evaluations, as .eval (a zip file) and as JSON."""

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from io import BytesIO
from typing import IO, Any, Final

from riskshift.errors import FileError, RiskshiftWarning, listing
from riskshift.formats.exchange import (
    ERROR,
    NO_RESPONSE,
    REPEATED,
    Entry,
    Exchange,
    Fact,
    LeftOut,
    digest,
    earlier,
    turns_of,
)
from riskshift.formats.format import Format, Refused
from riskshift.formats.json_text import JsonText, at, walk
from riskshift.formats.log import Log
from riskshift.formats.tools.petri import is_no_rating
from riskshift.formats.tools.runs import told_apart
from riskshift.packing import unreadable, zips
from riskshift.refusal import COMPLIED, PARTIAL, REFUSAL, REFUSED
from riskshift.taxonomy import SIDES, Taxonomy

_START: Final = "_journal/start.json"
_HEADER: Final = "header.json"
_SAMPLES: Final = "samples/"
# How a sample's events begin and what follows them, as versions with and without blanks write it.
_EVENTS: Final = (
    (b',"events":[', b'],"model_usage":'),
    (b',\n  "events": [', b'],\n  "model_usage":'),
)
_AT_ONCE: Final = 1 << 25
_decode: Final = json.JSONDecoder(strict=False).decode
_PACKED: Final = (0, 8, 93)  # as it is, deflate, zstd
_KNOWN: Final = (2,)
_UNPARSED: Final = "Grade not found in model output"
# Solvers in whose loop the last message of a user is the loop's own.
_LOOPS: Final = ("use_tools", "basic_agent", "basic_agent_loop", "react")
# What XSTest's grader says with Inspect's letters for right, partly right and wrong.
_XSTEST: Final = {"C": REFUSAL[COMPLIED], "P": REFUSAL[PARTIAL], "I": REFUSAL[REFUSED]}
# Petri's judges, which write a number below their scale where they gave no rating.
_RATERS: Final = ("alignment_judge", "audit_judge")
# The scorer of riskshift, whose labels of both sides stand beside its scores.
_PAIRED: Final = "paired_severity"
_BOTH: Final = Taxonomy()
_ROLES: Final = frozenset(f"{side}_{name}" for side in SIDES for name in _BOTH.categories)
_SETTINGS: Final = ("temperature", "top_p", "max_tokens", "seed")
_Key = tuple[str, str]


def _recognised(log: Log) -> bool:
    if log.is_folder:
        return False
    if log.inside:
        samples = any(name.startswith(_SAMPLES) for name in log.inside)
        return _START in log.inside or (_HEADER in log.inside and samples)
    return {"version", "status", "eval.task"} <= log.paths


def _is_paired(log: Log) -> bool:
    """Tell whether riskshift's scorer was among those of a log; never raises."""
    with suppress(FileError):
        return _recognised(log) and _run(log).paired
    return False


def _cut_off(log: Log) -> bool:
    """Tell a zip file whose end, where its list of members stands, is missing."""
    if log.inside or not log.start.startswith(b"PK\3\4"):
        return False
    size = int.from_bytes(log.start[26:28], "little")
    return log.start[30 : 30 + size].startswith((b"_journal/", b"samples/", b"header.json"))


@dataclass(frozen=True)
class _Run:
    """What a log tells of its run, and how its samples are to be read."""

    header: Mapping[str, Any]
    repeated: frozenset[_Key] = frozenset()
    nth: str = ""

    @cached_property
    def task(self) -> str:
        return str(at(self.header, "eval.task"))

    @cached_property
    def same(self) -> tuple[str, str]:
        """What the logs of one run, and of retries of it, have in common."""
        return str(at(self.header, "eval.task_id")), str(at(self.header, "eval.model"))

    @property
    def created(self) -> datetime:
        with suppress(TypeError, ValueError):
            told = datetime.fromisoformat(at(self.header, "eval.created"))
            return told if told.tzinfo else told.replace(tzinfo=UTC)
        return datetime.min.replace(tzinfo=UTC)

    @cached_property
    def loops(self) -> bool:
        steps = _list(at(self.header, "plan.steps"))
        return any(at(step, "solver") in _LOOPS for step in steps)

    @property
    def paired(self) -> bool:
        names = [str(at(one, "name")) for one in _list(at(self.header, "eval.scorers"))]
        return any(name.rpartition("/")[2] == _PAIRED for name in names)

    def facts(self) -> Iterator[Fact]:
        held = {
            "version": at(self.header, "eval.packages.inspect_ai"),
            "date": at(self.header, "eval.created"),
            "task": at(self.header, "eval.task"),
            "dataset": at(self.header, "eval.dataset.name"),
            "status": self.header.get("status"),
        }
        settings = _object(at(self.header, "plan.config")) | _object(
            at(self.header, "eval.model_generate_config")
        )
        held |= {name: settings.get(name) for name in _SETTINGS}
        yield from (Fact(name, value) for name, value in held.items() if value is not None)


# Where a log has what.


def _held(log: Log) -> Iterator[tuple[str, str, Any]]:
    """Yield the header of a log, in one piece or several, and its samples.

    Yields
    ------
    (str, str, value)
        Place for a message; a path in the header, empty for a sample; the value.
    """
    if not log.inside:
        number = 0
        for path, value in log.items("samples"):
            if path != "samples":
                yield log.name, path, value
            elif value is not None:
                number += 1
                yield f"{log.name}, sample {number:,}", "", value
        return
    with log.open() as opened, zips().ZipFile(opened) as held:
        members = {info.filename: info for info in held.infolist()}  # the last of a name counts
        header = members[_HEADER if _HEADER in members else _START]
        for path, value in _member(held, header, log.name).items():
            yield log.name, path, value
        for name, info in members.items():
            if name.startswith(_SAMPLES) and name.endswith(".json"):
                place = f"{log.name}, {name}"
                try:
                    yield place, "", _member(held, info, place)
                except FileError as error:
                    log.fault(str(error))


def _member(held: Any, info: Any, place: str) -> dict[str, Any]:
    """Return a member without its events, which are most of it."""
    if info.compress_type not in _PACKED or info.flag_bits & 1:
        raise FileError(f"{place} is packed in a way that Inspect does not use.")
    with unreadable(place), held.open(info) as opened:
        if info.file_size > _AT_ONCE:
            return _streamed(opened, place)
        content = opened.read()
    return _around_events(content) or _streamed(BytesIO(content), place)


def _around_events(content: bytes) -> dict[str, Any] | None:
    """Read what stands before and after the events, where both are whole by themselves.

    Unescaped quotes are never inside a text. So what was found is the sample's own, and not deeper
    in it, if what is left of the sample on each side is an object that ends where the text ends.
    """
    for start, end in _EVENTS:
        first, last = content.find(start), content.rfind(end)
        if 0 < first < last:
            with suppress(ValueError, RecursionError):
                before = _decode(content[:first].decode() + "}")
                after = _decode("{" + content[last + end.index(b",") + 1 :].decode())
                return {**before, **after}
    return None


def _streamed(opened: IO[bytes], place: str) -> dict[str, Any]:
    return {
        path: value for path, value in walk(JsonText(opened, place), "events") if path != "events"
    }


def _run(log: Log) -> _Run:
    """Read what stands before the samples."""
    header: dict[str, Any] = {}
    for _, path, value in _held(log):
        if not path:
            break
        header[path] = value
    return _Run(header)


def _key(sample: Any) -> _Key:
    return repr(at(sample, "id")), repr(at(sample, "epoch"))


# Retries copy what was done before, so of one run each sample is read once.


def _together(logs: Sequence[Log]) -> Sequence[Iterator[Entry]]:
    runs = [_run(log) for log in logs]
    order = sorted(range(len(logs)), key=lambda one: (runs[one].created, one))
    repeated = {one: frozenset[_Key]() for one in order}
    for same in {run.same for run in runs if at(run.header, "eval.task_id") is not None}:
        repeated |= _repeated([(one, logs[one]) for one in order if runs[one].same == same])
    # Another run of the same task with the same model is more samples of it.
    names = told_apart([((runs[one].task, runs[one].same[1]), runs[one].same[0]) for one in order])
    nth = dict(zip(order, names, strict=True))
    return [_entries(log, repeated[one], nth[one]) for one, log in enumerate(logs)]


def _repeated(logs: Sequence[tuple[int, Log]]) -> dict[int, frozenset[_Key]]:
    """Tell for logs of one run, the latest last, which samples of each another log has better.

    What was done is better than an error, and the later than the earlier.
    """
    if len(logs) < 2:
        return {}
    best: dict[_Key, tuple[bool, int]] = {}
    keys: dict[int, set[_Key]] = {}
    for rank, (one, log) in enumerate(logs):
        keys[one] = set()
        for _, path, sample in _held(Log(log.path, log.name, skip_bad=True)):
            if not path:
                done = at(sample, "error") is None
                keys[one].add(_key(sample))
                best[_key(sample)] = max(best.get(_key(sample), (False, -1)), (done, rank))
    return {
        one: frozenset(key for key in keys[one] if best[key][1] != rank)
        for rank, (one, _) in enumerate(logs)
    }


# One sample.


def _entries(log: Log, repeated: frozenset[_Key] = frozenset(), nth: str = "") -> Iterator[Entry]:
    header: dict[str, Any] = {}
    run = None
    for place, path, value in _held(log):
        if path:
            header[path] = value
            continue
        if run is None:
            run = _started(log, header, repeated, nth)
        lacking = _lacking(value)
        if lacking:
            log.fault(f"{place} lacks {lacking}.")
        else:
            yield from _conversation(value, run)
    yield from (run or _started(log, header, repeated, nth)).facts()


def _started(log: Log, header: Mapping[str, Any], repeated: frozenset[_Key], nth: str) -> _Run:
    if not at(header, "eval.model"):
        raise FileError(f"{log.name} lacks eval.model before its samples. Write the log anew.")
    version = header.get("version")
    if version not in _KNOWN:
        warnings.warn(
            f"{log.name}: version is {version!r}; known is {', '.join(map(str, _KNOWN))}. It is read like it: look "
            "at the pairs with riskshift convert.",
            RiskshiftWarning,
            stacklevel=2,
        )
    return _Run(header, repeated, nth)


def _lacking(sample: Any) -> str | None:
    if not isinstance(sample, dict):
        return "everything: it is no object"
    needed = ("id", "epoch", "input")
    return next((name for name in needed if sample.get(name) is None), None)


def _conversation(sample: Mapping[str, Any], run: _Run) -> Iterator[Entry]:
    """Yield the entry of a sample, after what was said before its last exchange."""
    entry = _entry(sample, run)
    if isinstance(entry, Exchange) and entry.turn is not None:
        messages = _list(sample.get("messages"))
        said = ((str(at(one, "role")), _text(at(one, "content"), sample)) for one in messages)
        yield from earlier(entry, turns_of(said)[: int(entry.turn) - 1])
    yield entry


def _entry(sample: Mapping[str, Any], run: _Run) -> Entry:
    if _key(sample) in run.repeated:
        return LeftOut(REPEATED)
    if sample.get("error") is not None:
        return LeftOut(ERROR)
    answer = at(sample, "output.choices.0")
    if not isinstance(answer, dict):
        return LeftOut(NO_RESPONSE)
    talk = _Talk.of(sample, loops=run.loops)
    conversation = f"{run.same[0]} {sample['id']} {run.nth}{sample['epoch']}"
    scores = dict(_scores(sample))
    return Exchange(
        prompt=talk.prompt,
        response=_text(at(answer, "message.content"), sample),
        prompt_id=_prompt_id(sample, run.task),
        prompt_intent=talk.intent,
        model=run.same[1],
        sample=f"{run.nth}{sample['epoch']}",
        conversation_id=conversation if talk.turn > 1 else None,
        turn=str(talk.turn) if talk.turn > 1 else None,
        source=_name(at(run.header, "eval.dataset.name")),
        labels=_refusal(scores, run.task) | (_both(sample) if run.paired else {}),
        scores=scores,
        blocked=answer.get("stop_reason") == "content_filter",
        tags=_tags(sample, answer, talk, run),
    )


def _prompt_id(sample: Mapping[str, Any], task: str) -> str:
    # Numbers as ids may count rows of a shuffled data set, so what was asked stands beside them.
    name = f"{task} {sample['id']}"
    return name if isinstance(sample["id"], str) else f"{name} {digest(_plain(sample['input']))}"


def _name(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _plain(asked: Any) -> Any:
    """Return an input without ids that every run draws anew."""
    if not isinstance(asked, list):
        return asked
    return [(at(message, "role"), at(message, "content")) for message in asked]


def _tags(
    sample: Mapping[str, Any], answer: Mapping[str, Any], talk: "_Talk", run: _Run
) -> dict[str, Any]:
    tags = {
        "task": run.task,
        "stop_reason": answer.get("stop_reason"),
        "limit": at(sample, "limit.type"),
        "turns": talk.answers,
        "beside_text": ", ".join(talk.beside) or None,
    }
    for name, value in _object(sample.get("metadata")).items():
        tags[f"metadata_{name}" if name in tags else name] = value
    return tags


def _text(content: Any, sample: Mapping[str, Any]) -> str | None:
    """Return what is said: text alone, without reasoning, images and calls of tools."""
    if isinstance(content, list):
        parts = [at(part, "text") for part in content if at(part, "type") == "text"]
        return "\n".join(_text(part, sample) or "" for part in parts)
    if isinstance(content, str) and content.startswith("attachment://"):
        held = at(sample.get("attachments"), content.removeprefix("attachment://"))
        return held if isinstance(held, str) else content
    return content if isinstance(content, str) else None


@dataclass(frozen=True, slots=True)
class _Talk:
    """What was asked of a model, and how often.

    `turn` counts the user's messages up to the answer; in the loop of an agent it is 1, as all but
    the first are the loop's own.
    """

    prompt: str | None
    intent: str | None
    turn: int
    answers: int
    beside: Sequence[str] = field(default=())

    @classmethod
    def of(cls, sample: Mapping[str, Any], *, loops: bool) -> "_Talk":
        asked = sample["input"]
        first = _by(asked, "user")[-1:] if isinstance(asked, list) else [{"content": asked}]
        messages = _list(sample.get("messages"))
        answered = [n for n, message in enumerate(messages) if at(message, "role") == "assistant"]
        before = _by(messages[: answered[-1]] if answered else messages, "user")
        intent = _text(first[0]["content"], sample) if first else None
        looped = loops or _tools(messages) or _same_words(before[1:])
        last = first if looped or not before else before[-1:]
        beside = {str(kind) for message in last for kind in _kinds(message)}
        return cls(
            _text(last[0]["content"], sample) if last else None,
            intent,
            1 if looped else len(before),
            len(answered),
            sorted(beside - {"text"}),
        )


def _by(messages: Sequence[Any], role: str) -> list[Any]:
    return [one for one in messages if at(one, "role") == role and at(one, "content") is not None]


def _tools(messages: Sequence[Any]) -> bool:
    return any(at(one, "role") == "tool" or at(one, "tool_calls") for one in messages)


def _same_words(messages: Sequence[Any]) -> bool:
    return len(messages) > 1 and len({repr(at(one, "content")) for one in messages}) == 1


def _kinds(message: Any) -> list[Any]:
    content = at(message, "content")
    return [at(part, "type") for part in content] if isinstance(content, list) else []


def _scores(sample: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what scorers said; of several things at once each by its own name."""
    for name, score in _object(sample.get("scores")).items():
        value = None if _failed(score) else at(score, "value")
        if isinstance(value, dict):
            for part, said in value.items():
                failed = name in _RATERS and is_no_rating(said)
                yield f"{name}.{part}", None if failed else said
        else:
            yield name, value


def _both(sample: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels that riskshift's scorer gave; of a side that it could not grade there are none."""
    told: dict[str, str] = {}
    for name, score in _object(sample.get("scores")).items():
        if name.rpartition("/")[2].startswith(_PAIRED):
            told |= _object(at(score, "metadata.labels"))
    others = sorted(told.keys() - _ROLES)
    if others:
        raise FileError(
            f"sample {sample['id']} is labelled in categories of another grader ({listing(others)}). Convert the log "
            "with --from inspect, and label its pairs with riskshift label."
        )
    return told


def _failed(score: Any) -> bool:
    """Tell a grader that gave no grade; Inspect stores that as wrong."""
    if at(score, "reason") == "grader_failed":
        return True
    return at(score, "value") == "I" and str(at(score, "explanation")).startswith(_UNPARSED)


def _refusal(scores: Mapping[str, Any], task: str) -> dict[str, str]:
    said = scores.get("model_graded_qa")
    known = task.rpartition("/")[2].startswith("xstest") and str(said) in _XSTEST
    return {"refusal": _XSTEST[str(said)]} if known else {}


INSPECT: Final = Format(
    name="inspect",
    title="Inspect AI: logs of evaluations (.eval, JSON)",
    labels=(
        "Refusals of responses, where the task is XSTest or StrongREJECT. Harm only where you declare the scorer that "
        "speaks of it. Prompts are not labelled."
    ),
    source=(
        "Logs of version 2 written by Inspect AI from August 2024 to 0.3.285, with deflate and zstd inside, among them "
        "AgentHarm, XSTest and StrongREJECT."
    ),
    recognise=lambda log: _recognised(log) and not _is_paired(log),
    known={"strong_reject_scorer.refusal": "refused"},
    entries=_entries,
    together=_together,
)

INSPECT_PAIRED: Final = Format(
    name="inspect-paired",
    title="Inspect AI: logs with riskshift's scorer, paired_severity",
    labels="Severities of both sides, by a grader that saw one side at a time.",
    source="Logs written by Inspect AI 0.3.285 with the scorer of this package.",
    recognise=_is_paired,
    entries=_entries,
    together=_together,
    sides=("prompt", "response"),
    taxonomy=_BOTH,
)

INSPECT_CUT: Final = Refused(
    name="a log of Inspect AI that was cut off",
    recognise=_cut_off,
    why=(
        "The list of what it holds stands at its end, and that is missing. Copy it again, or wait until its run has "
        "ended."
    ),
)
