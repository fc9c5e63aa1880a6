"""The result of comparing models, and what it says in words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from riskshift.analysis.comparison.alone import Alone
from riskshift.analysis.comparison.contrasts.across import CategoryContrast
from riskshift.analysis.comparison.contrasts.interaction import Interaction
from riskshift.analysis.comparison.differences import PairedDifference
from riskshift.analysis.comparison.joint.directions import TwoDirections
from riskshift.analysis.comparison.left_out import DifferencesLeftOut
from riskshift.analysis.comparison.omnibus import Omnibus
from riskshift.analysis.comparison.severity import OrdinalDifference
from riskshift.analysis.comparison.shared import Shared
from riskshift.analysis.comparison.standardized import StandardizedRate
from riskshift.analysis.correction.differences import CorrectedComparison, CorrectedDifference
from riskshift.analysis.metrics import CATEGORY, OVERALL
from riskshift.analysis.plain import Plain
from riskshift.analysis.rates import Rate, Settings
from riskshift.analysis.results import Glance, Results
from riskshift.analysis.stated.card import DataCard
from riskshift.analysis.stated.provenance import Provenance
from riskshift.analysis.verdicts import Verdict
from riskshift.analysis.words import percent, points_with_range
from riskshift.errors import unknown_choice
from riskshift.taxonomy import Taxonomy

_WANTED: Final = frozenset(m.name for m in (*OVERALL, *CATEGORY) if m.bad is False)

_NUMBERS: Final = ("both", "candidate_only", "baseline_only", "neither")
_SHARES: Final = (
    *("baseline_rate", "candidate_rate", "difference", "low", "high"),
    *("simultaneous_low", "simultaneous_high"),
)
_COLUMNS: Final = (
    dict.fromkeys(("metric", "baseline", "candidate"), str)
    | dict.fromkeys(("prompts", "matched"), int)
    | dict.fromkeys((*_NUMBERS, *_SHARES), float)
    | {"method": str, "p": float, "p_bonferroni": float, "test": str, "verdict": str}
    | {"higher": str}  # empty where there is no verdict
    | dict.fromkeys(("worst_low", "worst_high", "worst_missing"), float)
    | dict.fromkeys(("corrected_difference", "corrected_low", "corrected_high"), float)
    | {"corrected_verdict": str}
)


@dataclass(frozen=True, slots=True)
class Comparison(Results):
    """Models compared on the same prompts.

    Parameters
    ----------
    taxonomy : Taxonomy
        Categories and levels.
    settings : Settings
        How it was estimated.
    models : tuple of str
        The models compared.
    baseline : str or None
        The one that the others are compared with; None where all pairs are.
    margin : float
        How much worse a candidate may be.
    helpful_margin : float
        The same for the metrics of help on harmless prompts.
    coverage : Shared
        Which prompts they share.
    rates : dict of str to dict of str to Rate
        By metric and model, on all prompts that the model answered.
    differences : tuple of PairedDifference
        Metric by metric, pair by pair.
    omnibus : tuple of Omnibus
        For three or more models.
    ordinal : tuple of OrdinalDifference
        Of response severity.
    mix : str or None
        To which mix of prompts rates were standardised.
    standardized : tuple of StandardizedRate
        Rates on that mix.
    interaction : Interaction or None
        Differences by group.
    provenance : Provenance
        Where the numbers come from.
    summary : tuple of str
        The main findings in plain words.
    notes : tuple of str
        What cannot be said, in plain words.
    corrected : CorrectedComparison or None
        The same differences corrected by people's labels; None without them.
    directions : tuple of TwoDirections
        Harm and help on harmless prompts judged together, pair by pair.
    card : DataCard
        Where the data comes from, as it is stated, and what is not stated.
    leave_one_out : DifferencesLeftOut or None
        Every difference without each source and without each category.
    across : tuple of CategoryContrast or None
        How the differences differ between categories; None where that was not asked.
    alone : tuple of Alone
        The prompts that only one of the models fails, by metric of the two directions.
    """

    taxonomy: Taxonomy
    settings: Settings
    models: tuple[str, ...]
    baseline: str | None
    margin: float
    helpful_margin: float
    coverage: Shared
    rates: dict[str, dict[str, Rate]]
    differences: tuple[PairedDifference, ...]
    omnibus: tuple[Omnibus, ...]
    ordinal: tuple[OrdinalDifference, ...]
    mix: str | None
    standardized: tuple[StandardizedRate, ...]
    interaction: Interaction | None
    provenance: Provenance
    summary: tuple[str, ...]
    notes: tuple[str, ...]
    corrected: CorrectedComparison | None = None
    directions: tuple[TwoDirections, ...] = ()
    card: DataCard = field(default_factory=DataCard)
    leave_one_out: DifferencesLeftOut | None = None
    across: tuple[CategoryContrast, ...] | None = None
    alone: tuple[Alone, ...] = ()

    kind: ClassVar[str] = "comparison"
    columns: ClassVar[Mapping[str, type]] = _COLUMNS
    shape: ClassVar[str] = (
        "*provenance settings.seed settings.confidence taxonomy card summary notes "
        "comparison(models baseline margin helpful_margin coverage directions rates differences "
        "corrected "
        "omnibus ordinal mix standardized interaction across alone leave_one_out) verdicts"
    )

    def difference(
        self, metric: str, candidate: str, baseline: str | None = None
    ) -> PairedDifference:
        """Return one difference, by metric and models.

        Raises
        ------
        UsageError
            If it was not estimated; the message names what was.
        """
        asked = {"metric": metric, "candidate": candidate}
        if baseline is not None:
            asked["baseline"] = baseline
        found = list(self.differences)
        for what, name in asked.items():
            there = dict.fromkeys(getattr(item, what) for item in found)
            if name not in there:
                raise unknown_choice(f"{what} of the differences", name, tuple(there))
            found = [item for item in found if getattr(item, what) == name]
        return found[0]

    @property
    def verdicts(self) -> tuple["Spoken", ...]:
        """Every verdict on a difference, with its sentence."""
        return tuple(
            Spoken(item, item.verdict, verdict_sentence(item))
            for item in self.differences
            if item.verdict is not None
        )

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield every difference as one flat row, with the one corrected by people's labels."""
        made_of = self.corrected.differences if self.corrected else ()
        corrected = {key(item): item for item in made_of}
        for item in self.differences:
            row = item.to_dict()
            for side in ("baseline_rate", "candidate_rate"):
                row[side] = row[side]["estimate"]
            row["verdict"] = "" if item.verdict is None else item.verdict.word
            row["higher"] = "" if item.verdict is None else item.verdict.higher
            worst = row.pop("worst_case") or {}
            row |= {f"worst_{name}": worst.get(name) for name in ("low", "high", "missing")}
            made = corrected.get(key(item))
            held = made.interval if made else None
            yield row | {
                "corrected_difference": made.difference if made else None,
                "corrected_low": held.low if held else None,
                "corrected_high": held.high if held else None,
                "corrected_verdict": made.verdict.word if made and made.verdict else "",
            }

    def _lines(self) -> Iterator[str]:
        if self.corrected is not None:
            yield "By the grader's labels alone:"
        yield from (spoken.sentence for spoken in self.verdicts)

    def _glance(self) -> Glance:
        headings = ("metric", "candidate", "baseline", "rates", "difference", "verdict")
        return headings, (
            (
                item.metric,
                item.candidate,
                item.baseline,
                f"{percent(item.candidate_rate.estimate)} against {percent(item.baseline_rate.estimate)}",
                points_with_range(item.difference, item.simultaneous),
                "" if item.verdict is None else item.verdict.spoken,
            )
            for item in self.differences
        )


