"""Inspect AI: models are reached through it, its logs are written, and its users get our scorer."""
