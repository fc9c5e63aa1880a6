"""Where prompts come from: which column says so, and what models did on the prompts of each source."""

import warnings
from typing import Final

from riskshift.collapse.coding import group_key, tabulate
from riskshift.collapse.pairs import (
    MAX_GROUPS,
    MAX_PATTERNS,
    Collapsed,
    layout_of,
    with_plain,
)
from riskshift.counts.by_source import BySource
from riskshift.counts.pairs import Grouped
from riskshift.engines import engine
from riskshift.errors import RiskshiftWarning, UsageError
from riskshift.records import Records

ROLE: Final = "source"


def source_column(records: Records) -> str | None:
    """Return the column that says where prompts come from, if it can group them.

    Returns
    -------
    str or None
        By the user's name; None if there is none, if it is the models' column, or if it holds lists
        and the like and nobody said that it plays this role.
    """
    column = records.column(ROLE)
    if column is None or column == records.column("model"):
        return None
    if records.counted is not None:
        many = len(records.counted.head.groups.get(column, ()))
        if many > MAX_GROUPS:
            _say(records, _too_many(column, many))
        return column if 1 < many <= MAX_GROUPS else None
    _, refused = engine.plain(records.frame, [records.at(column)])
    if not refused or records.mapped(ROLE):
        return column
    held = ", ".join(refused.values())
    _say(
        records,
        f"{column!r} holds {held}, so nothing is said by source. Name a column of text: --map {ROLE}=COLUMN.",
    )
    return None


def told_apart(collapsed: Collapsed, column: str | None) -> Grouped | None:
    """Return the counts by source, where there are two or more and no more than can be told.

    Warns
    -----
    RiskshiftWarning
        If there are more.

    Raises
    ------
    UsageError
        If there are more, and the column was named.
    """
    if column is None:
        return None
    grouped = collapsed.groups.get(column)
    if grouped is not None:
        return grouped if len(grouped.names) > 1 else None
    _can_group(collapsed.records, column)
    return None


def models_by_source(collapsed: Collapsed, column: str | None) -> BySource | None:
    """Cross models with the sources of their prompts.

    Parameters
    ----------
    collapsed : Collapsed
        Checked records that have a column of models.
    column : str or None
        The sources, by the user's name.

    Returns
    -------
    BySource or None
        None where there is one source, or more than can be told apart.
    """
    records, model = collapsed.records, collapsed.records.column("model")
    if column is None or model is None:
        return None
    if records.counted is not None:
        saved, by_prompt = records.counted, records.cluster == records.prompt
        table = saved.table([column, model], by_prompt=by_prompt)
        groups = saved.head.groups
        return BySource(saved.layout, table, groups[column], groups[model])
    records = with_plain(records, [column])
    if not _can_group(records, column):
        return None
    at = records.at(column)
    columns = [*(key.column for key in collapsed.keys), at, records.at(model)]
    with engine.explained(records.source):
        rows = engine.count_patterns(records.frame, columns, limit=MAX_PATTERNS + 1)
    if len(rows) > MAX_PATTERNS:
        _say(
            records,
            f"{column!r} has too many different patterns of labels for anything to be said by source.",
        )
        return None
    source, sources = group_key(at, column, [row[-3] for row in rows])
    if len(sources) < 2:
        return None
    cluster = records.cluster
    table, models = tabulate(
        records.frame,
        (*collapsed.keys, source),
        rows,
        cluster=None if cluster is None else records.at(cluster),
        by=records.at(model),
    )
    return BySource(layout_of(records, table), table, sources, models)


def _can_group(records: Records, column: str) -> bool:
    """Tell whether a column has as many values as can be told apart, and say so where it has more."""
    with engine.explained(records.source):
        many, _ = engine.repeats(records.frame, [records.at(column)])
    if many <= MAX_GROUPS:
        return many > 1
    told = _too_many(column, many)
    if records.mapped(ROLE):
        raise UsageError(f"{records.source.name}: {told}")
    _say(records, told)
    return False


def _too_many(column: str, many: int) -> str:
    return (
        f"{column!r} has {many:,} different values, and at most {MAX_GROUPS:,} sources can be told apart. Name a "
        f"column with fewer: --map {ROLE}=COLUMN."
    )


def _say(records: Records, told: str) -> None:
    warnings.warn(f"{records.source.name}: {told}", RiskshiftWarning, stacklevel=3)
