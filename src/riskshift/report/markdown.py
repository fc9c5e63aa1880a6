"""A document as GitHub-flavoured Markdown; texts of cases never go into it."""

from collections.abc import Iterator, Sequence

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
from riskshift.report.escape import markdown as safe


def render_markdown(document: Document) -> str:
    """Return a document as Markdown.

    Parameters
    ----------
    document : Document
        What to render; everything in it is escaped.

    Returns
    -------
    str
        Ends with one line break.
    """
    parts = [f"# {safe(document.title)}", safe(document.subtitle)]
    parts += [safe(sentence) for sentence in document.summary]
    if document.caveats:
        parts += ["## What cannot be said", _bullets(document.caveats)]
    for section in document.sections:
        parts.append(f"## {safe(section.title)}")
        for block in section.blocks:
            parts += _block(block)
    return "\n\n".join(part for part in parts if part) + "\n"


def _block(block: Block) -> Iterator[str]:
    if isinstance(block, Paragraph):
        yield safe(block.text)
    elif isinstance(block, Bullets):
        yield _bullets(block.items)
    elif isinstance(block, Table):
        yield f"**{safe(block.caption)}**"
        yield _table(block.columns, block.rows, block.text_columns)
        yield from (safe(note) for note in block.notes)
    elif isinstance(block, Matrix):
        yield f"**{safe(block.caption)}** (rows: prompt, columns: response)"
        rows = [
            (level, *(f"{count:,}" for count in row))
            for level, row in zip(block.levels, block.counts, strict=True)
        ]
        yield _table(("Prompt", *block.levels), rows, 1)
    elif isinstance(block, Figure):
        yield safe(f"{block.title}: {block.alt}")
    elif isinstance(block, Terms):
        yield "\n".join(
            f"- **{safe(name)}** ({safe(formula)}): {safe(meaning)}"
            for name, formula, meaning in block.items
        )
    elif isinstance(block, CaseList) and block.cases:
        yield from _block(case_table(block))


def _bullets(items: Sequence[str]) -> str:
    return "\n".join(f"- {safe(item)}" for item in items)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], text_columns: int) -> str:
    marks = [":--" if at < text_columns else "--:" for at in range(len(columns))]
    lines = [[safe(cell) for cell in columns], marks]
    lines += [[safe(cell) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
