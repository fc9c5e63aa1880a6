"""What the package offers is a promise: names come and go on purpose only."""

import subprocess
import sys

import pytest

import riskshift

PUBLIC = [
    "Agreement",
    "Analysis",
    "Case",
    "Checkup",
    "ColumnError",
    "Columns",
    "Comparison",
    "Converted",
    "Counted",
    "DataCard",
    "DataError",
    "EndpointError",
    "FileError",
    "GateReport",
    "GraderReport",
    "LabelError",
    "Labelled",
    "LabellingEstimate",
    "LabelsNeeded",
    "OutputError",
    "PairError",
    "Plan",
    "Population",
    "Rate",
    "Rater",
    "Records",
    "RiskshiftError",
    "RiskshiftWarning",
    "Run",
    "Sample",
    "Taxonomy",
    "UsageError",
    "agree",
    "analyze",
    "check",
    "compare",
    "convert",
    "doctor",
    "estimate_labelling",
    "export_label_studio",
    "grade",
    "import_label_studio",
    "label",
    "labels_needed",
    "plan",
    "read",
    "run",
    "sample",
    "save_counts",
    "write",
    "write_charts",
]


def python(code):
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return found.stdout.strip()


def test_public_names_are_those_promised():
    assert riskshift.__all__ == PUBLIC
    assert sorted(PUBLIC) == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_public_name_is_there_and_documented(name):
    found = getattr(riskshift, name)
    assert found.__name__ == name
    assert found.__doc__
    assert found.__module__.startswith("riskshift.")


def test_names_are_listed_and_no_others_are_made_up():
    assert dir(riskshift) == sorted([*PUBLIC, "__version__"])
    with pytest.raises(AttributeError, match="module 'riskshift' has no attribute 'analyse'"):
        _ = riskshift.analyse


def test_star_import_gives_the_public_names():
    names = python("from riskshift import *\nprint(*sorted(n for n in dir() if n[0] != '_'))")
    assert names.split() == sorted(PUBLIC)


def test_importing_the_package_imports_nothing_heavy():
    heavy = "numpy scipy duckdb narwhals altair jinja2 rich typer polars pandas pyarrow"
    code = f"import sys, riskshift\nprint(*(set('{heavy}'.split()) & sys.modules.keys()))"
    assert python(code) == ""


def test_analyzing_imports_neither_charts_nor_templates():
    code = (
        "import sys, riskshift\nriskshift.analyze\n"
        "print(*[n for n in ('altair', 'jinja2', 'rich', 'typer', 'vl_convert', 'scipy.stats')"
        " if n in sys.modules])"
    )
    assert python(code) == ""


def test_every_error_is_one_of_the_package():
    errors = [getattr(riskshift, name) for name in PUBLIC if name.endswith("Error")]
    assert len(errors) == 9
    assert all(issubclass(error, riskshift.RiskshiftError) for error in errors)
    assert issubclass(riskshift.RiskshiftWarning, UserWarning)
