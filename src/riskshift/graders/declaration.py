"""A declaration in TOML, read and checked: every key known, every template with its side's texts alone."""

import json
from collections.abc import Mapping
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from riskshift.errors import UsageError, listing, unknown_choice
from riskshift.graders.answers import CODES, PARSERS, VERDICT, WRAPPED, YES_NO, Reading
from riskshift.graders.declared import CODE_VERSION, TEXT_OF, Declared
from riskshift.graders.grader import Facts
from riskshift.graders.labels import Beside, ByCategory, ByScore, ByVerdict, Severity
from riskshift.graders.rubric import Rubric, find_rubric
from riskshift.graders.table import Table
from riskshift.graders.template import placeholders
from riskshift.refusal import REFUSAL
from riskshift.taxonomy import Taxonomy
from riskshift.toml_file import read_toml

ENDPOINTS: Final = ("chat", *TEXT_OF)
SIDES: Final = ("prompt", "response", "pair")
_PROSE: Final = ("title", "licence", "source", "about")
_KEYS: Final = (
    *("name", "title", "version", "endpoint", "model", "licence", "source", "about", "rubric"),
    *("longest", "body", "ask", "guidelines", "answer", "severity", "refusal", "relevance"),
)
_ROLES: Final = ("system", "developer", "user", "assistant")
_ANSWER: Final = ("parser", "wrapped", "schema", "tag", "beginning", "ignore")
_SEVERITY: Final = (
    *("categories", "levels", "harmful_from", "numbers", "values", "members", "cuts"),
    *("verdict", "named", "codes", "other"),
)
_RELEVANCE: Final = ("1", "2", "3")


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
    answer = table.table("answer").only(_ANSWER)
    reading = _reading(answer, endpoint)
    severity = _severity(table, used, reading.parser) if "severity" in table.held else None
    beside = tuple(_beside(table, role) for role in ("refusal", "relevance") if role in table.held)
    guidelines = _guidelines(table, severity, reading.parser)
    constants = _constants(used, severity)
    messages = _messages(table, endpoint, constants, guidelines)
    if not severity and not beside:
        raise UsageError(f"{path}: it gives nothing; declare severity, refusal or relevance.")
    _check_sides(table, messages, severity, beside)
    return Declared(
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
    span = f"{min(numbers)} to {max(numbers)}"
    return names | {"rubric": rubric.text(numbers), "numbers": span}


def _reading(answer: Table, endpoint: str) -> Reading:
    fit = [name for name in PARSERS if (name if name in TEXT_OF else "chat") == endpoint]
    parser = answer.choice("parser", fit)
    only = {"schema": "json", "tag": "yes-no", "beginning": "yes-no"}
    for key, needs in only.items():
        if key in answer.held and parser != needs:
            raise UsageError(f"{answer.where}: {key} is for the parser {needs}, not {parser}.")
    return Reading(
        parser,
        answer.choice("wrapped", WRAPPED, ""),
        answer.text("tag", ""),
        answer.flag("beginning"),
        answer.texts("ignore"),
    )


def _severity(table: Table, rubric: Rubric | None, parser: str) -> Severity:
    told = table.table("severity").only(_SEVERITY)
    if rubric:
        told.only(("numbers", "members"))
        numbers = told.choice("numbers", ("raw", "levels"), "raw")
        chosen = rubric.raw if numbers == "raw" else rubric.by_level
        taxonomy, values = rubric.taxonomy, {str(one): level for one, level in chosen.items()}
        return ByCategory(taxonomy, _named(told, taxonomy, parser), values)
    if "cuts" in told.held:
        return _by_score(told.only(("categories", "members", "cuts")))
    taxonomy = _taxonomy(told)
    values = _valued(told, taxonomy.levels)
    if "verdict" not in told.held and parser != "safe-unsafe":
        told.only(("categories", "levels", "harmful_from", "values", "members"))
        return ByCategory(taxonomy, _named(told, taxonomy, parser), values)
    return _by_verdict(told, taxonomy, values, parser)


def _taxonomy(told: Table) -> Taxonomy:
    levels = told.texts("levels")
    start = told.choice("harmful_from", levels) if "harmful_from" in told.held else levels[1:2]
    at = levels.index(start) if isinstance(start, str) else 1
    return Taxonomy(told.texts("categories"), levels, at)


def _valued(told: Table, labels: tuple[str, ...]) -> dict[str, str]:
    """Return what an answer may say with the label that it means."""
    values = told.words("values")
    if not values:
        raise told.fault("values", "a table from what the answer says to levels", values)
    for label in values.values():
        if label not in labels:
            raise unknown_choice(f"{told.where}: values", label, labels)
    return values


def _named(told: Table, taxonomy: Taxonomy, parser: str) -> dict[str, tuple[str, ...]]:
    """Return by category the members of the answer that speak of it."""
    own = YES_NO if parser == "yes-no" else None
    given = told.table("members")
    for category in given.held:
        if category not in taxonomy.categories:
            raise unknown_choice(f"{given.where}: category", category, taxonomy.categories)
    return {
        category: (
            given.texts(category)
            if isinstance(given.held.get(category), list)
            else (given.text(category, own or category),)
        )
        for category in taxonomy.categories
    }


def _by_score(told: Table) -> ByScore:
    cuts = told.held["cuts"]
    fine = (
        isinstance(cuts, list) and cuts and all(type(one) is float and 0 < one < 1 for one in cuts)
    )
    if not fine or cuts != sorted(set(cuts)):
        raise told.fault(
            "cuts", "a list of numbers between 0 and 1 that go up, such as [0.5]", cuts
        )
    between = [f"{low:g} to {high:g}" for low, high in pairwise(cuts)]
    levels = (f"under {cuts[0]:g}", *between, f"{cuts[-1]:g} or more")
    taxonomy = Taxonomy(told.texts("categories"), levels)
    return ByScore(taxonomy, _named(told, taxonomy, "scores"), tuple(cuts))


def _by_verdict(
    told: Table, taxonomy: Taxonomy, values: Mapping[str, str], parser: str
) -> ByVerdict:
    if parser == "safe-unsafe":
        verdict, named = dict.fromkeys(SIDES, VERDICT), CODES if "codes" in told.held else ""
    elif isinstance(told.held.get("verdict"), str):
        verdict, named = dict.fromkeys(SIDES, told.text("verdict")), told.text("named", "")
    else:
        verdict, named = told.words("verdict"), told.text("named", "")
    codes = {code.casefold(): category for code, category in told.words("codes").items()}
    other = told.choice("other", taxonomy.categories, "")
    for category in codes.values():
        if category not in taxonomy.categories:
            raise unknown_choice(f"{told.where}: codes", category, taxonomy.categories)
    if not named and len(taxonomy.categories) > 1:
        raise UsageError(
            f"{told.where}: one verdict cannot speak for {len(taxonomy.categories)} categories. Name one, or say "
            'which member lists them: named = "Categories".'
        )
    return ByVerdict(taxonomy, verdict, values, named, codes, other)


def _beside(table: Table, role: str) -> Beside:
    told = table.table(role).only(("member", "values"))
    labels = REFUSAL if role == "refusal" else _RELEVANCE
    values = _valued(told, labels) if "values" in told.held else {one: one for one in labels}
    return Beside(role, told.text("member", role), values)


def _guidelines(
    table: Table, severity: Severity | None, parser: str
) -> dict[str, Mapping[str, str]]:
    """Return what one call asks of each category, by side."""
    given = table.table("guidelines").only(SIDES)
    found = {side: given.words(side) for side in given.held}
    categories = severity.taxonomy.categories if severity else ()
    if found and not isinstance(severity, ByCategory):
        raise UsageError(f"{given.where}: guidelines go with severities that have values.")
    for side, told in found.items():
        lacking = [name for name in categories if name not in told]
        if lacking:
            raise UsageError(f"{given.where}.{side}: no guideline for {listing(lacking)}.")
        given.table(side).only(categories)
    if parser == "yes-no" and not found and len(categories) > 1:
        raise UsageError(
            f"{table.where}: yes or no is said of one category. Give guidelines, a call for each of "
            f"{listing(categories)}."
        )
    return {side: {name: told[name] for name in categories} for side, told in found.items()}


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
            if side == "pair" or said[0][1] != f"{{{side}}}":
                raise UsageError(f'{told.where}: a service is sent one text: text = "{{prompt}}".')
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
    table: Table,
    messages: Mapping[str, Any],
    severity: Severity | None,
    beside: tuple[Beside, ...],
) -> None:
    """Refuse a side that gives nothing, and what no side gives."""
    if isinstance(severity, ByVerdict):
        for side in messages:
            if side not in severity.verdict:
                raise UsageError(
                    f"{table.where}: severity.verdict does not say which member is for {side}."
                )
    roles = {one.role for one in beside}
    if "relevance" in roles and "pair" not in messages:
        raise UsageError(f"{table.where}: relevance needs both texts; declare [ask.pair].")
    if "refusal" in roles and not {"response", "pair"} & set(messages):
        raise UsageError(f"{table.where}: refusal is of a response; declare [ask.response].")
    if (
        not severity
        and set(messages) != {"pair"}
        and not (set(messages) == {"response"} and "refusal" in roles)
    ):
        raise UsageError(
            f"{table.where}: without severity it is asked for the pair, or of the response for refusal."
        )


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
