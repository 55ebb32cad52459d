"""Comparisons as lines of text for people, and as notebooks show them."""

from collections.abc import Sequence

from regress.messages import aligned, table_html
from regress.records import ComparisonRecord, FoldScores

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
