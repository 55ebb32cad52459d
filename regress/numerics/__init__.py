"""Floor 1: sums that keep their digits."""
