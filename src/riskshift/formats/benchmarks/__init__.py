"""Benchmarks and public sets with labels."""
