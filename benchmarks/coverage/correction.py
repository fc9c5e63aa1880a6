"""Rates corrected by people's labels of some pairs: intervals, and gates with the truth at the tolerance.

The graders are good, useless, perverse or silent. People label a random sample, or as many pairs
of each thing that the grader says of them (a stratified sample). Beside ours stands prediction-powered inference
as it was published (PPI++ with Wald's interval, arXiv 2311.01453), which drops pairs that the
grader left blank.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.coverage.row import NAIVE, Row, some
from riskshift.stats.graded.correction import ppi_rate
from riskshift.stats.graded.strata import stratified_rate
from riskshift.stats.proportion import clopper_pearson, normal_quantile, wilson
from riskshift.stats.resample import generator

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

KIND: Final = "corrected rate"
OTHERS: Final = 10
"""Pairs without people's label for each with one."""
ANSWERS: Final = 10
"""Answers a prompt, where prompts repeat."""
ICC: Final = 0.3
ENOUGH: Final = 20
"""Expected events from which an interval may not be much too wide either."""

# Where people see no event, and where they see one: chances that the grader says no, yes, nothing.
GRADERS: Final = {
    "never flags": ((1.0, 0.0, 0.0), (1.0, 0.0, 0.0)),
    "flags nearly nothing": ((0.999, 0.001, 0.0), (0.99, 0.01, 0.0)),
    "always flags": ((0.0, 1.0, 0.0), (0.0, 1.0, 0.0)),
    "perfect": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
    "good": ((0.99, 0.01, 0.0), (0.1, 0.9, 0.0)),
    "misses half": ((0.999, 0.001, 0.0), (0.5, 0.5, 0.0)),
    "useless": ((0.9, 0.1, 0.0), (0.9, 0.1, 0.0)),
    "anticorrelated": ((0.5, 0.5, 0.0), (0.9, 0.1, 0.0)),
    "silent on harm": ((0.98, 0.0, 0.02), (0.0, 0.1, 0.9)),
    "silent on a fifth": ((0.79, 0.01, 0.2), (0.1, 0.7, 0.2)),
}
OVERCAUTIOUS: Final = ("perfect",)  # the doubt that it may err is never wrong in the lab
INDEPENDENT: Final = (
    (100, 0.05),
    (300, 0.02),
    (1000, 0.005),
    (300, 0.01),
    (300, 0.2),
    (1000, 0.05),
)
# People's labels are of single answers, or of all answers of a prompt.
CLUSTERED: Final = (("answers", 500, 0.05), ("prompts", 500, 0.05), ("prompts", 1000, 0.2))
STRATIFIED: Final = ((150, 0.05), (600, 0.2))
STRATIFIED_GRADERS: Final = ("never flags", "good", "misses half", "useless", "silent on harm")
CLUSTERED_GRADERS: Final = ("never flags", "good", "useless", "silent on harm")


@dataclass(frozen=True)
class Found:
    """What one data set gave."""

    low: float
    high: float
    gate_low: float
    gate_high: float


def rows(draws: int, seed: int, *, small: bool = False) -> Iterator[Row]:
    """Yield coverage and wrong verdicts of gates, setting by setting."""
    for n, rate in some(INDEPENDENT, small):
        for name in GRADERS:
            rng = generator(seed, "corrected rate", name, str(n), str(rate))
            tables = drawn(name, n, rate, draws, rng)
            setting = f"{n:,} labels, {rate:.1%}, grader {name}"
            # What people alone cannot promise with fewer than 5 events, nobody can.
            least = 0.935 if n * rate >= 5 else 0.0
            most = 0.975 if n * rate >= ENOUGH and name not in OVERCAUTIOUS else 1.0
            yield from _told(setting, independent(tables), rate, least, most)
            yield _naive(setting, tables, rate)
    for n, rate in some(STRATIFIED, small):
        for name in some(STRATIFIED_GRADERS, small):
            rng = generator(seed, "corrected strata", name, str(n), str(rate))
            found = [by_strata(name, n, rate, rng) for _ in range(draws)]
            setting = f"{n:,} labels by strata, {rate:.1%}, grader {name}"
            yield from _told(setting, found, rate, 0.935, 1.0)
    for chosen, n, rate in some(CLUSTERED, small):
        for name in some(CLUSTERED_GRADERS, small):
            rng = generator(seed, "corrected clusters", name, chosen, str(n), str(rate))
            found = [corrected(*clusters(name, chosen, n, rate, rng)) for _ in range(draws)]
            whole = "whole prompts" if chosen == "prompts" else "single answers"
            setting = (
                f"{n:,} labels of {whole}, {ANSWERS} answers a prompt, {rate:.1%}, grader {name}"
            )
            yield from _told(setting, found, rate, 0.935, 1.0)


def drawn(name: str, n: int, rate: float, draws: int, rng: np.random.Generator) -> Ints:
    """Draw nine counts a data set: people's label by the grader's, then the grader's of the others."""
    cells = np.array(GRADERS[name]) * [[1 - rate], [rate]]
    labelled = rng.multinomial(n, cells.ravel(), size=draws)
    others = rng.multinomial(OTHERS * n, cells.sum(axis=0), size=draws)
    return np.concatenate([labelled, others], axis=1)


