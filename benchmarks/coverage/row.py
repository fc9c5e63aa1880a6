"""One row of the lab: a statement, a setting, and how often the statement held."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final, TypeVar

NAIVE: Final = "naive"
EVERY: Final = 4

Setting = TypeVar("Setting")


def some(settings: Sequence[Setting], small: bool) -> Sequence[Setting]:
    """Return all settings, or every fourth, from the second on or else from the first."""
    return (settings[1::EVERY] or settings[:1]) if small else settings


@dataclass(frozen=True)
class Row:
    """What was measured.

    Parameters
    ----------
    kind : str
        The statement, such as ``"one rate, independent"``.
    setting : str
        In words: sizes, rates, clusters.
    method : str
        ``"riskshift"``, or the naive choice beside it, whose name begins with ``"naive"``.
    measure : {"coverage", "error", "power", "bias"}
        Whether `value` is a share of intervals that hold the truth, of statements that are false,
        or of differences found; or how far estimates are off the truth on average.
    value : float
        The share, or the bias.
    draws : int
        Repetitions.
    least, most : float
        What is promised of `value`; 0 and 1 where nothing is.
    width : float or None
        Mean width of the intervals.
    certain : bool, default False
        Whether the promise holds in every single draw, so that no luck is granted.
    """

    kind: str
    setting: str
    method: str
    measure: str
    value: float
    draws: int
    least: float = 0.0
    most: float = 1.0
    width: float | None = None
    certain: bool = False

    @property
    def luck(self) -> float:
        """Two standard errors of `value`; none where the promise is certain."""
        if self.certain:
            return 0.0
        return 2 * sqrt(max(self.value * (1 - self.value), 1 / self.draws) / self.draws)

    @property
    def promised(self) -> bool:
        """Whether anything is promised."""
        return self.least > 0 or self.most < 1

    @property
    def holds(self) -> bool:
        """Whether the promise is kept, as far as so many draws can tell."""
        return self.least - self.luck <= self.value <= self.most + self.luck
