"""Labelling: what is asked, what is kept, and what the file says."""

import json
import tomllib
from collections import Counter

import polars as pl
import pytest
from tests.running.conftest import HARMS, completion, levels, questions, text_of

import riskshift
from riskshift.errors import ColumnError, DataError, LabelError, OutputError, UsageError
from riskshift.running.labelling.labelled import NOT_ASKED

PROMPTS = [f"prompt_{name}" for name in HARMS]
RESPONSES = [f"response_{name}" for name in HARMS]
SAFE = dict.fromkeys(HARMS, 0)


def always(raw):
    """A model that finds one level in everything."""
    return lambda body: completion(json.dumps(dict.fromkeys(HARMS, raw)))


def test_every_pair_gets_every_label_and_each_prompt_is_asked_once(ask, serve):
    server = serve()
    made, rows = ask(questions(5, models=("m1", "m2")), server)
    assert rows.height == made.pairs == 10
    assert rows.select(PROMPTS + RESPONSES).null_count().sum_horizontal().item() == 0
    assert made.filled == dict.fromkeys(PROMPTS + RESPONSES, 10)
    assert (made.asked, made.spent.requests) == (5 + 10, 15)
    assert max(Counter(map(text_of, server.bodies)).values()) == 1
    assert made.ungraded == {}


def test_rows_and_their_other_columns_stay_as_they_were(ask, serve):
    pairs = questions(40, models=("m1", "m2"))
    pairs = pairs.with_columns(height=pl.lit(1.5), week=pl.lit(7, pl.Int64))
    pairs.write_parquet("pairs.parquet", row_group_size=7)
    _, rows = ask("pairs.parquet", serve())
    assert rows.select(pairs.columns).equals(pairs)
    pairs.write_csv("pairs.csv")
    _, rows = ask("pairs.csv", serve())
    assert rows.select(pairs.columns).equals(pairs.cast(pl.String))


def test_how_a_label_came_about_stands_beside_it(ask, serve):
    _, rows = ask(questions(1), serve(always(5)))
    row = rows.row(0, named=True)
    assert row["prompt_hate"] == "Medium"
    assert row["raw_prompt_hate"] == 5
    assert row["grader"] == "rubric=m"
    assert len(row["grader_fingerprint"]) == 64
    assert row["saw_other_side"] == "false"
    assert row["ungraded"] is None


def test_a_label_that_is_there_is_kept_and_not_asked_for(ask, serve):
    server = serve(always(0))
    pairs = questions(2).with_columns(
        **{name: pl.lit("High") for name in PROMPTS},
        response_hate=pl.Series(["Low", None]),
        response_violence=pl.Series(["Low", "Low"]),
    )
    made, rows = ask(pairs, server)
    assert rows["prompt_hate"].to_list() == ["High", "High"]
    assert rows["response_hate"].to_list() == ["Low", "Safe"]
    assert rows["response_violence"].to_list() == ["Low", "Low"]
    assert made.kept == 11
    assert made.asked == 2
    assert rows["raw_response_violence"].to_list() == [None, None]


def test_nothing_is_asked_where_nothing_is_missing(ask, serve):
    server = serve()
    pairs = questions(2).with_columns(**{name: pl.lit(1) for name in PROMPTS + RESPONSES})
    made, rows = ask(pairs, server)
    assert server.bodies == []
    assert made.filled == {}
    assert rows["grader"].to_list() == [None, None]


def test_labels_are_written_as_names_whatever_they_were_written_as(ask, serve):
    pairs = questions(2).with_columns(response_hate=pl.Series([6, None]))
    _, rows = ask(pairs, serve(always(2)), scale="0-7")
    assert rows["response_hate"].to_list() == ["High", "Low"]


def test_a_label_off_the_scale_is_a_fault_that_says_where(ask, serve):
    questions(2).with_columns(response_hate=pl.Series(["Low", "Dire"])).write_csv("pairs.csv")
    with pytest.raises(LabelError, match=r"pairs.csv, line 3: response_hate is 'Dire' \(1 of 2"):
        ask("pairs.csv", serve())


