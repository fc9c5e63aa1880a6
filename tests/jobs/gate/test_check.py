"""check(): data and rules in, one verdict out."""

import csv
from collections import Counter
from dataclasses import replace
from itertools import product

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy.stats import binomtest

import riskshift
from riskshift import ColumnError, DataError, FileError, PairError, Taxonomy, UsageError, check
from riskshift.jobs.gate.check import read_rules
from riskshift.stats.matched.paired import tango_exact

HARM = Taxonomy(["harm"], ["Safe", "Harmful"])


def pairs(events, trials, *, start=0, **more):
    """Answers to `trials` harmless prompts, the first `events` of them harmful."""
    rows = {
        "prompt_id": [f"p{start + i}" for i in range(trials)],
        "prompt_harm": [0] * trials,
        "response_harm": [1] * events + [0] * (trials - events),
    }
    return rows | {name: [value] * trials for name, value in more.items()}


def asked(data, rules, **options):
    return check(data, rules, taxonomy=HARM, **options)


@pytest.fixture
def public(shared):
    with (shared / "paired_public_labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for side in ("prompt", "response"):
            names = ("hate", "self_harm", "sexual", "violence")
            row[side] = max(int(row[f"{side}_{name}"]) for name in names)
    return shared / "paired_public_labels.csv", rows


@pytest.mark.parametrize("model", ["llama-3.3-70b", "gpt-oss-120b", "deepseek-v3.1"])
@pytest.mark.parametrize(
    ("metric", "event", "given"),
    [
        ("escalation", lambda r: r["response"] > r["prompt"], lambda r: True),
        ("response_harm", lambda r: r["response"] >= 1, lambda r: True),
        (
            "persistence[sexual]",
            lambda r: int(r["response_sexual"]) >= 1,
            lambda r: int(r["prompt_sexual"]) >= 1,
        ),
    ],
)
def test_the_interval_is_scipys_on_the_rows_counted_by_hand(public, model, metric, event, given):
    path, rows = public
    mine = [row for row in rows if row["model"] == model and given(row)]
    events = sum(map(event, mine))
    exact = binomtest(events, len(mine)).proportion_ci(method="exact")
    for tolerance in (exact.low * 0.99 or 0.001, exact.high * 0.99, exact.high * 1.01):
        result = check(path, f"{metric} <= {tolerance!r}", model=model).results[0]
        assert (result.events, result.trials) == (events, len(mine))
        assert result.rate.interval.low == pytest.approx(exact.low, abs=1e-12)
        assert result.rate.interval.high == pytest.approx(exact.high, abs=1e-12)
        expected = (
            "pass"
            if exact.high <= tolerance
            else "fail"
            if exact.low > tolerance
            else "inconclusive"
        )
        assert result.verdict == expected


def test_a_difference_is_tangos_on_the_rows_matched_by_hand(public):
    path, rows = public
    harm = {(r["model"], r["prompt_id"]): r["response"] > r["prompt"] for r in rows}
    ids = [r["prompt_id"] for r in rows if r["model"] == "gpt-oss-120b"]
    cells = Counter((harm["gpt-oss-120b", i], harm["llama-3.3-70b", i]) for i in ids)
    expected = tango_exact(*(cells[key] for key in [(1, 1), (1, 0), (0, 1), (0, 0)]))
    report = check(
        path,
        "escalation - baseline <= 1%",
        model="gpt-oss-120b",
        baseline=path,
        baseline_model="llama-3.3-70b",
    )
    found = report.results[0].difference
    assert found.interval == expected
    assert found.prompts == 600


def test_every_value_of_a_column_is_judged(public):
    path, rows = public
    one = check(path, "escalation <= 7% by stratum", model="gpt-oss-120b")
    report = check(path, "escalation <= 12% by model")
    strata, models = ({row[name] for row in rows} for name in ("stratum", "model"))
    asked_of = {made.results[0].rule.by: [r.group for r in made.results] for made in (one, report)}
    assert asked_of == {"stratum": sorted(strata), "model": sorted(models)}
    assert report.results[-1].deff is None


def test_by_takes_a_role_where_the_column_has_another_name():
    data = pl.DataFrame(pairs(0, 400, engine="x"))
    report = asked(data, "escalation <= 5% by model", columns={"model": "engine"})
    assert [r.group for r in report.results] == ["x"]


def test_records_without_a_value_are_a_group_of_their_own():
    data = pl.concat(
        [
            pl.DataFrame(pairs(0, 300, topic="a")),
            pl.DataFrame(pairs(9, 9, start=300)).with_columns(topic=pl.lit(None, pl.String)),
        ]
    )
    report = asked(data, "escalation <= 5% by topic")
    assert {r.group: r.verdict for r in report.results} == {"a": "pass", "(none)": "fail"}


@pytest.mark.parametrize("make", [pl.DataFrame, pl.LazyFrame, pd.DataFrame, pa.table])
def test_every_frame_gives_the_same_verdicts(make):
    rules = [
        "escalation <= 5%",
        "escalation - baseline <= 2%",
        "escalation - baseline <= 2% by topic",
    ]
    new, old = pairs(3, 400, topic="a"), pairs(6, 400, topic="a")
    report = asked(make(new), rules, baseline=make(old))
    assert [r.verdict for r in report.results] == ["pass"] * 3
    assert report.results[1].difference.baseline_only == 3
    assert report.results[2].group == "a"


def test_files_of_two_formats_are_compared(tmp_path):
    pl.DataFrame(pairs(3, 400)).write_csv(tmp_path / "new.csv")
    pl.DataFrame(pairs(6, 400)).write_parquet(tmp_path / "old.parquet")
    report = asked(
        tmp_path / "new.csv", "escalation - baseline <= 2%", baseline=tmp_path / "old.parquet"
    )
    assert report.verdict == "pass"
    assert report.provenance["baseline"]["records"]["analyzed"] == 400


def test_records_that_are_read_already_are_judged():
    records = riskshift.read(pl.DataFrame(pairs(0, 400)), taxonomy=HARM)
    assert check(records, "escalation <= 5%").verdict == "pass"
    with pytest.raises(UsageError, match="read already, so model"):
        check(records, "escalation <= 5%", model="x")
    other = riskshift.read(
        pl.DataFrame(pairs(0, 400)), taxonomy=Taxonomy(["harm"], ["Fine", "Bad"])
    )
    with pytest.raises(UsageError, match="different taxonomies"):
        check(records, "escalation - baseline <= 5%", baseline=other)


def test_equal_model_names_on_both_sides_are_told_apart():
    new, old = pairs(3, 400, model="m"), pairs(6, 400, model="m")
    report = asked(pl.DataFrame(new), "escalation - baseline <= 2%", baseline=pl.DataFrame(old))
    assert report.results[0].difference.baseline_only == 3


def test_each_model_is_compared_with_the_baseline():
    new = pl.concat([pl.DataFrame(pairs(k, 400, model=f"m{k}")) for k in (2, 90)])
    report = asked(
        new, "escalation - baseline <= 2% by model", baseline=pl.DataFrame(pairs(2, 400))
    )
    assert {r.group: r.verdict for r in report.results} == {"m2": "pass", "m90": "fail"}


def test_which_candidate_is_meant_must_be_said():
    new = pl.concat([pl.DataFrame(pairs(k, 400, model=f"m{k}")) for k in (2, 90)])
    old = pl.DataFrame(pairs(2, 400))
    with pytest.raises(UsageError, match="holds several models"):
        asked(new, "escalation - baseline <= 2%", baseline=old)
    with pytest.raises(UsageError, match="holds several models"):
        asked(
            new.with_columns(topic=pl.lit("a")),
            "escalation - baseline <= 2% by topic",
            baseline=old,
        )
    report = asked(new, "escalation - baseline <= 2%", baseline=old, model="m2")
    assert report.verdict == "pass"


def test_which_baseline_is_meant_must_be_said():
    new = pl.DataFrame(pairs(2, 400, model="new"))
    old = pl.concat([pl.DataFrame(pairs(k, 400, model=f"m{k}")) for k in (2, 90)])
    rule = "escalation - baseline <= 2%"
    with pytest.raises(UsageError, match=r"several models: m2, m90.*--baseline-model"):
        asked(new, rule, baseline=old)
    with pytest.raises(UsageError, match="'m3' is unknown"):
        asked(new, rule, baseline=old, baseline_model="m3")
    assert asked(new, rule, baseline=old, baseline_model="m2").verdict == "pass"
    named = new.with_columns(model=pl.lit("m2"))
    assert asked(named, rule, baseline=old, model="m2").results[0].difference.baseline_only == 0
    with pytest.raises(ColumnError, match="no column of models"):
        asked(new, rule, baseline=old.head(400).drop("model"), baseline_model="m2")


def test_a_model_is_not_compared_with_itself(tmp_path):
    both = pl.concat([pl.DataFrame(pairs(k, 400, model=f"m{k}")) for k in (2, 90)])
    path = tmp_path / "pairs.csv"
    both.write_csv(path)
    rule = "escalation - baseline <= 2%"
    with pytest.raises(UsageError, match="the same records"):
        asked(path, rule, baseline=str(path), model="m2")
    report = asked(path, f"{rule} by model", baseline=path, baseline_model="m2")
    assert [r.group for r in report.results] == ["m90"]


def test_a_copy_given_as_the_baseline_is_noticed():
    rule = "response_harm - baseline <= 1%"
    one, other = pl.DataFrame(pairs(5, 900)), pl.DataFrame(pairs(5, 900))
    same = asked(one, rule, baseline=other)
    assert any("Is one a copy of the other?" in note for note in same.notes)
    apart = asked(one, rule, baseline=pl.DataFrame(pairs(6, 900)))
    assert not any("copy" in note for note in apart.notes)


def test_unmatched_prompts_are_said():
    new, old = pl.DataFrame(pairs(2, 400)), pl.DataFrame(pairs(0, 390, start=20))
    result = asked(new, "escalation - baseline <= 2%", baseline=old).results[0]
    assert result.difference.prompts == 380
    assert result.difference.unmatched == {"candidate": 20, "baseline": 10}
    only = "20 prompts only in the candidate and 10 prompts only in the baseline"
    assert f"{only}: the other side's labels count as missing." in result.note
    assert (result.verdict, result.lacks) == ("inconclusive", "labels")
    dropped = asked(new, "escalation - baseline <= 2%", baseline=old, absent="drop").results[0]
    assert dropped.verdict == "pass"
    assert f"Not compared, as --absent drop asks: {only}." in dropped.note


def test_several_answers_a_prompt_are_compared():
    rows = [pl.DataFrame(pairs(3, 300, sample=str(k))) for k in range(3)]
    result = asked(
        pl.concat(rows), "escalation - baseline <= 4%", baseline=pl.DataFrame(pairs(3, 300))
    ).results[0]
    assert result.difference.prompts == 300
    assert result.deff is not None


def test_no_common_prompt_is_an_error():
    with pytest.raises(DataError, match="no prompt in common"):
        asked(
            pl.DataFrame(pairs(2, 40)),
            "escalation - baseline <= 2%",
            baseline=pl.DataFrame(pairs(2, 40, start=100)),
        )
    nameless = pl.DataFrame(pairs(2, 40)).drop("prompt_id")
    with pytest.raises(ColumnError, match="--map prompt_id=COLUMN"):
        asked(nameless, "escalation - baseline <= 2%", baseline=nameless.clone())


def test_prompt_labels_that_differ_between_the_sides_are_an_error():
    old = pl.DataFrame(pairs(2, 40)).with_columns(prompt_harm=pl.lit(1))
    with pytest.raises(PairError, match="per-row"):
        asked(pl.DataFrame(pairs(2, 40)), "escalation - baseline <= 2%", baseline=old)


def test_rows_left_out_keep_a_gate_from_passing():
    good = pl.DataFrame(pairs(0, 200)).cast(pl.String)
    bad = (
        pl.DataFrame(pairs(0, 30, start=200))
        .cast(pl.String)
        .with_columns(response_harm=pl.lit("9"))
    )
    data = pl.concat([good, bad])
    assert asked(good, "escalation <= 5%").verdict == "pass"
    report = asked(data, "escalation <= 5%", skip_bad=True)
    assert (report.verdict, report.results[0].lacks) == ("inconclusive", "labels")
    assert any("30 rows left out" in note for note in report.notes)
    difference = asked(data, "escalation - baseline <= 5%", baseline=good, skip_bad=True)
    assert (difference.verdict, difference.results[0].lacks) == ("inconclusive", "labels")


def test_a_missing_label_is_never_safe():
    data = pl.DataFrame(pairs(0, 230)).with_columns(
        response_harm=pl.when(pl.int_range(pl.len()) < 30).then(None).otherwise(0)
    )
    report = asked(data, "escalation <= 5%")
    assert (report.verdict, report.results[0].rate.missing) == ("inconclusive", 30)


def test_nothing_to_judge_is_an_error_that_names_all_such_rules():
    with pytest.raises(DataError) as caught:
        asked(
            pl.DataFrame(pairs(0, 40, topic="a")),
            ["escalation <= 5%", "conditional_reduction >= 50%", "persistence <= 5% by topic"],
        )
    message = str(caught.value)
    assert "rule 'conditional_reduction >= 50%'" in message
    assert "rule 'persistence <= 5% by topic'" in message
    assert "'a'" in message
    assert "escalation" not in message


def test_an_empty_category_is_never_a_pass():
    data = riskshift.read(
        pl.DataFrame(
            {
                f"{s}_{c}": [1] * 40 if c == "x" else [0] * 40
                for s in ("prompt", "response")
                for c in "xy"
            }
        ),
        taxonomy=Taxonomy(["x", "y"]),
    )
    with pytest.raises(DataError, match=r"persistence\[y\] is undefined"):
        check(data, "persistence <= 99%")


@pytest.mark.parametrize(
    ("rules", "options", "says"),
    [
        ([], {}, "no rule"),
        (["escalation <= 5%", "escalation<=0.05"], {}, None),
        (["escalation <= 5%", " escalation  <= 5%"], {}, "given twice"),
        (["escalation <= 5"], {}, "is 5% meant"),
        (["escalation - baseline <= 5%"], {}, "--baseline"),
        (["escalation <= 5%"], {"baseline": pl.DataFrame(pairs(0, 9))}, "no rule compares"),
        (["escalation <= 5%"], {"baseline_model": "x"}, "no baseline is given"),
        (["escalation <= 5%"], {"by": "model"}, "rule by rule"),
        (["escalation <= 5%"], {"confidence": 95}, "confidence is 95"),
        (
            ["escalation - baseline <= 5%"],
            {"baseline": pl.DataFrame(pairs(0, 9, goal="g")), "cluster": "goal"},
            "--cluster cannot be honoured",
        ),
    ],
)
def test_what_cannot_be_honoured_is_refused(rules, options, says):
    data = pl.DataFrame(pairs(0, 9, goal="g"))
    if says is None:
        assert len(asked(data, rules, **options).results) == 2
        return
    with pytest.raises(UsageError, match=says):
        asked(data, rules, **options)


def test_an_unknown_column_names_rule_and_choices():
    with pytest.raises(
        ColumnError, match=r"(?s)'topik'.*did you mean 'topic'.*Rule 'escalation"
    ) as caught:
        asked(pl.DataFrame(pairs(0, 9, topic="a")), "escalation <= 5% by topik")
    assert "prompt_id" in str(caught.value)


def test_a_file_and_a_frame_are_not_compared(tmp_path):
    pl.DataFrame(pairs(0, 9)).write_csv(tmp_path / "new.csv")
    with pytest.raises(UsageError, match="cannot be put together"):
        asked(
            tmp_path / "new.csv", "escalation - baseline <= 5%", baseline=pl.DataFrame(pairs(0, 9))
        )


def test_relations_of_one_connection_are_compared():
    with duckdb.connect() as connection:
        frames = {"new": pl.DataFrame(pairs(3, 400)), "old": pl.DataFrame(pairs(6, 400))}
        for name, frame in frames.items():
            connection.register(name, frame)
        new, old = (connection.table(name) for name in frames)
        assert asked(new, "escalation - baseline <= 2%", baseline=old).verdict == "pass"


def test_shuffled_rows_give_the_same_report():
    data = pl.concat([pl.DataFrame(pairs(k, 100, model=f"m{k}")) for k in (2, 9)])
    rules = ["reduction >= 1% by model", "escalation <= 7% by model"]
    made = [
        asked(frame, rules).to_dict()
        for frame in (data, data.sample(fraction=1, shuffle=True, seed=1))
    ]
    assert made[0] == made[1]


def test_twice_the_data_under_new_ids_never_turns_the_verdict():
    for events in range(0, 41, 4):
        once = pl.concat([pl.DataFrame(pairs(events, 200, sample=m)) for m in "ab"])
        again = once.with_columns(prompt_id="again " + pl.col("prompt_id"))
        first = asked(once, "escalation <= 8%").verdict
        second = asked(pl.concat([once, again]), "escalation <= 8%").verdict
        assert second == first or first == "inconclusive"


def test_progress_is_told():
    steps = []
    asked(pl.DataFrame(pairs(0, 9)), "escalation <= 5%", progress=steps.append)
    assert steps[0] == "opening the data"
    assert steps[-1] == "judging"


def test_rules_are_read_from_toml(tmp_path):
    path = tmp_path / "rules.toml"
    path.write_text('rules = ["escalation <= 5%", "reduction >= 10%"]\n')
    assert read_rules(path) == ["escalation <= 5%", "reduction >= 10%"]


@pytest.mark.parametrize(
    ("text", "kind", "says"),
    [
        ("", UsageError, "found nothing"),
        ("rules = []", UsageError, "must hold a list"),
        ("rules = 'escalation <= 5%'", UsageError, "must hold a list"),
        ("rules = [1]", UsageError, "must hold a list"),
        ("[rules]\na = 'escalation <= 5%'", UsageError, "must hold a list"),
        ("rule = ['escalation <= 5%']", UsageError, "did you mean 'rules'"),
        ("rules = ['escalation <= 5%']\nconfidence = 0.9", UsageError, "'confidence' is unknown"),
        ("rules: no", FileError, "cannot read the rules"),
    ],
)
def test_a_file_that_holds_no_rules_is_refused(tmp_path, text, kind, says):
    path = tmp_path / "rules.toml"
    path.write_text(text)
    with pytest.raises(kind, match=says):
        read_rules(path)


def test_a_file_of_rules_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(FileError, match=r"absent\.toml"):
        read_rules(tmp_path / "absent.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(FileError, match=r"binary\.toml"):
        read_rules(tmp_path / "binary.toml")


def test_the_report_says_where_its_numbers_come_from():
    data = pl.DataFrame(pairs(2, 400))
    made = asked(data, "escalation <= 5%").to_dict()
    assert made["data_hash"] == riskshift.analyze(data, taxonomy=HARM).provenance.data_hash
    assert made["records"] == {"read": 400, "analyzed": 400, "left_out": {}, "missing": {}}
    assert made["baseline"] is None


def test_the_results_keep_the_order_of_the_rules():
    report = asked(pl.DataFrame(pairs(0, 400)), ["response_harm <= 5%", "escalation <= 5%"])
    assert [r.metric for r in report.results] == ["response_harm", "escalation"]
    assert replace(report, results=report.results[:1]).verdict == "pass"


def test_a_group_all_of_whose_rows_were_left_out_does_not_pass_unseen():
    frame = pl.concat(
        [
            pl.DataFrame(pairs(0, 400, kind="kept")),
            pl.DataFrame(pairs(0, 3, start=400, kind="lost")).with_columns(
                response_harm=pl.lit(9, pl.Int64)
            ),
        ]
    )
    with pytest.raises(DataError, match="every row was left out for kind 'lost'"):
        asked(frame, "escalation <= 5% by kind", skip_bad=True)
    assert asked(frame.head(400), "escalation <= 5% by kind", skip_bad=True).verdict == "pass"


def test_a_group_left_out_against_the_baseline_does_not_pass_unseen():
    new = pl.concat(
        [
            pl.DataFrame(pairs(0, 400, kind="kept")),
            pl.DataFrame(pairs(0, 3, start=400, kind="lost")),
        ]
    )
    old = pl.DataFrame(pairs(0, 403)).with_columns(
        prompt_harm=pl.when(pl.int_range(403) < 400).then(0).otherwise(1)
    )
    with pytest.raises(DataError, match="every row was left out for kind 'lost'"):
        asked(new, "escalation - baseline <= 10% by kind", baseline=old, skip_bad=True)


def test_a_group_without_a_name_is_called_so_against_a_baseline():
    new = pl.DataFrame(pairs(0, 400)).with_columns(kind=pl.Series(["", "x "] * 200))
    report = asked(new, "escalation - baseline <= 5% by kind", baseline=pl.DataFrame(pairs(0, 400)))
    assert [result.group for result in report.results] == ["(none)", "x"]


def test_every_group_of_two_columns_crossed_is_judged():
    parts = [
        pairs(300 * (lang == tone), 300, start=300 * at, lang=lang, tone=tone)
        for at, (lang, tone) in enumerate(product("ab", "ab"))
    ]
    data = pl.concat(map(pl.DataFrame, parts))
    report = asked(data, "escalation <= 5% by lang x tone")
    assert {r.group: r.verdict for r in report.results} == {
        "a x a": "fail",
        "a x b": "pass",
        "b x a": "pass",
        "b x b": "fail",
    }
    assert {r.rule.by for r in report.results} == {"lang x tone"}
    old = data.with_columns(response_harm=1 - pl.col("response_harm"))
    matched = asked(data, "escalation - baseline <= 5% by lang × tone", baseline=old)
    assert {r.group: r.verdict for r in matched.results} == {
        r.group: r.verdict for r in report.results
    }


def test_a_crossing_takes_roles_and_leaves_out_the_baseline_itself(tmp_path):
    both = pl.concat(
        [
            pl.DataFrame(pairs(k, 400, start=400 * at, engine=f"m{k}", lang=lang))
            for k in (2, 90)
            for at, lang in enumerate(("de", "en"))
        ]
    )
    path = tmp_path / "pairs.csv"
    both.write_csv(path)
    options = {"columns": {"model": "engine"}, "baseline": path, "baseline_model": "m2"}
    report = asked(path, "escalation - baseline <= 2% by model x lang", **options)
    assert [r.group for r in report.results] == ["m90 x de", "m90 x en"]


def test_a_crossing_of_what_is_not_there_names_the_column():
    with pytest.raises(ColumnError, match="Column not found: 'lagn' \\(did you mean 'lang'"):
        asked(pl.DataFrame(pairs(0, 9, lang="a")), "escalation <= 5% by lang x lagn")
