"""scikit-learn estimator."""

import warnings
from dataclasses import fields
from functools import partial
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import check_is_fitted

from regress.api.callbacks import CallbackSupport, Tasks, with_callbacks
from regress.api.estimator_checks import check_finite, checked_rows, checked_table
from regress.api.estimator_problem import ArraysProblem
from regress.api.estimator_rows import Table
from regress.api.incremental import LEARNED, Exactly, RunningTotals, learned
from regress.blocks import Array
from regress.errors import InputError, check_switch, check_whole
from regress.numerics.prediction import line
from regress.numerics.threads import one_blas_thread, resolve_jobs
from regress.options import Gradient, LossName, Over, Precision, Rate, Schedule, Solver, TrainOptions
from regress.solvers.running import Start
from regress.solvers.status import Status

_OPTIONS = [f.name for f in fields(TrainOptions) if f.name not in ("collinear", "shuffle_rows")]


class LinearRegressor(CallbackSupport, MultiOutputMixin, RegressorMixin, BaseEstimator):  # type: ignore[misc] # untyped
    """Linear regression as a scikit-learn estimator, trained by gradients derived by hand.

    Everything is computed in float64 at least. Where X is float32, the results are rounded to float32 once, at the end.

    Parameters
    ----------
    fit_intercept, alpha, loss, epsilon, huber_scale, penalty, solver, gradient, over, standardize, learning_rate
        How to train; see `regress.options.TrainOptions`.
    max_iter, tol, precision
        When to stop, and how rows are summed. Exact arithmetic is the default for small arrays, and if float64 would
        leave fewer than ten digits.
    batch_size, epochs, schedule, momentum, nesterov, shuffle, optimizer
        Mini-batches; see `regress.options.BatchOptions`.
    random_state : int
        Seed of the order of rows.
    warm_start : bool
        Whether a descent begins at the coefficients of the last ``fit``.
    n_jobs : int, optional
        Number of threads. Default: one for each CPU that this process may use, and 1 inside a joblib worker.

    Attributes
    ----------
    coef_ : array of shape (n,) or (targets, n)
        Coefficients in the user's units: float32 if X was, else float64.
    intercept_ : float or array of shape (targets,)
        The intercept, of the same type; 0.0 without one.
    n_iter_ : int
        Iterations of the slowest target; 1 if the exact minimum was computed directly.
    rank_ : int or None
        Rank of the scaled columns; None if it is unknown.
    status_ : str
        How training ended: the worst of the targets.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : array of shape (n,)
        Their names, if X had names that are text.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.model_selection import cross_val_score
    >>> from regress import LinearRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> cross_val_score(LinearRegressor(), X, y, cv=3).round(2).tolist()
    [0.47, 0.49, 0.51]
    """

    _totals: RunningTotals | None = None  # exact totals, to which rows can be added

    def __init__(
        self,
        *,
        fit_intercept: bool = True,
        alpha: float = 0.0,
        loss: LossName | Any = "squared_error",
        epsilon: float = 1.35,
        huber_scale: float | None = None,
        penalty: Any = None,
        solver: Solver | Any = "auto",
        gradient: Gradient = "derived",
        over: Over = "auto",
        standardize: bool = True,
        learning_rate: Rate = "auto",
        max_iter: int | None = None,
        tol: float = 1e-10,
        precision: Precision = "auto",
        batch_size: int = 256,
        epochs: int = 100,
        schedule: Schedule = "constant",
        momentum: float = 0.0,
        nesterov: bool = False,
        shuffle: bool = True,
        optimizer: Any = None,
        random_state: int = 0,
        warm_start: bool = False,
        n_jobs: int | None = None,
    ) -> None:
        self.fit_intercept = fit_intercept
        self.alpha = alpha
        self.loss = loss
        self.epsilon = epsilon
        self.huber_scale = huber_scale
        self.penalty = penalty
        self.solver = solver
        self.gradient = gradient
        self.over = over
        self.standardize = standardize
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.tol = tol
        self.precision = precision
        self.batch_size = batch_size
        self.epochs = epochs
        self.schedule = schedule
        self.momentum = momentum
        self.nesterov = nesterov
        self.shuffle = shuffle
        self.optimizer = optimizer
        self.random_state = random_state
        self.warm_start = warm_start
        self.n_jobs = n_jobs

    @with_callbacks
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit to rows.

        Parameters
        ----------
        X : array or frame of shape (m, n)
            Numbers; sparse matrices are refused. The type of X decides that of the results, as in scikit-learn.
        y : array of shape (m,) or (m, targets)
            Targets.
        sample_weight : array of shape (m,), optional
            Weights a ≥ 0 in Σ a (ŷ − y)²; rows of weight 0 are excluded.

        Returns
        -------
        self

        Examples
        --------
        >>> from regress import LinearRegressor
        >>> LinearRegressor().fit([[1.0], [2.0], [3.0]], [3.0, 5.0, 7.0]).coef_.tolist()
        [2.0]
        """
        options, seed = TrainOptions(**self._options()), check_whole("random_state", self.random_state, 0)
        last = self._last_lines() if check_switch("warm_start", self.warm_start) else []
        self._drop()
        self._totals = None
        table = checked_table(self, X, y, sample_weight)
        if not len(table.X):
            raise InputError("sample_weight is zero for every row: there is nothing to fit.")
        if last and (len(last), len(last[0].w)) != (table.Y.shape[1], table.X.shape[1]):
            raise InputError("warm_start=True needs the columns and targets of the last fit. Use warm_start=False.")
        tasks = Tasks(self, {"X": X, "y": y, "sample_weight": sample_weight}, table, options)
        with one_blas_thread():
            problem = ArraysProblem(table, options, seed=seed, check_finite=partial(check_finite, self))
            trained = problem.train(last or [None] * table.Y.shape[1], tasks)
        if any(t.status is Status.INTERRUPTED for t in trained):
            raise KeyboardInterrupt
        found = learned(trained, table.dtype, several=bool(table.shape), fit_intercept=options.fit_intercept)
        if (status := Status(found["status_"])) is not Status.CONVERGED:
            warnings.warn(f"{status.message} {status.remedy_for(options)}", ConvergenceWarning, stacklevel=2)
        self.__dict__.update(found, _totals=problem.totals)
        tasks.end(found)
        return self

    @Exactly
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Add rows to those of earlier calls, without holding them.

        The totals over the rows are exact, so the result has the same bits in any order and any chunks. It is that of
        ``fit`` with precision="exact" on all rows. The coefficients are computed when they are used. They need the
        squared error, and options with which the minimum is computed directly; other estimators have no partial_fit.

        Parameters
        ----------
        X, y, sample_weight : arrays
            As in ``fit``. The first call determines the columns.

        Returns
        -------
        self

        Examples
        --------
        >>> from regress import LinearRegressor
        >>> estimator = LinearRegressor().partial_fit([[1.0], [2.0]], [3.0, 5.0])
        >>> estimator.partial_fit([[3.0]], [7.0]).coef_.tolist()
        [2.0]
        """
        if self._totals is None and "coef_" in vars(self):
            raise InputError(
                "This fit kept no exact totals to add rows to. Use precision='exact' with more rows than columns, or "
                "call partial_fit for all rows."
            )
        table = checked_table(self, X, y, sample_weight, reset=self._totals is None)
        totals = self._totals or RunningTotals(table)
        self._prepare(totals, table)
        totals.add(table)
        self._totals = totals
        return self

    @Exactly
    def forget(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Remove rows that ``partial_fit`` has added. The result is that of the remaining rows, with the same bits.

        Forget only rows that were added, with the same weights. Rows are refused if counts or sums show the contrary.

        Parameters
        ----------
        X, y, sample_weight : arrays
            Rows, as they were given to ``partial_fit``, in any order and any chunks.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If these rows were not all added. Nothing has changed.

        Examples
        --------
        >>> from regress import LinearRegressor
        >>> estimator = LinearRegressor().partial_fit([[1.0], [2.0], [3.0], [4.0]], [3.0, 5.0, 7.0, 100.0])
        >>> estimator.forget([[4.0]], [100.0]).coef_.tolist()
        [2.0]
        """
        if self._totals is None:
            raise InputError("There are no rows to forget. Add rows with partial_fit first.")
        table = checked_table(self, X, y, sample_weight, reset=False)
        self._prepare(self._totals, table)
        self._totals.remove(table)
        return self

    def _options(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _OPTIONS}

    def _prepare(self, totals: RunningTotals, table: Table) -> None:
        """Refuse rows that the sums cannot take, and forget what the sums determined so far."""
        check_finite(self, table)
        totals.prepare(table, self._options())
        self._drop()

    def _last_lines(self) -> list[Start]:
        """Return what the last fit has found, by target."""
        if "coef_" not in vars(self) and not (self._totals and self._totals.rows):
            return []
        found = zip(np.atleast_2d(self.coef_), np.atleast_1d(self._at_center), strict=True)
        if not self.fit_intercept:  # the last fit may have had one
            return [Start(w.astype(np.float64), np.zeros(len(w)), 0.0) for w, _ in found]
        return [Start(w.astype(np.float64), self._center, float(level)) for w, level in found]

    def _drop(self) -> None:
        for name in LEARNED:
            self.__dict__.pop(name, None)

    def __getattr__(self, name: str) -> Any:
        """Compute what the sums determine, on first use."""
        if name not in LEARNED:
            return super().__getattribute__(name)  # raises its error once more
        if self._totals is None:
            raise NotFittedError(f"This {type(self).__name__} is not fitted. Call fit or partial_fit first.")
        if not self._totals.rows:
            raise NotFittedError("There are no rows to fit. Add rows with partial_fit.")
        self.__dict__.update(self._totals.learned())
        return vars(self)[name]

    def predict(self, X: Any) -> Array:
        """Return ŷ of shape (m,) or (m, targets), computed in float64 about the training means: (X − x̄)w + ȳ.

        It is float32 where both X and the X of `fit` are.

        Examples
        --------
        >>> from regress import LinearRegressor
        >>> LinearRegressor().fit([[1.0], [2.0], [3.0]], [3.0, 5.0, 7.0]).predict([[4.0]]).tolist()
        [9.0]
        """
        check_is_fitted(self)
        X, dtype = checked_rows(self, X)
        jobs = resolve_jobs(self.n_jobs)
        targets = zip(np.atleast_2d(self.coef_), np.atleast_1d(self._at_center), strict=True)
        columns = [line(X, w, self._center, level, jobs) for w, level in targets]
        predicted = np.column_stack(columns) if self.coef_.ndim > 1 else columns[0]
        if not np.isfinite(predicted).all():  # as they are wherever a cell is not
            assert_all_finite(np.asarray(X), input_name="X", estimator_name=type(self).__name__)
        return predicted.astype(np.result_type(dtype, self.coef_), copy=False)
