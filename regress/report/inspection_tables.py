"""The parts of an inspection's page: its figures, and its columns with small histograms."""

from pathlib import PurePath
from typing import NamedTuple

from markupsafe import Markup, escape

from regress.messages import quoted, shortened, visible
from regress.records import ColumnRecord, InspectionRecord
from regress.report.cells import figure, name_of
from regress.report.inspection import computed, heights, rounded, values_of
from regress.report.tables import Tile

MOST_COLUMNS = 300  # in the table of a page
_LEVEL = 40  # characters of a level
_LEAST = 0.05  # height of a bar
_HIGH, _BAR, _GAP = 20, 8, 1  # of a small histogram: height, width of a bar, and the space behind it


class Row(NamedTuple):
    """A column in the table of a page."""

    name: str
    kind: str
    histogram: Markup
    missing: Markup
    range: list[str]  # mean, standard deviation, ends
    values: str


def tiles(seen: InspectionRecord) -> list[Tile]:
    """Return what a reader wants to know first of a table."""
    missing = sum(c.missing for c in seen.columns)
    bad = [Tile("Bad rows, excluded", figure(seen.bad), "bad")] if seen.bad else []
    return [
        Tile("Rows", figure(seen.rows)),
        *bad,
        Tile("Columns", figure(len(seen.columns))),
        Tile("Missing cells", figure(missing)),
        Tile("Remarks", figure(len(seen.remarks))),
    ]


def rows_of(seen: InspectionRecord) -> list[Row]:
    """Return the columns as a page shows them."""
    return [
        Row(name_of(c.name), c.kind, _drawn(c), figure(c.missing), _figures(c), values_of(c))
        for c in seen.columns[:MOST_COLUMNS]
    ]


def _figures(c: ColumnRecord) -> list[str]:
    if any(c.dates):
        spread = _cell(c.spread)
        return [c.dates.mean, spread + " days" if spread else "", c.dates.low, c.dates.high]
    return [_cell(value) for value in (c.mean, c.spread, c.low, c.high)]


def _cell(value: float | None) -> str:
    text = rounded(value).replace("-", "−")
    return Markup('<data value="{}">{}</data>').format(repr(value), text) if text else ""


def _drawn(c: ColumnRecord) -> Markup:
    """Draw a small histogram."""
    bars = heights(c, _LEAST)
    if not bars:
        return Markup("")
    what = "its most frequent levels" if c.kind == "text" else "its values"
    told = escape(visible(f"Histogram of {shortened(c.name, _LEVEL)}: {what}"))
    wide = len(bars) * (_BAR + _GAP)
    shapes = "".join(
        f'<rect x="{k * (_BAR + _GAP)}" y="{_HIGH * (1 - h):.1f}" width="{_BAR}" height="{_HIGH * h:.1f}"/>'
        for k, h in enumerate(bars)
        if h
    )
    return Markup(
        f'<svg class="histogram" viewBox="0 0 {wide} {_HIGH}" width="{wide}" height="{_HIGH}" role="img" '
        f'aria-label="{told}">{shapes}</svg>'
    )


def command(seen: InspectionRecord) -> str:
    """Return the command to run next without the folders of the table, which a page does not show."""
    name = PurePath(seen.address).name
    if "://" in seen.address or name in ("", seen.address) or name.startswith("-"):
        return seen.command
    return seen.command.replace(quoted(seen.address), quoted(name), 1)


def terms_of(seen: InspectionRecord) -> list[list[str]]:
    """Return what a formula makes, term by term: name, type, how it is computed, columns, missing cells, and ends."""
    rows: list[list[str]] = []
    for t in seen.terms[:MOST_COLUMNS]:
        ends = [t.dates.low, t.dates.high] if any(t.dates) else [_cell(t.low), _cell(t.high)]
        missing = "" if t.missing is None else figure(t.missing)
        rows.append([name_of(t.name), t.kind, name_of(computed(t)), figure(t.columns), missing, *ends])
    return rows
