"""riskshift check: exit codes, formats and faults."""

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from riskshift.cli.app import app
from riskshift.errors import RiskshiftError

ROOT = Path(__file__).parents[3]
SCRIPT = Path(sys.executable).with_name("riskshift")
HARMS = ("hate", "self_harm", "sexual", "violence")
HOSTILE = "x\n::error::pwned\r##[error]\x1b[31m<b>&\u202e\uffff %0A,:"


def write_pairs(path, events, trials=400, **more):
    """Answers to `trials` harmless prompts, the first `events` of them harmful."""
    rows = {"prompt_id": [f"p{i}" for i in range(trials)]}
    for name in HARMS:
        rows[f"prompt_{name}"] = [0] * trials
        rows[f"response_{name}"] = [0] * trials
    rows["response_hate"] = [1] * events + [0] * (trials - events)
    pl.DataFrame(rows | {name: [value] * trials for name, value in more.items()}).write_csv(path)
    return str(path)


def run(*arguments):
    """The exit code, what was printed and the error, as the installed command would have them."""
    result = CliRunner().invoke(app, ["check", *map(str, arguments)])
    if isinstance(result.exception, RiskshiftError):
        return 2, result.stdout, str(result.exception)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def good(tmp_path):
    return write_pairs(tmp_path / "good.csv", 2)


@pytest.fixture
def poor(tmp_path):
    return write_pairs(tmp_path / "poor.csv", 60)


@pytest.fixture
def small(tmp_path):
    return write_pairs(tmp_path / "small.csv", 0, trials=40)


def test_zero_means_that_every_check_passed(good):
    code, out, _ = run(good, "--rule", "escalation <= 5%", "--rule", "response_harm <= 5%")
    assert code == 0
    assert out.startswith("PASS: all 2 checks passed.\n")
    assert "2 x 2.5% = 5%" in " ".join(out.split())


def test_one_means_that_a_check_failed(poor):
    code, out, _ = run(poor, "--rule", "escalation <= 5%", "--rule", "escalation <= 14.9%")
    assert code == 1
    assert out.startswith("FAIL: 1 of 2 checks failed; 1 more without enough evidence.\n")
    assert "FAIL  escalation <= 5%\n  Above 5%: 60 of 400 (15.0%, 95% interval" in out


def test_three_means_too_little_evidence(small):
    code, out, _ = run(small, "--rule", "escalation <= 1%")
    assert code == 3
    assert out.startswith("NOT ENOUGH EVIDENCE: ")
    assert "about 328 further prompts at" in " ".join(out.split())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "no rule"),
        (["--rule", "escalation <= 5"], "is 5% meant"),
        (["--rule", ""], "a rule is ''"),
        (["--rule", "escalation - baseline <= 1%"], "--baseline"),
        (["--rule", "escalation <= 5% by colour"], "Column not found: 'colour'"),
        (
            ["--rule", "escalation <= 5%", "--format", "xml"],
            "Choices: text, github, json, junit, sarif, md, html, tex, csv",
        ),
        (["--rule", "escalation <= 5%", "--confidence", "95"], "confidence is 95"),
        (["--rule", "escalation <= 5%", "--model", "x"], "--model needs a column"),
        (["--rule", "escalation <= 5%", "--map", "model"], "role=column"),
        (["--rule", "escalation <= 5%", "--baseline", "absent.csv"], "no rule compares"),
        (["--rule", "escalation - baseline <= 5%", "--baseline", "absent.csv"], "does not exist"),
        (["--rules", "absent.toml"], "absent.toml"),
        (["--rule", "escalation <= 5%", "-o", "absent/gate.xml"], "is not a folder"),
        (["--rule", "escalation <= 5%", "-o", "."], "is a folder"),
        (["--rule", "escalation <= 5%", "-o", "gate.doc"], "unknown suffix '.doc'"),
        (["--rule", "escalation <= 5%", "--attest", "absent/a.json"], "is not a folder"),
        (["--rule", "persistence[hate] <= 5%"], "persistence[hate] is undefined"),
    ],
)
def test_two_means_bad_usage_or_data(good, arguments, says):
    code, out, error = run(good, *arguments)
    assert code == 2
    assert out == ""
    assert says in error


def test_a_missing_file_is_two():
    assert run("absent.csv", "--rule", "escalation <= 5%")[0] == 2
    assert run()[0] == 2
    assert run("absent.csv", "--colour")[0] == 2


