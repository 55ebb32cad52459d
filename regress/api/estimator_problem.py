"""What an estimator minimizes on arrays: in float64, or from exact totals, which it keeps."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from regress.aggregates.collect import collect_rough, collect_rows, exact_fits
from regress.api.callbacks import Tasks
from regress.api.estimator_rows import Table
from regress.api.incremental import RunningTotals
from regress.errors import InputError
from regress.messages import setting
from regress.options import TrainOptions
from regress.solvers import choose
from regress.solvers.running import Running, Start
from regress.solvers.solution import Training
from regress.solvers.train import Regression
from regress.solvers.watch import Callback


class ArraysProblem:
    """Rows in memory, read into what training needs of them.

    Parameters
    ----------
    table : Table
        The rows.
    options : TrainOptions
        How to train.
    seed : int
        Of the order of rows.
    check_finite : callable
        Called with the table where NaN would go unnoticed; raises.

    Attributes
    ----------
    totals : RunningTotals or None
        Exact totals, where they have been taken instead of the rows.
    """

    def __init__(
        self, table: Table, options: TrainOptions, *, seed: int, check_finite: Callable[[Table], None]
    ) -> None:
        self._table, self._running, self._check_finite = table, Running(seed=seed), check_finite
        self.totals: RunningTotals | None = None
        regression = self._rough(options) or self._collected(options)
        if options.precision == "auto" and choose.better_exact(options, regression.data, regression.accuracy):
            options = replace(options, precision="exact")
            regression = self._collected(options)
        self._regression, self._options = regression, options

    def train(self, starts: Sequence[Start | None], tasks: Tasks) -> list[Training]:
        """Train on each target from a start; without one, from zeros."""

        def of(target: int, start: Start | None) -> Training:
            def train(callbacks: Sequence[Callback]) -> Training:
                return self._from(start, callbacks).train(target)

            return tasks.train(self._regression, target, train)

        return [of(target, start) for target, start in enumerate(starts)]

    def _from(self, start: Start | None, callbacks: Sequence[Callback]) -> Regression:
        if start is None and not callbacks:
            return self._regression
        running = replace(self._running, start=start, callbacks=callbacks)
        return Regression(self._regression.data, self._options, self._table.names, self._table.jobs, running)

    def _rough(self, options: TrainOptions) -> Regression | None:
        """Return the problem with a curvature in single precision, where that pays and works."""
        table = self._table
        if not choose.rough_pays(options, *table.X.shape):
            return None
        data = collect_rough(np.asarray(table.X, np.float64), table.Y.astype(np.float64), table.weights, table.jobs)
        if data is None:
            return None
        regression = Regression(data, options, table.names, table.jobs)
        return regression if regression.curvature.rank == table.X.shape[1] else None

    def _collected(self, options: TrainOptions) -> Regression:
        table, (m, n) = self._table, self._table.X.shape
        over, precision, indexed, _ = choose.reading(options)
        if indexed:
            raise InputError(f"{setting('over', 'blocks')} is for tables that are read again. Use over='rows'.")
        exact = precision == "exact" or (precision == "auto" and choose.ARRAYS.allow(m, n))
        if exact:  # exact totals take finite numbers
            self._check_finite(table)
        if exact and exact_fits(n) and (over == "moments" or (over == "auto" and m > n)):
            self.totals = RunningTotals(table)
            self.totals.add(table)
            data = self.totals.data()
        else:
            data = collect_rows(table.blocks(), over, table.jobs, precision=precision, limits=choose.ARRAYS)
        if not (np.isfinite(data.summary.norm).all() and np.isfinite(data.summary.target_norm).all()):
            self._check_finite(table)
        return Regression(replace(data, again=table.doubles), options, table.names, table.jobs, self._running)
