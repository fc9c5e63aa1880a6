"""A grader's report card: from two files or frames to numbers, and what is refused."""

import json

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import riskshift
from riskshift import grade

THREE = riskshift.Taxonomy(["a", "b"], ["Safe", "Low", "High"])
NAMES = ("prompt_a", "prompt_b", "response_a", "response_b")


def frame(ids, rows, **columns):
    made = {"prompt_id": list(ids)}
    made |= {name: [row[at] for row in rows] for at, name in enumerate(NAMES)}
    return pl.DataFrame(made | columns, schema_overrides=dict.fromkeys(NAMES, pl.Int64))


GRADER = frame(
    "pqrstuv",
    [
        (1, 0, 0, 0),
        (2, 0, 0, 0),
        (0, 0, 1, 0),
        (0, 0, 0, 0),
        (1, 1, 2, 1),
        (0, 2, 0, 0),
        (0, 0, 0, 2),
    ],
    response=[f"answer {name}" for name in "pqrstuv"],
)
PEOPLE = frame(
    "pqrstu",
    [
        (1, 0, 2, 0),
        (2, 0, 1, 0),
        (0, 0, 0, 0),
        (0, 0, 0, 0),
        (1, 0, 1, 2),
        (0, 2, 0, None),
    ],
)


@pytest.fixture(scope="module")
def report():
    return grade(GRADER, PEOPLE, taxonomy=THREE)


def test_errors_are_counted_by_hand(report):
    card = report.card("response").counts
    assert (card.true_positive, card.false_positive) == (2, 1)
    assert (card.false_negative, card.true_negative) == (2, 6)
    assert (card.under, card.over) == (1, 1)
    only = report.card("response", "a").counts
    assert (only.true_positive, only.false_positive, only.false_negative) == (1, 1, 2)
    prompt = report.card("prompt", "b").counts
    assert (prompt.true_positive, prompt.false_positive, prompt.false_negative) == (1, 1, 0)
    assert report.card("response", "a").table == ((2, 1, 0), (1, 0, 1), (1, 0, 0))


def test_pairs_without_people_take_no_part(report):
    assert (report.labelled, report.pairs) == (6, 7)
    assert report.card("response").labels == 11
    assert report.card("response").missing == 1


def test_misses_come_first_then_alarms_worst_first(report):
    found = [(case.prompt_id, case.origin) for case in report.cases]
    assert found == [
        ("p", "false_negative"),
        ("q", "false_negative"),
        ("r", "false_positive"),
        ("t", "false_positive"),
    ]
    assert (report.misses, report.alarms) == (2, 2)


def test_a_case_has_the_labels_of_both(report):
    case = report.cases[0]
    assert case.response == {"a": 0, "b": 0}
    assert case.people == {"prompt": {"a": 1, "b": 0}, "response": {"a": 2, "b": 0}}
    assert case.response_text == "answer p"


def test_cases_are_bounded_and_the_counts_are_not():
    report = grade(GRADER, PEOPLE, taxonomy=THREE, cases=3)
    assert [case.prompt_id for case in report.cases] == ["p", "q", "r"]
    assert (report.misses, report.alarms) == (2, 2)
    assert grade(GRADER, PEOPLE, taxonomy=THREE, cases=0).cases == ()
    with pytest.raises(riskshift.UsageError, match="cases is -1"):
        grade(GRADER, PEOPLE, taxonomy=THREE, cases=-1)


def test_texts_can_be_left_out(report):
    made = grade(GRADER, PEOPLE, taxonomy=THREE, text=False)
    assert {case.response_text for case in made.cases} == {None}
    assert "answer" not in json.dumps(report.to_dict())


def plain(report):
    made = report.to_dict()
    for key in ("timing", "engine", "source", "people"):
        del made[key]
    return made


@pytest.mark.parametrize("engine", ["pandas", "pyarrow", "csv", "parquet", "duckdb"])
def test_every_engine_says_the_same(engine, report, tmp_path):
    made = []
    for name, rows in (("grader", GRADER), ("people", PEOPLE)):
        if engine == "pandas":
            made.append(pd.DataFrame(rows.to_dict(as_series=False)))
        elif engine == "pyarrow":
            made.append(pa.Table.from_pydict(rows.to_dict(as_series=False)))
        else:
            path = tmp_path / f"{name}.{'csv' if engine == 'csv' else 'parquet'}"
            rows.write_csv(path) if engine == "csv" else rows.write_parquet(path)
            made.append(path)
    if engine == "duckdb":
        import duckdb

        base = duckdb.connect()
        made = [base.read_parquet(str(path)) for path in made]
    assert plain(grade(*made, taxonomy=THREE)) == plain(report)


def test_the_order_of_rows_says_nothing(report):
    shuffled = [rows.sample(fraction=1, shuffle=True, seed=3) for rows in (GRADER, PEOPLE)]
    assert plain(grade(*shuffled, taxonomy=THREE)) == plain(report)


def test_records_that_were_read_already_will_do(report):
    read = [riskshift.read(rows, taxonomy=THREE) for rows in (GRADER, PEOPLE)]
    assert plain(grade(*read)) == plain(report)
    with pytest.raises(riskshift.UsageError, match="read already, so taxonomy would change"):
        grade(*read, taxonomy=THREE)


def test_people_must_label_pairs_that_the_grader_labelled():
    strange = PEOPLE.with_columns(prompt_id=pl.Series(["p", "q", "r", "s", "x", "y"]))
    with pytest.raises(riskshift.DataError, match=r"2 pairs are not in .*: x; y"):
        grade(GRADER, strange, taxonomy=THREE)


