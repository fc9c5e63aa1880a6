"""HarmBench: completions by behavior, as its classifier labels them and as people checked it."""

import io
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from riskshift.errors import FileError
from riskshift.formats.exchange import Entry, Exchange, Numbering, cell
from riskshift.formats.format import Format
from riskshift.formats.json_text import JsonText
from riskshift.formats.log import Log

_SENT: Final = "test_case"
_ANSWER: Final = "generation"
_TOLD: Final = (_SENT, _ANSWER, "model", "method", "experiment", "behavior_id")
_NOBODY: Final = ("", ".json")


def _behaviors(text: JsonText) -> Iterator[tuple[str, Any]]:
    """Yield each behavior and its completions."""
    text.take("{")
    if text.peek() == "}":
        text.take("}")
        return
    while True:
        name = str(text.value())
        text.take(":")
        yield name, text.value()
        if text.take(",}") == "}":
            return


def _recognised(log: Log) -> bool:
    with suppress(FileError):
        for _, held in _behaviors(JsonText(io.BytesIO(log.start), log.name)):
            first = held[0] if isinstance(held, list) and held else None
            return isinstance(first, dict) and {_SENT, _ANSWER} <= first.keys()
    return False


def _model(record: Any) -> str | None:
    name = str(record.get("model") or "")
    if name in _NOBODY:
        name = str(record.get("experiment") or "")
    return name.removesuffix(".json") or None


def _entries(log: Log) -> Iterator[Entry]:
    nth = Numbering()
    with log.open() as opened:
        try:
            for behavior, held in _behaviors(JsonText(opened, log.name)):
                records = held if isinstance(held, list) else [held]
                for number, record in enumerate(records, start=1):
                    place = f"{log.name}, behavior {behavior!r}, record {number:,}"
                    lacking = next(
                        (
                            name
                            for name in (_SENT, _ANSWER)
                            if not isinstance(record, dict) or name not in record
                        ),
                        None,
                    )
                    if lacking:
                        log.fault(f"{place} lacks {lacking}.")
                        continue
                    yield _exchange(behavior, record, nth)
        except FileError as error:
            log.fault(str(error))


def _exchange(behavior: str, record: Any, nth: Numbering) -> Exchange:
    # Of an image and a text, the text was sent with the image.
    sent = record[_SENT]
    image, text = sent if isinstance(sent, list) and len(sent) == 2 else (None, sent)
    model, method = _model(record), record.get("method")
    again = nth(behavior, model, method)
    answer = record[_ANSWER]
    return Exchange(
        prompt_id=behavior,
        model=model,
        sample=f"{method} {again}" if method else str(again),
        prompt=None if text is None else str(text),
        response=None if answer is None else str(cell(answer)),
        scores={name: value for name, value in record.items() if name not in _TOLD},
        tags={"method": method, "experiment": record.get("experiment"), "image": image},
    )


HARMBENCH: Final = Format(
    name="harmbench",
    title="HarmBench: completions with labels, and its classifier's validation set (JSON)",
    labels=(
        "Responses: Harmful if label, the verdict of HarmBench's classifier, is 1. The validation set has no label: "
        "say which of its judges and people counts. Prompts are not labelled."
    ),
    source="The text validation set of 602 completions, and the code of HarmBench that writes results.",
    recognise=_recognised,
    known={"label": "harmful"},
    entries=_entries,
)
