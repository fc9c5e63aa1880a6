"""Check labels on the patterns and pairs in the engine; all faults in one message."""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import narwhals.stable.v2 as nw
import numpy as np

from riskshift import engine
from riskshift.counts import Grouped, group_name
from riskshift.errors import DataError, LabelError, PairError, RiskshiftWarning, listing
from riskshift.records import Records
from riskshift.taxonomy import (
    BAD,
    MAX_LEVELS,
    MISSING,
    is_number,
    level_parser,
    parse_flag,
    parse_relevance,
)

SHOWN: Final = 20
FEW: Final = 5
_UNEQUAL: Final = "riskshift_unequal"
_SHARED: Final = "which records share a prompt"


@dataclass(frozen=True, slots=True)
class Key:
    """A column that is part of a pattern, how its values are read, and what they may be."""

    column: str
    parse: Callable[[object], int]
    choices: str
    is_label: bool = True


def label_keys(records: Records) -> list[Key]:
    """Return the columns that make up a pattern: prompt sides, response sides, then the rest."""
    taxonomy, scale = records.options.taxonomy, records.options.scale
    parse = level_parser(taxonomy, scale, also_names=records.options.by_people)
    choices = f"Levels: {taxonomy.describe_levels()}"
    if scale is not None:
        choices += f", written as --scale {scale}"
    keys = [
        Key(column, parse, choices) for side in zip(*records.labels, strict=True) for column in side
    ]
    relevance, benign = records.column("relevance"), records.column("prompt_benign")
    if relevance:
        keys.append(Key(relevance, parse_relevance, "Relevance is 1, 2 or 3", is_label=False))
    if benign:
        keys.append(Key(benign, parse_flag, "Choices: true, false", is_label=False))
    return keys


@dataclass(frozen=True, slots=True)
class Faults:
    """Values that are not on the scale of their column, and how many rows hold each."""

    found: Mapping[str, Mapping[object, int]]
    mixed: Sequence[str]
    keys: Sequence[Key]

    @classmethod
    def among(cls, rows: Sequence[tuple[Any, ...]], keys: Sequence[Key]) -> "Faults":
        """Find them on the collapsed patterns: a bad value is just another pattern."""
        found: dict[str, dict[object, int]] = {}
        mixed = []
        for position, key in enumerate(keys):
            rows_of: dict[object, int] = {}
            for row in rows:
                rows_of[row[position]] = rows_of.get(row[position], 0) + row[-1]
            levels = {value: key.parse(value) for value in rows_of}
            bad = {value: rows_of[value] for value, level in levels.items() if level == BAD}
            if bad:
                found[key.column] = bad
            good = [
                value
                for value, level in levels.items()
                if level >= 0 and not isinstance(value, bool)
            ]
            if key.is_label and len({is_number(value) for value in good}) > 1:
                mixed.append(key.column)
        return cls(found, mixed, keys)

    def __bool__(self) -> bool:
        return bool(self.found or self.mixed)

    def error(self, records: Records) -> LabelError:
        """Say where every fault stands, how many rows share it, what may stand there, and the fix."""
        total = engine.count_rows(records.frame)
        lines = [
            f"{records.source.name}: {column} holds severities and level names mixed. Write one or the other, "
            "or declare it: --scale levels or --scale names."
            for column in self.mixed
        ]
        choices = {key.column: key.choices for key in self.keys}
        for column, bad in self.found.items():
            some = SHOWN if len(bad) <= SHOWN else FEW
            shown = sorted(bad, key=lambda value: (-bad[value], str(value)))[:some]
            places = records.source.places(column, shown)
            lines += [
                f"{places.get(str(value).strip(), records.source.name)}: {column} is {_shown(value)} "
                f"({bad[value]:,} of {total:,} rows). {choices[column]}."
                for value in shown
            ]
            if len(bad) > some:
                lines.append(
                    f"{records.source.name}: {column} has {len(bad) - some:,} further values like these."
                )
        return LabelError("\n".join([*lines, *self._fix(records)]))

    def _fix(self, records: Records) -> list[str]:
        values = [value for bad in self.found.values() for value in bad]
        if not values:
            return []
        fix = "Fix the labels, or leave these rows out with --skip-bad."
        if records.options.by_people:
            names = listing(records.options.taxonomy.levels)
            return [
                f"Fix the labels, and leave no row out: that would spoil the sample. People's labels may always be "
                f"written as names of levels: {names}."
            ]
        whole = {int(float(str(value))) for value in values if is_number(value)}
        if whole and len(whole) == len(values) and whole <= set(range(8)):
            even = not any(number % 2 for number in whole)
            fix += f" If they are Azure's severities, declare it: --scale {'0-2-4-6' if even else '0-7'}."
        if len(values) > SHOWN and all(map(_is_score, values)):
            fix += " They look like scores between 0 and 1; turn scores into levels first."
        return [fix]

    def leave_out(
        self, records: Records, rows: Sequence[tuple[Any, ...]]
    ) -> tuple[Records, list[tuple[Any, ...]]]:
        """Drop the rows with bad values from the records and from their patterns."""
        bad = [
            (at, self.found[key.column])
            for at, key in enumerate(self.keys)
            if key.column in self.found
        ]
        kept = [row for row in rows if not any(row[at] in values for at, values in bad)]
        dropped = sum(row[-1] for row in rows) - sum(row[-1] for row in kept)
        conditions = [
            nw.col(column).is_null() | ~nw.col(column).is_in(list(values))
            for column, values in self.found.items()
        ]
        records = records.where(
            nw.all_horizontal(*conditions, ignore_nulls=False),
            reason="label not on the scale",
            rows=dropped,
        )
        return records, kept


