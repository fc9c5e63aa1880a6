"""Differences of differences: by group and across categories."""
