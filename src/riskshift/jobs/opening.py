"""How every job opens its data, and what it says of where they come from."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from inspect import signature
from typing import Any, Final, TypedDict, cast

from riskshift.analysis.severities import Severities
from riskshift.analysis.stated.provenance import Provenance
from riskshift.collapse.crossing import with_crossed
from riskshift.collapse.purposes import PAIRS, PEOPLE
from riskshift.counts.pairs import Counts
from riskshift.errors import UsageError, listing
from riskshift.formats.scores import Asked
from riskshift.reading.counts import holds_counts, read_counts
from riskshift.reading.duckdb_options import Limits
from riskshift.reading.layout import MAPPED
from riskshift.reading.logs import ALL, LAST
from riskshift.reading.opening import look, open_data, taxonomy_of
from riskshift.records import Columns, Condition, Options, Purpose, Records
from riskshift.refusal import RefusalScale
from riskshift.taxonomy import SIDES, Taxonomy
from riskshift.written import MISSING

# "At most N" with a larger N is the same, and engines count in 64 bits.
MOST: Final = (1 << 63) - 1


class Reading(TypedDict, total=False):
    """Options of `read` that every job hands on."""

    taxonomy: Taxonomy | None
    columns: Mapping[str, str] | None
    scale: str | None
    invert: str | Sequence[str]
    model: str | None
    cluster: str | None
    prompt_labels: str
    skip_bad: bool
    missing: str | Sequence[str]
    where: str | Sequence[str]
    leave_out: str | Sequence[str]
    refusal_scale: Mapping[str, str | Sequence[str]] | None
    partial_refusal: str | None
    format: str | None
    scores: Mapping[str, str] | None
    score_values: Mapping[str, str] | None
    cuts: Sequence[float]
    turns: str
    labels: Any
    categories_in: str | Mapping[str, str]
    memory_limit: str | None
    threads: int | None


class Grouping(Reading, total=False):
    """All options of `read`, for jobs that answer group by group or say how to ask them to."""

    by: str | Sequence[str]


def several(words: str | Sequence[str]) -> tuple[str, ...]:
    """Return words as a tuple; one alone needs no list around it."""
    return (words,) if isinstance(words, str) else tuple(words)


def silent(step: str) -> None:
    """Listen to progress and say nothing."""


def read(
    data: Any,
    *,
    taxonomy: Taxonomy | None = None,
    columns: Mapping[str, str] | None = None,
    scale: str | None = None,
    invert: str | Sequence[str] = (),
    by: str | Sequence[str] = (),
    model: str | None = None,
    cluster: str | None = None,
    prompt_labels: str = "per-prompt",
    skip_bad: bool = False,
    missing: str | Sequence[str] = (),
    where: str | Sequence[str] = (),
    leave_out: str | Sequence[str] = (),
    refusal_scale: Mapping[str, str | Sequence[str]] | None = None,
    partial_refusal: str | None = None,
    format: str | None = None,  # noqa: A002
    scores: Mapping[str, str] | None = None,
    score_values: Mapping[str, str] | None = None,
    cuts: Sequence[float] = (),
    turns: str = LAST,
    labels: Any = (),
    categories_in: str | Mapping[str, str] = "",
    memory_limit: str | None = None,
    threads: int | None = None,
) -> Records:
    """Bind labelled pairs to their roles; nothing is computed yet.

    Parameters
    ----------
    data : path, list of paths, or data frame
        Files (CSV, TSV, JSON lines, JSON, Parquet; plain, gzip or zstd), logs of tools, folders or
        globs; or a pandas, Polars or PyArrow frame, a Polars LazyFrame, or a DuckDB relation.
    taxonomy : Taxonomy, optional
        Categories and levels; default: hate, self_harm, sexual, violence on Safe to High, and of
        logs what their labels have.
    columns : Columns or mapping, optional
        Columns by role, where their names are not the roles' own.
    scale : {None, "levels", "names", "0-7", "0-2-4-6"}
        How labels are written; None accepts severities 0..K-1 and level names.
    invert : str or sequence of str
        Labels whose numbers, true and false count down to harm (1 is safe): columns, roles such as
        ``"response_hate"``, or categories.
    by : str or sequence of str
        Columns to group by, each a grouping of its own; ``"A x B"`` is two of them crossed.
    model : str, optional
        Keep only this model's records.
    cluster : str, optional
        Column whose equal values are not independent; default: the set, else the prompt.
    prompt_labels : {"per-prompt", "per-row"}
        Whether the labels of one prompt must agree across its records.
    skip_bad : bool, default False
        Leave rows with faults out and count them, instead of stopping.
    missing : str or sequence of str
        What stands where there is no label, such as ``"-1"`` or ``"ERROR"``, beside nothing, NaN,
        null and NA.
    where : str or sequence of str
        ``"COLUMN=VALUE"``: only these rows are meant. The others are none of the data.
    leave_out : str or sequence of str
        ``"COLUMN=VALUE"``: rows that are left out and counted, such as ``"is_empty=1"``.
    refusal_scale : mapping of str to str or sequence of str, optional
        What the column of refusals writes for ``complied``, ``partial`` and ``refused``; default:
        that of the taxonomy. These names, and yes and no, need no declaration.
    partial_refusal : {"answered", "refused"}, optional
        What a partial refusal counts as; default: that of the taxonomy, which is answered.
    format : {"csv", "tsv", "jsonl", "json", "parquet", "xlsx"} or the name of a format of logs, optional
        Of files whose names do not tell, and of logs that are not recognised.
    scores : mapping of str to str, optional
        By scorer of a log what a yes of it says: ``"harmful"``, ``"safe"`` or ``"refused"``.
    score_values : mapping of str to str, optional
        By what a declared scorer says the level that it stands for, or ``"complied"``,
        ``"partial"``, ``"refused"``.
    cuts : sequence of float, optional
        Where declared scores become levels: one point, or three.
    turns : {"last", "all"}
        Which exchanges of a conversation in a log are pairs. With all of them the conversation is
        what is independent, unless `cluster` names another unit.
    labels : path or data frame, or list of them
        Labels of either side that stand beside the data: files for files, frames of the same
        library for a frame. They are joined by ``record_id``, ``prompt_id`` or equal texts.
    categories_in : str or mapping of str to str
        By side the column that holds the categories that are met: a list of them, or an object
        with true, false or a level for each; also as JSON. A name alone is of the responses.
    memory_limit : str, optional
        Of DuckDB, for files, such as ``"2GB"``; beyond it, it works on disk.
    threads : int, optional
        Of DuckDB, for files: how many work at once; default: as many as there are processors.

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
    reading = Grouping(
        taxonomy=taxonomy,
        columns=columns,
        scale=scale,
        invert=invert,
        by=by,
        model=model,
        cluster=cluster,
        prompt_labels=prompt_labels,
        skip_bad=skip_bad,
        missing=missing,
        where=where,
        leave_out=leave_out,
        refusal_scale=refusal_scale,
        partial_refusal=partial_refusal,
        format=format,
        scores=scores,
        score_values=score_values,
        cuts=cuts,
        turns=turns,
        labels=labels,
        categories_in=categories_in,
        memory_limit=memory_limit,
        threads=threads,
    )
    return _read(data, reading, silent)


