"""Which files are meant, and what they are."""

import gzip
import io
import os
import sys
import threading

import pytest
from backports import zstd

from riskshift.errors import FileError, UsageError
from riskshift.reading.paths import find_files, tidy

CSV = b"prompt_harm,response_harm\n0,1\n"
JSONL = b'{"prompt_harm": 0, "response_harm": 1}\n'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def names(paths, **options):
    return [file.name for file in find_files(paths, **options)]


def test_files_come_in_the_order_they_were_named(folder):
    write(folder / "b.csv", CSV), write(folder / "a.csv", CSV)
    assert names(["b.csv", "a.csv"]) == ["b.csv", "a.csv"]


def test_a_glob_is_sorted_and_leaves_folders_out(folder):
    write(folder / "b.csv", CSV), write(folder / "a.csv", CSV), write(folder / "c" / "x.csv", CSV)
    assert names(["*"]) == ["a.csv", "b.csv"]
    assert names(["**/*.csv"]) == ["a.csv", "b.csv", os.path.join("c", "x.csv")]


def test_a_folder_is_searched_deeply_and_hidden_files_are_not_data(folder):
    for name in (
        "b.csv",
        "deep/er/a.jsonl",
        ".hidden.csv",
        ".git/x.csv",
        "_tmp/y.csv",
        "README.md",
    ):
        write(folder / "runs" / name, JSONL if name.endswith("jsonl") else CSV)
    assert names(["runs"]) == [
        os.path.join("runs", "b.csv"),
        os.path.join("runs", "deep/er/a.jsonl"),
    ]


@pytest.mark.parametrize(
    "name", ["a[1].csv", "what?.csv", "st*r.csv", 'it\'s "fine".csv', "ü;.csv"]
)
def test_a_file_may_be_called_like_a_pattern(folder, name):
    write(folder / name, CSV), write(folder / "a1.csv", CSV), write(folder / "whatx.csv", CSV)
    assert names([name]) == [name]


@pytest.mark.parametrize(
    ("name", "content", "layout", "compression"),
    [
        ("a.csv", CSV, "csv", "none"),
        ("a.CSV", CSV, "csv", "none"),
        ("a.tsv", CSV, "tsv", "none"),
        ("a.tab", CSV, "tsv", "none"),
        ("a.jsonl", JSONL, "jsonl", "none"),
        ("a.ndjson", JSONL, "jsonl", "none"),
        ("a.json", b"[{}]", "json", "none"),
        ("a.json", JSONL + JSONL, "jsonl", "none"),
        ("a.json", b"\n \n" + JSONL, "jsonl", "none"),
        ("a.json", b'{"text": "' + b"x" * 2_000_000 + b'"}\n' + JSONL, "jsonl", "none"),
        ("a.json", b'{\n"prompt_harm": 0}', "json", "none"),
        ("a.jsonl", b"[\n{}]", "json", "none"),
        ("a.jsonl", b"[1]\n" + JSONL, "jsonl", "none"),
        ("a.csv.gz", gzip.compress(CSV, mtime=0), "csv", "gzip"),
        ("a.csv", gzip.compress(CSV, mtime=0), "csv", "gzip"),
        ("a.csv.gz", CSV, "csv", "none"),
        ("a.json.zst", zstd.compress(JSONL), "jsonl", "zstd"),
        ("a.parquet", b"PAR1....PAR1", "parquet", "none"),
        ("a.csv", b"PAR1....PAR1", "parquet", "none"),
    ],
)
def test_bytes_tell_what_the_name_does_not(folder, name, content, layout, compression):
    write(folder / name, content)
    (file,) = find_files([name])
    assert (file.format, file.compression) == (layout, compression)


def test_a_declared_format_needs_no_suffix(folder):
    write(folder / "data", CSV)
    assert find_files(["data"], format="csv")[0].format == "csv"
    with pytest.raises(FileError, match=r"data: unknown suffix. Known: \.csv,.*--from csv\|tsv"):
        find_files(["data"])


