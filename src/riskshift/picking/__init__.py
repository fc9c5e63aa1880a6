"""Back to the rows, for the few that a person should see."""
