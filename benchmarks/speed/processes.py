"""Whole commands in processes of their own, beside DuckDB on the same columns of the same file."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.speed.costs import COMMAND, LIMIT, Asked, Cost, Row, process
from benchmarks.speed.pairs import CATEGORIES, CORPUS, write

SHAPES: Final = {1: "unique ids", 4: "4 answers a prompt"}
MODELS: Final = 6
_BARE: Final = f"""
import duckdb, sys
con = duckdb.connect(config={{"memory_limit": "{LIMIT}", "temp_directory": sys.argv[2]}})
con.execute("SET preserve_insertion_order = false")
pairs = con.read_parquet(sys.argv[1])
labels = [name for name in pairs.columns if name not in ("prompt_id", "model")]
pairs.aggregate(", ".join([*labels, "count(*)"]), ", ".join(labels)).fetchall()
pairs.aggregate("count(*) AS n", "prompt_id").aggregate("max(n)").fetchall()
"""
_SPOIL: Final = """
import duckdb, sys
change = "CASE WHEN hash(prompt_id, model) % 4 = 0 THEN 3 ELSE prompt_hate END AS prompt_hate"
duckdb.sql(f"COPY (SELECT * REPLACE ({change}) FROM '{sys.argv[1]}') TO '{sys.argv[2]}'")
"""
_LABELS: Final = [f"response_{category}" for category in CATEGORIES]
_JOIN: Final = f"""
import duckdb, sys
con = duckdb.connect(config={{"memory_limit": "{LIMIT}", "temp_directory": sys.argv[2]}})
pairs = f"(SELECT prompt_id, model, greatest({", ".join(_LABELS)}) AS r FROM '{{sys.argv[1]}}')"
joined = f"{{pairs}} a JOIN {{pairs}} b ON a.prompt_id = b.prompt_id AND a.model < b.model"
con.execute(f"SELECT a.model, b.model, a.r, b.r, count(*) FROM {{joined}} GROUP BY ALL").fetchall()
"""

_GROUPED: Final = f"""
import duckdb
duckdb.sql("SELECT * EXCLUDE prompt_id, count(*) FROM '{CORPUS}' GROUP BY ALL").fetchall()
"""


def sizes(asked: Asked) -> Iterator[Row]:
    """Analyze every number of pairs in both shapes, beside grouping by the labels and by the id."""
    start = _start(asked.folder)
    for pairs in asked.sizes:
        times = 2 if pairs <= 1_000_000 else 1
        for answers, shape in SHAPES.items():
            path = write(asked.folder / "pairs.parquet", pairs, answers=answers)
            plain = process(_bare(path, _BARE), times=times)
            ours = _analyze(path, times=times)
            what = f"analyze, {pairs:,} pairs, {shape}"
            yield Row(what, plain, ours, 2, 20, start, shape=shape, pairs=pairs)


def refusal(asked: Asked) -> Iterator[Row]:
    """Refuse prompts that contradict themselves, beside analysing the same pairs without the fault."""
    for pairs in (at for at in asked.sizes if at <= 1_000_000):
        path = write(asked.folder / "pairs.parquet", pairs, answers=4)
        spoilt = asked.folder / "spoilt.parquet"
        process([sys.executable, "-c", _SPOIL, str(path), str(spoilt)])
        refused = _analyze(spoilt, fails=True)
        yield Row(f"refuse, {pairs:,} pairs, 4 answers a prompt", _analyze(path), refused, 1, 2)


def models(asked: Asked) -> Iterator[Row]:
    """Compare six models, beside a self-join that counts the pairs of their highest labels."""
    path = write(asked.folder / "pairs.parquet", MODELS * asked.prompts, answers=MODELS)
    start = process(_command("compare", write(asked.folder / "few.parquet", 600, answers=MODELS)))
    plain = process(_bare(path, _JOIN), times=2)
    ours = process(_command("compare", path), times=2)
    yield Row(
        f"compare, {MODELS} models x {asked.prompts:,} prompts", plain, ours, 2, 20, start.seconds
    )


def starting(asked: Asked) -> Iterator[Row]:
    """Start the command line, beside Python with what the command cannot do without."""
    bare = {
        "--help": [sys.executable, "-c", "import typer, rich.console"],
        "demo": [sys.executable, "-c", _GROUPED],
    }
    for name, plain in bare.items():
        options = ["-o", str(asked.folder)] if name == "demo" else []
        ours = process([*COMMAND, name, *options], times=3)
        yield Row(f"riskshift {name}", process(plain, times=3), ours)


def _start(folder: Path) -> float:
    """Return the seconds that an analysis of next to nothing takes."""
    return _analyze(write(folder / "few.parquet", 100, answers=1), times=2).seconds


def _analyze(path: Path, *, times: int = 1, fails: bool = False) -> Cost:
    return process(_command("analyze", path), times=times, fails=fails)


def _command(name: str, path: Path) -> list[str]:
    output = ["-q", "-o", str(path.with_suffix(".json")), "--memory-limit", LIMIT]
    return [*COMMAND, name, str(path), *output]


def _bare(path: Path, code: str) -> list[str]:
    return [sys.executable, "-c", code, str(path), str(path.parent)]
