"""PairedSafety: a folder of prompts, responses and grades, or one file of pairs that people labelled."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from riskshift.formats.declared import Column, Declared
from riskshift.formats.exchange import EMPTY, ERROR, Entry, Exchange, LeftOut
from riskshift.formats.format import Format
from riskshift.formats.json_text import at
from riskshift.formats.log import Log
from riskshift.taxonomy import SIDES, Taxonomy

STALE: Final = "of an earlier set of prompts"
AGAIN: Final = "superseded by a later row"

_CATEGORIES: Final = {"H": "hate", "SH": "self_harm", "S": "sexual", "V": "violence"}
_TAXONOMY: Final = Taxonomy()
_PROMPTS: Final = "prompts.jsonl"
_GRADED: Final = "graded"
_RESPONSES: Final = "responses"
_OF_MODEL: Final = "response_"
_LINES: Final = ".jsonl"
_BENIGN: Final = {"safe": "true", "unsafe": "false"}


def _recognised(log: Log) -> bool:
    if log.is_folder:
        return {_PROMPTS, _GRADED} <= log.inside and (log.path / _GRADED).is_dir()
    return log.holds("metadata.prompt_label") and log.holds("labels") and log.holds("input")


def _entries(log: Log) -> Iterator[Entry]:
    yield from _of_folder(log) if log.is_folder else _ONE_FILE(log)


# A folder: rows of one text go together by their uid; idx counts another set of prompts.


def _of_folder(log: Log) -> Iterator[Entry]:
    prompts, _ = _last(log, log.path / _PROMPTS)
    graded, left = _last(log, log.path / _GRADED / _PROMPTS, prompts)
    yield from left
    folder = log.path / _GRADED
    names = [path.name for path in folder.iterdir() if path.name.startswith(_OF_MODEL)]
    for name in sorted(name for name in names if name.endswith(_LINES)):
        model = name.removeprefix(_OF_MODEL).removesuffix(_LINES)
        yield from _of_model(log, model, prompts, graded)


def _of_model(
    log: Log, model: str, prompts: Mapping[str, Any], graded: Mapping[str, Any]
) -> Iterator[Entry]:
    grades, left = _last(log, log.path / _GRADED / f"{_OF_MODEL}{model}{_LINES}", prompts)
    yield from left
    place = log.path / _RESPONSES / f"{model}{_LINES}"
    texts = _last(log, place, prompts)[0] if place.is_file() else None
    for uid in [uid for uid in prompts if uid in grades or uid in (texts or {})]:
        grade, text = grades.get(uid, {}), (texts or {}).get(uid, {})
        if text.get("error") is not None:
            yield LeftOut(ERROR)
            continue
        if text and not str(text.get("response") or "").strip():
            yield LeftOut(EMPTY)
            continue
        prompt = prompts[uid]
        yield Exchange(
            prompt=prompt.get("prompt"),
            response=text.get("response"),
            prompt_id=uid,
            model=grade.get("model") or text.get("model") or model,
            source=prompt.get("source"),
            labels={
                **_severities(SIDES[0], graded.get(uid, {}).get("labels")),
                **_severities(SIDES[1], grade.get("labels")),
                "prompt_benign": _BENIGN.get(str(prompt.get("public_label")).casefold()),
            },
            labels_alone=not text,
            tags={name: prompt.get(name) or None for name in ("public_category", "stratum")},
        )


def _last(
    log: Log, place: Path, prompts: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], list[LeftOut]]:
    """Return the last row of each uid that is among the prompts, and why others are left out."""
    rows: dict[str, Any] = {}
    left = Counter[str]()
    held = Log(place, f"{log.name}/{place.relative_to(log.path)}", skip_bad=log.skip_bad)
    for told, row in held.lines():
        uid = row.get("uid") if isinstance(row, dict) else None
        if uid is None:
            held.fault(f"{told} lacks uid.")
        elif prompts is not None and str(uid) not in prompts:
            left[STALE] += 1
        else:
            left[AGAIN] += str(uid) in rows
            rows[str(uid)] = row
    log.malformed += held.malformed
    return rows, [LeftOut(reason) for reason, n in left.items() for _ in range(n)]


def _severities(side: str, labels: Any) -> dict[str, Any]:
    """Name the levels of H, S, V and SH; what is no level stays, for the reader to refuse."""
    held = labels if isinstance(labels, dict) else {}
    levels = dict(enumerate(_TAXONOMY.levels))
    return {
        f"{side}_{category}": levels.get(held[key], held[key])
        for key, category in _CATEGORIES.items()
        if held.get(key) is not None
    }


# One file: flags such as V1 and V2, of which the highest that is set is the severity.


def _highest(side: str, flags: Any) -> dict[str, Any]:
    if not isinstance(flags, dict):
        return {}
    found = {}
    for key, category in _CATEGORIES.items():
        said = {n: flags.get(f"{key}{n}", 0) for n in range(1, _TAXONOMY.top + 1)}
        active = max((n for n, flag in said.items() if flag), default=0)
        if active or None not in said.values():
            found[f"{side}_{category}"] = _TAXONOMY.levels[active]
    return found


def _label(side: str, category: str, path: str) -> Column:
    role = f"{side}_{category}"
    return Column(role, lambda record: _highest(side, at(record, path)).get(role))


def _answer(record: Any) -> Any:
    texts = record.get("input")
    return at(texts[-1], "content") if isinstance(texts, list) and texts else None


_ONE_FILE: Final = Declared(
    repeats=("prompt",),
    columns=(
        Column("prompt", "metadata.prompt", required=True),
        Column("response", _answer),
        Column("model", "metadata.model"),
        Column("relevance", "metadata.relevance_score"),
        Column("hit_id", "metadata.hit_id"),
        *(_label(SIDES[0], name, "metadata.prompt_label") for name in _CATEGORIES.values()),
        *(_label(SIDES[1], name, "labels") for name in _CATEGORIES.values()),
    ),
)

PAIREDSAFETY: Final = Format(
    name="pairedsafety",
    title="PairedSafety: a folder with prompts.jsonl and graded/, or one file of labelled pairs (JSON lines)",
    labels=(
        "Prompts and responses: hate, sexual, violence and self-harm on four levels; and whether a prompt is benign, "
        "as the set that it comes from says."
    ),
    source=(
        "The folder analysis/public_mini_eval and the reader of labels in analysis/statistical_uncertainty of "
        "microsoft/PairedSafety, July 2026."
    ),
    recognise=_recognised,
    entries=_entries,
    sides=SIDES,
    taxonomy=_TAXONOMY,
)
