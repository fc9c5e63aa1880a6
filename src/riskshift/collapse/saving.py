"""Rows to counts that can be saved, and added to those of other rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import narwhals.stable.v2 as nw
import numpy as np

from riskshift.collapse.checks.labels import label_keys
from riskshift.collapse.checks.repeats import sample_key
from riskshift.collapse.coding import Coding, group_key
from riskshift.collapse.pairs import (
    MAX_GROUPS,
    apart_from_labels,
    collapse,
    grouping_columns,
    patterns,
    too_many_groups,
)
from riskshift.counts.clusters import Clusters, IntArray
from riskshift.counts.head import KEPT, NO_IDS, Head
from riskshift.counts.saved import Links, Saved
from riskshift.crossing import crossed_columns
from riskshift.engines import engine
from riskshift.engines.ids import with_hashes
from riskshift.engines.kinds import linked, named
from riskshift.records import ROLES, Records

# As many as show that there are too many to be listed in a card.
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
    unasked = () if source is None else (source,)
    columns = _group_columns(records, unasked)
    told: dict[str, Any] = {
        "ids": NO_IDS if apart else KEPT,
        "forms": _forms(records, columns),
        "meant": _meant(records),
        "notes": (*records.source.notes, *notes),
    }
    if records.options.model is not None and records.skipped:
        told["before"] = {records.source.listing: dict(records.skipped)}
        records = replace(records, skipped={})
    checked = collapse(records, unasked=unasked, progress=progress).records
    if checked.skipped:
        told["met"] = {column: _names(records, column) for column in columns}
    progress("counting what is saved")
    with engine.explained(checked.source):
        return _counted(checked, columns, told)


def _group_columns(records: Records, unasked: Sequence[str]) -> list[str]:
    """Return the columns to group by; models, too, where one is meant: other parts may hold others."""
    model = records.column("model")
    found = grouping_columns(records, unasked)
    return found if model is None or model in found else [model, *found]


def _forms(records: Records, groups: Sequence[str]) -> dict[str, str]:
    """Return the types of ids and groups that are not written alike everywhere.

    In one engine 1.0 is written so, in another 1; a column that lacks a value here and there turns
    whole numbers into fractions, and one hour among dates turns all of them into times.
    """
    schema, found = records.frame.collect_schema(), {}
    ids = {*filter(None, (records.cluster, records.prompt)), *(sample_key(records) or ())}
    parts = {part for column in groups for part in crossed_columns(column, records.columns)}
    words = [nw.String, nw.Enum]
    if engine.categories_are_text(records.frame):
        words.append(nw.Categorical)
    for column in sorted(ids | parts):
        dtype = schema[records.at(column)]
        flag = dtype == nw.Boolean and column not in ids  # groups are named true and false
        if not (dtype in words or dtype.is_integer() or flag):
            found[column] = str(dtype)
    return found


def _meant(records: Records) -> tuple[str, ...]:
    where = (f"where {condition}" for condition in records.options.where)
    return (*where, *(f"leave out {condition}" for condition in records.options.leave_out))


def _counted(records: Records, asked: Sequence[str], told: dict[str, Any]) -> Saved:
    columns, left = [], {}
    for column in asked:
        many, _ = engine.repeats(records.frame, [records.at(column)])
        if many <= MAX_GROUPS:
            columns.append(column)
        elif column in records.options.by or column == records.column("model"):
            raise too_many_groups(column, many)
        else:
            left[column] = _names(records, column)[:_MOST_NAMED]
    keys, own = label_keys(records), []
    for column in columns:
        records, name = apart_from_labels(records, column)
        own.append(name)
    rows = patterns(records, own)
    groups = {
        column: group_key(records.at(name), column, [row[at] for row in rows])
        for at, (column, name) in enumerate(zip(columns, own, strict=True), start=len(keys))
    }
    every = [*keys, *(key for key, _ in groups.values())]
    coding = Coding([key.column for key in every], rows)
    values, place = np.unique(coding.levels(every), axis=0, return_inverse=True)
    n = np.array([row[-1] for row in rows], dtype=np.int64)
    head = _head(records, {column: names for column, (_, names) in groups.items()}, left, told)
    links = {
        name: _links(records, column, coding, n, place.ravel(), apart=head.ids == NO_IDS)
        for name, column in head.linked.items()
    }
    pairs = np.empty(0, dtype=np.uint64)
    key = sample_key(records)
    if key is not None and head.ids == KEPT:
        pairs = np.sort(with_hashes(records.frame, [records.at(column) for column in key])[0])
    total = np.bincount(place.ravel(), weights=n, minlength=len(values)).astype(np.int64)
    return Saved(head, values, total, links, pairs)


def _names(records: Records, column: str) -> tuple[str, ...]:
    """Name the values of a column."""
    frame, _ = engine.plain(records.frame, [records.at(column)])
    return tuple(sorted(engine.names(frame, records.at(column))))


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
        kind = engine.positions(codes, held)
        every = np.arange(len(n) + 1)
        kinds = Clusters(every, every[:-1], n)
    order = np.argsort(ids, kind="stable")
    return Links(
        Clusters(kinds.indptr, renumber[kinds.indices], kinds.weight), ids[order], kind[order]
    )


def _head(
    records: Records,
    groups: Mapping[str, tuple[str, ...]],
    others: Mapping[str, tuple[str, ...]],
    told: dict[str, Any],
) -> Head:
    options, source = records.options, records.source
    return Head(
        taxonomy=options.taxonomy,
        columns={role: name for role in ROLES if (name := records.column(role)) is not None},
        cluster=options.cluster,
        prompt_labels=options.prompt_labels,
        numbered=sample_key(records) is not None,
        groups=groups,
        asked=tuple(options.by),
        named=others,
        skipped=dict(records.skipped),
        placeholders=records.placeholders,
        sources=(source.listing,),
        facts={name: tuple(map(str, facts)) for name, facts in source.facts.items()},
        **told,
    )


def about_counts(records: Records) -> list[str]:
    """Say what counts cannot tell, where they stand for pairs."""
    saved = records.counted
    if saved is None:
        return []
    told = [
        "These are counts that were saved: the pairs themselves are elsewhere, so none is listed to be read."
    ]
    if saved.head.placeholders:
        told.append(
            f"{saved.head.placeholders:,} rows held a placeholder instead of the prompt's text. Each was taken as a "
            "prompt of its own."
        )
    if saved.head.ids == NO_IDS:
        told.append(
            "The counts hold no ids. That no prompt stands in two of the parts was said when they were collapsed "
            "(--prompts-apart), and cannot be checked here."
        )
    return told
