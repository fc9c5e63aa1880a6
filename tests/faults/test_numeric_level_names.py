"""A label is judged by how it was read, and what a message offers is accepted."""

import polars as pl
import pytest

import riskshift
from riskshift import Taxonomy
from riskshift.collapse.pairs import collapse
from riskshift.errors import LabelError, RiskshiftWarning

PYRIT = ["0.0", "0.25", "0.5", "0.75", "1.0"]


def severities(values, levels, **options):
    data = pl.DataFrame({"prompt_harm": [values[0]] * len(values), "response_harm": values})
    taxonomy = Taxonomy(["harm"], levels) if levels else Taxonomy(["harm"])
    counts = collapse(
        riskshift.read(data, taxonomy=taxonomy, prompt_labels="per-row", **options)
    ).counts
    return sorted(counts.response[:, 0].tolist())


def told(values, levels=None, **options):
    with pytest.raises(LabelError) as caught:
        severities(values, levels, **options)
    return str(caught.value)


@pytest.mark.parametrize("scale", [None, "names"])
def test_levels_named_by_scores_are_levels(faults, scale):
    folder = faults / "numeric-level-names"
    taxonomy = Taxonomy.from_toml(folder / "pyrit.toml")
    result = riskshift.agree(folder / "ratings.csv", taxonomy=taxonomy, scale=scale)
    alpha = result.on("response_harm").alpha
    # krippendorff 0.8 on the level indices.
    assert {kind: alpha[kind].estimate for kind in alpha} == pytest.approx(
        {"nominal": 0.2093, "ordinal": 0.8336, "interval": 0.8357}, abs=5e-5
    )


def test_a_level_may_be_named_by_a_word_beside_numbers(faults):
    folder = faults / "numeric-level-names"
    taxonomy = Taxonomy.from_toml(folder / "unsure.toml")
    counts = collapse(riskshift.read(folder / "unsure.csv", taxonomy=taxonomy)).counts
    assert sorted(counts.response[:, 0].tolist()) == [1, 2]


@pytest.mark.parametrize(
    ("values", "levels", "expected"),
    [
        (["0", "0.250", ".5", "1"], PYRIT, [0, 1, 2, 4]),
        ([0.0, 0.25, 1.0], PYRIT, [0, 1, 4]),
        ([0, 1, 1], PYRIT, [0, 4]),
        (["1", "2", "5+"], ["1", "2", "3", "4", "5+"], [0, 1, 4]),
        (["0", "5+", "4"], ["0", "1", "2", "3", "4", "5+"], [0, 4, 5]),
        ([1, 2, 3], ["1", "2", "3"], [0, 1, 2]),
        (["unsure", "0"], ["0", "1", "unsure"], [0, 2]),
    ],
)
def test_numbers_that_are_names(values, levels, expected):
    assert severities(values, levels) == expected


def test_names_and_severities_mixed_are_told_what_is_accepted():
    message = told(["Safe", "1"])
    assert "Write all of them as names or all as severities: Safe < Low < Medium < High" in message
    assert "--scale" not in message


@pytest.mark.parametrize(
    ("values", "levels", "lines"),
    [
        ([1, 2, 3], ["Fine", "Grey", "Bad"], ['levels = ["1", "2", "3"]', 'harmful_from = "2"']),
        ([1, 2, 3, 4], None, ['levels = ["1", "2", "3", "4"]']),
        ([0, 1, 2, 3, 4], None, ['levels = ["0", "1", "2", "3", "4"]', 'harmful_from = "1"']),
        ([1, 2, 3, 4, 5], None, ['levels = ["1", "2", "3", "4", "5"]']),
        ([1, 2], ["no", "yes"], ['levels = ["1", "2"]', 'harmful_from = "2"']),
        (["1", "3", "4"], None, ['levels = ["1", "2", "3", "4"]']),
    ],
)
def test_other_scales_are_told_which_taxonomy_to_write(values, levels, lines):
    message = told(values, levels)
    assert 'categories = ["harm"]' in message
    assert all(line in message.splitlines() for line in lines)
    assert "--scale" not in message
    assert "--skip-bad" not in message
    # What the message says is accepted.
    names = next(line for line in lines if line.startswith("levels")).partition("= ")[2]
    assert severities(values, [name.strip(' "') for name in names.strip("[]").split(",")])


def test_a_scale_that_other_rows_contradict_is_not_advised():
    assert "0-2-4-6" not in told([0, 1, 3, 4])
    assert "--scale 0-2-4-6" in told([0, 2, 4])
    assert "--scale 0-7" in told([0, 3, 7])


def test_labels_above_the_scale_are_not_to_be_left_out():
    assert "--skip-bad" not in told([0, 1, 9])
    assert "--skip-bad" in told(["0", "1", "Nope"])


def test_many_labels_without_a_zero_are_suspicious():
    with pytest.warns(RiskshiftWarning, match="no label is 0") as caught:
        severities([1, 2, 3] * 10, None)
    assert 'levels = ["1", "2", "3"]' in str(caught[0].message)
