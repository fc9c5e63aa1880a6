"""How often paired intervals, tests and verdicts are wrong, by simulation.

Two models answer the same prompts. Their outcomes have the rates p_a and p_b and a correlation.
``python -m benchmarks.paired_errors`` prints a Markdown table; it takes about two minutes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from math import sqrt

import numpy as np

from riskshift.analysis.verdicts import judge
from riskshift.stats.paired import mcnemar_exact, tango
from riskshift.stats.proportion import Interval

DRAWS = 4_000
SIZES = (50, 100, 200, 500, 2_000)
RATES = (0.01, 0.05, 0.1, 0.2, 0.4)
CORRELATIONS = (0.0, 0.4, 0.8)
DIFFERENCES = (0.0, 0.02, 0.05)
MARGIN = 0.02


@dataclass(frozen=True)
class Setting:
    """Two correlated outcomes on n prompts, as the probabilities of the four cells."""

    n: int
    difference: float
    cells: tuple[float, float, float, float]

    @property
    def discordant(self) -> float:
        """Expected number of discordant prompts."""
        return self.n * (self.cells[1] + self.cells[2])


def settings(difference: float) -> Iterator[Setting]:
    """Yield every setting of one true difference that is possible."""
    for n in SIZES:
        for rate in RATES:
            for correlation in CORRELATIONS:
                a, b = rate + difference, rate
                both = a * b + correlation * sqrt(a * (1 - a) * b * (1 - b))
                if both <= min(a, b) and a + b - both <= 1:
                    yield Setting(n, difference, (both, a - both, b - both, 1 - a - b + both))


Measure = Callable[[Setting, np.random.Generator, int], float]
Safe = Callable[[float], bool]


@cache
def interval(n: int, a_only: int, b_only: int) -> Interval:
    """Return Tango's interval; the concordant cells matter only through n."""
    return tango(n - a_only - b_only, a_only, b_only, 0)


@cache
def p_value(a_only: int, b_only: int) -> float:
    """Return the p of the exact test."""
    return mcnemar_exact(a_only, b_only)


def drawn(setting: Setting, rng: np.random.Generator, draws: int) -> Iterator[tuple[int, int, int]]:
    """Yield distinct discordant counts and how often they were drawn."""
    counts = rng.multinomial(setting.n, setting.cells, size=draws)[:, 1:3]
    pairs, times = np.unique(counts, axis=0, return_counts=True)
    for (a_only, b_only), k in zip(pairs.tolist(), times.tolist(), strict=True):
        yield a_only, b_only, k


def coverage(setting: Setting, rng: np.random.Generator, draws: int) -> float:
    """Share of intervals that hold the true difference."""
    held = 0
    for a_only, b_only, k in drawn(setting, rng, draws):
        found = interval(setting.n, a_only, b_only)
        held += k * (
            found.low <= setting.difference + 1e-12 and setting.difference - 1e-12 <= found.high
        )
    return held / draws


def rejected(setting: Setting, rng: np.random.Generator, draws: int) -> float:
    """Share of exact tests that see a difference."""
    return sum(k for a, b, k in drawn(setting, rng, draws) if p_value(a, b) < 0.05) / draws


def wrong_not_worse(setting: Setting, rng: np.random.Generator, draws: int) -> float:
    """Share of verdicts better or not worse where the candidate is worse by the margin."""
    wrong = 0
    for a, b, k in drawn(setting, rng, draws):
        found = interval(setting.n, a, b)
        verdict = judge([setting.n - a - b, a, b, 0], found, MARGIN, deff=float("inf"))
        wrong += k * (verdict.word in ("better", "not_worse"))
    return wrong / draws


def estimated(measure: Measure, setting: Setting, rng: np.random.Generator, *, safe: Safe) -> float:
    """Measure one setting; what comes out near its bound is drawn again, 25 times as often.

    Otherwise the worst of many settings would be the unluckiest of them.
    """
    first = measure(setting, rng, DRAWS)
    return first if safe(first) else measure(setting, rng, 25 * DRAWS)


def main() -> None:
    """Print the table."""
    rng = np.random.default_rng(20260709)
    covered = [
        (s, estimated(coverage, s, rng, safe=lambda c: 0.94 < c < 0.97))
        for d in DIFFERENCES
        for s in settings(d)
    ]
    many = [c for s, c in covered if s.discordant >= 10]
    tests = [estimated(rejected, s, rng, safe=lambda e: e < 0.04) for s in settings(0.0)]
    verdicts = [
        estimated(wrong_not_worse, s, rng, safe=lambda e: e < 0.04) for s in settings(MARGIN)
    ]
    print(f"{DRAWS:,} draws a setting, {25 * DRAWS:,} near a bound.\n")
    print("| what | settings | least | median | most | bound |")
    print("|---|--:|--:|--:|--:|--:|")
    rows = [
        ("coverage of the 95 % paired interval", [c for _, c in covered], "at least 93 %"),
        ("the same, 10 or more discordant prompts expected", many, "at most 97.5 %"),
        ("exact test rejects where there is no difference", tests, "at most 5 %"),
        (f"verdict not worse or better at a true margin of {MARGIN:.0%}", verdicts, "at most 5 %"),
    ]
    for name, values, bound in rows:
        low, middle, high = np.min(values), np.median(values), np.max(values)
        print(f"| {name} | {len(values)} | {low:.1%} | {middle:.1%} | {high:.1%} | {bound} |")


if __name__ == "__main__":
    main()
