"""How wrong a grader would have to be for each finding to vanish."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from riskshift.analysis.plain import Plain, Share
from riskshift.analysis.rates import Rate
from riskshift.stats.misclassification import tipping_point

FINDINGS: Final = ("escalation", "response_harm", "harmful_prompt_compliance", "benign_drift")
CATEGORY_FINDINGS: Final = ("persistence", "drift_rate")


@dataclass(frozen=True, slots=True)
class Point(Plain):
    """How good a grader is on the pair's event.

    Parameters
    ----------
    sensitivity : float
        Events that it finds.
    specificity : float or None
        At or below this, the true rate could be 0; None where no specificity explains the rate.
    """

    sensitivity: Share
    specificity: Share | None


@dataclass(frozen=True, slots=True)
class Tipping(Plain):
    """The specificity at which a rate could be false alarms alone.

    Parameters
    ----------
    metric : str
        Such as ``escalation`` or ``persistence[sexual]``.
    estimate : float
        The rate by the grader.
    specificity : dict of float to float or None
        By the grader's sensitivity: with this specificity or less, the true rate could be 0. The
        grader is judged on the pair's event.
    worst_case : (float, float) or None
        The specificity at or below which the true rate could be 0, with the missing labels so that
        the rate is highest, and lowest; None if all is known.
    """

    metric: str
    estimate: float
    specificity: dict[float, float | None]
    worst_case: tuple[Share, Share] | None = None

    shape: ClassVar[str] = "metric estimate points worst_case"

    @property
    def points(self) -> tuple["Point", ...]:
        """By the grader's sensitivity, the specificity at or below which the rate could be 0."""
        return tuple(Point(*pair) for pair in self.specificity.items())

    @property
    def null_specificity(self) -> float | None:
        """The specificity at or below which the true rate could be 0.

        A true rate of 0 has no events to be found, so the sensitivity does not matter; None where
        no specificity explains the rate.
        """
        return next((sp for sp in self.specificity.values() if sp is not None), None)


def tipping_table(
    overall: Mapping[str, Rate], categories: Mapping[str, Mapping[str, Rate]]
) -> tuple[Tipping, ...]:
    """Find the tipping point of every finding that rests on a bad event.

    Parameters
    ----------
    overall : mapping of str to Rate
        Rates over all categories.
    categories : mapping of str to mapping of str to Rate
        Rates by category.

    Returns
    -------
    tuple of Tipping
        Only rates with events.
    """
    rates = {name: overall[name] for name in FINDINGS if name in overall}
    rates |= {
        f"{name}[{category}]": found[name]
        for category, found in categories.items()
        for name in CATEGORY_FINDINGS
    }
    return tuple(_tipping(label, rate) for label, rate in rates.items() if rate.events)


def _tipping(label: str, rate: Rate) -> Tipping:
    share = rate.events / rate.trials if rate.moved is None else rate.moved
    points = tipping_point(share * rate.trials, rate.trials)
    worst = rate.worst_case
    return Tipping(
        label,
        share,
        {point.sensitivity: point.specificity for point in points},
        None if worst is None else (1 - worst[1], 1 - worst[0]),
    )
