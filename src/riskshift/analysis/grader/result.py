"""The result of holding a grader against people: its report card in numbers and in words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, TypeVar

from riskshift.analysis.correction.sample import FEW_LABELS
from riskshift.analysis.grader.cards import MEASURES, Asymmetry, RefusalCard, SideCard
from riskshift.analysis.rates import Rate, Settings, interval_dict, unrounded
from riskshift.analysis.results import Glance, Results, share_cells
from riskshift.analysis.stated.provenance import Provenance
from riskshift.analysis.words import counted, percent, points_with_range, spread
from riskshift.counts.case import Case
from riskshift.errors import unknown_choice
from riskshift.refusal import PARTIAL
from riskshift.stats.proportion import Interval
from riskshift.stats.resample import Bootstrap
from riskshift.taxonomy import SIDES, Taxonomy

FEW_HARMFUL: Final = 10
_ALL: Final = "all together"
_COLUMNS: Final = (
    dict.fromkeys(("side", "category", "measure"), str)
    | dict.fromkeys(("events", "trials", "estimate", "low", "high"), float)
    | {"method": str, "confidence": float}
)


@dataclass(frozen=True, slots=True)
class GraderReport(Results):
    """A grader's report card against people.

    Parameters
    ----------
    taxonomy : Taxonomy
        What the labels speak of.
    settings : Settings
        How it was estimated.
    people : str
        Where people's labels come from.
    labelled : int
        Pairs with people's labels.
    pairs : int
        Pairs that the grader labelled.
    stratified_by : str or None
        The metric by which the pairs to label were drawn; None for a plain sample.
    cards : tuple of SideCard
        Both sides: all categories together first, then each.
    asymmetries : tuple of Asymmetry
        Prompt side against response side.
    misses, alarms : int
        Pairs with a harm that the grader missed, and others with a false alarm.
    refusals : int
        Others with a refusal that only one of the two saw.
    cases : tuple of Case
        The worst of these, misses first.
    provenance : Provenance
        Where the grader's labels come from.
    refusal : RefusalCard or None
        Whether responses refuse; None where not both told it.
    """

    taxonomy: Taxonomy
    settings: Settings
    people: str
    labelled: int
    pairs: int
    stratified_by: str | None
    cards: tuple[SideCard, ...]
    asymmetries: tuple[Asymmetry, ...]
    misses: int
    alarms: int
    refusals: int
    cases: tuple[Case, ...]
    provenance: Provenance
    refusal: RefusalCard | None = None

    kind: ClassVar[str] = "grader"
    columns: ClassVar[Mapping[str, type]] = _COLUMNS
    shape: ClassVar[str] = (
        "*provenance people settings.seed settings.confidence taxonomy "
        "labelled pairs stratified_by summary notes cards refusal asymmetry=asymmetries "
        "errors(misses alarms refusals) cases"
    )

    def card(self, side: str, category: str | None = None) -> SideCard:
        """Return one card; without a category, that of all together.

        Raises
        ------
        UsageError
            If there is no such side or category; the message names what there is.
        """
        if side not in SIDES:
            raise unknown_choice("side", side, SIDES)
        found = {card.category: card for card in self.cards if card.side == side}
        return _named(found, category)

    def asymmetry(self, measure: str, category: str | None = None) -> Asymmetry:
        """Return the two sides compared; without a category, all together.

        Raises
        ------
        UsageError
            If there is no such measure or category; the message names what there is.
        """
        if measure not in MEASURES:
            raise unknown_choice("measure", measure, MEASURES)
        found = {item.category: item for item in self.asymmetries if item.measure == measure}
        return _named(found, category)

    @property
    def summary(self) -> tuple[str, ...]:
        """The main findings in plain words."""
        return tuple(_summary(self))

    @property
    def notes(self) -> tuple[str, ...]:
        """What cannot be said."""
        return tuple(_notes(self))

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield every share, bias and agreement as one flat row."""
        named: list[tuple[dict[str, str], SideCard | RefusalCard]] = [
            ({"side": card.side, "category": card.category or ""}, card) for card in self.cards
        ]
        if self.refusal is not None:
            named.append(({"side": "refusal", "category": ""}, self.refusal))
        for name, card in named:
            for rate in card.rates.values():
                row = _row(rate.name, rate.estimate, rate.interval)
                yield name | row | {"events": rate.events, "trials": rate.trials}
            yield name | _row("bias", card.bias.estimate, card.bias.interval)
            agreed = {"macro_f1": card.macro_f1, "weighted_kappa": card.weighted_kappa}
            for measure, made in agreed.items():
                yield name | _row(measure, made.estimate, made.interval)
        for item in self.asymmetries:
            name = {"side": "prompt minus response", "category": item.category or ""}
            yield name | _row(item.measure, item.gap.estimate, item.gap.interval)

    def _glance(self) -> Glance:
        headings = ("side", "category", *MEASURES, "bias")
        return headings, (
            (
                card.side,
                card.category or _ALL,
                *(
                    " ".join(share_cells(r.estimate, r.interval))
                    for r in map(card.rates.get, MEASURES)
                    if r
                ),
                points_with_range(card.bias.estimate, card.bias.interval),
            )
            for card in self.cards
        )


