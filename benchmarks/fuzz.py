"""Broken and hostile files through the whole command line: `make fuzz`.

Whatever is in a file, a command gives a verdict or says in words what is wrong. A traceback is a
fault, and so is an exit code that does not say what was printed: 1 means that a rule fails, and
nothing else does. Inputs are valid files that were mutated, each from a seed of its own.
"""

import argparse
import contextlib
import csv
import io
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from riskshift.cli.boundary import run

VERDICTS: Final = {0: "pass", 1: "fail", 3: "inconclusive"}
TAXONOMY: Final = (
    'categories = ["harm", "fraud"]\nlevels = ["Safe", "Low", "High"]\nharmful_from = "Low"\n'
)
RULES: Final = 'rules = ["escalation <= 50% by model", "response_harm <= 10% by model"]\n'
ROWS: Final = [
    {
        "prompt_id": f"p{i // 2}",
        "model": "ab"[i % 2],
        "prompt": f'say "{i // 2}", é',
        "prompt_harm": i // 2 % 3,
        "response_harm": ("Safe", "Low", "High")[i % 3],
        "prompt_fraud": 0,
        "response_fraud": None if i % 7 == 6 else i % 2,
        "relevance": 1 + i % 3,
    }
    for i in range(14)
]
TASKS: Final = [
    {
        "id": i,
        "data": {"prompt_id": f"p{i}", "prompt": "q", "response": "r", "riskshift_chance": 0.5},
        "annotations": [
            {
                "completed_by": {"email": "a@b.c", "id": 1},
                "result": [
                    {
                        "type": "choices",
                        "from_name": f"response_{name}",
                        "value": {"choices": ["Low"]},
                    }
                    for name in ("harm", "fraud")
                ],
            }
        ],
    }
    for i in range(3)
]
# What parsers stumble over: marks of every format, numbers that no machine holds, what hides.
_TEXTS: Final = (
    *('"', "'", ",", ";", "\t", "|", "\n", "\r", "\r\n", ":", "=", "#", "\\", "\0"),
    *("{", "}", "[", "]", "[[", "]]", "null", "true", "NaN", "-Infinity", "\\ud800", "\\u0000"),
    *("1e999", "-0", "1.5", "9" * 30, "9" * 5000, "0x" + "f" * 5000, "1979-05-27", "99:99:99"),
    *("\ufeff", "\u202e", "\x1b[31m", "\x9b", "\u2028", "é", "😀", "::stop-commands::x", "=cmd()"),
    *("prompt_harm", "response_harm", "model", "harm", "*", "riskshift_n", "a.b", "High"),
    *("by ", "<=", "%", "[" * 3000, '{"a":' * 3000, "x" * 3000),
)
_BYTES: Final = (
    *(b"\xff", b"\xff\xfe", b"\xff\xfe\0\0", b"\x1f\x8b"),
    *(b"\x28\xb5\x2f\xfd", b"PAR1", b"\xed\xa0\x80"),
)
TOKENS: Final = [*(text.encode() for text in _TEXTS), *_BYTES]


@dataclass(slots=True)
class Tally:
    """What became of the inputs of one format."""

    format: str
    inputs: int = 0
    judged: int = 0
    refused: int = 0
    tracebacks: int = 0
    wrong: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)


def _csv(delimiter: str) -> bytes:
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter, lineterminator="\n")
    writer.writerow(ROWS[0])
    writer.writerows(row.values() for row in ROWS)
    return written.getvalue().encode()


def _parquet() -> bytes:
    import duckdb

    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "rows.jsonl"), Path(folder, "rows.parquet")
        source.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
        duckdb.connect().read_json(str(source)).write_parquet(str(target))
        return target.read_bytes()


VALID: Final[dict[str, Callable[[], bytes]]] = {
    "csv": lambda: _csv(","),
    "tsv": lambda: _csv("\t"),
    "jsonl": lambda: "".join(json.dumps(row) + "\n" for row in ROWS).encode(),
    "json": lambda: json.dumps(ROWS).encode(),
    "parquet": _parquet,
    "toml": TAXONOMY.encode,
    "rules": RULES.encode,
    "label-studio": lambda: json.dumps(TASKS).encode(),
}


def mutated(valid: bytes, format: str, number: int) -> bytes:  # noqa: A002
    """Return the input of that number: the valid file with one to five faults in it."""
    rng = random.Random(f"{format}:{number}")
    content = valid
    for _ in range(rng.randint(1, 5)):
        at = rng.randint(0, len(content))
        length = rng.choice([1, 1, 2, 8, 40, 400])
        piece = rng.choice(
            [rng.choice(TOKENS), rng.randbytes(rng.randint(1, 4)), content[at : at + length]]
        )
        match rng.choice(["insert", "insert", "replace", "delete", "cut", "move", "swap"]):
            case "insert":
                content = content[:at] + piece + content[at:]
            case "replace":
                content = content[:at] + piece + content[at + len(piece) :]
            case "delete":
                content = content[:at] + content[at + length :]
            case "cut":
                content = content[:at] if rng.random() < 0.3 else content
            case "move":
                to = rng.randint(0, len(content))
                content = content[:to] + content[at : at + length] + content[to:]
            case _:
                # A whole value for another one, where the file has text.
                old, new = rng.choice([b"Low", b"harm", b"p1", b"null", b"0"]), rng.choice(TOKENS)
                content = content.replace(old, new, rng.randint(1, 3))
    return content


