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

    def totals(self, values: NDArray[Any]) -> NDArray[Any]:
        """Sum a value of each pattern over the records of each kind of cluster."""
        return np.add.reduceat(values[self.indices], self.indptr[:-1], axis=0)


def in_one_order(clusters: Clusters, renumber: IntArray) -> Clusters | None:
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
