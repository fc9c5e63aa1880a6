"""Rates from a grader's labels, corrected by people's."""
