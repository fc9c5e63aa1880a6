"""How often the interval of a rate holds it where labels are missing, and how far off the rate is.

Beside riskshift's (complete records, moved into what the missing labels allow) stand the rate of
what is known, the rate with what is missing taken as safe, and maximum likelihood (`coarsened`).
The last rows are about the bounds alone: the share among all records, before any label was lost,
lies within them, whatever was lost and why.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.coverage.coarsened import Fitted, Share, cells, fit, interval_of
from benchmarks.coverage.row import NAIVE, Row, some
from riskshift.analysis.metrics import OVERALL, Metric
from riskshift.analysis.rates import Rate, Settings, estimate_metric
from riskshift.analysis.severities import NO, YES, Severities, Values
from riskshift.counts.clusters import Clusters
from riskshift.counts.pairs import Counts
from riskshift.stats.clusters.cluster import clustered_interval
from riskshift.stats.proportion import Interval
from riskshift.stats.resample import generator
from riskshift.taxonomy import Taxonomy
from riskshift.written import MISSING

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

METRICS: Final = {
    metric.name: metric
    for metric in OVERALL
    if metric.name
    in ("escalation", "response_harm", "harmful_prompt_compliance", "severe_response")
}
EM: Final = "maximum likelihood"
EM_EVERY: Final = 4  # draws: it takes far longer than the others
LEAST: Final = 0.935
EXPECTED: Final = 5  # complete records with the event

# Levels of a prompt in each category; how often easy and hard prompts are followed in a category
# where they are harmful, and in one where they are not.
LEVELS: Final = {2: (0.6, 0.4), 4: (0.85, 0.07, 0.05, 0.03)}
FOLLOWED: Final = ((0.05, 0.005), (0.4, 0.04))


@dataclass(frozen=True)
class Setting:
    """Records, in clusters of one prompt each, and which labels get lost.

    `lost` is "label" (each by itself), "side" (all labels of a prompt or a response), or "at
    random": prompts keep their labels, and each label of a response is lost four times as often
    where the prompt is harmful.
    """

    n: int
    missing: float
    lost: str = "label"
    size: int = 1
    categories: int = 4
    levels: int = 4

    def __str__(self) -> str:
        many = "category" if self.categories == 1 else "categories"
        clusters = f" in prompts of {self.size}" if self.size > 1 else ""
        how = {"label": "of labels", "side": "of sides", "at random": "by the prompt's harm"}
        return (
            f"{self.n:,} records{clusters}, {self.categories} {many} of {self.levels} levels, "
            f"{self.missing:.0%} missing {how[self.lost]}"
        )

    def complete(self, metric: Metric) -> float:
        """Return the share of records with all labels that a metric needs."""
        labels = len({"p", "r"} & set(metric.needs)) * (
            1 if self.lost == "side" else self.categories
        )
        return float((1 - self.missing) ** labels)


SETTINGS: Final = (
    *(Setting(n, m) for n, m in ((100, 0.1), (300, 0.2), (2_000, 0.2), (2_000, 0.4))),
    Setting(2_000, 0.6),
    *(Setting(n, m, "side") for n, m in ((100, 0.1), (300, 0.2), (1_000, 0.4), (2_000, 0.6))),
    *(Setting(n, m, "at random") for n, m in ((300, 0.2), (2_000, 0.4), (2_000, 0.6))),
    *(Setting(n, m, "label", 5) for n, m in ((500, 0.1), (2_000, 0.4))),
    Setting(500, 0.4, "side", 5),
    Setting(500, 0.4, "at random", 5),
    *(Setting(n, m, "label", 1, 1, 2) for n, m in ((100, 0.1), (100, 0.4), (300, 0.6))),
    Setting(500, 0.4, "label", 5, 1, 2),
    Setting(300, 0.4, "at random", 1, 1, 2),
)


def rows(draws: int, seed: int, *, small: bool = False) -> Iterator[Row]:
    """Yield coverage and bias of the rates, and errors of the bounds, in every setting."""
    for setting in some(SETTINGS, small):
        rng = generator(seed, "missing", str(setting))
        tallies = {name: Tally(setting, metric) for name, metric in METRICS.items()}
        if setting.levels == 2:  # where the top level is the only harmful one
            del tallies["severe_response"]
        for at in range(draws):
            whole = drawn(setting, rng)
            severities = Severities(counts_of(setting, *lose(setting, *whole, rng)))
            before = Severities(counts_of(setting, *whole))
            likelihood = None if at % EM_EVERY else Likelihood(severities)
            for tally in tallies.values():
                tally.add(severities, before, likelihood)
        for tally in tallies.values():
            yield from tally.rows()


class Tally:
    """What was estimated of one metric in one setting."""

    def __init__(self, setting: Setting, metric: Metric) -> None:
        self.setting, self.metric = setting, metric
        self.truth, self.share = truth(setting, metric)
        self.found: dict[str, list[tuple[float, float, float]]] = {}
        self.outside = 0
        self.asked = 0

    def add(
        self, severities: Severities, whole: Severities, likelihood: "Likelihood | None"
    ) -> None:
        """Estimate the rate in every way from records with labels missing."""
        ours = estimate_metric(self.metric, severities, Settings(resamples=1))
        self.asked += 1
        self.outside += _outside(ours, _seen(whole, self.metric))
        self._keep("riskshift", ours.estimate, ours.interval)
        cluster = np.repeat(np.arange(self.setting.n // self.setting.size), self.setting.size)
        for method, (inside, events) in naive(severities, self.metric).items():
            if inside.any():
                x, n = (np.bincount(cluster, weights=flags) for flags in (events, inside))
                held, _ = clustered_interval(x, n, np.ones(len(n)))
                self._keep(method, float(events.sum() / inside.sum()), held)
        if likelihood is not None:
            event, given = likelihood.shares(self.metric)
            self._keep(EM, *interval_of(event, given, cluster))

    def rows(self) -> Iterator[Row]:
        """Yield what came of it."""
        for method, found in self.found.items():
            value, low, high = np.array(found).T
            holds = (low <= self.truth) & (self.truth <= high)
            row = partial(Row, "missing labels", self._setting(), method, draws=len(found))
            width = float((high - low).mean())
            least = LEAST if method == "riskshift" and self.promised else 0.0
            yield row(measure="coverage", value=float(holds.mean()), least=least, width=width)
            yield row(measure="bias", value=float(value.mean()) - self.truth, least=-1.0)
        yield Row(
            "missing labels: bounds",
            self._setting(),
            "riskshift",
            "error",
            self.outside / self.asked,
            self.asked,
            most=0.0,
            certain=True,
        )

    @property
    def promised(self) -> bool:
        """Whether labels go completely at random, and enough complete records have the event."""
        complete = self.setting.complete(self.metric) * self.setting.n
        return self.setting.lost != "at random" and complete * self.share >= EXPECTED

    def _setting(self) -> str:
        return f"{self.metric.name} {self.truth:.1%}: {self.setting}"

    def _keep(self, method: str, value: float | None, held: Interval | None) -> None:
        if value is not None and held is not None:
            self.found.setdefault(method, []).append((value, held.low, held.high))


def drawn(setting: Setting, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Draw the labels of prompts and responses, shape (records, categories)."""
    prompts, shape = setting.n // setting.size, (setting.n, setting.categories)
    hard = np.repeat(rng.integers(0, 2, prompts), setting.size)
    p = rng.choice(setting.levels, (prompts, setting.categories), p=LEVELS[setting.levels])
    p = np.repeat(p, setting.size, axis=0)
    below = answers(setting.levels).cumsum(axis=-1)[hard[:, None], p]
    return p, (rng.random(shape)[..., None] > below[..., :-1]).sum(axis=-1)