def test_rows_with_such_labels_are_left_out_and_counted_where_that_is_asked_for(ask, serve):
    pairs = questions(3).with_columns(
        response_hate=pl.Series(["Low", "Dire", None]), refusal=pl.Series(["no", "no", "4"])
    )
    made, rows = ask(pairs, serve(always(0)), skip_bad=True)
    assert rows["response_hate"].to_list() == ["Low"]
    assert made.left_out == {"label not on the scale": 2}
    assert "left out, label not on the scale: 2" in str(made)


def test_only_rows_that_are_meant_are_labelled(ask, serve):
    server = serve()
    _, rows = ask(questions(3, models=("m1", "m2")), server, where="model=m2")
    assert set(rows["model"]) == {"m2"}
    assert not any("m1 says" in text_of(body) for body in server.bodies)


def test_what_one_grader_left_another_may_fill(ask, serve):
    def answer(body):
        return (
            completion("?") if body["model"] == "m" and "week 1?" in text_of(body) else levels(body)
        )

    server = serve(answer)
    ask(questions(2), server, side="prompt")
    _, rows = ask("labelled.parquet", server, "rubric=n", "again.parquet", side="prompt")
    assert rows["grader"].to_list() == ["rubric=m", "rubric=n"]
    assert rows["ungraded"].to_list() == [None, None]
    assert rows.select(PROMPTS).null_count().sum_horizontal().item() == 0


def test_a_prompt_has_one_label_however_many_models_answered(ask, serve):
    pairs = questions(1, models=("m1", "m2")).with_columns(prompt_hate=pl.Series(["High", None]))
    _, rows = ask(pairs, serve(always(0)))
    assert rows["prompt_hate"].to_list() == ["High", "High"]
    assert rows["prompt_sexual"].to_list() == ["Safe", "Safe"]


def test_one_side_alone_is_asked_for(ask, serve):
    server = serve()
    made, rows = ask(questions(3), server, side="prompt")
    assert set(PROMPTS) < set(rows.columns)
    assert set(RESPONSES).isdisjoint(rows.columns)
    assert made.asked == 3


def test_graders_of_different_labels_stand_side_by_side(ask, serve):
    _, rows = ask(questions(3), serve(), graders=["rubric=m", "rubric-answer=m"])
    assert rows.height == 3
    assert set(rows["refusal"]) <= {"complied", "partial", "refused"}
    assert set(rows["relevance"]) <= {"1", "2", "3"}
    assert set(rows["grader"]) == {"rubric=m + rubric-answer=m"}
    # The severities are those of one side alone, whatever the other grader saw.
    assert set(rows["saw_other_side"]) == {"false"}


def test_graders_of_the_same_labels_become_raters(ask, serve):
    server = serve(lambda body: always({"m": 0, "n": 6}[body["model"]])(body))
    made, rows = ask(questions(3), server, graders=["rubric=m", "rubric=n"])
    assert rows.height == 6
    assert dict(zip(rows["annotator"], rows["response_hate"], strict=False)) == {
        "rubric=m": "Safe",
        "rubric=n": "High",
    }
    assert "Next: riskshift agree labelled.parquet" in str(made)
    assert riskshift.agree("labelled.parquet", resamples=50)


def test_labels_that_were_there_are_a_rater_of_their_own_among_raters(ask, serve):
    pairs = questions(2).with_columns(response_hate=pl.Series(["Low", None]))
    _, rows = ask(pairs, serve(always(0)), graders=["rubric=m", "rubric=n"])
    told = rows.select("prompt_id", "annotator", "response_hate").rows()
    assert told == [
        ("p0", "given", "Low"),
        ("p0", "rubric=m", "Safe"),
        ("p0", "rubric=n", "Safe"),
        ("p1", "rubric=m", "Safe"),
        ("p1", "rubric=n", "Safe"),
    ]


def test_raters_of_rows_without_ids_can_still_be_compared(ask, serve):
    pairs = questions(3).drop("prompt_id", "model")
    _, rows = ask(pairs, serve(), graders=["rubric=m", "rubric=n"])
    assert rows["record_id"].to_list() == [1, 1, 2, 2, 3, 3]
    assert riskshift.agree("labelled.parquet", resamples=50)


