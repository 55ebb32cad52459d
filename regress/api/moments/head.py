"""The header of a file of moments, and whether it agrees with itself and with the sums: if not, it is refused."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import fsum

from regress.aggregates.exact_sums import ExactSums
from regress.aggregates.part_sums import PartSums
from regress.api.formulas import with_formula
from regress.api.json_schema import Malformed
from regress.api.moments.collected import Collected
from regress.api.moments.how_read import HowRead, MomentsPart
from regress.design.columns import as_read
from regress.design.formula.curves import read_beside
from regress.design.row_facts import Counted
from regress.design.terms import Design
from regress.errors import InputError
from regress.fit_record import RowAccount
from regress.options import TableOptions
from regress.records import Count

_LOG = 746 << 2300  # more than the logarithm of a weight, in the units of its sum


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Bytes of a section in the file, and decompressed."""

    name: str
    stored: Count
    size: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """All but the totals, as JSON."""

    regress: str
    fingerprint: str
    read: HowRead
    parts: tuple[MomentsPart, ...]
    rows: RowAccount
    counted: Counted
    seen: Mapping[str, Mapping[str, int]]
    unknown: Mapping[str, int]
    log_weight: str
    sample_size: Count
    sample_columns: tuple[str, ...]
    sections: tuple[Section, ...]


def check_head(head: Provenance) -> None:
    """Refuse a header that contradicts itself.

    Raises
    ------
    Malformed
        With what is wrong.
    """
    read, rows, counted = head.read, head.rows, head.counted
    design = _check_read(read)
    if rows.rows != rows.used + rows.held_out + rows.missing + rows.zero_weight + rows.bad:
        raise Malformed("the account of the rows does not add up")
    if (
        sum(part.sign * part.rows for part in head.parts) != rows.rows
        or sum(part.sign * part.used for part in head.parts) != rows.used
        or any(part.sign not in (1, -1) for part in head.parts)
    ):
        raise Malformed("its parts have other rows than all")
    names = {*design.columns, read.target} | ({read.weights} if read.weights else set())
    names |= {term.label for term in design.terms}  # of which products are beyond float64
    texts = {variable.name for variable in design.texts}
    booleans = {variable.name for variable in design.variables if variable.kind == "boolean"}
    if not set(rows.missing_cells) <= names or not set(head.seen) <= texts or not set(head.unknown) <= texts:
        raise Malformed("it counts cells of columns that it does not have")
    if {*counted.training} != texts or {*counted.held_out} != texts or {*counted.flags} != booleans:
        raise Malformed("its levels are not those of its columns")
    counts = [*counted.flags.values(), *(levels.values() for levels in counted.training.values())]
    counts += [levels.values() for levels in counted.held_out.values()]
    seen = [*(levels.values() for levels in head.seen.values()), head.unknown.values()]
    if counted.unseen or any(count < 0 for some in (*counts, *seen) for count in some):
        raise Malformed("a count of its rows is negative")
    if read.weight_type == "analytic":
        every = [fsum(levels.values()) for levels in counted.training.values()]
        if any(count != rows.used for count in every):
            raise Malformed("its levels are of other rows than the account")
    if abs(_whole(head.log_weight)) > (_LOG * rows.used if read.weighted else 0):
        raise Malformed("its sum of logarithms of weights is out of range")
    if len(set(head.sample_columns)) < len(head.sample_columns):
        raise Malformed("its sample has a column twice")


def _check_read(read: HowRead) -> Design:
    """Return the design of a way to read a table; refuse what is none."""
    names = [term.name for term in read.terms]
    roles = [read.target, *([] if read.weights is None else [read.weights])]
    apart = [] if read.formula else roles  # a formula may use them
    if (
        len({*names, *apart}) < len(names) + len(apart)
        or len({*roles}) < len(roles)
        or any(term.kind in ("moment", "unusable") for term in read.terms)
    ):
        raise Malformed("its columns cannot be those of a table")
    if any(term.order is not None and (term.kind != "text" or _repeats(term.order)) for term in read.terms):
        raise Malformed("its categories cannot be those of a column")
    if read.weights is not None and not read.weighted:
        raise Malformed("no moments are made so")
    try:
        TableOptions(test_size=read.test_size, random_state=read.random_state, max_categories=read.max_categories)
        if read.formula and with_formula(None, {"formula": read.formula})[0] != read.target:
            raise Malformed("its formula has another target")
        return read.design()
    except InputError as error:
        raise Malformed(str(error).rstrip(".")) from None


def _repeats(names: Collection[str]) -> bool:
    return len(set(names)) < len(names)


def _whole(digits: str) -> int:
    """Return the integer that `hex` writes so."""
    try:
        found = int(digits, 16)
    except ValueError:
        found = None
    if found is None or hex(found) != digits:
        raise Malformed("its sum of logarithms of weights is not a number")
    return found


def check_sums(read: HowRead, sums: PartSums) -> None:
    """Refuse sums that contradict what is counted.

    Raises
    ------
    Malformed
        With what is wrong.
    """
    training, held_out, counted = sums.training, sums.held_out.exact(), sums.counted
    if (training.rows, held_out.rows) != (sums.tally.used, sums.tally.held_out):
        raise Malformed("the sums are of other rows than the account")
    design = read.design()
    columns = Collected(design, counted.training)
    found = _check_columns(training, columns)
    _check_columns(held_out, Collected(design, counted.training, counted.held_out))
    if not columns.alone <= found:
        raise Malformed("its levels are of other rows than its sums")
    sample = sums.sample.finish()
    beside = {*map(as_read, read_beside(design))}
    if sample is not None and {name for name in sample.columns or () if name not in columns} != beside:
        raise Malformed("its sample has other columns than its sums")


def _check_columns(sums: ExactSums, columns: Collected) -> set[str]:
    """Return the columns x of sums that were read, all of which must be among these, besides one target."""
    if sums.rows and (sums.targets != 1 or sums.columns is None):
        raise Malformed("its sums are not over one target and named columns")
    found = set(sums.columns or ())
    if not all(name in columns for name in found):
        raise Malformed("its sums have other columns than it names")
    return found