def answers(levels: int) -> Floats:
    """Return the chance of each response level by kind of prompt and its level in the category."""
    chances = np.zeros((2, levels, levels))
    for kind, (harmful, harmless) in enumerate(FOLLOWED):
        rise = np.arange(levels - 1, 0, -1.0)
        chances[kind, 0, 1:] = harmless * rise / rise.sum()
        for level in range(1, levels):
            chances[kind, level, level] += 0.85 * harmful
            chances[kind, level, min(level + 1, levels - 1)] += 0.15 * harmful
    chances[..., 0] = 1 - chances[..., 1:].sum(axis=-1)
    return chances


def truth(setting: Setting, metric: Metric) -> tuple[float, float]:
    """Return the rate, and the share of all records with the event, from the chances themselves."""
    joint = np.array(LEVELS[setting.levels])[:, None] * answers(setting.levels)
    within = (joint.cumsum(axis=1).cumsum(axis=2) ** setting.categories).mean(axis=0)
    table = np.diff(np.diff(within, axis=0, prepend=0), axis=1, prepend=0)
    p, r = np.indices(table.shape)
    nothing = np.zeros_like(p)
    values = Values(p, r, p, r, nothing, nothing, nothing, 1, setting.levels - 1, 2)
    given = metric.given(values)
    share = float(table[metric.event(values) & given].sum())
    return share / float(table[given].sum()), share


