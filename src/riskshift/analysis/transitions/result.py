"""The result of an analysis: everything estimated, and what is needed to check it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Final

from riskshift.analysis.correction.rates import NOTHING, Correction
from riskshift.analysis.correction.tipping import Tipping
from riskshift.analysis.metrics import choose_one
from riskshift.analysis.plain import Limits
from riskshift.analysis.rates import Rate, Settings, unrounded
from riskshift.analysis.results import Glance, Results
from riskshift.analysis.stated.card import DataCard
from riskshift.analysis.stated.provenance import Provenance
from riskshift.analysis.transitions.heterogeneity import Heterogeneity
from riskshift.analysis.transitions.left_out import LeftOut
from riskshift.analysis.transitions.population import Population
from riskshift.analysis.words import percent, spread
from riskshift.counts.case import Case
from riskshift.errors import UsageError, listing
from riskshift.taxonomy import Taxonomy

_COLUMNS: Final = (
    dict.fromkeys(("by", "group", "category", "metric"), str)
    | dict.fromkeys(("events", "trials"), int)
    | dict.fromkeys(("estimate", "low", "high"), float)
    | {"method": str, "confidence": float, "deff": float, "effective_n": float, "missing": int}
    | dict.fromkeys(("corrected_estimate", "corrected_low", "corrected_high"), float)
)


@dataclass(frozen=True, slots=True)
class Analysis(Results):
    """Everything estimated from one set of pairs.

    Parameters
    ----------
    taxonomy : Taxonomy
        Categories and levels.
    settings : Settings
        How it was estimated.
    population : Population
        All records together.
    groups : dict of str to dict of str to Population
        By grouping column and value.
    cases : tuple of Case
        Pairs worth reading, worst first.
    provenance : Provenance
        Where the numbers come from.
    summary : tuple of str
        The main findings in plain words.
    notes : tuple of str
        What cannot be said, in plain words.
    labels_by : {"people", "grader", None}
        Who made the labels; None where nobody said.
    corrected : Correction or None
        The rates corrected by people's labels of some of the pairs.
    tipping : tuple of Tipping
        How wrong the grader would have to be for each finding to vanish; empty where people made
        the labels.
    card : DataCard
        Where the data comes from, as it is stated, and what is not stated.
    heterogeneity : Heterogeneity or None
        Whether rates differ between the sources of the prompts; None where the data does not tell
        two sources apart.
    leave_one_out : LeftOut or None
        The main findings without each source, without each model and without each category.
    """

    taxonomy: Taxonomy
    settings: Settings
    population: Population
    groups: dict[str, dict[str, Population]]
    cases: tuple[Case, ...]
    provenance: Provenance
    summary: tuple[str, ...]
    notes: tuple[str, ...]
    labels_by: Annotated[str, Limits(enum=["people", "grader"])] | None = None
    corrected: Correction | None = None
    tipping: tuple[Tipping, ...] = ()
    card: DataCard = field(default_factory=DataCard)
    heterogeneity: Heterogeneity | None = None
    leave_one_out: LeftOut | None = None

    kind: ClassVar[str] = "analysis"
    columns: ClassVar[Mapping[str, type]] = _COLUMNS
    shape: ClassVar[str] = (
        "*provenance settings.seed settings.confidence settings.resamples "
        "settings.permutations taxonomy card labels_by grader_relative summary notes "
        "overall(*population.overall transition_matrix=population.matrix.rows "
        "mean_shift=population.shift) population.categories contrasts=population.contrasts.told "
        "population.exposure population.escalation_origin population.relevance population.one_bit "
        "population.sets groups cases "
        "corrected tipping heterogeneity leave_one_out"
    )

    @property
    def grader_relative(self) -> bool:
        """Whether the rates are what a grader says, unchecked by people."""
        return self.labels_by != "people"

    def rate(self, metric: str, category: str | None = None) -> Rate:
        """Return one rate over all records.

        Parameters
        ----------
        metric : str
            Name of a metric, such as ``"escalation"`` or ``"persistence[sexual]"``.
        category : str, optional
            Name of a category, for metrics per category.

        Raises
        ------
        UsageError
            If there is no such metric or category, or the data do not tell it; the message names
            what there is.
        """
        named = metric if category is None else f"{metric}[{category}]"
        choice = choose_one(named, self.taxonomy)
        rates = self.population.overall
        if choice.category is not None:
            rates = self.population.categories[choice.category].rates
        if choice.metric.name not in rates:
            raise UsageError(
                f"{choice.label} was not estimated: the data do not tell it, or with two levels another metric says "
                f"the same. Choices: {listing(rates)}."
            )
        return rates[choice.metric.name]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield every rate as one flat row, all records first, then group by group.

        Rates corrected by people's labels stand beside those over all records.
        """
        corrected = (
            {item.metric: item.corrected for item in self.corrected.rates} if self.corrected else {}
        )
        sets = [("", "", self.population)]
        sets += [
            (by, value, group)
            for by, values in self.groups.items()
            for value, group in values.items()
        ]
        for by, value, population in sets:
            for category, rate in population.rates():
                interval = rate.interval
                label = f"{rate.name}[{category}]" if category else rate.name
                share = NOTHING if by else corrected.get(label, NOTHING)
                held = share.interval
                yield {
                    "by": by,
                    "group": value,
                    "category": category,
                    "metric": rate.name,
                    "events": rate.events,
                    "trials": rate.trials,
                    "estimate": rate.estimate,
                    "low": interval.low if interval else None,
                    "high": interval.high if interval else None,
                    "method": interval.method if interval else "undefined",
                    "confidence": self.settings.confidence,
                    "deff": rate.deff,
                    "effective_n": rate.effective_n,
                    "missing": rate.missing,
                    "corrected_estimate": share.estimate,
                    "corrected_low": held.low if held else None,
                    "corrected_high": held.high if held else None,
                }

    def _lines(self) -> Iterator[str]:
        return map(str, self.population.overall.values())

    def _glance(self) -> Glance:
        at = unrounded(self.settings.confidence)
        headings = ("category", "metric", "events / trials", "rate", at)
        return headings, (
            (
                category or "all",
                rate.name,
                f"{rate.events:,} / {rate.trials:,}",
                percent(rate.estimate),
                spread(rate),
            )
            for category, rate in self.population.rates()
        )
