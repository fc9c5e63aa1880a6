"""Commands that answer a question about labelled pairs."""
