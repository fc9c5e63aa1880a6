"""Drawing the pairs that people label: fair, repeatable, and without a word from the grader."""

import csv
import json
from collections import Counter
from fractions import Fraction

import duckdb
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import riskshift
from riskshift import Taxonomy
from riskshift.analysis.plan.labels import allocate
from riskshift.collapse.rated.beside import drawing_of
from riskshift.errors import ColumnError, DataError, OutputError, PairError, UsageError
from riskshift.picking.draw import draw as drawn_pairs
from riskshift.stats.planning.power import trials_for_width

HARM = Taxonomy(["harm"], ["Safe", "Harmful"])
LABELS = ["prompt_harm", "response_harm"]


def graded(n=200, harmful=40, **columns):
    """Pairs whose response is harmful by the grader for the first `harmful`."""
    return pl.DataFrame(
        {
            "prompt_id": [f"p{i:04}" for i in range(n)],
            "prompt": [f"Question {i}" for i in range(n)],
            "response": [f"Answer {i}" for i in range(n)],
            "prompt_harm": [i % 2 for i in range(n)],
            "response_harm": [int(i < harmful) for i in range(n)],
        }
        | columns
    )


def draw(data, n=20, **options):
    return riskshift.sample(data, n=n, **({"taxonomy": HARM} | options))


def ids(drawn, column="prompt_id"):
    return [row[drawn.columns.index(column)] for row in drawn.rows]


ENGINES = ["pandas", "polars", "lazy", "pyarrow", "duckdb", "csv", "jsonl", "parquet"]


def held(frame, engine, folder):
    path = folder / f"graded.{engine}"
    if engine == "csv":
        frame.write_csv(path)
    elif engine == "jsonl":
        frame.write_ndjson(path)
    elif engine == "parquet":
        frame.write_parquet(path)
    if path.exists():
        return path
    return {
        "pandas": lambda: pd.DataFrame(frame.to_dicts()),
        "polars": lambda: frame,
        "lazy": frame.lazy,
        "pyarrow": frame.to_arrow,
        "duckdb": lambda: duckdb.connect().from_arrow(frame.to_arrow()),
    }[engine]()


@pytest.mark.parametrize("stratify", [None, "response_harm"])
@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_and_row_order_draws_the_same_pairs(engine, stratify, tmp_path):
    frame = graded(model=["m", "ü"] * 100, sample=[1, 2, 3, 4] * 50)
    mixed = frame.sample(fraction=1, shuffle=True, seed=1)
    found = draw(held(mixed, engine, tmp_path), stratify=stratify)
    assert found.rows == draw(frame, stratify=stratify).rows


def test_another_seed_draws_other_pairs():
    assert set(ids(draw(graded(), seed=1))) != set(ids(draw(graded(), seed=2)))
    assert ids(draw(graded(), seed=1)) == ids(draw(graded(), seed=1))


def test_a_larger_sample_holds_the_smaller():
    assert ids(draw(graded(), n=20)) == ids(draw(graded(), n=50))[:20]


def test_every_pair_has_the_same_chance():
    records = riskshift.read(graded(n=12), taxonomy=HARM)
    seen = Counter()
    for seed in range(1000):
        drawn = drawn_pairs(records, records.col("prompt_harm") >= 0, ["prompt_id"], n=3, seed=seed)
        seen.update(values[0] for _, values in drawn)
    chi_square = sum((seen[f"p{i:04}"] - 250) ** 2 / 250 for i in range(12))
    assert len(seen) == 12
    assert chi_square < 31.3  # the 0.999 quantile with 11 degrees of freedom; draws of 3 vary less


def test_nothing_is_drawn_twice_and_all_can_be_drawn():
    everything = draw(graded(), n=200)
    assert sorted(ids(everything)) == graded()["prompt_id"].to_list()
    assert everything.strata[0].probability == 1


def test_the_grader_s_labels_are_left_out():
    frame = graded(relevance=[3] * 200, note=["secret"] * 200)
    drawn = draw(frame)
    assert drawn.columns == (
        *("prompt_id", "prompt", "response", *LABELS, "relevance"),
        *("stratum", "inclusion_probability"),
    )
    assert all(row[3:6] == (None, None, None) for row in drawn.rows)


def test_a_plain_sample_has_no_stratum_and_the_chance_n_of_n():
    drawn = draw(graded(), n=50)
    assert {row[-2:] for row in drawn.rows} == {(None, 0.25)}


