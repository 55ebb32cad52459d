"""A large plain CSV file in parts that are read independently: byte ranges that begin and end with a record.

Any byte may lie within a quoted cell, so where records end is not known before all quotes in front of it are counted.
`count` counts them range by range, `cut` adds up. What is not sure to be cut as the reader cuts it stays one part.
"""

from collections.abc import Sequence
from dataclasses import replace

from regress.sources.csv.range_counts import Range, RangeCount
from regress.sources.csv.reader import CsvPart, Span
from regress.sources.csv.rewrite import standard
from regress.sources.csv.stream import LONGEST, opened


def ranges_of(part: CsvPart, size: int) -> list[Range] | str:
    """Return ranges of `size` bytes that make up all rows of a file, or a sentence on why it stays one part.

    Raises
    ------
    TableError
        If the file cannot be read.
    """
    if reason := _reason(part):
        return _one_part(part, reason)
    with opened(part.file, part.written.encoding) as stream:
        body = stream.above + part.written.skipped_bytes
    stops = [*range(body + size, part.file.size, size), part.file.size]
    starts = [body, *stops[:-1]]
    form = part.written.form
    return [Range(part.file, form, body, start, stop) for start, stop in zip(starts, stops, strict=True)]


def cut(part: CsvPart, counts: Sequence[RangeCount]) -> list[CsvPart] | str:
    """Return the parts of a file whose ranges were counted, in any order, or a sentence on why it stays one part.

    Raises
    ------
    ValueError
        If a range is missing, or was counted twice.
    """
    spans: list[Span] = []
    counts = sorted(counts, key=lambda count: count.start)
    if [count.stop for count in counts] != [*(count.start for count in counts[1:]), part.file.size]:
        raise ValueError(f"ranges of {part.name} are missing or double")
    quoted, line, record = False, 1 + part.written.skipped_lines, 0
    at, at_line = counts[0].start, line
    for count in counts:
        ends = count.inside if quoted else count.outside
        if not ends.proper:
            return _one_part(part, f"quotes between lines {line:,} and {line + count.lines:,} do not enclose cells")
        if ends.last:
            if max(ends.first - at, ends.longest) > LONGEST:
                return _one_part(part, f"a record below line {at_line:,} is longer than {LONGEST / 1e6:.0f} MB")
            stop, stop_line = min(ends.last, part.file.size), line + ends.lines
            spans.append(Span(at, stop, record, range(at_line, stop_line)))
            at, at_line, record = stop, stop_line, record + ends.records
        quoted, line = quoted ^ count.odd, line + count.lines
    if quoted:
        return _one_part(part, "its number of quotes is odd")
    return [replace(part, span=span) for span in spans] if len(spans) > 1 else [part]


def _reason(part: CsvPart) -> str:
    """Return why a file cannot be cut; "" where it can."""
    written = part.written
    if written.compression:
        return f"a file compressed by {written.compression} is read from its start"
    if written.encoding != "utf-8":
        return f"a file in {written.encoding} is read from its start"
    if not written.decimal_known:
        return "its decimal mark is not known before all cells are read"
    if not standard(written.form):
        return "with escapes, comments or blanks between cells, records have no certain end"
    if written.form.returns:
        return "its lines end in carriage returns"
    if written.form.trailing:
        return "its rows end in delimiters"
    return ""


def _one_part(part: CsvPart, reason: str) -> str:
    return f"{part.name} is read as one part: {reason}."
