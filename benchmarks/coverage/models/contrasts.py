"""Contrasts of categories and of groups, standardised rates, claims in words, and pooled tests."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from math import comb, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtr, ndtri

from benchmarks.coverage.row import NAIVE, Row, some
from riskshift.stats.clusters.joint import cautious_correlation, contrast_intervals
from riskshift.stats.clusters.standardized import standardized_rate
from riskshift.stats.crosstabs.association import chi_square, rao_scott
from riskshift.stats.matched.paired import tango
from riskshift.stats.multiple import bonferroni
from riskshift.stats.proportion import Interval, mover_difference, normal_quantile, wilson

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CONFIDENCE: Final = 0.95
Z: Final = normal_quantile(CONFIDENCE)

# Two categories: records of the first, of the second, of both; their rates; prompts a cluster.
CONTRASTS: Final = [
    ((150, 150, 0), (0.05, 0.05), 1, 0.0),
    ((150, 40, 30), (0.3, 0.1), 1, 0.0),
    ((20, 20, 60), (0.2, 0.2), 1, 0.0),
    ((400, 400, 200), (0.02, 0.05), 1, 0.0),
    ((150, 150, 150), (0.2, 0.1), 5, 0.3),
    ((150, 150, 150), (0.2, 0.1), 5, 0.8),
]
# Prompts; rate of the old model, of the new one in either group; how alike a prompt's answers are.
GROUPS: Final = [
    (50, 0.1, (0.1, 0.1), 0.5),
    (100, 0.2, (0.1, 0.2), 0.5),
    (100, 0.3, (0.3, 0.3), 0.95),
    (400, 0.05, (0.05, 0.05), 0.95),
]
# Records of the strata, their weights (None: all alike), and their rates.
STRATA: Final = [
    ((250, 100, 40, 10), None, (0.02, 0.02, 0.02, 0.02)),
    ((250, 100, 40, 10), None, (0.01, 0.03, 0.08, 0.2)),
    ((250, 100, 40, 10), (250, 100, 40, 10), (0.02, 0.02, 0.02, 0.02)),
    ((250, 100, 40, 10), None, (0.3, 0.3, 0.3, 0.3)),
    ((25,) * 16, None, (0.02,) * 16),
    ((50,) * 8, None, (0.02, 0.02, 0.04, 0.04, 0.06, 0.06, 0.1, 0.1)),
    ((500, 20), None, (0.05, 0.2)),
]
# Records of the categories; the share of records that also count for the next one.
SIZES: Final = [
    ((200, 200, 200, 1), 0.0),
    ((200, 1), 0.0),
    ((500, 20, 10, 3), 0.0),
    ((50, 50, 50, 50), 0.0),
    ((200, 200, 200, 200), 0.5),
    ((1000, 1000, 20, 20, 20), 0.0),
]
PERSISTENCE: Final = (0.02, 0.1, 0.3)
# Prompts and answers to each, shares of rows and of columns.
TABLES: Final = [
    ((60, 5), (0.3, 0.7), (0.5, 0.5)),
    ((60, 20), (0.1, 0.9), (0.3, 0.7)),
    ((60, 5), (0.7, 0.15, 0.1, 0.05), (0.2, 0.3, 0.5)),
    ((30, 5), (0.4, 0.3, 0.3), (0.3, 0.3, 0.4)),
]
ICC: Final = (0.0, 0.3, 0.8)
_BLOCK: Final = 400


def rows(draws: int, seed: int, *, small: bool = False) -> Iterator[Row]:
    """Yield what was measured, kind by kind."""
    rng = np.random.default_rng(seed)
    for part in (_contrasts, _interactions, _standardized, _words, _tests):
        yield from part(draws, rng, small)


def _covered(truth: float, ends: list[tuple[float, float]]) -> tuple[float, float]:
    low, high = np.array(ends).T
    return float(((low <= truth) & (truth <= high)).mean()), float((high - low).mean())


def _merged(columns: Ints) -> tuple[Ints, Ints]:
    kinds, weight = np.unique(columns, axis=0, return_counts=True)
    return kinds, weight


def _contrasts(draws: int, rng: np.random.Generator, small: bool) -> Iterator[Row]:
    for sizes, rates, each, icc in some(CONTRASTS, small):
        ours, wide, naive = [], [], []
        for _ in range(draws // 2):
            kinds, weight = _two_categories(sizes, rates, each, icc, rng)
            one, joint, _ = _intervals(kinds, weight, 3)
            ours.append((one.low, one.high))
            wide.append((joint.low, joint.high))
            naive.append(_wald(*(weight @ kinds)))
        setting = (
            f"{sizes[0]} and {sizes[1]} records, {sizes[2]} of both, at {rates[0]:g} and {rates[1]:g}"
            + (f", {each} answers a prompt, ICC {icc:g}" if each > 1 else "")
        )
        kind, truth = "contrast of two categories", rates[0] - rates[1]
        upper = 0.975 if each == 1 else 1.0
        for method, ends, least, most in (
            ("riskshift", ours, 0.935, upper),
            ("riskshift, one of three at once", wide, bonferroni(CONFIDENCE, 3), 1.0),
            (f"{NAIVE} Wald, independent", naive, 0.0, 1.0),
        ):
            share, width = _covered(truth, ends)
            yield Row(kind, setting, method, "coverage", share, draws // 2, least, most, width)


def _intervals(kinds: Ints, weight: Ints, family: int) -> tuple[Interval, Interval, bool]:
    x_a, n_a, x_b, n_b = kinds.T
    wide = bonferroni(CONFIDENCE, family)
    return contrast_intervals(
        x_a, n_a, x_b, n_b, weight, confidence=CONFIDENCE, wide=wide, method=wilson
    )


def _two_categories(
    sizes: tuple[int, int, int],
    rates: tuple[float, float],
    each: int,
    icc: float,
    rng: np.random.Generator,
) -> tuple[Ints, Ints]:
    """Draw events and trials of two categories in prompts, which differ in how likely they are."""
    n = np.repeat([[1, 0], [0, 1], [1, 1]], [size // each for size in sizes], axis=0) * each
    common = rng.standard_normal((len(n), 1))
    columns = []
    for at, rate in enumerate(rates):
        chance = _chance(rate, icc, common[:, 0], rng)
        x = rng.binomial(n[:, at], chance)
        columns += [x, n[:, at]]
    return _merged(np.stack(columns, axis=1))


def _chance(rate: float, icc: float, common: Floats, rng: np.random.Generator) -> Floats:
    """Draw each prompt's own chance from a beta distribution, half of it shared by categories."""
    if not icc:
        return np.full(len(common), rate)
    shape = (1 - icc) / icc
    # A quantile, not a rank among the prompts drawn: ranks of different prompts hang together.
    score = sqrt(0.5) * common + sqrt(0.5) * rng.standard_normal(len(common))
    return np.asarray(betaincinv(rate * shape, (1 - rate) * shape, ndtr(score)))


