"""Moments of tables: sums that merge, their files, and what training needs of them."""
