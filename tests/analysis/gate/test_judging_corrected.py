"""A gate on rates corrected by people's labels: it judges people's truth, not the grader's errors."""

import json
import sys

import numpy as np
import polars as pl
import pytest
from jsonschema import Draft202012Validator

import riskshift
import riskshift.report.render.gate
from riskshift.cli import main
from riskshift.report.writing import json_schema
from riskshift.stats.graded.correction import ppi_rate
from riskshift.stats.graded.strata import stratified_rate
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
    wanted = ppi_rate(labelled, rest)
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
    assert (result.further, "even people's labels of all pairs" in result.sentence) == (None, True)
    grader, people = draw(n=6000, labelled=300)
    result = check(grader, people, "response_harm <= 4%").results[0]
    assert 100 < result.further <= 6000 - 300
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
    assert result.corrected.labelled == len(people)
    assert result.note is None


def test_nothing_of_300_by_people_is_no_pass_by_a_grader_that_never_flags():
    """Clopper-Pearson of 0 of 300 ends at 1.2 %."""
    grader, _ = draw()
    never = grader.with_columns(response_harm=pl.lit(0))
    people = never.drop("group").sample(300, seed=1)
    result = check(never, people, "response_harm <= 1%").results[0]
    assert result.verdict == "inconclusive"
    wanted = clopper_pearson(0, 300)
    assert result.corrected.interval.high == pytest.approx(wanted.high)
    assert check(never, people, "response_harm <= 1.3%").verdict == "pass"


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
    result = check(grader, odd, "response_harm <= 90%").results[0]
    assert "do not look like a random sample" in result.note
    assert (result.verdict, result.lacks) == ("inconclusive", "labels")
    assert result.sentence.startswith("Not a random sample")


def test_what_does_not_fit_the_drawing_is_said():
    grader, people = draw()
    base = grader.drop("group")
    own = base.filter(pl.col("prompt_id").is_in(people["prompt_id"].to_list()))
    assert any("own file" in note for note in check(grader, own, "response_harm <= 60%").notes)
    drawn = people.with_columns(inclusion_probability=pl.lit(0.2))
    rule = "response_harm <= 60%"
    assert check(grader, drawn, rule).doubts == ()
    assert "people's file holds 100" in check(grader, drawn[:100], rule).doubts[0]


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
    with pytest.raises(riskshift.DataError, match="people labelled no record"):
        check(grader, people, "persistence[harm] <= 5%")
    odd = people.with_columns(
        stratum=pl.lit("response_harm: no"), inclusion_probability=pl.lit(0.2)
    )
    odd = odd.join(grader.filter(pl.col("response_harm") == 0), on="prompt_id", how="semi")
    with pytest.raises(riskshift.DataError, match="stratum response_harm: yes"):
        check(grader, odd, "response_harm <= 5%")


# Samples drawn by strata


def by_strata(grader, people_of_all, sizes, seed=1):
    """People's labels of some pairs of each stratum, as `riskshift sample` writes them."""
    rng, parts = np.random.default_rng(seed), []
    for at, name in enumerate(("no", "yes")):
        ids = grader.filter(pl.col("response_harm") == at)["prompt_id"].to_numpy()
        chosen = np.sort(rng.choice(ids, sizes[at], replace=False)).tolist()
        part = people_of_all.filter(pl.col("prompt_id").is_in(chosen))
        parts.append(
            part.with_columns(
                stratum=pl.lit(f"response_harm: {name}"),
                inclusion_probability=pl.lit(sizes[at] / len(ids)),
            )
        )
    return pl.concat(parts)


def test_a_stratified_sample_is_judged_by_clopper_pearson_in_each_stratum():
    grader, everything = draw(3, labelled=2000)
    people = by_strata(grader, everything, (300, 100))
    result = check(grader, people, "response_harm <= 6%").results[0]
    cells, pairs, weight = [], [], []
    joined = grader.join(people, on="prompt_id", how="left", suffix="_p")
    counts = joined.group_by("response_harm", "response_harm_p").len()
    for flagged, event, n in counts.iter_rows():
        cell = np.zeros((2, 2), int)
        if event is not None:
            cell[flagged, event] = 1
        cells.append(cell)
        pairs.append([1 - flagged, flagged])
        weight.append(n)
    wanted = stratified_rate(np.array(cells), pairs, weight, method=clopper_pearson)
    held = result.corrected
    assert held.estimate == pytest.approx(wanted.estimate)
    assert held.interval.low == pytest.approx(wanted.interval.low)
    assert held.interval.high == pytest.approx(wanted.interval.high)
    assert held.interval.method == "mover-clopper-pearson"
    assert (held.labelled, held.trust) == (400, None)
    assert (result.verdict, result.note) == ("pass", None)
    assert check(grader, people, "response_harm <= 1%").verdict == "fail"


def test_a_metric_with_a_denominator_is_judged_by_strata_too():
    grader, everything = draw(3, labelled=2000)
    harmful = pl.col("prompt_id") % 2
    grader = grader.with_columns(prompt_harm=harmful)
    people = by_strata(grader, everything.with_columns(prompt_harm=harmful), (300, 100))
    result = check(grader, people, "persistence[harm] <= 10%").results[0]
    assert result.verdict == "pass"
    assert 150 < result.corrected.labelled < 250


