"""Labels that do not stand in columns of their own beside the pairs."""
