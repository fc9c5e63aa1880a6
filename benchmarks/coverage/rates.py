"""How often the interval of one rate holds it, where records share clusters, and how wide it is.

Beside riskshift's interval stand the one that takes all records as independent and the one from
the linearised variance alone (R survey's ``svyciprop(method = "beta")``). Where no event, or
nothing but events, was seen, that variance is 0 and the second takes records as independent.
A gate's rows are about Clopper and Pearson's interval: how often it passes a model well inside
the tolerance, and one that lies exactly at it.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from benchmarks.coverage.row import NAIVE, Row, some
from riskshift.engines.random_groups import GROUPS
from riskshift.stats.clusters.cluster import clustered_interval, linearised_variance, t_quantile
from riskshift.stats.proportion import Interval, clopper_pearson, wilson
from riskshift.stats.resample import generator

Ints = npt.NDArray[np.int64]
Sizes = Callable[[np.random.Generator], Ints]
Method = Callable[[Ints, Ints, Ints], Interval]


def _equal(clusters: int, size: int, _: np.random.Generator) -> Ints:
    return np.full(clusters, size)


def _unequal(clusters: int, most: int, rng: np.random.Generator) -> Ints:
    return rng.integers(1, most, clusters, endpoint=True)


def _mixed(alone: int, clusters: int, size: int, _: np.random.Generator) -> Ints:
    return np.repeat([1, size], [alone, clusters])


def _dominated(clusters: int, size: int, share: float, _: np.random.Generator) -> Ints:
    return np.append(np.full(clusters, size), round(clusters * size * share / (1 - share)))


SIZES: dict[str, Sizes] = {
    "10 prompts of 4": partial(_equal, 10, 4),
    "200 prompts of 5": partial(_equal, 200, 5),
    "50 prompts of 20": partial(_equal, 50, 20),
    "20 prompts of 50": partial(_equal, 20, 50),
    "400 prompts of 50": partial(_equal, 400, 50),
    "40 prompts of 1 to 50": partial(_unequal, 40, 50),
    "200 prompts of 1, 20 of 20": partial(_mixed, 200, 20, 20),
    "20 prompts of 10, one of 40 %": partial(_dominated, 20, 10, 0.4),
    "100 prompts of 5, one of 60 %": partial(_dominated, 100, 5, 0.6),
    "20 prompts of 10, one of 80 %": partial(_dominated, 20, 10, 0.8),
    "20,000 prompts of 4": partial(_equal, 20_000, 4),
    "4,000 prompts of 1 to 50": partial(_unequal, 4_000, 50),
}
# At least five events are expected in each; below that nothing is promised.
RATES: dict[str, tuple[float, ...]] = {
    "10 prompts of 4": (0.2,),
    "200 prompts of 5": (0.01, 0.2),
    "50 prompts of 20": (0.01, 0.05),
    "20 prompts of 50": (0.01, 0.2),
    "400 prompts of 50": (0.001,),
    "40 prompts of 1 to 50": (0.01, 0.5),
    "200 prompts of 1, 20 of 20": (0.05,),
    "20 prompts of 10, one of 40 %": (0.05, 0.2),
    "100 prompts of 5, one of 60 %": (0.01, 0.2),
    "20 prompts of 10, one of 80 %": (0.2,),
}
CORRELATIONS = (0.0, 0.1, 0.8)
# Where clusters are put into random groups there are many; fewer than here is for the lab's speed.
GROUPED = (
    ("20,000 prompts of 4", 0.2, 0.1),
    ("20,000 prompts of 4", 0.001, 0.1),
    ("20,000 prompts of 4", 0.001, 0.8),
    ("4,000 prompts of 1 to 50", 0.01, 0.1),
    ("4,000 prompts of 1 to 50", 0.2, 0.8),
)
LEAST = 0.935
GATE = 0.03
GATE_SIZES = "50 prompts of 20"
# Promised share of passes. Of the wrong ones 3 % are the aim; measured are 3.7 % here.
GATE_RATES = {0.01: (0.45, 1.0), GATE: (0.0, 0.04)}
GATE_CORRELATION = 0.1


def rows(draws: int, seed: int, *, small: bool = False) -> Iterator[Row]:
    """Yield coverage of the intervals of one rate, and passes of a gate."""
    for name, rates in some(list(RATES.items()), small):
        for rate in rates:
            for rho in CORRELATIONS:
                rng = generator(seed, "rates", name, f"{rate} {rho}")
                yield from _coverage(name, rate, rho, draws, rng)
    yield from _gate(draws, seed)
    yield from _in_groups(draws, seed, GROUPED[:1] if small else GROUPED)


def _coverage(
    name: str, rate: float, rho: float, draws: int, rng: np.random.Generator
) -> Iterator[Row]:
    held: dict[str, list[Interval]] = {method: [] for method in METHODS}
    for _ in range(draws):
        cells = _drawn(SIZES[name], rate, rho, rng)
        for method, interval in METHODS.items():
            held[method].append(interval(*cells))
    for method, intervals in held.items():
        ends = np.array([(item.low, item.high) for item in intervals])
        yield Row(
            "one rate, clustered",
            f"{name}; {rate:.3g}; ICC {rho:g}",
            method,
            "coverage",
            float(((ends[:, 0] <= rate) & (rate <= ends[:, 1])).mean()),
            draws,
            least=0.0 if method.startswith(NAIVE) else LEAST,
            width=float(np.diff(ends).mean()),
        )


def _gate(draws: int, seed: int) -> Iterator[Row]:
    for rate, (least, most) in GATE_RATES.items():
        rng = generator(seed, "gate", f"{rate}")
        passed = 0
        for _ in range(draws):
            cells = _drawn(SIZES[GATE_SIZES], rate, GATE_CORRELATION, rng)
            passed += clustered_interval(*cells, method=clopper_pearson)[0].high <= GATE
        yield Row(
            "gate, clustered: passes",
            f"{GATE_SIZES}; {rate:.3g} against {GATE:g}; ICC {GATE_CORRELATION:g}",
            "riskshift",
            "error" if rate >= GATE else "power",
            passed / draws,
            draws,
            least=least,
            most=most,
        )


def _in_groups(
    draws: int, seed: int, settings: Sequence[tuple[str, float, float]]
) -> Iterator[Row]:
    """Yield coverage where clusters are put into random groups, as those of too many kinds are."""
    for name, rate, rho in settings:
        rng = generator(seed, "groups", name, f"{rate} {rho}")
        found = []
        for _ in range(draws):
            x, n, w = _drawn(SIZES[name], rate, rho, rng)
            group = rng.integers(0, GROUPS, int(w.sum()))
            events, trials = (
                np.bincount(group, weights=np.repeat(part, w), minlength=GROUPS) for part in (x, n)
            )
            held = trials > 0
            interval, _ = clustered_interval(
                events[held], trials[held], np.ones(held.sum()), random_groups=True
            )
            found.append((interval.low, interval.high))
        ends = np.array(found)
        yield Row(
            "one rate, random groups",
            f"{name}; {rate:.3g}; ICC {rho:g}",
            "riskshift",
            "coverage",
            float(((ends[:, 0] <= rate) & (rate <= ends[:, 1])).mean()),
            draws,
            least=LEAST,
            width=float(np.diff(ends).mean()),
        )


def _drawn(
    sizes: Sizes, rate: float, rho: float, rng: np.random.Generator
) -> tuple[Ints, Ints, Ints]:
    """Draw clusters, each with a rate of its own, and return kinds: events, trials and weight."""
    n = sizes(rng)
    spread = (1 - rho) / rho if rho else np.inf
    own = rng.beta(rate * spread, (1 - rate) * spread, len(n)) if rho else np.full(len(n), rate)
    kinds, weight = np.unique(np.stack([rng.binomial(n, own), n]), axis=1, return_counts=True)
    return kinds[0], kinds[1], weight


def _ours(x: Ints, n: Ints, w: Ints) -> Interval:
    return clustered_interval(x, n, w)[0]


def _independent(x: Ints, n: Ints, w: Ints) -> Interval:
    return wilson(int(w @ x), int(w @ n))


def _linearised(x: Ints, n: Ints, w: Ints) -> Interval:
    total, clusters = int(w @ n), int(w.sum())
    rate = float(w @ x) / total
    variance = linearised_variance(x, n, w)
    if not variance:
        return clopper_pearson(int(w @ x), total)
    shrink = t_quantile(total - 1, 0.95) / t_quantile(clusters - 1, 0.95)
    effective = rate * (1 - rate) / variance * shrink**2
    return clopper_pearson(min(effective, rate * effective), effective)


METHODS: dict[str, Method] = {
    "riskshift": _ours,
    f"{NAIVE} independent records": _independent,
    f"{NAIVE} linearised variance": _linearised,
}
