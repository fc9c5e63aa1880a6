"""Check labels on the patterns and pairs in the engine; all faults in one message."""

import shlex
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import narwhals.stable.v2 as nw

from riskshift.collapse.faults import Faults, shown_value
from riskshift.engines import engine
from riskshift.errors import LabelError, RiskshiftWarning, listing
from riskshift.records import Records
from riskshift.taxonomy import (
    BAD,
    as_mark,
    is_number,
    parse_flag,
    parse_relevance,
)

SHOWN: Final = 20

FEW: Final = 5

# What graders and spreadsheets write for "no label" and what is not taken for it unasked.
_MARKS: Final = frozenset(
    {"-1", "-9", "-99", "-", "--", "?", ".", "n/a", "n.a.", "#n/a", "<na>", "none", "nil"}
    | {"error", "failed", "unknown", "unclear", "unparseable", "invalid"}
)


@dataclass(frozen=True, slots=True)
class Key:
    """A column that is part of a pattern, how its values are read, and what they may be.

    `column` is its name in the frame, `name` what the user calls it.
    """

    column: str
    name: str
    parse: Callable[[object], int]
    choices: str
    is_label: bool = True


def label_keys(records: Records) -> list[Key]:
    """Return the columns that make up a pattern: prompt sides, response sides, then the rest."""
    taxonomy, scale = records.options.taxonomy, records.options.scale
    marked = records.options.marked
    parse = records.options.level()
    choices = f"Levels: {taxonomy.describe_levels()}"
    if scale is not None:
        choices += f", written as --scale {scale}"
    keys = [
        Key(records.at(column), column, parse, choices)
        for side in zip(*records.labels, strict=True)
        for column in side
    ]
    relevance, benign = records.column("relevance"), records.column("prompt_benign")
    if relevance:
        keys.append(
            Key(
                records.at(relevance),
                relevance,
                marked(parse_relevance),
                "Relevance is 1, 2 or 3",
                is_label=False,
            )
        )
    if benign:
        keys.append(
            Key(
                records.at(benign),
                benign,
                marked(parse_flag),
                "Choices: true, false",
                is_label=False,
            )
        )
    return keys


@dataclass(frozen=True, slots=True)
class BadLabels:
    """Values that are not on the scale of their column, and how many rows hold each."""

    found: Mapping[str, Mapping[object, int]]
    mixed: Sequence[str]
    keys: Sequence[Key]

    @classmethod
    def among(cls, rows: Sequence[tuple[Any, ...]], keys: Sequence[Key]) -> "BadLabels":
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
            f"{records.source.name}: {key.name} holds severities and level names mixed. Write one or the other, "
            "or declare it: --scale levels or --scale names."
            for key in self.keys
            if key.column in self.mixed
        ]
        for key in self.keys:
            column, bad = key.name, self.found.get(key.column, {})
            if not bad:
                continue
            some = SHOWN if len(bad) <= SHOWN else FEW
            shown = sorted(bad, key=lambda value: (-bad[value], str(value)))[:some]
            places = records.source.places(column, shown)
            lines += [
                f"{places.get(str(value).strip(), records.source.name)}: {column} is {shown_value(value)} "
                f"({bad[value]:,} of {total:,} rows). {key.choices}."
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
        return [fix + _declared(values)]

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


def _declared(values: Iterable[object]) -> str:
    """Say how to declare a value that probably says that there is no label."""
    marks = [
        text for text in dict.fromkeys(str(v).strip() for v in values) if as_mark(text) in _MARKS
    ]
    if not marks:
        return ""
    told = " and ".join(repr(mark) for mark in marks)
    none = "" if "none" not in map(str.casefold, marks) else ", and not no harm"
    said = " ".join(f"--missing {shlex.quote(mark)}" for mark in marks)
    return f" If {told} {'stands' if len(marks) == 1 else 'stand'} for no label{none}, declare it: {said}."


def _is_score(value: object) -> bool:
    try:
        return 0 <= float(str(value)) <= 1
    except ValueError:
        return False


def check_labels(
    records: Records, rows: list[tuple[Any, ...]], keys: Sequence[Key], faults: Faults
) -> tuple[Records, list[tuple[Any, ...]]]:
    """Find values that are not on their scale and columns that mix severities and names.

    Returns
    -------
    Records
        Without the rows that hold such values.
    list of tuple
        Their patterns.
    """
    bad = BadLabels.among(rows, keys)
    if faults.even is None:
        faults.even = _is_even(records, rows, keys)
    if bad:
        faults.add(records, bad.error(records), always=bool(bad.mixed))
    if bad.found:
        records, rows = bad.leave_out(records, rows)
    return records, rows


def _is_even(records: Records, rows: Sequence[tuple[Any, ...]], keys: Sequence[Key]) -> bool:
    """Tell whether the labels may be 0, 2, 4, 6 without having been declared so."""
    if records.options.scale is not None or len(records.options.taxonomy.levels) != 4:
        return False
    labels = [at for at, key in enumerate(keys) if key.is_label]
    held = {value for at in labels for value in {row[at] for row in rows}}
    seen = {int(float(str(value))) for value in held if is_number(value)}
    return 2 in seen and not any(number % 2 for number in seen)


def warn_if_even(records: Records, faults: Faults) -> None:
    """Warn of labels that look like those of another scale; after all else, and once."""
    if faults.even:
        warnings.warn(
            f"{records.source.name}: every label is even. If they are Azure's severities 0, 2, 4, 6, "
            "declare it: --scale 0-2-4-6. They were read as 0 to 3.",
            RiskshiftWarning,
            stacklevel=2,
        )
