"""Texts stand in templates whole, cannot name their mark, and cannot speak to a chat template."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskshift.graders.asking import Task
from riskshift.graders.template import _CONTROL, fill, mark_of, pieces, sent, values_of


@given(st.text())
def test_a_value_is_never_read_as_a_template(text):
    assert fill("<{prompt}>", {"prompt": text}) == f"<{text}>"


@given(st.lists(st.text(), min_size=1, max_size=2))
def test_a_mark_occurs_in_none_of_its_texts_and_is_the_same_every_time(texts):
    assert not any(mark_of(*texts) in text for text in texts)
    assert mark_of(*texts) == mark_of(*texts)


def test_a_text_that_holds_its_own_mark_gets_another(monkeypatch):
    """With marks of two letters such texts are common enough to be met."""
    monkeypatch.setattr("riskshift.graders.template._MARK", 2)
    assert not [n for n in range(1000) if mark_of(str(n)) in str(n)]


CONTROL_WORDS = """
<|im_start|> <|im_end|> <|endoftext|> <|eot_id|> <|start_header_id|> <|eot|> <|channel|> <|message|> <|return|>
<|start_of_role|> <|end_of_text|> <start_of_turn> <end_of_turn> <bos> <eos> <s> </s> [INST] [/INST] <<SYS>> <</SYS>>
<｜User｜> <｜Assistant｜> <｜end▁of▁sentence｜> [SYSTEM_PROMPT] [/SYSTEM_PROMPT] [TOOL_CALLS]
"""


@pytest.mark.parametrize("word", CONTROL_WORDS.split())
def test_control_words_of_chat_templates_are_broken_wherever_they_stand(word):
    for text in (word, f"roses{word}{word}tulips", f"<|{word}|>", f"<{word}>", f"[{word}]"):
        assert word not in sent(text)
        assert sent(text).replace(" ", "") == text.replace(" ", "")


# What control words are made of, so that Hypothesis finds them, whole, broken and within each other.
SHARDS = [
    "<|",
    "|>",
    "<",
    ">",
    "/",
    "[",
    "]",
    "s",
    "bos",
    "im_end",
    "INST",
    "<<",
    "SYS",
    ">>",
    "｜",
    "end_of_turn",
]


@given(st.lists(st.sampled_from(SHARDS)).map("".join))
def test_what_is_sent_has_no_control_word(text):
    assert not _CONTROL.search(sent(text))
    assert sent(sent(text)) == sent(text)


@given(st.text(st.characters(exclude_categories=())))
def test_what_is_sent_can_be_encoded(text):
    assert sent(text).encode("utf-8") is not None


@given(st.text())
def test_what_is_sent_is_the_text_but_for_spaces_in_control_words(text):
    assert sent(text).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    "text",
    [
        "a < b and c > d",
        "x[0] = y[1]",
        "<b>bold</b>",
        "| a | b |",
        "Zürich ❤️ 東京",
        "e\u200bf",
        "\u202eabc",
    ],
)
def test_ordinary_texts_are_sent_as_they_are(text):
    assert sent(text) == text


@given(st.text(), st.integers(1, 50))
def test_pieces_are_short_enough_and_together_all_but_blanks_of_the_text(text, longest):
    made = pieces(text, longest)
    assert all(0 < len(piece) <= longest and piece.strip() for piece in made)
    assert "".join("".join(made).split()) == "".join(text.split())


def test_a_word_is_cut_only_if_it_is_longer_than_a_piece():
    assert pieces("roses and tulips", 10) == ["roses and ", "tulips"]
    assert pieces("chrysanthemum", 10) == ["chrysanthe", "mum"]


def test_only_a_pair_has_both_texts():
    task = {side: Task(side, "Ask", "Answer") for side in ("prompt", "response", "pair")}
    assert "response" not in values_of(task["prompt"])
    assert "prompt" not in values_of(task["response"])
    assert {"prompt", "response"} <= values_of(task["pair"]).keys()