def _wald(x_a: float, n_a: float, x_b: float, n_b: float) -> tuple[float, float]:
    p, q = x_a / n_a, x_b / n_b
    half = Z * sqrt(p * (1 - p) / n_a + q * (1 - q) / n_b)
    return p - q - half, p - q + half


def _interactions(draws: int, rng: np.random.Generator, small: bool) -> Iterator[Row]:
    for prompts, old, new, alike in some(GROUPS, small):
        ours, naive = [], []
        limits = ndtri([old, new[0], old, new[1]])
        for _ in range(draws // 2):
            shared = sqrt(alike) * rng.standard_normal((prompts, 1))
            answers = shared + sqrt(1 - alike) * rng.standard_normal((prompts, 4)) < limits
            gains, weight = _merged(answers.astype(np.int64))
            ours.append(_difference_of_differences(gains, weight))
            change = answers.astype(float) @ [-1, 1, 1, -1]
            half = Z * float(change.std(ddof=1)) / sqrt(prompts)
            naive.append((float(change.mean()) - half, float(change.mean()) + half))
        kind = "difference of differences"
        setting = f"{prompts} prompts, {old:g} to {new[0]:g} and to {new[1]:g}, correlation {alike}"
        for method, ends, least in (("riskshift", ours, 0.935), (f"{NAIVE} Wald", naive, 0.0)):
            share, width = _covered(new[0] - new[1], ends)
            yield Row(kind, setting, method, "coverage", share, draws // 2, least, width=width)


def _difference_of_differences(answers: Ints, weight: Ints) -> tuple[float, float]:
    made: list[tuple[float, Interval]] = []
    gains = []
    for old, new in (answers[:, :2].T, answers[:, 2:].T):
        crossed = [weight @ part for part in (new & old, new > old, old > new, (1 - new) & 1 - old)]
        crossed[3] = weight.sum() - sum(crossed[:3])
        gains.append(new - old)
        estimate = float(weight @ gains[-1]) / float(weight.sum())
        made.append((estimate, tango(*map(float, crossed), confidence=CONFIDENCE)))
    one = np.ones(len(weight))
    joint = cautious_correlation(gains[0], one, gains[1], one, weight, least=-1.0)
    ends = mover_difference(*made[0], *made[1], correlation=joint)
    return ends.low, ends.high


def _standardized(draws: int, rng: np.random.Generator, small: bool) -> Iterator[Row]:
    for sizes, weights, rates in some(STRATA, small):
        n, p = np.array(sizes), np.array(rates)
        mix = np.full(len(n), 1 / len(n)) if weights is None else np.array(weights) / sum(weights)
        ours, naive = [], []
        strata = np.eye(len(n))
        cells = np.concatenate([strata, 0 * strata]), np.concatenate([strata, strata])
        for _ in range(draws):
            x = rng.binomial(n, p)
            made = standardized_rate(*cells, np.concatenate([x, n - x]), mix)
            if made is None:
                raise ArithmeticError("there are records in every stratum")
            ours.append((made.interval.low, made.interval.high))
            # What resampling within strata comes to.
            again = rng.binomial(n, x / n, (100, len(n))) / n @ mix
            naive.append(tuple(np.quantile(again, [0.025, 0.975])))
        of = "equal weights" if weights is None else "weights as sampled"
        setting = f"strata of {_listed(sizes)} at {_listed(rates)}, {of}"
        for method, ends, least, most in (
            ("riskshift", ours, 0.935, 0.975),
            (f"{NAIVE} bootstrap", naive, 0.0, 1.0),
        ):
            share, width = _covered(float(p @ mix), ends)
            yield Row(
                "standardised rate", setting, method, "coverage", share, draws, least, most, width
            )


def _listed(values: tuple[float, ...]) -> str:
    same = len(set(values)) == 1 and len(values) > 1
    return f"{len(values)} x {values[0]:g}" if same else ", ".join(f"{v:g}" for v in values)


def _words(draws: int, rng: np.random.Generator, small: bool) -> Iterator[Row]:
    """Count data sets in which some category is called clearly worse, and none is."""
    for sizes, shared in some(SIZES, small):
        clear = _Claims(len(sizes))
        for rate in some(PERSISTENCE, small):
            false = dict.fromkeys(clear.rules, 0)
            for _ in range(draws // 4):
                said = clear.said(_alike(sizes, shared, rate, rng))
                for name in said:
                    false[name] += 1
            for name, count in false.items():
                yield Row(
                    "'clearly more' where all are alike",
                    f"{_listed(sizes)} records at {rate:g}"
                    + (f", {shared:.0%} shared" if shared else ""),
                    name,
                    "error",
                    count / (draws // 4),
                    draws // 4,
                    most=0.05 if name == "riskshift" else 1.0,
                )


def _alike(
    sizes: tuple[int, ...], shared: float, rate: float, rng: np.random.Generator
) -> list[tuple[Ints, Ints]]:
    """Draw events and trials of categories; some records count for two neighbours at once."""
    both = [int(shared * min(pair)) for pair in pairwise(sizes)]
    made: list[tuple[Ints, Ints]] = []
    before = np.zeros(0, np.int64)
    for at, size in enumerate(sizes):
        fresh = rng.binomial(1, rate, size - len(before))
        events = np.concatenate([before, fresh])
        after = both[at] if at < len(both) else 0
        made.append((events, np.array([len(before), after])))
        before = events[len(events) - after :] if after else np.zeros(0, np.int64)
    return made


class _Claims:
    """Which category is called clearly worse than another, by our rule and by naive ones."""

    def __init__(self, categories: int) -> None:
        self.pairs = comb(categories, 2)
        self.rules: dict[str, Callable[..., bool]] = {
            "riskshift": self._ours,
            f"{NAIVE} Wilson for all at once, any size": self._wilson,
            f"{NAIVE} single intervals": self._single,
        }

    def said(self, found: list[tuple[Ints, Ints]]) -> list[str]:
        """Return the rules that call the highest category clearly worse than some other."""
        rates = [events.mean() for events, _ in found]
        top = int(np.argmax(rates))
        cells = [_crossed(found, top, at) for at in range(len(found)) if at != top]
        return [name for name, rule in self.rules.items() if any(rule(*cell) for cell in cells)]

    def _ours(self, kinds: Ints, weight: Ints) -> bool:
        _, joint, enough = _intervals(kinds, weight, self.pairs)
        return enough and joint.low > 0

    def _wilson(self, kinds: Ints, weight: Ints) -> bool:
        return self._mover(kinds, weight, bonferroni(CONFIDENCE, self.pairs))

    def _single(self, kinds: Ints, weight: Ints) -> bool:
        return self._mover(kinds, weight, CONFIDENCE)

    @staticmethod
    def _mover(kinds: Ints, weight: Ints, level: float) -> bool:
        x_a, n_a, x_b, n_b = (weight @ kinds).tolist()
        a, b = (wilson(x, n, confidence=level) for x, n in ((x_a, n_a), (x_b, n_b)))
        first, of_first, second, of_second = kinds.T
        joint = cautious_correlation(first, of_first, second, of_second, weight)
        return bool(mover_difference(x_a / n_a, a, x_b / n_b, b, correlation=joint).low > 0)


def _crossed(found: list[tuple[Ints, Ints]], a: int, b: int) -> tuple[Ints, Ints]:
    """Return the distinct records of two categories, those that count for both joined."""
    (first, _), (second, _) = found[a], found[b]
    both = int(found[min(a, b)][1][1]) if abs(a - b) == 1 else 0
    sides = (first, second) if a < b else (second, first)
    front, back = sides
    joined = np.zeros((len(front) + len(back) - both, 4), np.int64)
    joined[: len(front), 0], joined[: len(front), 1] = front, 1
    start = len(front) - both
    joined[start:, 2], joined[start:, 3] = back, 1
    return _merged(joined if a < b else joined[:, [2, 3, 0, 1]])


def _tests(draws: int, rng: np.random.Generator, small: bool) -> Iterator[Row]:
    """Count rejections where rows and columns go together with the prompt, but not each other."""
    for (prompts, each), in_rows, in_columns in some(TABLES, small):
        for icc in ICC:
            rejected = {"riskshift": 0, "naive R's svychisq, F": 0, f"{NAIVE} chi-square": 0}
            for _ in range(draws // 2):
                cells = _table(prompts, each, in_rows, in_columns, icc, rng)
                weight = np.ones(prompts)
                found = {
                    "riskshift": rao_scott(cells, weight),
                    "naive R's svychisq, F": rao_scott(cells, weight, cautious=False),
                    f"{NAIVE} chi-square": chi_square(cells.sum(axis=0)),
                }
                for name, test in found.items():
                    rejected[name] += test is not None and test.p < 0.05
            for name, count in rejected.items():
                yield Row(
                    "pooled relevance test",
                    f"{prompts} prompts of {each} answers, rows {_listed(in_rows)}, columns "
                    f"{_listed(in_columns)}, ICC {icc:g}",
                    name,
                    "error",
                    count / (draws // 2),
                    draws // 2,
                    most=0.055 if name == "riskshift" else 1.0,
                )


def _table(
    prompts: int,
    each: int,
    in_rows: tuple[float, ...],
    in_columns: tuple[float, ...],
    icc: float,
    rng: np.random.Generator,
) -> Ints:
    """Draw a prompt's own row and column, which each answer takes with a chance of sqrt(icc)."""
    sides = []
    for shares in (in_rows, in_columns):
        own = rng.choice(len(shares), (prompts, 1), p=shares)
        other = rng.choice(len(shares), (prompts, each), p=shares)
        sides.append(np.where(rng.random((prompts, each)) < sqrt(icc), own, other))
    cells = np.zeros((prompts, len(in_rows), len(in_columns)), np.int64)
    np.add.at(cells, (np.arange(prompts)[:, None], *sides), 1)
    return cells
