"""Speed, as ratios to plain implementations that run beside ours.

``python -m benchmarks`` prints a Markdown table; it writes about 400 MB into a temporary folder and
takes a few minutes. Parts alone: ``python -m benchmarks.speed resampling files comparing starting``.
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random

import duckdb
import numpy as np
import polars as pl

import riskshift
from riskshift.analysis.rates import Settings
from riskshift.analysis.transitions.population import estimate
from riskshift.collapse.pairs import collapse
from riskshift.stats.crosstabs.association import permutation_p
from riskshift.stats.resample import bootstrap_difference, bootstrap_ratio, generator

CORPUS = Path(__file__).parents[1] / "src" / "riskshift" / "data" / "reconstruction.csv"
CATEGORIES = ("hate", "self_harm", "sexual", "violence")
SEED = 20260709
Row = tuple[str, float, float, str]


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def best(work: Callable[[], object], times: int = 3) -> float:
    """Return the least of several timings: what the machine can do when nothing disturbs it."""
    return min(timed(work) for _ in range(times))


def resampling() -> Iterator[Row]:
    """Resample counts instead of rows."""
    frame = pl.read_csv(CORPUS)
    prompt = {c: frame[f"prompt_{c}"].to_numpy() >= 1 for c in CATEGORIES}
    response = {c: frame[f"response_{c}"].to_numpy() >= 1 for c in CATEGORIES}
    n = len(frame)

    def plain_contrasts() -> None:
        rng = np.random.default_rng(SEED)
        columns = {c: (prompt[c], prompt[c] & response[c]) for c in ("sexual", "hate")}
        for _ in range(100_000):
            rows = rng.integers(0, n, n)
            rates = [event[rows].sum() / given[rows].sum() for given, event in columns.values()]
            rates[0] - rates[1]

    cells = np.stack(
        [
            prompt["sexual"] & response["sexual"],
            prompt["sexual"],
            prompt["hate"] & response["hate"],
            prompt["hate"],
        ]
    )
    (x_a, n_a, x_b, n_b), weight = np.unique(cells.astype(int), axis=1, return_counts=True)

    def ours() -> None:
        bootstrap_difference(
            x_a,
            n_a,
            x_b,
            n_b,
            weight,
            resamples=100_000,
            confidence=0.95,
            simultaneous=0.9917,
            rng=generator(SEED),
        )

    yield (
        "100,000 resamples of a contrast, n = 1,250",
        timed(plain_contrasts),
        best(ours),
        "at least 15 times faster",
    )

    severity = (
        frame.select(pl.max_horizontal(f"response_{c}" for c in CATEGORIES)).to_series().to_numpy()
    )
    relevance = frame["relevance"].to_numpy() - 1
    table = np.zeros((4, 3), dtype=int)
    np.add.at(table, (severity, relevance), 1)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n

    def plain_permutations() -> None:
        rng = np.random.default_rng(SEED)
        seen = ((table - expected) ** 2 / expected).sum()
        reached = 0
        for _ in range(50_000):
            drawn = np.bincount(severity * 3 + rng.permutation(relevance), minlength=12).reshape(
                4, 3
            )
            reached += ((drawn - expected) ** 2 / expected).sum() >= seen

    yield (
        "50,000 permutations of a 4 x 3 table, n = 1,250",
        timed(plain_permutations),
        best(lambda: permutation_p(table, draws=50_000, rng=generator(SEED))),
        "at least 30 times faster",
    )
    yield _clusters()
    yield from _flat()


def _clusters() -> Row:
    rng = Random(SEED)
    prompts = [[rng.random() < 0.06 for _ in range(3)] for _ in range(600)]
    kinds, weight = np.unique([(sum(p), len(p)) for p in prompts], axis=0, return_counts=True)

    def plain() -> None:
        draw = Random(SEED)
        for _ in range(2_000):
            chosen = draw.choices(prompts, k=len(prompts))
            sum(map(sum, chosen)) / sum(map(len, chosen))

    def ours() -> None:
        bootstrap_ratio(
            kinds[:, 0], kinds[:, 1], weight, resamples=2_000, confidence=0.95, rng=generator(SEED)
        )

    return "2,000 cluster resamples, 600 prompts, pure Python", timed(plain), best(ours), "reported"


def _flat() -> Iterator[Row]:
    counts = collapse(riskshift.read(CORPUS)).counts
    times = {}
    for size in (1_000, 10_000_000):
        scaled = replace(counts, n=np.maximum(1, counts.n * size // counts.total))
        times[size] = best(partial(estimate, scaled, Settings(permutations=5_000)))
    yield (
        "all estimates after the collapse: 10^3 records, 10^7 records",
        times[1_000],
        times[10_000_000],
        "flat",
    )


_BARE = """
import duckdb, sys
con = duckdb.connect(config={"memory_limit": "700MB", "temp_directory": sys.argv[2]})
labels = ", ".join(f"{s}_{c}" for s in ("prompt", "response") for c in ("hate", "self_harm", "sexual", "violence"))
con.execute(f"SELECT {labels}, count(*) FROM read_parquet('{sys.argv[1]}') GROUP BY {labels}").fetchall()
con.execute(f"SELECT count(DISTINCT prompt_id) FROM read_parquet('{sys.argv[1]}')").fetchall()
"""


def _write(path: Path, rows: int, *, responses: int) -> None:
    """Write pairs with mild random labels; a prompt's labels are the same for all its responses."""
    level = "CASE WHEN h < 930 THEN 0 WHEN h < 965 THEN 1 WHEN h < 990 THEN 2 ELSE 3 END"

    def label(unit: str, column: int) -> str:
        return f"(SELECT {level} FROM (SELECT hash({unit}, {column}) % 1000 AS h))::TINYINT"

    columns = [f"'prompt-' || (i // {responses}) AS prompt_id"]
    columns += [f"'model-' || (i % {responses}) AS model"] if responses > 1 else []
    columns += [
        f"{label(f'i // {responses}', at)} AS prompt_{c}" for at, c in enumerate(CATEGORIES)
    ]
    columns += [f"{label('i', 10 + at)} AS response_{c}" for at, c in enumerate(CATEGORIES)]
    duckdb.sql(
        f"COPY (SELECT {', '.join(columns)} FROM range({rows}) t(i)) TO '{path}' (FORMAT parquet)"
    )