T = TypeVar("T")


def _named(found: Mapping[str | None, T], category: str | None) -> T:
    if category not in found:
        raise unknown_choice("category", str(category), [name for name in found if name])
    return found[category]


def _row(measure: str, estimate: float | None, held: Interval | Bootstrap | None) -> dict[str, Any]:
    return {
        "measure": measure,
        "events": None,
        "trials": None,
        "estimate": estimate,
        **interval_dict(held),
    }


def _summary(report: GraderReport) -> Iterator[str]:
    yield (
        f"People labelled {report.labelled:,} of the {counted(report.pairs, 'pair')} in the grader's file."
    )
    for side in labelled_sides(report):
        yield _about_side(report.card(side))
    if report.refusal is not None and report.refusal.labels:
        yield _about_refusals(report.refusal)
    yield from _about_asymmetry(report)


def labelled_sides(report: GraderReport) -> list[str]:
    """Return the sides that both people and the grader labelled."""
    return [side for side in SIDES if report.card(side).labels]


def _about_side(card: SideCard) -> str:
    return f"On {card.side}s the grader " + _told(
        card, "harmful", found="harmful labels", clear="harmless ones"
    )


def _about_refusals(card: RefusalCard) -> str:
    return "Of refusals the grader " + _told(card, "refused", found="refusals", clear="answers")


def _told(card: SideCard | RefusalCard, positive: str, *, found: str, clear: str) -> str:
    hits, spared, flagged = (card.rates[name] for name in MEASURES)
    parts = []
    if hits.trials:
        parts.append(f"found {_of(hits)} {found} ({_share(hits)}, {spread(hits)}{_if_known(hits)})")
    if spared.trials:
        parts.append(
            f"left {_of(spared)} {clear} alone ({_share(spared)}, {spread(spared)}{_if_known(spared)})"
        )
    text = " and ".join(parts)
    if flagged.trials:
        text += f"; {_of(flagged)} that it called {positive} are so by people ({_share(flagged)})"
    by_grader, by_people = (card.rates[f"{who}_{positive}"] for who in ("grader", "people"))
    return (
        f"{text}. It calls {percent(by_grader.estimate)} {positive}, people {percent(by_people.estimate)}: "
        f"{points_with_range(card.bias.estimate, card.bias.interval)}. "
        f"Both say the same of {percent(card.rates['agreement'].estimate)}."
    )


def _share(rate: Rate) -> str:
    return f"{'' if rate.weighed is None else 'weighed by strata '}{percent(rate.estimate)}"


def _if_known(rate: Rate) -> str:
    """Say what the missing labels leave possible."""
    worst = rate.worst_case
    if worst is None or rate.weighed is not None:
        return ""
    return f"; {percent(worst[0])} to {percent(worst[1])} if {counted(rate.missing, 'missing label')} were known"


def _of(rate: Rate) -> str:
    return f"{rate.events:,} of {rate.trials:,}"


