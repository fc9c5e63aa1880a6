"""Which models no other surely beats: the first sentences of a comparison of three or more."""

from collections.abc import Mapping, Sequence

from riskshift.analysis.comparison.differences import PairedDifference
from riskshift.analysis.comparison.joint.directions import Direction, Key, TwoDirections
from riskshift.analysis.rates import Rate
from riskshift.analysis.verdicts import Verdict
from riskshift.analysis.words import enumerate_words, percent, percent_range, spoken

Rates = Mapping[str, Mapping[str, Rate]]


def unbeaten(
    models: Sequence[str],
    differences: Sequence[PairedDifference],
    metrics: Sequence[str],
    corrected: Mapping[Key, Verdict] | None = None,
) -> tuple[str, ...] | None:
    """Return the models that no other is surely better than on any of some metrics.

    Parameters
    ----------
    models : sequence of str
        The models, of which every two were compared.
    differences : sequence of PairedDifference
        Among them those of the metrics.
    metrics : sequence of str
        By which to judge.
    corrected : mapping, optional
        Verdicts corrected by people's labels, by metric, baseline and candidate; they replace the
        others.

    Returns
    -------
    tuple of str or None
        In the order of `models`; two of them are never told apart on any of the metrics. None where
        that cannot be said: two of the models share no prompt of the kind that a metric takes.
    """
    beaten = set[str]()
    for item in differences:
        if item.metric not in metrics:
            continue
        verdict = (corrected or {}).get((item.metric, item.baseline, item.candidate), item.verdict)
        if verdict is None:
            return None
        if verdict.word == "better":
            beaten.add(item.baseline)
        if verdict.higher:
            beaten.add(item.candidate)
    return tuple(model for model in models if model not in beaten)


def safest_sentences(
    models: Sequence[str],
    differences: Sequence[PairedDifference],
    harm: Direction,
    helpful: Direction,
    rates: Rates,
    corrected: Mapping[Key, Verdict] | None = None,
    *,
    together: Sequence[TwoDirections] = (),
) -> list[str]:
    """Say which models are safest, what that costs on harmless prompts, and what both come to.

    Parameters
    ----------
    models, differences, corrected
        As in `unbeaten`.
    harm, helpful : Direction
        By what either direction is judged; what is undefined there is left out.
    rates : mapping
        By metric and model, for what is told beside the names.
    together : sequence of TwoDirections
        Verdicts on harm and help together: they may tell the safest apart.

    Returns
    -------
    list of str
        Empty where nothing can be said of harm.
    """
    bad = [name for name in harm.metrics if name not in harm.undefined]
    best = unbeaten(models, differences, bad, corrected) if bad else None
    if best is None:
        return []
    raw = "" if not corrected else " by the grader's labels"
    first, on = rates[bad[0]], enumerate_words([spoken(name) for name in bad], last="or")
    ordered = _ordered(best, first, differences, bad[0])
    others = [model for model in models if model not in best]
    if not best:
        said = f"No model is safest: each is surely worse than another on {on}."
    elif not others:
        said = (
            f"No model is surely safer than another on {on}: {_range(first, models, bad[0])}{raw}."
        )
    else:
        apart = ", and they cannot be told apart" if len(best) > 1 else ""
        seen = f"{spoken(bad[0])} {_listed(first, ordered)}, of the others {_range(first, others)}"
        said = (
            f"Safest: {enumerate_words(ordered)}. No other model is surely better on {on}{apart} "
            f"({seen}{raw})."
        )
    price = _price(models, ordered, differences, helpful, rates, corrected, raw)
    return [said, price, *_told_apart(ordered, together)]


def _told_apart(safest: Sequence[str], together: Sequence[TwoDirections]) -> list[str]:
    """Say which of the safest are worse than others of them, harm and help together."""
    below: dict[str, list[str]] = {}
    for item in together:
        if item.baseline in safest and item.candidate in safest:
            pair = {
                "worse": (item.candidate, item.baseline),
                "better": (item.baseline, item.candidate),
            }
            lesser, other = pair.get(item.verdict or "", ("", ""))
            if lesser:
                below.setdefault(lesser, []).append(other)
    told = [
        f"{model} is worse than {enumerate_words(others)}"
        for model in safest
        if (others := below.get(model))
    ]
    return [f"Harm and help together, {enumerate_words(told)}."] if told else []


def _price(
    models: Sequence[str],
    safest: Sequence[str],
    differences: Sequence[PairedDifference],
    helpful: Direction,
    rates: Rates,
    corrected: Mapping[Key, Verdict] | None,
    raw: str,
) -> str:
    """Say which models serve harmless prompts best, and how the safest do there."""
    good = [name for name in helpful.metrics if name not in helpful.undefined]
    best = unbeaten(models, differences, good, corrected) if good else None
    if best is None:
        return "What the models do to harmless prompts cannot be said: nothing in the data tells it of all of them."
    first, on = rates[good[0]], enumerate_words([spoken(name) for name in good], last="or")
    start = f"On harmless prompts ({on})"
    if not best:
        return f"{start} each model is surely worse than another."
    if len(best) == len(models):
        return f"{start} no model is surely better than another: {_range(first, models)}{raw}."
    ordered = _ordered(best, first, differences, good[0])
    apart = ", which cannot be told apart" if len(best) > 1 else ""
    said = f"{start} best: {enumerate_words(ordered)} ({_listed(first, ordered)}{raw}){apart}"
    lesser = [model for model in safest if model not in best]
    if safest and not lesser:
        return f"{said}; the safest are among them."
    cost = enumerate_words([f"{model} {percent(first[model].estimate)}" for model in lesser])
    return f"{said}; of the safest, {cost}." if lesser else f"{said}."


def _ordered(
    models: Sequence[str],
    rates: Mapping[str, Rate],
    differences: Sequence[PairedDifference],
    metric: str,
) -> list[str]:
    """Put the best rate first."""
    wanted = any(d.metric == metric and d.verdict and not d.verdict.bad for d in differences)
    sign = -1 if wanted else 1
    return sorted(models, key=lambda model: (sign * (rates[model].estimate or 0.0), model))


def _listed(rates: Mapping[str, Rate], models: Sequence[str]) -> str:
    return enumerate_words([percent(rates[model].estimate) for model in models])


def _range(rates: Mapping[str, Rate], models: Sequence[str], metric: str = "") -> str:
    shares = [rates[m].estimate for m in models]
    known = sorted(share for share in shares if share is not None)
    told = f"{spoken(metric)} " if metric else ""
    if not known:
        return f"{told}undefined"
    if percent(known[0]) == percent(known[-1]):
        return f"{told}{percent(known[0])}"
    return f"{told}{percent_range(known[0], known[-1])}"
