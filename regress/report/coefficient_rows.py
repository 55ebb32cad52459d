"""The table of coefficients of a page: levels below their column, and each interval drawn in its row."""

from collections.abc import Sequence
from itertools import groupby
from math import isfinite, nan
from typing import NamedTuple

from markupsafe import Markup

from regress.fit_record import Coefficient, FitRecord
from regress.report import intervals
from regress.report.cells import name_of, short_name, shown
from regress.report.decimals import align, estimates, probabilities, statistics
from regress.report.summary import has_errors

SHOWN, MOST = 30, 500  # rows of a table, and of the folded one that has all of them
_FULL = 15.9  # digits of a float64
_DECIMALS, _ALIGNED = 7, 3  # at most, in fixed notation; and what their numbers may differ by if points are aligned
_SPARE, _MINOR = "spare", "spare minor"  # classes of columns that narrow windows leave out, the minor ones first
_REMARKS = {"constant": "constant", "dependent": "not unique", "dropped": "excluded"}


class Head(NamedTuple):
    """The head of one or more columns."""

    text: str
    wide: int = 1
    css: str = ""


class Row(NamedTuple):
    """A coefficient, or a level without one: its cells with their classes."""

    name: str
    remark: str
    cells: Sequence[tuple[Markup, str]] = ()


class Group(NamedTuple):
    """The levels of a column or the columns of a term; without a heading, columns that have one coefficient each."""

    heading: str
    rows: list[Row]


class Coefficients(NamedTuple):
    """A table of coefficients, and the axis below the drawings in its last column."""

    caption: str
    heads: list[Head]
    groups: list[Group]
    axis: Markup

    @property
    def width(self) -> int:
        """The number of columns of cells."""
        return sum(head.wide for head in self.heads)


class _Column(NamedTuple):
    cells: list[Markup]
    css: str = ""


def every(known: FitRecord) -> Coefficients:
    """Return the table of all coefficients, levels below their column; of very many the largest standardized ones."""
    kept = _largest(known, MOST)
    lines = [line for line in known.coefficients if line.column is None or line.name in kept]
    count, of = len(lines), len(known.coefficients)
    which = f"{count:,} of {of:,} coefficients, the largest standardized ones. " if count < of else ""
    heads, rows, axis = _rows(known, lines)
    return Coefficients(which + _caption(known), heads, _in_groups(known, lines, rows), axis)


def largest(known: FitRecord) -> Coefficients | None:
    """Return the table of the largest standardized coefficients, in this order, if there are many."""
    count, kept = len(known.coefficients), _largest(known, SHOWN)
    if count <= SHOWN:
        return None
    lines = sorted((line for line in known.columns if line.name in kept), key=_size)
    which = f"{count:,} coefficients; the {SHOWN} with the largest standardized coefficients are shown. "
    heads, rows, axis = _rows(known, lines)
    named = [row._replace(name=name_of(in_words(known, line))) for row, line in zip(rows, lines, strict=True)]
    return Coefficients(which + _caption(known), heads, [Group("", named)], axis)


def factors(known: FitRecord, line: Coefficient) -> list[tuple[str, str | None]]:
    """Return what a coefficient multiplies: columns, and levels of text columns, which are 1 where they occur, else 0.

    A name of a formula that cannot be taken apart, as a level has a colon, is one column.
    """
    column, level = line.column or "", line.level
    if level is None:
        return [(line.name, None)]
    of_one = not known.terms.formula or column in known.references or ":" not in column
    parts, names = ([line.name], [column]) if of_one else (line.name.split(":"), column.split(":"))
    found = []
    for part, name in zip(parts, names, strict=False):
        if part != name and not part.startswith(f"{name}="):
            return [(line.name, None)]
        found.append((name, part.removeprefix(f"{name}=") if part != name else None))
    return found if len(parts) == len(names) else [(line.name, None)]


def in_words(known: FitRecord, line: Coefficient) -> str:
    """Return the name of a coefficient outside of its group."""
    return " × ".join(name if level is None else f"{name} = {level}" for name, level in factors(known, line))


def _size(line: Coefficient) -> float:
    return -abs(line.standardized or 0.0)


def _largest(known: FitRecord, most: int) -> set[str]:
    """Return the names of the largest standardized coefficients."""
    return {line.name for line in sorted(known.columns, key=_size)[:most]}


