"""Agreement as a document: how far, who with whom, what the rule moves, what to discuss."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from riskshift.analysis.agreement.measures import Alpha, LabelAgreement, PairAgreement
from riskshift.analysis.agreement.result import (
    MAIN,
    Agreement,
    ends,
    meaning,
    moves,
    rate_names,
    rule_rates,
)
from riskshift.analysis.rates import Rate, unrounded
from riskshift.analysis.words import coefficient, counted, percent, spoken, spread
from riskshift.counts.ratings import Dispute, Label
from riskshift.report.document import (
    Block,
    Bullets,
    Document,
    Figure,
    Paragraph,
    Section,
    Table,
)
from riskshift.report.stories.provenance import (
    ledger_rows,
    resampled,
    source_name,
    traced_section,
)
from riskshift.report.stories.rates import dot, interval_figure
from riskshift.report.tables import Column, table
from riskshift.stats.clusters.table_interval import TableInterval

MOST_DRAWN: Final = 15
LONG_PREFIX: Final = 10
_UNTOLD: Final = ("response_harm", "severe_response")


def story(agreement: Agreement) -> Document:
    """Arrange a comparison of raters for readers.

    Parameters
    ----------
    agreement : Agreement
        The results.

    Returns
    -------
    Document
    """
    sections = [_how_far(agreement), _who(agreement), _by_level(agreement), _rule(agreement)]
    sections += [_disputes(agreement), _methods(agreement), _provenance(agreement)]
    return Document(
        title="How far raters agree",
        subtitle=f"{counted(agreement.items, 'item')} from {source_name(agreement.provenance.source)}",
        summary=agreement.summary,
        caveats=agreement.notes,
        sections=tuple(sections),
    )


def _how_far(agreement: Agreement) -> Section:
    at = unrounded(agreement.settings.confidence)
    shared = agreement.shared
    sure = Column[LabelAgreement](
        f"{at} by prompts" if shared else f"{at} interval",
        lambda item: _ends(item.alpha[MAIN], item.alpha[MAIN].trusted),
    )
    too_sure = Column[LabelAgreement](
        "by items (too sure)", lambda item: _ends(item.alpha[MAIN], item.alpha[MAIN].by_items)
    )
    columns = [
        Column[LabelAgreement]("Label", lambda item: str(item.label), text=True),
        Column("Items", lambda item: f"{item.items:,}", essential=False),
        Column("Ordinal alpha", lambda item: coefficient(item.alpha[MAIN].estimate)),
        *([sure, too_sure] if shared else [sure]),
        Column("Same level", lambda item: percent(item.exact.estimate)),
        Column(
            "One apart at most",
            lambda item: percent(item.within_one.estimate),
            essential=not shared,
        ),
        Column("Mean weighted kappa", lambda item: coefficient(item.mean_kappa), essential=False),
    ]
    notes = [
        "Alpha is 1 where raters agree in full and 0 where they agree as chance would. By Krippendorff's convention "
        "0.800 and more can be relied on, and 0.667 and more allows tentative conclusions.",
    ]
    if shared:
        notes.append(
            "The interval by prompts is the right one. The one by items takes items of one prompt for independent."
        )
    if any(item.alpha[MAIN].estimate is None for item in agreement.labels):
        notes.append(
            "Undefined: all ratings that can be paired are equal, or none can. It is not 1."
        )
    shown = table("Agreement by label", agreement.labels, columns, notes=notes)
    return Section("How far raters agree", "agreement", (shown,), brief=True)


def _ends(alpha: Alpha, held: TableInterval) -> str:
    return "undefined" if alpha.estimate is None else ends(held)


def _who(agreement: Agreement) -> Section:
    blocks: list[Block] = []
    for item in agreement.labels:
        if item.pairs:
            blocks.append(_matrix(item))
            blocks += _picture(item)
    blocks.append(
        table(
            "Raters",
            agreement.raters.items(),
            (
                Column[tuple[str, int]]("Rater", lambda rater: rater[0], text=True),
                Column("Items with a label", lambda rater: f"{rater[1]:,}"),
            ),
        )
    )
    return Section(
        "Who disagrees with whom", "raters", tuple(blocks), brief=len(agreement.labels) == 1
    )


def _names(item: LabelAgreement) -> dict[str, str]:
    """Name the raters of a label without a long beginning that all share."""
    names = sorted({name for pair in item.pairs for name in (pair.a, pair.b)})
    alike = [a == b for a, b in zip(names[0], names[-1], strict=False)]
    shared = names[0][: [*alike, False].index(False)]
    whole = max(shared.rfind(mark) for mark in "-_./: ") + 1
    cut = whole if whole >= LONG_PREFIX else 0
    return {name: f"…{name[cut:]}" if cut else name for name in names}


def _matrix(item: LabelAgreement) -> Table:
    names = _names(item)
    found = {(pair.a, pair.b): pair for pair in item.pairs}
    rows = [
        (names[a], *(_cell(found.get((a, b)), found.get((b, a)), same=a == b) for b in names))
        for a in names
    ]
    return Table(
        f"{item.label}: kappa (upper right) and same level (lower left) of two raters",
        ("Rater", *names.values()),
        tuple(rows),
        notes=("Kappa is quadratic-weighted, on the items that both rated.",),
    )


def _cell(right: PairAgreement | None, left: PairAgreement | None, *, same: bool) -> str:
    if right is not None:
        return coefficient(right.kappa)
    if left is not None:
        return percent(left.exact.estimate)
    return "–" if same else ""


def _picture(item: LabelAgreement) -> Iterator[Figure]:
    drawn = sorted(
        (pair for pair in item.pairs if pair.exact.interval is not None),
        key=lambda pair: pair.exact.estimate or 0.0,
    )[:MOST_DRAWN]
    if not drawn:
        return
    short = _names(item)
    names = {f"{short[pair.a]} – {short[pair.b]}": pair for pair in drawn}
    series = ("same level", "one apart at most")
    rows: list[dict[str, str | float | int]] = []
    for name, pair in names.items():
        for said, rate in zip(series, (pair.exact, pair.within_one), strict=True):
            rows.append(dot(name, said, rate))
    told = "; ".join(
        f"{name}: same level {percent(pair.exact.estimate)}, one apart at most "
        f"{percent(pair.within_one.estimate)}"
        for name, pair in names.items()
    )
    few = " (the least agreeing pairs)" if len(drawn) < len(item.pairs) else ""
    yield interval_figure(
        f"raters-{item.label}",
        f"{item.label}: agreement of two raters{few}",
        f"Dots with intervals. {told}.",
        rows,
        list(names),
        series,
    )


def _by_level(agreement: Agreement) -> Section:
    at = unrounded(agreement.settings.confidence)
    by = "by prompts" if agreement.shared else "by items"
    alphas = table(
        "Alpha by level of measurement",
        [
            (item.label, taken, alpha)
            for item in agreement.labels
            for taken, alpha in item.alpha.items()
        ],
        (
            Column[tuple[Label, str, Alpha]]("Label", lambda row: str(row[0]), text=True),
            Column("Levels are taken as", lambda row: row[1], text=True),
            Column("Alpha", lambda row: coefficient(row[2].estimate)),
            Column(f"{at} interval, {by}", lambda row: _ends(row[2], row[2].trusted)),
        ),
    )
    majorities = table(
        "Same level, by the level that most raters of an item chose",
        [
            (item.label, name, rate)
            for item in agreement.labels
            for name, rate in item.by_majority.items()
        ],
        (
            Column[tuple[Label, str, Rate]]("Label", lambda row: str(row[0]), text=True),
            Column("Majority", lambda row: row[1], text=True),
            Column("Pairs of ratings", lambda row: f"{row[2].events:,} / {row[2].trials:,}"),
            Column("Same level", lambda row: percent(row[2].estimate)),
            Column(f"{at} interval", lambda row: spread(row[2])),
        ),
        notes=(
            "Percent agreement only: alpha within a level would tell of the choice of items, not of the raters.",
            "No majority: no level has more than half of the item's ratings.",
        ),
    )
    return Section("Agreement by level", "levels", (alphas, majorities))


def _rule(agreement: Agreement) -> Section:
    resolution = agreement.resolution
    text = (
        f"Each item gets one label by the rule {resolution.rule}, and rates are computed from these. A rate that the "
        "rule or one rater moves much is a finding about the raters as well."
    )
    ties = Table(
        "Items on which raters were evenly split and the higher level was taken",
        ("Rule", *next(iter(resolution.ties.values()))),
        tuple(
            (rule, *(f"{n:,}" for n in found.values())) for rule, found in resolution.ties.items()
        ),
    )
    blocks = (Paragraph(text), _by_rule(agreement), _without_one(agreement), ties)
    return Section("What the rule moves", "rule", blocks, brief=True)


def _by_rule(agreement: Agreement) -> Table:
    own = agreement.resolution.rule

    def estimate(rule: str) -> Column[str]:
        return Column(rule, lambda name: percent(rule_rates(agreement, name)[rule].estimate))

    at = unrounded(agreement.settings.confidence)
    return table(
        f"Rates by rule (interval for {own})",
        rate_names(agreement),
        (
            Column("Rate", spoken, text=True),
            estimate(own),
            Column(f"{at} interval", lambda name: spread(rule_rates(agreement, name)[own])),
            *(estimate(rule) for rule in agreement.resolution.rates if rule != own),
        ),
        notes=_defined(rate_names(agreement)),
    )


class _Moved(NamedTuple):
    """How far a rate goes when one rater is left out."""

    name: str
    of_all: float | None
    low: float
    low_without: str
    high: float
    high_without: str


def _moved(agreement: Agreement) -> Iterator[_Moved]:
    rule = agreement.resolution.rule
    for name in rate_names(agreement):
        found = moves(agreement, name)
        if found is not None:
            yield _Moved(name, rule_rates(agreement, name)[rule].estimate, *found[0], *found[1])


def _without_one(agreement: Agreement) -> Table:
    return table(
        f"Rates by {agreement.resolution.rule} without one rater",
        _moved(agreement),
        (
            Column[_Moved]("Rate", lambda moved: spoken(moved.name), text=True),
            Column("All raters", lambda moved: percent(moved.of_all)),
            Column("Lowest", lambda moved: percent(moved.low)),
            Column("without", lambda moved: moved.low_without, essential=False),
            Column("Highest", lambda moved: percent(moved.high)),
            Column("without", lambda moved: moved.high_without, essential=False),
        ),
        notes=(
            "Where an odd number of raters becomes even, more items are evenly split, and those go to the higher "
            "level: part of such a rise is the rule's.",
        ),
    )


def _defined(names: Sequence[str]) -> tuple[str, ...]:
    """Say what the rates are whose names do not tell."""
    told = (f"{spoken(name)}: {meaning(name)}." for name in _UNTOLD if name in names)
    return tuple(f"{said[0].upper()}{said[1:]}" for said in told)


def _disputes(agreement: Agreement) -> Section:
    found = agreement.disputes
    title, anchor = "Items to discuss", "disputes"
    if not found:
        return Section(title, anchor, (Paragraph("No two raters of an item with an id differ."),))
    roles = [
        role
        for role in ("record_id", "prompt_id", "model", "sample", "turn")
        if any(getattr(dispute, role) is not None for dispute in found)
    ]
    shown = table(
        "Items whose raters lie furthest apart",
        found,
        (
            *map(_identity, roles),
            Column("Label", lambda dispute: str(dispute.label), text=True),
            Column(
                "Who gave which level",
                _said,
                text=True,
            ),
            Column("Spread", lambda dispute: str(dispute.spread)),
        ),
        notes=("Spread: levels between the lowest and the highest rating.",),
    )
    return Section(title, anchor, (shown,))


def _identity(role: str) -> Column[Dispute]:
    return Column(role, lambda dispute: getattr(dispute, role) or "", text=True)


def _said(dispute: Dispute) -> str:
    shown = [f"{who} {dispute.label.levels[at]}" for who, at in dispute.given.items()]
    more = len(shown) - 12
    return ", ".join(shown[:12]) + (f" and {more:,} more" if more > 0 else "")


def _methods(agreement: Agreement) -> Section:
    resolution = agreement.resolution
    how = [
        "Krippendorff's alpha: one minus observed over expected disagreement of all pairs of ratings of one item, for "
        "any number of raters, missing ratings allowed. Nominal counts every difference alike, ordinal by the ratings "
        "that lie between two levels, interval by the square of their distance.",
        "Its interval: Wilson's, of the place on the scale from -1 to 1, on the effective number of items by the "
        "linearised variance, with Student's t; of prompts with all their items where items share one. Half an "
        "imaginary item on which two ratings agree and half a one on which they differ stand beside the real ones, "
        "because of what few items happen to lack; where these make up more than a third of the variance, or the "
        "interval would span more than half of the scale, none is given.",
        "Kappa of two raters: Cohen's, weighted by squared distance, with an interval made likewise.",
        "Same level and one apart at most: shares of all pairs of ratings of one item; Wilson's interval on the "
        "effective number of pairs, with items, or prompts where items share them, as clusters.",
        "median: the middle rating, of an even number the higher of the middle two, so that an item that half of its "
        "raters find severe is not reported as mild. majority: the level most raters chose, of several the highest. "
        "max: the highest level that any rater chose. adjudicated: the adjudicator's label, the median of the others "
        "where there is none. Of refusals the higher level is the fuller one.",
        f"Rates are those of riskshift analyze on the items resolved by {resolution.rule}, clustered by prompt where "
        "items share one. Without one rater: the same after dropping that rater's labels.",
    ]
    return Section("Methods", "methods", (Bullets(tuple(how)),))


def _provenance(agreement: Agreement) -> Section:
    made = agreement.provenance
    kept = [("items with a label", f"{agreement.items:,}")]
    kept += [(f"ratings of {item.label}", f"{item.ratings:,}") for item in agreement.labels]
    return traced_section(
        made,
        agreement.settings,
        ledger=Table("Rows", ("What", "Count"), ledger_rows(made, "rows", kept)),
        sources=[("data", source_name(made.source))],
        hashed="ratings",
        draws=[resampled(agreement.settings)],
    )
