"""What a result says: order, wording and rounding, decided once."""
