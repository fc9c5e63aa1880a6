"""Whether the main findings hang on one part of the data: each part left out in turn, from counts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final, Literal

from riskshift.analysis.metrics import choose
from riskshift.analysis.parts import (
    Kind,
    Part,
    Untried,
    categories_to_leave_out,
    groups_to_leave_out,
)
from riskshift.analysis.plain import Plain, Share
from riskshift.analysis.rates import Rate, Settings, estimate_rate
from riskshift.analysis.severities import Severities
from riskshift.analysis.transitions.contrasts import METRIC, Contrast, persistence_contrasts
from riskshift.analysis.transitions.findings import MAIN_RATES
from riskshift.analysis.transitions.movement import overall_rates
from riskshift.analysis.transitions.origin import escalation_origin
from riskshift.analysis.words import enumerate_words
from riskshift.counts.pairs import Counts, Grouped

MOST_TOLD: Final = 3
Word = Literal["clearly_less", "not_distinguishable", "too_few"]
Origin = Literal["harmless", "harmful", "both_alike"]
_NONE: Final = "none"


@dataclass(frozen=True, slots=True)
class Below(Plain):
    """How the most persistent category stands to another.

    Parameters
    ----------
    category : str
        The other.
    word : {"clearly_less", "not_distinguishable", "too_few"}
        Whether harm persists clearly less in it, cannot be told from the most persistent one, or
        one of the two has too few records to say.
    """

    category: str
    word: Word


@dataclass(frozen=True, slots=True)
class MainFindings(Plain):
    """What the summary says, as data.

    Parameters
    ----------
    records : int
        How many there are.
    rates : dict of str to Rate
        Escalation, compliance with harmful prompts, drift of harmless ones; no bootstrap is drawn.
    most_persistent : tuple of str
        The category in which harm persists most; several that are level with each other, none
        where harm persists nowhere or nothing can be said.
    persistence : Rate or None
        Its persistence.
    below : tuple of Below
        How it stands to the others, where it was compared with them.
    origin : {"harmless", "harmful", "both_alike"} or None
        From which prompts most escalations come; None without escalations.
    of_escalations : Rate or None
        The share of escalations that come from harmless prompts.
    """

    records: int
    rates: dict[str, Rate]
    most_persistent: tuple[str, ...]
    persistence: Rate | None
    below: tuple[Below, ...]
    origin: Origin | None
    of_escalations: Rate | None


@dataclass(frozen=True, slots=True)
class Turn(Plain):
    """A finding that is another one without some part of the data.

    Parameters
    ----------
    finding : {"most_persistent", "below", "origin"}
        Which: the category in which harm persists most, how it stands to another, or from which
        prompts escalations come.
    category : str or None
        The other category, where that is the finding.
    before, after : str
        What is found with the part, and without it.
    """

    finding: Literal["most_persistent", "below", "origin"]
    category: str | None
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Omission(Plain):
    """The main findings without one part of the data.

    Parameters
    ----------
    part : Part
        What is left out.
    findings : MainFindings
        What is found without it.
    turns : tuple of Turn
        The findings that are others then.
    """

    part: Part
    findings: MainFindings
    turns: tuple[Turn, ...]

    shape: ClassVar[str] = "*part *findings turns"


@dataclass(frozen=True, slots=True)
class RateRange(Plain):
    """Between which ends a rate moves when one part of a kind is left out.

    Parameters
    ----------
    metric : str
        The rate.
    kind : {"source", "model", "category"}
        What is left out, one at a time.
    estimate : float
        With all records.
    low, high : float
        The lowest and the highest rate.
    low_without, high_without : str
        What is left out then.
    moved_most_by : str
        What moves the rate farthest from that of all records.
    undefined : int
        Parts without which the rate is undefined.
    """

    metric: str
    kind: Kind
    estimate: Share
    low: Share
    low_without: str
    high: Share
    high_without: str
    moved_most_by: str
    undefined: int


@dataclass(frozen=True, slots=True)
class LeftOut(Plain):
    """The main findings without each source, without each model and without each category.

    Parameters
    ----------
    findings : MainFindings
        With nothing left out.
    omissions : tuple of Omission
        With one part left out at a time.
    untried : tuple of Untried
        Kinds with more parts than are left out.
    """

    findings: MainFindings
    omissions: tuple[Omission, ...]
    untried: tuple[Untried, ...]

    shape: ClassVar[str] = "findings ranges omissions untried sentence"

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What is left out, one at a time."""
        return tuple(dict.fromkeys(omission.part.kind for omission in self.omissions))

    @property
    def turning(self) -> tuple[Omission, ...]:
        """The omissions that turn a finding; those first that turn more than a comparison."""
        found = [omission for omission in self.omissions if omission.turns]
        return tuple(sorted(found, key=lambda o: all(t.finding == "below" for t in o.turns)))

    @property
    def ranges(self) -> tuple[RateRange, ...]:
        """Between which ends the main rates move, by what is left out."""
        return tuple(
            held
            for name in MAIN_RATES
            for kind in self.kinds
            for held in _range(name, kind, self.findings, self.omissions)
        )

    @property
    def sentence(self) -> str | None:
        """Whether some finding hangs on one part, in words; null where there is none, or no part."""
        whole = self.findings
        found = whole.most_persistent or any(rate.trials for rate in whole.rates.values())
        if not self.omissions or not found:
            return None
        if not self.turning:
            kinds = enumerate_words(self.kinds, last="or")
            return f"No main finding turns when any one {kinds} is left out."
        told = [
            f"without {omission.part}, {enumerate_words([*_spoken(self.findings, omission.turns)])}"
            for omission in self.turning[:MOST_TOLD]
        ]
        more = len(self.turning) - len(told)
        also = (
            f"; {more:,} further omission{'' if more == 1 else 's'} turn a finding too"
            if more
            else ""
        )
        return f"Some findings hang on one part of the data: {'; '.join(told)}{also}."


