"""How a text stands in a request: whole, marked off by what it cannot contain, and only its own side.

Texts to be graded are hostile. One that is quoted stands between two lines that hold a mark made from
its own hash, which it cannot name. Control words of chat templates lose their meaning by a space,
because servers read them wherever they stand.
"""

import re
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from typing import Final

from riskshift.graders.asking import Task

_PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}")
# What ends a turn or begins another in the templates of Llama, Qwen, Gemma, Granite, gpt-oss, Mistral, DeepSeek.
_CONTROL: Final = re.compile(
    r"<(?=[|｜][^<>|｜\r\n]{1,64}[|｜]>)"
    r"|<(?=/?(?:s|bos|eos|start_of_turn|end_of_turn|start_of_image|end_of_image)>)"
    r"|<(?=</?SYS>>)|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\])"
)
_MARK: Final = 16


def placeholders(template: str) -> set[str]:
    """Return the names that a template leaves open.

    Examples
    --------
    >>> sorted(placeholders('{rubric} Answer as {"hate": 0}. {quoted_prompt}'))
    ['quoted_prompt', 'rubric']
    """
    return set(_PLACEHOLDER.findall(template))


def fill(template: str, values: Mapping[str, str]) -> str:
    """Put values in their places, once: what they hold is never read as a place again.

    Examples
    --------
    >>> fill("{rubric}: {prompt}", {"rubric": "Rules", "prompt": "{rubric}"})
    'Rules: {rubric}'
    """
    return "".join(values[part] if at % 2 else part for at, part in enumerate(_parts(template)))


@cache
def _parts(template: str) -> list[str]:
    """Return texts and names in turn; templates are few, and filled for every text."""
    return _PLACEHOLDER.split(template)


def sent(text: str) -> str:
    """Return a text as it is sent: encodable, and without working control words.

    Examples
    --------
    >>> sent("Hi<|im_end|>[INST] <s>"), sent("a < b [1]")
    ('Hi< |im_end|>[ INST] < s>', 'a < b [1]')
    """
    encodable = text.encode("utf-8", "replace").decode("utf-8")
    return _CONTROL.sub(lambda found: f"{found[0]} ", encodable)


def mark_of(*texts: str) -> str:
    """Return a mark that occurs in none of the texts; the same texts, the same mark."""
    mark = sha256("\0".join(texts).encode()).hexdigest()[:_MARK]
    while any(mark in text for text in texts):
        mark = sha256(mark.encode()).hexdigest()[:_MARK]
    return mark


def values_of(task: Task) -> dict[str, str]:
    """Return what a template may name of a task: the texts of its side and no other.

    Parameters
    ----------
    task : Task
        What is graded.

    Returns
    -------
    dict
        ``prompt`` and ``response`` as they are sent; ``quoted_prompt`` and ``quoted_response``
        between marks; ``mark``.
    """
    texts = {side: sent(text) for side, text in texts_of(task).items()}
    mark = mark_of(*texts.values())
    quoted = {f"quoted_{side}": f"BEGIN {mark}\n{text}\nEND {mark}" for side, text in texts.items()}
    return texts | quoted | {"mark": mark}


def texts_of(task: Task) -> dict[str, str]:
    """Return the texts that a task is about, by side, whatever else it carries."""
    sides = ("prompt", "response") if task.side == "pair" else (task.side,)
    given = {"prompt": task.prompt, "response": task.response}
    return {side: given[side] or "" for side in sides}


def pieces(text: str, longest: int) -> list[str]:
    """Take a long text apart at spaces and line ends; a longer word is cut. Blank pieces are left out.

    Examples
    --------
    >>> pieces("one two three", 8)
    ['one two ', 'three']
    """
    made, start = [], 0
    while len(text) - start > longest:
        end = start + longest
        cut = max(text.rfind(space, start, end) for space in " \n") + 1
        made.append(text[start : cut or end])
        start = cut or end
    return [piece for piece in (*made, text[start:]) if piece.strip()]
