"""riskshift doctor: what can be done with a file or a log."""

from riskshift.cli import options
from riskshift.cli.printing import put


@options.reads(
    *("source", "taxonomy", "mapped", "scale", "score", "score_value", "cuts"),
    *("turns", "labels", "categories_in"),
)
def doctor(paths: options.Paths, *, reading: options.Given, quiet: options.Quiet = False) -> None:
    """Say what files are, what they hold and lack, and what to type next."""
    from riskshift.jobs.data.doctor import doctor as look
    from riskshift.outputs.escape import lines

    with options.progress(quiet=quiet) as told:
        found = look(paths, progress=told, **reading.arguments())
    put(lines(str(found)) + "\n")
