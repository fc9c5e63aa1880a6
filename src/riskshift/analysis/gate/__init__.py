"""Rules, the evidence for them, and verdicts."""
