"""Inspections as lines of text for people, and as notebooks show them."""

from collections.abc import Sequence

from regress.messages import aligned, shortened, table_html
from regress.records import ColumnRecord, FormulaRecord, InspectionRecord
from regress.report.text import number

_BLOCKS = {"▁": 1 / 7, "▂": 2 / 7, "▃": 3 / 7, "▅": 5 / 7, "▇": 1.0}  # parts of the highest
_NAMED, _LONG = 4, 40  # levels that are named, and their characters
_TARGETS = 8  # columns of numbers that are named to choose a target from
_FIVE_DIGITS, _LARGE = 1e4, 1e12  # between which numbers are written with commas; years have none


def inspection_lines(seen: InspectionRecord, *, blocks: bool = True) -> list[str]:
    """Return the lines of an inspection: a row a column, what to look at, and the command to run next.

    Histograms are drawn in block characters unless `blocks` is false, for encodings without them.
    """
    head, *rows = _columns(seen, blocks)
    remarks = ["", *seen.remarks] if seen.remarks else []
    table = aligned(head, rows, left=("type", "histogram", "values"))
    return [*_size(seen), "", *table, *_sampled(seen, blocks), *_terms_lines(seen), *remarks, "", *_next(seen)]


def inspection_html(seen: InspectionRecord) -> str:
    """Return an inspection as notebooks show it."""
    head, *rows = _columns(seen, True)
    foot = [*seen.remarks, *_next(seen)]
    table = table_html(_size(seen), head, rows, [*_sampled(seen, True), *([] if seen.terms else foot)])
    if not seen.terms:
        return table
    head_of_terms, *rows_of_terms = _terms(seen)
    return table + "\n" + table_html([made(seen)], head_of_terms, rows_of_terms, foot)


def made(seen: InspectionRecord) -> str:
    """Return what a formula makes: its text and the number of columns."""
    count = sum(term.columns for term in seen.terms)
    return f"{seen.formula}: {count:,} column{'s' * (count != 1)}"


def sampled(seen: InspectionRecord) -> str:
    """Say of how many rows the histograms of numbers are; nothing where these are all."""
    if seen.sampled >= seen.rows or not any(c.bins for c in seen.columns):
        return ""
    return f"Histograms of numbers are of a sample of {seen.sampled:,} rows."


def targets(seen: InspectionRecord) -> str:
    """Name some columns of numbers to choose the target from; nothing where one is given."""
    named = list(seen.targets[:_TARGETS])
    more = f", … ({len(seen.targets):,})" if len(seen.targets) > len(named) else ""
    return f"Columns of numbers: {', '.join(named)}{more}" if named else ""


def _next(seen: InspectionRecord) -> list[str]:
    return [line for line in (f"Next: {seen.command}", targets(seen)) if line]


def _sampled(seen: InspectionRecord, blocks: bool) -> list[str]:
    said = sampled(seen)
    return [said] if said and blocks else []


def _size(seen: InspectionRecord) -> list[str]:
    bad = f" and {seen.bad:,} bad ones (excluded)" if seen.bad else ""
    read_as = [f"Read as {seen.read_as}"] if seen.read_as else []
    return [f"{seen.label}: {seen.rows:,} rows{bad}, {len(seen.columns):,} columns", *read_as]


def _columns(seen: InspectionRecord, blocks: bool) -> list[list[str]]:
    """Return the head of the table of columns, and its rows."""
    bars = [_block_characters(heights(c, _BLOCKS["▁"])) for c in seen.columns]
    drawn = blocks and any(bars)
    rows = [["", "type", "missing", "mean", "sd", "min", "max", *["histogram"] * drawn, "values"]]
    for c, bar in zip(seen.columns, bars, strict=True):
        rows.append([c.name, c.kind, number(c.missing), *_range(c), *[bar] * drawn, values_of(c)])
    return rows


def _range(c: ColumnRecord) -> list[str]:
    """Return the mean, the standard deviation, and the ends of a column."""
    mean, spread, low, high = (rounded(value) for value in (c.mean, c.spread, c.low, c.high))
    if any(c.dates):
        return [c.dates.mean, f"{spread} days" if spread else "", c.dates.low, c.dates.high]
    return [mean, spread, low, high]


def rounded(value: float | None) -> str:
    """Write four digits of a number, or all before its point."""
    if value is None:
        return ""
    return f"{value:,.0f}" if _FIVE_DIGITS <= abs(value) < _LARGE else f"{value:.4g}"


def values_of(c: ColumnRecord) -> str:
    """Return the most frequent levels of a text column with their rows, or some of its levels without."""
    if c.kind != "text":
        return ""
    named = [(shortened(f.level, _LONG), f" ({f.rows:,})") for f in c.frequent[:_NAMED] if _repeat(c)]
    named = named or [(shortened(level, _LONG), "") for level in c.levels[:_NAMED]]
    return ", ".join(map("".join, named)) + (f", … ({c.n_levels:,} levels)" if c.n_levels > _NAMED else "")


def _repeat(c: ColumnRecord) -> bool:
    """Whether some levels have more than one row."""
    return any(f.rows > 1 for f in c.frequent)


def heights(c: ColumnRecord, least: float) -> list[float]:
    """Return the bars of a column's histogram as parts of the highest: of its intervals, or of its frequent levels.

    No bar is lower than `least`, unless its interval is empty. An end of the range has a bar, though its row may not be
    in the sample.
    """
    rows = [b.rows for b in c.bins] or [f.rows for f in c.frequent if _repeat(c)]
    most, ends = max(rows, default=0), (0, len(rows) - 1)
    return [max(count / most, least) if count or k in ends else 0.0 for k, count in enumerate(rows)] if most else []


def _block_characters(bars: Sequence[float]) -> str:
    return "".join(min(_BLOCKS, key=lambda block: abs(_BLOCKS[block] - h)) if h else " " for h in bars)


def _terms_lines(seen: InspectionRecord) -> list[str]:
    if not seen.terms:
        return []
    head, *rows = _terms(seen)
    return ["", made(seen), "", *aligned(head, rows, left=("type", "computed as"))]


def _terms(seen: InspectionRecord) -> list[list[str]]:
    """Return the head of the table of what a formula makes, and its rows."""
    rows = [["", "type", "columns", "computed as", "missing", "min", "max"]]
    for t in seen.terms:
        ends = [t.dates.low, t.dates.high] if any(t.dates) else [rounded(t.low), rounded(t.high)]
        rows.append([t.name, t.kind, number(t.columns), computed(t), number(t.missing), *ends])
    return rows


def computed(t: FormulaRecord) -> str:
    """Say how a term is computed, and what its levels are compared with."""
    return t.computed + (f" (reference: {', '.join(t.references)})" if t.references else "")
