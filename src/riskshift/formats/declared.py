"""A regular format: records in a list or line by line, and where in a record each column stands."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from riskshift.errors import FileError, RiskshiftWarning
from riskshift.formats.exchange import FIELDS, Entry, Exchange, Fact, LeftOut, Numbering, cell
from riskshift.formats.json_text import at
from riskshift.formats.log import Log

Value = str | Callable[[Any], Any]
"""A path in a record, such as ``"prompt.raw"``, or a function of the record."""
Test = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the pairs and where a record has it.

    Parameters
    ----------
    name : str
        A field of `Exchange`, a label such as ``"response_hate"``, or any other name: a tag.
    value : str or callable
        Path in the record, or a function of it.
    required : bool
        Whether a record without it is malformed.
    """

    name: str
    value: Value
    required: bool = False

    def of(self, record: Any) -> Any:
        """Return the value in a record."""
        return at(record, self.value) if isinstance(self.value, str) else self.value(record)


@dataclass(frozen=True, slots=True)
class Declared:
    """The entries of a log whose records are alike.

    Parameters
    ----------
    columns : sequence of Column
        The columns.
    lists : sequence of str
        Paths of lists in a JSON document that hold the records; without one, each line is a record.
    left_out : sequence of (str, callable)
        Reasons why a record is no pair, and how it is told; the first that holds counts.
    blocked : callable, optional
        Tells whether the response was kept back.
    scores : callable, optional
        Returns what scorers said, by name.
    repeats : sequence of str
        Columns within which repeats are numbered as samples, where the log has no such number.
    shared : mapping of str to str
        By the name of a column that all records share its path in the document, such as a model's.
    facts : mapping of str to str
        By the name of a fact its path in the document.
    versions : mapping of str to tuple
        By the path of a version, in the document or in its first record, those that are known; of
        another the user is warned.
    """

    columns: Sequence[Column]
    lists: Sequence[str] = ()
    left_out: Sequence[tuple[str, Test]] = ()
    blocked: Test | None = None
    scores: Callable[[Any], Mapping[str, Any]] | None = None
    repeats: Sequence[str] = ()
    shared: Mapping[str, str] | None = None
    facts: Mapping[str, str] | None = None
    versions: Mapping[str, tuple[Any, ...]] | None = None

    def __call__(self, log: Log) -> Iterator[Entry]:
        """Yield the exchanges of a log, what is none, and facts.

        Raises
        ------
        FileError
            If the log cannot be read, or a record lacks what it must have.
        """
        nth = Numbering()
        shared = self._shared(log)
        first = True
        for place, path, record in log.records(*self.lists):
            if path:
                yield from self._beside(log, path, record)
                continue
            if first:
                self._compare_versions(log, partial(at, record))
                first = False
            lacking = self._lacking(record)
            if lacking:
                log.fault(f"{place} lacks {lacking}.")
                continue
            reason = next((why for why, holds in self.left_out if holds(record)), None)
            yield LeftOut(reason) if reason else self._exchange(record, shared, nth)

    def _lacking(self, record: Any) -> str | None:
        if not isinstance(record, dict):
            return "everything: it is no object"
        return next(
            (
                column.value if isinstance(column.value, str) else column.name
                for column in self.columns
                if column.required and column.of(record) is None
            ),
            None,
        )

    def _shared(self, log: Log) -> dict[str, Any]:
        """Look for what all records share, which may stand after them."""
        paths, found = self.shared or {}, dict[str, Any]()
        if paths:
            # What cannot be read is said when the records are.
            with suppress(FileError):
                for _, path, value in Log(log.path, log.name).records(*self.lists):
                    beside = {name: _within(path, value, whole) for name, whole in paths.items()}
                    found |= {name: held for name, held in beside.items() if held is not None}
                    if len(found) == len(paths):
                        break
        return found

    def _exchange(self, record: Any, shared: Mapping[str, Any], nth: Numbering) -> Exchange:
        held = {**shared, **{column.name: column.of(record) for column in self.columns}}
        fields = {name: _text(held.get(name)) for name in FIELDS}
        if self.repeats:
            again = nth(*(held.get(name) for name in self.repeats))
            within = [
                str(held[name]) for name in self.repeats if held.get(name) and name not in FIELDS
            ]
            fields["sample"] = " ".join([*within, str(again)])
        others = {name: value for name, value in held.items() if name not in FIELDS}
        labels = {name: value for name, value in others.items() if is_label(name)}
        tags = {name: value for name, value in others.items() if name not in labels}
        return Exchange(
            **fields,
            labels=labels,
            scores=self.scores(record) if self.scores else {},
            blocked=self.blocked is not None and self.blocked(record),
            labels_alone=False,
            tags=tags,
        )

    def _beside(self, log: Log, path: str, value: Any) -> Iterator[Fact]:
        """Yield the facts that lie beside the records."""
        for name, whole in (self.facts or {}).items():
            if found := _within(path, value, whole):
                yield Fact(name, found)
        self._compare_versions(log, lambda whole: _within(path, value, whole))

    def _compare_versions(self, log: Log, found: Callable[[str], Any]) -> None:
        for whole, known in (self.versions or {}).items():
            if found(whole) is not None and found(whole) not in known:
                warnings.warn(
                    f"{log.name}: {whole} is {found(whole)!r}; known are {', '.join(map(str, known))}. It is read "
                    "like these: look at the pairs with riskshift convert.",
                    RiskshiftWarning,
                    stacklevel=2,
                )


def is_label(name: str) -> bool:
    """Tell whether a column holds labels of either side."""
    return name in ("relevance", "refusal", "prompt_benign") or name.startswith(
        ("prompt_", "response_")
    )


def _within(path: str, value: Any, whole: str) -> Any:
    if whole == path:
        return value
    return at(value, whole[len(path) + 1 :]) if whole.startswith(f"{path}.") else None


def _text(value: Any) -> str | None:
    made = cell(value)
    return None if made is None else str(made)
