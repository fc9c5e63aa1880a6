"""People's labels of some pairs beside a grader's of all: what every correction starts from."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import Annotated, Final

import numpy as np
from numpy.typing import NDArray

from riskshift.analysis.metrics import Choice, choose
from riskshift.analysis.plain import Limits, Plain
from riskshift.analysis.severities import NO, OUTSIDE, YES, Answers, Severities
from riskshift.analysis.words import counted, p_value
from riskshift.counts.clusters import BoolArray, IntArray
from riskshift.counts.doubled import UNRECORDED, Doubled, Drawing
from riskshift.errors import DataError
from riskshift.stats.crosstabs.association import rao_scott
from riskshift.stats.graded.correction import Corrected, ppi_rate
from riskshift.stats.graded.mix import MixTest, sample_mix_test
from riskshift.stats.graded.strata import stratified_rate
from riskshift.stats.proportion import Interval, wilson
from riskshift.written import MISSING

FEW_LABELS: Final = 30
SUSPICIOUS: Final = 0.01
DOUBTFUL: Final = (
    "What people's labels correct is not told here: the pairs that they labelled do not look like a random sample of "
    "the graded ones."
)
_FAR: Final = 4  # standard deviations; a part of the graded pairs holds by chance more or fewer
CELLS: Final = 16
NO_PAIR: Final = "people labelled no pair of the denominator"
NO_REFUSAL: Final = "people's labels tell no refusals"
UNTOLD: Final = {
    "refusal": NO_REFUSAL,
    "partial": NO_REFUSAL,
    "relevance": "relevance is not read of people's labels",
}
"""Why a metric is not corrected that looks at what people's labels do not tell."""
STATES: Final = ("outside", "no", "yes", "blank")
"""What a grader can say of a pair and a metric; the last where a label that it needs is missing."""
_POSSIBLE: Final = (OUTSIDE, NO, YES)  # in the order of these
States = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class PeopleSample(Plain):
    """The pairs that people labelled, and whether they can speak for the others.

    Parameters
    ----------
    source : str
        Where people's labels come from.
    labelled : int
        Pairs with people's labels.
    pairs : int
        All pairs.
    blank : int
        Pairs that people were given, in which a label is missing.
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
    blank: int
    stratified_by: str | None
    about: Annotated[str, Limits(enum=["prompts", "file"])]
    mix: MixTest | None
    notes: tuple[str, ...]


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
    undrawn = 0 if stratified_by is None else _undrawn(doubled, stratified_by)
    mix = sample_mix(doubled) if stratified_by is None else None
    pairs = int(doubled.table.n.sum())
    blank = int(doubled.table.n[doubled.given & ~_complete(doubled)].sum())
    notes = [
        *_notes(labelled, pairs, mix, stratified_by, about),
        *_about_refusals(doubled),
        *_about_blanks(blank, undrawn, stratified_by),
        *doubts_about([doubled], drawing, source=source),
    ]
    return PeopleSample(source, labelled, pairs, blank, stratified_by, about, mix, tuple(notes))


@dataclass(frozen=True, slots=True, eq=False)
class Crossed:
    """One metric by people and by the grader, for each pattern of labels.

    Parameters
    ----------
    people, grader : ndarray of int, shape (patterns,)
        As `states` gives them.
    blank : ndarray of bool, shape (patterns,)
        Which patterns people were given and left without a label that the metric needs. Of strata
        also the pairs that the grader left blank, if none of these were given to people.
    undrawn : ndarray of bool, shape (patterns,)
        Which patterns are of the latter kind: no estimate speaks of them, only bounds do.
    ends : (ndarray of int, ndarray of int), each of shape (patterns,)
        People's states with what they left blank at its lowest, and at its highest.
    strata : ndarray of int, shape (patterns,), or None
        From which stratum people's pairs were drawn; None for a plain random sample.
    stratified_by : str
        The metric whose states the strata are.
    untold : str
        What the metric looks at and people do not tell at all; empty if nothing.
    """

    people: States
    grader: States
    blank: BoolArray
    undrawn: BoolArray
    ends: tuple[States, States]
    strata: States | None
    stratified_by: str = ""
    untold: str = ""

    @classmethod
    def of(cls, doubled: Doubled, choice: Choice, stratified_by: str | None = None) -> "Crossed":
        """Look at doubled labels through one metric."""
        people, grader = Severities(doubled.people), Severities(doubled.grader)
        strata = None
        if stratified_by is not None:
            strata = states(grader, choose(stratified_by, doubled.layout.taxonomy)[0])
        answers = choice.answers(people)
        told = _known(answers)
        if (doubled.given & answers.unknown).any():
            # A severe pair is known more often than a mild one, so only complete ones count.
            told = np.where(answers.complete, told, np.int8(MISSING))
        undrawn = np.zeros(len(told), dtype=bool)
        if strata is not None and not (doubled.labelled & (strata == MISSING)).any():
            undrawn = strata == MISSING
        blank = (doubled.given & (told == MISSING)) | undrawn
        ends = _settled(answers, high=False), _settled(answers, high=True)
        lacking = sorted(choice.metric.beside - doubled.people.told)
        untold = UNTOLD.get(lacking[0], "") if lacking else ""
        graded = states(grader, choice)
        return cls(told, graded, blank, undrawn, ends, strata, stratified_by or "", untold)

    def filled(self, as_event: bool) -> "Crossed":
        """Take all that people left blank for events, or for none, as far as it can be."""
        taken = np.where(self.blank, self.ends[as_event], self.people)
        none = np.zeros_like(self.blank)
        return replace(self, people=taken, blank=none, undrawn=none)

    def masks(self, chosen: BoolArray | None = None) -> list[BoolArray]:
        """Return the `CELLS` masks whose sums by cluster `rate` needs.

        For a random sample people's state by the grader's (twelve), then the grader's where people
        gave none; for strata the stratum by people's state, then all pairs of the stratum.
        """
        within = ~self.undrawn if chosen is None else chosen & ~self.undrawn
        by = _last_where_blank(self.grader if self.strata is None else self.strata)
        others = within & (self.people < 0) if self.strata is None else within
        crossed = [within & (self.people == i) & (by == j) for i in range(3) for j in range(4)]
        if self.strata is not None:
            crossed = [crossed[4 * i + j] for j in range(4) for i in range(3)]
        return crossed + [others & (by == j) for j in range(4)]

    def rate(
        self,
        cells: IntArray,
        weight: IntArray,
        *,
        confidence: float,
        about: str = "prompts",
        method: Callable[..., Interval] = wilson,
    ) -> Corrected | None:
        """Correct the rate from its sums by kind of cluster; None where `lacking` says why."""
        if self.lacking(cells, weight):
            return None
        rest = cells[:, 12:]
        if self.strata is None:
            table = cells[:, :12].reshape(-1, 3, 4)
            return ppi_rate(table, rest, weight, about=about, confidence=confidence)
        table = cells[:, :12].reshape(-1, 4, 3)
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
        if self.untold:
            return self.untold
        table, rest = self._summed(cells, weight)
        if self.strata is not None:
            for name, pairs, labelled in zip(STATES, rest, table, strict=True):
                if pairs and not labelled.sum():
                    return f"no usable labels by people in the stratum {self.stratified_by}: {name}"
        inside = table[1:] if self.strata is None else table[:, 1:]
        return "" if inside.sum() else NO_PAIR

    def denominator(self, cells: IntArray, weight: IntArray) -> float:
        """How many graded pairs belong to the denominator, by people's labels of some."""
        table, rest = self._summed(cells, weight)
        if self.strata is None:
            return float((table.sum() + rest.sum()) * table[1:].sum() / table.sum())
        held = rest > 0
        return float(rest[held] @ (table[held, 1:].sum(axis=1) / table[held].sum(axis=1)))

    def _summed(self, cells: IntArray, weight: IntArray) -> tuple[IntArray, IntArray]:
        """Labelled pairs by people's state and the grader's, or by stratum first; and the rest."""
        summed = weight @ cells
        return summed[:12].reshape((3, 4) if self.strata is None else (4, 3)), summed[12:]


