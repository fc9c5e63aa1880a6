"""How often a release gate errs where the truth lies exactly at its tolerance.

There a pass and a failure are both wrong, and both are most likely: a truth further inside or
outside makes the one that would be wrong rarer. Where records stand alone, where all models agree
on every prompt, and for rules on a difference, prompt by prompt, the chances are computed exactly,
from every possible count; elsewhere they are drawn. A row is the worst of several settings. What is
drawn above 3 % is drawn again, ten times as often, so that the highest of many rates is not the
luckiest of them. Then come rules on a difference that people's labels of some pairs correct, in a
plain random sample or by strata of what the grader said, from prompts drawn anew each time.
Beside them the gate by Wilson's interval that takes all records as independent.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import betaln, gammaln, xlog1py, xlogy

from benchmarks.coverage.row import NAIVE, Row, some
from riskshift.analysis.gate.question import Question
from riskshift.analysis.gate.result import Outcome
from riskshift.analysis.gate.rules import parse_rule
from riskshift.analysis.metrics import choose
from riskshift.stats.clusters.cluster import clustered_interval
from riskshift.stats.graded.correction import Corrected, corrected_difference, ppi_rate
from riskshift.stats.graded.strata import stratified_rate
from riskshift.stats.planning.margin_power import margin_power
from riskshift.stats.proportion import Interval, clopper_pearson, wilson
from riskshift.stats.resample import generator
from riskshift.taxonomy import Taxonomy

PROMPTS: Final = (20, 50, 100, 200, 500, 1000, 2000)
DRAWN_PROMPTS: Final = (50, 200, 1000)
TOLERANCES: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3)
DRAWN_TOLERANCES: Final = (0.01, 0.05, 0.2)
MODELS: Final = (2, 3, 10)
CORRELATIONS: Final = (0.1, 0.6)
MARGINS: Final = (0.01, 0.02, 0.05)
BASELINE_ONLY: Final = (0.0, 0.005, 0.01, 0.05, 0.1)
SURE: Final = 0.03
THEOREM: Final = 0.025
ALIKE_MOST: Final = 0.05  # 3 % are the aim; ten answers alike by 0.6 give up to 5 %
RARE: Final = 1e-9
CHOSEN: Final = {"random": "any pairs", "strata": "pairs by strata"}
LABELS: Final = (100, 300, 1000)
BASELINES: Final = ((0.01, 0.02), (0.05, 0.05), (0.2, 0.05))  # rate and margin
GRADERS: Final = ((0.9, 0.98), (0.6, 0.95))  # sensitivity and specificity
PAIRS_A_LABEL: Final = 5
ALIKE: Final = 0.7  # correlation of a prompt's events in two models
CORRECTED_SHARE: Final = 5  # they are drawn so many times less often: each takes longer

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Method = Callable[[Ints, Floats, Ints], Interval]


@dataclass(frozen=True)
class Errors:
    """Chances of a wrong pass and of a wrong failure, and what they are about."""

    passes: float
    fails: float
    about: str
    draws: int


def rows(draws: int, seed: int, *, small: bool = False) -> Iterator[Row]:
    """Yield the highest chance of either error among several settings."""
    for prompts in some(PROMPTS, small):
        for method, judge in METHODS.items():
            found = [alone(prompts, t, judge) for t in TOLERANCES]
            yield from highest(f"{prompts:,} prompts, one record each", method, found, THEOREM)
            found = [agreeing(prompts, t, m, judge) for t in TOLERANCES for m in MODELS]
            about = f"{prompts:,} prompts, 2 to 10 models that agree on each"
            yield from highest(about, method, found, SURE)
    for prompts in some(DRAWN_PROMPTS, small):
        for method, judge in METHODS.items():
            found = list(drawn(prompts, draws, seed, judge))
            about = f"{prompts:,} prompts, 2 to 10 models, beta-binomial"
            yield from highest(about, method, found, ALIKE_MOST)
    for prompts in some(PROMPTS, small):
        found = list(differences(prompts))
        about = f"{prompts:,} prompts, difference to a baseline"
        yield from highest(about, OURS, found, SURE)
    for labels in some(LABELS, small):
        for chosen, said in CHOSEN.items():
            found = list(corrected_margins(chosen, labels, max(1, draws // CORRECTED_SHARE), seed))
            about = f"{labels:,} labels of {said}, corrected difference to a baseline"
            yield from highest(about, OURS, found, SURE)


def highest(records: str, method: str, found: list[Errors], most: float) -> Iterator[Row]:
    """Yield the highest chances among several settings."""
    for about, worst, share in (
        ("wrong pass", *_highest(found, lambda errors: errors.passes)),
        ("wrong failure", *_highest(found, lambda errors: errors.fails)),
    ):
        exact = worst.draws == 0
        setting = f"{records}: {about}, highest {worst.about}"
        promised = most if method == OURS else 1.0
        yield Row(
            "a gate at its tolerance",
            setting,
            method,
            "error",
            share,
            worst.draws,
            most=promised,
            certain=exact,
        )


def _highest(found: list[Errors], of: Callable[[Errors], float]) -> tuple[Errors, float]:
    worst = max(found, key=of)
    return worst, of(worst)


def _clustered(events: Ints, sizes: Floats, table: Ints) -> Interval:
    return clustered_interval(events, sizes, table, method=clopper_pearson)[0]


def _independent(events: Ints, sizes: Floats, table: Ints) -> Interval:
    return wilson(float(table @ events), float(table @ sizes))


OURS: Final = "riskshift"
METHODS: Final[dict[str, Method]] = {OURS: _clustered, f"{NAIVE} independent Wilson": _independent}


def alone(prompts: int, tolerance: float, judge: Method) -> Errors:
    """Every count of events among prompts with one record each."""
    events = np.arange(prompts + 1)
    tables = np.stack([prompts - events, events], axis=1)
    chances = binomial(prompts, tolerance)
    cells = np.arange(2), np.ones(2)
    return judged(tables, chances, *cells, tolerance, f"at {tolerance:.0%}", judge)


def agreeing(prompts: int, tolerance: float, models: int, judge: Method) -> Errors:
    """Every count of prompts on which all models show the event; on the others none does."""
    events = np.arange(prompts + 1)
    tables = np.stack([prompts - events, events], axis=1)
    sizes = np.full(2, float(models))
    about = f"{models} models at {tolerance:.0%}"
    chances = binomial(prompts, tolerance)
    return judged(tables, chances, np.array([0, models]), sizes, tolerance, about, judge)


def drawn(prompts: int, repetitions: int, seed: int, judge: Method) -> Iterator[Errors]:
    """Draw how many of several models show the event on each prompt."""
    for tolerance in DRAWN_TOLERANCES:
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
                    made = judged(tables, share, events, sizes, tolerance, about, judge)
                    found = replace(made, draws=repetitions * times)
                    if max(found.passes, found.fails) <= SURE or judge is _independent:
                        break
                yield found


def judged(
    tables: Ints,
    chances: Floats,
    events: Ints,
    sizes: Floats,
    tolerance: float,
    about: str,
    judge: Method,
) -> Errors:
    """Ask the gate for its verdict on each table: prompts by their number of events."""
    rule = parse_rule(f"escalation <= {tolerance}", Taxonomy())
    question = Question(rule, choose("escalation", Taxonomy())[0])
    errors = {"pass": 0.0, "fail": 0.0, "inconclusive": 0.0}
    for table, chance in zip(tables, chances, strict=True):
        if chance > RARE:
            errors[question.verdict(judge(events, sizes, table))] += float(chance)
    return Errors(errors["pass"], errors["fail"], about, 0)


def differences(prompts: int) -> Iterator[Errors]:
    """Every table of prompts on which one side alone shows the event, the candidate more often."""
    for margin in MARGINS:
        for share in BASELINE_ONLY:
            about = f"at a margin of {margin:.0%}, only the baseline {share:.1%}"
            yield Errors(*margin_power(prompts, margin + share, share, margin), about, 0)


@dataclass(frozen=True)
class People:
    """How people's pairs are drawn, how many, and how good the grader of all pairs is."""

    chosen: str
    labels: int
    sensitivity: float
    specificity: float

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

    def correct(self, kinds: Ints, weight: Ints) -> Corrected:
        """Correct a rate from six counts of each kind of prompt."""
        cells, rest = kinds[:, :4].reshape(-1, 2, 2), kinds[:, 4:]
        estimate = stratified_rate if self.chosen == "strata" else ppi_rate
        made = estimate(cells, rest, weight)
        assert made is not None  # people labelled some pairs
        return made


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
            about = f"at a margin of {margin:.0%}, baseline {rate:.0%}, sensitivity {grader[0]:.0%}"
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
    found = Errors(0.0, 0.0, about, 0)
    for times in (1, 5):
        rng = generator(seed, "people", about, *names, str(times))
        words = [once(rng) for _ in range(repetitions * times)]
        passes, fails = (words.count(word) / len(words) for word in ("pass", "fail"))
        found = Errors(passes, fails, about, len(words))
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
