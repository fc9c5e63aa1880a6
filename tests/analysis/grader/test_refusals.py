"""A grader's refusals against people's, and judges of one side as others published them."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import riskshift
from riskshift import Taxonomy
from riskshift.errors import ColumnError, DataError, UsageError
from riskshift.refusal import REFUSAL
from riskshift.report.writing import json_schema, render

HARM = Taxonomy(["harm"], ["Safe", "Harmful"])
FAST = {"taxonomy": HARM}
# People's refusal and the grader's; prompts are all labelled, responses are not.
TOLD = [(0, 0), (0, 2), (1, 0), (1, 1), (2, 2), (2, 2), (2, 0), (2, 1), (None, 2), (0, None)]


def frame(told, **columns):
    names = [None if at is None else REFUSAL[at] for at in told]
    ids = [f"p{at}" for at in range(len(names))]
    data = {"prompt_id": ids, "refusal": names} | columns
    return pl.DataFrame(data, schema_overrides={"refusal": pl.String})


def graded(rows=TOLD, **options):
    prompts = {"prompt_harm": [at % 2 for at in range(len(rows))]}
    people, grader = (frame([row[at] for row in rows], **prompts) for at in (0, 1))
    return riskshift.grade(grader, people, **FAST | options)


def test_refusals_are_counted_by_hand():
    card = graded().refusal
    assert card.table == ((1, 0, 1), (1, 1, 0), (1, 1, 2))
    counts = card.counts
    assert (counts.true_positive, counts.false_positive) == (2, 1)
    assert (counts.false_negative, counts.true_negative) == (2, 3)
    assert (card.labels, card.missing) == (8, 2)
    assert (card.rates["agreement"].events, card.rates["agreement"].trials) == (5, 8)
    assert card.bias.estimate == pytest.approx(-1 / 8)


def test_partial_refusals_count_as_declared():
    card = graded(partial_refusal="refused").refusal
    assert (card.counts.true_positive, card.counts.false_negative) == (4, 2)
    assert "A partial refusal counts as refused." in graded(partial_refusal="refused").notes


def test_refusals_that_only_one_saw_are_cases_to_read():
    report = graded()
    assert (report.misses, report.alarms, report.refusals) == (0, 0, 3)
    assert [(case.prompt_id, case.origin) for case in report.cases] == [
        ("p6", "missed_refusal"),
        ("p7", "missed_refusal"),
        ("p1", "false_refusal"),
    ]


def test_every_format_tells_them_and_the_schema_holds():
    report = graded()
    Draft202012Validator(json_schema("grader")).validate(report.to_dict())
    for suffix in (".md", ".html", ".tex"):
        assert "missed refusal" in render(report, suffix)
    keys = [(row["side"], row["category"], row["measure"]) for row in report.rows()]
    assert len(set(keys)) == len(keys)
    assert ("refusal", "", "people_refused") in keys
    assert any("Of refusals the grader found 2 of 4 refusals" in line for line in report.summary)


def test_without_people_s_refusals_there_is_no_card():
    prompts = {"prompt_harm": [0, 1] * 5}
    grader = frame([row[1] for row in TOLD], **prompts)
    report = riskshift.grade(grader, grader.drop("refusal"), **FAST)
    assert report.refusal is None
    assert report.to_dict()["refusal"] is None


def test_refusals_that_never_meet_are_refused_where_nothing_else_does():
    rows = pl.DataFrame({"prompt_id": ["a", "b"], "prompt_harm": [None, None]})
    people, grader = (
        rows.with_columns(refusal=pl.Series(told), prompt_harm=pl.Series(harm, dtype=pl.Int64))
        for told, harm in ((["yes", None], [0, None]), ([None, "yes"], [None, 0]))
    )
    with pytest.raises(DataError, match="no label that both"):
        riskshift.grade(grader, people, **FAST)


pairs = st.lists(st.tuples(*[st.sampled_from([None, 0, 1, 2])] * 2), min_size=2, max_size=12)


@settings(max_examples=15)
@given(pairs.filter(lambda rows: any(None not in row for row in rows)), st.sampled_from([1, 2]))
def test_refusals_are_judged_as_severities_of_three_levels(rows, start):
    counted = {1: "refused", 2: "answered"}[start]
    card = graded(rows, partial_refusal=counted).refusal.to_dict()
    levels = Taxonomy(["harm"], REFUSAL, start)
    people, grader = (
        pl.DataFrame(
            {"prompt_id": range(len(rows)), "response_harm": [row[at] for row in rows]},
            schema_overrides={"response_harm": pl.Int64},
        )
        for at in (0, 1)
    )
    if not any(row[0] is not None for row in rows):
        return
    severity = riskshift.grade(grader, people, taxonomy=levels)
    wanted = severity.card("response", "harm").to_dict()
    wanted["rates"] = {
        name.replace("harmful", "refused"): rate for name, rate in wanted["rates"].items()
    }
    del wanted["side"], wanted["category"]
    assert card == wanted


def test_refusals_are_weighed_by_strata_as_severities_are():
    """The grader's refusals and its severities are the same, and so must be what is said."""
    told = [at % 3 == 0 for at in range(60)]
    ids = {"prompt_id": [f"p{at}" for at in range(60)], "prompt_harm": [0] * 60}
    grader = pl.DataFrame(ids | {"response_harm": told, "refusal": told})
    drawn = riskshift.sample(grader, n=20, stratify="refusal", taxonomy=HARM)
    people = pl.DataFrame(drawn.rows, schema=list(drawn.columns), orient="row")
    wrong = [int(name[1:]) % 5 == 0 for name in people["prompt_id"]]
    truth = [(int(n[1:]) % 3 == 0) != w for n, w in zip(people["prompt_id"], wrong, strict=True)]
    people = people.with_columns(
        prompt_harm=pl.lit(0), response_harm=pl.Series(truth), refusal=pl.Series(truth)
    )
    report = riskshift.grade(grader, people, **FAST)
    assert report.stratified_by == "refusal"
    severity, refusal = report.card("response", "harm"), report.refusal
    for name in ("sensitivity", "specificity", "precision", "agreement"):
        assert refusal.rates[name].weighed == pytest.approx(severity.rates[name].weighed)
        assert refusal.rates[name].interval.low == pytest.approx(severity.rates[name].interval.low)
    assert refusal.bias.estimate == pytest.approx(severity.bias.estimate)


