"""Two models in one metric, prompt by prompt, and how two such differences differ."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from riskshift.analysis.comparison.differences import paired_interval
from riskshift.analysis.comparison.matching import Floats, Outcomes, PairCells
from riskshift.stats.clusters.joint import cautious_correlation
from riskshift.stats.proportion import Interval, mover_difference


@dataclass(frozen=True)
class Gap:
    """Candidate minus baseline, with the kinds of prompts kept apart.

    Parameters
    ----------
    outcomes : Outcomes
        What the models did.
    candidate, baseline : int
        Where they stand in the outcomes.
    """

    outcomes: Outcomes
    candidate: int
    baseline: int

    @cached_property
    def cells(self) -> PairCells:
        """The outcomes of both on the prompts that both answered."""
        return self.outcomes.pair(self.candidate, self.baseline)

    @property
    def prompts(self) -> int:
        """Prompts that both answered."""
        return self.cells.prompts

    @property
    def difference(self) -> float:
        """Candidate minus baseline; there must be a prompt that both answered."""
        return self.cells.difference

    def interval(self, confidence: float) -> tuple[Interval, float]:
        """Return the interval of the difference, and how many independent pairs would tell as much."""
        interval, deff = paired_interval(self.cells, confidence)
        return interval, float(self.cells.weight @ self.cells.pairs) / deff

    @property
    def leans(self) -> tuple[Floats, Floats]:
        """Events of the candidate alone minus those of the baseline alone, and the pairs, by kind."""
        x_c, n_c = (
            part[:, self.candidate] for part in (self.outcomes.events, self.outcomes.trials)
        )
        x_b, n_b = (part[:, self.baseline] for part in (self.outcomes.events, self.outcomes.trials))
        pairs = np.minimum(n_c, n_b).astype(np.float64)  # as in PairCells.pairs; 0 where unmatched
        lean: Floats = (x_c / np.maximum(n_c, 1) - x_b / np.maximum(n_b, 1)) * pairs
        return lean, pairs


def joined(a: Gap, held_a: Interval, b: Gap, held_b: Interval) -> Interval:
    """Return the interval of a's difference minus b's: MOVER with the correlation of shared prompts.

    Parameters
    ----------
    a, b : Gap
        Over the same kinds of prompts.
    held_a, held_b : Interval
        Of either difference, both at the confidence wanted.

    References
    ----------
    .. [1] G. Y. Zou, A. Donner, "Construction of confidence limits about effect measures: a
       general approach", Statistics in Medicine 27 (2008), p. 1693-1702.
    """
    together = cautious_correlation(*a.leans, *b.leans, a.outcomes.weight, least=-1.0)
    return mover_difference(a.difference, held_a, b.difference, held_b, correlation=together)
