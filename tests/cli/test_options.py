"""Commands take options of reading from one place, and hand on those that were given."""

import inspect
from pathlib import Path

import pytest
import typer

from riskshift.cli import options
from riskshift.cli.app import app
from riskshift.errors import FileError
from riskshift.jobs.opening import read


def made(names=options.READING):
    """Make a command with options of reading, and return what it was handed."""
    held = []

    @options.reads(*names)
    def command(path: str, *, reading: options.Given, quiet: options.Quiet = False) -> None:
        """Do nothing."""
        held.append(reading)

    return command, held


def run(*arguments, names=options.READING):
    command, held = made(names)
    one = typer.Typer(add_completion=False)
    one.command()(command)
    one(["data.csv", *arguments], standalone_mode=False)
    return held[0]


def test_every_option_is_one_of_read_by_its_default():
    parameters = inspect.signature(read).parameters
    assert {one.argument for one in options.READING.values()} == set(parameters) - {"data"}
    for one in options.READING.values():
        assert one.default == (parameters[one.argument].default or one.default)


def test_flags_are_those_of_the_command():
    command, _ = made()
    one = typer.Typer(add_completion=False)
    one.command()(command)
    flags = [option.opts[0] for option in typer.main.get_command(one).params]
    assert [shared.flag for shared in options.READING.values()] == flags[1:-1]


def test_options_stand_where_the_reading_stood_and_the_limits_before_the_last():
    names = ["threads", "memory_limit", "scale", "source"]

    @options.reads(*names)
    def command(
        first: str, *, reading: options.Given, then: int = 0, quiet: options.Quiet = False
    ) -> None:
        pass

    shown = list(inspect.signature(command).parameters)
    assert shown == ["first", "source", "scale", "then", "memory_limit", "threads", "quiet"]


def test_what_was_not_given_is_not_handed_on():
    assert run().arguments() == {}
    assert run("--prompt-labels", "per-prompt").flags == []


def test_what_was_given_is_handed_on_as_read_takes_it(tmp_path):
    place = tmp_path / "t.toml"
    place.write_text('categories = ["harm"]\nlevels = ["Safe", "Harmful"]\n')
    given = run(
        *("--map", "prompt_id=uid", "--missing", "-1", "--by", "a", "--by", "b", "--skip-bad"),
        *("--from", "csv", "--taxonomy", str(place), "--model", ""),
    )
    assert given.taxonomy == place
    handed = given.arguments()
    assert handed.pop("taxonomy").categories == ("harm",)
    assert handed == {
        "format": "csv",
        "columns": {"prompt_id": "uid"},
        "by": ["a", "b"],
        "model": "",
        "skip_bad": True,
        "missing": ["-1"],
    }


def test_the_taxonomy_is_read_when_it_is_asked_for_and_not_before():
    given = run("--taxonomy", "nowhere.toml")
    assert given.taxonomy == Path("nowhere.toml")
    with pytest.raises(FileError, match=r"nowhere\.toml"):
        given.arguments()


def test_an_option_that_is_none_is_refused_when_the_command_is_made():
    with pytest.raises(ValueError, match="colour"):
        options.reads("colour")


def test_no_command_takes_an_option_twice():
    for name, command in typer.main.get_command(app).commands.items():
        flags = [flag for option in command.params for flag in option.opts]
        assert len(set(flags)) == len(flags), name
