"""riskshift demo: the packaged corpus, analyzed and reported; no key, no network."""

from pathlib import Path
from typing import Annotated, Final

import typer

from riskshift.cli import options
from riskshift.errors import OutputError

CORPUS: Final = "reconstruction.csv"
EXAMPLE: Final = "example.csv"
PAIRS: Final = "pairs.csv"
CARD: Final = "reconstruction.toml"
SOURCE: Final = "a reconstruction of the corpus of arXiv 2604.26052"


def demo(
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", metavar="DIR", help="Folder for the report; made if need be."
        ),
    ] = Path("riskshift-demo"),
    example: Annotated[
        bool,
        typer.Option(
            "--example", help="Write only pairs.csv, the small example of the documentation."
        ),
    ] = False,
    quiet: options.Quiet = False,
) -> None:
    """Analyze the packaged corpus.

    Writes report.html, results.json and pairs.csv; needs no key and no network.
    """
    from dataclasses import replace
    from importlib.resources import as_file, files

    import riskshift
    from riskshift.outputs.places import make_folder, together, write_bytes

    packaged = files("riskshift.data").joinpath(EXAMPLE if example else CORPUS)
    pairs = output / PAIRS
    _check_new(pairs, packaged.read_bytes())
    if example:
        with together():
            make_folder(output)
            write_bytes(pairs, packaged.read_bytes())
        options.wrote(pairs, quiet=quiet)
        return
    stated = files("riskshift.data").joinpath(CARD)
    with (
        options.progress(quiet=quiet) as told,
        as_file(packaged) as path,
        as_file(stated) as card,
        together(),
    ):
        make_folder(output)
        result = riskshift.analyze(path, labels_by="people", card=card, progress=told)
        result = replace(result, provenance=replace(result.provenance, source=SOURCE))
        told("writing")
        written = [
            riskshift.write(result, output / "report.html"),
            riskshift.write(result, output / "results.json"),
            write_bytes(pairs, packaged.read_bytes()),
        ]
    options.show(result)
    for path in written:
        options.wrote(path, quiet=quiet)


def _check_new(place: Path, corpus: bytes) -> None:
    """Refuse to write over pairs that are not the demo's own."""
    try:
        found = place.exists() and place.read_bytes() != corpus
    except OSError as error:
        raise OutputError(f"{place} cannot be written: {error.strerror or error}.") from error
    if found:
        raise OutputError(
            f"{place} exists already, and may hold people's labels. Name another folder, or remove it first."
        )
