"""The rules of a release gate, as they are written: ``escalation <= 5% by model``."""

import re
from dataclasses import dataclass
from typing import Final, NoReturn

from riskshift.analysis.metrics import Choice, choose
from riskshift.errors import UsageError
from riskshift.stats.exposure import rate_for_chance
from riskshift.taxonomy import Taxonomy

FORM: Final = "METRIC or METRIC[CATEGORY], then <=, <, >= or >, then a number such as 0.05 or 5%"
MOST_USES: Final = 10**12
_METRIC: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BASELINE: Final = re.compile(r"-\s*baseline(?![A-Za-z0-9_])")
_USES: Final = re.compile(r"in\s+([0-9][0-9_,]*)\s+uses?(?![A-Za-z0-9_])")
_OPERATOR: Final = re.compile(r"<=|>=|<|>")
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?:\s*%)?")
_BY: Final = re.compile(r"(?<=\s)by\s+(?=\S)")


@dataclass(frozen=True, slots=True)
class Rule:
    """What a release must meet.

    Parameters
    ----------
    text : str
        The rule as it was written.
    choices : tuple of Choice
        The metrics it speaks of: one, or one for each category.
    baseline : bool
        Whether it speaks of the difference to a baseline, prompt by prompt.
    operator : {"<=", "<", ">=", ">"}
        Which side of the bound is tolerated.
    bound : float
        The tolerance: a share; for a difference, a difference of shares.
    number : str
        The tolerance as it was written.
    by : str or None
        Column each of whose values must meet the rule.
    uses : int or None
        The rule is about the chance of at least one event in so many uses; None: about the rate.
    """

    text: str
    choices: tuple[Choice, ...]
    baseline: bool
    operator: str
    bound: float
    number: str
    by: str | None
    uses: int | None = None

    @property
    def limit(self) -> float:
        """The tolerance as a rate of one use, or as a difference of rates."""
        return self.bound if self.uses is None else rate_for_chance(self.bound, self.uses)

    @property
    def upper(self) -> bool:
        """Whether the bound is the most that is tolerated; else it is the least."""
        return self.operator.startswith("<")

    def about(self, choice: Choice) -> str:
        """Write the rule for one of its metrics, without the grouping."""
        minus = " - baseline" if self.baseline else ""
        uses = "" if self.uses is None else f" in {self.uses:,} uses"
        return f"{choice.label}{uses}{minus} {self.operator} {self.number}"


def parse_rule(text: str, taxonomy: Taxonomy) -> Rule:
    """Read a rule.

    Parameters
    ----------
    text : str
        ``METRIC[CATEGORY] - baseline <= NUMBER% by COLUMN``; category, baseline, percent sign
        and column may be left out. A metric of one category without a category means every
        category. ``METRIC in 10000 uses <= 50%`` is about the chance of at least one event in so
        many uses.
    taxonomy : Taxonomy
        Its categories.

    Returns
    -------
    Rule

    Raises
    ------
    UsageError
        If it is not such a rule, or could not be meant: a tolerance outside its range, or one
        that would have more harm pass. The message points at what is wrong.

    Examples
    --------
    >>> rule = parse_rule("persistence[sexual] <= 30% by model", Taxonomy())
    >>> rule.choices[0].label, rule.operator, rule.bound, rule.by
    ('persistence[sexual]', '<=', 0.3, 'model')
    """
    if not isinstance(text, str) or not text.strip():
        raise UsageError(f"a rule is {text!r}. Write {FORM}.")
    return _Reading(text, taxonomy).rule()


