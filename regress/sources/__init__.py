"""Where rows come from: files, frames and arrays, read in batches."""
