"""Cross once from rows to counts: group in the engine, read the labels on the patterns."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from riskshift import engine
from riskshift.checks import (
    Findings,
    Key,
    check_duplicates,
    check_ids,
    check_labels,
    check_prompt_labels,
    check_samples,
    label_keys,
    warn_if_even,
)
from riskshift.counts import (
    NO_VALUE,
    Clusters,
    Counts,
    Grouped,
    IntArray,
    Layout,
    Table,
    group_name,
)
from riskshift.errors import ColumnError, DataError, UsageError, listing
from riskshift.records import ROLES, Records

MAX_GROUPS: Final = 1_000
MAX_PATTERNS: Final = 1_000_000
MAX_NESTED: Final = 16
FIRST_ROWS: Final = 10_000


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
    patterns : sequence of tuple
        The values of the label columns as they are, for going back to the rows.
    """

    counts: Counts
    groups: dict[str, Grouped]
    records: Records
    patterns: Sequence[tuple[Any, ...]]

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
            column = [row[position] for row in rows]
            for value in column:
                digit.setdefault(value, len(digit))
            self.values.append([value for value in digit if value is not None])
            self.digits.append(np.array([digit[value] for value in column], dtype=np.int64))

    def levels(self, keys: Sequence[Key]) -> IntArray:
        """Read the values of each pattern; shape (patterns, keys)."""
        columns = [
            np.array([key.parse(None), *map(key.parse, values)], dtype=np.int64)[digits]
            for key, values, digits in zip(keys, self.values, self.digits, strict=False)
        ]
        return np.stack(columns, axis=1)

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
        digit = _digit_of(column, list(enumerate(self.values[position], start=1)))
        return nw.when(column.is_null()).then(nw.lit(0, nw.Int64)).otherwise(digit)


def _digit_of(column: nw.Expr, values: list[tuple[int, Any]]) -> nw.Expr:
    """Look a value up: one by one if they are few, else by halves.

    Comparing is fastest, but engines and Python limit how deep expressions nest.
    """
    if len(values) <= MAX_NESTED:
        digit: nw.Expr = nw.lit(0, nw.Int64)
        for number, value in reversed(values):
            digit = nw.when(column == value).then(nw.lit(number, nw.Int64)).otherwise(digit)
        return digit
    middle = len(values) // 2
    return (
        nw.when(column.is_in([value for _, value in values[:middle]]))
        .then(_digit_of(column, values[:middle]))
        .otherwise(_digit_of(column, values[middle:]))
    )


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
    findings = Findings()
    try:
        collapsed = _collapse(records, progress, findings)
    except engine.EngineError as error:
        raise records.source.explain(str(error)) from error
    except DataError:
        findings.raise_all()
        raise
    warn_if_even(records, findings)
    return collapsed


def _collapse(records: Records, progress: Callable[[str], None], findings: Findings) -> Collapsed:
    progress("grouping the labels")
    records = check_ids(cleaned(records), findings)
    columns = _groupings(records)
    model = records.column("model")
    by = model if model in columns else None
    records, rows = check_labels(records, _patterns(records, by), label_keys(records), findings)
    if not rows:
        raise _no_records(records)
    progress("looking for repeated prompts")
    repeated = _repeats(records, records.prompt)
    if repeated:
        numbered = check_samples(records, findings)
        if numbered is not records:
            return _collapse(numbered, progress, findings)
    clustered = (
        repeated if records.cluster == records.prompt else _repeats(records, records.cluster)
    )
    progress("collecting what belongs together")
    joint = _tabulate(records, rows, records.cluster if clustered else None, by=by)
    if repeated:
        same = records.cluster == records.prompt
        by_prompt = joint if same else _tabulate(records, rows, records.prompt, by=by)
        consistent = check_duplicates(records, by_prompt, findings)
        consistent = check_prompt_labels(consistent, rows, by_prompt, findings)
        if consistent is not records:
            return _collapse(consistent, progress, findings)
    findings.raise_all()
    groups = {}
    for column in columns:
        progress(f"grouping by {column}")
        cluster = records.cluster if clustered else None
        groups[column] = joint if column == by else _grouped(records, cluster, column)
    return Collapsed(joint.pooled(), groups, records, rows)


