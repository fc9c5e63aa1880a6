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

from riskshift.version import __version__ as __version__

if TYPE_CHECKING:
    from riskshift.analysis.agreement.result import Agreement
    from riskshift.analysis.comparison.result import Comparison
    from riskshift.analysis.gate.result import GateReport
    from riskshift.analysis.grader.result import GraderReport
    from riskshift.analysis.plan.labels import LabelsNeeded
    from riskshift.analysis.plan.result import Plan
    from riskshift.analysis.rates import Rate
    from riskshift.analysis.stated.card import DataCard
    from riskshift.analysis.transitions.population import Population
    from riskshift.analysis.transitions.result import Analysis
    from riskshift.counts.case import Case
    from riskshift.errors import (
        ColumnError,
        DataError,
        EndpointError,
        FileError,
        LabelError,
        OutputError,
        PairError,
        RiskshiftError,
        RiskshiftWarning,
        UsageError,
    )
    from riskshift.jobs.agree import agree
    from riskshift.jobs.analyze import analyze
    from riskshift.jobs.compare import compare
    from riskshift.jobs.data.collapse import Counted, save_counts
    from riskshift.jobs.data.convert import Converted, convert
    from riskshift.jobs.data.doctor import Checkup, doctor
    from riskshift.jobs.gate.check import check
    from riskshift.jobs.grade import grade
    from riskshift.jobs.opening import read
    from riskshift.jobs.plan import plan
    from riskshift.jobs.sample import Sample, labels_needed, sample
    from riskshift.labelstudio.exporting import export_label_studio
    from riskshift.labelstudio.importing import import_label_studio
    from riskshift.records import Columns, Records
    from riskshift.report import write, write_charts
    from riskshift.running.generating.run import Run, run
    from riskshift.running.labelling.estimate import LabellingEstimate, estimate_labelling
    from riskshift.running.labelling.label import Labelled, label
    from riskshift.running.raters import Rater
    from riskshift.taxonomy import Taxonomy

# Where each public name lives; imported when it is first asked for, so that the package loads fast.
_HOMES = {
    "Agreement": "analysis.agreement.result",
    "Analysis": "analysis.transitions.result",
    "Case": "counts.case",
    "Checkup": "jobs.data.doctor",
    "ColumnError": "errors",
    "Columns": "records",
    "Comparison": "analysis.comparison.result",
    "Converted": "jobs.data.convert",
    "Counted": "jobs.data.collapse",
    "DataCard": "analysis.stated.card",
    "DataError": "errors",
    "EndpointError": "errors",
    "FileError": "errors",
    "GateReport": "analysis.gate.result",
    "GraderReport": "analysis.grader.result",
    "LabelError": "errors",
    "Labelled": "running.labelling.label",
    "LabellingEstimate": "running.labelling.estimate",
    "LabelsNeeded": "analysis.plan.labels",
    "OutputError": "errors",
    "PairError": "errors",
    "Plan": "analysis.plan.result",
    "Population": "analysis.transitions.population",
    "Rate": "analysis.rates",
    "Rater": "running.raters",
    "Records": "records",
    "RiskshiftError": "errors",
    "RiskshiftWarning": "errors",
    "Run": "running.generating.run",
    "Sample": "jobs.sample",
    "Taxonomy": "taxonomy",
    "UsageError": "errors",
    "agree": "jobs.agree",
    "analyze": "jobs.analyze",
    "check": "jobs.gate.check",
    "compare": "jobs.compare",
    "convert": "jobs.data.convert",
    "doctor": "jobs.data.doctor",
    "estimate_labelling": "running.labelling.estimate",
    "export_label_studio": "labelstudio.exporting",
    "grade": "jobs.grade",
    "import_label_studio": "labelstudio.importing",
    "label": "running.labelling.label",
    "labels_needed": "jobs.sample",
    "plan": "jobs.plan",
    "read": "jobs.opening",
    "run": "running.generating.run",
    "sample": "jobs.sample",
    "save_counts": "jobs.data.collapse",
    "write": "report",
    "write_charts": "report",
}

__all__ = [
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


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'riskshift' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"riskshift.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
