"""Commands about data, before any question: what they are, and what can be asked."""
