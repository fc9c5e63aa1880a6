"""How far the labels can be trusted: corrected rates, or how wrong they would have to be."""

from collections.abc import Iterator, Sequence
from typing import Final

from riskshift.analysis.correction.differences import CorrectedComparison, CorrectedDifference
from riskshift.analysis.correction.rates import CorrectedRate, Correction, Share
from riskshift.analysis.correction.sample import FEW_LABELS, NO_PAIR, UNTOLD
from riskshift.analysis.correction.tipping import Tipping
from riskshift.analysis.words import counted, percent, percent_range, points, points_range
from riskshift.report.document import Block, Bullets, Figure, Paragraph, Section, Table
from riskshift.report.stories.rates import dot, interval_figure
from riskshift.report.tables import Column, table

DRAWN = (
    "escalation",
    "response_harm",
    "harmful_prompt_compliance",
    "benign_drift",
    "persistence",
    "drift_rate",
    "harmful_refusal",
    "over_refusal",
)
A_FEW = 10
FEW = f"* Fewer than {FEW_LABELS} of people's labels count for this rate: too few to rely on."
NOBODY = "no label counts"
UNCORRECTED = "not corrected"
UNKNOWN = "cannot be known"
# How many of the findings that vanish first are named.
SHOWN_RAREST = 3
SERIES = ("raw", "corrected", "people alone")
_UNDEFINED = {NO_PAIR: NOBODY, **dict.fromkeys(UNTOLD.values(), UNCORRECTED)}


def corrected_section(correction: Correction) -> Section:
    """Show raw, people's and corrected rates side by side."""
    sample = correction.sample
    blocks: list[Block] = [
        Paragraph(
            f"People labelled {sample.labelled:,} of the {counted(sample.pairs, 'pair')}. Trust the corrected rates, "
            "if the sample was drawn as below. The raw rate and the corrected one nearly always differ a little by "
            "chance; only where their intervals lie clearly apart does it show that the grader is biased."
        ),
        *_figure(correction.rates),
        _strata_table(correction) if sample.stratified_by else _random_table(correction),
    ]
    bounded = [item for item in correction.rates if item.corrected.worst_case is not None]
    if bounded:
        blocks.append(_bounds_table(bounded))
    another = [item for item in correction.rates if item.rogan_gladen.estimate is not None]
    if another:
        blocks.append(_another_way(another))
    return Section(
        "Corrected by people's labels", "corrected", (*blocks, Bullets(sample.notes)), brief=True
    )


def _random_table(correction: Correction) -> Table:
    told = (
        "Raw: the grader's labels on all pairs. Corrected: these and people's together (prediction-powered "
        "inference)."
    )
    return table(
        "Raw and corrected rates",
        correction.rates,
        (
            _METRIC,
            _RAW,
            Column(
                "People alone",
                lambda item: _told(item.people),
                essential=False,
                legend="People alone: only the pairs that they labelled.",
            ),
            _CORRECTED,
            Column(
                "Gain",
                _gain,
                essential=False,
                legend="Gain: how many times more of people's labels it would take to be as sure without the grader.",
            ),
        ),
        notes=(told, *_marks(correction.rates)),
    )


def _strata_table(correction: Correction) -> Table:
    told = (
        "Raw: the grader's labels on all pairs. Corrected: people's labels, weighed by the strata that they were "
        "drawn from."
    )
    return table(
        "Raw and corrected rates",
        correction.rates,
        (
            _METRIC,
            _RAW,
            _CORRECTED,
            Column(
                "Gain",
                _gain,
                essential=False,
                legend="Gain: how many times more of people's labels a plain random sample would have needed without "
                "the grader; below 1 the strata made the rate less sure.",
            ),
        ),
        notes=(told, *_marks(correction.rates)),
    )


