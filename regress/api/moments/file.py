"""A file of moments: a line that says what it is, a line of JSON, sums as bytes, and the SHA-256 of all before it.

The first sections are the totals: no name of a file, and the same for equal rows. Their hash is the fingerprint.
Reading a file executes nothing. What it can make of its bytes is bounded by the columns that it names.
"""

import json
import zlib
from collections import Counter
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias

from regress import __version__
from regress.aggregates.account import Tally
from regress.aggregates.held_out import HeldOutSums
from regress.aggregates.part_sums import PartSums
from regress.aggregates.sample import Sampler
from regress.aggregates.totals_bytes import from_bytes, to_bytes
from regress.api.json_schema import Malformed, of, strict_json
from regress.api.moments.collected import Collected
from regress.api.moments.head import Provenance, Section, check_head, check_sums
from regress.api.moments.how_read import HowRead, MomentsPart, identity_of
from regress.design.encode import SeenCells
from regress.errors import InputError
from regress.fit_record import RowAccount
from regress.messages import by_interface
from regress.numerics.whole_sum import WholeSum

Held: TypeAlias = tuple[PartSums, HowRead, tuple[MomentsPart, ...]]

HEADER = b"regress moments 1\n"
_HASH = 32  # bytes
_MOST = 2**31  # bytes of a section: more columns than have exact sums in a machine of today
_OF_NUMBER = 1000  # bytes that totals need at most for one: a digit of 23 bits at each of 291 levels


def written(sums: PartSums, read: HowRead, parts: tuple[MomentsPart, ...]) -> bytes:
    """Return the bytes of the file."""
    sections = {"training": to_bytes(sums.training), "held_out": to_bytes(sums.held_out.exact())}
    names, arrays = sums.sample.arrays()
    sections |= {f"sample_{name}": array.tobytes() for name, array in arrays.items()}
    stored = {name: zlib.compress(data, 6) for name, data in sections.items()}
    head = Provenance(
        regress=__version__,
        fingerprint=identity_of(sections["training"], sections["held_out"], sums.tally),
        read=read,
        parts=parts,
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
    data = b"".join([HEADER, text.encode(), b"\n", *stored.values()])
    return data + sha256(data).digest()


def read_moments(path: Path) -> Held:
    """Read a file of moments.

    Raises
    ------
    InputError
        If it is something else, or could not have been saved.
    """
    remedy = f"Make some with {by_interface('regress.moments(table, target).save(path)', 'regress moments')}"
    try:
        with path.open("rb") as file:
            head = file.read(len(HEADER))
            if not head.startswith(HEADER[:-2]):
                raise InputError(f"{path} does not hold moments. {remedy}.")
            if head != HEADER:
                raise InputError(f"{path} holds moments of another version of the format. Update regress.")
            data = head + file.read()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError as error:  # a name with a null character
        raise (
            error if isinstance(error, InputError) else InputError(f"{str(path)!r} is not the name of a file.")
        ) from None
    try:
        return moments_of(data)
    except ValueError as error:  # Malformed is one
        raise InputError(f"{path} is damaged: {str(error).rstrip('.')}. Make it again.") from None


def moments_of(data: bytes) -> Held:
    """Return the moments that the bytes of a file hold.

    Raises
    ------
    ValueError
        If no moments have them.
    """
    if sha256(memoryview(data)[:-_HASH]).digest() != data[-_HASH:]:
        raise Malformed("its hash is not that of its bytes")
    text, _, rest = data[len(HEADER) : -_HASH].partition(b"\n")
    try:
        document = strict_json(text.decode("ascii"))
    except Malformed:
        raise
    except (ValueError, RecursionError):
        raise Malformed("its second line is not JSON") from None
    head = of(Provenance)(document, "")
    check_head(head)
    sections = _sections(head, rest)
    design = head.read.design()
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
    check_sums(head.read, sums)
    if head.fingerprint != identity_of(sections["training"], sections["held_out"], tally):
        raise Malformed("its fingerprint is not that of its sums")
    return sums, head.read, head.parts


def _sections(head: Provenance, data: bytes) -> dict[str, bytes]:
    """Return the sections, decompressed to what the header says, and no more."""
    found, at = dict[str, bytes](), 0
    bounds = _bounds(head)
    for section in head.sections:
        if section.name not in bounds or section.name in found:
            raise Malformed(f"the section {section.name!r} is unknown or occurs twice")
        stored = data[at : at + section.stored]
        if len(stored) < section.stored or section.size > bounds[section.name]:
            raise Malformed(f"the section {section.name!r} has an impossible size")
        unpacker = zlib.decompressobj()
        try:
            found[section.name] = unpacker.decompress(stored, section.size + 1)
        except zlib.error:
            raise Malformed(f"the section {section.name!r} cannot be decompressed") from None
        if len(found[section.name]) != section.size or not unpacker.eof or unpacker.unused_data:
            raise Malformed(f"the section {section.name!r} has another size than its header gives")
        at += section.stored
    if at != len(data):
        raise Malformed("it continues after its last section")
    if missing := {"training", "held_out"} - set(found):
        raise Malformed(f"the section {min(missing)!r} is missing")
    return found


def _bounds(head: Provenance) -> dict[str, int]:
    """Return the bytes that each section may have, given its columns."""
    columns = Collected(head.read.design(), head.counted.training, head.counted.held_out)
    p, rows = columns.most + 2, min(head.sample_size, head.rows.used)
    totals = min(_OF_NUMBER * (p * (p + 3) // 2 + 1) + columns.bytes, _MOST)
    return {"training": totals, "held_out": totals} | {
        f"sample_{name}": 8 * rows * width
        for name, width in {"bits": 1, "X": len(head.sample_columns), "y": 1, "weights": 1}.items()
    }