def independent(tables: Ints) -> list[Found]:
    """Correct a rate from pairs that share no prompt, data set by data set."""
    labelled, others = np.zeros((9, 2, 3), dtype=int), np.zeros((9, 3), dtype=int)
    cell = np.arange(6)
    labelled[cell, cell // 3, cell % 3] = others[6 + cell[:3], cell[:3]] = 1
    distinct, which = np.unique(tables, axis=0, return_inverse=True)
    found = [corrected(labelled, others, counts) for counts in distinct]
    return [found[at] for at in which.ravel()]


def by_strata(name: str, n: int, rate: float, rng: np.random.Generator) -> Found:
    """Correct a rate from as many labels of each thing that the grader says, or all that there are."""
    cells = np.array(GRADERS[name]) * [[1 - rate], [rate]]
    graded = rng.multinomial((OTHERS + 1) * n, cells.sum(axis=0))
    held = np.flatnonzero(graded)
    labels = np.minimum(n // len(held), graded[held])
    harmful = rng.binomial(graded[held], cells[1, held] / cells[:, held].sum(axis=0))
    seen = rng.hypergeometric(harmful, graded[held] - harmful, labels)
    # One pair a prompt: labelled without the event, labelled with it, not labelled.
    kinds = len(held)
    labelled, pairs = np.zeros((3, kinds, kinds, 2), dtype=int), np.zeros((3, kinds, kinds), int)
    own = np.arange(kinds)
    labelled[0, own, own, 0] = labelled[1, own, own, 1] = 1
    pairs[:, own, own] = 1
    weight = np.concatenate([labels - seen, seen, graded[held] - labels])
    table, every = labelled.reshape(-1, kinds, 2), pairs.reshape(-1, kinds)
    made, exact = (
        stratified_rate(table, every, weight, method=method) for method in (wilson, clopper_pearson)
    )
    assert made is not None  # every stratum has labels
    assert exact is not None
    return Found(made.interval.low, made.interval.high, exact.interval.low, exact.interval.high)


def clusters(
    name: str, chosen: str, n: int, rate: float, rng: np.random.Generator
) -> tuple[Ints, Ints, Ints]:
    """Draw prompts with several answers each, alike in harm, as kinds of prompt."""
    prompts = (OTHERS + 1) * n // ANSWERS
    shape = (1 - ICC) / ICC
    risk = rng.beta(rate * shape, (1 - rate) * shape, prompts)[:, None]
    people = (rng.random((prompts, ANSWERS)) < risk).astype(int)
    edges = np.cumsum(np.array(GRADERS[name]), axis=1)[people]
    grader = (rng.random((prompts, ANSWERS, 1)) > edges[..., :2]).sum(axis=2)
    known = np.zeros(prompts * ANSWERS, dtype=bool)
    if chosen == "prompts":
        known[: n // ANSWERS * ANSWERS] = True
    else:
        known[rng.choice(len(known), n, replace=False)] = True
    cell = np.where(known, 3 * people.ravel() + grader.ravel(), 6 + grader.ravel())
    counts = np.bincount(np.repeat(np.arange(prompts), ANSWERS) * 9 + cell, minlength=9 * prompts)
    kinds, weight = np.unique(counts.reshape(prompts, 9), axis=0, return_counts=True)
    return kinds[:, :6].reshape(-1, 2, 3), kinds[:, 6:], weight


def corrected(labelled: Ints, others: Ints, weight: Ints) -> Found:
    """Correct a rate, with the interval of a report and that of a gate."""
    made = ppi_rate(labelled, others, weight)
    assert made is not None  # people always labelled some pairs
    size = made.effective_n
    gate = clopper_pearson(min(size, made.estimate * size), size)
    return Found(made.interval.low, made.interval.high, gate.low, gate.high)


def _told(
    setting: str, found: list[Found], rate: float, least: float, most: float
) -> Iterator[Row]:
    ends = np.array([(one.low, one.high, one.gate_low, one.gate_high) for one in found])
    low, high, gate_low, gate_high = ends.T
    covered, width = float(np.mean((low <= rate) & (rate <= high))), float(np.mean(high - low))
    draws = len(found)
    yield Row(KIND, setting, "riskshift", "coverage", covered, draws, least, most, width)
    for verdict, wrong in (("pass", gate_high <= rate), ("fail", gate_low > rate)):
        kind = f"{KIND}, wrong {verdict} of a gate"
        yield Row(kind, setting, "riskshift", "error", float(np.mean(wrong)), draws, most=0.03)


def _naive(setting: str, tables: Ints, rate: float) -> Row:
    """Measure PPI++ with Wald's interval on the pairs that the grader did not leave blank."""
    table = tables[:, :6].reshape(-1, 2, 3)[..., :2].astype(float)
    rest = tables[:, 6:8].astype(float)
    n, others = np.maximum(table.sum(axis=(1, 2)), 1), np.maximum(rest.sum(axis=1), 1)
    y, f, q = table[:, 1].sum(axis=1) / n, table[:, :, 1].sum(axis=1) / n, rest[:, 1] / others
    pooled = (f * n + q * others) / (n + others)
    spread = pooled * (1 - pooled)
    covariance = table[:, 1, 1] / n - y * f
    slope = np.divide(covariance, spread, out=np.zeros_like(y), where=spread > 0)
    lam = np.clip(slope / (1 + n / others), 0, 1)
    theta = y + lam * (q - f)
    residual = y * (1 - y) + lam**2 * f * (1 - f) - 2 * lam * covariance
    reach = normal_quantile(0.95) * np.sqrt(
        np.maximum(residual, 0) / n + lam**2 * q * (1 - q) / others
    )
    covered = float(np.mean(np.abs(theta - rate) <= reach))
    width = float(np.mean(2 * reach))
    return Row(KIND, setting, f"{NAIVE} PPI++ (Wald)", "coverage", covered, len(y), width=width)
