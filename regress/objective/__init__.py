"""The loss, its gradient derived by hand, and the same by automatic differentiation."""
