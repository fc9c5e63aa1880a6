"""Faults found so far, told in one message."""

from collections.abc import Callable
from dataclasses import dataclass, field

from riskshift.errors import DataError
from riskshift.records import Records


@dataclass(slots=True)
class Faults:
    """Faults found so far; each check goes on without the bad rows, so that all can be told."""

    errors: list[DataError] = field(default_factory=list)
    doubt: str | None = None
    directed: bool = False

    def add(
        self, records: Records, error: Callable[[], DataError], *, always: bool = False
    ) -> None:
        """Remember a fault, unless its rows are to be left out; only then is it located and told."""
        if always or not records.options.skip_bad:
            self.errors.append(error())

    def raise_all(self) -> None:
        """Raise the faults, all in one message.

        Raises
        ------
        DataError
            If there are any; of their common kind, if they have one.
        """
        if len(self.errors) == 1:
            raise self.errors[0]
        if self.errors:
            kinds = {type(error) for error in self.errors}
            kind = kinds.pop() if len(kinds) == 1 else DataError
            raise kind("\n".join(map(str, self.errors)))


def or_skip(records: Records, told: str) -> str:
    """Offer to leave rows out, but not rows of people's sample: it would be random no more."""
    return "" if records.options.by_people else told


def shown_value(value: object) -> str:
    """Quote a value, cut where it is long."""
    text = repr(str(value))
    return text if len(text) <= 60 else f"{text[:57]}...'"
