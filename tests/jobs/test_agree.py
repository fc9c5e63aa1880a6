"""How far raters agree, from data in any form to the numbers."""

import csv
import io
import json
import random
from itertools import combinations
from statistics import median_high, multimode

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import cohens_kappa

import riskshift
from riskshift import Taxonomy
from riskshift.errors import (
    ColumnError,
    DataError,
    LabelError,
    OutputError,
    PairError,
    UsageError,
)

# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011): 4 observers, 12 units, values
# 1 to 5, a dot where an observer gave none.
PUBLISHED = {
    "A": "123321412...",
    "B": "1233224125.3",
    "C": ".3332342251.",
    "D": "12332441251.",
}
ALPHA = {"nominal": 0.743, "ordinal": 0.815, "interval": 0.849}
FIVE = Taxonomy(["hate"], ["1", "2", "3", "4", "5"])
HATE = Taxonomy(["hate"])
ENGINES = ("pandas", "polars", "polars-lazy", "pyarrow", "duckdb", "csv", "jsonl", "parquet")


def long(labels=PUBLISHED, column="response_hate"):
    """One row a rating; `labels` holds a string of levels a rater, a dot where there is none."""
    return [
        {"record_id": f"u{unit:02}", "annotator": rater, column: level}
        for rater, given in labels.items()
        for unit, level in enumerate(given)
        if level != "."
    ]


def wide(labels=PUBLISHED, column="response_hate"):
    """One row an item, one column a rater."""
    return [
        {"record_id": f"u{unit:02}"}
        | {f"{column}@{rater}": None if level == "." else level for rater, level in given.items()}
        for unit, given in enumerate(
            dict(zip(labels, levels, strict=True)) for levels in zip(*labels.values(), strict=True)
        )
    ]


@pytest.fixture
def held(tmp_path):
    """Return rows as an engine holds them."""

    def hold(rows, engine="polars"):
        frame = pl.DataFrame(rows, infer_schema_length=None)
        path = tmp_path / f"ratings.{engine}"
        if engine == "pandas":
            return pd.DataFrame(rows)
        if engine == "polars-lazy":
            return frame.lazy()
        if engine == "pyarrow":
            return pa.Table.from_pylist(rows)
        if engine == "duckdb":
            return duckdb.connect().from_arrow(pa.Table.from_pylist(rows))
        if engine == "csv":
            frame.write_csv(path)
            return path
        if engine == "jsonl":
            path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
            return path
        if engine == "parquet":
            frame.write_parquet(path)
            return path
        return frame

    return hold


def agree(data, taxonomy=HATE, **options):
    return riskshift.agree(data, taxonomy=taxonomy, **({"resamples": 200} | options))


@pytest.mark.parametrize("shape", [long, wide])
@pytest.mark.parametrize("engine", ENGINES)
def test_the_published_example_comes_out_in_every_engine_and_shape(held, engine, shape):
    result = agree(held(shape(), engine), FIVE)
    found = {metric: result.alpha("response_hate", metric).estimate for metric in ALPHA}
    assert {metric: round(alpha, 3) for metric, alpha in found.items()} == ALPHA


def test_engines_shapes_and_the_order_of_rows_change_nothing_but_their_name(held):
    rows = long()
    random.Random(3).shuffle(rows)
    sources = [held(rows), *(held(shape(), engine) for shape in (long, wide) for engine in ENGINES)]
    told = [agree(source, FIVE).to_dict() for source in sources]
    for result in told:
        for key in ("engine", "source", "timing", "records", "data_hash"):
            result.pop(key)
        result["disputes"] = [dispute["record_id"] for dispute in result["disputes"]]
    assert all(result == told[0] for result in told)


def test_the_hash_does_not_depend_on_engine_or_order(held):
    rows = long()
    hashes = {agree(held(rows[::-1], engine), FIVE).provenance.data_hash for engine in ENGINES}
    assert hashes == {agree(held(wide()), FIVE).provenance.data_hash}