def _command(format: str, place: Path, number: int) -> list[str]:  # noqa: A002
    folder = place.parent
    taxonomy, pairs = str(folder / "t.toml"), str(folder / "p.csv")
    if format == "label-studio":
        out = str(folder / "out.csv")
        return ["label-studio", "import", str(place), "--taxonomy", taxonomy, "-o", out, "-q"]
    judged = ["--rule", "escalation <= 50% by model", "--format", "json"]
    if format == "toml":
        return ["check", pairs, "--taxonomy", str(place), *judged]
    if format == "rules":
        told = ["--rules", str(place), "--format", "json"]
        return ["check", pairs, "--taxonomy", taxonomy, *told]
    options = ["--skip-bad"] if number % 2 else []
    return ["check", str(place), "--taxonomy", taxonomy, *judged, *options]


def _fault(format: str, code: int, out: str, err: str, written: Path) -> str | None:  # noqa: A002
    """Say what is wrong with how a command ended; None if nothing is."""
    if code == 2:
        fine = err.startswith("riskshift: ") and not out and not written.exists()
        return None if fine else f"code 2 and {err[:200] or out[:200]!r}"
    if format == "label-studio":
        fine = code == 0 and written.exists()
        return None if fine else f"code {code} for an import"
    try:
        verdict = json.loads(out)["verdict"]
    except (ValueError, KeyError, TypeError):
        return f"code {code} and no verdict: {out[:200]!r}"
    return None if VERDICTS.get(code) == verdict else f"code {code} for {verdict}"


def fuzz(format: str, inputs: int, *, start: int = 0) -> Tally:  # noqa: A002
    """Put mutated files of one format through the command line.

    Parameters
    ----------
    format : str
        One of `VALID`.
    inputs : int
        How many.
    start : int, default 0
        Number of the first.

    Returns
    -------
    Tally
    """
    tally, valid = Tally(format), VALID[format]()
    suffix = {"label-studio": "json", "rules": "toml"}.get(format, format)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "t.toml").write_text(TAXONOMY)
        (folder / "p.csv").write_bytes(VALID["csv"]())
        place, written = folder / f"x.{suffix}", folder / "out.csv"
        for number in range(start, start + inputs):
            place.write_bytes(mutated(valid, format, number))
            written.unlink(missing_ok=True)
            out, err = io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = run(_command(format, place, number))
            _count(tally, number, code, out.getvalue(), err.getvalue(), written)
    tally.seconds = time.perf_counter() - began
    return tally


def _count(tally: Tally, number: int, code: int, out: str, err: str, written: Path) -> None:
    tally.inputs += 1
    tally.refused += code == 2
    tally.judged += code != 2
    if "Traceback" in err or "this is a fault of riskshift" in err:
        tally.tracebacks += 1
        tally.faults.append(f"{tally.format} {number}: {err.strip()[:300]}")
    elif fault := _fault(tally.format, code, out, err, written):
        tally.wrong += 1
        tally.faults.append(f"{tally.format} {number}: {fault}")


def table(tallies: Sequence[Tally]) -> Iterator[str]:
    """Write what was counted as a table in Markdown."""
    yield "| format | inputs | judged | refused in words | tracebacks | wrong exit codes |"
    yield "|---|---|---|---|---|---|"
    for one in tallies:
        numbers = (one.inputs, one.judged, one.refused, one.tracebacks, one.wrong)
        yield f"| {one.format} | " + " | ".join(f"{number:,}" for number in numbers) + " |"


def main() -> None:
    """Fuzz every format, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000, help="of each format")
    parser.add_argument("--start", type=int, default=0, help="number of the first")
    parser.add_argument("formats", nargs="*", metavar="FORMAT", help=", ".join(VALID))
    given = parser.parse_args()
    tallies = []
    for format in given.formats or VALID:  # noqa: A001
        tallies.append(fuzz(format, given.inputs, start=given.start))
        print(f"{format}: {tallies[-1].seconds:.0f} s", file=sys.stderr, flush=True)
        for fault in tallies[-1].faults:
            print(fault, file=sys.stderr, flush=True)
    print("\n".join(table(tallies)))
    sys.exit(any(one.faults for one in tallies))


if __name__ == "__main__":
    main()
