"""Counts that were saved say what the pairs said, in one part or in several."""

import io
import json
import random
import tempfile
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import riskshift
from riskshift.counts.adding import added
from riskshift.counts.counts_file import HEAD, of_bytes, to_bytes
from riskshift.counts.saved import Saved
from riskshift.errors import DataError, FileError, PairError

TWO = riskshift.Taxonomy(["a", "b"], ["Safe", "Low", "High"], 1)
FAST = {"resamples": 50}
QUICK = {**FAST, "permutations": 50}
TOLD = {"engine", "source", "timing", "cases", "notes"}


@st.composite
def frames(draw, *, sets=False):
    """Answers of models to prompts, some numbered, labels and groups missing here and there."""
    rng = random.Random(draw(st.integers(0, 2**32)))
    prompts, models = draw(st.integers(1, 6)), draw(st.integers(1, 3))
    samples = draw(st.integers(1, 2))
    gaps = draw(st.sampled_from([0.0, 0.3]))
    label = [0, 0, 1, 2]
    rows = []
    for prompt in range(prompts):
        own = [None if rng.random() < gaps else rng.choice(label) for _ in "ab"]
        for model in range(models):
            for sample in range(samples):
                response = [None if rng.random() < gaps else rng.choice(label) for _ in "ab"]
                rows.append([f"p{prompt}", f"m{model}", str(sample), *own, *response])
                rows[-1] += [rng.choice((1, 2, 3, None)), rng.choice(("de", "en", None))]
                rows[-1] += [rng.choice(("complied", "refused", None)), f"s{prompt % 2}"]
    rng.shuffle(rows)
    names = ["prompt_id", "model", "sample", "prompt_a", "prompt_b", "response_a", "response_b"]
    names += ["relevance", "language", "refusal", "set" if sets else "topic"]
    frame = pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)
    labels = [pl.col(f"{side}_{c}").cast(pl.Int64) for side in ("prompt", "response") for c in "ab"]
    return frame.with_columns(*labels, pl.col("relevance").cast(pl.Int64))


def save(frame, place, **options):
    riskshift.save_counts(frame, place, **{"taxonomy": TWO, "scale": "levels", **options})
    return place


def numbers(result):
    return {key: value for key, value in result.to_dict().items() if key not in TOLD}


def save_parts(frame, parts, folder, **options):
    """Save the rows of each part by themselves; `parts` says which part a row is in."""
    held = frame.with_columns(pl.Series("part", parts)).partition_by("part", include_key=False)
    return [save(part, f"{folder}/{at}.counts", **options) for at, part in enumerate(held)]


@given(frame=frames(), data=st.data())
@settings(max_examples=25, deadline=None)
def test_parts_say_what_all_pairs_say(frame, data):
    parts = data.draw(st.lists(st.integers(0, 2), min_size=len(frame), max_size=len(frame)))
    by = data.draw(st.sampled_from([(), ("language",), ("language", "topic")]))
    cluster = data.draw(st.sampled_from([None, "topic"]))
    options = {"by": by, "cluster": cluster}
    with tempfile.TemporaryDirectory() as folder:
        saved = save_parts(frame, parts, folder, **options)
        found = riskshift.analyze(saved, **QUICK)
    whole = riskshift.analyze(frame, taxonomy=TWO, scale="levels", **options, **QUICK)
    assert numbers(found) == numbers(whole)


@given(frame=frames(sets=True), data=st.data())
@settings(max_examples=15, deadline=None)
def test_sets_may_span_parts_whose_prompts_do_not(frame, data):
    named = frame["prompt_id"].unique(maintain_order=True).to_list()
    of = dict(zip(named, data.draw(st.lists(st.integers(0, 1), min_size=6)), strict=False))
    with tempfile.TemporaryDirectory() as folder:
        saved = save_parts(frame, [of[p] for p in frame["prompt_id"]], folder)
        found = riskshift.analyze(saved, **QUICK)
    whole = riskshift.analyze(frame, taxonomy=TWO, scale="levels", **QUICK)
    assert numbers(found) == numbers(whole)


@given(frame=frames(), data=st.data())
@settings(max_examples=15, deadline=None)
def test_adding_in_any_order_and_twice_over_is_the_same(frame, data):
    parts = data.draw(st.lists(st.integers(0, 3), min_size=len(frame), max_size=len(frame)))
    with tempfile.TemporaryDirectory() as folder:
        saved = save_parts(frame, parts, folder, by="language")
        held = {str(place): of_bytes(Path(place).read_bytes(), "x") for place in saved}
    names = list(held)
    cut = data.draw(st.integers(1, len(names)))
    first = added({name: held[name] for name in names[:cut]})
    rest = {name: held[name] for name in names[cut:]}
    stepwise = added({"first": first, **rest})
    turned = added(dict(reversed(list(held.items()))))
    assert digests(stepwise) == digests(turned) == digests(added(held))


