"""One self-contained page: nothing is fetched, nothing from the data becomes markup.

Every string passes `escape.lines` and then Jinja's escaping on its way into the page; the only
markup that comes from elsewhere is what `charts.svg` draws.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from riskshift.analysis.words import percent
from riskshift.counts.case import Case
from riskshift.outputs.escape import lines
from riskshift.report import charts
from riskshift.report.document import CaseList, Document, Figure, Matrix
from riskshift.report.drawings import shade
from riskshift.written import RELEVANCE

LONGEST_TEXT: Final = 4_000
_LONGEST_NAME: Final = 120
_LONGEST_WORD: Final = 30
_SHORT_CELL: Final = 16
_ESTIMATE: Final = re.compile(r"([-+<>]?[\d.,]+%?) (\([^()]{1,40}\)(?: \*)?)")


@dataclass(frozen=True, slots=True)
class _Text:
    """A prompt or a response, cut to what a page should hold."""

    side: str
    shown: str | None
    more: int


@dataclass(frozen=True, slots=True)
class _Entry:
    """A case as the page shows it."""

    identity: tuple[str, ...]
    moves: tuple[tuple[str, str, str], ...]
    origin: str
    relevance: str | None
    cell: str
    bits: str
    texts: tuple[_Text, ...]


@dataclass(frozen=True, slots=True)
class _Cell:
    """A count of a matrix among its row."""

    name: str
    count: int
    share: str
    shade: int
    change: str


def render_html(document: Document, *, text: bool = True) -> str:
    """Render a document as one HTML page.

    Parameters
    ----------
    document : Document
        What to show. Its names and texts may be hostile.
    text : bool, default True
        Whether the page holds prompts and responses. Without, not a byte of them is in it.

    Returns
    -------
    str
        A page that needs no other file and no network, and is readable without JavaScript.

    Examples
    --------
    >>> page = render_html(Document("Title", "of <b>", ("One finding.",), ("One limit.",)))
    >>> page[:15], "of &lt;b&gt;" in page
    ('<!doctype html>', True)
    """
    style, script = _resource("report.css"), _resource("report.js")
    blocks = [block for section in document.sections for block in section.blocks]
    listed = next((block.cases for block in blocks if isinstance(block, CaseList)), ())
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            document=document,
            anchors=_anchors(document),
            text=text,
            # Cases are placed over all categories, as the first matrix is.
            main=next((block for block in blocks if isinstance(block, Matrix)), None),
            listed={_cell(case) for case in listed},
            # The hashes are of exactly what stands between the tags.
            style=Markup(style),  # noqa: S704
            script=Markup(script),  # noqa: S704
            policy=Markup(_policy(style, script)),  # noqa: S704
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("riskshift.report.render", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_inert,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "kind": lambda block: type(block).__name__.lower(),
        "grouped": lambda number: f"{number:,}",
        "drawn": _drawn,
        "entries": _entries,
        "cells": _cells,
        "fit": _fit,
        "halves": _halves,
    }
    environment.tests["unbroken"] = _unbroken
    return environment


def _unbroken(text: str) -> bool:
    """Tell whether a text has a word too long for a column."""
    return any(len(word) > _LONGEST_WORD for word in text.split())


def _fit(cell: str) -> str:
    """Return the class of a cell of text: a short one stays on a line, a long word may break."""
    if _unbroken(cell):
        return "long-cell"
    return "short-cell" if len(cell) <= _SHORT_CELL else "cell"


def _halves(cell: str) -> tuple[str, str] | None:
    """Return an estimate and its interval, between which a line may break; None of anything else."""
    found = _ESTIMATE.fullmatch(cell)
    return None if found is None else (found[1], found[2])


def _resource(name: str) -> str:
    return files("riskshift.report.render").joinpath("page", name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    return "; ".join(
        [
            "default-src 'none'",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
            "img-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _hash(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _inert(value: Any) -> Any:
    return lines(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _drawn(figure: Figure) -> Markup:
    if not charts.available():
        said = f"No chart, for nothing is installed that draws it ({charts.INSTALL}). {figure.alt}"
        return Markup('<span class="undrawn">{}</span>').format(lines(said))
    # charts.svg copies shapes and text from a list and nothing else; no other caller makes markup.
    return Markup(charts.svg(figure))  # noqa: S704


def _anchors(document: Document) -> tuple[str, ...]:
    """Return an id for each section: plain, and unlike the others."""
    anchors: list[str] = []
    for section in document.sections:
        plain = re.sub(r"[^A-Za-z0-9_-]+", "-", section.anchor).strip("-")[:60] or "section"
        name, at = plain, 2
        while name in anchors:
            name, at = f"{plain}-{at}", at + 1
        anchors.append(name)
    return tuple(anchors)


def _cells(row: tuple[int, ...], prompt: int) -> list[_Cell]:
    total = sum(row)
    return [
        _Cell(
            name=f"{prompt}-{response}",
            count=count,
            share=percent(count / total) if total else "–",
            shade=shade(count, total),
            change="same" if prompt == response else "up" if response > prompt else "down",
        )
        for response, count in enumerate(row)
    ]


def _entries(block: CaseList, text: bool) -> list[_Entry]:
    said = [
        " ".join(str(bit) for bit, (_, members) in enumerate(block.bits) if at in members)
        for at in range(len(block.cases))
    ]
    return [
        _entry(case, block.levels, bits, text=text)
        for case, bits in zip(block.cases, said, strict=True)
    ]


def _entry(case: Case, levels: tuple[str, ...], bits: str, *, text: bool) -> _Entry:
    sample = None if case.sample is None else f"sample {case.sample}"
    sides = (("Prompt", case.prompt_text), ("Response", case.response_text))
    known = text and any(written is not None for _, written in sides)
    return _Entry(
        identity=tuple(_short(part) for part in (case.prompt_id, case.model, sample) if part),
        moves=_moves(case, levels),
        origin=case.origin.replace("_", " "),
        relevance=None if case.relevance is None else RELEVANCE[case.relevance - 1],
        cell=_cell(case),
        bits=bits,
        texts=tuple(_cut(side, written) for side, written in sides) if known else (),
    )


def _moves(case: Case, levels: tuple[str, ...]) -> tuple[tuple[str, str, str], ...]:
    """Return where each category went from and to, without those safe on both sides."""

    def level(labels: Mapping[str, int | None], category: str) -> str:
        severity = labels.get(category)
        return "no label" if severity is None else levels[severity]

    return tuple(
        (_short(category), level(case.prompt, category), level(case.response, category))
        for category in case.prompt
        if case.prompt[category] != 0 or case.response.get(category) != 0
    )


def _cell(case: Case) -> str:
    """Return the cell of the matrix the case stands in; empty where a label is missing."""
    sides = (list(case.prompt.values()), list(case.response.values()))
    highest = [max((label or 0 for label in side), default=0) for side in sides]
    return "" if any(None in side for side in sides) else "-".join(map(str, highest))


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _cut(side: str, written: str | None) -> _Text:
    if written is None:
        return _Text(side, None, 0)
    return _Text(side, written[:LONGEST_TEXT], max(0, len(written) - LONGEST_TEXT))