@pytest.mark.parametrize(
    ("content", "layout"),
    [
        (CSV, "csv"),
        (CSV.replace(b",", b"\t"), "tsv"),
        (CSV.replace(b",", b";"), "csv"),
        (JSONL, "jsonl"),
        (b"\xef\xbb\xbf" + JSONL, "jsonl"),
        (b"\n[\n" + JSONL.strip() + b"]", "json"),
        (b"[" + JSONL.strip() + b"]", "json"),
        (b"PAR1....PAR1", "parquet"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd.compress])
def test_standard_input_is_recognized_by_its_bytes(monkeypatch, content, layout, pack):
    if layout == "parquet" and pack is not bytes:
        pack = bytes  # Parquet compresses itself
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(pack(content))))
    (file,) = find_files(["-"])
    assert (file.format, file.name) == (layout, "standard input")
    with file.open() as opened:
        assert opened.read() == content


def test_empty_standard_input_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    with pytest.raises(FileError, match="standard input is empty"):
        find_files(["-"])


def test_a_pipe_is_read_once_and_kept(folder):
    os.mkfifo("pipe")
    writer = threading.Thread(target=lambda: write(folder / "pipe", JSONL))
    writer.start()
    (file,) = find_files(["pipe"])
    writer.join()
    assert (file.format, file.name) == ("jsonl", "pipe")
    for _ in range(2):
        with file.open() as opened:
            assert opened.read() == JSONL


@pytest.mark.parametrize("again", ["a.csv", "./a.csv", "sub/../a.csv", "link.csv", "*.csv"])
def test_the_same_file_twice_would_count_twice(folder, again):
    write(folder / "a.csv", CSV), (folder / "sub").mkdir()
    os.symlink("a.csv", "link.csv")
    with pytest.raises(UsageError, match="is named twice; its records would count twice"):
        find_files(["a.csv", again])


@pytest.mark.parametrize("path", ["none.csv", "*.parquet", "", "a\0b", "x" * 5000])
def test_what_is_not_there_is_refused(folder, path):
    with pytest.raises(FileError, match=r"does not exist|cannot be opened"):
        find_files([path])


def test_nothing_named_is_no_input():
    with pytest.raises(UsageError, match="no input: name a file, a folder, a glob, or -"):
        find_files([])


def test_an_unknown_format_is_refused(folder):
    with pytest.raises(
        UsageError, match=r"input format 'jsonlines' is unknown .did you mean 'jsonl'"
    ):
        find_files(["a.csv"], format="jsonlines")


def test_a_folder_without_data_is_refused(folder):
    write(folder / "runs" / "notes.md", b"x")
    with pytest.raises(FileError, match=r"runs is a folder without data files. Looked for \.csv"):
        find_files(["runs"])


def test_a_file_that_may_not_be_read_is_refused(folder, monkeypatch):
    path = write(folder / "a.csv", CSV)

    def refuse(self, *arguments):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(type(path), "open", refuse)
    with pytest.raises(FileError, match=r"a\.csv cannot be read: Permission denied"):
        find_files(["a.csv"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (gzip.compress(CSV, mtime=0)[:15], "cannot be read: Compressed file ended"),
        (b"\x1f\x8bgarbage", "cannot be read: "),
        (b"\x28\xb5\x2f\xfdgarbage", "cannot be read: Unable to decompress"),
        (CSV.decode().encode("utf-16-le"), "looks like UTF-16. Save it as UTF-8"),
        (CSV.decode().encode("utf-16-be"), "looks like UTF-16. Save it as UTF-8"),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.jsonl"])
def test_bytes_that_are_no_text_are_refused(folder, name, content, message):
    write(folder / name, content)
    with pytest.raises(FileError, match=f"{name} .*{message}"):
        find_files([name])


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_json_in_utf16_is_refused(folder, name):
    write(folder / name, CSV.decode().encode("utf-16"))
    with pytest.raises(FileError, match=r"looks like UTF-16. Save it as UTF-8"):
        find_files([name])


def test_all_files_that_cannot_be_read_are_named_at_once(folder):
    (
        write(folder / "a.csv", b""),
        write(folder / "b.docx", b"PK"),
        write(folder / "runs" / "c.csv", b""),
    )
    with pytest.raises(FileError) as caught:
        find_files(["a.csv", "b.docx", "runs", "none"])
    for part in (
        "a.csv is empty",
        "b.docx: unknown suffix",
        "c.csv is empty",
        "none does not exist",
    ):
        assert part in str(caught.value)


def test_a_message_names_one_file_or_counts_many(folder):
    write(folder / "a.csv", CSV), write(folder / "b.csv", CSV)
    assert tidy(find_files(["a.csv"])) == "a.csv"
    assert tidy(find_files(["*.csv"])) == "2 files"
