"""Sums over rows that can be merged: moments, exact totals, the account of the rows."""
