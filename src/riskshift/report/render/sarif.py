"""The verdict of a release gate as SARIF 2.1.0, the format of static analysis."""

import hashlib
import json
from pathlib import PurePath
from typing import Any, Final
from urllib.parse import quote

from riskshift.analysis.gate.result import GateReport, GateResult
from riskshift.outputs.escape import json_text, visible
from riskshift.version import __version__

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
# A result of another kind than "fail" must have the level "none" (section 3.27.10 of the standard).
_KINDS: Final = {"fail": ("fail", "error"), "inconclusive": ("open", "none")}


def to_sarif(report: GateReport) -> str:
    """Return SARIF: one result a check that does not pass, one rule a rule.

    Parameters
    ----------
    report : GateReport
        What the rules said.

    Returns
    -------
    str
        A failed check is a result of the kind ``fail``, one without enough evidence ``open``. A
        check that passed is no result, for viewers show every result as something to mend.
    """
    rules = list(report.rules)
    open_ = [result for result in report.worst_first if result.verdict != "pass"]
    driver = {
        "name": "riskshift",
        "version": __version__,
        "rules": [{"id": _text(rule), **_message("shortDescription", rule)} for rule in rules],
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": True, **_warnings(report)}],
        "results": [_result(result, rules, report) for result in open_],
        "columnKind": "unicodeCodePoints",
        "properties": {"verdict": report.verdict, "headline": report.headline},
    }
    made = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json_text(json.dumps(made, indent=1, allow_nan=False, ensure_ascii=False)) + "\n"


def _result(result: GateResult, rules: list[str], report: GateReport) -> dict[str, Any]:
    kind, level = _KINDS[result.verdict]
    said = " ".join(filter(None, (f"{result.title}:", result.sentence, result.note)))
    about = json.dumps([result.rule.text, result.metric, result.group])
    made = {
        "ruleId": _text(result.rule.text),
        "ruleIndex": rules.index(result.rule.text),
        "kind": kind,
        "level": level,
        **_message("message", said),
        "partialFingerprints": {"check/v1": hashlib.sha256(about.encode()).hexdigest()},
    }
    return made | _locations(report)


def _locations(report: GateReport) -> dict[str, Any]:
    """Point at the first line of the file that was judged; data of another kind has no place."""
    source = str(report.provenance.get("source", ""))
    path = PurePath(source)
    if report.provenance.get("engine") != "duckdb" or path.suffix == "" or " " in path.suffix:
        return {}
    place = path.as_uri() if path.is_absolute() else quote(path.as_posix())
    where = {"artifactLocation": {"uri": place}, "region": {"startLine": 1}}
    return {"locations": [{"physicalLocation": where}]}


def _warnings(report: GateReport) -> dict[str, Any]:
    told = [
        {"level": "warning", **_message("message", text)}
        for text in (*report.warnings, *report.cautions)
    ]
    return {"toolExecutionNotifications": told} if told else {}


def _message(key: str, text: str) -> dict[str, Any]:
    return {key: {"text": _text(text)}}


def _text(text: str) -> str:
    return visible(text)
