"""Check labels on the patterns and pairs in the engine; all faults in one message."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import narwhals.stable.v2 as nw
import numpy as np

from riskshift import engine
from riskshift.counts import Grouped
from riskshift.errors import DataError, LabelError, PairError, RiskshiftWarning, listing
from riskshift.records import Records
from riskshift.taxonomy import BAD, MISSING, is_number, level_parser, parse_flag, parse_relevance

SHOWN: Final = 20


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
    parse = level_parser(taxonomy, scale)
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
            shown = sorted(bad, key=lambda value: (-bad[value], str(value)))[:SHOWN]
            places = records.source.places(column, shown)
            lines += [
                f"{places.get(str(value), records.source.name)}: {column} is {_shown(value)} "
                f"({bad[value]:,} of {total:,} rows). {choices[column]}."
                for value in shown
            ]
            if len(bad) > SHOWN:
                lines.append(
                    f"{records.source.name}: {column} has {len(bad) - SHOWN:,} further values like these."
                )
        return LabelError("\n".join([*lines, self._fix()]))

    def _fix(self) -> str:
        values = [value for bad in self.found.values() for value in bad]
        if not values:
            return "Nothing was written."
        fix = "Fix the labels, or leave these rows out with --skip-bad."
        whole = {int(float(str(value))) for value in values if is_number(value)}
        if whole and len(whole) == len(values) and whole <= set(range(8)):
            even = not any(number % 2 for number in whole)
            fix += f" If they are Azure's severities, declare it: --scale {'0-2-4-6' if even else '0-7'}."
        return fix

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


def check_labels(
    records: Records, rows: list[tuple[Any, ...]], keys: Sequence[Key]
) -> tuple[Records, list[tuple[Any, ...]]]:
    """Raise all label faults at once, or leave their rows out if that was asked for.

    Raises
    ------
    LabelError
        If a value is not on its scale (unless rows with faults are to be left out), or if a column
        mixes severities and names.
    """
    faults = Faults.among(rows, keys)
    if not faults:
        _warn_if_even(records, rows, keys)
        return records, rows
    if faults.mixed or not records.options.skip_bad:
        raise faults.error(records)
    return faults.leave_out(records, rows)


def _warn_if_even(records: Records, rows: Sequence[tuple[Any, ...]], keys: Sequence[Key]) -> None:
    if records.options.scale is not None or len(records.options.taxonomy.levels) != 4:
        return
    labels = [at for at, key in enumerate(keys) if key.is_label]
    seen = {keys[at].parse(row[at]) for row in rows for at in labels if is_number(row[at])}
    if 2 in seen and not seen & {1, 3}:
        warnings.warn(
            f"{records.source.name}: every label is even. If they are Azure's severities 0, 2, 4, 6, "
            "declare it: --scale 0-2-4-6. They were read as 0 to 3.",
            RiskshiftWarning,
            stacklevel=2,
        )


def check_ids(records: Records) -> Records:
    """Refuse records that cannot be told which prompt they answer.

    Raises
    ------
    DataError
        If the prompt or the cluster is missing somewhere (unless such rows are to be left out).
    """
    for column in dict.fromkeys(filter(None, (records.prompt, records.cluster))):
        blank = engine.is_blank(records.frame, column)
        count = engine.count_rows(records.frame.filter(blank))
        if count and not records.options.skip_bad:
            raise DataError(
                f"{records.source.name}: {column} is missing in {count:,} rows. It tells which records share a "
                "prompt. Fill it in, or leave these rows out with --skip-bad."
            )
        if count:
            records = records.where(~blank, reason=f"missing {column}", rows=count)
    return records


def check_samples(records: Records) -> Records:
    """Refuse pairs that occur twice where a column tells the responses to one prompt apart.

    That column is ``sample`` or ``turn``, or the response where the prompt's text is its identity.

    Returns
    -------
    Records
        Without the duplicates, if they were to be left out.

    Raises
    ------
    PairError
        If there are some.
    """
    key = _sample_key(records)
    if key is None or engine.repeats(records.frame, key)[1] <= 1:
        return records
    return _without_duplicates(records, key)


def check_duplicates(records: Records, by_prompt: Grouped) -> Records:
    """Refuse prompts that a model answered more than once, where nothing numbers its responses.

    Parameters
    ----------
    records : Records
        The rows, to name the pairs.
    by_prompt : Grouped
        Their counts by model, clustered by prompt.

    Returns
    -------
    Records
        Without the duplicates, if they were to be left out.

    Raises
    ------
    PairError
        If there are some.
    """
    prompt, clusters = records.prompt, by_prompt.table.clusters
    if prompt is None or clusters is None or _sample_key(records) is not None:
        return records
    kind = np.repeat(np.arange(len(clusters.weight)), np.diff(clusters.indptr))
    answers = kind * len(by_prompt.names) + by_prompt.group[clusters.indices]
    if len(np.unique(answers)) == len(answers):
        return records
    model = records.column("model")
    return _without_duplicates(records, [prompt, *([model] if model else [])])


def _sample_key(records: Records) -> list[str] | None:
    """Return the columns that no two records may share, if some column numbers the samples."""
    numbers = [column for column in map(records.column, ("sample", "turn")) if column]
    response = records.column("response")
    if records.column("prompt_id") is None and response:
        numbers.append(response)
    model = records.column("model")
    prompt = records.prompt
    return [prompt, *([model] if model else []), *numbers] if numbers and prompt else None


def _without_duplicates(records: Records, key: Sequence[str]) -> Records:
    counted = records.frame.group_by(*key).agg(nw.len().alias("riskshift_n"))
    if not records.options.skip_bad:
        raise _duplicates(records, key, counted.filter(nw.col("riskshift_n") > 1))
    total = engine.count_rows(records.frame)
    alone = nw.len().over(*key) == 1
    kept = engine.count_rows(records.frame.filter(alone))
    return records.where(alone, reason="duplicate pair", rows=total - kept)


def _duplicates(records: Records, key: Sequence[str], twice: engine.Frame) -> PairError:
    many = engine.count_rows(twice)
    shown = engine.fetch(twice.sort(*key).head(3).select(*key, "riskshift_n"))
    examples = "; ".join(
        ", ".join(f"{column} {_shown(value)}" for column, value in zip(key, row, strict=False))
        + f" ({row[-1]} times)"
        for row in shown
    )
    has_sample = records.column("sample") or records.column("turn")
    fix = "Remove the duplicates"
    if not has_sample:
        fix += ", or if they are several responses to one prompt, name the column that tells them apart: --map "
        fix += "sample=COLUMN" if records.column("model") else "model=COLUMN or --map sample=COLUMN"
    return PairError(
        f"{records.source.name}: {many:,} {'pair occurs' if many == 1 else 'pairs occur'} more than once by "
        f"({', '.join(key)}): {examples}{'; ...' if many > len(shown) else ''}.\n"
        f"{fix}. --skip-bad leaves all of them out."
    )


def check_prompt_labels(records: Records, by_prompt: Grouped) -> Records:
    """Refuse prompts whose own labels differ between their records.

    Parameters
    ----------
    records : Records
        The rows, to name the prompts.
    by_prompt : Grouped
        Their counts, clustered by prompt.

    Returns
    -------
    Records
        Without those prompts, if they were to be left out.

    Raises
    ------
    PairError
        If there are some.
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
    columns = [column for column, _ in records.labels]
    unequal = [nw.col(c).min().over(prompt) != nw.col(c).max().over(prompt) for c in columns]
    bad = nw.any_horizontal(*unequal, ignore_nulls=True)
    if not records.options.skip_bad:
        many = int(clusters.weight[differ.any(axis=1)].sum())
        examples = engine.fetch(
            records.frame.filter(bad)
            .group_by(prompt)
            .agg(nw.len().alias("riskshift_n"))
            .sort(prompt)
            .head(5)
        )
        raise PairError(
            f"{records.source.name}: the prompt's own labels differ between the records of {many:,} "
            f"{'prompt' if many == 1 else 'prompts'}: {listing(_shown(row[0]) for row in examples)}"
            f"{' ...' if many > len(examples) else ''}.\n"
            "One prompt has one severity. Fix the labels, or accept a label per record with "
            "--prompt-labels per-row. --skip-bad leaves these prompts out."
        )
    total = engine.count_rows(records.frame)
    good = nw.coalesce(~bad, nw.lit(True))
    kept = engine.count_rows(records.frame.filter(good))
    return records.where(good, reason="prompt labels differ", rows=total - kept)


def _shown(value: object) -> str:
    text = repr(str(value))
    return text if len(text) <= 60 else f"{text[:57]}...'"
