"""Small logs made by hand, and the real ones beside the project."""

import json
import os
from pathlib import Path

import pytest

from riskshift.formats.scores import Asked
from riskshift.reading.logs import find

LOGS = Path(__file__).parent / "logs"
REAL = Path(__file__).parents[3] / "shared" / "logs"


@pytest.fixture
def small():
    """The folder of small logs, made by hand in the layout of each tool."""
    return LOGS


@pytest.fixture(scope="session")
def real():
    """The folder of real logs; it is not part of the project, so it may be absent."""
    if not REAL.is_dir():
        if os.environ.get("RISKSHIFT_NO_SKIPS") == "1":
            pytest.fail("../shared/logs is not there, and RISKSHIFT_NO_SKIPS=1 forbids skipping")
        pytest.skip("../shared/logs is not beside the project")
    return REAL


@pytest.fixture(scope="session")
def told(real):
    """What a right reader must give, by the path of a real log."""
    return json.loads((real / "counts.json").read_text())["files"]


@pytest.fixture
def rows():
    """Turn a log into pairs; return them, and each as a row."""

    def read(path, scores=None, cuts=(), **given):
        found = find([path], asked=Asked(scores or {}, cuts=cuts), **given).pairs
        lines = [line for file in found.files for line in file.path.read_text().split("\n") if line]
        return found, [json.loads(line) for line in lines]

    return read
