"""How many matched prompts a rule against a baseline takes: to be not worse by more than a margin."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Literal

from riskshift.analysis.plain import Inner, Limits, Plain
from riskshift.analysis.plan.needs import DifferenceNeed, check_power, seen_discordances, spaced
from riskshift.analysis.plan.pilot import Pilot, matched_need
from riskshift.analysis.words import counted, exact, percentage_points
from riskshift.errors import UsageError
from riskshift.stats.planning.margin_power import margin_power, pairs_for_margin
from riskshift.stats.search import MOST_TRIALS

MULTIPLES: Final = (1, 1.5, 2, 3)


@dataclass(frozen=True, slots=True)
class MarginPlan(Plain):
    """How many matched prompts it takes for a rule against a baseline to reach its verdict.

    Parameters
    ----------
    rule : str
        As it is written.
    margin : float
        How much worse the candidate may be.
    difference : float
        How much worse it is assumed to be; negative where it is better.
    aim : {"pass", "fail"} or None
        The verdict that this deserves; None where it is the margin itself, so that no number of
        prompts brings one about.
    rows : tuple of DifferenceNeed
        By discordance, smallest first.
    source : {"given", "file", "range"}
        Where the discordances come from.
    """

    rule: str
    margin: Inner
    difference: Annotated[float, Limits(exclusiveMinimum=-1, exclusiveMaximum=1)]
    aim: Literal["pass", "fail"] | None
    rows: tuple[DifferenceNeed, ...]
    source: Literal["given", "file", "range"]

    kind: ClassVar[Literal["margin"]] = "margin"
    shape: ClassVar[str] = "question=kind rule margin aim difference discordance_from=source rows"

    @property
    def truth(self) -> str:
        """What is assumed, in words."""
        if not self.difference:
            return "both models have the same rate"
        which = "worse" if self.difference > 0 else "better"
        return f"the candidate is {percentage_points(abs(self.difference))} {which}"

    def told(self, power: str) -> Iterator[str]:
        """Say how much it takes, with this chance of the verdict."""
        if self.aim is None:
            yield (
                f"The difference assumed, {percentage_points(self.difference)}, is the margin itself. No amount of "
                "evidence settles such a rule."
            )
            yield "Plan for the difference that you hope for: none, unless --difference says otherwise."
            return
        does = f"{self.aim}{'es' if self.aim == 'pass' else 's'} with a chance of at least {power}"
        reached = [row for row in self.rows if row.need.independent is not None]
        if not reached:
            yield (
                f"More than {MOST_TRIALS:,} matched prompts would be needed for the rule {self.rule} to {self.aim} if "
                f"{self.truth}. Allow a wider margin."
            )
            return
        low, high = reached[0], self.rows[-1]
        least, most = low.need.independent or 0, high.need.independent
        if len(self.rows) == 1:
            yield (
                f"If {self.truth} and exactly one of the two shows the event on {exact(low.discordant)} of the "
                f"prompts, the rule {self.rule} {does} from {counted(least, 'matched prompt')} on."
            )
            return
        ends = f"{least:,} matched prompts to more than {MOST_TRIALS:,}"
        if most is not None:
            ends = f"{least:,} to {counted(most, 'matched prompt')}"
        yield (
            f"If {self.truth}, the rule {self.rule} {does} from {ends} on: it depends on how often exactly one of the "
            "two shows the event."
        )
        yield which_discordance(self.source, low.discordant, high.discordant)


def margin_plan(
    rule: str,
    margin: float,
    *,
    difference: float = 0.0,
    discordant: float | None = None,
    rate: float | None = None,
    confidence: float = 0.95,
    power: float = 0.8,
    like: Pilot | None = None,
) -> MarginPlan:
    """Plan for a rule against a baseline to pass, or to fail where the candidate is worse.

    Parameters
    ----------
    rule : str
        As it is written, for the words.
    margin : float
        How much worse the candidate may be, positive.
    difference : float, default 0
        How much worse it is assumed to be; by default as good as the baseline.
    discordant : float, optional
        Share of prompts on which exactly one of them shows the event; default: as between the
        models of `like`, else a range.
    rate : float, optional
        The baseline's rate; ends the range where both would err independently.
    confidence : float, default 0.95
        Two-sided coverage of Tango's interval.
    power : float, default 0.8
        Wanted probability of the verdict.
    like : Pilot, optional
        The file that the evidence will resemble.

    Raises
    ------
    UsageError
        If an argument lies outside its range.

    Examples
    --------
    >>> planned = margin_plan("escalation - baseline <= 0.02", 0.02, discordant=0.06)
    >>> planned.aim, planned.rows[0].need.independent
    ('pass', 1235)
    """
    if not -1 < difference < 1:
        raise UsageError(
            f"difference is {difference}; it is how much worse the candidate is assumed to be, such as 0.03."
        )
    check_power(power)
    source, assumed = _discordances(margin, abs(difference), discordant, rate, like)
    if round(difference - margin, 12) == 0:
        return MarginPlan(rule, margin, difference, None, (), source)
    aim: Literal["pass", "fail"] = "pass" if difference < margin else "fail"
    rows = []
    for share in sorted(assumed):
        sides = (share + difference) / 2, (share - difference) / 2
        sides = max(0.0, sides[0]), max(0.0, sides[1])
        n = pairs_for_margin(*sides, margin, confidence=confidence, power=power)
        curve = tuple(
            (at, margin_power(at, *sides, margin, confidence=confidence)[aim == "fail"])
            for at in ([] if n is None else spaced(n / 10, 2.5 * n, points=40))
        )
        rows.append(DifferenceNeed(share, assumed[share], matched_need(n, like), curve))
    return MarginPlan(rule, margin, difference, aim, tuple(rows), source)


def which_discordance(source: str, low: float, high: float) -> str:
    """Say which share of disagreement to plan for."""
    if source == "file":
        return (
            f"Two models of the file disagreed on {exact(low)} to {exact(high)} of their prompts. Plan for the "
            "largest, unless your two are known to be alike."
        )
    return (
        "That share is not known before models answer. Plan for a high one, or take it from data with --like, or "
        "name it with --discordant."
    )


def _discordances(
    margin: float, least: float, discordant: float | None, rate: float | None, like: Pilot | None
) -> tuple[Literal["given", "file", "range"], dict[float, str]]:
    """Say on how many prompts exactly one of the two may show the event, and why."""
    if discordant is not None:
        if not least <= discordant <= 1 or discordant == 0:
            raise UsageError(
                f"discordant is {discordant}; it is the share of prompts on which exactly one model shows the event, "
                f"above 0 and at most 1, and with a difference of {least} at least that."
            )
        return "given", {discordant: "as given"}
    if like is not None and like.disagreements:
        return "file", seen_discordances(like.disagreements, least)
    most = 1.0
    if rate is not None:
        other = min(1.0, rate + least)
        most = rate * (1 - other) + other * (1 - rate)
    assumed: dict[float, str] = {}
    for multiple in MULTIPLES:
        share = round(multiple * margin, 12)
        if least <= share < most:
            assumed[share] = (
                "as often as the margin" if multiple == 1 else f"{multiple:g} times the margin"
            )
    if rate is not None and most > 0:
        assumed[most] = "if the two err independently"
    return "range", assumed or {max(least, margin): "always the same one of the two"}
