"""Training rows with other columns of the table along, as a second pass reads them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from regress.blocks import Block
from regress.design.matrix import Layout
from regress.design.rows import PlacedRows, Reader
from regress.errors import TableError


def rows_along(reader: Reader, names: Sequence[str]) -> Iterator[tuple[Block, dict[str, list[str]]]]:
    """Yield the training rows of each batch, and their cells of the named columns as text.

    Raises
    ------
    TableError
        If such a cell is missing; the message says where.
    """
    reader = replace(reader, along=tuple(names))
    encoder = reader.encoder()
    layout = Layout(reader.design, encoder.levels)
    for batch, y, a in reader.batches():
        rows = reader.placed(encoder, batch, y, a)
        used = np.arange(batch.rows) if rows.used is None else np.flatnonzero(rows.used)
        cells = {name: _cells(reader, rows, name, used.tolist()) for name in names}
        yield layout.block(rows.encoded, y, a, rows.used), cells


def _cells(reader: Reader, rows: PlacedRows, name: str, used: Sequence[int]) -> list[str]:
    batch = rows.batch
    texts = batch.texts(name)
    levels = {text: batch.level(text) for text in set(texts)}  # 1 and 1.0 are one level
    found = [levels[texts[k]] for k in used]
    if None in found or "" in found:
        at = next(k for k, level in zip(used, found, strict=True) if not level)
        place = reader.source.place(batch.part, batch.first + at)
        raise TableError(f"{place}: column {name!r} is empty. The standard errors need a value in every row.")
    return [level for level in found if level is not None]
