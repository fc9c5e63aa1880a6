"""Two or more models on the same prompts: intervals, tests, verdicts, and families of them.

Prompts differ in how hard they are: each has its own rate, beta distributed. A share of the prompts
is as hard for one model as for the other; on the rest the models' rates are drawn apart. A steady
baseline has the same rate on every prompt.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from itertools import combinations
from typing import Any

import numpy as np
from scipy.special import chdtrc

from benchmarks.coverage.row import NAIVE, Row, some
from riskshift.analysis.comparison.differences import paired_interval
from riskshift.analysis.comparison.matching import PairCells
from riskshift.stats.matched.paired import mcnemar_exact, tango, tango_exact
from riskshift.stats.matched.paired_clusters import sign_flip
from riskshift.stats.multiple import bonferroni
from riskshift.stats.proportion import Interval

MODELS = 6
LEVEL = 0.95
LEAST = 0.935
TEST = 0.055
VERDICT = 0.03
FAMILY = 0.05
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Setting:
    """Two models: the baseline's rate, and by how much the candidate's is higher."""

    prompts: int
    answers: tuple[int, ...]
    rate: float
    alike: float
    shared: float
    difference: float = 0.0
    steady: bool = False

    def __str__(self) -> str:
        """Say it in words."""
        low, high = min(self.answers), max(self.answers)
        each = f"{low}" if low == high else f"{low} to {high}"
        return (
            f"{self.prompts} prompts, {each} answers, rate {self.rate:.1%}, ICC {self.alike}, "
            f"{self.shared:.0%} of prompts alike, difference {self.difference:.0%}"
            + (", baseline ICC 0" if self.steady else "")
        )

    @property
    def once(self) -> bool:
        """Whether each model answers each prompt once."""
        return max(self.answers) == 1


# Prompts, answers a prompt, rate, intra-prompt correlation, share of prompts alike for both.
ONCE = (
    *(Setting(n, (1,), 0.01, 1.0, 0.4) for n in (50, 200, 2_000)),
    *(Setting(n, (1,), 0.1, 1.0, 0.8) for n in (50, 200, 2_000)),
    *(Setting(n, (1,), 0.4, 1.0, 0.0) for n in (50, 500)),
)
OFTEN = (
    Setting(50, (5,), 0.05, 0.3, 0.5),
    Setting(50, (10,), 0.2, 0.3, 0.5),
    Setting(100, (5,), 0.02, 0.5, 0.0),
    Setting(100, (10,), 0.01, 0.3, 0.5),
    Setting(100, (1, 1, 2, 10), 0.1, 0.4, 0.5),
    Setting(100, (1,) * 7 + (50,), 0.1, 0.4, 0.5),
    Setting(200, (3,), 0.05, 0.5, 0.5),
    Setting(200, (10,), 0.2, 0.0, 1.0),
    Setting(200, (5,), 0.1, 1.0, 0.5),
    Setting(500, (5,), 0.01, 0.8, 0.5),
    Setting(50, (5,), 0.1, 0.4, 0.0, steady=True),
    Setting(200, (5,), 0.05, 0.4, 0.0, steady=True),
)
DIFFERENCES = (0.0, 0.02, 0.05)
MARGIN = 0.02
FAMILIES = (
    Setting(50, (1,), 0.1, 1.0, 0.5),
    Setting(200, (1,), 0.1, 1.0, 0.5),
    Setting(1_000, (1,), 0.02, 1.0, 0.2),
    Setting(100, (5,), 0.1, 0.4, 0.5),
)
# How many of the six models are equal; the others are worse by 5 points, and equal too.
EQUAL = (6, 3)


def rows(draws: int, seed: int, *, small: bool = False) -> Iterator[Row]:
    """Measure everything."""
    rng = np.random.default_rng(seed)
    for setting in some((*ONCE, *OFTEN), small):
        for difference in DIFFERENCES[: 2 if setting.once else 3]:
            yield from _two_models(replace(setting, difference=difference), rng, draws)
    for setting in some(FAMILIES, small):
        for equal in EQUAL:
            yield from _family(setting, equal, rng, draws)


def drawn(setting: Setting, rng: np.random.Generator, worse: Sequence[float]) -> tuple[Any, ...]:
    """Draw how often each of several models, worse by so much, answers each prompt harmfully."""
    n = rng.choice(setting.answers, setting.prompts)
    common = _hardness(setting, rng)
    same = rng.random(setting.prompts) < setting.shared
    events = []
    for at, more in enumerate(worse):
        rate = np.where(same, common, _hardness(setting, rng))
        if setting.steady and at == 0:
            rate = np.full(setting.prompts, setting.rate)
        rate = 1 - (1 - rate) * (1 - more / (1 - setting.rate))
        if setting.alike == 1.0:
            rate = np.where(rng.random(setting.prompts) < rate, 1.0, 0.0)
        events.append(rng.binomial(n, rate))
    return n, events


def _hardness(setting: Setting, rng: np.random.Generator) -> Any:
    rate, alike = setting.rate, setting.alike
    if alike == 0.0:
        return np.full(setting.prompts, rate)
    if alike == 1.0:
        return (rng.random(setting.prompts) < rate).astype(float)
    spread = (1 - alike) / alike
    return rng.beta(rate * spread, (1 - rate) * spread, setting.prompts)


def _cells(n: Any, candidate: Any, baseline: Any) -> PairCells:
    # One key an outcome: far quicker to sort than rows of three.
    base = int(n.max()) + 1
    kinds, weight = np.unique((candidate * base + n) * base + baseline, return_counts=True)
    first, x_b = np.divmod(kinds, base)
    x_a, size = np.divmod(first, base)
    return PairCells(x_a, size, x_b, size, weight)


@cache
def _held(n: int, a_only: int, b_only: int, confidence: float) -> Interval:
    return tango_exact(0, a_only, b_only, n - a_only - b_only, confidence=confidence)


@cache
def _bold(n: int, a_only: int, b_only: int, confidence: float) -> Interval:
    return tango(0, a_only, b_only, n - a_only - b_only, confidence=confidence)


def _ours(cells: PairCells, confidence: float) -> Interval:
    if cells.several:
        return paired_interval(cells, confidence)[0]
    # The same, but each outcome only once.
    _, a_only, b_only, _ = (int(cells.weight @ part) for part in cells.crossed)
    return _held(cells.prompts, a_only, b_only, confidence)


def _naive(cells: PairCells, confidence: float) -> Interval:
    """Tango's interval as if every pair of answers had a prompt of its own."""
    both, a_only, b_only, neither = (float(cells.weight @ part) for part in cells.crossed)
    if cells.several:
        return tango(both, a_only, b_only, neither, confidence=confidence)
    return _bold(cells.prompts, int(a_only), int(b_only), confidence)


