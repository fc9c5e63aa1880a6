"""How far the labels can be trusted: corrected rates, or how wrong they would have to be."""

from collections.abc import Sequence

from riskshift.analysis.corrected_pairs import CorrectedComparison, CorrectedDifference
from riskshift.analysis.correcting import CorrectedRate, Correction, Share
from riskshift.analysis.tipping import Tipping
from riskshift.analysis.words import percent
from riskshift.report.document import Block, Bullets, Figure, Paragraph, Section, Table

DRAWN = (
    "escalation",
    "response_harm",
    "harmful_prompt_compliance",
    "benign_drift",
    "persistence",
    "drift_rate",
)
SERIES = ("raw", "people alone", "corrected")


def corrected_section(correction: Correction) -> Section:
    """Show raw, people's and corrected rates side by side."""
    sample = correction.sample
    blocks: list[Block] = [
        Paragraph(
            f"People labelled {sample.labelled:,} of the {sample.pairs:,} pairs. Where the raw rate and the "
            "corrected one differ, the grader is biased; trust the corrected one, if the sample was drawn as below."
        ),
        _figure(correction.rates),
        _strata_table(correction) if sample.stratified_by else _random_table(correction),
        Bullets(sample.notes),
    ]
    return Section("Corrected by people's labels", "corrected", tuple(blocks), brief=True)


def _random_table(correction: Correction) -> Table:
    told = (
        "Raw: the grader's labels on all pairs. People alone: only the pairs they labelled. Corrected: both together "
        "(prediction-powered inference). Gain: how many times more of people's labels it would take to be as sure "
        "without the grader. Another way: Rogan and Gladen's correction by error rates, where it applies."
    )
    rows = tuple(
        (
            item.metric,
            _told(item.raw),
            _told(item.people),
            _told(item.corrected),
            _gain(item),
            _told(item.rogan_gladen),
            item.note,
        )
        for item in correction.rates
    )
    return Table(
        "Rates by the grader, by people, and corrected",
        ("Metric", "Raw", "People alone", "Corrected", "Gain", "Another way", "Note"),
        rows,
        notes=(told,),
        essential=(0, 1, 3),
    )


def _strata_table(correction: Correction) -> Table:
    told = (
        "Raw: the grader's labels on all pairs. Corrected: people's labels, weighed by the strata that they were "
        "drawn from. Gain: how many times more of people's labels a plain random sample would have needed without "
        "the grader; below 1 the strata made the rate less sure."
    )
    rows = tuple(
        (item.metric, _told(item.raw), _told(item.corrected), _gain(item), item.note)
        for item in correction.rates
    )
    return Table(
        "Rates by the grader, and corrected",
        ("Metric", "Raw", "Corrected", "Gain", "Note"),
        rows,
        notes=(told,),
        essential=(0, 1, 2),
    )


def _gain(item: CorrectedRate) -> str:
    return "" if item.gain is None else f"{item.gain:.2f}"


def _told(share: Share) -> str:
    if share.estimate is None:
        return ""
    if share.interval is None:
        return percent(share.estimate)
    return f"{percent(share.estimate)} ({percent(share.interval.low)} to {percent(share.interval.high)})"


def _figure(rates: Sequence[CorrectedRate]) -> Figure:
    rows: list[dict[str, str | float | int]] = []
    shown = [
        item for item in rates if item.metric.partition("[")[0] in DRAWN and item.corrected.interval
    ]
    for item in shown:
        for series, share in zip(SERIES, (item.raw, item.people, item.corrected), strict=True):
            if share.interval is not None and share.estimate is not None:
                rows.append(
                    {
                        "label": item.metric,
                        "series": series,
                        "estimate": share.estimate,
                        "low": share.interval.low,
                        "high": share.interval.high,
                    }
                )
    held = [series for series in SERIES if any(row["series"] == series for row in rows)]
    told = "; ".join(
        f"{item.metric}: raw {percent(item.raw.estimate)}, corrected {percent(item.corrected.estimate)}"
        for item in shown
    )
    return Figure(
        "corrected-rates",
        "intervals",
        "Raw and corrected rates" if len(held) == 2 else "Raw, people's and corrected rates",
        f"Dots with intervals. {told}.",
        tuple(rows),
        tuple(item.metric for item in shown),
        tuple(held),
    )


def tipping_section(tipping: Sequence[Tipping]) -> Section:
    """Show how wrong the grader would have to be for each finding to vanish."""
    sensitivities = list(tipping[0].specificity)
    rows = tuple(
        (
            item.metric,
            percent(item.estimate),
            *("none" if sp is None else percent(sp) for sp in item.specificity.values()),
        )
        for item in tipping
    )
    return Section(
        "How wrong the labels would have to be",
        "tipping",
        (
            Paragraph(
                "Nothing here says how good the labels are. If a grader made them, its false alarms alone could make a "
                "rate: the table gives the specificity at or below which the true rate could be zero. Rare findings "
                "vanish first. Have people label a random sample of the pairs, and give it with --people."
            ),
            Table(
                "Specificity at which a finding could be false alarms alone",
                (
                    "Finding",
                    "Rate",
                    *(f"sensitivity {percent(se, digits=0)}" for se in sensitivities),
                ),
                rows,
                notes=(
                    "The grader is judged on the pair's event. none: the rate is not explained at this sensitivity.",
                ),
            ),
        ),
    )


def corrected_differences_section(corrected: CorrectedComparison) -> Section:
    """Show differences between models, corrected by people's labels."""
    rows = tuple(
        (
            item.metric,
            item.candidate,
            item.baseline,
            " and ".join(f"{n:,}" for n in reversed(item.labelled)),
            _told(item.candidate_rate),
            _told(item.baseline_rate),
            _difference(item),
            _verdict(item),
            item.note,
        )
        for item in corrected.differences
    )
    text = (
        "A grader that treats the models differently moves their difference. These are corrected by people's labels, "
        "on the prompts that both models answered. Where a verdict here differs from the one above, this one holds, "
        "if the sample was drawn as below."
    )
    columns = (
        "Metric",
        "Candidate",
        "Baseline",
        "Labels by people",
        "Candidate's rate",
        "Baseline's rate",
        "Difference",
        "Verdict",
        "Note",
    )
    table = Table("Corrected differences", columns, rows, text_columns=3, essential=(0, 1, 2, 6, 7))
    blocks = (Paragraph(text), table, Bullets(corrected.sample.notes))
    return Section("Corrected by people's labels", "corrected", blocks, brief=True)


def _verdict(item: CorrectedDifference) -> str:
    if item.verdict is None:
        return ""
    word = item.verdict.word.replace("_", " ")
    if item.verdict.word != "inconclusive":
        return word
    if item.further is None:
        return f"{word}; even labels for all pairs may not settle it"
    return f"{word}; about {item.further:,} further labels might settle it"


def _difference(item: CorrectedDifference) -> str:
    if item.difference is None or item.interval is None:
        return "undefined"
    low, high = item.interval.low, item.interval.high
    return f"{100 * item.difference:+.1f} points ({100 * low:+.1f} to {100 * high:+.1f})"
