"""Who gave which labels to the same item: the small table that every number on agreement rests on."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from riskshift.counts.clusters import Clusters, IntArray
from riskshift.refusal import REFUSAL
from riskshift.taxonomy import SIDES, Taxonomy
from riskshift.written import MISSING


@dataclass(frozen=True, slots=True)
class Label:
    """One thing that raters judge: a category on one side of the pair, or whether it is refused.

    Parameters
    ----------
    side : {"prompt", "response"}
        Whose label.
    category : str or None
        Of what kind of harm; None: whether the response refuses.
    levels : tuple of str
        What a rating may be, lowest first: the levels of severity, or those of a refusal.
    """

    side: str
    category: str | None
    levels: tuple[str, ...]

    def __str__(self) -> str:
        return "refusal" if self.category is None else f"{self.side}_{self.category}"


def every_label(taxonomy: Taxonomy) -> tuple[Label, ...]:
    """Return all that raters can judge: the prompt's categories, the response's, its refusal.

    Examples
    --------
    >>> [str(label) for label in every_label(Taxonomy(["fraud"], ["Fine", "Fraud"]))]
    ['prompt_fraud', 'response_fraud', 'refusal']
    """
    severities = [
        Label(side, name, taxonomy.levels) for side in SIDES for name in taxonomy.categories
    ]
    return (*severities, Label(SIDES[1], None, REFUSAL))


def most_levels(labels: Sequence[Label]) -> int:
    """Return how many levels the label with the most has."""
    return max(len(label.levels) for label in labels)


@dataclass(frozen=True, slots=True)
class Dispute:
    """One item whose raters lie far apart.

    Parameters
    ----------
    record_id, prompt_id, model, sample, turn : str or None
        What identifies it in the data; None where the data has no such column.
    label : Label
        What is disputed most.
    given : dict of str to int
        The level that each rater gave.
    """

    record_id: str | None
    prompt_id: str | None
    model: str | None
    sample: str | None
    turn: str | None
    label: Label
    given: dict[str, int]

    shape: ClassVar[str] = (
        "record_id prompt_id model sample turn label.side label.category spread given"
    )

    @property
    def spread(self) -> int:
        """Levels between the lowest and the highest rating."""
        return max(self.given.values()) - min(self.given.values())


@dataclass(frozen=True, eq=False)
class Ratings:
    """Distinct ratings, which of them meet on an item, and which items share a prompt.

    Parameters
    ----------
    taxonomy : Taxonomy
        Its categories are those that some rater labelled; all, where they told refusals alone.
    raters : tuple of str
        Who rated, sorted.
    values : ndarray of int, shape (ratings, labels)
        Severities of the prompt, then of the response, then, if anyone told them, refusals; -1
        where the rater gave none.
    rater : ndarray of int, shape (ratings,)
        Position of the rater in `raters`.
    items : Clusters
        Kinds of item: which ratings it got, one entry a rater.
    prompts : Clusters or None
        Kinds of prompt: which kinds of item it has. None where no two items share one.
    """

    taxonomy: Taxonomy
    raters: tuple[str, ...]
    values: IntArray
    rater: IntArray
    items: Clusters
    prompts: Clusters | None

    @cached_property
    def labels(self) -> tuple[Label, ...]:
        """What the columns of `values` are."""
        return every_label(self.taxonomy)[: self.values.shape[1]]

    @property
    def refusal(self) -> bool:
        """Whether anyone told refusals; they stand last."""
        return self.labels[-1].category is None

    @cached_property
    def owner(self) -> IntArray:
        """Kind of item of each entry of ``items.indices``."""
        return np.repeat(np.arange(len(self.items.weight)), np.diff(self.items.indptr))

    @cached_property
    def levels(self) -> IntArray:
        """How many ratings an item of each kind has at each level; shape (kinds, labels, levels).

        Labels with fewer levels than others have none beyond their own.
        """
        kinds, labels = len(self.items.weight), len(self.labels)
        levels = most_levels(self.labels)
        value = self.values[self.items.indices]
        cell = (self.owner[:, None] * labels + np.arange(labels)) * levels + value
        counts = np.bincount(cell[value != MISSING], minlength=kinds * labels * levels)
        return counts.reshape(kinds, labels, levels)

    def by(self, rater: int) -> IntArray:
        """Return the labels that one rater gave to each kind of item; shape (kinds, labels)."""
        given = np.full((len(self.items.weight), len(self.labels)), MISSING, dtype=np.int64)
        own = self.rater[self.items.indices] == rater
        given[self.owner[own]] = self.values[self.items.indices[own]]
        return given

    def without(self, rater: int) -> "Ratings":
        """Return the ratings of the others; items that nobody else rated stay, empty of labels."""
        values = np.where((self.rater == rater)[:, None], MISSING, self.values)
        return replace(self, values=values)

    def rated_by(self) -> dict[str, int]:
        """Count the items that each rater gave any label."""
        rated = (self.values != MISSING).any(axis=1)[self.items.indices]
        weight = self.items.weight[self.owner] * rated
        sums = np.bincount(
            self.rater[self.items.indices], weights=weight, minlength=len(self.raters)
        )
        return dict(zip(self.raters, sums.astype(int).tolist(), strict=True))

    def digest(self) -> str:
        """Hash the ratings: equal for equal data, whatever its row order, files or engine."""
        named = {"taxonomy": self.taxonomy.to_dict(), "raters": self.raters}
        hashed = hashlib.sha256(json.dumps(named, sort_keys=True).encode())
        parts = [self.values, self.rater]
        for clusters in filter(None, (self.items, self.prompts)):
            parts += [clusters.indptr, clusters.indices, clusters.weight]
        for part in parts:
            hashed.update(np.ascontiguousarray(part, dtype="<i8").tobytes())
        return hashed.hexdigest()


def assemble_ratings(
    taxonomy: Taxonomy,
    raters: tuple[str, ...],
    values: IntArray,
    rater: IntArray,
    items: Clusters,
    prompts: Clusters,
) -> Ratings:
    """Put ratings in one order, whatever the engine's, without what nobody labelled.

    Parameters
    ----------
    taxonomy, raters, values, rater
        As in `Ratings`, with the columns of `every_label`, the last where refusals were asked for;
        equal ratings may repeat, and be empty.
    items : Clusters
        Kinds of item, as positions in `values`; its weight is not used.
    prompts : Clusters
        Kinds of prompt, as positions in `items`.

    Returns
    -------
    Ratings
    """
    rated = (values != MISSING).any(axis=1)
    merged, position = np.unique(
        np.column_stack([rater, values])[rated], axis=0, return_inverse=True
    )
    renumber = np.full(len(values), -1, dtype=np.int64)
    renumber[rated] = position.ravel()
    inside, kept = _kept(items.indptr, renumber[items.indices])
    own, place = merged_kinds(inside.indptr, inside.indices, np.zeros(len(kept), dtype=np.int64))
    renumber = np.full(len(items.indptr) - 1, -1, dtype=np.int64)
    renumber[kept] = place
    shared, which = _kept(prompts.indptr, renumber[prompts.indices])
    together, _ = merged_kinds(shared.indptr, shared.indices, prompts.weight[which])
    many = np.repeat(together.weight, np.diff(together.indptr))
    weight = np.bincount(together.indices, weights=many, minlength=len(own.weight)).astype(np.int64)
    used = (merged[:, 1:] != MISSING).any(axis=0)
    c = len(taxonomy.categories)
    named = [at for at in range(c) if used[at] or used[c + at]] or list(range(c))
    columns = [side * c + at for side in (0, 1) for at in named]
    columns += [2 * c] if used[2 * c :].any() else []
    return Ratings(
        Taxonomy(
            tuple(taxonomy.categories[at] for at in named),
            taxonomy.levels,
            taxonomy.harmful_from,
            refusal=taxonomy.refusal,
        ),
        raters,
        merged[:, [1 + at for at in columns]],
        merged[:, 0],
        Clusters(own.indptr, own.indices, weight),
        together if (np.diff(together.indptr) > 1).any() else None,
    )


def _kept(indptr: IntArray, indices: IntArray) -> tuple[Clusters, IntArray]:
    """Drop entries of -1, and then the clusters that are empty; say which were kept."""
    inside = indices >= 0
    sizes = np.diff(np.append(0, np.cumsum(inside))[indptr])
    kept = np.flatnonzero(sizes)
    starts = np.append(0, np.cumsum(sizes[kept])).astype(np.int64)
    return Clusters(starts, indices[inside], np.zeros(len(kept), dtype=np.int64)), kept


def regrouped(clusters: Clusters, renumber: IntArray) -> Clusters:
    """Give the entries of clusters new numbers, drop those of -1, and merge what becomes equal.

    Parameters
    ----------
    clusters : Clusters
        Such as which kinds of item a prompt has.
    renumber : ndarray of int
        The new number of each entry.

    Returns
    -------
    Clusters
        Without clusters that became empty; in canonical order.
    """
    inside, kept = _kept(clusters.indptr, renumber[clusters.indices])
    if not len(kept):
        nothing = np.zeros(0, dtype=np.int64)
        return Clusters(np.zeros(1, dtype=np.int64), nothing, nothing)
    return merged_kinds(inside.indptr, inside.indices, clusters.weight[kept])[0]


def merged_kinds(
    indptr: IntArray, indices: IntArray, weight: IntArray
) -> tuple[Clusters, IntArray]:
    """Merge kinds with the same entries; the result stands in order of size, then of entries.

    Parameters
    ----------
    indptr, indices, weight : ndarray of int
        As in `Clusters`; the entries of a kind may stand in any order.

    Returns
    -------
    clusters : Clusters
        The distinct kinds.
    position : ndarray of int, shape (kinds,)
        Which of them each kind has become.
    """
    sizes, starts = np.diff(indptr), indptr[:-1]
    position = np.zeros(len(sizes), dtype=np.int64)
    rows, lengths = [], []
    found = 0
    for size in np.unique(sizes):
        kinds = np.flatnonzero(sizes == size)
        entries = np.sort(indices[starts[kinds][:, None] + np.arange(size)], axis=1)
        distinct, inverse = distinct_entries(entries)
        position[kinds] = found + inverse
        found += len(distinct)
        rows.append(distinct.ravel())
        lengths.append(np.full(len(distinct), size))
    merged = np.bincount(position, weights=weight, minlength=found).astype(np.int64)
    ends = np.append(0, np.cumsum(np.concatenate(lengths))).astype(np.int64)
    return Clusters(ends, np.concatenate(rows), merged), position


def distinct_entries(rows: IntArray) -> tuple[IntArray, IntArray]:
    """Return the distinct rows of non-negative numbers, ascending, and which of them each row is."""
    base = int(rows.max(initial=0)) + 1
    if base ** rows.shape[1] >= 2**62:
        distinct, inverse = np.unique(rows, axis=0, return_inverse=True)
        return distinct, inverse.ravel()
    # One number a row, because sorting numbers is many times faster than sorting rows.
    strides = np.array([base**power for power in range(rows.shape[1] - 1, -1, -1)], dtype=np.int64)
    keys, inverse = np.unique(rows @ strides, return_inverse=True)
    return keys[:, None] // strides % base, inverse.ravel()
