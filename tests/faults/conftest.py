"""Small inputs that once failed, in a folder beside the project."""

import os
from pathlib import Path

import pytest

FAULTS = Path(__file__).parents[3] / "shared" / "faults"


@pytest.fixture(scope="session")
def faults():
    """The folder of inputs beside the project; it is not part of it, so it may be absent."""
    if not FAULTS.is_dir():
        if os.environ.get("RISKSHIFT_NO_SKIPS") == "1":
            pytest.fail("../shared/faults is not there, and RISKSHIFT_NO_SKIPS=1 forbids skipping")
        pytest.skip("../shared/faults is not beside the project")
    return FAULTS


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a file in a folder of its own, and return its name."""
    monkeypatch.chdir(tmp_path)

    def written(name, text):
        Path(name).write_text(text, encoding="utf-8")
        return name

    return written
