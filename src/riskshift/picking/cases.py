"""The pairs worth reading: escalations, by how far they rise, then by where they land."""

from collections.abc import Iterator, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from riskshift.collapse.coding import Coding
from riskshift.collapse.labels import Key
from riskshift.collapse.pairs import Collapsed
from riskshift.counts.case import Case
from riskshift.counts.clusters import IntArray
from riskshift.engines import engine
from riskshift.records import Records
from riskshift.taxonomy import Taxonomy
from riskshift.written import MISSING, parse_relevance

IDENTITY = ("prompt_id", "model", "sample")
_TEXTS = ("prompt", "response")


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
    columns = [key.column for key in keys]
    coding = Coding(columns, collapsed.patterns)
    cases: list[Case] = []
    for codes in _by_rank(records.options.taxonomy, coding.levels(keys), coding.of_patterns()):
        chosen = coding.of_rows().is_in(codes)
        found = engine.fetch(
            ordered_rows(records, chosen, columns, text=text).head(limit - len(cases))
        )
        cases += [_case(records, row, keys, text=text) for row in found]
        if len(cases) >= limit:
            break
    return tuple(cases)


def _by_rank(taxonomy: Taxonomy, levels: IntArray, codes: NDArray[Any]) -> Iterator[list[Any]]:
    """Yield the codes of escalating patterns, worst rank first."""
    c = len(taxonomy.categories)
    prompt, response = _highest(levels[:, :c]), _highest(levels[:, c : 2 * c])
    rise = np.where((prompt == MISSING) | (response == MISSING), 0, response - prompt)
    for up in range(taxonomy.top, 0, -1):
        for severity in range(taxonomy.top, 0, -1):
            at = (rise == up) & (response == severity)
            if at.any():
                yield np.unique(codes[at]).tolist()


def _highest(labels: IntArray) -> IntArray:
    return np.where((labels == MISSING).any(axis=1), MISSING, labels.max(axis=1))


def ordered_rows(
    records: Records, chosen: nw.Expr, columns: list[str], *, text: bool
) -> engine.Frame:
    """Select identity, texts if asked for, and columns of some rows, sorted by identity."""
    # As text, because engines and file formats differ in the types they give an id.
    parts = []
    for role in (*IDENTITY, *(_TEXTS if text else ())):
        column = records.column(role)
        value = nw.lit(None, nw.String) if column is None else records.col(column).cast(nw.String)
        parts.append(value.alias(f"riskshift_{role}"))
    frame = records.frame.filter(chosen).select(*parts, *(nw.col(column) for column in columns))
    names = [
        f"riskshift_{role}"
        for role in (*IDENTITY, *(_TEXTS if text else ()))
        if records.column(role)
    ]
    return frame.sort(*names, *columns)


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
