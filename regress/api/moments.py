"""The moments of a table: sums over its rows that merge, and from which it can be fitted without them."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Unpack

from regress.aggregates.account import describe
from regress.aggregates.part_sums import PartSums
from regress.aggregates.totals_bytes import to_bytes
from regress.api.how_read import HowRead, MomentsPart, TermKind, check_alike
from regress.api.read import read_sums
from regress.api.sums import Reading
from regress.design.rows import Reader
from regress.errors import InputError, check_whole
from regress.keywords import TableKeywords, made, refuse_unknown, takes
from regress.messages import setting, shortened, visible
from regress.numerics.atomic_write import whole_file
from regress.numerics.threads import one_blas_thread, resolve_jobs
from regress.options import Progress, TableOptions
from regress.sources.base import Column, Source
from regress.sources.summed import SummedSource

EMPTY = ""  # the identity of a part without rows


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TableMoments:
    """Sums over the rows of a table, without rounding: all that a fit of least squares needs of them.

    Sums of parts merge with ``+``: the result has the same bits for any order of the rows, and however the table was
    cut. ``-`` takes a part away again.

    Attributes
    ----------
    target : str
        The column to predict.
    names : tuple of str
        The columns of the table that are features.
    n_rows : int
        Training rows.
    parts : tuple of MomentsPart
        What was merged.
    fingerprint : str
        A hash of the sums: the same for the same rows, in any order, and for no other rows.

    Examples
    --------
    >>> import regress
    >>> one = regress.moments({"x": [1.0, 2.0], "y": [3.0, 5.0]}, "y")
    >>> two = regress.moments({"x": [3.0, 5.0], "y": [7.0, 11.0]}, "y")
    >>> regress.fit(one + two).w.tolist()
    [2.0]
    """

    sums: PartSums
    read: HowRead
    parts: tuple[MomentsPart, ...]
    label: str = "the moments"

    @property
    def target(self) -> str:
        """The column to predict."""
        return self.read.target

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of the table that are features."""
        return tuple(term.name for term in self.read.terms)

    @property
    def n_rows(self) -> int:
        """Training rows."""
        return self.sums.tally.used

    @property
    def fingerprint(self) -> str:
        """A hash of the sums."""
        return identity(self.sums)

    @property
    def source(self) -> Source:
        """The table, whose rows cannot be read."""
        roles = [name for name in (self.read.target, self.read.weights) if name is not None]
        columns = [Column(term.name, term.kind, levels=term.order, settled=True) for term in self.read.terms]
        columns += [Column(name, "number", settled=True) for name in roles]
        return SummedSource(self.label, columns, "; ".join(dict.fromkeys(p.read_as for p in self.parts if p.read_as)))

    def __repr__(self) -> str:
        label = shortened(visible(self.label), 60)
        return (
            f"TableMoments({label}: {self.sums.tally.rows:,} rows, {len(self.parts):,} parts, target {self.target!r})"
        )

    def __str__(self) -> str:
        return f"{visible(self.label)}: {describe(self.sums.tally)}; {len(self.parts):,} parts."

    def __add__(self, other: object) -> "TableMoments":
        return merged([self, other]) if isinstance(other, TableMoments) else NotImplemented

    def __sub__(self, other: object) -> "TableMoments":
        if not isinstance(other, TableMoments):
            return NotImplemented
        check_alike(self.read, other.read, (self.label, other.label))
        sums = deepcopy(self.sums)
        try:
            sums.subtract(other.sums)
        except InputError:
            raise InputError(
                f"The rows of {other.label} are not all in {self.label}, so they cannot be subtracted."
            ) from None
        gone = {part.identity for part in other.parts}
        if gone <= {part.identity for part in self.parts}:
            parts = tuple(part for part in self.parts if part.identity not in gone)
        else:
            parts = self.parts + tuple(replace(part, sign=-part.sign) for part in other.parts)
        return replace(self, sums=sums, parts=parts)

    def save(self, path: str | Path) -> None:
        """Write the moments to a file, completely or not at all.

        Raises
        ------
        InputError
            If the file cannot be written.
        """
        from regress.api.moments_file import written

        data = written(self)
        with whole_file(path) as file:
            file.write(data)


def identity(sums: PartSums) -> str:
    """Return the hash of totals, which tells rows from others; "" where there are none."""
    if not sums.tally.used + sums.tally.held_out:
        return EMPTY
    totals = to_bytes(sums.training) + to_bytes(sums.held_out.exact())
    return sha256(totals).hexdigest()


