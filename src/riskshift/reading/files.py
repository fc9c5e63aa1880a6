"""Files, read by DuckDB: CSV, TSV, JSON lines, JSON arrays and Parquet, plain or compressed."""

import shutil
import tempfile
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import duckdb
import narwhals.stable.v2 as nw

from riskshift.errors import ColumnError, DataError, FileError, UsageError, listing
from riskshift.reading.paths import DataFile, find_files, tidy
from riskshift.reading.scan import MAX_LINE, Header, Scanned, read_header, refuse_twins, scan
from riskshift.records import Options, Records, bind

SHOWN: Final = 20
_MALFORMED: Final = "malformed row"


@dataclass(frozen=True, slots=True)
class FileSource:
    """Files, opened again only to say where a fault stands."""

    files: Sequence[DataFile]
    connection: duckdb.DuckDBPyConnection
    engine: str = field(default="duckdb", init=False)

    @property
    def name(self) -> str:
        """What to call the data in a message."""
        return tidy(self.files)

    def places(self, column: str, values: Sequence[object]) -> dict[str, str]:
        """Say in which file and line (Parquet: row) each value stands first."""
        wanted = {str(value) for value in values}
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
            for value in sorted(wanted):
                row = self.connection.execute(
                    f"SELECT min(file_row_number) FROM read_parquet({_literal(file.path)}, file_row_number=true) "
                    f"WHERE {_quoted(column)}::VARCHAR = ?",
                    [value],
                ).fetchone()
                if row and row[0] is not None:
                    yield value, f"{file.name}, row {row[0] + 1:,}"
            return
        unit = "item" if file.format == "json" else "line"
        left = set(wanted)
        for record in scan(file):
            held = (record.values or {}).get(column)
            if held is not None and held in left:
                left.discard(held)
                yield held, f"{file.name}, {unit} {record.line:,}"
            if not left:
                return

    def explain(self, message: str) -> DataError:
        """Turn what DuckDB could not read into all the faults of the files, by line."""
        if "Out of Memory" in message:
            return DataError(
                f"{self.name}: {message.splitlines()[0]} Give DuckDB more with --memory-limit 8GB."
            )
        faults: list[str] = []
        for file in self.files:
            if file.format != "parquet":
                faults += [_told(file, record) for record in scan(file) if record.fault][
                    : SHOWN + 1
                ]
        if not faults:
            return FileError(f"{self.name} cannot be read: {message.splitlines()[0]}")
        more = [f"... and more in {self.name}."] if len(faults) > SHOWN else []
        fix = "Fix the file, or leave these rows out with --skip-bad."
        return FileError("\n".join([*faults[:SHOWN], *more, fix]))


def _told(file: DataFile, record: Scanned) -> str:
    unit = "item" if file.format == "json" and record.raw else "line"
    return f"{file.name}, {unit} {record.line:,}: {record.fault}."


def read_files(
    paths: Iterable[str | Path],
    *,
    options: Options,
    format: str | None = None,  # noqa: A002
    memory_limit: str | None = None,
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
    connection = _connect(memory_limit)
    skipped = {}
    if options.skip_bad:
        files, dropped = _without_bad_rows(files, connection)
        if dropped:
            skipped[_MALFORMED] = dropped
    source = FileSource(files, connection)
    try:
        relation = connection.sql(_query(files, options, source))
        columns = relation.columns
    except duckdb.Error as error:
        raise source.explain(str(error)) from error
    if not columns:
        raise FileError(f"{source.name} has no columns.")
    frame = nw.from_native(relation)
    return bind(frame, options=options, source=source, skipped=skipped)


def _connect(memory_limit: str | None) -> duckdb.DuckDBPyConnection:
    folder = tempfile.mkdtemp(prefix="riskshift-")
    connection = duckdb.connect(
        config={
            "temp_directory": folder,
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "preserve_insertion_order": "false",
        }
    )
    weakref.finalize(connection, shutil.rmtree, folder, ignore_errors=True)
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
    schema = source.connection.sql(
        f"DESCRIBE SELECT * FROM read_parquet({_literal(file.path)})"
    ).fetchall()
    refuse_twins(file, [row[0] for row in schema])
    return "parquet", tuple(row[1] for row in schema), tuple(row[0] for row in schema)


def _json_keys(file: DataFile, source: FileSource) -> tuple[str, ...]:
    layout = "newline_delimited" if file.format == "jsonl" else "array"
    rows = source.connection.execute(
        "SELECT DISTINCT unnest(json_keys(json)) FROM read_json_objects("
        f"{_literal(file.path)}, format='{layout}', compression='{file.compression}', "
        f"maximum_object_size={MAX_LINE})"
    ).fetchall()
    names = tuple(sorted(row[0] for row in rows))
    if not names:
        raise source.explain(f"{file.name} holds no JSON objects.")
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
    return f"SELECT * FROM read_json({shared}, format='{layout}', maximum_object_size={MAX_LINE})"


def _without_bad_rows(
    files: Sequence[DataFile], connection: duckdb.DuckDBPyConnection
) -> tuple[list[DataFile], int]:
    """Copy text files that have malformed rows, without those rows."""
    folder = Path(tempfile.mkdtemp(prefix="riskshift-"))
    weakref.finalize(connection, shutil.rmtree, folder, ignore_errors=True)
    kept, dropped = [], 0
    for number, file in enumerate(files):
        bad = (
            0
            if file.format == "parquet"
            else sum(record.fault is not None for record in scan(file))
        )
        kept.append(_clean_copy(file, folder / f"{number}") if bad else file)
        dropped += bad
    return kept, dropped


def _clean_copy(file: DataFile, path: Path) -> DataFile:
    with path.open("wb") as clean:
        if file.format in ("csv", "tsv"):
            clean.write(_header_line(read_header(file)))
        for record in scan(file):
            if record.fatal:
                raise FileError(
                    f"{_told(file, record)} What follows cannot be told apart; fix the file."
                )
            if not record.fault:
                clean.write(record.raw if record.raw.endswith(b"\n") else record.raw + b"\n")
    layout = "jsonl" if file.format == "json" else file.format
    return replace(file, path=path, compression="none", format=layout)


def _header_line(header: Header) -> bytes:
    quoted = ['"' + name.replace('"', '""') + '"' for name in header.names]
    return (header.delimiter.join(quoted) + "\n").encode()


def _literal(value: object) -> str:
    text = str(value)
    if isinstance(value, Path):
        # DuckDB would read these as a pattern.
        text = "".join(f"[{mark}]" if mark in "*?[" else mark for mark in text)
    return "'" + text.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
