"""A check as a statement for a supply chain: what was judged, by which rules, with which verdicts."""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from riskshift.analysis.gate.result import GateReport
from riskshift.outputs.escape import json_text
from riskshift.outputs.numbers import written
from riskshift.version import __version__

STATEMENT: Final = "https://in-toto.io/Statement/v1"
PREDICATE: Final = "https://in-toto.io/attestation/test-result/v0.1"


def to_statement(report: GateReport, subjects: Mapping[str, str]) -> str:
    """Return an in-toto statement (JSON, not signed) of a check.

    Parameters
    ----------
    report : GateReport
        What the rules said.
    subjects : mapping of str to str
        By the name of a file that was judged the SHA-256 of its bytes, in hexadecimal.

    Returns
    -------
    str
        Of the predicate type "test result". Its ``result`` is PASSED only where the gate passes: a
        check without enough evidence is among ``failedTests``, and what it lacks is told under
        ``riskshift``.
    """
    rules = json.dumps(report.rules).encode()
    configuration = {
        "name": "rules",
        "mediaType": "application/json",
        "digest": {"sha256": hashlib.sha256(rules).hexdigest()},
        "content": base64.b64encode(rules).decode(),
    }
    passed = [r.title for r in report.results if r.verdict == "pass"]
    predicate = {
        "result": "PASSED" if report.verdict == "pass" else "FAILED",
        "configuration": [configuration],
        "passedTests": passed,
        "failedTests": [r.title for r in report.results if r.verdict != "pass"],
        "riskshift": _details(report),
    }
    made = {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": sha}} for name, sha in subjects.items()],
        "predicateType": PREDICATE,
        "predicate": predicate,
    }
    return json_text(json.dumps(written(made), indent=1, allow_nan=False)) + "\n"


def _details(report: GateReport) -> dict[str, Any]:
    baseline = report.provenance.get("baseline") or {}
    rows = [{**row, "title": r.title} for row, r in zip(report.rows(), report.results, strict=True)]
    return {
        "version": __version__,
        "verdict": report.verdict,
        "headline": report.headline,
        "confidence": report.confidence,
        "data_hash": report.provenance.get("data_hash"),
        "baseline_data_hash": baseline.get("data_hash"),
        "rules": list(report.rules),
        "verdicts": rows,
        "warnings": [*report.warnings, *report.cautions],
    }
