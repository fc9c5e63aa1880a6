"""Label Studio: configs and tasks that it takes, and annotations that come back whole."""

import importlib.util
import json
import os
from xml.etree import ElementTree

import polars as pl
import pytest

import riskshift
from riskshift import Taxonomy
from riskshift.errors import (
    ColumnError,
    DataError,
    FileError,
    LabelError,
    OutputError,
    PairError,
    UsageError,
)
from riskshift.labelstudio.exporting import labeling_config

HARM = Taxonomy(["harm"], ["Safe", "Harmful"])
LABELS = ["prompt_harm", "response_harm"]
HOSTILE = "</Text><script>alert(1)</script> $prompt & \"'\n=1+1 \u202e"
MARKUP = Taxonomy(
    ["a\"b<c>&'d", "</Choices><HyperText/>", "x\ny, z: ü"], ['"', "<b>&amp;", "name='x'"]
)
WORDED = Taxonomy(
    ["fraud", "theft", "arson"],
    ["Fine", "Bad"],
    descriptions={
        "Fine": "Harms nobody.",
        "Bad": "Harms somebody.",
        "theft": {"Bad": 'name="x" toName="y"/><Text name="z"/>\u202e&amp; <b>ü</b>'},
    },
)


@pytest.fixture
def interface():
    """The project's own parser of labeling configs, which validates them."""
    if importlib.util.find_spec("label_studio_sdk") is None:
        if os.environ.get("RISKSHIFT_NO_SKIPS") == "1":
            pytest.fail("label-studio-sdk is not there, and RISKSHIFT_NO_SKIPS=1 forbids skipping")
        pytest.skip("label-studio-sdk is not installed")
    from label_studio_sdk.label_interface import LabelInterface

    return LabelInterface


def pairs(n=4, **columns):
    return pl.DataFrame(
        {
            "prompt_id": [f"p{i}" for i in range(n)],
            "prompt": [f"Question {i}" for i in range(n)],
            "response": [f"Answer {i}" for i in range(n)],
        }
        | columns
    )


def exported(frame, folder, **options):
    made = riskshift.export_label_studio(frame, folder, **({"taxonomy": HARM} | options))
    return made.config.read_text(), json.loads(made.tasks.read_text())


def annotation(by=1, **labels):
    """An annotation as Label Studio writes it; labels by control."""
    result = [
        {
            "id": name,
            "from_name": name,
            "to_name": name.split("_")[0],
            "type": "choices",
            "value": {"choices": [choice]},
        }
        for name, choice in labels.items()
    ]
    return {"id": 1, "completed_by": by, "result": result, "was_cancelled": False}


def answered(folder, *annotations, data=None):
    """An export of one task per list of annotations."""
    tasks = [
        {
            "id": 10 + at,
            "data": {"prompt": "q", "response": "a", "prompt_id": f"p{at}"},
            "annotations": made,
        }
        for at, made in enumerate(annotations)
    ]
    for task in tasks:
        task["data"] |= data or {}
    path = folder / "annotations.json"
    path.write_text(json.dumps(tasks))
    return path


def imported(path, **options):
    return riskshift.import_label_studio(path, **({"taxonomy": HARM} | options))


def by_name(made):
    return [dict(zip(made.columns, row, strict=True)) for row in made.rows]


@pytest.mark.parametrize("refusal", [False, True])
@pytest.mark.parametrize("relevance", [False, True])
@pytest.mark.parametrize(
    "taxonomy", [Taxonomy(), HARM, MARKUP, WORDED], ids=["default", "two", "markup", "worded"]
)
def test_label_studio_takes_the_config(interface, taxonomy, relevance, refusal):
    read = interface(labeling_config(taxonomy, relevance=relevance, refusal=refusal))
    read.validate()
    asked = {control.name: control for control in read.controls}
    wanted = [f"{side}_{name}" for side in ("prompt", "response") for name in taxonomy.categories]
    assert list(asked) == wanted + ["refusal"] * refusal + ["relevance"] * relevance
    for name in wanted:
        assert tuple(asked[name].labels) == taxonomy.levels
        assert asked[name].to_name == [name.split("_")[0]]
    assert [text.name for text in read.objects] == ["prompt", "response"]


