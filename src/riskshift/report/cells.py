"""Cases as a table without their texts, for renderers that never show them."""

from collections.abc import Mapping

from riskshift.report.document import CaseList, Table


def case_table(block: CaseList) -> Table:
    """Return the cases of a list as a table: who, from what to what, and how it came about."""
    rows = tuple(
        (
            case.prompt_id or "",
            case.model or "",
            severities(case.prompt, block.levels),
            severities(case.response, block.levels),
            case.origin.replace("_", " "),
        )
        for case in block.cases
    )
    columns = ("Prompt", "Model", "Prompt severity", "Response severity", "Origin")
    return Table("Cases", columns, rows, text_columns=5)


def severities(side: Mapping[str, int | None], levels: tuple[str, ...]) -> str:
    """Write the categories of one side that are not at the lowest level.

    Examples
    --------
    >>> severities({"hate": 0, "sexual": 2}, ("Safe", "Low", "Medium", "High"))
    'sexual Medium'
    """
    shown = [f"{name} {levels[level]}" for name, level in side.items() if level]
    shown += [f"{name} unlabelled" for name, level in side.items() if level is None]
    return ", ".join(shown) or levels[0]
