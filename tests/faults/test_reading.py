"""Inputs on which reading once failed: each folder beside the project has the right value in its README."""

import csv
import gzip
import json
import os
import shutil
from pathlib import Path

import polars as pl
import pytest

import riskshift
from riskshift.errors import DataError, FileError, LabelError, UsageError
from riskshift.reading import layout
from riskshift.taxonomy import Taxonomy

FAULTS = Path(__file__).parents[3] / "shared" / "faults"
HARM = Taxonomy(["harm"], ["Safe", "Harmful"])
QUICK = {"taxonomy": HARM, "resamples": 20, "permutations": 20}


@pytest.fixture
def faults(tmp_path, monkeypatch):
    """A copy of the folder, in which things may be written."""
    if not FAULTS.is_dir():
        if os.environ.get("RISKSHIFT_NO_SKIPS") == "1":
            pytest.fail("../shared/faults is not there, and RISKSHIFT_NO_SKIPS=1 forbids skipping")
        pytest.skip("../shared/faults is not beside the project")

    def enter(name):
        shutil.copytree(FAULTS / name, tmp_path / "here", copy_function=shutil.copyfile)
        monkeypatch.chdir(tmp_path / "here")
        return tmp_path / "here"

    return enter


def counted(data, metric="escalation", **options):
    """Return events and trials of a rate."""
    rate = riskshift.analyze(data, **QUICK, **options).rate(metric)
    return rate.events, rate.trials


def test_a_folder_is_no_column(faults):
    faults("robust/hive")
    kinds = {"taxonomy": Taxonomy.from_toml("t.toml")}
    for folder in ("plain", "response_harm=0"):
        assert riskshift.check(f"{folder}/p.csv", "response_harm <= 5%", **kinds).verdict == "fail"


def test_the_file_that_is_named_is_read_and_no_other(faults, monkeypatch):
    here = faults("robust/other_file")
    monkeypatch.setenv("HOME", str(here / "home"))
    other = Path(f"file:{here}/home")
    other.mkdir(parents=True)
    shutil.copyfile("~/x.csv", other / "x.csv")
    shutil.copyfile("~/x.csv", "~y.csv")
    kinds = {"taxonomy": Taxonomy.from_toml("t.toml")}
    for path in ("./~/x.csv", "~/x.csv", f"file:{here}/home/x.csv", "~y.csv"):
        report = riskshift.check(path, "response_harm <= 5%", **kinds)
        assert report.verdict == "fail"
        assert report.results[0].events == report.results[0].trials == 200


@pytest.mark.parametrize("name", ["dot", "star", "paren", "quote", "own"])
def test_a_group_may_be_called_anything(faults, name):
    faults("robust/names")
    with Path(f"{name}.csv").open(newline="") as file:
        column = next(csv.reader(file))[3]
    kinds = {"taxonomy": Taxonomy.from_toml("t.toml"), "resamples": 20, "permutations": 20}
    result = riskshift.analyze(f"{name}.csv", by=column, **kinds)
    groups = result.groups[column].values()
    assert len(groups) > 1
    trials = [group.overall["escalation"].trials for group in groups]
    assert sum(trials) == result.rate("escalation").trials


def test_labels_may_be_called_anything(faults):
    faults("dotted-columns")
    named = {
        "prompt_id": "id",
        "prompt": "inputs.query",
        "response": "inputs.response",
        "prompt_harm": "outputs.query_check.harm",
        "response_harm": "outputs.answer_check.harm",
    }
    assert counted("eval.csv", columns=named) == (1, 3)
    assert counted(pl.read_csv("eval.csv"), columns=named) == (1, 3)


def test_ids_are_trimmed_as_models_are(faults):
    faults("ids-with-spaces")
    compared = riskshift.compare("pairs.csv", taxonomy=HARM, metrics=["response_harm"])
    assert compared.coverage.shared == 2
    assert set(compared.models) == {"new", "old"}


@pytest.mark.parametrize(
    "name", ["pandas_index.csv", "trailing_comma.csv", "same_note_twice.csv", "excel_sep_line.csv"]
)
def test_columns_that_play_no_role_need_no_name(faults, name):
    faults("irrelevant-columns-refused")
    assert counted(name) == counted(name, skip_bad=True) == (1, 2)


@pytest.mark.parametrize("name", ["azure_style.json", "pandas_to_json_default.json"])
def test_records_may_be_wrapped(faults, name):
    faults("nested-and-wrapped")
    assert counted(name) == (1, 2)


def test_mixed_line_ends_get_one_advice(faults):
    faults("mixed-line-ends-advice")
    with pytest.raises(FileError) as caught:
        counted("mixed.csv")
    assert str(caught.value).endswith("Use one kind of line end; --skip-bad reads it as it is.")
    assert counted("mixed.csv", skip_bad=True) == (1, 2)


@pytest.mark.parametrize(
    ("name", "mark"),
    [("1", "-1"), ("ERROR", "ERROR"), ("NA", "<NA>"), ("None", "None"), ("slash", "N/A")],
)
def test_marks_for_missing_can_be_declared(faults, name, mark):
    faults("marks-for-missing")
    path = f"mark_{name}.csv"
    with pytest.raises(LabelError, match=f"If '{mark}' stands for no label.*declare it: --missing"):
        counted(path)
    assert counted(path, "prompt_prevalence", missing=mark) == (3, 3)
    assert counted(path, "response_harm", missing=mark) == (1, 2)