def test_refusals_are_asked_for_where_the_data_has_the_role(tmp_path):
    without, _ = exported(pairs(), tmp_path / "without")
    assert "refusal" not in without
    config, tasks = exported(
        pairs(said_no=["yes"] * 4), tmp_path / "with", columns={"refusal": "said_no"}
    )
    (asked,) = ElementTree.fromstring(config).findall("./Choices[@name='refusal']")
    assert asked.get("toName") == "response"
    assert [choice.get("value") for choice in asked] == ["complied", "partial", "refused"]
    assert all(choice.get("hint") for choice in asked)
    assert "said_no" not in tasks[0]["data"]


@pytest.mark.parametrize("scale", [None, "levels", "names"])
def test_refusals_come_back_by_name_and_correct_a_grader(tmp_path, scale):
    labels = {"prompt_harm": "Safe", "response_harm": "Safe"}
    given = [annotation(**labels, refusal=name) for name in ("complied", "partial", "refused")]
    path = answered(tmp_path, *([one] for one in (*given, annotation(**labels))))
    columns = {"refusal": "said_no"}
    place = tmp_path / "people.csv"
    made = imported(path, columns=columns, scale=scale, output=place)
    told = [row["said_no"] for row in by_name(made)]
    assert told == ["complied", "partial", "refused", None]
    ids = {"prompt_id": [f"p{at}" for at in range(4)]}
    grader = pl.DataFrame(ids | {"prompt_harm": 0, "response_harm": 0, "said_no": [1, 0, 1, 0]})
    grader.write_csv(tmp_path / "grader.csv")
    report = riskshift.grade(
        tmp_path / "grader.csv",
        place,
        taxonomy=HARM,
        columns=columns,
        scale=scale if scale == "levels" else None,
        refusal_scale={"complied": "0", "refused": "1"},
    )
    assert report.refusal.table == ((0, 0, 1), (1, 0, 0), (0, 0, 1))


def test_names_of_a_taxonomy_are_no_markup():
    root = ElementTree.fromstring(labeling_config(MARKUP, relevance=True))
    assert {tag.tag for tag in root.iter()} == {"View", "Header", "Text", "Choices", "Choice"}
    names = [tag.get("name") for tag in root.iter("Choices")]
    assert names[:3] == [f"prompt_{name}" for name in MARKUP.categories]


def legends(config):
    """What a person who labels reads, in order: legends by title, and the questions."""
    shown = {}
    for tag in ElementTree.fromstring(config):
        if tag.tag == "Collapse":
            (panel,) = tag
            assert panel.get("open") == "true"
            shown.setdefault(panel.get("value"), []).append([line.get("value") for line in panel])
        elif tag.tag == "Choices":
            shown[tag.get("name")] = [choice.get("hint") for choice in tag]
    return shown


def test_what_levels_mean_stands_above_the_questions_of_each_side():
    taxonomy = Taxonomy()
    told = [taxonomy.describe("hate", at) for at in range(4)]
    lines = [f"{level}: {text}" for level, text in zip(taxonomy.levels, told, strict=True)]
    shown = legends(labeling_config(taxonomy))
    assert shown["What the levels mean"] == [lines, lines]
    assert list(shown)[:2] == ["What the levels mean", "prompt_hate"]
    assert shown["response_violence"] == [
        f"severity {at} of 3: {text}" for at, text in enumerate(told)
    ]


def test_where_a_category_has_its_own_words_the_nearest_legend_is_the_right_one():
    shown = legends(labeling_config(WORDED))
    general, own = "Bad: Harms somebody.", f"Bad: {WORDED.describe('theft', 1)}"
    assert list(shown)[:6] == [
        "What the levels mean for fraud", "prompt_fraud", "What the levels mean for theft",
        "prompt_theft", "What the levels mean for arson", "prompt_arson",
    ]  # fmt: skip
    assert shown["What the levels mean for theft"] == [["Fine: Harms nobody.", own]] * 2
    assert shown["What the levels mean for arson"] == [["Fine: Harms nobody.", general]] * 2


def test_levels_without_a_description_are_not_in_the_legend():
    some = Taxonomy(["a", "b"], ["x", "y", "z"], descriptions={"y": "Why.", "b": {"z": "Zed."}})
    shown = legends(labeling_config(some))
    assert shown["What the levels mean for a"] == [["y: Why."]] * 2
    assert shown["What the levels mean for b"] == [["y: Why.", "z: Zed."]] * 2
    assert shown["prompt_a"] == ["severity 0 of 2", "severity 1 of 2: Why.", "severity 2 of 2"]
    assert list(legends(labeling_config(HARM))) == LABELS


