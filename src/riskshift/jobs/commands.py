"""Commands as one would type them."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from riskshift.taxonomy import HARM, Taxonomy, toml_list

_FILE: Final = "taxonomy.toml"


def command(
    verb: str,
    paths: Sequence[str | Path],
    taxonomy: Taxonomy | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    flags: Sequence[str] = (),
) -> str:
    r"""Write a command as one would type it; where a taxonomy needs a file, with the line that makes it.

    Parameters
    ----------
    verb : str
        Such as ``"analyze"``.
    paths : sequence of str or Path
        What it reads.
    taxonomy : Taxonomy, optional
        Of the labels; None or the default needs no option.
    columns : mapping of str to str, optional
        Columns by role, where their names are not the roles' own.
    flags : sequence of str
        Further options, a word each.

    Examples
    --------
    >>> print(command("analyze", ["my pairs.csv"], HARM, columns={"prompt_id": "id"}))
    riskshift analyze 'my pairs.csv' --taxonomy harm --map prompt_id=id
    >>> print(command("analyze", ["p.csv"], Taxonomy(["harm"], ["ok", "bad"])))
    printf '%s\n' 'categories = ["harm"]' 'levels = ["ok", "bad"]' > taxonomy.toml
    riskshift analyze p.csv --taxonomy taxonomy.toml
    """
    words = ["riskshift", verb, *map(str, paths)]
    before = ""
    if taxonomy == HARM:
        words += ["--taxonomy", HARM.categories[0]]
    elif taxonomy not in (None, Taxonomy()):
        file = _free(Path(_FILE))
        lines = [f"{key} = {toml_list(getattr(taxonomy, key))}" for key in ("categories", "levels")]
        before = f"printf '%s\\n' {shlex.join(lines)} > {file}\n"
        words += ["--taxonomy", str(file)]
    for role, column in (columns or {}).items():
        words += ["--map", f"{role}={column}"]
    return before + shlex.join([*words, *flags])


def _free(path: Path) -> Path:
    """Return a name that no file has."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_stem(f"{path.stem}-{number}")
    return free
