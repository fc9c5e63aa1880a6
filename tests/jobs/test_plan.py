"""Planning in one call, with and without an existing file."""

import pandas as pd
import polars as pl
import pytest

import riskshift
from riskshift.errors import DataError, UsageError
from riskshift.report.writing import tell
from riskshift.stats.planning.paired_power import pairs_for_difference
from riskshift.stats.planning.power import trials_for_width, trials_to_pass

HARMS = ("hate", "sexual", "violence", "self_harm")


@pytest.fixture(scope="module")
def labels(shared):
    """The public labels as a frame of pandas, with the escalation of each pair worked out in it."""
    frame = pd.read_csv(shared / "paired_public_labels.csv")
    prompt = frame[[f"prompt_{harm}" for harm in HARMS]].max(axis=1)
    response = frame[[f"response_{harm}" for harm in HARMS]].max(axis=1)
    return frame.assign(escalated=(response > prompt).astype(int))


@pytest.fixture(scope="module")
def path(shared):
    return shared / "paired_public_labels.csv"


@pytest.fixture
def small():
    """Four prompts, two models; prompt harmful twice, model b complies once."""
    return pl.DataFrame(
        {
            "prompt_id": ["p1", "p2", "p3", "p4"] * 2,
            "model": ["a"] * 4 + ["b"] * 4,
            "prompt_harm": [1, 1, 0, 0] * 2,
            "response_harm": [0, 0, 0, 0, 1, 0, 0, 1],
        }
    )


@pytest.fixture
def harm():
    return riskshift.Taxonomy(["harm"], ["Safe", "Harmful"])


# Without a file


def test_a_width_is_planned_from_the_rate_assumed():
    plan = riskshift.plan(rate=0.03, width=0.02)
    assert plan.need.independent == trials_for_width(0.03, 0.02)
    rates = [row.rate for row in plan.answer.rows]
    assert rates == [0.03, 0.015, 0.06, 0.5]


def test_a_rule_is_read_as_the_gate_reads_it():
    plan = riskshift.plan(rate=0.03, rule="persistence[hate] <= 5%", power=0.9)
    assert plan.metric == "persistence[hate]"
    assert plan.answer.rule == "persistence[hate] <= 5%"
    assert plan.need.independent == trials_to_pass(0.03, 0.05, power=0.9)
    assert any("p_c >= h" in note for note in plan.notes)


@pytest.mark.parametrize(("extra", "verdict"), [(0, "pass"), (1, "inconclusive")])
def test_the_gate_agrees_about_how_many_events_still_pass(harm, extra, verdict):
    row = riskshift.plan(rate=0.03, rule="escalation <= 0.05").answer.rows[0]
    events, records = row.passes_at + extra, row.need.units
    frame = pl.DataFrame(
        {"prompt_harm": [0] * records, "response_harm": [1] * events + [0] * (records - events)}
    )
    checked = riskshift.check(frame, "escalation <= 0.05", taxonomy=harm)
    assert checked.verdict == verdict


@pytest.mark.parametrize(("short", "verdict"), [(0, "fail"), (1, "inconclusive")])
def test_the_gate_agrees_about_how_many_events_fail(harm, short, verdict):
    row = riskshift.plan(rate=0.08, rule="escalation <= 0.05").answer.rows[0]
    events, records = row.fails_at - short, row.need.units
    frame = pl.DataFrame(
        {"prompt_harm": [0] * records, "response_harm": [1] * events + [0] * (records - events)}
    )
    checked = riskshift.check(frame, "escalation <= 0.05", taxonomy=harm)
    assert checked.verdict == verdict


def test_a_rule_for_a_good_metric_turns_around():
    plan = riskshift.plan(rate=0.97, rule="reduction_to_safe[hate] >= 0.95")
    assert plan.answer.aim == "pass"
    assert plan.need.independent == trials_to_pass(0.03, 0.05)
    assert "or more and fails with" in str(plan)


def test_a_difference_is_planned_from_the_discordance():
    plan = riskshift.plan(difference=0.02, discordant=0.08, confidence=0.9)
    assert plan.need.independent == pairs_for_difference(0.05, 0.03, alpha=0.1)


def test_without_a_question_there_is_an_overview():
    assert riskshift.plan().need is None
    assert {row.rate for row in riskshift.plan(rate=0.2).answer.rows} == {0.2}


# With a file


