"""What labelling would take, before anything is asked."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Unpack

from riskshift.errors import listing
from riskshift.jobs.opening import Reading, silent
from riskshift.running.journal import read_journal
from riskshift.running.labelling.grading import duration
from riskshift.running.labelling.label import Graders, check_counts, cost_of, money, planned
from riskshift.running.raters import raters_of

# Characters of English in a token, roughly; other scripts have fewer.
_CHARACTERS: Final = 4
# Tokens of an answer in the few words that graders are asked for; a model that thinks first writes more.
_ANSWER: Final = 60
# Seconds of an answer.
_WAIT: Final = 1.0


@dataclass(frozen=True, slots=True)
class LabellingEstimate:
    """What labelling would take, roughly.

    Parameters
    ----------
    source : str
        Where the pairs come from.
    graders : tuple of str
        Who would be asked.
    pairs : int
        How many pairs there are.
    texts : int
        Texts to ask about, a text once a grader and repetition.
    remembered : int
        Texts whose answers stand in the journal already.
    requests : int
        What that comes to; more where answers cannot be read.
    tokens_in, tokens_out : int
        Four characters for one, and 60 for each answer.
    seconds : float
        With so many connections, and a second for each answer.
    cost : float or None
        Where prices were given.
    """

    source: str
    graders: tuple[str, ...]
    pairs: int
    texts: int
    remembered: int
    requests: int
    tokens_in: int
    tokens_out: int
    seconds: float
    cost: float | None = None

    def __str__(self) -> str:
        before = f" ({self.remembered:,} more are answered)" if self.remembered else ""
        cost = "" if self.cost is None else f", cost {money(self.cost)}"
        return (
            f"{self.pairs:,} pairs from {self.source}: {self.texts:,} texts to ask {listing(self.graders)}{before}.\n"
            f"  {self.requests:,} requests, about {self.tokens_in:,} tokens in and {self.tokens_out:,} out{cost}.\n"
            f"  About {duration(self.seconds)}, if each answer takes a second. Models that think first write more "
            "and take longer.\n"
            "Nothing was asked."
        )


def estimate_labelling(
    data: Any,
    *,
    graders: Graders,
    output: str | Path | None = None,
    rubric: str | Path | None = None,
    side: str = "both",
    repeat: int = 1,
    limit: int | None = None,
    connections: int = 16,
    prices: tuple[float, float] | None = None,
    progress: Callable[[str], None] = silent,
    **reading: Unpack[Reading],
) -> LabellingEstimate:
    """Say what `label` would take, without asking anything: no key and no network are needed.

    Parameters
    ----------
    data, graders, rubric, side, repeat, limit, connections, prices, progress, **reading
        As in `label`.
    output : path, optional
        Whose journal may hold answers already.

    Returns
    -------
    LabellingEstimate

    Raises
    ------
    UsageError
        If a grader is unknown or an option cannot be honoured.
    DataError
        If the data cannot be read or hold no texts.
    """
    check_counts(repeat=repeat, limit=limit, connections=connections)
    raters = raters_of(graders, side, rubric=rubric)
    pairs, plan = planned(
        data, raters, side=side, repeat=repeat, reading=reading, progress=progress
    )
    held = {} if output is None else read_journal(Path(output))
    left = [item for key, item in plan.items.items() if key not in held]
    asked = left if limit is None else left[:limit]
    sizes = [
        len(json.dumps(request.body, ensure_ascii=False))
        for item in asked
        for request in item.rater.grader.requests(item.task)
    ]
    given, made = sum(sizes) // _CHARACTERS, len(sizes) * _ANSWER
    return LabellingEstimate(
        pairs.records.source.listing,
        tuple(rater.name for rater in raters),
        len(pairs.rows),
        len(asked),
        len(plan.items) - len(left),
        len(sizes),
        given,
        made,
        len(sizes) * _WAIT / connections,
        cost_of(given, made, prices),
    )
