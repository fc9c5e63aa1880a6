"""A file that changes while it is read is refused, whenever and however it changes."""

import os
from pathlib import Path

import polars as pl
import pytest

import riskshift
from riskshift.errors import FileError
from riskshift.jobs import analyze as job
from riskshift.jobs import opening

HARM = riskshift.Taxonomy(["harm"])
QUICK = {"taxonomy": HARM, "resamples": 20, "permutations": 20}
ROWS = 4_000
CHANGED = r"^a\.\w+ changed while it was read, so what was counted may be of two states of it"


def rows(start=0):
    return pl.DataFrame(
        {
            "prompt_id": [f"p{(start + i) // 2:06d}" for i in range(ROWS)],
            "model": [f"m{i % 2}" for i in range(ROWS)],
            "prompt_harm": [i // 2 % 4 for i in range(ROWS)],
            "response_harm": [i * 7 % 5 % 4 for i in range(ROWS)],
        }
    )


def write(frame, path):
    if path.suffix == ".parquet":
        frame.write_parquet(path, row_group_size=500)
    elif path.suffix == ".csv":
        frame.write_csv(path)
    else:
        frame.write_ndjson(path)


def truncated(path):
    os.truncate(path, path.stat().st_size // 2)


def emptied(path):
    os.truncate(path, 0)


def replaced(path):
    """As programs write that write beside first."""
    beside = path.with_stem("beside")
    write(rows(start=1_000_000), beside)
    beside.replace(path)


def written_over(path):
    """As programs write that do not."""
    content = path.read_bytes()
    path.write_bytes(content[len(content) // 3 :] + content[: len(content) // 3])


def gone(path):
    path.unlink()


WAYS = [truncated, emptied, replaced, written_over]


@pytest.fixture(params=["a.parquet", "a.csv", "a.jsonl"])
def place(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(rows(), Path(request.param))
    return Path(request.param)


def just_before(monkeypatch, owner, step, change):
    """Change the file right before a step of the job begins."""
    right = getattr(owner, step)

    def changed(*args, **kwargs):
        change()
        return right(*args, **kwargs)

    monkeypatch.setattr(owner, step, changed)


MOMENTS = {
    "before the rows are bound": (opening, "open_data"),
    "before they are counted": (job, "collapse"),
    "before the cases are fetched": (job, "cases_to_read"),
    "before it is said where numbers come from": (job, "provenance"),
}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("moment", MOMENTS)
def test_whatever_becomes_of_it_meanwhile_is_told(place, monkeypatch, way, moment):
    Path("cases.csv").write_text("old")
    just_before(monkeypatch, *MOMENTS[moment], lambda: way(place))
    with pytest.raises(FileError, match=CHANGED):
        riskshift.analyze(place, cases_out="cases.csv", **QUICK)
    assert Path("cases.csv").read_text() == "old"


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_file_that_is_gone_meanwhile_cannot_be_read(place, monkeypatch, moment):
    just_before(monkeypatch, *MOMENTS[moment], lambda: gone(place))
    with pytest.raises(FileError, match=rf"^{place} (cannot be read|is not found)"):
        riskshift.analyze(place, **QUICK)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("after", [1, 3, 6])
def test_a_change_between_two_questions_of_one_pass_is_told(place, monkeypatch, way, after):
    from riskshift.engines import engine

    asked = []
    right = engine.fetch

    def fetch(frame):
        asked.append(frame)
        if len(asked) == after:
            way(place)
        return right(frame)

    monkeypatch.setattr(engine, "fetch", fetch)
    with pytest.raises(FileError, match=CHANGED):
        riskshift.analyze(place, **QUICK)
    assert len(asked) >= after


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_of_several_files_the_one_that_changed_is_named(tmp_path, monkeypatch, way):
    monkeypatch.chdir(tmp_path)
    write(rows(), Path("first.parquet"))
    write(rows(start=ROWS), Path("a.parquet"))
    write(rows(start=2 * ROWS), Path("last.csv"))
    just_before(monkeypatch, job, "cases_to_read", lambda: way(Path("a.parquet")))
    with pytest.raises(FileError, match=CHANGED):
        riskshift.analyze(["first.parquet", "a.parquet", "last.csv"], **QUICK)


@pytest.mark.parametrize("way", [truncated, replaced], ids=lambda way: way.__name__)
def test_files_of_models_that_change_are_told_when_they_are_compared(tmp_path, monkeypatch, way):
    monkeypatch.chdir(tmp_path)
    for at, name in enumerate(("a.parquet", "b.parquet")):
        write(rows().filter(pl.col("model") == f"m{at}").drop("model"), Path(name))
    from riskshift.jobs import compare

    just_before(monkeypatch, compare, "failures", lambda: way(Path("a.parquet")))
    with pytest.raises(FileError, match=CHANGED):
        riskshift.compare(["a.parquet", "b.parquet"], taxonomy=HARM, resamples=20)
