"""PyRIT's memory: the tables of its databases, opened to be read and never written."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from riskshift.errors import FileError
from riskshift.formats.exchange import Fact
from riskshift.formats.log import Log

Ask = Callable[[str], Iterator[tuple[Any, ...]]]
Tables = dict[str, set[str]]

_SQLITE: Final = b"SQLite format 3\0"
_DUCKDB: Final = b"DUCK"  # at byte 8
_PIECES: Final = "PromptMemoryEntries"
_SCORES: Final = "ScoreEntries"
_RESULTS: Final = "AttackResultEntries"
_CONVERSATIONS: Final = "Conversations"
# What is asked of a piece and of a score; tables of some versions lack some of it.
_OF_PIECE: Final = (
    *("id", "role", "conversation_id", "sequence", "timestamp", "labels", "pyrit_version"),
    *("converter_identifiers", "prompt_target_identifier", "response_error"),
    *("original_value_data_type", "original_value", "original_prompt_id"),
    *("converted_value_data_type", "converted_value"),
)
_OF_SCORE: Final = (
    *("score_value", "score_type", "score_category", "scorer_class_identifier"),
    *("timestamp", "status", "prompt_request_response_id"),
)
_NEEDED: Final = {
    _PIECES: {"id", "role", "conversation_id", "sequence", "original_value", "converted_value"},
    _SCORES: {"prompt_request_response_id", "score_value", "scorer_class_identifier"},
}
_COLUMNS: Final = {
    "sqlite": (
        "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'"
    ),
    "duckdb": (
        "SELECT c.table_name, c.column_name FROM duckdb_columns() c "
        "JOIN duckdb_tables() t USING (database_oid, schema_oid, table_oid)"
    ),
}
_ROWS: Final = 1000
# What SQLite and DuckDB say of a database that another program has open.
_LOCKED: Final = ("database is locked", "Could not set lock", "being used by another process")


def database(log: Log) -> str:
    """Tell what kind of database a file is: ``"sqlite"``, ``"duckdb"``, or nothing."""
    if log.start.startswith(_SQLITE):
        return "sqlite"
    return "duckdb" if log.start[8:12] == _DUCKDB else ""


def is_other(log: Log) -> bool:
    """Tell whether a database can be opened, and has not the tables of PyRIT."""
    try:
        return bool(database(log)) and not {_PIECES, _SCORES} <= _tables(log).keys()
    except FileError:
        return False  # reading it says why


def versions(log: Log) -> Iterator[Fact]:
    """Yield the versions of PyRIT that wrote to a memory, where it tells them.

    Raises
    ------
    FileError
        As `scored_pieces`.
    """
    if "pyrit_version" in _tables(log).get(_PIECES, ()):
        with _opened(log) as ask:
            for (version,) in ask(f'SELECT DISTINCT pyrit_version FROM "{_PIECES}" ORDER BY 1'):  # noqa: S608
                yield Fact("version", version)


def scored_pieces(log: Log) -> Iterator[dict[str, Any]]:
    """Yield the pieces of all conversations, each conversation's one after another.

    Parameters
    ----------
    log : Log
        A database.

    Yields
    ------
    dict
        The columns of a piece, with ``scores``, ``objective``, ``model``, ``is_copy`` and
        ``of_attacker``.

    Raises
    ------
    FileError
        If the database is locked or broken, or a table lacks what it must have.
    """
    tables = _tables(log)
    for table, needed in _NEEDED.items():
        lacking = sorted(needed - tables.get(table, set()))
        if lacking:
            raise FileError(
                f"{log.name}: table {table} lacks {lacking[0]}, which PyRIT 0.5 to 1.1 write. It may be the memory of "
                "another version."
            )
    with _opened(log) as ask:
        yield from _pieces(ask, tables)


def _pieces(ask: Ask, tables: Tables) -> Iterator[dict[str, Any]]:
    results, models = _results(ask, tables), _models(ask, tables)
    size = len(_OF_PIECE)
    for _, rows in groupby(ask(_query(tables)), key=itemgetter(0)):
        held = list(rows)
        piece = dict(zip(_OF_PIECE, held[0], strict=False))
        conversation = str(piece["conversation_id"])
        objective, of_attacker = results.get(conversation, (None, False))
        target, model = models.get(conversation, (None, None))
        yield piece | {
            "scores": [
                dict(zip(_OF_SCORE, row[size + 1 :], strict=False)) for row in held if row[-1]
            ],
            "is_copy": bool(held[0][size]),
            "objective": objective,
            "of_attacker": of_attacker,
            "prompt_target_identifier": piece["prompt_target_identifier"] or target,
            "model": model,
        }


def _query(tables: Tables) -> str:
    pieces, scores = (
        [f"{of}.{name}" if name in tables[table] else "NULL" for name in names]
        for of, table, names in (("p", _PIECES, _OF_PIECE), ("s", _SCORES, _OF_SCORE))
    )
    order = ["p.conversation_id", "p.sequence", "p.id"]
    if "timestamp" in tables[_PIECES]:
        order.insert(2, "p.timestamp")
    copied, original = "0", "p.id"
    if "original_prompt_id" in tables[_PIECES]:
        # A branched conversation repeats its turns; scores stay with the first of them.
        copied = (
            f'p.original_prompt_id <> p.id AND EXISTS (SELECT 1 FROM "{_PIECES}" o '  # noqa: S608
            "WHERE o.id = p.original_prompt_id)"
        )
        original = "COALESCE(p.original_prompt_id, p.id)"
    return (
        f'SELECT {", ".join(pieces)}, {copied}, {", ".join(scores)} FROM "{_PIECES}" p '  # noqa: S608
        f'LEFT JOIN "{_SCORES}" s ON s.prompt_request_response_id = {original} '
        f"ORDER BY {', '.join(order)}"
    )


def _results(ask: Ask, tables: Tables) -> dict[str, tuple[str | None, bool]]:
    """Return by conversation the objective of its attack, and whether the attacker holds it."""
    columns = tables.get(_RESULTS, set())
    found: dict[str, tuple[str | None, bool]] = {}
    if not {"conversation_id", "objective"} <= columns:
        return found
    name = "adversarial_chat_conversation_ids"
    others = name if name in columns else "NULL"
    asked = f'SELECT conversation_id, objective, {others} FROM "{_RESULTS}"'  # noqa: S608
    for conversation, objective, attackers in ask(asked):
        found[str(conversation)] = (objective, False)
        with suppress(ValueError, RecursionError, TypeError):
            for one in json.loads(attackers) or ():
                found[str(one)] = (objective, True)
    return found


def _models(ask: Ask, tables: Tables) -> dict[str, tuple[Any, Any]]:
    """Return by conversation its target and the model's name."""
    if not {"conversation_id", "target_identifier"} <= tables.get(_CONVERSATIONS, set()):
        return {}
    found: dict[str, tuple[Any, Any]] = {}
    for conversation, target in ask(
        f'SELECT conversation_id, target_identifier FROM "{_CONVERSATIONS}"'  # noqa: S608
    ):
        with suppress(ValueError, RecursionError, TypeError):
            held = json.loads(target)
            found[str(conversation)] = (held, held.get("model_name"))
    return found