@pytest.mark.parametrize("name", ["$prompt", "a\x00b", "a\ufffeb", "\ud800"])
def test_names_that_a_config_cannot_hold_are_refused(name):
    with pytest.raises(UsageError, match="Rename it"):
        labeling_config(Taxonomy([name]))
    with pytest.raises(UsageError, match="Reword it"):
        labeling_config(Taxonomy(descriptions={"hate": {"Low": f"Such as {name}."}}))


# The SDK itself uses what pydantic gives up.
@pytest.mark.filterwarnings("ignore:The `dict` method is deprecated")
def test_label_studio_takes_the_tasks_and_its_annotations_come_back(interface, tmp_path):
    taxonomy = Taxonomy()
    config, tasks = exported(
        pairs(prompt=[HOSTILE] * 4, relevance=[None] * 4, refusal=[None] * 4),
        tmp_path / "out",
        taxonomy=taxonomy,
    )
    read = interface(config)
    made = []
    for at, task in enumerate(tasks):
        read.validate_task(task)
        given = read.generate_sample_annotation()
        assert read.validate_annotation(given)
        made.append(task | {"id": at, "annotations": [given]})
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps(made))
    rows = by_name(imported(path, taxonomy=taxonomy))
    assert len(rows) == 4
    for row, task in zip(rows, made, strict=True):
        for part in task["annotations"][0]["result"]:
            (choice,) = part["value"]["choices"]
            assert row[part["from_name"]] == (
                choice[0] if part["from_name"] == "relevance" else choice
            )


def test_tasks_hold_texts_and_identity_and_no_labels(tmp_path):
    frame = pairs(
        1, model=["m"], sample=[3], prompt=[HOSTILE], prompt_harm=[1], stratum=["escalation: no"],
        inclusion_probability=[0.25], language=["de"],
    )  # fmt: skip
    _, tasks = exported(frame, tmp_path)
    identity = {"prompt_id": "p0", "model": "m", "sample": "3"}
    chance = {"stratum": "escalation: no", "inclusion_probability": "0.25"}
    assert tasks == [{"data": {"prompt": HOSTILE, "response": "Answer 0"} | identity | chance}]


def test_other_names_of_columns_come_through(tmp_path):
    columns = {"prompt": "q", "prompt_id": "uid", "response_harm": "out"}
    frame = pairs().rename({"prompt": "q", "prompt_id": "uid"})
    _, tasks = exported(frame, tmp_path, columns=columns)
    assert tasks[0]["data"]["prompt"] == "Question 0"
    tasks[0] |= {"annotations": [annotation(response_harm="Safe")]}
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps(tasks[:1]))
    with pytest.raises(DataError, match="Name the column as at the export"):
        imported(path)
    (row,) = by_name(imported(path, columns=columns))
    assert row == {"uid": "p0", "labelled_by": "1", "prompt_harm": None, "out": "Safe"}


@pytest.mark.parametrize("without", ["prompt", "response"])
def test_people_need_something_to_read(without, tmp_path):
    with pytest.raises(DataError, match=f"no column '{without}': people need something to read"):
        exported(pairs().drop(without), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("frame", "options", "error", "message"),
    [
        (pairs().drop("prompt_id"), {}, DataError, "nothing tells pairs apart"),
        (pairs(0), {}, DataError, "holds no pairs"),
        (pairs(), {"columns": {"prompt_id": "prompt"}}, DataError, "needs this name for a text"),
        (pairs(), {"columns": {"prompt_id": "uid"}}, ColumnError, "uid"),
    ],
)
def test_pairs_that_cannot_be_exported(frame, options, error, message, tmp_path):
    with pytest.raises(error, match=message):
        exported(frame, tmp_path, **options)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "out").write_text("x")
    with pytest.raises(OutputError, match="is a file"):
        exported(pairs(), tmp_path / "out")


