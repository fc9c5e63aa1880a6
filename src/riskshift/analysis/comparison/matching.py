"""Models on the same prompts: what each did on every kind of prompt."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskshift.analysis.metrics import Choice
from riskshift.analysis.severities import Severities
from riskshift.counts.clusters import BoolArray, IntArray, RandomGroups, distinct_rows
from riskshift.counts.pairs import Grouped
from riskshift.errors import DataError
from riskshift.written import MISSING

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

    def merged(self) -> "Outcomes":
        """Merge kinds of prompt on which every model did the same; any two models are as they were."""
        both, weight = distinct_rows(np.hstack([self.events, self.trials]), self.weight)
        models = self.events.shape[1]
        return Outcomes(both[:, :models], both[:, models:], weight)

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
    def difference(self) -> float:
        """Events of a minus those of b, prompt by prompt, as a share of the pairs."""
        _, a_only, b_only, _ = self.crossed
        return float(self.weight @ (a_only - b_only)) / float(self.weight @ self.pairs)

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
        if isinstance(clusters, RandomGroups):
            raise TypeError("prompts are not told apart in random groups")
        self.names = grouped.names
        self.taxonomy = grouped.layout.taxonomy
        self.severities = Severities(grouped.layout.named(grouped.table))
        self.weight = clusters.weight
        self._pattern = clusters.indices
        self._cell = clusters.kind * len(self.names) + grouped.group[clusters.indices]
        # Of the metric that was asked last: one is asked of every two models in turn.
        self._lacking: tuple[Choice, list[IntArray | None]] | None = None

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
        return self._tallied(choice.answers(self.severities).counted)

    def settled(self, choice: Choice, *, high: bool) -> Outcomes:
        """Tally one metric, with the unknown taken so that rates are highest, or lowest."""
        return self._tallied(choice.answers(self.severities).settled(high=high))

    def lacking(self, choice: Choice, a: int, b: int) -> tuple[int, int]:
        """Count the records of two models, on prompts that both answered, that lack labels.

        Returns
        -------
        incomplete, unknown : int
            Those without all labels that the metric needs, and those of which that leaves
            something open.
        """
        if self._lacking is None or self._lacking[0] != choice:
            answers = choice.answers(self.severities)
            self._lacking = (
                choice,
                [
                    self.tally(mask) if mask.any() else None
                    for mask in (~answers.complete, answers.unknown)
                ],
            )
        incomplete, unknown = (
            0 if lacking is None else self._on_shared(lacking, a, b) for lacking in self._lacking[1]
        )
        return incomplete, unknown

    def _on_shared(self, tallied: IntArray, a: int, b: int) -> int:
        """Add up what two models have on the prompts that both answered."""
        weight = self.weight * self.answered[:, [a, b]].all(axis=1)
        return int(weight @ tallied[:, [a, b]].sum(axis=1))

    def extreme(
        self, choice: Choice, a: int, b: int, *, high: bool, absent: BoolArray | None = None
    ) -> "PairCells":
        """Take a's unknowns for events and b's for none, so that a minus b is highest; or lowest.

        Parameters as of `extremes`, which keeps the kinds of prompts apart.
        """
        return self.extremes(choice, a, b, high=high, absent=absent).pair(0, 1)

    def extremes(
        self, choice: Choice, a: int, b: int, *, high: bool, absent: BoolArray | None = None
    ) -> Outcomes:
        """Take a's unknowns for events and b's for none, so that a minus b is highest; or lowest.

        Parameters
        ----------
        choice : Choice
            The metric.
        a, b : int
            Positions of the models.
        high : bool
            Whether the difference is to be as high as it can be.
        absent : ndarray of bool, shape (kinds, 2), optional
            Prompts that a, and that b, did not answer, though the other did: each counts as one
            answer without labels. What it may be follows from the prompt's labels, which the
            other's records have.

        Returns
        -------
        Outcomes
            Of a and of b alone, in this order.
        """
        sides, taken = (a, b), (high, not high)
        answers = choice.answers(self.severities)
        made = [self._tallied(answers.settled(high=as_event)) for as_event in taken]
        events = np.stack([o.events[:, s] for o, s in zip(made, sides, strict=True)], axis=1)
        trials = np.stack([o.trials[:, s] for o, s in zip(made, sides, strict=True)], axis=1)
        if absent is not None and absent.any():
            counts = self.severities.counts
            unlabelled = replace(
                counts,
                response=np.full_like(counts.response, MISSING),
                relevance=None,
                refusal=None,
            )
            answers = choice.answers(Severities(unlabelled))
            for at, as_event in enumerate(taken):
                there, other = self._tallied(answers.settled(high=as_event)), sides[1 - at]
                events[absent[:, at], at] = there.events[absent[:, at], other] > 0
                trials[absent[:, at], at] = there.trials[absent[:, at], other] > 0
        return Outcomes(events, trials, self.weight)

    def _tallied(self, members: tuple[BoolArray, BoolArray]) -> Outcomes:
        inside, happened = members
        return Outcomes(self.tally(happened), self.tally(inside), self.weight)

    @cached_property
    def response_severity(self) -> tuple[IntArray, IntArray]:
        """Sum of the response's highest severity where it is known, and how often it is."""
        value = self.severities.response.of_complete
        known = value != MISSING
        return self.tally(np.where(known, value, 0)), self.tally(known)
