"""The verdict of a release gate, for people, programs and build servers."""

import re
import xml.etree.ElementTree as ET
from io import StringIO
from typing import Final

from riskshift.analysis.gate.result import GateReport
from riskshift.outputs.escape import visible
from riskshift.report.stories.gate import WORDS

WIDTH: Final = 80
_COMMAND: Final = {"pass": "notice", "fail": "error", "inconclusive": "warning"}
# What XML 1.0 cannot hold even as a character reference.
_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_text(report: GateReport) -> str:
    """Return the verdict for a terminal, at most 80 columns wide, the worst checks first.

    Parameters
    ----------
    report : GateReport
        What the rules said.

    Returns
    -------
    str
    """
    lines = [*_wrapped(report.headline, 0)]
    for warning in report.warnings:
        lines += ["", *_wrapped(f"WARNING  {warning}", 0)]
    for result in report.worst_first:
        lines += ["", *_wrapped(f"{WORDS[result.verdict]}  {result.title}", 0)]
        lines += _wrapped(result.sentence, 2)
        lines += _wrapped(result.note, 2) if result.note else []
    for caution in report.cautions:
        lines += ["", *_wrapped(f"WARNING  {caution}", 0)]
    lines += ["", *(line for note in report.notes for line in _wrapped(note, 0))]
    return "\n".join(lines) + "\n"


def to_github(report: GateReport) -> str:
    """Return workflow commands that GitHub Actions shows as annotations, one a check.

    Parameters
    ----------
    report : GateReport
        What the rules said.

    Returns
    -------
    str
        ``::error`` for a failed check, ``::warning`` for one without enough evidence and for what
        the data does not say, ``::notice`` for a check that passed.
    """
    lines = [_annotation(report.verdict, "riskshift check", [report.headline, *report.notes])]
    lines += [
        _command("warning", "riskshift check", [warning])
        for warning in (*report.warnings, *report.cautions)
    ]
    for result in report.worst_first:
        said = [result.sentence, *([result.note] if result.note else [])]
        lines.append(_annotation(result.verdict, result.title, said))
    return "\n".join(lines) + "\n"


def to_junit(report: GateReport) -> str:
    """Return JUnit's XML, one test case a check; without enough evidence a check is not green.

    Parameters
    ----------
    report : GateReport
        What the rules said.

    Returns
    -------
    str
        A failed check is a failure of type ``fail``, one without enough evidence a failure of
        type ``inconclusive``.
    """
    bad = sum(result.verdict != "pass" for result in report.results)
    numbers = {"tests": str(len(report.results)), "failures": str(bad), "errors": "0"}
    suite = ET.Element("testsuite", {"name": "riskshift check", **numbers, "skipped": "0"})
    properties = ET.SubElement(suite, "properties")
    for name in ("source", "data_hash"):
        value = _xml(str(report.provenance.get(name, "")))
        ET.SubElement(properties, "property", {"name": name, "value": value})
    for result in report.results:
        case = ET.SubElement(suite, "testcase", {"name": _xml(result.title), "time": "0"})
        case.set("classname", _xml(f"riskshift.{result.metric}"))
        said = _xml(" ".join(filter(None, (result.sentence, result.note))))
        if result.verdict == "pass":
            ET.SubElement(case, "system-out").text = said
        else:
            failure = ET.SubElement(case, "failure", {"type": result.verdict})
            failure.set("message", _xml(result.sentence))
            failure.text = said
    warned = [f"WARNING: {warning}" for warning in (*report.warnings, *report.cautions)]
    said_of_all = [report.headline, *warned, *report.notes]
    ET.SubElement(suite, "system-out").text = _xml("\n".join(said_of_all))
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=False) + "\n"


def _wrapped(text: str, indent: int) -> list[str]:
    """Break a text at the width, by what a terminal shows: some letters are two columns wide."""
    from rich.console import Console
    from rich.text import Text

    console = Console(file=StringIO(), width=WIDTH)
    lines = Text(visible(text)).wrap(console, WIDTH - indent)
    return [" " * indent + line.plain.rstrip() for line in lines]


def _annotation(verdict: str, title: str, said: list[str]) -> str:
    return _command(_COMMAND[verdict], title, said)


def _command(command: str, title: str, said: list[str]) -> str:
    message = _data("\n".join(visible(part) for part in said))
    return f"::{command} title={_property(visible(title))}::{message}"


def _data(text: str) -> str:
    """Escape a message as the runner reads it back."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _xml(text: str) -> str:
    return _NOT_XML.sub("", visible(text, keep="\n"))
