"""Estimates from records that come in clusters."""