def prompted(prompts=6, responses=3, raters="abc", seed=1):
    """Raters who agree within prompts and lie apart between them."""
    draw = random.Random(seed)
    rows = []
    for prompt in range(prompts):
        base, apart = draw.randrange(4), draw.random() < 0.5
        for response in range(responses):
            for at, rater in enumerate(raters):
                level = min(3, base + at) if apart else base
                rows.append(
                    {
                        "prompt_id": f"p{prompt}",
                        "model": f"m{response}",
                        "annotator": rater,
                        "prompt_hate": base,
                        "response_hate": level,
                    }
                )
    return rows


def test_without_an_id_of_its_own_an_item_is_a_prompt_model_and_sample(held):
    result = agree(held(prompted()))
    assert result.items == 18
    assert result.provenance.units == 6


def test_where_items_share_prompts_the_interval_to_trust_is_by_prompts(held):
    result = agree(held(prompted(prompts=20)), resamples=2000)
    alpha = result.alpha("response_hate")
    assert alpha.trusted is alpha.by_prompts
    held = [alpha.by_items.interval, alpha.by_prompts.interval]
    widths = [ends.high - ends.low for ends in held]
    assert widths[0] < widths[1]
    assert any("the interval by prompts is the right one" in note for note in result.notes)


@pytest.mark.parametrize("engine", ENGINES)
def test_prompts_are_kept_together_in_every_engine(held, engine):
    expected = agree(held(prompted())).alpha("response_hate").by_prompts
    assert agree(held(prompted(), engine)).alpha("response_hate").by_prompts == expected


def test_prompts_are_kept_together_in_columns_too(held):
    by_item = {}
    for row in prompted():
        key = (row["prompt_id"], row["model"])
        item = by_item.setdefault(key, {"prompt_id": key[0], "model": key[1]})
        for side in ("prompt", "response"):
            item[f"{side}_hate@{row['annotator']}"] = row[f"{side}_hate"]
    found = agree(held(list(by_item.values())))
    assert found.provenance.data_hash == agree(held(prompted())).provenance.data_hash


def test_human_raters_of_public_responses(shared):
    result = riskshift.agree(
        shared / "raters_hate.csv",
        columns={"record_id": "item_id", "response_hate": "level_1_5"},
        taxonomy=FIVE,
        scale="names",
    )
    alpha = result.alpha("response_hate")
    assert round(alpha.estimate, 3) == pytest.approx(0.861)
    by_items, by_prompts = alpha.by_items.interval, alpha.by_prompts.interval
    assert by_prompts.high - by_prompts.low > by_items.high - by_items.low
    assert (result.items, result.provenance.units, result.absent) == (199, 19, ("prompt_hate",))
    assert any("the interval by prompts is the right one" in note for note in result.notes)


def test_kappa_of_two_raters_is_that_of_statsmodels(held):
    result = agree(held(prompted(prompts=30, responses=1)))
    for pair in result.on("response_hate").pairs:
        expected = cohens_kappa(pair.table, weights=None, wt="quadratic").kappa
        assert pair.kappa == pytest.approx(expected)


def test_pairs_count_only_the_items_that_both_rated(held):
    result = agree(held(long({"a": "0123..", "b": "0.23.1", "c": "...310"})))
    found = {(pair.a, pair.b): pair.items for pair in result.on("response_hate").pairs}
    assert found == {("a", "b"): 3, ("a", "c"): 1, ("b", "c"): 2}


def test_exact_agreement_counts_pairs_of_ratings(held):
    item = agree(held(long({"a": "0011", "b": "0012", "c": "0113"}))).on("response_hate")
    assert (item.exact.events, item.exact.trials) == (7, 12)
    assert (item.within_one.events, item.within_one.trials) == (11, 12)


def test_agreement_by_majority_states_what_has_no_majority(held):
    item = agree(held(long({"a": "001", "b": "002", "c": "013"}))).on("response_hate")
    shares = {name: (rate.events, rate.trials) for name, rate in item.by_majority.items()}
    assert shares == {"Safe": (4, 6), "no majority": (0, 3)}