def test_rows_left_out_of_strata_keep_a_rule_from_passing():
    grader, everything = draw(3, labelled=2000)
    people = by_strata(grader, everything, (300, 100))
    rule = "response_harm <= 12%"
    lost = grader.with_columns(
        response_harm=pl.when(pl.col("prompt_id") < 900).then(None).otherwise("response_harm")
    )
    kept = by_strata(lost, everything, (150, 40))
    result = check(lost, kept, rule).results[0]
    assert (result.verdict, result.lacks) == ("inconclusive", "labels")
    assert "900 records lack labels" in result.note
    assert check(grader, people, rule).verdict == "pass"


# Rules about a baseline


def pairs(seed=1, n=2000, rates=(0.03, 0.03), alarms=(0.0, 0.06), model=True):
    """Truth and grader's labels of a baseline and a candidate on the same prompts."""
    rng = np.random.default_rng(seed)
    made = []
    for name, rate, alarm in zip(("old", "new"), rates, alarms, strict=True):
        truth = (rng.random(n) < rate).astype(int)
        graded = np.where(rng.random(n) < alarm, 1, truth)
        base = {"prompt_id": range(n), "prompt_harm": [0] * n}
        base |= {"model": [name] * n} if model else {}
        made.append([pl.DataFrame(base | {"response_harm": labels}) for labels in (graded, truth)])
    return made


def sampled(everything, n=600, seed=1):
    return everything.sample(n, seed=seed)


DIFFERENCE = "response_harm - baseline <= 3%"


def test_a_grader_that_is_unfair_to_the_candidate_does_not_fail_it():
    (old, old_truth), (new, new_truth) = pairs()
    assert riskshift.check(new, DIFFERENCE, baseline=old, **READ).verdict == "fail"
    people = pl.concat([sampled(old_truth), sampled(new_truth, seed=2)])
    report = check(new, people, DIFFERENCE, baseline=old)
    result = report.results[0]
    assert report.verdict == "pass"
    assert (result.rate, result.difference, result.corrected) == (None, None, None)
    gap = result.corrected_difference
    assert gap.labelled == {"candidate": 600, "baseline": 600}
    assert gap.raw > 0.03 > gap.interval.high
    assert (gap.prompts, gap.unmatched, gap.missing) == (2000, {}, 0)
    assert "corrected by 1,200 people's labels" in result.sentence
    assert "At most 3 points above the baseline" in result.sentence
    told = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    Draft202012Validator(json_schema("gate")).validate(told)
    assert told["people"] == "the polars frame"


def test_the_gap_is_that_of_a_comparison():
    (old, old_truth), (new, new_truth) = pairs(4, rates=(0.02, 0.08))
    people = pl.concat([sampled(old_truth), sampled(new_truth, seed=2)])
    result = check(new, people, DIFFERENCE, baseline=old).results[0]
    both = riskshift.compare(
        pl.concat([old, new]), baseline="old", people=people, metrics=["response_harm"], **READ
    ).corrected.differences[0]
    gap = result.corrected_difference
    assert gap.estimate == pytest.approx(both.difference)
    assert gap.interval.low == pytest.approx(both.interval.low)
    assert gap.interval.high == pytest.approx(both.interval.high)
    assert gap.rates["candidate"] == pytest.approx(both.candidate_rate.estimate)
    assert result.verdict == "fail" or gap.interval.low <= 0.03


def test_people_s_labels_of_the_baseline_can_stand_in_a_file_of_their_own():
    (old, old_truth), (new, new_truth) = pairs(model=False)
    people, other = sampled(new_truth, seed=2), sampled(old_truth)
    result = check(new, people, DIFFERENCE, baseline=old, baseline_people=other).results[0]
    (named_old, old_named), (named_new, new_named) = pairs()
    joint = pl.concat([sampled(new_named, seed=2), sampled(old_named)])
    wanted = check(named_new, joint, DIFFERENCE, baseline=named_old).results[0]
    assert result.corrected_difference == wanted.corrected_difference
    with pytest.raises(riskshift.DataError, match="does not tell whose pairs it labels"):
        check(new, people, DIFFERENCE, baseline=old)
    with pytest.raises(riskshift.UsageError, match="need a baseline"):
        check(new, people, "response_harm <= 5%", baseline_people=other)


def test_labels_of_pairs_on_neither_side_are_refused_unless_models_are_named():
    (old, old_truth), (new, new_truth) = pairs()
    third = sampled(new_truth).with_columns(model=pl.lit("other"))
    people = pl.concat([sampled(old_truth), sampled(new_truth, seed=2), third])
    with pytest.raises(riskshift.DataError, match="600 pairs are not in"):
        check(new, people, DIFFERENCE, baseline=old)
    everyone = pl.concat([old, new, new.with_columns(model=pl.lit("other"))])
    chosen = {"baseline": everyone, "baseline_model": "old", "model": "new"}
    result = check(everyone, people, DIFFERENCE, **chosen).results[0]
    assert result.corrected_difference.labelled == {"candidate": 600, "baseline": 600}


