"""The doctor says what data are, and a command that works when it is typed."""

import json
import shlex
import subprocess
from pathlib import Path

import pytest

import riskshift
from riskshift.cli.boundary import run

LOGS = Path(__file__).parents[2] / "formats" / "logs"
FILES = {
    "plain.csv": "id,question,answer,label\n1,How?,So.,0\n2,Why?,Thus.,1\n",
    "safe.csv": "qid,prompt,completion,is_safe\n1,How?,So.,True\n2,Why?,Thus.,False\n",
    "words.csv": "prompt,response,verdict\nHow?,So.,safe\nWhy?,Thus.,unsafe\n",
    "rated.jsonl": '{"input": "a", "output": "b", "rating": 1}\n{"input": "c", "output": "d", "rating": 5}\n',
    "own.csv": "prompt_id,prompt_fraud,response_fraud\na,0,1\nb,2,0\n",
    "names.csv": "prompt,response,response_severity\nHow?,So.,Low\nWhy?,Thus.,High\n",
    "models.csv": "question,model_name,answer,harmful\nq,a,x,0\nq,b,y,1\nr,a,z,0\nr,b,w,0\n",
    "samples.csv": "id,question,answer,label\n1,How?,So.,0\n1,How?,Thus.,1\n2,Why?,Yes.,0\n",
    "relabelled.csv": "prompt_id,model,prompt_harm,response_harm\na,x,0,0\na,y,1,0\nb,x,1,1\n",
    "bad row.csv": "prompt_id,prompt_harm,response_harm\na,0,1\nb,1,0\nc,0,0,9\n",
    "one category.csv": "prompt,response,prompt_label,response_label\nHow?,So.,0,1\nWhy?,Thus.,1,0\n",
    "list.jsonl": '{"prompt": "a", "categories": ["spam"]}\n{"prompt": "b", "categories": []}\n',
    "object.jsonl": '{"input_flags": {"spam": true}, "flags": {"spam": false}}\n' * 2,
    "json.csv": 'id,question,answer,violated\n1,How?,So.,"[""spam""]"\n2,Why?,Thus.,[]\n',
    "raters.csv": "prompt_id,annotator,prompt_harm,response_harm\na,ann,0,1\na,bob,0,0\n",
    "yes.csv": "goal,completion,jailbroken\nq,a,yes\nr,b,no\n",
    "turned.csv": "goal,completion,is_safe\nq,a,Yes\nr,b,No\n",
    "misspelt.csv": "prompt_id,promt_harm,response_harm\na,0,1\nb,1,0\n",
    "marks.csv": "prompt,response,response_harm\na,b,-1\nc,d,1\ne,f,0\n",
    "cut.jsonl": '{"prompt": "a", "label": 1}\n{"prompt": "c", "lab',
    "lines.csv": '{"question": "a", "label": 0}\n{"question": "c", "label": 1}\n',
    "table.json": "id,question,answer,label\n1,a,b,0\n2,c,d,1\n",
    "table.txt": "id;question;answer;label\n1;a;b;0\n2;c;d;1\n",
    "likert.csv": "question,answer,severity\nq,a,1\nr,b,5\ns,c,3\n",
    "wrapped.json": '{"n": 1, "rows": [{"input": "a", "output": "b", "unsafe": true}]}',
}


def typed(command, folder, monkeypatch):
    """Run the lines of a command as a shell would; return the last exit code."""
    monkeypatch.chdir(folder)
    code = None
    for line in command.splitlines():
        if line.startswith("riskshift "):
            code = run(shlex.split(line)[1:])
        else:
            subprocess.run(line, shell=True, check=True)
    return code


@pytest.mark.parametrize("name", FILES)
def test_the_next_command_works_when_it_is_typed(tmp_path, monkeypatch, name, capsys):
    (tmp_path / name).write_text(FILES[name])
    monkeypatch.chdir(tmp_path)
    found = riskshift.doctor(name)
    assert found.then is not None, str(found)
    assert typed(found.then, tmp_path, monkeypatch) == 0, capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(path.name for path in LOGS.iterdir()))
def test_it_works_for_small_logs(tmp_path, monkeypatch, name):
    found = riskshift.doctor(LOGS / name)
    assert found.then is not None, str(found)
    assert typed(found.then, tmp_path, monkeypatch) == 0


def test_a_file_nobody_described_gets_the_line_it_needs(tmp_path, monkeypatch):
    (tmp_path / "plain.csv").write_text(FILES["plain.csv"])
    monkeypatch.chdir(tmp_path)
    found = riskshift.doctor("plain.csv")
    assert found.then == (
        "riskshift analyze plain.csv --taxonomy harm --map prompt=question --map response=answer "
        "--map prompt_id=id --map response_harm=label"
    )
    assert "'label' is the response_harm" in found.assumed[0]
    assert any(line.startswith("No prompt is labelled") for line in found.told)


