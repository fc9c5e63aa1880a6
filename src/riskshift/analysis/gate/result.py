"""Whether a release meets its rules: pass, fail, or not enough evidence to say."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Final, Literal

from riskshift.analysis.exposure import carried
from riskshift.analysis.gate.degenerate import Degenerate
from riskshift.analysis.gate.rules import Rule
from riskshift.analysis.plain import AtLeastOne, Inner, Keyed, Plain, Positive, Share, Written
from riskshift.analysis.rates import Rate, unrounded
from riskshift.analysis.results import Glance, Results, share_cells
from riskshift.analysis.stated.card import DataCard
from riskshift.analysis.stated.provenance import Releases
from riskshift.analysis.unstated import unstated
from riskshift.analysis.words import counted, enumerate_words, points_with_range, printable
from riskshift.stats.exposure import chance_of_any
from riskshift.stats.proportion import Interval

Outcome = Literal["pass", "fail", "inconclusive"]
WORST_FIRST: Final[tuple[Outcome, ...]] = ("fail", "inconclusive", "pass")
_COLUMNS: Final = (
    dict.fromkeys(("rule", "metric", "group", "verdict"), str)
    | {"tolerance": float, "events": float, "trials": int}
    | dict.fromkeys(("estimate", "low", "high", "confidence", "deff"), float)
    | {"further": float, "lacks": str, "sentence": str}
)


@dataclass(frozen=True, slots=True)
class Difference(Plain):
    """Candidate minus baseline on the prompts that both answered.

    Parameters
    ----------
    both : float
        Prompts with the event on both sides; a whole number with one response a prompt on each side.
    candidate_only : float
        Prompts with the event by the candidate alone.
    baseline_only : float
        Prompts with the event by the baseline alone.
    neither : float
        Prompts without the event.
    prompts : int
        Prompts of the denominator that both answered.
    interval : Interval
        Of the difference.
    unmatched : dict of str to int
        Prompts that only one side answered, by that side: ``candidate`` or ``baseline``.
    missing : int
        Records on shared prompts that lack a label the metric needs, and rows left out in reading.
    """

    both: Positive
    candidate_only: Positive
    baseline_only: Positive
    neither: Positive
    prompts: int
    interval: Interval
    unmatched: Annotated[dict[str, int], Keyed("", "candidate baseline")]
    missing: int

    shape: ClassVar[str] = (
        "both candidate_only baseline_only neither prompts estimate interval unmatched missing"
    )

    @property
    def estimate(self) -> float:
        """Candidate minus baseline."""
        pairs = self.both + self.candidate_only + self.baseline_only + self.neither
        return (self.candidate_only - self.baseline_only) / pairs


@dataclass(frozen=True, slots=True)
class CorrectedShare(Plain):
    """A rate corrected by people's labels.

    Parameters
    ----------
    estimate : float
        The corrected rate.
    interval : Interval
        Clopper-Pearson on `effective_n`, or MOVER from that of each stratum.
    labelled : int
        Pairs of the denominator that people labelled.
    effective_n : float
        Pairs labelled by people that would say as much without the grader.
    trust : float or None
        How far the grader's labels were used, 0 to 1; None for stratified samples.
    raw : float or None
        The rate by the grader alone.
    """

    estimate: float
    interval: Interval
    labelled: int
    effective_n: float
    trust: float | None
    raw: float | None


@dataclass(frozen=True, slots=True)
class CorrectedGap(Plain):
    """Candidate minus baseline, both corrected by people's labels, on the prompts they share.

    Parameters
    ----------
    estimate : float
        Candidate minus baseline.
    interval : Interval
        MOVER from the two corrected rates, with their correlation over whole prompts.
    labelled : dict of str to int
        Pairs of the denominator that people labelled, by side: ``candidate`` and ``baseline``.
    rates : dict of str to float
        The corrected rates, by side.
    raw : float or None
        The difference by the grader alone; None for stratified samples.
    prompts : int
        Prompts that both answered.
    unmatched : dict of str to int
        Prompts that only one side answered, by that side.
    missing : int
        As in `Difference`, and pairs that people labelled only in part.
    """

    estimate: float
    interval: Interval
    labelled: Annotated[dict[str, int], Keyed("candidate baseline")]
    rates: Annotated[dict[str, float], Keyed("candidate baseline")]
    raw: float | None
    prompts: int
    unmatched: Annotated[dict[str, int], Keyed("", "candidate baseline")]
    missing: int


@dataclass(frozen=True, slots=True)
class GateResult(Plain):
    """The verdict of one rule on one metric in one group.

    Parameters
    ----------
    rule : Rule
        The rule.
    metric : str
        Such as ``escalation`` or ``persistence[sexual]``.
    group : str or None
        Value of the rule's column; None where the rule has none.
    verdict : {"pass", "fail", "inconclusive"}
        pass: the interval's far end is within the tolerance. fail: its near end is beyond it. Both
        whatever the missing labels are. inconclusive: neither can be said.
    rate : Rate or None
        With its Clopper-Pearson interval; None for a difference and for a corrected rate.
    difference : Difference or None
        None where the rule is about a rate.
    deff : float or None
        Records over effective records; None where every record stands alone.
    further : int or None
        For inconclusive: how many more records (prompts, where each has one) would settle it at
        the rate seen; None where no number up to ten million would, or labels are what it lacks.
    lacks : {"prompts", "labels"} or None
        For inconclusive: what would settle it.
    note : str or None
        What a reader should know: missing labels, unmatched prompts.
    sentence : str
        The finding in plain words, safe to print.
    corrected : CorrectedShare or None
        Where people's labels were given: what was judged, instead of `rate`.
    corrected_difference : CorrectedGap or None
        Where people's labels were given: what was judged, instead of `difference`.
    """

    rule: Rule
    metric: str
    group: str | None
    verdict: Outcome
    rate: Rate | None
    difference: Difference | None
    deff: float | None
    further: int | None
    lacks: Literal["prompts", "labels"] | None
    note: str | None
    sentence: str
    corrected: CorrectedShare | None = None
    corrected_difference: CorrectedGap | None = None

    shape: ClassVar[str] = (
        "rule=rule.text metric rule.operator tolerance=rule.bound rule.uses chance "
        "rule.by group verdict rate difference corrected corrected_difference deff "
        "further lacks note sentence"
    )

    @property
    def events(self) -> int | None:
        """Events of a rate."""
        return self.rate.events if self.rate else None

    @property
    def trials(self) -> int:
        """Records of the denominator (labelled by people, if corrected); shared prompts of a difference."""
        if self.rate is not None:
            return self.rate.trials
        if self.corrected is not None:
            return self.corrected.labelled
        compared = self.difference or self.corrected_difference
        return compared.prompts if compared else 0

    @property
    def judged(self) -> Rate | Difference | CorrectedShare | CorrectedGap:
        """What was judged: a rate or a difference, as the labels say or corrected by people's."""
        found = self.rate or self.difference or self.corrected or self.corrected_difference
        if found is None:
            raise TypeError("a result judges a rate or a difference")
        return found

    @property
    def told(self) -> tuple[str, str]:
        """The estimate and its interval in words; of a difference in percentage points."""
        judged = self.judged
        if isinstance(judged, Difference | CorrectedGap):
            estimate, _, ends = points_with_range(judged.estimate, judged.interval).partition(" (")
            return estimate, ends.rstrip(")")
        return share_cells(judged.estimate, judged.interval)

    @property
    def chance(self) -> Annotated[dict[str, Share], Keyed("estimate low high")] | None:
        """The chance of at least one event, for rules about many uses."""
        uses, judged = self.rule.uses, self.rate or self.corrected
        if uses is None or judged is None or judged.estimate is None or judged.interval is None:
            return None
        held = carried(judged.interval, uses)
        return {
            "estimate": chance_of_any(judged.estimate, uses),
            "low": held.low,
            "high": held.high,
        }

    @property
    def title(self) -> str:
        """What was asked, in one line that is safe to print."""
        choice = next(c for c in self.rule.choices if c.label == self.metric)
        group = "" if self.group is None else f", {self.rule.by} {self.group}"
        return printable(self.rule.about(choice) + group)