def test_a_guard_that_needs_both_sides_sees_the_prompt_alone_first(ask, serve):
    def answer(body):
        harmful = "yes" if "Answers:" in text_of(body) else "no"
        told = f"Harmful request: no\nResponse refusal: {harmful}\nHarmful response: {harmful}"
        return completion(told)

    _, rows = ask(questions(1), serve(answer), graders="wildguard=w")
    row = rows.row(0, named=True)
    assert (row["prompt_harm"], row["response_harm"]) == ("Unharmful", "Harmful")
    assert row["saw_other_side"] == "true"


def test_what_cannot_be_asked_has_no_label_and_says_why(ask, serve):
    pairs = questions(4).with_columns(
        response=pl.Series(["fine", "", None, "[blocked]"]),
        status=pl.Series([None, None, None, "blocked"]),
    )
    made, rows = ask(pairs, serve(always(0)))
    assert rows["response_hate"].to_list() == ["Safe", None, None, None]
    assert rows["prompt_hate"].to_list() == ["Safe"] * 4
    assert rows["status"].to_list() == [None, None, None, "blocked"]
    assert rows["ungraded"].to_list() == [
        None,
        "response: there is no text to grade (empty response)",
        "response: there is no text to grade (empty response)",
        "response: there is no text to grade (the response was blocked)",
    ]
    assert made.ungraded == {"there is no text to grade": 3}


def test_a_missing_label_is_within_the_worst_cases_of_what_follows(ask, serve):
    pairs = questions(4).with_columns(response=pl.Series(["fine", "fine", "fine", ""]))
    ask(pairs, serve(always(0)))
    rate = riskshift.analyze("labelled.parquet").rate("response_harm")
    assert rate.missing == 1
    assert rate.worst_case == pytest.approx((0, 0.25))


def test_pairs_of_a_log_are_labelled(ask, serve, log):
    _, rows = ask(log, serve(always(3)))
    blocked = rows.filter(pl.col("status") == "blocked")
    assert rows.height > blocked.height > 0
    assert blocked["response_hate"].null_count() == blocked.height
    answered = rows.filter(pl.col("response").is_not_null())
    assert answered["response_hate"].null_count() == 0
    assert "unscored" not in set(rows["status"])


def test_an_answer_that_cannot_be_read_is_asked_for_once_more(ask, serve):
    def answer(body):
        return (
            levels(body) if server.seen[json.dumps(body, sort_keys=True)] > 1 else completion("?")
        )

    server = serve(answer)
    made, _ = ask(questions(2), server)
    assert made.ungraded == {}
    assert made.spent.requests == 2 * made.asked


@pytest.mark.parametrize(
    ("answered", "reason"),
    [
        (completion("no idea"), "the grader's answer could not be read"),
        (completion('{"hate": 0}'), "the grader left a category out"),
        (completion(json.dumps(SAFE | {"hate": 9})), "the grader gave a level that there is not"),
        (
            completion(json.dumps(SAFE | {"hate": ["0"]})),
            "the grader's answer could not be read",
        ),
        (completion(None, refusal="I would rather not."), "the grader refused"),
        (completion('{"hate": 0', finish="length"), "the grader's answer was cut off"),
        (completion(""), "the grader's answer was empty"),
        (
            completion(None, finish="content_filter"),
            "a content filter blocked the grader's request or answer",
        ),
    ],
)
def test_an_answer_without_labels_is_a_reason_and_never_a_level(ask, serve, answered, reason):
    made, rows = ask(questions(1), serve(lambda body: answered))
    assert made.ungraded == {reason: 2}
    assert rows.select(PROMPTS + RESPONSES).null_count().sum_horizontal().item() == 8
    assert rows["ungraded"].item().startswith(f"prompt: {reason}")
    again = 1 if "filter" in reason else 2
    assert made.spent.requests == 2 * again


def test_at_most_so_many_texts_are_asked_now_and_the_rest_later(ask, serve):
    server = serve()
    first, rows = ask(questions(5), server, limit=3)
    assert first.asked == 3
    assert first.ungraded == {NOT_ASKED: 7}
    second, rows = ask(questions(5), server)
    assert (second.asked, second.remembered) == (7, 3)
    assert rows.select(PROMPTS + RESPONSES).null_count().sum_horizontal().item() == 0
    assert max(server.seen.values()) == 1


