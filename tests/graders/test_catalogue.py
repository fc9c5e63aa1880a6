"""Shipped graders go by name and say where they come from."""

from importlib.resources import files

import pytest

from riskshift.errors import UsageError
from riskshift.graders import NAMES, load
from riskshift.graders.catalogue import source
from riskshift.taxonomy import level_parser


def test_the_shipped_graders_are_those_promised():
    assert NAMES == (
        "azure-content-safety",
        "gpt-oss-safeguard",
        "granite-guardian",
        "llama-guard-3",
        "llama-guard-4",
        "nemotron-safety-guard",
        "openai-moderation",
        "qwen3guard",
        "rubric",
        "rubric-answer",
        "shieldgemma",
        "wildguard",
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_grader_is_called_like_its_file_and_says_licence_source_and_errors(name):
    facts = load(name).facts
    assert facts.name == name
    assert all((facts.title, facts.version, facts.licence, facts.source, facts.about))


@pytest.mark.parametrize("name", NAMES)
def test_every_level_can_be_read_back_from_a_column_of_labels(name):
    taxonomy = load(name).taxonomy
    if taxonomy:
        parse = level_parser(taxonomy, "names")
        assert [parse(level) for level in taxonomy.levels] == list(range(len(taxonomy.levels)))


def test_a_name_that_is_nearly_right_gets_the_right_one():
    with pytest.raises(
        UsageError, match=r"'lama-guard-3' is unknown \(did you mean 'llama-guard-3'\?\)"
    ):
        load("lama-guard-3")


@pytest.mark.parametrize("name", NAMES)
def test_a_grader_begun_from_a_shipped_one_is_the_same_grader(name, tmp_path):
    place = tmp_path / "mine.toml"
    place.write_text(source(name), encoding="utf-8")
    assert load(place) == load(name)
    assert load(str(place)).fingerprint == load(name).fingerprint


def test_the_declarations_are_small_files_of_their_own():
    held = list((files("riskshift.graders") / "shipped").iterdir())
    assert {one.name for one in held} == {f"{name}.toml" for name in NAMES}
    assert all(len(one.read_text().splitlines()) < 130 for one in held)