def cleaned(records: Records) -> Records:
    """Give the values that matter one form in every engine.

    Raises
    ------
    ColumnError
        If such a column holds lists or the like.
    """
    columns = [key.column for key in label_keys(records)] + _grouping_columns(records)
    columns += filter(None, (records.cluster, *map(records.column, ROLES)))
    return with_plain(records, columns)


def with_plain(records: Records, columns: Iterable[str]) -> Records:
    """Give the values of some columns one form in every engine.

    Raises
    ------
    ColumnError
        If one of them holds lists or the like.
    """
    frame, refused = engine.plain(records.frame, dict.fromkeys(columns))
    if refused:
        held = listing(f"{column!r} holds {dtype}" for column, dtype in refused.items())
        raise ColumnError(
            f"{records.source.name}: {held}, and must hold numbers or text. Turn it into text first."
        )
    return replace(records, frame=frame)


def _patterns(records: Records, by: str | None) -> list[tuple[Any, ...]]:
    columns = [key.column for key in label_keys(records)] + ([by] if by else [])
    rows = engine.count_patterns(records.frame, columns, limit=MAX_PATTERNS + 1)
    if len(rows) > MAX_PATTERNS:
        raise DataError(
            f"{records.source.name} has more than {MAX_PATTERNS:,} different patterns of {listing(columns)}. "
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
    if model is None:
        return DataError(f"{name} has no rows to analyze.")
    return DataError(
        f"{name} has no rows for model {model!r}. See which models it has: --by model."
    )


def _repeats(records: Records, cluster: str | None) -> bool:
    """Tell whether values repeat; the first rows often settle it."""
    if cluster is None:
        return False
    first = records.frame.head(FIRST_ROWS)
    return any(engine.repeats(frame, [cluster])[1] > 1 for frame in (first, records.frame))


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


def _grouped(records: Records, cluster: str | None, column: str) -> Grouped:
    if column in (key.column for key in label_keys(records)):
        twin = nw.col(column).alias("riskshift_group")
        records, column = (
            replace(records, frame=records.frame.with_columns(twin)),
            "riskshift_group",
        )
    return _tabulate(records, _patterns(records, column), cluster, by=column)


def _tabulate(
    records: Records, rows: Sequence[tuple[Any, ...]], cluster: str | None, *, by: str | None
) -> Grouped:
    """Read the values of the patterns and, where records share a cluster, what occurs together."""
    table, names = tabulate(records.frame, label_keys(records), rows, cluster=cluster, by=by)
    return Grouped(layout_of(records), table, names)


def layout_of(records: Records) -> Layout:
    """Say what the columns of a table of these records are."""
    return Layout(
        records.options.taxonomy,
        relevance=records.column("relevance") is not None,
        benign=records.column("prompt_benign") is not None,
    )


def tabulate(
    frame: engine.Frame,
    keys: Sequence[Key],
    rows: Sequence[tuple[Any, ...]],
    *,
    cluster: str | None,
    by: str | None,
) -> tuple[Table, tuple[str, ...]]:
    """Turn collapsed patterns into a table of numbers.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        The rows, asked once more for what shares a cluster.
    keys : sequence of Key
        The columns of a pattern.
    rows : sequence of tuple
        The patterns: a value for each key, one for `by` if given, and the count.
    cluster : str or None
        Column whose equal values belong together.
    by : str or None
        A column whose values are groups.

    Returns
    -------
    table : Table
        A column for each key and one more for the group's position.
    names : tuple of str
        Names of the groups, sorted.
    """
    coding = Coding([key.column for key in keys] + ([by] if by else []), rows)
    names = [NO_VALUE]
    if by:
        names += [group_name(value) for value in coding.values[-1]]
        group = coding.digits[-1]
    else:
        group = np.zeros(len(rows), dtype=np.int64)
    present = sorted({names[digit] for digit in group.tolist()})
    position = np.array([present.index(name) if name in present else -1 for name in names])
    n = np.array([row[-1] for row in rows], dtype=np.int64)
    linked = _linked(frame, coding, cluster) if cluster else None
    raw = Table(np.column_stack([coding.levels(keys), position[group]]), n, linked)
    return raw.keep(slice(None)), tuple(present)


def _linked(frame: engine.Frame, coding: Coding, cluster: str) -> Clusters:
    indptr, weight, codes = engine.compositions(frame, cluster, coding.of_rows())
    of_patterns = coding.of_patterns()
    order = np.argsort(of_patterns, kind="stable")
    return Clusters(indptr, order[np.searchsorted(of_patterns[order], codes)], weight)
