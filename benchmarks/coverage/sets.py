"""How often what is said within sets of prompts holds the truth, and how wide it is.

A set has a harmless and a harmful prompt, or one of each severity. What a model does to the prompts of
one set is alike: each set draws how easily it is refused, and how severe its responses are. The truth
is what many sets give. Beside the interval of the mean slope stands the plain t interval, and beside
that of the share of sets answered right on all variants the one that takes records for independent.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.coverage.row import NAIVE, Row, some
from riskshift.stats.clusters.cluster import mean_interval
from riskshift.stats.clusters.slopes import bounded_mean, slopes_within
from riskshift.stats.proportion import Interval, wilson
from riskshift.stats.resample import generator

KIND: Final = "within sets"
LEAST: Final = 0.935
TOP: Final = 3
TRUTH: Final = 400_000

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Model:
    """How a model treats the prompts of a set.

    Parameters
    ----------
    refused : tuple of float
        Chance of a refusal at each severity of the prompt, on average over sets.
    harmful : tuple of float
        Likewise of a harmful response to a prompt that is not refused.
    alike : float
        How alike the prompts of a set are treated: correlation of two of equal chance.
    """

    refused: tuple[float, ...]
    harmful: tuple[float, ...]
    alike: float


# Of three steps (harmless, low, high) or of two, harmless and high. In some hardly a set differs from the
# rest: what is promised is promised there too.
MODELS: Final = {
    "twins, careful": Model((0.1, 0.95), (0.0, 0.3), 0.3),
    "twins, few refusals": Model((0.0, 0.05), (0.02, 0.3), 0.3),
    "twins, hardly any harm": Model((0.02, 0.5), (0.0, 0.1), 0.3),
    "twins, all harmful ones answered": Model((0.0, 0.05), (0.0, 0.95), 0.0),
    "three variants": Model((0.05, 0.4, 0.8), (0.02, 0.2, 0.4), 0.3),
    "three variants, much alike": Model((0.1, 0.3, 0.5), (0.05, 0.1, 0.2), 0.8),
}
SETS: Final = (100, 250)
FEW: Final = (15, 30)
FEW_MODELS: Final = ("twins, hardly any harm", "three variants", "three variants, much alike")


def rows(draws: int, seed: int, *, small: bool = False) -> Iterator[Row]:
    """Yield coverage of both slopes and of the share of sets that are right."""
    settings = [(name, n) for name in MODELS for n in SETS]
    settings += [(name, n) for name in FEW_MODELS for n in FEW]
    for name, n in some(settings, small):
        rng = generator(seed, "sets", name, str(n))
        yield from _coverage(name, n, draws, rng)


@dataclass(frozen=True)
class Drawn:
    """Sets of as many records each.

    Parameters
    ----------
    severity : ndarray of int, shape (sets, size)
        Of the responses.
    refused : ndarray of int, shape (sets, size)
        1 where they refuse.
    """

    severity: Ints
    refused: Ints

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """Which responses are right; shape (sets, size)."""
        right: npt.NDArray[np.bool_] = self.severity == 0
        right[:, 0] &= self.refused[:, 0] == 0
        return right

    def slopes(self, values: Ints) -> Floats:
        """Slopes within the sets, of what is given for each record."""
        sets, size = values.shape
        steps = np.tile(_steps(size), sets)
        return slopes_within(steps, values.ravel(), np.arange(sets) * size)


def _steps(size: int) -> Ints:
    """Severities of the prompts of a set."""
    return np.array([0, 2]) if size == 2 else np.arange(size)


def drawn(model: Model, sets: int, rng: np.random.Generator) -> Drawn:
    """Draw sets: a share of them treats all its prompts by the same luck."""
    size = len(model.refused)

    def happens(chances: tuple[float, ...]) -> npt.NDArray[np.bool_]:
        shared = rng.random((sets, 1)) < np.sqrt(model.alike)
        luck = np.where(shared, rng.random((sets, 1)), rng.random((sets, size)))
        return luck < np.array(chances)

    refused = happens(model.refused)
    harmful = happens(model.harmful) & ~refused
    severity = np.where(harmful, rng.integers(1, TOP + 1, (sets, size)), 0)
    return Drawn(severity.astype(np.int64), refused.astype(np.int64))


@lru_cache
def truth(name: str) -> tuple[float, float, float]:
    """Return the slope of severity, that of refusals, and the share of sets that are right."""
    many = drawn(MODELS[name], TRUTH, generator(1, "sets", "truth", name))
    severity, refused = (
        float(many.slopes(values).mean()) for values in (many.severity, many.refused)
    )
    return severity, refused, float(many.right.all(axis=1).mean())


def _coverage(name: str, sets: int, draws: int, rng: np.random.Generator) -> Iterator[Row]:
    held: dict[tuple[str, str], list[Interval]] = {}
    for _ in range(draws):
        found = drawn(MODELS[name], sets, rng)
        for key, interval in _intervals(found):
            held.setdefault(key, []).append(interval)
    true = dict(zip(("severity", "refusals", "right on all"), truth(name), strict=True))
    for (what, method), intervals in held.items():
        ends = np.array([(item.low, item.high) for item in intervals])
        inside = (ends[:, 0] <= true[what]) & (true[what] <= ends[:, 1])
        kind = "share" if what == "right on all" else "slope"
        yield Row(
            f"{KIND}: {kind}",
            f"{name}; {sets} sets; {what}",
            method,
            "coverage",
            float(inside.mean()),
            draws,
            least=0.0 if method.startswith(NAIVE) else LEAST,
            width=float(np.diff(ends).mean()),
        )


def _intervals(found: Drawn) -> Iterator[tuple[tuple[str, str], Interval]]:
    for what, values, top in (("severity", found.severity, TOP), ("refusals", found.refused, 1)):
        slopes = found.slopes(values)
        ones = np.ones(len(slopes))
        # From the mildest prompt to the most severe it is two steps in every set.
        bounds = (-top / 2, top / 2)
        mean, ours = bounded_mean(slopes, ones, bounds=bounds)
        assert ours is not None
        yield (what, "riskshift"), ours
        _, plain = mean_interval(slopes, ones, ones, bounds=bounds)
        yield (what, f"{NAIVE} t"), plain or Interval(mean, mean, "t", 0.95)
    right = found.right
    yield ("right on all", "riskshift"), wilson(int(right.all(axis=1).sum()), len(right))
    alone = wilson(int(right.sum()), right.size)
    size = right.shape[1]
    yield (
        ("right on all", f"{NAIVE} records"),
        Interval(alone.low**size, alone.high**size, "wilson", 0.95),
    )