def _is_score(value: object) -> bool:
    try:
        return 0 <= float(str(value)) <= 1
    except ValueError:
        return False


@dataclass(slots=True)
class Findings:
    """Faults found so far; each check goes on without the bad rows, so that all can be told."""

    errors: list[DataError] = field(default_factory=list)
    even: bool | None = None

    def add(self, records: Records, error: DataError, *, always: bool = False) -> None:
        """Remember a fault, unless its rows are to be left out."""
        if always or not records.options.skip_bad:
            self.errors.append(error)

    def raise_all(self) -> None:
        """Raise the faults, all in one message.

        Raises
        ------
        DataError
            If there are any; of their common kind, if they have one.
        """
        if len(self.errors) == 1:
            raise self.errors[0]
        if self.errors:
            kinds = {type(error) for error in self.errors}
            kind = kinds.pop() if len(kinds) == 1 else DataError
            raise kind("\n".join(map(str, self.errors)))


def check_labels(
    records: Records, rows: list[tuple[Any, ...]], keys: Sequence[Key], findings: Findings
) -> tuple[Records, list[tuple[Any, ...]]]:
    """Find values that are not on their scale and columns that mix severities and names.

    Returns
    -------
    Records
        Without the rows that hold such values.
    list of tuple
        Their patterns.
    """
    faults = Faults.among(rows, keys)
    if findings.even is None:
        findings.even = _is_even(records, rows, keys)
    if faults:
        findings.add(records, faults.error(records), always=bool(faults.mixed))
    if faults.found:
        records, rows = faults.leave_out(records, rows)
    return records, rows


def _is_even(records: Records, rows: Sequence[tuple[Any, ...]], keys: Sequence[Key]) -> bool:
    """Tell whether the labels may be 0, 2, 4, 6 without having been declared so."""
    if records.options.scale is not None or len(records.options.taxonomy.levels) != 4:
        return False
    labels = [at for at, key in enumerate(keys) if key.is_label]
    held = {value for at in labels for value in {row[at] for row in rows}}
    seen = {int(float(str(value))) for value in held if is_number(value)}
    return 2 in seen and not any(number % 2 for number in seen)


def warn_if_even(records: Records, findings: Findings) -> None:
    """Warn of labels that look like those of another scale; after all else, and once."""
    if findings.even:
        warnings.warn(
            f"{records.source.name}: every label is even. If they are Azure's severities 0, 2, 4, 6, "
            "declare it: --scale 0-2-4-6. They were read as 0 to 3.",
            RiskshiftWarning,
            stacklevel=2,
        )


def check_ids(
    records: Records, findings: Findings, also: Mapping[str, str] | None = None
) -> Records:
    """Find records that do not say which prompt they answer, and return the others.

    Parameters
    ----------
    records : Records
        The rows.
    findings : Findings
        Where faults are noted.
    also : mapping of str to str, optional
        Further columns that must be filled, and what each tells.

    Returns
    -------
    Records
        Without rows where such a column is blank.
    """
    shared = dict.fromkeys(filter(None, (records.prompt, records.cluster)), _SHARED)
    for column, tells in (shared | dict(also or {})).items():
        blank = engine.is_blank(records.frame, column)
        count = engine.count_rows(records.frame.filter(blank))
        if count:
            findings.add(records, _no_id(records, column, count, tells))
            records = records.where(~blank, reason=f"missing {column}", rows=count)
    return records


