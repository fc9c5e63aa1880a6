"""Refuse labels that say themselves that they count the other way round."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from riskshift.collapse.checks.labels import Key
from riskshift.collapse.checks.one_message import Faults
from riskshift.direction import points
from riskshift.errors import LabelError
from riskshift.reading.labels.class_names import class_names
from riskshift.records import Records
from riskshift.taxonomy import LevelParser, Taxonomy
from riskshift.written import BAD, is_number, parse_flag

Names = Mapping[str, Sequence[tuple[str, ...]]]


def check_direction(
    records: Records, rows: Sequence[tuple[Any, ...]], keys: Sequence[Key], faults: Faults
) -> None:
    """Note label columns whose name, or whose numbers' names, contradict how they are read.

    Parameters
    ----------
    records : Records
        The rows.
    rows : sequence of tuple
        Their patterns.
    keys : sequence of Key
        How the columns of a pattern are read.
    faults : Faults
        Where contradictions are noted.
    """
    if faults.directed:
        return
    faults.directed = True
    named = class_names(records)
    for at, key in enumerate(keys):
        values = {row[at] for row in rows}
        if isinstance(key.parse, LevelParser):
            fault = _of_labels(records, key, key.parse, values, named)
        else:
            is_flag = key.name == records.column("prompt_benign")
            fault = _of_flag(key, values) if is_flag else None
        if fault:
            told = f"{records.source.name}: {fault}"
            faults.add(records, partial(LabelError, told), always=True)


def _of_labels(
    records: Records, key: Key, parse: LevelParser, values: set[Any], named: Names
) -> str | None:
    counted = {value for value in values if _counts(parse, value)}
    if parse.inverted and not records.options.by_people and _only_names(parse, values):
        return (
            f"{key.name} holds names of levels, which say themselves how harmful they are, so --invert {key.name} "
            "has nothing to turn. Leave it out."
        )
    if not counted:
        return None
    for names in named.get(key.name, ()):
        told = _of_class_names(records.options.taxonomy, key, parse, names)
        if told:
            return told
    declared = records.options.scale is not None or key.name in named
    if points(key.name) < 0 and not parse.inverted and not declared:
        return (
            f"the name of {key.name} says that its high values are safe, and high values are read as harmful. "
            f"Turn it round: --invert {key.name}. Or, if it counts up with harm in spite of its name, say so: "
            "--scale levels."
        )
    return None


def _counts(parse: LevelParser, value: object) -> bool:
    """Tell whether a label is read as a number, or as true or false, and not as a level's name."""
    if isinstance(value, bool) or str(value).strip().casefold() in ("true", "false"):
        return parse(value) >= 0
    return is_number(value) and parse(value) >= 0


def _only_names(parse: LevelParser, values: set[Any]) -> bool:
    return any(parse.named(v) != BAD for v in values) and not any(_counts(parse, v) for v in values)


def _of_class_names(
    taxonomy: Taxonomy, key: Key, parse: LevelParser, names: Sequence[str]
) -> str | None:
    read = {at: parse(at) for at in range(len(names)) if parse(at) >= 0}
    if not any(_contradicts(taxonomy, names[at], level) for at, level in read.items()):
        return None
    meant = ", ".join(f"{at} is {name!r}" for at, name in enumerate(names))
    says = f"{key.name}: the file's own metadata says that {meant}, and "
    taken = ", ".join(f"{at} as {taxonomy.levels[level]!r}" for at, level in read.items())
    turned = {at: taxonomy.top - level for at, level in read.items()}
    if any(_contradicts(taxonomy, names[at], level) for at, level in turned.items()):
        fix = "Turn the numbers into these names, and name the levels so (--taxonomy FILE)."
    elif parse.inverted:
        fix = f"Leave out --invert {key.name}."
    else:
        fix = f"Turn them round: --invert {key.name}."
    return f"{says}{taken} would be read. {fix}"


def _contradicts(taxonomy: Taxonomy, name: str, level: int) -> bool:
    """Tell whether a number's name says another thing than the level it is read as."""
    folded = [own.casefold() for own in taxonomy.levels]
    if name.strip().casefold() in folded:
        return folded.index(name.strip().casefold()) != level
    harmful = level >= taxonomy.harmful_from
    return points(name) == (-1 if harmful else 1)


def _of_flag(key: Key, values: set[Any]) -> str | None:
    if points(key.name) <= 0:
        return None
    if not any(parse_flag(value) >= 0 for value in values):
        return None
    return (
        f"the name of {key.name} says that its true values are harmful, and prompt_benign is true where a prompt is "
        "benign. Map a column that says so, or none."
    )
