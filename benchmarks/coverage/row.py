"""One row of the lab: a statement, a setting, and how often the statement held."""

from dataclasses import dataclass
from math import sqrt
from typing import Final

NAIVE: Final = "naive"


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
    measure : {"coverage", "error", "power"}
        Whether `value` is a share of intervals that hold the truth, of statements that are false,
        or of differences found.
    value : float
        The share.
    draws : int
        Repetitions.
    least, most : float
        What is promised of `value`; 0 and 1 where nothing is.
    width : float or None
        Mean width of the intervals.
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

    @property
    def luck(self) -> float:
        """Two standard errors of `value`."""
        return 2 * sqrt(max(self.value * (1 - self.value), 1 / self.draws) / self.draws)

    @property
    def holds(self) -> bool:
        """Whether the promise is kept, as far as so many draws can tell."""
        return self.least - self.luck <= self.value <= self.most + self.luck
