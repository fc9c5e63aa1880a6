"""Texts that stand for a prompt that is not there: each row with one is a prompt of its own."""

import warnings
from dataclasses import replace
from typing import Final

import narwhals.stable.v2 as nw

from riskshift.collapse.likely import like_prompts
from riskshift.engines import engine
from riskshift.errors import DataError, RiskshiftWarning, listing
from riskshift.records import Records

_GONE: Final = (
    "redacted|removed|deleted|withheld|hidden|masked|censored|omitted|unavailable|not available|"
    "not provided|confidential|placeholder|n/?a|nan|none|null|empty|missing|unknown|tbd|todo|x{3,}"
)
# Such a word alone, in brackets or after a noun; or nothing but marks.
PATTERN: Final = (
    r"(?i)^[\W_]*(?:(?:the |this |user |harmful )?(?:prompt|text|content|message|input|data)[\W_]*"
    r"(?:is |was |has been )?)?"
    rf"(?:{_GONE})[\W_]*(?:by (?:the )?(?:author|moderator|user|provider)s?[\W_]*)?$|^[\W_]+$"
)


def own_prompts(records: Records) -> Records:
    """Give a number to the rows whose prompt is a placeholder, where texts tell prompts apart.

    Parameters
    ----------
    records : Records
        Checked for blank texts, and in one form.

    Returns
    -------
    Records
        With the placeholders numbered, so that no two are one prompt; `placeholders` says how many.
    """
    column = records.column("prompt")
    if records.column("prompt_id") or column is None or records.placeholders:
        return records
    own = records.at(column)
    if records.frame.collect_schema()[own] != nw.String:
        return records
    stands = nw.col(own).str.contains(PATTERN)
    found = engine.count_patterns(records.frame.filter(stands), [own])
    rows = sum(row[-1] for row in found)
    if rows < 2:
        return records
    order = map(records.at, filter(None, map(records.column, ("prompt", "response", "model"))))
    number = nw.lit(1).cast(nw.Int64).alias("riskshift_one")
    frame = records.frame.with_columns(number)
    at = nw.col("riskshift_one").cum_sum().over(order_by=list(dict.fromkeys(order))).cast(nw.String)
    numbered = nw.concat_str([nw.col(own), nw.lit(" ("), at, nw.lit(")")])
    frame = frame.with_columns(
        nw.when(stands).then(numbered).otherwise(nw.col(own)).alias(own)
    ).drop("riskshift_one")
    return replace(records, frame=frame, placeholders=rows)


def about_placeholders(records: Records) -> str:
    """Say that prompts are not there, and which column probably tells them apart."""
    ids = [name for role, name in like_prompts(records) if role == "prompt_id"]
    fix = f"--map prompt_id={ids[0]}" if ids else "--map prompt_id=COLUMN"
    many = f"{records.placeholders:,} rows hold a placeholder instead of the prompt's text"
    return f"{records.source.name}: {many} (column {records.column('prompt')!r}). Name an id of prompts: {fix}."


def warn_of_placeholders(records: Records) -> None:
    """Warn that rows were taken as prompts of their own."""
    if records.placeholders:
        warnings.warn(
            f"{about_placeholders(records)} Each was taken as a prompt of its own.",
            RiskshiftWarning,
            stacklevel=2,
        )


def refuse_placeholders(*parts: Records) -> None:
    """Refuse to compare prompt by prompt what does not say which prompts are the same.

    Raises
    ------
    DataError
        If prompts are told apart by texts, and some are placeholders.
    """
    told = [about_placeholders(part) for part in parts if part.placeholders]
    if told:
        raise DataError(f"{listing(told)} Without it nothing tells which prompts are the same.")
