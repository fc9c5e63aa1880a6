"""From a rate to the chance of at least one event in many uses, and back."""

from math import expm1, inf, log1p, nextafter

from riskshift.stats.ranges import check_at_least_one, check_share


def chance_of_any(rate: float, uses: int) -> float:
    """Chance of at least one event in independent uses that all have the same rate.

    It rises with the rate, so the ends of an interval for the rate are those of one for the chance.

    Parameters
    ----------
    rate : float
        Chance of the event at each use, between 0 and 1.
    uses : int
        How many, at least 1.

    Returns
    -------
    float
        ``1 - (1 - rate) ** uses``, exact also where the rate is tiny; 1 only where the rate is.

    Raises
    ------
    UsageError
        If an argument lies outside its range.

    References
    ----------
    .. [1] J. A. Hanley, A. Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA
       249 (1983), p. 1743-1745, for what no event in n uses says of further ones.

    Examples
    --------
    >>> round(chance_of_any(0.0001, 10_000), 4)
    0.6321
    """
    check_share("rate", rate)
    check_at_least_one("uses", uses)
    if rate == 1:
        return 1.0
    # Rounding must not turn what is all but certain into what is certain.
    return min(-expm1(uses * log1p(-rate)), nextafter(1.0, 0.0))


def rate_for_chance(chance: float, uses: int) -> float:
    """Rate at which at least one event in so many uses has this chance.

    Parameters
    ----------
    chance : float
        Chance of at least one event, between 0 and 1.
    uses : int
        How many, at least 1.

    Returns
    -------
    float
        ``1 - (1 - chance) ** (1 / uses)``.

    Raises
    ------
    UsageError
        If an argument lies outside its range.

    Examples
    --------
    At most one chance in two over 10,000 uses asks for a rate below 0.007 %:

    >>> round(rate_for_chance(0.5, 10_000), 8)
    6.931e-05
    """
    check_share("chance", chance)
    check_at_least_one("uses", uses)
    return -expm1((log1p(-chance) if chance < 1 else -inf) / uses)
