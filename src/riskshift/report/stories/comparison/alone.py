"""The prompts that only one model fails: where to begin to read."""

from riskshift.analysis.comparison.alone import Alone
from riskshift.analysis.comparison.result import Comparison, wanted
from riskshift.analysis.words import spoken
from riskshift.report.document import Paragraph, Section
from riskshift.report.tables import Column, table


def alone_section(comparison: Comparison) -> Section:
    """List the prompts that only one model fails, by metric."""
    named = any(item.prompt_ids for item in comparison.alone)
    text = (
        "Prompts that every model answered, that one fails and no other does: where the models differ, prompt by "
        "prompt. --cases-out FILE writes all of them, with labels and, with --text, the texts."
    )
    columns = [
        Column[Alone]("Fails in", _metric, text=True),
        Column("Model", lambda item: item.model, text=True),
        *([Column[Alone]("Prompts, by id", _ids, text=True)] if named else []),
        Column("Prompts", lambda item: f"{item.prompts:,}"),
    ]
    shown = table("Prompts that only one model fails", comparison.alone, columns)
    return Section("Prompts that only one model fails", "alone", (Paragraph(text), shown))


def _metric(item: Alone) -> str:
    return f"no {spoken(item.metric)}" if wanted(item.metric) else spoken(item.metric)


def _ids(item: Alone) -> str:
    more = item.prompts - len(item.prompt_ids)
    return ", ".join(item.prompt_ids) + (f", and {more:,} more" if more else "")
