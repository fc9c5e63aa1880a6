"""What PySpark is asked in its own words: all is computed where the rows are, and only answers come.

Expressions go through narwhals, as for any engine. Here is what narwhals cannot say, or would answer
by bringing every row to the driver.
"""

from collections.abc import Sequence
from typing import Any

from riskshift.engines.engine import translated


def with_halves(frame: Any, code: str, names: Sequence[str], seed: int) -> Any:
    """Add the lower and the upper 31 bits of a hash of a code; it must be there in each row."""
    from pyspark.sql import functions as F  # noqa: N812

    hashed = F.xxhash64(F.lit(seed), F.col(code))
    low, high = names
    lower = hashed.bitwiseAND(F.lit(2**31 - 1))
    return frame.withColumns({low: lower, high: F.shiftrightunsigned(hashed, 33)})


def with_group(frame: Any, name: str, group: str, groups: int) -> Any:
    """Put rows into groups by the ninth and tenth byte of the MD5 of a name, the lower one first."""
    from pyspark.sql import functions as F  # noqa: N812

    digits = F.md5(F.col(name))
    low = F.conv(F.concat(F.substring(digits, 19, 2), F.substring(digits, 17, 2)), 16, 10)
    return frame.withColumn(group, low.cast("long") % groups)


def nested(
    frame: Any, cluster: Sequence[str], inner: Sequence[str], code: str
) -> list[tuple[list[list[Any]], int]]:
    """List the codes of each item in each kind of cluster, with how many clusters are of the kind."""
    from pyspark.sql import functions as F  # noqa: N812

    items = frame.groupBy(*inner).agg(F.sort_array(F.collect_list(code)).alias("codes"))
    clusters = items.groupBy(*cluster).agg(F.sort_array(F.collect_list("codes")).alias("items"))
    with translated():
        kinds = clusters.groupBy("items").count().collect()
        return [(row["items"], row["count"]) for row in kinds]


def drawn(
    frame: Any, keys: Sequence[str], values: Sequence[str], n: int, seed: int, *, between: str
) -> list[tuple[Any, ...]]:
    """Return the values of the rows whose keys have the lowest SHA-256, and those, last."""
    from pyspark.sql import functions as F  # noqa: N812

    rank = F.sha2(F.concat_ws(between, F.lit(f"{seed:d}"), *keys), 256).alias("riskshift_rank")
    ranked = frame.select(*values, *keys, rank).orderBy("riskshift_rank", *keys).limit(n)
    with translated():
        return [(*row[: len(values)], row["riskshift_rank"]) for row in ranked.collect()]
