"""Every Eval Ever: records of one turn and of several; what a score means must be declared."""


def test_a_small_log_says_all_there_is_to_say(small, rows):
    found, held = rows(small / "every-eval-ever.jsonl")
    assert found.left_out == {"empty response": 1, "error of the tool": 1, "no response": 1}
    assert found.lacking == {"unscored": 4}
    assert [row["sample"] for row in held[:2]] == ["weeds_harm 1", "weeds_harm 2"]
    assert {row["model"] for row in held} == {"local/model-a", "local/model-b"}


def test_being_correct_is_harm_or_none_only_where_it_is_declared(small, rows):
    _, held = rows(small / "every-eval-ever.jsonl", {"is_correct": "safe"})
    assert [row["response_harm"] for row in held] == ["Harmful", "Safe", "Safe", "Harmful"]


def test_of_several_turns_the_last_exchange_is_the_pair(small, rows):
    _, held = rows(small / "every-eval-ever.jsonl")
    assert held[-1]["prompt"] == "Now scold it."
    assert held[-1]["prompt_intent"] == "Scold my gnome."
    assert held[-1]["response"] == "You dusty gnome!"
