"""Cross once from rows to ratings: who gave which labels to the same item, and how often."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from riskshift.collapse.checks.direction import check_direction
from riskshift.collapse.checks.labels import Key, check_labels, label_key
from riskshift.collapse.checks.one_message import Faults
from riskshift.collapse.checks.repeats import check_ids, told_apart
from riskshift.collapse.coding import Coding
from riskshift.collapse.pairs import MAX_GROUPS, MAX_PATTERNS, with_plain
from riskshift.collapse.rated.raters import Cell, Sheet, sheet_of
from riskshift.collapse.selecting import selected
from riskshift.counts.clusters import Clusters, IntArray
from riskshift.counts.pairs import group_name
from riskshift.counts.ratings import Ratings, assemble_ratings, every_label
from riskshift.engines import engine
from riskshift.engines.kinds import linked, nested_compositions
from riskshift.errors import DataError, PairError, listing
from riskshift.records import Records
from riskshift.written import MISSING


@dataclass(frozen=True, slots=True, eq=False)
class Rated:
    """All that is left of the rows, and what is needed to go back to some of them.

    Parameters
    ----------
    ratings : Ratings
        Who gave which labels.
    records : Records
        The rows that were counted; `skipped` says how many were left out, and why.
    sheet : Sheet
        How raters stand in them.
    rows : int
        How many they are.
    unlabelled : int
        Those among them without any label.
    values : dict of str to list
        The values that each column of the sheet holds.
    """

    ratings: Ratings
    records: Records
    sheet: Sheet
    rows: int
    unlabelled: int
    values: dict[str, list[Any]]

    @property
    def read(self) -> int:
        """Rows read, with those left out."""
        return self.rows + sum(self.records.skipped.values())


def collapse_raters(
    records: Records, *, progress: Callable[[str], None] = lambda step: None
) -> Rated:
    """Collapse rows with several raters a pair to their ratings.

    Parameters
    ----------
    records : Records
        As `bind_raters` binds them.
    progress : callable, optional
        Told what is being done, in a few words.

    Returns
    -------
    Rated

    Raises
    ------
    LabelError
        If labels are not on the declared scale; all of them in one message.
    PairError
        If a rater labelled an item twice, or an item belongs to two prompts.
    DataError
        If there are no labels, or too many raters.
    """
    faults = Faults()
    with engine.explained(records.source):
        try:
            rated = _collapse(records, progress, faults)
        except DataError:
            faults.raise_all()
            raise
    records.source.check_unchanged()
    return rated


def _collapse(records: Records, progress: Callable[[str], None], faults: Faults) -> Rated:
    progress("grouping the labels")
    sheet = sheet_of(records)
    records = check_ids(_cleaned(selected(records), sheet), faults, _tells(sheet))
    if sheet.annotator:
        _refuse_many(records, sheet.annotator)
    rows, keys = _patterns(records, sheet), cell_keys(records, sheet.cells)
    check_direction(records, rows, keys, faults)
    records, rows = check_labels(records, rows, keys, faults)
    if not rows:
        raise DataError(f"{records.source.name} has no rows left to look at.")
    progress("collecting what belongs together")
    prepared = _blanks_filled(records, sheet)
    sorted_out = _one_prompt_each(prepared, sheet, faults)
    if sheet.annotator is None:
        sorted_out = _one_row_each(sorted_out, sheet, faults)
    if sorted_out is not prepared:
        return _collapse(sorted_out, progress, faults)
    ratings, twice = (_long if sheet.annotator else _wide)(prepared, sheet, rows)
    if twice:
        return _collapse(_without_twice(prepared, sheet, faults), progress, faults)
    faults.raise_all()
    return _rated(ratings, prepared, sheet, rows)


def _rated(
    ratings: Ratings | None, records: Records, sheet: Sheet, rows: Sequence[tuple[Any, ...]]
) -> Rated:
    keys = cell_keys(records, sheet.cells)
    blank = {
        at
        for at, row in enumerate(rows)
        if all(key.parse(v) == MISSING for key, v in zip(keys, row, strict=False))
    }
    values = {
        column: [value for value in dict.fromkeys(row[at] for row in rows) if value is not None]
        for at, column in enumerate(sheet.columns)
    }
    if ratings is None:
        raise DataError(f"{records.source.name} holds no labels; every label is missing.")
    return Rated(
        ratings,
        records,
        sheet,
        sum(row[-1] for row in rows),
        sum(rows[at][-1] for at in blank),
        values,
    )


def _tells(sheet: Sheet) -> dict[str, str]:
    tells = {sheet.annotator: "who rated"} if sheet.annotator else {}
    if "record_id" in sheet.identity:
        tells[sheet.identity["record_id"]] = "which rows rate the same item"
    return tells


def _cleaned(records: Records, sheet: Sheet) -> Records:
    columns = [*sheet.names, *sheet.identity.values()]
    columns += filter(None, (records.prompt, records.cluster, records.column("model")))
    return with_plain(records, columns)


def _refuse_many(records: Records, annotator: str) -> None:
    raters, _ = engine.repeats(records.frame, [records.at(annotator)])
    if raters > MAX_GROUPS:
        raise DataError(
            f"{records.source.name}: {annotator} has {raters:,} different values, and at most {MAX_GROUPS:,} raters "
            "can be compared. Is this the column that names the rater? Otherwise: --map annotator=COLUMN."
        )


def _patterns(records: Records, sheet: Sheet) -> list[tuple[Any, ...]]:
    rows = engine.count_patterns(records.frame, sheet.columns, limit=MAX_PATTERNS + 1)
    if len(rows) > MAX_PATTERNS:
        raise DataError(
            f"{records.source.name} has more than {MAX_PATTERNS:,} different patterns of {listing(sheet.names)}. Are "
            "these labels? If so, look at fewer categories at a time (--taxonomy FILE)."
        )
    if not rows:
        raise DataError(f"{records.source.name} has no rows to look at.")
    return rows


def cell_keys(records: Records, cells: Sequence[Cell]) -> list[Key]:
    """Return how each column of labels is read."""
    return [label_key(records.options, cell.role, cell.column, cell.name) for cell in cells]


def _blanks_filled(records: Records, sheet: Sheet) -> Records:
    """Give a model or sample that is missing a value, because engines disagree on grouping nulls."""
    optional = [
        sheet.identity[role]
        for role in ("model", "sample", "turn", "response")
        if role in sheet.identity
    ]
    filled = [
        records.col(column).cast(nw.String).fill_null("") for column in dict.fromkeys(optional)
    ]
    return replace(records, frame=records.frame.with_columns(*filled)) if filled else records


def _one_prompt_each(records: Records, sheet: Sheet, faults: Faults) -> Records:
    """Find items whose rows name several prompts."""
    cluster, item = records.cluster, sheet.key
    if cluster is None or not item or cluster in sheet.item or sheet.annotator is None:
        return records
    both = [*item, records.at(cluster)]
    if engine.repeats(records.frame, item)[0] == engine.repeats(records.frame, both)[0]:
        return records
    column = records.col(cluster)
    one = column.min().over(*item) == column.max().over(*item)
    several = records.frame.filter(~one)
    many, rows = engine.repeats(several, item)[0], engine.count_rows(several)
    faults.add(
        records,
        lambda: PairError(
            f"{records.source.name}: {many:,} {'item has' if many == 1 else 'items have'} several values of {cluster}: "
            f"{_examples(several, sheet.item, sheet)}. An item answers one prompt. Fix {cluster}, or say what "
            "identifies an item: --map record_id=COLUMN. --skip-bad leaves these items out."
        ),
    )
    return records.where(one, reason=f"several values of {cluster} in one item", rows=rows)


def _one_row_each(records: Records, sheet: Sheet, faults: Faults) -> Records:
    """Find items that have several rows although each rater has a column."""
    item = sheet.item
    if not item or not engine.occur_twice(records.frame, sheet.key):
        return records
    return _without_repeats(
        records, item, sheet, faults, "has several rows, and raters stand in columns"
    )


def _without_twice(records: Records, sheet: Sheet, faults: Faults) -> Records:
    key = list(dict.fromkeys([*sheet.item, str(sheet.annotator)]))
    return _without_repeats(records, key, sheet, faults, "was labelled twice by the same rater")


def _without_repeats(
    records: Records, key: list[str], sheet: Sheet, faults: Faults, fault: str
) -> Records:
    held = [sheet.held[name] for name in key]
    alone = nw.len().over(*held) == 1
    twice = records.frame.filter(~alone)
    rows, (many, _) = engine.count_rows(twice), engine.repeats(twice, held)
    if not rows:
        raise PairError(
            f"{records.source.name}: an item {fault}; the rater's name is written in several ways."
        )
    faults.add(
        records,
        lambda: PairError(
            f"{records.source.name}: an item {fault}, in {many:,} {'case' if many == 1 else 'cases'}: "
            f"{_examples(twice, key, sheet)}.\nRemove the repeats, or name the column that tells items apart: "
            "--map record_id=COLUMN or --map sample=COLUMN. --skip-bad leaves all of them out."
        ),
    )
    return records.where(alone, reason=f"an item {fault}", rows=rows)


def _examples(frame: engine.Frame, key: list[str], sheet: Sheet) -> str:
    held = [sheet.held[name] for name in key]
    counted = frame.group_by(*held).agg(nw.len().alias("riskshift_n"))
    shown = engine.fetch(counted.sort(*held).head(4))
    named = [told_apart(key, row) for row in shown[:3]]
    return "; ".join([*named, *(["..."] if len(shown) > 3 else [])])


def _levels(records: Records, sheet: Sheet, coding: Coding) -> list[IntArray]:
    """Read the labels of the patterns, column by column."""
    keys = cell_keys(records, sheet.cells)
    return [
        np.array([MISSING, *map(key.parse, values)], dtype=np.int64)[digits]
        for key, values, digits in zip(keys, coding.values, coding.digits, strict=False)
    ]


def _long(
    records: Records, sheet: Sheet, rows: Sequence[tuple[Any, ...]]
) -> tuple[Ratings | None, bool]:
    """Read ratings that stand in rows, and tell whether a rater labelled an item twice."""
    coding = Coding(sheet.columns, rows)
    values = np.full((len(rows), len(every_label(records.options.taxonomy))), MISSING)
    for cell, level in zip(sheet.cells, _levels(records, sheet, coding), strict=True):
        values[:, cell.label] = level
    names = ["", *map(group_name, coding.values[-1])]
    raters = tuple(sorted(set(names[1:])))
    place = np.array([raters.index(name) if name in raters else 0 for name in names])
    rater = place[coding.digits[-1]]
    item = sheet.key
    cluster = [records.at(records.cluster)] if records.cluster else item
    found = nested_compositions(records.frame, cluster, item, coding.of_rows())
    codes = coding.of_patterns()
    order = np.argsort(codes, kind="stable")
    indices = order[np.searchsorted(codes[order], found.code)]
    owner = np.repeat(np.arange(len(found.codes) - 1), np.diff(found.codes))
    seats = owner * len(raters) + rater[indices]
    if len(np.unique(seats)) < len(seats):
        return None, True
    if not (values != MISSING).any():
        return None, False
    nothing = np.zeros(len(found.codes) - 1, dtype=np.int64)
    everyone = np.arange(len(nothing))
    ratings = assemble_ratings(
        records.options.taxonomy,
        raters,
        values,
        rater,
        Clusters(found.codes, indices, nothing),
        Clusters(found.items, everyone, found.weight),
    )
    return ratings, False


def _wide(
    records: Records, sheet: Sheet, rows: Sequence[tuple[Any, ...]]
) -> tuple[Ratings | None, bool]:
    """Read ratings that stand in columns; each pattern is a kind of item."""
    coding = Coding(sheet.columns, rows)
    raters = tuple(sorted({str(cell.rater) for cell in sheet.cells}))
    kinds, labels = len(rows), len(every_label(records.options.taxonomy))
    values = np.full((kinds, len(raters), labels), MISSING)
    for cell, level in zip(sheet.cells, _levels(records, sheet, coding), strict=True):
        values[:, raters.index(str(cell.rater)), cell.label] = level
    if not (values != MISSING).any():
        return None, False
    seats = np.arange(kinds * len(raters), dtype=np.int64)
    items = Clusters(np.arange(kinds + 1) * len(raters), seats, np.zeros(kinds, dtype=np.int64))
    cluster = records.at(records.cluster) if records.cluster else None
    n = np.array([row[-1] for row in rows], dtype=np.int64)
    if cluster is None or not engine.occur_twice(records.frame, [cluster]):
        prompts = Clusters(np.arange(kinds + 1), np.arange(kinds), n)
    else:
        prompts = linked(
            records.frame, cluster, coding.keys, coding.of_rows(), coding.of_patterns(), n
        )
    ratings = assemble_ratings(
        records.options.taxonomy,
        raters,
        values.reshape(-1, labels),
        seats % len(raters),
        items,
        prompts,
    )
    return ratings, False
