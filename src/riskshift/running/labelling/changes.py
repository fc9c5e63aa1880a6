"""What is not as it was when the journal was written: said before anything is asked anew."""

import warnings
from collections import Counter
from collections.abc import Mapping
from typing import Final

from riskshift.errors import RiskshiftWarning, listing
from riskshift.running.endpoints.endpoint import Endpoint
from riskshift.running.journal import Journal, Line
from riskshift.running.raters import Rater
from riskshift.running.tasks import Plan

_GONE: Final = "the text is not in the data any more, has its label there, or is asked less often"


def say_what_changed(journal: Journal, plan: Plan) -> None:
    """Say which answers of the journal are of no use any more, and why."""
    now = {(*_who(item.about), item.task.side) for item in plan.items.values()}
    who = {one[:3] for one in now}
    changed = Counter[str]()
    for line in journal.lines.values():
        if line.key in plan.items:
            continue
        name, model, fingerprint = _who(line.about)
        models = sorted(one[1] or "" for one in who if one[0] == name and one[2] == fingerprint)
        if (name, model, fingerprint, line.about.get("side")) in now:
            changed[_GONE] += 1
        elif models and model not in models:
            changed[f"grader {name} asked {model}, and now {listing(models)}"] += 1
        elif not models and any(one[0] == name for one in who):
            changed[f"grader {name} is declared otherwise (rubric, template or parser)"] += 1
    for why, n in changed.items():
        warnings.warn(
            f"{journal.path} holds {n:,} answers that are not used: {why}.",
            RiskshiftWarning,
            stacklevel=4,
        )


def _who(about: Mapping[str, str]) -> tuple[str | None, ...]:
    return tuple(about.get(name) for name in ("grader", "model", "fingerprint"))


def say_where_changed(journal: Journal, plan: Plan, endpoints: Mapping[Rater, Endpoint]) -> None:
    """Say that a part of the answers came from elsewhere: a name may mean another model there."""
    lines: list[tuple[Rater, Line]] = [
        (item.rater, journal.lines[key])
        for key, item in plan.items.items()
        if key in journal.lines and item.rater in endpoints
    ]
    moved = {
        (line.about.get("address"), endpoints[rater].address)
        for rater, line in lines
        if line.about.get("address") != endpoints[rater].address
    }
    for old, new in sorted(moved, key=str):
        warnings.warn(
            f"{journal.path} holds answers from {old}, and the rest is asked of {new}.",
            RiskshiftWarning,
            stacklevel=4,
        )
