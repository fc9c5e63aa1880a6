"""Severities of the patterns, and questions about them that may have no answer.

A question is answered 1 (yes), 0 (no) or -1 (not known, because a label is missing).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from riskshift.counts.clusters import IntArray
from riskshift.counts.pairs import Counts
from riskshift.taxonomy import MISSING

Answer = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Severity:
    """One severity of each pattern.

    Parameters
    ----------
    value : ndarray of int
        The severity; -1 where a label it needs is missing.
    least : ndarray of int
        The highest severity among the labels that are there: the severity is at least this.
    """

    value: IntArray
    least: IntArray

    def at_least(self, level: int) -> Answer:
        """Tell where the severity is `level` or more."""
        return _where_known(self.value >= level, self.value)

    def below(self, level: int) -> Answer:
        """Tell where the severity is less than `level`.

        One label at `level` is enough to know that a maximum is not below it, whatever is missing.
        """
        answer = _where_known(self.value < level, self.value)
        answer[self.least >= level] = 0
        return answer

    def above(self, other: "Severity") -> Answer:
        """Tell where this severity exceeds the other."""
        return _where_known(self.value > other.value, self.value, other.value)

    def equals(self, other: "Severity") -> Answer:
        """Tell where the severities are the same."""
        return _where_known(self.value == other.value, self.value, other.value)


def _where_known(answer: NDArray[np.bool_], *needed: IntArray) -> Answer:
    known = np.all([value != MISSING for value in needed], axis=0)
    return np.where(known, answer, -1).astype(np.int8)


class Severities:
    """Prompt and response severity, over all categories and in each.

    Parameters
    ----------
    counts : Counts
        The patterns.
    """

    def __init__(self, counts: Counts) -> None:
        self.counts = counts
        self.harmful_from = counts.taxonomy.harmful_from
        self.top = counts.taxonomy.top

    @cached_property
    def prompt(self) -> Severity:
        """The prompt's highest severity; missing if any category is."""
        return _highest(self.counts.prompt)

    @cached_property
    def response(self) -> Severity:
        """The response's highest severity; missing if any category is."""
        return _highest(self.counts.response)

    def prompt_in(self, category: int) -> Severity:
        """Return the prompt's severity in one category."""
        return Severity(self.counts.prompt[:, category], self.counts.prompt[:, category])

    def response_in(self, category: int) -> Severity:
        """Return the response's severity in one category."""
        return Severity(self.counts.response[:, category], self.counts.response[:, category])


def _highest(labels: IntArray) -> Severity:
    least = labels.max(axis=1)
    return Severity(np.where((labels == MISSING).any(axis=1), MISSING, least), least)
