"""Models on the same prompts."""
