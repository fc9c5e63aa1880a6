"""What riskshift costs, beside the plainest way to get at the same numbers in the same run."""
