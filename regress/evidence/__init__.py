"""Floor 4: proofs about a fit. Sees numbers only."""
