"""No command writes over what it reads, or two results into one file."""

import json
import sys

import pytest

from riskshift.cli import main

PAIRS = "prompt_id,model,prompt,response,prompt_harm,response_harm\n" + "".join(
    f"p{i},{model},q{i},a{i},{i % 2},{i % 3 % 2}\n" for i in range(12) for model in "mn"
)
RATED = "prompt_id,annotator,response_harm\n" + "".join(
    f"p{i},{who},{(i + at) % 2}\n" for i in range(6) for at, who in enumerate(("ann", "bob"))
)
TASKS = [
    {
        "id": 1,
        "data": {"prompt_id": "p1"},
        "annotations": [
            {
                "completed_by": 1,
                "result": [
                    {
                        "type": "choices",
                        "from_name": "response_harm",
                        "value": {"choices": ["Safe"]},
                    }
                ],
            }
        ],
    }
]
FILES = {
    "g.csv": PAIRS,
    "k.csv": PAIRS,
    "b.csv": PAIRS,
    "w.csv": RATED,
    "d/a.csv": PAIRS,
    "t.json": 'categories = ["harm"]\nlevels = ["Safe", "Harmful"]\n',
    "r.json": 'rules = ["escalation <= 90% by model"]\n',
    "ann.jsonl": json.dumps(TASKS),
    "project/tasks.json": '[{"prompt_id": "p1", "prompt": "q", "response": "a"}]',
}
CLASHES = [
    ("analyze g.csv -o g.csv", "data"),
    ("analyze g.csv --people k.csv -o k.csv", "--people"),
    ("analyze g.csv -o t.json", "--taxonomy"),
    ("analyze d -o d/results.json", "data"),
    ("analyze g*.csv -o g2.csv", "data"),
    ("analyze g.csv -o a.html -o a.html", "given twice"),
    ("compare g.csv -o g.csv", "data"),
    ("compare g.csv --people k.csv -o k.csv", "--people"),
    ("compare g.csv --standardize b.csv -o b.csv", "--standardize"),
    ("compare g.csv -o t.json", "--taxonomy"),
    ("check g.csv --rules r.json -o g.csv", "data"),
    ("check g.csv --rules r.json -o r.json", "--rules"),
    ("check g.csv --rules r.json --people k.csv -o k.csv", "--people"),
    ("check g.csv --rules r.json --baseline b.csv -o b.csv", "--baseline"),
    (
        "check g.csv --rules r.json --baseline d --people k.csv --baseline-people b.csv -o b.csv",
        "--baseline-people",
    ),
    ("agree w.csv -o w.csv", "data"),
    ("agree w.csv --write-resolved w.csv", "data"),
    ("agree w.csv --write-resolved same.csv -o same.csv", "-o"),
    ("agree w.csv -o t.json", "--taxonomy"),
    ("grader --grader g.csv --people k.csv -o g.csv", "--grader"),
    ("grader --grader g.csv --people k.csv -o k.csv", "--people"),
    ("plan --like g.csv -o g.csv", "--like"),
    ("plan --width 0.1 --rate 0.1 -o t.json", "--taxonomy"),
    ("sample g*.csv --n 2 -o g2.csv", "data"),
    ("sample d --n 2 -o d/drawn.csv", "data"),
    ("label-studio import ann.jsonl -o ann.jsonl", "annotations"),
    ("label-studio export project -o project", "data"),
    ("label-studio export project/tasks.json -o project", "data"),
]


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a command beside the files; returns exit code and messages."""
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    def runner(command):
        arguments = [*command.split(), "--taxonomy", "t.json"]
        monkeypatch.setattr(sys, "argv", ["riskshift", *arguments])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        return code, capsys.readouterr().err

    return runner


def held(folder):
    return {
        str(p.relative_to(folder)): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()
    }


@pytest.mark.parametrize(("command", "other"), CLASHES, ids=[command for command, _ in CLASHES])
def test_an_output_is_no_input_and_no_other_output(run, tmp_path, command, other):
    code, err = run(command)
    assert (code, err.count("\n")) == (2, 1)
    assert other in err
    assert err.startswith(("riskshift: -o ", "riskshift: --write-resolved "))
    assert held(tmp_path) == FILES


def test_a_link_to_people_s_labels_is_people_s_labels(run, tmp_path):
    (tmp_path / "link.csv").symlink_to("k.csv")
    code, err = run("analyze g.csv --people k.csv -o link.csv")
    assert (code, err) == (
        2,
        "riskshift: -o link.csv is also read as --people (k.csv): name another file.\n",
    )


@pytest.mark.parametrize(
    ("command", "written"),
    [
        ("analyze d -o d/report.html", "d/report.html"),
        ("check g.csv --rules r.json -o out.json", "out.json"),
        ("compare g.csv --standardize pooled -o pooled/out.json", "pooled/out.json"),
        ("agree w.csv --write-resolved out.csv -o out.json", "out.csv"),
        ("label-studio import ann.jsonl -o ann.csv", "ann.csv"),
    ],
)
def test_what_is_not_read_is_written(run, tmp_path, command, written):
    (tmp_path / "pooled").mkdir()
    code, _ = run(command)
    assert code == 0
    assert (tmp_path / written).stat().st_size
