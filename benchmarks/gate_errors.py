"""How often a release gate errs where the truth lies exactly at its tolerance.

There a pass and a failure are both wrong, and both are most likely: a truth further inside or
outside makes the one that would be wrong rarer. Where records stand alone, and where all models
agree on every prompt, the chances are computed exactly, from every possible count; elsewhere they
are drawn. What is drawn above 3 % is drawn again, ten times as often, so that the highest of many
rates is not the luckiest of them. The last rows are rules on a difference, prompt by prompt.

The second table is about rates that people's labels of some pairs correct, in a plain random
sample or by strata of what the grader said, from prompts drawn anew each time.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy.special import betaln, gammaln, xlog1py, xlogy

from riskshift.analysis.gate.question import Question
from riskshift.analysis.gate.result import Outcome
from riskshift.analysis.gate.rules import parse_rule
from riskshift.analysis.metrics import choose
from riskshift.stats.cluster import clustered_interval
from riskshift.stats.correction import Corrected, corrected_difference, ppi_mean
from riskshift.stats.paired import tango
from riskshift.stats.proportion import Interval, clopper_pearson, wilson
from riskshift.stats.resample import generator
from riskshift.stats.strata import stratified_rate
from riskshift.taxonomy import Taxonomy

PROMPTS = (20, 50, 100, 200, 500, 1000, 2000)
TOLERANCES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3)
MODELS = (2, 3, 10)
CORRELATIONS = (0.1, 0.3, 0.6, 0.9)
MARGINS = (0.01, 0.02, 0.05)
BASELINE_ONLY = (0.0, 0.01, 0.05, 0.1)
SURE = 0.03
RARE = 1e-9
DRAWN = {"random": "any pairs", "strata": "by strata"}
LABELS = (100, 300, 1000)
ANSWERS = (1, 3, 10)
CORRECTED = (0.01, 0.05, 0.2)
BASELINES = ((0.01, 0.02), (0.05, 0.05), (0.2, 0.05))  # rate and margin
GRADERS = ((0.9, 0.98), (0.6, 0.95))  # sensitivity and specificity
PAIRS_A_LABEL = 5
ALIKE = 0.7  # correlation of a prompt's events, or of its two models'

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


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
    print("\n| corrected | labels | highest chance of a wrong pass | of a wrong failure |")
    print("|---|--:|---|---|")
    fewer = (max(1, options.repetitions // 5), options.seed)
    for chosen in DRAWN:
        for models in ANSWERS:
            for labels in LABELS:
                rows = list(corrected_rates(chosen, models, labels, *fewer))
                show(f"rate, {models} a prompt, {DRAWN[chosen]}", labels, rows)
        for labels in LABELS:
            rows = list(corrected_margins(chosen, labels, *fewer))
            show(f"difference to a baseline, {DRAWN[chosen]}", labels, rows)
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


@dataclass(frozen=True)
class People:
    """How people's pairs are drawn, how many, and how good the grader of all pairs is."""

    chosen: str
    labels: int
    sensitivity: float
    specificity: float

    def rate(
        self, rng: np.random.Generator, question: Question, *, rate: float, models: int
    ) -> Outcome:
        """Judge models whose answers show the event as often as the rule tolerates."""
        prompts, size = PAIRS_A_LABEL * self.labels // models, 1 / ALIKE - 1
        odds = rng.beta(rate * size, (1 - rate) * size, prompts) if models > 1 else rate
        kinds, weight = self.drawn(rng.random((models, prompts)) < odds, [range(models)], rng)
        if self.chosen == "strata":
            return question.verdict(self.correct(kinds, weight, clopper_pearson).interval)
        made = self.correct(kinds, weight)
        events = min(made.effective_n, made.estimate * made.effective_n)
        return question.verdict(clopper_pearson(events, made.effective_n))

    def difference(
        self, rng: np.random.Generator, question: Question, *, rate: float, margin: float
    ) -> Outcome:
        """Judge a candidate that is worse than the baseline by what the rule tolerates."""
        shape = 2, PAIRS_A_LABEL * self.labels // 2
        luck = np.where(rng.random(shape) < ALIKE, rng.random(shape[1]), rng.random(shape))
        people = luck < np.array([[rate], [rate + margin]])
        kinds, weight = self.drawn(people, [[0], [1]], rng)
        old, new = (self.correct(part, weight) for part in (kinds[:, :6], kinds[:, 6:]))
        return question.verdict(corrected_difference(new, old))

    def drawn(
        self, people: Bools, sides: Sequence[Sequence[int]], rng: np.random.Generator
    ) -> tuple[Ints, Ints]:
        """Grade rows of answers, label some; kinds of prompt, with six counts for each side."""
        flagged = np.where(people, self.sensitivity, 1 - self.specificity)
        grader = rng.random(people.shape) < flagged
        known = self.marked(grader, rng)
        rows, columns, rest = people, grader, ~known
        if self.chosen == "strata":
            rows, columns, rest = grader, people, np.ones_like(known)
        states = [known & (rows == i) & (columns == j) for i in (0, 1) for j in (0, 1)]
        states += [rest & (grader == j) for j in (0, 1)]
        counts = [state[list(side)].sum(axis=0) for side in sides for state in states]
        key = np.stack(counts, axis=1) @ (1 + len(people)) ** np.arange(len(counts))
        _, first, weight = np.unique(key, return_index=True, return_counts=True)
        return np.stack(counts, axis=1)[first], weight

    def marked(self, grader: Bools, rng: np.random.Generator) -> Bools:
        """Mark the pairs that people label: any, or as many flagged ones as others."""
        known = np.zeros(grader.size, np.bool_)
        if self.chosen == "strata":
            flagged = np.flatnonzero(grader)
            few = min(len(flagged), self.labels // 2)
            known[rng.choice(flagged, few, replace=False)] = True
            others = np.flatnonzero(~grader)
            known[rng.choice(others, self.labels - few, replace=False)] = True
        else:
            known[rng.choice(grader.size, self.labels, replace=False)] = True
        return known.reshape(grader.shape)

    def correct(
        self, kinds: Ints, weight: Ints, method: Callable[..., Interval] = wilson
    ) -> Corrected:
        """Correct a rate from six counts of each kind of prompt."""
        cells, rest = kinds[:, :4].reshape(-1, 2, 2), kinds[:, 4:]
        made = ppi_mean(cells, rest, weight)
        if self.chosen == "strata":
            made = stratified_rate(cells, rest, weight, method=method)
        assert made is not None  # people labelled some pairs
        return made


def corrected_rates(
    chosen: str, models: int, labels: int, repetitions: int, seed: int
) -> Iterator[Errors]:
    """Draw pairs that a grader labels in full and people in part; the rate is the tolerance."""
    for rate in CORRECTED:
        question = asked(f"escalation <= {rate}")
        for grader in GRADERS:
            once = partial(
                People(chosen, labels, *grader).rate, question=question, rate=rate, models=models
            )
            about = f"at {rate:.0%}, sensitivity {grader[0]:.0%}"
            yield often(once, repetitions, seed, about, chosen, str(labels), str(models))


def corrected_margins(chosen: str, labels: int, repetitions: int, seed: int) -> Iterator[Errors]:
    """Draw pairs of two models likewise; the difference is the margin."""
    for rate, margin in BASELINES:
        question = asked(f"escalation - baseline <= {margin}")
        for grader in GRADERS:
            once = partial(
                People(chosen, labels, *grader).difference,
                question=question,
                rate=rate,
                margin=margin,
            )
            about = f"margin {margin:.0%}, baseline {rate:.0%}, sensitivity {grader[0]:.0%}"
            yield often(once, repetitions, seed, about, chosen, str(labels))


def asked(rule: str) -> Question:
    """Ask one rule."""
    parsed = parse_rule(rule, Taxonomy())
    return Question(parsed, parsed.choices[0])


def often(
    once: Callable[[np.random.Generator], Outcome],
    repetitions: int,
    seed: int,
    about: str,
    *names: str,
) -> Errors:
    """Draw verdicts, and more of them where they were wrong often."""
    found = Errors(0.0, 0.0, about)
    for times in (1, 5):
        rng = generator(seed, "people", about, *names, str(times))
        words = [once(rng) for _ in range(repetitions * times)]
        passes, fails = (words.count(word) / len(words) for word in ("pass", "fail"))
        found = Errors(passes, fails, about)
        if max(found.passes, found.fails) <= SURE:
            break
    return found


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
