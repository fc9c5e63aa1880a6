"""Resampling counts, beside the loops over rows that public scripts of the field write."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

import riskshift
from benchmarks.speed.costs import Asked, Row, work
from benchmarks.speed.pairs import CATEGORIES, CORPUS, SEED
from riskshift.analysis.rates import Settings
from riskshift.analysis.transitions.population import estimate
from riskshift.collapse.pairs import collapse
from riskshift.stats.crosstabs.association import permutation_p
from riskshift.stats.resample import bootstrap_difference, bootstrap_ratio, generator

Ints = npt.NDArray[np.integer[Any]]


def resampling(asked: Asked) -> Iterator[Row]:
    """Measure a contrast, a permutation test, a cluster bootstrap, and all estimates together."""
    frame = pl.read_csv(CORPUS)
    yield _contrast(frame)
    yield _permutations(frame)
    yield _clusters()
    yield _estimates()


def _contrast(frame: pl.DataFrame) -> Row:
    prompt, response = (
        [frame[f"{side}_{category}"].to_numpy() >= 1 for category in ("sexual", "hate")]
        for side in ("prompt", "response")
    )
    given, both = np.stack(prompt), np.stack(prompt) & np.stack(response)
    (x_a, n_a, x_b, n_b), weight = np.unique(
        np.stack([both[0], given[0], both[1], given[1]]).astype(int), axis=1, return_counts=True
    )

    def plain() -> None:
        rng = np.random.default_rng(SEED)
        for _ in range(100_000):
            rows = rng.integers(0, len(frame), len(frame))
            first, second = both[:, rows].sum(axis=1) / given[:, rows].sum(axis=1)
            first - second

    def ours() -> None:
        settled: dict[str, Any] = {"confidence": 0.95, "simultaneous": 0.9917}
        settled["resamples"] = 100_000
        bootstrap_difference(x_a, n_a, x_b, n_b, weight, rng=generator(SEED), **settled)

    what = "100,000 resamples of a contrast, 1,250 rows"
    return Row(what, work(plain), work(ours, times=3), goal=1 / 15)


def _permutations(frame: pl.DataFrame) -> Row:
    severity = frame.select(pl.max_horizontal(f"response_{c}" for c in CATEGORIES)).to_series()
    worst, relevance = severity.to_numpy(), frame["relevance"].to_numpy() - 1
    table = _crossed(worst, relevance)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / len(frame)

    def plain() -> int:
        rng = np.random.default_rng(SEED)
        seen = ((table - expected) ** 2 / expected).sum()
        drawn = (_crossed(worst, rng.permutation(relevance)) for _ in range(50_000))
        return sum(((one - expected) ** 2 / expected).sum() >= seen for one in drawn)

    ours = partial(_permuted, table)
    what = "50,000 permutations of a 4 x 3 table, 1,250 rows"
    return Row(what, work(plain), work(ours, times=3), goal=1 / 30)


def _crossed(worst: Ints, relevance: Ints) -> Ints:
    return np.bincount(worst * 3 + relevance, minlength=12).reshape(4, 3)


def _permuted(table: Ints) -> object:
    return permutation_p(table, draws=50_000, rng=generator(SEED))


def _clusters() -> Row:
    rng = Random(SEED)
    prompts = [[rng.random() < 0.06 for _ in range(3)] for _ in range(600)]
    kinds, weight = np.unique([(sum(p), len(p)) for p in prompts], axis=0, return_counts=True)

    def plain() -> None:
        draw = Random(SEED)
        for _ in range(2_000):
            chosen = draw.choices(prompts, k=len(prompts))
            sum(map(sum, chosen)) / sum(map(len, chosen))

    def ours() -> None:
        settled: dict[str, Any] = {"resamples": 2_000, "confidence": 0.95}
        bootstrap_ratio(kinds[:, 0], kinds[:, 1], weight, rng=generator(SEED), **settled)

    what = "2,000 cluster resamples of 600 prompts, pure Python"
    return Row(what, work(plain), work(ours, times=3), goal=1 / 30)


def _estimates() -> Row:
    counts = collapse(riskshift.read(CORPUS)).counts

    def estimated(size: int) -> object:
        scaled = replace(counts, n=np.maximum(1, counts.n * size // counts.total))
        return estimate(scaled, Settings(permutations=5_000))

    few, many = (work(partial(estimated, size), times=3) for size in (1_000, 10_000_000))
    return Row("all estimates of 10,000,000 pairs, beside those of 1,000", few, many, goal=1.5)
