"""The few questions that rows are asked, and who answers."""
