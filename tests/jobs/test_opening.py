"""Data are opened in one way, by options that have a type."""

import inspect
import typing
from pathlib import Path

import polars as pl
import pytest

import riskshift
from riskshift import UsageError
from riskshift.jobs.opening import Grouping, Reading, opened, read

PAIRS = pl.DataFrame({"prompt_harm": [1, 0], "response_harm": [0, 0]})
HARM = riskshift.Taxonomy(["harm"], ["Safe", "Harmful"])
JOBS = ("analyze", "check", "compare", "grade", "labels_needed", "plan", "sample")


def test_the_type_of_the_options_is_the_signature_of_read():
    parameters = inspect.signature(read).parameters.values()
    options = {one.name: one.annotation for one in parameters if one.kind == one.KEYWORD_ONLY}
    assert typing.get_type_hints(Grouping) == options
    assert set(options) - set(typing.get_type_hints(Reading)) == {"by"}


@pytest.mark.parametrize("job", JOBS)
def test_every_job_hands_on_options_of_that_type(job):
    hint = typing.get_type_hints(getattr(riskshift, job))["reading"]
    assert typing.get_args(hint) in ((Reading,), (Grouping,))


@pytest.mark.parametrize("job", JOBS)
def test_no_job_takes_an_option_of_its_own_by_the_name_of_another(job):
    signature = inspect.signature(getattr(riskshift, job))
    handed_on = typing.get_args(typing.get_type_hints(getattr(riskshift, job))["reading"])[0]
    assert not set(signature.parameters) & set(typing.get_type_hints(handed_on))


def test_agree_takes_the_options_that_raters_have_by_the_same_names_and_types():
    own = {
        one.name: one.annotation for one in inspect.signature(riskshift.agree).parameters.values()
    }
    options = typing.get_type_hints(Grouping)
    shared = options.keys() & own.keys()
    of_logs = {"scores", "score_values", "cuts", "turns", "labels", "categories_in"}
    assert options.keys() - shared == {"by", "prompt_labels", *of_logs}
    assert {name: own[name] for name in shared} == {name: options[name] for name in shared}


def test_an_option_that_nobody_knows_is_refused():
    with pytest.raises(TypeError, match="taxnomy"):
        riskshift.analyze(PAIRS, taxnomy=HARM)


class TestOpened:
    def test_data_are_read_and_it_is_told(self):
        steps = []
        records = opened(PAIRS, {"taxonomy": HARM}, steps.append)
        assert records.options.taxonomy == HARM
        assert steps == ["opening the data"]

    def test_records_stay_as_they_are(self):
        records = read(PAIRS, taxonomy=HARM)
        assert opened(records, {}, lambda step: None) is records

    def test_options_that_would_change_nothing_are_refused(self):
        records = read(PAIRS, taxonomy=HARM)
        for beside in (None, records):
            with pytest.raises(UsageError, match="read already, so by, scale would change nothing"):
                opened(records, {"scale": "0-7", "by": "x"}, lambda step: None, beside=beside)

    def test_options_may_be_for_what_stands_beside(self):
        records = read(PAIRS, taxonomy=HARM)
        beside = Path("people.csv")
        assert opened(records, {"scale": "0-7"}, lambda step: None, beside=beside) is records
