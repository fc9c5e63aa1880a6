"""A gate on the same model twice: the verdicts of two runs, with fresh answers to the same prompts.

Every prompt has its own chance of a harmful answer, the same in both runs. An absolute rule judges
each run by itself; a rule on a difference judges each of two runs against the same run of the
baseline, which is the same model. Beside it the naive gate, which compares the rate seen with the
tolerance. The last rows are a model that is twice as harmful, on as many prompts as `plan` asks for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from benchmarks.coverage.row import Row, some
from riskshift.stats.binomial import at_least, at_most
from riskshift.stats.matched.paired import exact_uppers, tango_scores
from riskshift.stats.planning.margin_power import pairs_for_margin
from riskshift.stats.planning.power import trials_to_fail, trials_to_pass
from riskshift.stats.resample import generator

KIND: Final = "a gate on the same model twice"
TAIL: Final = 0.025
POWER: Final = 0.8
RATE: Final = 0.05
TOLERANCE: Final = 0.07
MARGIN: Final = 0.02
ALIKE: Final = 0.5  # correlation of two answers to one prompt
PROMPTS: Final = (50, 200, 1000)
NAIVE: Final = "naive: the rate seen"

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Verdicts:
    """1 where a gate passes, -1 where it fails, 0 where it is inconclusive."""

    ours: Ints
    naive: Ints


def rows(draws: int, seed: int, *, small: bool = False) -> Iterator[Row]:
    """Yield shares of failures, flips and open verdicts, and how often more harm is caught."""
    for planned, sizes in ((False, PROMPTS), (True, (absolute_plan(),))):
        for n in some(sizes, small):
            rng = generator(seed, "twice", "absolute", str(n))
            chances = beta(rng, draws, n)
            runs = [absolute(answers(rng, chances)) for _ in range(2)]
            rule = f"rate of {RATE:.0%}, at most {TOLERANCE:.0%}"
            yield from _told(rule, n, planned, runs[0], runs[1])
    for planned, sizes in ((False, PROMPTS), (True, (relative_plan(),))):
        for n in some(sizes, small):
            rng = generator(seed, "twice", "relative", str(n))
            chances = beta(rng, draws, n)
            base = answers(rng, chances)
            runs = [relative(answers(rng, chances), base) for _ in range(2)]
            rule = f"rate of {RATE:.0%}, at most {MARGIN:.0%} above the baseline"
            yield from _told(rule, n, planned, runs[0], runs[1])
    yield from _twice_as_harmful(draws, seed)


def absolute_plan() -> int:
    """Return the prompts on which the model passes, and one twice as harmful fails."""
    passing = trials_to_pass(RATE, TOLERANCE, power=POWER)
    failing = trials_to_fail(2 * RATE, TOLERANCE, power=POWER)
    assert passing is not None
    assert failing is not None
    return max(passing, failing)


def relative_plan() -> int:
    """Likewise for the rule on a difference."""
    same = discordant(RATE, RATE)
    worse = discordant(2 * RATE, RATE)
    passing = pairs_for_margin(*same, MARGIN, power=POWER)
    failing = pairs_for_margin(*worse, MARGIN, power=POWER)
    assert passing is not None
    assert failing is not None
    return max(passing, failing)


def discordant(candidate: float, baseline: float) -> tuple[float, float]:
    """Return how often only the candidate, and only the baseline, is harmful on a prompt.

    Both draw on the same chance of each prompt; what the candidate has more comes on top anywhere.
    """
    # E[q^2] of a beta distribution whose draws have correlation ALIKE.
    square = baseline * (baseline + ALIKE * (1 - baseline))
    extra = (candidate - baseline) / (1 - baseline)
    both = square + extra * (baseline - square)
    return candidate - both, baseline - both


def beta(rng: np.random.Generator, draws: int, prompts: int) -> Floats:
    """Draw each prompt's chance of a harmful answer."""
    size = 1 / ALIKE - 1
    return rng.beta(RATE * size, (1 - RATE) * size, (draws, prompts))


def answers(rng: np.random.Generator, chances: Floats, extra: float = 0.0) -> npt.NDArray[np.bool_]:
    """Answer every prompt afresh; `extra` is the rate of harm that comes on top, anywhere."""
    harmful = rng.random(chances.shape) < chances
    if extra:
        harmful |= rng.random(chances.shape) < extra / (1 - RATE)
    return harmful


def absolute(harmful: npt.NDArray[np.bool_]) -> Verdicts:
    """Judge a run by itself: Clopper-Pearson against the tolerance."""
    n, events = harmful.shape[1], harmful.sum(axis=1)
    passes = at_most(events, n, TOLERANCE) <= TAIL
    fails = at_least(events, n, TOLERANCE) < TAIL
    naive = np.where(events <= TOLERANCE * n, 1, -1)
    return Verdicts(passes.astype(np.int64) - fails, naive)


def relative(candidate: npt.NDArray[np.bool_], baseline: npt.NDArray[np.bool_]) -> Verdicts:
    """Judge a run against another: Tango's interval, held to exact limits, against the margin."""
    n = candidate.shape[1]
    a = (candidate & ~baseline).sum(axis=1).astype(np.float64)
    b = (baseline & ~candidate).sum(axis=1).astype(np.float64)
    score, z = tango_scores(a, b, float(n), MARGIN), float(-ndtri(TAIL))
    high, low = (
        exact_uppers(a, b, float(n), 1 - 2 * TAIL),
        -exact_uppers(b, a, float(n), 1 - 2 * TAIL),
    )
    passes, fails = (score <= -z) & (high <= MARGIN), (score > z) & (low > MARGIN)
    naive = np.where(a - b <= MARGIN * n, 1, -1)
    return Verdicts(passes.astype(np.int64) - fails, naive)


def _told(rule: str, n: int, planned: bool, one: Verdicts, two: Verdicts) -> Iterator[Row]:
    setting = f"{rule}, {n:,} prompts{' (as planned)' if planned else ''}"
    for method, a, b in (("riskshift", one.ours, two.ours), (NAIVE, one.naive, two.naive)):
        ours = method == "riskshift"
        for about, value, least, most in (
            ("fails", (a == -1).mean(), 0.0, 0.03),
            ("flips between pass and fail", (a * b == -1).mean(), 0.0, 0.03),
            ("inconclusive", (a == 0).mean(), 0.0, 1.0),
            ("passes", (a == 1).mean(), POWER if planned else 0.0, 1.0),
        ):
            measure = "power" if about == "passes" else "error"
            ends = (least, most) if ours else (0.0, 1.0)
            yield Row(KIND, f"{setting}: {about}", method, measure, float(value), len(a), *ends)


def _twice_as_harmful(draws: int, seed: int) -> Iterator[Row]:
    for kind, n in (("absolute", absolute_plan()), ("relative", relative_plan())):
        rng = generator(seed, "twice", "caught", kind)
        chances = beta(rng, draws, n)
        worse = answers(rng, chances, extra=RATE)
        if kind == "absolute":
            found, rule = absolute(worse), f"at most {TOLERANCE:.0%}"
        else:
            found = relative(worse, answers(rng, chances))
            rule = f"at most {MARGIN:.0%} above the baseline"
        setting = f"rate of {2 * RATE:.0%}, {rule}, {n:,} prompts (as planned): caught"
        for method, verdicts in (("riskshift", found.ours), (NAIVE, found.naive)):
            least = POWER if method == "riskshift" else 0.0
            share = float((verdicts == -1).mean())
            yield Row(KIND, setting, method, "power", share, draws, least)
