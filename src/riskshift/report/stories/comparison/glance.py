"""Which models are safest, at a glance: both directions, model by model, with letters."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from riskshift.analysis.comparison.result import Comparison, wanted
from riskshift.analysis.rates import Rate, unrounded
from riskshift.analysis.words import enumerate_words, percent, spoken, spread
from riskshift.report.document import Block, Figure, Panels, Paragraph, Section, Table
from riskshift.report.stories.rates import dot, interval_figure, interval_heading
from riskshift.report.tables import Column, table

MOST_DRAWN: Final = 12


@dataclass(frozen=True, slots=True)
class _Shown:
    """One metric of the two directions: its rates and letters, by model."""

    metric: str
    direction: str
    rates: dict[str, Rate]
    letters: dict[str, str]

    @property
    def title(self) -> str:
        better = wanted(self.metric) or " (lower is better)"
        return f"{self.direction}: {spoken(self.metric)}{better}"

    def told(self, model: str) -> str:
        return f"{percent(self.rates[model].estimate)} {self.letters.get(model, '')}".strip()


def glance_section(comparison: Comparison) -> Section:
    """Show every model in both directions, the safest first."""
    shown = list(_shown(comparison))
    models = _ordered(comparison, shown)
    lettered = any(item.letters for item in shown)
    blocks: list[Block] = [Paragraph(_text(comparison, shown, lettered=lettered))]
    if len(models) <= MOST_DRAWN:
        figures = tuple(_figure(item, models) for item in shown if _drawn(item, models))
        if figures:
            blocks.append(Panels("Both directions by model", figures))
    blocks.append(_table(shown, models, lettered=lettered))
    return Section("Which models are safest", "safest", tuple(blocks), brief=True)


def _shown(comparison: Comparison) -> Iterator[_Shown]:
    first = comparison.directions[0]
    letters = {item.metric: item.letters for item in comparison.omnibus}
    for direction, part in (("Harm", first.harm), ("Help", first.helpful)):
        for metric in part.metrics:
            yield _Shown(metric, direction, comparison.rates[metric], letters.get(metric, {}))


def _ordered(comparison: Comparison, shown: list[_Shown]) -> list[str]:
    """Put the model with the least harm first, by the first metric."""
    first = shown[0]
    sign = -1 if wanted(first.metric) else 1

    def place(model: str) -> tuple[bool, float]:
        estimate = first.rates[model].estimate
        return estimate is None, sign * (estimate or 0.0)

    return sorted(comparison.models, key=place)


def _text(comparison: Comparison, shown: list[_Shown], *, lettered: bool) -> str:
    harm, helpful = (
        enumerate_words([spoken(item.metric) for item in shown if item.direction == direction])
        for direction in ("Harm", "Help")
    )
    text = (
        "A model that refuses everything does no harm, so two directions stand side by side. "
        f"Harm: {harm}. Help on harmless prompts: {helpful or 'nothing in the data tells it'}."
    )
    if comparison.corrected is not None:
        text += " These are by the grader's labels alone."
    if lettered:
        at_once = unrounded(comparison.settings.confidence)
        text += (
            " Models that share a letter cannot be told apart in that column, which does not mean that they are alike; "
            f"those that share none surely differ ({at_once} for all comparisons of a metric at once)."
        )
    return text


def _drawn(item: _Shown, models: list[str]) -> bool:
    return any(item.rates[model].interval is not None for model in models)


def _figure(item: _Shown, models: list[str]) -> Figure:
    rows = [
        dot(model, "", item.rates[model], beside=item.letters.get(model, ""))
        for model in models
        if item.rates[model].interval is not None
    ]
    told = ", ".join(f"{model} {item.told(model)}" for model in models)
    return interval_figure(
        f"safest-{item.metric}",
        item.title,
        f"Dots with intervals. {told}.",
        rows,
        models,
        narrow=True,
    )


def _table(shown: list[_Shown], models: list[str], *, lettered: bool) -> Table:
    columns = [Column[str]("Model", lambda model: model, text=True)]
    for item in shown:
        columns += _columns(item)
    wants = [spoken(item.metric) for item in shown if wanted(item.metric)]
    notes = [f"Higher is better: {enumerate_words(wants)}."] if wants else []
    caption = "Rates and letters by model" if lettered else "Rates by model"
    return table(caption, models, columns, notes=notes)


def _columns(item: _Shown) -> Iterator[Column[str]]:
    yield Column(spoken(item.metric), item.told)
    heading = interval_heading(list(item.rates.values()))
    yield Column(heading, lambda model: spread(item.rates[model]), essential=False)
