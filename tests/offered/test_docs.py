"""Everything shown in the documentation runs, names what exists, and leaves nothing public out."""

import doctest
import importlib
import importlib.util
import io
import os
import pkgutil
import re
import shlex
import sys
import warnings
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pytest
import typer.main

import riskshift
from riskshift.analysis.metrics import CATEGORY, OVERALL
from riskshift.cli.app import app
from riskshift.cli.boundary import main

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("decisions/*.md")],
    key=lambda page: page.relative_to(ROOT).as_posix(),
)
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(riskshift.__path__, "riskshift.")
    if not module.name.endswith("__main__")
)
FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the file it is shown as, its text and where it stands."""

    language: str
    file: str
    text: str
    place: str


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name: str) -> Iterator[Block]:
    text = read(name)
    for match in FENCE.finditer(text):
        language, _, file = match[1].strip().partition(" ")
        line = text.count("\n", 0, match.start()) + 1
        yield Block(language, file, match[2], f"{name}, line {line}")


def prose(name: str) -> str:
    """Return a page without its fenced blocks."""
    return FENCE.sub("", read(name))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder that holds what the documentation speaks of: pairs.csv and demo/pairs.csv."""
    (tmp_path / "demo").mkdir()
    for place, packaged in (("pairs.csv", "example.csv"), ("demo/pairs.csv", "reconstruction.csv")):
        (tmp_path / place).write_bytes(files("riskshift.data").joinpath(packaged).read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


def run_command(line: str) -> tuple[str, int]:
    """Run one riskshift command in this process; return all it printed, and its exit code."""
    command, _, given = line.partition(" < ")
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setattr(sys, "argv", shlex.split(command))
        if given:
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(Path(given).read_bytes())))
        try:
            with redirect_stdout(printed), redirect_stderr(printed):
                main()
        except SystemExit as end:
            return printed.getvalue(), int(end.code or 0)
    return printed.getvalue(), 0


def check_shown(want: str, got: str, place: str) -> None:
    if want and not doctest.OutputChecker().check_output(want, got, doctest.ELLIPSIS):
        pytest.fail(f"{place}: the documentation shows\n{want}\nbut the output is\n{got}")


def run_console(block: Block) -> None:
    """Run the lines that begin with ``$ riskshift``; ``$ echo $?`` asks for the last exit code."""
    steps = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block.text, re.MULTILINE)
    assert steps, f"{block.place}: a console block without a command"
    code = 0
    for at, (line, shown) in enumerate(steps):
        if line == "echo $?":
            check_shown(shown, f"{code}\n", block.place)
        elif line.startswith("riskshift"):
            printed, code = run_command(line)
            check_shown(shown, printed, f"{block.place}: {line}")
            asked = at + 1 < len(steps) and steps[at + 1][0] == "echo $?"
            assert code == 0 or asked, f"{block.place}: {line} ended with {code}: {printed}"


def run_python(block: Block, names: dict[str, object]) -> None:
    with redirect_stdout(io.StringIO()):
        exec(compile(block.text, block.place, "exec"), names)


def run_doctest(block: Block, names: dict[str, object]) -> None:
    test = doctest.DocTestParser().get_doctest(block.text, names, block.place, block.place, 0)
    runner, report = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS), io.StringIO()
    runner.run(test, out=report.write, clear_globs=False)
    names.update(test.globs)
    assert runner.summarize(verbose=False).failed == 0, f"{block.place}\n{report.getvalue()}"


@pytest.mark.parametrize("name", NAMES)
def test_what_a_page_shows_runs(name: str, desk: Path) -> None:
    names: dict[str, object] = {"__name__": "documentation"}
    for block in blocks(name):
        if block.file:
            (desk / block.file).write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            run_python(block, names)
        elif block.language == "pycon":
            run_doctest(block, names)
        elif block.language == "console":
            run_console(block)
        else:
            commands = re.findall(r"^(?:\$ )?riskshift .*", block.text, re.MULTILINE)
            assert not commands, f"{block.place}: {commands[0]!r} is shown but never run"


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name: str) -> None:
    if ".with_inspect." in name and importlib.util.find_spec("inspect_ai") is None:
        pytest.skip("inspect_ai is not there")  # what forbids skips installs it first
    found = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert found.failed == 0


def test_the_examples_of_the_package_run() -> None:
    found = doctest.testmod(riskshift, optionflags=doctest.ELLIPSIS)
    assert found.attempted > 0
    assert found.failed == 0


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(name)):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        page = (ROOT / name).parent / path if path else ROOT / name
        assert page.exists(), f"{name}: {target} does not exist"
        if anchor:
            assert anchor in anchors(page.read_text(encoding="utf-8")), f"{name}: no {target}"


