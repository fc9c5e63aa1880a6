"""Counts in, named frozen results out."""
