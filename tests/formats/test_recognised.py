"""Every real log is taken by one format at most, and by the right one."""

import pytest

from riskshift.formats.catalogue import FORMATS, REFUSED, recognise
from riskshift.formats.format import Refused
from riskshift.formats.log import Log

RIGHT = {
    "do_not_answer": {"do-not-answer"},
    "doccano": {"an export of doccano"},
    "helm": {"helm", "a file that HELM writes beside its responses"},
    "label_studio": {"an export of Label Studio", None},
    "lm_eval": {
        "lm-eval",
        "a file of samples of lm-evaluation-harness with likelihoods of given answers",
    },
    "modelbench": {"modelbench"},
    "potato": {"potato"},
    "xstest": {"xstest", None},
}


def test_no_two_formats_take_one_log(real):
    for path in sorted(real.glob("*/*")):
        log = Log(path, path.name)
        assert len([one.name for one in (*REFUSED, *FORMATS) if one.recognise(log)]) <= 1, path


@pytest.mark.parametrize("folder", RIGHT)
def test_a_log_is_what_its_folder_says(real, folder):
    found = [recognise(Log(path, path.name)) for path in sorted((real / folder).iterdir())]
    assert {one.name if one else None for one in found} == RIGHT[folder]


def test_no_other_log_is_taken_for_one_of_these(real):
    ours = set().union(*RIGHT.values()) - {None}
    for path in sorted(real.glob("*/*")):
        found = recognise(Log(path, path.name))
        assert path.parent.name in RIGHT or found is None or found.name not in ours, path


@pytest.mark.parametrize("folder", ["deepteam", "harmbench", "jailbreakbench", "pyrit"])
def test_a_log_of_a_tool_is_that_tools_or_refused_by_name(real, folder):
    for path in sorted((real / folder).iterdir()):
        found = recognise(Log(path, path.name))
        assert isinstance(found, Refused) or (found is not None and found.name == folder), path
