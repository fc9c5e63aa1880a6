"""How much evidence a question takes."""
