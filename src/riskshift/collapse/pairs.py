"""Cross once from rows to counts: group in the engine, read the labels on the patterns."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from riskshift.collapse.checks.direction import check_direction
from riskshift.collapse.checks.labels import Key, check_labels, label_keys
from riskshift.collapse.checks.one_message import Faults
from riskshift.collapse.checks.placeholders import own_prompts, warn_of_placeholders
from riskshift.collapse.checks.repeats import (
    check_duplicates,
    check_ids,
    check_prompt_labels,
    check_samples,
)
from riskshift.collapse.checks.scales import warn_if_doubtful
from riskshift.collapse.checks.sets import check_sets, warn_of_sets
from riskshift.collapse.coding import tabulate
from riskshift.collapse.selecting import selected
from riskshift.counts.pairs import Counts, Grouped, Layout, Table
from riskshift.engines import engine
from riskshift.errors import ColumnError, DataError, UsageError, listing, meant, unknown_choice
from riskshift.records import ROLES, Records
from riskshift.refusal import PARTIAL

MAX_GROUPS: Final = 1_000

MAX_PATTERNS: Final = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Collapsed:
    """All that is left of the rows.

    Parameters
    ----------
    counts : Counts
        All records together.
    groups : mapping
        Counts by grouping column and value.
    records : Records
        The records that were counted, checked and in one form; `skipped` says how many were left
        out, and why.
    keys : tuple of Key
        The columns of a pattern: prompt sides, response sides, then the rest.
    patterns : sequence of tuple
        The values of these columns as they are, for going back to the rows.
    """

    counts: Counts
    groups: dict[str, Grouped]
    records: Records
    keys: tuple[Key, ...]
    patterns: Sequence[tuple[Any, ...]]

    def only(self, column: str, name: str) -> "Collapsed":
        """Keep one value of a column that was grouped by; nothing is crossed again."""
        grouped = self.groups[column].only(name)
        records = self.records
        if records.counted is not None:
            kept = replace(records, counted=records.counted.only(column, name))
            return replace(self, counts=grouped.pooled(), groups={column: grouped}, records=kept)
        kept = replace(
            records, frame=records.frame.filter(engine.named(records.at(column)) == name)
        )
        return replace(self, counts=grouped.pooled(), groups={column: grouped}, records=kept)

    def together(self, one: str, other: str) -> set[tuple[str, str]]:
        """Return which values of two columns that group occur in one record, by name."""
        records = self.records
        if records.counted is not None:
            both = map(records.counted.names_of_patterns, (one, other))
            return set(zip(*both, strict=True))
        called = records.frame.select(
            engine.named(records.at(one)).alias("riskshift_one"),
            engine.named(records.at(other)).alias("riskshift_other"),
        )
        with engine.explained(records.source):
            rows = engine.count_patterns(called, ["riskshift_one", "riskshift_other"])
        return {(first, second) for first, second, _ in rows}

    @property
    def read(self) -> int:
        """Rows read, with those left out."""
        return self.counts.total + sum(self.records.skipped.values())


def collapse(
    records: Records,
    *,
    unasked: Sequence[str] = (),
    progress: Callable[[str], None] = lambda step: None,
) -> Collapsed:
    """Collapse records to counts, once for all of them and once for each grouping.

    Parameters
    ----------
    records : Records
        Bound records.
    unasked : sequence of str
        Columns to group by too, where they have two values or more, and no more than can be told.
    progress : callable, optional
        Told what is being done, in a few words.

    Returns
    -------
    Collapsed

    Raises
    ------
    LabelError
        If labels are not on the declared scale; all of them in one message.
    PairError
        If pairs are duplicated or the labels of one prompt contradict each other.
    DataError
        If there are no rows.
    """
    if records.counted is not None:
        return of_counts(records, grouping_columns(records, unasked))
    faults = Faults()
    with engine.explained(records.source):
        try:
            collapsed = _collapse(records, unasked, progress, faults)
        except DataError:
            faults.raise_all()
            raise
    records.source.check_unchanged()
    warn_if_doubtful(faults)
    warn_of_placeholders(collapsed.records)
    warn_of_sets(collapsed.records)
    return collapsed


def of_counts(records: Records, columns: Sequence[str]) -> Collapsed:
    """Return what a collapse of the rows would have returned, from counts that were saved."""
    saved = records.counted
    if saved is None:
        raise TypeError("these records have rows")
    by_prompt = records.cluster == records.prompt
    groups = {}
    for column in columns:
        if column not in saved.head.groups:
            raise unknown_choice("--by", column, list(saved.head.groups))
        many, asked = len(saved.head.groups[column]), column in records.options.by
        if (asked or column == records.column("model")) and many > MAX_GROUPS:
            raise too_many_groups(column, many)
        if asked or 1 < many <= MAX_GROUPS:
            groups[column] = saved.grouped(column, by_prompt=by_prompt)
    return Collapsed(saved.grouped(by_prompt=by_prompt).pooled(), groups, records, (), ())


def _collapse(
    records: Records,
    unasked: Sequence[str],
    progress: Callable[[str], None],
    faults: Faults,
) -> Collapsed:
    progress("grouping the labels")
    records = check_sets(
        own_prompts(check_ids(_cleaned(selected(records), unasked), faults)), faults
    )
    columns = _groupings(records, unasked)
    model = records.column("model")
    by = model if model in columns else None
    rows, keys = patterns(records, [by] if by else []), label_keys(records)
    check_direction(records, rows, keys, faults)
    records, rows = check_labels(records, rows, keys, faults)
    if not rows:
        raise _no_records(records)
    progress("looking for repeated prompts")
    repeated = _repeats(records, records.prompt)
    if repeated:
        numbered = check_samples(records, faults)
        if numbered is not records:
            return _collapse(numbered, unasked, progress, faults)
    clustered = (
        repeated if records.cluster == records.prompt else _repeats(records, records.cluster)
    )
    progress("collecting what belongs together")
    joint = _tabulate(records, rows, records.cluster if clustered else None, by=by)
    if repeated:
        same = records.cluster == records.prompt
        by_prompt = joint if same else _tabulate(records, rows, records.prompt, by=by)
        consistent = check_duplicates(records, by_prompt, faults)
        consistent = check_prompt_labels(consistent, rows, by_prompt, faults)
        faults.raise_all()  # nothing is left to find, and collapsing the others would cost as much again
        if consistent is not records:
            return _collapse(consistent, unasked, progress, faults)
    faults.raise_all()
    groups = {}
    for column in columns:
        progress(f"grouping by {column}")
        cluster = records.cluster if clustered else None
        groups[column] = joint if column == by else _grouped(records, cluster, column)
    return Collapsed(joint.pooled(), groups, records, tuple(label_keys(records)), rows)


def _cleaned(records: Records, unasked: Sequence[str]) -> Records:
    """Give the values that matter one form in every engine.

    Raises
    ------
    ColumnError
        If such a column holds lists or the like.
    """
    columns = [key.name for key in label_keys(records)] + grouping_columns(records, unasked)
    # What prompts come from only groups them: it may be anything where nobody groups by it.
    roles = [role for role in ROLES if role != "source"]
    columns += filter(None, (records.cluster, *map(records.column, roles)))
    return with_plain(records, columns)


def with_plain(records: Records, columns: Iterable[str]) -> Records:
    """Give the values of some columns one form in every engine.

    Raises
    ------
    ColumnError
        If one of them holds lists or the like.
    """
    names = {records.at(column): column for column in columns}
    frame, refused = engine.plain(records.frame, names)
    if refused:
        held = listing(f"{names[column]!r} holds {dtype}" for column, dtype in refused.items())
        raise ColumnError(
            f"{records.source.name}: {held}, and must hold numbers or text. If it holds the categories of one side, "
            "declare it: --categories-in COLUMN. Else turn it into text first."
        )
    return replace(records, frame=frame)


def patterns(records: Records, groups: Sequence[str]) -> list[tuple[Any, ...]]:
    """Count the patterns of labels and of some groups, by the user's names.

    Raises
    ------
    DataError
        If there are none, or more than labels come to.
    """
    keys = label_keys(records)
    columns = [*(key.column for key in keys), *map(records.at, groups)]
    rows = engine.count_patterns(records.frame, columns, limit=MAX_PATTERNS + 1)
    if len(rows) > MAX_PATTERNS:
        names = [*(key.name for key in keys), *groups]
        raise DataError(
            f"{records.source.name} has more than {MAX_PATTERNS:,} different patterns of {listing(names)}. "
            "Are these labels? If so, analyze fewer categories at a time (--taxonomy FILE) or fewer groups."
        )
    if not rows:
        raise _no_records(records)
    return rows


def _no_records(records: Records) -> DataError:
    name, model, skipped = records.source.name, records.options.model, records.skipped
    if skipped:
        reasons = listing(f"{reason} ({rows:,})" for reason, rows in skipped.items())
        return DataError(f"{name} has no rows left to analyze; left out: {reasons}.")
    if model is None or records.models is None:
        return DataError(f"{name} has no rows to analyze.")
    there = [row[0] for row in engine.fetch(records.models.drop_nulls().unique().sort("model"))]
    return DataError(
        f"{name} has no rows for model {model!r}{meant(model, there)}. Models: {listing(there)}."
    )


def _repeats(records: Records, cluster: str | None) -> bool:
    return cluster is not None and engine.occur_twice(records.frame, [records.at(cluster)])


def grouping_columns(records: Records, unasked: Sequence[str]) -> list[str]:
    """Return the columns to group by: those that are asked for, those that may be, and models."""
    columns = [*(name for name in unasked if name not in records.options.by), *records.options.by]
    model = records.column("model")
    if model and model not in columns and records.options.model is None:
        columns.insert(0, model)
    return columns


def _groupings(records: Records, unasked: Sequence[str]) -> list[str]:
    kept = []
    for column in grouping_columns(records, unasked):
        groups, _ = engine.repeats(records.frame, [records.at(column)])
        asked = column in records.options.by
        if groups > MAX_GROUPS and column in unasked and not asked:
            continue
        if groups > MAX_GROUPS:
            raise too_many_groups(column, groups)
        if groups > 1 or asked:
            kept.append(column)
    return kept


def too_many_groups(column: str, groups: int) -> UsageError:
    """Say that a column has more values than can be reported."""
    return UsageError(
        f"--by {column}: {groups:,} different values; at most {MAX_GROUPS:,} groups can be reported. "
        "Group by a column with fewer values."
    )


def _grouped(records: Records, cluster: str | None, column: str) -> Grouped:
    records, column = apart_from_labels(records, column)
    return _tabulate(records, patterns(records, [column]), cluster, by=column)


def apart_from_labels(records: Records, column: str) -> tuple[Records, str]:
    """Let a column of labels that also groups be a column of its own; return what it is called."""
    if column in (key.name for key in label_keys(records)):
        return records.with_own("riskshift_group", records.col(column))
    return records, column


def _tabulate(
    records: Records, rows: Sequence[tuple[Any, ...]], cluster: str | None, *, by: str | None
) -> Grouped:
    """Read the values of the patterns and, where records share a cluster, what occurs together."""
    table, names = tabulate(
        records.frame,
        label_keys(records),
        rows,
        cluster=records.at(cluster) if cluster else None,
        by=records.at(by) if by else None,
        grouped=not records.all_kinds,
    )
    return Grouped(layout_of(records, table), table, names)


def layout_of(records: Records, table: Table) -> Layout:
    """Say what the columns of a table of these records are."""
    layout = Layout(
        records.options.taxonomy,
        relevance=records.column("relevance") is not None,
        benign=records.column("prompt_benign") is not None,
        refusal=records.column("refusal") is not None,
    )
    partial = layout.refusal and bool((table.values[:, layout.width - 1] == PARTIAL).any())
    return replace(layout, partial=partial)