def test_the_rate_and_what_records_are_worth_come_from_the_file(path, labels):
    plan = riskshift.plan(like=path, width=0.02)
    assert plan.pilot.rate.events == labels.escalated.sum()
    assert plan.answer.rates[0] == labels.escalated.mean()
    assert (plan.pilot.units, plan.pilot.records_per_unit) == (600, 3)
    assert plan.need.independent == trials_for_width(labels.escalated.mean(), 0.02)
    deff = riskshift.analyze(path, resamples=10, permutations=10).rate("escalation").deff
    assert plan.need.records / plan.need.independent == pytest.approx(deff, rel=0.002)
    assert plan.need.records == 3 * plan.need.units


def test_one_model_of_the_file_has_one_record_a_prompt(path, labels):
    plan = riskshift.plan(like=path, width=0.02, model="gpt-oss-120b")
    rate = labels[labels.model == "gpt-oss-120b"].escalated.mean()
    assert plan.answer.rates[0] == pytest.approx(rate, abs=1e-12)
    assert plan.need.records == plan.need.units == plan.need.independent
    assert "design effect" not in str(plan)


def test_disagreements_come_from_the_file(path, labels):
    by_model = labels.pivot_table(index="prompt_id", columns="model", values="escalated")
    plan = riskshift.plan(like=path, difference=0.02)
    assert len(plan.answer.rows) == 3
    for item in plan.pilot.disagreements:
        more = (by_model[item.candidate] > by_model[item.baseline]).mean()
        less = (by_model[item.candidate] < by_model[item.baseline]).mean()
        assert (item.candidate_only, item.baseline_only) == pytest.approx((more, less))
        row = next(r for r in plan.answer.rows if r.discordant == item.discordant)
        assert row.need.independent == pairs_for_difference(
            (more + less + 0.02) / 2, (more + less - 0.02) / 2
        )