def merged(several: Sequence[TableMoments], *, allow_equal: bool = False, label: str | None = None) -> TableMoments:
    """Merge moments of several parts of a table.

    Raises
    ------
    InputError
        If they were made in different ways, or a part would count twice.
    """
    first, *others = several
    sums, parts = deepcopy(first.sums), list(first.parts)
    for other in others:
        check_alike(first.read, other.read, (first.label, other.label))
        for part in other.parts:
            twin = next((mine for mine in parts if mine.identity == part.identity != EMPTY), None)
            if twin is not None and not allow_equal:
                raise InputError(
                    f"{part.source} has the same rows as {twin.source}, and would count twice. If they are different "
                    f"rows that are equal, pass {setting('allow_equal', True)}."
                )
        added = deepcopy(other.sums)
        added.parts = frozenset()
        sums.merge(added)
        parts += other.parts
    read = replace(first.read, max_categories=max(m.read.max_categories for m in several))
    return replace(first, sums=sums, read=read, parts=tuple(parts), label=label or "the merged moments")


@takes(TableOptions, without=["rows"])
def moments(
    table: Any,
    target: Any,
    *,
    sample: int = 0,
    n_jobs: int | None = None,
    progress: Progress | None = None,
    **options: Unpack[TableKeywords],
) -> TableMoments:
    """Sum the rows of a table without rounding, so that it can be fitted without them, and merged with other parts.

    Parameters
    ----------
    table, target, n_jobs, progress
        As in `fit`.
    sample : int
        Training rows to keep, for plots of residuals. Without any, moments hold no row.
    **options

    Returns
    -------
    TableMoments
        Sums over training rows and over rows held out, counts of levels, and the account of all rows.

    Raises
    ------
    InputError
        If an argument or the table cannot be used; the message says what to do.

    Notes
    -----
    Rows are held out by hashes of their keys, as in a table of several files: of the record number and the name of the
    file, or of the column `split_key`.

    Examples
    --------
    >>> import regress
    >>> day = regress.moments({"x": [1.0, 2.0, 3.0], "y": [3.0, 5.0, 7.0]}, "y")
    >>> regress.fit(day).w.tolist(), day.n_rows
    ([2.0], 3)
    """
    refuse_unknown(moments, options)
    check_whole("sample", sample, 0)
    of_table = made(TableOptions, options)
    if of_table.missing == "mean":
        raise InputError(
            f"{setting('missing', 'mean')} takes a mean over all parts of a table. Use {setting('missing', 'drop')}."
        )
    with one_blas_thread():
        reading = Reading("moments", resolve_jobs(n_jobs), "exact", sampled=sample, summed=True)
        reader, sums = read_sums(table, target, of_table, reading, progress)
    return moments_of_sums(reader, sums, of_table)


def moments_of_sums(reader: Reader, sums: PartSums, options: TableOptions) -> TableMoments:
    """Return sums over the rows that a reader read as moments of one part."""
    source = reader.source
    part = MomentsPart(
        identity=identity(sums),
        source=source.label,
        read_as=source.dialect,
        rows=sums.tally.rows,
        used=sums.tally.used,
        sign=1,
    )
    return TableMoments(sums, how_read(reader, options), (part,), source.label)


def how_read(reader: Reader, options: TableOptions) -> HowRead:
    """Return how a reader reads rows."""
    weights = reader.weights
    return HowRead(
        target=reader.target.name,
        weights=None if weights is None or weights.array is not None else weights.name,
        weighted=weights is not None,
        weight_type=options.weight_type,
        missing=options.missing,
        test_size=options.test_size,
        split_key=options.split_key,
        random_state=options.random_state,
        max_categories=options.max_categories,
        terms=tuple(TermKind(name=t.name, kind=t.kind, order=t.order) for t in reader.design.terms),
    )


def load_moments(path: str | Path) -> TableMoments:
    """Read moments that `TableMoments.save` or ``regress moments`` wrote. Nothing is executed.

    Parameters
    ----------
    path : str or Path
        The file.

    Raises
    ------
    InputError
        If the file holds no moments, is damaged, or is of another version.

    Examples
    --------
    >>> import regress, tempfile
    >>> day = regress.moments({"x": [1.0, 2.0, 3.0], "y": [3.0, 5.0, 7.0]}, "y")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     day.save(f"{folder}/day.moments")
    ...     loaded = regress.load_moments(f"{folder}/day.moments")
    >>> loaded.fingerprint == day.fingerprint
    True
    """
    from regress.api.moments_file import read_moments

    return read_moments(Path(path))