def _bounds_table(rates: Sequence[CorrectedRate]) -> Table:
    return table(
        "Where people's labels are missing",
        rates,
        (
            _METRIC,
            Column("Missing", lambda item: f"{item.corrected.missing:,}"),
            _CORRECTED,
            Column("At least", lambda item: _end(item, 0)),
            Column("At most", lambda item: _end(item, 1)),
        ),
        notes=(
            "Missing: pairs that people were to label and left blank in what the rate needs. At least and at most: the "
            "corrected rate if all of these were no events, and if all were.",
        ),
    )


def _another_way(rates: Sequence[CorrectedRate]) -> Table:
    return table(
        "Corrected another way",
        rates,
        (_METRIC, _CORRECTED, Column("By error rates", lambda item: _told(item.rogan_gladen))),
        notes=(
            "By error rates: Rogan and Gladen's correction, from the grader's sensitivity and specificity on the pairs "
            "that people labelled. Where the two differ much, the way of correcting matters.",
        ),
    )


def _marks(rates: Sequence[CorrectedRate]) -> tuple[str, ...]:
    """Explain what cells of corrected rates say in a few words."""
    notes = [FEW] if any(_few(item) for item in rates) else []
    lacking = [item.note for item in rates if item.corrected.estimate is None]
    if NO_PAIR in lacking:
        notes.append(f"{NOBODY}: {NO_PAIR} of this rate.")
    told = [note for note in dict.fromkeys(lacking) if note != NO_PAIR]
    notes += [f"{_UNDEFINED.get(note, UNKNOWN)}: {note}." for note in told]
    return tuple(notes)


def _few(item: CorrectedRate) -> bool:
    return bool(item.note) and item.corrected.estimate is not None


def _corrected(item: CorrectedRate) -> str:
    if item.corrected.estimate is None:
        return _UNDEFINED.get(item.note, UNKNOWN)
    return _told(item.corrected) + (" *" if _few(item) else "")


def _end(item: CorrectedRate, which: int) -> str:
    ends = item.corrected.worst_case
    return "undefined" if ends is None else percent(ends[which])


def _gain(item: CorrectedRate) -> str:
    if item.corrected.estimate is None:
        return "undefined"
    return "all known" if item.gain is None else f"{item.gain:.2f}"


def _told(share: Share) -> str:
    if share.interval is None:
        return percent(share.estimate)
    return f"{percent(share.estimate)} ({percent_range(share.interval.low, share.interval.high)})"


def _figure(rates: Sequence[CorrectedRate]) -> Iterator[Figure]:
    rows: list[dict[str, str | float | int]] = []
    shown = [
        item for item in rates if item.metric.partition("[")[0] in DRAWN and item.corrected.interval
    ]
    for item in shown:
        for series, share in zip(SERIES, (item.raw, item.corrected, item.people), strict=True):
            if share.interval is not None:
                rows.append(dot(item.metric, series, share))
    if not shown:
        return
    held = [series for series in SERIES if any(row["series"] == series for row in rows)]
    told = "; ".join(f"{item.metric}: {_in_words(item, held)}" for item in shown)
    yield interval_figure(
        "corrected-rates",
        "Raw and corrected rates" if len(held) == 2 else "Raw, people's and corrected rates",
        f"Dots with intervals. {told}.",
        rows,
        [item.metric for item in shown],
        held,
    )


def _in_words(item: CorrectedRate, held: Sequence[str]) -> str:
    shares = dict(zip(SERIES, (item.raw, item.corrected, item.people), strict=True))
    return ", ".join(f"{series} {percent(shares[series].estimate)}" for series in held)


_METRIC: Final = Column[CorrectedRate]("Metric", lambda item: item.metric, text=True)
_RAW: Final = Column[CorrectedRate]("Raw", lambda item: _told(item.raw))
_CORRECTED: Final = Column[CorrectedRate]("Corrected", _corrected)