@pytest.mark.parametrize("stratify", [None, "response_harm"])
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_from_grader_to_people_to_a_corrected_rate(suffix, stratify, tmp_path):
    graded = pairs(
        300,
        prompt_harm=[i % 2 for i in range(300)],
        response_harm=[int(i < 60) for i in range(300)],
        prompt=[f"=cmd('{i}')\n\x1b" for i in range(300)],
    )
    path, drawn = tmp_path / "graded.jsonl", tmp_path / f"drawn{suffix}"
    graded.write_ndjson(path)
    harmful = {f"p{i}" for i in range(300) if i < 45 or i % 40 == 39}
    sample = riskshift.sample(path, n=90, stratify=stratify, output=drawn, taxonomy=HARM)
    _, tasks = exported(drawn, tmp_path / "out")
    for task in tasks:
        label = "Harmful" if task["data"]["prompt_id"] in harmful else "Safe"
        task["annotations"] = [annotation(prompt_harm="Safe", response_harm=label)]
    (tmp_path / "a.json").write_text(json.dumps(tasks))
    people = tmp_path / f"people{suffix}"
    imported(tmp_path / "a.json", output=people)
    result = riskshift.analyze(path, people=people, taxonomy=HARM, cases=0, resamples=10)
    assert result.corrected.sample.labelled == 90
    assert result.corrected.sample.stratified_by == stratify
    rate = result.corrected.rate("response_harm")
    drawn_pairs = [(row[0], row[-2]) for row in sample.rows]
    if stratify is None:
        assert rate.people.events == sum(pair in harmful for pair, _ in drawn_pairs)
        return
    by_hand = sum(
        part.pairs
        / 300
        * sum(pair in harmful for pair, name in drawn_pairs if name == part.name)
        / part.drawn
        for part in sample.strata
    )
    assert rate.corrected.estimate == pytest.approx(by_hand, abs=1e-12)


def test_several_people_a_pair_are_for_agree(tmp_path):
    people = {"email": "a@x.org", "id": 7}, {"id": 8}, 9
    tasks = [
        [annotation(by, prompt_harm="Safe", response_harm="Harmful") for by in people]
        for _ in range(3)
    ]
    output = tmp_path / "people.jsonl"
    made = imported(answered(tmp_path, *tasks), output=output)
    assert made.several
    assert made.annotators == {"8": 3, "9": 3, "a@x.org": 3}
    agreement = riskshift.agree(output, taxonomy=HARM, resamples=10)
    assert agreement.raters == made.annotators
    settled = tmp_path / "settled.csv"
    riskshift.agree(output, taxonomy=HARM, resamples=10, write_resolved=settled)
    graded = pairs(3, prompt_harm=[0] * 3, response_harm=[0, 1, 1])
    graded.write_csv(tmp_path / "graded.csv")
    result = riskshift.analyze(
        tmp_path / "graded.csv", people=settled, taxonomy=HARM, resamples=10, cases=0
    )
    assert result.corrected.rate("response_harm").people.events == 3


def test_the_strata_of_a_sample_come_through_agreement(tmp_path):
    both = [annotation(by, prompt_harm="Safe", response_harm="Safe") for by in (1, 2)]
    data = {"stratum": "response_harm: no", "inclusion_probability": "0.5"}
    output, settled = tmp_path / "people.csv", tmp_path / "settled.csv"
    made = imported(answered(tmp_path, both, both, data=data), output=output)
    assert by_name(made)[1] | data == by_name(made)[1]
    riskshift.agree(output, taxonomy=HARM, resamples=10, write_resolved=settled)
    rows = pl.read_csv(settled, infer_schema=False).to_dicts()
    assert [row | data for row in rows] == rows
    assert "keeps the columns stratum and inclusion_probability" in str(made)
    assert "stratified" not in str(imported(answered(tmp_path, both)))


def test_a_label_that_was_not_given_is_missing_never_safe(tmp_path):
    output = tmp_path / "people.csv"
    made = imported(answered(tmp_path, [annotation(prompt_harm="Safe")]), output=output)
    assert by_name(made)[0]["response_harm"] is None
    assert pl.read_csv(output)["response_harm"].to_list() == [None]


def test_what_holds_no_labels_is_counted_and_left_out(tmp_path):
    skipped = annotation(response_harm="No such level") | {"was_cancelled": True}
    path = answered(tmp_path, [annotation(response_harm="Safe")], [skipped], [annotation()], [])
    made = imported(path)
    assert len(made.rows) == 1
    assert made.left_out == {
        "skipped by a person": 1,
        "annotation without any label": 1,
        "task that nobody labelled": 3,
    }
    assert "left out, skipped by a person: 1" in str(made)
    with pytest.raises(DataError, match="holds no labels: skipped by a person"):
        imported(answered(tmp_path, [skipped]))


def two(name):
    twice = annotation(**{name: "Safe"})
    twice["result"] *= 2
    return twice


def many():
    made = annotation(response_harm="Safe")
    made["result"][0]["value"]["choices"] = ["Safe", "Harmful"]
    return made


