"""The update rules, the only loop, and what chooses among them."""