def test_strata_are_the_grader_s_answers_in_mixed_order():
    drawn = draw(graded(), n=40, stratify="persistence[harm]")
    harmful = set(graded().filter(response_harm=1)["prompt_id"])
    odd = set(graded().filter(prompt_harm=1)["prompt_id"])
    for row in drawn.rows:
        pair = row[0]
        answer = "outside" if pair not in odd else "yes" if pair in harmful else "no"
        assert row[-2] == f"persistence[harm]: {answer}"
    assert [(part.name[19:], part.pairs, part.drawn) for part in drawn.strata] == [
        ("outside", 100, 14),
        ("no", 80, 13),
        ("yes", 20, 13),
    ]
    order = [row[-2] for row in drawn.rows]
    assert order != sorted(order)
    assert order != sorted(order, reverse=True)


def test_an_empty_stratum_is_said_and_allowed():
    drawn = draw(graded(harmful=0), n=10, stratify="response_harm")
    assert drawn.empty == ("response_harm: yes",)
    assert "response_harm: yes: no pairs, so none drawn" in str(drawn)
    assert len(drawn) == 10


def test_pairs_that_the_grader_did_not_judge_are_told_and_drawn_like_all():
    frame = graded(response_harm=[None] * 10 + [0, 1] * 95, prompt_harm=[None] * 5 + [0] * 195)
    blanks = {f"p{i:04}" for i in range(10)}
    plain = draw(frame, n=200)
    assert (plain.pairs, plain.blank) == (200, 10)
    assert blanks <= set(ids(plain))
    assert "lacking a label by the grader, and drawn like all others: 10 of the 200" in str(plain)
    drawn = draw(frame, n=100, stratify="response_harm")
    assert [(part.name, part.pairs) for part in drawn.strata] == [
        ("response_harm: no", 95),
        ("response_harm: yes", 95),
        ("response_harm: blank", 10),
    ]
    assert blanks <= set(ids(drawn))
    assert drawn.to_dict()["blank"] == 10


def test_other_names_of_columns_are_kept(tmp_path):
    frame = graded().rename({"prompt_id": "uid", "response_harm": "out"})
    columns = {"prompt_id": "uid", "response_harm": "out"}
    drawn = draw(frame, columns=columns)
    assert drawn.columns[:5] == ("uid", "prompt", "response", "prompt_harm", "out")


def test_labels_alone_can_be_drawn_with_a_word_of_warning():
    drawn = draw(graded().drop("prompt", "response"))
    assert drawn.texts == ()
    assert "There are no texts" in str(drawn)


@settings(max_examples=100)
@given(
    sizes=st.lists(st.integers(1, 50), min_size=1, max_size=3),
    extra=st.integers(0, 150),
    how=st.sampled_from(["equal", "proportional"]),
)
def test_allocation_gives_out_all_labels_and_never_more_than_there_are(sizes, extra, how):
    named = dict(zip("abc", sizes, strict=False))
    least = sum(min(2, size) for size in sizes)
    n = min(least + extra, sum(sizes))
    given_ = allocate(n, named, how)
    assert sum(given_.values()) == n
    assert all(min(2, named[name]) <= given_[name] <= named[name] for name in named)
    if how == "equal":
        open_ = [given_[name] for name in named if given_[name] < named[name]]
        assert not open_ or max(given_.values()) - min(open_) <= 1


@given(sizes=st.lists(st.integers(100, 500), min_size=2, max_size=3), n=st.integers(60, 100))
def test_proportional_allocation_is_off_by_less_than_one_label_a_stratum(sizes, n):
    named = dict(zip("abc", sizes, strict=False))
    for name, drawn in allocate(n, named, "proportional").items():
        assert abs(drawn - Fraction(n * named[name], sum(sizes))) < 1


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
@pytest.mark.parametrize("stratify", [None, "response_harm"])
def test_people_s_labels_correct_the_rates(stratify, suffix, tmp_path):
    frame = graded(n=1000, harmful=100)
    truth = {f"p{i:04}": int(i < 80 or i % 50 == 7) for i in range(1000)}
    path = tmp_path / f"to_label{suffix}"
    drawn = draw(frame, n=200, stratify=stratify, output=path)
    filled = opened(path).with_columns(
        pl.lit(0).alias("prompt_harm"),
        pl.col("prompt_id").replace_strict(truth, return_dtype=pl.Int64).alias("response_harm"),
    )
    result = riskshift.analyze(frame, people=filled, taxonomy=HARM, resamples=10, cases=0)
    assert result.corrected.sample.stratified_by == stratify
    found = result.corrected.rate("response_harm").corrected.estimate
    y = [(row[-2], truth[row[0]], int(row[0] < "p0100")) for row in drawn.rows]
    if stratify:
        by_hand = sum(
            part.pairs / 1000 * sum(true for name, true, _ in y if name == part.name) / part.drawn
            for part in drawn.strata
        )
        assert found == pytest.approx(by_hand, abs=1e-12)
        assert by_hand != sum(true for _, true, _ in y) / 200
    else:
        lam = result.corrected.rate("response_harm").trust
        labelled = sum(true - lam * grader for _, true, grader in y) / 200
        others = lam * (100 - sum(grader for *_, grader in y)) / 800
        assert found == pytest.approx(labelled + others, abs=1e-12)
        assert result.corrected.sample.mix.p > 0.01


