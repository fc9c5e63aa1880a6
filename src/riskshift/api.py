"""The main job in one call: read, check, collapse, estimate."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from riskshift.analysis.correcting import Correction, correct
from riskshift.analysis.findings import caveats, headline
from riskshift.analysis.people import people_sample
from riskshift.analysis.population import Population, estimate
from riskshift.analysis.rates import DEFAULT_SEED, Settings
from riskshift.analysis.result import Analysis, Provenance
from riskshift.analysis.severities import Severities
from riskshift.analysis.tipping import Tipping, tipping_table
from riskshift.cases import worst_cases
from riskshift.collapse import collapse
from riskshift.counts import Counts
from riskshift.errors import UsageError, listing, unknown_choice
from riskshift.reading.doubled import double, drawing_of, metrics_of_strata
from riskshift.reading.files import PEOPLE
from riskshift.reading.opening import open_data, refuse_reading
from riskshift.records import Columns, Options, Records
from riskshift.stats.correction import ABOUT
from riskshift.taxonomy import MISSING, Taxonomy

LABELS_BY: Final = ("people", "grader")


def silent(step: str) -> None:
    """Listen to progress and say nothing."""


def read(
    data: Any,
    *,
    taxonomy: Taxonomy | None = None,
    columns: Mapping[str, str] | None = None,
    scale: str | None = None,
    by: str | Sequence[str] = (),
    model: str | None = None,
    cluster: str | None = None,
    prompt_labels: str = "per-prompt",
    skip_bad: bool = False,
    format: str | None = None,  # noqa: A002
    memory_limit: str | None = None,
) -> Records:
    """Bind labelled pairs to their roles; nothing is computed yet.

    Parameters
    ----------
    data : path, list of paths, or data frame
        Files (CSV, TSV, JSON lines, JSON, Parquet; plain, gzip or zstd), folders or globs; or a
        pandas, Polars or PyArrow frame, a Polars LazyFrame, or a DuckDB relation.
    taxonomy : Taxonomy, optional
        Categories and levels; default: hate, self_harm, sexual, violence on Safe to High.
    columns : Columns or mapping, optional
        Columns by role, where their names are not the roles' own.
    scale : {None, "levels", "names", "0-7", "0-2-4-6"}
        How labels are written; None accepts severities 0..K-1 and level names.
    by : str or sequence of str
        Columns to group by, each a grouping of its own.
    model : str, optional
        Keep only this model's records.
    cluster : str, optional
        Column whose equal values are not independent; default: the prompt.
    prompt_labels : {"per-prompt", "per-row"}
        Whether the labels of one prompt must agree across its records.
    skip_bad : bool, default False
        Leave rows with faults out and count them, instead of stopping.
    format : {"csv", "tsv", "jsonl", "json", "parquet"}, optional
        Of files whose names do not tell.
    memory_limit : str, optional
        Of DuckDB, for files, such as ``"2GB"``; beyond it, it works on disk.

    Returns
    -------
    Records

    Raises
    ------
    DataError
        If the data cannot be read or lacks a column.
    UsageError
        If an option cannot be honoured.
    """
    options = Options(
        taxonomy=taxonomy or Taxonomy(),
        columns=columns if isinstance(columns, Columns) else Columns(**(columns or {})),
        scale=scale,
        by=(by,) if isinstance(by, str) else tuple(by),
        model=model,
        cluster=cluster,
        prompt_labels=prompt_labels,
        skip_bad=skip_bad,
    )
    return open_data(data, options=options, format=format, memory_limit=memory_limit)


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
    cases: int = 50,
    text: bool = True,
    people: Any = None,
    about: str = "prompts",
    labels_by: str | None = None,
    progress: Callable[[str], None] = silent,
    **reading: Any,
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
    cases : int, default 50
        At most so many of the worst pairs are kept to be read.
    text : bool, default True
        Whether their texts are kept.
    people : path, data frame or Records, optional
        Some of the same pairs, labelled by people: every rate is then also given corrected for the
        errors of the grader that made the labels of `data`.
    about : {"prompts", "file"}
        What corrected rates speak of: prompts like these, or only the pairs of `data`, of which
        more is known the more of them people labelled.
    labels_by : {"people", "grader"}, optional
        Who made the labels of `data`. Unless it was people, the result says how wrong a grader
        would have to be for each finding to vanish. If it was, `people` has nothing to correct.
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
    >>> pairs = pl.DataFrame({"prompt_harm": [1, 1, 0, 0], "response_harm": [0, 1, 0, 0]})
    >>> result = analyze(pairs, taxonomy=Taxonomy(["harm"], ["Safe", "Harmful"]))
    >>> print(result.rate("persistence", "harm"))
    persistence: 1 of 2, 50.0% [9.5%, 90.5%] (wilson, 95%)
    """
    settings = Settings(confidence, interval, seed, resamples, permutations)
    if cases < 0:
        raise UsageError(f"cases is {cases}; it must be a whole number from 0 up.")
    if labels_by not in (None, *LABELS_BY):
        raise unknown_choice("labels_by", labels_by, LABELS_BY)
    if about not in ABOUT:
        raise unknown_choice("about", about, ABOUT)
    if about != "prompts" and people is None:
        raise UsageError(
            f"about {about!r} is about corrected rates: give people's labels too (--people FILE)."
        )
    if labels_by == "people" and people is not None:
        raise UsageError(
            "labels_by 'people' says that people made the labels, and people's labels (--people FILE) correct a "
            "grader's: leave out one of the two."
        )
    refuse_reading(reading, data)
    clock = Clock()
    progress("opening the data")
    records = data if isinstance(data, Records) else read(data, **reading)
    clock.lap("read")
    collapsed = collapse(records, progress=progress)
    clock.lap("collapse")
    progress("estimating")
    population = estimate(collapsed.counts, settings, reference=reference, all_pairs=all_pairs)
    groups = {
        column: {
            value: estimate(counts, settings, reference=reference, all_pairs=all_pairs)
            for value, counts in grouped.each().items()
        }
        for column, grouped in collapsed.groups.items()
    }
    clock.lap("estimate")
    progress("picking the cases to read")
    worst = worst_cases(collapsed, limit=cases, text=text)
    clock.lap("cases")
    corrected = None
    if people is not None:
        progress("correcting by people's labels")
        corrected = _corrected(records, people, settings, about, reading)
        clock.lap("correct")
    taxonomy = records.options.taxonomy
    tipping = _tipping(population, labels_by)
    notes = caveats(
        population,
        collapsed.counts,
        cluster=collapsed.records.cluster,
        labels_by=labels_by,
        corrected=corrected is not None,
        tipping=tipping,
    )
    strata = metrics_of_strata(records)
    if strata:
        notes = [
            f"The pairs were drawn by strata of {listing(strata)}: the rates here are those of the sample, not of what "
            "it was drawn from. For these: riskshift analyze GRADED --people FILE.",
            *notes,
        ]
    return Analysis(
        taxonomy=taxonomy,
        settings=settings,
        population=population,
        groups=groups,
        cases=worst,
        provenance=provenance(collapsed.counts, collapsed.records, clock.laps),
        summary=tuple(headline(population, corrected)),
        notes=tuple(notes),
        labels_by=labels_by,
        corrected=corrected,
        tipping=tipping,
    )


