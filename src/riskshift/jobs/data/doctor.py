"""What can be done with a file or a log, and what to type next."""

import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Unpack, cast

from riskshift.analysis.severities import Severities
from riskshift.collapse.columns import Likely, likely_columns
from riskshift.collapse.pairs import Collapsed, collapse
from riskshift.collapse.purposes import PAIRS, RATERS
from riskshift.collapse.rated.ratings import collapse_raters
from riskshift.engines import engine
from riskshift.errors import (
    ColumnError,
    DataError,
    FileError,
    LabelError,
    PairError,
    RiskshiftError,
    listing,
)
from riskshift.formats.catalogue import recognise
from riskshift.formats.log import Log
from riskshift.formats.scores import MEANINGS, NO_SCORE, YES_OR_NO, likely_meaning
from riskshift.jobs.agree import agree
from riskshift.jobs.commands import command
from riskshift.jobs.opening import Grouping, Reading, bound, looked, silent
from riskshift.reading.counts import holds_counts
from riskshift.reading.logs import ALL, Found, Pairs
from riskshift.reading.opening import ANY
from riskshift.reading.paths import tidy
from riskshift.records import Records, label_roles
from riskshift.taxonomy import SIDES, Taxonomy

_UNLABELLED: Final = (
    "Have them labelled (riskshift sample and riskshift label-studio for people, a grader for all), a column for each "
    "category and side, such as response_harm; labels in a file of their own are joined by --labels FILE."
)
_PLAIN: Final = {"prompt": "text of the prompt", "response": "text of the response"}
_ONE_WORD: Final = {
    "format": "--from",
    "scale": "--scale",
    "model": "--model",
    "cluster": "--cluster",
    "prompt_labels": "--prompt-labels",
    "turns": "--turns",
}
_SEVERAL: Final = {
    "invert": "--invert",
    "missing": "--missing",
    "scores": "--score",
    "score_values": "--score-value",
    "labels": "--labels",
    "categories_in": "--categories-in",
}
# What `agree` is told of reading.
_OF_RATERS: Final = ("format", "skip_bad")
# How a file may be laid out whose name says something else.
_OTHER_LAYOUTS: Final = ("jsonl", "csv", "json")
_ADVICE: Final = re.compile(r" ?See what (?:it is|the data hold): riskshift doctor .*")
# So many options are added one after another before it is given up.
_TRIES: Final = 6


@dataclass(frozen=True, slots=True)
class Checkup:
    """What was found, and what can be done with it.

    Parameters
    ----------
    source : str
        What was looked at.
    told : tuple of str
        What it is and holds, a line each.
    assumed : tuple of str
        What `then` takes for granted and nobody said.
    works : tuple of str
        Commands that can be given it.
    then : str or None
        The next command to type; it was tried. None if nothing can be done.
    """

    source: str
    told: tuple[str, ...]
    assumed: tuple[str, ...] = ()
    works: tuple[str, ...] = ()
    then: str | None = None

    def __str__(self) -> str:
        parts = [self.source, *(f"  {line}" for line in self.told)]
        if self.works:
            parts.append(f"Works with: {listing(self.works)}.")
        if self.assumed:
            parts += ["If it is so that:", *(f"  {line}" for line in self.assumed)]
        if self.then is not None:
            parts += ["Next:", *(f"  {line}" for line in self.then.splitlines())]
        return "\n".join(parts)