@dataclass(frozen=True, slots=True)
class Spoken(Plain):
    """A verdict in words.

    Parameters
    ----------
    difference : PairedDifference
        What is judged.
    verdict : Verdict
        How.
    sentence : str
        The same in words.
    """

    difference: PairedDifference
    verdict: Verdict
    sentence: str

    shape: ClassVar[str] = (
        "difference.metric difference.baseline difference.candidate *verdict sentence"
    )


def key(item: PairedDifference | CorrectedDifference) -> tuple[str, str, str]:
    """Return what a difference is of: its metric, its baseline and its candidate."""
    return item.metric, item.baseline, item.candidate


def allowance(*margins: float) -> str:
    """Write a margin in percentage points, or those that metrics have.

    Examples
    --------
    >>> allowance(0.01), allowance(0.025), allowance(0.01, 0.02)
    ('1 point', '2.5 points', '1 point or 2 points, by metric')
    """
    told = [f"{100 * m:g} point{'' if m == 0.01 else 's'}" for m in sorted(set(margins))]
    return told[0] if len(told) == 1 else f"{' or '.join(told)}, by metric"


def wanted(metric: str) -> str:
    """Say beside the name of a metric that more of it is better, where that is so.

    Examples
    --------
    >>> wanted("harmful_refusal[hate]"), wanted("escalation")
    (' (higher is better)', '')
    """
    return " (higher is better)" if metric.partition("[")[0] in _WANTED else ""


def verdict_sentence(item: PairedDifference) -> str:
    """Say one verdict as a release manager reads it, with the interval that it reads.

    Returns
    -------
    str
        Empty where there is no verdict.
    """
    verdict, interval = item.verdict, item.simultaneous
    if verdict is None or interval is None:
        return ""
    new, old, metric = item.candidate, item.baseline, item.metric
    seen = (
        f"{percent(item.candidate_rate.estimate)} against {percent(item.baseline_rate.estimate)}, difference "
        f"{points_with_range(item.difference, interval)}"
    )
    allowed = allowance(verdict.margin)
    though = f", though it is {verdict.above}" if verdict.higher else ""
    more = f"worse than {old} by more than {allowed}"
    open_ = f"Whether {new} is {more} on {metric} is not settled"
    if verdict.higher:
        open_ = f"{new} is {verdict.above} than {old} on {metric}; whether by more than {allowed} is not settled"
    said = {
        "better": f"{new} is better than {old} on {metric}{wanted(item.metric)}",
        "not_worse": f"{new} is not {more} on {metric}{wanted(item.metric)}{though}",
        "worse": f"{new} is {more} on {metric}{wanted(item.metric)}",
        "inconclusive": open_,
    }
    needed = f" {_needed(item, verdict)}" if verdict.word == "inconclusive" else ""
    return f"{said[verdict.word]}: {seen}.{needed}"


def _needed(item: PairedDifference, verdict: Verdict) -> str:
    further, of_mix = verdict.further_prompts, verdict.further_prompts_of_mix
    if further is None or of_mix is None:
        return "At the rates seen, no number of prompts up to ten million would settle it."
    if item.prompts == item.matched:
        return f"About {further:,} further matched prompts would settle it at the rates seen."
    return (
        f"About {further:,} further matched prompts of the kind that {item.metric} takes would settle it at the rates "
        f"seen; such are {item.prompts:,} of {item.matched:,} here, so about {of_mix:,} further prompts of this mix."
    )
