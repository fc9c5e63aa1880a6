"""Numbers in, numbers out: statistics on counts, with numpy and scipy only."""