def _p(cells: PairCells) -> float:
    _, a_only, b_only, _ = cells.crossed
    if cells.several:
        return sign_flip(a_only - b_only, cells.weight)
    return mcnemar_exact(int(cells.weight @ a_only), int(cells.weight @ b_only))


def _p_naive(cells: PairCells) -> float:
    """Durkalski's chi-square, or McNemar's without correction."""
    lean = (cells.x_a - cells.x_b) / cells.n_a
    spread = float(cells.weight @ lean**2)
    return float(chdtrc(1, float(cells.weight @ lean) ** 2 / spread)) if spread else 1.0


@dataclass
class _Tally:
    """How often each thing happened, and how wide the intervals were."""

    draws: int
    counts: Counter[str] = field(default_factory=Counter)
    width: float = 0.0

    def see(self, interval: Interval, truth: float, p: float) -> None:
        """Count one draw."""
        below, above = interval.high < truth - _ROUNDING, interval.low > truth + _ROUNDING
        self.width += (interval.high - interval.low) / self.draws
        self.counts["below"] += below
        self.counts["above"] += above
        self.counts["held"] += not (below or above)
        self.counts["higher"] += interval.low > 0
        self.counts["rejected"] += p < 1 - LEVEL

    def share(self, name: str) -> float:
        """Return the share of draws."""
        return self.counts[name] / self.draws


