"""A release gate as a document: the verdict, what each check found, and what is taken for granted."""

from collections.abc import Sequence
from pathlib import PurePath
from typing import Final

from riskshift.analysis.gate.result import GateReport, GateResult
from riskshift.analysis.rates import unrounded
from riskshift.analysis.words import counted
from riskshift.report.document import Block, Bullets, Document, Figure, Section, Table
from riskshift.report.stories.card import card_section
from riskshift.report.tables import Column, table

WORDS: Final = {"pass": "PASS", "fail": "FAIL", "inconclusive": "INCONCLUSIVE"}
MOST_DRAWN: Final = 40


def story(report: GateReport) -> Document:
    """Arrange a gate for readers.

    Parameters
    ----------
    report : GateReport
        What the rules said.

    Returns
    -------
    Document
    """
    checks = report.worst_first
    blocks: list[Block] = [_verdicts(checks, unrounded(report.confidence))]
    if len(checks) <= MOST_DRAWN:
        blocks.append(_picture(checks, unrounded(report.confidence)))
    return Document(
        title="Release gate",
        subtitle=f"{counted(len(checks), 'check')} of {_file(report.provenance['source'])}",
        summary=(report.headline, *report.warnings, *report.cautions),
        caveats=tuple(report.notes),
        sections=(
            Section("Verdicts", "verdicts", tuple(blocks), brief=True),
            Section("What was found", "findings", (Bullets(tuple(map(_finding, checks))),)),
            card_section(report.card),
            _origin(report),
        ),
    )


def _file(source: str) -> str:
    """Name the data without the folder it lay in: pages are sent around."""
    return PurePath(source).name or source


def _verdicts(checks: Sequence[GateResult], at: str) -> Table:
    return table(
        "Every check, the worst first",
        checks,
        (
            Column[GateResult]("Verdict", lambda check: WORDS[check.verdict], text=True),
            Column("Check", lambda check: check.title, text=True),
            Column("Of", lambda check: f"{check.trials:,}", essential=False),
            Column("Estimate", lambda check: check.told[0]),
            Column(f"{at} interval", lambda check: check.told[1]),
        ),
    )


def _finding(check: GateResult) -> str:
    said = f"{WORDS[check.verdict]} {check.title}: {check.sentence}"
    return f"{said} {check.note}" if check.note else said


def _picture(checks: Sequence[GateResult], at: str) -> Figure:
    rows: list[dict[str, str | float | int]] = []
    for check in checks:
        estimate, held = check.judged.estimate, check.judged.interval
        if estimate is not None and held is not None:
            shown = {"label": check.title, "series": ""}
            rows.append(shown | {"estimate": estimate, "low": held.low, "high": held.high})
    told = "; ".join(f"{c.title}: {c.told[0]} ({c.told[1]}), {c.verdict}" for c in checks)
    return Figure(
        "checks",
        "intervals",
        f"What was judged, with its {at} interval",
        f"Dots with intervals. {told}.",
        tuple(rows),
        tuple(check.title for check in checks),
    )


def _origin(report: GateReport) -> Section:
    made = report.provenance
    facts = [("data", made["source"]), ("hash of the sorted counts", made["data_hash"])]
    if made["baseline"]:
        facts += [
            ("baseline", made["baseline"]["source"]),
            ("its hash", made["baseline"]["data_hash"]),
        ]
    if made["people"]:
        facts.append(("people's labels", made["people"]))
    rules = tuple((rule,) for rule in report.rules)
    return Section(
        "Rules, and where the numbers come from",
        "provenance",
        (
            Table("Rules as they were written", ("Rule",), rules),
            Table("Provenance", ("What", "Value"), tuple(facts), text_columns=2),
        ),
    )
