"""Write what every job says of the same data, to compare two states of the code byte for byte.

``python scripts/same_bytes.py write DIR`` runs every command, with people's labels, strata, groups,
missing labels, faults and two engines, and writes JSON, pages, Markdown, LaTeX, CSV, terminal and
error stream into a folder. ``python scripts/same_bytes.py compare OLD NEW`` lists the files that
differ and fails if there are some. Seconds are taken out by a clock that stands still.
"""

import csv
import filecmp
import io
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from difflib import unified_diff
from pathlib import Path
from typing import Any

CATEGORIES = ("hate", "self_harm")
TAXONOMY = 'categories = ["hate", "self_harm"]\nlevels = ["Safe", "Low", "Medium", "High"]\n'
SIDES = ("prompt", "response")
MODELS = ("model-a", "model-b", "model-c")
RULES = ("escalation <= 30%", "persistence[hate] <= 0.9", "response_harm <= 10% by language")
REPORTS = ("html", "json", "md", "tex", "csv")
Row = dict[str, Any]


def pairs(rng: random.Random, *, blank: float) -> list[Row]:
    """Make answers of three models to 120 prompts, some labels missing."""
    rows = []
    for at in range(120):
        prompt = [rng.choice((0, 0, 0, 1, 2, 3)) for _ in CATEGORIES]
        for model, model_name in enumerate(MODELS):
            chance = 0.15 + 0.1 * model
            response = [p if rng.random() < chance else rng.choice((0, 0, 0, 0, 1)) for p in prompt]
            row: Row = {
                "prompt_id": f"p{at}",
                "model": model_name,
                "language": "de" if at % 3 else "fr",
                "relevance": rng.choice((1, 2, 3, 3)),
                "prompt_benign": str(max(prompt) == 0).lower(),
                "prompt": f"Question {at} about <gardening> & more?",
                "response": f"Answer of {model_name} to {at}.",
            }
            for side, levels in zip(SIDES, (prompt, response), strict=True):
                for category, level in zip(CATEGORIES, levels, strict=True):
                    missing = side == "response" and rng.random() < blank
                    row[f"{side}_{category}"] = "" if missing else level
            rows.append(row)
    return rows


def by_people(rng: random.Random, drawn: list[Row], graded: list[Row]) -> list[Row]:
    """Fill in what people say of the drawn pairs: what the grader said, but for a tenth."""
    labels = [f"{side}_{category}" for side in SIDES for category in CATEGORIES]
    known = {(row["prompt_id"], row["model"]): row for row in graded}
    for row in drawn:
        said = known[row["prompt_id"], row["model"]]
        for label in labels:
            other = label.startswith("response") and rng.random() < 0.1
            row[label] = rng.choice((0, 1, 2)) if other else said[label]
    return drawn


def by_raters(rng: random.Random) -> list[Row]:
    """Make labels of three raters, who disagree here and there and sometimes say nothing."""
    rows: list[Row] = []
    for at in range(60):
        truth = {category: rng.choice((0, 0, 1, 3)) for category in CATEGORIES}
        for rater in ("ann", "bob", "cem"):
            row: Row = {"record_id": f"r{at}", "prompt_id": f"p{at // 2}", "annotator": rater}
            for side in SIDES:
                for category, level in truth.items():
                    moved = min(3, max(0, level + rng.choice((0, 0, 0, 1, -1))))
                    row[f"{side}_{category}"] = "" if rng.random() < 0.05 else moved
            rows.append(row)
    return rows


def save(path: str, rows: list[Row]) -> None:
    """Write rows as CSV."""
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def load(path: str) -> list[Row]:
    """Read rows of CSV."""
    with Path(path).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def prepare() -> None:
    """Write the data into this folder."""
    rng = random.Random(5)
    Path("harm.toml").write_text(TAXONOMY, encoding="utf-8")
    whole, blanks = pairs(rng, blank=0), pairs(rng, blank=0.1)
    save("whole.csv", whole)
    save("blanks.csv", blanks)
    for model in MODELS:
        save(f"{model}.csv", [row for row in whole if row["model"] == model])
    save("raters.csv", by_raters(rng))
    save("bad.csv", [{**row, "prompt_hate": 9 if at < 3 else 0} for at, row in enumerate(whole)])
    save("twice.csv", [*whole, *whole[:2]])


