"""Gates that are judged, extended and judged again: how often they ever pass or fail wrongly.

The truth lies at the tolerance, so both verdicts are wrong, and a series errs where any of its
looks does. Data grow in equal steps, or by what the gate itself says would settle it at the rate
seen, at most to four times what was there. Beside ours (the error split equally over the looks)
stand what was weighed against it: a spending function (an equal part of the error at each look,
with the dependence of the looks taken from their sizes) and a confidence sequence (Robbins'
mixture: betas for a rate, a normal for a difference), and the naive choice, which judges every
look as if it were the only one. The last rows say what each costs: how often a release with half
or twice the tolerated rate is settled rightly, and on how many prompts.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, betaincc, betaln, ndtr, ndtri, xlog1py, xlogy

from benchmarks.coverage.row import Row, some
from riskshift.stats.binomial import at_least, at_most
from riskshift.stats.clusters.cluster import clustered_interval
from riskshift.stats.matched.paired import exact_uppers, tango_scores
from riskshift.stats.matched.paired_clusters import clustered_tango
from riskshift.stats.planning.looks import look_confidence
from riskshift.stats.planning.paired_power import further_pairs
from riskshift.stats.planning.power import further_trials
from riskshift.stats.proportion import Interval, clopper_pearson
from riskshift.stats.resample import generator

KIND: Final = "a gate, looked at again"
CONFIDENCE: Final = 0.95
MOST: Final = 0.03
LOOKS: Final = (2, 3, 5, 10)
GROWTH: Final = ("as advised", "equal steps")
GREATEST: Final = 4.0  # the most that an advised look multiplies what is there
AFFORDED: Final = 100  # the most prompts of a series, in those of its first look
RATES: Final = ((0.01, 300), (0.05, 200), (0.05, 1000), (0.2, 100))  # tolerance, first prompts
MARGINS: Final = ((0.02, 0.03, 300), (0.05, 0.05, 200))  # margin, only the baseline, first prompts
CLUSTERED: Final = ((0.05, 0.3, 5, 100), (0.2, 0.1, 5, 60))  # tolerance, correlation, answers
POWER: Final = ((0.05, 300),)
CLUSTERED_SHARE: Final = 5  # clustered series are drawn so many times less often: each takes longer
GRID: Final = 201
# Where spending is measured: each sequence of sizes is integrated, which takes long.
SPENDING: Final = ((2, "as advised"), (3, "as advised"), (3, "equal steps"), (10, "equal steps"))

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Tail = Callable[[Floats, int], Floats]


@dataclass(frozen=True)
class RateGate:
    """One answer a prompt; `truth` is how often the event happens."""

    tolerance: float
    truth: float

    def passes(self, counts: Floats, sizes: Floats, tail: Floats) -> Bools:
        """Compare Clopper-Pearson's upper end with the tolerance."""
        return np.asarray(at_most(counts[:, 0], sizes, self.tolerance) <= tail)

    def fails(self, counts: Floats, sizes: Floats, tail: Floats) -> Bools:
        """Compare Clopper-Pearson's lower end with the tolerance."""
        return np.asarray(at_least(counts[:, 0], sizes, self.tolerance) < tail)

    def draw(self, rng: np.random.Generator, prompts: Floats) -> Floats:
        """Draw events."""
        return rng.binomial(prompts.astype(np.int64), self.truth).astype(np.float64)[:, None]

    def sequence(self, counts: Floats, sizes: Floats, first: float) -> tuple[Bools, Bools]:
        """Mix the rates below the tolerance by a beta distribution, and those above it.

        Each mixture over its likelihood at the tolerance is a martingale there, and falls on
        average where the truth is further off, so it ever exceeds 40 in at most 2.5 % of series.
        """
        # Tuned to be sharpest where the first look stands.
        size = first / 4
        a, b = size * self.tolerance, size * (1 - self.tolerance)
        x, n = counts[:, 0], sizes
        ratio = betaln(a + x, b + n - x) - betaln(a, b)
        ratio -= xlogy(x, self.tolerance) + xlog1py(n - x, -self.tolerance)
        bar = np.log(2 / (1 - CONFIDENCE))
        with np.errstate(divide="ignore"):
            below = np.log(betainc(a + x, b + n - x, self.tolerance))
            above = np.log(betaincc(a + x, b + n - x, self.tolerance))
        below = ratio + below - np.log(betainc(a, b, self.tolerance))
        above = ratio + above - np.log(betaincc(a, b, self.tolerance))
        return np.asarray(below >= bar), np.asarray(above >= bar)


