"""Pairs as a file of counts: small, without texts, and to be added to others."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Unpack

from riskshift.collapse.rated.beside import about_strata
from riskshift.collapse.saving import countable
from riskshift.collapse.sources import source_column
from riskshift.counts.counts_file import to_bytes
from riskshift.counts.head import NO_IDS
from riskshift.counts.saved import Saved
from riskshift.errors import UsageError, listing
from riskshift.jobs.opening import Grouping, opened, silent
from riskshift.outputs.overwriting import refuse_overwriting
from riskshift.outputs.places import check_file, write_bytes

SUFFIX: Final = ".counts"


@dataclass(frozen=True, slots=True)
class Counted:
    """What `save_counts` wrote.

    Parameters
    ----------
    output : Path
        The file of counts.
    source : str
        What was collapsed.
    pairs : int
        How many pairs were counted.
    left_out : dict of str to int
        Rows left out, by reason.
    patterns : int
        Distinct patterns of labels and groups.
    groups : tuple of str
        The columns that can be grouped by later.
    cluster : str or None
        The column of what is not independent.
    ids : int or None
        Of how many values of it a hash is kept; None where ids were left out, or where each pair stands
        alone.
    """

    output: Path
    source: str
    pairs: int
    left_out: dict[str, int]
    patterns: int
    groups: tuple[str, ...]
    cluster: str | None
    ids: int | None

    def __str__(self) -> str:
        left = "".join(f"; left out: {rows:,} ({reason})" for reason, rows in self.left_out.items())
        told = [f"{self.pairs:,} pairs from {self.source}: {self.patterns:,} patterns{left}."]
        if self.groups:
            told.append(f"Groups: {listing(self.groups)}.")
        if self.cluster is None:
            told.append(
                "No column says which pairs share a prompt, so pairs in several parts go unnoticed."
            )
        elif self.ids is None:
            told.append("No ids are kept: no prompt may stand in a further part.")
        else:
            told.append(f"Of {self.ids:,} values of {self.cluster} a hash is kept; no texts.")
        return "\n".join([*told, f"Next: riskshift analyze {self.output}"])


def save_counts(
    data: Any,
    output: str | Path,
    *,
    apart: bool = False,
    progress: Callable[[str], None] = silent,
    **reading: Unpack[Grouping],
) -> Counted:
    """Collapse pairs to counts and save them, to be analyzed later, alone or with others.

    Parameters
    ----------
    data : path, list of paths, data frame, or Records
        The pairs; see `read`. Or files of counts, which are added.
    output : path
        Where to write the counts: ``.counts``.
    apart : bool, default False
        Whether no prompt stands in another part too. No ids are kept then, not even as hashes, so
        nothing can check it.
    progress : callable, optional
        Told what is being done, in a few words.
    **reading
        Options of `read`: `by` names the columns that can be grouped by later.

    Returns
    -------
    Counted

    Raises
    ------
    DataError
        If the data cannot be read, or has faults; all of them in one message.
    OutputError
        If the file cannot be written.
    UsageError
        If an option cannot be honoured.

    Notes
    -----
    `analyze` of the files of several parts gives the numbers of one `analyze` of all pairs. A prompt
    may stand in several parts: of its id the latter half of the MD5 is kept. Whoever has the ids can tell
    from it which labels a prompt and its answers have.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import polars as pl
    >>> from riskshift import Taxonomy, analyze
    >>> harm = Taxonomy(["harm"], ["Safe", "Harmful"])
    >>> pairs = pl.DataFrame(
    ...     {"prompt_id": ["a", "b"], "prompt_harm": [1, 1], "response_harm": [0, 1]}
    ... )
    >>> place = pathlib.Path(tempfile.mkdtemp(), "monday.counts")
    >>> made = save_counts(pairs, place, taxonomy=harm)
    >>> made.pairs, made.ids
    (2, 2)
    >>> analyze(place).rate("persistence", "harm").events
    1
    """
    place = check_file(
        output, [SUFFIX], rule="Counts are written to a file that ends in", example="part.counts"
    )
    refuse_overwriting({"-o": place}, {"data": data, "labels": reading.get("labels")})
    records = opened(data, reading, progress)
    if records.counted is not None:
        saved = _added(records.counted, reading, apart=apart)
    else:
        saved = countable(
            records,
            source=source_column(records),
            apart=apart,
            notes=about_strata(records),
            progress=progress,
        )
    progress("writing")
    records.source.check_unchanged()
    write_bytes(place, to_bytes(saved))
    return _told(place, saved)


def _added(saved: Saved, reading: Grouping, *, apart: bool) -> Saved:
    """Return counts that were added, without ids if that is asked."""
    asked = [name for name in ("by", "model") if reading.get(name)]
    if asked:
        raise UsageError(
            f"these are counts already, and {listing(asked)} would change nothing: say so when they are analyzed."
        )
    return saved.without_ids() if apart else saved


def _told(output: Path, saved: Saved) -> Counted:
    head, links = saved.head, saved.links.get("cluster")
    return Counted(
        output=output,
        source=listing(head.sources),
        pairs=saved.total,
        left_out=head.left_out,
        patterns=len(saved.n),
        groups=tuple(head.groups),
        cluster=head.linked.get("cluster"),
        ids=None if links is None or head.ids == NO_IDS else len(links.ids),
    )
