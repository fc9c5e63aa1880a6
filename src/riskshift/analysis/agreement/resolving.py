"""One label an item from the labels of several raters, and what the choice of rule does to the rates."""

from collections.abc import Set
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

import numpy as np

from riskshift.analysis.metrics import Choice, choose, overall_metrics
from riskshift.analysis.plain import Keyed, Limits, Plain
from riskshift.analysis.rates import Rate, Settings, estimate_metric
from riskshift.analysis.severities import Severities
from riskshift.counts.clusters import BoolArray, IntArray
from riskshift.counts.pairs import Counts, Layout, Table
from riskshift.counts.ratings import Ratings
from riskshift.errors import UsageError, unknown_choice
from riskshift.refusal import PARTIAL
from riskshift.taxonomy import Taxonomy
from riskshift.written import MISSING

RULES: Final = ("median", "majority", "max", "adjudicated")
# Beyond these, leaving out one rater after the other tells nothing that a reader would take in.
MOST_RATERS: Final = 20
_OVERALL: Final = (
    "escalation",
    "reduction",
    "prompt_prevalence",
    "response_harm",
    "severe_response",
    "refusal",
    "harmful_refusal",
    "over_refusal",
    "partial_refusal",
)
_CATEGORY: Final = ("persistence", "drift_rate", "response_prevalence")


@dataclass(frozen=True, slots=True, eq=False)
class Resolved:
    """One label an item.

    Parameters
    ----------
    level : ndarray of int
        The severity, or the level of a refusal; -1 where no rater gave one.
    tied : ndarray of bool
        Where raters were evenly split and the rule took the higher level.
    fell_back : ndarray of bool
        Where the adjudicator said nothing and the median decided.
    """

    level: IntArray
    tied: BoolArray
    fell_back: BoolArray


def check_rule(rule: str, adjudicator: str | None) -> None:
    """Refuse a rule that does not exist or lacks its adjudicator."""
    if rule not in RULES:
        raise unknown_choice("rule", rule, RULES)
    if rule == "adjudicated" and adjudicator is None:
        raise UsageError("the rule 'adjudicated' needs to know who decides: --adjudicator NAME.")


def resolve(levels: IntArray, rule: str, adjudicated: IntArray | None = None) -> Resolved:
    """Give each item one label.

    Parameters
    ----------
    levels : ndarray of int, shape (..., K)
        How many raters chose each level.
    rule : {"median", "majority", "max", "adjudicated"}
        The middle rating (of an even number the higher of the middle two), the level that most
        raters chose (of several the highest), the highest level that anyone chose, or the
        adjudicator's and the median where there is none.
    adjudicated : ndarray of int, shape (...), optional
        What the adjudicator said; -1 where nothing.

    Returns
    -------
    Resolved
        Arrays of shape (...).

    Examples
    --------
    >>> resolve(np.array([[2, 0, 2], [1, 1, 1], [0, 0, 0]]), "median").level
    array([ 2,  1, -1])
    >>> resolve(np.array([[2, 0, 2], [1, 1, 1], [3, 1, 0]]), "majority").level
    array([2, 2, 0])
    """
    total = levels.sum(axis=-1)
    top = levels.shape[-1] - 1
    below = np.cumsum(levels, axis=-1)
    nobody = np.zeros(total.shape, dtype=np.bool_)
    if rule == "majority":
        most = levels == levels.max(axis=-1, keepdims=True)
        level, tied = top - most[..., ::-1].argmax(axis=-1), most.sum(axis=-1) > 1
    elif rule == "max":
        level, tied = top - (levels[..., ::-1] > 0).argmax(axis=-1), nobody
    else:
        level = (2 * below > total[..., None]).argmax(axis=-1)
        tied = (2 * below >= total[..., None]).argmax(axis=-1) < level
    level, tied = np.where(total > 0, level, MISSING), tied & (total > 0)
    if rule != "adjudicated":
        return Resolved(level.astype(np.int64), tied, nobody)
    decided = np.full(total.shape, MISSING) if adjudicated is None else adjudicated
    silent = decided == MISSING
    settled = np.where(silent, level, decided).astype(np.int64)
    return Resolved(settled, tied & silent, silent & (level != MISSING))


def resolved_counts(ratings: Ratings, labels: IntArray) -> Counts:
    """Count the pairs by one label a kind of item; `labels` has shape (kinds, labels)."""
    partial = ratings.refusal and bool((ratings.values[:, -1] == PARTIAL).any())
    layout = Layout(
        ratings.taxonomy, relevance=False, benign=False, refusal=ratings.refusal, partial=partial
    )
    return layout.counts(Table(labels, ratings.items.weight, ratings.prompts))


