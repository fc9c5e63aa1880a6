"""A grader that a declaration makes: texts in, requests out; answers in, labels out."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from riskshift.errors import unknown_choice
from riskshift.graders.answers import Reading, UnreadError, members_of
from riskshift.graders.asking import NO_TEXT, Answer, Graded, Outcome, Request, Task, Ungraded
from riskshift.graders.grader import Facts
from riskshift.graders.labels import BESIDE, Beside, ByCategory, Label, Severity, labels_of
from riskshift.graders.template import fill, pieces, sent, texts_of, values_of
from riskshift.taxonomy import Taxonomy

# Raise it with every change of code that could make a request or a label another.
CODE_VERSION: Final = "1"
# Where the text of a service stands in what is sent.
TEXT_OF: Final = {"azure-content-safety": "text", "openai-moderation": "input"}


@dataclass(frozen=True, slots=True)
class Declared:
    """What a declaration says, checked.

    Parameters
    ----------
    facts : Facts
        What it says of itself.
    fingerprint : str
        A hash of all that can change a label.
    body : mapping of str to value
        What every request holds beside the text.
    messages : mapping of str to tuple of pairs of str
        By side the messages of a chat, role and template.
    constants : mapping of str to str
        What templates may name beside texts: the rubric and its parts.
    guidelines : mapping of str to mapping of str to str
        By side and category what one call asks, where each category takes a call of its own.
    reading : Reading
        How answers are read.
    severity : Severity or None
        What their members mean, if they give severities.
    beside : tuple of Beside
        What else they give.
    schema : bool
        Whether the answer's JSON schema is sent along.
    longest : int
        The most characters that are sent at once; 0 if there is no limit.
    """

    facts: Facts
    fingerprint: str
    body: Mapping[str, Any]
    messages: Mapping[str, tuple[tuple[str, str], ...]]
    reading: Reading
    severity: Severity | None = None
    beside: tuple[Beside, ...] = ()
    constants: Mapping[str, str] = field(default_factory=dict)
    guidelines: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    schema: bool = False
    longest: int = 0

    @property
    def taxonomy(self) -> Taxonomy | None:
        """Categories and levels of the severities that it gives; None if it gives none."""
        return self.severity.taxonomy if self.severity else None

    def requests(self, task: Task) -> Sequence[Request]:
        """Return the calls that a task takes; none if there is no text.

        Raises
        ------
        UsageError
            If it does not grade that side.
        """
        parts = self._parts(task)
        if not parts:
            return ()
        if self.facts.endpoint in TEXT_OF:
            name, (text,) = TEXT_OF[self.facts.endpoint], texts_of(task).values()
            sent_as = zip(self._pieces(text), parts, strict=True)
            return tuple(Request({**self.body, name: piece}, part) for piece, part in sent_as)
        values = {**values_of(task), **self.constants}
        asked = self.guidelines.get(task.side, {})
        return tuple(
            Request(
                self._chat(
                    task.side, {**values, "category": part, "guideline": asked.get(part, "")}
                ),
                part,
            )
            for part in parts
        )

    def read(self, task: Task, answers: Sequence[Answer]) -> Outcome:
        """Return the labels that the answers give, or why there are none; answers as requests.

        Raises
        ------
        ValueError
            If there is not one answer to each request.
        """
        parts = self._parts(task)
        if len(parts) != len(answers):
            raise ValueError(f"{len(answers)} answers to {len(parts)} requests")
        if not parts:
            return Ungraded(NO_TEXT)
        try:
            if self.guidelines.get(task.side):
                return self._graded(task.side, self._each(task.side, answers), {})
            reading = self._reading(task.side)
            read = [members_of(answer, reading) for answer in answers]
            labels = labels_of(self.severity, read, task.side) if self.severity else {}
            return self._graded(task.side, labels, read[0])
        except UnreadError as fault:
            return Ungraded(fault.reason, fault.detail)

    def shown(self, side: str) -> str:
        """Return what is sent of a side, with names in braces where the texts would be."""
        stand_in = Task(side, "{prompt}", "{response}")
        body = self.requests(stand_in)[0].body
        said = [f"[{one['role']}]\n{one['content']}" for one in body.get("messages", ())]
        held = {key: value for key, value in body.items() if key != "messages"}
        return "\n".join([*said, json.dumps(held, ensure_ascii=False)])

    def _parts(self, task: Task) -> tuple[str, ...]:
        """Return what the calls that a task takes are for; none if there is no text."""
        if task.side not in self.facts.sides:
            raise unknown_choice(f"{self.facts.name} grades no", task.side, self.facts.sides)
        texts = texts_of(task)
        if not all(text.strip() for text in texts.values()):
            return ()
        if not self.longest:
            return tuple(self.guidelines.get(task.side, ("",)))
        (text,) = texts.values()
        several = len(self._pieces(text))
        return tuple(f"{at} of {several}" for at in range(1, several + 1)) if several > 1 else ("",)

    def _pieces(self, text: str) -> list[str]:
        whole = sent(text)
        return pieces(whole, self.longest) if self.longest else [whole]

    def _chat(self, side: str, values: Mapping[str, str]) -> dict[str, Any]:
        body = _filled(self.body, values)
        if self.schema:
            body["response_format"] = self._format(side)
        said = [{"role": role, "content": fill(told, values)} for role, told in self.messages[side]]
        return {"messages": said, **body}

    def _each(self, side: str, answers: Sequence[Answer]) -> dict[str, Label]:
        """Read one answer for each category."""
        assert isinstance(self.severity, ByCategory)  # noqa: S101 - the loader sees to it
        reading, made = self._reading(side), {}
        for category, answer in zip(self.guidelines[side], answers, strict=True):
            try:
                made[category] = self.severity.label(members_of(answer, reading), category)
            except UnreadError as fault:
                told = ": ".join(filter(None, (category, fault.detail)))
                raise UnreadError(fault.reason, told) from fault
        return made

    def _graded(self, side: str, labels: Mapping[str, Label], members: Mapping[str, Any]) -> Graded:
        of = "prompt" if side == "prompt" else "response"
        made = {f"{of}_{category}": label.level for category, label in labels.items()}
        raw = {
            f"{of}_{category}": label.raw
            for category, label in labels.items()
            if label.raw is not None
        }
        made |= {one.role: one.read(members) for one in self._beside(side)}
        return Graded(made, raw, saw_other_side=side == "pair")

    def _beside(self, side: str) -> tuple[Beside, ...]:
        return tuple(one for one in self.beside if one.role in BESIDE[side])

    def members(self, side: str) -> dict[str, list[str]]:
        """Return what an answer must hold, each with the values that it may have."""
        found: dict[str, list[str]] = {}
        if isinstance(self.severity, ByCategory):
            found = {name: list(self.severity.values) for name in self.severity.names(side)}
        elif self.severity:
            found = {name: [] for name in self.severity.names(side)}
        return found | {one.member: list(one.values) for one in self._beside(side)}

    def _reading(self, side: str) -> Reading:
        held = self.reading
        members = (*self.members(side), *held.members)
        return Reading(held.parser, held.wrapped, held.tag, held.beginning, members)

    def _format(self, side: str) -> dict[str, Any]:
        """Return the JSON schema of an answer, as chat endpoints take it."""
        told: dict[str, Any] = {}
        for name, values in self.members(side).items():
            if all(value.isdecimal() for value in values):
                told[name] = {"type": "integer", "enum": [int(value) for value in values]}
            else:
                told[name] = {"type": "string", "enum": values}
        schema = {
            "type": "object",
            "properties": told,
            "required": list(told),
            "additionalProperties": False,
        }
        return {
            "type": "json_schema",
            "json_schema": {"name": "labels", "strict": True, "schema": schema},
        }


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    """Put values into the texts of plain data."""
    if isinstance(value, str):
        return fill(value, values)
    if isinstance(value, Mapping):
        return {key: _filled(held, values) for key, held in value.items()}
    return [_filled(held, values) for held in value] if isinstance(value, list) else value
