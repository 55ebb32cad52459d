"""Which form a file's records have, by its start: delimiter, quotes, escapes, padding, blanks."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from regress.errors import TableError
from regress.options import FileOptions
from regress.sources.cell_types import all_values, count_values
from regress.sources.csv.record_ends import Format
from regress.sources.csv.rewrite import Start, first_rows

_TRIED = 300  # records that a form is tried on
_START = 2**18  # bytes in which forms are tried
_GLIMPSE = 2**11  # bytes that tell most forms apart
_DELIMITERS = ",;\t|"
_ESCAPE = "\\"
_SEPARATOR = re.compile(rb'"?sep=([\x20-\x7e\t])"?\r?\n', re.IGNORECASE)
_FOREIGN = (
    (rb"version https://git-lfs\.", "a pointer of Git LFS, not the file itself. Fetch the file by git lfs pull."),
    (rb"/annex/objects/|(\.\./)*\.git/annex/", "a pointer of git-annex. Fetch the file by git annex get."),
    (rb"(?i)\s*<(!doctype html|html|head|body)\b", "a web page (HTML). Download the file itself."),
    (rb"\s*<\?xml\b", "XML. Convert it to CSV."),
)
_JSON = re.compile(rb'\s*(\{\s*("|\}\s*$)|\[\s*[\[{])')


def refuse_foreign(file: str, start: bytes) -> None:
    """Refuse what is text but no table.

    Raises
    ------
    TableError
        If it is a pointer, a page, XML or JSON.
    """
    for pattern, what in _FOREIGN:
        if re.match(pattern, start):
            raise TableError(f"{file} is {what}")
    refuse_json(file, start)


def refuse_json(file: str, start: bytes) -> None:
    """Refuse JSON, unless the first of several lines is an object.

    Raises
    ------
    TableError
        If it is one document.
    """
    if not _JSON.match(start):
        return
    try:
        lines = isinstance(json.loads(start.partition(b"\n")[0]), dict) and b"\n" in start.strip()
    except ValueError:
        lines = False
    if not lines and b'"format": "regress-model"' in start[:200]:
        raise TableError(f"{file} is a saved model of regress, where a table is needed.")
    if not lines:
        raise TableError(f"{file} is JSON. Convert it, as pandas.read_json(path).to_csv(…, index=False) does.")


def separator_line(start: bytes) -> tuple[int, str | None]:
    """Return the bytes of a first line such as `sep=;`, which Excel reads and writes, and the delimiter it names."""
    found = _SEPARATOR.match(start)
    return (found.end(), found[1].decode()) if found else (0, None)


class _Trial(NamedTuple):
    """What a form makes of the start of a file: more of it is better."""

    alike: int  # records of the most frequent width, if that is more than one cell
    first: bool  # whether the first record is among them
    values: int  # numbers, booleans and names of missing cells
    rows: list[list[str] | None]
    whole: bool  # whether all records are alike, and no quote stands within a cell

    @property
    def score(self) -> tuple[int, int]:
        return self.alike + self.first, self.values


def _tried(form: Format, start: Start) -> _Trial:
    found = [row.cells for row in start.rows]
    widths = Counter(len(cells) for cells in found if cells is not None)
    width, alike = max(widths.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
    if width < 2:
        return _Trial(0, False, 0, found, False)
    cells = [cell for row in found[:100] if row is not None and len(row) == width for cell in row[:100]]
    values = count_values(cells, comma=form.delimiter != ",")
    first = 0 if found[0] is None else len(found[0])
    others = len(found) - (1 < first == width - 1 and alike > 1)  # R names no column of row names
    return _Trial(alike, first == width, values, found, alike == others and not start.literal)


def form_of(start: bytes, options: FileOptions, delimiter: str | None, returns: bool) -> Format:
    """Return the form in which most records have as many cells; of equals, the one with more numbers and other values.

    Escapes, padding, single quotes and blanks are taken for what they look like only where all records fit so, and do
    not in any plainer form.
    """
    more, start = len(start) > _START, start[:_START]
    given = delimiter or options.delimiter
    quote = _quote(start) if options.quotechar is None else None if options.quotechar == "none" else options.quotechar
    base = Format(quote=quote, escape=options.escapechar, comment=options.comment, returns=returns)
    simple = [replace(base, delimiter=d) for d in given or _DELIMITERS if d != quote]
    starts = [first_rows(start, form, more, _TRIED) for form in simple]
    trials = {form: _tried(form, cut) for form, cut in zip(simple, starts, strict=True)}
    best = max(trials, key=lambda form: trials[form].score)
    if trials[best].whole:
        return replace(best, padded=_padded(trials[best].rows))
    for form in _others(start, base, given, options):
        glimpse = start[:_GLIMPSE]
        if b"\n" in glimpse and not _tried(form, first_rows(glimpse, form, True, _TRIED)).whole:
            continue
        trial = _tried(form, first_rows(start, form, more, _TRIED))
        if trial.whole and trial.alike > 1 and _matters(form, base, trial, start):
            return form
    return best


def _others(start: bytes, base: Format, given: str | None, options: FileOptions) -> Iterator[Format]:
    """Yield less plain forms, the plainer first."""
    escapes = [base.escape] if base.escape or base.quote is None else [None, _ESCAPE]
    quotes = [base.quote] if options.quotechar is not None else [base.quote, "'"]
    for quote in dict.fromkeys(quotes):
        for escape in escapes:
            for padded in (False, True):
                if (quote, escape, padded) != (base.quote, base.escape, False):
                    for delimiter in given or _DELIMITERS:
                        yield replace(base, delimiter=delimiter, quote=quote, escape=escape, padded=padded)
    if given in (None, " "):
        for runs in (True, False) if b"  " in start else (False, True):
            for quote in dict.fromkeys(quotes):
                yield replace(base, delimiter=" ", quote=quote, runs=runs)


def _matters(form: Format, base: Format, trial: _Trial, start: bytes) -> bool:
    """Tell whether what is special about a form shows: numbers between blanks, single quotes around a delimiter."""
    held = [row for row in trial.rows if row is not None]
    if form.delimiter == " " and not any(map(all_values, zip(*held[1:], strict=True))):
        return False  # words between blanks may be one column
    if form.quote == base.quote or b'"' not in start:
        return True
    return any(form.delimiter in cell or "\n" in cell for row in held for cell in row)


def _padded(found: list[list[str] | None]) -> bool:
    """Tell whether a blank stands behind every delimiter."""
    cells = [cell for row in found if row is not None for cell in row[1:] if cell]
    return bool(cells) and all(cell.startswith(" ") for cell in cells)


def _quote(start: bytes) -> str:
    """Take single quotes for quotes where every name of the header stands in them, and nothing in double ones."""
    names = re.split(rb"[,;\t|]", start.partition(b"\n")[0].strip())
    single = b'"' not in start and all(len(n) > 1 and n[:1] == n[-1:] == b"'" for n in names)
    return "'" if single else '"'
