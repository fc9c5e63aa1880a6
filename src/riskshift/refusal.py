"""Whether a response refuses: complied, partial or refused, and how data write it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from riskshift.errors import UsageError, unknown_choice
from riskshift.written import BAD, BLANK, FALSE, MISSING, TRUE, as_mark, is_number

REFUSAL: Final = ("complied", "partial", "refused")
COMPLIED, PARTIAL, REFUSED = range(3)
COUNTS_AS: Final = ("answered", "refused")
_NAMES: Final = {
    **{name: level for level, name in enumerate(REFUSAL)},
    **dict.fromkeys(TRUE, REFUSED),
    **dict.fromkeys(FALSE, COMPLIED),
}


@dataclass(frozen=True, slots=True)
class RefusalScale:
    """How data write whether a response refuses, and what a partial refusal counts as.

    Parameters
    ----------
    codes : mapping of str to str or sequence of str
        What the data write, by ``complied``, ``partial`` and ``refused``. These names, and yes and
        no, are understood without it; numbers never are, because 1 may be partial or refused. Kept
        as sorted pairs.
    partial_counts_as : {"answered", "refused"}
        On which side of a refusal a partial one stands.

    Raises
    ------
    UsageError
        If a level is none of the three, or a code stands for two of them.

    Examples
    --------
    >>> scale = RefusalScale({"complied": "1", "partial": "3", "refused": ["2", "9"]})
    >>> scale.parse(3), scale.parse("2.0"), scale.parse(None), scale.parse("4")
    (1, 2, -1, -2)
    >>> RefusalScale().parse("yes"), RefusalScale().parse(1)
    (2, -2)
    """

    codes: Any = field(default=())
    partial_counts_as: str = "answered"

    def __post_init__(self) -> None:
        if self.partial_counts_as not in COUNTS_AS:
            raise unknown_choice("partial_counts_as", self.partial_counts_as, COUNTS_AS)
        held: dict[str, int] = {}
        for level, code in _pairs(self.codes):
            mark = as_mark(code)
            if held.get(mark, level) != level or mark in BLANK:
                why = (
                    f"both {REFUSAL[held[mark]]} and {REFUSAL[level]}" if mark in held else "blank"
                )
                raise UsageError(f"refusal: the code {code!r} is {why}.")
            held[mark] = level
        made = tuple((mark, REFUSAL[level]) for mark, level in sorted(held.items()))
        object.__setattr__(self, "codes", made)

    @property
    def refused_from(self) -> int:
        """The level from which on a response counts as refused."""
        return REFUSED if self.partial_counts_as == "answered" else PARTIAL

    def parse(self, value: object) -> int:
        """Return 0 complied, 1 partial, 2 refused, or `MISSING` or `BAD`."""
        mark = as_mark(value)
        declared = dict(self.codes)
        if mark in declared:
            return REFUSAL.index(declared[mark])
        if mark in BLANK:
            return MISSING
        return BAD if is_number(value) and not isinstance(value, bool) else _NAMES.get(mark, BAD)

    @property
    def choices(self) -> str:
        """What may stand in the data, and how to declare something else, for messages."""
        known = ", ".join((*REFUSAL, "yes, no"))
        codes = ", ".join(f"{mark} ({level})" for mark, level in self.codes)
        return (
            f"Refusal is {f'{codes}, ' if codes else ''}{known}; declare other codes, such as "
            + ("--refusal-scale refused=1 --refusal-scale complied=0")
        )


def _pairs(codes: object) -> Iterable[tuple[int, str]]:
    """Yield each code with its level."""
    items = codes.items() if isinstance(codes, Mapping) else _turned(codes)
    for level, written in items:
        if level not in REFUSAL:
            raise unknown_choice("refusal", str(level), REFUSAL)
        several = isinstance(written, Sequence) and not isinstance(written, str)
        for code in written if several else [written]:
            if isinstance(code, Mapping | Sequence) and not isinstance(code, str):
                raise UsageError(
                    f"refusal: {level} must be a code or a list of codes, not {written!r}."
                )
            yield REFUSAL.index(level), str(code)


def _turned(codes: object) -> Iterable[tuple[str, str]]:
    """Read pairs as they are kept: code, then level."""
    if not isinstance(codes, tuple):
        raise UsageError(f"refusal must be a table of codes, not {codes!r}.")
    return [(level, code) for code, level in codes]
