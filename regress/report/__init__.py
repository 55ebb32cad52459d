"""Results as people see them: charts, and pages that need neither a network nor this package."""
