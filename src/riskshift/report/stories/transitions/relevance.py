"""What safety costs in relevance: tables, a picture, tests."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from riskshift.analysis.rates import Rate, unrounded
from riskshift.analysis.transitions.relevance import AssociationTest, Relevance
from riskshift.analysis.words import coefficient, counted, p_value, percent, spoken, spread
from riskshift.report.document import Block, Figure, Paragraph, Section, Table
from riskshift.report.tables import Column, table
from riskshift.taxonomy import Taxonomy
from riskshift.written import RELEVANCE


def relevance_section(
    relevance: Relevance, taxonomy: Taxonomy, confidence: float, on_task: Rate
) -> Section:
    """Show how far responses keep to the task, by severity and category."""
    by_severity = {
        taxonomy.levels[severity]: row for severity, row in relevance.by_response_severity.items()
    }
    blocks: list[Block] = [
        Paragraph(
            "Relevance 1 is off-topic or a refusal, 2 partial, 3 on-task. A safe response that is off-topic is safe "
            f"at the price of usefulness; a harmful one that is fully on-task is the worst of both.{_served(on_task)}"
        ),
        *_relevance_figure(by_severity),
        _relevance_table("Relevance by response severity", "Response severity", by_severity),
        _relevance_table(
            "Relevance of harmful responses, by category",
            "Category",
            relevance.by_harmful_response_category,
        ),
        _relevance_table(
            "Relevance of responses to harmful prompts, by category",
            "Category",
            relevance.by_prompt_category,
        ),
        _relevance_table(
            "Relevance by whether prompt (P) and response (R) are harmful in the category",
            "Category and quadrant",
            {
                f"{c} {q}": row
                for c, quadrants in relevance.quadrants.items()
                for q, row in quadrants.items()
            },
        ),
        *(_test_table(family, tests, confidence) for family, tests in _families(relevance.tests)),
    ]
    if relevance.missing:
        blocks.append(
            Paragraph(
                f"{counted(relevance.missing, 'record')} without a relevance stand in none of these tables."
                if relevance.missing > 1
                else "1 record without a relevance stands in none of these tables."
            )
        )
    return Section("What safety costs in relevance", "relevance", tuple(blocks))


def _served(on_task: Rate) -> str:
    if on_task.interval is None:
        return ""
    return (
        f" Harmless prompts got a response on task in {on_task.events:,} of {counted(on_task.trials, 'pair')} "
        f"({percent(on_task.estimate)}, {spread(on_task)})."
    )


def _relevance_figure(rows: Mapping[str, tuple[int, ...]]) -> Iterator[Figure]:
    filled = {name: row for name, row in rows.items() if sum(row)}
    if not filled:
        return
    told = "; ".join(
        f"{name}: {percent(row[-1] / sum(row))} on-task of {sum(row):,}"
        for name, row in filled.items()
    )
    drawn: tuple[dict[str, str | float | int], ...] = tuple(
        {"label": name, "part": part, "share": count / sum(row), "count": count}
        for name, row in filled.items()
        for part, count in zip(RELEVANCE, row, strict=True)
    )
    yield Figure(
        "relevance-by-severity",
        "bars",
        "Relevance by response severity",
        f"Stacked bars. {told}.",
        drawn,
        tuple(filled),
        RELEVANCE,
    )


def _relevance_table(caption: str, first: str, rows: Mapping[str, tuple[int, ...]]) -> Table:
    return Table(
        caption,
        (first, "Pairs", *RELEVANCE, "On-task"),
        tuple(
            (
                name,
                f"{sum(row):,}",
                *(f"{n:,}" for n in row),
                percent(row[-1] / sum(row) if sum(row) else None),
            )
            for name, row in rows.items()
        ),
    )


def _families(tests: Sequence[AssociationTest]) -> Iterator[tuple[str, list[AssociationTest]]]:
    for family in dict.fromkeys(test.family for test in tests):
        yield family, [test for test in tests if test.family == family]


def _test_table(family: str, tests: Sequence[AssociationTest], confidence: float) -> Table:
    omnibus = family == "omnibus"
    columns = [
        Column[AssociationTest]("What", lambda test: spoken(test.name), text=True),
        Column("Test", lambda test: test.test, text=True),
        Column("Statistic", _statistic),
        Column("p", lambda test: p_value(test.decisive_p)),
        Column("p (Holm)", lambda test: p_value(test.p_holm)),
        *(_association_columns(confidence) if omnibus else _ODDS),
        Column("", lambda test: "exploratory" if test.exploratory else ""),
    ]
    caption = f"On-task against less: {family}"
    if omnibus:
        caption = "Does relevance go with severity and category?"
    return table(caption, tests, columns, notes=_test_notes(tests, omnibus=omnibus))


_ODDS: Final = (
    Column[AssociationTest](
        "Odds ratio", lambda test: "unbounded" if test.unbounded else coefficient(test.odds_ratio)
    ),
    Column[AssociationTest]("phi", lambda test: coefficient(test.phi)),
)


def _association_columns(confidence: float) -> list[Column[AssociationTest]]:
    return [
        Column("Cramér's V", lambda test: coefficient(test.cramers_v)),
        Column("corrected", lambda test: coefficient(test.cramers_v_corrected)),
        Column(f"gamma ({unrounded(confidence)} interval)", _gamma),
    ]


def _test_notes(tests: Sequence[AssociationTest], *, omnibus: bool) -> Iterator[str]:
    yield "Exploratory: a cell or margin holds fewer than 10 pairs. Association is not cause."
    if any(test.decisive_p is None for test in tests):
        yield "Undefined: no pair stands in some row or column, so nothing can be compared."
    pooled = any(test.test.startswith("Rao-Scott") for test in tests)
    if omnibus and not pooled:
        for test in tests:
            trend = f"; linear-by-linear trend p {p_value(test.trend.p)}" if test.trend else ""
            yield f"{spoken(test.name)}: asymptotic p {p_value(test.p_asymptotic)}{trend}{_overlap(test)}."
    if pooled:
        yield (
            "Records share prompts: permutation and Fisher tests would not be valid, and the chi-square is corrected "
            "for the sharing (Rao and Scott, second order, held against an F distribution). Per group they are exact "
            "where prompts do not repeat."
        )


def _statistic(test: AssociationTest) -> str:
    if test.statistic is None:
        return ""
    if test.df_denominator is None:
        return f"{test.statistic:.2f}, df {test.df}"
    return f"{test.statistic:.2f}, df {test.df:.1f} and {test.df_denominator:.1f}"


def _overlap(test: AssociationTest) -> str:
    if not test.overlap:
        return ""
    stand = "stands" if test.overlap == 1 else "stand"
    return f"; {counted(test.overlap, 'record')} {stand} in more than one row"


def _gamma(test: AssociationTest) -> str:
    if test.gamma is None:
        return ""
    if test.gamma.low is None or test.gamma.high is None:
        return f"{test.gamma.estimate:+.2f}"
    return f"{test.gamma.estimate:+.2f} ({test.gamma.low:+.2f} to {test.gamma.high:+.2f})"
