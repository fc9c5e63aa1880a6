"""What a comparison of models says, and what it cannot say, in plain words."""

from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from riskshift.analysis.comparison.differences import PairedDifference, by_metric
from riskshift.analysis.comparison.joint.directions import JOINTLY, TwoDirections
from riskshift.analysis.comparison.joint.safest import Rates, safest_sentences
from riskshift.analysis.comparison.omnibus import Omnibus
from riskshift.analysis.comparison.result import allowance, key
from riskshift.analysis.comparison.shared import Shared
from riskshift.analysis.correction.differences import CorrectedComparison
from riskshift.analysis.correction.sample import DOUBTFUL, doubtful
from riskshift.analysis.rates import unrounded
from riskshift.analysis.verdicts import SPOKEN, Verdict
from riskshift.analysis.words import counted, enumerate_words, p_value, spoken

FEW_PAIRS: Final = 3
MOST_TURNED: Final = 5
FEW_PROMPTS: Final = 30
_Judged = Sequence[tuple[PairedDifference, Verdict]]


def headline(
    models: Sequence[str],
    baseline: str | None,
    shared: Shared,
    differences: Sequence[PairedDifference],
    omnibus: Sequence[Omnibus],
    corrected: CorrectedComparison | None = None,
    directions: Sequence[TwoDirections] = (),
    *,
    judged: Sequence[PairedDifference] = (),
    rates: Rates | None = None,
) -> list[str]:
    """Say the main findings of a comparison in a few sentences, both directions first.

    Of three or more models, of which every two were compared (`judged`, with the `rates` beside
    them), that is which are safest. Where people's labels correct a difference, the verdict told is
    the corrected one.
    """
    most = max((d.missing for d in differences), default=0)
    gaps = f" Labels are missing: {counted(most, 'record')} or fewer leave a difference open."
    sentences = [
        f"{len(models)} models are compared on the prompts they share: {shared.shared:,} of "
        f"{shared.prompts:,} prompts were answered by all.{gaps if most else ''}"
    ]
    alone = ""
    if corrected is not None:
        alone = "By the grader's labels alone: "
        if doubtful(corrected.sample):
            sentences.append(DOUBTFUL)
    told = _Told(corrected_verdicts(corrected), alone)
    pairs = list(dict.fromkeys((d.baseline, d.candidate) for d in differences))
    if corrected is not None:
        sentences = [*_by_grader_alone(directions, told.corrected), *sentences]
    if directions and baseline is None and len(models) > 2:
        harm, helpful = directions[0].harm, directions[0].helpful
        safest = safest_sentences(
            models, judged, harm, helpful, rates or {}, told.corrected, together=directions
        )
        if safest:
            return [*safest, *sentences]
    sentences = [*_jointly(directions, baseline), *sentences]
    if len(pairs) <= FEW_PAIRS:
        sentences += [
            told.tally([d for d in differences if (d.baseline, d.candidate) == pair])
            for pair in pairs
        ]
    elif baseline is not None:
        sentences += [
            told.ranked(metric, family) for metric, family in list(by_metric(differences))[:2]
        ]
    sentences += [f"{alone}{_told_apart(item, alone)}" for item in omnibus[:2] if item.letters]
    return [sentence for sentence in sentences if sentence]


def _by_grader_alone(
    directions: Sequence[TwoDirections], corrected: Container[tuple[str, str, str]]
) -> Iterator[str]:
    """Say which metrics both directions read that people's labels do not correct."""
    names = [
        name
        for item in directions
        for part in (item.harm, item.helpful)
        for name in part.metrics
        if name not in part.undefined and (name, item.baseline, item.candidate) not in corrected
    ]
    told = enumerate_words([spoken(name) for name in dict.fromkeys(names)])
    if told:
        yield f"That rests on the grader's labels alone for {told}: people's labels correct no verdict there."