def _tables(log: Log) -> Tables:
    """Return the columns of what are tables, and no views."""
    found: Tables = {}
    with _opened(log) as ask:
        for table, column in ask(_COLUMNS[database(log)]):
            found.setdefault(table, set()).add(column)
    return found


@contextmanager
def _opened(log: Log) -> Iterator[Ask]:
    with (_sqlite if database(log) == "sqlite" else _duckdb)(log) as ask:
        yield ask


@contextmanager
def _sqlite(log: Log) -> Iterator[Ask]:
    import sqlite3

    try:
        place = f"{log.path.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(place, uri=True, timeout=1)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            yield lambda query: _flat(connection.execute(query))
    except sqlite3.Error as error:
        raise _fault(log, str(error)) from error


@contextmanager
def _duckdb(log: Log) -> Iterator[Ask]:
    import duckdb

    kept: dict[str, Any] = {"enable_external_access": False, "threads": 1}
    try:
        with duckdb.connect(str(log.path), read_only=True, config=kept) as connection:
            yield lambda query: _flat(connection.cursor().execute(query))
    except duckdb.Error as error:
        raise _fault(log, str(error)) from error


def _flat(cursor: Any) -> Iterator[tuple[Any, ...]]:
    while rows := cursor.fetchmany(_ROWS):
        yield from rows


def _fault(log: Log, said: str) -> FileError:
    line = said.splitlines()[0] if said else "it cannot be opened"
    if any(words in said for words in _LOCKED):
        return FileError(
            f"{log.name} is locked: another program has it open ({line}). Close PyRIT or the notebook that writes it, "
            "or copy the file and give the copy."
        )
    return FileError(
        f"{log.name} cannot be read as a database: {line}. It may be cut off, or written by a newer version."
    )
