"""How severe the responses of two models are on the same prompts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from riskshift.analysis.comparison.matching import Matching
from riskshift.analysis.plain import Plain
from riskshift.analysis.rates import Settings
from riskshift.counts.clusters import distinct_rows
from riskshift.stats.clusters.cluster import mean_interval
from riskshift.stats.crosstabs.homogeneity import bowker, stuart_maxwell
from riskshift.stats.crosstabs.tables import ChiSquare
from riskshift.stats.proportion import Interval


@dataclass(frozen=True, slots=True)
class OrdinalDifference(Plain):
    """Response severity of two models on the prompts that both answered.

    Parameters
    ----------
    baseline, candidate : str
        The models.
    table : tuple of tuple of int
        Prompts by the severity of the baseline's response (row) and of the candidate's (column);
        empty where models answered more than once.
    stuart_maxwell : ChiSquare or None
        Marginal homogeneity; None where undefined or models answered more than once.
    bowker : ChiSquare or None
        Symmetry; None where undefined or models answered more than once.
    mean : float or None
        Mean of candidate minus baseline severity, prompt by prompt; where both answered a prompt
        equally often, the difference of their mean shifts.
    interval : Interval or None
        Of the mean; None where no spread was seen.
    """

    baseline: str
    candidate: str
    table: tuple[tuple[int, ...], ...]
    stuart_maxwell: ChiSquare | None
    bowker: ChiSquare | None
    mean: float | None
    interval: Interval | None

    shape: ClassVar[str] = (
        "baseline candidate table stuart_maxwell bowker "
        "mean_shift_difference(estimate=mean interval)"
    )


def ordinal_differences(
    matching: Matching, pairs: Sequence[tuple[int, int]], settings: Settings
) -> list[OrdinalDifference]:
    """Compare the severity of responses, pair by pair of models."""
    return [_ordinal(matching, baseline, candidate, settings) for baseline, candidate in pairs]


def _ordinal(
    matching: Matching, baseline: int, candidate: int, settings: Settings
) -> OrdinalDifference:
    severity, known = matching.response_severity
    both = (known[:, baseline] > 0) & (known[:, candidate] > 0)
    columns = np.stack(
        [severity[:, baseline], known[:, baseline], severity[:, candidate], known[:, candidate]],
        axis=1,
    )
    cells, weight = distinct_rows(columns[both], matching.weight[both])
    names = matching.names[baseline], matching.names[candidate]
    if not len(weight):
        return OrdinalDifference(*names, (), None, None, None, None)
    s_b, n_b, s_c, n_c = cells.T
    size = np.minimum(n_b, n_c)  # as in PairCells.pairs
    top = matching.taxonomy.top
    mean, interval = mean_interval(
        (s_c / n_c - s_b / n_b) * size,
        size,
        weight,
        confidence=settings.confidence,
        bounds=(-top, top),
    )
    if (np.maximum(n_b, n_c) > 1).any():
        return OrdinalDifference(*names, (), None, None, mean, interval)
    table = np.zeros((top + 1, top + 1), dtype=np.int64)
    np.add.at(table, (s_b, s_c), weight)
    rows = tuple(tuple(int(n) for n in row) for row in table)
    return OrdinalDifference(*names, rows, stuart_maxwell(table), bowker(table), mean, interval)