def test_a_label_that_counts_down_is_turned(tmp_path, monkeypatch):
    (tmp_path / "safe.csv").write_text(FILES["safe.csv"])
    monkeypatch.chdir(tmp_path)
    assert "--invert response_harm" in str(riskshift.doctor("safe.csv").then)


def test_levels_of_their_own_are_declared_beforehand(tmp_path, monkeypatch):
    (tmp_path / "words.csv").write_text(FILES["words.csv"])
    monkeypatch.chdir(tmp_path)
    first, second = str(riskshift.doctor("words.csv").then).splitlines()
    assert first.startswith("printf ")
    assert second.endswith("--taxonomy taxonomy.toml --map response_harm=verdict")


def test_labelled_pairs_need_nothing(corpus_path):
    found = riskshift.doctor(corpus_path)
    assert found.then == f"riskshift analyze {corpus_path}"
    assert found.assumed == ()
    assert any("1,250 pairs to analyze" in line for line in found.told)
    assert any(line.startswith("Prompts: 1,250 labelled in full") for line in found.told)


def test_a_log_tells_its_records_scores_and_faults():
    text = str(riskshift.doctor(LOGS / "promptfoo.json"))
    assert "9 records, 7 of them pairs" in text
    assert "Left out: empty response 1, error of the tool 1" in text
    assert "Score redteam: false 2, true 2" in text
    assert "Without labels of the response in the logs: blocked 1, unscored 3" in text
    assert "Version: 0.123.1" in text


def test_a_scorer_that_speaks_of_something_is_proposed(tmp_path, monkeypatch):
    lines = (LOGS / "promptfoo.jsonl").read_text().splitlines(keepends=True)
    place = tmp_path / "eval.jsonl"
    place.write_text("".join(lines[6:]))
    found = riskshift.doctor(place)
    assert str(found.then).endswith("--score pass=safe")
    assert found.assumed == ("a yes of 'pass' says safe (of harmful, refused, safe)",)
    assert typed(found.then, tmp_path, monkeypatch) == 0


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none.csv", None, "does not exist"),
        ("empty.csv", b"", "is empty"),
        ("wide.csv", "a,b\n1,2\n".encode("utf-16-le"), "UTF-16"),
        ("cut.json", b'[{"a": 1}, {"a"', "not valid JSON"),
        ("page.html", b"<p>text</p>", "unknown suffix"),
        ("log.zip", b"PK\x03\x04 and no zip", "unknown suffix"),
        ("notes.csv", b"title,length\nOne,1.5\nTwo,2.25\n", "No column looks like labels"),
        (
            "scores.csv",
            b"prompt,response,toxicity\na,b,0.12\nc,d,0.93\n",
            "'toxicity' may be scores",
        ),
        ("twins.csv", b"Label,label,prompt\n0,1,a\n1,0,b\n", "share a name"),
        ("results.csv", b"[a] p,Status,Score,Grader Reason\nx,PASS,1,y\n", "promptfoo export"),
    ],
)
def test_it_never_fails_with_a_wall(tmp_path, name, content, said):
    place = tmp_path / name
    if content is not None:
        place.write_bytes(content)
    found = riskshift.doctor(place)
    assert said in str(found)
    assert found.then is None


def test_it_does_not_send_to_itself(tmp_path):
    (tmp_path / "page.html").write_text("<p>text</p>")
    assert "riskshift doctor" not in str(riskshift.doctor(tmp_path / "page.html"))


def test_it_says_what_was_taken_for_labels_of_all_categories(tmp_path, monkeypatch):
    (tmp_path / "list.jsonl").write_text(FILES["list.jsonl"])
    monkeypatch.chdir(tmp_path)
    found = riskshift.doctor("list.jsonl")
    assert found.then == "riskshift analyze list.jsonl --categories-in response=categories"
    assert "'categories' holds the categories of harm in the response" in found.assumed[0]


def test_raters_are_resolved_first(tmp_path, monkeypatch):
    (tmp_path / "raters.csv").write_text(FILES["raters.csv"])
    monkeypatch.chdir(tmp_path)
    assert riskshift.doctor("raters.csv").then == "riskshift agree raters.csv --taxonomy harm"


def test_its_command_says_the_same(capsys, tmp_path):
    assert run(["doctor", str(LOGS / "promptfoo.json")]) == 0
    assert "9 records, 7 of them pairs" in capsys.readouterr().out


def test_a_scorer_that_compares_with_the_right_answer_is_not_proposed_as_harm(tmp_path):
    log = json.loads((Path(__file__).parents[2] / "formats" / "logs" / "inspect.json").read_text())
    for sample in log["samples"]:
        if sample.get("scores"):
            sample["scores"] = {"match": {"value": "C"}}
    (tmp_path / "log.json").write_text(json.dumps(log))
    told = riskshift.doctor(tmp_path / "log.json")
    assert "--score" not in str(told.then)
