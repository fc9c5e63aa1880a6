"""What an analysis costs by the number of pairs, beside a bare grouping of the same columns.

``python -m benchmarks.sizes`` prints a Markdown table of CPU seconds, user and system, and of peak
memory, each of a process of its own; ``--sizes 1000 20000000`` takes other numbers of pairs. Pairs
are made anew and are the same each time: with unique ids, and with four answers a prompt. The last
rows refuse pairs with a fault, beside the analysis of the same pairs without it.

``--small`` runs 200,000 pairs and fails where a ratio is far from what was measured: it says nothing
of seconds, which hang on the machine.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.speed import _write_apart

SIZES: Final = (1_000, 10_000, 100_000, 1_000_000)
SMALL: Final = (200_000,)
ANSWERS: Final = (1, 4)
_BARE: Final = """
import duckdb, sys
con = duckdb.connect(config={"preserve_insertion_order": "false", "temp_directory": sys.argv[2]})
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


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process took: CPU seconds and MiB at its peak."""

    seconds: float
    memory: float


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table, and what its ratio must stay below after the seconds of a start."""

    what: str
    plain: Cost
    ours: Cost
    start: float
    most: float

    @property
    def ratio(self) -> float:
        """Our seconds to the plain ones, without those that any start takes."""
        return max(self.ours.seconds - self.start, 0.0) / self.plain.seconds


def cost(command: list[str], *, fails: bool = False) -> Cost:
    """Run a process and return what it took.

    Raises
    ------
    RuntimeError
        If it failed, or did not although it must.
    """
    quiet = [
        (os.POSIX_SPAWN_OPEN, at, os.devnull, os.O_WRONLY, 0)
        for at in (sys.stdout.fileno(), sys.stderr.fileno())
    ]
    process = os.posix_spawn(command[0], command, os.environ, file_actions=quiet)
    _, status, used = os.wait4(process, 0)
    if (status != 0) != fails:
        raise RuntimeError(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 2**10)


def analyze(path: Path, folder: Path, *, fails: bool = False) -> Cost:
    """Analyze a file on the command line; with `fails`, it must be refused."""
    output = ["-o", str(folder / "out.json"), "-q"]
    return cost([sys.executable, "-m", "riskshift", "analyze", str(path), *output], fails=fails)


def rows(sizes: Sequence[int], folder: Path) -> Iterator[Row]:
    """Measure every size in both shapes, then a refusal."""
    nothing = folder / "nothing.parquet"
    _write_apart(nothing, 100, 1)
    start = analyze(nothing, folder).seconds
    for size in sizes:
        for answers in ANSWERS:
            path = folder / f"{size}-{answers}.parquet"
            _write_apart(path, size, answers)
            plain = cost([sys.executable, "-c", _BARE, str(path), str(folder)])
            what = f"{size:,} pairs, " + ("unique ids" if answers == 1 else "4 answers a prompt")
            yield Row(what, plain, analyze(path, folder), start, 20.0)
    spoilt = folder / "spoilt.parquet"
    cost([sys.executable, "-c", _SPOIL, str(path), str(spoilt)])
    refused = analyze(spoilt, folder, fails=True)
    yield Row(f"{size:,} pairs, refused", analyze(path, folder), refused, 0.0, 2.0)


def main() -> None:
    """Print the table, row by row as it is measured; with ``--small`` fail on a ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="PAIRS")
    parser.add_argument("--small", action="store_true", help="fail on a ratio")
    asked = parser.parse_args()
    print("| what | plain | riskshift | memory | riskshift / plain |\n|---|--:|--:|--:|--:|")
    broken = []
    with tempfile.TemporaryDirectory() as folder:
        for row in rows(SMALL if asked.small else asked.sizes, Path(folder)):
            print(
                f"| {row.what} | {row.plain.seconds:.2f} s | {row.ours.seconds:.2f} s | "
                f"{row.ours.memory:.0f} MiB | {row.ratio:.1f} |",
                flush=True,
            )
            broken += [row.what] if row.ratio > row.most else []
    if asked.small and broken:
        sys.exit(f"too slow beside a bare grouping: {'; '.join(broken)}")


if __name__ == "__main__":
    main()
