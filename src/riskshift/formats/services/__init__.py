"""Services that say of each call how harmful its prompt and its answer were."""
