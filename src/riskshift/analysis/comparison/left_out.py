"""Whether a verdict hangs on one source of prompts or on one category: each left out in turn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from riskshift.analysis.comparison.differences import PairedDifference, paired_differences
from riskshift.analysis.comparison.matching import Matching
from riskshift.analysis.metrics import Choice, choose_one
from riskshift.analysis.parts import (
    MOST,
    Kind,
    Part,
    Untried,
    categories_to_leave_out,
    groups_to_leave_out,
)
from riskshift.analysis.plain import Plain, Signed
from riskshift.analysis.rates import Settings
from riskshift.analysis.verdicts import SPOKEN, Word
from riskshift.analysis.words import enumerate_words, points
from riskshift.counts.by_source import BySource
from riskshift.counts.pairs import Grouped
from riskshift.stats.proportion import Interval

# Two thousandths of a second each.
MOST_DIFFERENCES: Final = 2_000
MOST_TOLD: Final = 3


@dataclass(frozen=True, slots=True)
class DifferenceWithout(Plain):
    """A difference of two models without one part of the data.

    Parameters
    ----------
    metric : str
        The metric.
    baseline, candidate : str
        The models.
    part : Part
        What is left out.
    prompts : int
        Prompts of the denominator that both answered, of those that are left.
    difference : float or None
        Candidate minus baseline; None without such prompts.
    simultaneous : Interval or None
        Of the difference, for all comparisons of the metric at once.
    verdict : {"better", "not_worse", "worse", "inconclusive"} or None
        As it is then; None where the metric is neither good nor bad, or without such prompts.
    verdict_with : {"better", "not_worse", "worse", "inconclusive"} or None
        As it is with nothing left out.
    turns_sign : bool
        Whether the difference lies on the other side of 0.
    """

    metric: str
    baseline: str
    candidate: str
    part: Part
    prompts: int
    difference: Signed | None
    simultaneous: Interval | None
    verdict: Word | None
    verdict_with: Word | None
    turns_sign: bool

    shape: ClassVar[str] = (
        "metric baseline candidate *part prompts difference "
        "simultaneous_low=simultaneous.low simultaneous_high=simultaneous.high verdict "
        "verdict_with turns_verdict turns_sign"
    )

    @property
    def turns_verdict(self) -> bool:
        """Whether the verdict is another word than with nothing left out."""
        return self.verdict != self.verdict_with

    @property
    def turns(self) -> bool:
        """Whether it is another finding."""
        return self.turns_verdict or self.turns_sign

    @property
    def weight(self) -> int:
        """How far it turns: 0 between worse and what is not, 1 away from a verdict, 2 to one, 3 its sign."""
        words = self.verdict_with, self.verdict
        if not self.turns_verdict:
            return 3
        if "worse" in words and not {None, "inconclusive"} & {*words}:
            return 0
        return 2 if self.verdict_with in (None, "inconclusive") else 1


@dataclass(frozen=True, slots=True)
class DifferencesLeftOut(Plain):
    """Every difference without each source and without each category.

    Parameters
    ----------
    differences : tuple of DifferenceWithout
        One part left out at a time, difference by difference.
    untried : tuple of Untried
        Kinds with more parts than are left out.
    """

    differences: tuple[DifferenceWithout, ...]
    untried: tuple[Untried, ...]

    shape: ClassVar[str] = "differences untried sentence"

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What is left out, one at a time."""
        return tuple(dict.fromkeys(item.part.kind for item in self.differences))

    @property
    def turning(self) -> tuple[DifferenceWithout, ...]:
        """Those that turn, those that turn farthest first."""
        found = [item for item in self.differences if item.turns]
        return tuple(sorted(found, key=lambda item: item.weight))

    @property
    def sentence(self) -> str | None:
        """Whether some verdict hangs on one part, in words; null where nothing can be left out."""
        if not self.differences:
            return None
        kinds = enumerate_words(self.kinds, last="or")
        if not self.turning:
            return f"No verdict and no sign of a difference turns when any one {kinds} is left out."
        verdicts = [item for item in self.turning if item.turns_verdict]
        if not verdicts:
            many = len({_of(item) for item in self.turning})
            signs = (
                "that of 1 difference does" if many == 1 else f"those of {many:,} differences do"
            )
            return f"No verdict turns when any one {kinds} is left out; of the signs {signs}."
        told = "; ".join(_spoken(item) for item in verdicts[:MOST_TOLD])
        many, all_ = (len(set(map(_of, items))) for items in (verdicts, self.differences))
        hang = "hangs" if many == 1 else "hang"
        some = ", such as" if len(verdicts) > MOST_TOLD else ":"
        return f"Of {all_:,} verdicts {many:,} {hang} on one {kinds}{some} {told}."


