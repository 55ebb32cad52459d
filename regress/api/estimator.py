"""scikit-learn estimator."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from numbers import Real
from typing import Any, NamedTuple, Self

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import check_is_fitted, validate_data

from regress.aggregates.collect import collect_rough, collect_rows
from regress.blocks import Array, Block, block_rows, blocks_of
from regress.errors import InputError
from regress.numerics.prediction import line
from regress.numerics.threads import one_blas_thread, resolve_jobs
from regress.options import Gradient, LossName, Over, Precision, Rate, Schedule, Solver, TrainOptions
from regress.solvers import choose
from regress.solvers.loop import Status
from regress.solvers.train import Regression
from regress.sources.base import unmasked

_TYPES = [np.float64, np.float32]  # that are left as they are; others become the first
_OPTIONS = [f.name for f in fields(TrainOptions) if f.name not in ("collinear", "shuffle_rows")]


class LinearRegressor(MultiOutputMixin, RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Linear least squares by gradients derived by hand, as a scikit-learn estimator.

    Everything is computed in float64 at least. Where X is float32, the results are rounded to float32 once, at the end.

    Parameters
    ----------
    fit_intercept, alpha, loss, epsilon, huber_scale, penalty, solver, gradient, over, standardize, learning_rate
        How to train; see `regress.options.TrainOptions`.
    max_iter, tol, precision
        When to stop, and how. Exact arithmetic is the default up to 1.2e6 cells and
        rows · columns² = 2e7, and for ill-conditioned columns; precision="float64" takes a third of the time.
    batch_size, epochs, schedule, momentum, nesterov, shuffle, optimizer
        How rows are fed to solvers that see a few of them at a time; see `regress.options.BatchOptions`.
    random_state : int
        Seed of the order of rows.
    n_jobs : int, optional
        Threads; default: the CPUs that this process may use, and 1 inside a joblib worker.

    Attributes
    ----------
    coef_ : array of shape (n,) or (targets, n)
        Coefficients, in the user's units: float32 where X was, else float64.
    intercept_ : float or array of shape (targets,)
        The intercept, of the same type; 0.0 without one.
    n_iter_ : int
        Steps of the slowest target; 1 where the exact minimum was taken without any.
    rank_ : int or None
        Rank of the columns, decided after scaling them; None where that is unknown.
    status_ : str
        How training ended: the worst of the targets.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : array of shape (n,)
        Their names, where X had names that are text.
    """

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
        self.n_jobs = n_jobs

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
        """
        jobs = resolve_jobs(self.n_jobs)
        options = TrainOptions(**{name: getattr(self, name) for name in _OPTIONS})
        # Looking for NaN takes a tenth of the fit; the sums show it for free, so it is looked for only if they do.
        X, y = unmasked(X), unmasked(y)
        X, y = validate_data(self, X, y, dtype=_TYPES, multi_output=True, y_numeric=True, ensure_all_finite=False)
        weights = None if sample_weight is None else _weights(sample_weight, len(X))
        rows, targets = (part.astype(np.float64, copy=False) for part in (X, y.reshape(len(X), -1)))
        rows, targets, weights = _weighty(rows, targets, weights)
        with one_blas_thread():
            names = getattr(self, "feature_names_in_", [f"x{j}" for j in range(X.shape[1])])
            blocks = -(-len(rows) // block_rows(rows.shape[1]))
            table = _Table(rows, targets, weights, names, min(jobs, blocks))  # a single block needs no threads
            regression = table.rough(options) or self._regression(table, options)
            if options.precision == "auto" and choose.better_exact(options, regression.data, regression.accuracy):
                regression = self._regression(table, replace(options, precision="exact"))
            trained = [regression.train(target) for target in range(targets.shape[1])]
        if any(t.status is Status.INTERRUPTED for t in trained):
            raise KeyboardInterrupt
        failed = [t.status for t in trained if t.status is not Status.CONVERGED]
        if failed:
            warnings.warn(f"{failed[0].message} {failed[0].remedy}", ConvergenceWarning, stacklevel=2)

        several = y.ndim == 2
        self.coef_ = _rounded(np.stack([t.w for t in trained]) if several else trained[0].w, X.dtype)
        self.intercept_ = 0.0
        if options.fit_intercept:
            self.intercept_ = _rounded(np.array([t.b for t in trained] if several else trained[0].b), X.dtype)
        self.n_iter_ = max(1, *(t.n_iter for t in trained))
        self.rank_ = trained[0].rank
        self.status_ = str(failed[0] if failed else Status.CONVERGED)
        self._center = trained[0].center
        self._at_center = np.array([t.b_center for t in trained]) if several else trained[0].b_center
        return self

    def _regression(self, table: "_Table", options: TrainOptions) -> Regression:
        over, precision = choose.reading(options)
        exact = precision == "exact" or (precision == "auto" and choose.ARRAYS.allow(*table.X.shape))
        if exact:  # exact sums take finite numbers
            self._check_finite(table.X, table.Y)
        data = collect_rows(table.blocks(), over, table.jobs, precision=precision, limits=choose.ARRAYS)
        if not np.isfinite(data.summary.norm).all():
            self._check_finite(table.X, table.Y)
        return Regression(replace(data, again=table.blocks), options, table.names, table.jobs)

    def _check_finite(self, X: Array, Y: Array) -> None:
        assert_all_finite(X, input_name="X", estimator_name=type(self).__name__)
        assert_all_finite(Y, input_name="y", estimator_name=type(self).__name__)

    def predict(self, X: Any) -> Array:
        """Return ŷ of shape (m,) or (m, targets), computed in float64 about the training means: (X − x̄)w + ȳ.

        It is float32 where both X and the X of `fit` are.
        """
        check_is_fitted(self)
        X = validate_data(self, unmasked(X), dtype=_TYPES, reset=False, ensure_all_finite=False)
        jobs = resolve_jobs(self.n_jobs)
        targets = zip(np.atleast_2d(self.coef_), np.atleast_1d(self._at_center), strict=True)
        columns = [line(X, w, self._center, level, jobs) for w, level in targets]
        predicted = np.column_stack(columns) if self.coef_.ndim > 1 else columns[0]
        if not np.isfinite(predicted).all():  # as they are wherever a cell is not
            assert_all_finite(X, input_name="X", estimator_name=type(self).__name__)
        return predicted.astype(np.result_type(X, self.coef_), copy=False)


class _Table(NamedTuple):
    """Rows in memory: X (m, n), targets (m, k), weights (m,) or None, and names of the columns."""

    X: Array
    Y: Array
    weights: Array | None
    names: Sequence[str]
    jobs: int

    def blocks(self) -> Iterator[Block]:
        """Yield the rows."""
        return blocks_of(self.X, self.Y, self.weights)

    def rough(self, options: TrainOptions) -> Regression | None:
        """Return the problem with a curvature in single precision, where that pays and works."""
        if not choose.rough_pays(options, *self.X.shape):
            return None
        data = collect_rough(self.X, self.Y, self.weights, self.jobs)
        if data is None:
            return None
        regression = Regression(data, options, self.names, self.jobs)
        return regression if regression.curvature.rank == self.X.shape[1] else None


def _rounded(values: Array, dtype: np.dtype[Any]) -> Any:
    """Return values in the type of X: an array, or a scalar of NumPy."""
    with np.errstate(over="ignore"):  # looked for right below
        given = values.astype(dtype)[()]
    if not np.isfinite(given).all():
        raise InputError(f"A coefficient is beyond the range of {dtype}. Pass X as float64, or rescale it.")
    return given


def _weights(given: Any, rows: int) -> Array:
    weights = (
        np.full(rows, given, dtype=np.float64)
        if isinstance(given, Real)
        else np.asarray(unmasked(given), dtype=np.float64)
    )
    if weights.shape != (rows,):
        raise InputError(
            f"Sample weights must be 1D array or scalar: sample_weight has shape {weights.shape}, not ({rows},)."
        )
    if not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise InputError("sample_weight must be finite and at least 0.")
    if not weights.any():
        raise InputError("sample_weight is zero for every row: there is nothing to fit.")
    return weights


def _weighty(X: Array, Y: Array, weights: Array | None) -> tuple[Array, Array, Array | None]:
    """Leave out rows of weight zero."""
    if weights is None or weights.all():
        return X, Y, weights
    kept = weights > 0
    return X[kept], Y[kept], weights[kept]