def test_a_label_is_no_mark_for_missing():
    frame = pl.DataFrame({"prompt_harm": [0], "response_harm": [1]})
    with pytest.raises(UsageError, match="missing '1' is a label: Harmful"):
        counted(frame, missing="1")


def test_what_nobody_uses_makes_no_row_malformed(faults):
    faults("robust/skip_bad")
    kinds = {"taxonomy": Taxonomy.from_toml("t.toml"), "resamples": 20, "permutations": 20}
    plain, skipped = (riskshift.analyze("p.jsonl", skip_bad=s, **kinds) for s in (False, True))
    assert plain.provenance.left_out == skipped.provenance.left_out == {}
    assert plain.provenance.data_hash == skipped.provenance.data_hash


@pytest.mark.parametrize("packed", [bytes, None])
def test_a_last_line_that_is_too_long_is_refused(tmp_path, monkeypatch, packed):
    # As in robust/gib_line, which needs a gibibyte.
    monkeypatch.setattr(layout, "MAX_LINE", 1 << 17)
    monkeypatch.setattr(layout, "_MOST_PACKED", 1 << 10)
    path = tmp_path / "x.csv"
    text = b"prompt_id,prompt_harm,response_harm\na,0,1\nc,0,0\n" + b"0" * (1 << 18)
    path.write_bytes(text if packed else gzip.compress(text))
    file = layout.recognize(path, format="csv", name="x.csv")
    assert layout.ends_too_long(file)
    path.write_bytes(text + b"\n1,0,0\n" if packed else gzip.compress(text + b"\n1,0,0"))
    file = layout.recognize(path, format="csv", name="x.csv")
    assert not layout.ends_too_long(file)


def test_any_number_of_cases_may_be_asked_for(faults):
    faults("robust/options")
    result = riskshift.analyze(
        "p2.csv", taxonomy=Taxonomy.from_toml("t.toml"), cases=10**23, resamples=20, permutations=20
    )
    assert len(result.cases) <= result.provenance.read


@pytest.mark.parametrize("size", ["-1", "100%", "", "2 bananas"])
def test_a_limit_of_memory_is_a_size(tmp_path, size):
    (tmp_path / "a.csv").write_text("prompt_harm,response_harm\n0,1\n")
    with pytest.raises(UsageError, match="is not a size; write it like 2GB"):
        counted(tmp_path / "a.csv", memory_limit=size)


def test_closed_standard_input_is_said(monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(FileError, match=r"standard input is closed"):
        counted("-", format="csv")
    with pytest.raises(UsageError, match=r"standard input .* is named twice"):
        counted(["-", "-"], format="csv")


def test_a_model_is_called_like_its_file_to_the_last_dot(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("gpt-4.csv", "gpt-4.1.csv"):
        Path(name).write_text("prompt_id,prompt_harm,response_harm\na,0,1\nb,1,1\n")
    compared = riskshift.compare(["gpt-4.csv", "gpt-4.1.csv"], taxonomy=HARM, resamples=20)
    assert set(compared.models) == {"gpt-4", "gpt-4.1"}


def test_ids_are_text_and_never_numbers(tmp_path):
    big = 2**53
    ids = [big, big + 1]
    columns = {"prompt_harm": [1, 1], "response_harm": [0, 1]}
    pl.DataFrame({"prompt_id": ids, **columns}).write_parquet(tmp_path / "a.parquet")
    half = pl.DataFrame({"prompt_id": [0.5], "prompt_harm": [0], "response_harm": [0]})
    half.write_parquet(tmp_path / "b.parquet")
    result = riskshift.analyze([tmp_path / "a.parquet", tmp_path / "b.parquet"], **QUICK)
    assert result.provenance.units == 3
    two = {"old": {"prompt_id": ids}, "new": {"prompt_id": [str(i) for i in ids]}}
    frames = {name: pl.DataFrame(given | columns) for name, given in two.items()}
    compared = riskshift.compare(frames, taxonomy=HARM, resamples=20)
    assert compared.coverage.shared == 2


def test_a_file_that_changes_meanwhile_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("prompt_harm,response_harm\n0,1\n")
    records = riskshift.read(path, taxonomy=HARM)
    path.write_text("prompt_harm,response_harm\n0,1\n0,1\n")
    with pytest.raises(DataError, match="changed while it was read"):
        riskshift.analyze(records, resamples=20, permutations=20)


def test_what_stands_between_values_may_stand_in_them():
    pairs = {"prompt_id": ["a", "a\x1fb", "a\x1e1b"], "model": ["b\x1fc", "c", "c"]}
    graded = pl.DataFrame(pairs | {"prompt_harm": [1, 1, 0], "response_harm": [0, 1, 0]})
    drawn = riskshift.sample(graded, n=3, taxonomy=HARM)
    assert {row[:2] for row in drawn.rows} == set(zip(*pairs.values(), strict=True))
    names = ["m\x1fn", "m"]
    rows = [(prompt, name, group) for prompt, group in ("px", "qy", "rz") for name in names]
    asked = pl.DataFrame(rows, ["prompt_id", "model", "group"], orient="row").with_columns(
        pl.col("group").replace("y", "n\x1fy"), prompt_harm=pl.lit(1), response_harm=pl.lit(1)
    )
    compared = riskshift.compare(asked, by="group", taxonomy=HARM, resamples=20)
    assert set(compared.models) == set(names)
    told = json.dumps(compared.interaction.to_dict())
    assert all(json.dumps(group) in told for group in ("x", "n\x1fy", "z"))
