"""From the columns of a table to the named columns of X."""