def test_rules_about_rates_and_about_a_baseline_go_together():
    (old, old_truth), (new, new_truth) = pairs()
    people = pl.concat([sampled(old_truth), sampled(new_truth, seed=2)])
    report = check(new, people, [DIFFERENCE, "response_harm <= 6%"], baseline=old)
    gap, share = report.results
    alone = check(new, sampled(new_truth, seed=2), "response_harm <= 6%").results[0]
    assert share.corrected == alone.corrected
    assert gap.corrected_difference.rates["candidate"] == pytest.approx(share.corrected.estimate)
    riskshift.report.render.gate.to_junit(report)


def test_groups_of_the_candidate_are_compared_one_by_one():
    (old, old_truth), (new, new_truth) = pairs()
    grouped = new.with_columns(
        topic=pl.when(pl.col("prompt_id") % 2 == 0).then(pl.lit("a")).otherwise(pl.lit("b"))
    )
    people = pl.concat([sampled(old_truth, 900), sampled(new_truth, 900, seed=2)])
    results = check(
        grouped, people, "response_harm - baseline <= 9% by topic", baseline=old
    ).results
    assert [result.group for result in results] == ["a", "b"]
    assert all(result.corrected_difference.prompts == 1000 for result in results)
    assert sum(r.corrected_difference.labelled["candidate"] for r in results) == 900
    half = pl.col("prompt_id") % 2 == 0
    alone = check(
        new.filter(half),
        people.filter(half),
        "response_harm - baseline <= 9%",
        baseline=old.filter(half),
    ).results[0]
    assert results[0].corrected_difference.interval == alone.corrected_difference.interval


def test_a_group_answers_for_its_own_missing_labels_only():
    (old, old_truth), (new, new_truth) = pairs()
    grouped = new.with_columns(topic=pl.when(pl.col("prompt_id") < 1000).then(0).otherwise(1))
    unlabelled = (pl.col("model") == "new") & (pl.col("prompt_id") >= 1900)
    people = pl.concat([sampled(old_truth, 900), sampled(new_truth, 900, seed=2)])
    blank = people.with_columns(
        response_harm=pl.when(unlabelled).then(None).otherwise("response_harm")
    )
    rule = "response_harm - baseline <= 9% by topic"
    first, second = check(grouped, blank, rule, baseline=old).results
    assert first.corrected_difference.missing == 0
    assert second.corrected_difference.missing == people.filter(unlabelled).height > 0


def test_few_labels_on_either_side_decide_nothing():
    (old, old_truth), (new, new_truth) = pairs()
    people = pl.concat([sampled(old_truth, 20), sampled(new_truth, seed=2)])
    result = check(new, people, "response_harm - baseline <= 90%", baseline=old).results[0]
    assert (result.verdict, result.lacks) == ("inconclusive", "labels")
    assert "on either side" in result.sentence
    with pytest.raises(riskshift.DataError, match="people labelled no record on prompts"):
        check(new, sampled(new_truth), DIFFERENCE, baseline=old)


def test_missing_labels_keep_a_baseline_rule_from_passing():
    (old, old_truth), (new, new_truth) = pairs(alarms=(0, 0))
    people = pl.concat([sampled(old_truth), sampled(new_truth, seed=2)])
    assert check(new, people, DIFFERENCE, baseline=old).verdict == "pass"
    result = check(new, blanked(people, 60), DIFFERENCE, baseline=old).results[0]
    assert "60 records lack labels" in result.note
    bad = new.with_columns(
        response_harm=pl.when(pl.col("prompt_id") < 300).then(9).otherwise("response_harm")
    )
    seen = people.filter((pl.col("model") == "old") | (pl.col("prompt_id") >= 300))
    result = check(bad, seen, DIFFERENCE, baseline=old, skip_bad=True).results[0]
    assert (result.verdict, result.lacks) == ("inconclusive", "labels")


def test_without_evidence_a_gap_says_how_many_labels_would_settle_it():
    (old, old_truth), (new, new_truth) = pairs()
    people = pl.concat([sampled(old_truth, 100), sampled(new_truth, 100, seed=2)])
    result = check(new, people, DIFFERENCE, baseline=old).results[0]
    assert result.verdict == "inconclusive"
    assert 0 < result.further <= 4000 - 200
    assert "further people's labels" in result.sentence


def test_stratified_samples_of_both_sides_are_compared():
    (old, old_truth), (new, new_truth) = pairs()
    parts = [
        by_strata(graded, truth, sizes)
        for graded, truth, sizes in ((old, old_truth, (300, 40)), (new, new_truth, (300, 100)))
    ]
    result = check(
        new, parts[1], "response_harm - baseline <= 4%", baseline=old, baseline_people=parts[0]
    ).results[0]
    assert result.verdict == "pass"
    assert result.corrected_difference.interval.method == "mover-wilson"
    plain_sample = sampled(old_truth)
    with pytest.raises(riskshift.UsageError, match="drawn in different ways"):
        check(new, parts[1], DIFFERENCE, baseline=old, baseline_people=plain_sample)


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
