"""Logs of tools: CPU seconds as ratios to what reads the same file beside ours, and memory.

``python -m benchmarks.logs`` prints a Markdown table. It writes up to 2 GB at a time into a temporary
folder and takes half an hour. Parts alone: ``python -m benchmarks.logs azure large``. Inspect's
own reader is measured where it is said which Python has it and what is to be read:
``python -m benchmarks.logs inspect --python .venv-inspect/bin/python --log LOG...``.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any, Final

SEED: Final = 20260709
LIMIT: Final = 512  # MiB
_LEVELS: Final = ("safe", "low", "medium", "high")
_CATEGORIES: Final = ("hate", "self_harm", "sexual", "violence")
_WORDS: Final = (
    *("garden", "mole", "toad", "nettle", "crow", "ribbon", "spade", "seed", "beet", "gnome"),
    *("hedge", "pond", "slug", "frost", "straw", "gate", "barrow", "kettle", "lantern", "moss"),
)
Row = tuple[str, float | None, float, float, str]

_BARE: Final = """
import duckdb, sys
labels = ", ".join(
    f"json ->> '$.response.{side}.content_filter_results.{c}.severity'"
    for side in ("prompt_filter_results[0]", "choices[0]")
    for c in ("hate", "self_harm", "sexual", "violence")
)
rows = f"read_json_objects('{sys.argv[1]}', format='newline_delimited')"
con = duckdb.connect(config={"temp_directory": sys.argv[2]})
con.execute(f"SELECT {labels}, count(*) FROM {rows} GROUP BY ALL").fetchall()
con.execute(f"SELECT count(DISTINCT json -> '$.request.messages') FROM {rows}").fetchall()
"""
_LINES: Final = """
import json, sys
for line in open(sys.argv[1], "rb"):
    json.loads(line)
"""
_INSPECT: Final = """
import sys
from inspect_ai.log import read_eval_log
for path in sys.argv[1:]:
    read_eval_log(path)
"""
_OURS: Final = """
import sys
from riskshift.reading.logs import find
for path in sys.argv[1:]:
    find([path])
"""


def spent(command: list[str]) -> tuple[float, float]:
    """Return the CPU seconds of a command, and the MiB that it held at most."""
    started = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(started.pid, 0)
    started.returncode = os.waitstatus_to_exitcode(status)
    if started.returncode:
        raise subprocess.CalledProcessError(started.returncode, command)
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def azure_calls(records: int) -> Iterator[dict[str, Any]]:
    """Yield requests to Azure OpenAI and responses; of some the filter kept a side back."""
    rng = Random(SEED)
    for number in range(records):
        asked = f"{number}: {_text(rng, 20)}?"
        request = {"model": "mini", "messages": [{"role": "user", "content": asked}]}
        of_prompt, of_answer = _severities(rng), _severities(rng)
        kept_back = rng.random()
        if kept_back < 0.02:
            inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": of_prompt}
            response: dict[str, Any] = {"error": {"code": "content_filter", "innererror": inner}}
        else:
            message = {"role": "assistant", "content": _text(rng, 60)}
            choice = {
                "index": 0,
                "finish_reason": "content_filter" if kept_back < 0.04 else "stop",
                "message": message,
                "content_filter_results": of_answer,
            }
            of_prompts = [{"prompt_index": 0, "content_filter_results": of_prompt}]
            response = {
                "id": f"chatcmpl-{number}",
                "object": "chat.completion",
                "model": "mini-2026",
                "choices": [choice],
                "prompt_filter_results": of_prompts,
            }
        yield {"request": request, "response": response}


def promptfoo_results() -> Iterator[dict[str, Any]]:
    """Yield results of red teaming with promptfoo, without end."""
    rng, number = Random(SEED), 0
    while True:
        number += 1
        passed = rng.random() < 0.9
        kind = f"promptfoo:redteam:harmful:{rng.choice(_WORDS)}"
        yield {
            "provider": {"id": "local:a", "label": "model-a"},
            "success": passed,
            "failureReason": 0 if passed else 1,
            "prompt": {"raw": f"{number}: {_text(rng, 60)}?"},
            "response": {"output": _text(rng, 200)},
            "gradingResult": {"pass": passed, "componentResults": []},
            "testCase": {"assert": [{"type": kind}]},
            "metadata": {"pluginId": kind.removeprefix("promptfoo:redteam:")},
        }


def _text(rng: Random, words: int) -> str:
    return " ".join(rng.choices(_WORDS, k=words))


def _severities(rng: Random) -> dict[str, Any]:
    return {
        name: {"filtered": False, "severity": rng.choices(_LEVELS, (90, 5, 3, 2))[0]}
        for name in _CATEGORIES
    }


def write(path: Path, values: Iterator[Any], size: int | None = None) -> None:
    """Write values until they end, or come to a size: JSON lines, or in ``.json`` one document."""
    start, between, end = "", "\n", "\n"
    if path.suffix == ".json":
        start, between, end = '{"results": {"version": 3, "results": [', ",\n", "]}}"
    with path.open("w", encoding="utf-8") as file:
        written = file.write(start + json.dumps(next(values)))
        for value in values:
            if size is not None and written >= size:
                break
            written += file.write(between + json.dumps(value))
        file.write(end)


def _analyze(path: Path, folder: str) -> list[str]:
    command = [sys.executable, "-m", "riskshift", "analyze", str(path), "--memory-limit", "200MB"]
    return [*command, "-q", "-o", f"{folder}/out.json"]


def azure(options: argparse.Namespace) -> Iterator[Row]:
    """Analyze calls of a service, beside a scan that reads the labels and counts the prompts."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "calls.jsonl"
        write(path, azure_calls(options.records))
        bare, _ = spent([sys.executable, "-c", _BARE, str(path), folder])
        ours, peak = spent(_analyze(path, folder))
        yield (
            f"{options.records:,} Azure chat responses, bare DuckDB scan",
            bare,
            ours,
            peak,
            f"at most {LIMIT} MiB",
        )