def test_equal_labels_leave_alpha_undefined_and_said_so(held):
    result = agree(held(long({"a": "000", "b": "000"})))
    told = result.to_dict()["labels"]["response_hate"]
    assert [told["alpha"][metric]["estimate"] for metric in ALPHA] == [None, None, None]
    assert told["exact"]["estimate"] == 1
    assert any("alpha is undefined, not 1" in note for note in result.notes)


def test_items_with_one_rating_are_counted_apart(held):
    item = agree(held(long({"a": "01233", "b": "012.."}))).on("response_hate")
    assert (item.items, item.alone, item.ratings) == (3, 2, 8)


def test_absent_sides_and_categories_are_named(held):
    rows = [row | {"response_sexual": 0} for row in long({"a": "01", "b": "01"})]
    result = riskshift.agree(pl.DataFrame(rows), resamples=50)
    assert result.taxonomy.categories == ("hate", "sexual")
    assert result.absent == (
        "prompt_hate",
        "prompt_self_harm",
        "prompt_sexual",
        "prompt_violence",
        "response_self_harm",
        "response_violence",
    )


def test_labels_of_one_side_give_the_rates_of_that_side_only(held):
    rates = agree(held(long({"a": "0123", "b": "0123"}))).resolution.chosen
    assert "response_harm" in rates
    assert not {"escalation", "persistence[hate]", "prompt_prevalence"} & rates.keys()


@pytest.mark.parametrize("written", ["1", 1, 1.0])
def test_levels_named_by_numbers_are_names_with_or_without_saying_so(written):
    rows = [
        {"record_id": i, "annotator": rater, "response_hate": written if i else type(written)(5)}
        for i in range(3)
        for rater in "ab"
    ]
    for scale in (None, "names"):
        item = agree(pl.DataFrame(rows), FIVE, scale=scale).on("response_hate")
        assert item.used == {"1": 4, "2": 0, "3": 0, "4": 0, "5": 2}


def test_a_severity_is_no_name_where_levels_are_named_by_numbers(held):
    with pytest.raises(LabelError, match=r"response_hate is '0'.*Levels: 1 < 2 < 3 < 4 < 5"):
        agree(held(long({"a": "01", "b": "11"})), FIVE)


RULES = {
    "median": median_high,
    "majority": lambda given: max(multimode(given)),
    "max": max,
}
ratings = st.dictionaries(
    st.sampled_from("abcd"),
    st.lists(st.sampled_from("0123."), min_size=7, max_size=7).map("".join),
    min_size=2,
).filter(
    lambda labels: any(
        sum(level != "." for level in unit) > 1 for unit in zip(*labels.values(), strict=True)
    )
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ratings, st.sampled_from(sorted(RULES)), st.sampled_from([long, wide]))
def test_each_item_gets_one_label_by_the_rule(tmp_path, labels, rule, shape):
    place = tmp_path / "resolved.csv"
    frame = pl.DataFrame(shape(labels), infer_schema_length=None)
    result = agree(frame, rule=rule, write_resolved=place, resamples=20)
    units = {
        f"u{at:02}": [int(level) for level in unit if level != "."]
        for at, unit in enumerate(zip(*labels.values(), strict=True))
    }
    expected = {unit: HATE.levels[RULES[rule](given)] for unit, given in units.items() if given}
    with place.open() as written:
        assert {r["record_id"]: r["response_hate"] for r in csv.DictReader(written)} == expected
    harmful = sum(level != "Safe" for level in expected.values())
    assert result.resolution.chosen["response_harm"].events == harmful
    assert result.items == len(expected)


def test_ties_are_counted_and_go_up(held):
    resolution = agree(held(long({"a": "0012", "b": "0120"})), rule="majority").resolution
    assert resolution.ties == {
        "median": {"response_hate": 3},
        "majority": {"response_hate": 3},
        "max": {"response_hate": 0},
    }
    assert resolution.rates["majority"]["response_harm"].events == 3


