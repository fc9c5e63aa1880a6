"""What a reader of an analysis meets: how risk moves, by category, one bit, relevance, cases."""
