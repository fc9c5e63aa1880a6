"""The action for GitHub: its steps run here as a runner would run them, without what needs a network."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest
import yaml

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
WORKFLOW = yaml.safe_load((ROOT / "examples" / "release-gate.yml").read_text(encoding="utf-8"))
HARMS = ("hate", "self_harm", "sexual", "violence")


def write_pairs(path, events, trials=400):
    """Answers to harmless prompts, the first `events` of them harmful."""
    columns = {"prompt_id": [f"p{i}" for i in range(trials)]}
    for name in HARMS:
        columns |= {f"prompt_{name}": [0] * trials, f"response_{name}": [0] * trials}
    columns["response_hate"] = [1] * events + [0] * (trials - events)
    path.parent.mkdir(exist_ok=True)
    pl.DataFrame(columns).write_csv(path)


@dataclass
class Runner:
    """Runs the steps of a composite action that are commands, one after another."""

    folder: Path
    inputs: dict
    outputs: dict = field(default_factory=dict)
    printed: str = ""
    summary: str = ""
    code: int = 0

    def said(self, text):
        """Put inputs and outputs where an expression stands; anything else is a fault of the test."""

        def value(found):
            expression = found[1].strip()
            kind, _, name = expression.partition(".")
            if kind == "inputs":
                return self.inputs[name]
            if kind == "steps":
                step, _, output = name.partition(".outputs.")
                return self.outputs.get(step, {}).get(output, "")
            raise AssertionError(f"unknown expression {expression}")

        return re.sub(r"\$\{\{(.*?)\}\}", value, text)

    def run(self, step):
        out, summary = self.folder / "output.txt", self.folder / "summary.md"
        out.write_text("")
        summary.touch()
        environment = {
            "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin",
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "GITHUB_OUTPUT": str(out),
            "GITHUB_STEP_SUMMARY": str(summary),
            **{name: self.said(text) for name, text in step.get("env", {}).items()},
        }
        script = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        done = subprocess.run(
            script, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        self.printed += done.stdout + done.stderr
        self.summary, self.code = summary.read_text(), done.returncode
        if "id" in step:
            self.outputs[step["id"]] = dict(line.split("=", 1) for line in out.read_text().split())


@pytest.fixture
def act(tmp_path):
    """Run the action with some inputs; the others have their defaults."""
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "riskshift"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m riskshift "$@"\n')
    command.chmod(0o755)
    (tmp_path / "bin" / "python").symlink_to(sys.executable)

    def run(**given):
        defaults = {name: one.get("default", "") for name, one in ACTION["inputs"].items()}
        assert set(given) <= set(defaults)
        runner = Runner(tmp_path, defaults | given)
        for step in ACTION["runs"]["steps"]:
            if "run" in step and "pip install" not in step["run"]:
                runner.run(step)
                if runner.code:
                    break
        return runner

    return run


@pytest.mark.parametrize(
    ("events", "trials", "code", "verdict", "counts"),
    [
        (2, 400, 0, "pass", ("2", "0", "0")),
        (60, 400, 1, "fail", ("0", "2", "0")),
        (0, 40, 3, "inconclusive", ("0", "0", "2")),
    ],
)
def test_the_job_ends_as_the_gate_does(act, tmp_path, events, trials, code, verdict, counts):
    write_pairs(tmp_path / "evals" / "my pairs.csv", events, trials)
    done = act(data="evals/my pairs.csv", rule="escalation <= 5%\nresponse_harm <= 5%\n")
    told = done.outputs["check"]
    assert (done.code, told["verdict"]) == (code, verdict), done.printed
    assert (told["passed"], told["failed"], told["inconclusive"]) == counts
    assert "::notice" in done.printed or "::error" in done.printed or "::warning" in done.printed
    assert done.summary.startswith("# Release gate")
    kept = {path.name for path in (tmp_path / "riskshift-gate").iterdir()}
    assert kept == {"gate.html", "gate.md", "gate.json", "gate.sarif", "gate.intoto.json"}


def test_an_open_gate_lets_a_job_go_on_only_where_that_was_asked(act, tmp_path):
    write_pairs(tmp_path / "evals" / "few.csv", 0, 40)
    (tmp_path / "gate.toml").write_text('rules = ["escalation <= 1%"]\n')
    asked = WORKFLOW["jobs"]["gate"]["steps"][1]["with"] | {"data": "evals/few.csv"}
    done = act(**asked)
    assert done.code == 0
    assert done.outputs["check"]["verdict"] == "inconclusive"


def test_bad_usage_stops_the_job_and_has_no_verdict(act, tmp_path):
    write_pairs(tmp_path / "evals" / "pairs.csv", 0)
    done = act(data="evals/pairs.csv", rule="escalatoin <= 5%")
    assert done.code == 2
    assert "verdict" not in done.outputs["check"]
    assert "did you mean 'escalation'" in done.printed


def test_inputs_are_arguments_and_never_a_script(act, tmp_path):
    write_pairs(tmp_path / "evals" / "pairs.csv", 2)
    hostile = '"; touch pwned; echo "$(touch pwned)'
    done = act(data="evals/pairs.csv", rule="escalation <= 5%", options=f"--model\n{hostile}")
    assert done.code == 2
    assert not (tmp_path / "pwned").exists()
    scripts = [step["run"] for step in ACTION["runs"]["steps"] if "run" in step]
    assert not any("${{" in script for script in scripts)


def test_a_baseline_goes_through_the_options(act, tmp_path):
    write_pairs(tmp_path / "new.csv", 2)
    write_pairs(tmp_path / "old.csv", 2)
    rule = "escalation - baseline <= 3%"
    done = act(data="new.csv", rule=rule, options="--baseline\nold.csv")
    assert done.outputs["check"]["verdict"] == "pass", done.printed
    held = json.loads((tmp_path / "riskshift-gate" / "gate.intoto.json").read_text())
    assert [one["name"] for one in held["subject"]] == ["new.csv", "old.csv"]


def test_the_example_asks_for_nothing_that_the_action_does_not_have():
    used = WORKFLOW["jobs"]["gate"]["steps"][1]
    assert set(used["with"]) <= set(ACTION["inputs"])
    said = json.dumps(WORKFLOW)
    asked = set(re.findall(r"steps\.gate\.outputs\.([\w-]+)", said))
    assert asked <= set(ACTION["outputs"])
    assert WORKFLOW["permissions"] == {"contents": "read"}


def test_the_commands_of_the_example_run(tmp_path):
    step = WORKFLOW["jobs"]["gate"]["steps"][2]
    done = subprocess.run(
        ["bash", "-e", "-c", step["run"]],
        env={"PATH": "/usr/bin:/bin", "OPEN": "2"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "::warning title=release gate::2 checks lack evidence; this is no pass.\n"