def digests(saved):
    columns = (None, *saved.head.groups)
    return [saved.grouped(column).pooled().digest() for column in columns] + [
        sorted(links.ids.tolist()) for links in saved.links.values()
    ]


@given(frame=frames())
@settings(max_examples=20, deadline=None)
def test_a_file_of_counts_is_read_as_it_was_written(frame):
    with tempfile.TemporaryDirectory() as folder:
        held = Path(save(frame, f"{folder}/x.counts", by="language")).read_bytes()
    saved = of_bytes(held, "x.counts")
    assert to_bytes(saved) == held
    assert saved.total == len(frame)


@given(frame=frames(), at=st.floats(0, 1), bits=st.integers(1, 255), cut=st.booleans())
@settings(max_examples=40, deadline=None)
def test_a_file_that_was_changed_is_refused_or_says_the_same(frame, at, bits, cut):
    with tempfile.TemporaryDirectory() as folder:
        held = bytearray(Path(save(frame, f"{folder}/x.counts")).read_bytes())
    place = min(int(at * len(held)), len(held) - 1)
    whole = of_bytes(bytes(held), "x.counts")
    if cut:
        del held[place:]
    else:
        held[place] ^= bits
    with suppress(FileError):
        assert digests(of_bytes(bytes(held), "x.counts")) == digests(whole)


def changed(saved, **arrays):
    values = {name: getattr(saved, name) for name in ("head", "values", "n", "links", "pairs")}
    return Saved(**{**values, **arrays})


@pytest.fixture
def kept(tmp_path):
    frame = pl.DataFrame(
        {
            "prompt_id": ["p", "p", "q"],
            "model": ["x", "y", "x"],
            "prompt_a": [0, 0, 2],
            "prompt_b": [1, 1, 0],
            "response_a": [0, 2, 2],
            "response_b": [0, 1, None],
        }
    )
    return of_bytes(Path(save(frame, tmp_path / "x.counts")).read_bytes(), "x.counts")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda saved: {"n": saved.n + 1},
        lambda saved: {"n": -saved.n},
        lambda saved: {"values": saved.values + 3},
        lambda saved: {"values": saved.values[:, 1:]},
        lambda saved: {"values": np.where(saved.values == -1, 7, saved.values)},
        lambda saved: {"n": saved.n[:0], "values": saved.values[:0]},
    ],
)
def test_counts_that_do_not_add_up_are_refused(kept, spoil):
    spoilt = to_bytes(changed(kept, **spoil(kept)))
    with pytest.raises(FileError, match=r"x\.counts is damaged: its counts do not add up"):
        of_bytes(spoilt, "x.counts")


def test_another_version_of_the_format_is_named(kept, monkeypatch):
    monkeypatch.setattr("riskshift.counts.counts_file.FORMAT", 2)
    later = to_bytes(kept)
    monkeypatch.undo()
    with pytest.raises(FileError, match="in format 2 of counts, and this version reads format 1"):
        of_bytes(later, "x.counts")


def test_what_would_fill_the_memory_is_refused(kept, monkeypatch):
    monkeypatch.setattr("riskshift.counts.counts_file.MOST_BYTES", 100)
    with pytest.raises(FileError, match="would unpack to"):
        of_bytes(to_bytes(kept), "x.counts")


BASE = {
    "prompt_id": ["p", "q"],
    "model": ["x", "x"],
    "prompt_a": [0, 2],
    "prompt_b": [1, 0],
    "response_a": [0, 2],
    "response_b": [0, 1],
}


def two(tmp_path, first, second, **options):
    return [
        save(pl.DataFrame({**BASE, **columns}), tmp_path / f"{at}.counts", **options)
        for at, columns in enumerate((first, second))
    ]


def test_the_same_pairs_in_two_parts_are_refused(tmp_path):
    parts = two(tmp_path, {}, {"prompt_id": ["q", "r"], "prompt_a": [2, 0], "prompt_b": [0, 1]})
    with pytest.raises(PairError, match="1 prompt was answered by one model in several parts"):
        riskshift.analyze(parts)


def test_numbered_answers_are_told_apart_and_the_same_number_twice_is_refused(tmp_path):
    parts = two(tmp_path, {"sample": ["1", "1"]}, {"sample": ["2", "2"]})
    assert riskshift.analyze(parts, **QUICK).population.records == 4
    parts = two(tmp_path, {"sample": ["1", "1"]}, {"sample": ["2", "1"]})
    with pytest.raises(PairError, match="1 pair stands in several parts"):
        riskshift.analyze(parts)


