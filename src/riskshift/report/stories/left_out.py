"""Whether findings hang on one part of the data: sources compared, and each part left out in turn."""

from collections.abc import Iterator, Sequence
from typing import Final

from riskshift.analysis.comparison.left_out import DifferencesLeftOut, DifferenceWithout, said
from riskshift.analysis.parts import Untried
from riskshift.analysis.rates import Rate
from riskshift.analysis.transitions.heterogeneity import Heterogeneity, SourceTest
from riskshift.analysis.transitions.left_out import LeftOut, MainFindings, Omission, RateRange
from riskshift.analysis.words import (
    coefficient,
    counted,
    enumerate_words,
    p_value,
    percent,
    points,
    points_range,
    spoken,
)
from riskshift.report.document import Block, Paragraph, Section, Table
from riskshift.report.stories.rates import (
    estimate_and_spread,
    interval_heading,
    rate_notes,
)
from riskshift.report.tables import Column, table

ANCHOR: Final = "hangs"
MOST_ROWS: Final = 200
MOST_IN_BRIEF: Final = 10
_WORDS: Final = {
    "clearly_less": "clearly less",
    "not_distinguishable": "not distinguishable",
    "too_few": "too few pairs",
    "both_alike": "both alike",
}
_Row = tuple[str, str, MainFindings, Omission | None]


def hangs_section(found: LeftOut, sources: Heterogeneity | None) -> Section:
    """Show how far sources differ, and the main findings without each part of the data."""
    kinds = enumerate_words(found.kinds, last="or")
    title = (
        "Does it hang on one source?"
        if "source" in found.kinds
        else f"Does it hang on one {kinds}?"
    )
    settled = "" if found.turning else f"{found.sentence} "
    blocks: list[Block] = [
        Paragraph(
            f"Each {kinds} is left out in turn, and what the summary says is found again from the rest. "
            f"{settled}Without a category only the labels of the others count, for prompts and responses. "
            "Nothing is tested here: what is left is mostly the same each time, and a comparison may turn for no more "
            "than having fewer pairs."
        )
    ]
    if found.turning:
        blocks.append(_turned(found))
    if found.ranges:
        blocks.append(_ranges(found.ranges))
    if sources is not None:
        blocks.append(_tests(sources))
    blocks += [_omissions(found), *_untried(found.untried)]
    return Section(title, ANCHOR, tuple(blocks), brief=bool(found.turning))


def _turned(found: LeftOut) -> Table:
    turns = [(omission, turn) for omission in found.turning for turn in omission.turns]
    top = enumerate_words(found.findings.most_persistent)
    named = {
        "most_persistent": "harm persists most in",
        "origin": "most escalations come from prompts that are",
    }
    return Table(
        "Findings that turn",
        ("Left out", "Finding", "With it", "Without it"),
        tuple(
            (
                str(omission.part),
                named.get(turn.finding, f"{turn.category} against {top}"),
                _WORDS.get(turn.before, turn.before),
                _WORDS.get(turn.after, turn.after),
            )
            for omission, turn in turns[:MOST_ROWS]
        ),
        text_columns=4,
        notes=_cut(len(turns)),
    )


def _ranges(ranges: Sequence[RateRange]) -> Table:
    notes = []
    if any(item.undefined for item in ranges):
        notes.append("Where too little is left for a rate to be defined, it stands in no range.")
    return table(
        "Between which ends the rates move",
        ranges,
        (
            Column[RateRange]("Rate", lambda item: spoken(item.metric), text=True),
            Column("Without one", lambda item: item.kind, text=True),
            Column("Moved most by", lambda item: item.moved_most_by, text=True, essential=False),
            Column("All", lambda item: percent(item.estimate)),
            Column("Lowest", lambda item: f"{percent(item.low)} (without {item.low_without})"),
            Column("Highest", lambda item: f"{percent(item.high)} (without {item.high_without})"),
        ),
        notes=notes,
    )


def _tests(sources: Heterogeneity) -> Table:
    notes = [
        "Between: standard deviation between sources in log odds beyond chance (DerSimonian and Laird); 0.7 means that "
        "odds typically differ twofold from their middle. A description, not a test. p corrected by Holm for these "
        "rates. Exploratory: a source has fewer than 10 pairs with or without the event."
    ]
    if any(test.test != "chi-square" for test in sources.tests):
        notes.append(
            "Records share prompts: the chi-square is corrected for it (Rao and Scott, against an F distribution)."
        )
    missing = max((test.missing for test in sources.tests), default=0)
    if missing:
        notes.append(
            f"Labels are missing: {counted(missing, 'record')} or fewer leave a rate open, and stand in no test."
        )
    return table(
        f"Do the rates differ between the {sources.sources:,} values of {sources.column}?",
        sources.tests,
        (
            Column[SourceTest]("Rate", lambda test: spoken(test.metric), text=True),
            Column("Test", lambda test: test.test, text=True, essential=False),
            Column("Statistic", _statistic),
            Column("p (Holm)", lambda test: p_value(test.p_holm)),
            Column("Cramér's V", lambda test: coefficient(test.cramers_v)),
            Column("Between", lambda test: coefficient(test.between)),
            Column("", lambda test: "exploratory" if test.exploratory else ""),
        ),
        notes=notes,
    )


