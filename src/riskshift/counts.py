"""The small table of counts that every number is a function of."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from riskshift.taxonomy import MISSING, Taxonomy

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
NO_VALUE: Final = "(none)"


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """Which patterns occur together in one cluster, and how often.

    Parameters
    ----------
    indptr, indices : ndarray of int
        Distinct kinds of cluster as sparse rows: the records of kind g have the patterns
        ``indices[indptr[g]:indptr[g + 1]]``, one entry a record, in ascending order.
    weight : ndarray of int
        How many clusters are of each kind.
    """

    indptr: IntArray
    indices: IntArray
    weight: IntArray

    def __len__(self) -> int:
        return int(self.weight.sum())

    def totals(self, values: NDArray[Any]) -> NDArray[Any]:
        """Sum a value of each pattern over the records of each kind of cluster."""
        return np.add.reduceat(values[self.indices], self.indptr[:-1], axis=0)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Distinct rows of small numbers, how many records have each, and which occur together.

    Parameters
    ----------
    values : ndarray of int, shape (patterns, columns)
        The rows.
    n : ndarray of int, shape (patterns,)
        Records of each.
    clusters : Clusters or None
        Records that belong together; None where every record stands alone.
    """

    values: IntArray
    n: IntArray
    clusters: Clusters | None

    def keep(self, columns: slice) -> "Table":
        """Keep some columns, merging rows that become equal, in canonical order."""
        values, inverse = np.unique(self.values[:, columns], axis=0, return_inverse=True)
        n = np.bincount(inverse.ravel(), weights=self.n, minlength=len(values)).astype(np.int64)
        clusters = None if self.clusters is None else _canonical(self.clusters, inverse.ravel())
        return Table(values, n, clusters)

    def where(self, chosen: BoolArray) -> "Table":
        """Keep some rows, and of each cluster its records among them."""
        if self.clusters is None:
            return Table(self.values[chosen], self.n[chosen], None)
        inside = chosen[self.clusters.indices]
        sizes = np.add.reduceat(inside.astype(np.int64), self.clusters.indptr[:-1])
        renumber = np.cumsum(chosen) - 1
        indptr = np.append(0, np.cumsum(sizes[sizes > 0])).astype(np.int64)
        clusters = Clusters(
            indptr, renumber[self.clusters.indices[inside]], self.clusters.weight[sizes > 0]
        )
        return Table(self.values[chosen], self.n[chosen], clusters)