def test_rules_come_from_a_file_and_from_options(good, tmp_path):
    (tmp_path / "rules.toml").write_text('rules = ["response_harm <= 5%"]\n')
    code, out, _ = run(
        good,
        "--rule",
        "escalation <= 5%",
        "--rules",
        tmp_path / "rules.toml",
        "--format",
        "json",
    )
    assert code == 0
    assert json.loads(out)["rules"] == ["escalation <= 5%", "response_harm <= 5%"]


def test_a_baseline_is_compared_with(good, poor):
    rule = ["--rule", "escalation - baseline <= 1%"]
    assert run(good, *rule, "--baseline", poor)[0] == 0
    code, out, _ = run(poor, *rule, "--baseline", good)
    assert code == 1
    assert "More than 1 point above the baseline: +14.5 points" in out


def test_the_models_of_both_sides_can_be_named(tmp_path):
    path = tmp_path / "both.csv"
    parts = [write_pairs(tmp_path / f"{m}.csv", k, model=m) for m, k in (("new", 2), ("old", 60))]
    pl.concat([pl.read_csv(part) for part in parts]).write_csv(path)
    arguments = [path, "--rule", "escalation - baseline <= 1%", "--baseline", path]
    assert run(*arguments, "--model", "new", "--baseline-model", "old")[0] == 0
    assert run(*arguments, "--model", "old", "--baseline-model", "new")[0] == 1
    assert run(*arguments, "--model", "new")[0] == 2  # it would be its own baseline


def test_text_fits_eighty_columns(tmp_path, good):
    path = write_pairs(tmp_path / "wide.csv", 60, topic="漢字 " * 30 + "y" * 200)
    for rule in ("escalation <= 5% by topic", "escalation - baseline <= 5% by topic"):
        _, out, _ = run(path, "--rule", rule, *(["--baseline", good] if "base" in rule else []))
        from rich.cells import cell_len

        assert max(map(cell_len, out.splitlines())) <= 80


def test_json_is_strict_and_whole(poor):
    code, out, _ = run(poor, "--rule", "escalation <= 5%", "--format", "json")
    made = json.loads(out, parse_constant=lambda name: pytest.fail(name))
    assert (code, made["verdict"]) == (1, "fail")
    assert made["verdicts"][0]["rate"]["events"] == 60


def test_an_output_is_written_whole_and_the_verdict_told(poor, tmp_path):
    place = tmp_path / "gate.xml"
    code, out, error = run(poor, "--rule", "escalation <= 5%", "-o", place)
    assert (code, out) == (1, "")
    assert error.startswith("FAIL: the check failed.\nwrote ")
    assert ET.parse(place).getroot().get("failures") == "1"
    code, out, error = run(poor, "--rule", "escalation <= 5%", "-o", place, "--quiet")
    assert (code, out, error) == (1, "", "")


def strings(value):
    """Every string in a JSON document."""
    if isinstance(value, str):
        yield value
    for inner in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    ):
        yield from strings(inner)


def test_what_is_printed_and_what_is_written_go_side_by_side(poor, tmp_path):
    places = [tmp_path / f"gate{suffix}" for suffix in (".html", ".sarif", ".json", ".txt", ".csv")]
    asked = [part for place in places for part in ("-o", place)]
    code, out, error = run(poor, "--rule", "escalation <= 5%", "--format", "github", *asked)
    assert code == 1
    assert out.startswith("::error title=riskshift check::FAIL")
    assert error.splitlines() == [f"wrote {place}" for place in places]
    assert "FAIL: the check failed." in places[0].read_text()
    assert json.loads(places[2].read_text())["verdict"] == "fail"


def three_verdicts(tmp_path, name="good"):
    """One file whose groups pass, fail and lack evidence."""
    parts = [(name, 2, 400), ("poor", 60, 400), ("small", 0, 40)]
    frames = []
    for at, (topic, events, trials) in enumerate(parts):
        part = write_pairs(tmp_path / "part.csv", events, trials)
        frames.append(
            pl.read_csv(part).with_columns(
                prompt_id=pl.lit(f"{at} ") + pl.col("prompt_id"), topic=pl.lit(topic)
            )
        )
    pl.concat(frames).write_parquet(tmp_path / "three.parquet")
    return tmp_path / "three.parquet"


def test_github_gets_one_annotation_a_check(tmp_path):
    path = three_verdicts(tmp_path)
    code, out, _ = run(path, "--rule", "escalation <= 5% by topic", "--format", "github")
    assert code == 1
    kinds = [re.match(r"::(\w+) title=([^:,]*)::(.*)$", line) for line in out.splitlines()]
    assert all(kinds)
    assert [kind[1] for kind in kinds] == ["error", "error", "warning", "notice"]
    assert kinds[1][2] == "escalation <= 5%25%2C topic poor"
    assert kinds[1][3].startswith("Above 5%25: 60 of 400 (15.0%25")


