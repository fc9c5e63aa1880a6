"""Rates on a common mix of prompts, where models answered different ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riskshift.analysis.comparison.matching import Matching
from riskshift.analysis.metrics import Choice
from riskshift.analysis.plain import Plain, Share
from riskshift.analysis.rates import INTERVALS, Settings
from riskshift.analysis.severities import Severities
from riskshift.counts.clusters import IntArray, distinct_rows
from riskshift.counts.pairs import Counts
from riskshift.stats.clusters.standardized import standardized_rate
from riskshift.taxonomy import Taxonomy
from riskshift.written import MISSING

Floats = NDArray[np.float64]
Mix = dict[tuple[int, ...], float]


@dataclass(frozen=True, slots=True)
class StandardizedRate(Plain):
    """A model's rate, had it answered the common mix of prompts.

    Parameters
    ----------
    metric : str
        What is estimated.
    model : str
        Whose rate.
    raw : float or None
        On the prompts it did answer.
    estimate : float or None
        On the common mix; None where it answered no prompt of any stratum.
    low, high : float or None
        MOVER over the intervals of the strata, or the score interval's end where that is farther
        out; None without an estimate.
    method : str
        "mover-" and the interval of a stratum, or "undefined".
    empty : dict of str to float
        Strata without an answer, with their weight in the common mix; the others are scaled up.
    worst_case : (float, float) or None
        The lowest and highest estimate that the missing labels of responses allow, on the prompts
        whose stratum is known; None if all is known.
    """

    metric: str
    model: str
    raw: float | None
    estimate: float | None
    low: float | None
    high: float | None
    method: str
    empty: dict[str, float]
    worst_case: tuple[Share, Share] | None = None


def strata(severities: Severities) -> IntArray:
    """Return the stratum of each pattern: which categories are harmful, and the highest severity.

    Returns
    -------
    ndarray of int, shape (patterns, categories + 1)
        1 where the prompt is harmful in a category, then the severity; -1 where labels are missing.
    """
    harmful = (severities.counts.prompt >= severities.harmful_from).astype(np.int64)
    highest = severities.prompt.of_complete
    rows = np.column_stack([harmful, highest])
    rows[highest == MISSING] = MISSING
    return rows


def mix_of(counts: Counts, choice: Choice) -> Mix:
    """Return the share of each stratum among the records of a metric's denominator."""
    severities = Severities(counts)
    inside, _ = choice.answers(severities).counted
    rows = strata(severities)
    kept = inside & (rows[:, -1] != MISSING)
    cells, n = distinct_rows(rows[kept], counts.n[kept])
    total = float(n.sum())
    return (
        {tuple(row): float(k) / total for row, k in zip(cells.tolist(), n, strict=True)}
        if total
        else {}
    )


def standardized_rates(
    matching: Matching, models: Sequence[int], choice: Choice, mix: Mix, settings: Settings
) -> list[StandardizedRate]:
    """Standardise one metric directly to a common mix of prompts.

    Parameters
    ----------
    matching : Matching
        Models and prompts.
    models : sequence of int
        Positions of the models.
    choice : Choice
        The metric.
    mix : dict
        Share of each stratum; see `mix_of`.
    settings : Settings
        How to estimate.

    Returns
    -------
    list of StandardizedRate

    References
    ----------
    .. [1] J. L. Fleiss, B. Levin, M. C. Paik, "Statistical Methods for Rates and Proportions",
       3rd ed. (2003), chapter 19: direct standardisation.
    .. [2] G. Y. Zou, W. Huang, X. Zhang, "A note on confidence interval estimation for a linear
       function of binomial proportions", Computational Statistics and Data Analysis 53 (2009),
       p. 1080-1085.
    """
    return [_standardized(matching, at, choice, mix, settings) for at in models]


def _standardized(
    matching: Matching, at: int, choice: Choice, mix: Mix, settings: Settings
) -> StandardizedRate:
    outcomes = matching.outcomes(choice)
    stratum = _stratum_of_kinds(matching, list(mix))
    used = (outcomes.trials[:, at] > 0) & (stratum >= 0)
    columns = np.column_stack([stratum, outcomes.events[:, at], outcomes.trials[:, at]])[used]
    cells, weight = distinct_rows(columns, outcomes.weight[used])
    shares = np.array(list(mix.values()))
    x, n = (_spread_out(cells, column, len(mix)) for column in (1, 2))
    answered = weight @ n > 0
    name = matching.names[at]
    empty = {
        name_stratum(key, matching.taxonomy): share
        for key, share, there in zip(mix, shares, answered, strict=True)
        if not there
    }
    made = standardized_rate(
        x, n, weight, shares, confidence=settings.confidence, method=INTERVALS[settings.interval]
    )
    if made is None:
        return StandardizedRate(choice.label, name, None, None, None, None, "undefined", empty)
    held = made.interval
    raw = float(
        outcomes.weight @ outcomes.events[:, at] / (outcomes.weight @ outcomes.trials[:, at])
    )
    worst = _worst(matching, at, choice, stratum, shares)
    return StandardizedRate(
        choice.label, name, raw, made.estimate, held.low, held.high, held.method, empty, worst
    )


def _worst(
    matching: Matching, at: int, choice: Choice, stratum: IntArray, shares: Floats
) -> tuple[float, float] | None:
    """Standardise with the missing labels at their lowest, and at their highest."""
    answers = choice.answers(matching.severities)
    if not matching.tally(answers.unknown)[stratum >= 0, at].any():
        return None
    ends = []
    for high in (False, True):
        made = matching.settled(choice, high=high)
        used = (made.trials[:, at] > 0) & (stratum >= 0)
        x, n = (
            np.bincount(stratum[used], made.weight[used] * column[used, at], len(shares))
            for column in (made.events, made.trials)
        )
        there = n > 0
        ends.append(float(shares[there] @ (x[there] / n[there]) / shares[there].sum()))
    return ends[0], ends[1]


def _stratum_of_kinds(matching: Matching, keys: Sequence[tuple[int, ...]]) -> IntArray:
    # All records of a prompt have one stratum; with labels per row, the highest counts.
    rows = strata(matching.severities)
    index = {key: at for at, key in enumerate(keys)}
    of_patterns = np.array([index.get(tuple(row), -1) for row in rows.tolist()], dtype=np.int64)
    return matching.highest(of_patterns)


def _spread_out(cells: IntArray, column: int, size: int) -> Floats:
    spread = np.zeros((len(cells), size))
    spread[np.arange(len(cells)), cells[:, 0]] = cells[:, column]
    return spread


def name_stratum(key: tuple[int, ...], taxonomy: Taxonomy) -> str:
    """Write a stratum: ``hate + violence at High``, or the level alone for harmless prompts."""
    harmful = [name for name, flag in zip(taxonomy.categories, key, strict=False) if flag]
    level = taxonomy.levels[key[-1]]
    return f"{' + '.join(harmful)} at {level}" if harmful else f"harmless at {level}"
