"""A declaration in TOML, read and checked: every key known, every template with its side's texts alone."""

import json
from collections.abc import Collection, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from riskshift.errors import UsageError, listing, unknown_choice
from riskshift.graders.answers import FIXED, PARSERS, WRAPPED, Reading
from riskshift.graders.asking import SIDES
from riskshift.graders.declared import CODE_VERSION, TEXT_OF, Declared
from riskshift.graders.grader import Facts
from riskshift.graders.labels import BESIDE, Beside, ByCategory, ByVerdict, Severity
from riskshift.graders.meanings import read_beside, read_guidelines, read_severity
from riskshift.graders.rubric import Rubric, find_rubric, spell
from riskshift.graders.table import Table
from riskshift.graders.template import placeholders
from riskshift.toml_file import read_toml

ENDPOINTS: Final = ("chat", *TEXT_OF)
_PROSE: Final = ("title", "licence", "source", "about")
_KEYS: Final = (
    *("name", "title", "version", "endpoint", "model", "licence", "source", "about", "rubric"),
    *("longest", "body", "ask", "guidelines", "answer", "severity", "refusal", "relevance"),
)
_ROLES: Final = ("system", "developer", "user", "assistant")
# What only some parsers read.
_FOR: Final = {
    "schema": ("json",),
    "tag": ("yes-no",),
    "beginning": ("yes-no",),
    "ignore": ("json", "lines"),
}


def read_grader(path: str | Path, *, rubric: str | Path | None = None) -> Declared:
    """Read a grader from a file.

    Parameters
    ----------
    path : str or Path
        A TOML file.
    rubric : str or Path, optional
        The rubric to use instead of the one that it names.

    Returns
    -------
    Declared

    Raises
    ------
    FileError
        If a file cannot be read or is not TOML.
    UsageError
        If it says what is not understood, with the fix.
    """
    table = Table(str(path), read_toml(path, "grader")).only(_KEYS)
    used = _rubric(table, Path(path), rubric)
    endpoint = table.choice("endpoint", ENDPOINTS)
    answer = table.table("answer").only(("parser", "wrapped", *_FOR))
    reading = _reading(answer, endpoint)
    severity = read_severity(table, used, reading.parser) if "severity" in table.held else None
    beside = tuple(
        read_beside(table, role, reading.parser)
        for role in ("refusal", "relevance")
        if role in table.held
    )
    guidelines = read_guidelines(table, severity, reading.parser)
    constants = _constants(used, severity)
    messages = _messages(table, endpoint, constants, guidelines)
    if not severity and not beside:
        raise UsageError(f"{path}: it gives nothing; declare severity, refusal or relevance.")
    _check_sides(table.where, messages, severity, beside)
    declared = Declared(
        facts=_facts(table, endpoint, tuple(messages), severity, beside, used),
        fingerprint=_fingerprint(table, used),
        body=_body(table, guidelines),
        messages=messages,
        reading=reading,
        severity=severity,
        beside=beside,
        constants=constants,
        guidelines=guidelines,
        schema=answer.flag("schema"),
        longest=table.whole("longest", 0),
    )
    _check_parts(table, declared)
    return declared


def _rubric(table: Table, path: Path, instead: str | Path | None) -> Rubric | None:
    if "rubric" not in table.held:
        if instead is not None:
            raise UsageError(
                f"{table.where} takes no rubric: its categories are its own. Graders that take one name it: "
                'rubric = "severity".'
            )
        return None
    if instead is not None:
        return find_rubric(str(instead))
    return find_rubric(table.text("rubric"), path.parent)


def _facts(
    table: Table,
    endpoint: str,
    sides: tuple[str, ...],
    severity: Severity | None,
    beside: tuple[Beside, ...],
    rubric: Rubric | None,
) -> Facts:
    version = table.text("version")
    gives = (*(("severity",) if severity else ()), *(one.role for one in beside))
    return Facts(
        name=table.text("name"),
        title=table.text("title"),
        version=f"{version}, rubric {rubric.name} {rubric.version}" if rubric else version,
        endpoint=endpoint,
        model=table.text("model") if "model" in table.held else None,
        sides=sides,
        gives=gives,
        licence=table.text("licence", ""),
        source=table.text("source", ""),
        about=" ".join(table.text("about", "").split()),
    )


