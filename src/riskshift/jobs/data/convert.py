"""Logs of tools as files of pairs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from riskshift.errors import DataError, UsageError, listing
from riskshift.jobs.commands import command
from riskshift.jobs.opening import Grouping, bound, looked, silent
from riskshift.outputs.overwriting import refuse_overwriting
from riskshift.outputs.sheets import check_sheet, write_rows
from riskshift.reading.duckdb_options import Limits
from riskshift.reading.files import spooled
from riskshift.reading.logs import ALL, LAST, Found, Pairs
from riskshift.reading.opening import ANY
from riskshift.reading.paths import tidy
from riskshift.records import NAMING, label_roles
from riskshift.scratch import remove
from riskshift.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True)
class Converted:
    """What `convert` wrote, and what it was made from.

    Parameters
    ----------
    output : Path
        The file of pairs.
    source : str
        The logs, and how they were read.
    taxonomy : Taxonomy
        Of the labels.
    pairs : int
        How many pairs were written.
    left_out : dict of str to int
        Records that are no pairs, by reason.
    lacking : dict of str to int
        Pairs without labels of the response in the logs, by why: blocked, unscored.
    notes : tuple of str
        What the logs do not say, and how to have it said.
    reader : str
        The command that reads the pairs: ``"analyze"``, or of people's labels ``"agree"``.
    turns : {"last", "all"}
        Which exchanges of conversations are pairs.
    """

    output: Path
    source: str
    taxonomy: Taxonomy
    pairs: int
    left_out: dict[str, int]
    lacking: dict[str, int]
    notes: tuple[str, ...]
    reader: str = "analyze"
    turns: str = LAST

    def __str__(self) -> str:
        left = f"; left out: {_counted(self.left_out)}" if self.left_out else ""
        lacking = (
            f" Without labels of the response in the logs: {_counted(self.lacking)}."
            if self.lacking
            else ""
        )
        flags = ["--cluster", "conversation_id"] if self.turns == ALL else []
        return "\n".join(
            [
                f"{self.pairs:,} pairs from {self.source}{left}.{lacking}",
                *self.notes,
                f"Next: {command(self.reader, [self.output], self.taxonomy, flags=flags)}",
            ]
        )


_LABELS: Final = ("relevance", "refusal", "prompt_benign")


def convert(
    data: Any,
    output: str | Path,
    *,
    format: str | None = None,  # noqa: A002
    scores: Mapping[str, str] | None = None,
    score_values: Mapping[str, str] | None = None,
    cuts: Sequence[float] = (),
    turns: str = LAST,
    labels: Any = (),
    taxonomy: Taxonomy | None = None,
    skip_bad: bool = False,
    memory_limit: str | None = None,
    threads: int | None = None,
    progress: Callable[[str], None] = silent,
) -> Converted:
    """Write the pairs of logs, with all that the logs tell of them.

    Parameters
    ----------
    data : path or list of paths
        Logs of one format.
    output : str or Path
        Where to write: ``.parquet``, ``.jsonl`` or ``.csv``.
    format, scores, score_values, cuts, turns, labels, taxonomy, skip_bad, memory_limit, threads
        As in `read`; a taxonomy is that of the labels to be joined.
    progress : callable, optional
        Told what is being done, in a few words.

    Returns
    -------
    Converted

    Raises
    ------
    DataError
        If a log cannot be read, or holds no pairs.
    UsageError
        If the data are no logs, or an option cannot be honoured.
    OutputError
        If the pairs cannot be written, or would be read as `data`.
    """
    if taxonomy is not None and not labels:
        raise UsageError("a taxonomy is of labels that are joined, and none are: --labels FILE.")
    place = check_sheet(output)
    refuse_overwriting({"output": output}, {"data": data, "labels": labels})
    reading = Grouping(
        format=format,
        scores=scores,
        score_values=score_values,
        cuts=cuts,
        turns=turns,
        labels=labels,
        taxonomy=taxonomy,
        skip_bad=skip_bad,
        memory_limit=memory_limit,
        threads=threads,
    )
    limits = Limits(memory_limit, threads)
    found = looked(data, reading, progress)
    if not isinstance(found, Found) or found.pairs is None:
        name = tidy(found.files) if isinstance(found, Found) else "a data frame"
        raise UsageError(
            f"{name} is no log of a tool: it is read as it is, and there is nothing to convert. See what can be done "
            "with it: riskshift doctor FILE."
        )
    pairs = found.pairs
    source = f"{tidy(found.files)} ({pairs.told}){found.passed}"
    if not pairs.pairs:
        raise DataError(
            f"{source} holds no pairs; left out: {_counted(pairs.left_out) or 'nothing'}."
        )
    notes = pairs.notes
    try:
        if labels:
            records = bound(found, reading, ANY)
            joined = spooled(records, pairs.columns)
            added = [name for name in records.columns if name not in pairs.columns]
            columns = {**pairs.columns, **dict.fromkeys(added, "VARCHAR")}
            told = records.options.taxonomy
            pairs = replace(pairs, files=[joined], columns=columns, taxonomy=told)
            source, notes = records.source.listing, list(records.source.notes)
        progress("writing")
        write_rows(place, pairs.files, pairs.columns, kept=_kept(pairs), limits=limits)
    finally:
        remove(pairs.folder)
    return Converted(
        place,
        source,
        pairs.taxonomy,
        pairs.pairs,
        dict(pairs.left_out),
        dict(pairs.lacking),
        tuple(notes),
        "agree" if pairs.format.rated else "analyze",
        turns,
    )


def _kept(pairs: Pairs) -> set[str]:
    """Return the columns by which pairs are told apart, and their labels."""
    roles = {role for pair in label_roles(pairs.taxonomy) for role in pair}
    return {*NAMING, *_LABELS, *roles}


def _counted(reasons: Mapping[str, int]) -> str:
    return listing(f"{reason} ({rows:,})" for reason, rows in reasons.items())