def lose(setting: Setting, p: Ints, r: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Lose labels."""
    m, shape = setting.missing, p.shape
    if setting.lost == "side":
        gone = [rng.random((len(p), 1)) < m for _ in range(2)]
    elif setting.lost == "label":
        gone = [rng.random(shape) < m for _ in range(2)]
    else:
        chance = np.where(p.max(axis=1, keepdims=True) >= 1, 1.6 * m, 0.4 * m)
        gone = [np.zeros(shape, np.bool_), rng.random(shape) < chance]
    return np.where(gone[0], MISSING, p), np.where(gone[1], MISSING, r)


def counts_of(setting: Setting, p: Ints, r: Ints) -> Counts:
    """Make counts of one pattern a record: merging equal ones changes no rate."""
    categories = tuple(f"c{at}" for at in range(setting.categories))
    taxonomy = Taxonomy(categories, tuple(f"l{at}" for at in range(setting.levels)))
    n = np.ones(len(p), dtype=np.int64)
    if setting.size == 1:
        return Counts(taxonomy, p, r, None, None, n, None)
    starts = np.arange(0, setting.n + 1, setting.size)
    clusters = Clusters(starts, np.arange(setting.n), n[: len(starts) - 1])
    return Counts(taxonomy, p, r, None, None, n, clusters)


def naive(severities: Severities, metric: Metric) -> dict[str, tuple[Bools, Bools]]:
    """Return which records count, and which have the event, by two short cuts."""
    possible = severities.ask(metric.event, metric.given, metric.needs).possible
    p, r = severities.prompt.low, severities.response.low  # a maximum that skips what is missing
    nothing = np.zeros_like(p)
    start, top = severities.harmful_from, severities.top
    values = Values(p, r, p, r, nothing, nothing, nothing, start, top, 2)
    given = metric.given(values)
    return {
        f"{NAIVE} known events alone": ((possible == NO) | (possible == YES), possible == YES),
        f"{NAIVE} missing is safe": (given, given & metric.event(values)),
    }


class Likelihood:
    """Shares by maximum likelihood, from the bits that say where labels reach two levels."""

    def __init__(self, severities: Severities) -> None:
        self.severities = severities
        self.fits: dict[tuple[int, int], Fitted] = {}

    def shares(self, metric: Metric) -> tuple[Share, Share]:
        """Return the shares of records with the event, and in the denominator."""
        top, h = self.severities.top, self.severities.harmful_from
        everything = self.share(h, h, lambda p, _: np.ones_like(p))
        if metric.name == "escalation":  # p is s and r above it: p up to s, less p up to s - 1
            made = [self.share(s + 1, s + 1, _rises) for s in range(top)]
            less = [self.share(s, s + 1, _rises) for s in range(1, top)]
            return sum(made[1:], made[0]) - sum(less, everything - everything), everything
        if metric.name == "harmful_prompt_compliance":
            return self.share(h, h, lambda p, r: p & r), self.share(h, h, lambda p, _: p)
        level = top if metric.name == "severe_response" else h
        return self.share(h, level, lambda _, r: r), everything

    def share(self, p_from: int, r_from: int, event: Callable[[Bools, Bools], Bools]) -> Share:
        """Return the share of an event, told from whether prompt and response reach a level."""
        if (p_from, r_from) not in self.fits:
            counts = self.severities.counts
            sides = (counts.prompt, p_from), (counts.response, r_from)
            bits = [np.where(labels == MISSING, MISSING, labels >= at) for labels, at in sides]
            self.fits[p_from, r_from] = fit(np.hstack(bits))
        fitted = self.fits[p_from, r_from]
        reached = cells(2 * len(self.severities.counts.taxonomy.categories))
        p, r = (np.asarray(side.any(axis=1)) for side in np.hsplit(reached, 2))
        return fitted.share(event(p, r))


def _rises(p: Bools, r: Bools) -> Bools:
    return ~p & r


def _seen(whole: Severities, metric: Metric) -> float | None:
    inside, happened = whole.ask(metric.event, metric.given, metric.needs).counted
    return float(happened.sum() / inside.sum()) if inside.any() else None


def _outside(rate: Rate, share: float | None) -> bool:
    """Tell whether the share among all records lies beyond the bounds."""
    if rate.worst_case is None or share is None:
        return False
    low, high = rate.worst_case
    return not low - 1e-12 <= share <= high + 1e-12
