"""Numbers: error-free arithmetic, sums, hashes, threads, and files written whole."""
