"""Write a result where it was asked for: beside first, then renamed, so that nothing is half written."""

import csv
import io
import json
import re
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Protocol

from riskshift.analysis.results import SCHEMA_VERSION
from riskshift.errors import RiskshiftWarning, unknown_choice
from riskshift.outputs.escape import json_text, spreadsheet
from riskshift.outputs.numbers import written
from riskshift.outputs.places import check_file, make_folder, together, write_bytes
from riskshift.report.document import Document


class Result(Protocol):
    """What every result offers."""

    @property
    def kind(self) -> str:
        """What it is, such as ``analysis``."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        ...

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield its numbers as flat rows."""
        ...


# Who tells the story of each kind of result; imported when it is told.
_STORIES: Final = {
    "Agreement": "agreement",
    "Analysis": "transitions.story",
    "Comparison": "comparison.story",
    "GateReport": "gate",
    "GraderReport": "grader",
    "Plan": "plan",
}


KINDS: Final = ("analysis", "comparison", "gate", "agreement", "grader", "plan")


def tell(result: Result) -> Document:
    """Arrange a result for readers, before it is rendered."""
    module = import_module(f"riskshift.report.stories.{_STORIES[type(result).__name__]}")
    document: Document = module.story(result)
    return document


def to_json(result: Result) -> str:
    """Return a result as strict JSON: no NaN, no Infinity."""
    made = json.dumps(written(result.to_dict()), indent=1, allow_nan=False, ensure_ascii=False)
    return json_text(made) + "\n"


def json_schema(kind: str = "analysis") -> dict[str, Any]:
    """Return the JSON Schema that every ``results.json`` meets.

    Parameters
    ----------
    kind : {"analysis", "comparison", "gate", "agreement", "grader", "plan"}
        What wrote it: riskshift analyze, compare, check, agree, grader, or plan.

    Raises
    ------
    UsageError
        If there is no schema of that kind.
    """
    text = files("riskshift.report").joinpath("results.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    if kind not in KINDS:
        raise unknown_choice("schema", kind, KINDS)
    named = {"$schema": schema["$schema"], "$id": f"urn:riskshift:{kind}:v{SCHEMA_VERSION}"}
    if kind == "analysis":
        return named | schema
    return named | {"$defs": schema["$defs"], "$ref": f"#/$defs/{kind}_results"}


def to_csv(result: Result) -> str:
    """Return the rows of a result as CSV, safe to open in a spreadsheet."""
    rows = list(result.rows())
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {k: spreadsheet(v) if isinstance(v, str) else written(v) for k, v in row.items()}
        )
    return text.getvalue()


def _html(result: Result, text: bool) -> str:
    from riskshift.report import charts
    from riskshift.report.render.html import render_html

    document = tell(result)
    if not charts.available() and any(document.figures()):
        warnings.warn(
            f"the page has its charts in words alone; to draw them: {charts.INSTALL}",
            RiskshiftWarning,
            stacklevel=4,
        )
    return render_html(document, text=text)


def _markdown(result: Result, text: bool) -> str:
    from riskshift.report.render.markdown import render_markdown

    return render_markdown(tell(result))


def _latex(result: Result, text: bool) -> str:
    from riskshift.report.render.latex import render_latex

    return render_latex(tell(result))


# Only the page ever shows prompts and responses; the others leave them out.
_WRITERS: Final[dict[str, Callable[[Result, bool], str]]] = {
    ".html": _html,
    ".md": _markdown,
    ".tex": _latex,
    ".json": lambda result, text: to_json(result),
    ".csv": lambda result, text: to_csv(result),
}


def _sarif(result: Result, text: bool) -> str:
    from riskshift.report.render.sarif import to_sarif

    return to_sarif(result)  # type: ignore[arg-type]  # only a gate is written so


def _junit(result: Result, text: bool) -> str:
    from riskshift.report.render.gate import to_junit

    return to_junit(result)  # type: ignore[arg-type]


def _text(result: Result, text: bool) -> str:
    from riskshift.report.render.gate import to_text

    return to_text(result)  # type: ignore[arg-type]


_OF_A_GATE: Final[dict[str, Callable[[Result, bool], str]]] = _WRITERS | {
    ".txt": _text,
    ".xml": _junit,
    ".sarif": _sarif,
}


def render(result: Result, suffix: str, *, text: bool = True) -> str:
    """Return a report as text; `suffix` is one that `write` knows."""
    return _writers(result.kind)[suffix](result, text)


def _writers(kind: str) -> dict[str, Callable[[Result, bool], str]]:
    return _OF_A_GATE if kind == "gate" else _WRITERS


def check_output(path: str | Path, kind: str = "analysis") -> Path:
    """Refuse an output that could not be written, before any work is done.

    Parameters
    ----------
    path : str or Path
        Where a result is to be written.
    kind : str
        What the result will be: a gate is also written as build servers read it.

    Raises
    ------
    OutputError
        If the suffix is unknown, the path is a folder, or its folder cannot be written to.
    """
    return check_file(path, _writers(kind), rule="Reports end in", example="report.html")


def write(result: Result, path: str | Path, *, text: bool = True) -> Path:
    """Write a report; its suffix says what kind.

    Parameters
    ----------
    result : Analysis, Comparison or another result
        What to report.
    path : str or Path
        ``.html`` for a page to read, ``.md``, ``.tex``, ``.json`` for everything, ``.csv`` for its
        rows; of a gate also ``.xml`` (JUnit), ``.sarif`` and ``.txt``.
    text : bool, default True
        Whether the page holds the prompts and responses of its cases (hidden until asked for).
        Other formats never do.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    OutputError
        If it cannot be written. Whatever stood there before is then still there.
    UsageError
        If it is no result.
    """
    if type(result).__name__ not in _STORIES:
        raise unknown_choice("result", type(result).__name__, tuple(_STORIES))
    place = check_output(path, result.kind)
    write_bytes(place, render(result, place.suffix.lower(), text=text).encode("utf-8", "replace"))
    return place


def write_charts(result: Result, folder: str | Path) -> list[Path]:
    """Write every chart of the report as SVG and PNG into a folder, which is made if need be.

    Raises
    ------
    OutputError
        If the folder cannot be made or written to.
    UsageError
        If nothing is installed that draws.
    """
    from riskshift.report import charts

    charts.require()
    place = Path(folder)
    written: list[Path] = []
    stems: dict[str, int] = {}
    with together():
        make_folder(place)
        for figure in tell(result).figures():
            stem = re.sub(r"[^A-Za-z0-9_-]+", "-", figure.name).strip("-")
            stems[stem] = stems.get(stem, 0) + 1
            stem += f"-{stems[stem]}" if stems[stem] > 1 else ""
            picture = charts.svg(figure)
            drawn = {".svg": picture.encode(), ".png": charts.raster(picture)}
            written += [write_bytes(place / f"{stem}{kind}", held) for kind, held in drawn.items()]
    return written
