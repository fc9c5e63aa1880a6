"""People's labels of some pairs beside a grader's of all: what every correction starts from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from riskshift.analysis.metrics import Choice, choose
from riskshift.analysis.severities import NO, OUTSIDE, YES, Severities
from riskshift.analysis.words import p_value
from riskshift.counts.clusters import BoolArray, IntArray
from riskshift.counts.doubled import UNRECORDED, Doubled, Drawing
from riskshift.errors import DataError
from riskshift.stats.association import rao_scott
from riskshift.stats.correction import Corrected, ppi_ratio
from riskshift.stats.mix import MixTest, sample_mix_test
from riskshift.stats.proportion import Interval, wilson
from riskshift.stats.strata import stratified_rate
from riskshift.taxonomy import MISSING

FEW_LABELS: Final = 30
SUSPICIOUS: Final = 0.01
DOUBTFUL: Final = (
    "What people's labels correct is not told here: the pairs that they labelled do not look like a random sample of "
    "the graded ones."
)
_FAR: Final = 4  # standard deviations; a part of the graded pairs holds by chance more or fewer
CELLS: Final = 12
NO_PAIR: Final = "people labelled no pair of the denominator"
_NAMES: Final = ("outside", "no", "yes")
_POSSIBLE: Final = (OUTSIDE, NO, YES)  # in the order of these
States = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class PeopleSample:
    """The pairs that people labelled, and whether they can speak for the others.

    Parameters
    ----------
    source : str
        Where people's labels come from.
    labelled, pairs : int
        Pairs with people's labels, and all pairs.
    stratified_by : str or None
        The metric by which the sample was drawn; None for a plain random sample.
    about : {"prompts", "file"}
        What corrected rates speak of: prompts like these, or only the graded pairs.
    mix : MixTest or None
        Whether labelled and other pairs look alike to the grader; None for stratified samples and
        where all pairs are labelled.
    notes : tuple of str
        What must hold for the correction to be right, and what speaks against it.
    """

    source: str
    labelled: int
    pairs: int
    stratified_by: str | None
    about: str
    mix: MixTest | None
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the sample as plain data."""
        mix = None
        if self.mix is not None:
            mix = {"statistic": self.mix.statistic, "df": self.mix.df, "p": self.mix.p}
        return {
            "source": self.source,
            "labelled": self.labelled,
            "pairs": self.pairs,
            "stratified_by": self.stratified_by,
            "about": self.about,
            "mix": mix,
            "notes": list(self.notes),
        }


def people_sample(
    doubled: Doubled, *, source: str, drawing: Drawing = UNRECORDED, about: str = "prompts"
) -> PeopleSample:
    """Describe the pairs that people labelled, and refuse what can correct nothing.

    Parameters
    ----------
    doubled : Doubled
        The grader's labels on all pairs, people's on some.
    source : str
        Where people's labels come from.
    drawing : Drawing, optional
        How the pairs to label were drawn.
    about : {"prompts", "file"}
        What corrected rates are to speak of.

    Raises
    ------
    DataError
        If people labelled no pair, or none of a stratum, or strata are not of these labels.
    """
    stratified_by = drawing.metric
    labelled = int(doubled.table.n[doubled.labelled].sum())
    if not labelled:
        raise DataError(f"{source} labels none of the graded pairs.")
    if stratified_by is not None:
        _refuse_empty_strata(doubled, stratified_by)
    mix = sample_mix(doubled) if stratified_by is None else None
    pairs = int(doubled.table.n.sum())
    notes = [
        *_notes(labelled, pairs, mix, stratified_by, about),
        *doubts_about([doubled], drawing, source=source),
    ]
    return PeopleSample(source, labelled, pairs, stratified_by, about, mix, tuple(notes))


