"""How many: prompts, pairs, labels and looks."""
