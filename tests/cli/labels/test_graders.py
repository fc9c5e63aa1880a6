"""riskshift graders lists, shows, and begins one's own."""

import pytest

from riskshift.cli.boundary import run
from riskshift.graders import NAMES, load


def test_the_list_names_every_grader_and_fits_80_columns(capsys):
    assert run(["graders"]) == 0
    printed = capsys.readouterr().out
    lines = printed.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == list(NAMES)
    assert max(map(len, lines)) <= 80
    for word in ("Labels: ", "Of: ", "Endpoint: ", "Licence: "):
        assert printed.count(word) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_one_is_shown_with_all_that_is_sent(capsys, name):
    assert run(["graders", name]) == 0
    printed = capsys.readouterr().out
    for side in load(name).facts.sides:
        assert f"Asked of a {side}" in printed
    assert "{prompt}" in printed or "{response}" in printed
    assert load(name).fingerprint[:16] in printed


def test_an_unknown_one_is_refused_in_one_message(capsys):
    assert run(["graders", "rubrik"]) == 2
    assert "did you mean 'rubric'" in capsys.readouterr().err


def test_ones_own_begins_from_a_shipped_one_and_is_shown_like_it(capsys, tmp_path):
    mine, rules = tmp_path / "mine.toml", tmp_path / "rules.toml"
    assert run(["graders", "rubric", "--write", str(mine)]) == 0
    assert run(["graders", "--write-rubric", str(rules)]) == 0
    assert load(mine, rubric=rules).fingerprint == load("rubric").fingerprint
    assert run(["graders", str(mine)]) == 0
    assert "Asked of a prompt" in capsys.readouterr().out


def test_a_file_that_is_there_is_not_written_over(capsys, tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text("name = 'own'")
    assert run(["graders", "rubric", "--write", str(mine)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert mine.read_text() == "name = 'own'"


def test_to_write_one_it_must_be_named(capsys, tmp_path):
    assert run(["graders", "--write", str(tmp_path / "mine.toml")]) == 2
    assert "say which one to begin from" in capsys.readouterr().err
