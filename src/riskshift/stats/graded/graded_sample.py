"""Pairs that a grader labelled, some of which people labelled too, and what each says of the other.

Arrays have a row for each kind of cluster. People's states are 0 outside the denominator, 1 inside
without the event and 2 with it; the grader's are the same and 3, where it left the pair blank.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

NO: Final = 1
YES: Final = 2
BLANK: Final = 3
_KNOWN: Final = slice(NO, BLANK)  # what the grader puts inside the denominator
_PSEUDO: Final = 1.0  # pairs added with the event, without it, and to each state of the grader


@dataclass(frozen=True, slots=True)
class Trust:
    """How much a grader's labels weigh.

    Parameters
    ----------
    lam : float
        Of its word, from 0 to 1.
    silence : float
        Of its leaving a pair blank: positive where people find more events among such pairs.
    """

    lam: float
    silence: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.lam or self.silence)


@dataclass(frozen=True, slots=True, eq=False)
class GradedSample:
    """Pairs by kind of cluster.

    Parameters
    ----------
    labelled : ndarray, shape (m, 3, 4)
        Pairs with people's labels, by people's state and the grader's.
    rest : ndarray, shape (m, 4)
        The others, by the grader's state.
    weight : ndarray, shape (m,)
        Clusters of each kind.
    """

    labelled: Floats
    rest: Floats
    weight: Floats

    @property
    def events(self) -> Floats:
        """Events by people."""
        return np.asarray(self.labelled[:, YES].sum(axis=1))

    @property
    def trials(self) -> Floats:
        """Pairs inside the denominator by people."""
        return np.asarray(self.labelled[:, NO:].sum(axis=(1, 2)))

    @property
    def clusters(self) -> float:
        """Clusters with a pair inside the denominator by people."""
        return float(self.weight[self.trials > 0].sum())

    @property
    def seen(self) -> Floats:
        """The grader's states on labelled pairs."""
        return np.asarray(self.labelled.sum(axis=1))

    @property
    def comparable(self) -> bool:
        """Whether the grader saw a denominator in both parts."""
        return all(self.total(part[:, _KNOWN].sum(axis=1)) > 0 for part in (self.seen, self.rest))

    @property
    def others(self) -> float:
        """Number of pairs without people's label."""
        return self.total(self.rest.sum(axis=1))

    @property
    def unknown(self) -> float:
        """Share of the pairs that people did not label."""
        return self.others / (self.others + self.total(self.seen.sum(axis=1)))

    def total(self, column: Floats) -> float:
        """Sum over all clusters."""
        return float(self.weight @ column)

    def shift(self, trust: Trust) -> float:
        """Return what the grader's labels add to people's rate."""
        seen, rest = self.weight @ self.seen, self.weight @ self.rest
        moved = 0.0
        if trust.lam:
            moved += trust.lam * float(
                rest[YES] / rest[_KNOWN].sum() - seen[YES] / seen[_KNOWN].sum()
            )
        if trust.silence:
            moved += trust.silence * float(rest[BLANK] / rest.sum() - seen[BLANK] / seen.sum())
        return moved

    def influence(self, trust: Trust, about: str) -> Floats:
        """Return what one cluster of each kind adds to the error of the corrected rate."""
        psi = self._residual(self.events, self.trials)
        parts = [(self.seen, -1.0), (self.rest, 1.0)]
        if about == "file":
            # What the other pairs add is fixed once it is known which ones are labelled.
            parts = [(self.seen, -1 / self.unknown)] if trust else []
        for part, sign in parts:
            # Without weight the grader may have no denominator to take a residual from.
            if trust.lam:
                known = part[:, _KNOWN].sum(axis=1)
                psi = psi + sign * trust.lam * self._residual(part[:, YES], known)
            if trust.silence:
                pairs = part.sum(axis=1)
                psi = psi + sign * trust.silence * self._residual(part[:, BLANK], pairs)
        return psi

    def variance(self, trust: Trust, about: str) -> float:
        """Linearised variance of the corrected rate."""
        clusters = self.clusters
        spread = self.total(self.influence(trust, about) ** 2) * clusters / (clusters - 1)
        return spread * (self.unknown if about == "file" else 1.0)

    def doubted(self) -> "GradedSample":
        """Add labelled pairs that say that the grader may err, but nothing of what it knows.

        One with the event and one without, each spread over the grader's states as the labelled
        pairs of the denominator are; and one in each state that occurs, with the event as often as
        all these have it. A grader whose labels have nothing to do with people's has nothing to do
        with them after this either.

        They come in clusters of the size that the average labelled pair lives in.
        """
        labelled, rest = self.labelled.sum(axis=(1, 2)), self.rest.sum(axis=1)
        total = self.total(labelled)
        size, beside = self.total(labelled**2) / total, self.total(labelled * rest) / total
        rows, columns = np.divmod(np.arange(8), 4)
        pairs, others = np.zeros((8, 3, 4)), np.zeros((8, 4))
        pairs[np.arange(8), NO + rows, columns] = size
        others[np.arange(8), columns] = beside
        return GradedSample(
            np.concatenate([self.labelled, pairs]),
            np.concatenate([self.rest, others]),
            np.concatenate([self.weight, self._doubt().ravel() / size]),
        )

    def _doubt(self) -> Floats:
        """How many pairs to add, by people's state (1 and 2) and the grader's (0 to 3)."""
        inside = np.tensordot(self.weight, self.labelled[:, NO:], 1)
        states, trials = inside.sum(axis=0), float(inside.sum())
        rate = (float(inside[1].sum()) + _PSEUDO) / (trials + 2 * _PSEUDO)
        occurs = (self.weight @ (self.seen + self.rest) > 0).astype(np.float64)
        occurs[0] = 0  # outside the denominator the grader says nothing of the event
        made: Floats = _PSEUDO * (states / trials + np.outer([1 - rate, rate], occurs))
        return made

    def _residual(self, events: Floats, trials: Floats) -> Floats:
        total = self.total(trials)
        residual: Floats = (events - self.total(events) / total * trials) / total
        return residual


def tuned(sample: GradedSample, doubted: GradedSample) -> Trust:
    """Weigh the grader's labels so that the variance is least, as if pairs stood alone.

    Its word (event or none, inside its denominator) and its silence are uncorrelated by
    construction, so that each weight is a slope of its own.
    """
    table = np.tensordot(doubted.weight, doubted.labelled, 1)
    states = table.sum(axis=0)
    residuals = _scores(table.sum(axis=1)) @ table  # people's, summed by the grader's state
    ratio = 1 + sample.total(sample.seen.sum(axis=1)) / sample.others

    def slope(scores: Floats) -> float:
        variance = float(states @ scores**2)
        return float(residuals @ scores) / (ratio * variance) if variance else 0.0

    lam = 0.0
    if sample.comparable:
        lam = min(1.0, max(0.0, slope(np.append(_scores(states[:BLANK], of=states.sum()), 0.0))))
    blank = states[BLANK] / states.sum()
    return Trust(lam, slope(np.array([-blank, -blank, -blank, 1 - blank])))


def _scores(states: Floats, *, of: float | None = None) -> Floats:
    """Linearised residual of one pair in each of the three states, of so many pairs in all."""
    inside = float(states[NO:].sum())
    rate = states[YES] / inside
    whole = float(states.sum()) if of is None else of
    scores: Floats = np.array([0.0, -rate, 1 - rate]) * (whole / inside)
    return scores