@dataclass(frozen=True, slots=True, eq=False)
class Crossed:
    """One metric by people and by the grader, for each pattern of labels.

    Parameters
    ----------
    people, grader : ndarray of int, shape (patterns,)
        As `states` gives them.
    strata : ndarray of int, shape (patterns,), or None
        From which stratum people's pairs were drawn; None for a plain random sample.
    stratified_by : str
        The metric whose states the strata are.
    """

    people: States
    grader: States
    strata: States | None
    stratified_by: str = ""

    @classmethod
    def of(cls, doubled: Doubled, choice: Choice, stratified_by: str | None = None) -> "Crossed":
        """Look at doubled labels through one metric."""
        people, grader = Severities(doubled.people), Severities(doubled.grader)
        strata = None
        if stratified_by is not None:
            strata = states(grader, choose(stratified_by, doubled.layout.taxonomy)[0])
        return cls(states(people, choice), states(grader, choice), strata, stratified_by or "")

    @property
    def graded(self) -> BoolArray:
        """Which patterns the grader says enough about to be corrected."""
        return np.asarray((self.grader if self.strata is None else self.strata) >= 0)

    def masks(self, chosen: BoolArray | None = None) -> list[BoolArray]:
        """Return the twelve masks whose sums by cluster `rate` needs.

        For a random sample people's state by the grader's (nine), then the grader's where people
        gave none; for strata the stratum by people's state, then all pairs of the stratum.
        """
        within = self.graded if chosen is None else self.graded & chosen
        if self.strata is None:
            rows, columns, rest = self.people, self.grader, self.grader
            others = within & (self.people < 0)
        else:
            rows, columns, rest, others = self.strata, self.people, self.strata, within
        crossed = [within & (rows == i) & (columns == j) for i in range(3) for j in range(3)]
        return crossed + [others & (rest == j) for j in range(3)]

    def rate(
        self,
        cells: IntArray,
        weight: IntArray,
        *,
        confidence: float,
        about: str = "prompts",
        method: Callable[..., Interval] = wilson,
    ) -> Corrected | None:
        """Correct the rate from its twelve sums by kind of cluster; None where `lacking` says why."""
        if self.lacking(cells, weight):
            return None
        table, rest = cells[:, :9].reshape(-1, 3, 3), cells[:, 9:]
        if self.strata is None:
            return ppi_ratio(table, rest, weight, about=about, confidence=confidence)
        everything = not ((self.people == 0) | (self.grader == 0)).any()
        return stratified_rate(
            table[:, :, 1:] if everything else table,
            rest,
            weight,
            about=about,
            confidence=confidence,
            method=method,
        )

    def lacking(self, cells: IntArray, weight: IntArray) -> str:
        """Say what of people's labels is lacking to correct the rate; empty if nothing."""
        table, rest = (weight @ cells)[:9].reshape(3, 3), (weight @ cells)[9:]
        if self.strata is not None:
            for at in range(3):
                if rest[at] and not table[at].sum():
                    return f"no usable labels by people in the stratum {self._stratum(at)}"
        inside = table[1:] if self.strata is None else table[:, 1:]
        return "" if inside.sum() else NO_PAIR

    def denominator(self, cells: IntArray, weight: IntArray) -> float:
        """How many graded pairs belong to the denominator, by people's labels of some."""
        table, rest = (weight @ cells)[:9].reshape(3, 3), (weight @ cells)[9:]
        if self.strata is None:
            return float((table.sum() + rest.sum()) * table[1:].sum() / table.sum())
        held = rest > 0
        return float(rest[held] @ (table[held, 1:].sum(axis=1) / table[held].sum(axis=1)))

    def _stratum(self, at: int) -> str:
        return f"{self.stratified_by}: {_NAMES[at]}"


def states(severities: Severities, choice: Choice) -> States:
    """Return 0 outside the denominator, 1 inside, 2 with the event, -1 where labels are missing."""
    answers = choice.answers(severities)
    known = np.searchsorted(_POSSIBLE, answers.possible)
    return np.where(answers.known, known, MISSING).astype(np.int8)


def doubts_about(parts: Sequence[Doubled], drawing: Drawing, *, source: str) -> list[str]:
    """Say what in people's labels does not fit how they were drawn.

    Parameters
    ----------
    parts : sequence of Doubled
        All graded pairs among which people's labels stand.
    drawing : Drawing
        What the sample records of itself.
    source : str
        Where people's labels come from.

    Raises
    ------
    DataError
        If the strata were drawn by other labels than the grader's here.
    """
    found = []
    named = dict.fromkeys(drawing.strata)
    if named and drawing.metric is not None:
        named |= dict.fromkeys(f"{drawing.metric}: {name}" for name in _NAMES)
    for name in named:
        rows, chance = drawing.strata.get(name, (0, 0.0))
        pairs, labelled = (sum(n) for n in zip(*(_held(part, name) for part in parts), strict=True))
        expected, spread = pairs * chance, sqrt(pairs * chance * (1 - chance))
        stratum = f"the stratum {name}" if name else "the sample"
        if labelled > rows or rows > expected + _FAR * spread + 1:
            raise DataError(
                f"{source}: its pairs were not drawn from these graded labels. It holds {rows:,} pairs of {stratum}, "
                f"where the grader's labels put {labelled:,} of people's pairs, of {pairs:,} in all. Give the labels "
                "that riskshift sample drew from, or draw again."
            )
        if rows < expected - _FAR * spread - 1:
            found.append(
                f"About {expected:,.0f} pairs of {stratum} were drawn, and people's file holds {rows:,}. If the others "
                "were left out for a reason, such as being difficult, the correction is wrong."
            )
    if all(_is_copy(part) for part in parts):
        found.append(
            "People's labels are the grader's on every pair. Is it the grader's own file? Then nothing was corrected."
        )
    return found