def _caption(known: FitRecord) -> str:
    return f"Change in {short_name(known.trained.target)} per unit of each predictor, if the others are constant"


def _in_groups(known: FitRecord, lines: Sequence[Coefficient], rows: Sequence[Row]) -> list[Group]:
    """Put the levels of a column below its name, with the level that they are compared with."""
    groups = []
    pairs = groupby(zip(lines, rows, strict=True), key=lambda pair: "" if pair[0].level is None else pair[0].column)
    for column, of_column in pairs:
        name, inside = column or "", [row for _, row in of_column]
        if name in known.references:
            inside.insert(0, Row(name_of(known.references[name]), "reference level"))
        if name in known.terms.sum_coded:
            inside.append(Row(name_of(known.terms.sum_coded[name]), "minus the sum of the others"))
        groups.append(Group(name_of(name), inside))
    return groups


def _rows(known: FitRecord, lines: Sequence[Coefficient]) -> tuple[list[Head], list[Row], Markup]:
    """Return the heads of the columns, a row a line, and the axis of the drawings."""
    heads, columns = _columns(known, lines)
    drawn = intervals.of_rows(lines, has_errors(known))
    columns.append(_Column(drawn.rows, f"drawn {_SPARE}"))
    rows = []
    for j, line in enumerate(lines):
        name = line.name if line.level is None else line.level
        cells = [(column.cells[j], column.css) for column in columns]
        rows.append(Row(name_of(name), _REMARKS.get(line.status, ""), cells))
    return heads, rows, drawn.axis


def _columns(known: FitRecord, lines: Sequence[Coefficient]) -> tuple[list[Head], list[_Column]]:
    """Return the columns of numbers, and the heads of all columns."""
    kept = [line.status != "dropped" for line in lines]
    coefs = [line.coef if shows else nan for line, shows in zip(lines, kept, strict=True)]
    errors, t, p, low, high = zip(*[line.tests for line in lines], strict=True) if lines else [()] * 5
    heads, columns = [Head("Estimate")], [_numbers(coefs, _written(coefs, errors))]
    if has_errors(known):
        columns.append(_numbers(errors, _written(errors, errors), _SPARE))
        columns.append(_numbers(t, statistics(t), _MINOR))
        columns.append(_numbers(p, probabilities(p), _SPARE))
        columns += [_numbers(ends, _written(ends, errors)) for ends in (low, high)]
        heads += [Head("Std. error", css=_SPARE), Head("t", css=_MINOR), Head("p", css=_SPARE)]
        heads.append(Head(f"{known.trained.options.percent} CI", 2))
    digits = [nan if line.digits is None else line.digits for line in lines]
    if _vary(digits):
        heads.append(Head("Digits", css=_SPARE))
        columns.append(_numbers(digits, [f"{value:.1f}" for value in digits], _SPARE))
    sizes = [nan if line.standardized is None else line.standardized for line in lines]
    columns.append(_numbers(sizes, [f"{value:.3f}" for value in sizes], _MINOR))
    heads.append(Head("Standardized", 2, _SPARE))
    return heads, columns


def _written(values: Sequence[float], errors: Sequence[float]) -> list[str]:
    """Write estimates to the digits that their standard errors show: with an exponent where there are many decimals.

    Decimal points are aligned where that takes little room.
    """
    texts = [estimates([value], [error])[0] for value, error in zip(values, errors, strict=True)]
    for j, text in enumerate(texts):
        if len(text.partition(".")[2]) > _DECIMALS and "e" not in text:
            texts[j] = f"{values[j]:.{max(len(text.strip('-0.')) - 1, 0)}e}"
    plain = [j for j, text in enumerate(texts) if text and "e" not in text]
    behind = [len(texts[j].partition(".")[2]) + ("." in texts[j]) for j in plain]
    if behind and max(behind) - min(behind) <= _ALIGNED:
        for j, text in zip(plain, align([texts[j] for j in plain]), strict=True):
            texts[j] = text
    return texts


def _numbers(values: Sequence[float], texts: Sequence[str], css: str = "") -> _Column:
    return _Column([shown(value, text) for value, text in zip(values, texts, strict=True)], css)


def _vary(digits: Sequence[float]) -> bool:
    """Return whether correct digits differ, and some are not all that a float64 has."""
    known = [value for value in digits if isfinite(value)]
    return bool(known) and min(known) < _FULL and f"{min(known):.1f}" != f"{max(known):.1f}"
