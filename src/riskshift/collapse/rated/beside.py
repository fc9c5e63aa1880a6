"""Put people's labels beside a grader's, pair by pair."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import narwhals.stable.v2 as nw

from riskshift.collapse.checks.labels import Key
from riskshift.collapse.coding import tabulate
from riskshift.collapse.identity import as_text, refuse_repeats, shared_identity
from riskshift.collapse.pairs import MAX_PATTERNS, Collapsed, layout_of
from riskshift.counts.doubled import UNRECORDED, Doubled, Drawing
from riskshift.engines import engine
from riskshift.errors import DataError, UsageError, listing
from riskshift.reading.combined import in_one_place
from riskshift.records import Records
from riskshift.refusal import PARTIAL

STRATUM: Final = "stratum"
CHANCE: Final = "inclusion_probability"
_PEOPLE: Final = "riskshift_people_"
_HERE: Final = "riskshift_here"


@dataclass(frozen=True, slots=True)
class Beside:
    """A grader's records with people's labels beside them, still as rows.

    Parameters
    ----------
    records : Records
        The grader's records; the frame also holds people's labels, null where they gave none, and
        which rows people were given.
    graded, people : tuple of Key
        The grader's columns, and people's labels: each prompt side first, by category; then
        people's of the refusal, where both have such.
    """

    records: Records
    graded: tuple[Key, ...]
    people: tuple[Key, ...]


def double(
    graded: Collapsed, people: Collapsed, *, by: str | None = None, elsewhere: bool = False
) -> Doubled:
    """Join a grader's records with people's and collapse both to one table.

    Parameters
    ----------
    graded : Collapsed
        Every pair, labelled by the grader.
    people : Collapsed
        Some of the same pairs, labelled by people; told apart by ``record_id`` where both have it,
        else by prompt, model, sample and turn, as far as both have them.
    by : str, optional
        A column of the graded records whose values are groups.
    elsewhere : bool, default False
        Whether people may have labelled pairs of other records too, which are passed over; see
        `check_shared`.

    Returns
    -------
    Doubled
        Clustered by the graded records' cluster.

    Raises
    ------
    DataError
        If either side has faults, the people's pairs are not all among the graded ones, or nothing
        tells which pairs are the same.
    """
    return tabulate_beside(set_beside(graded, people, elsewhere=elsewhere), by=by)


def set_beside(graded: Collapsed, people: Collapsed, *, elsewhere: bool = False) -> Beside:
    """Join a grader's records with people's, pair by pair; as `double`, which also collapses."""
    ours, theirs = graded.records, people.records
    if ours.options.taxonomy != theirs.options.taxonomy:
        raise UsageError("the grader's and the people's labels must have one taxonomy.")
    key = shared_identity(ours, theirs)
    names = [f"riskshift_key_{at}" for at in range(len(key))]
    left, right = in_one_place([ours, theirs])
    left = left.with_columns(*as_text(ours, key, names))
    right = right.with_columns(*as_text(theirs, key, names))
    for records, frame in ((ours, left), (theirs, right)):
        refuse_repeats(records, frame, names, key)
    named = {f"{_PEOPLE}{at}": other for at, other in enumerate(_labels(people, ours))}
    renamed = [nw.col(key.column).alias(name) for name, key in named.items()]
    beside = right.select(*names, *renamed, nw.lit(1).alias(_HERE))
    if not elsewhere:
        known = left.select(*names).unique()
        _refuse_strangers(theirs, [ours], beside.join(known, on=names, how="anti"), names)
    joined = left.join(beside, on=names, how="left")
    labels = tuple(replace(key, column=name) for name, key in named.items())
    return Beside(replace(ours, frame=joined), graded.keys, labels)


def check_shared(labels: Collapsed, candidate: Collapsed, baseline: Collapsed) -> None:
    """Refuse people's labels that are not each of one pair of two sets of graded records.

    Raises
    ------
    DataError
        If some pairs are in neither, or in both, so that nothing tells whose label it is.
    """
    people, parts = labels.records, [candidate.records, baseline.records]
    *graded, mine = in_one_place([*parts, people])
    strangers, twofold = mine, mine
    for at, (part, frame) in enumerate(zip(parts, graded, strict=True)):
        key = shared_identity(part, people)
        names = [f"riskshift_key_{at}_{role}" for role in key]
        known = frame.select(*as_text(part, key, names)).unique()
        strangers = strangers.with_columns(*as_text(people, key, names))
        strangers = strangers.join(known, on=names, how="anti")
        twofold = twofold.with_columns(*as_text(people, key, names))
        twofold = twofold.join(known, on=names, how="semi")
    _refuse_strangers(people, parts, strangers, names)
    if engine.count_rows(twofold):
        raise DataError(
            f"{people.source.name} does not tell whose pairs it labels, the candidate's or the baseline's. Give "
            "people's labels of the baseline in a file of their own (--baseline-people), or all data a model column."
        )


def tabulate_beside(beside: Beside, *, by: str | None = None) -> Doubled:
    """Collapse a grader's and people's labels to one table; see `double`."""
    here = Key(_HERE, _HERE, _was_given, "", is_label=False)
    records, keys = beside.records, [*beside.graded, *beside.people, here]
    group = records.at(by) if by else None
    columns = [key.column for key in keys]
    if group in columns:  # a column of labels may group too
        records, column = records.with_own("riskshift_group", nw.col(str(group)))
        group = records.at(column)
    columns += [group] if group else []
    with engine.explained(records.source):
        rows = engine.count_patterns(records.frame, columns, limit=MAX_PATTERNS + 1)
    if len(rows) > MAX_PATTERNS:
        names = [key.name for key in keys] + ([by] if by else [])
        raise DataError(f"more than {MAX_PATTERNS:,} different patterns of {listing(names)}.")
    cluster = records.at(records.cluster) if records.cluster else None
    shared = cluster is not None and engine.occur_twice(records.frame, [cluster])
    table, groups = tabulate(
        records.frame, keys, rows, cluster=cluster if shared else None, by=group
    )
    sides = 2 * len(records.options.taxonomy.categories)
    layout, refusal = layout_of(records, table), len(beside.people) > sides
    if refusal:  # where people tell partial refusals, there are such, though the grader knows none
        by_people = table.values[:, layout.width + sides]
        layout = replace(layout, partial=layout.partial or bool((by_people == PARTIAL).any()))
    return Doubled(layout, table, groups, refusal=refusal)


def _was_given(value: object) -> int:
    return int(value is not None)


def metrics_of_strata(records: Records) -> list[str]:
    """Return the metrics by which the records' strata were drawn; none for a plain sample."""
    if not {STRATUM, CHANCE} <= set(records.names):
        return []
    with engine.explained(records.source):
        strata = engine.count_patterns(records.frame, [records.at(STRATUM)])
    return sorted({str(name).rpartition(": ")[0] for name, _ in strata if name} - {""})


