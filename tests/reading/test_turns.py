"""The last exchange of a conversation is the pair, or every one where that is asked for."""

import json
from pathlib import Path

import polars as pl
import pytest

import riskshift

LOGS = Path(__file__).parents[1] / "formats" / "logs"
TALK = [
    {"role": "user", "content": "What are weeds?"},
    {"role": "assistant", "content": "Plants."},
    {"role": "user", "content": "How do I grow them?"},
    {"role": "assistant", "content": "Sow them and wait."},
]
ONCE = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Hm."}]


@pytest.fixture
def promptfoo(tmp_path):
    """A red-team run with one conversation and one single question."""

    def result(messages, passed):
        return {
            "success": passed,
            "failureReason": 0 if passed else 1,
            "provider": {"id": "x"},
            "prompt": {"raw": messages[-2]["content"]},
            "response": {"output": messages[-1]["content"]},
            "gradingResult": {"pass": passed, "componentResults": []},
            "testCase": {"assert": [{"type": "promptfoo:redteam:harmful:weeds"}]},
            "metadata": {"pluginId": "harmful:weeds", "messages": messages},
        }

    place = tmp_path / "run.json"
    results = [result(TALK, passed=False), result(ONCE, passed=True)]
    place.write_text(json.dumps({"results": {"version": 3, "results": results}}))
    return place


def pairs(log, tmp_path, **given):
    made = riskshift.convert(log, tmp_path / "pairs.jsonl", **given)
    return made, pl.read_ndjson(made.output)


def test_by_default_the_last_exchange_keeps_its_conversation_and_turn(promptfoo, tmp_path):
    _, rows = pairs(promptfoo, tmp_path)
    assert rows["prompt"].to_list() == ["How do I grow them?", "Why?"]
    assert rows["turn"].to_list() == ["2", None]
    assert rows["conversation_id"].is_null().to_list() == [False, True]


def test_with_all_turns_each_exchange_is_a_pair_and_only_the_last_is_labelled(promptfoo, tmp_path):
    _, rows = pairs(promptfoo, tmp_path, turns="all")
    assert rows["prompt"].to_list() == ["What are weeds?", "How do I grow them?", "Why?"]
    assert rows["response"].to_list() == ["Plants.", "Sow them and wait.", "Hm."]
    assert rows["turn"].to_list() == ["1", "2", "1"]
    assert rows["conversation_id"].n_unique() == 2
    assert rows["response_harm"].is_null().to_list() == [True, False, False]


def test_the_conversation_is_the_cluster_and_the_result_says_so(promptfoo):
    result = riskshift.analyze(promptfoo, turns="all")
    assert result.provenance.cluster == "conversation_id"
    assert result.provenance.units == 2
    assert any("Every exchange of a conversation is a pair" in note for note in result.notes)
    named = riskshift.analyze(promptfoo, turns="all", cluster="prompt_id")
    assert named.provenance.cluster == "prompt_id"


def test_converted_the_next_command_names_the_conversation(promptfoo, tmp_path):
    made, _ = pairs(promptfoo, tmp_path, turns="all")
    assert str(made).endswith("--cluster conversation_id")
    again = riskshift.analyze(made.output, taxonomy=made.taxonomy, cluster="conversation_id")
    whole = riskshift.analyze(promptfoo, turns="all")
    assert again.to_dict()["data_hash"] == whole.to_dict()["data_hash"]


def test_conversations_that_begin_alike_are_told(tmp_path, promptfoo):
    document = json.loads(promptfoo.read_text())
    document["results"]["results"].append(document["results"]["results"][0])
    promptfoo.write_text(json.dumps(document))
    notes = riskshift.analyze(promptfoo, turns="all").notes
    assert any("2 conversations begin with the same prompt" in note for note in notes)


def test_the_same_words_after_other_ones_are_another_prompt(tmp_path, promptfoo):
    document = json.loads(promptfoo.read_text())
    other = json.loads(json.dumps(document["results"]["results"][0]))
    other["metadata"]["messages"] = [
        {"role": "user", "content": "What are bugs?"},
        {"role": "assistant", "content": "Animals."},
        *TALK,
    ]
    document["results"]["results"].append(other)
    promptfoo.write_text(json.dumps(document))
    _, rows = pairs(promptfoo, tmp_path, turns="all")
    same = rows.filter(pl.col("prompt") == "What are weeds?")
    assert len(same) == same["prompt_id"].n_unique() == 2


def test_labels_of_single_turns_stand_where_the_log_states_them(tmp_path):
    record = {
        "inputs.conversation": {"messages": TALK},
        "outputs.violence.evaluation_per_turn": {
            "violence_score": [4, 0],
        },
    }
    place = tmp_path / "rows.json"
    place.write_text(json.dumps({"rows": [record]}))
    _, rows = pairs(place, tmp_path, turns="all")
    assert rows["response_violence"].to_list() == ["Medium", "Safe"]


def responses(made):
    """The texts of responses; a log of labels alone has none."""
    rows = pl.read_ndjson(made.output, infer_schema_length=None)
    return set(rows.get_column("response", default=pl.Series([], dtype=pl.String)))


@pytest.mark.parametrize("name", sorted(path.name for path in LOGS.iterdir()))
def test_every_log_can_be_read_turn_by_turn_and_loses_no_pair(name, tmp_path):
    log = LOGS / name
    last = riskshift.convert(log, tmp_path / "last.jsonl")
    every = riskshift.convert(log, tmp_path / "all.jsonl", turns="all")
    assert every.pairs >= last.pairs
    assert responses(last) <= responses(every)


def test_the_doctor_tells_of_conversations(promptfoo):
    assert "Conversations of several exchanges: 1" in str(riskshift.doctor(promptfoo))
    assert "--turns all" in str(riskshift.doctor(promptfoo, turns="all").then)


def test_turns_are_asked_of_logs_alone(tmp_path):
    (tmp_path / "pairs.csv").write_text("conversation_id,response_harm\na,1\n")
    with pytest.raises(riskshift.UsageError, match="--cluster conversation_id"):
        riskshift.analyze(tmp_path / "pairs.csv", turns="all")
    with pytest.raises(riskshift.UsageError, match="each row is a pair"):
        riskshift.analyze(pl.DataFrame({"response_harm": [1]}), turns="all")
    with pytest.raises(riskshift.UsageError, match="turns 'first' is unknown"):
        riskshift.analyze(LOGS / "promptfoo.json", turns="first")
