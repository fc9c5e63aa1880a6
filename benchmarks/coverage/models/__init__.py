"""Promises about models on the same prompts."""