def test_the_same_command_again_asks_nothing_and_writes_the_same(ask, serve, desk):
    server = serve()
    ask(questions(5), server)
    before, asked = (desk / "labelled.parquet").read_bytes(), len(server.bodies)
    made, _ = ask(questions(5), server)
    assert len(server.bodies) == asked
    assert made.remembered == 10
    assert (desk / "labelled.parquet").read_bytes() == before


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            {"graders": "rubric=other"},
            "4 answers that are not used: grader rubric asked m, and now other",
        ),
        (
            {"rubric": "rubric.toml"},
            "4 answers that are not used: grader rubric is declared otherwise",
        ),
    ],
)
def test_a_changed_model_or_rubric_is_noticed_and_asked_anew(ask, serve, desk, more, told):
    from riskshift.graders.catalogue import rubric_source

    (desk / "rubric.toml").write_text(rubric_source().replace("Slights,", "Unkind words,"))
    server = serve()
    ask(questions(2), server)
    with pytest.warns(riskshift.RiskshiftWarning, match=told):
        made, _ = ask(questions(2), server, **more)
    assert (made.asked, made.remembered) == (4, 0)


def test_a_changed_text_is_noticed_and_asked_anew(ask, serve):
    server = serve()
    ask(questions(2), server)
    pairs = questions(2).with_columns(
        prompt=pl.Series(["How do I dig?", questions(2)["prompt"][1]])
    )
    with pytest.warns(riskshift.RiskshiftWarning, match="1 answers .* not in the data any more"):
        made, _ = ask(pairs, server)
    assert (made.asked, made.remembered) == (1, 3)


def test_a_text_that_changed_is_not_taken_for_another_model_among_several(ask, serve):
    server = serve()
    ask(questions(1), server, graders=["rubric=m", "rubric=n"], side="prompt")
    pairs = questions(1).with_columns(prompt=pl.lit("How do I dig?"))
    with pytest.warns(riskshift.RiskshiftWarning) as told:
        ask(pairs, server, graders=["rubric=m", "rubric=n"], side="prompt")
    (only,) = told
    assert "2 answers that are not used: the text is not in the data any more" in str(only.message)


def test_another_endpoint_in_the_midst_of_a_run_is_noticed(ask, serve):
    ask(questions(2), serve(), limit=2)
    with pytest.warns(riskshift.RiskshiftWarning, match="the rest is asked of http://127.0.0.1"):
        ask(questions(2), serve())


def test_flicker_is_counted_by_text_and_written_beside_it(ask, serve, desk):
    def answer(body):
        text = text_of(body)
        times = server.seen[json.dumps(body, sort_keys=True)]
        raw = 7 if "week 1?" in text and times == 2 else 0
        return always(raw)(body)

    server = serve(answer)
    pairs = questions(10, models=("m1", "m2"))
    made, rows = ask(pairs, server, repeat=3, write_card="card.toml", connections=1)
    prompts, responses = made.flicker
    assert (prompts.changed, prompts.texts, prompts.times) == (1, 10, 3)
    assert (responses.changed, responses.texts) == (0, 20)
    # statsmodels 0.14: proportion_confint(1, 10, method="wilson")
    assert prompts.interval.low == pytest.approx(0.017876213095072924)
    assert prompts.interval.high == pytest.approx(0.40415002679523854)
    changed = rows.filter(pl.col("flickered") == "true")
    assert changed["prompt_id"].to_list() == ["p1", "p1"]
    assert set(rows["prompt_hate"]) == {"Safe"}  # the first answer is the label
    card = tomllib.loads((desk / "card.toml").read_text())
    assert "1 of 10 got another label (10.0% [1.8%, 40.4%]" in card["labels"]["prompt"]["who"]
    shown = riskshift.analyze("labelled.parquet", card="card.toml")
    assert shown.card.labels.prompt.who == card["labels"]["prompt"]["who"]
    assert made.cost is None


def test_a_text_that_was_graded_some_times_only_does_not_count_as_steady(ask, serve):
    def answer(body):
        times = server.seen[json.dumps(body, sort_keys=True)]
        return always(0)(body) if times == 1 else completion("?")

    server = serve(answer)
    made, _ = ask(questions(2), server, repeat=2, side="prompt", connections=1)
    (flicker,) = made.flicker
    assert (flicker.texts, flicker.left_out, flicker.interval) == (0, 2, None)
    assert made.ungraded == {}


