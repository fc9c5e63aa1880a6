"""Counts that were saved, read in the place of the rows that they were made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import narwhals.stable.v2 as nw

from riskshift.counts.adding import added
from riskshift.counts.counts_file import of_bytes
from riskshift.errors import DataError, UsageError, listing, unknown_choice
from riskshift.reading.layout import COUNTS, DataFile, check_unchanged
from riskshift.reading.logs import Found
from riskshift.reading.paths import tidy
from riskshift.records import Columns, NoRows, Options, Records, own_names

_HELD: Final = 2


@dataclass(frozen=True, slots=True)
class CountsSource:
    """Files of counts, and what they were made of."""

    files: Sequence[DataFile]
    notes: Sequence[str]
    facts: Mapping[str, Sequence[Any]]
    made_of: Sequence[str]
    engine: str = "counts"

    @property
    def name(self) -> str:
        """What to call the data in a message."""
        return tidy(self.files)

    @property
    def listing(self) -> str:
        """The same, and what was collapsed."""
        several = len(self.made_of) > _HELD
        held = f"{len(self.made_of)} sources" if several else listing(self.made_of)
        return f"{self.name} (counts of {held})"

    def check_unchanged(self) -> None:
        """Make sure that the files are what they were when they were looked into."""
        check_unchanged(self.files)

    def places(self, column: str, values: Sequence[object]) -> dict[str, str]:
        """No row is here, so none can be named."""
        return {}

    def explain(self, message: str) -> DataError:
        """No engine reads counts."""
        return DataError(f"{self.name}: {message}")


def holds_counts(found: Any) -> bool:
    """Tell whether what was found are counts.

    Raises
    ------
    UsageError
        If counts and pairs stand together.
    """
    files = found.files if isinstance(found, Found) else ()
    counts = [file for file in files if file.format == COUNTS]
    if counts and len(counts) < len(files):
        other = next(file for file in files if file.format != COUNTS)
        raise UsageError(
            f"{counts[0].name} holds counts and {other.name} does not: collapse that first (riskshift collapse "
            f"{other.name} -o PART.counts), and give files of counts alone."
        )
    return bool(counts)


def read_counts(found: Found, *, by: Sequence[str] = (), model: str | None = None) -> Records:
    """Read files of counts, and add them.

    Parameters
    ----------
    found : Found
        The files.
    by : sequence of str
        Groups, of those that were asked for when the pairs were collapsed; default: all of these.
    model : str, optional
        Keep only this model's records.

    Returns
    -------
    Records
        Without rows; a collapse of them is what the counts say.

    Raises
    ------
    FileError
        If a file cannot be read or holds no counts.
    DataError
        If the parts cannot be added.
    UsageError
        If there is no such group, or no such model.
    """
    parts = {}
    for file in found.files:
        with file.open() as opened:
            parts[file.name] = of_bytes(opened.read(), file.name)
    saved = added(parts)
    head = saved.head
    for name in by:
        if name not in head.groups:
            raise unknown_choice("--by", name, list(head.groups))
    if model is not None:
        column = head.columns.get("model", "model")
        models = head.groups.get(column, ())
        if model.strip() not in models:
            raise unknown_choice("--model", model, models)
        if head.left_out:
            raise UsageError(
                f"{tidy(found.files)}: rows were left out when the pairs were collapsed, and counts do not keep of "
                "which model. Collapse them with --model."
            )
        saved = saved.only(column, model.strip())
        head = saved.head
    source = CountsSource(found.files, head.notes, head.facts, head.sources)
    names = list(dict.fromkeys([*head.columns.values(), *head.groups, *_named(head.cluster)]))
    options = Options(
        taxonomy=head.taxonomy,
        columns=Columns(**head.columns),
        by=tuple(by) or head.asked,
        model=model,
        cluster=head.cluster,
        prompt_labels=head.prompt_labels,
    )
    columns = dict(zip(names, own_names(len(names)), strict=True))
    frame = cast("nw.LazyFrame[Any]", NoRows(source.name))
    return Records(
        frame,
        columns,
        options,
        source,
        head.left_out,
        placeholders=head.placeholders,
        counted=saved,
    )


def _named(column: str | None) -> list[str]:
    return [] if column is None else [column]
