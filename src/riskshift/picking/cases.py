"""The pairs worth reading: escalations, by how far they rise, then by where they land."""

from collections.abc import Iterator, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from riskshift.collapse.checks.labels import Key
from riskshift.collapse.pairs import Collapsed
from riskshift.counts.case import Case
from riskshift.counts.clusters import IntArray
from riskshift.engines import engine
from riskshift.records import Records
from riskshift.written import MISSING, parse_relevance

IDENTITY = ("prompt_id", "model", "sample")
_TEXTS = ("prompt", "response")
_RANK = "riskshift_rank"


def worst_cases(collapsed: Collapsed, *, limit: int = 50, text: bool = True) -> tuple[Case, ...]:
    """Fetch the worst escalations.

    Parameters
    ----------
    collapsed : Collapsed
        Checked records and their patterns.
    limit : int, default 50
        At most so many.
    text : bool, default True
        Whether to fetch the texts, where the data has them.

    Returns
    -------
    tuple of Case
        Highest rise first, then highest response severity, then by identity.
    """
    if limit <= 0:
        return ()
    records = collapsed.records
    try:
        return _worst_cases(collapsed, limit=limit, text=text)
    except engine.EngineError as error:
        raise records.source.explain(str(error)) from error


def _worst_cases(collapsed: Collapsed, *, limit: int, text: bool) -> tuple[Case, ...]:
    records, keys = collapsed.records, collapsed.keys
    limit = min(limit, collapsed.counts.total)  # engines count to 2**63
    ranks = [_rises(collapsed, up, to) for up, to in _worst(collapsed, limit)]
    columns = [key.column for key in keys]
    found = engine.fetch(ordered_rows(records, ranks, columns, text=text).head(limit))
    return tuple(_case(records, row[1:], keys, text=text) for row in found)


def _worst(collapsed: Collapsed, limit: int) -> list[tuple[int, int]]:
    """Return how far the worst pairs rise and where they land, worst first, until there are enough."""
    counts, top = collapsed.counts, collapsed.counts.taxonomy.top
    prompt, response = _highest(counts.prompt), _highest(counts.response)
    rise = np.where((prompt == MISSING) | (response == MISSING), 0, response - prompt)
    found, rows = [], 0
    for up in range(top, 0, -1):
        for severity in range(top, up - 1, -1):
            n = int(counts.n[(rise == up) & (response == severity)].sum())
            if n and rows < limit:
                found.append((up, severity))
                rows += n
    return found


def _highest(labels: IntArray) -> IntArray:
    return np.where((labels == MISSING).any(axis=1), MISSING, labels.max(axis=1))


def _rises(collapsed: Collapsed, up: int, to: int) -> nw.Expr:
    """Tell which rows, their labels complete, rise by so many levels to one."""
    c = len(collapsed.counts.taxonomy.categories)
    return nw.all_horizontal(
        *_highest_is(collapsed, range(c), to - up),
        *_highest_is(collapsed, range(c, 2 * c), to),
        ignore_nulls=False,
    )


def _highest_is(collapsed: Collapsed, side: range, severity: int) -> Iterator[nw.Expr]:
    """Yield what must hold where the highest label of a side is of a severity."""
    there = []
    for at in side:
        key = collapsed.keys[at]
        levels = {row[at]: key.parse(row[at]) for row in collapsed.patterns}
        column = nw.col(key.column)
        yield column.is_in([value for value, level in levels.items() if 0 <= level <= severity])
        highest = [value for value, level in levels.items() if level == severity]
        there += [column.is_in(highest)] if highest else []
    yield nw.any_horizontal(*there, ignore_nulls=False)


def ordered_rows(
    records: Records, ranks: Sequence[nw.Expr], columns: list[str], *, text: bool
) -> engine.Frame:
    """Select rank, identity, texts if asked for, and columns of some rows, by rank and identity.

    Parameters
    ----------
    records : Records
        The rows.
    ranks : sequence of narwhals.Expr
        What holds of the rows of each rank; the others are left out.
    columns : list of str
        What else to select, by its names in the frame.
    text : bool
        Whether to select the texts.
    """
    # As text, because engines and file formats differ in the types they give an id.
    roles = (*IDENTITY, *(_TEXTS if text else ()))
    parts = []
    for role in roles:
        column = records.column(role)
        value = nw.lit(None, nw.String) if column is None else records.col(column).cast(nw.String)
        parts.append(value.alias(f"riskshift_{role}"))
    rank = nw.lit(len(ranks), nw.Int64)
    for at, holds in reversed(list(enumerate(ranks))):
        rank = nw.when(holds).then(nw.lit(at, nw.Int64)).otherwise(rank)
    ranked = records.frame.with_columns(rank.alias(_RANK)).filter(nw.col(_RANK) < len(ranks))
    names = [f"riskshift_{role}" for role in roles if records.column(role)]
    return ranked.select(_RANK, *parts, *map(nw.col, columns)).sort(_RANK, *names, *columns)


def _case(records: Records, row: tuple[Any, ...], keys: Sequence[Key], *, text: bool) -> Case:
    taxonomy = records.options.taxonomy
    columns, parse = [key.name for key in keys], keys[0].parse
    identity, texts = row[: len(IDENTITY)], row[len(IDENTITY) : len(row) - len(columns)]
    values = dict(zip(columns, row[len(row) - len(columns) :], strict=True))
    sides: list[dict[str, int | None]] = [
        {
            name: known(parse(values[pair[side]]))
            for name, pair in zip(taxonomy.categories, records.labels, strict=True)
        }
        for side in (0, 1)
    ]
    highest = max(level for level in sides[0].values() if level is not None)
    origin = (
        "compliance_escalation" if highest >= taxonomy.harmful_from else "unsolicited_elaboration"
    )
    relevance = records.column("relevance")
    read_relevance = records.options.marked(parse_relevance)
    prompt_text, response_text = texts if text else (None, None)
    prompt_id, model, sample = identity
    return Case(
        prompt_id=prompt_id,
        model=model,
        sample=sample,
        prompt=sides[0],
        response=sides[1],
        relevance=known(read_relevance(values[relevance])) if relevance else None,
        origin=origin,
        prompt_text=prompt_text,
        response_text=response_text,
    )


def known(level: int) -> int | None:
    """Return a severity, None where the label is missing."""
    return None if level == MISSING else level
