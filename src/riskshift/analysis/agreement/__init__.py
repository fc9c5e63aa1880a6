"""How far raters agree, and one label an item."""