def left_out(
    counts: Counts,
    sources: Grouped | None,
    models: Grouped | None,
    settings: Settings,
    *,
    reference: str | None = None,
    all_pairs: bool = False,
) -> LeftOut:
    """Find again what the summary says, without each source, each model and each category.

    Parameters
    ----------
    counts : Counts
        All records.
    sources, models : Grouped or None
        The same by source and by model; None where the data does not tell.
    settings : Settings
        How to estimate; no bootstrap is drawn.
    reference, all_pairs
        As in `persistence_contrasts`.

    Returns
    -------
    LeftOut
        Each omission is what a run on the other records, or on the other categories, would find.
        Nothing is tested: omissions share most of their records.
    """
    still = replace(settings, bootstrapped=False)
    whole = main_findings(counts, still, reference=reference, all_pairs=all_pairs)
    parts: list[tuple[Part, Counts]] = []
    untried: list[Untried] = []
    groups: tuple[tuple[Kind, Grouped | None], ...] = (("source", sources), ("model", models))
    for kind, grouped in groups:
        names, rest = groups_to_leave_out(kind, grouped)
        untried += rest
        if grouped is not None:
            parts += [(Part(kind, name), grouped.without(name)) for name in names]
    names, rest = categories_to_leave_out(counts.taxonomy.categories)
    untried += rest
    parts += [(Part("category", name), counts.without(name)) for name in names]
    omissions = []
    for part, others in parts:
        gone = part.kind == "category" and part.name == reference
        found = main_findings(
            others, still, reference=None if gone else reference, all_pairs=all_pairs
        )
        omissions.append(Omission(part, found, tuple(_turns(whole, found, part))))
    return LeftOut(whole, tuple(omissions), tuple(untried))


def main_findings(
    counts: Counts, settings: Settings, *, reference: str | None = None, all_pairs: bool = False
) -> MainFindings:
    """Find what the summary of an analysis says; see `left_out`."""
    severities = Severities(counts)
    rates = overall_rates(severities, settings, only=MAIN_RATES)
    persistence = {
        choice.category: estimate_rate(
            METRIC, counts, choice.answers(severities), settings, stream=choice.label
        )
        for name in counts.taxonomy.categories
        for choice in choose(f"{METRIC}[{name}]", counts.taxonomy)
        if choice.category is not None
    }
    top = _highest(persistence)
    contrasts = persistence_contrasts(
        severities, persistence, settings, reference=reference, all_pairs=all_pairs
    )
    origins = escalation_origin(severities, settings)
    harmless = origins.unsolicited_elaboration.of_escalations
    harmful = origins.compliance_escalation.of_escalations
    return MainFindings(
        counts.total,
        {name: rates[name] for name in MAIN_RATES},
        top,
        persistence[top[0]] if top else None,
        tuple(Below(c.b, _word(c)) for c in contrasts.items if top and c.a == top[0]),
        _origin(harmless.events, harmful.events) if harmless.trials else None,
        harmless if harmless.trials else None,
    )


