"""Formulas: their text, and the columns that it stands for."""
