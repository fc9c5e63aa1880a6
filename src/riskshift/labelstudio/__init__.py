"""Pairs to people and back, through Label Studio."""