def _no_id(records: Records, column: str, count: int, tells: str) -> DataError:
    source, total = records.source, engine.count_rows(records.frame)
    place = source.places(column, [None]).get("")
    first = f", first in {place}" if place else ""
    return DataError(
        f"{source.name}: {column} is missing in {count:,} of {total:,} rows{first}. It tells {tells}. "
        f"Fill it in{_or_skip(records, ', or leave these rows out with --skip-bad')}."
    )


def _or_skip(records: Records, told: str) -> str:
    """Offer to leave rows out, but not rows of people's sample: it would be random no more."""
    return "" if records.options.by_people else told


def check_samples(records: Records, findings: Findings) -> Records:
    """Find pairs that occur twice where a column tells the responses to one prompt apart.

    That column is ``sample`` or ``turn``, or the response where the prompt's text is its identity.

    Returns
    -------
    Records
        Without the duplicates.
    """
    key = _sample_key(records)
    if key is None or engine.repeats(records.frame, key)[1] <= 1:
        return records
    return _without_duplicates(records, key, findings)


def check_duplicates(records: Records, by_prompt: Grouped, findings: Findings) -> Records:
    """Find prompts that a model answered more than once, where nothing numbers its responses.

    Parameters
    ----------
    records : Records
        The rows, to name the pairs.
    by_prompt : Grouped
        Their counts by model, clustered by prompt.

    Returns
    -------
    Records
        Without the duplicates.
    """
    prompt, clusters = records.prompt, by_prompt.table.clusters
    if prompt is None or clusters is None or _sample_key(records) is not None:
        return records
    kind = np.repeat(np.arange(len(clusters.weight)), np.diff(clusters.indptr))
    answers = kind * len(by_prompt.names) + by_prompt.group[clusters.indices]
    if len(np.unique(answers)) == len(answers):
        return records
    model = records.column("model")
    key = [prompt, *([model] if model else [])]
    if model and engine.repeats(records.frame, key)[1] <= 1:
        findings.add(records, _one_name(records, model), always=True)
        return records
    return _without_duplicates(records, key, findings)


def _one_name(records: Records, model: str) -> PairError:
    """Name the models that are one by name, though not as they are written."""
    written: dict[str, list[str]] = {}
    for value, _ in engine.count_patterns(records.frame, [model]):
        written.setdefault(group_name("" if value is None else value), []).append(
            "nothing" if value is None else _shown(value)
        )
    alike = [", ".join(sorted(values, key=len)) for values in written.values() if len(values) > 1]
    return PairError(
        f"{records.source.name}: {model} writes one name in several ways: {'; '.join(sorted(alike))}. "
        "Read as one model, it answers prompts more than once. Write the name in one way, or give "
        "different models different names."
    )


def _sample_key(records: Records) -> list[str] | None:
    """Return the columns that no two records may share, if some column numbers the samples."""
    numbers = [column for column in map(records.column, ("sample", "turn")) if column]
    response = records.column("response")
    if records.column("prompt_id") is None and response:
        numbers.append(response)
    model = records.column("model")
    prompt = records.prompt
    key = [prompt, *([model] if model else []), *numbers] if numbers and prompt else None
    return key and list(dict.fromkeys(key))  # a column may play two roles


def _without_duplicates(records: Records, key: Sequence[str], findings: Findings) -> Records:
    counted = records.frame.group_by(*key).agg(nw.len().alias("riskshift_n"))
    twice = counted.filter(nw.col("riskshift_n") > 1)
    findings.add(records, _duplicates(records, key, twice))
    total = engine.count_rows(records.frame)
    alone = nw.len().over(*key) == 1
    kept = engine.count_rows(records.frame.filter(alone))
    return records.where(alone, reason="duplicate pair", rows=total - kept)


