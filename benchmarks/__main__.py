"""What riskshift costs, in one table: CPU seconds beside the plainest way in the same run.

The ratio leaves out the seconds that any start takes. Files are made up of a seed, the same each
time, one after the other in a temporary folder (TMPDIR).
"""

import argparse
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Final

from benchmarks.speed.costs import Asked, Row

# In the order in which they run. Modules are imported when their turn has come, because the memory of
# this process counts for its children.
PARTS: Final = {
    "sizes": ("processes", "analyze by pairs, beside grouping by the labels and by the id"),
    "refusal": ("processes", "refuse a fault, beside analysing without it; up to 10**6 pairs"),
    "models": ("processes", "compare six models, beside a self-join"),
    "starting": ("processes", "start, beside the least that is imported"),
    "comparing": ("inside", "compare fifty models, beside a join of data frames"),
    "crossings": ("inside", "how often each command crosses the rows"),
    "reports": ("inside", "every kind of report, beside plain JSON"),
    "resampling": ("resampling", "resampling counts, beside loops over rows"),
}
SMALL: Final = ("sizes", "refusal", "models")


def main() -> None:
    """Print the table, row by row as it is measured; with ``--small`` fail on a ratio."""
    given = _given()
    print("| what | plain | riskshift | memory | riskshift / plain | goal |")
    print("|---|--:|--:|--:|--:|--:|")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        asked = Asked(given.sizes, given.prompts, Path(folder))
        for name in given.parts:
            part = getattr(import_module(f"benchmarks.speed.{PARTS[name][0]}"), name)
            for row in part(asked):
                print(row, flush=True)
                rows.append(row)
    if given.picture:
        from benchmarks.speed.picture import draw

        draw(rows, given.picture)
    slow = [row.what for row in rows if 0 < row.most < row.ratio]
    if given.small and slow:
        sys.exit(f"too slow beside the plain way: {'; '.join(slow)}")


def _given() -> argparse.Namespace:
    parts = "\n".join(f"  {name:<10} {tells}" for name, (_, tells) in PARTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        epilog=f"parts:\n{parts}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    option = parser.add_argument
    option("parts", nargs="*", metavar="PART", help="what to measure (default: all)")
    option(
        "--sizes",
        type=_number,
        nargs="+",
        metavar="PAIRS",
        help="numbers of pairs, any from 1e3 to 1e8 and beyond (default: 1e3 1e4 1e5 1e6 1e7)",
    )
    option("--prompts", type=_number, help="prompts of each of the six models (default: 1e6)")
    option("--picture", type=Path, metavar="FILE.svg", help="draw the part sizes")
    option("--small", action="store_true", help="a minute's worth; fails on a ratio only")
    given = parser.parse_args()
    if unknown := [name for name in given.parts if name not in PARTS]:
        parser.error(f"no part is called {unknown[0]!r}; there are {', '.join(PARTS)}")
    chosen = given.parts or (SMALL if given.small else PARTS)
    given.parts = [name for name in PARTS if name in chosen]
    given.sizes = given.sizes or ([200_000] if given.small else [10**at for at in range(3, 8)])
    given.prompts = given.prompts or (20_000 if given.small else 1_000_000)
    return given


def _number(written: str) -> int:
    return int(float(written))


if __name__ == "__main__":
    main()
