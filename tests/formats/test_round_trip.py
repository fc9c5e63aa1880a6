"""What is analyzed of a log and of the pairs that it comes to is the same."""

from pathlib import Path

import pytest

import riskshift
from riskshift.formats.catalogue import recognise
from riskshift.formats.log import Log

LOGS = sorted((Path(__file__).parent / "logs").iterdir())
OF_FILES = (
    "source",
    "records",
    "timing",
    "left_out",
    "notes",
    "cases",
    "card",
    "disputes",
    "provenance",
)


def numbers(result):
    return {key: value for key, value in result.to_dict().items() if key not in OF_FILES}


@pytest.mark.parametrize("log", LOGS, ids=[log.name for log in LOGS])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_log_and_its_pairs_say_the_same(tmp_path, log, suffix):
    made = riskshift.convert(log, tmp_path / f"pairs{suffix}")
    if recognise(Log(log, log.name)).rated:
        assert agreed(made.output, made.taxonomy) == agreed(log, made.taxonomy)
        return
    options = {"resamples": 200, "permutations": 200}
    again = riskshift.analyze(made.output, taxonomy=made.taxonomy, **options)
    assert numbers(again) == numbers(riskshift.analyze(log, **options))


def agreed(data, taxonomy):
    """Return how far people agree; of one person alone that nobody can say it."""
    try:
        return numbers(riskshift.agree(data, taxonomy=taxonomy))
    except riskshift.DataError as error:
        return str(error).partition(" has labels of one rater only")[1:]
