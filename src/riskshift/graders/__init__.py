"""Graders: what a model or service is asked of a text, and what its answer says; no network."""
