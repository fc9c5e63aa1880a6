"""What a log says, its pairs say again when they are written and read."""

from pathlib import Path

import pytest

import riskshift

LOGS = Path(__file__).parent / "logs"
# What tells of files, and the ledger of what was left out, which stays with the log.
OF_FILES = ("source", "records", "timing", "left_out", "notes", "cases", "card")


@pytest.mark.parametrize("name", sorted(path.name for path in LOGS.iterdir()))
def test_the_log_and_its_pairs_say_the_same(tmp_path, name):
    made = riskshift.convert(LOGS / name, tmp_path / "pairs.parquet")
    log, pairs = (
        riskshift.analyze(path, taxonomy=taxonomy, resamples=50).to_dict()
        for path, taxonomy in ((LOGS / name, None), (made.output, made.taxonomy))
    )
    for told in log.keys() - set(OF_FILES):
        assert log[told] == pairs[told], told
