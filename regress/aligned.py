"""Tables of text."""

from collections.abc import Sequence


def aligned(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines of a table: the first column to the left, the others to the right."""
    wide = [max(len(row[j]) for row in (head, *rows)) for j in range(len(head))]
    return [
        "  ".join([row[0].ljust(wide[0]), *(cell.rjust(w) for cell, w in zip(row[1:], wide[1:], strict=True))]).rstrip()
        for row in (head, *rows)
    ]
