"""Check labels on the patterns and pairs in the engine; all faults in one message."""

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import narwhals.stable.v2 as nw

from riskshift.collapse.checks.one_message import Faults, shown_value
from riskshift.collapse.checks.scales import above, advice, note_doubts, seen_numbers
from riskshift.engines import engine
from riskshift.errors import LabelError, listing
from riskshift.records import Options, Records, label_roles
from riskshift.refusal import REFUSAL
from riskshift.taxonomy import LevelParser
from riskshift.written import BAD, as_mark, parse_flag, parse_relevance

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
    options, marked = records.options, records.options.marked
    roles = [role for side in zip(*label_roles(options.taxonomy), strict=True) for role in side]
    keys = [
        label_key(options, role, records.at(options.columns[role]), options.columns[role])
        for role in roles
    ]
    relevance, benign = records.column("relevance"), records.column("prompt_benign")
    refusal = records.column("refusal")
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
    if refusal:
        keys.append(label_key(options, "refusal", records.at(refusal), refusal))
    return keys


def label_key(options: Options, role: str, column: str, name: str) -> Key:
    """Return the key of a column of labels: its name in the frame, and the user's."""
    if role == "refusal":
        scale = options.taxonomy.refusal
        return Key(column, name, options.marked(scale.parse), scale.choices, is_label=False)
    parse = options.parser(role)
    choices = f"Levels: {options.taxonomy.describe_levels()}"
    if options.scale is not None:
        choices += f", written as --scale {options.scale}"
    if parse.inverted:
        choices += f", counted down by --invert {name}"
    return Key(column, name, parse, choices)


@dataclass(frozen=True, slots=True)
class BadLabels:
    """Values that are not on the scale of their column, and how many rows hold each."""

    found: Mapping[str, Mapping[object, int]]
    mixed: Sequence[str]
    keys: Sequence[Key]
    numbers: Mapping[int, int]

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
            if isinstance(key.parse, LevelParser) and _are_mixed(key.parse, good):
                mixed.append(key.column)
        labels = [at for at, key in enumerate(keys) if key.is_label]
        return cls(found, mixed, keys, seen_numbers(rows, labels))

    def __bool__(self) -> bool:
        return bool(self.found or self.mixed)

    def error(self, records: Records) -> LabelError:
        """Say where every fault stands, how many rows share it, what may stand there, and the fix."""
        total = engine.count_rows(records.frame)
        lines = [
            f"{records.source.name}: {key.name} holds severities and level names mixed. Write all of them as names or "
            f"all as severities: {records.options.taxonomy.describe_levels()}."
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
        severities = [key.column for key in self.keys if key.is_label]
        levels = [value for column in severities for value in self.found.get(column, ())]
        if records.options.by_people:
            names = listing(records.options.taxonomy.levels if levels else REFUSAL)
            return [
                f"Fix the labels, and leave no row out: that would spoil the sample. People's labels may always be "
                f"written as names of levels: {names}."
            ]
        # Leaving out what lies above the scale would leave out the worst.
        severe = above(levels, records.options.taxonomy)
        fix = "Fix the labels" + ("." if severe else ", or leave these rows out with --skip-bad.")
        fix += advice(records, self.numbers, levels)
        if len(levels) > SHOWN and all(map(_is_score, levels)):
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


def _are_mixed(parse: LevelParser, good: Sequence[object]) -> bool:
    """Tell whether some labels can only be read as names, and others only as numbers."""
    as_names = {value: parse.named(value) != BAD for value in good}
    as_numbers = {value: parse.numbered(value) == parse(value) for value in good}
    return any(as_names[v] and not as_numbers[v] for v in good) and not all(as_names.values())


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
    note_doubts(records, bad.numbers, faults)
    if bad:
        faults.add(records, lambda: bad.error(records), always=bool(bad.mixed))
    if bad.found:
        records, rows = bad.leave_out(records, rows)
    return records, rows
