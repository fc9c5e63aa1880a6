"""Only the rows that are meant, and those that are left out are counted."""

import polars as pl
import pytest

import riskshift
from riskshift import Taxonomy
from riskshift.records import Condition

HARM = Taxonomy(["harm"], ["Safe", "Harmful"])
PAIRS = pl.DataFrame(
    {
        "prompt_id": ["a", "b", "c", "d"],
        "prompt_harm": [1, 1, 0, 0],
        "response_harm": [1, 0, 0, 1],
        "language": ["en", "en ", "de", None],
        "empty": [False, True, False, False],
        "round": [1, 1, 2, 2],
    }
)
READ = {"taxonomy": HARM, "resamples": 20, "permutations": 20}


def of(frame, **options):
    found = riskshift.analyze(frame, **READ, **options)
    return found.population.records, found.provenance.left_out


@pytest.mark.parametrize(
    "engine", [lambda f: f, lambda f: f.lazy(), lambda f: f.to_pandas(), lambda f: f.to_arrow()]
)
@pytest.mark.parametrize(
    ("options", "records", "left_out"),
    [
        ({"where": "language=en"}, 2, {}),
        ({"where": ["language=en", "empty=false"]}, 1, {}),
        ({"where": "round = 2"}, 2, {}),
        ({"leave_out": "empty=True"}, 3, {"empty = True": 1}),
        (
            {"leave_out": ["empty=true", "language="]},
            2,
            {"empty = true": 1, "language is empty": 1},
        ),
        ({"where": "language=en", "leave_out": "empty=true"}, 1, {"empty = true": 1}),
    ],
)
def test_rows_are_chosen_as_they_are_written(engine, options, records, left_out):
    assert of(engine(PAIRS), **options) == (records, left_out)


def test_files_are_chosen_from_alike(tmp_path):
    file = tmp_path / "pairs.csv"
    PAIRS.write_csv(file)
    assert of(file, leave_out="empty=true") == (3, {"empty = true": 1})


def test_a_gate_takes_what_is_left_out_for_unknown():
    many = pl.concat(
        [PAIRS.with_columns(prompt_id=pl.col("prompt_id") + str(at)) for at in range(200)]
    )
    good = many.filter(pl.col("response_harm") == 0)
    sure = riskshift.check(good, "response_harm <= 5%", taxonomy=HARM, where="empty=false")
    assert sure.verdict == "pass"
    open_ = riskshift.check(good, "response_harm <= 5%", taxonomy=HARM, leave_out="empty=true")
    assert open_.verdict == "inconclusive"


def test_what_cannot_be_chosen_is_said():
    with pytest.raises(riskshift.ColumnError, match=r"'lang'(.|\n)*--where and --leave-out take"):
        of(PAIRS, where="lang=en")
    with pytest.raises(riskshift.UsageError, match="'language': write it as COLUMN=VALUE"):
        of(PAIRS, where="language")
    with pytest.raises(riskshift.DataError, match="no rows"):
        of(PAIRS, where="language=fr")
    assert str(Condition.of("a=b=c")) == "a = b=c"


def test_raters_are_chosen_from_alike():
    rows = [
        ("a", "x", 1),
        ("a", "y", 1),
        ("b", "x", 0),
        ("b", "y", 1),
        ("c", "x", 1),
        ("c", "y", 0),
    ]
    ids, raters, labels = zip(*rows, strict=True)
    rated = pl.DataFrame(
        {"record_id": ids, "annotator": raters, "response_harm": labels, "done": [1, 1, 1, 1, 0, 0]}
    )
    found = riskshift.agree(rated, taxonomy=HARM, where="done=1", resamples=20)
    assert (found.items, found.provenance.left_out) == (2, {})
    found = riskshift.agree(rated, taxonomy=HARM, leave_out="done=0", resamples=20)
    assert (found.items, found.provenance.left_out) == (2, {"done = 0": 2})
