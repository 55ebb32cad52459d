"""Numbers: error-free arithmetic, sums, hashes, threads, and atomic writing of files."""