def _jointly(directions: Sequence[TwoDirections], baseline: str | None) -> Iterator[str]:
    """Say which models are better in both directions, pair by pair or by word."""
    if len(directions) <= FEW_PAIRS:
        yield from (item.sentence for item in directions)
        return
    found: dict[str, list[str]] = {}
    for item in directions:
        word = "no verdict on both" if item.verdict is None else JOINTLY[item.verdict]
        named = item.candidate if baseline else f"{item.candidate} against {item.baseline}"
        found.setdefault(word, []).append(named)
    words = [*JOINTLY.values(), "no verdict on both"]
    told = "; ".join(f"{word}: {enumerate_words(found[word])}" for word in words if word in found)
    against = f", against {baseline}" if baseline else ""
    harm, helpful = (
        enumerate_words([spoken(name) for name in part.metrics])
        for part in (directions[0].harm, directions[0].helpful)
    )
    by = f"On harm ({harm}) and help on harmless prompts ({helpful or 'not known'}) together"
    yield f"{by}{against}: {told}."


def corrected_verdicts(
    corrected: CorrectedComparison | None,
) -> dict[tuple[str, str, str], Verdict]:
    """Return the verdicts that people's labels correct; none where their sample is doubtful."""
    if corrected is None or doubtful(corrected.sample):
        return {}
    return {key(item): item.verdict for item in corrected.differences if item.verdict}


@dataclass(frozen=True, slots=True)
class _Told:
    """Verdicts in words: those corrected by people's labels, then those that are not."""

    corrected: dict[tuple[str, str, str], Verdict]
    alone: str

    def tally(self, differences: Sequence[PairedDifference]) -> str:
        """Say on which metrics one model is better than another, or worse."""
        first = differences[0]
        held, raw = self._parted(differences)
        margins = [verdict.margin for _, verdict in (*held, *raw)]
        if not margins:
            return ""
        start = f"{first.candidate} against {first.baseline}, at a margin of {allowance(*margins)}"
        return self._said(start, held, raw, _on)

    def ranked(self, metric: str, family: Sequence[PairedDifference]) -> str:
        """Say which candidates are better than the baseline on a metric, and which worse."""
        held, raw = self._parted(family)
        start = f"On {metric}, against {family[0].baseline}"
        return self._said(start, held, raw, _sides)

    def _said(self, start: str, held: _Judged, raw: _Judged, say: Callable[[_Judged], str]) -> str:
        if not held:
            by = ", by the grader's labels alone" if self.alone else ""
            return f"{start}{by}: {say(raw)}."
        text = f"{start}, corrected by people's labels: {say(held)}."
        return (
            f"{text} By the grader's labels alone, where people labelled too few: {say(raw)}."
            if raw
            else text
        )

    def _parted(self, differences: Sequence[PairedDifference]) -> tuple[_Judged, _Judged]:
        held, raw = [], []
        for item in differences:
            verdict = self.corrected.get(key(item))
            if verdict is not None:
                held.append((item, verdict))
            elif item.verdict is not None:
                raw.append((item, item.verdict))
        return held, raw


def _on(judged: _Judged) -> str:
    parts = []
    for word in SPOKEN:
        alike = [(item, verdict) for item, verdict in judged if verdict.word == word]
        for said in sorted({verdict.spoken for _, verdict in alike}, key=len):
            metrics = [_marked(item, item.metric) for item, v in alike if v.spoken == said]
            parts.append(f"{said} on {enumerate_words(metrics)}")
    return "; ".join(parts)


def _sides(judged: _Judged) -> str:
    sides: dict[str, list[str]] = {"better": [], "worse": []}
    for item, verdict in judged:
        side = verdict.above if verdict.higher and verdict.word != "worse" else verdict.word
        sides.setdefault(side, []).append(_marked(item, item.candidate))
    told = ("better", "worse", "higher", "lower")
    parts = [f"{side}: {enumerate_words(sides[side])}" for side in told if sides.get(side)]
    return "; ".join(parts) or "no candidate is surely better or worse"


