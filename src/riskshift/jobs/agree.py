"""How far raters agree, in one call: read, check, collapse, measure, resolve."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from riskshift.analysis.agreement.measures import agreement_by_label
from riskshift.analysis.agreement.resolving import check_rule, resolution, resolve
from riskshift.analysis.agreement.result import Agreement
from riskshift.analysis.rates import DEFAULT_SEED, Settings
from riskshift.analysis.stated.provenance import Provenance
from riskshift.collapse.purposes import ONE_RATER, RATERS
from riskshift.collapse.rated.beside import metrics_of_strata
from riskshift.collapse.rated.raters import says_who
from riskshift.collapse.rated.ratings import Rated, collapse_raters
from riskshift.counts.ratings import Ratings, every_label
from riskshift.engines import engine
from riskshift.errors import DataError, listing, unknown_choice
from riskshift.jobs.opening import MOST, Clock, several, silent, with_refusals
from riskshift.outputs.overwriting import refuse_overwriting
from riskshift.outputs.sheets import Row, check_sheet, write_sheet
from riskshift.picking.items import all_items, most_disputed, refuse_two_strata
from riskshift.reading import combine
from riskshift.reading.duckdb_options import Limits
from riskshift.reading.files import FileSource
from riskshift.reading.layout import FORMATS, MAPPED
from riskshift.reading.opening import open_data
from riskshift.records import Columns, Condition, Options, Records
from riskshift.taxonomy import SIDES, Taxonomy
from riskshift.written import MISSING

RESAMPLES: Final = 2_000
T = TypeVar("T")


def agree(
    data: Any,
    *,
    rule: str = "median",
    adjudicator: str | None = None,
    write_resolved: str | Path | None = None,
    disputes: int = 20,
    taxonomy: Taxonomy | None = None,
    columns: Mapping[str, str] | None = None,
    scale: str | None = None,
    invert: str | Sequence[str] = (),
    model: str | None = None,
    cluster: str | None = None,
    skip_bad: bool = False,
    missing: str | Sequence[str] = (),
    where: str | Sequence[str] = (),
    leave_out: str | Sequence[str] = (),
    refusal_scale: Mapping[str, str | Sequence[str]] | None = None,
    partial_refusal: str | None = None,
    format: str | None = None,  # noqa: A002
    memory_limit: str | None = None,
    threads: int | None = None,
    confidence: float = 0.95,
    seed: int = DEFAULT_SEED,
    resamples: int = RESAMPLES,
    progress: Callable[[str], None] = silent,
) -> Agreement:
    """Measure how far raters agree, and resolve their labels to one an item.

    Parameters
    ----------
    data : path, list of paths, or data frame
        Labels of several raters, people or graders: in rows, with an ``annotator`` column, or in
        columns such as ``response_hate@alice``, which can be mapped; or one file a rater, who is named
        after it. An item is a ``record_id``, or else a prompt, model
        and sample. Labels of one side, of some categories or of refusals alone will do.
    rule : {"median", "majority", "max", "adjudicated"}
        The rule that gives each item one label. Of an even number of ratings the median is the
        higher of the middle two; of several levels chosen equally often the majority is the highest.
    adjudicator : str, optional
        A rater who settled disputes: in no measure of agreement, and decisive by ``"adjudicated"``.
    write_resolved : path, optional
        A ``.csv``, ``.jsonl`` or ``.parquet`` file for one record an item. Ids and names of levels
        are never changed; CSV is refused if one of them would act in a spreadsheet.
    disputes : int, default 20
        At most so many items in dispute are listed.
    taxonomy, columns, scale, invert, model, cluster, skip_bad, missing, format, memory_limit, threads
        As in `read`.
    where, leave_out, refusal_scale, partial_refusal
        As in `read`.
    confidence : float, default 0.95
        Two-sided coverage of every interval.
    seed : int
        Where random numbers start; the same seed and data give the same result.
    resamples : int, default 2000
        Draws of each bootstrap.
    progress : callable, optional
        Told what is being done, in a few words.

    Returns
    -------
    Agreement

    Raises
    ------
    DataError
        If there are not two raters with an item in common, or the data has faults.
    UsageError
        If an option cannot be honoured.
    OutputError
        If the resolved records cannot be written, or would be read as `data`.

    Examples
    --------
    >>> import polars as pl
    >>> labels = pl.DataFrame(
    ...     {"record_id": [1, 2, 3], "response_harm@a": [0, 1, 1], "response_harm@b": [0, 1, 0]}
    ... )
    >>> result = agree(labels, taxonomy=Taxonomy(["harm"], ["Safe", "Harmful"]))
    >>> print(result.on("response_harm").exact)
    exact: 2 of 3, 66.7% [20.8%, 93.9%] (wilson, 95%)
    >>> result.resolution.chosen["response_harm"].events
    2
    """
    settings = Settings(confidence, seed=seed, resamples=resamples)
    check_rule(rule, adjudicator)
    place = None if write_resolved is None else check_sheet(write_resolved)
    refuse_overwriting({"write_resolved": write_resolved}, {"data": data})
    options = Options(
        taxonomy=with_refusals(taxonomy or Taxonomy(), refusal_scale, partial_refusal),
        columns=Columns.of(columns),
        scale=scale,
        invert=several(invert),
        model=model,
        cluster=cluster,
        skip_bad=skip_bad,
        missing=several(missing),
        where=tuple(map(Condition.of, several(where))),
        leave_out=tuple(map(Condition.of, several(leave_out))),
    )
    clock = Clock()
    progress("opening the data")
    told = format or (MAPPED if columns else None)
    records = _opened(data, options, format=told, limits=Limits(memory_limit, threads))
    clock.lap("read")
    rated = collapse_raters(records, progress=progress)
    judged = _judged(rated, adjudicator)
    if place is not None:
        _refuse_nameless(rated)
        with engine.explained(rated.records.source):
            refuse_two_strata(rated)
    clock.lap("collapse")
    progress("measuring agreement")
    labels = tuple(agreement_by_label(judged, settings))
    clock.lap("estimate")
    progress("resolving labels")
    resolved = resolution(rated.ratings, settings, rule=rule, adjudicator=adjudicator)
    clock.lap("resolve")
    progress("looking for disputes")
    with engine.explained(rated.records.source):
        disputed = most_disputed(rated, limit=min(disputes, MOST), adjudicator=adjudicator)
    clock.lap("disputes")
    if place is not None:
        progress("writing the resolved records")
        with engine.explained(rated.records.source):
            header, rows = resolved_rows(rated, rule, adjudicator)
        rated.records.source.check_unchanged()
        # Without ids items are told apart by their texts, which are there to be read.
        write_sheet(place, header, rows, texts=SIDES)
        clock.lap("write")
    return Agreement(
        taxonomy=rated.ratings.taxonomy,
        settings=settings,
        raters=rated.ratings.rated_by(),
        items=int(rated.ratings.items.weight.sum()),
        labels=labels,
        absent=_absent(rated),
        resolution=resolved,
        disputes=disputed,
        provenance=_provenance(rated, clock.laps),
        stratified_by=listing(metrics_of_strata(records)) or None,
    )


def _opened(data: Any, options: Options, **reading: Any) -> Records:
    """Read data that say who rated, or one file a rater, named after it."""
    is_frame = not isinstance(data, (str, os.PathLike, list, tuple))
    together = None if is_frame else open_data(data, options=options, purpose=ONE_RATER, **reading)
    source = together.source if together else None
    files = source.files if isinstance(source, FileSource) else ()
    if together is None or len(files) < 2 or says_who(together):
        return open_data(data, options=options, purpose=RATERS, **reading)
    names = [_rater(file.name) for file in files]
    if len(set(names)) < len(names):
        names = [file.name for file in files]
    parts = {
        name: open_data(
            str(file.path), options=options, purpose=ONE_RATER, **{**reading, "format": file.format}
        )
        for name, file in zip(names, files, strict=True)
    }
    return combine(parts, column=options.columns["annotator"])


def _rater(name: str) -> str:
    """Name a rater after a file, without the endings that say how it is written."""
    path = Path(name)
    while path.suffix.lower().lstrip(".") in (*FORMATS, "gz", "zst", "ndjson", "tab", "pq"):
        path = path.with_suffix("")
    return path.name


def _judged(rated: Rated, adjudicator: str | None) -> Ratings:
    """Return the ratings that agreement is measured on, if there are enough."""
    ratings, name = rated.ratings, rated.records.source.name
    if adjudicator is not None:
        if adjudicator not in ratings.raters:
            raise unknown_choice("adjudicator", adjudicator, ratings.raters)
        ratings = ratings.without(ratings.raters.index(adjudicator))
    raters = [rater for rater, items in ratings.rated_by().items() if items]
    besides = "" if adjudicator is None else " besides the adjudicator"
    if len(raters) < 2:
        raise DataError(
            f"{name} has labels of one rater only{besides}: {', '.join(raters) or 'nobody'}. Agreement needs two "
            "or more."
        )
    if not (ratings.levels.sum(axis=2) > 1).any():
        raise DataError(
            f"{name}: no item was rated twice{besides}, so nothing can be said about agreement. Items are told "
            f"apart by {', '.join(rated.sheet.item) or 'their row'}; if that is wrong, name the column: "
            "--map record_id=COLUMN."
        )
    return ratings


def _absent(rated: Rated) -> tuple[str, ...]:
    ratings = rated.ratings
    there = {
        label for at, label in enumerate(ratings.labels) if (ratings.values[:, at] != MISSING).any()
    }
    # Not every response is asked whether it refuses, so that is not told to be absent.
    *wanted, _ = every_label(rated.records.options.taxonomy)
    return tuple(str(label) for label in wanted if label not in there)


def _provenance(rated: Rated, timing: dict[str, float]) -> Provenance:
    ratings, records = rated.ratings, rated.records
    left_out = dict(records.skipped) | ({"no label": rated.unlabelled} if rated.unlabelled else {})
    clusters = ratings.items if ratings.prompts is None else ratings.prompts
    records.source.check_unchanged()
    return Provenance(
        source=records.source.listing,
        engine=records.source.engine,
        data_hash=ratings.digest(),
        read=rated.read,
        left_out=left_out,
        missing={},
        cluster=records.cluster,
        units=int(clusters.weight.sum()),
        repeated=ratings.prompts is not None,
        timing=timing,
    )


def _refuse_nameless(rated: Rated) -> None:
    if not rated.sheet.item:
        raise DataError(
            f"{rated.records.source.name}: no column tells the items apart, so their resolved labels could not be "
            "joined to anything. Name it: --map record_id=COLUMN."
        )


def resolved_rows(
    rated: Rated, rule: str, adjudicator: str | None
) -> tuple[tuple[str, ...], list[Row]]:
    """Return one record an item: its ids as they are, its labels by name, and how it was drawn.

    Returns
    -------
    columns : tuple of str
        Roles of the ids, labels, and the columns in which `riskshift sample` recorded the draw.
    rows : list of tuple
        In the order of the ids; None where nothing is known.
    """
    items = all_items(rated, adjudicator=adjudicator)
    settled = resolve(items.levels, rule, items.adjudicated).level
    ratings = rated.ratings
    rated_at_all = [at for at in range(settled.shape[1]) if (settled[:, at] != MISSING).any()]
    labels = [ratings.labels[at] for at in rated_at_all]
    # One place more for what is missing, which is the last: -1.
    names = [np.array([*label.levels, None], dtype=object) for label in labels]
    texts = [
        *items.identity,
        *(own[settled[:, at]] for own, at in zip(names, rated_at_all, strict=True)),
        *items.drawn.values(),
    ]
    held = [[None if value is None or value == "" else str(value) for value in c] for c in texts]
    return (*items.roles, *map(str, labels), *items.drawn), list(zip(*held, strict=True))
