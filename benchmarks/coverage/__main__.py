"""Run the lab: a Markdown table of every kind of statement; fails where a promise is broken.

A promise is broken where the measured share lies more than two standard errors beyond it.
"""

import argparse
import importlib
import json
import pkgutil
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import benchmarks.coverage
from benchmarks.coverage.row import Row

NO_KINDS = ("__main__", "coarsened", "row")


def kinds() -> dict[str, str]:
    """Return the modules that measure something, by the last part of their names."""
    found = pkgutil.walk_packages(benchmarks.coverage.__path__, "benchmarks.coverage.")
    names = {module.name.rpartition(".")[2]: module.name for module in found if not module.ispkg}
    return {kind: name for kind, name in names.items() if kind not in NO_KINDS}


def measured(name: str, draws: int, seed: int, *, small: bool = False) -> Iterator[Row]:
    """Yield the rows of one module."""
    module = importlib.import_module(kinds()[name])
    yield from module.rows(draws, seed, small=small)


def line(row: Row) -> str:
    """Write a row of the table."""
    promised = f"{row.least:.1%} to {row.most:.1%}" if row.promised else ""
    value = f"{row.value:+.1%}" if row.measure == "bias" else f"{row.value:.1%}"
    width = "" if row.width is None else f"{row.width:.4f}"
    mark = "" if row.holds else "**missed**"
    cells = (row.kind, row.setting, row.method, row.measure, promised, value, width, mark)
    return f"| {' | '.join(cells)} |"


def main(arguments: list[str] | None = None) -> int:
    """Print the table; return 1 if a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", nargs="*", help=f"which to run: {', '.join(kinds())}; default: all")
    parser.add_argument("--draws", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=20260709)
    parser.add_argument("--small", action="store_true", help="a fixed part of the settings")
    parser.add_argument("--missed", action="store_true", help="print broken promises only")
    parser.add_argument("--save", type=Path, help="a folder for the rows, a JSON file a kind")
    options = parser.parse_args(arguments)
    count = broken = 0
    print("| statement | setting | method | measure | promised | measured | width | |")
    print("|---|---|---|---|---|--:|--:|---|")
    for name in options.kind or kinds():
        rows = []
        for row in measured(name, options.draws, options.seed, small=options.small):
            if not (options.missed and row.holds):
                print(line(row), flush=True)
            rows.append(row)
        count += sum(row.promised for row in rows)
        broken += sum(not row.holds for row in rows)
        if options.save is not None:
            options.save.mkdir(parents=True, exist_ok=True)
            kept = json.dumps([asdict(row) for row in rows], indent=1)
            (options.save / f"{name}.json").write_text(kept + "\n", encoding="utf-8")
    print(f"\n{broken} of {count:,} promises broken.", file=sys.stderr)
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
