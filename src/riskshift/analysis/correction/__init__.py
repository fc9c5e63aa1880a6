"""Rates and differences corrected by people's labels."""
