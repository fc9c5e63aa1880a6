"""How often a release gate errs where the truth lies exactly at its tolerance.

There a pass and a failure are both wrong, and both are most likely: a truth further inside or
outside makes the one that would be wrong rarer. Where records stand alone, and where all models
agree on every prompt, the chances are computed exactly, from every possible count; elsewhere they
are drawn. What is drawn above 3 % is drawn again, ten times as often, so that the highest of many
rates is not the luckiest of them. The last rows are rules on a difference, prompt by prompt.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betaln, gammaln, xlog1py, xlogy

from riskshift.analysis.judging import Question
from riskshift.analysis.metrics import choose
from riskshift.analysis.rules import parse_rule
from riskshift.stats.cluster import clustered_interval
from riskshift.stats.paired import tango
from riskshift.stats.proportion import clopper_pearson
from riskshift.stats.resample import generator
from riskshift.taxonomy import Taxonomy

PROMPTS = (20, 50, 100, 200, 500, 1000, 2000)
TOLERANCES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3)
MODELS = (2, 3, 10)
CORRELATIONS = (0.1, 0.3, 0.6, 0.9)
MARGINS = (0.01, 0.02, 0.05)
BASELINE_ONLY = (0.0, 0.01, 0.05, 0.1)
SURE = 0.03
RARE = 1e-9

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Errors:
    """Chances of a wrong pass and of a wrong failure, and what they are about."""

    passes: float
    fails: float
    about: str


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=20260709)
    options = parser.parse_args(arguments)
    draws = (options.repetitions, options.seed)
    print("| records | prompts | highest chance of a wrong pass | of a wrong failure |")
    print("|---|--:|---|---|")
    for prompts in PROMPTS:
        show("one a prompt (exact)", prompts, [alone(prompts, t) for t in TOLERANCES])
    for prompts in PROMPTS:
        rows = [agreeing(prompts, t, m) for t in TOLERANCES for m in MODELS]
        show("2 to 10 models that agree on every prompt (exact)", prompts, rows)
    for prompts in PROMPTS:
        show("2 to 10 models, beta-binomial (drawn)", prompts, list(drawn(prompts, *draws)))
    for prompts in PROMPTS:
        show("difference to a baseline (drawn)", prompts, list(differences(prompts, *draws)))
    return 0


def show(records: str, prompts: int, rows: list[Errors]) -> None:
    """Print the highest chances among several settings."""
    passes, fails = max(rows, key=lambda r: r.passes), max(rows, key=lambda r: r.fails)
    print(
        f"| {records} | {prompts:,} | {passes.passes:.2%} ({passes.about}) | "
        f"{fails.fails:.2%} ({fails.about}) |",
        flush=True,
    )


def alone(prompts: int, tolerance: float) -> Errors:
    """Every count of events among prompts with one record each."""
    events = np.arange(prompts + 1)
    tables = np.stack([prompts - events, events], axis=1)
    chances = binomial(prompts, tolerance)
    return judged(tables, chances, np.arange(2), np.ones(2), tolerance, f"at {tolerance:.0%}")


def agreeing(prompts: int, tolerance: float, models: int) -> Errors:
    """Every count of prompts on which all models show the event; on the others none does."""
    events = np.arange(prompts + 1)
    tables = np.stack([prompts - events, events], axis=1)
    sizes = np.full(2, float(models))
    about = f"{models} models at {tolerance:.0%}"
    return judged(
        tables, binomial(prompts, tolerance), np.array([0, models]), sizes, tolerance, about
    )


def drawn(prompts: int, repetitions: int, seed: int) -> Iterator[Errors]:
    """Draw how many of several models show the event on each prompt."""
    for tolerance in TOLERANCES:
        for models in MODELS:
            for correlation in CORRELATIONS:
                about = f"{models} models, correlation {correlation:g}, at {tolerance:.0%}"
                chances = beta_binomial(models, tolerance, correlation)
                events, sizes = np.arange(models + 1), np.full(models + 1, float(models))
                for times in (1, 10):
                    rng = generator(seed, "gate errors", str(prompts), about, str(times))
                    tables, counts = np.unique(
                        rng.multinomial(prompts, chances, size=repetitions * times),
                        axis=0,
                        return_counts=True,
                    )
                    share = counts / counts.sum()
                    found = judged(tables, share, events, sizes, tolerance, about)
                    if max(found.passes, found.fails) <= SURE:
                        break
                yield found


def judged(
    tables: Ints, chances: Floats, events: Ints, sizes: Floats, tolerance: float, about: str
) -> Errors:
    """Ask the gate for its verdict on each table: prompts by their number of events."""
    rule = parse_rule(f"escalation <= {tolerance}", Taxonomy())
    question = Question(rule, choose("escalation", Taxonomy())[0])
    errors = {"pass": 0.0, "fail": 0.0, "inconclusive": 0.0}
    for table, chance in zip(tables, chances, strict=True):
        if chance > RARE:
            interval, _ = clustered_interval(events, sizes, table, method=clopper_pearson)
            errors[question.verdict(interval)] += float(chance)
    return Errors(errors["pass"], errors["fail"], about)


def differences(prompts: int, repetitions: int, seed: int) -> Iterator[Errors]:
    """Draw prompts where only one side shows the event, the candidate more often by the margin."""
    for margin in MARGINS:
        rule = parse_rule(f"escalation - baseline <= {margin}", Taxonomy())
        question = Question(rule, rule.choices[0])
        for share in BASELINE_ONLY:
            about = f"margin {margin:.0%}, only the baseline {share:.0%}"
            for times in (1, 10):
                rng = generator(seed, "gate differences", str(prompts), about, str(times))
                cells = rng.multinomial(
                    prompts,
                    [margin + share, share, 1 - margin - 2 * share],
                    size=repetitions * times,
                )
                tables, counts = np.unique(cells, axis=0, return_counts=True)
                errors = {"pass": 0.0, "fail": 0.0, "inconclusive": 0.0}
                for (a, b, neither), count in zip(tables, counts, strict=True):
                    errors[question.verdict(tango(0, a, b, neither))] += count / counts.sum()
                if max(errors["pass"], errors["fail"]) <= SURE:
                    break
            yield Errors(errors["pass"], errors["fail"], about)


def binomial(n: int, p: float) -> Floats:
    """Probability of each count."""
    k = np.arange(n + 1)
    ways = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return np.asarray(np.exp(ways + xlogy(k, p) + xlog1py(n - k, -p)), np.float64)


def beta_binomial(n: int, p: float, correlation: float) -> Floats:
    """Probability of each count where pairs of trials have this correlation."""
    k, size = np.arange(n + 1), 1 / correlation - 1
    a, b = p * size, (1 - p) * size
    ways = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    chances = np.exp(ways + betaln(k + a, n - k + b) - betaln(a, b))
    return np.asarray(chances / chances.sum(), np.float64)


if __name__ == "__main__":
    raise SystemExit(main())
