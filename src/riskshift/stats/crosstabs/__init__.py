"""Two-way tables of counts: tests, and measures of strength."""
