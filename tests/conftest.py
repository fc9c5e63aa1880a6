"""What several test files share: the data beside the project, and analyses of whole files."""

import os
from pathlib import Path

import pytest

import riskshift

ROOT = Path(__file__).parents[1]
CORPUS = ROOT / "src" / "riskshift" / "data" / "reconstruction.csv"


@pytest.fixture(scope="session")
def shared():
    """The folder of data beside the project; it is not part of it, so it may be absent."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        if os.environ.get("RISKSHIFT_NO_SKIPS") == "1":
            pytest.fail("../shared/data is not there, and RISKSHIFT_NO_SKIPS=1 forbids skipping")
        pytest.skip("../shared/data is not beside the project")
    return folder


@pytest.fixture(scope="session")
def corpus_path():
    """Where the packaged corpus lies."""
    return CORPUS


@pytest.fixture(scope="session")
def corpus():
    """The packaged corpus, analyzed with every default."""
    return riskshift.analyze(CORPUS)


@pytest.fixture(scope="session")
def public_pairs(shared):
    """600 public prompts answered by three models, labelled by a grader."""
    return riskshift.analyze(shared / "paired_public_labels.csv", resamples=2000)
