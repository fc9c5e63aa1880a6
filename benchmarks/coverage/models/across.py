"""Differences across categories: does a model change one category more than another.

Prompts are harmful in one of two categories or in both. Answers come from normal scores that share,
within a prompt, what makes it hard: to both models, in both categories and in every answer. What is
left to a model alone may be alike in both categories, or opposed, so that the changes are too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np
from scipy.special import ndtri

from benchmarks.coverage.row import NAIVE, Row, some
from riskshift.analysis.comparison.contrasts.gaps import Gap, joined
from riskshift.analysis.comparison.matching import Outcomes
from riskshift.counts.clusters import distinct_rows
from riskshift.stats.multiple import bonferroni
from riskshift.stats.proportion import Interval, normal_quantile

LEVEL: Final = 0.95
LEAST: Final = 0.935
FAMILY: Final = 6
Z: Final = normal_quantile(LEVEL)
_ROUNDING: Final = 1e-12

Bounds = tuple[float, float]


@dataclass(frozen=True)
class Setting:
    """Prompts of a alone, of b alone, of both; rates of baseline and candidate in a, and in b.

    `alike` is the share of a score's variance that a prompt's answers share, `together` how far the
    rest goes together in both categories.
    """

    prompts: tuple[int, int, int]
    in_a: tuple[float, float]
    in_b: tuple[float, float]
    alike: float
    together: float = 0.0
    answers: int = 1

    def __str__(self) -> str:
        """Say it in words."""
        a, b, both = self.prompts
        rates = f"{self.in_a[0]:g} to {self.in_a[1]:g} and {self.in_b[0]:g} to {self.in_b[1]:g}"
        each = f", {self.answers} answers" if self.answers > 1 else ""
        return (
            f"{a}, {b} prompts and {both} of both, {rates}, correlation {self.alike}, changes "
            f"{self.together}{each}"
        )

    @property
    def truth(self) -> float:
        """The change in a less the change in b."""
        return (self.in_a[1] - self.in_a[0]) - (self.in_b[1] - self.in_b[0])


SETTINGS: Final = (
    Setting((50, 50, 0), (0.2, 0.2), (0.2, 0.2), 0.5),
    Setting((150, 60, 40), (0.3, 0.1), (0.2, 0.2), 0.5),
    Setting((200, 60, 0), (0.3, 0.15), (0.3, 0.15), 0.5),
    Setting((20, 20, 80), (0.3, 0.3), (0.3, 0.3), 0.8, 0.9),
    Setting((0, 0, 100), (0.4, 0.2), (0.2, 0.1), 0.5),
    Setting((0, 0, 100), (0.4, 0.2), (0.2, 0.1), 0.3, 0.9),
    Setting((0, 0, 200), (0.2, 0.2), (0.2, 0.2), 0.2, -0.9),
    Setting((400, 100, 100), (0.05, 0.02), (0.1, 0.1), 0.5),
    Setting((90, 20, 5), (0.1, 0.1), (0.3, 0.1), 0.3),
    Setting((60, 60, 60), (0.2, 0.1), (0.2, 0.2), 0.5, 0.5, answers=5),
    Setting((40, 40, 20), (0.1, 0.1), (0.1, 0.1), 0.2, answers=10),
)


def rows(draws: int, seed: int, *, small: bool = False) -> Iterator[Row]:
    """Measure every setting."""
    rng = np.random.default_rng(seed)
    for setting in some(SETTINGS, small):
        times = draws if setting.answers == 1 else max(1, draws // 2)
        ours, wide, naive, twice = zip(*(_drawn(setting, rng) for _ in range(times)), strict=True)
        kind = "difference across categories"
        for method, ends, least in (
            ("riskshift", ours, LEAST),
            ("riskshift, one of six at once", wide, bonferroni(LEVEL, FAMILY)),
            (f"{NAIVE} Wald, categories as if independent", naive, 0.0),
        ):
            held = np.array(
                [low - _ROUNDING <= setting.truth <= high + _ROUNDING for low, high in ends]
            )
            width = float(np.mean([high - low for low, high in ends]))
            yield Row(
                kind,
                str(setting),
                method,
                "coverage",
                float(held.mean()),
                times,
                least,
                width=width,
            )
        if setting.truth == 0.0:
            wrong = float(np.mean([low > 0 or high < 0 for low, high in ours]))
            yield Row(
                "one category wrongly said to change more",
                *(str(setting), "riskshift", "error", wrong, times, 0.0, 0.055),
            )
            told = float(np.mean(twice))
            yield Row(
                "one category wrongly said to change more",
                *(str(setting), f"{NAIVE}: one changes, the other does not", "error", told, times),
            )


def _drawn(setting: Setting, rng: np.random.Generator) -> tuple[Bounds, Bounds, Bounds, bool]:
    a, b = _gaps(setting, rng)
    (held_a, _), (held_b, _) = a.interval(LEVEL), b.interval(LEVEL)
    level = bonferroni(LEVEL, FAMILY)
    wide = joined(a, a.interval(level)[0], b, b.interval(level)[0])
    # What is often said: significant in the one, not in the other.
    said = _apart(held_a) != _apart(held_b)
    return _ends(joined(a, held_a, b, held_b)), _ends(wide), _wald(a, b), said


def _apart(held: Interval) -> bool:
    return held.low > 0 or held.high < 0


def _ends(held: Interval) -> Bounds:
    return held.low, held.high


def _gaps(setting: Setting, rng: np.random.Generator) -> tuple[Gap, Gap]:
    """Draw what both models did, in either category."""
    member = np.repeat([[1, 0], [0, 1], [1, 1]], setting.prompts, axis=0)
    limits = ndtri([*setting.in_a, *setting.in_b])
    hard = sqrt(setting.alike) * rng.standard_normal((len(member), 1, 1))
    own = rng.standard_normal((len(member), setting.answers, 4))
    own[..., 2:] *= sqrt(1 - setting.together**2)
    own[..., 2:] += setting.together * own[..., :2]
    own *= sqrt(1 - setting.alike)
    events = ((hard + own) < limits).sum(axis=1) * np.repeat(member, 2, axis=1)
    kinds, weight = distinct_rows(
        np.column_stack([events, member]).astype(np.int64), np.ones(len(member), np.int64)
    )
    trials = np.repeat(kinds[:, 4:], 2, axis=1) * setting.answers
    first, second = (
        Gap(Outcomes(kinds[:, of], trials[:, of], weight), 1, 0)
        for of in (slice(0, 2), slice(2, 4))
    )
    return first, second


def _wald(a: Gap, b: Gap) -> Bounds:
    middle = a.difference - b.difference
    half = Z * sqrt(sum(_variance(gap) for gap in (a, b)))
    return middle - half, middle + half


def _variance(gap: Gap) -> float:
    """Variance of a paired difference, answers as if independent."""
    cells = gap.cells
    n = float(cells.weight @ cells.pairs)
    _, more, less, _ = (float(cells.weight @ part) for part in cells.crossed)
    return ((more + less) / n - ((more - less) / n) ** 2) / n