def tipping_section(tipping: Sequence[Tipping]) -> Section:
    """Say how wrong the grader would have to be for a finding to vanish: one sentence for all."""
    known = [item for item in tipping if item.null_specificity is not None]
    rarest = sorted(known, key=lambda item: -(item.null_specificity or 0.0))[:SHOWN_RAREST]
    told = "; ".join(f"{item.metric} at {percent(item.null_specificity)}" for item in rarest)
    text = (
        "Nothing here says how good the labels are. If a grader made them, its false alarms alone could make a rate "
        "where its specificity, judged on the pair's event, is 100% minus the rate or lower"
        f"{f': {told}' if told else ''}. Rare findings vanish first. Have people label a random sample of the pairs, "
        "and give it with --people."
    )
    return Section("How wrong the labels would have to be", "tipping", (Paragraph(text),))


def corrected_differences_section(corrected: CorrectedComparison) -> Section:
    """Show differences between models, corrected by people's labels."""
    text = (
        "A grader that treats the models differently moves their difference. These are corrected by people's labels, "
        "on the prompts that both models answered. Where a verdict here differs from the one by the grader's labels "
        "alone, this one holds, if the sample was drawn as below."
    )
    shown = table(
        "Corrected differences",
        corrected.differences,
        (
            Column[CorrectedDifference]("Metric", lambda item: item.metric, text=True),
            Column("Compared", lambda item: f"{item.candidate} against {item.baseline}", text=True),
            Column(
                "Labels by people",
                lambda item: " and ".join(f"{n:,}" for n in reversed(item.labelled)),
                text=True,
                essential=False,
                legend="Labels by people: pairs that count, of the first and of the second.",
            ),
            Column("Difference", _difference, text=True),
            Column("Verdict", _verdict, text=True),
            Column(
                "Further labels",
                _further,
                essential=False,
                legend="Further labels: roughly how many more of people's labels might settle it, over both; more than "
                "all: even labels of all pairs may not.",
            ),
        ),
        notes=(
            "Difference: in percentage points, the first minus the second.",
            *_reasons(corrected.differences),
        ),
    )
    blocks = (Paragraph(text), shown, Bullets(corrected.sample.notes))
    return Section("Corrected by people's labels", "corrected", blocks, brief=True)


def _verdict(item: CorrectedDifference) -> str:
    if item.difference is None:
        return f"none: {_why(item)}"
    if min(item.labelled) < FEW_LABELS:
        return f"withheld: fewer than {FEW_LABELS} labels"
    if item.verdict is None:
        return "none: neither is better"
    return item.verdict.spoken


def _why(item: CorrectedDifference) -> str:
    if NO_PAIR in item.note:
        return "no labels"
    return _UNDEFINED.get(item.note, UNKNOWN)


def _reasons(differences: Sequence[CorrectedDifference]) -> Iterator[str]:
    """Explain what verdicts say in a few words."""
    if any(_verdict(item).startswith("withheld") for item in differences):
        yield f"Withheld: at least {FEW_LABELS} of people's labels of either model must count."
    lacking = {item.note for item in differences if item.difference is None}
    for note in sorted(lacking):
        if NO_PAIR not in note:
            yield f"None, {_UNDEFINED.get(note, UNKNOWN)}: {note}."
    for item in differences:
        if item.worst_case is not None:
            low, high = item.worst_case
            turned = f", and {item.note}" if item.verdict and item.note else ""
            yield (
                f"{item.metric}, {item.candidate} against {item.baseline}: people left "
                f"{counted(item.missing, 'pair')} blank; with these the difference is between {points(low)} and "
                f"{points(high)}{turned}."
            )


def _further(item: CorrectedDifference) -> str:
    if item.verdict is None or item.verdict.word != "inconclusive":
        return ""
    if item.note:
        return "those left blank"
    if item.further is None:
        return "more than all"
    return "a few" if item.further < A_FEW else f"{item.further:,}"


def _difference(item: CorrectedDifference) -> str:
    if item.difference is None or item.interval is None:
        return "undefined"
    return f"{points(item.difference)} ({points_range(item.interval)})"