def doctor(
    data: Any, *, progress: Callable[[str], None] = silent, **reading: Unpack[Reading]
) -> Checkup:
    r"""Say what data are, what they hold and lack, and what to do next.

    Parameters
    ----------
    data : path, list of paths, or data frame
        Anything, also what cannot be analyzed yet.
    progress : callable, optional
        Told what is being done, in a few words.
    **reading
        Options of `read` that are known already.

    Returns
    -------
    Checkup

    Examples
    --------
    >>> import pathlib, tempfile
    >>> place = pathlib.Path(tempfile.mkdtemp(), "answers.csv")
    >>> _ = place.write_text("id,question,answer,label\n1,How?,Thus.,0\n2,Why?,So.,1\n")
    >>> then = doctor(place).then
    >>> print(then.partition("--")[2])
    taxonomy harm --map prompt=question --map response=answer --map prompt_id=id --map response_harm=label
    """
    paths = [data] if not isinstance(data, (list, tuple)) else list(data)
    known = cast("Grouping", reading)
    with warnings.catch_warnings(action="ignore"):
        checked = _checked(data, paths, known, progress)
        if checked.then is None and not checked.assumed and _is_unknown(paths, known):
            # What a file is called may not be what it is.
            for format in _OTHER_LAYOUTS:  # noqa: A001
                again: Grouping = {**known, "format": format}
                other = _checked(data, paths, again, progress)
                if other.then is not None:
                    return replace(other, assumed=(f"the file is {format.upper()}", *other.assumed))
    return checked


def _is_unknown(paths: Sequence[Any], reading: Grouping) -> bool:
    """Tell whether nobody says what files are, and no tool is known to have written them."""
    files = [Path(path) for path in paths if isinstance(path, str | Path)]
    known = any(recognise(Log(path, str(path))) for path in files if path.is_file())
    return bool(files) and not known and not reading.get("format")


def _checked(
    data: Any, paths: Sequence[Any], reading: Grouping, progress: Callable[[str], None]
) -> Checkup:
    try:
        found = looked(data, reading, progress)
    except RiskshiftError as error:
        return Checkup(listing(paths), _lines(error))
    try:
        if isinstance(found, Found) and found.pairs is not None:
            return _of_log(paths, found, found.pairs, reading)
        if holds_counts(found):
            return _of_counts(paths, found, reading)
        return _of_files(paths, found, reading)
    except RiskshiftError as error:
        name = tidy(found.files) if isinstance(found, Found) else "a data frame"
        return Checkup(name, _lines(error))


def _lines(error: RiskshiftError) -> tuple[str, ...]:
    """Write an error without its advice to ask the doctor, who is speaking."""
    return tuple(_ADVICE.sub("", line) for line in str(error).splitlines())


def _of_counts(paths: Sequence[Any], found: Found, reading: Grouping) -> Checkup:
    collapsed = collapse(bound(found, reading, PAIRS))
    several = collapsed.records.column("model") in collapsed.groups
    told = ("Counts of pairs that riskshift collapse saved; the pairs are elsewhere",)
    works = ("analyze", "compare", "check") if several else ("analyze", "check")
    then = command("analyze", paths, flags=_flags(reading))
    return Checkup(collapsed.records.source.listing, (*told, *_held(collapsed)), (), works, then)


def _of_log(paths: Sequence[Any], found: Found, pairs: Pairs, reading: Grouping) -> Checkup:
    source = f"{tidy(found.files)}, {pairs.told}{found.passed}"
    told = [pairs.format.title, f"Labels: {pairs.format.labels}", *_counted(pairs)]
    if not pairs.pairs:
        return Checkup(source, (*told, "Nothing in it can be analyzed."))
    if pairs.format.rated:
        seen = Checkup(source, (*told, *pairs.notes))
        return _of_rated_log(paths, seen, pairs.taxonomy, reading)
    if pairs.labelled or reading.get("labels") or reading.get("categories_in"):
        collapsed = collapse(bound(found, reading, PAIRS))
        told += _held(collapsed)
        then = command("analyze", paths, reading.get("taxonomy"), flags=_flags(reading))
        notes = collapsed.records.source.notes
        return Checkup(source, (*told, *notes), (), _commands(collapsed), then)
    asked = _of_harm(pairs.scores)
    if asked is not None:
        name, meaning = asked
        then = command("analyze", paths, flags=["--score", f"{name}={meaning}"])
        assumed = (f"a yes of {name!r} says {meaning} (of {', '.join(MEANINGS)})",)
        return Checkup(source, (*told, *pairs.notes), assumed, ("convert",), then)
    then = command("convert", paths, flags=["-o", "pairs.csv"])
    return Checkup(source, (*told, *pairs.notes), (), ("convert",), then)