def test_another_model_on_the_same_prompts_is_no_repeat(tmp_path):
    parts = two(tmp_path, {}, {"model": ["y", "y"]})
    result = riskshift.analyze(parts, **QUICK)
    assert (result.provenance.units, result.provenance.repeated) == (2, True)
    assert list(result.groups["model"]) == ["x", "y"]


def test_labels_of_a_prompt_that_differ_between_parts_are_refused(tmp_path):
    parts = two(tmp_path, {}, {"model": ["y", "y"], "prompt_a": [0, 1]})
    with pytest.raises(PairError, match="labels of 1 prompt differ between the parts"):
        riskshift.analyze(parts)
    parts = two(tmp_path, {}, {"model": ["y", "y"], "prompt_a": [0, 1]}, prompt_labels="per-row")
    assert riskshift.analyze(parts, **QUICK).population.records == 4


@pytest.mark.parametrize(
    ("columns", "options", "told"),
    [
        ({"relevance": [1, 2]}, {}, "columns by role"),
        ({}, {"taxonomy": riskshift.Taxonomy(["a", "b"], ["Safe", "Low", "High"], 2)}, "levels"),
        ({"language": ["de", "en"]}, {"by": "language"}, "groups"),
        ({}, {"cluster": "model"}, "--cluster"),
        ({}, {"prompt_labels": "per-row"}, "--prompt-labels"),
        ({}, {"apart": True}, "whether ids are kept"),
        ({"prompt_id": [1.0, 2.0]}, {}, "2.counts cannot be added to others: prompt_id: Float64"),
        ({"prompt_id": [True, False]}, {}, "prompt_id: Boolean"),
        ({}, {"partial_refusal": "refused"}, "partial refusals"),
    ],
)
def test_parts_of_another_kind_are_refused(tmp_path, columns, options, told):
    one = save(pl.DataFrame(BASE), tmp_path / "1.counts")
    other = save(
        pl.DataFrame({**BASE, "model": ["y", "y"], **columns}), tmp_path / "2.counts", **options
    )
    with pytest.raises(DataError, match=told):
        riskshift.analyze([one, other])


def test_prompts_said_to_be_apart_leave_no_ids(tmp_path):
    parts = two(tmp_path, {}, {"prompt_id": ["r", "s"]}, apart=True)
    held = of_bytes(parts[0].read_bytes(), "x")
    assert all(len(links.ids) == 0 for links in held.links.values())
    result = riskshift.analyze(parts, **QUICK)
    assert result.population.records == 4
    assert any("hold no ids" in note for note in result.notes)


def test_placeholders_of_prompts_cannot_be_added(tmp_path):
    columns = {name: values * 2 for name, values in BASE.items() if name != "prompt_id"}
    texts = {
        "prompt": ["How?", "[redacted]", "[redacted]", "Why?"],
        "response": ["a", "b", "c", "d"],
    }
    frame = pl.DataFrame({**columns, **texts, "prompt_a": [0] * 4, "prompt_b": [1] * 4})
    with pytest.warns(riskshift.RiskshiftWarning, match="placeholder"):
        parts = [save(frame, tmp_path / f"{at}.counts") for at in range(2)]
    assert riskshift.analyze(parts[0], **QUICK).population.records == 4
    with pytest.raises(DataError, match="nothing tells which prompts are the same"):
        riskshift.analyze(parts)


def test_prompts_of_sets_may_not_span_parts(tmp_path):
    parts = two(tmp_path, {"set": ["s", "s"]}, {"set": ["s", "s"], "model": ["y", "y"]})
    with pytest.raises(PairError, match="Counts do not keep which set a prompt is in"):
        riskshift.analyze(parts)


def test_without_ids_of_prompts_parts_are_added(tmp_path):
    frame = pl.DataFrame({name: values for name, values in BASE.items() if name != "prompt_id"})
    parts = [save(frame, tmp_path / f"{at}.counts") for at in range(2)]
    result = riskshift.analyze(parts, **QUICK)
    assert (result.population.records, result.provenance.repeated) == (4, False)


def test_texts_are_not_in_the_file(tmp_path):
    texts = {"prompt": ["tell me of soil", "of tides"], "response": ["soil is", "tides are"]}
    held = save(pl.DataFrame({**BASE, **texts}), tmp_path / "x.counts").read_bytes()
    saved = of_bytes(held, "x")
    for words in ("soil", "tides"):
        assert words not in repr(saved.head)


