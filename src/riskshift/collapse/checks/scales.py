"""What numbers among labels say of the scale that they were written on."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Final

from riskshift.collapse.checks.one_message import Faults
from riskshift.errors import RiskshiftWarning
from riskshift.records import Records
from riskshift.taxonomy import MAX_LEVELS, Taxonomy, toml_list
from riskshift.written import is_number

# Fewer labels than this may lack a zero by chance.
_ENOUGH: Final = 20


def whole_numbers(values: Mapping[object, int]) -> dict[int, int]:
    """Count labels that are whole numbers; `values` are labels and how many rows hold each."""
    found: dict[int, int] = {}
    for value, rows in values.items():
        if is_number(value) and not isinstance(value, bool):
            number = int(float(str(value)))
            found[number] = found.get(number, 0) + rows
    return found


def above(bad: Sequence[object], taxonomy: Taxonomy) -> bool:
    """Tell whether values lie above the highest level, so that leaving them out would flatter."""
    for value in bad:
        try:
            if float(str(value)) > taxonomy.top:
                return True
        except ValueError:
            continue
    return False


def advice(records: Records, seen: Mapping[int, int], bad: Sequence[object]) -> str:
    """Say on which scale numbers that do not fit were probably written, and how to declare it.

    Parameters
    ----------
    records : Records
        The rows.
    seen : mapping of int to int
        All whole numbers among the labels, with their rows.
    bad : sequence
        Values that are no labels.

    Returns
    -------
    str
        Empty where nothing fits all of them.
    """
    taxonomy = records.options.taxonomy
    if not seen or not bad or not all(map(is_number, bad)) or min(seen) < 0:
        return ""
    top, first = max(seen), 0 if 0 in seen else 1
    azure = _azure(records, seen, top) if first == 0 else ""
    ordered = top - first < MAX_LEVELS and top <= taxonomy.top + 1
    ordered |= top - first < MAX_LEVELS and set(seen) == set(range(first, top + 1))
    if azure:
        return f" If they are Azure's severities, declare it: --scale {azure}."
    if top <= taxonomy.top or not ordered:
        return ""
    return f" {_counted_from(first, top, taxonomy)}"


def _azure(records: Records, seen: Mapping[int, int], top: int) -> str:
    if len(records.options.taxonomy.levels) != 4:
        return ""
    even = not any(number % 2 for number in seen)
    # 0 to 4 are five levels; only what none of four or five levels has speaks for eight.
    scale = "0-2-4-6" if even and top <= 6 else "0-7" if not even and 5 <= top <= 7 else ""
    return "" if scale == records.options.scale else scale


def _counted_from(first: int, top: int, taxonomy: Taxonomy) -> str:
    levels = [str(number) for number in range(first, top + 1)]
    start = levels[min(taxonomy.harmful_from, len(levels) - 1)]
    many = f"{len(levels)} levels, {first} to {top}"
    where = "No label is 0, so they seem to count from 1" if first else "They seem to be"
    join = ": " if first else " "
    return (
        f"{where}{join}{many}, and the taxonomy has {len(taxonomy.levels)}, 0 to {taxonomy.top}. Declare the levels in "
        f"a file, mildest first, and from which on they are harmful, and give it with --taxonomy FILE:\n"
        f"categories = {toml_list(taxonomy.categories)}\n"
        f"levels = {toml_list(levels)}\n"
        f'harmful_from = "{start}"'
    )


def note_doubts(records: Records, seen: Mapping[int, int], faults: Faults) -> None:
    """Remember, once, what numbers that all fit the scale may mean otherwise."""
    if faults.doubt is not None:
        return
    faults.doubt = ""
    taxonomy = records.options.taxonomy
    if records.options.scale is not None or not seen or min(seen) < 0:
        return
    name = records.source.name
    if len(taxonomy.levels) == 4 and 2 in seen and not any(number % 2 for number in seen):
        faults.doubt = (
            f"{name}: every label is even. If they are Azure's severities 0, 2, 4, 6, declare it: "
            "--scale 0-2-4-6. They were read as 0 to 3."
        )
    elif min(seen) == 1 and 1 < max(seen) <= taxonomy.top and sum(seen.values()) >= _ENOUGH:
        faults.doubt = (
            f"{name}: no label is 0, so every one was read as {taxonomy.levels[1]} or more. "
            f"{_counted_from(1, max(seen), taxonomy)}"
        )


def warn_if_doubtful(faults: Faults) -> None:
    """Warn of labels that look like those of another scale; after all else, and once."""
    if faults.doubt:
        warnings.warn(faults.doubt, RiskshiftWarning, stacklevel=2)


def seen_numbers(rows: Sequence[tuple[Any, ...]], labels: Sequence[int]) -> dict[int, int]:
    """Count the whole numbers in the label columns of patterns."""
    held: dict[object, int] = {}
    for at in labels:
        for row in rows:
            # True is 1 to a dictionary, and says nothing of a scale.
            if not isinstance(row[at], bool):
                held[row[at]] = held.get(row[at], 0) + row[-1]
    return whole_numbers(held)
