"""Check the rows and cross them once: what is left is counts."""