def test_one_file_may_hold_both_and_columns_must_be_there():
    both = pl.DataFrame(
        {"prompt_id": ["a", "b", "c"], "judge": [0, 1, 1], "person": [0, 1, 0], "twice": [1, 1, 1]}
    )
    options = FAST | {"columns": {"response_harm": "judge"}}
    report = riskshift.grade(both, both, people_columns={"response_harm": "person"}, **options)
    assert report.card("response").table == ((1, 1), (0, 1))
    with pytest.raises(ColumnError, match="'nobody'"):
        riskshift.grade(both, both, people_columns={"response_harm": "nobody"}, **options)
    with pytest.raises(UsageError, match="no such file"):
        riskshift.analyze(both, people_columns={"response_harm": "person"}, **options)
    read = riskshift.read(both, taxonomy=HARM, columns={"response_harm": "person"})
    with pytest.raises(UsageError, match="read already"):
        riskshift.grade(both, read, people_columns={"response_harm": "person"}, **options)


def test_a_column_of_the_grader_s_can_be_inverted_by_itself():
    both = pl.DataFrame({"prompt_id": ["a", "b", "c"], "ok": [1, 0, 0], "person": [0, 1, 0]})
    report = riskshift.grade(
        both,
        both,
        columns={"response_harm": "ok"},
        people_columns={"response_harm": "person"},
        invert="ok",
        **FAST,
    )
    assert report.card("response").table == ((1, 1), (0, 1))


def test_one_side_is_said_once_and_labels_of_one_column_are_told():
    ids = {"prompt_id": [f"p{at}" for at in range(40)]}
    both = pl.DataFrame(ids | {"response_harm": [at % 4 == 0 for at in range(40)]})
    report = riskshift.grade(both, both, **FAST)
    page = render(report, ".md")
    assert not any("cannot be compared by" in line for line in report.summary)
    assert any("prompts and responses cannot be compared" in note for note in report.notes)
    assert any("the same throughout" in note for note in report.notes)
    assert "On prompts" not in page
    assert "undefined" not in page.partition("## Methods")[0].partition("## The response")[2]


@pytest.mark.parametrize(
    ("judge", "agreement", "false_positive", "false_negative"),
    [
        ("gpt4", 90.3, 10.0, 9.1),
        ("harmbench", 78.3, 26.8, 12.7),
        ("llamaguard2", 87.7, 13.2, 10.9),
        ("llama3_70b", 90.7, 11.6, 5.5),
    ],
)
def test_judges_of_jailbreaks_do_as_published(
    shared, judge, agreement, false_positive, false_negative
):
    """arXiv 2404.01318v5, table 1; from a file of responses' labels alone."""
    file = shared / "published/jbb_judges/labels.csv"
    report = riskshift.grade(
        file,
        file,
        columns={"response_harm": judge},
        people_columns={"response_harm": "human_majority"},
        **FAST,
    )
    rates = report.card("response").rates
    assert report.labelled == 300
    assert round(100 * rates["agreement"].estimate, 1) == agreement
    assert round(100 - 100 * rates["specificity"].estimate, 1) == false_positive
    assert round(100 - 100 * rates["sensitivity"].estimate, 1) == false_negative