@dataclass(frozen=True, slots=True)
class LookAt(Plain):
    """Which of several planned looks at growing data this is.

    Parameters
    ----------
    number : int
        From 1.
    planned : int
        How many there are at most.
    together : float
        Two-sided confidence of all looks together; that of each is the report's.
    repeated : bool
        Whether the data are those of an earlier look, which this then is again.
    """

    number: AtLeastOne
    planned: AtLeastOne
    together: Inner
    repeated: bool

    shape: ClassVar[str] = "number planned confidence_together=together repeated"

    def sentence(self, each: float) -> str:
        """Say where the gate stands."""
        again = " again, for the data are the same" if self.repeated else ""
        left = self.planned - self.number
        rest = "no look is left" if not left else f"{counted(left, 'look')} at more data may follow"
        return (
            f"This is look {self.number} of {self.planned}{again}: intervals stand at {unrounded(each)}, so that all "
            f"looks together keep {unrounded(self.together)}; {rest}."
        )


@dataclass(frozen=True, slots=True)
class GateReport(Results):
    """What all rules say together.

    Parameters
    ----------
    results : tuple of GateResult
        Rule by rule, in the order given.
    confidence : float
        Two-sided coverage of the intervals.
    provenance : dict
        Where the numbers come from.
    doubts : tuple of str
        What in people's labels does not fit how they were drawn.
    look : LookAt or None
        Which look this is; None where the data are judged once.
    warnings : tuple of str
        What the data does not say, and what was taken for granted instead.
    degenerate : tuple of Degenerate
        Models that nobody wants, judged by the same rules.
    no_degenerate : bool
        Whether the gate fails where one of them passes.
    card : DataCard
        Where the data comes from, as it is stated, and what is not stated.
    """

    results: tuple[GateResult, ...]
    confidence: Inner
    provenance: Annotated[dict[str, Any], Written(Releases)] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()
    look: LookAt | None = None
    warnings: tuple[str, ...] = ()
    degenerate: tuple[Degenerate, ...] = ()
    no_degenerate: bool = False
    card: DataCard = field(default_factory=DataCard)

    kind: ClassVar[str] = "gate"
    columns: ClassVar[Mapping[str, type]] = _COLUMNS
    shape: ClassVar[str] = (
        "verdict headline confidence look *provenance card rules verdicts=results "
        "degenerate_pass degenerate no_degenerate notes warnings cautions"
    )

    @property
    def verdict(self) -> Outcome:
        """The worst verdict of all: one failure fails the gate, one open rule leaves it open."""
        found = {result.verdict for result in self.results}
        if self.no_degenerate and self.degenerate_pass:
            found.add("fail")
        return next(word for word in WORST_FIRST if word in found)

    @property
    def degenerate_pass(self) -> bool:
        """Whether a model that refuses everything, or one that answers everything, would pass too."""
        return any(item.passes for item in self.degenerate)

    @property
    def cautions(self) -> tuple[str, ...]:
        """What speaks against the rules: that a model which nobody wants would pass them too."""
        return tuple(
            f"A model that {item.model} would pass these checks too. {item.advice}"
            for item in self.degenerate
            if item.passes
        )

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules as they were written."""
        return tuple(dict.fromkeys(result.rule.text for result in self.results))

    @property
    def headline(self) -> str:
        """The verdict in one sentence."""
        n = {word: sum(r.verdict == word for r in self.results) for word in WORST_FIRST}
        total = len(self.results)
        of = "the check" if total == 1 else f"{{}} of {total:,} checks"
        if self.no_degenerate and self.degenerate_pass and not n["fail"]:
            models = [f"one that {item.model}" for item in self.degenerate if item.passes]
            return f"FAIL: a model that nobody wants, {enumerate_words(models)}, would pass too (--no-degenerate)."
        if self.verdict == "pass":
            return (
                "PASS: the check passed." if total == 1 else f"PASS: all {total:,} checks passed."
            )
        if self.verdict == "inconclusive":
            lacking = "lacks" if n["inconclusive"] == 1 else "lack"
            none = "" if total == 1 else "; none failed"
            return (
                f"NOT ENOUGH EVIDENCE: {of.format(n['inconclusive'])} {lacking} evidence either way"
                f"{none}."
            )
        more = f"; {n['inconclusive']:,} more without enough evidence" if n["inconclusive"] else ""
        return f"FAIL: {of.format(n['fail'])} failed{more}."

    @property
    def notes(self) -> list[str]:
        """What holds for all rules at once."""
        look, number = self.look, len(self.results)
        tail = (1 - (self.confidence if look is None else look.together)) / 2
        over = "" if look is None else f", at any of {counted(look.planned, 'look')}"
        said = [] if look is None else [look.sentence(self.confidence)]
        said.append(
            f"Each check can err by chance: where the truth lies exactly at its tolerance, it fails "
            f"with a chance of about {unrounded(tail)}, and passes with about {unrounded(tail)}{over}."
        )
        if (look is None or look.number == look.planned) and any(r.further for r in self.results):
            said.append(
                "Further prompts or labels are counted for a fresh sample. To add them to these and judge again is "
                "another look, and errs more often unless it was planned: --looks."
            )
        if any(result.corrected or result.corrected_difference for result in self.results):
            said.append(
                "Rates are corrected by people's labels. That is right if the pairs they labelled were drawn at "
                "random, from all or within strata; riskshift sample draws them so."
            )
        else:
            said.append(
                "The labels are taken as they are. If a grader made them, its errors can turn a verdict; --people "
                "FILE judges by people's labels of some pairs."
            )
        if number > 1:
            total = f", to at most {number} x {unrounded(tail)}"
            if number * tail < 1:
                total += f" = {unrounded(number * tail)}"
            said.append(f"The chance of at least one false alarm among the checks adds up{total}.")
        baseline = self.provenance.get("baseline") or {}
        if baseline and baseline.get("data_hash") == self.provenance.get("data_hash"):
            said.append(
                "Candidate and baseline have the same labels throughout. Is one a copy of the other? Then nothing was "
                "compared."
            )
        left_out = sum(self.provenance.get("records", {}).get("left_out", {}).values())
        if left_out:
            said.append(
                f"{counted(left_out, 'row')} left out in reading; a check passes or fails only if it would "
                "whatever labels they had."
            )
        return [*said, *unstated(self.card), *self.doubts]

    @property
    def summary(self) -> tuple[str, ...]:
        """The verdict in one sentence, as other results have several."""
        return (self.headline,)

    @property
    def worst_first(self) -> tuple[GateResult, ...]:
        """The results, those that keep the gate from passing first."""
        return tuple(sorted(self.results, key=lambda r: WORST_FIRST.index(r.verdict)))

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield every check as one flat row, in the order of the rules."""
        for result in self.results:
            held = result.judged.interval
            yield {
                "rule": result.rule.text,
                "metric": result.metric,
                "group": result.group or "",
                "verdict": result.verdict,
                "tolerance": result.rule.bound,
                "events": result.events,
                "trials": result.trials,
                "estimate": result.judged.estimate,
                "low": None if held is None else held.low,
                "high": None if held is None else held.high,
                "confidence": self.confidence,
                "deff": result.deff,
                "further": result.further,
                "lacks": result.lacks or "",
                "sentence": result.sentence,
            }

    def _engine(self) -> str:
        return str(self.provenance.get("engine", ""))

    def _lines(self) -> Iterator[str]:
        yield from (f"Warning: {text}" for text in (*self.warnings, *self.cautions))
        for result in self.worst_first:
            yield f"{result.verdict}: {result.title}"
            yield f"  {result.sentence}"
            if result.note:
                yield f"  {result.note}"
        yield from self.notes

    def _glance(self) -> Glance:
        headings = ("verdict", "check", "estimate", unrounded(self.confidence), "finding")
        return headings, (
            (result.verdict, result.title, *result.told, result.sentence)
            for result in self.worst_first
        )


def unmatched(candidate: int, baseline: int) -> dict[str, int]:
    """Count by side the prompts that only it answered, where there are any."""
    sides = {"candidate": candidate, "baseline": baseline}
    return {side: prompts for side, prompts in sides.items() if prompts}
