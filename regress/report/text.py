"""Comparisons, gradient checks and inspections as lines of text for people."""

import math
from collections.abc import Sequence
from typing import Any

from regress.messages import aligned


def number(value: Any, digits: int = 6) -> str:
    """Write a number for people; nothing for None and NaN."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:.{digits}g}"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table: names, types and values to the left, numbers to the right."""
    return aligned(columns, rows, left=("type", "values"))


def comparison_lines(comparison: Any) -> list[str]:
    """Return the lines of a comparison: a row a tool, then the verdict."""
    read_as = [f"Read as {comparison.read_as}"] if comparison.read_as else []
    columns = ["", "digits", "moves ŷ by", "loss above min", "‖∇L‖", "R² test", "seconds", "iterations", "rank"]
    rows = []
    for f in comparison.fits:
        digits = "" if f.w is None else f"{f.digits:.1f}"
        cells = [digits, number(f.moved, 2), number(f.excess_loss, 2), number(f.gradient_norm, 2)]
        r2 = "" if f.r2_test is None or math.isnan(f.r2_test) else f"{f.r2_test:.6f}"
        rows.append([f.name, *cells, r2, number(f.seconds, 2), number(f.n_iter), number(f.rank)])
    legend = (
        "Digits right in the worst coefficient, the intercept apart, and the most that the error changes a fitted "
        "value, in spreads of y."
    )
    notes = [f"{f.name}: {f.note}" for f in comparison.fits if f.note]
    return [comparison.rows, *read_as, "", *table(columns, rows), "", legend, "", *comparison.verdict, *notes]


def gradient_check_lines(check: Any) -> list[str]:
    """Return the lines of a gradient check: a row a parameter, then the verdict."""
    ways = [way for way in check.gradients if way != "derived rows"]
    rows = []
    for j, name in enumerate(check.names):
        errors = [f"{check.errors[way][j]:.0e}" for way in ways]
        rows.append(
            [
                name,
                number(float(check.gradients["derived rows"][j])),
                number(float(check.scale[j]), 3),
                *errors,
            ]
        )
    verdict = "All ways agree" if check.passed else "The ways disagree"
    return [
        "The gradient at a random point, and how far the other ways are from it,",
        "relative to its natural scale 2Σ|x||ŷ − y|:",
        "",
        *table(["", "derived rows", "scale", *ways], rows),
        "",
        f"{verdict}: largest difference {check.worst:.1e}, tolerance {check.tolerance:.0e}.",
    ]


def inspection_lines(seen: Any) -> list[str]:
    """Return the lines of an inspection: a row a column, what to look at, and the command to run next."""
    bad = f" and {seen.bad:,} bad ones left out" if seen.bad else ""
    read_as = [f"Read as {seen.read_as}"] if seen.read_as else []
    size = f"{seen.label}: {seen.rows:,} rows{bad}, {len(seen.columns):,} columns"
    rows = []
    for c in seen.columns:
        values = (
            ", ".join(c.levels[:4]) + (f", … ({c.n_levels:,})" if c.n_levels > 4 else "") if c.kind == "text" else ""
        )
        numbers = [number(v, 4) for v in (c.mean, c.spread, c.low, c.high)]
        rows.append([c.name, c.kind, number(c.missing), *numbers, values])
    columns = table(["", "type", "missing", "mean", "sd", "min", "max", "values"], rows)
    remarks = ["", *seen.remarks] if seen.remarks else []
    return [size, *read_as, "", *columns, *remarks, "", f"Next: {seen.command}"]
