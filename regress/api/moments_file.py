"""A file of moments: a line that says what it is, a line of JSON, and sums as bytes. Reading it executes nothing.

The first section of bytes is the totals: no name of a file, and the same for equal rows. Its hash is the fingerprint.
"""

import json
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from regress import __version__
from regress.aggregates.account import Tally
from regress.aggregates.held_out import HeldOutSums
from regress.aggregates.part_sums import PartSums
from regress.aggregates.sample import Sampler
from regress.aggregates.totals_bytes import from_bytes, to_bytes
from regress.api.how_read import HowRead, MomentsPart
from regress.api.json_schema import Malformed, of, strict_json
from regress.api.moments import TableMoments, identity
from regress.design.encode import SeenCells
from regress.design.row_facts import Counted
from regress.design.terms import Design, Term
from regress.errors import InputError
from regress.fit_record import RowAccount
from regress.messages import by_interface
from regress.numerics.whole_sum import WholeSum
from regress.records import Count

HEADER = b"regress moments 1\n"
_MOST_BYTES = 2**31  # of a section
_RATIO = 1100  # most that zlib makes of a byte


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


def written(moments: TableMoments) -> bytes:
    """Return the bytes of the file."""
    sums = moments.sums
    sections = {"training": to_bytes(sums.training), "held_out": to_bytes(sums.held_out.exact())}
    names, arrays = sums.sample.arrays()
    sections |= {f"sample_{name}": array.tobytes() for name, array in arrays.items()}
    stored = {name: zlib.compress(data, 6) for name, data in sections.items()}
    head = Provenance(
        regress=__version__,
        fingerprint=identity(sums),
        read=moments.read,
        parts=moments.parts,
        rows=RowAccount(**sums.tally.to_dict()),
        counted=sums.counted,
        seen={name: dict(counts) for name, counts in sums.seen.levels.items()},
        unknown=dict(sums.seen.unknown),
        log_weight=hex(sums.log_weight.units),
        sample_size=sums.sample.size,
        sample_columns=names,
        sections=tuple(Section(name=name, stored=len(stored[name]), size=len(data)) for name, data in sections.items()),
    )
    text = json.dumps(asdict(head), allow_nan=False, ensure_ascii=True)
    return b"".join([HEADER, text.encode(), b"\n", *stored.values()])


def read_moments(path: Path) -> TableMoments:
    """Read a file of moments.

    Raises
    ------
    InputError
        If it is something else, or could not have been saved.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    if not data.startswith(HEADER):
        version = data[: len(HEADER)].startswith(HEADER[:-3])
        remedy = "Update the package" if version else f"Make some with {by_interface('moments', 'regress moments')}"
        raise InputError(f"{path} does not hold moments of this version. {remedy}.")
    try:
        return moments_of(data, path.name)
    except ValueError as error:  # Malformed is one
        raise InputError(f"{path} is damaged: {str(error).rstrip('.')}. Make it again.") from None


def moments_of(data: bytes, label: str) -> TableMoments:
    """Return the moments that the bytes of a file hold.

    Raises
    ------
    ValueError
        If no moments have them.
    """
    end = data.index(b"\n", len(HEADER)) if b"\n" in data[len(HEADER) :] else len(data)
    head = of(Provenance)(strict_json(data[len(HEADER) : end].decode()), "")
    sections = _sections(head, data[end + 1 :])
    design = Design(tuple(Term(t.name, t.kind, (), t.kind == "text", t.order) for t in head.read.terms))
    log_weight = WholeSum()
    log_weight.units = int(head.log_weight, 16)
    sampler = Sampler(head.sample_size, head.read.random_state, design, {})
    sampler.take_arrays(head.sample_columns, {n.removeprefix("sample_"): b for n, b in sections.items()})
    tally = Tally(**asdict(head.rows))
    tally.missing_cells = Counter(head.rows.missing_cells)
    sums = PartSums(
        tally=tally,
        counted=head.counted,
        seen=SeenCells({name: Counter(c) for name, c in head.seen.items()}, Counter(head.unknown)),
        training=from_bytes(sections["training"]),
        held_out=HeldOutSums.of(from_bytes(sections["held_out"])),
        sample=sampler,
        log_weight=log_weight,
    )
    _check(head, sums)
    return TableMoments(sums, head.read, head.parts, label)


def _sections(head: Provenance, data: bytes) -> dict[str, bytes]:
    """Return the sections, decompressed to what the header says, and no more."""
    found, at = {}, 0
    for section in head.sections:
        stored = data[at : at + section.stored]
        if len(stored) < section.stored or section.size > min(_RATIO * section.stored, _MOST_BYTES):
            raise Malformed(f"the section {section.name!r} is cut short")
        unpacker = zlib.decompressobj()
        try:
            found[section.name] = unpacker.decompress(stored, section.size + 1)
        except zlib.error:
            raise Malformed(f"the section {section.name!r} cannot be decompressed") from None
        if len(found[section.name]) != section.size or not unpacker.eof or unpacker.unused_data:
            raise Malformed(f"the section {section.name!r} has another size than its header gives")
        at += section.stored
    if at != len(data):
        raise Malformed("it goes on after its last section")
    if missing := {"training", "held_out"} - set(found):
        raise Malformed(f"the section {min(missing)!r} is missing")
    return found


def _check(head: Provenance, sums: PartSums) -> None:
    """Refuse what contradicts itself."""
    rows, columns = head.rows, {t.name: t.kind for t in head.read.terms}
    if rows.rows != rows.used + rows.held_out + rows.missing + rows.zero_weight + rows.bad:
        raise Malformed("the account of the rows does not add up")
    if (sums.training.rows, sums.held_out.exact().rows) != (rows.used, rows.held_out):
        raise Malformed("the sums are of other rows than the account")
    if head.fingerprint != identity(sums):
        raise Malformed("its fingerprint is not that of its sums")
    texts = {name for name, kind in columns.items() if kind == "text"}
    if (
        set(head.counted.training) != texts
        or set(head.counted.held_out) != texts
        or len(columns) < len(head.read.terms)
    ):
        raise Malformed("its levels are not those of its columns")
