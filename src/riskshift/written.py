"""What a written value says before any scale: nothing, yes or no, or a whole number."""

import math
import re
from typing import Final

MISSING: Final = -1
BAD: Final = -2
RELEVANCE: Final = ("1 off-topic or refusal", "2 partial", "3 on-task")

# What spreadsheets, R and pandas write for "no value". "none" is not here: it may mean "no harm".
BLANK: Final = frozenset({"", "nan", "null", "na"})
TRUE: Final = frozenset({"true", "yes", "1"})
FALSE: Final = frozenset({"false", "no", "0"})
WHOLE: Final = re.compile(r"([+-]?\d{1,9})(?:\.0*)?")

# Texts that stand for a prompt that is not there: such a word alone, in brackets or after a noun; or
# nothing but marks.
_GONE: Final = (
    "redacted|removed|deleted|withheld|hidden|masked|censored|omitted|unavailable|not available|"
    "not provided|confidential|placeholder|n/?a|nan|none|null|empty|missing|unknown|tbd|todo|x{3,}"
)
PLACEHOLDER: Final = (
    r"(?i)^[\W_]*(?:(?:the |this |user |harmful )?(?:prompt|text|content|message|input|data)[\W_]*"
    r"(?:is |was |has been )?)?"
    rf"(?:{_GONE})[\W_]*(?:by (?:the )?(?:author|moderator|user|provider)s?[\W_]*)?$|^[\W_]+$"
)


def text_of(value: object) -> str:
    """Write a value as values are compared: without case and outer spaces; nothing is empty."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(value).strip().casefold()


def is_number(value: object) -> bool:
    """Tell whether a label is written as a number rather than as a name."""
    return WHOLE.fullmatch(text_of(value)) is not None


def as_mark(value: object) -> str:
    """Write a value as marks for "no label" are compared: without case, and 1.0 as 1."""
    text = text_of(value)
    whole = WHOLE.fullmatch(text)
    return str(int(whole[1])) if whole else text


def parse_relevance(value: object) -> int:
    """Return relevance 1, 2 or 3, or `MISSING` or `BAD`."""
    text = text_of(value)
    if text in BLANK:
        return MISSING
    whole = WHOLE.fullmatch(text)
    return int(whole[1]) if whole and 1 <= int(whole[1]) <= len(RELEVANCE) else BAD


def parse_flag(value: object) -> int:
    """Return 1 for yes, 0 for no, or `MISSING` or `BAD`."""
    text = text_of(value).removesuffix(".0")
    if text in BLANK:
        return MISSING
    return 1 if text in TRUE else 0 if text in FALSE else BAD
