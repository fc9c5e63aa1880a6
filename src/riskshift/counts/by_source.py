"""What models did on the prompts of each source."""

from dataclasses import dataclass, replace

import numpy as np

from riskshift.counts.pairs import Grouped, Layout, Table


@dataclass(frozen=True, slots=True, eq=False)
class BySource:
    """Counts by model and by the source of the prompts, and what occurs together across both.

    Parameters
    ----------
    layout : Layout
        What the first columns of the table are; then come the positions of source and model.
    table : Table
        The patterns.
    sources, models : tuple of str
        Their names, sorted.
    """

    layout: Layout
    table: Table
    sources: tuple[str, ...]
    models: tuple[str, ...]

    @property
    def by_source(self) -> Grouped:
        """The counts by source, whatever the model."""
        return Grouped(self.layout, self.table, self.sources)

    def without(self, source: str) -> Grouped:
        """Return the counts by model on the prompts of all sources but one."""
        at = self.layout.width
        left = self.table.where(self.table.values[:, at] != self.sources.index(source))
        by_model = replace(left, values=np.delete(left.values, at, axis=1)).keep(slice(None))
        return Grouped(self.layout, by_model, self.models)
