"""Pairs in, labels out: graders asked about what has no labels yet."""
