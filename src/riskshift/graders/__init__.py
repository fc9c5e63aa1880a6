"""Graders: what a model or service is asked of a text, and what its answer says; no network."""

from riskshift.graders.catalogue import NAMES, load

__all__ = ["NAMES", "load"]
