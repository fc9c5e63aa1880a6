"""One rule asked of one metric and group, and what an interval says to it."""

from dataclasses import dataclass

from riskshift.analysis.gate.result import Outcome
from riskshift.analysis.gate.rules import Rule
from riskshift.analysis.metrics import Choice
from riskshift.analysis.words import counted
from riskshift.errors import DataError
from riskshift.stats.proportion import Interval


@dataclass(frozen=True, slots=True)
class Question:
    """One rule asked of one metric and group.

    Parameters
    ----------
    rule : Rule
        The rule.
    choice : Choice
        The one of its metrics that is meant.
    confidence : float
        Two-sided coverage of the interval.
    group : str or None
        Value of the rule's column.
    left_out : int
        Rows left out in reading, whose labels may be anything.
    grows : bool
        Whether further records may be added to these and judged with them.
    """

    rule: Rule
    choice: Choice
    confidence: float = 0.95
    group: str | None = None
    left_out: int = 0
    grows: bool = False

    def verdict(self, interval: Interval) -> Outcome:
        """Compare both ends with the tolerance."""
        rule = self.rule
        sign = 1 if rule.upper else -1
        near, far = sorted((sign * interval.low, sign * interval.high))
        bound, strict = sign * rule.limit, rule.operator in ("<", ">")
        if far < bound or (far == bound and not strict):
            return "pass"
        return "fail" if near > bound or (near == bound and strict) else "inconclusive"

    def nothing(self, missing: int, *, where: str) -> DataError:
        """Say that there is nothing to judge, which is never a pass."""
        choice, rule = self.choice, self.rule
        group = "" if self.group is None else f" for {rule.by} {self.group!r}"
        kind = choice.metric.given_formula
        among = "" if kind == "all" else f" with {kind}"
        lacking = f" ({counted(missing, 'record')} without the labels to tell)" if missing else ""
        named = ""
        if len(rule.choices) > 1:
            named = (
                f" Or name the categories that the data has: {rule.choices[0].metric.name}[...]."
            )
        return DataError(
            f"rule {rule.text!r}: {where}{among}{group}{lacking}, so {choice.label} is undefined. "
            f"Give records that the rule can be judged on.{named}"
        )
