"""How often corrected intervals hold the truth.

On answers that people labelled in full: people's labels are taken as the truth, nine in ten are
hidden, and the rate of harmful answers is estimated from the rest with a grader's labels on all.
The file as it is asks for the interval about the file (``--about file``). The interval about
prompts like these is for prompts drawn anew, so there each repetition draws them from the file
with replacement; on the fixed file it holds more often than it says, because less is left to chance.

On pairs made up with errors of the grader on both sides, whose truth is known by construction: a
rate whose denominator is itself a label, the difference of two models on the same prompts, and the
same from samples drawn by strata.
"""

import argparse
import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from riskshift.stats.graded.correction import Corrected, corrected_difference, ppi_rate
from riskshift.stats.graded.strata import stratified_rate
from riskshift.stats.proportion import Interval
from riskshift.stats.resample import generator

DATA: Final = Path(__file__).resolve().parents[2] / "shared/data/people_and_graders.csv"
GRADER: Final = "gpt4_harmful"
LABELLED: Final = 0.1
PROMPTS: Final = 1500
COMPLIANCE: Final = (0.10, 0.07)  # of the two models that are made up

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Graded:
    """Answers that people and a grader labelled in full, sorted by prompt."""

    prompt: Ints
    people: Ints
    grader: Ints

    @property
    def prompts(self) -> int:
        """Number of prompts."""
        return int(self.prompt.max()) + 1

    def drawn(self, rng: np.random.Generator) -> "Graded":
        """Draw as many prompts with replacement, with all their answers."""
        start = np.searchsorted(self.prompt, np.arange(self.prompts + 1))
        drawn = rng.integers(0, self.prompts, self.prompts)
        rows = np.concatenate([np.arange(start[at], start[at + 1]) for at in drawn])
        prompt = np.repeat(np.arange(len(drawn)), np.diff(start)[drawn])
        return Graded(prompt, self.people[rows], self.grader[rows])


def main(arguments: list[str] | None = None) -> int:
    """Print the tables; 2 if the data is not there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", nargs="?", type=Path, default=DATA)
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=20260709)
    options = parser.parse_args(arguments)
    if not options.path.exists():
        print(f"{options.path} is not there; name a file with prompt_id, human_harmful, {GRADER}.")
        return 2
    of_file(read(options.path), options.repetitions, options.seed)
    print()
    made_up(options.repetitions, options.seed)
    return 0


def read(path: Path) -> Graded:
    """Prompt, people's label and the grader's of every answer that has all three."""
    with path.open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row[GRADER] and row["human_harmful"]]
    _, prompt = np.unique([row["prompt_id"] for row in rows], return_inverse=True)
    people = np.array([float(row["human_harmful"]) for row in rows]).astype(np.int64)
    grader = np.array([float(row[GRADER]) for row in rows]).astype(np.int64)
    order = np.argsort(prompt, kind="stable")
    return Graded(prompt[order], people[order], grader[order])


def of_file(graded: Graded, repetitions: int, seed: int) -> None:
    """Print how often the rate of harmful answers is held."""
    truth = float(graded.people.mean())
    print(
        f"Truth {truth:.4f} in {len(graded.people):,} answers, {LABELLED:.0%} labelled by people,"
    )
    print(f"{repetitions:,} repetitions, seed {seed}.\n")
    header("labelled", "the file", "interval about")
    for chosen in ("pairs", "prompts", "strata"):
        for source, about in (
            ("as it is", "file"),
            ("drawn anew", "prompts"),
            ("as it is", "prompts"),
        ):
            rng = generator(seed, "correction coverage", chosen, source, about)
            rates = []
            for _ in range(repetitions):
                answers = graded.drawn(rng) if source == "drawn anew" else graded
                rates.append(estimate(answers, chosen, about, rng))
            row([chosen, source, about], rates, truth)


def estimate(graded: Graded, chosen: str, about: str, rng: np.random.Generator) -> Corrected:
    """Correct the rate with most of people's labels hidden."""
    labelled = hidden(graded, chosen, rng)
    if chosen == "strata":
        # Six counts a prompt: people's label by the grader's verdict, then all by the verdict.
        cell = np.where(labelled, 2 * graded.grader + graded.people, -1)
        kinds, weight = by_prompt(graded.prompt, [cell, 4 + graded.grader], 6)
        made = stratified_rate(kinds[:, :4].reshape(-1, 2, 2), kinds[:, 4:], weight, about=about)
    else:
        # Six counts a prompt: people's label by the grader's, then the grader's alone.
        cell = np.where(labelled, 2 * graded.people + graded.grader, 4 + graded.grader)
        kinds, weight = by_prompt(graded.prompt, [cell], 6)
        made = ppi_rate(kinds[:, :4].reshape(-1, 2, 2), kinds[:, 4:], weight, about=about)
    assert made is not None  # some pairs are always labelled
    return made


def hidden(graded: Graded, chosen: str, rng: np.random.Generator) -> Bools:
    """Mark the pairs whose labels by people are kept: one in ten pairs or prompts, or by strata."""
    if chosen == "prompts":
        return sample(graded.prompts, LABELLED, rng)[graded.prompt]
    if chosen == "pairs":
        return sample(len(graded.prompt), LABELLED, rng)
    return by_stratum(graded.grader, round(LABELLED * len(graded.prompt)), rng)