@dataclass(frozen=True, slots=True)
class Resolution(Plain):
    """One label an item by a declared rule, and how the rates move under others.

    Parameters
    ----------
    rule : str
        The rule.
    adjudicator : str or None
        Who decides before it; their labels are in no measure of agreement.
    ties : dict of str to dict of str to int
        By rule and label: items on which raters were evenly split and the higher level was taken.
    fallbacks : dict of str to int
        By label: items on which the adjudicator said nothing and the median decided.
    contradictions : int
        Prompts whose own resolved labels differ between their items.
    rates : dict of str to dict of str to Rate
        By rule: the rates of pairs resolved by it.
    without : dict of str to dict of str to Rate
        By rater: the rates by the declared rule if that rater had not rated.
    """

    rule: Annotated[str, Limits(enum=["median", "majority", "max", "adjudicated"])]
    adjudicator: str | None
    ties: Annotated[dict[str, dict[str, int]], Keyed("median majority max", "adjudicated")]
    fallbacks: dict[str, int]
    contradictions: int
    rates: Annotated[dict[str, dict[str, Rate]], Keyed("median majority max", "adjudicated")]
    without: dict[str, dict[str, Rate]]

    shape: ClassVar[str] = (
        "rule adjudicator ties fallbacks prompts_with_unequal_labels=contradictions rates without"
    )

    @property
    def chosen(self) -> dict[str, Rate]:
        """The rates by the declared rule."""
        return self.rates[self.rule]

    def furthest(self, metric: str) -> tuple[str, float] | None:
        """Return the rater without whom a rate moves furthest, and by how much; None if undefined."""
        base = self.chosen[metric].estimate
        moved = {
            rater: rates[metric].estimate - base  # type: ignore[operator]
            for rater, rates in self.without.items()
            if base is not None and rates[metric].estimate is not None
        }
        if not moved:
            return None
        rater = max(moved, key=lambda who: abs(moved[who]))
        return rater, moved[rater]


def resolution(
    ratings: Ratings, settings: Settings, *, rule: str, adjudicator: str | None = None
) -> Resolution:
    """Resolve the ratings by every rule, and by the declared one without each rater.

    Parameters
    ----------
    ratings : Ratings
        The ratings, with the adjudicator's.
    settings : Settings
        How to estimate.
    rule : {"median", "majority", "max", "adjudicated"}
        The declared rule.
    adjudicator : str, optional
        Who decides; must be among the raters.

    Returns
    -------
    Resolution
    """
    decides = None if adjudicator is None else ratings.raters.index(adjudicator)
    adjudicated = None if decides is None else ratings.by(decides)
    others = ratings if decides is None else ratings.without(decides)
    rules = RULES if adjudicator else RULES[:-1]
    by_rule = {name: resolve(others.levels, name, adjudicated) for name in rules}
    choices = _choices(ratings.taxonomy, resolved_counts(ratings, by_rule[rule].level).told)
    rates = {
        name: _rates(ratings, resolved.level, choices, settings)
        for name, resolved in by_rule.items()
    }
    rated = (ratings.values != MISSING).any(axis=0)
    c = len(ratings.taxonomy.categories)
    there = {"p": rated[:c].any(), "r": rated[c : 2 * c].any(), "refusal": ratings.refusal}
    kept = [
        choice
        for choice in choices
        if all(there[name.removesuffix("_c")] for name in choice.metric.needs)
        and (rates[rule][choice.label].trials or not rates[rule][choice.label].missing)
    ]
    names = [str(label) for label, known in zip(ratings.labels, rated, strict=True) if known]
    weight = ratings.items.weight

    def tally(where: BoolArray) -> dict[str, int]:
        return dict(zip(names, (weight @ where[:, rated]).tolist(), strict=True))

    return Resolution(
        rule,
        adjudicator,
        {name: tally(resolved.tied) for name, resolved in by_rule.items()},
        tally(by_rule[rule].fell_back),
        _contradictions(ratings, by_rule[rule].level),
        {name: {c.label: of[c.label] for c in kept} for name, of in rates.items()},
        {
            rater: _rates(ratings, level, kept, settings)
            for rater, level in _left_out(others, rule, adjudicated).items()
        },
    )


def _left_out(ratings: Ratings, rule: str, adjudicated: IntArray | None) -> dict[str, IntArray]:
    """Resolve without each rater; of many, without those who rated most."""
    rated = {rater: items for rater, items in ratings.rated_by().items() if items}
    most = sorted(rated, key=lambda rater: (-rated[rater], rater))[:MOST_RATERS]
    made = {}
    for rater in sorted(most):
        others = ratings.without(ratings.raters.index(rater))
        made[rater] = resolve(others.levels, rule, adjudicated).level
    return made


def _choices(taxonomy: Taxonomy, told: Set[str]) -> list[Choice]:
    names = {metric.name for metric in overall_metrics(taxonomy, told)}
    found = [choice for name in _OVERALL if name in names for choice in choose(name, taxonomy)]
    # With one category, harm in it and harm over all categories are the same.
    several = len(taxonomy.categories) > 1
    for name in _CATEGORY if several else _CATEGORY[:-1]:
        found += choose(name, taxonomy)
    return found


def _rates(
    ratings: Ratings, level: IntArray, choices: list[Choice], settings: Settings
) -> dict[str, Rate]:
    severities = Severities(resolved_counts(ratings, level))
    return {
        choice.label: estimate_metric(choice.metric, severities, settings, category=choice.position)
        for choice in choices
    }


def _contradictions(ratings: Ratings, level: IntArray) -> int:
    if ratings.prompts is None:
        return 0
    starts = ratings.prompts.indptr[:-1]
    prompt = level[ratings.prompts.indices, : len(ratings.taxonomy.categories)]
    known = np.where(prompt == MISSING, ratings.taxonomy.top + 1, prompt)
    differ = np.maximum.reduceat(prompt, starts) > np.minimum.reduceat(known, starts)
    return int(ratings.prompts.weight[differ.any(axis=1)].sum())
