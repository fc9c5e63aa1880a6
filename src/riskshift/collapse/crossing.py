"""A grouping by several columns at once: the groups of one within those of the other."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import narwhals.stable.v2 as nw

from riskshift.collapse.pairs import with_plain
from riskshift.crossing import crossed_columns
from riskshift.engines import engine
from riskshift.records import Records

BETWEEN: Final = " x "


def with_crossed(records: Records, names: Sequence[str]) -> Records:
    """Add the columns that groupings ask for and that are several columns crossed.

    Parameters
    ----------
    records : Records
        Bound records.
    names : sequence of str
        Groupings; see `riskshift.crossing`. Those that name one column need nothing.

    Returns
    -------
    Records
        With a column under each of the other names, which groups as any column does.

    Raises
    ------
    ColumnError
        If a column is not there, or holds lists or the like.
    UsageError
        If a name can be read in several ways, or a column is crossed with itself.

    Examples
    --------
    >>> import polars as pl
    >>> from riskshift import Taxonomy, read
    >>> pairs = pl.DataFrame(
    ...     {"prompt_harm": [1], "response_harm": [0], "language": ["de"], "attack": ["3 x 3"]}
    ... )
    >>> crossed = read(pairs, by="language x attack", taxonomy=Taxonomy(["harm"], ["Safe", "Bad"]))
    >>> crossed.frame.collect()[crossed.at("language x attack")].to_list()
    ['de x "3 x 3"']
    """
    for name in names:
        columns = crossed_columns(name, records.columns)
        if len(columns) > 1:
            records = cross(records, name, columns)
    return records


def cross(records: Records, name: str, columns: Sequence[str]) -> Records:
    """Add a column of the values of several, joined so that they can be told apart again.

    Parameters
    ----------
    records : Records
        Bound records.
    name : str
        What to call it.
    columns : sequence of str
        What to cross, by the user's names.

    Returns
    -------
    Records
        What has no value in a column is there, as everywhere, ``(none)``.

    Raises
    ------
    ColumnError
        If a column is not there, or holds lists or the like.
    """
    records.require(columns, fix="The columns to cross stand with an x between them: 'A x B'.")
    records = with_plain(records, columns)
    values = [_told_apart(engine.named(records.at(column))) for column in columns]
    own = f"riskshift_crossed_{len(records.columns)}"
    crossed = nw.concat_str(values, separator=BETWEEN).alias(own)
    frame = records.frame.with_columns(crossed)
    return replace(records, frame=frame, columns={**records.columns, name: own})


def _told_apart(value: nw.Expr) -> nw.Expr:
    """Put a value into quotes, those in it doubled, if what stands between values may stand in it."""
    padded = nw.concat_str([nw.lit(" "), value, nw.lit(" ")])
    doubled = value.str.replace_all('"', '""', literal=True)
    quoted = nw.concat_str([nw.lit('"'), doubled, nw.lit('"')])
    unclear = padded.str.contains(BETWEEN, literal=True) | value.str.starts_with('"')
    return nw.when(unclear).then(quoted).otherwise(value)