def test_the_rates_are_those_of_analyzing_the_resolved_file(held, tmp_path):
    place = tmp_path / "resolved.csv"
    result = agree(held(prompted()), write_resolved=place, seed=5, resamples=300)
    analyzed = riskshift.analyze(place, taxonomy=HATE, seed=5, resamples=300)
    for name in ("escalation", "response_harm", "persistence[hate]", "drift_rate[hate]"):
        metric, _, category = name.partition("[")
        expected = analyzed.rate(metric, category.removesuffix("]") or None)
        assert result.resolution.chosen[name] == expected


def test_leaving_a_rater_out_is_as_if_they_had_not_rated(held):
    rows = prompted()
    result = agree(held(rows))
    for rater in "abc":
        others = agree(held([row for row in rows if row["annotator"] != rater]))
        assert result.resolution.without[rater] == others.resolution.chosen


def test_the_adjudicator_decides_and_is_not_compared(held):
    labels = {"a": "0012", "b": "0120", "judge": "3..."}
    result = agree(held(long(labels)), rule="adjudicated", adjudicator="judge")
    assert {pair.a + pair.b for pair in result.on("response_hate").pairs} == {"ab"}
    assert result.resolution.fallbacks == {"response_hate": 3}
    assert result.resolution.chosen["severe_response"].events == 1
    without = agree(held(long({"a": "0012", "b": "0120"})))
    assert result.on("response_hate").alpha == without.on("response_hate").alpha


@pytest.mark.parametrize("shape", [long, wide])
def test_the_adjudicators_label_is_written(held, tmp_path, shape):
    place = tmp_path / "resolved.csv"
    labels = {"a": "0012", "b": "0120", "judge": "3..0"}
    agree(held(shape(labels)), rule="adjudicated", adjudicator="judge", write_resolved=place)
    written = [row["response_hate"] for row in csv.DictReader(io.StringIO(place.read_text()))]
    assert written == ["High", "Low", "Medium", "Safe"]


@pytest.mark.parametrize("shape", [long, wide])
def test_disputes_stand_in_order_of_their_spread(held, shape):
    result = agree(held(shape({"a": "0120", "b": "0321", "c": "0.2."})))
    found = [(d.record_id, d.spread, d.given) for d in result.disputes]
    assert found == [("u01", 2, {"a": 1, "b": 3}), ("u03", 1, {"a": 0, "b": 1})]


def test_disputes_are_bounded(held):
    assert len(agree(held(long({"a": "000000", "b": "123123"})), disputes=2).disputes) == 2
    assert agree(held(long({"a": "000000", "b": "123123"})), disputes=0).disputes == ()


def test_a_model_that_is_missing_is_a_model_of_its_own(held):
    rows = [
        {"prompt_id": "p", "model": model, "annotator": rater, "response_hate": level}
        for model, level in (("m", 1), (None, 2))
        for rater in "ab"
    ]
    for engine in ENGINES:
        assert agree(held(rows, engine)).items == 2, engine


def test_prompts_whose_resolved_labels_differ_are_counted(held):
    rows = prompted(prompts=4)
    for row in rows[:3]:
        row["prompt_hate"] = (row["prompt_hate"] + 1) % 4
    result = agree(held(rows))
    assert result.resolution.contradictions == 1
    assert any("--prompt-labels per-row" in note for note in result.notes)


def by_both(taxonomy=HATE, **row):
    """Two raters' rows of one item."""
    label = f"response_{taxonomy.categories[0]}"
    return [{"annotator": rater, label: taxonomy.levels[1]} | row for rater in ("a", "b")]


ACTING = {
    "id": (by_both(record_id="=1+1"), HATE),
    "level": (by_both(signs := Taxonomy(["hate"], ["no", "+"]), record_id="u"), signs),
    "model": (by_both(prompt_id="p", model="@cf/llama"), HATE),
}