def _fingerprint(table: Table, rubric: Rubric | None) -> str:
    """Hash what can change a label; not what is only told about it."""
    held = {key: value for key, value in table.held.items() if key not in _PROSE}
    held["rubric"] = rubric.to_dict() if rubric else None
    try:
        said = json.dumps([CODE_VERSION, held], sort_keys=True, ensure_ascii=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{table.where}: dates, infinity and nan have no place in it.") from error
    return sha256(said.encode()).hexdigest()


def _constants(rubric: Rubric | None, severity: Severity | None) -> dict[str, str]:
    if not severity:
        return {}
    names = {"categories": listing(severity.taxonomy.categories, limit=1000)}
    if not rubric or not isinstance(severity, ByCategory):
        return names
    numbers = {int(number): level for number, level in severity.values.items()}
    return names | {"rubric": rubric.text(numbers), "numbers": spell(sorted(numbers))}


def _reading(answer: Table, endpoint: str) -> Reading:
    fit = [name for name in PARSERS if (name if name in TEXT_OF else "chat") == endpoint]
    parser = answer.choice("parser", fit)
    for key, needs in _FOR.items():
        if key in answer.held and parser not in needs:
            told = " and ".join(needs)
            raise UsageError(f"{answer.where}: {key} is for the parser {told}, not {parser}.")
    return Reading(
        parser,
        answer.choice("wrapped", WRAPPED, ""),
        answer.text("tag", ""),
        answer.flag("beginning"),
        answer.texts("ignore"),
    )


def _messages(
    table: Table,
    endpoint: str,
    constants: Mapping[str, str],
    guidelines: Mapping[str, Mapping[str, str]],
) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return what is said of each side, in the order prompt, response, pair."""
    ask = table.table("ask").only(SIDES)
    if not ask.held:
        raise table.fault("ask", "a table for each side that it grades: [ask.prompt]", {})
    made: dict[str, tuple[tuple[str, str], ...]] = {}
    for side in (side for side in SIDES if side in ask.held):
        told = ask.table(side)
        if endpoint in TEXT_OF:
            said: tuple[tuple[str, str], ...] = (("text", told.only(("text",)).text("text")),)
            if said[0][1] != f"{{{side}}}":
                raise UsageError(f"{told.where}: a service is sent one text alone: {{{side}}}.")
        else:
            said = tuple(_message(told, one) for one in _listed(told.only(("messages",))))
        beside = {*constants, *(("guideline", "category") if side in guidelines else ())}
        _check_places(told.where, said, side, beside)
        made[side] = said
    return made


def _listed(told: Table) -> list[Any]:
    given = told.held.get("messages")
    if not isinstance(given, list) or not given:
        raise told.fault("messages", "a list of messages, each with role and content", given)
    return given


def _message(told: Table, one: Any) -> tuple[str, str]:
    if not isinstance(one, Mapping):
        raise told.fault("messages", "a list of tables", one)
    message = Table(told.where, one).only(("role", "content"))
    return message.choice("role", _ROLES), message.text("content")


def _check_places(
    where: str, said: tuple[tuple[str, str], ...], side: str, beside: set[str]
) -> None:
    """Refuse a template that names another side's text, or not its own."""
    texts = ("prompt", "response") if side == "pair" else (side,)
    own = {name for text in texts for name in (text, f"quoted_{text}")}
    named = set().union(*(placeholders(content) for _, content in said))
    for name in sorted(named - own - beside - {"mark"}):
        if name in ("prompt", "response", "quoted_prompt", "quoted_response"):
            raise UsageError(
                f"{where}: {{{name}}} is the other side's text, which would colour the label of this one. "
                "Take it out; a grader that needs both sides is asked for the pair: [ask.pair]."
            )
        raise unknown_choice(f"{where}: {{placeholder}}", name, sorted(own | beside | {"mark"}))
    for text in texts:
        if not named & {text, f"quoted_{text}"}:
            raise UsageError(f"{where}: nothing is graded; put {{quoted_{text}}} into a message.")


def _check_sides(
    where: str, sides: Collection[str], severity: Severity | None, beside: tuple[Beside, ...]
) -> None:
    """Refuse a side that gives nothing, what no side gives, and what two sides would give."""
    for one in beside:
        if not any(one.role in BESIDE[side] for side in sides):
            needs = "both texts; declare [ask.pair]" if one.role == "relevance" else "a response"
            raise UsageError(f"{where}: {one.role} needs {needs}.")
    for side in sides:
        if not severity and not any(one.role in BESIDE[side] for one in beside):
            raise UsageError(f"{where}: nothing is read of what is asked of the {side}.")
        if isinstance(severity, ByVerdict) and side not in severity.verdict:
            raise UsageError(f"{where}: severity.verdict does not say which member is for {side}.")
    if severity and {"response", "pair"} <= set(sides):
        raise UsageError(
            f"{where}: a response is graded alone or together with its prompt. Take out [ask.response] or [ask.pair]."
        )


def _check_parts(table: Table, declared: Declared) -> None:
    """Refuse parts that would change nothing, or do not go together."""
    where, severity = table.where, declared.severity
    service = declared.facts.endpoint in TEXT_OF
    if declared.schema and severity and not isinstance(severity, ByCategory):
        raise UsageError(f"{where}: answer.schema needs a member and values for each category.")
    fixed = FIXED.get(declared.reading.parser)
    for name in (name for side in declared.facts.sides for name in declared.members(side)):
        if fixed and name not in fixed:
            raise unknown_choice(f"{where}: {declared.reading.parser} has no member", name, fixed)
    if declared.longest and not service:
        raise UsageError(f"{where}: longest is for services; a chat is sent the text whole.")
    if declared.beside and (service or declared.guidelines):
        raise UsageError(f"{where}: {declared.beside[0].role} takes a grader of its own.")
    if declared.guidelines and service:
        raise UsageError(f"{where}: guidelines are for a chat.")
    if declared.guidelines and set(declared.guidelines) != set(declared.facts.sides):
        raise UsageError(f"{where}: give guidelines of {listing(declared.facts.sides)}, each.")


def _body(table: Table, guidelines: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    body = dict(table.table("body").held)
    allowed = {"guideline", "category"} if guidelines else set()
    named = placeholders(json.dumps(body, default=str))
    for name in sorted(named - allowed):
        raise unknown_choice(
            f"{table.where}: body: {{placeholder}}", name, sorted(allowed) or ["none"]
        )
    for key in ("model", "messages", "response_format", *TEXT_OF.values()):
        if key in body:
            raise UsageError(f"{table.where}: body: {key} is put in by riskshift; take it out.")
    return body
