"""What several test files share: the data beside the project, and analyses of whole files."""

import os
from pathlib import Path

import polars as pl
import pytest
from hypothesis import settings

import riskshift

# How long an example takes says nothing on a machine that does other things too. What a change must
# pass is the same examples every time; `make search` looks for new ones.
settings.register_profile("riskshift", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile("riskshift")

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


def labels(*rows, categories=("a", "b"), **columns):
    """A frame of one row a pair: severities of the prompt, then of the response; None is missing."""
    sides = [f"{side}_{name}" for side in ("prompt", "response") for name in categories]
    named = dict(zip(sides, zip(*rows, strict=True), strict=True)) | columns
    whole = {name: pl.Int64 for name in (*sides, "relevance") if name in named}
    return pl.DataFrame({k: list(v) for k, v in named.items()}, schema_overrides=whole)


THREE = riskshift.Taxonomy(["a", "b"], ["Safe", "Low", "High"])
TWO = riskshift.Taxonomy(["harm"], ["Safe", "Harmful"])

SMALL = {
    "one escalation": (labels((0, 0, 1, 0), relevance=[3]), THREE),
    "one reduction": (labels((2, 0, 1, 0)), THREE),
    "nothing labelled": (labels((None,) * 4, (None,) * 4, relevance=[None, None]), THREE),
    "one pair and nothing labelled": (labels((None,) * 4), THREE),
    "no response labelled": (
        labels((1, 0, None, None), (0, 0, None, None), relevance=[1, None]),
        THREE,
    ),
    "no escalation": (
        labels((0, 0, 0, 0), (1, 0, 0, 0), (2, 1, 2, 1), (2, 0, 0, 0), relevance=[3, 3, 1, 2]),
        THREE,
    ),
    "every pair escalates": (labels((0, 0, 1, 0), (0, 0, 2, 0), (1, 0, 2, 2)), THREE),
    "one prompt, three models": (
        labels((0, 0, 1, 0), (0, 0, 2, 0), (0, 0, 1, 1), prompt_id="xxx", model="abc"),
        THREE,
    ),
    "prompts of two sizes": (
        labels(
            *((0, 1, 1, 0), (1, 0, 1, 1), (1, 0, 0, 0), (1, None, 0, 0), (2, 2, 0, None)),
            prompt_id="pqqqr",
            sample="11231",
            relevance=[1, 2, 3, 3, 3],
            prompt_benign=[True, False, False, None, False],
            language=["de", "fr", "fr", None, "de"],
        ),
        THREE,
    ),
    "two levels": (labels((0, 1), (1, 0), (1, None), categories=("harm",)), TWO),
}


@pytest.fixture(scope="session")
def small_results():
    """Analyses of the small frames, by name."""
    return {
        name: riskshift.analyze(
            frame,
            taxonomy=taxonomy,
            resamples=200,
            permutations=200,
            by=["language"] if "language" in frame.columns else [],
        )
        for name, (frame, taxonomy) in SMALL.items()
    }


@pytest.fixture(scope="session", params=["corpus", "public_pairs", *SMALL])
def any_result(request, small_results):
    """Analyses of the whole files, and of small frames with something odd about each."""
    return small_results.get(request.param) or request.getfixturevalue(request.param)
