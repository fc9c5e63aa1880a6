"""Clusters put into groups at random, where the rows are: a way for data with too many kinds of cluster.

The group of a cluster is given by two bytes of the hash of its name (`riskshift.engines.ids`), so it is the
same in every engine where names are text or whole numbers. Dates, fractions and flags are written in
ways of their own, and may be grouped otherwise elsewhere.
"""

from typing import Any, Final

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from riskshift.counts.clusters import IntArray, RandomGroups
from riskshift.engines import spark
from riskshift.engines.engine import (
    EngineError,
    Frame,
    fetch_columns,
    on_spark,
    positions,
    repeats,
    translated,
)
from riskshift.engines.ids import with_hashes

# The variance between so many is known to 4 %, so an interval's width to 2 %.
GROUPS: Final = 1 << 10
# Of so few clusters each is a group of its own: groups of some few of them would tell less than they do.
FEW: Final = 8 * GROUPS
_CODE: Final = "riskshift_code"
_GROUP: Final = "riskshift_group"
_ID: Final = "riskshift_id"


def random_groups(
    frame: Frame, cluster: str, code: nw.Expr, codes: NDArray[Any], n: IntArray
) -> RandomGroups:
    """Count the codes in each random group of clusters, or in each cluster where there are few.

    Parameters
    ----------
    frame, cluster, code, codes, n
        As in `riskshift.engines.kinds.linked`.

    Raises
    ------
    EngineError
        If the rows are not those that were counted.
    """
    coded = frame.select(nw.col(cluster).cast(nw.String).alias(_ID), code.alias(_CODE))
    many = repeats(frame, [cluster])[0]
    alone = many <= FEW
    group, found, times = _one_each(coded) if alone else _counted(coded)
    pattern = positions(codes, found)
    if not np.array_equal(np.bincount(pattern, weights=times, minlength=len(n)), n):
        raise EngineError("the rows changed while they were counted")
    return RandomGroups.tallied(group, pattern, times, many, alone=alone)


def _one_each(coded: Frame) -> tuple[IntArray, NDArray[Any], IntArray]:
    """Return the cluster, the code and the number of the rows that have both."""
    counted = coded.group_by(_ID, _CODE).agg(nw.len().alias("riskshift_n"))
    names, found, many = fetch_columns(counted)
    _, group = np.unique(names.astype(str), return_inverse=True)
    return group.astype(np.int64), found, many.astype(np.int64)


def _counted(coded: Frame) -> tuple[IntArray, NDArray[Any], IntArray]:
    """Return the group, the code and the number of the rows that have both."""
    if coded.implementation.is_duckdb():
        group = f"(md5_number_lower({_ID}) % {GROUPS:d})::BIGINT AS {_GROUP}"
        with translated():
            grouped: Frame = nw.from_native(coded.to_native().project(f"{group}, {_CODE}"))
    elif on_spark(coded):
        grouped = nw.from_native(spark.with_group(coded.to_native(), _ID, _GROUP, GROUPS))
    else:
        ids, (held,) = with_hashes(coded, [_ID], _CODE)
        names, at = np.unique(held, return_inverse=True)
        pairs = (ids % np.uint64(GROUPS)).astype(np.int64) * len(names) + at
        both, times = np.unique(pairs, return_counts=True)
        return both // len(names), names[both % len(names)], times
    counted = grouped.group_by(_GROUP, _CODE).agg(nw.len().alias("riskshift_n"))
    group_of, found, many = fetch_columns(counted)
    return group_of.astype(np.int64), found, many.astype(np.int64)
