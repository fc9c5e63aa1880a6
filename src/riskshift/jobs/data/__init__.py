"""Jobs about data, before any question: what they are, and as files of pairs."""
