"""The tools of a comparison, fitted and measured: on the training rows, on held-out rows, and fold by fold."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import cache, partial
from typing import Any

import numpy as np

from regress.api import added_tools
from regress.api.other_tools import FailedFit, Found, Tool, ToolFit, first_line, timed
from regress.api.scoring import Metric, MetricError
from regress.api.verdict import FittedRow
from regress.blocks import Block
from regress.design.folds import CrossFold, Rows
from regress.inference.judge import Judge, Measure
from regress.records import FoldScores, known


def measured(
    tools: Sequence[Tool], block: Block, held_out: Block | None, judge: Judge, metrics: Sequence[Metric]
) -> list[FittedRow]:
    """Fit each tool, and measure it on the training rows and on held-out rows.

    Raises
    ------
    MetricError
        If a metric cannot be computed for the first tool, the default fit of this package.
    """
    fits = []
    for tool in tools:
        row = FittedRow(name=tool.name, asked=tool.asked, added=tool.added)
        try:
            found, seconds, note = timed(tool, block)
            row = replace(row, **_seen(found, block, judge), seconds=seconds, n_iter=found.n_iter, note=note)
            if held_out is not None:
                scores, why = _scores(found, held_out, metrics, strictly=tool is tools[0])
                row = replace(row, metrics=scores, note=joined([note, *why]))
        except MetricError:
            raise
        except (FailedFit, ArithmeticError, ValueError) as error:
            row = replace(row, note=joined([row.note, first_line(error)]))
        fits.append(row)
    return fits


def cross_validated(
    tools: Sequence[Tool],
    fits: Sequence[FittedRow],
    block: Block,
    folds: Sequence[CrossFold],
    metrics: Sequence[Metric],
) -> list[FittedRow]:
    """Fit each tool to the rows that each fold trains on, and return its fit with its metrics over the folds."""
    values: list[list[Mapping[str, float | None]]] = [[] for _ in tools]
    notes: list[list[str]] = [[] for _ in tools]
    for train, test in folds:
        rows, tested = _rows(block, train), _rows(block, test)
        for tool, of, said in zip(tools, values, notes, strict=True):
            try:
                found, _, note = timed(tool, rows)
                scores, why = _scores(found, tested, metrics, strictly=tool is tools[0])
                of.append(scores)
                said += [note, *why]
            except FailedFit as error:
                of.append({})
                said.append(first_line(error))
    found_rows = []
    for fit, of, said in zip(fits, values, notes, strict=True):
        cv = {metric.name: _over_folds([each.get(metric.name) for each in of]) for metric in metrics}
        new = joined(note for note in dict.fromkeys(said) if note and note not in fit.note)
        note = joined([fit.note, new and f"in a fold: {new}"])
        found_rows.append(replace(fit, cv=cv, note=note))
    return found_rows


def joined(notes: Any) -> str:
    """Return notes in one line."""
    return "; ".join(note for note in notes if note)


def _rows(block: Block, which: Rows) -> Block:
    return Block(block.X[which], block.Y[which], None if block.weights is None else block.weights[which])


def _seen(found: Found, block: Block, judge: Judge) -> dict[str, Any]:
    """Return what the training rows say of a fit: of its coefficients, or else its loss alone."""
    linear = found if isinstance(found, ToolFit) else added_tools.coefficients(found, block.X)
    if linear is None:
        with np.errstate(over="ignore"):
            square = found.residuals(block.X, block.Y[:, 0]) ** 2
            return asdict(Measure(loss=float(square.sum() if block.weights is None else block.weights @ square)))
    seen = judge.measure(linear.w, linear.center, linear.b_center, linear.b)
    return {**asdict(seen), "w": linear.w, "b": linear.b, "rank": linear.rank}


def _scores(
    found: Found, rows: Block, metrics: Sequence[Metric], *, strictly: bool
) -> tuple[dict[str, float | None], list[str]]:
    """Return the metrics of a fit on rows, and why one is missing."""
    scores: dict[str, float | None] = {}
    why, residuals = [], cache(partial(found.residuals, rows.X, rows.Y[:, 0]))
    for metric in metrics:
        try:
            scores[metric.name] = known(metric.score(found, rows, residuals))
        except MetricError as error:
            if strictly:
                raise
            scores[metric.name] = None
            why.append(first_line(error))
    return scores, why


def _over_folds(values: Sequence[float | None]) -> FoldScores:
    """Return mean and standard deviation over folds; missing where a value is."""
    given = np.array([value for value in values if value is not None])
    if len(given) < len(values):
        return FoldScores(None, None, tuple(values))
    return FoldScores(known(float(given.mean())), known(float(given.std(ddof=1))), tuple(values))
