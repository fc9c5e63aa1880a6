"""The document as GitHub-flavoured Markdown: readable raw, safe in a comment, no HTML."""

from collections.abc import Iterator

from riskshift.outputs import escape
from riskshift.report.document import (
    Block,
    Bullets,
    CaseList,
    Document,
    Figure,
    Grid,
    Matrix,
    Panels,
    Paragraph,
    Table,
    Terms,
)
from riskshift.report.render.tabular import case_table, matrix_table


def render_markdown(document: Document) -> str:
    r"""Render a document as GitHub-flavoured Markdown.

    Charts are told in words, cases are listed without their texts, and whatever comes from data
    is escaped: no HTML, links, mentions or mathematics.

    Parameters
    ----------
    document : Document
        What to render.

    Returns
    -------
    str
        Ends with one newline; no line ends with a space.

    Examples
    --------
    >>> page = Document("Risk", "3 pairs from a|b.csv", ("All fell.",), (), ())
    >>> print(render_markdown(page), end="")
    # Risk
    <BLANKLINE>
    3 pairs from a\|b.csv
    <BLANKLINE>
    - All fell.
    """
    parts = [f"# {_text(document.title)}", _text(document.subtitle), _list(document.summary)]
    if document.caveats:
        parts += ["## What cannot be said", _list(document.caveats)]
    for section in document.sections:
        parts.append(f"## {_text(section.title)}")
        for block in section.blocks:
            parts += _block(block)
    return "\n\n".join(part for part in parts if part) + "\n"


def _text(text: str) -> str:
    return escape.markdown(text.strip())


def _strong(text: str) -> str:
    return f"**{_text(text)}**" if text.strip() else ""


def _list(items: tuple[str, ...]) -> str:
    return "\n".join(f"- {_text(item)}" for item in items if item.strip())


def _block(block: Block) -> Iterator[str]:
    match block:
        case Paragraph(text, kind):
            yield f"> {_text(text)}" if kind == "note" else _text(text)
        case Bullets(items):
            yield _list(items)
        case Table():
            yield from _table(block)
        case Matrix():
            yield from _table(matrix_table(block))
        case CaseList():
            yield from _table(case_table(block))
        case Grid():
            yield from _table(block.table())
        case Figure():
            yield f"Chart: {_text(block.title)}. {_text(block.alt)}"
        case Panels(_, figures):
            for figure in figures:
                yield from _block(figure)
        case Terms(items):
            yield "\n".join(
                f"- {_strong(name)} ({_text(formula)}): {_text(meaning)}"
                for name, formula, meaning in items
            )


def _table(table: Table) -> Iterator[str]:
    yield _strong(table.caption)
    numbers = len(table.columns) - table.text_columns
    ruler = [":--"] * table.text_columns + ["--:"] * numbers
    yield "\n".join([_row(table.columns), f"| {' | '.join(ruler)} |", *map(_row, table.rows)])
    yield from map(_text, table.footnotes)


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(map(_text, cells))} |"
