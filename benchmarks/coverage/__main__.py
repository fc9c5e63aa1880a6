"""Run the lab: a Markdown table of every kind of statement; fails where a promise is broken."""

import argparse
import importlib
import pkgutil
import sys
from collections.abc import Iterator

import benchmarks.coverage
from benchmarks.coverage.row import Row


def kinds() -> list[str]:
    """Return the names of the modules that measure something."""
    found = (module.name for module in pkgutil.iter_modules(benchmarks.coverage.__path__))
    return [name for name in found if name not in ("__main__", "row")]


def measured(name: str, draws: int, seed: int) -> Iterator[Row]:
    """Yield the rows of one module."""
    module = importlib.import_module(f"benchmarks.coverage.{name}")
    yield from module.rows(draws, seed)


def main(arguments: list[str] | None = None) -> int:
    """Print the table; return 1 if a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", nargs="*", help=f"which to run: {', '.join(kinds())}; default: all")
    parser.add_argument("--draws", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=20260709)
    options = parser.parse_args(arguments)
    broken = 0
    print("| statement | setting | method | measure | promised | measured | width | |")
    print("|---|---|---|---|---|--:|--:|---|")
    for name in options.kind or kinds():
        for row in measured(name, options.draws, options.seed):
            promised = (
                f"{row.least:.1%} to {row.most:.1%}" if (row.least, row.most) != (0.0, 1.0) else ""
            )
            width = "" if row.width is None else f"{row.width:.4f}"
            mark = "" if row.holds else "**missed**"
            print(
                f"| {row.kind} | {row.setting} | {row.method} | {row.measure} | {promised} | "
                f"{row.value:.1%} | {width} | {mark} |",
                flush=True,
            )
            broken += not row.holds
    print(f"\n{broken} promises broken.", file=sys.stderr)
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
