"""Refuse arguments that lie outside their range, or are none of the choices."""

from collections.abc import Sequence
from math import isfinite

from riskshift.errors import UsageError, unknown_choice


def check_share(name: str, value: float) -> None:
    """Refuse what does not lie between 0 and 1."""
    if not 0 <= value <= 1:
        raise UsageError(f"{name} is {value}; it must lie between 0 and 1.")


def check_inside(name: str, value: float) -> None:
    """Refuse what does not lie between 0 and 1, or is one of them."""
    if not 0 < value < 1:
        raise UsageError(f"{name} is {value}; it must lie between 0 and 1, neither included.")


def check_positive(name: str, value: float) -> None:
    """Refuse what is not above 0 and finite."""
    if not (value > 0 and isfinite(value)):
        raise UsageError(f"{name} is {value}; it must be positive and finite.")


def check_at_least_one(name: str, value: int) -> None:
    """Refuse a number of things that is below 1."""
    if value < 1:
        raise UsageError(f"{name} is {value}; it must be at least 1.")


def check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Refuse an option that is none of the choices."""
    if value not in choices:
        raise unknown_choice(name, value, choices)