@dataclass(frozen=True)
class DifferenceGate:
    """Matched prompts; `truth` is how much more often only the candidate shows the event."""

    margin: float
    baseline_only: float
    truth: float

    def passes(self, counts: Floats, sizes: Floats, tail: Floats) -> Bools:
        """Compare the upper end of Tango's interval, held to exact limits, with the margin."""
        exact = exact_uppers(counts[:, 0], counts[:, 1], sizes, 1 - 2 * tail)
        return np.asarray((self.score(counts, sizes) <= ndtri(tail)) & (exact <= self.margin))

    def fails(self, counts: Floats, sizes: Floats, tail: Floats) -> Bools:
        """Compare its lower end with the margin."""
        exact = -exact_uppers(counts[:, 1], counts[:, 0], sizes, 1 - 2 * tail)
        return np.asarray((self.score(counts, sizes) > -ndtri(tail)) & (exact > self.margin))

    def score(self, counts: Floats, sizes: Floats) -> Floats:
        """Tango's score at the margin."""
        return tango_scores(counts[:, 0], counts[:, 1], sizes, self.margin)

    def draw(self, rng: np.random.Generator, prompts: Floats) -> Floats:
        """Draw prompts on which only the candidate, and only the baseline, shows the event."""
        chances = [self.truth + self.baseline_only, self.baseline_only]
        cells = rng.multinomial(prompts.astype(np.int64), [*chances, 1 - sum(chances)])
        return cells[:, :2].astype(np.float64)

    def sequence(self, counts: Floats, sizes: Floats, first: float) -> tuple[Bools, Bools]:
        """Robbins' normal mixture on the score, which is only nearly a martingale."""
        size = first / 4
        bar = np.sqrt(
            (1 + size / sizes) * (np.log1p(sizes / size) + 2 * np.log(1 / (1 - CONFIDENCE)))
        )
        score = self.score(counts, sizes)
        return np.asarray(score <= -bar), np.asarray(score > bar)


@dataclass(frozen=True)
class Series:
    """What came of many series."""

    passed: Bools
    failed: Bools
    prompts: Floats


