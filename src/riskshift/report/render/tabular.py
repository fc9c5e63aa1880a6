"""Matrices and cases as plain tables, for places that know nothing better."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from riskshift.counts.case import Case
from riskshift.report.document import CaseList, Matrix, Table

_IDENTITY: Final = {"prompt_id": "Prompt id", "model": "Model", "sample": "Sample"}
_MOST_NAMED: Final = 3


def narrowed(table: Table) -> Table:
    """Keep the essential columns.

    Examples
    --------
    >>> wide = Table("Rates", ("Name", "Formula", "Rate"), (("a", "x / n", "1%"),), essential=(0, 2))
    >>> narrowed(wide).columns
    ('Name', 'Rate')
    """
    return table.taken(table.essential) if table.essential else table


def shortened(table: Table, longest: int) -> Table:
    """Cut cells that are no names but texts, such as values of a column of prompts.

    Examples
    --------
    >>> shortened(Table("Groups", ("prompt",), (("Tell me how",),)), 8).rows
    (('Tell me…',),)
    """
    rows = (
        tuple(cell if len(cell) <= longest else f"{cell[: longest - 1]}…" for cell in row)
        for row in table.rows
    )
    return replace(table, rows=tuple(rows))


def shared_width(
    least: Sequence[float], full: Sequence[float], *, texts: int, width: float
) -> list[float]:
    """Share a width among columns so that as few as possible wrap.

    Parameters
    ----------
    least, full : sequence of float
        Width that each column needs, and at which nothing in it wraps.
    texts : int
        How many leading columns hold text; only the headings of the others can wrap.
    width : float
        What there is, gaps aside; at least the sum of `least`.

    Examples
    --------
    >>> shared_width([4, 4, 6], [30, 9, 8], texts=2, width=25)
    [10, 9, 6.0]
    """
    widths = list(least)
    wants = [max(whole - part, 0) for whole, part in zip(full, least, strict=True)]
    spare = width - sum(least)
    # The shortest wants first, so that only the longest text wraps; what is left to the headings.
    for i in sorted(range(texts), key=lambda i: wants[i]):
        more = min(spare, wants[i])
        widths[i] += more
        spare -= more
    share = min(1, spare / (sum(wants[texts:]) or 1))
    return widths[:texts] + [
        part + share * want for part, want in zip(widths[texts:], wants[texts:], strict=True)
    ]


def matrix_table(matrix: Matrix) -> Table:
    """Set a transition matrix as a table.

    Examples
    --------
    >>> matrix_table(Matrix("Pairs", ("Safe", "High"), ((8, 0), (3, 1200)))).rows
    (('Safe', '8', '0'), ('High', '3', '1,200'))
    """
    rows = tuple(
        (level, *(f"{count:,}" for count in row))
        for level, row in zip(matrix.levels, matrix.counts, strict=True)
    )
    return Table(matrix.caption, ("Prompt / response", *matrix.levels), rows)


def case_table(listed: CaseList) -> Table:
    """Set cases as a table, without their texts."""
    cases = listed.cases
    identity = [role for role in _IDENTITY if any(getattr(case, role) for case in cases)]
    relevance = any(case.relevance is not None for case in cases)
    rows = tuple(
        (
            *(getattr(case, role) or "" for role in identity),
            _highest(case.prompt, listed.levels),
            _highest(case.response, listed.levels),
            _rises(case, listed.levels),
            case.origin.replace("_", " "),
            *((str(case.relevance or ""),) if relevance else ()),
        )
        for case in cases
    )
    columns = (
        *(_IDENTITY[role] for role in identity),
        *("Prompt", "Response", "Rises in", "Origin"),
        *(("Relevance",) if relevance else ()),
    )
    return Table("Cases", columns, rows, text_columns=len(identity) + 4)


def _highest(side: Mapping[str, int | None], levels: tuple[str, ...]) -> str:
    known = [level for level in side.values() if level is not None]
    return levels[max(known)] if known and len(known) == len(side) else "missing"


def _rises(case: Case, levels: tuple[str, ...]) -> str:
    found = list(_risen(case, levels))
    more = len(found) - _MOST_NAMED
    return ", ".join(found[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _risen(case: Case, levels: tuple[str, ...]) -> Iterator[str]:
    for name, after in case.response.items():
        before = case.prompt.get(name)
        if before is not None and after is not None and after > before:
            yield f"{name} ({levels[before]} to {levels[after]})"