def _canonical(clusters: Clusters, renumber: IntArray) -> Clusters | None:
    """Sort kinds of cluster by size, then by their patterns, merging equal ones."""
    sizes, starts = np.diff(clusters.indptr), clusters.indptr[:-1]
    parts, weights = [], []
    for size in np.unique(sizes):
        kinds = np.flatnonzero(sizes == size)
        rows = np.sort(renumber[clusters.indices[starts[kinds][:, None] + np.arange(size)]], axis=1)
        merged, weight = distinct_rows(rows, clusters.weight[kinds])
        parts.append(merged)
        weights.append(weight)
    if all(part.shape[1] == 1 for part in parts):
        return None  # every record stands alone
    lengths = np.concatenate([np.full(len(part), part.shape[1]) for part in parts])
    return Clusters(
        np.append(0, np.cumsum(lengths)).astype(np.int64),
        np.concatenate([part.ravel() for part in parts]),
        np.concatenate(weights),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """What the columns of a pattern are.

    Parameters
    ----------
    taxonomy : Taxonomy
        Its categories: the prompt's severities come first, then the response's.
    relevance, benign : bool
        Whether they follow, in this order.
    """

    taxonomy: Taxonomy
    relevance: bool
    benign: bool

    @property
    def width(self) -> int:
        """Number of columns."""
        return 2 * len(self.taxonomy.categories) + self.relevance + self.benign

    def counts(self, table: Table) -> "Counts":
        """Name the columns of a table, merging rows that differ only beyond them."""
        return self.named(table.keep(slice(0, self.width)))

    def named(self, table: Table) -> "Counts":
        """Name the columns of a table, keeping its rows as they are."""
        c = len(self.taxonomy.categories)
        columns = [np.ascontiguousarray(column) for column in table.values[:, 2 * c : self.width].T]
        return Counts(
            self.taxonomy,
            np.ascontiguousarray(table.values[:, :c]),
            np.ascontiguousarray(table.values[:, c : 2 * c]),
            columns[0] if self.relevance else None,
            columns[-1] if self.benign else None,
            table.n,
            table.clusters,
        )


def group_name(value: object) -> str:
    """Name a group as files do, where a blank is nothing and a flag is in small letters."""
    text = str(value).strip()
    return (text.lower() if text in ("True", "False") else text) or NO_VALUE


@dataclass(frozen=True, slots=True, eq=False)
class Grouped:
    """Counts by the values of one column, and what occurs together across them.

    Parameters
    ----------
    layout : Layout
        What the first columns of the table are; one more follows, the group's position.
    table : Table
        The patterns of all groups.
    names : tuple of str
        Values of the column, sorted.
    """

    layout: Layout
    table: Table
    names: tuple[str, ...]

    @property
    def group(self) -> IntArray:
        """Position in `names` of each pattern's group."""
        return self.table.values[:, self.layout.width]

    def pooled(self) -> "Counts":
        """Return the counts of all groups together."""
        return self.layout.counts(self.table)

    def each(self) -> "dict[str, Counts]":
        """Return the counts of each group by itself."""
        return {
            name: self.layout.counts(self.table.where(self.group == at))
            for at, name in enumerate(self.names)
        }


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Distinct label patterns and how many records have each.

    Parameters
    ----------
    taxonomy : Taxonomy
        What the severities speak of.
    prompt, response : ndarray of int, shape (patterns, categories)
        Severity per category; -1 where the label is missing.
    relevance : ndarray of int, shape (patterns,), or None
        1 to 3, or -1 where missing; None if the data has no relevance.
    benign : ndarray of int, shape (patterns,), or None
        1 where the benchmark itself calls the prompt benign, 0 where it does not, -1 where
        missing; None if the data does not say.
    n : ndarray of int, shape (patterns,)
        Records of each pattern.
    clusters : Clusters or None
        Records that belong together; None where every record stands alone.
    """

    taxonomy: Taxonomy
    prompt: IntArray
    response: IntArray
    relevance: IntArray | None
    benign: IntArray | None
    n: IntArray
    clusters: Clusters | None

    @property
    def total(self) -> int:
        """Number of records."""
        return int(self.n.sum())

    @property
    def units(self) -> int:
        """Number of clusters; of records, where each stands alone."""
        return self.total if self.clusters is None else len(self.clusters)

    def sums(self, *values: NDArray[Any]) -> tuple[IntArray, IntArray]:
        """Marginalise to the bits of one statistic.

        Parameters
        ----------
        *values : ndarray of bool or non-negative int, shape (patterns,)
            What to sum over each cluster, such as the event and the denominator.

        Returns
        -------
        cells : ndarray of int, shape (cells, len(values))
            Distinct tuples of sums, in ascending order.
        weight : ndarray of int, shape (cells,)
            How many clusters have each.
        """
        columns = np.stack([np.asarray(value, dtype=np.int64) for value in values], axis=1)
        if self.clusters is None:
            return distinct_rows(columns, self.n)
        return distinct_rows(self.clusters.totals(columns), self.clusters.weight)

    def digest(self) -> str:
        """Hash the counts: equal for equal data, whatever its row order, files or engine."""
        hashed = hashlib.sha256(json.dumps(self.taxonomy.to_dict(), sort_keys=True).encode())
        parts = [self.prompt, self.response, self.relevance, self.benign, self.n]
        if self.clusters is not None:
            parts += [self.clusters.indptr, self.clusters.indices, self.clusters.weight]
        for part in parts:
            hashed.update(
                b"-" if part is None else np.ascontiguousarray(part, dtype="<i8").tobytes()
            )
        return hashed.hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class Doubled:
    """Pairs that a grader labelled, some of which people labelled too.

    Parameters
    ----------
    layout : Layout
        What the first columns of the table are: the grader's labels and what else is known. Then
        come the people's, prompt and response severities by category, and the group's position.
    table : Table
        The patterns; people's labels are -1 where they gave none.
    names : tuple of str
        Groups, sorted; one where there are none.
    """

    layout: Layout
    table: Table
    names: tuple[str, ...]

    @property
    def group(self) -> IntArray:
        """Position in `names` of each pattern's group."""
        return self.table.values[:, -1]

    @property
    def grader(self) -> "Counts":
        """The grader's labels; its patterns are aligned with the people's."""
        return self.layout.named(self.table)

    @property
    def people(self) -> "Counts":
        """The people's labels, -1 where they gave none."""
        c = len(self.layout.taxonomy.categories)
        start = self.layout.width
        return Counts(
            self.layout.taxonomy,
            np.ascontiguousarray(self.table.values[:, start : start + c]),
            np.ascontiguousarray(self.table.values[:, start + c : start + 2 * c]),
            None,
            None,
            self.table.n,
            self.table.clusters,
        )

    @property
    def labelled(self) -> BoolArray:
        """Which patterns people labelled, at least in part."""
        people = self.table.values[:, self.layout.width : -1]
        return np.asarray((people != MISSING).any(axis=1))

    def only(self, name: str) -> "Doubled":
        """Return the pairs of one group."""
        chosen = self.group == self.names.index(name)
        return Doubled(self.layout, self.table.where(chosen), (name,))


@dataclass(frozen=True, slots=True)
class Drawing:
    """How pairs were drawn for people to label, as the sample itself records it.

    Parameters
    ----------
    metric : str or None
        The metric by whose value (by the grader) strata were drawn; None for a plain sample.
    strata : dict of str to (int, float)
        By stratum, pairs that people's file holds and the chance that each had to be drawn. One
        without a name for a plain sample; empty where nothing was recorded.
    """

    metric: str | None
    strata: dict[str, tuple[int, float]]


UNRECORDED: Final = Drawing(None, {})


def distinct_rows(rows: IntArray, weight: IntArray) -> tuple[IntArray, IntArray]:
    """Merge equal rows, adding their weights; rows come back in ascending order."""
    low = rows.min(axis=0, initial=0)
    span = rows.max(axis=0, initial=0) - low + 1
    if np.log2(span).sum() > 62:
        return _distinct_wide_rows(rows, weight, low, span)
    # One number a row, because sorting numbers is many times faster than sorting rows.
    stride = np.append(np.cumprod(span[::-1])[::-1][1:], 1)
    keys = (rows - low) @ stride
    size = int(np.prod(span))
    if size <= 4 * len(keys) + 1024:
        filled = np.bincount(keys, minlength=size)
        merged_keys = np.flatnonzero(filled)
        totals = np.bincount(keys, weights=weight, minlength=size)[merged_keys]
    else:
        merged_keys, inverse = np.unique(keys, return_inverse=True)
        totals = np.bincount(inverse, weights=weight, minlength=len(merged_keys))
    return merged_keys[:, None] // stride % span + low, totals.astype(np.int64)


@dataclass(frozen=True, slots=True)
class Case:
    """One pair worth reading.

    Parameters
    ----------
    prompt_id, model, sample : str or None
        What identifies it in the data; None where the data has no such column.
    prompt, response : mapping of str to int or None
        Severity by category; None where the label is missing.
    relevance : int or None
        1 to 3.
    origin : str
        How it came to escalate: ``"unsolicited_elaboration"`` or ``"compliance_escalation"``; of a
        grader's errors: ``"false_negative"`` or ``"false_positive"``.
    prompt_text, response_text : str or None
        The texts, where the data has them and they were asked for. Hostile: never trust them.
    people : mapping of str to mapping, or None
        People's severities by side and category, where `prompt` and `response` are a grader's.
    """

    prompt_id: str | None
    model: str | None
    sample: str | None
    prompt: dict[str, int | None]
    response: dict[str, int | None]
    relevance: int | None
    origin: str
    prompt_text: str | None
    response_text: str | None
    people: dict[str, dict[str, int | None]] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return labels and identity as plain data, without the texts."""
        made: dict[str, Any] = {
            "prompt_id": self.prompt_id,
            "model": self.model,
            "sample": self.sample,
            "prompt": dict(self.prompt),
            "response": dict(self.response),
            "relevance": self.relevance,
            "origin": self.origin,
        }
        if self.people is not None:
            made["people"] = {side: dict(labels) for side, labels in self.people.items()}
        return made


def _distinct_wide_rows(
    rows: IntArray, weight: IntArray, low: IntArray, span: IntArray
) -> tuple[IntArray, IntArray]:
    """Do the same for rows that do not fit one number: number their beginnings as they grow."""
    keys, bits = np.zeros(len(rows), dtype=np.int64), 0.0
    for column, start, size in zip(rows.T, low, span, strict=True):
        if bits + np.log2(size) > 62:
            begun, keys = np.unique(keys, return_inverse=True)
            bits = float(np.log2(len(begun) + 1))
        if bits + np.log2(size) > 62:  # even numbered, some column spans too much
            merged, inverse = np.unique(rows, axis=0, return_inverse=True)
            totals = np.bincount(inverse.ravel(), weights=weight, minlength=len(merged))
            return merged, totals.astype(np.int64)
        keys = keys * size + (column - start)
        bits += float(np.log2(size))
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    return rows[first], np.bincount(inverse, weights=weight).astype(np.int64)
