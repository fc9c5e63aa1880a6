"""How often the corrected interval holds the truth, on answers that people labelled in full.

People's labels are taken as the truth, nine in ten are hidden, and the rate of harmful answers is
estimated from the rest with a grader's labels on all. The interval is about the population that
the prompts come from, so each repetition draws its prompts from the file with replacement. The
rows marked "file" keep the file as it is: hiding nine labels in ten of a fixed file leaves less to
chance than a new sample of prompts would, and every interval covers more often there.
"""

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from riskshift.stats.correction import Corrected, ppi_mean
from riskshift.stats.resample import generator

DATA = Path(__file__).resolve().parents[2] / "shared/data/people_and_graders.csv"
GRADER = "gpt4_harmful"
LABELLED = 0.1

Ints = npt.NDArray[np.int64]


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 2 if the data is not there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", nargs="?", type=Path, default=DATA)
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=20260709)
    options = parser.parse_args(arguments)
    if not options.path.exists():
        print(f"{options.path} is not there; name a file with prompt_id, human_harmful, {GRADER}.")
        return 2
    prompt, people, grader = read(options.path)
    truth = float(people.mean())
    print(f"Truth {truth:.4f} in {len(people):,} answers, {LABELLED:.0%} labelled by people,")
    print(f"{options.repetitions:,} repetitions, seed {options.seed}.\n")
    print(
        "| labelled | prompts | coverage raw | people | corrected | median width people |", end=""
    )
    print(" corrected | ratio | bias of corrected | median gain |")
    print("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    for chosen in ("pairs", "prompts"):
        for source in ("drawn", "file"):
            rng = generator(options.seed, "correction coverage", chosen, source)
            rates = [
                repetition(prompt, people, grader, chosen=chosen, source=source, rng=rng)
                for _ in range(options.repetitions)
            ]
            print(f"| {chosen} | {source} | {' | '.join(row(rates, truth))} |")
    return 0


def read(path: Path) -> tuple[Ints, Ints, Ints]:
    """Prompt, people's label and the grader's of every answer that has all three."""
    with path.open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row[GRADER] and row["human_harmful"]]
    _, prompt = np.unique([row["prompt_id"] for row in rows], return_inverse=True)
    people = np.array([float(row["human_harmful"]) for row in rows]).astype(np.int64)
    grader = np.array([float(row[GRADER]) for row in rows]).astype(np.int64)
    order = np.argsort(prompt, kind="stable")
    return prompt[order], people[order], grader[order]


def repetition(
    prompt: Ints,
    people: Ints,
    grader: Ints,
    *,
    chosen: str,
    source: str,
    rng: np.random.Generator,
) -> Corrected:
    """One estimate from a file with most of people's labels hidden."""
    if source == "drawn":
        prompt, rows = drawn_prompts(prompt, rng)
        people, grader = people[rows], grader[rows]
    prompts = int(prompt.max()) + 1
    labelled = sample(len(prompt), rng) if chosen == "pairs" else sample(prompts, rng)[prompt]
    # Six counts a prompt: four cells of people's label by the grader's, then the grader alone.
    cell = np.where(labelled, 2 * people + grader, 4 + grader)
    counts = np.bincount(prompt * 6 + cell, minlength=prompts * 6).reshape(prompts, 6)
    kinds, weight = np.unique(counts, axis=0, return_counts=True)
    rate = ppi_mean(kinds[:, :4].reshape(-1, 2, 2), kinds[:, 4:], weight)
    assert rate is not None  # some pairs are always labelled
    return rate


def drawn_prompts(prompt: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Draw prompts with replacement: the new prompt of each row, and the row it copies."""
    start = np.searchsorted(prompt, np.arange(int(prompt.max()) + 2))
    drawn = rng.integers(0, len(start) - 1, len(start) - 1)
    rows = np.concatenate([np.arange(start[at], start[at + 1]) for at in drawn])
    return np.repeat(np.arange(len(drawn)), np.diff(start)[drawn]), rows


def sample(size: int, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Mark the share of `size` units that people label."""
    marked = np.zeros(size, dtype=np.bool_)
    marked[rng.choice(size, round(LABELLED * size), replace=False)] = True
    return marked


def row(rates: list[Corrected], truth: float) -> Iterator[str]:
    """Cells of one line of the table."""
    raw = [rate.raw.interval for rate in rates if rate.raw is not None]
    people = [r.people.interval for r in rates if r.people is not None]
    corrected = [r.interval for r in rates]
    for intervals in (raw, people, corrected):
        yield f"{np.mean([i.low <= truth <= i.high for i in intervals]):.1%}"
    widths = [float(np.median([i.high - i.low for i in each])) for each in (people, corrected)]
    yield from (f"{width:.4f}" for width in widths)
    yield f"{widths[1] / widths[0]:.2f}"
    yield f"{np.mean([rate.estimate for rate in rates]) - truth:+.4f}"
    yield f"{np.median([rate.gain for rate in rates]):.2f}"


if __name__ == "__main__":
    raise SystemExit(main())
