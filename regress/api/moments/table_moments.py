"""The moments of a table: sums over its rows that merge, and from which it can be fitted without them."""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path

from regress.aggregates.account import describe
from regress.aggregates.part_sums import PartSums
from regress.api.moments.how_read import Account, HowRead, MomentsPart, Parts, TermKind, identity, joined
from regress.design.rows import Reader
from regress.errors import InputError
from regress.messages import by_interface, shortened, visible
from regress.numerics.atomic_write import whole_file
from regress.options import TableOptions
from regress.sources.base import Column
from regress.sources.summed import SummedSource


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TableMoments:
    """Sums over the rows of a table, without rounding. Least squares needs no more.

    Sums of parts merge with ``+``: the result has the same bits for any order of the rows, and however the table was
    cut. ``-`` subtracts a part.

    Attributes
    ----------
    target : str
        The column to predict.
    names : tuple of str
        The columns that are features, those that a formula computes too.
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
        """The columns that are features, those that a formula computes too."""
        return self.read.design().columns

    @property
    def n_rows(self) -> int:
        """Training rows."""
        return self.sums.tally.used

    @property
    def sampled(self) -> int:
        """Training rows that are held, for plots of residuals."""
        sample = self.sums.sample.finish()
        return 0 if sample is None else len(sample.Y)

    @property
    def fingerprint(self) -> str:
        """A hash of the sums."""
        return identity(self.sums)

    @property
    def source(self) -> SummedSource:
        """The table, whose rows cannot be read."""
        read = self.read
        columns = {t.name: Column(t.name, t.kind, levels=t.order, settled=True) for t in read.terms}
        columns |= {v.name: Column(v.name, v.kind, levels=v.order, settled=True) for v in read.design().variables}
        for name in (read.target, read.weights, read.split_key):
            if name is not None:
                columns.setdefault(name, Column(name, "number", settled=True))
        return SummedSource(
            self.label, [*columns.values()], "; ".join(dict.fromkeys(p.read_as for p in self.parts if p.read_as))
        )

    def __repr__(self) -> str:
        label, parts = shortened(visible(self.label), 60), _counted(len(self.parts), "part")
        return f"TableMoments({label}: {self.sums.tally.rows:,} rows, {parts}, target {self.target!r}{self._sample()})"

    def __str__(self) -> str:
        return (
            f"{visible(self.label)}: {describe(self.sums.tally)}; {_counted(len(self.parts), 'part')}{self._sample()}."
        )

    def _sample(self) -> str:
        return f", with a sample of {_counted(self.sampled, 'row')}" if self.sampled else ""

    def __add__(self, other: object) -> "TableMoments":
        return merged([self, other]) if isinstance(other, TableMoments) else NotImplemented

    def __radd__(self, other: object) -> "TableMoments":
        return self if other == 0 else NotImplemented  # where `sum` begins

    def __sub__(self, other: object) -> "TableMoments":
        if not isinstance(other, TableMoments):
            return NotImplemented
        read = joined(self.account, other.account)
        sums = deepcopy(self.sums).over(read.texts, read.booleans)
        try:
            sums.subtract(other.sums.over(read.texts, read.booleans))
        except InputError:
            raise InputError(
                f"The rows of {other.label} are not all in {self.label}, so they cannot be subtracted."
            ) from None
        parts = Parts(self.parts)
        for part in other.parts:
            gone = replace(part, sign=-part.sign)
            if not parts.holds(part) and len(self.parts) > 1:
                raise InputError(f"{part.source} is not among the parts of {self.label}. Subtract what was merged.")
            if parts.add(gone) is not None:
                raise InputError(f"{part.source} was subtracted before.")
        return replace(self, sums=sums, read=read, parts=parts.all())

    @property
    def account(self) -> Account:
        """How the rows were read, and where they went."""
        return Account(self.label, self.read, self.sums.tally)

    def save(self, path: str | Path) -> None:
        """Write the moments to a file, completely or not at all.

        Raises
        ------
        InputError
            If the file cannot be written.

        Examples
        --------
        >>> import regress
        >>> day = regress.moments("data/diabetes.csv", "progression")
        >>> day.save("day.moments")
        >>> regress.load_moments("day.moments").fingerprint == day.fingerprint
        True
        """
        from regress.api.moments.file import written

        data = written(self.sums, self.read, self.parts)
        with whole_file(path) as file:
            file.write(data)


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"


def merged(several: Iterable[TableMoments], *, allow_equal: bool = False) -> TableMoments:
    """Merge moments of several parts of a table, one after the other; none of them changes.

    Raises
    ------
    InputError
        If they were made in different ways, or a part would count twice.
    """
    coming = iter(several)
    first = next(coming)
    sums, parts, read = deepcopy(first.sums), Parts(first.parts), first.read
    for other in coming:
        read = joined(Account(first.label, read, sums.tally), other.account)
        for part in other.parts:
            twin = parts.add(part)
            if twin is not None and not allow_equal:
                remedy = by_interface("merge their files by `regress merge --allow-equal`", "pass --allow-equal")
                raise InputError(
                    f"The rows of {part.source} in {other.label} are those of {twin.source}, and would count twice. If "
                    f"they are other rows that are equal, {remedy}."
                )
        sums = sums.over(read.texts, read.booleans)
        sums.merge(replace(other.sums.over(read.texts, read.booleans), parts=frozenset()))
    return replace(first, sums=sums, read=read, parts=parts.all(), label="the merged moments")


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
        as_written=options.as_written,
        formula=_formula_of(reader),
        terms=_columns_of(reader),
    )


def _formula_of(reader: Reader) -> str:
    """Return the formula in the form that all ways to write it share; "" where there is none."""
    if not reader.design.formula:
        return ""
    from regress.design.formula.parser import parse_formula
    from regress.design.formula.plan import written_out

    return written_out(parse_formula(reader.design.formula), target=reader.target.name)


def _columns_of(reader: Reader) -> tuple[TermKind, ...]:
    """Return the columns of the table that a reader's design reads."""
    design, computed = reader.design, {c.name for c in reader.design.computed}
    found = {v.name: TermKind(name=v.name, kind=v.kind, order=v.order) for v in design.variables}
    read = {name: TermKind(name=name, kind=kind, order=None) for c in design.computed for name, kind in c.reads}
    return tuple((read | {name: term for name, term in found.items() if name not in computed}).values())


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
    >>> import regress
    >>> regress.moments("data/diabetes.csv", "progression").save("day.moments")
    >>> day = regress.load_moments("day.moments")
    >>> day.n_rows, round(regress.fit(day).r2, 3)
    (442, 0.518)
    """
    from regress.api.moments.file import read_moments

    path = Path(path)
    return TableMoments(*read_moments(path), path.name)
