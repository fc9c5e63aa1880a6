"""The result of an analysis: everything estimated, and what is needed to check it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from typing import Annotated, Any, ClassVar, Final

from riskshift.analysis.card import DataCard
from riskshift.analysis.correction.rates import NOTHING, Correction
from riskshift.analysis.correction.tipping import Tipping
from riskshift.analysis.plain import Limits
from riskshift.analysis.provenance import Provenance, Results
from riskshift.analysis.rates import Rate, Settings, unrounded
from riskshift.analysis.transitions.left_out import LeftOut
from riskshift.analysis.transitions.population import Population
from riskshift.analysis.transitions.sources import Heterogeneity
from riskshift.analysis.words import percent, spread
from riskshift.counts.case import Case
from riskshift.errors import unknown_choice
from riskshift.taxonomy import Taxonomy

FRAMES: Final = ("polars", "pandas", "pyarrow")


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
            Name of a metric, such as ``"escalation"``.
        category : str, optional
            Name of a category, for metrics per category.

        Raises
        ------
        KeyError
            If there is no such metric or category.
        """
        if category is None:
            return self.population.overall[metric]
        return self.population.categories[category].rates[metric]

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

    def to_frame(self, library: str | None = None) -> Any:
        """Return every rate as a data frame, one row a rate.

        Parameters
        ----------
        library : {"polars", "pandas", "pyarrow"}, optional
            Default: the library that the data came in, else the first of these installed.

        Raises
        ------
        UsageError
            If `library` is none of these.
        ImportError
            If no such library is installed.
        """
        import narwhals.stable.v2 as nw

        if library is not None and library not in FRAMES:
            raise unknown_choice("library", library, FRAMES)
        schema: dict[str, Any] = dict.fromkeys(("by", "group", "category", "metric"), nw.String)
        schema |= {"events": nw.Int64, "trials": nw.Int64}
        schema |= dict.fromkeys(("estimate", "low", "high"), nw.Float64)
        schema |= {"method": nw.String, "confidence": nw.Float64}
        schema |= {"deff": nw.Float64, "effective_n": nw.Float64, "missing": nw.Int64}
        schema |= dict.fromkeys(
            ("corrected_estimate", "corrected_low", "corrected_high"), nw.Float64
        )
        rows = list(self.rows())
        columns = {name: [row[name] for row in rows] for name in schema}
        backend: Any = library or self._library()
        return nw.from_dict(columns, schema, backend=backend).to_native()

    def _library(self) -> str:
        from importlib.util import find_spec

        choices = (self.provenance.engine, *FRAMES)
        for name in choices:
            if name in FRAMES and find_spec(name) is not None:
                return name
        raise ImportError(
            f"to_frame needs one of {', '.join(FRAMES)}; install one, such as: pip install polars."
        )

    def __str__(self) -> str:
        lines = [*self.summary, "", *(str(rate) for rate in self.population.overall.values())]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(category or 'all')}</td><td>{escape(rate.name)}</td>"
            f"<td>{rate.events:,} / {rate.trials:,}</td><td>{percent(rate.estimate)}</td><td>{spread(rate)}</td></tr>"
            for category, rate in self.population.rates()
        )
        text = "".join(f"<p>{escape(sentence)}</p>" for sentence in self.summary)
        head = "".join(
            f"<th>{name}</th>"
            for name in (
                "category",
                "metric",
                "events / trials",
                "rate",
                unrounded(self.settings.confidence),
            )
        )
        return f"{text}<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