def _about_asymmetry(report: GraderReport) -> Iterator[str]:
    if len(labelled_sides(report)) < len(SIDES):
        return  # the notes say which side is lacking
    for measure in MEASURES:
        item = report.asymmetry(measure)
        held = item.gap.interval
        if held is None:
            yield f"The two sides cannot be compared by {measure}: it is undefined on one of them."
        elif item.distinguishable:
            better, worse = SIDES if held.low > 0 else SIDES[::-1]
            yield (
                f"Its {measure} is higher on {better}s than on {worse}s: {percent(item.prompt)} on prompts, "
                f"{percent(item.response)} on responses, {points_with_range(item.gap.estimate, item.gap.interval)}."
            )


def _notes(report: GraderReport) -> Iterator[str]:
    yield (
        "People's labels are taken as the truth. Where people disagree with one another, no grader can agree with all "
        "of them: measure that with riskshift agree."
    )
    if report.stratified_by is not None:
        yield (
            f"The pairs that people labelled were drawn by {report.stratified_by}, as the grader sees it. Counts are "
            "those of that sample; shares, bias and agreement weigh its strata as large as they are among all pairs."
        )
    elif report.labelled < report.pairs:
        yield "The shares speak of all pairs only if those that people labelled were drawn at random."
    for card in report.cards:
        yield from _about_gaps(card, len(report.taxonomy.categories))
    if len(labelled_sides(report)) == 1:
        yield "Only one side was labelled by both, so prompts and responses cannot be compared."
    if report.refusal is not None:
        yield from _about_refusal_gaps(report.refusal, report.taxonomy)
    if report.provenance.repeated:
        yield (
            f"Records share values of {report.provenance.cluster}, and the intervals "
            f"({unrounded(report.settings.confidence)}) allow for it."
        )


def _about_gaps(card: SideCard, categories: int) -> Iterator[str]:
    where = f"{card.side}s" if card.category is None else f"{card.side}s in {card.category}"
    if card.category is not None and (categories == 1 or not card.labels):
        return
    if not card.labels:
        yield f"No label of {where} was given by both people and the grader: nothing is said there."
        return
    if card.missing and card.category is None:
        yield f"Of {where}, {counted(card.missing, 'label')} were given by only one of the two, and left out."
    if card.category is None and card.labels >= FEW_LABELS and _alike(card):
        yield (
            f"People's and the grader's labels of {where} are the same throughout. If both are one column, such as the "
            "benchmark's own, nothing was compared there."
        )
    harmful = card.counts.people_harmful
    if not harmful:
        yield f"People call no label of {where} harmful: sensitivity there is undefined, not zero."
    elif harmful < FEW_HARMFUL:
        yield f"People call only {counted(harmful, 'label')} of {where} harmful, too few to say much of sensitivity."
    if harmful == card.labels:
        yield f"People call every label of {where} harmful: specificity there is undefined, not zero."
    if not card.counts.grader_harmful:
        yield f"The grader calls no label of {where} harmful: precision there is undefined, not zero."


def _alike(card: SideCard) -> bool:
    return card.labels == sum(row[at] for at, row in enumerate(card.table))


def _about_refusal_gaps(card: RefusalCard, taxonomy: Taxonomy) -> Iterator[str]:
    if not card.labels:
        yield "No refusal was told by both people and the grader: nothing is said of refusals."
        return
    if card.missing:
        yield f"Of refusals, {counted(card.missing, 'label')} were given by only one of the two, and left out."
    if any(card.table[PARTIAL]) or any(row[PARTIAL] for row in card.table):
        yield f"A partial refusal counts as {taxonomy.refusal.partial_counts_as}."
    refused = card.counts.people_harmful
    if not refused:
        yield "People call no response refused: sensitivity of refusals is undefined, not zero."
    elif refused < FEW_HARMFUL:
        yield f"People call only {counted(refused, 'response')} refused, too few to say much of sensitivity."
    if refused == card.labels:
        yield "People call every response refused: specificity of refusals is undefined, not zero."
    if not card.counts.grader_harmful:
        yield "The grader calls no response refused: precision of refusals is undefined, not zero."
