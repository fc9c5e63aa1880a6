"""What tells pairs apart, in one set of records and across two."""

from collections.abc import Sequence
from typing import Final

import narwhals.stable.v2 as nw

from riskshift.engines import engine
from riskshift.errors import DataError, PairError, listing
from riskshift.records import Records, stripped

IDENTITY: Final = ("prompt_id", "model", "sample", "turn")


def identity_of(records: Records) -> dict[str, str]:
    """Return the columns that tell pairs apart and find them again, by role.

    Raises
    ------
    DataError
        If there are none: labels by people could not be joined to anything.
    """
    named = {role: records.column(role) for role in ("record_id", *IDENTITY)}
    found = {role: column for role, column in named.items() if column}
    if not found.keys() & {"record_id", "prompt_id"}:
        raise DataError(
            f"{records.source.name}: nothing tells pairs apart, so people's labels could not find their pairs again. "
            "Add a column record_id, or prompt_id (and model and sample, where prompts repeat); map other names "
            f"with --map record_id=COLUMN.\nColumns: {listing(records.names)}."
        )
    return found


def telling(records: Records) -> list[str]:
    """Return the columns that tell pairs apart: the record's id alone, if there is one."""
    identity = identity_of(records)
    return (
        [identity["record_id"]]
        if "record_id" in identity
        else list(dict.fromkeys(identity.values()))
    )


def shared_identity(graded: Records, people: Records) -> list[str]:
    """Return the roles that tell pairs apart in a grader's records and in people's alike.

    Raises
    ------
    DataError
        If there are none.
    """

    def both(role: str) -> bool:
        return graded.column(role) is not None and people.column(role) is not None

    if both("record_id"):
        return ["record_id"]
    key = [role for role in IDENTITY if both(role)]
    if "prompt_id" not in key:
        raise DataError(
            f"nothing tells which pairs of {people.source.name} and {graded.source.name} are the same. Both need a "
            "record_id, or a prompt_id (and model and sample, where prompts repeat); map other names with --map."
        )
    return key


def as_text(records: Records, key: Sequence[str], names: Sequence[str]) -> list[nw.Expr]:
    """Return the values of roles under given names, as text without spaces; nothing is empty text."""
    # As text, because files and engines differ in the types they give an id.
    columns = records.options.columns
    return [
        nw.coalesce(stripped(records.col(columns[role]).cast(nw.String)), nw.lit("")).alias(name)
        for role, name in zip(key, names, strict=True)
    ]


def refuse_twins(records: Records) -> None:
    """Refuse records in which two pairs have one identity.

    Raises
    ------
    PairError
        If there are some.
    """
    columns = telling(records)
    refuse_repeats(records, records.frame, [records.at(column) for column in columns], columns)


def refuse_repeats(
    records: Records, frame: engine.Frame, names: Sequence[str], key: Sequence[str]
) -> None:
    """Refuse pairs that have one identity: `names` in the frame, `key` in words.

    Raises
    ------
    PairError
        If there are some.
    """
    if not engine.occur_twice(frame, names):
        return
    counted = frame.group_by(*names).agg(nw.len().alias("riskshift_n"))
    twice = counted.filter(nw.col("riskshift_n") > 1).sort(*names)
    shown = [", ".join(map(str, row[:-1])) for row in engine.fetch(twice.head(3))]
    raise PairError(
        f"{records.source.name}: {engine.count_rows(twice):,} pairs occur more than once by ({listing(key)}): "
        f"{'; '.join(shown)}. Name what tells them apart, such as --map sample=COLUMN or --map record_id=COLUMN."
    )
