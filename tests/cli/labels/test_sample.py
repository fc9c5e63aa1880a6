"""riskshift sample and riskshift label-studio, as a person at a terminal meets them."""

import csv
import json
import sys

import pytest

from riskshift.cli import main

TOML = 'categories = ["harm"]\nlevels = ["Safe", "Harmful"]\n'


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Run ``riskshift`` with some arguments beside graded.csv; returns exit code, output, messages."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.toml").write_text(TOML)
    with (tmp_path / "graded.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["prompt_id", "model", "prompt", "response", "prompt_harm", "response_harm"]
        )
        writer.writerows(
            [f"p{i}", "m", f"Question {i}", f"Answer {i}", i % 2, int(i < 20)] for i in range(100)
        )

    def runner(*arguments):
        monkeypatch.setattr(sys, "argv", ["riskshift", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return runner


def sample(run, *arguments):
    return run("sample", "graded.csv", "--taxonomy", "t.toml", *arguments)


def test_drawing_says_how_the_sample_must_be_used(run, tmp_path):
    code, out, err = sample(run, "--n", 30, "--stratify", "response_harm", "-o", "drawn.csv")
    assert (code, err) == (0, "wrote drawn.csv\n")
    assert out.startswith("30 of 100 graded pairs of graded.csv, drawn at random within response")
    assert "Label all of it" in out
    assert "Do not swap" in out
    assert "hide them from the people who label" in out
    with (tmp_path / "drawn.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 30
    assert {row["response_harm"] for row in rows} == {""}


def test_the_command_draws_what_the_function_draws(run, tmp_path):
    import riskshift

    sample(run, "--n", 10, "--seed", 7, "--allocation", "proportional", "--stratify", "escalation",
           "-o", "drawn.jsonl")  # fmt: skip
    lines = (tmp_path / "drawn.jsonl").read_text().splitlines()
    drawn = riskshift.sample(
        tmp_path / "graded.csv",
        n=10,
        seed=7,
        allocation="proportional",
        stratify="escalation",
        taxonomy=riskshift.Taxonomy.from_toml(tmp_path / "t.toml"),
    )
    assert [tuple(json.loads(line).values()) for line in lines] == list(drawn.rows)


def test_a_width_says_how_many_and_draws_nothing(run, tmp_path):
    code, out, err = sample(run, "--width", 0.3, "--metric", "escalation")
    assert (code, err) == (0, "")
    assert "To know escalation within" in out
    assert "This is rough" in out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["graded.csv", "t.toml"]


def test_quiet_says_what_was_drawn_only(run):
    code, out, err = sample(run, "--n", 5, "-o", "drawn.parquet", "-q")
    assert (code, err) == (0, "")
    assert out.startswith("5 of 100")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give --n N and -o FILE"),
        (["--n", 5], "give --n N and -o FILE"),
        (["-o", "drawn.csv"], "give --n N and -o FILE"),
        (["--n", 101, "-o", "drawn.csv"], "Draw 100 at most"),
        (["--n", 0, "-o", "drawn.csv"], "draw at least 1"),
        (["--n", 5, "-o", "drawn.txt"], "unknown suffix '.txt'"),
        (["--n", 5, "-o", "none/drawn.csv"], "none is not a folder"),
        (["--n", 5, "-o", "graded.csv"], "exists already"),
        (["--n", 5, "-o", "drawn.csv", "--stratify", "harm"], "metric 'harm' is unknown"),
        (["--n", 5, "-o", "drawn.csv", "--allocation", "proportional"], "needs --stratify"),
        (["--width", 2], "width"),
    ],
)
def test_what_cannot_be_honoured_is_one_message(run, tmp_path, arguments, message):
    before = (tmp_path / "graded.csv").read_bytes()
    code, out, err = sample(run, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("riskshift: ")
    assert message in err
    assert "Traceback" not in err
    assert (tmp_path / "graded.csv").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["graded.csv", "t.toml"]


def test_to_label_studio_and_back(run, tmp_path):
    sample(run, "--n", 20, "--stratify", "response_harm", "-o", "drawn.jsonl")
    code, out, err = run(
        "label-studio", "export", "drawn.jsonl", "-o", "out", "--taxonomy", "t.toml"
    )
    assert (code, err) == (0, "wrote out/config.xml\nwrote out/tasks.json\n")
    assert out.startswith("20 tasks.")
    tasks = json.loads((tmp_path / "out" / "tasks.json").read_text())
    for task in tasks:
        result = [
            {"from_name": f"{side}_harm", "type": "choices", "value": {"choices": ["Safe"]}}
            for side in ("prompt", "response")
        ]
        task["annotations"] = [{"completed_by": 3, "result": result}]
    (tmp_path / "made.json").write_text(json.dumps(tasks))
    code, out, err = run(
        "label-studio", "import", "made.json", "-o", "people.csv", "--taxonomy", "t.toml"
    )
    assert (code, err) == (0, "wrote people.csv\n")
    assert out.startswith("20 annotations by 3 (20).")
    code, _, err = run(
        "analyze", "graded.csv", "--people", "people.csv", "--taxonomy", "t.toml", "-o", "r.json"
    )
    assert code == 0, err
    corrected = json.loads((tmp_path / "r.json").read_text())["corrected"]
    assert (corrected["labelled"], corrected["stratified_by"]) == (20, "response_harm")


def test_faults_of_label_studio_files_are_one_message(run, tmp_path):
    (tmp_path / "made.json").write_text("[]")
    code, out, err = run("label-studio", "import", "made.json", "-o", "people.csv")
    assert (code, out) == (2, "")
    assert err == "riskshift: made.json holds no labels: no tasks.\n"