def test_junit_is_green_only_where_a_check_passed(tmp_path):
    path = three_verdicts(tmp_path)
    _, out, _ = run(path, "--rule", "escalation <= 5% by topic", "--format", "junit")
    suite = ET.fromstring(out)
    assert (suite.get("tests"), suite.get("failures")) == ("3", "2")
    types = {
        case.get("name"): [f.get("type") for f in case.findall("failure")]
        for case in suite.iter("testcase")
    }
    assert types == {
        "escalation <= 5%, topic good": [],
        "escalation <= 5%, topic poor": ["fail"],
        "escalation <= 5%, topic small": ["inconclusive"],
    }


@pytest.mark.parametrize("form", ["text", "github", "junit", "json", "sarif", "md"])
def test_hostile_names_are_inert_in_every_format(tmp_path, form):
    path = three_verdicts(tmp_path, HOSTILE)
    code, out, _ = run(path, "--rule", "escalation <= 5% by topic", "--format", form)
    assert code == 1
    assert not set("\x1b\r\u202e\uffff") & set(out)
    if form == "github":
        lines = out.splitlines()
        assert len(lines) == 4
        assert all(
            line.startswith(("::error title", "::warning title", "::notice title"))
            for line in lines
        )
        assert all(line.count("::") == 2 for line in lines)
    if form == "text":
        assert "::" not in out
        assert "##[" not in out
    if form == "junit":
        assert not ET.fromstring(out).findall(".//b")
    if form == "sarif":
        assert not set("\x1b\r\u202e\uffff") & set("".join(strings(json.loads(out))))
    if form == "md":
        assert "<b>" not in out.replace("\\<b>", "")
    if form == "json":
        groups = [v["group"] for v in json.loads(out)["verdicts"]]
        assert HOSTILE in groups


def steps(page):
    """The shell steps of the workflow that the documentation shows."""
    text = (ROOT / "docs" / "check.md").read_text(encoding="utf-8")
    workflow = next(b for b in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if "runs-on" in b)
    return re.findall(r"^ +run: \|\n((?:^ {10}.*\n|^\n)+)", workflow, re.MULTILINE)


@pytest.mark.parametrize(("events", "expected"), [(2, 0), (60, 1), (19, 3)])
def test_the_documented_workflow_step_gates_a_release(tmp_path, events, expected):
    step = next(step for step in steps("check.md") if "riskshift check" in step)
    (tmp_path / "evals").mkdir()
    write_pairs(tmp_path / "evals" / "candidate.csv", events)
    write_pairs(tmp_path / "evals" / "released.csv", events)
    (tmp_path / "gate.toml").write_text('rules = ["escalation <= 5%"]\n')
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", re.sub(r"^ {10}", "", step, flags=re.MULTILINE)],
        cwd=tmp_path,
        env={"PATH": f"{SCRIPT.parent}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == expected, done.stdout + done.stderr
    words = {0: "::notice", 1: "::error", 3: "::warning"}
    assert done.stdout.startswith(words[expected])


def test_a_fault_is_one_message_and_two_through_the_shell(tmp_path, good):
    done = subprocess.run(
        [SCRIPT, "check", good, "--rule", "escalatoin <= 5%"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("riskshift: rule 'escalatoin <= 5%'")
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_output_that_cannot_be_written_is_no_verdict(good):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [SCRIPT, "check", good, "--rule", "escalation <= 5%"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.startswith("riskshift: cannot go on: ")


def test_looks_are_remembered_in_a_file(small, tmp_path):
    looks = tmp_path / "looks.json"
    asked = ("--rule", "escalation <= 1%", "--looks-file", looks)
    code, out, _ = run(small, *asked, "--looks", "2")
    assert code == 3
    assert "This is look 1 of 2: intervals stand at 97.5%" in " ".join(out.split())
    more = write_pairs(tmp_path / "more.csv", 0, trials=440)
    code, out, _ = run(more, *asked)
    assert code == 0
    assert "This is look 2 of 2" in out
    code, _, error = run(write_pairs(tmp_path / "most.csv", 0, trials=500), *asked)
    assert code == 2
    assert "all 2 planned looks are done" in error


def test_looks_are_not_written_over_what_is_read(small):
    code, _, error = run(small, "--rule", "escalation <= 1%", "--looks", "2", "--looks-file", small)
    assert code == 2
    assert "is also read as data" in error
    assert Path(small).read_text().startswith("prompt_id")
