"""Counts that can be added: what is left of some pairs, and which of them share a prompt.

Prompts may stand in several parts. So of each prompt a hash of its id is kept, and which kind of cluster it
is: parts are added by putting the records of one prompt together, whichever part they are in. The
hash is the latter half of MD5, 64 bits that every engine computes alike: among a hundred million ids some
two have the same with a chance of 3 in 10,000.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from riskshift.counts.clusters import BoolArray, Clusters, IntArray
from riskshift.counts.head import BESIDE, NO_IDS, PROMPT, Head
from riskshift.counts.pairs import Grouped, Layout, Table
from riskshift.refusal import PARTIAL

Hashes = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class Links:
    """Which records share a value of a column.

    Parameters
    ----------
    kinds : Clusters
        Kinds of cluster, those of one record too.
    ids : ndarray of uint64, shape (clusters,)
        A hash of each value, ascending; empty where ids were left out.
    kind : ndarray of int, shape (clusters,)
        Of which kind each is.
    """

    kinds: Clusters
    ids: Hashes
    kind: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Saved:
    """Counts of pairs, with what is needed to add them to others.

    Parameters
    ----------
    head : Head
        What they are of.
    values : ndarray of int, shape (patterns, labels and groups)
        Distinct patterns; what is missing is -1.
    n : ndarray of int, shape (patterns,)
        Records of each.
    links : mapping of str to Links
        By ``"cluster"``, and by ``"prompt"`` where that is another column; empty where each record
        stands alone.
    pairs : ndarray of uint64
        Hashes of what tells the responses to one prompt apart, ascending; empty where nothing does.
    """

    head: Head
    values: IntArray
    n: IntArray
    links: Mapping[str, Links]
    pairs: Hashes

    @property
    def total(self) -> int:
        """Number of records."""
        return int(self.n.sum())

    @property
    def prompts(self) -> Links | None:
        """What shares a prompt; None where each record is a prompt of its own."""
        return self.links.get(self.head.prompt_link)

    def names_of(self, column: str) -> tuple[str, ...]:
        """Return the values of a column, or some where there are too many."""
        return self.head.groups.get(column) or self.head.named.get(column, ())

    def grouped(self, column: str | None = None, *, by_prompt: bool = False) -> Grouped:
        """Return the counts by one of the groups, or all together as one."""
        names = ("",) if column is None else self.head.groups[column]
        table = self.table([] if column is None else [column], by_prompt=by_prompt)
        if column is None:
            alone = np.zeros((len(table.n), 1), dtype=np.int64)
            table = replace(table, values=np.concatenate([table.values, alone], axis=1))
        return Grouped(self.layout, table, names)

    def table(self, columns: Sequence[str], *, by_prompt: bool = False) -> Table:
        """Return the patterns of labels and some groups.

        Parameters
        ----------
        columns : sequence of str
            Groups: a column of positions for each, after the labels.
        by_prompt : bool, default False
            Whether what shares a prompt belongs together, whatever else does.
        """
        groups = list(self.head.groups)
        kept = [*range(self.head.width), *(self.head.width + groups.index(c) for c in columns)]
        held = self.prompts if by_prompt else self.links.get("cluster")
        clusters = None if held is None else occupied(held.kinds)
        return Table(self.values[:, kept], self.n, clusters).keep(slice(None))

    def crossed(self, first: str, second: str, *, called: Callable[[str, str], str]) -> Grouped:
        """Return the counts by two of the groups at once, what shares a prompt belonging together."""
        table, width = self.table([first, second], by_prompt=True), self.head.width
        ones, others = self.head.groups[first], self.head.groups[second]
        cell = table.values[:, width] * len(others) + table.values[:, width + 1]
        names = [called(one, other) for one in ones for other in others]
        present = sorted({names[at] for at in cell.tolist()})
        position = {name: at for at, name in enumerate(present)}
        place = np.array([position.get(name, -1) for name in names])
        values = np.column_stack([table.values[:, :width], place[cell]])
        return Grouped(self.layout, replace(table, values=values).keep(slice(None)), tuple(present))

    def only(self, column: str, name: str) -> "Saved":
        """Keep the records of one group, and the other groups that they are in.

        Of rows that were left out nobody knows which group they were of, so they stay counted.
        """
        head = self.head
        at = head.width + list(head.groups).index(column)
        chosen = self.values[:, at] == head.groups[column].index(name)
        values, groups = self.values[chosen].copy(), {}
        for place, (other, names) in enumerate(head.groups.items(), start=head.width):
            present, values[:, place] = np.unique(values[:, place], return_inverse=True)
            groups[other] = tuple(names[position] for position in present)
        links = {name: _among(held, chosen) for name, held in self.links.items()}
        none = np.empty(0, dtype=np.uint64)  # which of the pairs are meant is not kept
        return Saved(replace(head, groups=groups), values, self.n[chosen], links, none)

    def without_ids(self) -> "Saved":
        """Leave ids out, so that nothing can be added any more but what is said to have other prompts."""
        none = np.empty(0, dtype=np.uint64)
        links = {
            name: Links(held.kinds, none, np.empty(0, dtype=np.int64))
            for name, held in self.links.items()
        }
        return replace(self, head=replace(self.head, ids=NO_IDS), links=links, pairs=none)

    def as_side(self, column: str, names: Sequence[str]) -> "Saved":
        """Let groups of one name each pattern take the place of all others, to be matched by prompt.

        Parameters
        ----------
        column : str
            What the groups are called; they are told apart as models are.
        names : sequence of str
            The group of each pattern.
        """
        head, told = self.head, tuple(sorted(set(names)))
        group = np.array([told.index(name) for name in names], dtype=np.int64)
        needed = (*PROMPT, *BESIDE)
        columns = {role: own for role, own in head.columns.items() if role in needed}
        named = replace(
            head,
            columns={**columns, "model": column},
            cluster=None,
            numbered=True,  # what stands twice in one part was refused when it was collapsed
            groups={column: told},
            asked=(),
            named={},
            met={},
            forms={name: form for name, form in head.forms.items() if name == head.prompt},
        )
        values = np.column_stack([self.values[:, : head.width], group])
        links = {} if self.prompts is None else {"cluster": self.prompts}
        return Saved(named, values, self.n, links, np.empty(0, dtype=np.uint64))

    def names_of_patterns(self, column: str) -> list[str]:
        """Return the group of each pattern, by name."""
        at = self.head.width + list(self.head.groups).index(column)
        names = self.head.groups[column]
        return [names[position] for position in self.values[:, at].tolist()]

    @property
    def layout(self) -> Layout:
        """What the columns of labels are."""
        head = self.head
        relevance, benign, refusal = (role in head.columns for role in BESIDE)
        partial = refusal and bool((self.values[:, head.width - 1] == PARTIAL).any())
        return Layout(head.taxonomy, relevance, benign, refusal, partial)


def _among(links: Links, chosen: BoolArray) -> Links:
    """Keep of each cluster its records among some patterns."""
    kinds = links.kinds.among(chosen)
    if not len(links.ids):
        return replace(links, kinds=kinds)
    kept = np.logical_or.reduceat(chosen[links.kinds.indices], links.kinds.indptr[:-1])
    there = kept[links.kind]
    return Links(kinds, links.ids[there], (np.cumsum(kept) - 1)[links.kind[there]])


def occupied(kinds: Clusters) -> Clusters:
    """Leave kinds of which there is no cluster out."""
    kept = kinds.weight > 0
    sizes = np.diff(kinds.indptr)
    indices = kinds.indices[np.repeat(kept, sizes)]
    return Clusters(np.append(0, np.cumsum(sizes[kept])), indices, kinds.weight[kept])
