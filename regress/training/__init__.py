"""Floor 3: value and gradient at (w, b), the update rules, and the one loop."""