def runs() -> Iterator[tuple[str, list[str]]]:
    """Yield a name and the arguments of each command, in an order in which each finds its files."""
    given = ("--taxonomy", "harm.toml")
    quick = (*given, "--resamples", "300")
    yield "analyze_corpus", ["analyze", "corpus.csv"]
    for name in ("whole", "blanks"):
        yield f"analyze_{name}", ["analyze", f"{name}.csv", "--by", "language", *given]
    yield "bad", ["analyze", "bad.csv", *given]
    yield "bad_skipped", ["analyze", "bad.csv", "--skip-bad", *given]
    yield "twice", ["analyze", "twice.csv", *given]
    yield (
        "compare",
        ["compare", "blanks.csv", "--by", "language", "--standardize", "pooled", *given],
    )
    yield "compare_two", ["compare", "model-a.csv", "model-b.csv", "--baseline", "model-a", *given]
    for kind, strata in (("random", ()), ("strata", ("--stratify", "response_harm"))):
        drawn = f"drawn_{kind}.csv"
        yield f"sample_{kind}", ["sample", "whole.csv", "--n", "150", *strata, "-o", drawn, *given]
        people = ("--people", f"people_{kind}.csv")
        yield f"analyze_people_{kind}", [
            "analyze", "whole.csv", *people, *given,
        ]  # fmt: skip
        yield f"compare_people_{kind}", [
            "compare", "whole.csv", "--baseline", "model-a", *people, *given,
        ]  # fmt: skip
        yield f"check_people_{kind}", [
            "check", "model-b.csv", "--baseline", "model-a.csv", "--people", f"two_{kind}.csv", *given,
            "--rule", "escalation <= 90%", "--rule", "escalation - baseline <= 5%",
        ]  # fmt: skip
    rules = [part for rule in RULES for part in ("--rule", rule)]
    yield "check", ["check", "model-c.csv", *rules, *given]
    yield "check_blanks", ["check", "blanks.csv", *rules, *given]
    yield "check_baseline", [
        "check", "model-c.csv", "--baseline", "model-a.csv", *given,
        "--rule", "escalation - baseline <= 5%", "--rule", "response_harm - baseline <= 2% by language",
    ]  # fmt: skip
    yield "agree", ["agree", "raters.csv", "--write-resolved", "resolved.csv", *quick]
    yield "grader", ["grader", "--people", "people_random.csv", "--grader", "whole.csv", *quick]
    yield (
        "grader_strata",
        ["grader", "--people", "people_strata.csv", "--grader", "whole.csv", *quick],
    )
    yield "plan", ["plan", "--rate", "0.03", "--rule", "escalation <= 5%"]
    yield "plan_like", ["plan", "--like", "whole.csv", "--difference", "0.05", *given]
    yield "label_studio", ["label-studio", "export", "drawn_random.csv", "-o", "studio", *given]
    for command in ("analyze", "compare", "check", "agree", "grader", "sample", "plan"):
        yield f"help_{command}", [command, "--help"]


def forms_of(name: str, command: str) -> dict[str, list[str]]:
    """Return what to add to a command for each form of what it says."""
    forms: dict[str, list[str]] = {"terminal": []}
    if name.startswith(("bad", "twice", "help")) or command in ("sample", "label-studio"):
        return forms
    if command == "check":
        return forms | {form: ["--format", form] for form in ("json", "github", "junit")}
    outputs = [part for form in REPORTS for part in ("-o", f"{name}.{form}")]
    return forms | {"files": outputs}


def said(name: str, arguments: list[str]) -> None:
    """Run a command in each of its forms and keep what it prints and writes."""
    from riskshift.cli import main

    for form, more in forms_of(name, arguments[0]).items():
        out, err = io.StringIO(), io.StringIO()
        code: object = 0
        with redirect_stdout(out), redirect_stderr(err):
            sys.argv = ["riskshift", *arguments, *more]
            try:
                main()
            except SystemExit as stopped:
                code = stopped.code
        text = f"exit {code}\n--- out\n{out.getvalue()}--- err\n{err.getvalue()}"
        Path(f"{name}.{form}.txt").write_text(text, encoding="utf-8")
    if name.startswith("sample_"):
        kind = name.removeprefix("sample_")
        people = by_people(random.Random(9), load(f"drawn_{kind}.csv"), load("whole.csv"))
        save(f"people_{kind}.csv", people)
        save(f"two_{kind}.csv", [row for row in people if row["model"] != MODELS[2]])


def other_engine() -> None:
    """Say the same of a Polars frame."""
    import json

    import polars as pl

    import riskshift

    frame = pl.read_csv("blanks.csv")
    taxonomy = riskshift.Taxonomy.from_toml("harm.toml")
    result = riskshift.analyze(
        frame, taxonomy=taxonomy, by="language", resamples=300, permutations=300
    )
    Path("polars.json").write_text(json.dumps(result.to_dict(), indent=1), encoding="utf-8")
    compared = riskshift.compare(frame, taxonomy=taxonomy, resamples=300)
    Path("polars_compare.json").write_text(
        json.dumps(compared.to_dict(), indent=1), encoding="utf-8"
    )


def write(folder: Path) -> None:
    """Run everything in a folder."""
    folder.mkdir(parents=True)
    os.environ.update(COLUMNS="100", NO_COLOR="1", TERM="dumb")
    corpus = Path(__file__).parents[1] / "src" / "riskshift" / "data" / "reconstruction.csv"
    clock: Callable[[], float] = lambda: 0.0  # noqa: E731
    time.perf_counter = clock
    with chdir(folder):
        Path("corpus.csv").write_bytes(corpus.read_bytes())
        prepare()
        for name, arguments in runs():
            said(name, arguments)
        other_engine()


def compare(old: Path, new: Path) -> int:
    """List the files that differ, with the first lines that do."""
    names = sorted({f.relative_to(d) for d in (old, new) for f in d.rglob("*") if f.is_file()})
    differ = 0
    for name in names:
        a, b = old / name, new / name
        if a.is_file() and b.is_file() and filecmp.cmp(a, b, shallow=False):
            continue
        differ += 1
        print(f"differs: {name}")
        before, after = (
            f.read_text(encoding="utf-8").splitlines() if f.is_file() else [] for f in (a, b)
        )
        for line in list(unified_diff(before, after, lineterm="", n=0))[2:8]:
            print(f"    {line[:160]}")
    print(f"{differ} of {len(names)} files differ")
    return int(differ > 0)


def main(arguments: list[str]) -> int:
    """Write or compare."""
    if arguments[:1] == ["write"] and len(arguments) == 2:
        write(Path(arguments[1]))
        return 0
    if arguments[:1] == ["compare"] and len(arguments) == 3:
        return compare(Path(arguments[1]), Path(arguments[2]))
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