def _read(data: Any, reading: Grouping, progress: Callable[[str], None]) -> Records:
    return bound(looked(data, reading, progress), reading, PAIRS)


def bound(found: Any, reading: Grouping, purpose: Purpose) -> Records:
    """Bind data that were found; labels of logs bring a taxonomy along."""
    if purpose is PAIRS and holds_counts(found):
        return read_counts(found, by=_by_of_counts(reading), model=reading.get("model"))
    given = reading.get("taxonomy") or taxonomy_of(found)
    taxonomy = given or Taxonomy()
    columns_of = reading.get("categories_in") or {}
    categories_in = {SIDES[1]: columns_of} if isinstance(columns_of, str) else dict(columns_of)
    declared = reading.get("refusal_scale"), reading.get("partial_refusal")
    options = Options(
        taxonomy=with_refusals(taxonomy, *declared),
        columns=Columns.of(reading.get("columns")),
        scale=reading.get("scale"),
        invert=several(reading.get("invert", ())),
        by=several(reading.get("by", ())),
        model=reading.get("model"),
        cluster=reading.get("cluster")
        or ("conversation_id" if reading.get("turns") == ALL else None),
        prompt_labels=reading.get("prompt_labels", "per-prompt"),
        skip_bad=reading.get("skip_bad", False),
        missing=several(reading.get("missing", ())),
        where=tuple(map(Condition.of, several(reading.get("where", ())))),
        leave_out=tuple(map(Condition.of, several(reading.get("leave_out", ())))),
        categories_in=categories_in,
        categories_met=bool(categories_in) and given is None,
    )
    labels = reading.get("labels", ())
    records = open_data(
        found,
        options=options,
        purpose=purpose,
        format=reading.get("format"),
        limits=_limits(reading),
        labels=labels if isinstance(labels, list | tuple) else (labels,),
    )
    return with_crossed(records, options.by)


def _by_of_counts(reading: Grouping) -> tuple[str, ...]:
    """Return the groups that are asked of counts.

    Raises
    ------
    UsageError
        If an option says how to read pairs: it would change nothing.
    """
    asked = signature(read).parameters
    given = [name for name, value in reading.items() if value != asked[name].default]
    late = sorted(set(given) - {"by", "memory_limit", "model", "threads"})
    if late:
        raise UsageError(
            f"these are counts, and {listing(late)} would change nothing any more. Give such options to riskshift "
            "collapse."
        )
    return several(reading.get("by", ()))


def looked(data: Any, reading: Reading, progress: Callable[[str], None]) -> Any:
    """Find the files that are meant, and turn logs into pairs; see `look`.

    Raises
    ------
    TypeError
        If there is no option of that name.
    """
    for name in reading:
        if name not in Grouping.__annotations__:
            raise TypeError(f"read() got an unexpected keyword argument {name!r}")
    return look(
        data,
        format=reading.get("format") or (MAPPED if reading.get("columns") else None),
        asked=Asked(
            dict(reading.get("scores") or {}),
            dict(reading.get("score_values") or {}),
            tuple(reading.get("cuts", ())),
        ),
        turns=reading.get("turns", LAST),
        skip_bad=reading.get("skip_bad", False),
        progress=progress,
    )


