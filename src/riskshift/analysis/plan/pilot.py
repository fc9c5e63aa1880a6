"""What an existing file says about the evidence still to be gathered."""

from dataclasses import dataclass
from math import ceil
from typing import Annotated, ClassVar

from riskshift.analysis.comparison.matching import Matching
from riskshift.analysis.metrics import Choice
from riskshift.analysis.plain import AtLeastOne, Limits, Plain, Share
from riskshift.analysis.rates import Rate, Settings, estimate_rate
from riskshift.analysis.severities import Severities
from riskshift.analysis.words import counted
from riskshift.counts.pairs import Counts
from riskshift.errors import DataError
from riskshift.stats.clusters.cluster import t_factor
from riskshift.stats.search import smallest


@dataclass(frozen=True, slots=True)
class Disagreement(Plain):
    """How often two models of a file disagreed on the same prompt.

    Parameters
    ----------
    baseline, candidate : str
        The models.
    prompts : int
        Prompts of the denominator that both answered.
    candidate_only : float
        Share of them on which only the candidate showed the event.
    baseline_only : float
        Share of them on which only the baseline did.
    """

    baseline: str
    candidate: str
    prompts: AtLeastOne
    candidate_only: Share
    baseline_only: Share

    shape: ClassVar[str] = "baseline candidate prompts candidate_only baseline_only discordant"

    @property
    def discordant(self) -> Share:
        """Share of prompts on which exactly one of the two showed the event."""
        return self.candidate_only + self.baseline_only


@dataclass(frozen=True, slots=True)
class Pilot(Plain):
    """What an existing file says about evidence of its kind.

    Parameters
    ----------
    source : str
        What was read.
    rate : Rate
        Of the metric that is planned for.
    unit : str
        What is drawn: ``"prompt"``, or the column whose equal values are not independent.
    units : int
        Units in the file.
    occupied : int
        Units with a record in the metric's denominator.
    disagreements : tuple of Disagreement
        Each two models of the file, those that disagree least first.
    """

    source: str
    rate: Rate
    unit: str
    units: AtLeastOne
    occupied: AtLeastOne
    disagreements: tuple[Disagreement, ...] = ()

    shape: ClassVar[str] = "source rate unit units occupied records_per_unit deff disagreements"

    @property
    def deff(self) -> Annotated[float, Limits(minimum=1)]:
        """Records over independent records, less what few units cost."""
        return 1.0 if self.rate.deff is None else self.rate.deff

    @property
    def records_per_unit(self) -> Annotated[float, Limits(minimum=1)]:
        """Records of the denominator for each unit that has one."""
        return self.rate.trials / self.occupied

    @property
    def clustered(self) -> bool:
        """Whether several records of the denominator share a unit."""
        return self.rate.trials > self.occupied

    def named(self, n: int) -> str:
        """Write a number of units: ``807 prompts``."""
        return counted(n, "prompt") if self.unit == "prompt" else f"{n:,} values of {self.unit}"

    @property
    def partial(self) -> bool:
        """Whether some units have no record in the denominator."""
        return self.occupied < self.units


@dataclass(frozen=True, slots=True)
class Need(Plain):
    """One planned number; all None where more than ten million would be needed.

    Parameters
    ----------
    independent : int or None
        Independent records of the metric's denominator.
    records : int or None
        Records that tell as much.
    units : int or None
        The prompts, or other units, that they come from, where records share them.
    in_all : int or None
        Prompts to draw, where only some of them belong to the denominator.
    """

    independent: AtLeastOne | None
    records: AtLeastOne | None
    units: AtLeastOne | None
    in_all: AtLeastOne | None

    shape: ClassVar[str] = "independent records prompts=units prompts_in_all=in_all"


def pilot(
    counts: Counts,
    choice: Choice,
    *,
    source: str,
    unit: str,
    matching: Matching | None,
    settings: Settings,
) -> Pilot:
    """Learn from a file what evidence of its kind is worth.

    Parameters
    ----------
    counts : Counts
        All its records.
    choice : Choice
        The metric to plan for.
    source, unit : str
        What was read, and what is drawn.
    matching : Matching or None
        Its models on the same prompts, if there are several.
    settings : Settings
        How to estimate.

    Raises
    ------
    DataError
        If the file has no record in the metric's denominator, or all of them share one unit.
    """
    severities = Severities(counts)
    answers = choice.answers(severities)
    rate = estimate_rate(choice.label, counts, answers, settings)
    if not rate.trials:
        raise DataError(
            f"{source}: no record belongs to the denominator of {choice.label} "
            f"({choice.metric.given_formula}), so the file says nothing about it. Plan for another "
            "--metric, or give --rate without --like."
        )
    inside, happened = answers.counted
    cells, weight = counts.sums(happened, inside)
    occupied = int(weight[cells[:, 1] > 0].sum())
    if rate.trials > 1 and occupied == 1 and counts.clusters is not None:
        raise DataError(
            f"{source}: all {rate.trials:,} records that count for {choice.label} share one "
            f"{'prompt' if unit == 'prompt' else f'value of {unit}'}, so the file cannot say how much "
            "others would differ. Give --rate without --like."
        )
    found = () if matching is None else _disagreements(matching, choice)
    return Pilot(source, rate, unit, counts.units, occupied, found)


def _disagreements(matching: Matching, choice: Choice) -> tuple[Disagreement, ...]:
    outcomes, found = matching.outcomes(choice), []
    for candidate in range(len(matching.names)):
        for baseline in range(candidate):
            cells = outcomes.pair(candidate, baseline)
            _, more, less, _ = parts = [float(cells.weight @ p) for p in cells.crossed]
            total = sum(parts)
            if total:
                names = matching.names[baseline], matching.names[candidate]
                found.append(Disagreement(*names, cells.prompts, more / total, less / total))
    return tuple(sorted(found, key=lambda item: item.discordant))


def need(independent: int | None, like: Pilot | None = None) -> Need:
    """Turn independent records into records and prompts like those of a file.

    Parameters
    ----------
    independent : int or None
        Independent records of the denominator; None: out of reach.
    like : Pilot, optional
        The file; without it every record stands alone.

    Returns
    -------
    Need
        The fewest prompts whose effective number of records reaches `independent`, if the design
        effect and the records a prompt stay the same.

    Examples
    --------
    >>> need(385).units
    385
    """
    if independent is None:
        return Need(None, None, None, None)
    if like is None:
        return Need(independent, independent, independent, independent)
    units = _units(independent, like) if like.clustered else independent
    records = ceil(round(units * like.records_per_unit, 6))
    return Need(independent, records, units, _in_all(units, like))


def matched_need(prompts: int | None, like: Pilot | None = None) -> Need:
    """Turn matched prompts with one response of each model into prompts to draw."""
    if prompts is None or like is None:
        return need(prompts)
    return Need(prompts, prompts, prompts, _in_all(prompts, like))


def _in_all(units: int, like: Pilot) -> int:
    # Rounding must not turn a whole quotient into the next number.
    return ceil(round(units * like.units / like.occupied, 6))


def _units(independent: int, like: Pilot) -> int:
    """Find the fewest units that are worth so many independent records."""
    confidence = 0.95 if like.rate.interval is None else like.rate.interval.confidence
    each = like.records_per_unit

    def enough(units: int) -> bool:
        worth = units * each / like.deff * t_factor(units * each, units - 1, confidence)
        return worth >= independent

    high = 2
    while not enough(high):
        high *= 2
    return smallest(enough, 2, high)
