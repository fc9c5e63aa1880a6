"""A grader's report card in one call: read both, join, collapse, compare."""

from collections.abc import Callable, Mapping
from typing import Any, Unpack

from riskshift.analysis.correction.sample import people_sample
from riskshift.analysis.grader.cards import asymmetries, refusal_card, report_cards
from riskshift.analysis.grader.result import GraderReport
from riskshift.analysis.grader.weighed import weighed, weighed_refusals
from riskshift.analysis.rates import DEFAULT_SEED, Settings
from riskshift.collapse.pairs import collapse
from riskshift.collapse.rated.beside import drawing_of, set_beside, tabulate_beside
from riskshift.errors import DataError, UsageError
from riskshift.jobs.opening import MOST, Clock, Reading, opened, provenance, read_people, silent
from riskshift.picking.misjudged import misjudged


def grade(
    grader: Any,
    people: Any,
    *,
    confidence: float = 0.95,
    interval: str = "wilson",
    seed: int = DEFAULT_SEED,
    cases: int = 50,
    text: bool = True,
    people_columns: Mapping[str, str] | None = None,
    progress: Callable[[str], None] = silent,
    **reading: Unpack[Reading],
) -> GraderReport:
    """Hold a grader's labels against people's, on prompts and on responses.

    Parameters
    ----------
    grader : path, list of paths, data frame, or Records
        The pairs with the grader's labels; see `read`.
    people : path, list of paths, data frame, or Records
        Some or all of the same pairs with people's labels.
    confidence : float, default 0.95
        Two-sided coverage of every interval.
    interval : {"wilson", "clopper-pearson"}
        Interval of a share.
    seed : int
        Where random numbers start; the same seed and data give the same result.
    cases : int, default 50
        At most so many of the worst errors are kept to be read.
    text : bool, default True
        Whether their texts are kept.
    people_columns : Columns or mapping, optional
        Columns of `people` by role, where they are not the grader's: one file may hold both.
    progress : callable, optional
        Told what is being done, in a few words.
    **reading
        Options of `read`; those that fit both files are used for both.

    Returns
    -------
    GraderReport

    Raises
    ------
    DataError
        If the data cannot be read, people labelled pairs that the grader did not, or none at all.
    UsageError
        If an option cannot be honoured, or the two have different taxonomies.

    Examples
    --------
    >>> import polars as pl
    >>> from riskshift.taxonomy import Taxonomy
    >>> ids = {"prompt_id": ["a", "b", "c", "d"]}
    >>> grader = pl.DataFrame(ids | {"prompt_harm": [1, 1, 0, 0], "response_harm": [0, 1, 1, 0]})
    >>> people = pl.DataFrame(ids | {"prompt_harm": [1, 1, 0, 0], "response_harm": [1, 1, 0, 0]})
    >>> report = grade(grader, people, taxonomy=Taxonomy(["harm"], ["Safe", "Harmful"]))
    >>> print(report.card("response").rates["sensitivity"])
    sensitivity: 1 of 2, 50.0% [9.5%, 90.5%] (wilson, 95%)
    >>> [(case.prompt_id, case.origin) for case in report.cases]
    [('a', 'false_negative'), ('c', 'false_positive')]
    """
    settings = Settings(confidence, interval, seed)
    if cases < 0:
        raise UsageError(f"cases is {cases}; it must be 0 or more.")
    clock = Clock()
    graded = opened(grader, reading, progress, beside=people)
    seen = read_people(
        people, reading, like=graded, model=reading.get("model"), columns=people_columns
    )
    drawing = drawing_of(seen)
    clock.lap("read")
    progress("putting people's labels beside the grader's")
    beside = set_beside(collapse(graded), collapse(seen))
    doubled = tabulate_beside(beside)
    clock.lap("collapse")
    labelled = int(doubled.table.n[doubled.labelled].sum())
    if not labelled:
        raise DataError(f"{seen.source.name} labels none of the graded pairs.")
    progress("comparing")
    cards, refusal = report_cards(doubled, settings), refusal_card(doubled, settings)
    compared = asymmetries(doubled, cards, settings)
    if drawing.metric is not None:
        people_sample(doubled, source=seen.source.name, drawing=drawing)
        cards, compared = weighed(doubled, cards, drawing.metric, settings)
        refusal = weighed_refusals(doubled, refusal, drawing.metric, settings)
    clock.lap("estimate")
    progress("picking the errors to read")
    wrong = misjudged(beside, limit=min(cases, MOST), text=text)
    clock.lap("cases")
    return GraderReport(
        taxonomy=graded.options.taxonomy,
        settings=settings,
        people=seen.source.name,
        labelled=labelled,
        pairs=int(doubled.table.n.sum()),
        stratified_by=drawing.metric,
        cards=cards,
        asymmetries=compared,
        misses=wrong.misses,
        alarms=wrong.alarms,
        refusals=wrong.refusals,
        cases=wrong.cases,
        provenance=provenance(doubled.grader, beside.records, clock.laps),
        refusal=refusal,
    )
