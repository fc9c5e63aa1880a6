"""The command line: parse, one public call, render, exit code."""

from riskshift.cli.boundary import main

__all__ = ["main"]