def _statistic(test: SourceTest) -> str:
    if test.statistic is None or test.df is None:
        return ""
    if test.df_denominator is None:
        return f"{test.statistic:.2f}, df {test.df:.0f}"
    return f"{test.statistic:.2f}, df {test.df:.1f} and {test.df_denominator:.1f}"


def _omissions(found: LeftOut) -> Table:
    rows: list[_Row] = [("nothing", "", found.findings, None)]
    rows += [(o.part.kind, o.part.name, o.findings, o) for o in found.omissions]
    rates = [rate for row in rows for rate in row[2].rates.values()]
    return table(
        f"The main findings with one part left out{_in_brackets(rates)}",
        rows[:MOST_ROWS],
        (
            Column[_Row]("Left out", lambda row: row[0], text=True),
            Column("Which", lambda row: row[1], text=True),
            Column("Harm persists most in", _most, text=True),
            Column("Escalations come from", _from, text=True, essential=False),
            Column("Turns", _how_many, text=True),
            Column("Pairs", lambda row: f"{row[2].records:,}", essential=False),
            *(_rate(name) for name in found.findings.rates),
        ),
        notes=(*rate_notes(rates), *_cut(len(rows))),
    )


def _in_brackets(rates: Sequence[Rate]) -> str:
    return f" ({interval_heading(rates)})" if any(rate.interval for rate in rates) else ""


def _rate(name: str) -> Column[_Row]:
    return Column(
        spoken(name),
        lambda row: estimate_and_spread(row[2].rates[name]),
        essential=name == "escalation",
    )


def _most(row: _Row) -> str:
    return enumerate_words(row[2].most_persistent) or "no category"


def _from(row: _Row) -> str:
    origin = row[2].origin
    if origin is None:
        return "no escalation"
    return "both alike" if origin == "both_alike" else f"{origin} prompts"


def _how_many(row: _Row) -> str:
    return "" if row[3] is None or not row[3].turns else counted(len(row[3].turns), "finding")


def _untried(untried: Sequence[Untried]) -> Iterator[Block]:
    for item in untried:
        yield Paragraph(item.sentence)


def _cut(rows: int) -> tuple[str, ...]:
    if rows <= MOST_ROWS:
        return ()
    return (f"The first {MOST_ROWS:,} of {rows:,} rows; results.json has all.",)


def hanging_verdicts_section(found: DifferencesLeftOut, against: str) -> Section:
    """Show which verdicts and signs turn without a source or a category."""
    kinds = enumerate_words(found.kinds, last="or")
    title = (
        "Does a verdict hang on one source?"
        if "source" in found.kinds
        else f"Does a verdict hang on one {kinds}?"
    )
    settled = "" if found.turning else f"{found.sentence} "
    blocks: list[Block] = [
        Paragraph(
            f"Each {kinds} is left out in turn, and the models are compared again on the rest. {settled}"
            "Categories are left out of the metrics that look at the highest severity over all. A verdict may turn "
            "for no more than having fewer prompts; a difference near 0 changes its sign easily."
        )
    ]
    if found.turning:
        blocks.append(
            table(
                f"What turns{against}",
                found.turning[:MOST_ROWS],
                (
                    Column[DifferenceWithout]("Left out", lambda item: str(item.part), text=True),
                    Column("Metric", lambda item: item.metric, text=True),
                    Column("Models", lambda i: f"{i.candidate} - {i.baseline}", text=True),
                    Column("With it", lambda item: said(item.verdict_with), text=True),
                    Column("Without it", lambda item: said(item.verdict), text=True),
                    Column("Turns", _what_turns, text=True, essential=False),
                    Column("Prompts", lambda item: f"{item.prompts:,}", essential=False),
                    Column("Difference (points)", lambda item: points(item.difference)),
                    Column("For all at once", lambda item: points_range(item.simultaneous)),
                ),
                notes=_cut(len(found.turning)),
            )
        )
    blocks += _untried(found.untried)
    turned = sum(item.turns_verdict for item in found.turning)
    return Section(title, ANCHOR, tuple(blocks), brief=0 < turned <= MOST_IN_BRIEF)


def _what_turns(item: DifferenceWithout) -> str:
    turned = {"verdict": item.turns_verdict, "sign": item.turns_sign}
    return enumerate_words([name for name, turns in turned.items() if turns])