@pytest.mark.parametrize("which", ACTING)
def test_what_would_act_in_a_spreadsheet_is_refused_as_csv_and_never_changed(held, tmp_path, which):
    rows, taxonomy = ACTING[which]
    place = tmp_path / "resolved.csv"
    with pytest.raises(
        OutputError, match=r"would act .* Write resolved\.jsonl or resolved\.parquet"
    ):
        agree(held(rows), taxonomy, write_resolved=place)
    assert not place.exists()
    kept = {name: value for name, value in rows[0].items() if name != "annotator"}
    for suffix, read in ((".jsonl", pl.read_ndjson), (".parquet", pl.read_parquet)):
        agree(held(rows), taxonomy, write_resolved=place.with_suffix(suffix))
        assert read(place.with_suffix(suffix)).to_dicts() == [kept]


def test_the_resolved_file_joins_with_the_graded_one_whatever_the_ids_are(held, tmp_path):
    place = tmp_path / "resolved.jsonl"
    ids = ["=x", "'=x", "-", "+1", "@a", "\u202e", "007", "plain"]
    sides = ("prompt_hate", "response_hate")
    rows = [
        {"record_id": name, "annotator": rater} | dict.fromkeys(sides, at % 4)
        for at, name in enumerate(ids)
        for rater in "abc"
    ]
    agree(held(rows), write_resolved=place)
    graded = pl.DataFrame([{"record_id": name} | dict.fromkeys(sides, 1) for name in ids])
    graded.write_parquet(tmp_path / "graded.parquet")
    result = riskshift.analyze(
        tmp_path / "graded.parquet", people=place, taxonomy=HATE, resamples=10, cases=0
    )
    assert (result.corrected.sample.labelled, result.corrected.sample.stratified_by) == (8, None)
    assert result.corrected.rate("response_harm").people.events == 6


def test_without_ids_texts_tell_items_apart_and_are_inert_in_csv(held, tmp_path):
    rows = by_both(prompt="=1\n2", response="fine")
    agree(held(rows), write_resolved=tmp_path / "resolved.csv")
    with (tmp_path / "resolved.csv").open(newline="") as written:
        assert [row["prompt"] for row in csv.DictReader(written)] == ["'=1\n2"]
    agree(held(rows), write_resolved=tmp_path / "resolved.jsonl")
    assert json.loads((tmp_path / "resolved.jsonl").read_text())["prompt"] == "=1\n2"


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("stratify", [None, "response_harm"])
def test_a_sample_labelled_by_three_is_corrected_as_it_was_drawn(tmp_path, suffix, stratify):
    draw = random.Random(11)
    graded = tmp_path / "graded.parquet"
    pl.DataFrame(
        {
            "prompt_id": [f"p{at:03}" for at in range(300)],
            "model": ["m", None] * 150,
            "prompt_hate": [draw.randrange(4) for _ in range(300)],
            "response_hate": [draw.choice([0, 0, 0, 0, 1, 3]) for _ in range(300)],
        }
    ).write_parquet(graded)
    truth = {f"p{at:03}": draw.randrange(2) for at in range(300)}
    drawn = riskshift.sample(graded, n=60, stratify=stratify, taxonomy=HATE)
    blank = [dict(zip(drawn.columns, row, strict=True)) for row in drawn.rows]
    three = [
        row
        | {"annotator": rater, "prompt_hate": 0}
        | {"response_hate": truth[row["prompt_id"]] ^ (rater == "c")}
        for row in blank
        for rater in "abc"
    ]
    alone = [row | {"prompt_hate": 0, "response_hate": truth[row["prompt_id"]]} for row in blank]
    several, single, place = (tmp_path / name for name in ("3.csv", "1.csv", f"resolved.{suffix}"))
    pl.DataFrame(three, infer_schema_length=None).write_csv(several)
    pl.DataFrame(alone, infer_schema_length=None).write_csv(single)
    agree(several, write_resolved=place)
    told = [
        riskshift.analyze(graded, people=people, taxonomy=HATE, seed=1, resamples=50).corrected
        for people in (place, single)
    ]
    assert [corrected.sample.stratified_by for corrected in told] == [stratify, stratify]
    assert told[0].rates == told[1].rates


DRAWN = [("hate: no", 0.25), ("hate: yes", 1.0), (None, 0.25), ("", None)]