def test_prompts_outside_the_denominator_are_counted(path, labels):
    plan = riskshift.plan(like=path, width=0.1, metric="persistence[sexual]")
    inside = labels[labels.prompt_sexual >= 1]
    assert plan.pilot.rate.trials == len(inside)
    assert plan.pilot.occupied == inside.prompt_id.nunique()
    assert plan.need.in_all == -(-plan.need.units * 600 // plan.pilot.occupied)
    assert f"{plan.need.in_all:,} prompts" in str(plan)


def test_what_is_given_beats_the_file(path):
    plan = riskshift.plan(like=path, rate=0.03, rule="escalation <= 0.05")
    assert plan.answer.rate == pytest.approx(0.03)
    assert plan.need.independent == trials_to_pass(0.03, 0.05)
    assert plan.need.records > plan.need.independent
    given = riskshift.plan(like=path, difference=0.02, discordant=0.08)
    assert [row.discordant for row in given.answer.rows] == [0.08]


def test_a_frame_or_records_serve_as_well_as_files(small, harm):
    kept = {"taxonomy": harm}
    from_frame = riskshift.plan(like=small, width=0.2, **kept)
    from_records = riskshift.plan(like=riskshift.read(small, **kept), width=0.2)
    assert from_frame == from_records
    assert from_frame.pilot.rate.events == 1
    with pytest.raises(UsageError, match="read already"):
        riskshift.plan(like=riskshift.read(small, **kept), width=0.2, scale="levels")


def test_one_model_cannot_say_how_often_two_disagree(small, harm):
    plan = riskshift.plan(like=small, difference=0.1, model="b", taxonomy=harm)
    assert plan.answer.source == "range"
    assert "--discordant" in str(plan)


def test_models_on_different_prompts_cannot_either(harm):
    frame = pl.DataFrame(
        {
            "prompt_id": ["p1", "p2", "p3", "p4"],
            "model": ["a", "a", "b", "b"],
            "prompt_harm": [0, 0, 0, 0],
            "response_harm": [1, 0, 0, 0],
        }
    )
    plan = riskshift.plan(like=frame, difference=0.1, taxonomy=harm)
    assert plan.answer.source == "range"


# The story


def figure_of(plan):
    [figure] = tell(plan).figures()
    return figure


def test_the_picture_crosses_what_is_wanted_at_the_number_planned():
    plan = riskshift.plan(rate=0.03, rule="escalation <= 0.05", power=0.9)
    figure = figure_of(plan)
    curve = {row["x"]: row["y"] for row in figure.rows if row["series"] == "chance to pass"}
    wanted = [row for row in figure.rows if row["series"] == "chance wanted"]
    assert {row["y"] for row in wanted} == {0.9}
    assert [row["x"] for row in wanted] == [min(curve), max(curve)]
    assert all(share >= 0.9 for n, share in curve.items() if n >= plan.need.units)
    assert f"reached from {plan.need.units:,} on" in figure.alt


def test_the_picture_counts_prompts_as_in_the_file(path):
    plan = riskshift.plan(like=path, width=0.02)
    widths = {row["x"]: row["y"] for row in figure_of(plan).rows if row["series"] == "rate 6%"}
    assert max(n for n, width in widths.items() if width > 0.02) < plan.need.units
    assert min(n for n, width in widths.items() if width <= 0.02) >= plan.need.units


def test_no_more_curves_are_drawn_than_can_be_told_apart():
    figure = figure_of(riskshift.plan(difference=0.02))
    assert figure.series == (
        *(f"disagreement {share}" for share in ("2%", "3%", "4%", "10%", "20%")),
        "chance wanted",
    )


def test_the_table_names_what_the_file_makes_of_the_number(path):
    plan = riskshift.plan(like=path, width=0.1, metric="persistence[sexual]")
    table = tell(plan).sections[0].blocks[0]
    assert table.columns[1:-1] == ("Independent", "Records", "Prompts", "In all")
    need = plan.need
    numbers = (need.independent, need.records, need.units, need.in_all)
    assert table.rows[0][1:-1] == tuple(f"{n:,}" for n in numbers)


def test_at_the_tolerance_there_is_neither_table_nor_picture():
    document = tell(riskshift.plan(rate=0.05, rule="escalation <= 0.05"))
    assert document.sections == ()
    assert "is the tolerance itself" in document.summary[0]


def test_out_of_reach_is_said_in_the_table():
    document = tell(riskshift.plan(rate=0.4999, rule="escalation <= 0.5"))
    assert document.sections[0].blocks[0].rows[0][1] == ">10,000,000"
    assert not list(document.figures())


# What cannot be planned


def test_a_file_that_says_nothing_about_the_metric_is_refused(harm):
    frame = pl.DataFrame({"prompt_harm": [0, 0], "response_harm": [0, 1]})
    with pytest.raises(DataError, match="no record belongs to the denominator of persistence"):
        riskshift.plan(like=frame, width=0.1, metric="persistence[harm]", taxonomy=harm)


def test_a_file_of_one_prompt_cannot_say_how_others_differ(small, harm):
    one = small.with_columns(pl.lit("p").alias("goal"))
    with pytest.raises(DataError, match="share one value of goal"):
        riskshift.plan(like=one, width=0.1, cluster="goal", taxonomy=harm)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"width": 0.02}, "a width needs a rate: give --rate"),
        ({"rule": "escalation <= 0.05"}, "a rule needs a rate"),
        ({"rate": 3, "width": 0.02}, "such as 0.03 for 3%"),
        ({"rate": float("nan")}, "between 0 and 1"),
        ({"rate": 0.1, "width": 0.1, "difference": 0.1}, "ask one at a time"),
        ({"discordant": 0.1}, "needs a --difference"),
        ({"difference": 0.02, "discordant": 0.01}, "lies between 0.02 and 1"),
        ({"difference": 0.02, "metric": "drift_share[hate]"}, "looks at the response"),
        ({"rate": 0.1, "width": 0.1, "metric": "persistence"}, r"Name one: persistence\[hate\]"),
        ({"rate": 0.1, "width": 0.1, "metric": "escalations"}, "did you mean 'escalation'"),
        ({"rate": 0.1, "rule": "persistence <= 0.2"}, "speaks of every category"),
        ({"rate": 0.1, "rule": "escalation <= 0.2 by model"}, "leave 'by model' out"),
        ({"rate": 0.1, "rule": "escalation <= 0.2", "metric": "escalation"}, "Leave metric out"),
        ({"rate": 0.1, "rule": "escalation"}, "expected <=, <, >= or >"),
        ({"rate": 0.1, "width": 0.1, "scale": "0-7"}, "without like there is nothing to read"),
        ({"rate": 0.1, "width": 0.1, "confidence": 95}, "confidence is 95"),
        ({"rate": 0.1, "rule": "escalation <= 0.2", "power": 80}, "power is 80"),
        ({"rate": 0.1, "width": 2}, "width is 2"),
    ],
)
def test_what_cannot_be_meant_is_said_with_the_fix(given, said):
    with pytest.raises(UsageError, match=said):
        riskshift.plan(**given)