def _of_rated_log(
    paths: Sequence[Any], seen: Checkup, taxonomy: Taxonomy, reading: Grouping
) -> Checkup:
    """Say what can be done with labels of people: how far they agree, if there are two or more."""
    kept = cast("Grouping", {name: reading[name] for name in _OF_RATERS if name in reading})
    try:
        agree(
            paths,
            taxonomy=taxonomy,
            disputes=0,
            format=kept.get("format"),
            skip_bad=kept.get("skip_bad", False),
        )
    except RiskshiftError as error:
        then = command("convert", paths, flags=["-o", "labels.csv", *_flags(kept)])
        told = (*seen.told, *str(error).splitlines())
        return replace(seen, told=told, works=("convert",), then=then)
    then = command("agree", paths, taxonomy, flags=_flags(kept))
    return replace(seen, works=("agree", "convert"), then=then)


# Parts of names of scorers that compare an answer with the right one, and say nothing of harm.
_OF_TASK: Final = ("match", "includes", "exact", "pattern", "choice", "accuracy", "correct", "f1")


def _of_harm(scores: Mapping[str, Mapping[str, int]]) -> tuple[str, str] | None:
    """Pick a scorer that says yes or no, and may say it of harm."""
    for name, said in scores.items():
        meaning = likely_meaning(name)
        words = {word.casefold() for word in said} - {NO_SCORE}
        of_task = any(part in name.casefold() for part in _OF_TASK)
        if meaning != "refused" and not of_task and words and words <= YES_OR_NO:
            return name, meaning
    return None


def _counted(pairs: Pairs) -> Iterator[str]:
    left = sum(pairs.left_out.values())
    yield f"{pairs.pairs + left:,} records, {pairs.pairs:,} of them pairs"
    if left:
        yield f"Left out: {_reasons(pairs.left_out)}"
    for name, said in pairs.scores.items():
        yield f"Score {name}: {listing(f'{value} {n:,}' for value, n in said.items())}"
    if pairs.lacking:
        yield f"Without labels of the response in the logs: {_reasons(pairs.lacking)}"
    if pairs.conversations and pairs.turns != ALL:
        yield (
            f"Conversations of several exchanges: {pairs.conversations:,}; the last exchange of each is the pair, and "
            "with --turns all every one is"
        )
    for name, values in pairs.facts.items():
        yield f"{name.capitalize()}: {listing(str(value)[:100] for value in values)}"


def _reasons(reasons: Mapping[str, int]) -> str:
    return listing(f"{reason} {n:,}" for reason, n in reasons.items())


def _of_files(paths: Sequence[Any], found: Any, reading: Grouping) -> Checkup:
    bare: Grouping = {**reading, "columns": None, "labels": (), "categories_in": ""}
    try:
        seen = bound(found, bare, ANY)
    except FileError as error:
        if reading.get("skip_bad") or "--skip-bad" not in str(error):
            raise
        checked = _of_files(paths, found, {**reading, "skip_bad": True})
        return replace(checked, assumed=(_skipping(str(error)), *checked.assumed))
    source = f"{seen.source.listing}: {len(seen.names)} columns"
    told: tuple[str, ...] = (f"Columns: {listing(seen.names)}",)
    if seen.shared:
        told += (f"Columns that share a name, so that none is meant: {listing(seen.shared)}",)
    if seen.column("annotator"):
        return _of_raters(paths, found, seen, reading, told)
    trial = _tried(found, seen, reading)
    if trial.collapsed is None:
        return Checkup(source, (*told, *trial.said.splitlines()), tuple(trial.assumed))
    collapsed = trial.collapsed
    options = collapsed.records.options
    then = command(
        "analyze",
        paths,
        None if options.categories_met else options.taxonomy,
        columns=dict(options.columns),
        flags=_flags(trial.reading),
    )
    held = (*told, *_held(collapsed), *collapsed.records.source.notes)
    return Checkup(source, held, tuple(trial.assumed), _commands(collapsed), then)


