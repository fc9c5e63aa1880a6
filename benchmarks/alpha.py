"""Krippendorff's alpha with its interval: against the plain way, and by the number of items.

The plain way is a bootstrap: the `krippendorff` package on the items themselves, drawn again for
each resample. Both compute the same alpha on the same data in the same run; the program stops if
they differ. After the collapse the cost must not depend on how many items there were.
"""

import argparse
import csv
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from krippendorff import alpha as plain_alpha

import riskshift
from riskshift.stats.raters.alpha import alpha_interval, krippendorff_alpha
from riskshift.stats.resample import generator

SIZES = (1_000, 10_000, 100_000, 1_000_000)
RATERS, LEVELS = 3, 4

Ints = npt.NDArray[np.int64]


def main(arguments: list[str] | None = None) -> int:
    """Print the tables; 1 if a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--resamples", type=int, default=1_000)
    parser.add_argument("--plain", type=int, default=5, help="resamples drawn the plain way")
    parser.add_argument("--whole", type=int, default=100_000, help="items of the whole command")
    options = parser.parse_args(arguments)
    seconds = by_items(options.resamples, options.plain)
    flat = max(seconds) / min(seconds)
    print(f"\nAfter the collapse, slowest over fastest: {flat:.2f}.")
    whole = whole_command(options.whole, options.resamples)
    print(f"riskshift.agree on {options.whole:,} items x {RATERS} raters in a file: ", end="")
    print(f"{whole:.2f} s in all.")
    return 0 if whole < 10 and flat < 3 else 1


def by_items(resamples: int, drawn: int) -> list[float]:
    """Print a row for each number of items; return the seconds after the collapse."""
    print(f"{RATERS} raters, {LEVELS} levels, ordinal alpha and its interval.")
    print(f"The plain way is timed on {drawn} resamples and scaled up to {resamples:,}.\n")
    print("| items | kinds | count once | then riskshift | plain way | ratio |")
    print("|--:|--:|--:|--:|--:|--:|")
    taken = []
    for items in SIZES:
        levels = ratings(items)
        counting, (units, weight) = timed(partial(collapsed, levels))
        ours = min(timed(partial(interval, units, weight))[0] for _ in range(9))
        one, _ = timed(partial(plain, levels, drawn))
        alpha = krippendorff_alpha(units, weight, metric="ordinal")
        assert alpha is not None
        assert abs(alpha - plain(levels, 0)) < 1e-9, "the two ways disagree"
        scaled = one / (drawn + 1) * resamples
        print(f"| {items:,} | {len(units)} | {counting:.3f} s | {ours:.3f} s ", end="")
        print(f"| {scaled:.1f} s | {scaled / ours:,.0f} |")
        taken.append(ours)
    return taken


def ratings(items: int) -> Ints:
    """Return levels by item and rater: mostly mild, raters mostly one level apart at most."""
    rng = generator(20260709, "alpha benchmark", str(items))
    truth = rng.choice(LEVELS, items, p=[0.7, 0.15, 0.1, 0.05])
    noise = rng.choice([-1, 0, 1], (items, RATERS), p=[0.1, 0.8, 0.1])
    return np.asarray(np.clip(truth[:, None] + noise, 0, LEVELS - 1), dtype=np.int64)


def collapsed(levels: Ints) -> tuple[Ints, Ints]:
    """Count how many items have which ratings."""
    units = np.stack([(levels == level).sum(axis=1) for level in range(LEVELS)], axis=1)
    keys, weight = np.unique(units @ (RATERS + 1) ** np.arange(LEVELS), return_counts=True)
    return keys[:, None] // (RATERS + 1) ** np.arange(LEVELS) % (RATERS + 1), weight


def interval(units: Ints, weight: Ints) -> object:
    """Return the interval of alpha from counts."""
    return alpha_interval(units, weight, metric="ordinal")


def plain(levels: Ints, resamples: int) -> float:
    """Return alpha of the items, after computing it for resamples of them too."""
    rng = generator(1)
    for _ in range(resamples):
        drawn = levels[rng.integers(0, len(levels), len(levels))]
        plain_alpha(drawn.T, level_of_measurement="ordinal")
    return float(plain_alpha(levels.T, level_of_measurement="ordinal"))


def whole_command(items: int, resamples: int) -> float:
    """Return the seconds from a file of ratings, five items a prompt, to the result."""
    levels = ratings(items)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ratings.csv"
        with path.open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["record_id", "prompt_id", "annotator", "response_hate"])
            for item, given in enumerate(levels):
                rows.writerows(
                    (f"i{item}", f"p{item // 5}", f"rater{at}", int(level))
                    for at, level in enumerate(given)
                )
        taxonomy = riskshift.Taxonomy(("hate",))
        return timed(lambda: riskshift.agree(path, taxonomy=taxonomy, resamples=resamples))[0]


T = TypeVar("T")


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Return how long some work took, and its result."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


if __name__ == "__main__":
    raise SystemExit(main())