def test_models_are_matched_by_prompt_and_nothing_else(small, harm):
    with pytest.raises(UsageError, match="cluster would change nothing"):
        riskshift.plan(like=small, difference=0.1, cluster="model", taxonomy=harm)


# People's labels for a corrected rate


@pytest.fixture
def judged():
    """600 pairs by a grader, and people's labels of the first 200: 16 harmful, 13 of them found."""
    grader = [1] * 13 + [0] * 3 + [1] * 5 + [0] * 179 + [1] * 36 + [0] * 364
    people = [1] * 16 + [0] * 184
    ids = [f"p{at}" for at in range(600)]
    graded = {"prompt_id": ids, "prompt_harm": [0] * 600, "response_harm": grader}
    labelled = {"prompt_id": ids[:200], "prompt_harm": [0] * 200, "response_harm": people}
    return pl.DataFrame(graded), pl.DataFrame(labelled)


def test_people_beside_a_grader_say_how_good_it_is(judged, harm):
    graded, people = judged
    plan = riskshift.plan(like=graded, people=people, taxonomy=harm, width=0.1)
    # By what the grader says: 54 of 600 flagged, 13 of 18 of them harmful; 3 of 182 of the others.
    rate = 0.09 * 13 / 18 + 0.91 * 3 / 182
    assert plan.answer.rate == pytest.approx(rate)
    assert plan.answer.sensitivity == pytest.approx(0.09 * 13 / 18 / rate)
    assert plan.answer.specificity == pytest.approx(1 - 0.09 * 5 / 18 / (1 - rate))
    assert (plan.answer.graded, plan.answer.labelled) == (600, 200)
    assert plan.answer.labels("random") < plan.answer.labels("alone") < 600


def test_the_rate_and_the_number_of_graded_pairs_may_be_others(judged, harm):
    graded, people = judged
    plan = riskshift.plan(
        like=graded, people=people, taxonomy=harm, width=0.1, rate=0.2, graded=5_000
    )
    assert (plan.answer.rate, plan.answer.graded) == (0.2, 5_000)
    rate = 0.09 * 13 / 18 + 0.91 * 3 / 182
    assert plan.answer.sensitivity == pytest.approx(0.09 * 13 / 18 / rate)


def test_a_grader_may_be_assumed_without_any_file():
    plan = riskshift.plan(
        rate=0.05, sensitivity=0.9, specificity=0.98, graded=20_000, rule="response_harm <= 8%"
    )
    assert plan.answer.aim == "pass"
    assert plan.answer.labelled is None


def test_records_that_share_prompts_take_more_labels(harm):
    ids = [f"p{at % 100}" for at in range(600)]
    bad = [int(at % 100 < 10) for at in range(600)]
    shared = pl.DataFrame(
        {
            "prompt_id": ids,
            "model": [f"m{at // 100}" for at in range(600)],
            "prompt_harm": [0] * 600,
            "response_harm": bad,
        }
    )
    given = {"rate": 0.1, "sensitivity": 0.9, "specificity": 0.95, "width": 0.15}
    alike = riskshift.plan(like=shared, taxonomy=harm, **given)
    apart = riskshift.plan(graded=600, **given)
    assert alike.answer.graded == 600
    assert alike.answer.labels("random") > apart.answer.labels("random")


def test_people_who_did_not_see_what_the_grader_says_cannot_be_planned_with(judged, harm):
    graded, people = judged
    unflagged = people.join(graded.filter(pl.col("response_harm") == 0), on="prompt_id", how="semi")
    with pytest.raises(DataError, match="response_harm: yes"):
        riskshift.plan(
            like=graded, people=unflagged, taxonomy=harm, metric="response_harm", width=0.1
        )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"width": 0.1, "sensitivity": 0.9}, "say how good"),
        ({"difference": 0.1}, "not for a difference"),
        ({"rule": "response_harm - baseline <= 2%"}, "not for a difference"),
        ({}, "depends on what they are for"),
        ({"width": 0.1, "like": None}, "give those too"),
    ],
)
def test_questions_that_do_not_go_with_peoples_labels_are_refused(judged, harm, given, message):
    graded, people = judged
    options = {"like": graded, "people": people, "taxonomy": harm} | given
    with pytest.raises(UsageError, match=message):
        riskshift.plan(**options)