def rows(draws: int, seed: int, *, small: bool = False) -> Iterator[Row]:
    """Yield the error of every method and setting, and what the methods cost."""
    for looks in some(LOOKS, small):
        for growth in GROWTH:
            for tolerance, first in some(RATES, small):
                gate = RateGate(tolerance, tolerance)
                yield from _errors(
                    gate, f"rate at {tolerance:.0%}", first, looks, growth, draws, seed
                )
            for margin, share, first in some(MARGINS, small):
                paired = DifferenceGate(margin, share, margin)
                about = f"difference at {margin:.0%}, only the baseline {share:.0%}"
                yield from _errors(paired, about, first, looks, growth, draws, seed)
    for setting in CLUSTERED[:1] if small else CLUSTERED:
        yield from _clustered(setting, max(1, draws // CLUSTERED_SHARE), seed)
    if not small:
        yield from _costs(draws, seed)


def equal(sizes: Floats, looks: int) -> Floats:
    """Ours: the same part of the error at every look."""
    tail = (1 - look_confidence(looks, confidence=CONFIDENCE)) / 2
    return np.full(len(sizes), tail)


def naive(sizes: Floats, looks: int) -> Floats:
    """Judge every look as if it were the only one."""
    return np.full(len(sizes), (1 - CONFIDENCE) / 2)


def spending(sizes: Floats, looks: int) -> Floats:
    """Spend the same part of the error at every look, knowing how the looks hang together."""
    # Sizes on a coarse grid, for each sequence of them is integrated.
    steps = np.maximum(0.05, np.round(np.diff(np.log(sizes), axis=1) / 0.1) * 0.1)
    found, at = np.unique(steps, axis=0, return_inverse=True)
    tails = np.array([spent(tuple(map(float, each)), looks) for each in found])
    return np.asarray(tails[at.reshape(-1)], np.float64)


METHODS: Final[dict[str, Tail]] = {
    "riskshift": equal,
    "naive: each look alone": naive,
    "considered: spending": spending,
}
SEQUENCE: Final = "considered: confidence sequence"


@cache
def spent(steps: tuple[float, ...], looks: int) -> float:
    """Tail at the last look where every look spends ``0.025 / looks`` on one side.

    Parameters
    ----------
    steps : tuple of float
        Logarithms of the growth from look to look.
    looks : int
        How many are planned.

    References
    ----------
    .. [1] P. Armitage, C. K. McPherson, B. C. Rowe, "Repeated significance tests on accumulating
       data", JRSS A 132 (1969), p. 235-244, for the recursion.
    """
    each = (1 - CONFIDENCE) / 2 / looks
    size, bound = 1.0, -float(ndtri(each))
    points, weight = _grid(bound, size)
    mass = weight * np.exp(-(points**2) / (2 * size)) / np.sqrt(2 * np.pi * size)
    for at, step in enumerate(steps):
        more = size * np.exp(step)
        spread = np.sqrt(more - size)
        low, high = 0.0, 6.0
        while high - low > 1e-6:
            middle = (low + high) / 2
            beyond = float(mass @ ndtr((points - middle * np.sqrt(more)) / spread))
            low, high = (middle, high) if beyond > each else (low, middle)
        bound = high
        if at + 1 < len(steps):
            grid, weight = _grid(bound, more)
            kernel = np.exp(-((grid[:, None] - points) ** 2) / (2 * spread**2))
            mass = weight * (kernel @ mass) / (np.sqrt(2 * np.pi) * spread)
            points = grid
        size = more
    return float(ndtr(-bound))


def _grid(bound: float, size: float) -> tuple[Floats, Floats]:
    """Return points below the bound and their weights by Simpson's rule."""
    points = np.linspace(-8.0, bound, GRID) * np.sqrt(size)
    weight = np.where(np.arange(GRID) % 2, 4.0, 2.0)
    weight[[0, -1]] = 1.0
    return points, weight * (points[1] - points[0]) / 3


def series(
    gate: RateGate | DifferenceGate,
    method: str,
    *,
    first: int,
    looks: int,
    growth: str,
    draws: int,
    rng: np.random.Generator,
) -> Series:
    """Run many series at once.

    Where they grow as advised a series ends with its first verdict, as nothing is asked for any
    more; in equal steps every look is taken.
    """
    sizes = np.full((draws, 1), float(first))
    counts = gate.draw(rng, sizes[:, 0])
    passed, failed = np.zeros(draws, np.bool_), np.zeros(draws, np.bool_)
    for look in range(looks):
        now = sizes[:, -1]
        tail = None if method == SEQUENCE else METHODS[method](sizes, looks)
        yes, no = _verdicts(gate, counts, now, tail, first)
        ended = (passed | failed) & (growth == "as advised")
        passed, failed = passed | (yes & ~ended), failed | (no & ~ended)
        if look + 1 == looks:
            break
        further = np.full(draws, float(first))
        if growth == "as advised":
            going = ~(passed | failed) & (now < AFFORDED * first)
            further[~going] = 0.0
            level = None if tail is None else tail[going]
            further[going] = advised(gate, counts[going], now[going], level, first)
            further = np.minimum(further, AFFORDED * first - now)
        counts = counts + gate.draw(rng, further)
        sizes = np.column_stack([sizes, now + further])
    return Series(passed, failed, sizes[:, -1])


def advised(
    gate: RateGate | DifferenceGate,
    counts: Floats,
    sizes: Floats,
    tail: Floats | None,
    first: int,
) -> Floats:
    """Find how many further prompts would settle each series at the rates seen.

    As `riskshift.stats.planning.power.further_trials` and `further_pairs` do, for many series at once.
    """
    low, high = np.ones(len(sizes)), np.full(len(sizes), GREATEST)
    for _ in range(20):
        scale = (low + high) / 2
        passes, fails = _verdicts(gate, counts * scale[:, None], sizes * scale, tail, first)
        settled = passes | fails
        low, high = np.where(settled, low, scale), np.where(settled, scale, high)
    return np.maximum(1.0, np.ceil((high - 1) * sizes))


def _verdicts(
    gate: RateGate | DifferenceGate,
    counts: Floats,
    sizes: Floats,
    tail: Floats | None,
    first: int,
) -> tuple[Bools, Bools]:
    """Tell which series pass and fail at these tails, or by a confidence sequence without any."""
    if tail is None:
        return gate.sequence(counts, sizes, first)
    return gate.passes(counts, sizes, tail), gate.fails(counts, sizes, tail)


def _errors(
    gate: RateGate | DifferenceGate,
    about: str,
    first: int,
    looks: int,
    growth: str,
    draws: int,
    seed: int,
) -> Iterator[Row]:
    for method in (*METHODS, SEQUENCE):
        if method == "considered: spending" and (looks, growth) not in SPENDING:
            continue
        rng = generator(seed, "looks", about, str(looks), growth, str(first))
        found = series(gate, method, first=first, looks=looks, growth=growth, draws=draws, rng=rng)
        setting = f"{about}, {first:,} prompts at first, {looks} looks, {growth}"
        yield from _both(setting, method, found.passed, found.failed)


def _both(setting: str, method: str, passed: Bools, failed: Bools) -> Iterator[Row]:
    most = MOST if method == "riskshift" else 1.0
    for verdict, wrong in (("wrong pass", passed), ("wrong failure", failed)):
        yield Row(
            KIND,
            f"{setting}: {verdict}",
            method,
            "error",
            float(wrong.mean()),
            len(wrong),
            most=most,
        )


@dataclass(frozen=True)
class Prompts:
    """Prompts with several answers each, which are alike.

    Parameters
    ----------
    chances : tuple of float
        Of what an answer, or a pair of answers, can be.
    correlation : float
        Of two answers to one prompt.
    answers : int
        A prompt.
    """

    chances: tuple[float, ...]
    correlation: float
    answers: int

    def draw(self, rng: np.random.Generator, prompts: int) -> Floats:
        """Draw the counts of each prompt, one row each."""
        alpha = np.array(self.chances) * (1 / self.correlation - 1)
        shares = rng.dirichlet(alpha, size=prompts)
        return rng.multinomial(self.answers, shares).astype(np.float64)


def judged_rate(
    cells: Floats, tolerance: float, confidence: float
) -> tuple[Interval, Callable[[], int | None]]:
    """Judge a clustered rate as the gate does; events are the first column."""
    kinds, weight = np.unique(cells, axis=0, return_counts=True)
    trials = kinds.sum(axis=1)
    interval, sample = clustered_interval(
        kinds[:, 0], trials, weight, confidence=confidence, method=clopper_pearson
    )
    events, size = float(weight @ kinds[:, 0]), float(weight @ trials)
    return interval, lambda: further_trials(
        events, size, tolerance, confidence=confidence, deff=size / sample.n
    )


def judged_difference(
    cells: Floats, margin: float, confidence: float
) -> tuple[Interval, Callable[[], int | None]]:
    """Judge a clustered difference as the gate does; only a, only b, and the rest."""
    kinds, weight = np.unique(cells, axis=0, return_counts=True)
    a, b, rest = kinds.T
    interval, sample = clustered_tango(0 * rest, a, b, rest, weight, confidence=confidence)
    pooled = weight @ kinds
    return interval, lambda: further_pairs(
        0.0,
        float(pooled[0]),
        float(pooled[1]),
        float(pooled[2]),
        margin,
        confidence=confidence,
        deff=float(pooled.sum()) / sample.n,
    )


def _clustered(
    setting: tuple[float, float, int, int], draws: int, seed: int, looks: int = 3
) -> Iterator[Row]:
    rate, correlation, answers, first = setting
    for kind, judge, prompts in (
        ("rate", judged_rate, Prompts((rate, 1 - rate), correlation, answers)),
        (
            "difference",
            judged_difference,
            Prompts((2 * rate, rate, 1 - 3 * rate), correlation, answers),
        ),
    ):
        about = f"clustered {kind} at {rate:.0%}, {answers} answers alike by {correlation:g}"
        said = f"{about}, {first} prompts at first, {looks} looks, as advised"
        for method in ("riskshift", "naive: each look alone"):
            tail = METHODS[method](np.ones((1, 1)), looks)
            rng = generator(seed, "looks", said)
            words = [
                _one(judge, prompts, rate, 1 - 2 * float(tail[0]), first, looks, rng)
                for _ in range(draws)
            ]
            passed, failed = (np.array([w == word for w in words]) for word in ("pass", "fail"))
            yield from _both(said, method, passed, failed)


def _one(
    judge: Callable[..., tuple[Interval, Callable[[], int | None]]],
    prompts: Prompts,
    bound: float,
    confidence: float,
    first: int,
    looks: int,
    rng: np.random.Generator,
) -> str:
    """Run one series of a clustered gate."""
    cells = prompts.draw(rng, first)
    for _ in range(looks):
        interval, advice = judge(cells, bound, confidence)
        if interval.high <= bound:
            return "pass"
        if interval.low > bound:
            return "fail"
        further = advice()
        most = int((GREATEST - 1) * len(cells))
        more = most if further is None else min(most, -(-further // prompts.answers))
        cells = np.concatenate([cells, prompts.draw(rng, max(1, more))])
    return "inconclusive"


def _costs(draws: int, seed: int) -> Iterator[Row]:
    """Say how often each method settles a release rightly, and on how many prompts."""
    for tolerance, first in POWER:
        for factor, word in ((0.5, "half"), (2.0, "twice")):
            gate = RateGate(tolerance, tolerance * factor)
            for looks in (3, 5):
                for method in (*METHODS, SEQUENCE):
                    rng = generator(seed, "looks cost", str(tolerance), word, str(looks))
                    found = series(
                        gate,
                        method,
                        first=first,
                        looks=looks,
                        growth="as advised",
                        draws=draws,
                        rng=rng,
                    )
                    right = found.passed if factor < 1 else found.failed
                    setting = (
                        f"{word} the tolerance of {tolerance:.0%}, {first} prompts at first, {looks} looks, as "
                        f"advised: settled rightly, on {found.prompts.mean():,.0f} prompts on average"
                    )
                    yield Row(KIND, setting, method, "power", float(right.mean()), draws)
