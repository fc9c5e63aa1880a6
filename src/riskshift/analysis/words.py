"""Numbers and lists as they stand in sentences and tables."""

import re
from collections.abc import Sequence

from riskshift.analysis.rates import Rate, unrounded
from riskshift.stats.proportion import Interval
from riskshift.stats.resample import Bootstrap


def percent(share: float | None, *, digits: int = 1) -> str:
    """Write a share as a percentage that never rounds something to nothing.

    Examples
    --------
    >>> percent(0.032), percent(0.00004), percent(1.0), percent(0.99996), percent(None)
    ('3.2%', '<0.1%', '100%', '>99.9%', 'undefined')
    """
    if share is None:
        return "undefined"
    if share in (0.0, 1.0):
        return f"{share:.0%}"
    edge = 10.0 ** -(digits + 2)
    if 0 < share < edge:
        return f"<{edge:.{digits}%}"
    if 1 - edge < share < 1:
        return f">{1 - edge:.{digits}%}"
    return f"{share:.{digits}%}"


def exact(share: float) -> str:
    """Write a share as it was given; one with many digits rounded.

    Examples
    --------
    >>> exact(0.03), exact(0.00025), exact(0.126111)
    ('3%', '0.025%', '12.61%')
    """
    text = unrounded(share)
    return text if len(text) <= 7 else percent(share, digits=2)


def percent_range(low: float, high: float) -> str:
    """Write two ends of a share.

    Examples
    --------
    >>> percent_range(0.024, 0.043)
    '2.4% to 4.3%'
    """
    return f"{percent(low)} to {percent(high)}"


def spread(rate: Rate) -> str:
    """Write a rate's interval: ``2.4% to 4.3%``."""
    held = rate.interval
    return "undefined" if held is None else percent_range(held.low, held.high)


def enumerate_words(words: Sequence[str], *, last: str = "and") -> str:
    """Join words as a sentence does: ``a, b and c``."""
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def p_value(value: float | None) -> str:
    """Write a p-value; a small one as a bound.

    Examples
    --------
    >>> p_value(0.0004), p_value(0.0312), p_value(None)
    ('<0.001', '0.031', 'undefined')
    """
    if value is None:
        return "undefined"
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def coefficient(value: float | None) -> str:
    """Write a coefficient of agreement or association.

    Examples
    --------
    >>> coefficient(0.7948), coefficient(None)
    ('0.795', 'undefined')
    """
    return "undefined" if value is None else f"{value:.3f}"


def points(difference: float | None) -> str:
    """Write a difference of rates in percentage points, with its sign.

    Examples
    --------
    >>> points(0.0123), points(None)
    ('+1.2', 'undefined')
    """
    return "undefined" if difference is None else f"{100 * difference:+.1f}"


def points_range(held: Interval | Bootstrap | None) -> str:
    """Write the interval of a difference in percentage points.

    Examples
    --------
    >>> points_range(Interval(0.025, 0.038, "tango", 0.95)), points_range(None)
    ('+2.5 to +3.8', 'undefined')
    """
    if held is None:
        return "undefined"
    return f"{points(held.low)} to {points(held.high)}"


def points_with_range(difference: float | None, held: Interval | None) -> str:
    """Write a difference of rates in percentage points, with its interval.

    Examples
    --------
    >>> points_with_range(0.031, Interval(0.025, 0.038, "tango", 0.95))
    '+3.1 points (+2.5 to +3.8)'
    """
    if difference is None or held is None:
        return "undefined"
    return f"{points(difference)} points ({points_range(held)})"


def percentage_points(share: float) -> str:
    """Write a width or a difference as it was asked for.

    Examples
    --------
    >>> percentage_points(0.02), percentage_points(0.01)
    ('2 percentage points', '1 percentage point')
    """
    number = exact(share).removesuffix("%")
    return f"{number} percentage point{'' if number == '1' else 's'}"


def counted(n: int, noun: str) -> str:
    """Write a count with its noun.

    Examples
    --------
    >>> counted(1, "pair"), counted(1250, "pair")
    ('1 pair', '1,250 pairs')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def spoken(metric: str) -> str:
    """Write the name of a metric as words.

    Examples
    --------
    >>> spoken("over_refusal"), spoken("harmful_prompt_compliance")
    ('over-refusal', 'harmful prompt compliance')
    """
    return metric.replace("over_", "over-").replace("_", " ")


def printable(text: str) -> str:
    r"""Make a name from the data safe to print, also in the log of a build server.

    Examples
    --------
    >>> printable("a\x1b[31m ::error::b ##[c")
    'a⟨U+001B⟩[31m : :error: :b # #[c'
    """
    shown = "".join(c if c.isprintable() else f"⟨U+{ord(c):04X}⟩" for c in text)
    # Build servers take these for commands, wherever a line is broken.
    return re.sub(r"([:#])(?=\1)", r"\1 ", shown)
