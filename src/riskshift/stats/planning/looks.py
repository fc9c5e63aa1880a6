"""Looking at a gate again after its data have grown, without erring more often."""

from riskshift.stats.multiple import bonferroni
from riskshift.stats.ranges import check_at_least_one


def look_confidence(looks: int, *, confidence: float = 0.95) -> float:
    """Confidence of the intervals at each of several looks at data that grow.

    The error that the whole series may make, ``1 - confidence``, is split equally over the looks
    planned. It then holds together whatever the interval (one rate, a difference, clustered,
    corrected), however the looks depend on each other, and whatever part of the data each adds.
    Looks that are planned and not used cost nothing more, and buy nothing back.

    Spending functions know how strongly successive looks depend on each other and so give later
    looks more, but they suppose that the size of the next look does not depend on what was seen. A
    gate that asks for as many prompts as would settle it breaks that, and they then err on 4 % of
    releases each way instead of 2.5 %; the equal split stays near its promise. A confidence sequence
    is right at any size, errs on 1 %, and takes about a quarter more prompts. The lab has all three:
    ``python -m benchmarks.coverage looks``.

    Parameters
    ----------
    looks : int
        How many looks were planned, before the first.
    confidence : float, default 0.95
        Two-sided, of all looks together: each side errs at most half the rest.

    Returns
    -------
    float
        ``1 - (1 - confidence) / looks``.

    Raises
    ------
    UsageError
        If no look is planned, or the level is not between 0 and 1.

    References
    ----------
    .. [1] C. Jennison, B. W. Turnbull, "Group Sequential Methods with Applications to Clinical
       Trials" (2000), chapter 2 for tests at several looks, chapter 7 for spending functions.
    .. [2] M. A. Proschan, S. A. Hunsberger, "Designed extension of studies based on conditional
       power", Biometrics 51 (1995), p. 1315-1324, for sizes that depend on what was seen.
    .. [3] S. R. Howard, A. Ramdas, J. McAuliffe, J. Sekhon, "Time-uniform, nonparametric,
       nonasymptotic confidence sequences", Annals of Statistics 49 (2021), p. 1055-1080.

    Examples
    --------
    >>> round(look_confidence(4), 4)
    0.9875
    """
    check_at_least_one("looks", looks)
    return bonferroni(confidence, looks)
