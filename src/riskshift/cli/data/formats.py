"""riskshift formats: which logs are read."""

from typing import Annotated

import typer

from riskshift.cli.printing import put


def formats(
    facts: Annotated[
        bool, typer.Option("--facts", help="Say also where the facts about each come from.")
    ] = False,
) -> None:
    """List the formats of logs that are read, and what each side of them carries."""
    from riskshift.formats.catalogue import FORMATS, REFUSED

    told = []
    for one in FORMATS:
        told.append(f"{one.name}\n  {one.title}\n  Labels: {one.labels}")
        if facts:
            told.append(f"  Facts: {one.source}")
    told += [f"Refused: {one.name}. {one.why}" for one in REFUSED]
    put("\n".join(told) + "\n")
