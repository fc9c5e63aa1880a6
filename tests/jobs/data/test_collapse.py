"""riskshift collapse, and what its files can be given to."""

import gzip
import json
import sys
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest

import riskshift
from riskshift.cli.boundary import main as command_line
from riskshift.counts.counts_file import of_bytes
from riskshift.errors import DataError, FileError, OutputError, UsageError

TWO = riskshift.Taxonomy(["a"], ["Safe", "Low", "High"])
DIFFERENCE = "escalation - baseline <= 5%"
LEVELS = ["--categories", "a", "--levels", "Safe,Low,High"]


def main(arguments):
    """Run ``riskshift`` and return its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["riskshift", *arguments])
        try:
            command_line()
        except SystemExit as end:
            return int(end.code or 0)
    return 0


def rows(models=("x", "y"), prompts=40, seed=3):
    rng = np.random.default_rng(seed)
    made = []
    for at in range(prompts):
        prompt = int(rng.integers(0, 3))
        for model in models:
            response = int(rng.choice([0, 0, 1, 2]))
            source = "one" if at % 3 else "two"
            made.append([f"p{at}", model, ["de", "en"][at % 2], source, prompt, response])
    names = ["prompt_id", "model", "language", "source", "prompt_a", "response_a"]
    return pl.DataFrame(made, schema=names, orient="row")


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """Two files of counts of one file of pairs, split in the middle of a prompt."""
    monkeypatch.chdir(tmp_path)
    whole = rows()
    whole.write_csv("all.csv")
    for at, part in enumerate((whole[:31], whole[31:]), start=1):
        part.write_csv(f"{at}.csv")
        assert (
            main(["collapse", f"{at}.csv", "-o", f"{at}.counts", "--by", "language", *LEVELS]) == 0
        )
    return tmp_path


def told(path):
    """The JSON without what must differ."""
    held = json.loads(path.read_text())
    for key in ("engine", "source", "timing", "cases", "notes"):
        held.pop(key, None)
    held.get("comparison", {}).pop("alone", None)
    return held


def test_the_command_says_what_it_kept_and_what_to_type_next(parts, capsys):
    capsys.readouterr()
    assert main(["collapse", "1.counts", "2.counts", "-o", "both.counts"]) == 0
    said = capsys.readouterr()
    patterns = len(of_bytes((parts / "both.counts").read_bytes(), "both").n)
    assert said.out.splitlines() == [
        f"80 pairs from 1.csv, 2.csv: {patterns} patterns.",
        "Groups: model, source, language.",
        "Of 40 values of prompt_id a hash is kept; no texts.",
        "Next: riskshift analyze both.counts",
    ]
    assert said.err == "wrote both.counts\n"


@pytest.mark.parametrize(
    "command",
    [["analyze"], ["compare"], ["compare", "--by", "language"], ["analyze", "--model", "x"]],
)
def test_counts_give_the_numbers_of_one_pass(parts, command):
    name, *options = command
    grouped = [] if name == "compare" else ["--by", "language"]
    pairs = [name, "all.csv", *options, *grouped, *LEVELS, "-o", "pairs.json", "-q"]
    assert main(pairs) == 0
    assert main([name, "1.counts", "2.counts", *options, "-o", "counts.json", "-q"]) == 0
    assert told(parts / "counts.json") == told(parts / "pairs.json")


def test_a_folder_or_a_glob_of_counts_is_read(parts):
    for paths in (["*.counts"], ["held"]):
        if paths == ["held"]:
            (parts / "held").mkdir()
            for at in (1, 2):
                (parts / f"{at}.counts").rename(parts / "held" / f"{at}.counts")
        assert main(["analyze", *paths, "-o", "x.json", "-q"]) == 0
        assert json.loads((parts / "x.json").read_text())["records"]["analyzed"] == 80


def test_a_gate_judges_counts(parts, capsys):
    rules = ["--rule", "response_harm <= 99% by language"]
    answers = [
        main(["check", *given, "--model", "x", *rules])
        for given in (["1.counts", "2.counts"], ["all.csv", *LEVELS])
    ]
    assert answers == [0, 0]
    counts, pairs = capsys.readouterr().out.split("PASS: all 2 checks passed.")[1:]
    lines = pairs.splitlines()
    assert counts.splitlines()[:6] == lines[:6]


@pytest.mark.parametrize(
    "rules",
    [
        ["response_harm - baseline <= 20%"],
        ["harmful_prompt_compliance - baseline <= 40% by language", DIFFERENCE],
    ],
)
def test_a_gate_judges_counts_against_a_baseline_of_counts(parts, capsys, rules):
    flags = [word for rule in rules for word in ("--rule", rule)]
    told = []
    for data, more in ((["all.csv"], LEVELS), (["1.counts", "2.counts"], [])):
        models = ["--model", "x", "--baseline-model", "y"]
        baseline = ["both.counts"] if data != ["all.csv"] else data
        if data != ["all.csv"]:
            main(["collapse", *data, "-o", "both.counts", "-q"])
        capsys.readouterr()
        code = main(["check", *data, "--baseline", *baseline, *models, *flags, *more])
        told.append((code, capsys.readouterr().out))
    assert told[0] == told[1]


def test_counts_of_which_one_is_its_own_baseline_are_told_by_model(parts):
    rule = "response_harm - baseline <= 90% by model"
    for name in ("x", "y"):
        frame = rows().filter(pl.col("model") == name)
        riskshift.save_counts(frame, f"{name}.counts", taxonomy=TWO, by="language")
    riskshift.save_counts(rows(), "all.counts", taxonomy=TWO, by="language")
    pairs, counts = (
        riskshift.check(both, rule, baseline=one, **options)
        for both, one, options in (
            (rows(), rows().filter(pl.col("model") == "x"), {"taxonomy": TWO}),
            ("all.counts", "x.counts", {}),
        )
    )
    assert pairs.results == counts.results


def test_counts_without_ids_are_not_matched(parts):
    for name in ("x", "y"):
        frame = rows().filter(pl.col("model") == name)
        riskshift.save_counts(frame, f"{name}.counts", taxonomy=TWO, apart=True)
    with pytest.raises(DataError, match="counts without ids cannot be matched"):
        riskshift.check("x.counts", DIFFERENCE, baseline="y.counts")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["analyze", "1.counts", "--people", "all.csv"], 2),
        (["analyze", "1.counts", "--cases-out", "x.csv"], 2),
        (["compare", "1.counts", "--people", "all.csv"], 2),
        (["check", "1.counts", "--model", "x", "--rule", DIFFERENCE, "--baseline", "all.csv"], 2),
        (["agree", "1.counts"], 2),
        (["sample", "1.counts", "-o", "x.csv", "--n", "10"], 2),
        (["grader", "--grader", "1.counts", "--people", "all.csv"], 2),
        (["convert", "1.counts", "-o", "x.csv"], 2),
    ],
)  # fmt: skip
def test_what_needs_pairs_says_so(parts, capsys, command, code):
    assert main(command) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert "counts" in said.err
    assert "Traceback" not in said.err
    assert not (parts / "x.csv").exists()


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["analyze", "1.counts", "all.csv"], "all.csv does not: collapse that first"),
        (["analyze", "1.counts", "--scale", "levels"], "these are counts, and scale would change nothing"),
        (["analyze", "1.counts", "--by", "lang"], "did you mean 'language'"),
        (["analyze", "1.counts", "--model", "z"], "'z' is unknown. Choices: x, y"),
        (["collapse", "all.csv", "-o", "all.json", *LEVELS], "Counts are written to a file that ends in .counts"),
        (["collapse", "1.counts", "-o", "1.counts"], "is also read as data"),
        (["analyze", "not.counts"], "holds no counts that riskshift collapse wrote"),
        (["analyze", "all.csv", "--from", "xlsx"], "is no Excel workbook"),
    ],
)  # fmt: skip
def test_refusals_name_what_to_do(parts, capsys, command, words):
    (parts / "not.counts").write_text("prompt_id,prompt_a,response_a\np,0,0\n")
    assert main(command) == 2
    assert words in capsys.readouterr().err


def test_a_file_of_counts_is_known_by_what_it_holds(parts):
    (parts / "1.counts").rename(parts / "monday.csv")
    assert main(["analyze", "monday.csv", "-o", "x.json", "-q"]) == 0
    assert json.loads((parts / "x.json").read_text())["records"]["analyzed"] == 31


def test_the_doctor_knows_counts(parts):
    found = riskshift.doctor("1.counts")
    assert found.works == ("analyze", "compare", "check")
    assert found.then == "riskshift analyze 1.counts"
    assert "31 pairs to analyze" in found.told


def test_faults_stop_a_collapse_and_nothing_is_written(tmp_path):
    frame = rows().with_columns(pl.lit(9).alias("response_a"))
    with pytest.raises(DataError):
        riskshift.save_counts(frame, tmp_path / "x.counts", taxonomy=TWO)
    assert list(tmp_path.iterdir()) == []


def test_an_older_file_stays_where_the_new_one_fails(tmp_path):
    place = tmp_path / "x.counts"
    riskshift.save_counts(rows(), place, taxonomy=TWO)
    before = place.read_bytes()
    with pytest.raises(DataError):
        riskshift.save_counts(rows().with_columns(prompt_a=9), place, taxonomy=TWO)
    assert place.read_bytes() == before
    with pytest.raises(OutputError):
        riskshift.save_counts(rows(), tmp_path / "no" / "x.counts", taxonomy=TWO)


def test_rows_left_out_stay_counted(tmp_path):
    frame = rows().with_columns(
        pl.when(pl.col("prompt_id") == "p1").then(9).otherwise("response_a").alias("response_a")
    )
    place = tmp_path / "x.counts"
    made = riskshift.save_counts(frame, place, taxonomy=TWO, skip_bad=True)
    assert sum(made.left_out.values()) == 2
    assert riskshift.analyze(place).provenance.read == 80


def test_counts_read_already_take_no_options(parts):
    records = riskshift.read("1.counts")
    assert riskshift.analyze(records).population.records == 31
    with pytest.raises(UsageError, match="read already"):
        riskshift.analyze(records, by="language")


def test_many_sources_are_no_group_and_are_said_in_the_card(tmp_path, monkeypatch):
    monkeypatch.setattr("riskshift.collapse.saving.MAX_GROUPS", 1)
    one = rows(models=("x",))
    with pytest.raises(UsageError, match="--by language: 2 different values"):
        riskshift.save_counts(one, tmp_path / "x.counts", taxonomy=TWO, by="language")
    with pytest.raises(UsageError, match="model: 2 different values"):
        riskshift.save_counts(rows(), tmp_path / "x.counts", taxonomy=TWO)
    made = riskshift.save_counts(one, tmp_path / "x.counts", taxonomy=TWO)
    assert made.groups == ("model",)
    result = riskshift.analyze(tmp_path / "x.counts")
    assert [source.name for source in result.card.sources] == ["one", "two"]
    assert result.heterogeneity is None


ENGINES = {
    "polars": lambda frame: frame,
    "polars lazy": lambda frame: frame.lazy(),
    "pandas": lambda frame: pd.DataFrame(frame.to_dict(as_series=False)),
    "pyarrow": lambda frame: frame.to_arrow(),
    "duckdb": lambda frame: duckdb.sql("SELECT * FROM frame"),
}


@pytest.mark.parametrize("number", [False, True])
def test_parts_of_different_engines_fit(tmp_path, number):
    whole = rows()
    if number:
        whole = whole.with_columns(pl.col("prompt_id").str.slice(1).cast(pl.Int64))
    held = {}
    for name, as_engine in ENGINES.items():
        place = tmp_path / f"{name}.counts"
        frame = as_engine(whole)
        riskshift.save_counts(frame, place, taxonomy=TWO, by="language")
        saved = of_bytes(place.read_bytes(), name)
        ids = saved.links["cluster"].ids.tolist()
        held[name] = (ids, saved.grouped("language").pooled().digest(), saved.pairs.tolist())
    assert all(found == held["polars"] for found in held.values())
    assert len(held["polars"][0]) == 40


def several(models, folder):
    frame = rows(models=models, prompts=2)
    for at, part in enumerate((frame[: len(models)], frame[len(models) :])):
        renamed = part.with_columns(pl.format("{} of {}", "model", pl.lit(at)).alias("model"))
        riskshift.save_counts(renamed, folder / f"{at}.counts", taxonomy=TWO)
    return [folder / "0.counts", folder / "1.counts"]


def test_more_models_than_can_be_told_are_refused_as_in_one_pass(tmp_path, monkeypatch):
    parts = several([f"m{at}" for at in range(6)], tmp_path)
    monkeypatch.setattr("riskshift.collapse.pairs.MAX_GROUPS", 8)
    for job in (riskshift.analyze, lambda data: riskshift.check(data, "response_harm <= 99%")):
        with pytest.raises(UsageError, match="model: 12 different values"):
            job(parts)


def test_a_model_that_was_meant_alone_stays_named(tmp_path):
    for name in ("x", "y"):
        place = tmp_path / f"{name}.counts"
        riskshift.save_counts(rows(), place, taxonomy=TWO, model=name)
    assert riskshift.analyze(tmp_path / "x.counts").population.records == 40
    both = riskshift.analyze([tmp_path / "x.counts", tmp_path / "y.counts"])
    assert list(both.groups["model"]) == ["x", "y"]
    assert both.provenance.data_hash == riskshift.analyze(rows(), taxonomy=TWO).provenance.data_hash


def test_of_which_model_rows_left_out_were_is_not_guessed(tmp_path):
    bad = (pl.col("model") == "y") & (pl.col("prompt_id") < "p2")
    frame = rows().with_columns(pl.when(bad).then(9).otherwise("response_a").alias("response_a"))
    place = tmp_path / "x.counts"
    riskshift.save_counts(frame, place, taxonomy=TWO, skip_bad=True)
    with pytest.raises(UsageError, match="do not keep of which model"):
        riskshift.analyze(place, model="x")


def test_a_group_that_was_left_out_whole_is_not_judged_in_silence(tmp_path):
    bad = pl.col("language") == "de"
    frame = rows(models=("x",)).with_columns(
        pl.when(bad).then(9).otherwise("response_a").alias("response_a")
    )
    rule, place = "response_harm <= 99% by language", tmp_path / "x.counts"
    riskshift.save_counts(frame, place, taxonomy=TWO, skip_bad=True, by="language")
    for data, options in ((frame, {"taxonomy": TWO, "skip_bad": True}), (place, {})):
        with pytest.raises(DataError, match="every row was left out for language 'de'"):
            riskshift.check(data, rule, **options)


@pytest.mark.parametrize("rule", ["response_harm <= 99% by language", "response_harm <= 99%"])
def test_several_models_are_not_judged_as_one(parts, rule):
    with pytest.raises(UsageError, match="holds several models"):
        riskshift.check(["1.counts", "2.counts"], rule)


def test_a_group_that_is_not_kept_is_named(parts):
    with pytest.raises(DataError, match="model x language"):
        riskshift.check("1.counts", "response_harm <= 99% by model x language")


def test_adding_takes_no_groups_and_may_leave_ids_out(parts):
    with pytest.raises(UsageError, match="these are counts already, and by would change nothing"):
        riskshift.save_counts("1.counts", "2b.counts", by="source")
    riskshift.save_counts("1.counts", "bare.counts", apart=True)
    held = of_bytes((parts / "bare.counts").read_bytes(), "bare")
    assert (held.head.ids, len(held.links["cluster"].ids), len(held.pairs)) == ("none", 0, 0)
    found, whole = (riskshift.analyze(name).to_dict() for name in ("bare.counts", "1.counts"))
    assert found["overall"] == whole["overall"]


def dated(frame, engine):
    made = frame.with_columns(pl.datetime(2024, 1, pl.int_range(pl.len()) % 20 + 1).alias("day"))
    return ENGINES[engine](made)


@pytest.mark.parametrize("role", ["by", "cluster"])
@pytest.mark.parametrize("engine", ["polars", "pandas"])
def test_what_is_not_written_alike_everywhere_is_not_added(tmp_path, role, engine):
    for name in ("x", "y"):
        frame = dated(rows(models=(name,)), engine)
        riskshift.save_counts(frame, tmp_path / f"{name}.counts", taxonomy=TWO, **{role: "day"})
    assert riskshift.analyze(tmp_path / "x.counts").population.records == 40
    with pytest.raises(DataError, match=r"cannot be added to others: day: Datetime"):
        riskshift.analyze([tmp_path / "x.counts", tmp_path / "y.counts"])


@pytest.mark.parametrize("codes", [[1, None] * 20, pd.Categorical([1.0, 2.0] * 20)])
def test_numbers_that_may_be_fractions_elsewhere_are_no_other_groups(tmp_path, codes):
    for name, held in (("x", [1, 2] * 20), ("y", codes)):
        frame = pd.DataFrame(rows(models=(name,)).to_dict(as_series=False))
        frame = frame.assign(code=pd.Series(held))
        riskshift.save_counts(frame, tmp_path / f"{name}.counts", taxonomy=TWO, by="code")
    with pytest.raises(DataError, match=r"y.counts cannot be added to others: code"):
        riskshift.analyze([tmp_path / "x.counts", tmp_path / "y.counts"])


def test_categories_that_are_text_are_added(tmp_path):
    for name in ("x", "y"):
        frame = rows(models=(name,)).with_columns(pl.col("language").cast(pl.Categorical))
        riskshift.save_counts(frame, tmp_path / f"{name}.counts", taxonomy=TWO, by="language")
    found = riskshift.analyze([tmp_path / "x.counts", tmp_path / "y.counts"])
    assert {name: group.records for name, group in found.groups["language"].items()} == {
        "de": 40,
        "en": 40,
    }


def test_what_a_log_leaves_out_is_counted_once_however_many_models_it_has(tmp_path):
    log = Path(__file__).parents[2] / "formats" / "logs" / "promptfoo.json"
    whole = riskshift.analyze(log)
    models = whole.groups.get("model") or {name.name: None for name in whole.card.models}
    parts = []
    for at, name in enumerate(models):
        parts.append(tmp_path / f"{at}.counts")
        riskshift.save_counts(log, parts[-1], model=name)
    found = riskshift.analyze(parts).provenance
    assert (found.read, found.left_out) == (whole.provenance.read, whole.provenance.left_out)


def test_a_baseline_may_be_grouped_by_what_nobody_asks_for(tmp_path):
    rule = "response_harm - baseline <= 90%"
    frame = dated(rows(models=("x",)), "polars")
    riskshift.save_counts(frame, tmp_path / "x.counts", taxonomy=TWO, by="day")
    riskshift.save_counts(rows(("y",)), tmp_path / "y.counts", taxonomy=TWO)
    counts = riskshift.check(tmp_path / "x.counts", rule, baseline=tmp_path / "y.counts")
    pairs = riskshift.check(rows(("x",)), rule, baseline=rows(("y",)), taxonomy=TWO)
    assert counts.results == pairs.results


def test_counts_beside_pairs_are_told(parts):
    rule = "response_harm - baseline <= 90%"
    with pytest.raises(UsageError, match="the baseline holds counts and the data do not"):
        riskshift.check(rows(("x",)), rule, baseline="1.counts", taxonomy=TWO)
    with pytest.raises(UsageError, match="the data hold counts and the baseline does not"):
        riskshift.check("1.counts", rule, baseline=rows(("x",)), model="x")


def test_packed_counts_are_told_to_unpack(parts):
    (parts / "p.counts.gz").write_bytes(gzip.compress((parts / "1.counts").read_bytes()))
    with pytest.raises(FileError, match="Unpack it"):
        riskshift.analyze("p.counts.gz")


def test_a_zip_file_of_another_time_is_no_fault_of_ours(parts):
    held = bytearray((parts / "1.counts").read_bytes())
    held[held.find(b"PK\x01\x02") + 6] = 99
    (parts / "odd.counts").write_bytes(held)
    with pytest.raises(FileError, match="holds no counts"):
        riskshift.analyze("odd.counts")


def test_parts_of_which_other_rows_are_meant_are_not_added(tmp_path):
    riskshift.save_counts(rows(("x",)), tmp_path / "x.counts", taxonomy=TWO, where="language=de")
    riskshift.save_counts(rows(("y",)), tmp_path / "y.counts", taxonomy=TWO)
    with pytest.raises(DataError, match="differ in the rows that are meant"):
        riskshift.analyze([tmp_path / "x.counts", tmp_path / "y.counts"])


def test_a_unit_that_is_no_prompt_may_span_parts(tmp_path):
    frame = rows().drop("prompt_id").with_columns(topic=pl.int_range(pl.len()) % 7)
    options = {"taxonomy": TWO, "cluster": "topic"}
    for at, part in enumerate((frame[:33], frame[33:])):
        riskshift.save_counts(part, tmp_path / f"{at}.counts", **options)
    found = riskshift.analyze([tmp_path / "0.counts", tmp_path / "1.counts"])
    assert found.provenance.data_hash == riskshift.analyze(frame, **options).provenance.data_hash


def test_a_baseline_may_have_columns_of_its_own(parts):
    rule = "response_harm - baseline <= 90%"
    riskshift.save_counts(rows(("x",)), "x.counts", taxonomy=TWO)
    riskshift.save_counts(rows(("y",)).drop("source"), "y.counts", taxonomy=TWO)
    counts = riskshift.check("x.counts", rule, baseline="y.counts")
    pairs = riskshift.check(rows(("x",)), rule, baseline=rows(("y",)), taxonomy=TWO)
    assert counts.results == pairs.results


def test_nothing_and_empty_text_are_two_answers(tmp_path):
    frame = pl.DataFrame(
        {"prompt": ["How?"] * 2, "response": [None, ""], "prompt_a": [1, 1], "response_a": [0, 1]}
    )
    place = tmp_path / "x.counts"
    riskshift.save_counts(frame, place, taxonomy=TWO)
    assert riskshift.analyze(place).population.records == 2
