"""The main job in one call: read, check, collapse, estimate."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, Unpack

from riskshift.analysis.correction.rates import Correction, correct
from riskshift.analysis.correction.sample import people_sample
from riskshift.analysis.correction.tipping import Tipping, tipping_table
from riskshift.analysis.parts import summed_up
from riskshift.analysis.rates import DEFAULT_SEED, Settings
from riskshift.analysis.transitions.findings import caveats, headline
from riskshift.analysis.transitions.heterogeneity import heterogeneity
from riskshift.analysis.transitions.left_out import left_out
from riskshift.analysis.transitions.population import Population, estimate
from riskshift.analysis.transitions.result import Analysis
from riskshift.analysis.unstated import unstated
from riskshift.collapse.pairs import Collapsed, collapse
from riskshift.collapse.rated.beside import about_strata, double, drawing_of
from riskshift.collapse.saving import about_counts
from riskshift.collapse.sources import source_column, told_apart
from riskshift.data import CAVEATS
from riskshift.errors import UsageError, unknown_choice
from riskshift.jobs.card import Card, open_card, over_columns
from riskshift.jobs.case_file import check_case_file, refuse_counts, write_cases
from riskshift.jobs.opening import (
    MOST,
    Clock,
    Grouping,
    opened,
    provenance,
    read_people,
    refuse_columns_alone,
    silent,
)
from riskshift.picking.cases import cases_to_read
from riskshift.stats.graded.correction import ABOUT

LABELS_BY: Final = ("people", "grader")


def analyze(
    data: Any,
    *,
    confidence: float = 0.95,
    interval: str = "wilson",
    seed: int = DEFAULT_SEED,
    resamples: int = 10_000,
    permutations: int = 50_000,
    reference: str | None = None,
    all_pairs: bool = False,
    cases: int = 100,
    text: bool = True,
    cases_out: str | Path | None = None,
    cases_text: bool = False,
    people: Any = None,
    people_columns: Mapping[str, str] | None = None,
    about: str = "prompts",
    labels_by: str | None = None,
    card: Card = None,
    progress: Callable[[str], None] = silent,
    **reading: Unpack[Grouping],
) -> Analysis:
    """Analyze labelled pairs: how risk moves between prompt and response.

    Parameters
    ----------
    data : path, list of paths, data frame, or Records
        The pairs; see `read`.
    confidence : float, default 0.95
        Two-sided coverage of every interval.
    interval : {"wilson", "clopper-pearson"}
        Interval of a proportion.
    seed : int
        Where random numbers start; the same seed and data give the same result.
    resamples, permutations : int
        Draws of bootstraps and of permutation tests.
    reference : str, optional
        Category that the others' persistence is compared with; default: the highest.
    all_pairs : bool, default False
        Compare every pair of categories.
    cases : int, default 100
        At most so many pairs are kept to be read, of every cell of the matrix some: those with a
        harmful response, or one more severe than the prompt, come first.
    text : bool, default True
        Whether their texts are kept.
    cases_out : path, optional
        Write all pairs with a harmful response, or one more severe than the prompt, and some of all
        others, with ids and labels: ``.csv``, ``.jsonl`` or ``.parquet``.
    cases_text : bool, default False
        Whether the texts stand there too.
    people : path, data frame or Records, optional
        Some of the same pairs, labelled by people: every rate is then also given corrected for the
        errors of the grader that made the labels of `data`.
    people_columns : Columns or mapping, optional
        Columns of `people` by role, where they are not those of `data`: one file may hold both.
    about : {"prompts", "file"}
        What corrected rates speak of: prompts like these, or only the pairs of `data`, of which
        more is known the more of them people labelled.
    labels_by : {"people", "grader"}, optional
        Who made the labels of `data`. Unless it was people, the result says how wrong a grader
        would have to be for each finding to vanish. If it was, `people` has nothing to correct.
        Default: what the card says.
    card : path or DataCard, optional
        Where the data comes from: models, sources of prompts, who labelled. It changes no number.
    progress : callable, optional
        Told what is being done, in a few words.
    **reading
        Options of `read`.

    Returns
    -------
    Analysis

    Raises
    ------
    DataError
        If the data cannot be read, or has faults; all of them in one message.
    UsageError
        If an option cannot be honoured.

    Examples
    --------
    >>> import polars as pl
    >>> from riskshift.taxonomy import Taxonomy
    >>> pairs = pl.DataFrame({"prompt_harm": [1, 1, 0, 0], "response_harm": [0, 1, 0, 0]})
    >>> result = analyze(pairs, taxonomy=Taxonomy(["harm"], ["Safe", "Harmful"]))
    >>> print(result.rate("persistence", "harm"))
    persistence: 1 of 2, 50.0% [9.5%, 90.5%] (wilson, 95%)
    """
    settings = Settings(confidence, interval, seed, resamples, permutations)
    if cases < 0:
        raise UsageError(f"cases is {cases}; it must be a whole number from 0 up.")
    check_case_file(cases_out, text=cases_text)
    if labels_by not in (None, *LABELS_BY):
        raise unknown_choice("labels_by", labels_by, LABELS_BY)
    if about not in ABOUT:
        raise unknown_choice("about", about, ABOUT)
    if about != "prompts" and people is None:
        raise UsageError(
            f"about {about!r} is about corrected rates: give people's labels too (--people FILE)."
        )
    refuse_columns_alone(people, people_columns)
    if labels_by == "people" and people is not None:
        raise UsageError(
            "labels_by 'people' says that people made the labels, and people's labels (--people FILE) correct a "
            "grader's: leave out one of the two."
        )
    stated = open_card(card, labels_by=labels_by, people=people is not None)
    clock = Clock()
    records = opened(data, reading, progress)
    refuse_counts(cases_out, records)
    clock.lap("read")
    column = source_column(records)
    unasked = () if column is None else (column,)
    collapsed = collapse(records, unasked=unasked, progress=progress)
    sources = told_apart(collapsed, column)
    clock.lap("collapse")
    progress("estimating")
    in_sets, model = collapsed.records.in_sets, _model_of_several(collapsed)
    estimated = partial(estimate, settings=settings, reference=reference, all_pairs=all_pairs)
    population = estimated(collapsed.counts, in_sets=in_sets and model is None)
    groups = {
        column: {
            value: estimated(counts, in_sets=in_sets and model in (None, column))
            for value, counts in grouped.each().items()
        }
        for column, grouped in collapsed.groups.items()
    }
    clock.lap("estimate")
    progress("leaving out each source, model and category")
    models = collapsed.groups.get(collapsed.records.column("model") or "")
    without = left_out(
        collapsed.counts, sources, models, settings, reference=reference, all_pairs=all_pairs
    )
    clock.lap("leave out")
    progress("picking the cases to read")
    worst = cases_to_read(collapsed, limit=min(cases, MOST), seed=seed, text=text)
    if cases_out is not None:
        every = cases_to_read(collapsed, limit=None, seed=seed, text=cases_text)
    clock.lap("cases")
    corrected = None
    if people is not None:
        progress("correcting by people's labels")
        seen = read_people(
            people,
            reading,
            like=collapsed.records,
            model=reading.get("model"),
            columns=people_columns,
        )
        corrected = _corrected(collapsed, collapse(seen), settings, about)
        clock.lap("correct")
    taxonomy = records.options.taxonomy
    told = over_columns(stated, collapsed)
    labels_by = labels_by or told.labels_by
    tipping = _tipping(population, labels_by)
    notes = caveats(
        population,
        collapsed.counts,
        cluster=collapsed.records.cluster,
        labels_by=labels_by,
        corrected=corrected is not None,
        tipping=tipping,
        sets=collapsed.records.sets,
        by_model=model is not None,
    )
    notes = [*records.source.notes, *notes]
    notes = [*about_strata(records), *about_counts(records), *notes]
    made = provenance(collapsed.counts, collapsed.records, clock.laps)
    if made.data_hash in CAVEATS:
        notes = [CAVEATS[made.data_hash], *notes]
    turned, steady = summed_up(without)
    if cases_out is not None:  # last, when nothing can go wrong any more
        write_cases(cases_out, collapsed.records, [({}, case) for case in every], text=cases_text)
    return Analysis(
        taxonomy=taxonomy,
        settings=settings,
        population=population,
        groups=groups,
        cases=worst,
        provenance=made,
        summary=(*headline(population, corrected), *turned),
        notes=(*notes, *steady, *unstated(told)),
        labels_by=labels_by,
        corrected=corrected,
        tipping=tipping,
        card=told,
        heterogeneity=(
            None
            if column is None or sources is None
            else heterogeneity(column, sources, groups[column])
        ),
        leave_one_out=without,
    )


def _model_of_several(collapsed: Collapsed) -> str | None:
    """Return the column of models, if there are several."""
    model = collapsed.records.column("model")
    grouped = collapsed.groups.get(model) if model else None
    return None if grouped is None or len(grouped.names) < 2 else model


def _corrected(graded: Collapsed, seen: Collapsed, settings: Settings, about: str) -> Correction:
    doubled = double(graded, seen)
    source, drawing = seen.records.source.name, drawing_of(seen.records)
    sample = people_sample(doubled, source=source, drawing=drawing, about=about)
    return correct(doubled, sample, settings)


def _tipping(population: Population, labels_by: str | None) -> tuple[Tipping, ...]:
    if labels_by == "people":
        return ()
    categories = {name: category.rates for name, category in population.categories.items()}
    return tipping_table(population.overall, categories)
