"""Comparisons and inspections as lines of text for people, and as notebooks show them."""

from collections.abc import Sequence

from regress.messages import aligned, table_html
from regress.records import ComparisonRecord, FoldScores
from regress.term_records import InspectionRecord

_LEGEND = (
    "Digits: correct digits of the worst coefficient, without the intercept. Change of ŷ: maximum error of a fitted "
    "value, in spreads of y."
)


def number(value: float | int | None, digits: int = 6) -> str:
    """Write a number for people; nothing where there is none."""
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:.{digits}g}"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table: names, types and values to the left, numbers to the right."""
    return aligned(columns, rows, left=("type", "values"))


def comparison_lines(comparison: ComparisonRecord) -> list[str]:
    """Return the lines of a comparison: a row a tool, how well each predicts, then the verdict."""
    head, *rows = _tools(comparison)
    lines = [*_of_rows(comparison), "", *table(head, rows), "", _LEGEND, ""]
    if comparison.metrics:
        head, *rows = metric_rows(comparison)
        lines += [f"{metrics_title(comparison)}.", "", *table(head, rows), ""]
    return [*lines, *comparison.verdict, *_notes(comparison)]


def comparison_html(comparison: ComparisonRecord) -> str:
    """Return a comparison as notebooks show it."""
    head, *rows = _tools(comparison)
    tools = table_html(_of_rows(comparison), head, rows, [_LEGEND])
    said = [*comparison.verdict, *_notes(comparison)]
    if not comparison.metrics:
        return table_html(_of_rows(comparison), head, rows, [_LEGEND, *said])
    head, *rows = metric_rows(comparison)
    return tools + "\n" + table_html([f"{metrics_title(comparison)}."], head, rows, said)


def metrics_title(comparison: ComparisonRecord) -> str:
    """Return what the metrics of a comparison were measured on."""
    if comparison.folds:
        return f"Mean ± standard deviation over {comparison.folds}"
    return "On held-out rows"


METRIC_HEADS = {"r2": "R²", "rmse": "RMSE", "mae": "MAE", "mape": "MAPE", "max_error": "max error"}


def metric_rows(comparison: ComparisonRecord) -> list[list[str]]:
    """Return the head of the table of metrics, and its rows."""
    rows = [["", *(METRIC_HEADS.get(name, name) for name in comparison.metrics)]]
    for fit in comparison.fits:
        if comparison.folds:
            cells = [spread(fit.cv[name]) for name in comparison.metrics]
        else:
            cells = [_fixed(name, fit.metrics.get(name)) for name in comparison.metrics]
        rows.append([fit.name, *cells])
    return rows


def spread(scores: FoldScores) -> str:
    """Write mean and standard deviation over folds; nothing where there are none."""
    if scores.mean is None or scores.sd is None:
        return ""
    return f"{number(scores.mean, 5)} ± {scores.sd:#.2g}".removesuffix(".")


def _fixed(metric: str, value: float | None) -> str:
    return f"{value:.6f}" if metric == "r2" and value is not None else number(value)


def _of_rows(comparison: ComparisonRecord) -> list[str]:
    return [comparison.rows, *([f"Read as {comparison.read_as}"] if comparison.read_as else [])]


def _notes(comparison: ComparisonRecord) -> list[str]:
    return [f"{f.name}: {f.note}" for f in comparison.fits if f.note]


def _tools(comparison: ComparisonRecord) -> list[list[str]]:
    """Return the head of the table of tools, and its rows."""
    rows = [["", "digits", "change of ŷ", "loss", "above min", "‖∇L‖", "seconds", "iterations", "rank"]]
    for f in comparison.fits:
        digits = "" if f.digits is None else f"{f.digits:.1f}"
        cells = [digits, number(f.moved, 2), number(f.loss), number(f.excess_loss, 2), number(f.gradient_norm, 2)]
        rows.append([f.name, *cells, number(f.seconds, 2), number(f.n_iter), number(f.rank)])
    return rows


def inspection_lines(seen: InspectionRecord) -> list[str]:
    """Return the lines of an inspection: a row a column, what to look at, and the command to run next."""
    head, *rows = _columns(seen)
    remarks = ["", *seen.remarks] if seen.remarks else []
    terms: list[str] = []
    if seen.terms:
        head_of_terms, *rows_of_terms = _terms(seen)
        terms = ["", _made(seen), "", *aligned(head_of_terms, rows_of_terms, left=("type", "computed as"))]
    return [*_size(seen), "", *table(head, rows), *terms, *remarks, "", f"Next: {seen.command}"]


def inspection_html(seen: InspectionRecord) -> str:
    """Return an inspection as notebooks show it."""
    head, *rows = _columns(seen)
    foot = [*seen.remarks, f"Next: {seen.command}"]
    if not seen.terms:
        return table_html(_size(seen), head, rows, foot)
    head_of_terms, *rows_of_terms = _terms(seen)
    return table_html(_size(seen), head, rows) + "\n" + table_html([_made(seen)], head_of_terms, rows_of_terms, foot)


def _made(seen: InspectionRecord) -> str:
    count = sum(term.columns for term in seen.terms)
    return f"{seen.formula}: {count:,} column{'s' * (count != 1)}"


def _terms(seen: InspectionRecord) -> list[list[str]]:
    """Return the head of the table of what a formula makes, and its rows."""
    rows = [["", "type", "columns", "computed as", "missing", "min", "max"]]
    for t in seen.terms:
        shown = t.computed + (f" (reference: {', '.join(t.references)})" if t.references else "")
        rows.append([t.name, t.kind, number(t.columns), shown, number(t.missing), number(t.low, 4), number(t.high, 4)])
    return rows


def _size(seen: InspectionRecord) -> list[str]:
    bad = f" and {seen.bad:,} bad ones (excluded)" if seen.bad else ""
    read_as = [f"Read as {seen.read_as}"] if seen.read_as else []
    return [f"{seen.label}: {seen.rows:,} rows{bad}, {len(seen.columns):,} columns", *read_as]


def _columns(seen: InspectionRecord) -> list[list[str]]:
    """Return the head of the table of columns, and its rows."""
    rows = [["", "type", "missing", "mean", "sd", "min", "max", "values"]]
    for c in seen.columns:
        values = ", ".join(c.levels[:4]) + (f", … ({c.n_levels:,})" if c.n_levels > 4 else "")
        numbers = [number(v, 4) for v in (c.mean, c.spread, c.low, c.high)]
        rows.append([c.name, c.kind, number(c.missing), *numbers, values if c.kind == "text" else ""])
    return rows
