"""Cross once from rows to counts: group in the engine, read the labels on the patterns."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from riskshift import engine
from riskshift.checks import (
    Key,
    check_ids,
    check_labels,
    check_pairs,
    check_prompt_labels,
    label_keys,
)
from riskshift.counts import Clusters, Counts, IntArray, distinct_rows
from riskshift.errors import DataError, UsageError, listing
from riskshift.records import Records

MAX_GROUPS: Final = 1_000
MAX_PATTERNS: Final = 1_000_000
NO_VALUE: Final = "(none)"


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
        The records that were counted; `skipped` says how many were left out, and why.
    """

    counts: Counts
    groups: dict[str, dict[str, Counts]]
    records: Records

    @property
    def read(self) -> int:
        """Rows read, with those left out."""
        return self.counts.total + sum(self.records.skipped.values())


class Coding:
    """The values that each key column holds, as digits of one number a pattern."""

    def __init__(self, keys: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        self.keys = keys
        self.values: list[list[Any]] = []
        self.digits: list[IntArray] = []
        for position in range(len(keys)):
            digit: dict[Any, int] = {None: 0}
            column = [_plain(row[position]) for row in rows]
            for value in column:
                digit.setdefault(value, len(digit))
            self.values.append([value for value in digit if value is not None])
            self.digits.append(np.array([digit[value] for value in column], dtype=np.int64))

    def words(self) -> list[list[int]]:
        """Split the key columns so that the digits of each part fit in one 62-bit number."""
        parts: list[list[int]] = [[]]
        bits = 0.0
        for position, values in enumerate(self.values):
            need = math.log2(len(values) + 1)
            if bits + need > 62:
                parts.append([])
                bits = 0.0
            parts[-1].append(position)
            bits += need
        return parts

    def of_patterns(self) -> NDArray[Any]:
        """Return the code of each pattern."""
        words = []
        for part in self.words():
            code = np.zeros_like(self.digits[0])
            for at in part:
                code = code * (len(self.values[at]) + 1) + self.digits[at]
            words.append(code)
        if len(words) == 1:
            return words[0]
        return np.array([".".join(map(str, code)) for code in zip(*words, strict=True)])

    def of_rows(self) -> nw.Expr:
        """Return the expression that computes the same code of a row."""
        words = []
        for part in self.words():
            code: nw.Expr = nw.lit(0, nw.Int64)
            for at in part:
                code = code * (len(self.values[at]) + 1) + self._digit(at)
            words.append(code)
        if len(words) == 1:
            return words[0]
        return nw.concat_str([word.cast(nw.String) for word in words], separator=".")

    def _digit(self, position: int) -> nw.Expr:
        column = nw.col(self.keys[position])
        digit: nw.Expr = nw.lit(0, nw.Int64)
        for number, value in reversed(list(enumerate(self.values[position], start=1))):
            digit = nw.when(column == value).then(nw.lit(number, nw.Int64)).otherwise(digit)
        return nw.when(column.is_null()).then(nw.lit(0, nw.Int64)).otherwise(digit)


def collapse(records: Records, *, progress: Callable[[str], None] = lambda step: None) -> Collapsed:
    """Collapse records to counts, once for all of them and once for each grouping.

    Parameters
    ----------
    records : Records
        Bound records.
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
    try:
        return _collapse(records, progress)
    except engine.EngineError as error:
        raise records.source.explain(str(error)) from error


def _collapse(records: Records, progress: Callable[[str], None]) -> Collapsed:
    progress("grouping the labels")
    records = check_ids(cleaned(records))
    keys = label_keys(records)
    columns = [key.column for key in keys]
    records, rows = check_labels(records, _patterns(records, columns), keys)
    progress("looking for repeated prompts")
    pairs = check_pairs(records)
    repeated = pairs.repeated
    if pairs.records is not records:
        records, rows = pairs.records, _patterns(pairs.records, columns)
    cluster = records.cluster
    clustered = repeated if cluster == records.prompt else _repeats(records, cluster)
    progress("collecting what belongs together")
    counts = _counts(records, keys, rows, cluster if clustered else None)[NO_VALUE]
    if repeated and records.options.prompt_labels == "per-prompt":
        same = cluster == records.prompt
        by_prompt = counts if same else _counts(records, keys, rows, records.prompt)[NO_VALUE]
        agreeing = check_prompt_labels(records, by_prompt)
        if agreeing is not None:
            return _collapse(agreeing, progress)
    groups = {}
    for column in _groupings(records):
        progress(f"grouping by {column}")
        shared = clustered and set(pairs.unique) != {cluster, column}
        groups[column] = _group(records, keys, column, clustered=shared)
    return Collapsed(counts, groups, records)


def cleaned(records: Records) -> Records:
    """Give missing labels and enumerations one form in every engine."""
    # NaN is a missing label in every engine, and an enumeration is its names.
    schema = records.frame.collect_schema()
    columns = {key.column for key in label_keys(records)} | set(_grouping_columns(records))
    changed: list[nw.Expr] = []
    for column in sorted(columns):
        if schema[column].is_float():
            value = nw.col(column)
            changed.append(nw.when(~value.is_nan()).then(value).alias(column))
        elif schema[column] in (nw.Categorical, nw.Enum):
            changed.append(nw.col(column).cast(nw.String))
    return replace(records, frame=records.frame.with_columns(*changed)) if changed else records


def _patterns(records: Records, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    rows = engine.count_patterns(records.frame, columns, limit=MAX_PATTERNS + 1)
    if len(rows) > MAX_PATTERNS:
        raise DataError(
            f"{records.source.name} has more than {MAX_PATTERNS:,} different patterns of {listing(columns)}. "
            "Are these labels? If so, analyze fewer categories at a time (--taxonomy FILE) or smaller groups."
        )
    if not rows:
        raise _no_records(records)
    return rows


def _no_records(records: Records) -> DataError:
    model = records.options.model
    if model is None:
        return DataError(f"{records.source.name} has no rows to analyze.")
    return DataError(
        f"{records.source.name} has no rows for model {model!r}. See which models it has: --by model."
    )


def _repeats(records: Records, cluster: str | None) -> bool:
    return cluster is not None and engine.repeats(records.frame, [cluster])[1] > 1


def _grouping_columns(records: Records) -> list[str]:
    columns = list(records.options.by)
    model = records.column("model")
    if model and model not in columns and records.options.model is None:
        columns.insert(0, model)
    return columns


def _groupings(records: Records) -> list[str]:
    kept = []
    for column in _grouping_columns(records):
        groups, _ = engine.repeats(records.frame, [column])
        if groups > MAX_GROUPS:
            raise UsageError(
                f"--by {column}: {groups:,} different values; at most {MAX_GROUPS:,} groups can be reported. "
                "Group by a column with fewer values."
            )
        if groups > 1 or column in records.options.by:
            kept.append(column)
    return kept


def _group(
    records: Records, keys: Sequence[Key], column: str, *, clustered: bool
) -> dict[str, Counts]:
    grouping = [*keys, Key(column, lambda value: 0, "")]
    rows = _patterns(records, [key.column for key in grouping])
    cluster = records.cluster if clustered else None
    if cluster and engine.repeats(records.frame, [cluster, column])[1] == 1:
        cluster = None
    return _counts(records, grouping, rows, cluster, by=column)


def _counts(
    records: Records,
    keys: Sequence[Key],
    rows: Sequence[tuple[Any, ...]],
    cluster: str | None,
    *,
    by: str | None = None,
) -> dict[str, Counts]:
    """Read the patterns and, where records share a cluster, what occurs together; one a group."""
    coding = Coding([key.column for key in keys], rows)
    levels = np.stack(
        [
            np.array([parse(None), *(parse(value) for value in values)], dtype=np.int64)[digits]
            for parse, values, digits in zip(
                (key.parse for key in keys), coding.values, coding.digits, strict=True
            )
        ],
        axis=1,
    )
    names = [NO_VALUE] if by is None else [NO_VALUE, *(str(value) for value in coding.values[-1])]
    group = np.zeros(len(rows), dtype=np.int64) if by is None else coding.digits[-1]
    n = np.array([row[-1] for row in rows], dtype=np.int64)
    linked = _link(records, coding, cluster, by) if cluster else None
    made = {}
    for at in sorted(set(group.tolist()), key=lambda at: names[at]):
        members = np.flatnonzero(group == at)
        made[names[at]] = _make(
            records, levels[members], n[members], linked and linked.only(members)
        )
    return made


@dataclass(frozen=True, slots=True, eq=False)
class _Linked:
    """Kinds of cluster over the raw patterns."""

    indptr: IntArray
    indices: IntArray
    weight: IntArray

    def only(self, members: IntArray) -> "_Linked":
        """Keep the clusters of one group and renumber its patterns."""
        renumber = np.full(
            max(int(self.indices.max(initial=0)), int(members.max())) + 1, -1, dtype=np.int64
        )
        renumber[members] = np.arange(len(members))
        inside = renumber[self.indices] >= 0
        kept = inside[self.indptr[:-1]]
        sizes = np.diff(self.indptr)[kept]
        return _Linked(
            np.append(0, np.cumsum(sizes)).astype(np.int64),
            renumber[self.indices[inside]],
            self.weight[kept],
        )


def _link(records: Records, coding: Coding, cluster: str, by: str | None) -> _Linked:
    indptr, weight, codes = engine.compositions(records.frame, cluster, coding.of_rows(), by=by)
    of_patterns = coding.of_patterns()
    order = np.argsort(of_patterns, kind="stable")
    indices = order[np.searchsorted(of_patterns[order], codes)]
    return _Linked(indptr, indices, weight)


def _make(records: Records, levels: IntArray, n: IntArray, linked: _Linked | None) -> Counts:
    """Sort patterns canonically, merging those that were written in different ways."""
    merged, inverse = np.unique(levels, axis=0, return_inverse=True)
    totals = np.bincount(inverse.ravel(), weights=n, minlength=len(merged)).astype(np.int64)
    c = len(records.options.taxonomy.categories)
    extra = merged[:, 2 * c :]
    has_relevance = records.column("relevance") is not None
    has_benign = records.column("prompt_benign") is not None
    return Counts(
        records.options.taxonomy,
        np.ascontiguousarray(merged[:, :c]),
        np.ascontiguousarray(merged[:, c : 2 * c]),
        np.ascontiguousarray(extra[:, 0]) if has_relevance else None,
        np.ascontiguousarray(extra[:, int(has_relevance)]) if has_benign else None,
        totals,
        _canonical(linked, inverse.ravel()) if linked else None,
    )


def _canonical(linked: _Linked, inverse: IntArray) -> Clusters:
    """Sort the kinds of cluster by size, then by their patterns, merging equal ones."""
    sizes = np.diff(linked.indptr)
    starts, parts, weights = linked.indptr[:-1], [], []
    for size in np.unique(sizes):
        chosen = np.flatnonzero(sizes == size)
        rows = np.sort(inverse[linked.indices[starts[chosen][:, None] + np.arange(size)]], axis=1)
        merged, weight = distinct_rows(rows, linked.weight[chosen])
        parts.append(merged)
        weights.append(weight)
    lengths = np.concatenate([np.full(len(part), part.shape[1]) for part in parts])
    return Clusters(
        np.append(0, np.cumsum(lengths)).astype(np.int64),
        np.concatenate([part.ravel() for part in parts]),
        np.concatenate(weights),
    )


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value