@pytest.mark.parametrize(
    "page", [page for page in NAMES if page.startswith(("docs/", "decisions/"))]
)
def test_every_page_is_in_an_index(page: str) -> None:
    folder, _, file = page.partition("/")
    assert file == "README.md" or f"]({file})" in read(f"{folder}/README.md")


@pytest.mark.parametrize("name", riskshift.__all__)
def test_every_public_name_is_documented(name: str) -> None:
    assert re.search(rf"`(?:riskshift\.)?{name}\b", prose("docs/library.md"))


def commands() -> list[str]:
    return sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", commands())
def test_every_command_and_option_is_documented(command: str) -> None:
    page = read("docs/commands.md")
    section = re.search(rf"^## riskshift {command}\n(.*?)(?=^## )", page, re.MULTILINE | re.DOTALL)
    assert section, f"docs/commands.md has no section 'riskshift {command}'"
    shared = re.search(r"^## Shared options\n(.*?)(?=^## )", page, re.MULTILINE | re.DOTALL)
    assert shared
    made = typer.main.get_command(app).commands[command]  # type: ignore[attr-defined]
    for option in (name for param in made.params for name in param.opts if name.startswith("-")):
        told = section[1] if re.search(rf"`{option}\b", section[1]) else shared[1]
        assert re.search(rf"`{option}\b", told), f"{command} {option} is not documented"


@pytest.mark.parametrize(
    ("scope", "metrics"), [("Over all categories", OVERALL), ("In one category", CATEGORY)]
)
def test_every_metric_is_documented_as_it_is_computed(scope, metrics) -> None:
    page = read("docs/metrics.md")
    part = re.search(rf"^## {scope}\n(.*?)(?=^## )", page, re.MULTILINE | re.DOTALL)
    assert part
    rows = re.findall(r"^\| `(\w+)` \| `([^`]*)` \| `([^`]*)` \| (\w+) \|", part[1], re.MULTILINE)
    wanted = {True: "less", False: "more", None: "neither"}
    assert rows == [(m.name, m.event_formula, m.given_formula, wanted[m.bad]) for m in metrics]
    for metric in metrics:
        section = re.search(rf"^### {metric.name}\n(.*?)(?=^##)", part[1] + "##", re.M | re.S)
        assert section, f"{metric.name} has no section"
        assert metric.meaning in " ".join(section[1].split())


# How many levels of keys below each of these come from the data.
OF_DATA = {"categories": 1, "groups": 2, "landing_severity": 1, "left_out": 1, "timing": 1}
OF_DATA |= {"by_response_severity": 1, "by_harmful_response_category": 1, "by_prompt_category": 1}
OF_DATA |= {"unmatched": 1, "lacking": 1, "examples": 1, "rates": 2, "letters": 1, "empty": 1}
OF_DATA |= {"quadrants": 2, "prompt": 1, "response": 1, "missing": 1}


def keys(value: object, of_data: int = 0) -> Iterator[str]:
    """Yield the keys of a result that are the format's own, not the data's."""
    if isinstance(value, list):
        for item in value:
            yield from keys(item)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if of_data == 0:
                yield key
            yield from keys(inner, of_data - 1 if of_data else OF_DATA.get(key, 0))


def test_every_key_of_the_json_is_documented(desk: Path) -> None:
    draws = {"resamples": 100}
    some = (desk / "pairs.csv").read_text().splitlines(keepends=True)[:81]
    (desk / "people.csv").write_text("".join(some))
    results = [
        riskshift.analyze(
            "pairs.csv", by="language", people="people.csv", permutations=100, **draws
        ),
        riskshift.compare(
            "pairs.csv", by="language", across="categories", standardize="pooled", **draws
        ),
        riskshift.check("pairs.csv", "escalation <= 5% by model"),
        riskshift.grade("pairs.csv", "pairs.csv"),
        riskshift.plan(rate=0.03),
        riskshift.plan(rate=0.03, rule="escalation <= 0.05"),
        riskshift.plan(difference=0.02, like="pairs.csv"),
    ]
    page = read("docs/json.md")
    missing = {key for made in results for key in keys(made.to_dict()) if f"`{key}`" not in page}
    assert not missing
    schema = files("riskshift.report").joinpath("results.schema.json")
    if schema.is_file():
        from riskshift.report.writing import json_schema

        assert {key for key in json_schema()["properties"] if f"`{key}`" not in page} == set()


def test_the_continuous_integration_script_can_be_started() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
