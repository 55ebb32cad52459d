"""Datasets of PyArrow: each fragment, which is a file or a part of one, is a partition."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from regress.errors import TableError
from regress.sources.arrow import ArrowPart
from regress.sources.cell_values import AS_IS, Reading
from regress.sources.polars_frames import SLICE
from regress.sources.table import Table

_AHEAD = 2  # batches decoded before they are used: PyArrow's own choice holds 16 of some files


@dataclass(frozen=True)
class Dataset:
    """A dataset, or one of its fragments with the columns of all, which gives an Arrow stream for each reading."""

    rows: Any
    schema: Any = None

    def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
        columns = {} if self.schema is None else {"schema": self.schema}
        scanner = self.rows.scanner(**columns, batch_size=SLICE, batch_readahead=_AHEAD, fragment_readahead=1)
        return scanner.to_reader().__arrow_c_stream__()


def open_dataset(dataset: Any, reading: Reading = AS_IS) -> Table:
    """Return a dataset as a source.

    Raises
    ------
    TableError
        If it has no fragment.
    """
    return Table("the dataset", [ArrowPart(table, reading, name) for name, table in _parts(dataset)])


def _parts(dataset: Any) -> Sequence[tuple[str, Dataset]]:
    """Return the fragments by name, or the dataset itself where it is filtered: then it does not give them."""
    try:
        fragments = list(dataset.get_fragments())
    except ValueError:
        return [("", Dataset(dataset))]
    if not fragments:
        raise TableError("The dataset has no file. Check its path.")
    return [(f"fragment {k}", Dataset(one, dataset.schema)) for k, one in enumerate(fragments, 1)]
