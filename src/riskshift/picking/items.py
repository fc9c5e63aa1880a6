"""Back to the rows, item by item: those in most dispute, and the ratings of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import Any, Final

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from riskshift.collapse import identity
from riskshift.collapse.rated.beside import CHANCE, STRATUM
from riskshift.collapse.rated.raters import Cell
from riskshift.collapse.rated.ratings import Rated, cell_keys
from riskshift.counts.clusters import IntArray
from riskshift.counts.pairs import group_name
from riskshift.counts.ratings import Dispute, every_label, most_levels
from riskshift.engines import engine
from riskshift.errors import DataError
from riskshift.written import MISSING

IDENTITY: Final = ("record_id", *identity.IDENTITY)
_STEP: Final = 10**9


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """Every item that has a label, and its ratings.

    Parameters
    ----------
    roles : tuple of str
        What identifies them.
    identity : sequence of ndarray of str or None, each of shape (items,)
        Its values, by role.
    levels : ndarray of int, shape (items, labels, levels)
        How many ratings each has at each level.
    adjudicated : ndarray of int, shape (items, labels)
        What the adjudicator said; -1 where nothing.
    drawn : dict of str to ndarray of str, each of shape (items,)
        How `riskshift sample` drew them, by column; empty where that was not recorded.
    """

    roles: tuple[str, ...]
    identity: Sequence[NDArray[Any]]
    levels: IntArray
    adjudicated: IntArray
    drawn: dict[str, NDArray[Any]]


def identity_roles(rated: Rated) -> dict[str, str]:
    """Return the columns that say which item is which, by role."""
    named = {role: rated.records.column(role) for role in IDENTITY}
    found = {role: column for role, column in named.items() if column}
    return found if found.keys() & {"record_id", "prompt_id"} else dict(rated.sheet.identity)


def refuse_two_strata(rated: Rated) -> None:
    """Refuse items whose raters' rows say different things about how they were drawn.

    Raises
    ------
    DataError
        If an item is of several strata.
    """
    if not (_drawn_by(rated) and rated.sheet.annotator):
        return
    item = rated.sheet.key
    known = _with_draw(rated, rated.records.frame).filter(nw.col(_carried(STRATUM)) != "")
    strata = (
        known.select(*item, _carried(STRATUM))
        .unique()
        .group_by(*item)
        .agg(nw.len().alias("riskshift_n"))
    )
    several = strata.filter(nw.col("riskshift_n") > 1).select(*item).sort(*item)
    many = engine.count_rows(several)
    if many:
        first = ", ".join(map(str, engine.fetch(several.head(1))[0]))
        raise DataError(
            f"{rated.records.source.name}: {many:,} {'item has' if many == 1 else 'items have'} several values of "
            f"{STRATUM}, such as {first}. A pair belongs to one stratum of one sample; give the labels of one sample "
            "only."
        )


def all_items(rated: Rated, *, adjudicator: str | None = None) -> Items:
    """Fetch every item that has a label, in the order of its identity.

    Parameters
    ----------
    rated : Rated
        The data.
    adjudicator : str, optional
        A rater whose labels stand apart from the others'.

    Returns
    -------
    Items
        Labels are those of ``rated.ratings``.
    """
    labels, levels = _labels(rated), most_levels(rated.ratings.labels)
    roles = identity_roles(rated)
    drawn = _drawn_by(rated)
    frame = _by_item(rated, roles, labels, adjudicator, drawn)
    names, kept = [_id(role) for role in roles], [_carried(column) for column in drawn]
    counts = [_n(at, level) for at in range(len(labels)) for level in range(levels)]
    decided = [_decided(at) for at in range(len(labels))]
    said = nw.sum_horizontal(*counts) + nw.sum_horizontal(*(nw.col(c) - MISSING for c in decided))
    ordered = frame.filter(said > 0).select(*names, *kept, *counts, *decided).sort(*names, *counts)
    columns = engine.fetch_columns(ordered)
    texts = len(names) + len(kept)
    numbers = np.stack(columns[texts:], axis=1)
    table = numbers[:, : len(counts)].astype(np.int64)
    return Items(
        tuple(roles),
        columns[: len(names)],
        table.reshape(-1, len(labels), levels),
        numbers[:, len(counts) :].astype(np.int64),
        dict(zip(drawn, columns[len(names) : texts], strict=True)),
    )


def most_disputed(
    rated: Rated, *, limit: int, adjudicator: str | None = None
) -> tuple[Dispute, ...]:
    """Find the items whose raters lie furthest apart.

    Parameters
    ----------
    rated : Rated
        The data.
    limit : int
        At most so many; each with the label that is disputed most.
    adjudicator : str, optional
        A rater who does not count.

    Returns
    -------
    tuple of Dispute
        Widest spread first, then most distance between pairs of raters, then by identity. Empty
        where nothing identifies the items.
    """
    roles = identity_roles(rated)
    limit = min(limit, rated.rows)  # engines count to 2**63
    if limit <= 0 or not roles.keys() & {"record_id", "prompt_id"}:
        return ()
    labels, levels = _labels(rated), most_levels(rated.ratings.labels)
    frame = _by_item(rated, roles, labels, adjudicator)
    scores = [f"riskshift_score{at}" for at in range(len(labels))]
    scored = frame.with_columns(
        *(_score(at, levels).alias(name) for at, name in enumerate(scores))
    ).with_columns(nw.max_horizontal(*scores).alias("riskshift_most"))
    names = [_id(role) for role in roles]
    apart = scored.filter(nw.col("riskshift_most") >= _STEP)
    ordered = apart.select("riskshift_most", *names, *scores).sort(
        "riskshift_most", *names, descending=[True] + [False] * len(names)
    )
    found = engine.fetch(ordered.head(limit))
    items = [row[1 : 1 + len(names)] for row in found]
    key = [at for at, role in enumerate(roles) if role in rated.sheet.identity]
    given = _given(rated, roles, [tuple(item[at] for at in key) for item in items])
    made = []
    for row, item in zip(found, items, strict=True):
        which = row[1 + len(names) :].index(row[0])
        held = given[tuple(item[at] for at in key)]
        levels_of = {who: label[which] for who, label in held.items() if who != adjudicator}
        identity: dict[str, str | None] = dict.fromkeys(IDENTITY)
        identity |= {role: value or None for role, value in zip(roles, item, strict=True)}
        rated_as = {who: at for who, at in sorted(levels_of.items()) if at != MISSING}
        made.append(Dispute(**identity, label=rated.ratings.labels[which], given=rated_as))
    return tuple(made)


def _labels(rated: Rated) -> list[int]:
    """Positions of the labels that were rated among those of the whole taxonomy."""
    whole = every_label(rated.records.options.taxonomy)
    return [whole.index(label) for label in rated.ratings.labels]


def _id(role: str) -> str:
    return f"riskshift_id_{role}"


def _carried(column: str) -> str:
    return f"riskshift_drawn_{column}"


def _drawn_by(rated: Rated) -> tuple[str, ...]:
    """Return the columns that say how items were drawn; one without the other says nothing."""
    columns = (STRATUM, CHANCE)
    return columns if set(columns) <= set(rated.records.names) else ()


def _with_draw(rated: Rated, frame: engine.Frame) -> engine.Frame:
    """Add how items were drawn as text, empty where nothing is known."""
    drawn = {rated.records.at(name): name for name in _drawn_by(rated)}
    frame, refused = engine.plain(frame, drawn)
    if refused:
        names = ", ".join(drawn[column] for column in refused)
        raise DataError(f"{rated.records.source.name}: {names} must hold numbers or text.")
    return frame.with_columns(
        nw.when(~engine.is_blank(frame, column))
        .then(nw.col(column).cast(nw.String))
        .otherwise(nw.lit(""))
        .alias(_carried(name))
        for column, name in drawn.items()
    )


def _n(label: int, level: int) -> str:
    return f"riskshift_n{label}_{level}"


def _decided(label: int) -> str:
    return f"riskshift_decided{label}"


def _identified(rated: Rated, roles: dict[str, str]) -> engine.Frame:
    # As text, because engines and file formats differ in the types they give an id.
    return rated.records.frame.with_columns(
        *(
            rated.records.col(column).cast(nw.String).alias(_id(role))
            for role, column in roles.items()
        )
    )


def _by_item(
    rated: Rated,
    roles: dict[str, str],
    labels: Sequence[int],
    adjudicator: str | None,
    drawn: Sequence[str] = (),
) -> engine.Frame:
    """Count the ratings at each level, one row an item."""
    frame, sheet = _identified(rated, roles), rated.sheet
    levels = most_levels(rated.ratings.labels)
    if drawn:
        frame = _with_draw(rated, frame)
    made: list[nw.Expr] = []
    for at, label in enumerate(labels):
        cells = [cell for cell in sheet.cells if cell.label == label]
        others = [cell for cell in cells if cell.rater is None or cell.rater != adjudicator]
        for level in range(levels):
            hits = [_hit(rated, cell, level, adjudicator) for cell in others]
            made.append(_summed(hits).alias(_n(at, level)))
        decided = [cell for cell in cells if cell.rater is None or cell.rater == adjudicator]
        made.append(_decision(rated, decided, adjudicator).alias(_decided(at)))
    names = [_id(role) for role in roles]
    columns = [_n(at, level) for at in range(len(labels)) for level in range(levels)]
    decisions = [_decided(at) for at in range(len(labels))]
    kept = [_carried(column) for column in drawn]
    if sheet.annotator is None:
        return frame.select(*names, *kept, *made)
    items = [f"riskshift_key{at}" for at in range(len(sheet.item))]
    keys = [nw.col(column).alias(key) for column, key in zip(sheet.key, items, strict=True)]
    return (
        frame.select(*keys, *names, *kept, *made)
        .group_by(*items)
        .agg(
            *(nw.col(name).min() for name in names),
            *(nw.col(name).sum() for name in columns),
            # Text sorts after the empty one, so what any row knows is kept.
            *(nw.col(name).max() for name in (*kept, *decisions)),
        )
    )


def _summed(hits: Sequence[nw.Expr]) -> nw.Expr:
    return nw.sum_horizontal(*hits) if hits else nw.lit(0, nw.Int64)


def _hit(rated: Rated, cell: Cell, level: int, adjudicator: str | None) -> nw.Expr:
    """1 where a rater that counts gave the level, 0 elsewhere."""
    condition = _is(rated, cell, level)
    annotator = rated.sheet.annotator
    if annotator and adjudicator:
        condition = condition & ~_named(rated, annotator, adjudicator)
    return nw.when(condition).then(nw.lit(1, nw.Int64)).otherwise(nw.lit(0, nw.Int64))


def _is(rated: Rated, cell: Cell, level: int) -> nw.Expr:
    (key,) = cell_keys(rated.records, (cell,))
    written = [value for value in rated.values[cell.column] if key.parse(value) == level]
    return nw.col(cell.column).is_in(written) if written else nw.lit(False)


def _named(rated: Rated, annotator: str, rater: str) -> nw.Expr:
    column = rated.records.at(annotator)
    written = [value for value in rated.values[column] if group_name(value) == rater]
    return nw.col(column).is_in(written)


def _decision(rated: Rated, cells: Sequence[Any], adjudicator: str | None) -> nw.Expr:
    """Return the level that the adjudicator gave, or `MISSING`."""
    value: nw.Expr = nw.lit(MISSING, nw.Int64)
    if adjudicator is None:
        return value
    annotator = rated.sheet.annotator
    for cell in cells:
        for level in range(most_levels(rated.ratings.labels)):
            condition = _is(rated, cell, level)
            if annotator:
                condition = condition & _named(rated, annotator, adjudicator)
            value = nw.when(condition).then(nw.lit(level, nw.Int64)).otherwise(value)
    return value


def _score(label: int, levels: int) -> nw.Expr:
    """Rank a label by how far its ratings spread, then by the distance of its pairs of raters."""
    counts = [nw.col(_n(label, level)) for level in range(levels)]
    below, total = [counts[0]], reduce(lambda a, b: a + b, counts)
    for count in counts[1:-1]:
        below.append(below[-1] + count)
    # A step between two levels is spanned if there are ratings on both of its sides.
    spanned = [nw.when((b > 0) & (b < total)).then(1).otherwise(0) for b in below]
    distance = reduce(lambda a, b: a + b, (b * (total - b) for b in below))
    return nw.sum_horizontal(*spanned).cast(nw.Int64) * _STEP + distance


def _given(
    rated: Rated, roles: dict[str, str], items: Sequence[tuple[Any, ...]]
) -> dict[tuple[Any, ...], dict[str, list[int]]]:
    """Return who gave which labels to some items."""
    if not items:
        return {}
    sheet = rated.sheet
    names = [_id(role) for role in roles if role in sheet.identity]
    wanted = [
        reduce(
            and_,
            (
                nw.col(name).is_null() if value is None else nw.col(name) == value
                for name, value in zip(names, item, strict=True)
            ),
        )
        for item in items
    ]
    frame = _identified(rated, roles).filter(reduce(or_, wanted))
    keys = cell_keys(rated.records, sheet.cells)
    labels = _labels(rated)
    made: dict[tuple[Any, ...], dict[str, list[int]]] = {item: {} for item in items}
    for row in engine.fetch(frame.select(*names, *sheet.columns)):
        item, values = row[: len(names)], row[len(names) :]
        for cell, key, value in zip(sheet.cells, keys, values, strict=False):
            who = group_name(values[-1]) if cell.rater is None else cell.rater
            if cell.label in labels:
                given = made[item].setdefault(who, [MISSING] * len(labels))
                given[labels.index(cell.label)] = key.parse(value)
    return made