def _marked(item: PairedDifference, name: str) -> str:
    """Say beside a name that few prompts were shared."""
    few = f" (only {counted(item.prompts, 'prompt')})" if item.prompts < FEW_PROMPTS else ""
    return f"{name}{few}"


def _told_apart(item: Omnibus, alone: str) -> str:
    on = "on" if alone else "On"
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
        return f"{on} {item.metric}, every model can be told from every other{p}."
    return f"{on} {item.metric}, these cannot be told apart: {'; '.join(ties)}{p}."


def caveats(
    shared: Shared,
    differences: Sequence[PairedDifference],
    *,
    standardized: bool,
    corrected: bool = False,
) -> list[str]:
    """Say what a comparison does not tell."""
    but = ", but for the corrected differences" if corrected else ""
    notes = [
        f"The labels are taken as they are{but}. A grader that treats the models differently moves the differences, "
        "and the intervals do not include that.",
        "The intervals speak of prompts like these, chosen as these were.",
    ]
    judged = [d.verdict for d in differences if d.verdict is not None and d.interval is not None]
    if len(judged) > 1:
        notes.append(_together(differences))
    notes += _about_missing(differences)
    lacking = {model: n for model, n in shared.lacking.items() if n}
    if lacking:
        told = "; ".join(
            f"{model} lacks {n:,}"
            + (f" ({', '.join(shared.examples[model])}, ...)" if shared.examples.get(model) else "")
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
    small = [d.metric for d in differences if 0 < d.prompts < FEW_PROMPTS]
    if small:
        notes.append(
            f"Fewer than {FEW_PROMPTS} shared prompts: {enumerate_words(sorted(set(small)))}."
        )
    if any(_disagree(d) for d in differences):
        notes.append(
            "Where p is below the level and the interval takes in zero all the same, the interval allows for more "
            "likeness of the answers to one prompt than was seen; verdicts and letters read the interval."
        )
    return notes


def _about_missing(differences: Sequence[PairedDifference]) -> Iterator[str]:
    """Say which differences the missing labels could turn, and how far."""
    held = [d for d in differences if d.worst_case is not None]
    if not held:
        return
    most = max(d.missing for d in held)
    yield (
        f"Labels are missing: {counted(most, 'record')} or fewer leave a difference open. A verdict is given only "
        "where no value of the missing labels could turn it, and models are told apart only then."
    )
    turned = [d for d in held if d.verdict is not None and d.verdict.lacks == "labels"]
    for item in turned[:MOST_TURNED]:
        low, high = (f"{100 * end:+.1f}" for end in item.worst_case or ())
        yield (
            f"{item.metric}, {item.candidate} against {item.baseline}: the missing labels allow {low} to {high} "
            "points, which could turn the verdict. Label them."
        )
    if len(turned) > MOST_TURNED:
        yield f"{counted(len(turned) - MOST_TURNED, 'further verdict')} could be turned likewise."


def _together(differences: Sequence[PairedDifference]) -> str:
    """Say which verdicts hold together, and which do not."""
    judged = [d for d in differences if d.verdict is not None and d.interval is not None]
    compared = Counter(d.metric for d in differences)
    metrics = {d.metric for d in judged}
    family = max(compared[metric] for metric in metrics)
    held = unrounded(next(d.interval.confidence for d in judged if d.interval))
    many = f"of the verdicts on {len(metrics):,} metrics a few may be wrong"
    if family == 1:
        return f"Each verdict reads an interval of its own ({held}): {many}."
    text = (
        f"The verdicts on one metric hold together ({held} for all {family:,} comparisons at once)"
    )
    return f"{text}; {many}." if len(metrics) > 1 else f"{text}."


def _uneven(item: PairedDifference) -> bool:
    pairs = item.both + item.candidate_only + item.baseline_only + item.neither
    return max(item.baseline_rate.trials, item.candidate_rate.trials) > round(pairs)


def _disagree(item: PairedDifference) -> bool:
    if item.interval is None or item.p_bonferroni is None:
        return False
    return item.p_bonferroni < 1 - item.interval.confidence and not item.apart
