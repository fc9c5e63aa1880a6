"""Models on the same prompts: what each did on every kind of prompt."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskshift.analysis.metrics import Choice
from riskshift.analysis.severities import Severities
from riskshift.counts.clusters import BoolArray, IntArray, distinct_rows
from riskshift.counts.pairs import Grouped
from riskshift.errors import DataError
from riskshift.taxonomy import MISSING

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Events and trials of each model on every kind of prompt.

    Parameters
    ----------
    events, trials : ndarray of int, shape (kinds, models)
        How many responses showed the event, of how many.
    weight : ndarray of int, shape (kinds,)
        Prompts of each kind.
    """

    events: IntArray
    trials: IntArray
    weight: IntArray

    @property
    def several(self) -> bool:
        """Whether some model answered some prompt more than once."""
        return bool((self.trials > 1).any())

    def pair(self, a: int, b: int) -> "PairCells":
        """Marginalise to two models, on the prompts that both answered."""
        columns = np.stack(
            [self.events[:, a], self.trials[:, a], self.events[:, b], self.trials[:, b]], axis=1
        )
        matched = (columns[:, 1] > 0) & (columns[:, 3] > 0)
        cells, weight = distinct_rows(columns[matched], self.weight[matched])
        x_a, n_a, x_b, n_b = cells.T
        return PairCells(x_a, n_a, x_b, n_b, weight)


@dataclass(frozen=True)
class PairCells:
    """Distinct outcomes of two models on one prompt, and how many prompts have each.

    Parameters
    ----------
    x_a, n_a, x_b, n_b : ndarray of int, shape (cells,)
        Events and responses of a and of b.
    weight : ndarray of int, shape (cells,)
        Prompts.
    """

    x_a: IntArray
    n_a: IntArray
    x_b: IntArray
    n_b: IntArray
    weight: IntArray

    @property
    def prompts(self) -> int:
        """Prompts that both answered."""
        return int(self.weight.sum())

    @cached_property
    def several(self) -> bool:
        """Whether some prompt has more than one response of a model."""
        return bool((self.n_a > 1).any() or (self.n_b > 1).any())

    @property
    def pairs(self) -> IntArray:
        """Pairs of one response each that a prompt of each cell can form."""
        return np.minimum(self.n_a, self.n_b)

    @cached_property
    def crossed(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Return both, a only, b only and neither of a prompt of each cell.

        Every response of a meets every response of b, scaled so that a prompt counts for as many
        pairs as its responses can form. With one response each these are the plain counts.
        """
        scale: Floats = self.pairs / (self.n_a * self.n_b)
        y_a, y_b = self.n_a - self.x_a, self.n_b - self.x_b
        return (
            self.x_a * self.x_b * scale,
            self.x_a * y_b * scale,
            y_a * self.x_b * scale,
            y_a * y_b * scale,
        )


class Matching:
    """Which models answered which prompts, and what they did.

    Parameters
    ----------
    grouped : Grouped
        Counts by model, clustered by prompt.

    Raises
    ------
    DataError
        If no prompt was answered by more than one model.
    """

    def __init__(self, grouped: Grouped) -> None:
        clusters = grouped.table.clusters
        if clusters is None or len(grouped.names) < 2:
            raise DataError(
                f"no prompt was answered by two of {', '.join(grouped.names)}. Models are compared on the same "
                "prompts: give their records equal prompt_id."
            )
        self.names = grouped.names
        self.taxonomy = grouped.layout.taxonomy
        self.severities = Severities(grouped.layout.named(grouped.table))
        self.weight = clusters.weight
        kinds = np.repeat(np.arange(len(clusters.weight)), np.diff(clusters.indptr))
        self._pattern = clusters.indices
        self._cell = kinds * len(self.names) + grouped.group[clusters.indices]

    def tally(self, values: NDArray[Any]) -> IntArray:
        """Sum a value of each pattern by kind of prompt and model; shape (kinds, models)."""
        size = len(self.weight) * len(self.names)
        sums = np.bincount(self._cell, weights=values[self._pattern], minlength=size)
        return sums.astype(np.int64).reshape(len(self.weight), len(self.names))

    def highest(self, values: IntArray) -> IntArray:
        """Return the highest value among the patterns of each kind of prompt; shape (kinds,)."""
        found = np.full(len(self.weight), np.iinfo(np.int64).min)
        np.maximum.at(found, self._cell // len(self.names), values[self._pattern])
        return found

    @cached_property
    def answered(self) -> BoolArray:
        """Whether a model answered a kind of prompt; shape (kinds, models)."""
        return self.tally(np.ones(len(self.severities.counts.n))) > 0

    def outcomes(self, choice: Choice) -> Outcomes:
        """Tally one metric."""
        inside, happened = choice.answers(self.severities).counted
        return Outcomes(self.tally(happened), self.tally(inside), self.weight)

    @cached_property
    def response_severity(self) -> tuple[IntArray, IntArray]:
        """Sum of the response's highest severity where it is known, and how often it is."""
        value = self.severities.response.of_complete
        known = value != MISSING
        return self.tally(np.where(known, value, 0)), self.tally(known)
