"""Tables of text."""

from collections.abc import Collection, Sequence

from regress.escaping import visible


def aligned(head: Sequence[str], rows: Sequence[Sequence[str]], left: Collection[str] = ()) -> list[str]:
    """Return lines of a table: the first column and those named `left` to the left, the others to the right."""
    shown = [[visible(cell) for cell in row] for row in (head, *rows)]
    wide = [max(map(len, column)) for column in zip(*shown, strict=True)]
    at = [str.ljust if j == 0 or name in left else str.rjust for j, name in enumerate(head)]
    return [
        "  ".join(put(cell, width) for put, cell, width in zip(at, row, wide, strict=True)).rstrip() for row in shown
    ]
