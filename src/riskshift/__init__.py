"""Paired analysis of prompt risk and response risk."""

__version__ = "0.1.0"
