"""Whether some of the pairs look like a random sample of all."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from riskshift.errors import UsageError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MixTest:
    """Chi-square test that two samples have the same mix.

    Parameters
    ----------
    statistic : float or None
        Pearson's chi-square; None where fewer than two cells are left.
    p : float or None
        Its p-value; None where fewer than two cells are left.
    df : int
        Degrees of freedom, one less than the cells compared.
    pooled : int
        Patterns that were too rare to stand alone and were put into one cell.
    """

    statistic: float | None
    p: float | None
    df: int
    pooled: int

    shape: ClassVar[str] = "statistic df p"


def sample_mix_test(
    labelled: npt.ArrayLike, unlabelled: npt.ArrayLike, *, deff: float = 1.0, expected: float = 5.0
) -> MixTest:
    """Test whether the pairs that people labelled look like a random sample of all.

    Parameters
    ----------
    labelled, unlabelled : array_like of int, shape (k,)
        Pairs with each of the grader's patterns, among those with and without people's label.
    deff : float, default 1
        Divides the statistic (first-order Rao-Scott) where whole clusters were chosen; pairs
        chosen one by one need none, whatever clusters they come from.
    expected : float, default 5
        Patterns that would have fewer labelled or unlabelled pairs than this are put together.

    Returns
    -------
    MixTest
        A small p says that the sample is not random with regard to what the grader saw; a large
        one cannot say that it is random with regard to the grader's errors.

    Raises
    ------
    UsageError
        If the counts do not match.

    References
    ----------
    .. [1] W. G. Cochran, "Some methods for strengthening the common chi-square tests",
       Biometrics 10 (1954), p. 417-451, on small expectations.
    .. [2] J. N. K. Rao, A. J. Scott, "The analysis of categorical data from complex sample
       surveys", JASA 76 (1981), p. 221-230.

    Examples
    --------
    >>> test = sample_mix_test([80, 15, 4, 1], [810, 142, 30, 8])
    >>> test.df, test.pooled, test.p > 0.5
    (1, 3, True)
    """
    samples = [np.asarray(part, np.float64) for part in (labelled, unlabelled)]
    if (
        samples[0].ndim != 1
        or samples[0].shape != samples[1].shape
        or np.min(samples, initial=0) < 0
    ):
        raise UsageError("Patterns need counts of at least 0, both samples in the same order.")
    table = np.array(samples)
    table, pooled = _pooled(table[:, table.sum(axis=0) > 0], expected)
    if table.shape[1] < 2 or not table.sum(axis=1).all():
        return MixTest(None, None, 0, pooled)
    wanted = _expected(table)
    statistic = float(((table - wanted) ** 2 / wanted).sum()) / deff
    df = table.shape[1] - 1
    return MixTest(statistic, float(chdtrc(df, statistic)), df, pooled)


def _pooled(table: Floats, expected: float) -> tuple[Floats, int]:
    """Put the rarest columns together until each has the counts that chi-square asks for."""
    order = np.argsort(table.sum(axis=0), kind="stable")
    table, rare = table[:, order], 0
    lowest = _expected(table).min(axis=0) if table.size and table.sum() else np.zeros(0)
    while rare < len(lowest) and (
        lowest[rare] < expected or (rare and lowest[:rare].sum() < expected)
    ):
        rare += 1
    if rare < 2:
        return table, 0
    return np.column_stack([table[:, :rare].sum(axis=1), table[:, rare:]]), rare


def _expected(table: Floats) -> Floats:
    return np.asarray(np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum())
