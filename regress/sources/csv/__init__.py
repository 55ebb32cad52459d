"""CSV files in any dialect."""
