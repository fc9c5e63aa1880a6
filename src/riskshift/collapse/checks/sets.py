"""Sets of prompts that belong together: each holds whole prompts."""

import warnings
from collections.abc import Iterator
from typing import Final

import narwhals.stable.v2 as nw

from riskshift.collapse.checks.one_message import Faults, or_skip, shown_value
from riskshift.engines import engine
from riskshift.errors import PairError, RiskshiftWarning, listing
from riskshift.records import Records

SHOWN: Final = 3
# A set of twins or variants is small; columns called so for another reason have few values.
MANY: Final = 50


def check_sets(records: Records, faults: Faults) -> Records:
    """Find prompts that stand in several sets, and return the records of the others.

    Parameters
    ----------
    records : Records
        The rows.
    faults : Faults
        Where faults are noted.

    Returns
    -------
    Records
        Without the rows of such prompts.
    """
    if not records.in_sets or records.prompt in (None, records.sets):
        return records
    prompt, held = records.at(str(records.prompt)), records.at(str(records.sets))
    if (
        engine.repeats(records.frame, [prompt])[0]
        == engine.repeats(records.frame, [prompt, held])[0]
    ):
        return records
    one = nw.col(held).min().over(prompt) == nw.col(held).max().over(prompt)
    several = records.frame.filter(~one)
    faults.add(records, lambda: _in_several(records, several))
    reason = f"prompt in several values of {records.sets}"
    return records.where(one, reason=reason, rows=engine.count_rows(several))


def _in_several(records: Records, rows: engine.Frame) -> PairError:
    """Name some of the prompts, with the sets of each."""
    prompt, held = records.at(str(records.prompt)), records.at(str(records.sets))
    counted = rows.group_by(prompt).agg(nw.len().alias("riskshift_n"))
    many = engine.count_rows(counted)
    examples = []
    for name, _ in engine.fetch(counted.sort(prompt).head(SHOWN)):
        sets = {row[0] for row in engine.fetch(rows.filter(nw.col(prompt) == name).select(held))}
        shown = listing(map(shown_value, sorted(sets, key=str)), limit=SHOWN)
        examples.append(f"{shown_value(name)} in {shown}")
    return PairError(
        f"{records.source.name}: {many:,} {'prompt stands' if many == 1 else 'prompts stand'} in several values of "
        f"{records.sets}: {'; '.join(examples)}{'; ...' if many > SHOWN else ''}.\n"
        f"A set holds whole prompts. Fix {records.sets}, or name another unit, such as the prompt: "
        f"--cluster {records.prompt}.{or_skip(records, ' --skip-bad leaves these prompts out.')}"
    )


def warn_of_sets(records: Records) -> None:
    """Warn where a column that is called set probably means something else."""
    if not records.in_sets or "set" in list(records.options.columns):
        return
    sets, _ = engine.repeats(records.frame, [records.at(str(records.sets))])
    rows = engine.count_rows(records.frame)
    if rows > MANY * sets:
        warnings.warn(
            f"{records.source.name}: column {records.sets!r} is taken for sets of prompts that belong together, and "
            f"{sets:,} hold {rows:,} rows. If it means something else, such as training and test data, name the unit "
            "that is independent (--cluster COLUMN), or the column of sets (--map set=COLUMN), which silences this.",
            RiskshiftWarning,
            stacklevel=4,
        )


def about_sets(records: Records) -> Iterator[str]:
    """Say that what is compared prompt by prompt does not allow for sets of prompts."""
    if records.sets is not None and records.sets != records.prompt:
        yield (
            f"The data names sets of prompts that belong together ({records.sets}). Models are compared prompt by "
            "prompt, as if the prompts of a set were independent; where a model fails on whole sets, the intervals "
            "are too narrow."
        )
