"""What is summed over rows and merges: moments, exact sums, the account of the rows."""