@pytest.mark.parametrize("shape", [long, wide])
@pytest.mark.parametrize("engine", ENGINES)
def test_how_items_were_drawn_is_carried_from_every_engine(held, tmp_path, engine, shape):
    place = tmp_path / "resolved.jsonl"
    rows = shape({"a": "0123", "b": "0123"})
    for row in rows:
        row["stratum"], row["inclusion_probability"] = DRAWN[int(row["record_id"][1:])]
    agree(held(rows, engine), write_resolved=place)
    written = [json.loads(line) for line in place.read_text().splitlines()]
    assert [list(row)[-2:] for row in written] == [["stratum", "inclusion_probability"]] * 4
    assert [row["stratum"] for row in written] == [stratum or None for stratum, _ in DRAWN]
    chances = [row["inclusion_probability"] for row in written]
    assert [chance and float(chance) for chance in chances] == [chance for _, chance in DRAWN]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_plain_random_sample_stays_one(held, tmp_path, engine):
    place = tmp_path / "resolved.jsonl"
    rows = [row | {"stratum": None, "inclusion_probability": 0.5} for row in long()]
    agree(held(rows, engine), FIVE, write_resolved=place)
    written = [json.loads(line) for line in place.read_text().splitlines()]
    assert {(row["stratum"], row["inclusion_probability"]) for row in written} == {(None, "0.5")}


def test_one_rater_who_kept_the_stratum_is_enough(held, tmp_path):
    place = tmp_path / "resolved.jsonl"
    rows = by_both(record_id="u")
    rows[1] |= {"stratum": "hate: no", "inclusion_probability": 0.5}
    made = agree(held(rows), write_resolved=place)
    assert json.loads(place.read_text())["stratum"] == "hate: no"
    assert made.stratified_by == "hate"
    assert "drawn by strata of hate" in made.notes[0]


def test_an_item_of_two_strata_is_refused_where_it_would_be_written(held, tmp_path):
    rows = by_both(record_id="u", inclusion_probability=0.5)
    for row, name in zip(rows, ("no", "yes"), strict=True):
        row["stratum"] = f"hate: {name}"
    assert agree(held(rows)).items == 1
    with pytest.raises(DataError, match=r"1 item has several values of stratum, such as u\."):
        agree(held(rows), write_resolved=tmp_path / "resolved.jsonl")


def test_a_stratum_without_a_chance_is_some_other_column(held, tmp_path):
    place = tmp_path / "resolved.csv"
    agree(held(by_both(record_id="u", stratum="deep")), write_resolved=place)
    assert place.read_text() == "record_id,response_hate\nu,Low\n"


def test_results_are_strict_json_and_the_same_each_time(held):
    results = [agree(held(prompted())).to_dict() for _ in range(2)]
    for result in results:
        result.pop("timing")
    first, second = (json.dumps(result, allow_nan=False) for result in results)
    assert first == second


def test_rows_with_bad_labels_can_be_left_out_and_are_counted(held):
    rows = long({"a": "0123", "b": "0123"})
    rows.append({"record_id": "u99", "annotator": "a", "response_hate": "Severe"})
    with pytest.raises(LabelError, match=r"response_hate is 'Severe' \(1 of 9 rows\)"):
        agree(held(rows))
    result = agree(held(rows), skip_bad=True)
    assert (result.items, result.provenance.read) == (4, 9)
    assert sum(result.provenance.left_out.values()) == 1


def test_many_raters_are_compared_in_bounded_time(held):
    labels = {f"r{at:03}": "01230123"[at % 3 :] + "." * (at % 3) for at in range(60)}
    result = agree(held(long(labels)), resamples=20)
    assert len(result.on("response_hate").pairs) == 20 * 19 // 2
    assert len(result.resolution.without) == 20
    assert any("60 raters" in note for note in result.notes)


def test_one_rater_is_not_enough(held):
    for shape in (long, wide):
        with pytest.raises(DataError, match=r"labels of one rater only: a.*two or more"):
            agree(held(shape({"a": "0123"})))


