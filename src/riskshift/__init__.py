"""Paired analysis of prompt risk and response risk.

Examples
--------
>>> import riskshift
>>> import polars as pl
>>> pairs = pl.DataFrame({"prompt_harm": [1, 1, 0], "response_harm": [0, 1, 0]})
>>> result = riskshift.analyze(pairs, taxonomy=riskshift.Taxonomy(["harm"], ["Safe", "Harmful"]))
>>> print(result.rate("response_harm"))
response_harm: 1 of 3, 33.3% [6.1%, 79.2%] (wilson, 95%)
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from riskshift.agreeing import agree
    from riskshift.analysis.agreement import Agreement
    from riskshift.analysis.compared import Comparison
    from riskshift.analysis.gates import GateReport
    from riskshift.analysis.graded import GraderReport
    from riskshift.analysis.labelling import LabelsNeeded
    from riskshift.analysis.planned import Plan
    from riskshift.analysis.population import Population
    from riskshift.analysis.rates import Rate
    from riskshift.analysis.result import Analysis
    from riskshift.api import analyze, read
    from riskshift.comparing import compare
    from riskshift.counts import Case
    from riskshift.errors import (
        ColumnError,
        DataError,
        FileError,
        LabelError,
        OutputError,
        PairError,
        RiskshiftError,
        RiskshiftWarning,
        UsageError,
    )
    from riskshift.gating import check
    from riskshift.grading import grade
    from riskshift.labelstudio.exporting import export_label_studio
    from riskshift.labelstudio.importing import import_label_studio
    from riskshift.planning import plan
    from riskshift.records import Columns, Records
    from riskshift.report import write, write_charts
    from riskshift.sampling import Sample, labels_needed, sample
    from riskshift.taxonomy import Taxonomy

# Where each public name lives; imported when it is first asked for, so that the package loads fast.
_HOMES = {
    "Agreement": "analysis.agreement",
    "Analysis": "analysis.result",
    "Case": "counts",
    "ColumnError": "errors",
    "Columns": "records",
    "Comparison": "analysis.compared",
    "DataError": "errors",
    "FileError": "errors",
    "GateReport": "analysis.gates",
    "GraderReport": "analysis.graded",
    "LabelError": "errors",
    "LabelsNeeded": "analysis.labelling",
    "OutputError": "errors",
    "PairError": "errors",
    "Plan": "analysis.planned",
    "Population": "analysis.population",
    "Rate": "analysis.rates",
    "Records": "records",
    "RiskshiftError": "errors",
    "RiskshiftWarning": "errors",
    "Sample": "sampling",
    "Taxonomy": "taxonomy",
    "UsageError": "errors",
    "agree": "agreeing",
    "analyze": "api",
    "check": "gating",
    "compare": "comparing",
    "export_label_studio": "labelstudio.exporting",
    "grade": "grading",
    "import_label_studio": "labelstudio.importing",
    "labels_needed": "sampling",
    "plan": "planning",
    "read": "api",
    "sample": "sampling",
    "write": "report",
    "write_charts": "report",
}

__all__ = [
    "Agreement",
    "Analysis",
    "Case",
    "ColumnError",
    "Columns",
    "Comparison",
    "DataError",
    "FileError",
    "GateReport",
    "GraderReport",
    "LabelError",
    "LabelsNeeded",
    "OutputError",
    "PairError",
    "Plan",
    "Population",
    "Rate",
    "Records",
    "RiskshiftError",
    "RiskshiftWarning",
    "Sample",
    "Taxonomy",
    "UsageError",
    "agree",
    "analyze",
    "check",
    "compare",
    "export_label_studio",
    "grade",
    "import_label_studio",
    "labels_needed",
    "plan",
    "read",
    "sample",
    "write",
    "write_charts",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'riskshift' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"riskshift.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
