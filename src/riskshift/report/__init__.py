"""Results in, pages out: one document, many renderers."""

from riskshift.report.writing import write, write_charts

__all__ = ["write", "write_charts"]