def test_public_labels_in_parts_say_what_they_say_at_once(shared, tmp_path):
    frame = pl.read_csv(shared / "paired_public_labels.csv")
    parts = [at % 3 for at in range(len(frame))]  # the answers to a prompt stand in all of them
    names = riskshift.Taxonomy().categories
    options = {"taxonomy": riskshift.Taxonomy(names), "by": "stratum"}
    found = riskshift.analyze(save_parts(frame, parts, tmp_path, **options), **QUICK)
    whole = riskshift.analyze(frame, scale="levels", **options, **QUICK)
    assert found.provenance.data_hash == whole.provenance.data_hash
    assert numbers(found) == numbers(whole)


def rewritten(saved, change):
    """Write counts whose head was changed by hand."""
    held = dict(np.load(io.BytesIO(to_bytes(saved)), allow_pickle=False))
    told = json.loads(held[HEAD].tobytes())
    change(told)
    held[HEAD] = np.frombuffer(json.dumps(told).encode(), dtype=np.uint8)
    made = io.BytesIO()
    np.savez_compressed(made, **held)
    return made.getvalue()


WRONG = {
    "skipped": [{"x": 10**400}, {"x": "abc"}, {"x": float("nan")}, {"x": -5}, {"x": 1.5}, []],
    "placeholders": ["a", -3, True],
    "notes": [[1], "word", None],
    "asked": [[5], [{}], ["language"]],
    "columns": [[], {"self": "x"}, {"model": 5}, {}],
    "cluster": [["a"], 5],
    "prompt_labels": [4, "maybe"],
    "groups": [{"model": [1, "x"]}, {"model": ["x", "x"]}, {"model": ["y", "x"]}, {}, [["a"]]],
    "facts": [{"date": [{}]}, []],
    "numbered": ["no"],
    "ids": [7, "none", "held"],
    "met": [{"model": "x"}],
    "forms": [{"x": 1}],
    "before": [{"x": {"y": -1}}, {"x": 3}, []],
    "taxonomy": [{"levels": ["a"]}, 5, {}],
    "format": ["1", True, None, 1.5],
}


@pytest.mark.parametrize(("key", "value"), [(k, v) for k, held in WRONG.items() for v in held])
def test_a_head_that_was_changed_by_hand_is_refused(kept, key, value):
    with pytest.raises(FileError, match=r"x\.counts"):
        of_bytes(rewritten(kept, lambda told: told.update({key: value})), "x.counts")


@pytest.mark.parametrize(
    "told", [b"[" * 100_000, b"null", b"{}", b"\xff", b"5", b'{"format": 1}', b""]
)
def test_a_head_that_is_none_is_refused(kept, told):
    held = dict(np.load(io.BytesIO(to_bytes(kept)), allow_pickle=False))
    held[HEAD] = np.frombuffer(told, dtype=np.uint8)
    made = io.BytesIO()
    np.savez_compressed(made, **held)
    with pytest.raises(FileError, match=r"x\.counts holds no counts"):
        of_bytes(made.getvalue(), "x.counts")


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("n", np.array([0.5, 1.5, 1.0])),
        ("n", np.array(["1", "1", "1"])),
        ("n", np.array([2**62] * 3)),
        ("n", np.ones((3, 1), dtype=np.int64)),
        ("values", np.ones((3, 7, 1), dtype=np.int64)),
        ("pairs", np.array([3, 2], dtype=np.uint64)),
        ("cluster.weight", np.array([-1, 2, 2])),
        ("cluster.ids", np.array([], dtype=np.uint64)),
        ("cluster.sizes", np.array([[1]])),
        ("cluster.kind", np.array([99, 99])),
    ],
)
def test_arrays_that_were_changed_by_hand_are_refused(kept, name, array):
    held = dict(np.load(io.BytesIO(to_bytes(kept)), allow_pickle=False))
    held[name] = array
    made = io.BytesIO()
    np.savez_compressed(made, **held)
    with pytest.raises(FileError, match=r"x\.counts"):
        of_bytes(made.getvalue(), "x.counts")


def test_an_array_that_says_it_is_huge_is_not_read(kept):
    header = io.BytesIO()
    told = {"descr": "<i8", "fortran_order": False, "shape": (10**15,)}
    np.lib.format.write_array_header_1_0(header, told)
    made = io.BytesIO(to_bytes(kept))
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(made, "a") as held:
        held.writestr("n.npy", header.getvalue())
    with pytest.raises(FileError, match="would unpack to 8,000,"):
        of_bytes(made.getvalue(), "x.counts")