def states(severities: Severities, choice: Choice) -> States:
    """Return 0 outside the denominator, 1 inside, 2 with the event, -1 where labels are missing."""
    return _known(choice.answers(severities))


def _known(answers: Answers) -> States:
    known = np.searchsorted(_POSSIBLE, answers.possible)
    return np.where(answers.known, known, MISSING).astype(np.int8)


def _settled(answers: Answers, *, high: bool) -> States:
    inside, happened = answers.settled(high=high)
    return (inside.astype(np.int8) + happened).astype(np.int8)


def _last_where_blank(told: States) -> States:
    return np.where(told == MISSING, np.int8(STATES.index("blank")), told)


def _complete(doubled: Doubled) -> BoolArray:
    """Which patterns have all of people's labels; a side that nobody labelled is not asked for."""
    people = doubled.people
    asked = people.sides | doubled.grader.sides
    named = {"p": people.prompt, "r": people.response}
    labels = [named[side] for side in sorted(asked)]
    if people.refusal is not None:
        labels.append(people.refusal[:, None])
    return np.asarray((np.column_stack(labels) != MISSING).all(axis=1))


def _about_refusals(doubled: Doubled) -> Iterator[str]:
    by_grader, by_people = doubled.grader.refusal, doubled.people.refusal
    if by_grader is not None and by_people is None:
        yield (
            f"{NO_REFUSAL[0].upper()}{NO_REFUSAL[1:]}: rates of refusals are the grader's alone, and nothing corrects "
            "them."
        )


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
        named |= dict.fromkeys(f"{drawing.metric}: {name}" for name in STATES)
    for name in named:
        rows, chance = drawing.strata.get(name, (0, 0.0))
        pairs, given = (sum(n) for n in zip(*(_held(part, name) for part in parts), strict=True))
        expected, spread = pairs * chance, sqrt(pairs * chance * (1 - chance))
        stratum = f"the stratum {name}" if name else "the sample"
        if given > rows or rows > expected + _FAR * spread + 1:
            raise DataError(
                f"{source}: its pairs were not drawn from these graded labels. It holds {rows:,} pairs of {stratum}, "
                f"where the grader's labels put {given:,} of people's pairs, of {pairs:,} in all. Give the labels "
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
    """Count the graded pairs of a stratum, and those of them that people were given."""
    here, n = np.ones(len(doubled.table.n), dtype=bool), doubled.table.n
    if stratum:
        metric, _, name = stratum.rpartition(": ")
        if name not in STATES:
            told = " or ".join(repr(f"{metric}: {known}") for known in STATES)
            raise DataError(f"unknown stratum {stratum!r}; riskshift sample writes {told}.")
        grader = Severities(doubled.grader)
        strata = _last_where_blank(states(grader, choose(metric, doubled.layout.taxonomy)[0]))
        here = strata == STATES.index(name)
    return int(n[here].sum()), int(n[here & doubled.given].sum())


def _is_copy(doubled: Doubled) -> bool:
    seen, people, grader = doubled.labelled, doubled.people, doubled.grader
    many = doubled.table.n[seen].sum() >= FEW_LABELS
    return bool(
        many
        and (people.prompt[seen] == grader.prompt[seen]).all()
        and (people.response[seen] == grader.response[seen]).all()
        and (people.refusal is None or (people.refusal == grader.refusal)[seen].all())
    )


def sample_mix(doubled: Doubled) -> MixTest | None:
    """Test whether people's pairs look like the others to the grader, its blanks among them.

    Where records share prompts, whole prompts may have been chosen: the statistic is divided by
    the design effect of the choice (first-order Rao-Scott), at least 1.
    """
    grader = Severities(doubled.grader)
    # A severity that is not known is -1, and a kind of its own.
    cell = (grader.prompt.value + 1) * (grader.top + 2) + grader.response.value + 1
    masks = [
        chosen & (cell == kind)
        for chosen in (doubled.given, ~doubled.given)
        for kind in np.unique(cell)
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


def _undrawn(doubled: Doubled, metric: str) -> int:
    """Count the grader's blanks, if people have none of them; other strata must have labels."""
    by = states(Severities(doubled.grader), choose(metric, doubled.layout.taxonomy)[0])
    strata, n = _last_where_blank(by), doubled.table.n
    for at, name in enumerate(STATES):
        here = strata == at
        if n[here].sum() and not n[here & doubled.labelled].sum():
            if name == "blank":
                return int(n[here].sum())
            raise DataError(
                f"people labelled no pair of the stratum {metric}: {name}, which holds {int(n[here].sum()):,} graded "
                "pairs. Label some of them, or draw the sample again."
            )
    return 0


def _about_blanks(blank: int, undrawn: int, stratified_by: str | None) -> Iterator[str]:
    if undrawn:
        yield (
            f"{counted(undrawn, 'pair')} of which the grader's labels do not tell {stratified_by} have no label by "
            "people either. Corrected rates do not speak of them; the report gives what each could be with the worst "
            "and the best labels there. riskshift sample --stratify draws from them too."
        )
    if blank:
        yield (
            f"People left {counted(blank, 'pair')} that they were given without a label, or without some. The report "
            "gives what each corrected rate could be with the worst and the best labels there, and no verdict that "
            "these could turn."
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
