"""Keep some of the rows, as asked: those that are meant, without those that are to be left out."""

import narwhals.stable.v2 as nw

from riskshift.engines import engine
from riskshift.records import Condition, Records, stripped


def selected(records: Records) -> Records:
    """Keep the rows that are meant; count those that are left out.

    Raises
    ------
    ColumnError
        If a column is not there.
    """
    options = records.options
    columns = [one.column for one in (*options.where, *options.leave_out)]
    if not options.by_people:
        records.require(columns, fix="--where and --leave-out take COLUMN=VALUE.")
    for one in options.where:
        if one.column in records.columns:
            records = records.only(_holds(records, one))
    for one in options.leave_out:
        if one.column in records.columns:
            gone = _holds(records, one)
            rows = engine.count_rows(records.frame.filter(gone))
            if rows:
                records = records.where(~gone, reason=str(one), rows=rows)
    return records


def _holds(records: Records, one: Condition) -> nw.Expr:
    """Tell where a column holds a value, as text; nothing is the empty text."""
    held = nw.coalesce(records.col(one.column).cast(nw.String), nw.lit(""))
    text = stripped(held)
    if one.value.lower() in ("true", "false"):
        return text.str.to_lowercase() == one.value.lower()
    return text == one.value.strip()
