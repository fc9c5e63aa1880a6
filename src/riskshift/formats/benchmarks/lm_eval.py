"""lm-evaluation-harness: files of samples, one document a line."""

import json
import re
from collections.abc import Generator, Iterator
from typing import Any, Final

from riskshift.formats.exchange import NO_RESPONSE, Entry, Exchange, Fact, LeftOut, Numbering
from riskshift.formats.format import Format, Refused
from riskshift.formats.json_text import at
from riskshift.formats.log import Log

_OTHER_FILTER: Final = "the same responses, filtered otherwise"
# What a line tells that is no metric.
_OWN: Final = frozenset(
    {"doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics"}
    | {"doc_hash", "prompt_hash", "target_hash"}
)
# Metrics of being right, which say nothing of harm.
_OF_ANSWERS: Final = re.compile(
    r"(acc|exact_match|em|f1|bleu|rouge\w*?|chrf|ter|mcc)(_.*)?", re.IGNORECASE
)
_SAMPLES: Final = "samples_"
_STAMP: Final = 26  # 2025-05-31T14-30-51.983293
_MOST: Final = 1 << 26


def _recognised(log: Log) -> bool:
    return {"doc_id", "doc", "arguments", "resps"} <= log.names


def _is_choice(log: Log) -> bool:
    """Tell whether a log holds likelihoods of given answers, and no text."""
    return _recognised(log) and isinstance(at(log.first[0], "resps.0.0"), list)


def _entries(log: Log) -> Iterator[Entry]:
    nth = Numbering()
    first: Any = None
    model = yield from _run(log)
    for place, _, line in log.records():
        requests = line.get("arguments") if isinstance(line, dict) else None
        answers = line.get("resps") if isinstance(line, dict) else None
        if not requests or not isinstance(answers, list):
            log.fault(f"{place} lacks {'resps' if requests else 'arguments'}.")
            continue
        first = line.get("filter") if first is None else first
        if line.get("filter") != first:
            yield LeftOut(_OTHER_FILTER)
            continue
        sent = requests.values() if isinstance(requests, dict) else requests
        for request, texts in zip(sent, answers, strict=False):
            yield from _answered(line, request, texts, model, nth)


def _answered(
    line: dict[str, Any], request: Any, texts: Any, model: str | None, nth: Numbering
) -> Iterator[Entry]:
    prompt, chat = _prompt(at(request, "arg_0") or at(request, "0"))
    measured = {name: value for name, value in line.items() if name not in _OWN}
    # Of several responses a metric is of what the filter made of them, and not of each.
    several = isinstance(texts, list) and len(texts) > 1
    judged = {} if several else measured
    scores = {name: held for name, held in judged.items() if not _OF_ANSWERS.fullmatch(name)}
    beside = {f"metric_{name}": held for name, held in measured.items() if name not in scores}
    for text in texts if isinstance(texts, list) else [texts]:
        if not isinstance(text, str):
            yield LeftOut(NO_RESPONSE)
            continue
        yield Exchange(
            prompt=prompt,
            response=text,
            model=model,
            sample=str(nth(prompt, chat)),
            scores=scores,
            tags={
                "doc_id": line.get("doc_id"),
                "filter": line.get("filter"),
                "chat": chat,
                **beside,
            },
        )


def _prompt(sent: Any) -> tuple[str | None, Any]:
    """Return the text that was sent; of a chat what the user said last, and the whole chat."""
    chat = sent[0] if isinstance(sent, list) and len(sent) == 1 else sent
    if isinstance(chat, str) and chat.startswith("[{"):
        try:
            said = json.loads(chat)
            return next(one["content"] for one in reversed(said) if one["role"] == "user"), chat
        except (ValueError, KeyError, TypeError, StopIteration):
            return chat, None
    return chat if isinstance(chat, str) else None, None


def _run(log: Log) -> Generator[Fact, None, str | None]:
    """Yield what the file of results of the same run says, and return its model."""
    name = log.path.name
    stamp = name.rpartition("_")[2][:_STAMP] if name.startswith(_SAMPLES) else ""
    place = log.path.parent / f"results_{stamp}.json"
    try:
        held = json.loads(place.read_bytes()) if place.stat().st_size < _MOST else {}
    except (OSError, ValueError):
        return None
    facts = {"version": "lm_eval_version", "model": "model_name", "settings": "config.model_args"}
    for fact, path in facts.items():
        if at(held, path) is not None:
            yield Fact(fact, at(held, path))
    model = at(held, "model_name") or at(held, "config.model")
    return model if isinstance(model, str) else None


LM_EVAL: Final = Format(
    name="lm-eval",
    title="lm-evaluation-harness: samples of a task that generates text (JSON lines)",
    labels=(
        "None by itself: its metrics are scores, and what one says must be declared. Neither responses nor prompts are "
        "labelled."
    ),
    source="Files of samples of lm-evaluation-harness of June 2024, May 2025 and of version 0.4.13.",
    recognise=lambda log: _recognised(log) and not _is_choice(log),
    entries=_entries,
)

LM_EVAL_CHOICE: Final = Refused(
    name="a file of samples of lm-evaluation-harness with likelihoods of given answers",
    recognise=_is_choice,
    why="It holds no text of a response, so there are no pairs. Give samples of a task that generates text.",
)
