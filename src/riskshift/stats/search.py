"""Search for the smallest number from which on something holds."""

from collections.abc import Callable

MOST_TRIALS = 10_000_000
"""Searches end here: more than this nobody will run."""


def smallest(holds: Callable[[int], bool], low: int, high: int) -> int:
    """Find the smallest number from low on at which `holds`; it must hold at high."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def smallest_if_any(
    holds: Callable[[int], bool], low: int, most: int, *, near: float = 0
) -> int | None:
    """Like `smallest`, but search outwards from `near`; None if it does not hold at `most`."""
    at = int(min(max(near, low), most))
    step = 1 + at // 500
    if holds(at):
        while at - step > low and holds(at - step):
            at, step = at - step, 2 * step
        return smallest(holds, max(low, at - step), at)
    while at + step < most and not holds(at + step):
        at, step = at + step, 2 * step
    if at + step >= most and not holds(most):
        return None
    return smallest(holds, at + 1, min(at + step, most))


def fewest_further(settled: Callable[[float], bool], observed: float, deff: float) -> int | None:
    """Find how many more settle a question if they are like those observed; None beyond the cap.

    `settled` is asked with a factor: how many times the counts observed there would be in effect.
    """
    return smallest_if_any(lambda further: settled((1 + further / observed) / deff), 0, MOST_TRIALS)
