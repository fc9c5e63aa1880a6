"""A grader's labels with people's beside them, as counts."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from riskshift.counts.clusters import BoolArray, IntArray
from riskshift.counts.pairs import Counts, Layout, Table
from riskshift.written import MISSING


@dataclass(frozen=True, slots=True, eq=False)
class Doubled:
    """Pairs that a grader labelled, some of which people labelled too.

    Parameters
    ----------
    layout : Layout
        What the first columns of the table are: the grader's labels and what else is known. Then
        come the people's, prompt and response severities by category, whether people were given
        the pair to label, and the group's position.
    table : Table
        The patterns; people's labels are -1 where they gave none.
    names : tuple of str
        Groups, sorted; one where there are none.
    refusal : bool
        Whether people told refusals too; their label follows their severities.
    """

    layout: Layout
    table: Table
    names: tuple[str, ...]
    refusal: bool = False

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
        """The people's labels, -1 where they gave none.

        What a benchmark calls benign is nobody's label, and known of every pair that they were given.
        """
        benign = self.grader.benign
        c = len(self.layout.taxonomy.categories)
        start = self.layout.width
        return Counts(
            self.layout.taxonomy,
            np.ascontiguousarray(self.table.values[:, start : start + c]),
            np.ascontiguousarray(self.table.values[:, start + c : start + 2 * c]),
            None,
            None if benign is None else np.where(self.given, benign, MISSING),
            self.table.n,
            self.table.clusters,
            np.ascontiguousarray(self.table.values[:, start + 2 * c]) if self.refusal else None,
            self.layout.partial,
        )

    @property
    def labelled(self) -> BoolArray:
        """Which patterns people labelled, at least in part."""
        people = self.table.values[:, self.layout.width : -2]
        return np.asarray((people != MISSING).any(axis=1))

    @property
    def given(self) -> BoolArray:
        """Which patterns people were given to label, whether they did or left them blank."""
        return np.asarray(self.table.values[:, -2] == 1)

    def only(self, name: str) -> "Doubled":
        """Return the pairs of one group."""
        chosen = self.group == self.names.index(name)
        return replace(self, table=self.table.where(chosen), names=(name,))


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
