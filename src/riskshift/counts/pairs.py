"""The small table of counts that every number is a function of."""

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from riskshift.counts.clusters import (
    BoolArray,
    Clusters,
    IntArray,
    RandomGroups,
    distinct_rows,
)
from riskshift.taxonomy import Taxonomy
from riskshift.written import MISSING

NO_VALUE: Final = "(none)"


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Distinct rows of small numbers, how many records have each, and which occur together.

    Parameters
    ----------
    values : ndarray of int, shape (patterns, columns)
        The rows.
    n : ndarray of int, shape (patterns,)
        Records of each.
    clusters : Clusters, RandomGroups or None
        Records that belong together; None where every record stands alone.
    """

    values: IntArray
    n: IntArray
    clusters: Clusters | RandomGroups | None

    def keep(self, columns: slice) -> "Table":
        """Keep some columns, merging rows that become equal, in canonical order."""
        values, inverse = np.unique(self.values[:, columns], axis=0, return_inverse=True)
        n = np.bincount(inverse.ravel(), weights=self.n, minlength=len(values)).astype(np.int64)
        clusters = None if self.clusters is None else self.clusters.renumbered(inverse.ravel())
        return Table(values, n, clusters)

    def where(self, chosen: BoolArray) -> "Table":
        """Keep some rows, and of each cluster its records among them."""
        clusters = None if self.clusters is None else self.clusters.among(chosen)
        return Table(self.values[chosen], self.n[chosen], clusters)


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """What the columns of a pattern are.

    Parameters
    ----------
    taxonomy : Taxonomy
        Its categories: the prompt's severities come first, then the response's.
    relevance, benign, refusal : bool
        Whether they follow, in this order.
    partial : bool
        Whether refusals have three levels in these data, or two.
    """

    taxonomy: Taxonomy
    relevance: bool
    benign: bool
    refusal: bool = False
    partial: bool = False

    @property
    def width(self) -> int:
        """Number of columns."""
        return 2 * len(self.taxonomy.categories) + self.relevance + self.benign + self.refusal

    def counts(self, table: Table) -> "Counts":
        """Name the columns of a table, merging rows that differ only beyond them."""
        return self.named(table.keep(slice(0, self.width)))

    def named(self, table: Table) -> "Counts":
        """Name the columns of a table, keeping its rows as they are."""
        c = len(self.taxonomy.categories)
        rest = iter(np.ascontiguousarray(table.values[:, 2 * c : self.width].T))
        return Counts(
            self.taxonomy,
            np.ascontiguousarray(table.values[:, :c]),
            np.ascontiguousarray(table.values[:, c : 2 * c]),
            next(rest) if self.relevance else None,
            next(rest) if self.benign else None,
            table.n,
            table.clusters,
            next(rest) if self.refusal else None,
            self.partial,
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
        return {name: self.only(name).pooled() for name in self.names}

    def without(self, name: str) -> "Counts":
        """Return the counts of all groups but one together."""
        return self.layout.counts(self.table.where(self.group != self.names.index(name)))

    def without_category(self, name: str) -> "Grouped":
        """Return the same groups with the labels of all categories but one."""
        at, c = self.layout.taxonomy.categories.index(name), len(self.layout.taxonomy.categories)
        values = np.delete(self.table.values, [at, c + at], axis=1)
        layout = replace(self.layout, taxonomy=self.layout.taxonomy.without(name))
        return Grouped(layout, replace(self.table, values=values).keep(slice(None)), self.names)

    def largest(self, most: int) -> tuple[str, ...]:
        """Return the names of the groups with the most records, at most so many, sorted."""
        sizes = np.bincount(self.group, weights=self.table.n, minlength=len(self.names))
        return tuple(self.names[at] for at in sorted(np.argsort(-sizes, kind="stable")[:most]))

    def only(self, name: str) -> "Grouped":
        """Return one group, as a grouping of its own."""
        table = self.table.where(self.group == self.names.index(name))
        values = table.values.copy()
        values[:, self.layout.width] = 0
        return Grouped(self.layout, replace(table, values=values).keep(slice(None)), (name,))


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
    clusters : Clusters, RandomGroups or None
        Records that belong together; None where every record stands alone.
    refusal : ndarray of int, shape (patterns,), or None
        0 complied, 1 partial, 2 refused, -1 where missing; None if the data does not say.
    partial : bool
        Whether refusals have three levels in these data, or two.
    """

    taxonomy: Taxonomy
    prompt: IntArray
    response: IntArray
    relevance: IntArray | None
    benign: IntArray | None
    n: IntArray
    clusters: Clusters | RandomGroups | None
    refusal: IntArray | None = None
    partial: bool = False

    @property
    def told(self) -> frozenset[str]:
        """What the data say beside severities, as `Metric.beside` names it."""
        held = {
            "relevance": self.relevance is not None,
            "benign": self.benign is not None,
            "refusal": self.refusal is not None,
            "partial": self.refusal is not None and self.partial,
        }
        return frozenset(name for name, there in held.items() if there)

    @property
    def sides(self) -> frozenset[str]:
        """The sides of which some label is there: ``p`` and ``r``, as `Metric.needs` names them."""
        held = {"p": self.prompt, "r": self.response}
        return frozenset(name for name, labels in held.items() if (labels != MISSING).any())

    @property
    def total(self) -> int:
        """Number of records."""
        return int(self.n.sum())

    @property
    def units(self) -> int:
        """Number of clusters; of records, where each stands alone."""
        return self.total if self.clusters is None else len(self.clusters)

    @property
    def in_groups(self) -> bool:
        """Whether several clusters were put into one group, because they are of too many kinds."""
        return isinstance(self.clusters, RandomGroups) and not self.clusters.alone

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

    def without(self, category: str) -> "Counts":
        """Return the counts of the labels of all categories but one."""
        at = self.taxonomy.categories.index(category)
        prompt, response = (np.delete(side, at, axis=1) for side in (self.prompt, self.response))
        taxonomy = self.taxonomy.without(category)
        return replace(self, taxonomy=taxonomy, prompt=prompt, response=response)

    def digest(self) -> str:
        """Hash the counts: equal for equal data, whatever its row order, files or engine."""
        hashed = hashlib.sha256(json.dumps(self.taxonomy.to_dict(), sort_keys=True).encode())
        parts = [self.prompt, self.response, self.relevance, self.benign, self.n]
        if self.refusal is not None:
            parts.append(self.refusal)
        if self.clusters is not None:
            held = self.clusters
            times = held.times if isinstance(held, RandomGroups) else held.weight
            parts += [held.indptr, held.indices, times]
        for part in parts:
            hashed.update(
                b"-" if part is None else np.ascontiguousarray(part, dtype="<i8").tobytes()
            )
        return hashed.hexdigest()
