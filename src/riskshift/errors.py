"""Everything riskshift raises on purpose.

::

    RiskshiftError
    ├── UsageError        an option or argument that cannot be honoured
    ├── DataError         the input cannot be analyzed as it is
    │   ├── FileError     a file cannot be opened, decoded or parsed
    │   ├── ColumnError   a column that is needed is not there
    │   ├── LabelError    a label that is not on the declared scale
    │   └── PairError     rows that contradict each other (duplicates, unequal prompt labels)
    ├── EndpointError     a model or service cannot be asked
    └── OutputError       a result cannot be written where it was asked for

    RiskshiftWarning      the analysis goes on, but a reader should know

Each message names the value, where it stands, how many rows share it, the choices and the fix.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class RiskshiftError(Exception):
    """Base of every error that riskshift raises on purpose."""


class UsageError(RiskshiftError, ValueError):
    """An option or argument that cannot be honoured."""


class DataError(RiskshiftError, ValueError):
    """The input cannot be analyzed as it is."""


class FileError(DataError):
    """A file cannot be opened, decoded or parsed."""


class ColumnError(DataError):
    """A column that is needed is not there."""

    @classmethod
    def not_found(
        cls, wanted: Sequence[str], available: Iterable[str], *, fix: str
    ) -> "ColumnError":
        """Name the missing columns, those that look alike, all that exist, and the fix."""
        available = [str(name) for name in available]
        fix = f"{fix} See what the data hold: riskshift doctor FILE.".lstrip()
        return cls(f"{_missing(wanted, available)}\nColumns: {listing(available)}.\n{fix}")


class LabelError(DataError):
    """A label that is not on the declared scale."""


class PairError(DataError):
    """Rows that contradict each other."""


class EndpointError(RiskshiftError):
    """A model or service cannot be asked."""


class OutputError(RiskshiftError, OSError):
    """A result cannot be written where it was asked for."""


class RiskshiftWarning(UserWarning):
    """The analysis goes on, but a reader of it should know."""


def unknown_choice(what: str, value: str, choices: Sequence[str]) -> UsageError:
    """Say that `value` is none of `choices`, and which one was probably meant."""
    return UsageError(
        f"{what} {value!r} is unknown{_meant(value, choices)}. Choices: {listing(choices)}."
    )


def listing(names: Iterable[object], *, limit: int = 30) -> str:
    """Join names for a message, cutting a list that nobody would read.

    A name with a line break or a control character stands in quotes, as code, so that it cannot
    pass for a line of the message.
    """
    shown = [text if text.isprintable() else repr(text) for text in map(str, names)]
    rest = len(shown) - limit
    return ", ".join(shown[:limit]) + (f" and {rest:,} more" if rest > 0 else "")


def _missing(wanted: Sequence[str], available: Sequence[str]) -> str:
    parts = [f"{name!r}{_meant(name, available)}" for name in wanted]
    return f"{'Column' if len(parts) == 1 else 'Columns'} not found: {', '.join(parts)}."


def _meant(name: str, choices: Sequence[str]) -> str:
    lowered = {choice.casefold(): choice for choice in choices}
    close = get_close_matches(name.casefold(), lowered, n=1, cutoff=0.6)
    return f" (did you mean {lowered[close[0]]!r}?)" if close else ""
