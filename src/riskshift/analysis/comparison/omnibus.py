"""Whether any of three or more models differ, and which cannot be told apart."""

from collections.abc import Sequence
from dataclasses import dataclass

from riskshift.analysis.comparison.differences import PairedDifference
from riskshift.analysis.comparison.matching import Matching
from riskshift.analysis.metrics import Choice
from riskshift.analysis.plain import Plain
from riskshift.counts.clusters import distinct_rows
from riskshift.stats.crosstabs.tables import ChiSquare
from riskshift.stats.matched.letters import compact_letters
from riskshift.stats.matched.paired import cochran_q


@dataclass(frozen=True, slots=True)
class Omnibus(Plain):
    """Whether any of three or more models differ, and which cannot be told apart.

    Parameters
    ----------
    metric : str
        What is compared.
    prompts : int
        Prompts that every model answered once.
    cochran_q : ChiSquare or None
        None where it is undefined, or models answered more than once.
    letters : dict of str to str
        Models that share a letter are not distinguishable; empty unless all pairs were compared.
    """

    metric: str
    prompts: int
    cochran_q: ChiSquare | None
    letters: dict[str, str]


def omnibus_tests(
    matching: Matching,
    pairs: Sequence[tuple[int, int]],
    choices: Sequence[Choice],
    differences: Sequence[PairedDifference],
) -> list[Omnibus]:
    """Test whether any of three or more models differ, metric by metric.

    Letters are drawn from the same decisions as verdicts: `PairedDifference.apart`.
    """
    models = sorted({at for pair in pairs for at in pair})
    if len(models) < 3:
        return []
    names = [matching.names[at] for at in models]
    everyone = len(pairs) == len(models) * (len(models) - 1) // 2
    made = []
    for choice in choices:
        outcomes = matching.outcomes(choice)
        trials, events = outcomes.trials[:, models], outcomes.events[:, models]
        once = (trials == 1).all(axis=1)
        q = None
        if once.any() and not (trials > 1).any():
            q = cochran_q(*distinct_rows(events[once], outcomes.weight[once]))
        letters = (
            _letters(names, [d for d in differences if d.metric == choice.label])
            if everyone
            else {}
        )
        made.append(Omnibus(choice.label, int(outcomes.weight[once].sum()), q, letters))
    return made


def _letters(names: Sequence[str], differences: Sequence[PairedDifference]) -> dict[str, str]:
    different = [
        (names.index(d.baseline), names.index(d.candidate)) for d in differences if d.apart
    ]
    return dict(zip(names, compact_letters(len(names), different), strict=True))
