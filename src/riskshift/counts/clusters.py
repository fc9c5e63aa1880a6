"""Records that belong together, and rows of counts merged in one order."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]

BoolArray = NDArray[np.bool_]


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

    @property
    def kind(self) -> IntArray:
        """Of which kind each of `indices` is."""
        return np.repeat(np.arange(len(self.weight)), np.diff(self.indptr))

    def with_two_of(self, group: IntArray) -> int:
        """Count the clusters that hold two records of one group, given the group of each pattern."""
        groups = int(group.max(initial=0)) + 1
        held, times = np.unique(self.kind * groups + group[self.indices], return_counts=True)
        return int(self.weight[np.unique(held[times > 1] // groups)].sum())

    def with_unequal(self, labels: IntArray) -> int:
        """Count the clusters in which some label differs, given those of each pattern; -1 is none."""
        label, starts = labels[self.indices], self.indptr[:-1]
        known = np.where(label < 0, np.iinfo(np.int64).max, label)
        differ = np.maximum.reduceat(label, starts) > np.minimum.reduceat(known, starts)
        return int(self.weight[differ.any(axis=1)].sum())

    def totals(self, values: NDArray[Any]) -> NDArray[Any]:
        """Sum a value of each pattern over the records of each kind of cluster."""
        return np.add.reduceat(values[self.indices], self.indptr[:-1], axis=0)

    def renumbered(self, renumber: IntArray) -> "Clusters | None":
        """Sort kinds of cluster by size, then by their patterns, merging equal ones."""
        sizes, starts = np.diff(self.indptr), self.indptr[:-1]
        parts, weights = [], []
        for size in np.unique(sizes):
            kinds = np.flatnonzero(sizes == size)
            rows = np.sort(renumber[self.indices[starts[kinds][:, None] + np.arange(size)]], axis=1)
            merged, weight = distinct_rows(rows, self.weight[kinds])
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

    def among(self, chosen: BoolArray) -> "Clusters":
        """Keep of each cluster its records among some patterns, which are numbered anew."""
        inside = chosen[self.indices]
        sizes = np.add.reduceat(inside.astype(np.int64), self.indptr[:-1])
        renumber = np.cumsum(chosen) - 1
        indptr = np.append(0, np.cumsum(sizes[sizes > 0])).astype(np.int64)
        return Clusters(indptr, renumber[self.indices[inside]], self.weight[sizes > 0])


@dataclass(frozen=True, slots=True, eq=False)
class RandomGroups:
    """Clusters put into groups at random, where they are of more kinds than are kept.

    What can be said of sums over clusters can be said of sums over the groups, each of which stands
    for one cluster: Wolter, "Introduction to Variance Estimation", 2nd ed. (2007), chapter 2.

    Parameters
    ----------
    indptr, indices : ndarray of int
        The patterns in each group, as sparse rows.
    times : ndarray of int
        How many records of the group have each.
    of : int
        How many clusters there are; of some of the records, at most so many.
    alone : bool
        Whether each group is one cluster: there are few, and large ones.
    """

    indptr: IntArray
    indices: IntArray
    times: IntArray
    of: int
    alone: bool = False

    @classmethod
    def tallied(
        cls, group: IntArray, pattern: IntArray, times: IntArray, of: int, *, alone: bool = False
    ) -> "RandomGroups":
        """Put records of groups and patterns together, in any order and in any number of pieces."""
        rows, totals = distinct_rows(np.stack([group, pattern], axis=1), times)
        starts = np.flatnonzero(np.diff(rows[:, 0], prepend=-1))
        return cls(np.append(starts, len(rows)), rows[:, 1], totals, of, alone)

    def __len__(self) -> int:
        return self.of

    @property
    def weight(self) -> IntArray:
        """One of each."""
        return np.ones(len(self.indptr) - 1, dtype=np.int64)

    @property
    def kind(self) -> IntArray:
        """Of which group each of `indices` is."""
        return np.repeat(np.arange(len(self.weight)), np.diff(self.indptr))

    def totals(self, values: NDArray[Any]) -> NDArray[Any]:
        """Sum a value of each pattern over the records of each group."""
        each = values[self.indices]
        return np.add.reduceat((each.T * self.times).T, self.indptr[:-1], axis=0)

    def renumbered(self, renumber: IntArray) -> "RandomGroups":
        """Give the patterns other numbers, merging those that become equal."""
        pattern = renumber[self.indices]
        return self.tallied(self.kind, pattern, self.times, self.of, alone=self.alone)

    def among(self, chosen: BoolArray) -> "RandomGroups":
        """Keep of each group its records among some patterns, which are numbered anew."""
        inside, renumber = chosen[self.indices], np.cumsum(chosen) - 1
        group, pattern = self.kind[inside], renumber[self.indices[inside]]
        of = len(np.unique(group)) if self.alone else self.of
        return self.tallied(group, pattern, self.times[inside], of, alone=self.alone)


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
