"""What saved counts are of: which data, which columns, which groups, and what became of the rows."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from riskshift.taxonomy import Taxonomy

# Sums of whole numbers are exact as floats up to here.
MOST_RECORDS: Final = 2**53
KEPT: Final = "kept"
NO_IDS: Final = "none"
# The roles whose values follow the severities, in this order, and the highest value of each.
BESIDE: Final = {"relevance": 3, "prompt_benign": 1, "refusal": 2}
# The roles that tell prompts apart: the first that is there.
PROMPT: Final = ("prompt_id", "prompt")
PROMPT_LABELS: Final = ("per-prompt", "per-row")


@dataclass(frozen=True, slots=True)
class Head:
    """What the counts are of.

    Parameters
    ----------
    taxonomy : Taxonomy
        What the severities speak of.
    columns : mapping of str to str
        By role the column that plays it, of the roles that the data has.
    cluster : str or None
        The column of what is not independent, where one was named.
    prompt_labels : {"per-prompt", "per-row"}
        Whether the labels of one prompt must agree.
    numbered : bool
        Whether a column tells the responses of a model to one prompt apart.
    ids : {"kept", "none"}
        Whether ids are kept, as hashes.
    groups : mapping of str to tuple of str
        By column its values, sorted; a column of the table for each, in this order.
    asked : tuple of str
        Those of them that were asked for.
    named : mapping of str to tuple of str
        Some values of further columns that have too many to be groups.
    met : mapping of str to tuple of str
        By group the values before rows were left out, where some were.
    forms : mapping of str to str
        Of ids and groups that are not written alike everywhere, such as dates and fractions: their
        types. Parts with such cannot be added.
    meant : tuple of str
        Which rows are meant, where not all are.
    skipped : mapping of str to int
        Rows left out, by reason.
    before : mapping of str to mapping of str to int
        By source, rows that were left out before those of one model were kept: another part of the same
        source holds them too.
    placeholders : int
        Rows whose prompt's text is a placeholder, where texts tell prompts apart.
    sources, notes : tuple of str
        What was read, and what it does not say.
    facts : mapping of str to tuple of str
        What logs know of their runs.
    """

    taxonomy: Taxonomy
    columns: Mapping[str, str]
    cluster: str | None
    prompt_labels: str
    numbered: bool
    ids: str
    groups: Mapping[str, tuple[str, ...]]
    asked: tuple[str, ...]
    named: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    met: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    forms: Mapping[str, str] = field(default_factory=dict)
    meant: tuple[str, ...] = ()
    skipped: Mapping[str, int] = field(default_factory=dict)
    before: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    placeholders: int = 0
    sources: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    facts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Head":
        """Read what was written as plain data.

        Raises
        ------
        LookupError, TypeError, ValueError, UsageError
            If something is not there or not what it must be.
        """
        head = cls(
            taxonomy=Taxonomy.of(told["taxonomy"]),
            columns=_words(told["columns"]),
            cluster=None if told["cluster"] is None else _word(told["cluster"]),
            prompt_labels=_word(told["prompt_labels"], PROMPT_LABELS),
            numbered=_flag(told["numbered"]),
            ids=_word(told["ids"], (KEPT, NO_IDS)),
            groups=_listed(told["groups"]),
            asked=_list(told["asked"]),
            named=_listed(told["named"]),
            met=_listed(told["met"]),
            forms=_words(told["forms"]),
            meant=_list(told["meant"]),
            skipped=_reasons(told["skipped"]),
            before={_word(source): _reasons(rows) for source, rows in told["before"].items()},
            placeholders=_many(told["placeholders"]),
            sources=_list(told["sources"]),
            notes=_list(told["notes"]),
            facts=_listed(told["facts"]),
        )
        for names in head.groups.values():
            if list(names) != sorted(set(names)):
                raise ValueError("the values of a group are not told once and in order")
        if not {*head.asked} <= {*head.groups} or "self" in head.columns:
            raise ValueError("a group that was asked for is not there")
        if head.columns.get("model") not in (None, *head.groups):
            raise ValueError("models are no group")
        return head

    @property
    def left_out(self) -> dict[str, int]:
        """All rows that were left out, by reason."""
        return dict(sum(map(Counter, self.before.values()), Counter(self.skipped)))

    @property
    def width(self) -> int:
        """How many columns of the table are labels."""
        return 2 * len(self.taxonomy.categories) + sum(role in self.columns for role in BESIDE)

    @property
    def prompt(self) -> str | None:
        """The column that tells prompts apart."""
        return next((self.columns[role] for role in PROMPT if role in self.columns), None)

    @property
    def linked(self) -> dict[str, str]:
        """The columns whose equal values hold records together, by what they hold together."""
        cluster = self.cluster or self.columns.get("set") or self.prompt
        found = {"cluster": cluster, "prompt": None if self.prompt == cluster else self.prompt}
        return {name: column for name, column in found.items() if column is not None}

    @property
    def prompt_link(self) -> str:
        """Which of these is the prompt."""
        told = self.prompt is not None and self.linked.get("cluster") == self.prompt
        return "cluster" if told else "prompt"


def _word(told: object, choices: tuple[str, ...] = ()) -> str:
    if not isinstance(told, str) or (choices and told not in choices):
        raise TypeError("a word is no word, or none of the choices")
    return told


def _flag(told: object) -> bool:
    if not isinstance(told, bool):
        raise TypeError("neither true nor false")
    return told


def _many(told: object) -> int:
    if not isinstance(told, int) or isinstance(told, bool) or not 0 <= told <= MOST_RECORDS:
        raise TypeError("no number of rows")
    return told


def _reasons(told: Mapping[str, Any]) -> dict[str, int]:
    return {_word(reason): _many(rows) for reason, rows in told.items()}


def _list(told: object) -> tuple[str, ...]:
    if not isinstance(told, list):
        raise TypeError("no list")
    return tuple(map(_word, told))


def _words(told: Mapping[str, Any]) -> dict[str, str]:
    return {_word(name): _word(value) for name, value in told.items()}


def _listed(told: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {_word(name): _list(values) for name, values in told.items()}
