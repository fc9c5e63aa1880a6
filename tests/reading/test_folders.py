"""Laws: what lies in a named folder is read, or said, or an error; nothing is left out unseen."""

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import riskshift
from riskshift.errors import FileError, UsageError
from riskshift.reading import duckdb_options
from riskshift.reading.duckdb_options import NO_LIMITS
from riskshift.reading.layout import recognize
from riskshift.reading.paths import data_files, find_files, told_passed
from riskshift.taxonomy import Taxonomy

HARM = Taxonomy(["harm"], ["Safe", "Harmful"])
ROW = "0,1\n"
HEAD = "prompt_harm,response_harm\n"
FOLDERS = ["", "a", "a/b", "response_harm=0", "~", "[x]", "_hidden", "file:"]
FILES = [
    "x.csv",
    "y.csv",
    "*.csv",
    "z?.csv",
    "note.md",
    ".h.csv",
    "{w}.csv",
    "v.1.csv",
    "$HOME.csv",
]
KINDS = ["file", "empty", "link", "dangling", "linked folder", "pipe"]
ENTRIES = st.tuples(
    st.sampled_from(FOLDERS), st.sampled_from(FILES), st.sampled_from(KINDS), st.integers(1, 3)
)


def grow(root, entries):
    """Make a tree; return how many rows each file holds, by its real path."""
    rows = {}
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    outside = root.parent / "outside"
    outside.mkdir(exist_ok=True)
    for at, (folder, name, kind, n) in enumerate(entries):
        place = root / folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(place):
            continue
        if kind == "file":
            place.write_text(HEAD + ROW * n)
            rows[place.resolve()] = n
        elif kind == "link":
            target = outside / f"{at}.csv"
            target.write_text(HEAD + ROW * n)
            rows[target.resolve()] = n
            place.symlink_to(target)
        elif kind == "linked folder" and not os.path.lexists(place.with_suffix("")):
            place.with_suffix("").symlink_to(root, target_is_directory=True)
        elif kind == "dangling":
            place.symlink_to(outside / "nothing.csv")
        elif kind == "pipe":
            os.mkfifo(place)
        else:
            place.parent.mkdir(exist_ok=True)
    return rows


def visible(path, root):
    return not any(part.startswith((".", "_")) for part in path.relative_to(root).parts)


@settings(
    max_examples=25,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(entries=[("a", "x.csv", "file", 2), ("", "y.csv", "linked folder", 1)])
@example(entries=[("a", "x.csv", "file", 2), ("", "y.csv", "dangling", 1)])
@example(entries=[("[x]", "*.csv", "file", 1), ("[x]", "x.csv", "file", 2)])
@given(entries=st.lists(ENTRIES, min_size=1, max_size=6))
def test_rows_read_are_the_rows_of_the_files_in_the_folder(tmp_path, entries):
    root = tmp_path / "root"
    rows = grow(root, entries)
    seen = [root / folder / name for folder, name, *_ in entries]
    wanted = {
        path.resolve()
        for path in seen
        if path.suffix == ".csv" and visible(path, root) and path.is_file()
    }
    broken = any(
        os.path.lexists(path) and not path.exists() and visible(path, root) for path in seen
    )
    if broken or not wanted:
        with pytest.raises(FileError, match=r"a link to what is not there|without data files"):
            find_files([root])
        return
    try:
        result = riskshift.analyze(root, taxonomy=HARM, resamples=5, permutations=5, cases=0)
    except UsageError as error:
        assert "twice" in str(error)  # noqa: PT017
        return
    assert result.provenance.read == sum(rows[path] for path in wanted)


def test_what_is_passed_over_is_said(tmp_path):
    (tmp_path / "a.csv").write_text(HEAD + ROW)
    (tmp_path / "README.md").write_text("")
    (tmp_path / "_tmp").mkdir()
    os.mkfifo(tmp_path / "p.csv")
    (tmp_path / "again.csv").symlink_to("a.csv")
    result = riskshift.analyze(tmp_path, taxonomy=HARM, resamples=5, permutations=5)
    for part in ("1 of another kind", "1 hidden", "1 no regular file", "1 link to what is read"):
        assert part in result.provenance.source
    assert told_passed({}) == ""


def test_a_link_back_is_no_second_reading(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "a.csv").write_text(HEAD + ROW)
    (tmp_path / "latest").symlink_to("run", target_is_directory=True)
    (tmp_path / "run" / "up").symlink_to("..", target_is_directory=True)
    passed = Counter()
    assert data_files(tmp_path, passed) == [tmp_path / "run" / "a.csv"]
    assert passed == {"link to what is read anyway": 2}


def test_a_folder_that_cannot_be_looked_into_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "shut").mkdir()
    (tmp_path / "a.csv").write_text(HEAD + ROW)
    scandir = os.scandir

    def refused(place):
        if Path(place).name == "shut":
            raise PermissionError(13, "Permission denied")
        return scandir(place)

    monkeypatch.setattr("riskshift.reading.paths.os.scandir", refused)
    for path in (tmp_path, tmp_path / "*" / "*.csv"):
        with pytest.raises(FileError, match="shut cannot be read: Permission denied"):
            find_files([path])


def test_two_names_of_one_file_would_count_twice(tmp_path):
    (tmp_path / "a.csv").write_text(HEAD + ROW)
    os.link(tmp_path / "a.csv", tmp_path / "b.csv")
    with pytest.raises(UsageError, match=r"b\.csv is named twice; .* It is .*a\.csv too"):
        find_files([tmp_path])


def test_links_that_lead_nowhere_are_errors(tmp_path):
    (tmp_path / "a.csv").symlink_to("nothing.csv")
    for path in (tmp_path, tmp_path / "a.csv", tmp_path / "*.csv"):
        with pytest.raises(FileError, match="is a link to what is not there"):
            find_files([path])


@pytest.mark.parametrize(
    "name", ["~", "file:x.csv", "s3:b.csv", "a*b.csv", "[a].csv", "q?.csv", "a'b.csv", "a\\b.csv"]
)
def test_what_is_opened_is_what_was_looked_into(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    Path(name).write_text(HEAD + ROW)
    Path("aXb.csv").write_text(HEAD + ROW * 9)
    file = recognize(Path(name), format="csv", name=name)
    duckdb_options.check_found(NO_LIMITS.connect(tmp_path / "spare"), file)
    result = riskshift.analyze(name, taxonomy=HARM, format="csv", resamples=5, permutations=5)
    assert result.provenance.read == 1


def test_what_would_be_taken_for_another_file_is_refused(tmp_path):
    odd = tmp_path / "a\\b*.csv"
    odd.write_text(HEAD + ROW)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b*.csv").write_text(HEAD + ROW * 3)
    try:
        result = riskshift.analyze(odd, taxonomy=HARM, resamples=5, permutations=5)
    except FileError as error:
        assert "is not found by its name alone" in str(error)  # noqa: PT017
    else:
        assert result.provenance.read == 1
