"""From prompts to a page: what models are asked, what is kept, what stands in the folder."""

import json
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path

import polars as pl
import pytest
from tests.running.conftest import completion, levels, present, text_of

import riskshift
from riskshift.errors import DataError, RiskshiftWarning, UsageError
from riskshift.running.generating.demonstration import NOTE, demonstrate

MODEL = "openai-api/local/tiny"
# Inspect calls a library of its own as it was called before.
pytestmark = pytest.mark.filterwarnings("ignore:The 'initial' parameter:DeprecationWarning")


def prompts(n):
    """Mild prompts with ids, and a column that goes along."""
    return pl.DataFrame(
        {
            "prompt_id": [f"p{at}" for at in range(n)],
            "prompt": [f"How do I water fern {at}?" for at in range(n)],
            "topic": ["plants"] * n,
        }
    )


def is_graded(body):
    return "response_format" in body


def answers(body):
    """Answer prompts with a sentence, and graders with levels."""
    return levels(body) if is_graded(body) else completion(f"Gently: {text_of(body)}")


@pytest.fixture
def go(openai, desk, monkeypatch):
    """Run prompts through a local endpoint, which is the model's and the grader's."""
    present("inspect_ai")

    def start(data, server, *, output="run", **more):
        monkeypatch.setenv("LOCAL_BASE_URL", server.url)
        monkeypatch.setenv("LOCAL_API_KEY", "local")
        options = {"models": MODEL, "graders": "rubric=m", "base_url": server.url, **more}
        made = riskshift.run(data, desk / output, **options)
        return made, pl.read_parquet(desk / output / "labelled.parquet")

    return start


def asked(server):
    """What the model under test was sent."""
    return [body for body in server.bodies if not is_graded(body)]


def test_a_run_ends_with_labelled_pairs_and_a_page(go, serve, desk):
    server = serve(answers)
    made, rows = go(prompts(6), server)
    assert rows.height == 6
    assert set(rows["model"]) == {MODEL}
    assert rows["response"].to_list() == [f"Gently: How do I water fern {at}?" for at in range(6)]
    assert (
        rows.select(pl.col("^(prompt|response)_(hate|violence)$").null_count()).row(0) == (0,) * 4
    )
    assert rows["topic"].to_list() == ["plants"] * 6
    assert made.analysis.rate("escalation").trials == 6
    folder = desk / "run"
    for name in ("report.html", "results.json", "pairs.parquet", "card.toml"):
        assert (folder / name).stat().st_size
    assert json.loads((folder / "results.json").read_text())["records"]["analyzed"] == 6


def test_a_model_is_sent_the_prompt_and_nothing_else(go, serve):
    server = serve(answers)
    go(prompts(2), server, system_prompt="Be brief.", temperature=0.5, max_tokens=50)
    for at, body in enumerate(sorted(asked(server), key=text_of)):
        system, user = body["messages"]
        assert (system["role"], system["content"]) == ("system", "Be brief.")
        assert (user["role"], user["content"]) == ("user", f"How do I water fern {at}?")
        assert (body["model"], body["temperature"], body["max_tokens"]) == ("tiny", 0.5, 50)


def test_samples_are_answers_of_their_own(go, serve):
    server = serve(answers)
    _, rows = go(prompts(3), server, samples=2)
    assert len(asked(server)) == 6
    assert sorted(zip(rows["prompt_id"], rows["sample"], strict=True)) == [
        (f"p{at}", str(sample)) for at in range(3) for sample in (1, 2)
    ]


def test_the_same_command_asks_nothing_twice(go, serve):
    server = serve(answers)
    first, before = go(prompts(5), server)
    sent = len(server.bodies)
    again, after = go(prompts(5), server)
    assert len(server.bodies) == sent
    assert (first.remembered, again.remembered) == (0, 5)
    assert before.equals(after)


def test_more_prompts_are_asked_and_the_others_are_not(go, serve):
    server = serve(answers)
    go(prompts(3), server)
    go(prompts(5), server)
    assert sorted(map(text_of, asked(server))) == [f"How do I water fern {at}?" for at in range(5)]


def test_another_system_prompt_is_said_and_asked_anew(go, serve):
    server = serve(answers)
    go(prompts(3), server)
    with pytest.warns(RiskshiftWarning, match="3 answers that are not used: the system prompt"):
        go(prompts(3), server, system_prompt="Be brief.")
    assert len(asked(server)) == 6


def test_a_blocked_answer_is_no_safe_one(go, serve):
    def some(body):
        if not is_graded(body) and text_of(body).endswith(("0?", "1?")):
            return completion("", finish="content_filter")
        return answers(body)

    made, rows = go(prompts(6), serve(some))
    blocked = rows.filter(pl.col("status") == "blocked")
    assert blocked.height == 2
    assert blocked["response_hate"].null_count() == 2
    assert made.lacking == {"blocked": 2}
    rate = made.analysis.rate("response_harm")
    low, high = rate.worst_case
    assert (rate.trials, high - low) == (4, pytest.approx(2 / 6))


