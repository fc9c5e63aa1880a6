"""Several sets of records as one, each row knowing which set it came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import duckdb
import narwhals.stable.v2 as nw

from riskshift.engines.engine import Frame
from riskshift.errors import DataError, FileError, UsageError
from riskshift.reading.files import FileSource
from riskshift.records import Records, own_names

_PART: Final = "riskshift_part"


@dataclass(frozen=True, slots=True)
class CombinedSource:
    """The sources of several records, asked in turn."""

    parts: Sequence[Records]

    @property
    def name(self) -> str:
        """What to call the data in a message."""
        return " and ".join(dict.fromkeys(part.source.name for part in self.parts))

    @property
    def engine(self) -> str:
        """The engine that holds the rows."""
        return self.parts[0].source.engine

    def places(self, column: str, values: Sequence[object]) -> dict[str, str]:
        """Say where each value stands first."""
        found: dict[str, str] = {}
        for part in self.parts:
            if column in part.names:
                found = part.source.places(column, values) | found
        return found

    @property
    def listing(self) -> str:
        """The same, and what was found beside them and not read."""
        return " and ".join(dict.fromkeys(part.source.listing for part in self.parts))

    @property
    def notes(self) -> Sequence[str]:
        """What the parts do not say, each once."""
        return list(dict.fromkeys(note for part in self.parts for note in part.source.notes))

    @property
    def facts(self) -> Mapping[str, Sequence[Any]]:
        """What the parts know of how they were made, each fact once."""
        held: dict[str, list[Any]] = {}
        for part in self.parts:
            for name, values in part.source.facts.items():
                known = held.setdefault(name, [])
                known += [value for value in values if value not in known]
        return held

    def check_unchanged(self) -> None:
        """Make sure that each part is what it was."""
        for part in self.parts:
            part.source.check_unchanged()

    def explain(self, message: str) -> DataError:
        """Find which parts cannot be read, and what their sources say."""
        said = []
        for part in self.parts:
            try:
                recheck(part)
            except FileError as error:
                said.append(str(error))
            except DataError:
                continue  # it can be read; what is wrong with its labels is told later
        return FileError("\n".join(said)) if said else self.parts[0].source.explain(message)


def recheck(records: Records) -> None:
    """Look at records from files once more, as what they were read for asks."""
    source = records.source
    while isinstance(source, CombinedSource):
        source = source.parts[0].source
    if isinstance(source, FileSource):
        source.purpose.check(records)


def combine(parts: Mapping[str, Records], *, column: str) -> Records:
    """Stack records, adding a column that says which part a row came from.

    Parameters
    ----------
    parts : mapping of str to Records
        Records by name: all from files, or all in frames of one library. They are read with the
        options of the first.
    column : str
        What to call the column to add; it holds the names of the parts.

    Returns
    -------
    Records
        Columns that some parts lack are missing there. What the parts left out adds up.

    Raises
    ------
    UsageError
        If the parts are held by different engines, or one has that column already.

    Examples
    --------
    >>> import polars as pl
    >>> from riskshift.reading import read_frame
    >>> from riskshift.records import Options, Purpose, bind
    >>> from riskshift.taxonomy import Taxonomy
    >>> harm = Options(Taxonomy(["harm"], ["Safe", "Harmful"]))
    >>> rows = pl.DataFrame({"prompt_harm": [1, 0], "response_harm": [0, 0]})
    >>> for_what = {"options": harm, "purpose": Purpose(bind, lambda records: None)}
    >>> old, new = read_frame(rows, **for_what), read_frame(rows.head(1), **for_what)
    >>> both = combine({"old": old, "new": new}, column="side")
    >>> both.frame.collect()[both.at("side")].to_list()
    ['old', 'old', 'new']
    """
    members = list(parts.values())
    for part in members:
        if column in part.names:
            raise UsageError(
                f"{part.source.name} has a column {column!r} already, so parts cannot be told by it."
            )
    columns, shared = _columns_of(members)
    frames = [
        _renamed(frame, part, columns)
        for frame, part in zip(in_one_place(members), members, strict=True)
    ]
    _settle(frames)
    named = [
        frame.with_columns(nw.lit(name).alias(_PART))
        for name, frame in zip(parts, _alike(frames), strict=True)
    ]
    skipped: dict[str, int] = {}
    for part in members:
        for reason, rows in part.skipped.items():
            skipped[reason] = skipped.get(reason, 0) + rows
    stacked = nw.concat(named, how="diagonal")
    return replace(
        members[0],
        frame=stacked,
        columns={**columns, column: _PART},
        source=CombinedSource(members),
        skipped=skipped,
        shared=shared,
    )


def _columns_of(parts: Sequence[Records]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Give the columns that are called alike in some parts one name in all frames."""
    shared = tuple(name for part in parts for name in part.shared)
    names = [name for part in parts for name in part.columns if name not in shared]
    names = list(dict.fromkeys(names))
    return dict(zip(names, own_names(len(names)), strict=True)), shared


def _renamed(frame: Frame, part: Records, columns: Mapping[str, str]) -> Frame:
    """Select a part's columns by those names, and what was added to it under its own."""
    held = [
        nw.col(own).alias(columns[name]) for name, own in part.columns.items() if name in columns
    ]
    known = set(part.columns.values())
    added = [
        name
        for name in frame.collect_schema().names()
        if name not in known and name.startswith("riskshift_")
    ]
    return frame.select(*held, *added)


def in_one_place(parts: Sequence[Records]) -> list[Frame]:
    """Bring relations over files to one connection; each reader of files has its own."""
    from_files = [isinstance(part.source, FileSource) for part in parts]
    engines = {part.frame.implementation for part in parts}
    if len(engines) > 1 or any(from_files) != all(from_files):
        names = ", ".join(part.source.name for part in parts)
        raise UsageError(
            f"{names} cannot be put together. Give files for all of them, or frames of one library."
        )
    first = parts[0].source
    if not isinstance(first, FileSource):
        return [part.frame for part in parts]
    return [
        nw.from_native(first.connection.sql(part.frame.to_native().sql_query())) for part in parts
    ]


def _settle(frames: Sequence[Frame]) -> None:
    """Refuse DuckDB relations of different connections."""
    if not frames[0].implementation.is_duckdb():
        return
    try:
        nw.concat([frame.select(nw.lit(1).alias("riskshift_one")) for frame in frames])
    except duckdb.InvalidInputException as error:
        raise UsageError(
            "these DuckDB relations belong to different connections. Make them with one."
        ) from error


def _alike(frames: Sequence[Frame]) -> list[Frame]:
    """Write a column as text in all frames where its types differ between them."""
    schemas: list[dict[str, Any]] = [dict(frame.collect_schema()) for frame in frames]
    types: dict[str, set[Any]] = {}
    for schema in schemas:
        for name, dtype in schema.items():
            types.setdefault(name, set()).add(dtype)
    unlike = {name for name, found in types.items() if len(found) > 1}
    return [
        frame.with_columns(
            nw.when(~nw.col(name).is_null()).then(nw.col(name).cast(nw.String)).alias(name)
            for name in schema
            if name in unlike
        )
        if unlike & set(schema)
        else frame
        for frame, schema in zip(frames, schemas, strict=True)
    ]
