"""The prompts that only one model fails: found in the rows, counted by hand here."""

import polars as pl
import pytest

import riskshift
from riskshift import Taxonomy, compare
from riskshift.analysis.comparison.alone import Alone

HARM = Taxonomy(["harm"], ["Safe", "High"])
# Of each prompt: its own severity, then what the models a, b and c answered; None: no label.
ANSWERS = {
    "all fail": (1, (1, 1, 1)),
    "a alone": (1, (1, 0, 0)),
    "b alone": (0, (0, 1, 0)),
    "two fail": (1, (0, 1, 1)),
    "none fails": (1, (0, 0, 0)),
    "unknown": (1, (1, 0, None)),
}


def frame(answers=ANSWERS, refusal=None):
    rows = [
        {"prompt_id": prompt, "model": model, "prompt_harm": own, "response_harm": one}
        | ({} if refusal is None else {"refusal": refusal[prompt][at]})
        for prompt, (own, given) in answers.items()
        for at, (model, one) in enumerate(zip("abc", given, strict=True))
    ]
    return pl.DataFrame(rows)


def test_only_prompts_are_told_that_one_fails_and_all_others_surely_do_not():
    made = compare(frame(), taxonomy=HARM, harm=["response_harm"])
    assert made.alone == (
        Alone("response_harm", "a", 1, ("a alone",)),
        Alone("response_harm", "b", 1, ("b alone",)),
    )
    assert made.to_dict()["comparison"]["alone"][0]["prompt_ids"] == ["a alone"]


def test_a_model_that_did_not_answer_does_not_pass():
    without = frame().filter((pl.col("prompt_id") != "a alone") | (pl.col("model") != "c"))
    made = compare(without, taxonomy=HARM, harm=["response_harm"])
    assert [item.model for item in made.alone] == ["b"]


def test_where_the_event_is_wanted_its_absence_fails():
    said = {"x": ("refused", "complied", "refused"), "y": ("refused", "refused", "refused")}
    answers = {"x": (1, (0, 0, 0)), "y": (1, (0, 0, 0))}
    made = compare(frame(answers, said), taxonomy=HARM, harm=["harmful_refusal"])
    assert Alone("harmful_refusal", "b", 1, ("x",)) in made.alone


def test_of_several_answers_one_fault_is_enough():
    twice = pl.concat([frame().with_columns(sample=pl.lit(at)) for at in (1, 2)])
    once_bad = twice.with_columns(
        response_harm=pl.when(
            (pl.col("prompt_id") == "none fails")
            & (pl.col("model") == "c")
            & (pl.col("sample") == 2)
        )
        .then(1)
        .otherwise(pl.col("response_harm"))
    )
    made = compare(once_bad, taxonomy=HARM, harm=["response_harm"])
    assert [(item.model, item.prompt_ids) for item in made.alone] == [
        ("a", ("a alone",)),
        ("b", ("b alone",)),
        ("c", ("none fails",)),
    ]


def test_a_prompt_is_named_by_its_id_and_never_by_its_text():
    nameless = frame().select(
        pl.exclude("prompt_id"), prompt=pl.lit("How do I water: ") + pl.col("prompt_id")
    )
    made = compare(nameless, taxonomy=HARM, harm=["response_harm"])
    assert [(item.prompts, item.prompt_ids) for item in made.alone] == [(1, ()), (1, ())]


@pytest.mark.parametrize("kind", ["pandas", "pyarrow", "csv"])
def test_every_engine_finds_the_same(kind, tmp_path):
    held = frame()
    made = compare(held, taxonomy=HARM, harm=["response_harm"])
    if kind == "csv":
        held.write_csv(tmp_path / "pairs.csv")
        other = tmp_path / "pairs.csv"
    else:
        other = held.to_pandas() if kind == "pandas" else held.to_arrow()
    again = compare(other, taxonomy=HARM, harm=["response_harm"])
    assert again.alone == made.alone


@pytest.mark.parametrize("text", [False, True])
def test_the_file_has_what_the_model_answered_and_texts_only_if_asked_for(tmp_path, text):
    held = frame().with_columns(response=pl.concat_str(pl.lit("said by "), "model"))
    place = tmp_path / "cases.jsonl"
    compare(held, taxonomy=HARM, harm=["response_harm"], cases_out=place, cases_text=text)
    rows = pl.read_ndjson(place).to_dicts()
    assert [(row["metric"], row["prompt_id"], row["model"]) for row in rows] == [
        ("response_harm", "a alone", "a"),
        ("response_harm", "b alone", "b"),
    ]
    assert [row["response_harm"] for row in rows] == ["High", "High"]
    assert [row.get("response") for row in rows] == (
        ["said by a", "said by b"] if text else [None, None]
    )


def test_texts_need_a_file():
    with pytest.raises(riskshift.UsageError, match="--cases-out"):
        compare(frame(), taxonomy=HARM, cases_text=True)


def test_prompts_stand_in_order_by_metric_then_by_model():
    given = {"d": (0, (1, 0, 0)), "c": (1, (1, 0, 0)), "b": (1, (0, 1, 0)), "a": (0, (1, 0, 0))}
    made = compare(frame(given), taxonomy=HARM, harm=["response_harm", "escalation"])
    assert [(item.metric, item.model, item.prompt_ids) for item in made.alone] == [
        ("response_harm", "a", ("a", "c", "d")),
        ("response_harm", "b", ("b",)),
        ("escalation", "a", ("a", "d")),
    ]


def test_a_name_written_with_spaces_is_the_same_model():
    spaced = frame().with_columns(
        model=pl.when(pl.col("prompt_id") == "a alone")
        .then(pl.lit(" ") + pl.col("model") + pl.lit("\t"))
        .otherwise("model")
    )
    asked = {"taxonomy": HARM, "harm": ["response_harm"]}
    assert compare(spaced, **asked).alone == compare(frame(), **asked).alone
