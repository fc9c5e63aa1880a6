"""Rates on a common mix of prompts, where models answered different ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from riskshift.analysis.comparison.matching import Matching
from riskshift.analysis.metrics import Choice
from riskshift.analysis.rates import Settings
from riskshift.analysis.severities import Severities
from riskshift.counts.clusters import IntArray, distinct_rows
from riskshift.counts.pairs import Counts
from riskshift.stats.proportion import normal_quantile
from riskshift.stats.resample import generator
from riskshift.taxonomy import MISSING, Taxonomy

MAX_CELLS: Final = 4096
Floats = NDArray[np.float64]
Mix = dict[tuple[int, ...], float]


@dataclass(frozen=True, slots=True)
class StandardizedRate:
    """A model's rate, had it answered the common mix of prompts.

    Parameters
    ----------
    metric, model : str
        What, and whose.
    raw : float or None
        On the prompts it did answer.
    estimate : float or None
        On the common mix; None where it answered no prompt of any stratum.
    low, high : float or None
        Percentile bootstrap of whole prompts; None where no spread was seen.
    method : str
        "percentile", or "linearised" where there are too many kinds of prompt to resample.
    empty : dict of str to float
        Strata without an answer, with their weight in the common mix; the others are scaled up.
    """

    metric: str
    model: str
    raw: float | None
    estimate: float | None
    low: float | None
    high: float | None
    method: str
    empty: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Return the rate as plain data."""
        return {
            "metric": self.metric,
            "model": self.model,
            "raw": self.raw,
            "estimate": self.estimate,
            "low": self.low,
            "high": self.high,
            "method": self.method,
            "empty": dict(self.empty),
        }


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
    total_x, total_n = weight @ x, weight @ n
    answered = total_n > 0
    name = matching.names[at]
    empty = {
        name_stratum(key, matching.taxonomy): share
        for key, share, there in zip(mix, shares, answered, strict=True)
        if not there
    }
    if not answered.any():
        return StandardizedRate(choice.label, name, None, None, None, None, "undefined", empty)
    estimate = _weighted(total_x, total_n, shares)
    low, high, method = _interval(x, n, weight, shares, settings, choice.label, name)
    raw = float(
        outcomes.weight @ outcomes.events[:, at] / (outcomes.weight @ outcomes.trials[:, at])
    )
    return StandardizedRate(choice.label, name, raw, float(estimate), low, high, method, empty)


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


def _weighted(x: Floats, n: Floats, shares: Floats) -> Floats:
    there = n > 0
    weight = np.where(there, shares, 0.0)
    rate = np.divide(x, n, out=np.zeros_like(x, dtype=float), where=there)
    result: Floats = (weight * rate).sum(axis=-1) / np.maximum(weight.sum(axis=-1), 1e-300)
    return result


def _interval(
    x: Floats,
    n: Floats,
    weight: IntArray,
    shares: Floats,
    settings: Settings,
    metric: str,
    model: str,
) -> tuple[float | None, float | None, str]:
    prompts = int(weight.sum())
    if prompts < 2:
        return None, None, "undefined"
    if len(weight) > MAX_CELLS:
        return _linearised(x, n, weight, shares, settings)
    rng = generator(settings.seed, "standardize", metric, model)
    drawn = []
    for start in range(0, settings.resamples, 1000):
        size = min(1000, settings.resamples - start)
        counts = rng.multinomial(prompts, weight / prompts, size=size)
        drawn.append(_weighted(counts @ x, counts @ n, shares))
    low, high = np.quantile(
        np.concatenate(drawn), [(1 - settings.confidence) / 2, (1 + settings.confidence) / 2]
    )
    return (float(low), float(high), "percentile") if high > low else (None, None, "undefined")


def _linearised(
    x: Floats, n: Floats, weight: IntArray, shares: Floats, settings: Settings
) -> tuple[float | None, float | None, str]:
    total_x, total_n = weight @ x, weight @ n
    there = total_n > 0
    scaled = np.where(there, shares, 0.0) / shares[there].sum()
    rate = np.divide(total_x, total_n, out=np.zeros_like(total_x), where=there)
    per_record = np.divide(scaled, total_n, out=np.zeros_like(scaled), where=there)
    influence = (x - rate * n) @ per_record
    prompts = weight.sum()
    spread = normal_quantile(settings.confidence) * float(
        np.sqrt(prompts / (prompts - 1) * (weight @ influence**2))
    )
    estimate = float(_weighted(total_x, total_n, shares))
    if spread == 0:
        return None, None, "undefined"
    return max(0.0, estimate - spread), min(1.0, estimate + spread), "linearised"


def name_stratum(key: tuple[int, ...], taxonomy: Taxonomy) -> str:
    """Write a stratum: ``hate + violence at High``, or the level alone for harmless prompts."""
    harmful = [name for name, flag in zip(taxonomy.categories, key, strict=False) if flag]
    level = taxonomy.levels[key[-1]]
    return f"{' + '.join(harmful)} at {level}" if harmful else f"harmless at {level}"
