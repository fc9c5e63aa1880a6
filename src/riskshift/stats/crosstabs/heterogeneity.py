"""How far a rate lies apart between groups, beyond what chance within each of them explains."""

from math import sqrt

import numpy as np
import numpy.typing as npt

from riskshift.errors import UsageError
from riskshift.stats.crosstabs.tables import Floats


def logits(
    events: npt.ArrayLike, trials: npt.ArrayLike, deff: npt.ArrayLike = 1.0
) -> tuple[Floats, Floats]:
    """Return empirical logits of rates and their variances.

    Parameters
    ----------
    events, trials : array_like, shape (k,)
        Counts of each group; every group has a trial.
    deff : array_like, shape (k,), default 1
        Design effect of each: by how much its variance is larger than that of independent records.

    Returns
    -------
    values, variances : ndarray, shape (k,)
        Log odds with half a record added to each side, so that 0 and all events are defined;
        the variance in squared log odds.

    Raises
    ------
    UsageError
        If a group has no trial, or more events than trials.

    References
    ----------
    .. [1] D. R. Cox, E. J. Snell, "Analysis of Binary Data", 2nd edition (1989), section 2.1.6.

    Examples
    --------
    >>> values, variances = logits([5, 0], [10, 10])
    >>> values.round(3).tolist(), variances.round(3).tolist()
    ([0.0, -3.045], [0.364, 2.095])
    """
    x, n = np.asarray(events, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    if not ((x >= 0).all() and (x <= n).all() and (n > 0).all()):
        raise UsageError("a group has at least one trial, and no more events than trials.")
    yes, no = x + 0.5, n - x + 0.5
    return np.log(yes / no), np.asarray(deff) * (1 / yes + 1 / no)


def between_groups(values: npt.ArrayLike, variances: npt.ArrayLike) -> float | None:
    """Estimate the standard deviation between groups by DerSimonian and Laird's moments.

    A description and no test: from few groups it is uncertain, and often 0.

    Parameters
    ----------
    values, variances : array_like, shape (k,)
        An estimate of each group, and its variance within the group.

    Returns
    -------
    float or None
        In the units of `values`: the square root of ``max(0, (Q - (k - 1)) / (S1 - S2 / S1))``,
        where w are the inverse variances, S1 and S2 the sums of w and of its square, and Q the
        weighted squares around the weighted mean. None of fewer than two groups.

    Raises
    ------
    UsageError
        If the arrays do not match, or a variance is not above 0.

    References
    ----------
    .. [1] R. DerSimonian, N. Laird, "Meta-analysis in clinical trials", Controlled Clinical Trials
       7 (1986), p. 177-188: the noniterative estimator.

    Examples
    --------
    >>> between_groups([0.0, 1.0, 2.0], [0.1, 0.1, 0.1])
    0.9486832980505138
    >>> between_groups([1.0, 1.0], [0.1, 0.2])
    0.0
    """
    y, v = np.asarray(values, dtype=np.float64), np.asarray(variances, dtype=np.float64)
    if y.ndim != 1 or y.shape != v.shape or not (v > 0).all():
        raise UsageError("groups are values (k,) and variances (k,), each above 0.")
    if len(y) < 2:
        return None
    w = 1 / v
    spread = float(w @ (y - float(w @ y) / float(w.sum())) ** 2)
    moment = (spread - (len(y) - 1)) / float(w.sum() - (w @ w) / w.sum())
    return sqrt(max(0.0, moment))