def _duplicates(records: Records, key: Sequence[str], twice: engine.Frame) -> PairError:
    many = engine.count_rows(twice)
    shown = engine.fetch(twice.sort(*key).head(3).select(*key, "riskshift_n"))
    examples = "; ".join(f"{told_apart(key, row)} ({row[-1]} times)" for row in shown)
    has_sample = records.column("sample") or records.column("turn")
    fix = "Remove the duplicates"
    if not has_sample:
        fix += ", or if they are several responses to one prompt, name the column that tells them apart: --map "
        fix += "sample=COLUMN" if records.column("model") else "model=COLUMN or --map sample=COLUMN"
    return PairError(
        f"{records.source.name}: {many:,} {'pair occurs' if many == 1 else 'pairs occur'} more than once by "
        f"({', '.join(key)}): {examples}{'; ...' if many > len(shown) else ''}.\n"
        f"{fix}.{_or_skip(records, ' --skip-bad leaves all of them out.')}"
    )


def check_prompt_labels(
    records: Records, rows: Sequence[tuple[Any, ...]], by_prompt: Grouped, findings: Findings
) -> Records:
    """Find prompts whose own labels differ between their records.

    Parameters
    ----------
    records : Records
        The rows, to name the prompts.
    rows : sequence of tuple
        Their patterns, with the labels as they are written.
    by_prompt : Grouped
        Their counts, clustered by prompt.

    Returns
    -------
    Records
        Without those prompts.
    """
    prompt, clusters = records.prompt, by_prompt.table.clusters
    if prompt is None or clusters is None or records.options.prompt_labels == "per-row":
        return records
    taxonomy = records.options.taxonomy
    start = clusters.indptr[:-1]
    label = by_prompt.table.values[clusters.indices, : len(taxonomy.categories)]
    known = np.where(label == MISSING, taxonomy.top + 1, label)
    differ = np.maximum.reduceat(label, start) > np.minimum.reduceat(known, start)
    if not differ.any():
        return records
    many = int(clusters.weight[differ.any(axis=1)].sum())
    names = records.names
    marked = _mark_unequal(records.frame, prompt, rows, label_keys(records)[: differ.shape[1]])
    error = _unequal(records, marked.filter(nw.col(_UNEQUAL)), many)
    findings.add(records, error)
    dropped = engine.count_rows(marked.filter(nw.col(_UNEQUAL)))
    records = replace(records, frame=marked).where(
        ~nw.col(_UNEQUAL), reason="prompt labels differ", rows=dropped
    )
    return replace(records, frame=records.frame.select(*names))


def _mark_unequal(
    frame: engine.Frame, prompt: str, rows: Sequence[tuple[Any, ...]], keys: Sequence[Key]
) -> engine.Frame:
    """Add a column that tells the rows of prompts with unequal labels, however they are written."""
    unequal = []
    for at, key in enumerate(keys):
        values = {row[at] for row in rows} - {None}
        low, high = f"riskshift_low{at}", f"riskshift_high{at}"
        frame = frame.with_columns(
            _severity(key, values, missing=MAX_LEVELS).alias(low),
            _severity(key, values, missing=MISSING).alias(high),
        )
        frame = frame.with_columns(nw.col(low).min().over(prompt), nw.col(high).max().over(prompt))
        unequal.append(nw.col(low) < nw.col(high))
    return frame.with_columns(nw.any_horizontal(*unequal, ignore_nulls=False).alias(_UNEQUAL))


def _severity(key: Key, values: Iterable[Any], *, missing: int) -> nw.Expr:
    level: nw.Expr = nw.lit(missing, nw.Int64)
    for value in values:
        if key.parse(value) != MISSING:
            severity = nw.lit(key.parse(value), nw.Int64)
            level = nw.when(nw.col(key.column) == value).then(severity).otherwise(level)
    return level


def _unequal(records: Records, rows: engine.Frame, many: int) -> PairError:
    prompt = str(records.prompt)
    counted = rows.group_by(prompt).agg(nw.len().alias("riskshift_n"))
    examples = engine.fetch(counted.sort(prompt).head(5))
    return PairError(
        f"{records.source.name}: the prompt's own labels differ between the records of {many:,} "
        f"{'prompt' if many == 1 else 'prompts'}: {listing(_shown(row[0]) for row in examples)}"
        f"{' ...' if many > len(examples) else ''}.\n"
        "One prompt has one severity. Fix the labels, or accept a label per record with "
        "--prompt-labels per-row. --skip-bad leaves these prompts out."
    )


def told_apart(key: Sequence[str], row: Sequence[object]) -> str:
    """Name a row by the columns that tell it apart, with which it begins."""
    return ", ".join(f"{column} {_shown(value)}" for column, value in zip(key, row, strict=False))


def _shown(value: object) -> str:
    text = repr(str(value))
    return text if len(text) <= 60 else f"{text[:57]}...'"
