"""The part of a declaration that says what the members of an answer mean."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

from riskshift.errors import UsageError, listing, unknown_choice
from riskshift.graders.answers import CODES, VERDICT, YES_NO
from riskshift.graders.asking import SIDES
from riskshift.graders.labels import Beside, ByCategory, ByScore, ByVerdict, Severity
from riskshift.graders.rubric import Rubric
from riskshift.graders.table import Table
from riskshift.refusal import REFUSAL
from riskshift.taxonomy import Taxonomy

_SEVERITY: Final = (
    *("categories", "levels", "harmful_from", "numbers", "values", "members", "cuts"),
    *("verdict", "named", "codes", "other"),
)
_RELEVANCE: Final = ("1", "2", "3")


def read_severity(table: Table, rubric: Rubric | None, parser: str) -> Severity:
    """Return what the answer's members say of severities."""
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
    return told.taxonomy(told.texts("categories"), levels, at)


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
    """Return by category the member of the answer that speaks of it."""
    own = YES_NO if parser == "yes-no" else None
    given = told.table("members").only(taxonomy.categories)
    return {category: (given.text(category, own or category),) for category in taxonomy.categories}


def _by_score(told: Table) -> ByScore:
    cuts = told.held["cuts"]
    fine = isinstance(cuts, list) and all(type(one) is float and 0 < one < 1 for one in cuts)
    if not fine or not cuts or cuts != sorted(set(cuts)):
        raise told.fault(
            "cuts", "a list of numbers between 0 and 1 that go up, such as [0.5]", cuts
        )
    between = [f"{low} to {high}" for low, high in pairwise(cuts)]
    levels = (f"under {cuts[0]}", *between, f"{cuts[-1]} or more")
    taxonomy = told.taxonomy(told.texts("categories"), levels)
    given = told.table("members").only(taxonomy.categories)
    members = {one: given.texts(one) or (one,) for one in taxonomy.categories}
    return ByScore(taxonomy, members, tuple(cuts))


def _by_verdict(
    told: Table, taxonomy: Taxonomy, values: Mapping[str, str], parser: str
) -> ByVerdict:
    keys = ("categories", "levels", "harmful_from", "values")
    if parser == "safe-unsafe":
        told.only((*keys, "codes", "other"))
        verdict, named = dict.fromkeys(SIDES, VERDICT), CODES if "codes" in told.held else ""
    else:
        told.only((*keys, "verdict", "named", "codes", "other"))
        same = isinstance(told.held["verdict"], str)
        verdict = dict.fromkeys(SIDES, told.text("verdict")) if same else told.words("verdict")
        named = told.text("named", "")
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
    if bool(named) != bool(codes) or (other and not named):
        raise UsageError(
            f"{told.where}: named, codes and other go together: which member lists categories, what it may say, and "
            "the category of a harmful verdict that names none."
        )
    return ByVerdict(taxonomy, verdict, values, named, codes, other)


def read_beside(table: Table, role: str, parser: str) -> Beside:
    """Return how refusal or relevance is read."""
    told = table.table(role).only(("member", "values"))
    labels = REFUSAL if role == "refusal" else _RELEVANCE
    values = _valued(told, labels) if "values" in told.held else {one: one for one in labels}
    own = YES_NO if parser == "yes-no" else role
    return Beside(role, told.text("member", own), values)


def read_guidelines(
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
