"""Several runs of one thing: their samples are told apart."""

from collections.abc import Sequence
from typing import Any


def told_apart(runs: Sequence[tuple[Any, Any]]) -> list[str]:
    """Name each of several logs by its run, where there are more runs than one of the same thing.

    Parameters
    ----------
    runs : sequence of (thing, run)
        What was run, such as a task and a model; and what tells one run of it from another.

    Returns
    -------
    list of str
        What to write before a sample; nothing where there is one run of the thing.

    Examples
    --------
    >>> told_apart([("a", "x"), ("b", "y"), ("a", "z"), ("a", "x")])
    ['run 1 ', '', 'run 2 ', 'run 1 ']
    """
    seen: dict[Any, list[Any]] = {}
    for thing, run in runs:
        known = seen.setdefault(thing, [])
        known += [] if run in known else [run]
    return [
        f"run {seen[thing].index(run) + 1} " if len(seen[thing]) > 1 else "" for thing, run in runs
    ]
