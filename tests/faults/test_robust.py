"""Broken input, hostile names and odd paths through the command line, each with its sentence."""

import json
import os
import stat

import polars as pl
import pytest

import riskshift
from riskshift.cli.boundary import run

HEAD = "prompt_id,prompt_harm,response_harm\n"
DIGITS, DEEP = "9" * 5000, "[" * 2000


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.toml").write_text('categories = ["harm"]\n')
    (tmp_path / "p.csv").write_text(
        HEAD + "".join(f"p{i},{i % 4},{i * 7 % 4}\n" for i in range(40))
    )
    return tmp_path


@pytest.fixture
def told(folder, capsys):
    def tells(*given, taxonomy=True):
        code = run([*given, *(["--taxonomy", "t.toml"] if taxonomy else [])])
        out, err = capsys.readouterr()
        assert "fault of riskshift" not in err
        return code, out, err

    return tells


CHECK = ("check", "p.csv", "--rule", "escalation <= 50%")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (f"harmful_from = {DIGITS}", "out of range"),
        (f"harmful_from = 0x{'f' * 5000}", "out of range"),
        (f"categories = {DEEP}", "nested too deeply"),
        ("categories = " + "[" * 80 + "]" * 80, "nested too deeply"),
        ("categories = [", "cannot read the taxonomy"),
        (b"\xff\xfe", "not UTF-8 text (byte 1)"),
        ("a = 9999-99-99", "cannot read the taxonomy"),
    ],
    ids=range(7),
)
def test_a_taxonomy_that_no_parser_holds(folder, told, content, says):
    content = content if isinstance(content, bytes) else content.encode()
    (folder / "x.toml").write_bytes(content)
    code, out, err = told("analyze", "p.csv", "--taxonomy", "x.toml", taxonomy=False)
    assert (code, out) == (2, "")
    assert says in err


@pytest.mark.parametrize("value", [DIGITS, f"0x{'f' * 5000}", DEEP, "[[[]]]", "1979-05-27"])
def test_rules_that_no_parser_holds(folder, told, value):
    (folder / "r.toml").write_text(f"rules = {value}")
    code, out, err = told("check", "p.csv", "--rules", "r.toml")
    assert (code, out) == (2, "")
    assert "r.toml" in err


TASK = {"id": 1, "data": {"prompt_id": "a"}, "annotations": []}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (f'[{{"id": {DIGITS}}}]', "a number has 5,000 digits"),
        (json.dumps([TASK | {"annotations": [{"result": 5}]}]), "not an export of annotations"),
        (json.dumps([TASK | {"annotations": 5}]), "not an export of annotations"),
        ('[{"id": 1, "data": {"prompt_id": 1e999}, "annotations": []}]', "1e999 is no number"),
        ('[{"id": 1, "data": {"prompt_id": NaN}, "annotations": []}]', "NaN is no number"),
        ('[{"id": 1, "data": {"prompt_id": "\\ud800"}, "annotations": []}]', "surrogate pair"),
        (DEEP, "nested too deeply"),
    ],
    ids=range(7),
)
def test_an_export_of_label_studio_that_is_none(folder, told, content, says):
    (folder / "x.json").write_text(content)
    code, _, err = told("label-studio", "import", "x.json", "-o", "o.csv")
    assert code == 2
    assert says in err
    assert not (folder / "o.csv").exists()


def test_a_person_may_be_called_anything(folder, told):
    made = {
        "completed_by": {"email": ["a", {}]},
        "result": [
            {"type": "choices", "from_name": "prompt_harm", "value": {"choices": ["Low"]}},
        ],
    }
    (folder / "x.json").write_text(json.dumps([TASK | {"annotations": [made]}]))
    assert told("label-studio", "import", "x.json", "-o", "o.csv")[0] == 0


def test_more_cases_than_there_could_be(told):
    assert told("analyze", "p.csv", "--cases", "9" * 23)[0] == 0


@pytest.mark.parametrize("level", ["1e-320", "0", "1", "-1", "nan", "inf", "1e-17"])
def test_a_level_that_says_nothing_is_refused(told, level):
    code, _, err = told(*CHECK, f"--confidence={level}")
    assert code == 2
    assert "between 0 and 1" in err


@pytest.mark.parametrize("size", ["-1", "100%", "0GB", "", "much", "1", "1e3GB", "inf", "٣GB"])
def test_a_memory_limit_that_is_no_size_is_refused(told, size):
    code, _, err = told(*CHECK, f"--memory-limit={size}")
    assert code == 2
    assert "is not a size; write it like 2GB" in err


@pytest.mark.parametrize("size", ["500MB", "2GB", "1.5 GiB", "800mib"])
def test_a_memory_limit_that_is_a_size_is_taken(told, size):
    assert told(*CHECK, f"--memory-limit={size}")[0] in (0, 1, 3)


@pytest.mark.parametrize("threads", ["0", "-1", "1025", "9" * 23])
def test_so_many_threads_are_refused(told, threads):
    code, _, err = told(*CHECK, f"--threads={threads}")
    assert code == 2
    assert f"threads {threads} is no number from 1 to 1,024" in err


