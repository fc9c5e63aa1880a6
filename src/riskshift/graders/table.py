"""A table of a TOML file that people write: every key known, every value of its kind, or a message."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from riskshift.errors import UsageError, unknown_choice
from riskshift.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True)
class Table:
    """A table, and where it stands.

    Parameters
    ----------
    where : str
        File and key, for messages: ``"mine.toml: severity"``.
    held : mapping of str to value
        What it holds.
    """

    where: str
    held: Mapping[str, Any]

    def only(self, known: Sequence[str]) -> "Table":
        """Refuse keys that nobody reads."""
        for key in self.held:
            if key not in known:
                raise unknown_choice(f"{self.where}: key", key, known)
        return self

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text; without a default there must be one."""
        value = self.held.get(key, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise self.fault(key, "a text", value)
        return value

    def whole(self, key: str, default: int) -> int:
        """Return a whole number from 1."""
        value = self.held.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < min(1, default):
            raise self.fault(key, "a whole number from 1", value)
        return value

    def flag(self, key: str) -> bool:
        """Return true or false; false if it is not there."""
        value = self.held.get(key, False)
        if not isinstance(value, bool):
            raise self.fault(key, "true or false", value)
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; empty if it is not there."""
        value = self.held.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.fault(key, "a list of texts", value)
        return tuple(value)

    def table(self, key: str) -> "Table":
        """Return a table within; empty if it is not there."""
        value = self.held.get(key, {})
        if not isinstance(value, Mapping):
            raise self.fault(key, "a table", value)
        return Table(
            f"{self.where}: {key}" if ": " not in self.where else f"{self.where}.{key}", value
        )

    def words(self, key: str) -> dict[str, str]:
        """Return a table of texts; empty if it is not there."""
        inner = self.table(key)
        return {name: inner.text(name) for name in inner.held}

    def choice(self, key: str, choices: Sequence[str], default: str | None = None) -> str:
        """Return one of several texts."""
        value = self.text(key, default)
        if value not in choices and value != default:
            raise unknown_choice(f"{self.where}: {key}", value, choices)
        return value

    def taxonomy(self, *given: Any, **more: Any) -> Taxonomy:
        """Return a taxonomy of what stands here."""
        try:
            return Taxonomy(*given, **more)
        except UsageError as fault:
            raise UsageError(f"{self.where}: {fault}") from fault

    def fault(self, key: str, kind: str, value: object) -> UsageError:
        """Return the error for a value of another kind, or for none."""
        if key not in self.held:
            return UsageError(f"{self.where}: {key} is missing; give {kind}.")
        return UsageError(f"{self.where}: {key} must be {kind}, not {value!r}.")
