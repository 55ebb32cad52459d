"""The minimum of L in exact arithmetic."""