@pytest.mark.parametrize("threads", ["much", "1.5", ""])
def test_threads_are_a_number(told, threads):
    code, _, err = told(*CHECK, f"--threads={threads}")
    assert code == 2
    assert "Invalid value for '--threads'" in err


@pytest.mark.parametrize("threads", ["1", "2", "64"])
def test_some_threads_are_taken(told, threads):
    assert told(*CHECK, f"--threads={threads}")[0] in (0, 1, 3)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["analyze", ""], "The empty path does not exist"),
        (["analyze", "-", "-"], "standard input (-) is named twice"),
        (["analyze", "n" * 300 + ".csv"], "cannot be opened: File name too long"),
        (["analyze", "p.csv", "--taxonomy", "."], "The empty path holds no taxonomy"),
        (["analyze", "p.csv", "--taxonomy", "d"], "d is a folder: it holds no taxonomy"),
        (["analyze", "p.csv", "--taxonomy", "n" * 300], "File name too long"),
        (["check", "p.csv", "--rules", "d"], "d is a folder: it holds no rules"),
        (["analyze", "p.csv", "-o", ""], "empty path"),
        (["analyze", "p.csv", "-o", "n" * 300 + ".json"], "cannot be written: File name too long"),
    ],
)
def test_odd_paths_each_get_a_sentence(folder, told, given, says):
    (folder / "d").mkdir()
    code, out, err = told(*given, taxonomy=False)
    assert (code, out) == (2, "")
    assert says in err
    assert len(err) < 600


@pytest.mark.parametrize("encoding", ["utf-32", "utf-32-le", "utf-32-be"])
def test_utf_32_is_called_by_its_name(folder, told, encoding):
    (folder / "x.csv").write_bytes((HEAD + "a,0,1\n").encode(encoding))
    code, _, err = told("analyze", "x.csv")
    assert code == 2
    assert "it looks like UTF-32. Save it as UTF-8." in err


def test_a_build_server_finds_no_commands_of_the_datas(folder, told):
    name = "x\n::stop-commands::pwn\n::add-mask::a"
    (folder / "x.csv").write_text(f'prompt_id,prompt_harm,"{name}"\na,0,1\n')
    rows = "".join(f"p{i},{i % 4},{i * 7 % 4},::add-mask::x\n" for i in range(20))
    (folder / "g.csv").write_text("prompt_id,prompt_harm,response_harm,g\n" + rows)
    for given in (["x.csv"], ["g.csv", "--by", "g"], ["g.csv", "--by", "g", "--format", "csv"]):
        _, out, err = told("analyze", *given)
        assert not [line for line in (out + err).splitlines() if line.lstrip().startswith("::")]


def test_the_demo_does_not_write_over_pairs(folder, told):
    (folder / "d").mkdir()
    (folder / "d" / "pairs.csv").write_text("MY OWN PAIRS")
    code, _, err = told("demo", "-o", "d", taxonomy=False)
    assert code == 2
    assert "exists already, and may hold people's labels" in err
    assert [path.name for path in (folder / "d").iterdir()] == ["pairs.csv"]


def test_a_pipe_without_a_reader_is_refused_and_stays(folder, told):
    os.mkfifo(folder / "pipe.txt")
    code, _, err = told(*CHECK, "-o", "pipe.txt")
    assert code == 2
    assert "nobody reads from it" in err
    assert stat.S_ISFIFO((folder / "pipe.txt").stat().st_mode)


def test_the_raters_resolved_labels_and_the_report_are_seen_together(folder, told):
    rows = "".join(f"p{i},{who},{(i + at) % 2}\n" for i in range(6) for at, who in enumerate("ab"))
    (folder / "w.csv").write_text("prompt_id,annotator,response_harm\n" + rows)
    (folder / "charts").write_text("no folder")
    given = ["agree", "w.csv", "--write-resolved", "r.csv", "-o", "a.json", "--charts", "charts"]
    code, _, err = told(*given, "--resamples", "20")
    assert code == 2
    assert "charts cannot be made" in err
    assert not (folder / "r.csv").exists()
    assert not (folder / "a.json").exists()


def test_texts_stand_in_nothing_that_prints_itself(folder):
    secret = "SECRET-TEXT"
    rows = "".join(f"p{i},{secret} {i},{secret} {i},0,{i % 4}\n" for i in range(8))
    head = "prompt_id,prompt,response,prompt_harm,response_harm\n"
    (folder / "s.csv").write_text(head + rows)
    taxonomy = riskshift.Taxonomy(["harm"])
    analysis = riskshift.analyze("s.csv", taxonomy=taxonomy, resamples=20, permutations=20)
    assert analysis.cases
    assert analysis.cases[0].prompt_text.startswith(secret)
    records = riskshift.read("s.csv", taxonomy=taxonomy)
    drawn = riskshift.sample("s.csv", n=4, taxonomy=taxonomy)
    framed = riskshift.read(pl.read_csv("s.csv"), taxonomy=taxonomy)
    for shown in (analysis, analysis.cases, records, framed, drawn, drawn.strata):
        assert secret not in repr(shown) + str(shown)
    assert secret not in analysis._repr_html_()