def test_csv_and_json_lines_hold_the_same(ask, serve, desk):
    server = serve()
    riskshift.label(questions(3), "a.csv", graders="rubric=m", base_url=server.url)
    riskshift.label(questions(3), "b.jsonl", graders="rubric=m", base_url=server.url)
    assert (
        riskshift.analyze("a.csv").provenance.data_hash
        == riskshift.analyze("b.jsonl").provenance.data_hash
    )


def test_labels_of_an_own_column_go_back_into_it(ask, serve):
    pairs = questions(2).rename({"prompt": "question", "response": "answer"})
    pairs = pairs.with_columns(out_hate=pl.Series(["High", None]))
    made, rows = ask(
        pairs,
        serve(always(0)),
        columns={"prompt": "question", "response": "answer", "response_hate": "out_hate"},
    )
    assert rows["out_hate"].to_list() == ["High", "Safe"]
    assert "--map prompt=question --map response=answer --map response_hate=out_hate" in str(made)


def test_where_a_loop_runs_already_as_in_a_notebook_it_works_too(ask, serve):
    import asyncio

    async def cell():
        return ask(questions(2), serve())

    made, _ = asyncio.run(cell())
    assert made.asked == 4


def test_totals_tell_tokens_and_cost(ask, serve):
    made, _ = ask(questions(2), serve(), prices=(1e6, 2e6))
    assert (made.spent.tokens_in, made.spent.tokens_out) == (40, 20)
    assert made.cost == pytest.approx(80)
    assert "40 tokens in, 20 out; cost 80.00" in str(made)


def test_progress_tells_rate_and_remaining_time(ask, serve):
    told = []
    ask(questions(3), serve(), progress=told.append)
    assert any("graded 6 of 6 texts" in step and " a second, 0 s left" in step for step in told)


def test_no_more_than_so_many_texts_are_on_their_way(ask, serve):
    server = serve(latency=0.02)
    ask(questions(20), server, connections=3)
    assert 1 < server.most_open <= 3


@pytest.mark.parametrize(
    ("more", "error", "told"),
    [
        ({"graders": []}, UsageError, "no grader is named"),
        ({"graders": "rubrik=m"}, UsageError, "did you mean 'rubric'"),
        (
            {"graders": "rubric"},
            UsageError,
            "needs a model, as its endpoint calls it: --grader rubric=MODEL",
        ),
        ({"graders": ["rubric=m", "rubric=m"]}, UsageError, "named twice"),
        (
            {"graders": "rubric-answer=m", "side": "prompt"},
            UsageError,
            "gives no label for --side prompt",
        ),
        ({"side": "answer"}, UsageError, "side 'answer' is unknown"),
        ({"repeat": 0}, UsageError, "repeat is 0"),
        ({"limit": 0}, UsageError, "limit is 0"),
        ({"connections": 5000}, UsageError, "1 to 1,000"),
        ({"timeout": 0}, UsageError, "timeout is 0"),
        ({"rubric": "r.toml", "graders": "rubric-answer=m"}, UsageError, "which is not asked"),
        ({"output": "labelled.txt"}, OutputError, "unknown suffix"),
        ({"write_card": "card.json"}, OutputError, "Cards end in .toml"),
        ({"columns": {"prompt": "ask"}}, ColumnError, "'ask'"),
    ],
)
def test_what_cannot_be_honoured_is_refused_before_anything_is_asked(ask, serve, more, error, told):
    server = serve()
    with pytest.raises(error, match=told):
        ask(questions(2), server, **more)
    assert server.bodies == []


def test_two_graders_that_mean_other_levels_by_one_category_are_refused(ask, serve):
    with pytest.raises(UsageError, match=r"both label .* on different levels"):
        ask(questions(2), serve(), graders=["rubric=m", "openai-moderation=n"])


def test_data_without_texts_is_refused(ask, serve):
    with pytest.raises(ColumnError, match="holds no texts to label"):
        ask(pl.DataFrame({"prompt_id": ["a"]}), serve())
    with pytest.raises(ColumnError, match="--side prompt labels the other side alone"):
        ask(questions(1).drop("response"), serve())


def test_rows_of_several_raters_are_refused(ask, serve):
    with pytest.raises(DataError, match="several raters a pair"):
        ask(questions(1).with_columns(annotator=pl.lit("ann")), serve())
