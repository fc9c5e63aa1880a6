"""What tools for annotation, and spreadsheets, export."""
