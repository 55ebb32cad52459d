"""What a first look at a table remarks on, which columns it proposes to leave out, and which may be predicted."""

from collections.abc import Collection, Iterator, Sequence
from math import isfinite

from regress.api.inspect_columns import ENOUGH_LEVELS, MANY_LEVELS, ColumnReport
from regress.api.inspect_ids import may_number_rows
from regress.messages import flag, shortened

_FAR = 1e6  # an offset of this many spreads is worth a remark
_UNEVEN = 1e6  # so is this ratio of the largest spread to the smallest
_NAMED = 3  # levels that a remark names
_ROWS, _LETTERS = 5, 3  # of each level, at the least, if numbers with words may be categories


def able(reports: Sequence[ColumnReport], rows: int) -> list[str]:
    """Return the columns that may be predicted: those of numbers that vary and are no IDs; others in need only."""
    numbers = [r for r in reports if r.kind in ("number", "boolean") and r.missing < max(rows, 1)]
    found = [r.name for r in numbers if not r.looks_like_id and not r.is_constant]
    return found or [r.name for r in numbers]


def has_categories(r: ColumnReport, rows: int) -> bool:
    """Tell whether text that holds numbers, such as "2. Married" or "4", has few enough values for categories."""
    few = r.kind == "text" and 1 < r.n_levels <= min(MANY_LEVELS, rows // _ROWS)
    words = all(sum(map(str.isalpha, level)) >= _LETTERS for level in r.levels)
    return bool(r.hint) and few and (words or 2 * r.n_like_numbers < rows)


def to_drop(reports: Sequence[ColumnReport], target: str | None, rows: int) -> list[str]:
    """Return the columns to exclude: also IDs, constants and those half empty, as long as others remain."""
    others = [r for r in reports if r.name != target]
    useless = [
        r.name
        for r in others
        if r.kind == "unusable"
        or (r.hint and not has_categories(r, rows))
        or 0 < rows == r.missing
        or (r.kind == "text" and r.n_levels > MANY_LEVELS)
    ]
    doubtful = [r.name for r in others if r.looks_like_id or _constant(r, rows) or 2 * r.missing > rows]
    drop = [r.name for r in others if r.name in useless or r.name in doubtful]
    needed = 1 if target is not None else 2  # without a target one of the others is the target
    return drop if len(others) - len(drop) >= needed else useless


def remarks(
    reports: Sequence[ColumnReport], target: str | None, unused: Collection[str], rows: int, *, columns: int | None
) -> list[str]:
    """Return what is worth a second look, in sentences.

    `columns` is the number of columns of X, where a formula tells it.
    """
    said = [sentence for r in reports for sentence in _of_column(r, rows, r.name == target)]
    used = [r for r in reports if r.name != target and r.name not in unused]
    said += _uneven(used)
    if columns is None:
        columns = sum(1 if r.kind != "text" else max(r.n_levels - 1, 0) for r in used)
        columns -= target is None and bool(able(used, rows))  # one of them is the target
    if 0 < rows <= columns:
        said.append(f"Rows are {rows:,}, columns {columns:,}: coefficients will not be unique.")
    return said


def _of_column(r: ColumnReport, rows: int, is_target: bool) -> Iterator[str]:
    if 2 * r.missing > rows:
        yield f"{r.name}: {r.missing:,} of {rows:,} cells are missing."
    if r.hint:
        also = f" Or read them as categories: {flag('categorical', r.name)}." if has_categories(r, rows) else ""
        yield f"{r.name}: {r.hint}{also}"
    elif r.kind == "date":
        yield f"{r.name}: dates, read as days since 1970-01-01."
    elif r.kind == "unusable":
        yield f"{r.name}: of type {r.dtype}, which a fit cannot use."
    elif r.looks_like_id:
        yield f"{r.name}: looks like an ID (every row has another value)."
    elif r.kind == "text":
        yield from _of_text(r)
    elif r.all_differ and not is_target and may_number_rows(r.name, rows, r.low, r.high):
        yield f"{r.name}: every row has another integer. Exclude it if it only names the rows."
    if _constant(r, rows):
        yield f"{r.name}: constant."
    elif r.kind == "number" and r.spread > 0 and abs(r.mean) > _FAR * r.spread:
        yield (
            f"{r.name}: its values are {abs(r.mean) / r.spread:.1g} spreads away from 0; many tools "
            "lose digits on such columns."
        )


def _of_text(r: ColumnReport) -> Iterator[str]:
    if r.n_like_numbers:
        one, shown = r.n_like_numbers == 1, _named(r.like_numbers, len(r.like_numbers))
        yield (
            f"{r.name}: {r.n_like_numbers:,} cell{'' if one else 's'} of text look{'s' * one} like "
            f"{'a number or date' if one else 'numbers or dates'}, such as {shown}."
        )
    if r.n_levels > MANY_LEVELS:
        count = f"more than {ENOUGH_LEVELS:,}" if r.n_levels > ENOUGH_LEVELS else f"{r.n_levels:,}"
        yield f"{r.name}: text with {count} different values."
    elif r.n_single == 1:
        yield f"{r.name}: 1 level has a single row: {_named(r.single, 1)}. That row decides its coefficient alone."
    elif r.n_single:
        yield (
            f"{r.name}: {r.n_single} levels have a single row each: {_named(r.single, r.n_single)}. "
            "Each of these rows decides a coefficient alone."
        )


def _named(levels: Sequence[str], count: int) -> str:
    return ", ".join(repr(shortened(level, 40)) for level in levels[:_NAMED]) + ", …" * (count > _NAMED)


def _constant(r: ColumnReport, rows: int) -> bool:
    return r.is_constant and rows > 1


def _uneven(used: Sequence[ColumnReport]) -> Iterator[str]:
    spreads = {r.name: r.spread for r in used if r.kind == "number" and r.spread > 0 and isfinite(r.spread)}
    if not spreads:
        return
    wide, narrow = max(spreads, key=spreads.__getitem__), min(spreads, key=spreads.__getitem__)
    if spreads[wide] > _UNEVEN * spreads[narrow]:
        ratio = spreads[wide] / spreads[narrow]
        yield (
            f"{wide} varies {ratio:.1g} times as much as {narrow}: scikit-learn's LinearRegression() "
            "may drop the smaller."
        )
