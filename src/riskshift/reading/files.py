"""Files, read by DuckDB: CSV, TSV, JSON lines, JSON arrays and Parquet, plain or compressed."""

import warnings
import weakref
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

import duckdb
import narwhals.stable.v2 as nw

from riskshift.engines.engine import EngineError, quoted, translated
from riskshift.errors import ColumnError, DataError, FileError, UsageError, listing
from riskshift.packing import unreadable
from riskshift.reading import duckdb_options
from riskshift.reading.duckdb_options import NO_LIMITS, Limits
from riskshift.reading.labels.joined import AllJoined, with_labels
from riskshift.reading.labels.nested import with_categories
from riskshift.reading.layout import (
    COUNTS,
    MAX_LINE,
    DataFile,
    check_unchanged,
    ends_in,
    ends_too_long,
)
from riskshift.reading.logs import Found, Pairs, find
from riskshift.reading.paths import tidy
from riskshift.reading.text.repair import as_utf8, told, unwrapped, without_bad_rows
from riskshift.reading.text.scan import Uses, mixed_line_ends, read_header, scan
from riskshift.reading.workbook import from_workbook
from riskshift.records import Held, Options, Purpose, Records, by_name, label_roles, own_names
from riskshift.scratch import full, remove, scratch_folder

SHOWN: Final = 20
_AS_IT_IS: Final = "--skip-bad reads it as it is."
_MORE_MEMORY: Final = (
    "Give DuckDB more memory with --memory-limit 8GB, or fewer threads with --threads 1."
)
_MALFORMED: Final = "malformed row"
# Beyond this, files with malformed rows are not copied to look for further faults in the good ones.
_COPIED: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class FileSource:
    """Files, opened again only to say where a fault stands.

    `originals` are those that were named; of some, `files` holds copies that can be read. Of logs
    it holds their `pairs`. `tables` are labels to be joined, `joined` those that were; `made` are
    columns of labels that are in none of the files, and `told` what was taken for what.
    """

    files: Sequence[DataFile]
    originals: Sequence[DataFile]
    connection: duckdb.DuckDBPyConnection
    options: Options
    folder: Path
    purpose: Purpose
    passed: str = ""
    repaired: bool = False
    pairs: Pairs | None = None
    tables: Sequence[Records] = ()
    joined: AllJoined = field(default_factory=AllJoined)
    made: frozenset[str] = frozenset()
    told: Sequence[str] = ()
    engine: str = field(default="duckdb", init=False)

    @property
    def name(self) -> str:
        """What to call the data in a message."""
        return tidy(self.files)

    @property
    def listing(self) -> str:
        """The same, and what was found beside them and not read."""
        told = f" ({self.pairs.told})" if self.pairs else ""
        return f"{self.name}{told}{self.joined.listing}{self.passed}"

    @property
    def notes(self) -> Sequence[str]:
        """What logs do not say and how to have it said, and what became of labels beside them."""
        if self.pairs is None:
            return [*self.told, *self.joined.notes]
        labelled = Counter(self.pairs.labelled) + Counter(self.joined.labelled)
        return [*replace(self.pairs, labelled=labelled).notes, *self.told, *self.joined.notes]

    @property
    def facts(self) -> Mapping[str, Sequence[Any]]:
        """What logs know of their runs; files of pairs know nothing."""
        return {"log": [self.pairs.told], **self.pairs.facts} if self.pairs else {}

    def places(self, column: str, values: Sequence[object]) -> dict[str, str]:
        """Say in which file and line (Parquet: row) each value stands first; None is a blank."""
        wanted = {"" if value is None else str(value).strip() for value in values}
        found = self.joined.places(column, values)
        for file in () if column in self.made else self.files:
            for value, place in self._places_in(file, column, wanted - set(found)):
                found.setdefault(value, place)
            if len(found) == len(wanted):
                break
        return found

    def _places_in(
        self, file: DataFile, column: str, wanted: set[str]
    ) -> Iterable[tuple[str, str]]:
        if file.format == "parquet":
            yield from self._places_in_parquet(file, column, wanted)
            return
        unit = "pair" if self.pairs else "item" if file.format == "json" else file.unit
        left = set(wanted)
        for record in scan(file, self.options.uses):
            if not left:
                return
            held = ((record.values or {}).get(column) or "").strip()
            if record.values is not None and held in left:
                left.discard(held)
                yield held, f"{file.name}, {unit} {record.line:,}"

    def _places_in_parquet(
        self, file: DataFile, column: str, wanted: set[str]
    ) -> Iterable[tuple[str, str]]:
        names = _parquet_names(file, self)
        own = own_names(len(names))[names.index(column)]
        held = duckdb_options.read_parquet([file], len(names), numbered=True)
        for value in sorted(wanted):
            rows = self.connection.execute(
                f"SELECT min(file_row_number) FROM {held} WHERE coalesce({own}::VARCHAR, '') = ?",
                [value],
            ).fetchall()  # all of them, or the connection stays busy
            if rows[0][0] is not None:
                yield value, f"{file.name}, row {rows[0][0] + 1:,}"

    def settled(self, frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        """Keep rows in a file beside the copies, so that each question need not compute them anew."""
        with (
            translated(),
            NamedTemporaryFile(dir=self.folder, suffix=".parquet", delete=False) as kept,
        ):
            frame.to_native().write_parquet(kept.name)
            place = duckdb_options.literal(duckdb_options.pattern(Path(kept.name)))
            found: nw.LazyFrame[Any] = nw.from_native(
                self.connection.sql(f"FROM read_parquet([{place}])")
            )
        return found

    def check_unchanged(self) -> None:
        """Make sure that the files are those that were looked into; raises as `layout.check_unchanged`."""
        check_unchanged(self.originals)
        self.joined.check_unchanged()

    def explain(self, message: str) -> DataError:
        """Turn what DuckDB could not read into all the faults of the files, by line."""
        if spill := full(message):
            return DataError(f"{self.name}: {spill} {_MORE_MEMORY}")
        if "Out of Memory" in message:
            return DataError(f"{self.name}: {message.splitlines()[0]} {_MORE_MEMORY}")
        try:
            self.check_unchanged()
        except FileError as error:
            return error
        if self.repaired:
            return FileError(f"{self.name} cannot be read: {message.splitlines()[0]}")
        text = [file for file in self.files if file.format != "parquet"]
        faults = [line for file in text for line in _malformed(file, self.options.uses)]
        if not faults:
            return FileError(f"{self.name} cannot be read: {message.splitlines()[0]}")
        try:
            further = self._further()
        except FileError:
            return FileError("\n".join([*faults, "Fix the file."]))
        # Mixed line ends bring their own advice.
        rows = any(not line.endswith(_AS_IT_IS) for line in faults)
        fix = ["Fix the file, or leave these rows out with --skip-bad."] if rows else []
        return FileError("\n".join([*faults, *further, *([] if further else fix)]))

    def _further(self) -> list[str]:
        """Look for the faults of the rows that can be read."""
        if sum(file.path.stat().st_size for file in self.files) > _COPIED:
            return []
        try:
            files, _ = without_bad_rows(self.files, self.folder, self.options.uses)
        except OSError:  # no room for a copy
            return []
        source = replace(self, repaired=True)
        try:
            with warnings.catch_warnings(action="ignore"):
                self.purpose.check(_bound(files, source))
        except FileError:
            return []
        except DataError as error:
            return [str(error)]
        return []


def _malformed(file: DataFile, uses: Uses) -> list[str]:
    """Say what is wrong with the rows of a file."""
    try:
        faults = (told(file, record) for record in scan(file, uses) if record.fault)
        shown = list(islice(faults, SHOWN))
        more = sum(1 for _ in faults)
        ends = mixed_line_ends(file)
    except DataError as error:
        return [str(error)]
    if ends:
        shown.append(f"{ends}; {_AS_IT_IS}")
    return [*shown, f"{file.name}: {more:,} more rows like these."] if more else shown


def read_files(
    paths: Iterable[str | Path],
    *,
    options: Options,
    format: str | None = None,  # noqa: A002
    limits: Limits = NO_LIMITS,
    purpose: Purpose,
    labels: Sequence[Records] = (),
) -> Records:
    """Bind the records of files to their roles.

    Parameters
    ----------
    paths : iterable of str or Path
        Files, folders, globs, or ``-`` for standard input. Several combine by column name.
    options : Options
        How to read the columns.
    format : {"csv", "tsv", "jsonl", "json", "parquet", "xlsx"} or the name of a format of logs, optional
        Where neither the names nor what they hold tell.
    limits : Limits, optional
        Of DuckDB.
    purpose : Purpose
        What the rows are read for.
    labels : sequence of Records
        Labels in files of their own, to be joined.

    Returns
    -------
    Records

    Raises
    ------
    FileError
        If a file cannot be found, opened or understood.
    ColumnError
        If a needed column is missing from the files or from one of them.
    """
    found = find(paths, format=format, skip_bad=options.skip_bad)
    return read_found(found, options=options, limits=limits, purpose=purpose, labels=labels)


def read_found(
    found: Found,
    *,
    options: Options,
    limits: Limits = NO_LIMITS,
    purpose: Purpose,
    labels: Sequence[Records] = (),
) -> Records:
    """Bind the records of files that were found; takes and raises what `read_files` does."""
    if found.pairs is not None and not found.pairs.pairs:
        raise _no_pairs(found.pairs)
    if any(file.format == COUNTS for file in found.files):
        raise UsageError(
            f"{tidy(found.files)}: counts were saved, and this needs pairs. Give the data that were collapsed."
        )
    try:
        return _opened(found, options, limits, purpose, labels)
    except Exception:
        check_unchanged(found.files)  # since they were found
        raise


def _opened(
    found: Found, options: Options, limits: Limits, purpose: Purpose, labels: Sequence[Records]
) -> Records:
    folder = scratch_folder()
    connection = limits.connect(folder, in_order=purpose.in_order)
    weakref.finalize(connection, remove, folder)
    for file in found.pairs.files if found.pairs else found.files:
        duckdb_options.check_found(connection, file)
    skipped = {}
    if found.pairs is None:
        with unreadable(tidy(found.files)):
            files = [
                unwrapped(as_utf8(from_workbook(file, folder), folder), folder, options)
                for file in found.files
            ]
            if options.skip_bad:
                files, dropped = without_bad_rows(files, folder, options.uses)
                if dropped:
                    skipped[_MALFORMED] = dropped
    else:
        weakref.finalize(connection, remove, found.pairs.folder)
        files = list(found.pairs.files)
        skipped = dict(found.pairs.left_out)
    source = FileSource(
        files,
        found.files,
        connection,
        options,
        folder,
        purpose,
        found.passed,
        pairs=found.pairs,
        tables=labels,
    )
    return _bound(files, source, skipped)


def spooled(records: Records, types: Mapping[str, str]) -> DataFile:
    """Write rows anew as JSON lines, in their order, with the labels that were joined to them.

    Parameters
    ----------
    records : Records
        From files.
    types : mapping of str to str
        By the name of a column its type in SQL; of others they are text.
    """
    source = records.source
    if not isinstance(source, FileSource):
        raise UsageError(f"{source.name} is no file.")
    place = source.folder / "joined.jsonl"
    types = {**types, **{name: "VARCHAR" for name in records.columns if name not in types}}
    parts = (f"{records.at(name)}::{kind} AS {quoted(name)}" for name, kind in types.items())
    rows = records.frame.to_native().sql_query()
    try:
        # Several threads would write them in any order.
        source.connection.execute("SET preserve_insertion_order = true; SET threads = 1")
        source.connection.execute(
            f"COPY (SELECT {', '.join(parts)} FROM ({rows})) TO {duckdb_options.literal(place)} (FORMAT json)"
        )
    except duckdb.Error as error:
        raise source.explain(str(error)) from error
    with place.open("rb") as lines:
        longest = max(map(len, lines), default=0)
    return DataFile(place, "jsonl", "none", source.name, longest=longest + (1 << 20))


def _no_pairs(pairs: Pairs) -> DataError:
    reasons = listing(f"{reason} ({rows:,})" for reason, rows in pairs.left_out.items())
    left = f"; left out: {reasons}" if reasons else ", nor anything else that was answered"
    return DataError(f"{tidy(pairs.originals)}, {pairs.told}, holds no pairs{left}.")


def _bound(
    files: Sequence[DataFile], source: FileSource, skipped: Mapping[str, int] | None = None
) -> Records:
    try:
        query, names, shared = _query(files, source.options, source)
        relation = source.connection.sql(query)
    except (duckdb.Error, UnicodeDecodeError) as error:
        raise source.explain(str(error)) from error
    columns = dict(zip(names, own_names(len(names)), strict=True))
    held = Held(nw.from_native(relation), columns, shared)
    try:
        spread, options, told = with_categories(held, options=source.options, source=source)
        tables = [_brought(one, source) for one in source.tables]
        whole, joined = with_labels(
            spread, tables, options=options, name=source.name, settle=source.settled
        )
    except EngineError as error:
        raise source.explain(str(error)) from error
    made = frozenset(whole.columns) - set(held.columns)
    source = replace(source, options=options, joined=joined, made=made, told=told)
    return source.purpose.bind(whole, options=options, source=source, skipped=skipped)


def _brought(labels: Records, source: FileSource) -> Records:
    """Bring labels to the connection of the rows; each reader of files has its own."""
    query = labels.frame.to_native().sql_query()
    return replace(labels, frame=nw.from_native(source.connection.sql(query)))


@dataclass(frozen=True, slots=True)
class _Shape:
    """What files must share to be read by one call: how they are laid out, and their columns."""

    format: str
    names: tuple[str, ...]
    types: tuple[str, ...]
    compression: str = "none"
    delimiter: str = ""
    skip: int = 0

    @property
    def columns(self) -> dict[str, int]:
        """Where each column that has a name of its own stands."""
        return by_name(self.names)[0]


def _query(
    files: Sequence[DataFile], options: Options, source: FileSource
) -> tuple[str, list[str], tuple[str, ...]]:
    """Write the one query that reads all files, grouped by what they have in common.

    Returns
    -------
    query : str
        Its columns bear our own names.
    names : list of str
        What the user calls them.
    shared : tuple of str
        Names that several columns of one file have.
    """
    parts: dict[_Shape, list[DataFile]] = {}
    for file in files:
        parts.setdefault(_shape(file, source), []).append(file)
    shared = tuple(name for shape in parts for name in by_name(shape.names)[1])
    names = list(dict.fromkeys(n for shape in parts for n in shape.columns if n not in shared))
    _check_alike(parts, names, options)
    types = {
        name: {shape.types[shape.columns[name]] for shape in parts if name in shape.columns}
        for name in names
    }
    unlike = {name for name, found in types.items() if len(found) > 1}
    selects = (_select(shape, members, names, unlike) for shape, members in parts.items())
    return " UNION ALL ".join(selects), names, shared


def _check_alike(
    parts: Mapping[_Shape, Sequence[DataFile]], names: Sequence[str], options: Options
) -> None:
    """Refuse files that lack a column of labels that others have, or write a used name otherwise."""
    labels = [name for pair in label_roles(options.taxonomy) for name in pair]
    needed = [options.columns[role] for role in labels]
    for shape, members in parts.items():
        lacking = [name for name in needed if name in names and name not in shape.columns]
        if lacking:
            raise ColumnError(
                f"{members[0].name} lacks {listing(map(repr, lacking))}, which other files have. Every file must have "
                f"every label column. Its columns: {listing(shape.names)}."
            )
        written = {name.casefold(): name for name in shape.columns}
        for name in names:
            other = written.get(name.casefold(), name)
            if other != name and name not in shape.columns and options.uses(name):
                raise ColumnError(
                    f"{members[0].name} has a column {other!r}, and other files have {name!r}. Write the name in one "
                    "way."
                )


def _select(
    shape: _Shape, files: Sequence[DataFile], names: Sequence[str], unlike: Container[str]
) -> str:
    """Read some files, with all columns in one order under our own names."""
    places, reader = shape.columns, _reader(shape, files)
    held = own_names(len(shape.names))
    if shape.format in ("json", "jsonl"):
        held = [quoted(name) for name in shape.names]
    parts = []
    for name, own in zip(names, own_names(len(names)), strict=True):
        value = held[places[name]] if name in places else "NULL"
        parts.append(f"{value}{'::VARCHAR' if name in unlike else ''} AS {own}")
    return f"SELECT {', '.join(parts)} FROM {reader}"


def _shape(file: DataFile, source: FileSource) -> _Shape:
    if file.format in ("csv", "tsv"):
        header = read_header(file)
        _refuse_long_end(file, source)
        texts = ("VARCHAR",) * len(header.names)
        return _Shape(
            "delimited", header.names, texts, file.compression, header.delimiter, header.skip
        )
    if file.format in ("jsonl", "json"):
        _refuse_long_end(file, source)
        # Pairs of logs are written by us, and it is known what they hold.
        names = tuple(sorted(source.pairs.columns)) if source.pairs else _json_keys(file, source)
        return _Shape(file.format, names, ("VARCHAR",) * len(names), file.compression)
    _refuse_not_parquet(file)
    names = _parquet_names(file, source)
    reader = duckdb_options.read_parquet([file], len(names))
    schema = source.connection.sql(f"DESCRIBE SELECT * FROM {reader}").fetchall()
    return _Shape("parquet", names, tuple(row[1] for row in schema))


def _refuse_long_end(file: DataFile, source: FileSource) -> None:
    if file.format != "json" and ends_too_long(file):
        raise source.explain(f"{file.name} ends in a line that is longer than any record may be.")


def _parquet_names(file: DataFile, source: FileSource) -> tuple[str, ...]:
    """Read the names of the outermost columns as they are written; DuckDB changes equal ones."""
    rows = source.connection.execute(
        f"SELECT name, coalesce(num_children, 0) FROM {duckdb_options.parquet_schema(file)}"
    ).fetchall()
    names, left = [], 0
    for name, children in rows[1:]:
        if not left:
            names.append(name)
        left += children - (left > 0)
    return tuple(names)


def _refuse_not_parquet(file: DataFile) -> None:
    with file.open() as opened:
        start = opened.read(4)
        opened.seek(max(file.path.stat().st_size - 4, 0))
        if start != b"PAR1" or opened.read() != b"PAR1":
            raise FileError(
                f"{file.name} is not a Parquet file, or was cut off: it must begin and end with PAR1."
            )


def _json_keys(file: DataFile, source: FileSource) -> tuple[str, ...]:
    # DuckDB takes what is no object for a value, ignores that an array does not end, its own limit
    # of length is not exact, and it minds a name that occurs twice only where it is read.
    found = source.connection.execute(
        "SELECT key, max(size), bool_or(twice) FROM (SELECT size, unnest(keys) AS key, "
        "len(list_distinct(keys)) < len(keys) AS twice FROM (SELECT strlen(json) AS size, "
        "CASE json_type(json) WHEN 'OBJECT' THEN json_keys(json) ELSE [NULL] END AS keys "
        f"FROM {duckdb_options.read_json_objects([file])})) GROUP BY key"
    ).fetchall()
    longest = max((size for _, size, _ in found), default=0)
    cut_off = file.format == "json" and not ends_in(file, b"]")
    if longest > MAX_LINE or cut_off or any(name is None for name, _, _ in found):
        raise source.explain(f"{file.name} does not hold JSON objects throughout.")
    uses = source.options.uses
    if any(twice and uses(name) for name, _, twice in found) and any(
        record.fault for record in scan(file, uses)
    ):
        raise source.explain(f"{file.name} holds objects that have one name twice.")
    # SQL cannot write this character, and nobody can name such a column.
    names = tuple(sorted(name for name, _, _ in found if "\0" not in name))
    if not names:
        raise FileError(f"{file.name} holds no records.")
    return names


def _reader(shape: _Shape, files: Sequence[DataFile]) -> str:
    n = len(shape.names)
    if shape.format == "parquet":
        return duckdb_options.read_parquet(files, n)
    if shape.format == "delimited":
        return duckdb_options.read_csv(files, n, delimiter=shape.delimiter, skip=shape.skip)
    return duckdb_options.read_json(files, list(shape.columns))
