"""How DuckDB is opened, and told to read a file: every option that could change what is read.

A reader's default is a choice that nobody made: it may take a folder's name for a column, a path
for a pattern or a home, a number for a date. So each option is said here, once, with its reason,
and columns go by our own names in their order. What is not named here bears on speed alone, on
what only looks at types to guess them, or on formats that are not read.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb

from riskshift.errors import FileError, UsageError
from riskshift.reading.layout import MAX_LINE, DataFile
from riskshift.records import own_names

Options = dict[str, object]
MOST_THREADS: Final = 1_024
_SIZE: Final = re.compile(
    r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*(?:[KMGT]i?B?|B)\s*", re.IGNORECASE | re.ASCII
)

# Of every reader that takes several files.
_PLACES: Final[Options] = {
    "hive_partitioning": False,  # a folder called response_harm=0 is a folder and no label
    "hive_types_autocast": False,  # nor is there anything to guess the type of
    "union_by_name": False,  # files that are read together have the same columns in the same order
    "filename": False,  # no column is added
}
_CSV: Final[Options] = _PLACES | {
    "auto_detect": False,  # the header was read and the delimiter found before
    "header": True,  # the first line names columns: it is no row
    "quote": '"',
    "escape": '"',
    "comment": "",  # a line that begins with # is a row
    "nullstr": "",  # nothing between two delimiters is missing; NA, null and nan are for us to judge
    "allow_quoted_nulls": True,  # "" is as empty as nothing
    "force_not_null": None,  # of no column
    "all_varchar": True,  # text, as it stands: no number, date or flag is guessed
    "normalize_names": False,  # names are ours
    "decimal_separator": ".",  # of no use for text
    "thousands": "",
    "encoding": "utf-8",
    "strict_mode": True,  # what breaks the rules of quoting is an error
    "null_padding": False,  # a row that is too short is an error
    "ignore_errors": False,  # no row is left out without a word
    "store_rejects": False,
    "max_line_size": MAX_LINE,
}
_JSON_OBJECTS: Final[Options] = _PLACES | {
    "ignore_errors": False,
}
_JSON: Final[Options] = _JSON_OBJECTS | {
    "auto_detect": False,  # the names were read before, and all values are text
    "records": True,  # an object's members are the columns
    "convert_strings_to_integers": False,
}
_PARQUET: Final[Options] = _PLACES | {
    "binary_as_string": False,  # bytes are no labels
    "file_row_number": False,  # no column is added
}


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of the machine DuckDB may take; None is what it takes by itself.

    Parameters
    ----------
    memory : str, optional
        Such as ``"2GB"``; beyond it, it works on disk.
    threads : int, optional
        How many work at once; each needs memory of its own.

    Raises
    ------
    UsageError
        If one is no limit.
    """

    memory: str | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        size = None if self.memory is None else _SIZE.fullmatch(self.memory)
        # DuckDB takes -1 for no limit, and 100% for a share of what is free just now.
        if self.memory is not None and (size is None or not size[1].strip("0.")):
            raise UsageError(f"memory limit {self.memory!r} is not a size; write it like 2GB.")
        whole = isinstance(self.threads, int) and not isinstance(self.threads, bool)
        if self.threads is not None and not (whole and 1 <= self.threads <= MOST_THREADS):
            raise UsageError(
                f"threads {self.threads!r} is no number from 1 to {MOST_THREADS:,}; more than there are processors "
                "make nothing faster."
            )

    def connect(self, folder: Path, *, in_order: bool = True) -> duckdb.DuckDBPyConnection:
        """Open DuckDB, which keeps on disk, in a folder of ours, what memory does not hold.

        Raises
        ------
        UsageError
            If DuckDB cannot be held to a limit.
        """
        connection = duckdb.connect(
            config={
                "temp_directory": str(folder),
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "preserve_insertion_order": str(in_order).lower(),
            }
        )
        for name, value in (("memory_limit", self.memory), ("threads", self.threads)):
            if value is None:
                continue
            try:
                connection.execute(f"SET {name} = ?", [value])
            except duckdb.Error as error:
                told = name.replace("_", " ")
                raise UsageError(f"{told} {value!r}: {str(error).splitlines()[0]}") from error
        return connection


NO_LIMITS: Final = Limits()


def read_csv(files: Sequence[DataFile], columns: int, *, delimiter: str, skip: int) -> str:
    """Write a reader of delimited files that have so many columns each."""
    own = options(
        {
            "columns": dict.fromkeys(own_names(columns), "VARCHAR"),
            "delim": delimiter,
            "skip": skip,
            "compression": files[0].compression,
        }
        | _CSV
    )
    return f"read_csv({paths(files)}, {own})"


def read_json(files: Sequence[DataFile], names: Sequence[str]) -> str:
    """Write a reader of these members of JSON objects, each as text."""
    own = options({"columns": dict.fromkeys(names, "VARCHAR"), **_packed(files)} | _JSON)
    return f"read_json({paths(files)}, {own})"


def read_json_objects(files: Sequence[DataFile]) -> str:
    """Write a reader of JSON objects as they are, in a column ``json``."""
    return f"read_json_objects({paths(files)}, {options(_packed(files) | _JSON_OBJECTS)})"


def read_parquet(files: Sequence[DataFile], columns: int, *, numbered: bool = False) -> str:
    """Write a reader of Parquet files that have so many columns each, and of the rows' numbers."""
    own = [*own_names(columns), *(["file_row_number"] if numbered else [])]
    said = options(_PARQUET | {"file_row_number": numbered})
    return f"read_parquet({paths(files)}, {said}) AS held({', '.join(own)})"


def parquet_schema(file: DataFile) -> str:
    """Write a reader of a Parquet file's own description."""
    return f"parquet_schema({literal(pattern(file.path))})"


def _packed(files: Sequence[DataFile]) -> dict[str, object]:
    layout = "newline_delimited" if files[0].format == "jsonl" else "array"
    longest = max(file.longest for file in files)
    return {
        "format": layout,
        "compression": files[0].compression,
        "maximum_object_size": longest,
    }


def paths(files: Sequence[DataFile]) -> str:
    """Write the paths of files so that each stands for itself."""
    return "[" + ", ".join(literal(pattern(file.path)) for file in files) + "]"


def pattern(path: Path) -> str:
    """Write a path so that DuckDB finds this file and no other.

    From the root on, so that it begins with neither a home (~) nor a scheme (file:, s3:); and with
    each mark of a pattern standing for itself.
    """
    return "".join(f"[{mark}]" if mark in "*?[" else mark for mark in str(path.resolve()))


def check_found(connection: duckdb.DuckDBPyConnection, file: DataFile) -> None:
    """Make sure that what DuckDB will open is what was looked into.

    Raises
    ------
    FileError
        If it finds another file, none, or several: it was moved meanwhile, or bears a name that
        DuckDB understands in its own way.
    """
    listed = connection.execute("SELECT file FROM glob(?)", [pattern(file.path)]).fetchall()
    found = [Path(row[0]) for row in listed]
    try:
        same = len(found) == 1 and found[0].samefile(file.path)
    except OSError:
        same = False
    if not same:
        raise FileError(
            f"{file.name} is not found by its name alone. Give it, and its folders, names without backslashes and "
            "marks of patterns (* ? [ ])."
        )


def options(given: Options) -> str:
    """Write options as arguments of a reader."""
    return ", ".join(
        f"{name}={_value(value)}" for name, value in given.items() if value is not None
    )


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{literal(k)}: {literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else literal(value)


def literal(value: object) -> str:
    """Write a text of SQL."""
    return "'" + str(value).replace("'", "''") + "'"
