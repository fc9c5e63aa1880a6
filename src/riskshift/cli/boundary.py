"""The one boundary of the command line: what becomes of errors, interrupts and closed streams.

Exit code 1 says that a rule fails, and nothing else does. So whatever goes wrong has a code of its
own: 2 for our errors and for faults of ours, 130 for an interrupt (143, 129: ended from outside),
141 where the reader of the output went away.
"""

import os
import signal
import sys
import traceback
import warnings
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, Final, NoReturn, TextIO

BAD_INPUT: Final = 2
BROKEN_PIPE: Final = 141
BY_SIGNAL: Final = 128
DEBUG: Final = "--debug"
REPORT: Final = "Please report it"

_INTERRUPTED: Final = "riskshift: interrupted; nothing was half written."
_ENDING: Final = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
# Engines turn an interrupt into errors of their own, so it is remembered here.
_signals: Final[list[int]] = []


def main() -> NoReturn:
    """Run the command line and leave with its exit code."""
    _occupy_closed_streams()
    before = {number: signal.getsignal(number) for number in _ENDING}
    for number, handler in before.items():
        # What the caller ignores, as nohup does, stays ignored.
        if handler is not signal.SIG_IGN:
            signal.signal(number, _end)
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # between two lines of ours
        code = BY_SIGNAL + (_signals[0] if _signals else signal.SIGINT)
    for number, handler in before.items():
        signal.signal(number, handler)
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code; nothing is raised.

    Parameters
    ----------
    arguments : sequence of str
        As on the command line, without the name of the program. ``--debug`` may stand anywhere.
    """
    given, debug = _without_debug(arguments)
    _signals.clear()
    try:
        code = _invoked(given)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001 - the last place where it can be told
        code = _told(error, debug=debug)
    if _signals:
        code = BY_SIGNAL + _signals[0]
    try:
        _clean_up()
    except KeyboardInterrupt:
        _clean_up()
    return code


def _invoked(arguments: Sequence[str]) -> int:
    import typer

    from riskshift.errors import RiskshiftWarning

    command = _command()
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        warnings.simplefilter("always", RiskshiftWarning)
        try:
            with command.make_context("riskshift", list(arguments)) as context:
                command.invoke(context)
        except typer.Exit as done:
            return int(done.exit_code)
    return 0


@cache
def _command() -> Any:
    import typer

    from riskshift.cli.app import app

    if "_RISKSHIFT_COMPLETE" in os.environ:
        app()  # writes what a shell may complete, and leaves
    # Not through Typer's own main: it gives code 1 to a closed pipe.
    return typer.main.get_command(app)


def _without_debug(arguments: Sequence[str]) -> tuple[list[str], bool]:
    """Take ``--debug`` out, wherever it stands: it is added to a command that went wrong."""
    given = list(arguments)
    end = given.index("--") if "--" in given else len(given)
    kept = [argument for argument in given[:end] if argument != DEBUG]
    return kept + given[end:], len(kept) < end


def _told(error: BaseException, *, debug: bool) -> int:
    """Say what went wrong, and return the exit code for it."""
    try:
        return _explained(error, debug=debug)
    except (OSError, ValueError):  # the error stream is gone too
        return BROKEN_PIPE if isinstance(error, BrokenPipeError) else BAD_INPUT
    except KeyboardInterrupt:
        return BY_SIGNAL + signal.SIGINT


def _explained(error: BaseException, *, debug: bool) -> int:
    from riskshift.cli.printing import say
    from riskshift.errors import RiskshiftError

    if debug and not isinstance(error, SystemExit):
        say("".join(traceback.format_exception(error)).rstrip("\n"))
    if _signals or isinstance(error, KeyboardInterrupt):
        say(_INTERRUPTED)
        return BY_SIGNAL + (_signals[0] if _signals else signal.SIGINT)
    if isinstance(error, BrokenPipeError):
        _let_go_of_output()
        return BROKEN_PIPE
    if isinstance(error, RiskshiftError):
        say(f"riskshift: {error}")
    elif usage := _usage(error):
        say(usage)
    elif isinstance(error, SystemExit):
        code = 0 if error.code is None else error.code
        return code if isinstance(code, int) and code != 1 else BAD_INPUT
    elif isinstance(error, OSError):
        # Of standard output, such as a full disk; files that are read or written say more.
        _let_go_of_output()
        say(f"riskshift: cannot go on: {error}.")
    elif isinstance(error, MemoryError):
        say("riskshift: there is not enough memory for this.")
    else:
        say(f"riskshift: {_unforeseen(error)}")
    return BAD_INPUT


def _usage(error: BaseException) -> str | None:
    """Return what Typer says of wrong options or arguments; None of any other error."""
    import typer

    kind = next(one for one in typer.BadParameter.__mro__ if one.__name__ == "ClickException")
    if not isinstance(error, kind):
        return None
    fault: Any = error
    context = getattr(fault, "ctx", None)
    told: str = fault.format_message()
    if context is None:
        return f"Error: {told}"
    if told == context.get_help():  # a command without its arguments
        return told
    hint = f"Try '{context.command_path} {context.help_option_names[0]}' for help."
    return f"{context.get_usage()}\n{hint}\n\nError: {told}"


def _unforeseen(error: BaseException) -> str:
    """Say in one line where an error came from. Its own words may quote the data: --debug shows them."""
    ours = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if f"{os.sep}riskshift{os.sep}" in frame.filename
    ]
    where = f" in {Path(ours[-1].filename).stem}.{ours[-1].name}" if ours else ""
    return (
        f"this is a fault of riskshift and says nothing about the data: {type(error).__name__}{where}. {REPORT}, with "
        f"what {DEBUG} adds to this command."
    )


def _end(number: int, frame: FrameType | None) -> None:
    if _signals:  # asked for again: at once
        _clean_up()
        os.write(2, _INTERRUPTED.encode() + b"\n")
        os._exit(BY_SIGNAL + number)
    _signals.append(number)
    raise KeyboardInterrupt


def _clean_up() -> None:
    """Remove spooled text and outputs that are not seen yet."""
    if "riskshift.scratch" in sys.modules:
        sys.modules["riskshift.scratch"].remove_all()
    if "riskshift.outputs.places" in sys.modules:
        sys.modules["riskshift.outputs.places"].give_up()


def _occupy_closed_streams() -> None:
    """Bind closed standard streams to where they fail, so that no data file takes their number."""
    for number, mode in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_RDONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)  # the lowest free number, which is this one


def _let_go_of_output() -> None:
    """Send what is left in the buffer nowhere; its reader is gone or its disk full."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.stdout.flush()
    except (OSError, ValueError, AttributeError):
        sys.stdout = None


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    from riskshift.cli.printing import say
    from riskshift.errors import RiskshiftWarning

    if issubclass(category, RiskshiftWarning):
        say(f"riskshift: warning: {message}")
