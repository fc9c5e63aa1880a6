"""The prompts of a run: each once, with its id and whatever else its row holds."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from riskshift.errors import DataError, FileError, RiskshiftWarning, UsageError
from riskshift.jobs.opening import Reading
from riskshift.running.pairs import Pairs, read_pairs
from riskshift.taxonomy import Taxonomy

# What a run adds to the columns of the prompts.
NEW: Final = ("model", "sample", "response", "status", "stop_reason")
_ROLES: Final = ("prompt_id", "prompt")


@dataclass(frozen=True, slots=True)
class Prompts:
    """Prompts as they were given, each once.

    Parameters
    ----------
    source : str
        Where they come from.
    names : tuple of str
        Columns; those that play a role have its name.
    rows : sequence of sequence
        Their values, a row each prompt.
    ids : sequence of str or int
        What tells prompts apart; the number of the row where there are no ids.
    texts : sequence of str
        The prompts.
    """

    source: str
    names: tuple[str, ...]
    rows: Sequence[Sequence[Any]]
    ids: Sequence[str | int]
    texts: Sequence[str]


def read_prompts(
    data: Any, limit: int | None, reading: Reading, progress: Callable[[str], None]
) -> Prompts:
    """Read prompts; columns that play a role get its name, all others stay.

    Raises
    ------
    DataError
        If there are no prompts, an id has several, or they are answered already.
    """
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise UsageError(f"limit is {limit!r}; it must be a whole number, 1 or more.")
    pairs = read_pairs(data, {}, taxonomy=Taxonomy(), wanted=(), reading=reading, progress=progress)
    source = pairs.records.source.name
    _check(pairs, source)
    texts = pairs.text("prompt")
    ids = pairs.column("prompt_id")
    kept: dict[object, int] = {}
    for row, text in enumerate(texts):
        if text is None:
            raise DataError(f"{source}, row {row + 1:,}: there is no prompt. Take the row out.")
        id_ = text if ids[row] is None else ids[row]
        first = kept.setdefault(id_, row)
        if texts[first] != text:
            raise DataError(
                f"{source}: prompt_id {id_!r} has several texts (rows {first + 1:,} and {row + 1:,}). Give each an id "
                "of its own."
            )
    if len(kept) < len(texts):
        warnings.warn(
            f"{source}: {len(texts) - len(kept):,} rows repeat a prompt, and are left out.",
            RiskshiftWarning,
            stacklevel=4,
        )
    rows = list(kept.values())[:limit]
    columns = pairs.records.options.columns
    roles = {columns[role]: role for role in _ROLES}
    return Prompts(
        source,
        tuple(roles.get(name, name) for name in pairs.names),
        [pairs.rows[row] for row in rows],
        [row + 1 if ids[row] is None else ids[row] for row in rows],
        [texts[row] or "" for row in rows],
    )


def _check(pairs: Pairs, source: str) -> None:
    columns = pairs.records.options.columns
    if pairs.records.column("prompt") is None:
        pairs.records.require([columns["prompt"]], fix="--map prompt=COLUMN names it.")
    if not pairs.rows:
        raise FileError(f"{source} holds no prompts.")
    taken = [name for name in (*NEW, "annotator") if name in pairs.names]
    if taken:
        answered = {"model", "response"} & set(taken)
        fix = "For pairs that are answered: riskshift label." if answered else "Rename it."
        raise DataError(f"{source} has a column {taken[0]!r}, which a run writes itself. {fix}")