def _write_apart(path: Path, rows: int, responses: int) -> None:
    """Write in a process of its own: what this one has used would count for every child."""
    _run([sys.executable, "-m", "benchmarks.speed", "write", str(path), str(rows), str(responses)])


def files() -> Iterator[Row]:
    """Analyze files that are larger than memory should be."""
    with tempfile.TemporaryDirectory() as folder:
        for responses, bound in ((1, "at most 1.5 times + 2.5 s"), (4, "at most 5 times + 3 s")):
            path = Path(folder) / f"{responses}.parquet"
            _write_apart(path, 20_000_000, responses)
            bare = best(partial(_run, [sys.executable, "-c", _BARE, str(path), folder]), 2)
            command = [
                sys.executable,
                "-m",
                "riskshift",
                "analyze",
                str(path),
                "--memory-limit",
                "600MB",
            ]
            ours = best(partial(_run, [*command, "-o", f"{folder}/out.json", "-q"]), 2)
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
            yield (
                f"20 million rows, {responses} a prompt (at most {peak:.2f} GiB)",
                bare,
                ours,
                bound,
            )


def comparing() -> Iterator[Row]:
    """Compare models prompt by prompt."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "six.parquet"
        _write_apart(path, 6_000_000, 6)
        highest = f"greatest({', '.join(f'response_{c}' for c in CATEGORIES)})"
        join = (
            'import duckdb, sys; duckdb.sql(f"SELECT a.model, b.model, count(*) FILTER (WHERE a.r > 0 AND b.r = 0), '
            "count(*) FILTER (WHERE a.r = 0 AND b.r > 0) FROM "
            f"(SELECT prompt_id, model, {highest} AS r FROM '{{sys.argv[1]}}') a JOIN "
            f"(SELECT prompt_id, model, {highest} AS r FROM '{{sys.argv[1]}}') b "
            'ON a.prompt_id = b.prompt_id AND a.model < b.model GROUP BY 1, 2").fetchall()'
        )
        bare = best(lambda: _run([sys.executable, "-c", join, str(path)]), 2)
        command = [
            sys.executable,
            "-m",
            "riskshift",
            "compare",
            str(path),
            "-o",
            f"{folder}/out.json",
            "-q",
        ]
        yield (
            "6 models x 1,000,000 prompts against a self-join",
            bare,
            best(lambda: _run(command), 2),
            "at most 3 times",
        )
    rng = np.random.default_rng(SEED)
    models, prompts = 50, 1_000
    severe = np.tile(
        (rng.random((prompts, 4)) < 0.2) * rng.integers(1, 4, (prompts, 4)), (models, 1)
    )
    kept = severe * (rng.random(severe.shape) < 0.4)
    frame = pl.DataFrame(
        {
            "prompt_id": np.tile(np.arange(prompts), models),
            "model": np.repeat(np.arange(models), prompts).astype(str),
        }
        | {f"prompt_{c}": severe[:, at] for at, c in enumerate(CATEGORIES)}
        | {f"response_{c}": kept[:, at] for at, c in enumerate(CATEGORIES)}
    )
    yield (
        "all pairs of 50 models x 1,000 prompts (limit 5 s)",
        5.0,
        best(lambda: riskshift.compare(frame), 2),
        "at most once",
    )


def starting() -> Iterator[Row]:
    """Start the command line."""
    command = [sys.executable, "-m", "riskshift"]
    yield (
        "riskshift --help (limit 0.4 s)",
        0.4,
        best(lambda: _run([*command, "--help"])),
        "at most once",
    )
    with tempfile.TemporaryDirectory() as folder:
        demo = best(lambda: _run([*command, "demo", "-o", folder]))
    yield "riskshift demo (limit 4 s)", 4.0, demo, "at most once"


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


PARTS = {"resampling": resampling, "files": files, "comparing": comparing, "starting": starting}


def main() -> None:
    """Print the table, row by row as it is measured."""
    if sys.argv[1:2] == ["write"]:
        path, rows, responses = sys.argv[2:]
        _write(Path(path), int(rows), responses=int(responses))
        return
    print("| what | plain | riskshift | plain / riskshift | asked |")
    print("|---|--:|--:|--:|---|")
    for name in sys.argv[1:] or PARTS:
        for what, plain, ours, asked in PARTS[name]():
            print(
                f"| {what} | {plain:.2f} s | {ours:.3f} s | {plain / ours:.1f} | {asked} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
