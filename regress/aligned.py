"""Tables of text."""

from collections.abc import Collection, Sequence


def aligned(head: Sequence[str], rows: Sequence[Sequence[str]], left: Collection[str] = ()) -> list[str]:
    """Return lines of a table: the first column and those named `left` to the left, the others to the right."""
    wide = [max(len(row[j]) for row in (head, *rows)) for j in range(len(head))]
    at = [str.ljust if j == 0 or name in left else str.rjust for j, name in enumerate(head)]
    return [
        "  ".join(put(cell, width) for put, cell, width in zip(at, row, wide, strict=True)).rstrip()
        for row in (head, *rows)
    ]
