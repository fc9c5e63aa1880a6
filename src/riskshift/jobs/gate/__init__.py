"""The release gate: checked, with looks, people and a baseline, and attested."""