def _of_raters(
    paths: Sequence[Any], found: Any, seen: Records, reading: Grouping, told: tuple[str, ...]
) -> Checkup:
    """Say how to measure and resolve the agreement of several raters."""
    likely = likely_columns(seen)
    columns = {**likely.columns, **(reading.get("columns") or {})}
    asked: Grouping = {**reading, "columns": columns}
    if not reading.get("taxonomy") and likely.taxonomy is not None:
        asked["taxonomy"] = likely.taxonomy
    ratings = collapse_raters(bound(found, asked, RATERS))
    taxonomy = ratings.records.options.taxonomy
    told += (
        f"Several raters a pair, in the column {seen.column('annotator')!r}: rates need one label a pair, so "
        "resolve them first (--write-resolved FILE)",
    )
    source = f"{seen.source.listing}: {len(seen.names)} columns"
    then = command("agree", paths, taxonomy, columns=columns, flags=_flags(reading))
    return Checkup(source, told, (f"labels mean {taxonomy.describe_levels()}",), ("agree",), then)


@dataclass(slots=True)
class _Trial:
    """Options with which data were read, or why they could not be."""

    reading: Grouping
    assumed: list[str] = field(default_factory=list)
    collapsed: Collapsed | None = None
    said: str = ""

    def assume(self, what: str, **more: Any) -> bool:
        """Try further options, which take something for granted; False if they change nothing."""
        if all(self.reading.get(name) == value for name, value in more.items()):
            return False
        self.reading = cast("Grouping", {**self.reading, **more})
        self.assumed.append(what)
        return True


def _tried(found: Any, seen: Records, reading: Grouping) -> _Trial:
    """Read data with ever more options, until they can be analyzed or no option is left."""
    trial = _Trial(reading)
    try:
        engine.count_rows(seen.frame)
    except engine.EngineError as error:
        trial.said = str(seen.source.explain(str(error)))
        if not _skipped(trial):
            return trial
        bare: Grouping = {**trial.reading, "columns": None, "labels": (), "categories_in": ""}
        seen = bound(found, bare, ANY)
    for _ in range(_TRIES):
        try:
            trial.collapsed = collapse(bound(found, trial.reading, PAIRS))
            return trial
        except RiskshiftError as error:
            trial.said = str(error)
            if not _amended(trial, error, seen):
                return trial
    return trial


def _amended(trial: _Trial, error: RiskshiftError, seen: Records) -> bool:
    """Add the option that an error asks for; False if none would help."""
    if isinstance(error, ColumnError):
        return _described(trial, likely_columns(seen)) or _respelt(trial, seen)
    if isinstance(error, PairError):
        columns = dict(trial.reading.get("columns") or {})
        if "own labels differ" in str(error):
            return trial.assume(
                "prompts were labelled anew each time", prompt_labels="per-row"
            ) or _skipped(trial)
        if "prompt" in columns and columns.pop("prompt_id", ""):
            return trial.assume("equal texts are one prompt", columns=columns)
    scales = [scale for scale in ("0-7", "0-2-4-6") if trial.reading.get("scale") is None]
    if isinstance(error, LabelError) and scales and not trial.reading.get("taxonomy"):
        return trial.assume("labels are Azure's severities from 0 to 7", scale=scales[0])
    return isinstance(error, DataError) and _skipped(trial)


def _skipped(trial: _Trial) -> bool:
    return trial.assume(_skipping(trial.said), skip_bad=True)


def _skipping(said: str) -> str:
    return f"rows with faults may be left out: {said.splitlines()[0]}"


def _respelt(trial: _Trial, seen: Records) -> bool:
    """Take columns whose names are nearly those of labels for these."""
    taxonomy = trial.reading.get("taxonomy") or Taxonomy()
    columns = dict(trial.reading.get("columns") or {})
    roles = [role for pair in label_roles(taxonomy) for role in pair]
    free = {name.casefold(): name for name in seen.names if name not in (*roles, *columns.values())}
    meant = dict[str, str]()
    for role in roles:
        close = get_close_matches(role.casefold(), free, n=1, cutoff=0.8)
        if close and role not in seen.names and role not in columns:
            meant[role] = free.pop(close[0])
    told = "; ".join(f"{column!r} is the {role}" for role, column in meant.items())
    return bool(meant) and trial.assume(told, columns={**columns, **meant})


