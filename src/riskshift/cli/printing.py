"""What is printed, and where: the only way to standard output and to the error stream.

Names from the data stand in it. A build server reads both streams for commands, a terminal reads
them for control sequences; neither may find any but ours.
"""

import sys
from typing import Any

from riskshift.outputs.escape import json_ascii, lines, workflow


def say(text: str) -> None:
    """Print a message on the error stream."""
    if sys.stderr is not None:
        print(workflow(lines(text)), file=sys.stderr, flush=True)  # noqa: T201


def put(text: str, *, kind: str = "text") -> None:
    """Print a result on standard output.

    Parameters
    ----------
    text : str
        What to print, with its line ends.
    kind : str
        What it is: ``json`` is kept as JSON, ``github`` as commands to the build server.
    """
    if kind == "json":
        shown = text if _carries(text) else json_ascii(text)
    else:
        shown = text if kind == "github" else workflow(text)
        shown = shown.encode("utf-8", "replace").decode("utf-8")
    write(shown)


def write(text: str) -> None:
    """Write to standard output whatever it is; what its encoding lacks is shown as a code."""
    stream: Any = sys.stdout
    if stream is None:
        raise OSError("standard output is closed")
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def _carries(text: str) -> bool:
    """Tell whether standard output takes a text as it is: a file or a pipe in a full encoding."""
    if sys.stdout is None or sys.stdout.isatty():
        return False
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True