def about_strata(records: Records) -> list[str]:
    """Say what rates are of where pairs were drawn by strata; nothing where they were not."""
    strata = metrics_of_strata(records)
    if not strata:
        return []
    return [
        f"The pairs were drawn by strata of {listing(strata)}: the rates here are those of the sample, not of what "
        "it was drawn from. For these: riskshift analyze GRADED --people FILE."
    ]


def drawing_of(people: Records) -> Drawing:
    """Return how people's pairs were drawn, as `riskshift sample` recorded it.

    Raises
    ------
    DataError
        If the pairs of one stratum had unequal chances to be drawn, or strata are of two metrics.
    """
    if CHANCE not in people.names:
        return UNRECORDED
    told = [STRATUM, CHANCE] if STRATUM in people.names else [CHANCE]
    with engine.explained(people.source):
        rows = engine.count_patterns(people.frame, [people.at(column) for column in told])
    named = [(str(row[0] or "") if len(told) > 1 else "", row[-2], row[-1]) for row in rows]
    chances = {(name, _chance(people, chance)) for name, chance, _ in named}
    metrics = {name.rpartition(": ")[0] for name, _ in chances if name}
    if metrics - {""} and any(not name for name, _ in chances):
        raise DataError(
            f"{people.source.name} mixes a plain sample (blank {STRATUM}) with a stratified one; give one of them."
        )
    if len(metrics) > 1:
        raise DataError(
            f"{people.source.name} mixes samples by {listing(sorted(metrics))}; give one of them."
        )
    if len({name for name, _ in chances}) < len(chances) or (metrics == {""} and len(chances) > 1):
        raise DataError(
            f"{people.source.name}: pairs of one stratum had unequal chances to be drawn (column {CHANCE}; column "
            f"{STRATUM} names the strata, as riskshift sample writes it). Only samples with equal chances within a "
            "stratum can be corrected."
        )
    strata = {
        name: (sum(n for other, _, n in named if other == name), chance)
        for name, chance in sorted(chances, key=lambda one: one[0])
        if chance is not None
    }
    return Drawing(metrics.pop() or None if metrics else None, strata)


def _chance(people: Records, value: object) -> float | None:
    if value is None or not str(value).strip():
        return None
    try:
        chance = float(str(value))
    except ValueError:
        chance = 0.0
    if not 0 < chance <= 1:
        raise DataError(
            f"{people.source.name}: {CHANCE} is {value!r}; it must be above 0 and at most 1, as riskshift sample "
            "writes it."
        )
    return chance


def _labels(people: Collapsed, graded: Records) -> list[Key]:
    """Return what people labelled: severities, and refusals where the grader did too."""
    refusal = None if graded.column("refusal") is None else people.records.column("refusal")
    return [key for key in people.keys if key.is_label or key.name == refusal]


def _refuse_strangers(
    people: Records, graded: Sequence[Records], strangers: engine.Frame, names: Sequence[str]
) -> None:
    many = engine.count_rows(strangers)
    if many:
        first = strangers.select(*names).sort(*names).head(3)
        shown = [", ".join(row) for row in engine.fetch(first)]
        sources = " or ".join(part.source.name for part in graded)
        raise DataError(
            f"{people.source.name}: {many:,} pairs are not in {sources}: {'; '.join(shown)}. People must "
            f"label pairs that the grader labelled too; {_why_strange(people, graded)}."
        )


def _why_strange(people: Records, graded: Sequence[Records]) -> str:
    """Say what is probably wrong where people labelled pairs that are not there."""
    columns = [part.column("model") for part in (people, *graded)]
    if None not in columns:
        named = [
            {str(value) for value, _ in engine.count_patterns(part.frame, [part.at(str(column))])}
            for part, column in zip((people, *graded), columns, strict=True)
        ]
        others = named[0] - set().union(*named[1:])
        if others:
            return (
                f"its labels of {listing(sorted(others))} are of models that are not there. Leave them out, or name "
                "the model that is meant with --model"
            )
    many = engine.count_rows(people.frame)
    if many > sum(engine.count_rows(part.frame) for part in graded):
        return "it holds more pairs than were graded: are the two files swapped"
    return "check the ids"
