"""Several tests or intervals at once."""

from collections.abc import Sequence

from riskshift.errors import UsageError


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down adjustment of p-values.

    Parameters
    ----------
    p_values : sequence of float or None
        Raw p-values of one family. None (an undefined test) is passed on and does not count.

    Returns
    -------
    list of float or None
        Adjusted p-values in the order given, at most 1 and never below the raw ones.

    References
    ----------
    .. [1] S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian
       Journal of Statistics 6 (1979), p. 65-70.

    Examples
    --------
    >>> holm([0.01, None, 0.04, 0.03])
    [0.03, None, 0.06, 0.06]
    """
    adjusted: list[float | None] = [None] * len(p_values)
    known = sorted((p, at) for at, p in enumerate(p_values) if p is not None)
    floor = 0.0
    for rank, (p, at) in enumerate(known):
        floor = max(floor, min(1.0, (len(known) - rank) * p))
        adjusted[at] = floor
    return adjusted


def bonferroni(confidence: float, comparisons: int) -> float:
    """Confidence of each of several intervals so that all hold together with `confidence`.

    Parameters
    ----------
    confidence : float
        Simultaneous confidence, between 0 and 1.
    comparisons : int
        Number of intervals in the family, at least 1.

    Returns
    -------
    float
        ``1 - (1 - confidence) / comparisons``.

    Raises
    ------
    UsageError
        If the level is not between 0 and 1 or there are no comparisons.

    Examples
    --------
    >>> round(bonferroni(0.95, 6), 6)
    0.991667
    """
    if not 0 < confidence < 1:
        raise UsageError(f"confidence is {confidence}; it must lie between 0 and 1, such as 0.95.")
    if comparisons < 1:
        raise UsageError(f"comparisons is {comparisons}; a family has at least one.")
    return 1 - (1 - confidence) / comparisons


def bonferroni_p(p: float | None, comparisons: int) -> float | None:
    """P-value of one of several comparisons, at the level of the whole family.

    It is at most 1 - confidence where the interval at `bonferroni` leaves out the hypothesis.
    What is said of a pair of models does not depend on the other pairs, as it would by Holm's
    method: so naming another baseline turns the words round and does nothing else.

    Parameters
    ----------
    p : float or None
        Raw p-value; None (an undefined test) is passed on.
    comparisons : int
        Number of comparisons in the family, at least 1.

    Returns
    -------
    float or None
        ``min(1, comparisons * p)``.

    Examples
    --------
    >>> bonferroni_p(0.01, 3), bonferroni_p(0.6, 3), bonferroni_p(None, 3)
    (0.03, 1.0, None)
    """
    return None if p is None else min(1.0, comparisons * p)
