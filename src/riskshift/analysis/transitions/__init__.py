"""How risk moves from prompt to response."""
