"""Pairs made up of a seed, as large as asked.

``python -m benchmarks.speed.pairs FILE PAIRS ANSWERS`` writes a Parquet file. It is a process of its
own, because what a process has used counts for its children.
"""

import sys
from pathlib import Path
from typing import Final

from benchmarks.speed.costs import LIMIT, process

SEED: Final = 20260709
CORPUS: Final = Path(__file__).parents[2] / "src" / "riskshift" / "data" / "reconstruction.csv"
CATEGORIES: Final = ("hate", "self_harm", "sexual", "violence")


def write(path: Path, pairs: int, *, answers: int) -> Path:
    """Write mild pairs in a process of its own; see `_write`."""
    process([sys.executable, "-m", __name__, str(path), str(pairs), str(answers)])
    return path


def _write(path: str, pairs: int, answers: int) -> None:
    """Write pairs whose labels are mostly Safe; a prompt's are the same for all its answers."""
    import duckdb  # the process that measures must not hold it

    drawn, columns = ["i"], [f"'prompt-' || (i // {answers}) AS prompt_id"]
    columns += [f"'model-' || (i % {answers}) AS model"] if answers > 1 else []
    for side, unit, first in (("prompt", f"i // {answers}", 0), ("response", "i", 10)):
        for at, category in enumerate(CATEGORIES, first):
            drawn.append(f"hash({unit}, {at}, {SEED}) % 1000 AS drawn{at}")
            columns.append(f"{_level(f'drawn{at}')} AS {side}_{category}")
    made = f"SELECT {', '.join(columns)} FROM (SELECT {', '.join(drawn)} FROM range({pairs}) t(i))"
    duckdb.connect(config={"memory_limit": LIMIT}).execute(f"COPY ({made}) TO '{path}'")


def _level(drawn: str) -> str:
    most = " ".join(f"WHEN {drawn} < {below} THEN {at}" for at, below in enumerate((930, 965, 990)))
    return f"(CASE {most} ELSE 3 END)::TINYINT"


if __name__ == "__main__":
    _write(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
