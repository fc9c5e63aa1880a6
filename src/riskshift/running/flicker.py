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
    times: int
    changed: int
    texts: int
    left_out: int
    interval: Interval | None

    def __str__(self) -> str:
        if self.interval is None:
            return f"{self.grader}, asked {self.times} times: no text had labels each time."
        share = f"{self.changed / self.texts:.1%}"
        low, high = f"{self.interval.low:.1%}", f"{self.interval.high:.1%}"
        without = f"; {self.left_out:,} texts were graded some times only" if self.left_out else ""
        return (
            f"{self.grader}, asked {self.times} times: {self.changed:,} of {self.texts:,} texts got another label "
            f"({share} [{low}, {high}], wilson, 95%){without}."
        )


def flickers(wish: Wish, outcomes: Mapping[str, Outcome]) -> bool | None:
    """Tell whether a wish was granted otherwise when it was asked again; None if that is not known."""
    found = [outcomes.get(key) for key in wish.keys]
    graded = [one for one in found if isinstance(one, Graded)]
    if len(found) < 2 or len(graded) < len(found):
        return None
    first = {role: graded[0].labels.get(role) for role in wish.roles}
    return any({role: one.labels.get(role) for role in wish.roles} != first for one in graded[1:])


def measure(
    wishes: Iterable[Wish], raters: Sequence[Rater], outcomes: Mapping[str, Outcome]
) -> tuple[Flicker, ...]:
    """Measure the flicker of each rater, a text once however many rows repeat it."""
    held: dict[Rater, dict[str, list[Wish]]] = {rater: {} for rater in raters}
    for wish in wishes:
        if len(wish.keys) > 1:
            held[wish.rater].setdefault(wish.keys[0], []).append(wish)
    return tuple(_of(rater, texts, outcomes) for rater, texts in held.items() if texts)


def _of(
    rater: Rater, texts: Mapping[str, Sequence[Wish]], outcomes: Mapping[str, Outcome]
) -> Flicker:
    first = [wishes[0] for wishes in texts.values()]
    # Rows of one text may lack different labels of it; any that changed counts.
    found = [
        None
        if flickers(wishes[0], outcomes) is None
        else any(flickers(w, outcomes) for w in wishes)
        for wishes in texts.values()
    ]
    some = [any(isinstance(outcomes.get(key), Graded) for key in wish.keys) for wish in first]
    known = [one for one in found if one is not None]
    changed = sum(known)
    interval = wilson(changed, len(known), confidence=_CONFIDENCE) if known else None
    left_out = sum(was and one is None for was, one in zip(some, found, strict=True))
    return Flicker(rater.name, len(first[0].keys), changed, len(known), left_out, interval)
