"""Logs that other tools write, each described by what it is and turned into exchanges."""