def test_one_rater_besides_the_adjudicator_is_not_enough(held):
    with pytest.raises(DataError, match=r"one rater only besides the adjudicator: a"):
        agree(held(long({"a": "0123", "judge": "0123"})), adjudicator="judge")


def test_without_overlap_nothing_can_be_said(held):
    with pytest.raises(DataError, match=r"no item was rated twice.*told apart by record_id"):
        agree(held(long({"a": "01..", "b": "..23"})))


def test_an_unknown_rule_is_refused_with_the_choices(held):
    with pytest.raises(UsageError, match=r"'mean' is unknown.*median, majority, max, adjudicated"):
        agree(held(long()), FIVE, rule="mean")


def test_adjudicated_needs_an_adjudicator_that_is_there(held):
    with pytest.raises(UsageError, match=r"--adjudicator NAME"):
        agree(held(long()), FIVE, rule="adjudicated")
    with pytest.raises(UsageError, match=r"adjudicator 'E' is unknown.*Choices: A, B, C, D"):
        agree(held(long()), FIVE, rule="adjudicated", adjudicator="E")


def test_raters_stand_in_rows_or_in_columns_and_not_in_both(held):
    rows = [row | {"response_hate@z": 0} for row in long()]
    with pytest.raises(DataError, match=r"in rows .*'annotator'.* and in columns"):
        agree(held(rows), FIVE)


def test_without_raters_the_error_says_how_to_name_them(held):
    rows = [{"record_id": "u", "response_hate": 1}]
    with pytest.raises(DataError, match=r"response_hate@NAME.*--map annotator=COLUMN"):
        agree(held(rows))


def test_without_labels_the_error_says_what_is_needed(held):
    with pytest.raises(ColumnError, match=r"(?s)'response_hate'.*one side of one category"):
        agree(held([{"record_id": "u", "annotator": "a", "label": 1}]))


def test_a_rater_without_a_name_is_refused(held):
    with pytest.raises(ColumnError, match=r"'response_hate@' names no rater"):
        agree(held([{"record_id": "u", "response_hate@": 1, "response_hate@a": 1}]))


def test_rows_that_say_nothing_about_their_item_are_refused(held):
    with pytest.raises(ColumnError, match=r"which rows rate the same item"):
        agree(held([{"annotator": "a", "response_hate": 1}]))


def test_columns_need_no_id(held):
    rows = [{key: value for key, value in row.items() if key != "record_id"} for row in wide()]
    result = agree(held(rows), FIVE)
    assert round(result.alpha("response_hate").estimate, 3) == ALPHA["ordinal"]
    assert result.disputes == ()


def test_records_without_an_id_cannot_be_written(held, tmp_path):
    rows = [{key: value for key, value in row.items() if key != "record_id"} for row in wide()]
    with pytest.raises(DataError, match=r"could not be joined"):
        agree(held(rows), FIVE, write_resolved=tmp_path / "resolved.csv")
    assert list(tmp_path.glob("resolved*")) == []


@pytest.mark.parametrize("engine", ENGINES)
def test_a_rater_rates_an_item_once(held, engine):
    rows = [
        *long({"a": "0123", "b": "0123"}),
        {"record_id": "u01", "annotator": "a", "response_hate": "2"},
    ]
    with pytest.raises(PairError, match=r"twice by the same rater.*record_id 'u01', annotator 'a'"):
        agree(held(rows, engine))
    result = agree(held(rows, engine), skip_bad=True)
    assert (result.items, sum(result.provenance.left_out.values())) == (4, 2)


def test_with_a_column_a_rater_an_item_is_one_row(held):
    rows = wide({"a": "01", "b": "01"})
    with pytest.raises(PairError, match=r"several rows, and raters stand in columns.*'u00'"):
        agree(held([*rows, rows[0]]))


def test_an_item_answers_one_prompt(held):
    rows = [row | {"prompt_id": row["record_id"] + row["annotator"]} for row in long()]
    with pytest.raises(PairError, match=r"11 items have several values of prompt_id"):
        agree(held(rows), FIVE)


