"""The result of comparing models, and what it says in words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from riskshift import __version__
from riskshift.analysis.comparison import PairedDifference, by_metric
from riskshift.analysis.corrected_pairs import CorrectedComparison
from riskshift.analysis.coverage import Coverage
from riskshift.analysis.interaction import Interaction
from riskshift.analysis.omnibus import Omnibus
from riskshift.analysis.ordinal import OrdinalDifference
from riskshift.analysis.rates import Rate, Settings
from riskshift.analysis.result import SCHEMA_VERSION, Provenance
from riskshift.analysis.standardizing import StandardizedRate
from riskshift.analysis.words import enumerate_words, p_value, percent, points_with_range
from riskshift.taxonomy import Taxonomy

FEW_PAIRS = 3


@dataclass(frozen=True, slots=True)
class Comparison:
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
    coverage : Coverage
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
    summary, notes : tuple of str
        The main findings, and what cannot be said, in plain words.
    corrected : CorrectedComparison or None
        The same differences corrected by people's labels; None without them.
    """

    taxonomy: Taxonomy
    settings: Settings
    models: tuple[str, ...]
    baseline: str | None
    margin: float
    coverage: Coverage
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

    def difference(
        self, metric: str, candidate: str, baseline: str | None = None
    ) -> PairedDifference:
        """Return one difference, by metric and models.

        Raises
        ------
        KeyError
            If it was not estimated.
        """
        for item in self.differences:
            if (
                item.metric == metric
                and item.candidate == candidate
                and baseline in (None, item.baseline)
            ):
                return item
        raise KeyError(
            f"no difference of {metric} between {candidate} and {baseline or 'another model'}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {
            "schema_version": SCHEMA_VERSION,
            "riskshift_version": __version__,
            **self.provenance.to_dict(),
            "seed": self.settings.seed,
            "confidence": self.settings.confidence,
            "taxonomy": self.taxonomy.to_dict(),
            "summary": list(self.summary),
            "notes": list(self.notes),
            "comparison": {
                "models": list(self.models),
                "baseline": self.baseline,
                "margin": self.margin,
                "coverage": self.coverage.to_dict(),
                "rates": {
                    metric: {model: rate.to_dict() for model, rate in rates.items()}
                    for metric, rates in self.rates.items()
                },
                "differences": [item.to_dict() for item in self.differences],
                "corrected": self.corrected.to_dict() if self.corrected else None,
                "omnibus": [item.to_dict() for item in self.omnibus],
                "ordinal": [item.to_dict() for item in self.ordinal],
                "mix": self.mix,
                "standardized": [item.to_dict() for item in self.standardized],
                "interaction": None if self.interaction is None else self.interaction.to_dict(),
            },
            "verdicts": [
                {"metric": d.metric, "baseline": d.baseline, "candidate": d.candidate}
                | d.verdict.to_dict()
                | {"sentence": verdict_sentence(d)}
                for d in self.differences
                if d.verdict is not None
            ],
        }

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield every difference as one flat row."""
        for item in self.differences:
            row = item.to_dict()
            for side in ("baseline_rate", "candidate_rate"):
                row[side] = row[side]["estimate"]
            row["verdict"] = "" if item.verdict is None else item.verdict.word
            yield row

    def __str__(self) -> str:
        sentences = [verdict_sentence(d) for d in self.differences if d.verdict is not None]
        return "\n".join([*self.summary, "", *sentences])


def allowance(margin: float) -> str:
    """Write a margin in percentage points.

    Examples
    --------
    >>> allowance(0.01), allowance(0.025)
    ('1 point', '2.5 points')
    """
    return f"{100 * margin:g} point{'' if margin == 0.01 else 's'}"


def verdict_sentence(item: PairedDifference) -> str:
    """Say one verdict as a release manager reads it.

    Returns
    -------
    str
        Empty where there is no verdict.
    """
    verdict, interval = item.verdict, item.interval
    if verdict is None or interval is None:
        return ""
    seen = (
        f"{percent(item.candidate_rate.estimate)} against {percent(item.baseline_rate.estimate)}, difference "
        f"{points_with_range(item.difference, interval)}"
    )
    allowed = allowance(verdict.margin)
    said = {
        "better": f"{item.candidate} is better than {item.baseline} on {item.metric}: {seen}.",
        "not_worse": f"{item.candidate} is not worse than {item.baseline} by more than {allowed} on {item.metric}"
        + (", though it is worse" if verdict.higher else "")
        + f": {seen}.",
        "worse": f"{item.candidate} is worse than {item.baseline} by more than {allowed} on {item.metric}: {seen}.",
        "inconclusive": f"Whether {item.candidate} is worse than {item.baseline} by more than {allowed} on "
        f"{item.metric} is not settled: {seen}. {_needed(verdict.further_prompts)}",
    }
    return said[verdict.word]


def _needed(prompts: int | None) -> str:
    if prompts is None:
        return "At the rates seen, no number of prompts up to ten million would settle it."
    return f"About {prompts:,} further matched prompts would settle it at the rates seen."


def headline(
    models: Sequence[str],
    baseline: str | None,
    coverage: Coverage,
    differences: Sequence[PairedDifference],
    omnibus: Sequence[Omnibus],
) -> list[str]:
    """Say the main findings of a comparison in a few sentences."""
    sentences = [
        f"{len(models)} models are compared on the prompts they share: {coverage.shared:,} of "
        f"{coverage.prompts:,} prompts were answered by all."
    ]
    pairs = list(dict.fromkeys((d.baseline, d.candidate) for d in differences))
    if len(pairs) <= FEW_PAIRS:
        sentences += [
            _tally([d for d in differences if (d.baseline, d.candidate) == pair]) for pair in pairs
        ]
    elif baseline is not None:
        sentences += [
            _ranked(metric, family) for metric, family in list(by_metric(differences))[:2]
        ]
    sentences += [_told_apart(item) for item in omnibus[:2] if item.letters]
    return [sentence for sentence in sentences if sentence]


def _tally(differences: Sequence[PairedDifference]) -> str:
    words = {
        "better": "better",
        "not_worse": "not worse",
        "worse": "worse",
        "inconclusive": "not settled",
    }
    parts = []
    for word, said in words.items():
        metrics = [
            d.metric for d in differences if d.verdict is not None and d.verdict.word == word
        ]
        if metrics:
            parts.append(f"{said} on {enumerate_words(metrics)}")
    first = differences[0]
    margin = next((d.verdict.margin for d in differences if d.verdict is not None), None)
    if margin is None:
        return ""
    return f"{first.candidate} against {first.baseline}, at a margin of {allowance(margin)}: {'; '.join(parts)}."


def _ranked(metric: str, family: Sequence[PairedDifference]) -> str:
    worse = [d.candidate for d in family if d.verdict is not None and d.verdict.word == "worse"]
    better = [d.candidate for d in family if d.verdict is not None and d.verdict.word == "better"]
    if not worse and not better:
        return f"On {metric}, no candidate is surely better or worse than {family[0].baseline}."
    parts = ([f"better: {enumerate_words(better)}"] if better else []) + (
        [f"worse: {enumerate_words(worse)}"] if worse else []
    )
    return f"On {metric}, against {family[0].baseline}: {'; '.join(parts)}."


def _told_apart(item: Omnibus) -> str:
    shared: dict[str, list[str]] = {}
    for model, letters in item.letters.items():
        for letter in letters.split(",") if "," in letters else letters:
            shared.setdefault(letter, []).append(model)
    ties = [enumerate_words(models) for models in shared.values() if len(models) > 1]
    p = (
        ""
        if item.cochran_q is None or item.cochran_q.p is None
        else f" (Cochran's Q, p {p_value(item.cochran_q.p)})"
    )
    if not ties:
        return f"On {item.metric}, every model can be told from every other{p}."
    return f"On {item.metric}, these cannot be told apart: {'; '.join(ties)}{p}."


def caveats(
    coverage: Coverage, differences: Sequence[PairedDifference], *, standardized: bool
) -> list[str]:
    """Say what a comparison does not tell."""
    notes = [
        "The labels are taken as they are. A grader that treats the models differently moves the differences, and the "
        "intervals do not include that.",
        "The intervals speak of prompts like these, chosen as these were.",
    ]
    lacking = {model: n for model, n in coverage.lacking.items() if n}
    if lacking:
        told = "; ".join(
            f"{model} lacks {n:,}"
            + (
                f" ({', '.join(coverage.examples[model])}, ...)"
                if coverage.examples.get(model)
                else ""
            )
            for model, n in lacking.items()
        )
        notes.append(
            f"Prompts that not every model answered are left out of their differences: {told}."
            + ("" if standardized else " Rates on a common mix of prompts: --standardize pooled.")
        )
    if any(d.prompts and _uneven(d) for d in differences):
        notes.append(
            "Models gave different numbers of responses to some prompts. A difference is taken prompt by prompt, and "
            "is not the difference of the two rates beside it, which weigh every response the same."
        )
    small = [d.metric for d in differences if 0 < d.prompts < 30]
    if small:
        notes.append(f"Fewer than 30 shared prompts: {enumerate_words(sorted(set(small)))}.")
    if any(d.p is not None and d.interval is not None and _disagree(d) for d in differences):
        notes.append(
            "The exact test is stricter than the interval: where an interval just leaves out zero, p can still be "
            "above the level."
        )
    return notes


def _uneven(item: PairedDifference) -> bool:
    pairs = item.both + item.candidate_only + item.baseline_only + item.neither
    return max(item.baseline_rate.trials, item.candidate_rate.trials) > round(pairs)


def _disagree(item: PairedDifference) -> bool:
    if item.interval is None or item.p is None:
        return False
    outside = item.interval.low > 0 or item.interval.high < 0
    return outside and item.p > 1 - item.interval.confidence