def test_an_empty_answer_and_one_that_never_came_have_no_labels(go, serve):
    def some(body):
        empty = not is_graded(body) and text_of(body).endswith("0?")
        return completion("  ") if empty else answers(body)

    def fault(body, times):
        return "400" if not is_graded(body) and text_of(body).endswith("3?") else None

    made, rows = go(prompts(6), serve(some, fault))
    lacking = rows.filter(pl.col("response").is_null())
    assert lacking["prompt_id"].to_list() == ["p0", "p3"]
    assert lacking["response_violence"].null_count() == 2
    assert made.lacking == {"empty response": 1, "error of the tool": 1}


def test_the_logs_are_inspects(go, serve, desk):
    go(prompts(4), serve(answers), samples=2, system_prompt="Be brief.")
    read = present("inspect_ai.log").read_eval_log
    (place,) = (desk / "run" / "logs").iterdir()
    log = read(str(place))
    assert (log.status, log.eval.model, len(log.samples)) == ("success", MODEL, 8)
    first = log.samples[0]
    assert [message.role for message in first.messages] == ["system", "user", "assistant"]
    assert first.output.completion == "Gently: How do I water fern 0?"
    told = riskshift.doctor(str(place))
    assert "inspect" in str(told)


def test_labels_of_prompts_that_are_there_are_kept(go, serve):
    server = serve(answers)
    given = prompts(3).with_columns(prompt_hate=pl.lit("High"))
    _, rows = go(given, server)
    assert rows["prompt_hate"].to_list() == ["High"] * 3


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (prompts(2).drop("prompt"), "prompt"),
        (prompts(2).with_columns(response=pl.lit("x")), "riskshift label"),
        (prompts(2).with_columns(prompt_id=pl.lit("p")), "several texts"),
        (prompts(2).with_columns(prompt=pl.lit(None, dtype=pl.String)), "no prompt"),
    ],
)
def test_what_are_no_prompts_is_said(desk, data, told):
    present("openai")
    with pytest.raises(DataError, match=told):
        riskshift.run(data, desk / "run", models=MODEL, graders="rubric=m")


def test_repeated_prompts_are_asked_once(go, serve):
    server = serve(answers)
    twice = pl.concat([prompts(2), prompts(2)])
    with pytest.warns(RiskshiftWarning, match="2 rows repeat a prompt"):
        _, rows = go(twice, server)
    assert (rows.height, len(asked(server))) == (2, 2)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"models": []}, "no model is named"),
        ({"models": ["a/b", "a/b"]}, "named twice"),
        ({"samples": 0}, "samples is 0"),
        ({"limit": 0}, "limit is 0"),
        ({"graders": ["rubric=m", "rubric=n"]}, "label the same"),
        ({"models": "nowhere/tiny"}, "nowhere"),
    ],
)
def test_what_cannot_be_run_is_said(desk, options, told):
    present("inspect_ai")
    given = {"models": MODEL, "graders": "rubric=m"} | options
    with pytest.raises(UsageError, match=told):
        riskshift.run(prompts(2), desk / "run", **given)


def test_without_inspect_it_says_how_to_install_it(desk, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "inspect_ai.model", None)
    with pytest.raises(UsageError, match=r"pip install 'riskshift\[run\]'"):
        riskshift.run(prompts(2), desk / "run", models=MODEL, graders="rubric=m")


# The demonstration.


def test_the_demonstration_needs_no_key_and_says_what_it_is(desk):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = demonstrate(desk / "run")
    assert made.analysis.notes[0] == NOTE
    assert NOTE.split(".", maxsplit=1)[0] in (desk / "run" / "report.html").read_text()
    assert made.labelled.ungraded == {}
    careful, eager = (
        made.analysis.groups["model"][name].overall["response_harm"]
        for name in ("careful", "eager")
    )
    assert careful.events < eager.events


def test_the_demonstration_is_the_same_each_time(desk):
    for name in ("a", "b"):
        demonstrate(desk / name)
    one, other = (pl.read_parquet(desk / name / "labelled.parquet") for name in ("a", "b"))
    assert one.equals(other)


# Killed and started again.


def test_a_killed_run_goes_on_and_asks_nothing_that_it_has(go, serve, desk, monkeypatch):
    server = serve(answers, latency=0.05)
    prompts(40).write_csv(desk / "prompts.csv")
    monkeypatch.setenv("LOCAL_BASE_URL", server.url)
    monkeypatch.setenv("LOCAL_API_KEY", "local")
    command = [sys.executable, "-m", "riskshift", "run", "prompts.csv", "-o", "run", "--quiet"]
    command += ["--model", MODEL, "--grader", "rubric=m", "--base-url", server.url]
    command += ["--connections", "2"]
    env = os.environ | {"PYTHONPATH": str(Path(riskshift.__file__).parents[1])}
    journal = desk / "run" / "pairs.journal"
    for _ in range(20):
        process = subprocess.Popen(command, cwd=desk, env=env, stdout=subprocess.DEVNULL)
        sent = len(asked(server))
        while process.poll() is None and len(asked(server)) < min(sent + 16, 40):
            time.sleep(0.01)
        process.kill()
        process.wait(60)
        held = len(journal.read_bytes().splitlines()) - 1 if journal.exists() else 0
        if held >= 25:
            break
    before = len(asked(server))
    _, rows = go("prompts.csv", server, connections=2)
    assert len(asked(server)) - before == 40 - held
    _, whole = go(prompts(40), serve(answers), output="whole")
    assert rows.sort("prompt_id").equals(whole.sort("prompt_id"))
