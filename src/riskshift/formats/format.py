"""What a format is: how it is recognised, what it labels, and its exchanges."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Final

from riskshift.errors import FileError, RiskshiftError
from riskshift.formats.exchange import Entry
from riskshift.formats.log import Log
from riskshift.formats.scores import Asked
from riskshift.taxonomy import HARM, Taxonomy

# What happens where something stands that nobody foresaw: a number for a list, a text for an object.
_TRIPPED: Final = (AttributeError, LookupError, TypeError, ValueError, RecursionError)


@dataclass(frozen=True, slots=True)
class Format:
    """A tool's log, declared.

    Parameters
    ----------
    name : str
        What ``--from`` calls it.
    title : str
        What it is, in a few words.
    labels : str
        One sentence: what it labels, on which side.
    source : str
        Where the facts about it come from: versions and files that were read.
    recognise : callable
        Tells by what a log holds whether it is one; never raises.
    entries : callable
        Yields what a log holds, in its order, one at a time.
    sides : tuple of str
        The sides it may label: ``"prompt"``, ``"response"``; of another every label is missing.
    known : mapping of str to str
        Scorers whose scores are known to say ``"harmful"``, ``"refused"`` or ``"safe"``.
    taxonomy : Taxonomy
        Of its labels, where the user gives none; two levels where scores make them.
    note : str
        What whoever reads the numbers must know; said with them.
    table : bool
        Whether it is an ordinary table, known by its columns: one whose columns are mapped is read
        as any other.
    rated : bool
        Whether its labels are several people's, so that `agree` is what reads it.
    together : callable, optional
        Yields what several logs hold, for each log its entries, where one log may repeat what
        another holds; without it each log is read by itself.
    """

    name: str
    title: str
    labels: str
    source: str
    recognise: Callable[[Log], bool]
    entries: Callable[[Log], Iterator[Entry]]
    sides: tuple[str, ...] = ("response",)
    known: Mapping[str, str] = field(default_factory=dict)
    taxonomy: Taxonomy = HARM
    note: str = ""
    table: bool = False
    rated: bool = False
    together: Callable[[Sequence[Log]], Sequence[Iterator[Entry]]] | None = None

    def of(self, logs: Sequence[Log]) -> Sequence[Iterator[Entry]]:
        """Return the entries of each log, in their order.

        Raises
        ------
        FileError
            If a log cannot be read, also later, while its entries are.
        """
        if self.together is None or len(logs) < 2:
            return [self._guarded(log, partial(self.entries, log)) for log in logs]
        together = cache(partial(self.together, logs))
        return [self._guarded(log, partial(_nth, together, at)) for at, log in enumerate(logs)]

    def _guarded(self, log: Log, entries: Callable[[], Iterator[Entry]]) -> Iterator[Entry]:
        """Yield entries; what a format trips over is a record that its tool does not write so."""
        number = 0
        try:
            for entry in entries():
                number += 1
                yield entry
        except RiskshiftError:
            raise
        except _TRIPPED as error:
            raise FileError(
                f"{log.name}: after {number:,} entries stands a record that is not as {self.name} writes it "
                f"({type(error).__name__}: {str(error)[:80]}). Write the log anew, or take the record out."
            ) from error

    def taxonomy_of(self, asked: Asked) -> Taxonomy:
        """Return the taxonomy of its labels, read as they are asked for."""
        declared = any(meaning != "refused" for meaning in asked.scores.values())
        return asked.taxonomy if declared or self.taxonomy is HARM else self.taxonomy


def _nth(together: Callable[[], Sequence[Iterator[Entry]]], at: int) -> Iterator[Entry]:
    return together()[at]


@dataclass(frozen=True, slots=True)
class Refused:
    """What a tool writes that holds no pairs, or not enough of them, and what to give instead.

    Parameters
    ----------
    name : str
        What it is.
    recognise : callable
        As of a `Format`.
    why : str
        A sentence or two: why it is refused, and what to give instead.
    """

    name: str
    recognise: Callable[[Log], bool]
    why: str
