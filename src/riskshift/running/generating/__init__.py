"""Prompts in, answers out: models asked, and the whole run to a page."""
