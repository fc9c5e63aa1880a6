"""What is read is never written over."""

import os
from pathlib import Path

import pytest

from riskshift.errors import OutputError
from riskshift.outputs.overwriting import refuse_overwriting
from riskshift.reading.paths import find_files

CSV = "prompt_harm,response_harm\n0,1\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.csv", "b.csv", "data/a.csv", "data/deep/a.csv", "data/_kept/a.csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(CSV)
    return tmp_path


def refused(output, data):
    try:
        refuse_overwriting({"-o": output}, {"data": data})
    except OutputError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    "spelled",
    ["a.csv", "./a.csv", Path("a.csv"), "data/../a.csv", os.path.abspath("/") + "{}/a.csv"],
)
def test_a_file_that_is_read_is_no_output_however_it_is_spelled(spelled, folder):
    path = spelled.format(str(folder).lstrip("/")) if isinstance(spelled, str) else spelled
    told = refused("a.csv", ["b.csv", path])
    assert told.startswith("-o a.csv is also read as data")
    assert told.endswith(": name another file.")
    assert (f"({path})" in told) == (str(path) != "a.csv")


def test_links_are_what_they_lead_to(folder):
    (folder / "soft.csv").symlink_to("a.csv")
    (folder / "hard.csv").hardlink_to(folder / "a.csv")
    (folder / "dir").symlink_to("data")
    assert refused("soft.csv", "a.csv") == "-o soft.csv is also read as data (a.csv): name another file."  # fmt: skip
    assert refused("a.csv", "soft.csv")
    assert refused("hard.csv", "a.csv")
    assert refused("dir/a.csv", "data/a.csv")
    assert refused("dir/new.csv", "data")
    assert refused("data/new.csv", "dir")
    assert refused("data/new.csv", "d*r/*.csv")


@pytest.mark.parametrize(
    ("output", "data"),
    [
        ("data/new.csv", "data"), ("data/deep/new.json", "data"), ("data/a.csv", "data"),
        ("data/new.csv.gz", "data"), ("new.csv", "."), ("new.csv", "*.csv"), ("new.csv", "./n*"),
        ("data/new.csv", "data/*.csv"), ("data/new.csv", "*/*.csv"), ("data/new.csv", "**/*.csv"),
        ("new.csv", "**/*.csv"), ("data/deep/new.csv", "data/**"), ("a.csv", "[ab].csv"),
    ],
)  # fmt: skip
def test_what_would_be_read_the_next_time_is_no_output(output, data, folder):
    told = refused(output, [data])
    assert told.startswith(f"-o {output} ")
    assert data in told
    # The reader of files is the judge of what is read.
    (folder / output).write_text(CSV)
    assert folder / output in {file.path.resolve() for file in find_files([data], format="csv")}


@pytest.mark.parametrize(
    ("output", "data"),
    [
        ("data/new.html", "data"), ("data/.new.csv", "data"), ("data/_new.csv", "data"),
        ("data/_kept/new.csv", "data"), ("new.csv", "data"), ("data/new.csv", "*.csv"),
        (".new.csv", "*.csv"), ("new.csv", "*/*.csv"), ("new.json", "*.csv"), ("c.csv", "[ab].csv"),
        ("data/deep/new.csv", "data/*"), ("new.csv", "-"), ("-", "-"), ("new.csv", "\0"),
        ("new.csv", "x" * 5000), ("new.csv", None), ("new.csv", {"a": "new.csv"}), (None, "a.csv"),
    ],
)  # fmt: skip
def test_what_is_not_read_may_be_written(output, data):
    assert refused(output, data) is None


def test_a_file_with_the_marks_of_a_glob_in_its_name_is_a_file(folder):
    (folder / "[ab].csv").write_text(CSV)
    assert refused("a.csv", "[ab].csv") is None
    assert "is also read as data" in refused("[ab].csv", "[ab].csv")


def test_two_results_never_go_to_one_file():
    for outputs, said in (
        ({"-o": ["new.csv", Path("./new.csv")]}, "-o new.csv is given twice: name another file."),
        (
            {"-o": ["x.json", "new.csv"], "--write-resolved": Path("new.csv")},
            "--write-resolved new.csv is also written as -o: name another file.",
        ),
    ):
        with pytest.raises(OutputError) as caught:
            refuse_overwriting(outputs, {"data": ["a.csv"]})
        assert str(caught.value) == said
    refuse_overwriting({"-o": ["x.csv", "y.csv"], "--write-resolved": "z.csv"}, {"data": "a.csv"})
