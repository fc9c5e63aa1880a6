"""Files, read by DuckDB: CSV, TSV, JSON lines, JSON arrays and Parquet, plain or compressed."""

import warnings
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, Final

import duckdb
import narwhals.stable.v2 as nw

from riskshift.errors import ColumnError, DataError, FileError, UsageError, listing
from riskshift.reading.datafile import MAX_LINE, DataFile, ends_in
from riskshift.reading.paths import find_files, tidy
from riskshift.reading.repair import told, without_bad_rows, without_mark
from riskshift.reading.scan import mixed_line_ends, read_header, refuse_twins, scan
from riskshift.records import Options, Purpose, Records
from riskshift.scratch import remove, scratch_folder

SHOWN: Final = 20
_MALFORMED: Final = "malformed row"
# Beyond this, files with malformed rows are not copied to look for further faults in the good ones.
_COPIED: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class FileSource:
    """Files, opened again only to say where a fault stands."""

    files: Sequence[DataFile]
    connection: duckdb.DuckDBPyConnection
    options: Options
    folder: Path
    purpose: Purpose
    repaired: bool = False
    engine: str = field(default="duckdb", init=False)

    @property
    def name(self) -> str:
        """What to call the data in a message."""
        return tidy(self.files)

    def places(self, column: str, values: Sequence[object]) -> dict[str, str]:
        """Say in which file and line (Parquet: row) each value stands first; None is a blank."""
        wanted = {"" if value is None else str(value).strip() for value in values}
        found: dict[str, str] = {}
        for file in self.files:
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
        unit = "item" if file.format == "json" else "line"
        left = set(wanted)
        for record in scan(file):
            if not left:
                return
            held = ((record.values or {}).get(column) or "").strip()
            if record.values is not None and held in left:
                left.discard(held)
                yield held, f"{file.name}, {unit} {record.line:,}"

    def _places_in_parquet(
        self, file: DataFile, column: str, wanted: set[str]
    ) -> Iterable[tuple[str, str]]:
        for value in sorted(wanted):
            rows = self.connection.execute(
                f"SELECT min(file_row_number) FROM read_parquet({_literal(file.path)}, file_row_number=true) "
                f"WHERE coalesce({_quoted(column)}::VARCHAR, '') = ?",
                [value],
            ).fetchall()  # all of them, or the connection stays busy
            if rows[0][0] is not None:
                yield value, f"{file.name}, row {rows[0][0] + 1:,}"

    def explain(self, message: str) -> DataError:
        """Turn what DuckDB could not read into all the faults of the files, by line."""
        if "Out of Memory" in message:
            return DataError(
                f"{self.name}: {message.splitlines()[0]} Give DuckDB more with --memory-limit 8GB."
            )
        if self.repaired:
            return FileError(f"{self.name} cannot be read: {message.splitlines()[0]}")
        text = [file for file in self.files if file.format != "parquet"]
        faults = [line for file in text for line in _malformed(file)]
        if not faults:
            return FileError(f"{self.name} cannot be read: {message.splitlines()[0]}")
        try:
            further = self._further()
        except FileError:
            return FileError("\n".join([*faults, "Fix the file."]))
        fix = [] if further else ["Fix the file, or leave these rows out with --skip-bad."]
        return FileError("\n".join([*faults, *further, *fix]))

    def _further(self) -> list[str]:
        """Look for the faults of the rows that can be read."""
        if sum(file.path.stat().st_size for file in self.files) > _COPIED:
            return []
        files, _ = without_bad_rows(self.files, self.folder)
        source = replace(self, repaired=True)
        try:
            with warnings.catch_warnings(action="ignore"):
                self.purpose.check(_bound(files, source))
        except FileError:
            return []
        except DataError as error:
            return [str(error)]
        return []


def _malformed(file: DataFile) -> list[str]:
    """Say what is wrong with the rows of a file."""
    try:
        faults = (told(file, record) for record in scan(file) if record.fault)
        shown = list(islice(faults, SHOWN))
        more = sum(1 for _ in faults)
        ends = mixed_line_ends(file)
    except DataError as error:
        return [str(error)]
    if ends:
        shown.append(f"{ends}; --skip-bad leaves nothing out for this.")
    return [*shown, f"{file.name}: {more:,} more rows like these."] if more else shown


