"""A document as LaTeX that compiles as it is; texts of cases never go into it."""

from collections.abc import Iterator, Sequence
from typing import Final

from riskshift.report.cells import case_table
from riskshift.report.document import (
    Block,
    Bullets,
    CaseList,
    Document,
    Figure,
    Matrix,
    Paragraph,
    Table,
    Terms,
)
from riskshift.report.escape import latex as safe

_HEAD: Final = r"""% Compiles as it is with pdflatex, xelatex or lualatex. Each table stands between two comment lines.
\documentclass[10pt,a4paper]{article}
\usepackage{iftex}
\ifPDFTeX
  \usepackage[T1]{fontenc}
  \usepackage[utf8]{inputenc}
\fi
\usepackage{textcomp}
\usepackage[margin=2cm]{geometry}
\usepackage{array}
\usepackage{booktabs}
\usepackage{longtable}
\setlength{\tabcolsep}{3pt}
\setlength{\parindent}{0pt}
\setlength{\parskip}{6pt}
\sloppy
\begin{document}
"""
_PAGE: Final = 0.97


def render_latex(document: Document) -> str:
    """Return a document as LaTeX.

    Parameters
    ----------
    document : Document
        What to render; everything in it is escaped.

    Returns
    -------
    str
        A complete document.
    """
    parts = [_HEAD, rf"\section*{{{safe(document.title)}}}", safe(document.subtitle)]
    parts += [safe(sentence) for sentence in document.summary]
    if document.caveats:
        parts += [r"\subsection*{What cannot be said}", _items(map(safe, document.caveats))]
    for section in document.sections:
        parts.append(rf"\subsection*{{{safe(section.title)}}}")
        for block in section.blocks:
            parts += _block(block)
    return "\n\n".join(parts) + "\n\n\\end{document}\n"


def _block(block: Block) -> Iterator[str]:
    if isinstance(block, Paragraph):
        yield safe(block.text)
    elif isinstance(block, Bullets) and block.items:
        yield _items(map(safe, block.items))
    elif isinstance(block, Table):
        yield _table(block.caption, block.columns, block.rows, block.text_columns, block.notes)
    elif isinstance(block, Matrix):
        rows = [
            (level, *(f"{count:,}" for count in row))
            for level, row in zip(block.levels, block.counts, strict=True)
        ]
        caption = f"{block.caption} (rows: prompt, columns: response)"
        yield _table(caption, ("Prompt", *block.levels), rows, 1, ())
    elif isinstance(block, Figure):
        yield f"% figure: {_comment(block.title)}; riskshift writes it with --charts as {_comment(block.name)}"
    elif isinstance(block, Terms):
        yield _items(
            rf"\textbf{{{safe(name)}}} ({safe(formula)}): {safe(meaning)}"
            for name, formula, meaning in block.items
        )
    elif isinstance(block, CaseList) and block.cases:
        yield from _block(case_table(block))


def _items(items: Iterator[str]) -> str:
    lines = "\n".join(rf"\item {item}" for item in items)
    return "\\begin{itemize}\n" + lines + "\n\\end{itemize}"


def _table(
    caption: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    text_columns: int,
    notes: Sequence[str],
) -> str:
    lines = [" & ".join(safe(cell) for cell in row) + r" \\" for row in (columns, *rows)]
    body = "\n".join(
        [
            rf"\begin{{longtable}}{{{_columns(columns, rows, text_columns)}}}",
            r"\toprule",
            lines[0],
            r"\midrule",
            r"\endhead",
            *lines[1:],
            r"\bottomrule",
            r"\end{longtable}",
        ]
    )
    return "\n".join(
        [
            f"% --- table: {_comment(caption)}",
            r"{\footnotesize",
            rf"\textbf{{{safe(caption)}}}",
            "",
            body,
            *(rf"{safe(note)}\par" for note in notes),
            "}",
            "% --- end of table",
        ]
    )


def _columns(columns: Sequence[str], rows: Sequence[Sequence[str]], text_columns: int) -> str:
    """Share the width of the page among the columns by the length of what they hold."""
    longest = [
        min(max(len(cell) for cell in column), 40) + 2
        for column in zip(columns, *rows, strict=True)
    ]
    # A character of footnote size is about 1.05 % of the line; short tables stay narrow.
    scale = min(0.0115, _PAGE / sum(longest))
    gap = r"\dimexpr{width}\linewidth-2\tabcolsep\relax"
    marks = []
    for at, length in enumerate(longest):
        flush = r"\raggedright" if at < text_columns else r"\raggedleft"
        width = gap.replace("{width}", f"{length * scale:.4f}")
        marks.append(rf">{{{flush}\arraybackslash}}p{{{width}}}")
    return "@{}" + "".join(marks) + "@{}"


def _comment(text: str) -> str:
    return "".join(char if " " <= char <= "~" else "?" for char in text)
