"""Results in, pages out: one document, many renderers."""
