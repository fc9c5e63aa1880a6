"""A gate on rates corrected by people's labels: it judges people's truth, not the grader's errors."""

import json
import sys

import numpy as np
import polars as pl
import pytest

import riskshift
from riskshift.cli import main
from riskshift.stats.correction import ppi_mean
from riskshift.stats.proportion import clopper_pearson

TWO = riskshift.Taxonomy(["harm"], ["Safe", "Harmful"])
READ = {"taxonomy": TWO, "prompt_labels": "per-row"}


def draw(seed=1, n=2000, labelled=400, rate=0.03, alarms=0.05):
    """A grader with false alarms, and people's labels of a random sample."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) < rate).astype(int)
    graded = np.where(rng.random(n) < alarms, 1, truth)
    base = pl.DataFrame(
        {"prompt_id": range(n), "prompt_harm": [0] * n, "group": ["a", "b"] * (n // 2)}
    )
    grader = base.with_columns(response_harm=pl.Series(graded))
    everything = base.with_columns(response_harm=pl.Series(truth)).drop("group")
    return grader, everything[np.sort(rng.choice(n, labelled, replace=False)).tolist()]


def check(grader, people, rules, **options):
    return riskshift.check(grader, rules, people=people, **READ, **options)


def test_a_grader_with_false_alarms_fails_alone_and_passes_corrected():
    grader, people = draw()
    rule = "response_harm <= 6%"
    assert riskshift.check(grader, rule, **READ).verdict == "fail"
    report = check(grader, people, rule)
    assert report.verdict == "pass"
    result = report.results[0]
    assert result.rate is None
    assert result.corrected.raw > 0.06 > result.corrected.interval.high
    assert "corrected by 400 people's labels" in result.sentence
    assert any("drawn at random" in note for note in report.notes)


def test_a_grader_who_misses_harm_does_not_hide_it():
    grader, people = draw(rate=0.2, alarms=0.0)
    blind = grader.with_columns(
        response_harm=pl.when(pl.int_range(pl.len()) % 10 > 0).then(0).otherwise("response_harm")
    )
    assert riskshift.check(blind, "response_harm <= 10%", **READ).verdict == "pass"
    assert check(blind, people, "response_harm <= 10%").verdict == "fail"


def test_the_interval_is_clopper_pearson_at_the_corrected_size():
    grader, people = draw(2)
    joined = grader.join(people, on="prompt_id", how="left", suffix="_p")
    f, y = joined["response_harm"].to_numpy(), joined["response_harm_p"].to_list()
    labelled, rest = np.zeros((len(f), 2, 2), int), np.zeros((len(f), 2), int)
    for at, (by_grader, by_people) in enumerate(zip(f, y, strict=True)):
        if by_people is None:
            rest[at, by_grader] = 1
        else:
            labelled[at, by_people, by_grader] = 1
    wanted = ppi_mean(labelled, rest)
    size = wanted.effective_n
    ends = clopper_pearson(wanted.estimate * size, size)
    held = check(grader, people, "response_harm <= 6%").results[0].corrected
    assert held.estimate == pytest.approx(wanted.estimate)
    assert (held.interval.low, held.interval.high) == pytest.approx((ends.low, ends.high))
    assert held.interval.method == "clopper-pearson"


def test_without_evidence_it_says_how_many_labels_would_settle_it():
    grader, people = draw(labelled=100)
    result = check(grader, people, "response_harm <= 4%").results[0]
    assert (result.verdict, result.lacks) == ("inconclusive", "prompts")
    assert result.further > 100
    assert "further people's labels" in result.sentence


def test_few_labels_decide_nothing():
    grader, people = draw(labelled=29)
    for rule in ("response_harm <= 99%", "response_harm <= 0.1%"):
        result = check(grader, people, rule).results[0]
        assert (result.verdict, result.lacks) == ("inconclusive", "labels")
        assert "fewer than 30" in result.sentence


def blanked(rows, first):
    """Take the response labels of the first rows away."""
    return rows.with_columns(
        response_harm=pl.when(pl.int_range(pl.len()) < first).then(None).otherwise("response_harm")
    )


def test_labels_that_people_left_out_keep_a_rule_from_passing():
    grader, people = draw()
    result = check(grader, blanked(people, 60), "response_harm <= 7%").results[0]
    assert (result.verdict, result.lacks) == ("inconclusive", "labels")
    assert "60 records lack labels" in result.note


def test_labels_that_only_the_grader_left_out_cannot_hide_what_people_saw():
    grader, people = draw()
    result = check(blanked(grader, 600), people, "response_harm <= 7%").results[0]
    assert result.verdict == "pass"
    assert "600 records lack labels" in result.note
    assert "whatever they are" in result.note


def test_rows_left_out_keep_a_rule_from_passing():
    grader, people = draw()
    bad = grader.with_columns(
        response_harm=pl.when(pl.col("prompt_id") < 900).then(9).otherwise("response_harm")
    )
    people = people.filter(pl.col("prompt_id") >= 900)
    result = check(bad, people, "response_harm <= 8%", skip_bad=True).results[0]
    assert result.verdict == "inconclusive"
    assert "900 records" in result.note


def test_a_sample_chosen_by_severity_is_noticed():
    grader, people = draw()
    assert check(grader, people, "response_harm <= 6%").results[0].note is None
    base = grader.drop("group")
    odd = pl.concat([base.filter(pl.col("response_harm") == at).head(50) for at in (0, 1)])
    note = check(grader, odd, "response_harm <= 60%").results[0].note
    assert "do not look like a random sample" in note


def test_groups_are_judged_one_by_one():
    grader, people = draw()
    results = check(grader, people, "response_harm <= 20% by group").results
    assert [result.group for result in results] == ["a", "b"]
    assert sum(result.corrected.labelled for result in results) == 400
    half = grader.filter(pl.col("group") == "a")
    own = people.join(half.select("prompt_id"), on="prompt_id", how="semi")
    alone = check(half, own, "response_harm <= 20%").results[0]
    assert results[0].corrected == alone.corrected


def test_a_group_all_of_whose_rows_were_left_out_does_not_pass_unseen():
    grader, people = draw()
    bad = grader.with_columns(
        response_harm=pl.when(pl.col("group") == "a").then(9).otherwise("response_harm")
    )
    kept = people.filter(pl.col("prompt_id") % 2 == 1)
    with pytest.raises(riskshift.DataError, match="every row was left out for group 'a'"):
        check(bad, kept, "response_harm <= 50% by group", skip_bad=True)


def test_what_people_cannot_correct_is_refused():
    grader, people = draw()
    with pytest.raises(riskshift.UsageError, match="not differences"):
        check(grader, people, "response_harm - baseline <= 1%", baseline=grader)
    with pytest.raises(riskshift.DataError, match="people labelled no record"):
        check(grader, people, "persistence[harm] <= 5%")
    odd = people.with_columns(
        stratum=pl.lit("response_harm: no"), inclusion_probability=pl.lit(0.2)
    )
    with pytest.raises(riskshift.UsageError, match="stratified sample"):
        check(grader, odd, "response_harm <= 5%")


def test_on_the_command_line(tmp_path, monkeypatch, capsys):
    grader, people = draw()
    grader.write_csv(tmp_path / "g.csv")
    people.write_csv(tmp_path / "p.csv")
    (tmp_path / "t.toml").write_text('categories = ["harm"]\nlevels = ["Safe", "Harmful"]\n')
    monkeypatch.chdir(tmp_path)
    told = "check g.csv --people p.csv --taxonomy t.toml --format json --rule"
    monkeypatch.setattr(sys, "argv", ["riskshift", *told.split(), "response_harm <= 6%"])
    with pytest.raises(SystemExit) as end:
        main()
    made = json.loads(capsys.readouterr().out)
    assert (end.value.code, made["verdict"], made["people"]) == (0, "pass", "p.csv")
    keys = {"estimate", "low", "high", "method", "confidence", "labelled"}
    keys |= {"effective_n", "trust", "raw"}
    assert set(made["verdicts"][0]["corrected"]) == keys
