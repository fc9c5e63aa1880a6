"""What a grader is asked, what comes back, and what that is worth: a label or a reason for none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

SIDES: Final = ("prompt", "response", "pair")

# Why an item has no label; the ledger reads alike whatever the grader.
UNPARSED: Final = "the grader's answer could not be read"
LACKING: Final = "the grader left a category out"
OUT_OF_RANGE: Final = "the grader gave a level that there is not"
DECLINED: Final = "the grader refused"
CUT_OFF: Final = "the grader's answer was cut off"
SILENT: Final = "the grader's answer was empty"
FILTERED: Final = "a content filter blocked the grader's request or answer"
FAILED: Final = "the grader could not be reached"
NO_TEXT: Final = "there is no text to grade"

REASONS: Final = (
    *(UNPARSED, LACKING, OUT_OF_RANGE, DECLINED, CUT_OFF, SILENT, FILTERED, FAILED, NO_TEXT),
)


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be graded: a prompt alone, a response alone, or both.

    Only the texts that a grader may see are there: of a severity of one side the other is None.

    Parameters
    ----------
    side : {"prompt", "response", "pair"}
        What the labels are of.
    prompt, response : str or None
        The texts.
    """

    side: str
    prompt: str | None = None
    response: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One call to a grader.

    Parameters
    ----------
    body : mapping of str to value
        What is sent, in the words of its endpoint, without the model and without any key:
        ``messages``, ``temperature``, ``response_format`` of a chat; ``text`` of a service.
    part : str
        What it asks, where a task takes several calls: a category, or a piece of a long text.
    """

    body: Mapping[str, Any]
    part: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back of one request.

    Parameters
    ----------
    text : str or None
        What a chat model wrote; of a service its JSON.
    finish : str or None
        Why it ended, in the words of its endpoint: ``"stop"``, ``"length"``, ``"content_filter"``.
    declined : str or None
        What it said in the field for refusals, where its endpoint has one.
    failed : str or None
        Why nothing came back: one of `FILTERED`, `FAILED`.
    """

    text: str | None = None
    finish: str | None = None
    declined: str | None = None
    failed: str | None = None


@dataclass(frozen=True, slots=True)
class Graded:
    """The labels of a task.

    Parameters
    ----------
    labels : mapping of str to str
        By role (``"prompt_hate"``, ``"response_hate"``, ``"refusal"``, ``"relevance"``) the name of a
        level, or the number of a relevance.
    raw : mapping of str to value
        By the same roles what the grader said, where that is finer, such as 5 of 0 to 7.
    saw_other_side : bool
        Whether the grader saw the other side as well when it gave these.
    """

    labels: Mapping[str, str]
    raw: Mapping[str, Any] = field(default_factory=dict)
    saw_other_side: bool = False


@dataclass(frozen=True, slots=True)
class Ungraded:
    """Why a task has no labels, and what was said instead, in few words of our own.

    Parameters
    ----------
    reason : str
        One of `REASONS`.
    detail : str
        More of it, without a word of the texts.
    """

    reason: str
    detail: str = ""


Outcome = Graded | Ungraded
