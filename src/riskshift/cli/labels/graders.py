"""riskshift graders: what can label prompts and responses, and how to begin one's own."""

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from riskshift.cli import options
from riskshift.cli.printing import put
from riskshift.errors import OutputError, UsageError

if TYPE_CHECKING:
    from riskshift.graders.declared import Declared

_WIDTH: Final = 80
_ALONE: Final = {"prompt": "prompts", "response": "responses", "pair": "pairs, seeing both sides"}


def graders(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[GRADER]", help="Show this one whole: a name, or a file of your own."
        ),
    ] = None,
    write: Annotated[
        Path | None,
        typer.Option(
            "--write", metavar="FILE", help="Write its declaration there, to begin your own."
        ),
    ] = None,
    write_rubric: Annotated[
        Path | None,
        typer.Option(
            "--write-rubric", metavar="FILE", help="Write the rubric there, to begin your own."
        ),
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """List the graders that come with riskshift, or show one with all that it is asked."""
    from riskshift.graders.catalogue import NAMES, load, rubric_source, source

    if write_rubric is not None:
        _begin(write_rubric, rubric_source(), quiet=quiet)
    if write is not None:
        if name is None:
            raise UsageError("say which one to begin from: riskshift graders rubric --write FILE.")
        _begin(write, source(name), quiet=quiet)
    if write is not None or write_rubric is not None:
        return
    if name is None:
        put("\n".join(_told(load(one)) for one in NAMES) + "\n")
    else:
        put(_whole(load(name)) + "\n")


def _begin(place: Path, text: str, *, quiet: bool) -> None:
    from riskshift.outputs.places import check_place, write_bytes

    check_place(place)
    if place.is_file():
        raise OutputError(f"{place} exists already, and may hold work of yours. Name another file.")
    write_bytes(place, text.encode())
    options.wrote(place, quiet=quiet)


def _told(grader: "Declared") -> str:
    """Write a few lines about a grader."""
    facts, severity = grader.facts, grader.taxonomy
    gives = [one for one in facts.gives if one != "severity"]
    if severity:
        gives.insert(0, f"{' < '.join(severity.levels)} in {', '.join(severity.categories)}")
    lines = [
        f"{facts.title}.",
        f"Labels: {'; '.join(gives)}.",
        f"Of: {', '.join(_ALONE[side] for side in facts.sides)}.",
        f"Endpoint: {_reached(grader)}.",
        f"Licence: {facts.licence or 'not stated'}.",
    ]
    return "\n".join([facts.name, *map(_wrapped, lines)])


def _reached(grader: "Declared") -> str:
    facts = grader.facts
    named = facts.model or ("the model that you name" if facts.endpoint == "chat" else "")
    return ", ".join(filter(None, (facts.endpoint, named)))


def _whole(grader: "Declared") -> str:
    """Write all about a grader, and what it is asked."""
    facts = grader.facts
    more = [
        f"Source: {facts.source or 'not stated'}.",
        facts.about,
        f"Version {facts.version}; fingerprint {grader.fingerprint[:16]}.",
    ]
    asked = [
        f"\nAsked of a {side}{_part(grader, side)}:\n{text}"
        for side in facts.sides
        for text in [grader.shown(side)]
    ]
    return "\n".join([_told(grader), *map(_wrapped, filter(None, more)), *asked])


def _part(grader: "Declared", side: str) -> str:
    calls = len(grader.guidelines.get(side, ()))
    return f", in {calls} calls, of which the first" if calls else ""


def _wrapped(text: str) -> str:
    return textwrap.fill(
        text, _WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False
    )
