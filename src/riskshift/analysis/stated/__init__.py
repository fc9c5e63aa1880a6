"""What is stated of data: where they come from, and the card that says it."""