def read_files(
    paths: Iterable[str | Path],
    *,
    options: Options,
    format: str | None = None,  # noqa: A002
    memory_limit: str | None = None,
    purpose: Purpose,
) -> Records:
    """Bind the records of files to their roles.

    Parameters
    ----------
    paths : iterable of str or Path
        Files, folders, globs, or ``-`` for standard input. Several combine by column name.
    options : Options
        How to read the columns.
    format : {"csv", "tsv", "jsonl", "json", "parquet"}, optional
        Where the names do not tell.
    memory_limit : str, optional
        DuckDB's limit, such as ``"2GB"``; beyond it, it works on disk.
    purpose : Purpose
        What the rows are read for.

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
    files = find_files(paths, format=format)
    folder = scratch_folder()
    connection = _connect(memory_limit, folder)
    files = [without_mark(file, folder) for file in files]
    skipped = {}
    if options.skip_bad:
        files, dropped = without_bad_rows(files, folder)
        if dropped:
            skipped[_MALFORMED] = dropped
    return _bound(files, FileSource(files, connection, options, folder, purpose), skipped)


def _bound(
    files: Sequence[DataFile], source: FileSource, skipped: Mapping[str, int] | None = None
) -> Records:
    try:
        relation = source.connection.sql(_query(files, source.options, source))
    except (duckdb.Error, UnicodeDecodeError) as error:
        raise source.explain(str(error)) from error
    return source.purpose.bind(
        nw.from_native(relation), options=source.options, source=source, skipped=skipped
    )


def _connect(memory_limit: str | None, folder: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(
        config={
            "temp_directory": str(folder),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "preserve_insertion_order": "false",
        }
    )
    weakref.finalize(connection, remove, folder)
    if memory_limit is not None:
        try:
            connection.execute("SET memory_limit = ?", [memory_limit])
        except duckdb.Error as error:
            raise UsageError(
                f"memory limit {memory_limit!r} is not a size; write it like 2GB."
            ) from error
    return connection


def _query(files: Sequence[DataFile], options: Options, source: FileSource) -> str:
    """Write the one query that reads all files, grouped by what they have in common."""
    parts: dict[tuple[Any, ...], list[DataFile]] = {}
    for file in files:
        parts.setdefault(_shape(file, source), []).append(file)
    needed = [
        options.columns[f"{side}_{c}"]
        for c in options.taxonomy.categories
        for side in ("prompt", "response")
    ]
    all_names = {name for shape in parts for name in shape[-1]}
    for shape, members in parts.items():
        lacking = [name for name in needed if name in all_names and name not in shape[-1]]
        if lacking:
            raise ColumnError(
                f"{members[0].name} lacks {listing(map(repr, lacking))}, which other files have. Every file must have "
                f"every label column. Its columns: {listing(shape[-1])}."
            )
    return " UNION ALL BY NAME ".join(_reader(shape, members) for shape, members in parts.items())


def _shape(file: DataFile, source: FileSource) -> tuple[Any, ...]:
    """Return what files must share to be read by one call; its last part is their columns."""
    if file.format in ("csv", "tsv"):
        header = read_header(file)
        return "delimited", file.compression, header.delimiter, header.names
    if file.format in ("jsonl", "json"):
        return file.format, file.compression, _json_keys(file, source)
    _refuse_not_parquet(file)
    schema = source.connection.sql(
        f"DESCRIBE SELECT * FROM read_parquet({_literal(file.path)})"
    ).fetchall()
    refuse_twins(file, [row[0] for row in schema])
    return "parquet", tuple(row[1] for row in schema), tuple(row[0] for row in schema)


def _refuse_not_parquet(file: DataFile) -> None:
    with file.open() as opened:
        start = opened.read(4)
        opened.seek(max(file.path.stat().st_size - 4, 0))
        if start != b"PAR1" or opened.read() != b"PAR1":
            raise FileError(
                f"{file.name} is not a Parquet file, or was cut off: it must begin and end with PAR1."
            )


def _json_keys(file: DataFile, source: FileSource) -> tuple[str, ...]:
    layout = "newline_delimited" if file.format == "jsonl" else "array"
    # DuckDB takes what is no object for a value, ignores that an array does not end, and its own
    # limit of length is not exact.
    found = source.connection.execute(
        "SELECT key, max(size) FROM (SELECT strlen(json) AS size, "
        "unnest(CASE json_type(json) WHEN 'OBJECT' THEN json_keys(json) ELSE [NULL] END) AS key "
        f"FROM read_json_objects({_literal(file.path)}, format='{layout}', "
        f"compression='{file.compression}', maximum_object_size={MAX_LINE})) GROUP BY key"
    ).fetchall()
    longest = max((size for _, size in found), default=0)
    cut_off = file.format == "json" and not ends_in(file, b"]")
    if longest > MAX_LINE or cut_off or any(name is None for name, _ in found):
        raise source.explain(f"{file.name} does not hold JSON objects throughout.")
    names = tuple(sorted(name for name, _ in found))
    if not names:
        raise FileError(f"{file.name} holds no records.")
    refuse_twins(file, names)
    return names


def _reader(shape: tuple[Any, ...], files: Sequence[DataFile]) -> str:
    paths = "[" + ", ".join(_literal(file.path) for file in files) + "]"
    if shape[0] == "parquet":
        return f"SELECT * FROM read_parquet({paths})"
    columns = "{" + ", ".join(f"{_literal(name)}: 'VARCHAR'" for name in shape[-1]) + "}"
    shared = f"{paths}, compression='{shape[1]}', columns={columns}"
    if shape[0] == "delimited":
        return (
            f"SELECT * FROM read_csv({shared}, auto_detect=false, header=true, delim={_literal(shape[2])}, "
            f"quote='\"', escape='\"', strict_mode=true, max_line_size={MAX_LINE})"
        )
    layout = "newline_delimited" if shape[0] == "jsonl" else "array"
    return f"SELECT * FROM read_json({shared}, format='{layout}', records=true, maximum_object_size={MAX_LINE})"


def _literal(value: object) -> str:
    text = str(value)
    if isinstance(value, Path):
        # DuckDB would read these as a pattern.
        text = "".join(f"[{mark}]" if mark in "*?[" else mark for mark in text)
    return "'" + text.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
