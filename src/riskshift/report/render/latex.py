"""The document as LaTeX that compiles as it is, with tables to cut out."""

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

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
from riskshift.report.render.tabular import case_table, matrix_table, shortened
from riskshift.report.render.typeset import Setting, broken, typeset

_HEAD: Final = r"""% Compiles as it is with pdflatex, xelatex or lualatex; the source is plain ASCII.
% Each table stands between two comment lines and can be cut out; it needs array, booktabs and,
% where it is long, longtable. Eth, thorn and the ogonek need the T1 encoding.
\documentclass[10pt,a4paper]{article}
\usepackage[T1]{fontenc}
\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
\usepackage[margin=16mm]{geometry}
\usepackage{array}
\usepackage{booktabs}
\usepackage{longtable}
\setlength{\abovecaptionskip}{2pt}
\setlength{\belowcaptionskip}{5pt}
\setlength{\LTcapwidth}{\linewidth}
\setlength{\parindent}{0pt}
\setlength{\parskip}{6pt plus 2pt}
\sloppy
% Here tables stay in their place; cut out, they float as usual.
\makeatletter
\renewenvironment{table}[1][]
  {\par\medskip\begin{minipage}{\linewidth}\def\@captype{table}}
  {\end{minipage}\par\medskip}
\makeatother
\begin{document}"""
_MINUS: Final = re.compile(r"(?<![\w-])-(?=\d)")
# A cell cannot run over pages.
_LONGEST_CELL: Final = 300
# Words wider than this, in em, may break.
_LONG_WORD: Final = 15.0
_END: Final = "% --- end of table"


def render_latex(document: Document) -> str:
    r"""Render a document as LaTeX.

    Charts are left out, with a comment that names them; cases are listed without their texts.

    Parameters
    ----------
    document : Document
        What to render; everything in it is escaped.

    Returns
    -------
    str
        A complete document in plain ASCII, for pdflatex, xelatex or lualatex.

    Examples
    --------
    >>> page = Document("Risk", "3 pairs", ("All of 100% fell.",), (), ())
    >>> r"\item {}All of 100\% fell." in render_latex(page)
    True
    """
    parts = [_HEAD, rf"{{\Large\bfseries {_text(document.title)}\par}}", _text(document.subtitle)]
    parts.append(_items(map(_text, document.summary)))
    if document.caveats:
        parts += [r"\section*{What cannot be said}", _items(map(_text, document.caveats))]
    for section in document.sections:
        parts.append(rf"\section*{{{_text(section.title)}}}")
        for block in section.blocks:
            parts += _block(block)
    return "\n\n".join(part for part in parts if part) + "\n\n\\end{document}\n"


def _text(text: str) -> str:
    return textwrap.fill(
        broken(text.strip(), width=_LONG_WORD), 100, break_long_words=False, break_on_hyphens=False
    )


def _block(block: Block) -> Iterator[str]:
    match block:
        case Paragraph(text, kind):
            shown = _text(text)
            yield f"\\begin{{quote}}\n{shown}\n\\end{{quote}}" if kind == "note" else shown
        case Bullets(items):
            yield _items(map(_text, items))
        case Table():
            yield from _table(block)
        case Matrix():
            yield from _table(matrix_table(block))
        case Grid():
            yield from _table(block.table())
        case CaseList():
            yield from _table(case_table(block))
        case Panels(_, figures):
            for figure in figures:
                yield from _block(figure)
        case Figure():
            yield _comment(f"chart: {block.title}; --charts writes it as {block.name}.png")
        case Terms(items):
            yield _items(
                _text(f"{name} ({formula}): {meaning}") for name, formula, meaning in items
            )


def _items(items: Iterator[str]) -> str:
    listed = [rf"\item {{}}{item}" for item in items]
    return "\n".join([r"\begin{itemize}", *listed, r"\end{itemize}"]) if listed else ""


def _comment(text: str) -> str:
    shown = escape.visible(text).encode("ascii", "backslashreplace").decode()
    return f"% --- {shown}"


def _table(table: Table) -> Iterator[str]:
    parts = list(typeset(_with_minus(shortened(table, _LONGEST_CELL))))
    for number, (part, setting) in enumerate(parts, start=1):
        caption = part.caption
        if len(parts) > 1:
            caption += f" (part {number} of {len(parts)})"
        body = _long if setting.long else _short
        lines = [_comment(f"table: {caption}"), *body(part, setting, _text(caption)), _END]
        yield "\n".join(lines)


def _with_minus(table: Table) -> Table:
    first = table.text_columns
    rows = tuple(
        (*row[:first], *(_MINUS.sub("\N{MINUS SIGN}", cell) for cell in row[first:]))
        for row in table.rows
    )
    return replace(table, rows=rows)


def _short(table: Table, setting: Setting, caption: str) -> Iterator[str]:
    yield r"\begin{table}[!htbp]"
    yield rf"\caption{{{caption}}}"
    yield rf"\centering{setting.size}"
    yield rf"\begin{{tabular}}{{{setting.columns}}}"
    yield from (r"\toprule", _row(table.columns, setting), r"\midrule")
    yield from (_row(row, setting) for row in table.rows)
    yield from (r"\bottomrule", r"\end{tabular}")
    yield from _notes(table.footnotes)
    yield r"\end{table}"


def _long(table: Table, setting: Setting, caption: str) -> Iterator[str]:
    heading = (r"\toprule", _row(table.columns, setting), r"\midrule")
    yield rf"\begingroup{setting.size}"
    yield rf"\begin{{longtable}}{{{setting.columns}}}"
    yield rf"\caption{{{caption}}}\\"
    yield from (*heading, r"\endfirsthead", *heading, r"\endhead")
    yield from (r"\midrule", r"\endfoot", r"\bottomrule", r"\endlastfoot")
    yield from (_row(row, setting) for row in table.rows)
    yield r"\end{longtable}"
    yield from _notes(table.footnotes)
    yield r"\endgroup"


def _notes(notes: Sequence[str]) -> Iterator[str]:
    if notes:
        yield r"\par\smallskip\raggedright\footnotesize"
        yield from (rf"{_text(note)}\par" for note in notes)


def _row(cells: Sequence[str], setting: Setting) -> str:
    shown = []
    for cell, width in zip(cells, setting.widths, strict=True):
        # TeX drops leading spaces, and they are indents.
        indent = r"\quad{}" if cell.startswith(" ") else ""
        shown.append(indent + broken(cell.strip(), width=width))
    return " & ".join(shown) + r" \\"