def by_stratum(stratum: Ints, n: int, rng: np.random.Generator) -> Bools:
    """Mark equally many of each stratum, or all of it."""
    marked = np.zeros(len(stratum), dtype=np.bool_)
    names = np.unique(stratum)
    for name in names:
        members = np.flatnonzero(stratum == name)
        marked[rng.choice(members, min(len(members), n // len(names)), replace=False)] = True
    return marked


def sample(size: int, share: float, rng: np.random.Generator) -> Bools:
    """Mark a share of `size` units."""
    marked = np.zeros(size, dtype=np.bool_)
    marked[rng.choice(size, round(share * size), replace=False)] = True
    return marked


def by_prompt(prompt: Ints, cells: Sequence[Ints], width: int) -> tuple[Ints, Ints]:
    """Count cells by prompt, leaving -1 out: kinds of prompt, and how many of each."""
    prompts = int(prompt.max()) + 1
    counts = np.zeros((prompts, width), dtype=np.int64)
    for cell in cells:
        there = cell >= 0
        np.add.at(counts, (prompt[there], cell[there]), 1)
    kinds, weight = np.unique(counts, axis=0, return_counts=True)
    return kinds, weight


def made_up(repetitions: int, seed: int) -> None:
    """Print how often compliance of two models, and their difference, are held."""
    print(
        f"Compliance {COMPLIANCE[0]:.0%} and {COMPLIANCE[1]:.0%} on {PROMPTS:,} prompts, half harmful by people."
    )
    print("The grader errs on 6 % of prompts, finds 70 % of harm, and raises 4 % false alarms.\n")
    header("labelled", "of", "rate")
    for chosen in ("pairs", "strata"):
        for n in (150, 300, 900):
            rng = generator(seed, "made up", chosen, str(n))
            found = [two_models(chosen, n, rng) for _ in range(repetitions)]
            kept = [(a, b) for a, b in found if a is not None and b is not None]
            name = [chosen, f"{n:,} of {2 * PROMPTS:,}"]
            row([*name, "compliance"], [a for a, _ in kept], COMPLIANCE[0])
            row(
                [*name, "difference"],
                [a for a, _ in kept],
                COMPLIANCE[0] - COMPLIANCE[1],
                [corrected_difference(a, b) for a, b in kept],
                [a.estimate - b.estimate for a, b in kept],
            )


def two_models(
    chosen: str, n: int, rng: np.random.Generator
) -> tuple[Corrected | None, Corrected | None]:
    """Two models on the same prompts, easy and hard; n of their pairs are labelled by people."""
    harmful = rng.random(PROMPTS) < 0.5
    seen = np.where(rng.random(PROMPTS) < 0.06, ~harmful, harmful)
    hardness = rng.beta(0.5, 4.5, PROMPTS) / 0.1
    people, grader = np.zeros((2, PROMPTS), np.int64), np.zeros((2, PROMPTS), np.int64)
    for model, rate in enumerate(COMPLIANCE):
        bad = rng.random(PROMPTS) < hardness * rate
        flagged = rng.random(PROMPTS) < np.where(bad, 0.7, 0.04)
        people[model], grader[model] = np.where(harmful, 1 + bad, 0), np.where(seen, 1 + flagged, 0)
    at_random = chosen == "pairs"
    strata = np.zeros(2 * PROMPTS, np.int64) if at_random else grader.ravel()
    labelled = by_stratum(strata, n, rng)
    made: list[Corrected | None] = []
    for model, known in enumerate(labelled.reshape(2, PROMPTS)):
        table, rest = np.zeros((PROMPTS, 3, 3)), np.zeros((PROMPTS, 3))
        at, y, f = np.arange(PROMPTS), people[model], grader[model]
        others = ~known if at_random else np.ones(PROMPTS, np.bool_)
        first, second = (y, f) if at_random else (f, y)
        np.add.at(table, (at[known], first[known], second[known]), 1)
        np.add.at(rest, (at[others], f[others]), 1)
        correct: Callable[..., Corrected | None] = ppi_rate if at_random else stratified_rate
        made.append(correct(table, rest))
    return made[0], made[1]


def header(*names: str) -> None:
    """Print the head of a table."""
    cells = ["truth in raw", "in people's", "in corrected", "width people", "corrected", "ratio"]
    print(f"| {' | '.join([*names, *cells, 'bias', 'gain'])} |")
    print(f"|{'---|' * len(names)}{'--:|' * (len(cells) + 2)}")


def row(
    names: list[str],
    rates: list[Corrected],
    truth: float,
    intervals: list[Interval] | None = None,
    estimates: list[float] | None = None,
) -> None:
    """Print a line of a table."""
    cells = _cells(rates, truth, intervals, estimates)
    print(f"| {' | '.join([*names, *cells])} |", flush=True)


def _cells(
    rates: list[Corrected],
    truth: float,
    intervals: list[Interval] | None,
    estimates: list[float] | None,
) -> Iterator[str]:
    compared = intervals is not None
    corrected = [rate.interval for rate in rates] if intervals is None else intervals
    raw = [] if compared else [rate.raw.interval for rate in rates if rate.raw is not None]
    people = [] if compared else [rate.people.interval for rate in rates if rate.people is not None]
    for held in (raw, people, corrected):
        yield f"{np.mean([i.low <= truth <= i.high for i in held]):.1%}" if held else ""
    widths = [
        float(np.median([i.high - i.low for i in held])) if held else None
        for held in (people, corrected)
    ]
    yield from ("" if width is None else f"{width:.4f}" for width in widths)
    yield "" if widths[0] is None or widths[1] is None else f"{widths[1] / widths[0]:.2f}"
    found = [rate.estimate for rate in rates] if estimates is None else estimates
    yield f"{np.mean(found) - truth:+.4f}"
    yield "" if compared else f"{np.median([rate.gain for rate in rates]):.2f}"


if __name__ == "__main__":
    raise SystemExit(main())