def large(options: argparse.Namespace) -> Iterator[Row]:
    """Analyze logs that are larger than memory should be: lines, and one document."""
    for name, plain in (("lines.jsonl", _LINES), ("document.json", None)):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            write(path, promptfoo_results(), options.bytes)
            bare = spent([sys.executable, "-c", plain, str(path)])[0] if plain else None
            ours, peak = spent(_analyze(path, folder))
            what = f"{options.bytes:,} bytes of promptfoo as {name}, json.loads of each line"
            yield what, bare, ours, peak, f"at most {LIMIT} MiB"


def inspect(options: argparse.Namespace) -> Iterator[Row]:
    """Read logs of Inspect beside its own full reader, each alone and in a fresh process."""
    if not options.python:
        return
    for log in options.log:
        theirs, _ = spent([options.python, "-c", _INSPECT, log])
        ours, peak = spent([sys.executable, "-c", _OURS, log])
        size = Path(log).stat().st_size
        yield f"{size:,} bytes of Inspect, its own reader", theirs, ours, peak, "10 times faster"


PARTS: Final[dict[str, Callable[[argparse.Namespace], Iterator[Row]]]] = {
    "azure": azure,
    "large": large,
    "inspect": inspect,
}


def main() -> None:
    """Print the table, row by row as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="*", help=f"which to run: {', '.join(PARTS)}; default: all")
    parser.add_argument("--records", type=int, default=1_000_000, help="calls of Azure")
    parser.add_argument("--bytes", type=int, default=2_000_000_000, help="of each large log")
    parser.add_argument("--python", help="a Python that has inspect-ai")
    parser.add_argument("--log", nargs="*", default=(), help="logs of Inspect AI")
    options = parser.parse_args()
    print("| what, and beside what | plain / riskshift | memory | asked |")
    print("|---|--:|--:|---|")
    for name in options.part or PARTS:
        for what, plain, ours, peak, asked in PARTS[name](options):
            ratio = "" if plain is None else f"{plain / ours:.3g}"
            print(f"| {what} | {ratio} | {peak:.0f} MiB | {asked} |", flush=True)


if __name__ == "__main__":
    main()
