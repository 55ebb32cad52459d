"""What is known of a fit as soon as training has ended."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from regress.api import notes, order
from regress.api.sums import ReadTable
from regress.blocks import Array
from regress.fit_record import FitOptions, HistoryRow, Outcome, RowAccount, Trained
from regress.inference.huber import Outliers
from regress.inference.measurement_noise import Collinearity
from regress.inference.scores import r2
from regress.inference.statistics import PERFECT, missing
from regress.inference.sums_of_squares import Squares
from regress.options import TableOptions, TrainOptions
from regress.records import known
from regress.solvers.solution import Training

_ITERATIONS = 1000  # of the history, evenly spaced


def kept(
    prepared: ReadTable, training: TrainOptions, table: TableOptions, *, cov_type: str, level: float
) -> FitOptions:
    """Return what is kept of the options."""
    weights = prepared.reader.weights
    return FitOptions(
        **training.plain(),
        missing=prepared.reader.missing,
        as_written=table.as_written,
        weights=weights.name if weights is not None and weights.array is None else None,
        weighted=weights is not None,
        weight_type=table.weight_type,
        test_size=table.test_size,
        split_key=table.split_key,
        random_state=table.random_state,
        cov_type=cov_type,
        level=level,
    )


class Ended(NamedTuple):
    """How training ended, and what that leaves."""

    training: Training
    trained: Trained
    squares: Squares
    norm: Array
    collinearity: Collinearity
    outliers: Outliers | None
    checkpoint: str | None


def outcome_of(
    prepared: ReadTable, ended: Ended, options: TrainOptions, reason: str, *, rank_sure: bool
) -> tuple[Outcome, list[str]]:
    """Return what is known of a fit at once, and those of its notes that are warnings."""
    data, reader, names = prepared.data, prepared.reader, prepared.names
    training, trained, squares, norm, near, outliers, checkpoint = ended
    minimum, held, one = training.minimum, prepared.held_out, options.fit_intercept
    constant = tuple(names[j] for j in _constant(training, norm, one))
    relations = () if minimum is None else minimum.dependence.relations
    dropped = tuple(names[r.column] for r in relations if minimum is not None and minimum.dependence.drop)
    equations = tuple(r.text(names) for r in relations if names[r.column] not in constant)
    near_equations = tuple(r.text(names) for r in near.relations)
    history = _history(training)
    nobs = data.summary.weight if trained.options.weight_type == "frequency" else float(data.summary.rows)
    outcome = Outcome(
        source=reader.source.label,
        read_as=reader.source.dialect,
        rows=RowAccount(**prepared.tally.to_dict()),
        solver=training.solver,
        over=training.over,
        precision="exact" if training.precision == "exact" else "float64",
        precision_reason=reason if data.totals is None or minimum is not None else "too many columns",
        learning_rate=training.learning_rate,
        n_iter=training.n_iter,
        history=history,
        gap=known(training.gap),
        best_epoch=training.best_epoch,
        validation_rows=held.count if held is not None and history else 0,
        rank=training.rank if rank_sure else None,
        nobs=nobs,
        r2=known(squares.r2(one)),
        scored=held is not None,
        r2_test=None if held is None else known(r2(held, training.w, training.center, training.b_center)),
        constant=constant,
        dropped=dropped,
        equations=equations,
        near_equations=near_equations,
        huber_scale=None if outliers is None else known(outliers.scale),
        outliers=None if outliers is None else outliers.rows,
        perfect=missing(training, data, options, squares, nobs) == PERFECT,
    )
    said = notes.ending(outcome, trained, error=training.error, checkpoint=checkpoint)
    said += notes.warnings(outcome, trained, len(names), prepared.facts)
    said += notes.rounded(squares, formula=bool(reader.design.formula)) if training.solver == "direct" else []
    said += [] if options.shuffle else order.drift(prepared, options)
    of_design = notes.of_design(reader.design, prepared.facts.dates, as_written=trained.options.as_written)
    everything = [*said, *of_design, *notes.others(outcome, trained.options, names, near)]
    everything += order.buffered(prepared, options) if prepared.index else []
    return replace(outcome, notes=tuple(everything)), said


def _history(training: Training) -> tuple[HistoryRow, ...]:
    """Return the course of the descent, its first and last row included."""
    history = training.history
    at = range(len(history))
    if len(history) > _ITERATIONS:
        at = np.linspace(0, len(history) - 1, _ITERATIONS).astype(int).tolist()
    rows = (history[k] for k in at)
    return tuple(HistoryRow(r.iteration, r.epoch, *map(known, r[2:])) for r in rows)


def _constant(training: Training, norm: Array, fit_intercept: bool) -> list[int]:
    """Return the columns that b makes useless: equal in all training rows."""
    if training.minimum is not None:
        relations = training.minimum.dependence.relations
        return [r.column for r in relations if r.exact and not r.coefficients and fit_intercept]
    return np.flatnonzero(norm == 0).tolist() if fit_intercept else []
