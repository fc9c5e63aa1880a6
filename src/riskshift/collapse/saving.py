"""Rows to counts that can be saved, and added to those of other rows."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import numpy as np

from riskshift.collapse.checks.labels import Key, label_keys
from riskshift.collapse.checks.repeats import sample_key
from riskshift.collapse.coding import Coding
from riskshift.collapse.pairs import (
    MAX_GROUPS,
    apart_from_labels,
    collapse,
    grouping_columns,
    patterns,
    too_many_groups,
)
from riskshift.counts.clusters import Clusters, IntArray
from riskshift.counts.pairs import NO_VALUE, group_name
from riskshift.counts.saved import FRACTIONS, KEPT, NO_IDS, Head, Links, Saved
from riskshift.engines import engine
from riskshift.engines.ids import with_hashes
from riskshift.engines.kinds import linked, named
from riskshift.records import ROLES, Records

_MOST_NAMED: Final = 102
_CODE: Final = "riskshift_code"


def countable(
    records: Records,
    *,
    source: str | None,
    apart: bool = False,
    notes: Sequence[str] = (),
    progress: Callable[[str], None] = lambda step: None,
) -> Saved:
    """Collapse records to counts that can be added to those of other records.

    Parameters
    ----------
    records : Records
        Bound records.
    source : str or None
        The column that says where prompts come from, if it can group them.
    apart : bool, default False
        Whether no prompt stands in other records too: no ids are kept then.
    notes : sequence of str
        What is to be said of the data beside what its source says.
    progress : callable, optional
        Told what is being done, in a few words.

    Returns
    -------
    Saved

    Raises
    ------
    DataError
        If the rows have faults, as `collapse` says them.
    UsageError
        If a group has too many values.
    """
    ids = NO_IDS if apart else FRACTIONS if _fractions(records) else KEPT
    unasked = () if source is None else (source,)
    checked = collapse(records, unasked=unasked, progress=progress).records
    progress("counting what is saved")
    with engine.explained(checked.source):
        return _counted(checked, unasked, ids, notes)


def _fractions(records: Records) -> bool:
    """Tell whether ids are written as numbers with a point."""
    schema = records.frame.collect_schema()
    columns = [*_linked(records).values(), *(sample_key(records) or ())]
    return any(schema[records.at(column)].is_float() for column in columns)


def _counted(records: Records, unasked: Sequence[str], ids: str, notes: Sequence[str]) -> Saved:
    columns, left = [], {}
    for column in grouping_columns(records, unasked):
        many, _ = engine.repeats(records.frame, [records.at(column)])
        if many <= MAX_GROUPS:
            columns.append(column)
        elif column in records.options.by:
            raise too_many_groups(column, many)
        else:
            left[column] = _some_names(records, column)
    keys, own = label_keys(records), []
    for column in columns:
        records, name = apart_from_labels(records, column)
        own.append(name)
    rows = patterns(records, own)
    groups = {
        column: _group_key(records.at(name), column, [row[at] for row in rows])
        for at, (column, name) in enumerate(zip(columns, own, strict=True), start=len(keys))
    }
    every = [*keys, *(key for key, _ in groups.values())]
    coding = Coding([key.column for key in every], rows)
    values, place = np.unique(coding.levels(every), axis=0, return_inverse=True)
    n = np.array([row[-1] for row in rows], dtype=np.int64)
    links = {
        name: _links(records, column, coding, n, place.ravel(), apart=ids == NO_IDS)
        for name, column in _linked(records).items()
    }
    key = sample_key(records)
    pairs = np.empty(0, dtype=np.uint64)
    if key is not None and ids != NO_IDS:
        pairs = np.sort(with_hashes(records.frame, [records.at(column) for column in key])[0])
    total = np.bincount(place.ravel(), weights=n, minlength=len(values)).astype(np.int64)
    names = {column: held for column, (_, held) in groups.items()}
    head = _head(records, names, left, ids=ids, numbered=key is not None, notes=notes)
    return Saved(head, values, total, links, pairs)


def _some_names(records: Records, column: str) -> tuple[str, ...]:
    """Name some of the values of a column that has too many."""
    named_so = records.frame.select(engine.named(records.at(column)).alias("riskshift_group"))
    rows = engine.count_patterns(named_so, ["riskshift_group"], limit=_MOST_NAMED)
    return tuple(sorted(row[0] for row in rows))


def _group_key(own: str, column: str, values: Sequence[Any]) -> tuple[Key, tuple[str, ...]]:
    """Return the key that reads a group as its position among the names, and the names."""
    called = {value: NO_VALUE if value is None else group_name(value) for value in values}
    names = tuple(sorted(set(called.values())))
    place = {value: names.index(name) for value, name in called.items()}
    return Key(own, column, partial(_position, place), "", is_label=False), names


def _position(place: Mapping[Any, int], value: object) -> int:
    return place.get(value, -1)


def _linked(records: Records) -> dict[str, str]:
    """Return the columns whose equal values hold records together."""
    cluster, prompt = records.cluster, records.prompt
    found = {"cluster": cluster, "prompt": None if prompt == cluster else prompt}
    return {name: column for name, column in found.items() if column is not None}


def _links(
    records: Records,
    column: str,
    coding: Coding,
    n: IntArray,
    renumber: IntArray,
    *,
    apart: bool,
) -> Links:
    """Find what shares a value of a column: kinds of cluster over the merged patterns."""
    frame, own, code, codes = (
        records.frame,
        records.at(column),
        coding.of_rows(),
        coding.of_patterns(),
    )
    if apart:
        ids, kind = np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
        kinds = linked(frame, own, coding.keys, code, codes, n)
    elif engine.occur_twice(frame, [own]):
        ids, kind, kinds = named(frame, own, coding.keys, code, codes, n)
    else:  # each value is a cluster of one record, whose kind is its pattern
        ids, (held,) = with_hashes(frame.select(own, code.alias(_CODE)), [own], _CODE)
        order = np.argsort(codes)
        kind = order[np.searchsorted(codes[order], held)]
        every = np.arange(len(n) + 1)
        kinds = Clusters(every, every[:-1], n)
    order = np.argsort(ids, kind="stable")
    return Links(
        Clusters(kinds.indptr, renumber[kinds.indices], kinds.weight), ids[order], kind[order]
    )


def _head(
    records: Records,
    groups: Mapping[str, tuple[str, ...]],
    named_so: Mapping[str, tuple[str, ...]],
    *,
    ids: str,
    numbered: bool,
    notes: Sequence[str],
) -> Head:
    options, source = records.options, records.source
    roles = {role: column for role in ROLES if (column := records.column(role)) is not None}
    return Head(
        taxonomy=options.taxonomy,
        columns=roles,
        cluster=options.cluster,
        prompt_labels=options.prompt_labels,
        numbered=numbered,
        ids=ids,
        groups=groups,
        asked=tuple(options.by),
        named=named_so,
        skipped=dict(records.skipped),
        placeholders=records.placeholders,
        sources=(source.listing,),
        notes=(*source.notes, *notes),
        facts={name: tuple(map(str, told)) for name, told in source.facts.items()},
    )


def about_counts(records: Records) -> list[str]:
    """Say what counts cannot tell, where they stand for pairs."""
    saved = records.counted
    if saved is None:
        return []
    told = [
        "These are counts that were saved: the pairs themselves are elsewhere, so none is listed to be read."
    ]
    if saved.head.ids == NO_IDS:
        told.append(
            "The counts hold no ids. That no prompt stands in two of the parts was said when they were collapsed "
            "(--prompts-apart), and cannot be checked here."
        )
    return told
