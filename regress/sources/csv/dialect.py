"""How a CSV file is written: its form, decimal mark, encoding, header; by flags, or read off its start."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from regress.errors import TableError
from regress.messages import setting
from regress.options import FileOptions
from regress.sources.base import EMPTY, Column
from regress.sources.cell_types import comma_note, decimal_mark, marks_of
from regress.sources.cell_values import Reading, reading_of_files
from regress.sources.csv.format import form_of, refuse_foreign, separator_line
from regress.sources.csv.header import INDEX, column_names, is_header, layout
from regress.sources.csv.record_ends import Format
from regress.sources.csv.rewrite import Row, rows, sampled, start_of
from regress.sources.csv.stream import Stream

_SAMPLE = 2**22  # bytes that the header must fit in
_ROWS = 1000  # records looked at
_LOOK = 200  # of them for what columns are
_SHOWN = {"\t": "tab", "|": "'|'", ";": "';'", ",": "','", " ": "blank"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a file is written, its header, and what its columns look like at its start.

    `skipped_bytes` and `skipped_lines` lie before the first row of data: the header, and what stands above it.
    """

    form: Format
    decimal: str
    encoding: str
    compression: str
    names: tuple[str, ...]
    header: bool
    row_names: bool
    skipped_bytes: int
    skipped_lines: int
    columns: tuple[Column | None, ...]
    reading: Reading
    decimal_known: bool = True
    note: str = ""

    def __str__(self) -> str:
        form = self.form
        delimiter = "runs of blanks" if form.runs else _SHOWN.get(form.delimiter, repr(form.delimiter))
        parts = [f"delimiter {delimiter}{' and blank' * form.padded}", f"decimal {self.decimal!r}"]
        parts += ["no quotes" if form.quote is None else f"quote {form.quote}"]
        parts += [f"escape {form.escape}"] * (form.escape is not None)
        parts += [f"comments {form.comment}"] * (form.comment is not None)
        parts += [self.encoding] + [self.compression] * bool(self.compression)
        parts += ["lines end in carriage returns"] * form.returns
        parts += ["a header" if self.header else "no header"]
        parts += [f"row names in column 1 ({INDEX}), not a feature"] * self.row_names
        return ", ".join(parts)


def read_dialect(stream: Stream, options: FileOptions) -> Dialect:
    """Read the start of a file that was just opened.

    Raises
    ------
    TableError
        If it is empty, its header cannot be used, or a guess would be one; the message names the flag that decides.
    """
    file, sample, more = stream.name, stream.read(_SAMPLE), stream.read(1)
    returns = b"\r" in sample and b"\n" not in sample
    sample = sample.replace(b"\r", b"\n") if returns else sample
    above = _line_start(sample, options.skip_lines)
    refuse_foreign(file, sample)
    length, delimiter = separator_line(sample[above:])
    above, lines_above = above + length, options.skip_lines + bool(length)
    sample = sample[above:]
    form = form_of(sample, options, options.delimiter or delimiter, returns)
    block = start_of(sample, form, bool(more))
    records = rows(block, form, lines_above)
    table = sampled(records, _ROWS + 1)
    if not table:
        what = "longer than 4 MB" if more else "empty"
        raise TableError(f"{file}, line {lines_above + 1} is {what}: the first line must name the columns.")
    _check_first(file, table[0], block.raw, lines_above)
    found = layout(file, table, options.header)
    decimal, known = _decimal(file, form, found.below, options, complete=not more and len(table) <= _ROWS)
    header = is_header(file, table[0].line, options.header, found, decimal)
    lines = table[0].after if header else table[0].line
    skipped = _line_start(sample, lines - lines_above)
    if header:
        names, below = column_names(file, table, sample[:skipped], found), found.below
    else:
        names, below = [f"x{j}" for j in range(len(found.first))], [found.first, *found.below]
    reading, skip = reading_of_files(options, decimal), options.on_bad_lines == "skip"
    columns = reading.columns(names, below[:_LOOK], skip)
    if None in columns:  # no value so far: look on
        width = len(names) + found.trailing
        below += [row.cells for row in records if row.cells is not None and len(row.cells) == width]
        columns = [c or other for c, other in zip(columns, reading.columns(names, below, skip), strict=True)]
    row_names = header and not found.first[0].strip()
    if row_names:
        columns[0] = replace(columns[0] or Column(INDEX, "number", dtype=EMPTY), index=True)
    form = replace(form, trailing=found.trailing)
    return Dialect(
        form=form,
        decimal=decimal,
        decimal_known=known,
        encoding=stream.encoding,
        compression=stream.compression,
        names=tuple(names),
        columns=tuple(columns),
        reading=reading,
        header=header,
        row_names=row_names,
        skipped_bytes=above + skipped,
        skipped_lines=lines,
        note=comma_note(file, below) if options.decimal == "," else "",
    )


def _decimal(
    file: str, form: Format, below: Sequence[Sequence[str]], options: FileOptions, complete: bool
) -> tuple[str, bool]:
    """Return the decimal mark, and whether that is certain: where some rows do not tell, all have to be asked."""
    if options.decimal is not None:
        return options.decimal, True
    if options.thousands in (",", ".") or form.delimiter == ",":
        return "," if options.thousands == "." else ".", True
    seen = marks_of([cell for row in below for cell in row])
    if complete or "comma" in seen or "point" in seen:
        return decimal_mark(file, form.delimiter, seen), True
    return ".", False


def _line_start(text: bytes, line: int) -> int:
    """Return where a line begins, counting from 0; the end of the text where it has fewer."""
    at = 0
    for _ in range(line):
        at = text.find(b"\n", at) + 1
        if not at:
            return len(text)
    return at


def _check_first(file: str, row: Row, text: bytes, lines_above: int) -> None:
    """Refuse a first record that cannot be read, or runs on over ends of lines of another kind."""
    place = f"{file}, line {row.line + 1}"
    start, end = (_line_start(text, line - lines_above) for line in (row.line, row.after))
    if re.search(rb"\r(?!\n|\Z)", text[start:end]):
        raise TableError(
            f"{place} holds a carriage return: the file's lines end in more than one way. Convert them all to "
            "newlines, as tr '\\r' '\\n' does."
        )
    if row.cells is None:
        raise TableError(
            f"{place}: the quotes of this record cannot be read. Fix them, or "
            f"pass {setting('quotechar', 'none')} if quotes are ordinary characters here."
        )
