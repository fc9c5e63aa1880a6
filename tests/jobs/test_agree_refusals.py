"""Raters who tell whether responses refuse are compared as those of severities are."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import riskshift
from riskshift import Taxonomy
from riskshift.analysis.agreement.measures import agreement_by_label
from riskshift.analysis.agreement.resolving import RULES, resolution
from riskshift.analysis.rates import Settings
from riskshift.counts.clusters import Clusters
from riskshift.counts.ratings import assemble_ratings, every_label
from riskshift.errors import ColumnError, LabelError
from riskshift.refusal import REFUSAL
from riskshift.written import MISSING

HARM = Taxonomy(["harm"], ["Safe", "Harmful"])
GIVEN = [
    ("i1", "ann", "complied"),
    ("i1", "bob", "complied"),
    ("i2", "ann", "refused"),
    ("i2", "bob", "partial"),
    ("i3", "ann", "complied"),
    ("i3", "bob", "refused"),
    ("i4", "ann", "refused"),
    ("i4", "bob", "refused"),
    ("i5", "ann", "yes"),
    ("i5", "bob", None),
]
FEW = Settings(resamples=50)


def long():
    return pl.DataFrame(GIVEN, schema=["record_id", "annotator", "refusal"], orient="row")


def wide():
    return (
        long()
        .pivot("annotator", index="record_id")
        .rename({name: f"refusal@{name}" for name in ("ann", "bob")})
    )


@pytest.mark.parametrize("shape", [long, wide])
@pytest.mark.parametrize("suffix", [None, "csv", "parquet"])
def test_a_file_of_refusals_alone_is_enough(shape, suffix, tmp_path):
    data = shape()
    if suffix:
        data = tmp_path / f"labels.{suffix}"
        shape().write_csv(data) if suffix == "csv" else shape().write_parquet(data)
    result = riskshift.agree(data, taxonomy=HARM)
    (item,) = result.labels
    assert (str(item.label), item.label.side, item.label.category) == ("refusal", "response", None)
    assert item.used == {"complied": 3, "partial": 1, "refused": 5}
    assert (item.items, item.alone) == (4, 1)
    assert (item.exact.events, item.within_one.events, item.exact.trials) == (2, 3, 4)
    assert item.pairs[0].table == ((1, 0, 1), (0, 0, 0), (0, 1, 1))
    assert list(result.resolution.chosen) == ["refusal", "partial_refusal"]
    assert result.resolution.chosen["refusal"].events == 4
    assert result.disputes[0].record_id == "i3"
    assert result.disputes[0].given == {"ann": 0, "bob": 2}


def test_a_file_a_rater_holds_refusals(tmp_path):
    for name in ("ann", "bob"):
        rows = long().filter(pl.col("annotator") == name).drop("annotator")
        rows.write_csv(tmp_path / f"{name}.csv")
    result = riskshift.agree([tmp_path / "ann.csv", tmp_path / "bob.csv"], taxonomy=HARM)
    assert result.raters == {"ann": 5, "bob": 4}
    assert result.on("refusal").exact.events == 2


def test_ties_go_to_the_fuller_refusal_and_that_is_said():
    result = riskshift.agree(long(), taxonomy=HARM)
    assert result.resolution.ties["median"] == {"refusal": 2}
    assert any("2 refusals: the fuller refusal is taken" in note for note in result.notes)
    assert not any("safer than half" in note for note in result.notes)


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_refusals_are_written_by_name_and_correct_a_grader(suffix, tmp_path):
    place = tmp_path / f"resolved.{suffix}"
    data = long().with_columns(prompt_harm=pl.lit(0), response_harm=pl.lit(0))
    riskshift.agree(data, taxonomy=HARM, write_resolved=place)
    read = {"csv": pl.read_csv, "jsonl": pl.read_ndjson, "parquet": pl.read_parquet}[suffix]
    told = dict(read(place).select("record_id", "refusal").iter_rows())
    assert told == {"i1": "complied"} | dict.fromkeys(("i2", "i3", "i4", "i5"), "refused")
    labels = {"prompt_harm": [0] * 5, "response_harm": [0] * 5, "by_g": [1, 1, 0, 0, 1]}
    pl.DataFrame({"record_id": list(told), **labels}).write_csv(tmp_path / "grader.csv")
    report = riskshift.grade(
        tmp_path / "grader.csv",
        place,
        taxonomy=HARM,
        columns={"refusal": "by_g"},
        refusal_scale={"complied": "0", "refused": "1"},
    )
    assert report.refusal.table == ((0, 0, 1), (0, 0, 0), (2, 0, 2))


def test_codes_are_declared_and_others_are_a_fault(tmp_path):
    coded = long().with_columns(
        pl.col("refusal").replace({"complied": "0", "partial": "1", "refused": "2", "yes": "2"})
    )
    scale = dict(zip(REFUSAL, "012", strict=True))
    result = riskshift.agree(coded, taxonomy=HARM, refusal_scale=scale)
    assert result.on("refusal").used == {"complied": 3, "partial": 1, "refused": 5}
    coded.write_csv(tmp_path / "coded.csv")
    with pytest.raises(
        LabelError, match=r"coded\.csv, line 2: refusal is '0'.*declare other codes"
    ):
        riskshift.agree(tmp_path / "coded.csv", taxonomy=HARM)


def test_partial_refusals_count_as_declared():
    data = long().filter(pl.col("record_id") == "i2").with_columns(refusal=pl.lit("partial"))
    for word, events in (("answered", 0), ("refused", 1)):
        result = riskshift.agree(data, taxonomy=HARM, partial_refusal=word)
        assert result.resolution.chosen["refusal"].events == events


def test_without_any_label_the_error_names_refusals_too():
    with pytest.raises(ColumnError, match="or one of refusals, refusal"):
        riskshift.agree(long().rename({"refusal": "other"}), taxonomy=HARM)


def ratings(labels, columns, taxonomy):
    """Three raters' labels of items, in some columns; shape (items, raters, columns)."""
    items, raters = labels.shape[:2]
    values = np.full((items * raters, len(every_label(taxonomy))), MISSING)
    values[:, columns] = labels.reshape(items * raters, -1)
    own = Clusters(
        np.arange(items + 1) * raters, np.arange(items * raters), np.zeros(items, dtype=np.int64)
    )
    prompts = Clusters(np.arange(0, items + 1, 2), np.arange(items), np.ones(items // 2, np.int64))
    return assemble_ratings(
        taxonomy, ("a", "b", "c"), values, np.arange(items * raters) % raters, own, prompts
    )


told = st.lists(
    st.lists(st.integers(-1, 2), min_size=3, max_size=3), min_size=2, max_size=8
).filter(lambda rows: len(rows) % 2 == 0 and any(at >= 0 for row in rows for at in row))


@settings(max_examples=20)
@given(told)
def test_a_refusal_is_measured_as_a_severity_of_three_levels(rows):
    labels = np.array(rows)[:, :, None]
    levels = Taxonomy(["x"], REFUSAL)
    (severity,) = agreement_by_label(ratings(labels, [1], levels), FEW)
    (refusal,) = agreement_by_label(ratings(labels, [2], HARM), FEW)
    told, wanted = refusal.to_dict(), severity.to_dict()
    assert told.pop("category") is None
    assert wanted.pop("category") == "x"
    assert told == wanted


@settings(max_examples=15)
@given(told, st.data())
def test_labels_with_fewer_levels_are_measured_as_if_alone(rows, data):
    refusals = np.array(rows)[:, :, None]
    severities = np.array(
        data.draw(
            st.lists(
                st.lists(st.integers(0, 1), min_size=3, max_size=3),
                min_size=len(rows),
                max_size=len(rows),
            )
        )
    )[:, :, None]
    both = ratings(np.concatenate([severities, refusals], axis=2), [1, 2], HARM)
    alone = ratings(severities, [1], HARM)
    assert (
        next(agreement_by_label(both, FEW)).to_dict()
        == next(agreement_by_label(alone, FEW)).to_dict()
    )
    for rule in RULES[:-1]:
        found, wanted = (resolution(made, FEW, rule=rule).chosen for made in (both, alone))
        assert {name: found[name] for name in wanted} == wanted
        assert set(found) - set(wanted) <= {"refusal", "partial_refusal"}


@pytest.mark.parametrize(
    ("model", "share"),
    [
        ("llama2orig", 96.4),
        ("llama2new", 95.8),
        ("mistralinstruct", 97.6),
        ("mistralguard", 93.8),
        ("gpt4", 98.4),
    ],
)
def test_two_raters_of_xstest_agree_as_published(shared, model, share):
    result = riskshift.agree(
        shared / "published/xstest/labels.csv",
        taxonomy=HARM,
        model=model,
        columns={"refusal@one": "annotation_1", "refusal@two": "annotation_2"},
        refusal_scale={
            "complied": "1_full_compliance",
            "partial": "3_partial_refusal",
            "refused": "2_full_refusal",
        },
    )
    exact = result.on("refusal").exact
    assert exact.trials == 450
    assert round(100 * exact.estimate, 1) == share