def opened(path):
    read = {".csv": pl.read_csv, ".jsonl": pl.read_ndjson, ".parquet": pl.read_parquet}
    return read[path.suffix](path)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_what_is_written_is_what_was_drawn(suffix, tmp_path):
    path = tmp_path / f"to_label{suffix}"
    drawn = draw(graded(), stratify="response_harm", output=path)
    assert tuple(opened(path).columns) == drawn.columns
    assert opened(path)["prompt_id"].to_list() == ids(drawn)
    assert drawing_of(riskshift.read(path, taxonomy=HARM)).metric == "response_harm"
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


HOSTILE = '=HYPERLINK("http://x")\n\x1b[31m,\u202e\'"; +1'


def test_texts_in_csv_do_not_act_and_keep_their_lines(tmp_path):
    path = tmp_path / "to_label.csv"
    draw(graded(n=2, prompt=[HOSTILE, " @SUM(1)"]), n=2, output=path)
    with path.open(newline="") as file:
        texts = sorted(row["prompt"] for row in csv.DictReader(file))
    assert texts == [
        "' @SUM(1)",
        '\'=HYPERLINK("http://x")\n⟨U+001B⟩[31m,⟨U+202E⟩\'"; +1',
    ]


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_other_files_change_nothing(suffix, tmp_path):
    path = tmp_path / f"to_label{suffix}"
    frame = graded(n=2, prompt=[HOSTILE, "a"], prompt_id=["=1+1", "@x"])
    draw(frame, n=2, output=path)
    assert dict(opened(path).select("prompt_id", "prompt").rows()) == {"=1+1": HOSTILE, "@x": "a"}


@pytest.mark.parametrize("name", ["=1+1", "+x", "-x", "@cf/llama", "a\x00b", "\u202ex", "+1"])
def test_csv_is_refused_where_an_id_would_act(name, tmp_path):
    path = tmp_path / "to_label.csv"
    with pytest.raises(OutputError, match=r"model is .*Write to_label\.jsonl or to_label\.parquet"):
        draw(graded(n=2, model=[name] * 2), n=2, output=path)
    assert list(tmp_path.iterdir()) == []