def test_pairs_without_ids_cannot_be_joined():
    with pytest.raises(riskshift.DataError, match="nothing tells which pairs"):
        grade(GRADER.drop("prompt_id"), PEOPLE, taxonomy=THREE)


def test_a_pair_twice_is_refused():
    twice = pl.concat([PEOPLE, PEOPLE.head(1)])
    with pytest.raises(riskshift.PairError):
        grade(GRADER, twice, taxonomy=THREE)


def test_an_empty_sample_is_refused():
    with pytest.raises(riskshift.DataError, match="no rows"):
        grade(GRADER, PEOPLE.head(0), taxonomy=THREE)


def test_a_sample_without_any_label_is_refused():
    blank = PEOPLE.with_columns(pl.lit(None, pl.Int64).alias(name) for name in NAMES)
    with pytest.raises(riskshift.DataError, match="labels none of the graded pairs"):
        grade(GRADER, blank, taxonomy=THREE)


def test_labels_that_never_meet_are_refused():
    response = [pl.lit(None, pl.Int64).alias(name) for name in NAMES[2:]]
    prompt = [pl.lit(None, pl.Int64).alias(name) for name in NAMES[:2]]
    with pytest.raises(riskshift.DataError, match="no label that both"):
        grade(GRADER.with_columns(response), PEOPLE.with_columns(prompt), taxonomy=THREE)


def test_two_taxonomies_are_refused():
    grader = riskshift.read(GRADER, taxonomy=THREE)
    other = riskshift.Taxonomy(["a", "b"], ["Safe", "Low", "High"], harmful_from=2)
    with pytest.raises(riskshift.UsageError, match="one taxonomy"):
        grade(grader, riskshift.read(PEOPLE, taxonomy=other))


def test_a_side_that_people_did_not_label_is_undefined_and_said():
    blank = [pl.lit(None, pl.Int64).alias(name) for name in NAMES[:2]]
    report = grade(GRADER, PEOPLE.with_columns(blank), taxonomy=THREE)
    card = report.card("prompt")
    assert card.labels == 0
    assert {rate.estimate for rate in card.rates.values()} == {None}
    assert {rate.interval for rate in card.rates.values()} == {None}
    assert (card.bias.estimate, card.macro_f1.estimate) == (None, None)
    assert card.weighted_kappa.estimate is None
    assert report.asymmetry("sensitivity").gap.estimate is None
    assert any("No label of prompts" in note for note in report.notes)
    assert "On responses" in str(report)
    assert "On prompts" not in str(report)
    json.dumps(report.to_dict(), allow_nan=False)


@pytest.mark.parametrize("level", [0, 2])
def test_labels_that_are_all_equal_leave_shares_undefined(level):
    rows = frame("pqr", [(level,) * 4] * 3)
    report = grade(rows, rows, taxonomy=THREE)
    for side in ("prompt", "response"):
        card = report.card(side)
        assert card.weighted_kappa.estimate is None
        assert card.rates["specificity" if level else "sensitivity"].estimate is None
        assert card.rates["sensitivity" if level else "specificity"].estimate == 1
        assert card.bias.estimate == 0
        assert card.bias.interval.low < 0 < card.bias.interval.high
    assert report.cases == ()
    assert any("undefined, not zero" in note for note in report.notes)


def test_a_stratified_sample_is_said_to_be_one():
    strata = ["escalation: yes" if name in "rt" else "escalation: no" for name in "pqrstu"]
    chances = [2 / 3 if name in "rt" else 1.0 for name in "pqrstu"]
    people = PEOPLE.with_columns(
        stratum=pl.Series(strata), inclusion_probability=pl.Series(chances)
    )
    report = grade(GRADER, people, taxonomy=THREE)
    assert report.stratified_by == "escalation"
    assert any("drawn by escalation" in note for note in report.notes)


def test_every_format_is_written(report, tmp_path):
    for suffix in ("html", "md", "tex", "json", "csv"):
        path = riskshift.write(report, tmp_path / f"report.{suffix}")
        assert path.stat().st_size > 500
    assert len(riskshift.write_charts(report, tmp_path / "charts")) == 6
    page = (tmp_path / "report.html").read_text()
    assert "answer p" in page
    assert "missed in response a: people High, grader Safe" in page
    assert "answer p" not in (tmp_path / "report.md").read_text()


def test_rows_hold_every_share_once(report):
    rows = list(report.rows())
    keys = [(row["side"], row["category"], row["measure"]) for row in rows]
    assert len(set(keys)) == len(keys) == 2 * 3 * 9 + 3 * 3
    assert len({tuple(row) for row in rows}) == 1


@pytest.mark.parametrize(("pairs", "told"), [(9, False), (40, True)])
def test_sides_are_told_apart_only_from_enough_labels(pairs, told):
    """All harm is found in prompts and none in responses."""
    ids = [f"p{at}" for at in range(pairs)]
    people = frame(ids, [(1, 0, 1, 0)] * pairs)
    found = grade(frame(ids, [(1, 0, 0, 0)] * pairs), people, taxonomy=THREE)
    item = found.asymmetry("sensitivity")
    assert item.simultaneous.low > 0
    assert item.simultaneous.low < item.gap.interval.low
    assert (item.enough, item.distinguishable) == (told, told)
    assert any("sensitivity is higher on prompts" in said for said in found.summary) == told
