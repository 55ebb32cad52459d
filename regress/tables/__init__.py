"""Floor 2: from files, frames and arrays to blocks of numbers."""