def test_negative_numbers_are_no_formulas(tmp_path):
    drawn = draw(graded(n=2, sample=[-1, -2]), n=2, output=tmp_path / "to_label.csv")
    assert set(ids(drawn, "sample")) == {"-1", "-2"}


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n": 201}, UsageError, "n is 201, and .* has 200 graded pairs .* Draw 200 at most"),
        ({"n": 0}, UsageError, "n is 0; draw at least 1"),
        ({"n": -3}, UsageError, "n is -3"),
        ({"n": 2.5}, UsageError, "n is 2.5"),
        ({"seed": "x"}, UsageError, "seed is 'x'"),
        ({"stratify": "escalations"}, UsageError, "did you mean 'escalation'"),
        ({"n": 3, "stratify": "escalation"}, UsageError, "Draw 4 or more"),
        ({"allocation": "even"}, UsageError, "allocation 'even' is unknown"),
        ({"output": "/nowhere/x.csv"}, OutputError, "is not a folder"),
        ({"output": "x.xlsx"}, OutputError, r"unknown suffix '\.xlsx'"),
        ({"columns": {"prompt_id": "uid"}}, ColumnError, "uid"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        draw(graded(), **options)


def test_a_metric_of_several_categories_must_name_one():
    frame = graded().rename({"prompt_harm": "prompt_a", "response_harm": "response_a"})
    frame = frame.with_columns(prompt_b=pl.col("prompt_a"), response_b=pl.col("response_a"))
    two = Taxonomy(["a", "b"], ["Safe", "Harmful"])
    with pytest.raises(UsageError, match=r"Name one: persistence\[a\], persistence\[b\]"):
        draw(frame, taxonomy=two, stratify="persistence")


def test_pairs_that_nothing_tells_apart_are_refused():
    with pytest.raises(DataError, match="nothing tells pairs apart"):
        draw(graded().drop("prompt_id"))
    with pytest.raises(PairError, match=r"2 pairs occur more than once by \(record_id\): x; y"):
        draw(graded(n=5, record_id=list("xxyyz")), n=2)


def test_a_file_that_stands_there_is_left_alone(tmp_path):
    path = tmp_path / "labelled.csv"
    path.write_text("people's work")
    with pytest.raises(OutputError, match="may hold people's labels"):
        draw(graded(), output=path)
    assert path.read_text() == "people's work"


def test_a_sample_is_not_written_where_it_would_be_read(tmp_path):
    graded().write_csv(tmp_path / "graded.csv")
    for data in (tmp_path, f"{tmp_path}/*.csv"):
        with pytest.raises(OutputError, match=r"^output \S+drawn\.csv .* as data"):
            draw(data, output=tmp_path / "drawn.csv")
    assert not (tmp_path / "drawn.csv").exists()


def test_a_name_that_the_sample_needs_is_refused():
    frame = graded().rename({"prompt_id": "stratum"})
    with pytest.raises(UsageError, match="two columns stratum"):
        draw(frame, columns={"prompt_id": "stratum"})


def test_records_can_be_drawn_from_but_not_read_again():
    records = riskshift.read(graded(), taxonomy=HARM)
    assert riskshift.sample(records, n=5).rows == draw(graded(), n=5).rows
    with pytest.raises(UsageError, match="read already"):
        riskshift.sample(records, n=5, taxonomy=HARM)


def test_a_summary_is_strict_json_without_the_pairs():
    told = draw(graded(), stratify="response_harm").to_dict()
    assert "Question" not in json.dumps(told, allow_nan=False)
    assert told["strata"][1] == {
        "name": "response_harm: yes",
        "pairs": 40,
        "drawn": 10,
        "probability": 0.25,
    }


def needed(frame, **options):
    return riskshift.labels_needed(frame, **({"taxonomy": HARM} | options))


def test_labels_needed_alone_are_those_of_the_wilson_interval():
    found = needed(graded(n=2000, harmful=400), width=0.1)
    assert found.alone == trials_for_width(0.2, 0.1)
    assert str(found).count("about") == 4


def test_a_denominator_that_is_rare_needs_more_pairs():
    found = needed(graded(n=2000, harmful=400), width=0.1, metric="persistence[harm]")
    assert (found.rate, found.share) == (0.2, 0.5)
    assert found.alone == 2 * trials_for_width(0.2, 0.1)


@given(width=st.floats(0.02, 0.5), harmful=st.integers(1, 1999))
@settings(max_examples=25)
def test_a_better_grader_never_needs_more_labels(width, harmful):
    frame = graded(n=2000, harmful=harmful)
    found = needed(frame, width=width)
    labels = [found.alone, *(n for _, n in found.helped)]
    finite = [float("inf") if n is None else n for n in labels]
    assert finite == sorted(finite, reverse=True)
    for correlation, n in found.helped:
        if n and found.alone:  # solved: the labels, so helped, are worth those alone
            worth = n / (1 - correlation**2 * (2000 - n) / 2000)
            assert found.alone <= worth + 1
            assert worth <= found.alone + 8


def test_a_width_that_all_pairs_cannot_give_is_said():
    found = needed(graded(), width=0.01)
    assert found.alone is None
    assert "more than there are without" in str(found)


def test_a_rate_of_nothing_cannot_be_planned():
    frame = graded(prompt_harm=[0] * 200)
    with pytest.raises(DataError, match="no pair belongs to harmful_prompt_compliance"):
        needed(frame, width=0.1, metric="harmful_prompt_compliance")
    with pytest.raises(UsageError, match="width"):
        needed(graded(), width=0)


@pytest.mark.parametrize("side", ["prompt", "response"])
def test_a_side_that_the_data_has_not_is_neither_blank_nor_asked_for(side):
    there = pl.DataFrame({"record_id": range(6), f"{side}_harm": [0, 1, None] * 2})
    drawn = riskshift.sample(there, n=3, taxonomy=HARM)
    assert drawn.blank == 2
    assert drawn.columns == ("record_id", f"{side}_harm", "stratum", "inclusion_probability")


def test_a_sample_may_be_drawn_by_refusals_and_asks_for_them():
    data = pl.DataFrame(
        {"record_id": range(40), "prompt_harm": [0, 1] * 20, "refusal": ["yes", "no"] * 20}
    )
    drawn = riskshift.sample(data, n=10, stratify="refusal", taxonomy=HARM)
    assert [(part.name, part.drawn) for part in drawn.strata] == [
        ("refusal: no", 5),
        ("refusal: yes", 5),
    ]
    at = drawn.columns.index("refusal")
    assert {row[at] for row in drawn.rows} == {None}