def _described(trial: _Trial, likely: Likely) -> bool:
    """Name columns by what they look like."""
    if likely.categories_in and not trial.reading.get("categories_in"):
        told = [
            f"{column!r} holds the categories of harm in the {side}"
            for side, column in likely.categories_in.items()
        ]
        return trial.assume(
            "; ".join(told), categories_in=likely.categories_in, columns=likely.columns
        )
    if likely.taxonomy is None or trial.reading.get("columns"):
        if likely.taxonomy is None:
            trial.said = f"No column looks like labels of harm.{_unread(likely)} {_UNLABELLED}"
        return False
    what = [
        f"{column!r} is the {_PLAIN.get(role, role)}" for role, column in likely.columns.items()
    ]
    what += [
        f"1, or true, means safe in {likely.columns.get(role, role)!r}" for role in likely.invert
    ]
    what += [f"{mark!r} says that there is no label" for mark in likely.missing]
    what.append(f"labels mean {likely.taxonomy.describe_levels()}")
    return trial.assume(
        "; ".join(what),
        taxonomy=likely.taxonomy,
        columns=likely.columns,
        invert=likely.invert,
        missing=likely.missing,
    )


def _unread(likely: Likely) -> str:
    if not likely.unread:
        return ""
    return (
        f" {listing(map(repr, likely.unread))} may be scores or words: make a column of levels of them, such as "
        "response_harm, 1 from the score on that is harm."
    )


def _flags(reading: Grouping) -> list[str]:
    """Write options of reading as words of a command; columns and the taxonomy apart."""
    words: list[str] = []
    for name, flag in _ONE_WORD.items():
        value = reading.get(name)
        words += [flag, str(value)] if value else []
    for name, flag in _SEVERAL.items():
        values: Any = reading.get(name) or ()
        values = (values,) if isinstance(values, str | Path) else values
        pairs = values.items() if isinstance(values, Mapping) else ((str(v),) for v in values)
        words += [word for pair in pairs for word in (flag, "=".join(pair))]
    cuts = ",".join(map(str, reading.get("cuts", ())))
    words += ["--cuts", cuts] if cuts else []
    return words + (["--skip-bad"] if reading.get("skip_bad") else [])


def _held(collapsed: Collapsed) -> Iterator[str]:
    """Say what can be analyzed of data."""
    records, counts = collapsed.records, collapsed.counts
    yield f"{counts.total:,} pairs to analyze"
    if records.skipped:
        yield f"Left out: {_reasons(records.skipped)}"
    severities = Severities(counts)
    for side, known in ((SIDES[0], severities.prompt), (SIDES[1], severities.response)):
        whole = int(counts.n[known.complete].sum())
        names = listing(name for at, name in enumerate(_columns(records, side)))
        scale = records.options.taxonomy.describe_levels()
        yield f"{side.capitalize()}s: {whole:,} labelled in full ({names}: {scale})"
        if not whole:
            yield f"No {side} is labelled. {_UNLABELLED}"
    for column, grouped in collapsed.groups.items():
        yield f"{column}: {listing(grouped.names)}"
    if counts.clusters is not None:
        yield f"Records share their {records.cluster}: {counts.units:,} of them"
    for role in ("conversation_id", "turn", "sample"):
        if records.column(role):
            yield f"{role}: column {records.column(role)!r}"


def _columns(records: Records, side: str) -> list[str]:
    return [pair[SIDES.index(side)] for pair in records.labels]


def _commands(collapsed: Collapsed) -> tuple[str, ...]:
    """Return the commands that can be given data."""
    records = collapsed.records
    model = records.column("model")
    models = len(collapsed.groups[model].names) if model in collapsed.groups else 1
    several = models > 1 and records.prompt is not None
    return ("analyze", "check", "sample", *(["compare"] if several else []))
