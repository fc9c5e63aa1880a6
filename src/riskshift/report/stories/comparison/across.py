"""Does a model change one category more than another: differences across categories."""

from collections.abc import Sequence

from riskshift.analysis.comparison.contrasts.across import CategoryContrast
from riskshift.analysis.comparison.contrasts.across_findings import contrast_sentence
from riskshift.analysis.words import points, points_range
from riskshift.report.document import Block, Bullets, Paragraph, Section
from riskshift.report.stories.comparison.verdicts import Pairs
from riskshift.report.tables import Column, table
from riskshift.stats.clusters.joint import ENOUGH


def across_section(contrasts: Sequence[CategoryContrast], pairs: Pairs) -> Section:
    """Show how far the differences of two models differ between categories."""
    blocks: list[Block] = [
        Paragraph(
            "First the difference of the two models in each category, then the first minus the second. An interval for "
            "all at once that leaves out zero says that the candidate changes one category more than the other; it "
            "allows for every pair of categories and of models here."
        )
    ]
    clear = [contrast_sentence(item) for item in contrasts if item.distinguishable]
    blocks.append(
        Bullets(tuple(clear))
        if clear
        else Paragraph("Of no two categories is it sure that one changes more than the other.")
    )
    for metric in dict.fromkeys(item.metric for item in contrasts):
        of = [item for item in contrasts if item.metric == metric]
        notes = []
        if not all(item.enough for item in of):
            notes.append(
                f"* Either category must have as many prompts as tell as much as {ENOUGH} independent ones; these are "
                "not judged."
            )
        shown = table(
            f"Differences of {metric} across categories{pairs.against} (points)",
            of,
            _columns(pairs, worst=any(item.worst_case for item in of)),
            notes=notes,
        )
        blocks.append(shown)
    title = "Does the difference depend on the category?"
    return Section(title, "across", tuple(blocks), brief=True)


def _columns(pairs: Pairs, *, worst: bool) -> list[Column[CategoryContrast]]:
    columns: list[Column[CategoryContrast]] = [
        Column("Categories", _categories, text=True),
        Column(pairs.heading, pairs.name, text=True),
        Column("Prompts", lambda c: f"{c.prompts_a:,}, {c.prompts_b:,}", essential=False),
        Column(
            "Difference in each", lambda c: f"{points(c.difference_a)}, {points(c.difference_b)}"
        ),
        Column("First minus second", lambda c: points(c.estimate)),
        Column("Interval", lambda c: points_range(c.interval), essential=False),
        Column("For all at once", lambda c: points_range(c.simultaneous)),
    ]
    if worst:
        legend = "By missing labels: the lowest and highest that they allow."
        columns.append(Column("By missing labels", _worst, essential=False, legend=legend))
    return columns


def _categories(item: CategoryContrast) -> str:
    return f"{item.a} - {item.b}" + ("" if item.enough else " *")


def _worst(item: CategoryContrast) -> str:
    if item.worst_case is None:
        return ""
    low, high = map(points, item.worst_case)
    return f"{low} to {high}"
