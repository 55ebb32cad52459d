"""What users call: one verb a module, and what it returns."""