def _two_models(setting: Setting, rng: np.random.Generator, draws: int) -> Iterator[Row]:
    ours, naive = _Tally(draws), _Tally(draws)
    for _ in range(draws):
        n, (old, new) = drawn(setting, rng, (0.0, setting.difference))
        cells = _cells(n, new, old)
        ours.see(_ours(cells, LEVEL), setting.difference, _p(cells))
        naive.see(_naive(cells, LEVEL), setting.difference, _p_naive(cells))
    bold = "Tango alone, chi-square" if setting.once else "answers as if independent, Durkalski"
    yield from _told(setting, ours, "riskshift")
    # What is naive promises nothing.
    for row in _told(setting, naive, f"{NAIVE}: {bold}"):
        yield replace(row, least=0.0, most=1.0)


def _told(setting: Setting, seen: _Tally, method: str) -> Iterator[Row]:
    told = partial(Row, setting=str(setting), method=method, draws=seen.draws)
    kind = f"paired difference, {'one answer' if setting.once else 'several answers'} a prompt"
    held = seen.share("held")
    yield told(kind=kind, measure="coverage", value=held, least=LEAST, width=seen.width)
    wrong = partial(told, measure="error")
    below, above = seen.share("below"), seen.share("above")
    if setting.difference == 0.0:
        rejected = seen.share("rejected")
        yield wrong(kind="test of no difference", value=rejected, most=TEST)
        yield wrong(kind="verdict: wrongly better", value=below, most=VERDICT)
    elif setting.difference == MARGIN:
        yield wrong(kind="verdict: wrongly not worse", value=below, most=VERDICT)
        yield wrong(kind="verdict: wrongly worse", value=above, most=VERDICT)
    else:
        yield told(kind="a difference found", measure="power", value=seen.share("higher"))


def _family(setting: Setting, equal: int, rng: np.random.Generator, draws: int) -> Iterator[Row]:
    draws = draws if setting.once else max(1, draws // 5)
    worse = [0.0] * equal + [0.05] * (MODELS - equal)
    wide = bonferroni(LEVEL, MODELS * (MODELS - 1) // 2)
    single = f"{NAIVE}: an interval each"
    methods = (("riskshift", _ours, wide), (single, _naive, LEVEL))
    said, missed = Counter[str](), Counter[str]()
    for _ in range(draws):
        n, events = drawn(setting, rng, worse)
        pairs = [
            (_cells(n, events[b], events[a]), worse[b] - worse[a])
            for a, b in combinations(range(MODELS), 2)
        ]
        for method, interval, level in methods:
            off = [_off(interval(cells, level), truth) for cells, truth in pairs]
            missed[method] += any(off)
            same = (truth == 0.0 for _, truth in pairs)
            said[method] += any(wrong for wrong, alike in zip(off, same, strict=True) if alike)
    groups = "equal" if equal == MODELS else f"{equal} and {MODELS - equal} of them equal"
    told = f"{MODELS} models, {groups}: {setting}"
    for method, _, _ in methods:
        row = partial(Row, setting=told, method=method, draws=draws)
        error, held = said[method] / draws, 1 - missed[method] / draws
        ours = method == "riskshift"
        most, least = (FAMILY, LEAST) if ours else (1.0, 0.0)
        yield row(kind="family: any wrongly better", measure="error", value=error, most=most)
        yield row(kind="family: all intervals", measure="coverage", value=held, least=least)


def _off(interval: Interval, truth: float) -> bool:
    return not interval.low - _ROUNDING <= truth <= interval.high + _ROUNDING
