"""Flicker: the same text, the same grader, and another label."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from riskshift.graders.asking import Graded, Outcome
from riskshift.running.raters import Rater
from riskshift.running.tasks import Wish
from riskshift.stats.proportion import Interval, wilson

_CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True)
class Flicker:
    """How often a grader gives a text another label when it is asked again.

    Parameters
    ----------
    grader : str
        Who was asked.
    side : {"prompt", "response", "pair"}
        What was graded.
    times : int
        How often everything was asked.
    changed : int
        Texts of which some label was not the same each time.
    texts : int
        Texts that had labels each time.
    left_out : int
        Texts that were graded some times only.
    interval : Interval or None
        Wilson's, of the share; None if no text had labels each time.
    """

    grader: str
    side: str
    times: int
    changed: int
    texts: int
    left_out: int
    interval: Interval | None

    def __str__(self) -> str:
        who = f"{self.grader}, each {self.side} asked {self.times} times"
        if self.interval is None:
            return f"{who}: none had labels each time."
        share = f"{self.changed / self.texts:.1%}"
        low, high = f"{self.interval.low:.1%}", f"{self.interval.high:.1%}"
        without = f"; {self.left_out:,} more were graded some times only" if self.left_out else ""
        told = f"{self.changed:,} of {self.texts:,} got another label"
        return f"{who}: {told} ({share} [{low}, {high}], wilson, 95%){without}."


def flickers(wish: Wish, outcomes: Mapping[str, Outcome]) -> bool | None:
    """Tell whether a wish was granted otherwise when it was asked again; None if that is not known."""
    found = [outcomes.get(key) for key in wish.keys]
    graded = [one for one in found if isinstance(one, Graded)]
    if len(found) < 2 or len(graded) < len(found):
        return None
    first = {role: graded[0].labels.get(role) for role in wish.roles}
    return any({role: one.labels.get(role) for role in wish.roles} != first for one in graded[1:])


def measure(wishes: Iterable[Wish], outcomes: Mapping[str, Outcome]) -> tuple[Flicker, ...]:
    """Measure the flicker of each rater on each side, a text once however many rows repeat it."""
    held: dict[tuple[Rater, str], dict[str, list[Wish]]] = {}
    for wish in wishes:
        if len(wish.keys) > 1:
            texts = held.setdefault((wish.rater, wish.side), {})
            texts.setdefault(wish.keys[0], []).append(wish)
    return tuple(_of(rater, side, held[rater, side], outcomes) for rater, side in held)


def _of(
    rater: Rater, side: str, texts: Mapping[str, Sequence[Wish]], outcomes: Mapping[str, Outcome]
) -> Flicker:
    changed = known = left_out = 0
    for wishes in texts.values():
        first = wishes[0]
        if flickers(first, outcomes) is None:
            left_out += any(isinstance(outcomes.get(key), Graded) for key in first.keys)
            continue
        known += 1
        # Rows of one text may lack different labels of it; any that changed counts.
        changed += any(flickers(wish, outcomes) for wish in wishes)
    interval = wilson(changed, known, confidence=_CONFIDENCE) if known else None
    return Flicker(rater.name, side, len(first.keys), changed, known, left_out, interval)