@pytest.mark.parametrize(
    ("made", "error", "message"),
    [
        ([annotation(response_harm="Low")], LabelError, "task 10: response_harm is 'Low'. Levels: Safe < Harmful"),
        ([annotation(response_harm="")], LabelError, "task 10: response_harm is ''"),
        ([annotation(response_harm=None)], LabelError, "task 10: response_harm is None"),
        ([annotation(response_harm={})], LabelError, "task 10: response_harm is {}"),
        (
            [annotation(refusal="maybe")],
            LabelError,
            "task 10: refusal is 'maybe'. Choices: complied, partial, refused",
        ),
        ([annotation(relevance="4")], LabelError, "task 10: relevance is '4'"),
        ([annotation(relevance=[1])], LabelError, "task 10: relevance is"),
        ([annotation(response_hate="Safe")], LabelError, "task 10: 'response_hate' is no label"),
        ([two("response_harm")], LabelError, "task 10: response_harm has not one choice"),
        ([many()], LabelError, r"has not one choice but \['Safe', 'Harmful'\]"),
        ([annotation(response_harm="Safe")] * 2, PairError, "task 10: annotator 1 labelled it 2 times"),
    ],
)  # fmt: skip
def test_annotations_that_say_something_else_are_refused(made, error, message, tmp_path):
    output = tmp_path / "people.csv"
    with pytest.raises(error, match=message):
        imported(answered(tmp_path, made), output=output)
    assert not output.exists()


def test_what_other_controls_say_is_passed_over(tmp_path):
    made = annotation(response_harm="Safe")
    made["result"].append({"from_name": "note", "type": "textarea", "value": {"text": ["?"]}})
    assert by_name(imported(answered(tmp_path, [made])))[0]["response_harm"] == "Safe"


@pytest.mark.parametrize(
    "text",
    [
        "{", "[" * 100_000, "{}", "[1]", '[{"data": {}}]', '[{"prompt": "q", "prompt_harm": "Safe"}]',
        '[{"data": [], "annotations": []}]', '[{"data": {}, "annotations": [1]}]', "\x00",
    ],
)  # fmt: skip
def test_what_is_no_export_is_refused(text, tmp_path):
    path = tmp_path / "annotations.json"
    path.write_text(text)
    with pytest.raises(FileError, match=r"annotations\.json is not"):
        imported(path)


@pytest.mark.parametrize("text", ["", "\n ", "\ufeff"])
def test_an_empty_file_is_called_empty(text, tmp_path):
    path = tmp_path / "annotations.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FileError, match=r"annotations\.json is empty\. In Label Studio choose"):
        imported(path)


def test_a_folder_is_called_a_folder(tmp_path):
    with pytest.raises(FileError, match=r"is a folder\. Name the file that Label Studio exported"):
        imported(tmp_path)


@pytest.mark.parametrize("name", ["annotations.jsonl", "link.jsonl"])
def test_the_annotations_are_not_written_over(name, tmp_path):
    path = answered(tmp_path, [annotation(response_harm="Safe")]).rename(
        tmp_path / "annotations.jsonl"
    )
    held = path.read_text()
    (tmp_path / "link.jsonl").symlink_to(path)
    with pytest.raises(OutputError, match=r"^output \S+ is also read as path.*name another file"):
        imported(path, output=tmp_path / name)
    assert path.read_text() == held


def test_pairs_are_not_written_over_by_tasks(tmp_path):
    exported(pairs(), tmp_path)
    tasks = tmp_path / "tasks.json"
    held = tasks.read_text()
    for data in (tasks, [str(tasks)], tmp_path, f"{tmp_path}/*.json"):
        with pytest.raises(OutputError, match=r"^folder \S+tasks\.json .* as data"):
            riskshift.export_label_studio(data, tmp_path, taxonomy=HARM)
    assert tasks.read_text() == held


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path):
    with pytest.raises(FileError, match=r"none\.json cannot be read: No such file or directory\.$"):
        imported(tmp_path / "none.json")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileError, match="cannot be read"):
        imported(tmp_path / "bytes.json")


@pytest.mark.parametrize(
    ("scale", "written"), [(None, "Low"), ("names", "Low"), ("levels", "1"), ("0-7", "2")]
)
def test_labels_are_written_on_the_scale_of_the_graded_pairs(scale, written, tmp_path):
    path = answered(tmp_path, [annotation(response_hate="Low")])
    (row,) = by_name(imported(path, taxonomy=Taxonomy(), scale=scale))
    assert row["response_hate"] == written
