"""Where results go: places, spreadsheets and the escaping of hostile text."""