def _limits(reading: Reading) -> Limits:
    return Limits(reading.get("memory_limit"), reading.get("threads"))


def with_refusals(
    taxonomy: Taxonomy,
    codes: Mapping[str, str | Sequence[str]] | None,
    partial: str | None,
) -> Taxonomy:
    """Declare how refusals are written, where that is not told by the taxonomy."""
    told = taxonomy.refusal
    scale = RefusalScale(told.codes if codes is None else codes, partial or told.partial_counts_as)
    return replace(taxonomy, refusal=scale)


def opened(
    data: Any, reading: Reading, progress: Callable[[str], None], *, beside: Any = None
) -> Records:
    """Return records as they are, and read anything else.

    Parameters
    ----------
    data : path, list of paths, data frame, or Records
        Labelled pairs.
    reading : Reading
        How to read them.
    progress : callable
        Told if data are opened.
    beside : path, data frame or Records, optional
        What else the options are for: where that is still to be read, they change something.

    Raises
    ------
    DataError
        If the data cannot be read or lacks a column.
    UsageError
        If an option cannot be honoured, or would change nothing as all is read already.
    """
    if not isinstance(data, Records):
        progress("opening the data")
        return _read(data, cast("Grouping", reading), progress)
    if reading and (beside is None or isinstance(beside, Records)):
        raise UsageError(
            f"these records are read already, so {listing(sorted(reading))} would change nothing. "
            "Give such options to riskshift.read."
        )
    return data


def read_people(
    people: Any,
    reading: Reading,
    *,
    like: Records | None = None,
    model: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> Records:
    """Read people's labels with the options that they share with the grader's.

    Columns mapped for the grader's labels may have their own names in people's file. People who
    see a prompt twice may rate it differently; that is no fault of theirs.

    Parameters
    ----------
    people : path, data frame or Records
        Labelled pairs.
    reading : Reading
        The options with which the grader's labels were read.
    like : Records, optional
        The grader's; their taxonomy holds where the options name none.
    model : str, optional
        Keep only this model's records.
    columns : Columns or mapping, optional
        Columns of people's file by role, where they are not the grader's: both may then stand in
        one file.

    Raises
    ------
    DataError
        If the data cannot be read or lacks a column.
    UsageError
        If columns are named and the records are read already.
    """
    named = dict(columns or {})
    if isinstance(people, Records):
        if named:
            raise UsageError(
                "people's labels are read already, so people_columns would change nothing. Give the columns to "
                "riskshift.read."
            )
        return people
    graders = dict(Columns.of(reading.get("columns")))
    # People's file need not have a column of the grader's whose place is taken.
    unused = {graders[role] for role in named if role in graders} - set(named.values())
    declared = reading.get("refusal_scale"), reading.get("partial_refusal")
    taxonomy = reading.get("taxonomy") or (like.options.taxonomy if like else Taxonomy())
    options = Options(
        taxonomy=with_refusals(taxonomy, *declared),
        columns=Columns(**{**graders, **named}),
        scale=reading.get("scale"),
        invert=tuple(name for name in several(reading.get("invert") or ()) if name not in unused),
        model=model,
        prompt_labels="per-row",
        missing=several(reading.get("missing") or ()),
        where=tuple(map(Condition.of, several(reading.get("where") or ()))),
        leave_out=tuple(map(Condition.of, several(reading.get("leave_out") or ()))),
    )
    records = open_data(people, options=options, limits=_limits(reading), purpose=PEOPLE)
    records.require(
        named.values(), fix="--people-map names columns of people's file as role=column."
    )
    return records


def refuse_columns_alone(people: Any, columns: Mapping[str, str] | None) -> None:
    """Refuse columns of people's file where there is no such file.

    Raises
    ------
    UsageError
        In that case.
    """
    if people is None and columns:
        raise UsageError("columns of people's file are named, and no such file is: --people FILE.")


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
    clusters = counts.clusters
    records.source.check_unchanged()  # the rows were asked again since they were counted
    return Provenance(
        source=records.source.listing,
        engine=records.source.engine,
        data_hash=counts.digest(),
        read=counts.total + sum(records.skipped.values()),
        left_out=dict(records.skipped),
        missing=_missing(counts),
        cluster=records.cluster,
        units=counts.units,
        repeated=counts.clusters is not None,
        timing=timing,
        groups=None if clusters is None or not counts.in_groups else len(clusters.weight),
    )


def _missing(counts: Counts) -> dict[str, int]:
    severities = Severities(counts)
    lacking = {
        "missing prompt label": ~severities.prompt.complete,
        "missing response label": ~severities.response.complete,
    }
    if counts.relevance is not None:
        lacking["missing relevance"] = counts.relevance == MISSING
    if counts.refusal is not None:
        lacking["missing refusal"] = counts.refusal == MISSING
    found = {name: int(counts.n[there].sum()) for name, there in lacking.items()}
    return {name: n for name, n in found.items() if n}
