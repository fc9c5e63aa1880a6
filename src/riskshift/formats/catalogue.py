"""The formats that are known, in the order in which a log is held against them."""

from collections.abc import Sequence
from typing import Final

from riskshift.errors import unknown_choice
from riskshift.formats.azure_openai import AZURE_OPENAI
from riskshift.formats.format import Format, Refused
from riskshift.formats.log import Log
from riskshift.formats.promptfoo import PROMPTFOO, PROMPTFOO_CSV

FORMATS: Final[Sequence[Format]] = (PROMPTFOO, AZURE_OPENAI)
REFUSED: Final[Sequence[Refused]] = (PROMPTFOO_CSV,)
NAMES: Final = tuple(one.name for one in FORMATS)


def recognise(log: Log) -> Format | Refused | None:
    """Tell what a log is by what it holds; None if no format knows it."""
    every: Sequence[Format | Refused] = (*REFUSED, *FORMATS)
    return next((one for one in every if one.recognise(log)), None)


def named(name: str) -> Format:
    """Return the format of a name.

    Raises
    ------
    UsageError
        If there is none.
    """
    found = next((one for one in FORMATS if one.name == name), None)
    if found is None:
        raise unknown_choice("format", name, NAMES)
    return found