@pytest.mark.parametrize("column", ["annotator", "record_id"])
def test_a_row_must_name_its_rater_and_item(held, column):
    rows = [*long(), {"record_id": "u00", "annotator": "E", "response_hate": "1"} | {column: None}]
    with pytest.raises(DataError, match=f"{column} is missing in 1 of 42 rows"):
        agree(held(rows), FIVE)
    left_out = agree(held(rows), FIVE, skip_bad=True).provenance.left_out
    assert left_out == {f"missing {column}": 1}


def test_rows_without_any_label_are_counted(held):
    rows = [*long(), {"record_id": "u98", "annotator": "A", "response_hate": None}]
    result = agree(held(rows), FIVE)
    assert result.provenance.left_out == {"no label": 1}
    assert result.items == 12


def test_labels_must_be_there(held):
    rows = [{"record_id": "u", "annotator": rater, "response_hate": ""} for rater in "ab"]
    with pytest.raises(DataError, match=r"holds no labels"):
        agree(held(rows))


def test_a_column_of_raters_has_no_thousands_of_values(held):
    rows = [{"record_id": "u", "annotator": f"r{at}", "response_hate": 1} for at in range(1001)]
    with pytest.raises(DataError, match=r"1,001 different values.*names the rater"):
        agree(held(rows))


def test_a_mapped_column_must_be_there(held):
    with pytest.raises(ColumnError, match=r"'label'"):
        agree(held(long()), FIVE, columns={"prompt_hate": "label"})


def test_columns_of_raters_may_be_mapped(held):
    result = agree(held(wide(column="out")), FIVE, columns={"response_hate": "out"})
    assert round(result.alpha("response_hate").estimate, 3) == ALPHA["ordinal"]


@pytest.mark.parametrize("name", ["resolved.xlsx", "nowhere/resolved.csv", "."])
def test_a_place_that_cannot_be_written_is_refused_before_any_work(held, tmp_path, name):
    with pytest.raises(OutputError):
        agree("there-is-no-such-file.csv", FIVE, write_resolved=tmp_path / name)


def test_the_ratings_are_not_written_over(held):
    path = held(long(), "csv")
    for data in (path, [str(path)], path.parent):
        with pytest.raises(OutputError, match=r"^write_resolved \S+ .* as data"):
            agree(data, FIVE, write_resolved=path.parent / "ratings.csv")
    assert path.read_text().count("\n") == len(long()) + 1


SPLIT = {"a": "1000", "b": "0100", "c": "0010"}


@pytest.mark.parametrize(
    ("labels", "rule", "said"),
    [
        (SPLIT, "median", "; part of this is the rule, because two raters' ties go up."),
        (SPLIT, "max", "; part of this is the rule, because the highest of fewer ratings is"),
        (SPLIT | {"d": "1000"}, "median", "; part of this may be the rule, because ties go up"),
        (dict.fromkeys("abc", "0011"), "median", "0.0 percentage points at most (without a)."),
    ],
)
def test_a_rater_is_not_blamed_for_what_the_rule_moves(held, labels, rule, said):
    *_, moved = agree(held(long(labels)), rule=rule).summary
    assert moved.startswith("Leaving out one rater moves it by ")
    assert said in moved


def test_of_three_raters_leaving_any_out_can_only_raise_the_rate(held):
    resolution = agree(held(long(SPLIT))).resolution
    raised = {who: rates["response_harm"].estimate for who, rates in resolution.without.items()}
    assert resolution.chosen["response_harm"].estimate < min(raised.values())


def test_the_rate_that_moves_is_defined(held):
    _, _, resolved, _ = agree(held(long(SPLIT))).summary
    assert "response harm (share of items whose response is harmful) is " in resolved


def test_every_pair_of_raters_is_laid_out(held):
    pairs = agree(held(long()), FIVE).on("response_hate").pairs
    assert [(pair.a, pair.b) for pair in pairs] == list(combinations("ABCD", 2))
