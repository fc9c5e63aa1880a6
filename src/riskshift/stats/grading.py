"""A grader held against people: error counts, error rates, agreement."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from riskshift.errors import UsageError
from riskshift.stats.clusters.table_interval import TableInterval, table_interval
from riskshift.stats.raters.kappa import disagreement, kappa_gradient, kappas, weighted_kappa
from riskshift.stats.raters.rating_counts import defined_or_none

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ReportCard:
    """How a grader's levels compare with people's on the same records.

    The four cells of the 2 x 2 table are also the matched pairs (both, grader only, people only,
    neither) from which a paired interval for `prevalence_bias` is made.

    Parameters
    ----------
    true_positive : int
        Records that both call harmful.
    false_positive : int
        Records that only the grader calls harmful.
    false_negative : int
        Records that only people call harmful.
    true_negative : int
        Records that neither calls harmful.
    under : int
        Among the true positives, those whose level by the grader is below people's. A harm that the
        grader calls safe is a false negative and not counted here again.
    over : int
        Among the true positives, those whose level by the grader is above people's.
    macro_f1 : float or None
        Mean over levels of ``2 TP / (2 TP + FP + FN)``; a level that neither people nor the
        grader used is left out. None without records.
    weighted_kappa : float or None
        Cohen's kappa with quadratic weights; None where both used one and the same level.
    """

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int
    under: int
    over: int
    macro_f1: float | None
    weighted_kappa: float | None

    @property
    def records(self) -> int:
        """Records that both people and the grader labelled."""
        return self.people_harmful + self.false_positive + self.true_negative

    @property
    def people_harmful(self) -> int:
        """Records that people call harmful."""
        return self.true_positive + self.false_negative

    @property
    def grader_harmful(self) -> int:
        """Records that the grader calls harmful."""
        return self.true_positive + self.false_positive

    @property
    def sensitivity(self) -> tuple[int, int]:
        """Harmful records (by people) that the grader finds: events, trials."""
        return self.true_positive, self.people_harmful

    @property
    def specificity(self) -> tuple[int, int]:
        """Safe records (by people) that the grader leaves alone: events, trials."""
        return self.true_negative, self.true_negative + self.false_positive

    @property
    def precision(self) -> tuple[int, int]:
        """Records the grader calls harmful that are so by people: events, trials."""
        return self.true_positive, self.grader_harmful

    @property
    def prevalence_bias(self) -> float | None:
        """Share harmful by the grader minus share harmful by people; None without records."""
        if not self.records:
            return None
        return (self.false_positive - self.false_negative) / self.records


def report_card(table: npt.ArrayLike, *, harmful_from: int = 1) -> ReportCard:
    """Compare a grader's levels with people's.

    Parameters
    ----------
    table : array_like of int, shape (K, K)
        Counts by people's level (rows) and the grader's level (columns), levels rising from 0.
    harmful_from : int, default 1
        Lowest level that counts as harmful, between 1 and K - 1.

    Returns
    -------
    ReportCard
        Shares come as (events, trials), so that the caller can put intervals on them, with the
        clusters if there are any.

    Raises
    ------
    UsageError
        If `table` is not a square table of whole counts or `harmful_from` is not on its scale.

    References
    ----------
    .. [1] M. Sokolova, G. Lapalme, "A systematic analysis of performance measures for
       classification tasks", Information Processing and Management 45 (2009), p. 427-437.

    Examples
    --------
    >>> card = report_card([[90, 4, 1], [2, 6, 3], [1, 1, 5]])
    >>> card.sensitivity, card.specificity, card.under, card.over
    ((15, 18), (90, 95), 1, 3)
    >>> round(card.prevalence_bias, 4)
    0.0177
    """
    counts = _counts(table)
    levels = len(counts)
    if not 1 <= harmful_from < levels:
        raise UsageError(
            f"harmful_from is {harmful_from}; with {levels} levels it must lie between 1 and "
            f"{levels - 1}."
        )
    safe, harmful = slice(None, harmful_from), slice(harmful_from, None)
    both = counts[harmful, harmful]
    return ReportCard(
        true_positive=int(both.sum()),
        false_positive=int(counts[safe, harmful].sum()),
        false_negative=int(counts[harmful, safe].sum()),
        true_negative=int(counts[safe, safe].sum()),
        under=int(np.tril(both, -1).sum()),
        over=int(np.triu(both, 1).sum()),
        macro_f1=_macro_f1(counts),
        weighted_kappa=weighted_kappa(counts),
    )


def agreement_of(table: npt.ArrayLike) -> tuple[float | None, float | None]:
    """Macro-F1 and quadratic-weighted kappa of a table whose records may count unequally.

    Parameters
    ----------
    table : array_like of float, shape (K, K)
        Weights by people's level (rows) and the grader's level (columns).

    Returns
    -------
    tuple of (float or None, float or None)
        As `macro_f1` and `weighted_kappa` of a `ReportCard`.

    Examples
    --------
    >>> agreement_of([[90.5, 4], [2.5, 6]]) == agreement_of([[181, 8], [5, 12]])
    True
    """
    weights = np.asarray(table, np.float64)
    return _macro_f1(weights), defined_or_none(_kappas(weights[None])[0])


def card_intervals(
    cells: npt.ArrayLike, weight: npt.ArrayLike, *, confidence: float = 0.95
) -> tuple[TableInterval, TableInterval]:
    """Intervals for macro-F1 and quadratic-weighted kappa over whole clusters.

    Parameters
    ----------
    cells : array_like of float, shape (m, K, K)
        For each kind of cluster, its records by people's level (rows) and the grader's (columns).
        Where records count unequally, let their weights have the mean 1.
    weight : array_like of int, shape (m,)
        Number of clusters of each kind.
    confidence : float, default 0.95
        Two-sided coverage.

    Returns
    -------
    tuple of (TableInterval, TableInterval)
        For macro-F1, over the levels that either used, and for kappa.

    Raises
    ------
    UsageError
        If an option is out of range.

    References
    ----------
    .. [1] K. Takahashi, K. Yamamoto, A. Kuchiba, T. Koyama, "Confidence interval for micro-averaged
       F1 and macro-averaged F1 scores", Applied Intelligence 52 (2022), p. 4961-4972, for the
       linearised variance of macro-F1.

    Examples
    --------
    >>> cells = [[[1, 0], [0, 0]], [[0, 1], [0, 0]], [[0, 0], [1, 0]], [[0, 0], [0, 1]]]
    >>> f1, kappa = card_intervals(cells, [80, 6, 4, 10])
    >>> f1.interval.low < report_card([[80, 6], [4, 10]]).macro_f1 < f1.interval.high
    True
    """
    tables, many = np.asarray(cells, np.float64), np.asarray(weight, np.float64)
    total = np.tensordot(many, tables, 1)
    used = (total.sum(axis=0) + total.sum(axis=1)).nonzero()[0]
    # Macro-F1 says nothing of a level that nobody used, so neither does its interval.
    f1 = table_interval(
        *_single(total[np.ix_(used, used)]),
        _f1s,
        f1_gradient,
        clusters=(tables[:, used][:, :, used], many),
        lowest=0.0,
        confidence=confidence,
    )
    distance = disagreement(len(total), "quadratic")
    kappa = table_interval(
        *_single(total),
        _kappas,
        lambda table: kappa_gradient(table, distance),
        clusters=(tables, many),
        lowest=-1.0,
        confidence=confidence,
    )
    return f1, kappa


def f1_gradient(table: Floats) -> Floats:
    """Differentiate macro-F1 by the counts of its table, all of whose levels are used."""
    either = table.sum(axis=0) + table.sum(axis=1)
    hits = 2 * table.diagonal() / either**2
    gradient: Floats = (np.diag(2 / either) - hits[:, None] - hits[None, :]) / len(table)
    return gradient


def _single(total: Floats) -> tuple[Floats, Floats]:
    return np.eye(total.size).reshape(total.size, *total.shape), total.ravel()


def _f1s(tables: Floats) -> Floats:
    either = tables.sum(axis=1) + tables.sum(axis=2)
    used = either > 0
    hits = np.diagonal(tables, axis1=1, axis2=2)
    scores = np.where(used, 2 * hits / np.where(used, either, 1.0), 0.0)
    mean: Floats = scores.sum(axis=1) / used.sum(axis=1)
    return mean


def _kappas(tables: Floats) -> Floats:
    return kappas(tables, disagreement(tables.shape[1], "quadratic"))


def _macro_f1(counts: Ints | Floats) -> float | None:
    # 2 TP + FP + FN is the sum of both margins: 0 for a level that nobody used.
    either = counts.sum(axis=0) + counts.sum(axis=1)
    used = either > 0
    if not used.any():
        return None
    return float(np.mean(2 * counts.diagonal()[used] / either[used]))


def _counts(table: npt.ArrayLike) -> Ints:
    counts = np.asarray(table)
    square = counts.ndim == 2 and counts.shape[0] == counts.shape[1] >= 2
    if not square or (counts < 0).any() or (counts != np.floor(counts)).any():
        raise UsageError(
            "A report card needs a square table of whole counts, people's levels in rows and the "
            "grader's in columns."
        )
    return counts.astype(np.int64)