def _corrected(
    graded: Records, people: Any, settings: Settings, about: str, reading: dict[str, Any]
) -> Correction:
    seen = read_people(people, reading, model=reading.get("model"))
    doubled = double(graded, seen)
    sample = people_sample(doubled, source=seen.source.name, drawing=drawing_of(seen), about=about)
    return correct(doubled, sample, settings)


def read_people(people: Any, reading: Mapping[str, Any], *, model: str | None = None) -> Records:
    """Read people's labels with the options that they share with the grader's.

    Columns mapped for the grader's labels may have their own names in people's file. People who
    see a prompt twice may rate it differently; that is no fault of theirs.

    Parameters
    ----------
    people : path, data frame or Records
        Labelled pairs.
    reading : mapping
        The options with which the grader's labels were read.
    model : str, optional
        Keep only this model's records.

    Raises
    ------
    DataError
        If the data cannot be read or lacks a column.
    """
    if isinstance(people, Records):
        return people
    columns = reading.get("columns") or {}
    options = Options(
        taxonomy=reading.get("taxonomy") or Taxonomy(),
        columns=columns if isinstance(columns, Columns) else Columns(**columns),
        scale=reading.get("scale"),
        model=model,
        prompt_labels="per-row",
    )
    return open_data(people, options=options, memory_limit=reading.get("memory_limit"), job=PEOPLE)


def _tipping(population: Population, labels_by: str | None) -> tuple[Tipping, ...]:
    if labels_by == "people":
        return ()
    categories = {name: category.rates for name, category in population.categories.items()}
    return tipping_table(population.overall, categories)


class Clock:
    """Seconds by step."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """Note the seconds since the last step ended."""
        now = time.perf_counter()
        self.laps[name] = round(now - self._last, 4)
        self._last = now


def provenance(counts: Counts, records: Records, timing: dict[str, float]) -> Provenance:
    """Say where numbers come from: the counts, and the records they were made of."""
    return Provenance(
        source=records.source.name,
        engine=records.source.engine,
        data_hash=counts.digest(),
        read=counts.total + sum(records.skipped.values()),
        left_out=dict(records.skipped),
        missing=_missing(counts),
        cluster=records.cluster,
        units=counts.units,
        repeated=counts.clusters is not None,
        timing=timing,
    )


def _missing(counts: Counts) -> dict[str, int]:
    severities = Severities(counts)
    values = {
        "missing prompt label": severities.prompt.value,
        "missing response label": severities.response.value,
        "missing relevance": counts.relevance,
    }
    found = {name: int(counts.n[v == MISSING].sum()) for name, v in values.items() if v is not None}
    return {name: n for name, n in found.items() if n}
