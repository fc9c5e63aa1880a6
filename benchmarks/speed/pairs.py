"""Pairs made up of a seed, as large as asked.

``python -m benchmarks.speed.pairs FILE PAIRS ANSWERS`` writes a Parquet file. It is a process of its
own, because what a process has used counts for its children.
"""

import sys
from pathlib import Path
from typing import Final

from benchmarks.speed.costs import LIMIT, process

SEED: Final = 20260709
CATEGORIES: Final = ("hate", "self_harm", "sexual", "violence")


def write(path: Path, pairs: int, *, answers: int) -> Path:
    """Write mild pairs in a process of its own; see `_write`."""
    process([sys.executable, "-m", __name__, str(path), str(pairs), str(answers)])
    return path


def _write(path: str, pairs: int, answers: int) -> None:
    """Write pairs whose labels are mostly Safe; a prompt's are the same for all its answers."""
    columns = [f"'prompt-' || (i // {answers}) AS prompt_id"]
    columns += [f"'model-' || (i % {answers}) AS model"] if answers > 1 else []
    columns += [
        f"{_level(f'i // {answers}', at)} AS prompt_{category}"
        for at, category in enumerate(CATEGORIES)
    ]
    columns += [f"{_level('i', 10 + at)} AS response_{name}" for at, name in enumerate(CATEGORIES)]
    import duckdb  # what measures must not hold it

    made = f"SELECT {', '.join(columns)} FROM range({pairs}) t(i)"
    duckdb.connect(config={"memory_limit": LIMIT}).execute(f"COPY ({made}) TO '{path}'")


def _level(unit: str, column: int) -> str:
    drawn = f"(SELECT hash({unit}, {column}, {SEED}) % 1000 AS h)"
    level = "CASE WHEN h < 930 THEN 0 WHEN h < 965 THEN 1 WHEN h < 990 THEN 2 ELSE 3 END"
    return f"(SELECT {level} FROM {drawn})::TINYINT"


if __name__ == "__main__":
    _write(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
