"""Floor 2: what is derived by hand, and the same by automatic differentiation."""