def _held(doubled: Doubled, stratum: str) -> tuple[int, int]:
    """Count the graded pairs of a stratum, and those of them that people labelled."""
    here, n = np.ones(len(doubled.table.n), dtype=bool), doubled.table.n
    if stratum:
        metric, _, name = stratum.rpartition(": ")
        if name not in _NAMES:
            told = " or ".join(repr(f"{metric}: {known}") for known in _NAMES)
            raise DataError(f"unknown stratum {stratum!r}; riskshift sample writes {told}.")
        grader = Severities(doubled.grader)
        here = states(grader, choose(metric, doubled.layout.taxonomy)[0]) == _NAMES.index(name)
    return int(n[here].sum()), int(n[here & doubled.labelled].sum())


def _is_copy(doubled: Doubled) -> bool:
    seen, people, grader = doubled.labelled, doubled.people, doubled.grader
    many = doubled.table.n[seen].sum() >= FEW_LABELS
    return bool(
        many
        and (people.prompt[seen] == grader.prompt[seen]).all()
        and (people.response[seen] == grader.response[seen]).all()
    )


def sample_mix(doubled: Doubled) -> MixTest | None:
    """Test whether people's pairs look like the others to the grader.

    Where records share prompts, whole prompts may have been chosen: the statistic is divided by
    the design effect of the choice (first-order Rao-Scott), at least 1.
    """
    grader = Severities(doubled.grader)
    # Pairs that the grader did not label cannot be drawn, so they are no part of the comparison.
    known = grader.prompt.complete & grader.response.complete
    cell = grader.prompt.low * (grader.top + 1) + grader.response.low
    masks = [
        chosen & known & (cell == kind)
        for chosen in (doubled.labelled, ~doubled.labelled)
        for kind in np.unique(cell[known])
    ]
    if not masks:
        return None
    sums, weight = doubled.grader.sums(*masks)
    tables = sums.reshape(len(sums), 2, -1)
    labelled, others = np.tensordot(weight, tables, axes=1)
    if not labelled.sum() or not others.sum():
        return None
    shared = rao_scott(tables, weight) if doubled.table.clusters is not None else None
    return sample_mix_test(labelled, others, deff=shared.deff if shared else 1.0)


def _refuse_empty_strata(doubled: Doubled, metric: str) -> None:
    strata = states(Severities(doubled.grader), choose(metric, doubled.layout.taxonomy)[0])
    n = doubled.table.n
    for at, name in enumerate(_NAMES):
        here = strata == at
        if n[here].sum() and not n[here & doubled.labelled].sum():
            raise DataError(
                f"people labelled no pair of the stratum {metric}: {name}, which holds {int(n[here].sum()):,} graded "
                "pairs. Label some of them, or draw the sample again."
            )


def _notes(
    labelled: int, pairs: int, mix: MixTest | None, stratified_by: str | None, about: str
) -> list[str]:
    drawn = "at random from all graded pairs"
    if stratified_by is not None:
        drawn = f"at random within the strata of {stratified_by}"
    notes = [
        f"People labelled {labelled:,} of {pairs:,} pairs. The correction is right if those were drawn {drawn}: not "
        "the odd ones, nor those that someone wondered about. riskshift sample draws them so.",
    ]
    if stratified_by is not None:
        notes.append(
            "The labelled pairs are weighed by the strata they were drawn from; by themselves they are no random "
            "sample, so there is no rate by people alone."
        )
    if about == "file":
        notes.append(
            "Corrected rates are about the graded pairs of this file only: what people would have said of all of "
            "them. About other prompts, even such as these, less is known."
        )
    if mix is not None and mix.p is not None and mix.p < SUSPICIOUS:
        notes.append(
            "The labelled pairs do not look like a random sample: the grader's severities differ between them and the "
            f"others (p {p_value(mix.p)}). Do not trust the correction before you know how they were drawn."
        )
    if labelled < FEW_LABELS:
        notes.append(
            f"Labels: {labelled}. That is few; {FEW_LABELS} is the least to take a corrected rate seriously."
        )
    return notes


def doubtful(sample: PeopleSample) -> bool:
    """Tell whether labelled and other pairs differ more than a random sample lets them."""
    return sample.mix is not None and sample.mix.p is not None and sample.mix.p < SUSPICIOUS
