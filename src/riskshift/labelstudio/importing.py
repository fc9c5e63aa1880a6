"""Labels from people through Label Studio: annotations in, rows out."""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from riskshift.collapse.identity import IDENTITY
from riskshift.collapse.rated.beside import CHANCE, STRATUM
from riskshift.errors import DataError, FileError, LabelError, PairError, listing
from riskshift.labelstudio.exporting import reading_options
from riskshift.outputs.overwriting import refuse_overwriting
from riskshift.outputs.sheets import check_sheet, write_sheet
from riskshift.records import Options, label_roles
from riskshift.refusal import REFUSAL
from riskshift.taxonomy import SIDES, Taxonomy, level_parser
from riskshift.written import RELEVANCE, parse_relevance

# Labels that are asked for only where the data has such a column.
_PERHAPS: Final = ("refusal", "relevance")
_LAST: Final = (STRATUM, CHANCE)
_AGAIN: Final = "the same labels of a pair by the same person again"
_MOST_DIGITS: Final = 1_000
_EXPORT: Final = "In Label Studio choose Export, JSON (not JSON-MIN, CSV or TSV)."


@dataclass(frozen=True, slots=True)
class Annotations:
    """Labels by people, as they came from Label Studio.

    Parameters
    ----------
    columns : tuple of str
        Identity, who labelled, the labels, and the stratum and chance of the pair.
    rows : tuple of tuple
        One row an annotation; a label that was not given is None.
    annotators : dict of str to int
        How many pairs each person labelled.
    several : bool
        Whether some pair was labelled by more than one person.
    left_out : dict of str to int
        Tasks and annotations without labels, by reason.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | None, ...], ...] = field(repr=False)
    annotators: dict[str, int]
    several: bool
    left_out: dict[str, int]

    def __str__(self) -> str:
        people = listing(f"{name} ({n:,})" for name, n in self.annotators.items())
        lines = [f"{len(self.rows):,} annotations by {people}."]
        lines += [f"  left out, {reason}: {n:,}" for reason, n in self.left_out.items()]
        if not self.several:
            lines.append("One person a pair: riskshift analyze GRADED --people LABELLED.")
            return "\n".join(lines)
        lines.append(
            "Several people labelled the same pairs: measure their agreement and settle on one label a pair with "
            "riskshift agree LABELLED --write-resolved RESOLVED.csv, then riskshift analyze GRADED --people "
            "RESOLVED.csv."
        )
        if STRATUM in self.columns and any(row[self.columns.index(STRATUM)] for row in self.rows):
            lines.append(
                f"The sample was stratified: the resolved file keeps the columns {STRATUM} and {CHANCE}. Leave them in "
                "it, or the correction takes it for a plain random sample."
            )
        return "\n".join(lines)


def import_label_studio(
    path: str | Path,
    *,
    output: str | Path | None = None,
    taxonomy: Taxonomy | None = None,
    columns: Mapping[str, str] | None = None,
    scale: str | None = None,
) -> Annotations:
    """Read the annotations that people made in Label Studio.

    Parameters
    ----------
    path : str or Path
        A project's export as JSON (not JSON-MIN).
    output : path, optional
        A ``.csv``, ``.jsonl`` or ``.parquet`` file to write them to.
    taxonomy, columns
        As when the tasks were exported.
    scale : {None, "levels", "names", "0-7", "0-2-4-6"}
        How to write the severities: as those of the graded pairs, for both are read alike. None
        writes names. Refusals are always written by name, which every scale of refusals understands.

    Returns
    -------
    Annotations
        Where some pair was labelled by several people, the column ``annotator`` names them, and
        `agree` settles on one label a pair. Otherwise the column is called ``labelled_by``, and the
        rows can be given to `analyze` as people's labels.

    Raises
    ------
    FileError
        If the file cannot be read or is no such export.
    LabelError
        If a label is none of the taxonomy's.
    PairError
        If a person labelled a pair twice.
    DataError
        If there are no annotations, or nothing tells their pairs apart.
    OutputError
        If they cannot be written, or `output` is the file that is read.
    """
    place = None if output is None else check_sheet(output)
    refuse_overwriting({"output": output}, {"path": path})
    options = replace(reading_options(taxonomy, columns), scale=scale)
    made = _collected(str(path), _loaded(Path(path)), options)
    if place is not None:
        texts = {"annotator", "labelled_by"}
        write_sheet(place, made.columns, made.rows, texts=texts)
    return made


def _loaded(path: Path) -> list[dict[str, Any]]:
    try:
        if path.is_dir():
            raise FileError(f"{path} is a folder. Name the file that Label Studio exported.")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FileError(f"{path} cannot be read: {reason}.") from error
    if not text.strip():
        raise FileError(f"{path} is empty. {_EXPORT}")
    try:
        tasks = json.loads(text, parse_int=_whole, parse_float=_finite, parse_constant=_finite)
        json.dumps(tasks, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise FileError(
            f"{path} holds half of a surrogate pair (\\ud800 to \\udfff alone), which is no character."
        ) from error
    except RecursionError as error:
        raise FileError(f"{path} is not such an export: it is nested too deeply.") from error
    except ValueError as error:
        raise FileError(f"{path} is not JSON: {error}.") from error
    fine = isinstance(tasks, list) and all(
        isinstance(task, dict)
        and isinstance(task.get("data"), dict)
        and isinstance(task.get("annotations"), list)
        and all(
            isinstance(made, dict) and isinstance(made.get("result") or [], list)
            for made in task["annotations"]
        )
        for task in tasks
    )
    if not fine:
        raise FileError(
            f"{path} is not an export of annotations: a list of tasks, each with data and annotations. {_EXPORT}"
        )
    return list(tasks)


def _whole(written: str) -> int:
    if len(written) > _MOST_DIGITS:
        raise ValueError(f"a number has {len(written):,} digits")
    return int(written)


def _finite(written: str) -> float:
    number = float(written)
    if not math.isfinite(number):
        raise ValueError(f"{written[:40]} is no number that can be kept")
    return number


@dataclass(frozen=True, slots=True)
class _Sheet:
    """Which labels are asked for, and what each may be."""

    options: Options

    @property
    def asked(self) -> list[str]:
        """Names of the controls: the labels by role, prompt side first."""
        pairs = label_roles(self.options.taxonomy)
        return [role for side in zip(*pairs, strict=True) for role in side] + [*_PERHAPS]

    def labels(self, made: Mapping[str, Any], task: str) -> dict[str, str]:
        """Return the labels of one annotation by control; those not given are not there."""
        found: dict[str, list[object]] = {}
        for part in made.get("result") or []:
            if not isinstance(part, dict) or part.get("type") != "choices":
                continue
            name, value = part.get("from_name"), part.get("value")
            if name not in self.asked:
                raise LabelError(
                    f"{task}: {name!r} is no label of this taxonomy. Labels: {listing(self.asked)}. Give the taxonomy "
                    "of the export with --taxonomy FILE."
                )
            chosen = value.get("choices") if isinstance(value, dict) else None
            if not isinstance(chosen, list) or not chosen:
                raise LabelError(f"{task}: {name} has not one choice but {chosen!r}.")
            told = found.setdefault(name, [])
            told += chosen
        for name, told in found.items():
            if len(told) > 1:
                raise LabelError(f"{task}: {name} has not one choice but {told!r}.")
        return {name: self._checked(name, told[0], task) for name, told in found.items()}

    def _checked(self, name: str, chosen: object, task: str) -> str:
        taxonomy = self.options.taxonomy
        if name == "relevance":
            level = RELEVANCE.index(chosen) + 1 if chosen in RELEVANCE else parse_relevance(chosen)
            if level < 1:
                raise LabelError(f"{task}: relevance is {chosen!r}. Choices: {listing(RELEVANCE)}.")
            return str(level)
        if name == "refusal":
            if chosen not in REFUSAL:
                raise LabelError(f"{task}: refusal is {chosen!r}. Choices: {listing(REFUSAL)}.")
            return str(chosen)
        level = level_parser(taxonomy, None)(chosen)
        if level < 0:
            raise LabelError(f"{task}: {name} is {chosen!r}. Levels: {taxonomy.describe_levels()}.")
        return _written(level, self.options)


def _written(level: int, options: Options) -> str:
    if options.scale in (None, "names"):
        return options.taxonomy.levels[level]
    return str(level if options.scale == "levels" else 2 * level)


class _Seen:
    """Annotations so far, by pair: a pair may stand in several tasks, and a task twice in a file."""

    def __init__(self, options: Options) -> None:
        columns = options.columns
        self._keys = [[columns["record_id"]], [columns[role] for role in IDENTITY]]
        self._by_pair: dict[tuple[str, ...], dict[str, tuple[dict[str, str], str]]] = {}
        self.made: list[tuple[Mapping[str, Any], str, dict[str, str]]] = []

    @property
    def several(self) -> bool:
        """Whether some pair was labelled by more than one person."""
        return any(len(people) > 1 for people in self._by_pair.values())

    def add(self, data: Mapping[str, Any], person: str, labels: dict[str, str], task: str) -> bool:
        """Keep an annotation; tell if it was new, and not the same person's same labels again.

        Raises
        ------
        PairError
            If the person labelled the pair before, otherwise.
        """
        people = self._by_pair.setdefault(self._pair(data, task), {})
        before, where = people.setdefault(person, (labels, task))
        if before is labels:
            self.made.append((data, person, labels))
            return True
        if before != labels and where != task:
            raise PairError(
                f"{task}: annotator {person} labelled the same pair in {where} already, and otherwise. Delete the "
                "annotation that does not count."
            )
        return before != labels

    def _pair(self, data: Mapping[str, Any], task: str) -> tuple[str, ...]:
        for columns in self._keys:
            key = tuple(_text(data.get(column)) or "" for column in columns)
            if key[0]:
                return (str(len(columns)), *key)
        return (task,)


def _collected(name: str, tasks: Sequence[Mapping[str, Any]], options: Options) -> Annotations:
    sheet = _Sheet(options)
    identity = _identity(name, tasks, options)
    seen = _Seen(options)
    left_out: Counter[str] = Counter()
    for at, task in enumerate(tasks, start=1):
        told = f"{name}, task {task.get('id', at)}"
        people: list[str] = []
        for annotation in task["annotations"]:
            if annotation.get("was_cancelled"):
                left_out["skipped by a person"] += 1
                continue
            labels = sheet.labels(annotation, told)
            if not labels:
                left_out["annotation without any label"] += 1
                continue
            people.append(_person(annotation.get("completed_by")))
            left_out[_AGAIN] += not seen.add(task["data"], people[-1], labels, told)
        left_out["task that nobody labelled"] += not people
        _refuse_twice(told, people)
    made = seen.made
    if not made:
        reasons = listing(f"{reason} ({n:,})" for reason, n in left_out.items() if n)
        raise DataError(f"{name} holds no labels: {reasons or 'no tasks'}.")
    given = {label for _, _, labels in made for label in labels}
    asked = [label for label in sheet.asked if label not in _PERHAPS or label in given]
    last = [column for column in _LAST if any(column in data for data, _, _ in made)]
    who = "annotator" if seen.several else "labelled_by"
    return Annotations(
        columns=(*identity, who, *(options.columns[label] for label in asked), *last),
        rows=tuple(
            (
                *(_text(data.get(column)) for column in identity),
                person,
                *(labels.get(label) for label in asked),
                *(_text(data.get(column)) for column in last),
            )
            for data, person, labels in made
        ),
        annotators=dict(sorted(Counter(person for _, person, _ in made).items())),
        several=seen.several,
        left_out={reason: n for reason, n in left_out.items() if n},
    )


def _identity(name: str, tasks: Sequence[Mapping[str, Any]], options: Options) -> list[str]:
    """Return what the tasks carry besides texts and chances, if it tells pairs apart."""
    held = dict.fromkeys(key for task in tasks for key in task["data"])
    found = [key for key in held if key not in (*SIDES, *_LAST)]
    telling = [options.columns[role] for role in ("record_id", "prompt_id")]
    if tasks and not set(found) & set(telling):
        raise DataError(
            f"{name}: the tasks have none of {listing(telling)}, so nothing tells which pairs were labelled. Their "
            f"data: {listing(held)}. Name the column as at the export: --map record_id=COLUMN."
        )
    return found


def _person(completed_by: Any) -> str:
    """Name who annotated: Label Studio gives a number, or all about the person."""
    if isinstance(completed_by, dict):
        completed_by = completed_by.get("email") or completed_by.get("id")
    return "unknown" if completed_by is None else _text(completed_by) or "unknown"


def _refuse_twice(task: str, people: Sequence[str]) -> None:
    twice = [person for person, n in Counter(people).items() if n > 1]
    if twice:
        raise PairError(
            f"{task}: annotator {twice[0]} labelled it {people.count(twice[0])} times. Delete the annotations that do "
            "not count."
        )


def _text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else json.dumps(value)