def _highest(persistence: Mapping[str, Rate]) -> tuple[str, ...]:
    known = {name: rate.estimate for name, rate in persistence.items() if rate.estimate is not None}
    if not any(persistence[name].events for name in known):
        return ()
    most = max(known.values())
    return tuple(name for name, estimate in known.items() if estimate == most)


def _word(contrast: Contrast) -> Word:
    if contrast.distinguishable:
        return "clearly_less"
    return "not_distinguishable" if contrast.enough else "too_few"


def _origin(harmless: int, harmful: int) -> Origin:
    if harmless == harmful:
        return "both_alike"
    return "harmless" if harmless > harmful else "harmful"


def _turns(whole: MainFindings, rest: MainFindings, part: Part) -> Iterator[Turn]:
    """Tell which findings are others; of a category that is left out nothing can be asked."""
    gone = part.name if part.kind == "category" else None
    if gone not in whole.most_persistent:
        if whole.most_persistent != rest.most_persistent:
            before, after = (
                enumerate_words(found.most_persistent) or _NONE for found in (whole, rest)
            )
            yield Turn("most_persistent", None, before, after)
        else:
            words = {below.category: below.word for below in rest.below}
            for below in whole.below:
                word = words.get(below.category)
                if below.category != gone and word != below.word:
                    yield Turn("below", below.category, below.word, word or _NONE)
    if whole.origin != rest.origin:
        yield Turn("origin", None, whole.origin or _NONE, rest.origin or _NONE)


def _spoken(whole: MainFindings, turns: Sequence[Turn]) -> Iterator[str]:
    """Say what is found instead."""
    for turn in turns:
        if turn.finding == "most_persistent":
            yield _most_persistent(turn)
        elif turn.finding == "origin":
            yield _ORIGINS[turn.after]
    for word, said in _BELOW.items():
        others = [t.category for t in turns if t.finding == "below" and t.after == word]
        if others:
            top = whole.most_persistent[0]
            names = enumerate_words([name for name in others if name is not None])
            yield said.format(top=top, others=names)


def _most_persistent(turn: Turn) -> str:
    if turn.after == _NONE:
        return f"harm persists in no category that can be told, and not most in {turn.before}"
    instead = "" if turn.before == _NONE else f" and not in {turn.before}"
    return f"harm persists most in {turn.after}{instead}"


_ORIGINS: Final = {
    "harmless": "most escalations come from harmless prompts",
    "harmful": "most escalations come from harmful prompts",
    "both_alike": "as many escalations come from harmless as from harmful prompts",
    _NONE: "there is no escalation",
}
_BELOW: Final = {
    "clearly_less": "harm persists clearly more in {top} than in {others}",
    "not_distinguishable": "{top} cannot be told from {others}",
    "too_few": "there are too few pairs to tell {top} from {others}",
    _NONE: "{top} cannot be compared with {others}",
}


def _range(
    name: str, kind: Kind, whole: MainFindings, omissions: Sequence[Omission]
) -> Iterator[RateRange]:
    estimate = whole.rates[name].estimate
    of_kind = [omission for omission in omissions if omission.part.kind == kind]
    found = {omission.part.name: omission.findings.rates[name].estimate for omission in of_kind}
    known = {part: rate for part, rate in found.items() if rate is not None}
    if estimate is None or not known:
        return
    low, high = min(known, key=known.__getitem__), max(known, key=known.__getitem__)
    farthest = max(known, key=lambda part: abs(known[part] - estimate))
    undefined = len(found) - len(known)
    yield RateRange(name, kind, estimate, known[low], low, known[high], high, farthest, undefined)
