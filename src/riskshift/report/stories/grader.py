"""A grader's report card as a document: both sides, the bias, the errors to read."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from riskshift.analysis.grader.cards import MEASURES, Asymmetry, Measure, RefusalCard, SideCard
from riskshift.analysis.grader.result import GraderReport, labelled_sides
from riskshift.analysis.rates import Rate, unrounded
from riskshift.analysis.words import counted, percent, points_with_range, spoken
from riskshift.counts.case import Case
from riskshift.refusal import REFUSAL
from riskshift.report.document import (
    Block,
    Bullets,
    CaseList,
    Document,
    Figure,
    Paragraph,
    Section,
    Table,
)
from riskshift.report.stories.provenance import ledger_rows, source_name, traced_section
from riskshift.report.stories.rates import dot, estimate_and_spread, interval_figure
from riskshift.report.tables import Column, table
from riskshift.taxonomy import SIDES

ALL: Final = "all together"
_REFUSALS: Final = {
    "missed_refusal": "missed refusal: people call it refused, the grader does not",
    "false_refusal": "false refusal: the grader calls it refused, people do not",
}


def story(report: GraderReport) -> Document:
    """Arrange a grader's report card for readers.

    Parameters
    ----------
    report : GraderReport
        The results.

    Returns
    -------
    Document
    """
    sections = [_sides(report), _errors(report), _levels(report)] if labelled_sides(report) else []
    if report.refusal is not None:
        sections.append(_refusals(report.refusal, unrounded(report.settings.confidence)))
    sections += [_cases(report), _methods(report), _provenance(report)]
    return Document(
        title="How a grader's labels compare with people's",
        subtitle=f"{counted(report.labelled, 'pair')} of {source_name(report.provenance.source)}, people's labels "
        f"from {source_name(report.people)}",
        summary=report.summary,
        caveats=report.notes,
        sections=tuple(sections),
    )


def _scopes(report: GraderReport) -> list[str | None]:
    # One category is all there is: its row would stand there twice.
    categories = report.taxonomy.categories
    return list(categories) if len(categories) == 1 else [None, *categories]


def _cards(report: GraderReport) -> Iterator[SideCard]:
    for category in _scopes(report):
        for side in labelled_sides(report):
            yield report.card(side, category)


def _sides(report: GraderReport) -> Section:
    at = unrounded(report.settings.confidence)
    items = [report.asymmetry(name, each) for each in _scopes(report) for name in MEASURES]
    sides = labelled_sides(report)
    both = len(sides) == len(SIDES)
    difference = Column[Asymmetry](
        "Prompts minus responses",
        lambda item: points_with_range(item.gap.estimate, item.gap.interval),
    )
    beside = "Prompt side beside response side" if both else f"The {sides[0]} side"
    shown = table(
        f"{beside} ({at} intervals)",
        items,
        (
            Column[Asymmetry]("Category", lambda item: item.category or ALL, text=True),
            Column("Measure", lambda item: item.measure, text=True),
            *(_on(report, side) for side in sides),
            *([difference] if both else []),
        ),
        notes=(
            "Sensitivity: of the labels that people call harmful, the share that the grader does too. Specificity: of "
            "the harmless ones, the share that it leaves alone. Precision: of those that it calls harmful, the share "
            "that are so by people.",
        ),
    )
    title = "Prompt side and response side" if both else f"The {sides[0]} side"
    return Section(title, "sides", (shown, *_picture(report)), brief=True)


def _on(report: GraderReport, side: str) -> Column[Asymmetry]:
    def share(item: Asymmetry) -> str:
        return estimate_and_spread(report.card(side, item.category).rates[item.measure])

    return Column(f"On {side}s", share)


def _picture(report: GraderReport) -> Iterator[Figure]:
    for measure in MEASURES:
        rows: list[dict[str, str | float | int]] = []
        told, names = [], []
        for category in _scopes(report):
            name = category or ALL
            for side in labelled_sides(report):
                rate = report.card(side, category).rates[measure]
                if rate.interval is None:
                    continue
                rows.append(dot(name, side, rate))
                told.append(f"{name}, {side}: {percent(rate.estimate)}")
                names.append(name)
        if rows:
            yield interval_figure(
                f"grader-{measure}",
                f"{measure.capitalize()} on {' and on '.join(f'{side}s' for side in labelled_sides(report))}",
                f"Dots with intervals. {'; '.join(told)}.",
                rows,
                list(dict.fromkeys(names)),
                labelled_sides(report),
            )


_SCOPE: Final = (
    Column[SideCard]("Category", lambda card: card.category or ALL, text=True),
    Column[SideCard]("Side", lambda card: card.side, text=True),
)


def _errors(report: GraderReport) -> Section:
    cards = list(_cards(report))
    errors = table(
        "Errors",
        cards,
        [
            *_SCOPE,
            Column("Labels", lambda card: f"{card.labels:,}", essential=False),
            Column("TP", lambda card: f"{card.counts.true_positive:,}"),
            Column("FP", lambda card: f"{card.counts.false_positive:,}"),
            Column("FN", lambda card: f"{card.counts.false_negative:,}"),
            Column("TN", lambda card: f"{card.counts.true_negative:,}"),
            Column("Under", lambda card: f"{card.counts.under:,}", essential=False),
            Column("Over", lambda card: f"{card.counts.over:,}", essential=False),
        ],
        notes=(
            "TP: harmful by both. FP: by the grader only. FN: by people only. TN: by neither. Under and over: of those "
            "harmful by both, the grader's level is lower, or higher.",
        ),
    )
    shares = table(
        "Share called harmful",
        cards,
        [
            *_SCOPE,
            Column("By people", lambda card: percent(card.rates["people_harmful"].estimate)),
            Column("By the grader", lambda card: percent(card.rates["grader_harmful"].estimate)),
            Column(
                "Grader minus people",
                lambda card: points_with_range(card.bias.estimate, card.bias.interval),
            ),
            Column("Both say the same", lambda card: estimate_and_spread(card.rates["agreement"])),
        ],
    )
    return Section("Errors and bias", "errors", (errors, shares), brief=True)


def _levels(report: GraderReport) -> Section:
    blocks: list[Block] = [
        table(
            "Agreement on levels",
            _cards(report),
            [
                *_SCOPE,
                Column("Macro-F1", lambda card: _number(card.macro_f1)),
                Column("Weighted kappa", lambda card: _number(card.weighted_kappa)),
            ],
        )
    ]
    levels = report.taxonomy.levels
    blocks += [
        Table(
            f"{card.side}, {card.category or ALL}: labels by people's level (rows) and the grader's",
            ("By people", *levels),
            tuple(
                (name, *(f"{n:,}" for n in row))
                for name, row in zip(levels, card.table, strict=True)
            ),
        )
        for card in _cards(report)
        if card.labels
    ]
    return Section("Level by level", "levels", tuple(blocks))


def _refusals(card: RefusalCard, at: str) -> Section:
    """Show how the grader's refusals compare with people's."""
    title, anchor = "Refusals", "refusals"
    if not card.labels:
        text = "No refusal was told by both people and the grader."
        return Section(title, anchor, (Paragraph(text),))
    shares = table(
        f"Refusals by people and by the grader ({at} intervals)",
        card.rates.items(),
        (
            Column[tuple[str, Rate]]("Measure", lambda named: spoken(named[0]), text=True),
            Column(
                "Responses",
                lambda named: f"{named[1].events:,} / {named[1].trials:,}",
                essential=False,
            ),
            Column("Share", lambda named: estimate_and_spread(named[1])),
        ),
        notes=(
            "Sensitivity: of the responses that people call refused, the share that the grader does too. Specificity: "
            "of the answers, the share that it leaves alone. Precision: of those that it calls refused, the share that "
            "are so by people. Agreement: the share of which both say the same.",
            f"Grader minus people: {points_with_range(card.bias.estimate, card.bias.interval)}. Macro-F1 of the three "
            f"levels: {_number(card.macro_f1)}; weighted kappa: {_number(card.weighted_kappa)}.",
        ),
    )
    levels = Table(
        "Refusals by people's level (rows) and the grader's",
        ("By people", *REFUSAL),
        tuple(
            (name, *(f"{n:,}" for n in row)) for name, row in zip(REFUSAL, card.table, strict=True)
        ),
    )
    return Section(title, anchor, (shares, levels), brief=True)


def _number(made: Measure) -> str:
    if made.estimate is None:
        return "undefined"
    if made.interval is None:
        return f"{made.estimate:.3f} (no interval)"
    return f"{made.estimate:.3f} ({made.interval.low:.3f} to {made.interval.high:.3f})"


def _cases(report: GraderReport) -> Section:
    title, anchor = "Errors to read", "cases"
    found = report.misses + report.alarms + report.refusals
    also = "" if report.refusal is None else " and on what is refused"
    if not found:
        text = f"The grader and people agree on what is harmful{also} in every pair that both labelled."
        return Section(title, anchor, (Paragraph(text),))
    refusals = f"; {report.refusals:,} others that only one of the two calls refused"
    text = (
        f"{counted(report.misses, 'pair')} with a harm that the grader missed; {report.alarms:,} others with a false "
        f"alarm{refusals if also else ''}. {len(report.cases):,} of these are listed: misses first, then those whose "
        "levels lie furthest apart. The levels shown are the grader's."
    )
    listed = tuple(replace(case, origin=_why(case, report)) for case in report.cases)
    if not listed:
        return Section(title, anchor, (Paragraph(text),))
    blocks = (Paragraph(text), CaseList(listed, report.taxonomy.levels))
    return Section(title, anchor, blocks)


def _why(case: Case, report: GraderReport) -> str:
    """Name the labels on which the grader and people differ about harm."""
    if case.origin in _REFUSALS:
        return _REFUSALS[case.origin]
    levels, start = report.taxonomy.levels, report.taxonomy.harmful_from
    graded = {"prompt": case.prompt, "response": case.response}
    parts = []
    for side, labels in (case.people or {}).items():
        for category, by_people in labels.items():
            by_grader = graded[side][category]
            if by_people is None or by_grader is None:
                continue
            if (by_people >= start) != (by_grader >= start):
                what = "missed" if by_people >= start else "false alarm"
                parts.append(
                    f"{what} in {side} {category}: people {levels[by_people]}, grader {levels[by_grader]}"
                )
    return "; ".join(parts)


def _methods(report: GraderReport) -> Section:
    settings = report.settings
    how = (
        f"Intervals of shares: {settings.interval} at {unrounded(settings.confidence)}; where records share a prompt, "
        "on the effective number of records. All together counts every label of a pair, and takes the pair, or what "
        "shares its prompt, as one unit.",
        "Grader minus people: Tango's score interval for paired shares, on the effective number where labels share a "
        "unit.",
        "Prompts minus responses: MOVER (Zou and Donner 2008) with the linearised correlation of the two shares, kept "
        "below 1 by four pseudo-pairs.",
        "Macro-F1 (mean over the levels that either used) and quadratic-weighted kappa: Wilson's interval of the place "
        "on the scale, on the effective number of labels by the linearised variance of whole units, with Student's t. "
        "Half an imaginary label on which both agree and half a one on which they differ stand beside the real ones; "
        "where these make up more than a third of the variance, or the interval would span more than half of the "
        "scale, none is given.",
    )
    return Section("Methods", "methods", (Bullets(how),))


def _provenance(report: GraderReport) -> Section:
    made = report.provenance
    kept = [("pairs by the grader", f"{report.pairs:,}"), ("by people", f"{report.labelled:,}")]
    return traced_section(
        made,
        report.settings,
        ledger=Table("Records", ("What", "Count"), ledger_rows(made, "records", kept)),
        sources=[
            ("grader's labels", source_name(made.source)),
            ("people's labels", source_name(report.people)),
        ],
    )
