"""How often the intervals of agreement hold: alpha of raters, kappa and macro-F1 of two.

An item has a true level; each rater sees it, or one of the levels beside it. Items of one prompt
share how severe they tend to be. The truth is the value that ever more items would give.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.coverage.row import Row, some
from riskshift.stats.clusters.table_interval import Links, TableInterval, standard_error
from riskshift.stats.grading import agreement_of, card_intervals
from riskshift.stats.proportion import normal_quantile
from riskshift.stats.raters.alpha import (
    Measurement,
    alpha_interval,
    alphas,
    coincidences,
    krippendorff_alpha,
)
from riskshift.stats.raters.kappa import disagreement, kappa_gradient, weighted_kappa

Floats = npt.NDArray[np.float64]

CONFIDENCE: Final = 0.95
LEAST: Final = 0.935
# Where fewer intervals than this share are given, only the share of false ones is promised.
GIVEN: Final = 0.25
NAIVE_DRAWS: Final = 200
NAIVE_RESAMPLES: Final = 300


@dataclass(frozen=True)
class Setting:
    """Raters, levels, how often they are right, and how many items there are.

    `alike` is the correlation of the true levels of items of one prompt; `items` then is the
    number of prompts, `size` that of items in each, and `dominant` says that the first prompt has
    half of all items.
    """

    items: int
    safe: float
    right: float
    raters: int = 2
    levels: int = 4
    missing: float = 0.0
    size: int = 1
    alike: float = 0.0
    dominant: bool = False

    def __str__(self) -> str:
        who = f"{self.raters} raters right {self.right:.0%}, {self.levels} levels, {self.safe:.0%} safe"
        gaps = f", {self.missing:.0%} missing" if self.missing else ""
        if not self.alike:
            return f"{self.items:,} items, {who}{gaps}"
        most = ", one has half" if self.dominant else ""
        return f"{self.items} prompts x {self.size}{most}, alike {self.alike}, {who}{gaps}"


ALONE: Final = (
    *(Setting(n, s, 0.85, 3) for n in (20, 50, 200) for s in (0.5, 0.95)),
    *(Setting(n, s, 0.97, 3) for n in (50, 1_000) for s in (0.9, 0.95)),
    *(Setting(n, 0.9, 0.9, 2, 2) for n in (20, 50)),
    Setting(30, 0.8, 0.9, 5, 4, 0.3),
)
PAIRS: Final = (
    *(Setting(n, s, 0.85) for n in (30, 100, 1_000) for s in (0.5, 0.95)),
    *(Setting(n, s, 0.95, 2, 2) for n in (30, 300) for s in (0.8, 0.95)),
)
PROMPTS: Final = (
    *(
        Setting(g, s, 0.9, 3, 4, 0.0, m, a)
        for g, m in ((10, 10), (20, 20), (50, 10))
        for s in (0.5, 0.9)
        for a in (0.05, 0.4)
    ),
    Setting(20, 0.95, 0.9, 3, 2, 0.0, 20, 0.2),
    Setting(20, 0.9, 0.9, 3, 4, 0.0, 10, 0.2, dominant=True),
)


def rows(draws: int, seed: int, *, small: bool = False) -> Iterator[Row]:
    """Yield coverage, and how often there is an interval, of each measure and setting."""
    rng = np.random.default_rng(seed)
    metrics: tuple[Measurement, ...] = ("nominal", "ordinal")
    for setting in some(ALONE, small):
        for metric in metrics if setting.levels > 2 else metrics[:1]:
            yield from alpha_rows(setting, metric, draws, rng)
    for setting in some(PROMPTS, small):
        yield from alpha_rows(setting, "ordinal", draws, rng)
        yield from pair_rows(replace(setting, raters=2), draws, rng)
    for setting in some(PAIRS, small):
        yield from pair_rows(setting, draws, rng)


def alpha_rows(
    setting: Setting, metric: Measurement, draws: int, rng: np.random.Generator
) -> Iterator[Row]:
    """Yield what alpha and its interval do in one setting."""
    kinds, chances = _kinds(setting)
    truth = krippendorff_alpha(kinds, 1e9 * _expected(setting, chances), metric=metric)
    kept, pairs = _Kept(f"{metric} alpha", setting, truth), coincidences(kinds)
    for at, counts in enumerate(_drawn(setting, chances, draws, rng)):
        weight = counts.sum(axis=0)
        clusters = _csr(counts) if setting.alike else None
        kept.add(alpha_interval(kinds, weight, metric=metric, clusters=clusters))
        if at < NAIVE_DRAWS:
            kept.naive(_percentile(counts, pairs, metric, rng))
    yield from kept.rows()


def pair_rows(setting: Setting, draws: int, rng: np.random.Generator) -> Iterator[Row]:
    """Yield what macro-F1 and kappa of two raters do in one setting."""
    levels = setting.levels
    sees = _sees(setting)
    # Cells of the table of two raters, by the true level.
    chances = np.einsum("lj,lk->jkl", sees, sees).reshape(levels**2, levels)
    table = (1e9 * _expected(setting, chances)).reshape(levels, levels)
    kappa = _Kept("weighted kappa", setting, agreement_of(table)[1])
    f1 = _Kept("macro-F1", setting, None)
    cells = np.eye(levels**2).reshape(-1, levels, levels)
    for at, counts in enumerate(_drawn(setting, chances, draws, rng)):
        made = counts.sum(axis=0).reshape(levels, levels)
        if setting.alike:
            held = card_intervals(counts.reshape(-1, levels, levels), np.ones(len(counts)))
        else:
            held = card_intervals(cells, made.ravel())
        used = made.sum(axis=0) + made.sum(axis=1) > 0
        # What macro-F1 is of: the levels that were used.
        either = table.sum(axis=0) + table.sum(axis=1)
        f1.truth = float(np.mean(2 * table.diagonal()[used] / either[used]))
        f1.add(held[0])
        kappa.add(held[1])
        if at < NAIVE_DRAWS:
            kappa.naive(_normal(made))
    yield from f1.rows()
    yield from kappa.rows()


@dataclass
class _Kept:
    """Intervals so far, of one measure in one setting."""

    kind: str
    setting: Setting
    truth: float | None

    def __post_init__(self) -> None:
        self.hits: dict[str, list[bool]] = {"riskshift": [], "naive": []}
        self.widths: dict[str, list[float]] = {"riskshift": [], "naive": []}
        self.asked = 0

    def add(self, made: TableInterval) -> None:
        self.asked += 1
        if made.interval is not None:
            self._hold("riskshift", made.interval.low, made.interval.high)

    def naive(self, ends: tuple[float, float] | None) -> None:
        if ends is not None:
            self._hold("naive", *ends)

    def _hold(self, method: str, low: float, high: float) -> None:
        assert self.truth is not None
        self.hits[method].append(low <= self.truth <= high)
        self.widths[method].append(high - low)

    def rows(self) -> Iterator[Row]:
        hits, many = self.hits["riskshift"], len(self.hits["riskshift"])
        said = str(self.setting)
        wrong = many - sum(hits)
        yield Row(
            self.kind, said, "riskshift", "error", wrong / self.asked, self.asked, most=1 - LEAST
        )
        if many >= GIVEN * self.asked:
            yield self._coverage("riskshift", "riskshift", least=LEAST)
        yield Row(
            self.kind, said, "riskshift, given at all", "power", many / self.asked, self.asked
        )
        if self.hits["naive"]:
            how = "bootstrap" if "alpha" in self.kind else "large-sample"
            yield self._coverage("naive", f"naive {how}", least=0.0)

    def _coverage(self, method: str, name: str, least: float) -> Row:
        hits = self.hits[method]
        width = float(np.mean(self.widths[method]))
        share = sum(hits) / len(hits)
        return Row(
            self.kind, str(self.setting), name, "coverage", share, len(hits), least, width=width
        )


def _sees(setting: Setting) -> Floats:
    """Return the chance of each level that a rater gives (columns) by the true level (rows)."""
    sees = np.diag(np.full(setting.levels, setting.right))
    for level in range(setting.levels):
        near = [k for k in (level - 1, level + 1) if 0 <= k < setting.levels]
        sees[level, near] = (1 - setting.right) / len(near)
    return sees


def _kinds(setting: Setting) -> tuple[Floats, Floats]:
    """Return how many raters may give each level, and how likely that is by the true level."""
    sees = (1 - setting.missing) * _sees(setting)
    found: dict[tuple[int, ...], Floats] = {}
    for given in product(range(-1, setting.levels), repeat=setting.raters):
        chance = np.ones(setting.levels)
        for level in given:
            chance = chance * (setting.missing if level < 0 else sees[:, level])
        kind = tuple(given.count(level) for level in range(setting.levels))
        found[kind] = found.get(kind, np.zeros(setting.levels)) + chance
    paired = [kind for kind in sorted(found) if sum(kind) >= 2 and found[kind].any()]
    chances = np.array([found[kind] for kind in paired])
    return np.array(paired, dtype=np.float64), chances / chances.sum(axis=0)


def _true_levels(setting: Setting) -> Floats:
    """Return the shares of the true levels: each level above safe half as often as the one below."""
    harmful = 0.5 ** np.arange(setting.levels - 1)
    return np.append(setting.safe, (1 - setting.safe) * harmful / harmful.sum())


def _expected(setting: Setting, chances: Floats) -> Floats:
    return np.asarray(chances @ _true_levels(setting))


def _drawn(
    setting: Setting, chances: Floats, draws: int, rng: np.random.Generator
) -> Iterator[Floats]:
    """Yield, draw by draw, how many items of each kind each prompt has; one row without prompts."""
    if not setting.alike:
        counts = rng.multinomial(setting.items, _expected(setting, chances), size=draws)
        yield from counts[:, None, :].astype(np.float64)
        return
    spread = _true_levels(setting) * (1 - setting.alike) / setting.alike
    size = np.full(setting.items, setting.size)
    if setting.dominant:
        size[0] = setting.size * (setting.items - 1)
    for _ in range(draws):
        levels = rng.dirichlet(spread, setting.items)
        yield rng.multinomial(size, _shares(levels @ chances.T)).astype(np.float64)


def _shares(chances: Floats) -> Floats:
    return np.asarray(chances / chances.sum(axis=1, keepdims=True))


def _csr(counts: Floats) -> Links:
    of, kind = np.nonzero(counts)
    many = counts[of, kind].astype(np.int64)
    sizes = counts.sum(axis=1).astype(np.int64)
    indptr = np.concatenate([[0], np.cumsum(sizes)])
    return indptr, np.repeat(kind, many), np.ones(len(counts), dtype=np.int64)


def _percentile(
    counts: Floats, pairs: Floats, metric: Measurement, rng: np.random.Generator
) -> tuple[float, float] | None:
    """Return the ends of a percentile bootstrap of items, or of prompts."""
    if len(counts) == 1:
        total = int(counts.sum())
        resampled = 1.0 * rng.multinomial(total, counts[0] / total, size=NAIVE_RESAMPLES)
    else:
        each = np.full(len(counts), 1 / len(counts))
        resampled = rng.multinomial(len(counts), each, size=NAIVE_RESAMPLES) @ counts
    values = alphas(np.tensordot(resampled, pairs, 1), metric)
    values = values[~np.isnan(values)]
    if len(values) < (1 + CONFIDENCE) / 2 * NAIVE_RESAMPLES or values.min() == values.max():
        return None
    low, high = np.quantile(values, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def _normal(table: Floats) -> tuple[float, float] | None:
    """Return the large-sample ends of kappa, as Fleiss, Cohen and Everitt give them."""
    kappa = weighted_kappa(table)
    if kappa is None:
        return None
    levels = len(table)
    distance = disagreement(levels, "quadratic")
    cells = np.eye(levels**2).reshape(-1, levels, levels)
    error = standard_error(cells, table.ravel(), lambda t: kappa_gradient(t, distance))
    half = normal_quantile(CONFIDENCE) * error
    return (kappa - half, kappa + half) if half > 0 else None
