"""What is left of the rows: small tables of counts."""