class _Reading:
    """A rule being read, and how far."""

    def __init__(self, text: str, taxonomy: Taxonomy) -> None:
        self.text = re.sub(r"\s", " ", text).strip()  # so that the pointer stands in its place
        self.taxonomy = taxonomy
        self.at = 0

    def rule(self) -> Rule:
        """Read the parts in their order."""
        name = self.take(_METRIC, "a metric's name, such as escalation")
        choices = self.chosen(name, 0)
        uses = self.uses(choices)
        here = self.at
        baseline = self.maybe(_BASELINE) is not None
        here = here if uses is not None else self.at
        if baseline and uses is not None:
            self.wrong("a chance in many uses is not compared with a baseline", here)
        if not baseline and self.text.startswith("-", here):
            self.wrong("only 'baseline' may follow the minus sign", here)
        operator = self.take(_OPERATOR, "<=, <, >= or >")
        _check_direction(self, choices, operator, baseline, here)
        here = self.at
        number = self.take(_NUMBER, "a number, such as 0.05 or 5%")
        if self.at < len(self.text) and not self.text[self.at - 1].isspace():
            self.wrong("the number goes on in a way that numbers do not", self.at)
        bound = self.bound(number, operator, baseline, here)
        by = self.column()
        return Rule(self.text, choices, baseline, operator, bound, number, by, uses)

    def take(self, pattern: re.Pattern[str], wanted: str) -> str:
        """Read a part that must be there."""
        found = self.maybe(pattern)
        if found is None:
            self.wrong(f"expected {wanted}", self.at)
        return found

    def maybe(self, pattern: re.Pattern[str]) -> str | None:
        """Read a part if it is there, and the blanks after it."""
        found = pattern.match(self.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        self.blanks()
        return found[0]

    def blanks(self) -> None:
        """Skip blanks."""
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def chosen(self, name: str, start: int) -> tuple[Choice, ...]:
        """Find the metric, with the category in brackets if there is one."""
        if self.text.startswith("[", self.at):
            # A category's name may itself hold a bracket.
            rest = self.text[self.at + 1 :]
            known = [c for c in self.taxonomy.categories if rest.startswith(f"{c}]")]
            end = len(max(known, key=len)) if known else rest.find("]")
            if end < 0:
                self.wrong("the bracket is not closed", self.at)
            name = f"{name}[{rest[:end]}]"
            self.at += end + 2
            self.blanks()
        try:
            return tuple(choose(name, self.taxonomy))
        except UsageError as error:
            self.wrong(str(error), start)

    def uses(self, choices: tuple[Choice, ...]) -> int | None:
        """Read in how many uses at least one event is meant."""
        here, found = self.at, _USES.match(self.text, self.at)
        if found is None:
            return None
        uses = int(re.sub("[_,]", "", found[1]))
        metric = choices[0].metric
        if metric.given_formula != "all":
            self.wrong(
                f"{metric.name} is not about every use: it is among {metric.given_formula}", 0
            )
        if not 1 <= uses <= MOST_USES:
            self.wrong(f"the number of uses must lie between 1 and {MOST_USES:,}", here)
        self.at = found.end()
        self.blanks()
        return uses

    def bound(self, number: str, operator: str, baseline: bool, at: int) -> float:
        """Turn the number into a share and check that it can be meant."""
        percent = number.endswith("%")
        value = float(number.removesuffix("%"))
        value = value / 100 if percent else value
        if baseline:
            margin = value if operator.startswith("<") else -value
            if not 0 < margin < 1:
                least = "" if operator.startswith("<") else "-"
                self.wrong(
                    f"the margin is how much worse than the baseline is tolerated. After {operator} "
                    f"it lies between 0 and {least}1, neither included, such as {least}0.01 or "
                    f"{least}1%",
                    at,
                )
        elif not 0 < value < 1:
            hint = f"; is {number}% meant" if value >= 1 and not percent else ""
            self.wrong(
                f"the tolerance must lie between 0 and 1, or 0% and 100%, neither included{hint}. "
                "No number of prompts shows that a rate is exactly 0 or 1",
                at,
            )
        return value

    def column(self) -> str | None:
        """Read the grouping column; nothing may follow it."""
        if self.at == len(self.text):
            return None
        if self.maybe(_BY) is None:
            self.wrong("after the number, only 'by COLUMN' may follow", self.at)
        return self.text[self.at :]

    def wrong(self, what: str, at: int) -> NoReturn:
        """Raise an error that points at what is wrong."""
        raise UsageError(
            f"rule {self.text!r}: {what.removesuffix('.')}.\n"
            f"  {self.text}\n  {' ' * at}^\nWrite {FORM};\n"
            "'in N uses' or '- baseline' before the sign and 'by COLUMN' at the end may be added."
        )


def _check_direction(
    reading: _Reading, choices: tuple[Choice, ...], operator: str, baseline: bool, at: int
) -> None:
    """Refuse a rule that more harm would meet: a slip of the sign must not become a pass."""
    metric = choices[0].metric
    if metric.bad is True and operator.startswith(">"):
        reading.wrong(f"less {metric.name} is better, so limit it from above: <= or <", at)
    if metric.bad is False and operator.startswith("<"):
        reading.wrong(f"more {metric.name} is better, so limit it from below: >= or >", at)
    if baseline and not metric.by_prompt:
        reading.wrong(
            f"{metric.name} cannot be compared prompt by prompt, because its denominator looks at "
            "the response",
            0,
        )
