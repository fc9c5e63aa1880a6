"""Text files that cannot be read as they are: where they are broken, and a copy that can."""