def _of(item: PairedDifference | DifferenceWithout) -> tuple[str, str, str]:
    return item.metric, item.baseline, item.candidate


def said(word: Word | None) -> str:
    """Write a verdict, or that there is none."""
    return "no verdict" if word is None else SPOKEN[word]


def _spoken(item: DifferenceWithout) -> str:
    return (
        f"without {item.part}, {item.candidate} against {item.baseline} on {item.metric} turns from "
        f"{said(item.verdict_with)} to {said(item.verdict)} ({points(item.difference)} points)"
    )


def left_out(
    grouped: Grouped,
    sources: BySource | None,
    pairs: Sequence[tuple[int, int]],
    choices: Sequence[Choice],
    differences: Sequence[PairedDifference],
    settings: Settings,
    *,
    margin: float,
    margins: Mapping[str, float] | None = None,
) -> DifferencesLeftOut:
    """Compare again without each source of prompts and without each category.

    Parameters
    ----------
    grouped : Grouped
        Counts by model.
    sources : BySource or None
        The same by source too; None where the data does not tell.
    pairs : sequence of (int, int)
        Positions of baseline and candidate.
    choices : sequence of Choice
        The metrics. A category is left out of those that look at the highest severity over all.
    differences : sequence of PairedDifference
        With nothing left out.
    settings, margin, margins
        As in `paired_differences`.

    Returns
    -------
    DifferencesLeftOut
        Each is what a comparison of the other prompts, or on the other categories, would find.
        There are at most about `MOST_DIFFERENCES`: of more only the largest sources are left out.
    """
    each = max(1, len(pairs) * len(choices))
    most = min(MOST, MOST_DIFFERENCES // each)
    untried: list[Untried] = []
    parts: list[tuple[Part, Grouped, list[Choice]]] = []
    if sources is not None:
        names, untried = groups_to_leave_out("source", sources.by_source, most)
        parts += [(Part("source", name), sources.without(name), [*choices]) for name in names]
    spanning = [choice for choice in choices if not {"p", "r"}.isdisjoint(choice.metric.needs)]
    if spanning:
        names, rest = categories_to_leave_out(grouped.layout.taxonomy.categories, most)
        untried += rest
        for name in names:
            others = grouped.without_category(name)
            held = [
                choose_one(choice.label, others.layout.taxonomy)
                for choice in spanning
                if choice.category != name
            ]
            parts.append((Part("category", name), others, held))
    known = {_of(item): item for item in differences}
    made: list[DifferenceWithout] = []
    for part, others, held in parts:
        if others.table.clusters is None:  # no prompt is left that two models answered
            labels = {choice.label for choice in held}
            lost = [item for item in differences if item.metric in labels]
            made += [_without(part, item, None) for item in lost]
            continue
        matching = Matching(others)
        found = paired_differences(matching, pairs, held, settings, margin=margin, margins=margins)
        made += [_without(part, known[_of(item)], item) for item in found]
    order = {name: at for at, name in enumerate(known)}
    made.sort(key=lambda item: order[_of(item)])
    return DifferencesLeftOut(tuple(made), tuple(untried))


def _without(
    part: Part, before: PairedDifference, after: PairedDifference | None
) -> DifferenceWithout:
    was = None if before.verdict is None else before.verdict.word
    word = None if after is None or after.verdict is None else after.verdict.word
    difference = None if after is None else after.difference
    return DifferenceWithout(
        *_of(before),
        part,
        0 if after is None else after.prompts,
        difference,
        None if after is None else after.simultaneous,
        word,
        was,
        (difference or 0.0) * (before.difference or 0.0) < 0,
    )
