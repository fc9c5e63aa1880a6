"""Everything that is estimated from one table of counts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from riskshift.analysis.exposure import Exposure
from riskshift.analysis.plain import Plain
from riskshift.analysis.rates import Rate, Settings
from riskshift.analysis.severities import Severities
from riskshift.analysis.transitions.contrasts import METRIC, Contrasts, persistence_contrasts
from riskshift.analysis.transitions.movement import (
    Category,
    MeanShift,
    TransitionMatrix,
    categories,
    mean_shift,
    overall_rates,
    transition_matrix,
)
from riskshift.analysis.transitions.one_bit import BinaryMeasure, one_bit
from riskshift.analysis.transitions.origin import EscalationOrigin, escalation_origin
from riskshift.analysis.transitions.relevance import Relevance, relevance
from riskshift.analysis.transitions.sets import Sets, within_sets
from riskshift.counts.clusters import RandomGroups
from riskshift.counts.pairs import Counts


@dataclass(frozen=True, slots=True)
class Population(Plain):
    """Results for one set of records: all of them, or one group.

    Parameters
    ----------
    records : int
        How many there are.
    overall : dict of str to Rate
        Metrics over all categories.
    matrix : TransitionMatrix
        Highest severity of prompt and response.
    shift : MeanShift
        Mean of response minus prompt severity.
    categories : dict of str to Category
        What happens in each harm category.
    contrasts : Contrasts
        Which categories persist more than others.
    escalation_origin : EscalationOrigin
        How escalations come about.
    relevance : Relevance or None
        What safety costs in relevance; None where the data has none.
    one_bit : tuple of BinaryMeasure
        What the binary measures of the field say, and what each hides.
    sets : Sets or None
        Prompts that belong together; None where the data does not say which do, where another
        cluster was named, or where several models answered: each is judged by itself.
    """

    records: int
    overall: dict[str, Rate]
    matrix: TransitionMatrix
    shift: MeanShift
    categories: dict[str, Category]
    contrasts: Contrasts
    escalation_origin: EscalationOrigin
    relevance: Relevance | None
    one_bit: tuple[BinaryMeasure, ...]
    sets: Sets | None = None

    shape: ClassVar[str] = (
        "overall(*overall transition_matrix=matrix.rows mean_shift=shift) categories "
        "contrasts=contrasts.told exposure escalation_origin relevance one_bit sets records"
    )

    def rates(self) -> Iterator[tuple[str, Rate]]:
        """Yield every rate with its category (empty for those over all categories)."""
        for rate in self.overall.values():
            yield "", rate
        for name, category in self.categories.items():
            for rate in category.rates.values():
                yield name, rate

    @property
    def labelled_side(self) -> Literal["prompt", "response"] | None:
        """The only side with labels; None where both have some, or neither."""
        named = {"prompt": "prompt_prevalence", "response": "response_harm"}
        there = {side: self.overall[name].interval is not None for side, name in named.items()}
        if there["prompt"] == there["response"]:
            return None
        lacking = "response_prevalence" if there["prompt"] else "prompt_prevalence"
        if any(category.rates[lacking].trials for category in self.categories.values()):
            return None  # that side has labels, if only in some categories
        return "prompt" if there["prompt"] else "response"

    @property
    def exposure(self) -> Exposure:
        """The chance of at least one severe response in many uses."""
        return Exposure.of(self.overall)


def estimate(
    counts: Counts,
    settings: Settings,
    *,
    reference: str | None = None,
    all_pairs: bool = False,
    in_sets: bool = False,
) -> Population:
    """Estimate everything from one table of counts.

    Parameters
    ----------
    counts : Counts
        The table.
    settings : Settings
        How to estimate.
    reference : str, optional
        Category that the others are compared with.
    all_pairs : bool, default False
        Compare every pair of categories.
    in_sets : bool, default False
        Whether the counts are those of one model, clustered by sets of prompts.

    Returns
    -------
    Population
    """
    severities = Severities(counts)
    by_category = categories(severities, settings)
    overall = overall_rates(severities, settings)
    persistence = {name: category.rates[METRIC] for name, category in by_category.items()}
    return Population(
        records=counts.total,
        overall=overall,
        matrix=transition_matrix(counts, severities.prompt, severities.response),
        shift=mean_shift(severities, settings),
        categories=by_category,
        contrasts=persistence_contrasts(
            severities, persistence, settings, reference=reference, all_pairs=all_pairs
        ),
        escalation_origin=escalation_origin(severities, settings),
        relevance=relevance(severities, settings),
        one_bit=one_bit(severities, overall),
        sets=within_sets(severities, settings)
        if in_sets and not isinstance(counts.clusters, RandomGroups)
        else None,
    )
