"""Verdicts in two directions at once, and the models that none surely beats."""
