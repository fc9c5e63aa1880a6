"""The pairs worth reading: of each cell of the matrix some, drawn with the seed, the worst first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import narwhals.stable.v2 as nw
import numpy as np

from riskshift.collapse.checks.labels import Key
from riskshift.collapse.coding import Coding
from riskshift.collapse.pairs import Collapsed
from riskshift.counts.case import Case
from riskshift.counts.clusters import IntArray
from riskshift.engines import engine
from riskshift.records import Records
from riskshift.stats.resample import generator
from riskshift.taxonomy import Taxonomy
from riskshift.written import MISSING

IDENTITY: Final = ("prompt_id", "model", "sample")
TEXTS: Final = ("prompt", "response")
# Of a cell that holds neither harm nor a rise; and the share of the list that is kept for such.
MOST_QUIET: Final = 3
QUIET_SHARE: Final = 0.2
# Of more pairs than these drawing would cost more than all else: the list holds the worst escalations.
MOST_SORTED: Final = 500_000
_CODE, _CELL, _AT = "riskshift_code", "riskshift_cell", "riskshift_at"


@dataclass(frozen=True, slots=True)
class _Cell:
    """A cell of the matrix, parted by refusal: the codes of its patterns, and how many records."""

    codes: list[Any]
    records: int
    quiet: bool
    name: str


def cases_to_read(
    collapsed: Collapsed, *, limit: int | None, seed: int, text: bool = True
) -> tuple[Case, ...]:
    """Fetch pairs of each cell of the matrix, refused and answered ones apart; none where counts were saved.

    Parameters
    ----------
    collapsed : Collapsed
        Checked records and their patterns.
    limit : int or None
        At most so many, shared out among the cells: those of harmful responses and of responses
        more severe than their prompt first. None: all of these. Where there are more than
        `MOST_SORTED` to choose from, the worst escalations alone.
    seed : int
        Which pairs of a cell are drawn.
    text : bool, default True
        Whether to fetch the texts, where the data has them.

    Returns
    -------
    tuple of Case
        Highest rise first, then highest response severity, then by identity.
    """
    if (limit is not None and limit <= 0) or collapsed.records.counted is not None:
        return ()
    with engine.explained(collapsed.records.source):
        return _cases(collapsed, limit=limit, seed=seed, text=text)


def _cases(collapsed: Collapsed, *, limit: int | None, seed: int, text: bool) -> tuple[Case, ...]:
    records, keys = collapsed.records, collapsed.keys
    coding = Coding([key.column for key in keys], collapsed.patterns)
    cells = _cells(records, keys, coding, [row[-1] for row in collapsed.patterns])
    quotas = _quotas(cells, limit)
    sorted_rows = sum(cell.records for cell, quota in zip(cells, quotas, strict=True) if quota)
    if limit is not None and sorted_rows > MOST_SORTED:
        rows = _worst_rows(collapsed, limit, text=text)
        return tuple(case_of(records, row, keys, text=text) for row in rows)
    places, start = list[int](), 0
    for cell, quota in zip(cells, quotas, strict=True):
        rng = generator(seed, "cases", cell.name)
        drawn = rng.choice(cell.records, quota, replace=False, shuffle=False)
        places += sorted(start + int(at) for at in drawn)
        start += cell.records
    if not places:
        return ()
    # Texts may be long: where ids find the drawn pairs again, only these bring theirs along.
    again = text and records.column("prompt_id") is not None
    rows = _at(records, coding, cells, places, text=text and not again)
    if again:
        rows = _with_texts(records, coding, rows)
    return tuple(case_of(records, row, keys, text=text) for row in rows)


def _cells(records: Records, keys: Sequence[Key], coding: Coding, n: Sequence[int]) -> list[_Cell]:
    """Part the patterns into cells, worst first; without those whose cell is not known."""
    taxonomy, levels, codes = records.options.taxonomy, coding.levels(keys), coding.of_patterns()
    c, h = len(taxonomy.categories), taxonomy.harmful_from
    prompt, response = _highest(levels[:, :c]), _highest(levels[:, c : 2 * c])
    # What is known to be harmful is, whatever labels are missing beside it.
    harmful = levels[:, c : 2 * c].max(axis=1) >= h
    known = (prompt != MISSING) & (response != MISSING)
    rise = np.where(known, response - prompt, 0)
    loud = harmful | (rise > 0)
    refused = np.zeros_like(prompt)
    if records.column("refusal"):  # which stands last
        refused = (levels[:, -1] >= taxonomy.refusal.refused_from).astype(np.int64)
    ranks = np.stack([~loud, -rise, -response, -prompt, -refused], axis=1)
    kept = known | harmful
    found = []
    for rank in np.unique(ranks[kept], axis=0):
        inside = kept & (ranks == rank).all(axis=1)
        records_of = sum(int(count) for count in np.asarray(n)[inside])
        name = ",".join(map(str, rank.tolist()))
        found.append(_Cell(np.unique(codes[inside]).tolist(), records_of, bool(rank[0]), name))
    return found


def _quotas(cells: Sequence[_Cell], limit: int | None) -> list[int]:
    """Share the list out: harm and rises first, and as alike among cells as they allow."""
    wanted = [min(cell.records, MOST_QUIET) if cell.quiet else cell.records for cell in cells]
    if limit is None or sum(wanted) <= limit:
        return wanted
    quiet = [want if cell.quiet else 0 for cell, want in zip(cells, wanted, strict=True)]
    loud = [0 if cell.quiet else want for cell, want in zip(cells, wanted, strict=True)]
    kept = min(sum(quiet), int(QUIET_SHARE * limit))
    first = _shared(loud, limit - kept)
    rest = _shared(quiet, limit - sum(first))
    return [a + b for a, b in zip(first, rest, strict=True)]


def _shared(wanted: Sequence[int], total: int) -> list[int]:
    """Give each as many as all can have alike, what is left over to the first.

    Examples
    --------
    >>> _shared([20, 2, 9], 12), _shared([1, 1], 5)
    ([5, 2, 5], [1, 1])
    """
    given = [0] * len(wanted)
    while total > 0 and (open_ := [i for i, want in enumerate(wanted) if given[i] < want]):
        more = max(1, total // len(open_))
        for i in open_:
            step = min(more, wanted[i] - given[i], total)
            given[i] += step
            total -= step
    return given


def _at(
    records: Records, coding: Coding, cells: Sequence[_Cell], places: list[int], *, text: bool
) -> list[tuple[Any, ...]]:
    """Fetch the rows at some places in the order of cell and identity."""
    coded = replace(records, frame=records.frame.with_columns(coding.of_rows().alias(_CODE)))
    code = nw.col(_CODE)
    # Only one of the terms is not 0.
    cell = nw.sum_horizontal(
        *(
            nw.when(code.is_in(one.codes)).then(nw.lit(at, nw.Int64)).otherwise(nw.lit(0, nw.Int64))
            for at, one in enumerate(cells, start=1)
        )
    )
    chosen = code.is_in([code for one in cells for code in one.codes])
    held = _identified(coded, chosen, coding.keys, cell.alias(_CELL), text=text)
    names = [name for name in held.collect_schema().names() if name != _CELL]
    ordered = held.with_row_index(_AT, order_by=[_CELL, *names])
    found = ordered.filter(nw.col(_AT).is_in(places)).sort(_AT)
    return _padded(records, engine.fetch(found.select(*names)), text=text)


def _with_texts(
    records: Records, coding: Coding, rows: list[tuple[Any, ...]]
) -> list[tuple[Any, ...]]:
    """Go back once more for the texts of a few rows."""
    prompt = records.column("prompt_id")
    ids = sorted({row[0] for row in rows})
    chosen = records.col(prompt or "").cast(nw.String).is_in(ids)
    found = engine.fetch(_identified(records, chosen, coding.keys, text=True))
    many, several = len(IDENTITY), len(IDENTITY) + len(TEXTS)
    held: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for row in sorted(_padded(records, found, text=True), key=lambda row: str(row[many:several])):
        held.setdefault((*row[:many], *row[several:]), []).append(row)
    return [held[(*row[:many], *row[several:])].pop(0) for row in rows]


def _identified(
    records: Records, chosen: nw.Expr, columns: Sequence[str], *more: nw.Expr, text: bool
) -> engine.Frame:
    """Select identity, texts if asked for, and columns of some rows; roles that are there alone."""
    # As text, because engines and file formats differ in the types they give an id.
    parts = [
        records.col(column).cast(nw.String).alias(f"riskshift_{role}")
        for role in (*IDENTITY, *(TEXTS if text else ()))
        if (column := records.column(role)) is not None
    ]
    return records.frame.filter(chosen).select(
        *parts, *(nw.col(column) for column in columns), *more
    )


def _padded(
    records: Records, rows: Sequence[tuple[Any, ...]], *, text: bool
) -> list[tuple[Any, ...]]:
    """Give every row a place for each role, so that they are read alike."""
    roles = (*IDENTITY, *TEXTS)
    there = [role for role in roles if records.column(role) and (text or role in IDENTITY)]
    return [
        (
            *(row[there.index(role)] if role in there else None for role in roles),
            *row[len(there) :],
        )
        for row in rows
    ]


def _worst_rows(collapsed: Collapsed, limit: int, *, text: bool) -> list[tuple[Any, ...]]:
    """Fetch the worst escalations, by identity where they are alike; the filter goes into the scan."""
    records, keys = collapsed.records, collapsed.keys
    ranks = [_rises(collapsed, up, to) for up, to in _worst(collapsed, limit)]
    if not ranks:
        return []
    rank = nw.lit(len(ranks), nw.Int64)
    for at, holds in reversed(list(enumerate(ranks))):
        rank = nw.when(holds).then(nw.lit(at, nw.Int64)).otherwise(rank)
    chosen = nw.any_horizontal(*ranks, ignore_nulls=False)
    columns = [key.column for key in keys]
    held = _identified(records, chosen, columns, rank.alias(_CELL), text=text)
    names = [name for name in held.collect_schema().names() if name != _CELL]
    ordered = held.sort(_CELL, *names).head(limit).select(*names)
    return _padded(records, engine.fetch(ordered), text=text)


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
        values = dict.fromkeys(row[at] for row in collapsed.patterns)
        levels = {value: key.parse(value) for value in values}
        column = nw.col(key.column)
        yield column.is_in([value for value, level in levels.items() if 0 <= level <= severity])
        highest = [value for value, level in levels.items() if level == severity]
        there += [column.is_in(highest)] if highest else []
    yield nw.any_horizontal(*there, ignore_nulls=False)


def _highest(labels: IntArray) -> IntArray:
    return np.where((labels == MISSING).any(axis=1), MISSING, labels.max(axis=1))


def ordered_rows(
    records: Records, chosen: nw.Expr, columns: Sequence[str], limit: int, *, text: bool
) -> list[tuple[Any, ...]]:
    """Fetch identity, texts (None if not asked for) and columns of the first rows by identity."""
    found = _identified(records, chosen, columns, text=text)
    ordered = found.sort(*found.collect_schema().names()).head(limit)
    return _padded(records, engine.fetch(ordered), text=text)


def case_of(records: Records, row: tuple[Any, ...], keys: Sequence[Key], *, text: bool) -> Case:
    """Make a case of a row: identity, texts, then the values of the keys."""
    taxonomy, many = records.options.taxonomy, len(IDENTITY)
    (prompt_text, response_text), values = row[many : many + 2], row[many + 2 :]
    levels = {key.name: key.parse(value) for key, value in zip(keys, values, strict=True)}
    sides: list[dict[str, int | None]] = [
        {
            name: known(levels[pair[side]])
            for name, pair in zip(taxonomy.categories, records.labels, strict=True)
        }
        for side in (0, 1)
    ]
    beside = {role: records.column(role) for role in ("relevance", "refusal")}
    relevance, refusal = (
        None if column is None else known(levels[column]) for column in beside.values()
    )
    prompt_id, model, sample = row[:many]
    return Case(
        prompt_id=prompt_id,
        model=model,
        sample=sample,
        prompt=sides[0],
        response=sides[1],
        relevance=relevance,
        origin=_origin(taxonomy, *sides),
        prompt_text=prompt_text if text else None,
        response_text=response_text if text else None,
        refusal=refusal,
    )


def _origin(
    taxonomy: Taxonomy, prompt: dict[str, int | None], response: dict[str, int | None]
) -> str:
    """Say what happened to the risk, as one bit does not."""
    if None in (*prompt.values(), *response.values()):
        return "not_known"
    p, r = (max(level or 0 for level in side.values()) for side in (prompt, response))
    harmful = p >= taxonomy.harmful_from
    if r > p:
        return "compliance_escalation" if harmful else "unsolicited_elaboration"
    if r < p:
        return "reduced"
    return "preserved_at_harm" if harmful else "preserved_at_safe"


def known(level: int) -> int | None:
    """Return a severity, None where the label is missing."""
    return None if level == MISSING else level
