"""What the numbers of a column stand for, where the data says so: Hugging Face's ClassLabel."""

import json
from collections.abc import Iterator
from typing import Any, Final

import duckdb

from riskshift.reading.combined import CombinedSource
from riskshift.reading.files import FileSource
from riskshift.records import Records

_KEY: Final = "huggingface"


def class_names(records: Records) -> dict[str, list[tuple[str, ...]]]:
    """Return the names that metadata gives to the numbers 0, 1, ... of columns.

    Parameters
    ----------
    records : Records
        From Parquet files or a PyArrow table; other data has no such metadata.

    Returns
    -------
    dict of str to list of tuple of str
        By column, each file's names where they differ.
    """
    found: dict[str, list[tuple[str, ...]]] = {}
    for told in _metadata(records):
        for column, names in _declared(told):
            if names not in found.setdefault(column, []):
                found[column].append(names)
    return found


def _metadata(records: Records) -> Iterator[bytes]:
    source: Any = records.source
    if isinstance(source, CombinedSource):
        for part in source.parts:
            yield from _metadata(part)
    elif isinstance(source, FileSource):
        paths = [str(file.path) for file in source.files if file.format == "parquet"]
        for path in paths:
            # A connection of its own: that of the rows may be in the middle of a query.
            with duckdb.connect() as connection:
                rows = connection.execute(
                    "SELECT value FROM parquet_kv_metadata(?) WHERE decode(key) = ?", [path, _KEY]
                ).fetchall()
            yield from (bytes(row[0]) for row in rows)
    else:
        told = source.metadata.get(_KEY.encode())
        yield from [told] if told else []


def _declared(told: bytes) -> Iterator[tuple[str, tuple[str, ...]]]:
    try:
        features = json.loads(told)["info"]["features"]
        declared = list(features.items())
    except (ValueError, KeyError, TypeError, AttributeError):
        return
    for column, feature in declared:
        names = feature.get("names") if isinstance(feature, dict) else None
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            yield column, tuple(names)
