"""What a reader of a comparison meets: which models are safest, verdicts, differences."""
