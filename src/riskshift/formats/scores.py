"""What scorers say: a score is a label only where it is known, or declared, what it means.

One field of a log holds harm, refusals, success at a task and checks of a format alike. So a score
is read where its scorer stands in the format's short list, or where the user says what it means.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from riskshift.direction import points
from riskshift.errors import LabelError, UsageError, listing, unknown_choice
from riskshift.formats.exchange import cell
from riskshift.refusal import COMPLIED, REFUSAL, REFUSED
from riskshift.taxonomy import HARM, Taxonomy

MEANINGS: Final = ("harmful", "refused", "safe")
# So many different things that a scorer said are told apart; all others are `REST`.
_KEPT: Final = 20
REST: Final = "other"
_YES: Final = frozenset({"true", "yes", "1", "1.0", "c"})  # C and I: correct and incorrect
_NO: Final = frozenset({"false", "no", "0", "0.0", "i"})
YES_OR_NO: Final = _YES | _NO
NO_SCORE: Final = str(None).casefold()


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user declares of the scores of logs.

    Parameters
    ----------
    scores : mapping of str to str
        By scorer what a yes of it says: ``"harmful"``, ``"refused"`` or ``"safe"``.
    values : mapping of str to str
        By what a declared scorer says, in small letters, the label it stands for: a level, or of
        refusals ``complied``, ``partial`` or ``refused``.
    cuts : tuple of float
        Where scores become levels: one (Safe, Harmful) or three (Safe to High). Points up to 1 are
        of scores from 0 to 1; others are of scores that end anywhere, such as 1 to 10.

    Raises
    ------
    UsageError
        If a meaning or a label is none, or the cut points do not rise between 0 and 1.

    Examples
    --------
    >>> Asked({"judge": "harmful"}, cuts=(0.5,)).taxonomy.levels
    ('Safe', 'Harmful')
    """

    scores: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    cuts: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for meaning in self.scores.values():
            if meaning not in MEANINGS:
                raise unknown_choice("score", meaning, MEANINGS)
        if self.cuts and (
            len(self.cuts) not in (1, 3)
            or not self.cuts[0] > 0
            or not math.isfinite(self.cuts[-1])
            or any(low >= high for low, high in pairwise(self.cuts))
        ):
            raise UsageError(
                f"cuts are {listing(self.cuts)}; give one point (Safe, Harmful) or three (Safe, Low, Medium, High) "
                "that rise from above 0, such as 0.5 or 0.25,0.5,0.75, or 3,5,8 of scores from 1 to 10."
            )
        if self.most is None and "safe" in self.scores.values():
            raise UsageError(
                f"cuts are {listing(self.cuts)}, of scores that do not end at 1, so it is not known what their safest "
                "is. Only --score NAME=harmful can be cut so."
            )
        choices = (*self.taxonomy.levels, *REFUSAL)
        for label in self.values.values():
            if label not in choices:
                raise unknown_choice("score value", label, choices)
        if not self.scores and (self.values or self.cuts):
            raise UsageError(
                "score values and cuts say how to read a declared scorer: name it with --score NAME=harmful."
            )

    def __bool__(self) -> bool:
        """Whether anything is declared."""
        return bool(self.scores)

    @property
    def most(self) -> float | None:
        """The largest score that can be cut; None where scores may end anywhere."""
        return 1 if not self.cuts or self.cuts[-1] <= 1 else None

    @property
    def taxonomy(self) -> Taxonomy:
        """Of labels that come from scores: two levels, or four where three cut points are given."""
        return Taxonomy(("harm",)) if len(self.cuts) == 3 else HARM


class Labeller:
    """Turns the scores of one pair after another into labels.

    Parameters
    ----------
    asked : Asked
        What the user declares; a role that it labels is labelled by nothing else.
    known : mapping of str to str
        By scorer what it says, for those that the format knows.

    Attributes
    ----------
    met : dict of str to Counter
        By scorer what it said, and how often.
    """

    def __init__(self, asked: Asked, known: Mapping[str, str]) -> None:
        self._asked = asked
        declared = {_role(meaning) for meaning in asked.scores.values()}
        self._meanings = {
            name: said for name, said in known.items() if _role(said) not in declared
        } | dict(asked.scores)
        self.met: dict[str, Counter[str]] = {}

    def __call__(self, scores: Mapping[str, Any], place: str) -> dict[str, str]:
        """Return labels by role: ``response_harm``, ``refusal``.

        Raises
        ------
        LabelError
            If a score is no answer of that kind, or two scorers contradict each other.
        """
        for name, value in scores.items():
            said = self.met.setdefault(name, Counter())
            text = str(cell(value))
            said[text if text in said or len(said) < _KEPT else REST] += 1
        labels: dict[str, tuple[str, str]] = {}
        for name, value in scores.items():
            meaning = self._meanings.get(name)
            found = None if meaning is None else self._label(name, meaning, value, place)
            if meaning is None or found is None:
                continue
            other, before = labels.setdefault(_role(meaning), (name, found))
            if before != found:
                raise LabelError(
                    f"{place}: {other!r} says {before} and {name!r} says {found}. Declare the one that is meant: "
                    f"--score {name}={meaning}."
                )
        return {role: label for role, (_, label) in labels.items()}

    def check_met(self, source: str) -> None:
        """Refuse declared scorers that no pair has.

        Raises
        ------
        UsageError
            If there are some.
        """
        for name in self._asked.scores:
            if self.met and name not in self.met:
                raise unknown_choice(f"{source}: score", name, list(self.met))
            if not self.met:
                raise UsageError(f"{source} holds no scores, so --score {name} names nothing.")

    def _label(self, name: str, meaning: str, value: Any, place: str) -> str | None:
        text = str(value).strip()
        said = self._asked.values.get(text.casefold())
        if said is not None:
            return said
        number = _number(value)
        if value is None or not text or (number is not None and math.isnan(number)):
            return None
        levels = self._asked.taxonomy.levels
        if meaning != "refused" and number is not None and self._cuttable(number):
            harm = 1 - number if meaning == "safe" else number
            return levels[sum(harm >= cut for cut in self._asked.cuts)]
        if text.casefold() not in YES_OR_NO or len(levels) > 2:
            cuts = "; scores from 0 to 1 need --cuts 0.5, from 1 to 10 such as --cuts 5"
            cuts = cuts if number is not None and number >= 0 else ""
            label = REFUSAL[REFUSED] if meaning == "refused" else levels[-1]
            raise LabelError(
                f"{place}: score {name!r} is {text[:60]!r}, which is neither yes nor no. Declare what it stands for: "
                f"--score-value {text[:20]}={label}{cuts}."
            )
        yes = text.casefold() in _YES
        if meaning == "refused":
            return REFUSAL[REFUSED if yes else COMPLIED]
        return levels[yes is (meaning == "harmful")]

    def _cuttable(self, number: float) -> bool:
        cuts, most = self._asked.cuts, self._asked.most
        return bool(cuts) and number >= 0 and (most is None or number <= most)


def likely_meaning(name: str) -> str:
    """Guess by a scorer's name what a yes of it says, for somebody to confirm.

    Examples
    --------
    >>> likely_meaning("pass"), likely_meaning("is_refusal"), likely_meaning("jailbroken")
    ('safe', 'refused', 'harmful')
    """
    word = name.casefold()
    if "refus" in word:
        return MEANINGS[1]
    return MEANINGS[2] if word.startswith(("pass", "success")) or points(name) < 0 else MEANINGS[0]


def _role(meaning: str) -> str:
    return "refusal" if meaning == "refused" else "response_harm"


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
