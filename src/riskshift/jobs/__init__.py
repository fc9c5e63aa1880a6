"""The public verbs: each opens data, has it collapsed and estimated, and returns one result."""
