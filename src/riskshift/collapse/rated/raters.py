"""Several raters a pair: which column holds whose labels, and what identifies an item.

Raters stand in rows (long: a column names the rater) or in columns (wide: ``response_hate@alice``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from riskshift.counts.ratings import every_label
from riskshift.errors import ColumnError, DataError, UsageError, listing
from riskshift.records import RATER, Held, Options, Records, Source, assemble, require_mapped
from riskshift.taxonomy import SIDES

_IDENTITY: Final = ("model", "sample", "turn")


@dataclass(frozen=True, slots=True)
class Cell:
    """A column of labels.

    Parameters
    ----------
    column : str
        Its name in the frame.
    name : str
        What the user calls it.
    role : str
        What it judges, such as ``response_hate``.
    label : int
        The same: position in `riskshift.counts.ratings.every_label`.
    rater : str or None
        Whose labels they are; None where another column says it.
    """

    column: str
    name: str
    role: str
    label: int
    rater: str | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """How raters stand in the data.

    Parameters
    ----------
    cells : tuple of Cell
        The columns of labels that there are.
    annotator : str or None
        Column that names the rater of a row, by the user's name; None where columns are the raters'
        own.
    identity : dict of str to str
        Columns by role whose values together tell items apart, by the users' names; empty where
        each row is an item.
    held : mapping of str to str
        By the user's name of a column its name in the frame.
    """

    cells: tuple[Cell, ...]
    annotator: str | None
    identity: Mapping[str, str]
    held: Mapping[str, str]

    @property
    def names(self) -> list[str]:
        """Columns that make up a pattern, by the user's names."""
        return [cell.name for cell in self.cells] + ([self.annotator] if self.annotator else [])

    @property
    def columns(self) -> list[str]:
        """The same, by their names in the frame."""
        return [self.held[name] for name in self.names]

    @property
    def item(self) -> list[str]:
        """Columns whose values together tell items apart, by the user's names."""
        return list(dict.fromkeys(self.identity.values()))

    @property
    def key(self) -> list[str]:
        """The same, by their names in the frame."""
        return [self.held[name] for name in self.item]


def bind_raters(
    held: Held,
    *,
    options: Options,
    source: Source,
    skipped: Mapping[str, int] | None = None,
) -> Records:
    """Bind columns to roles where several raters labelled each pair.

    Raises
    ------
    ColumnError
        If there is no label column, or a mapped column is missing.
    DataError
        If raters stand in rows and in columns at once, in neither, or items cannot be told apart.
    """
    records = assemble(held, options=options, source=source, skipped=skipped)
    _require_mapped(records)
    sheet_of(records)
    return records


def bind_one_rater(
    held: Held,
    *,
    options: Options,
    source: Source,
    skipped: Mapping[str, int] | None = None,
) -> Records:
    """Bind columns to roles where a file may hold one rater's labels and not say whose.

    Raises
    ------
    ColumnError
        If a mapped column is missing.
    """
    records = assemble(held, options=options, source=source, skipped=skipped)
    _require_mapped(records)
    return records


def says_who(records: Records) -> bool:
    """Tell whether a column names the rater, or columns are the raters' own."""
    own = any(_own(records, role) for role in _roles(records))
    return own or records.column("annotator") is not None


def _require_mapped(records: Records) -> None:
    wide = {role for role in _roles(records) if _own(records, role)}
    require_mapped(records, besides=wide)
    own = [column for role, column in dict(records.options.columns).items() if RATER in role]
    twice = sorted({column for column in own if own.count(column) > 1})
    if twice:
        raise UsageError(f"labels of two raters are both mapped to column {twice[0]!r}.")


def sheet_of(records: Records) -> Sheet:
    """Find out how raters stand in the data; raises as `bind_raters`."""
    annotator = records.column("annotator")
    plain = _cells(records, lambda role: {None: records.column(role)})
    own = _cells(records, lambda role: dict(_own(records, role)))
    name = records.source.name
    if annotator and own:
        raise DataError(
            f"{name}: raters stand in rows (column {annotator!r}) and in columns ({own[0].name!r}) at once. Keep one "
            "of the two."
        )
    if annotator is None and not own:
        raise _no_raters(records, plain)
    if annotator and not plain:
        raise _no_labels(records)
    identity = _identity(records)
    if annotator and not identity:
        raise ColumnError.not_found(
            ["record_id", "prompt_id"],
            records.names,
            fix=f"{name}: without one of them it cannot be told which rows rate the same item. Name it: "
            "--map record_id=COLUMN.",
        )
    return Sheet(tuple(plain if annotator else own), annotator, identity, records.columns)


def _roles(records: Records) -> list[str]:
    return [str(label) for label in every_label(records.options.taxonomy)]


def _own(records: Records, role: str) -> dict[str, str]:
    """Return the columns that raters have of their own for a label, by rater."""
    columns = records.options.columns
    start = columns[role] + RATER
    found = {name.removeprefix(start): name for name in records.names if name.startswith(start)}
    mapped = {
        named.removeprefix(role + RATER): named
        for named in columns
        if named.startswith(role + RATER)
    }
    found |= {
        rater: columns[named] for rater, named in mapped.items() if columns[named] in records.names
    }
    if "" in found:
        raise ColumnError(
            f"{records.source.name}: column {found['']!r} names no rater; write {start}NAME."
        )
    return found


def _cells(records: Records, columns: Callable[[str], Mapping[Any, str | None]]) -> list[Cell]:
    return [
        Cell(records.at(column), column, role, at, rater)
        for at, role in enumerate(_roles(records))
        for rater, column in columns(role).items()
        if column
    ]


def _no_raters(records: Records, plain: Sequence[Cell]) -> DataError:
    if not plain:
        return _no_labels(records)
    return DataError(
        f"{records.source.name}: one label a pair; no column says who rated, and none is called like "
        f"{plain[0].name}{RATER}NAME. Agreement needs two raters or more. Name the column of the rater: "
        f"--map annotator=COLUMN; or, where each rater has a column, map those: "
        f"--map {plain[0].role}{RATER}NAME=COLUMN; or give a file a rater.\nColumns: {listing(records.names)}."
    )


def _no_labels(records: Records) -> ColumnError:
    *severities, refusal = _roles(records)
    wanted = [records.options.columns[role] for role in severities]
    return ColumnError.not_found(
        wanted if len(wanted) <= 8 else wanted[:8],
        records.names,
        fix=f"{records.source.name} must have a label column for one side of one category at least, such as "
        f"{SIDES[1]}_{records.options.taxonomy.categories[0]}, or one of refusals, {refusal}. Map other names with "
        f"--map {severities[-1]}=COLUMN, or name other categories with --taxonomy FILE.",
    )


def _identity(records: Records) -> dict[str, str]:
    """Return what tells items apart: the record's id, or the prompt with model, sample and turn."""
    given = records.column("record_id")
    if given:
        return {"record_id": given}
    prompt_id, prompt = records.column("prompt_id"), records.column("prompt")
    if prompt_id:
        found = {"prompt_id": prompt_id}
    elif prompt:
        response = records.column("response")
        found = {"prompt": prompt} | ({"response": response} if response else {})
    else:
        return {}
    roles = {role: records.column(role) for role in _IDENTITY}
    return found | {role: column for role, column in roles.items() if column}
