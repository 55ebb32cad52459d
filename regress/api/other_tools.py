"""The fits of a comparison: those of regress, and those of scikit-learn."""

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from regress.aggregates.collect import collect_rows
from regress.aggregates.limits import NEVER, Limits
from regress.blocks import Array, Block, blocks_of
from regress.errors import MissingDependencyError
from regress.numerics import error_free
from regress.numerics.prediction import line, residuals
from regress.numerics.threads import one_blas_thread
from regress.objective import autodiff
from regress.options import TrainOptions
from regress.solvers import choose
from regress.solvers.solution import Training
from regress.solvers.train import Regression

OURS = ("regress", "regress autodiff", "regress plain descent")
TINY = 1e-10  # the penalty of the Ridge row: small enough not to show, large enough to be a penalty


@dataclass(frozen=True, slots=True, eq=False)
class ToolFit:
    """What a tool returned: ŷ = (x − center)ᵀw + b_center, so that nothing is lost on the way to the judge; and b."""

    w: Array
    center: Array
    b_center: float
    b: float
    n_iter: int | None
    rank: int | None

    def predict(self, X: Array) -> Array:
        """Return ŷ."""
        return line(X, self.w, self.center, self.b_center)

    def residuals(self, X: Array, y: Array) -> Array:
        """Return ŷ − y, rounded once."""
        return residuals(X, y, self.w, self.center, self.b_center)


@dataclass(frozen=True, slots=True, eq=False)
class Predictor:
    """A fitted model that is known by its predictions."""

    model: Any
    n_iter: int | None

    def predict(self, X: Array) -> Array:
        """Return ŷ.

        Raises
        ------
        FailedFit
            If the model cannot predict, or predicts anything but one finite number a row.
        """
        try:
            predicted = np.asarray(self.model.predict(X.copy()), dtype=np.float64)  # it may write to the rows
        except Exception as error:  # whatever its own code raises
            raise FailedFit(f"It cannot predict: {first_line(error)}") from error
        if predicted.size != len(X):
            raise FailedFit(f"It predicts an array of shape {predicted.shape} for {len(X):,} rows.")
        if not np.isfinite(predicted).all():
            raise FailedFit("It predicts a value that is infinite or not a number.")
        return predicted.reshape(len(X))

    def residuals(self, X: Array, y: Array) -> Array:
        """Return ŷ − y."""
        return self.predict(X) - y


Found = ToolFit | Predictor


class Tool(NamedTuple):
    """A tool, as a user would call it, what it is asked to do, and the call that fits some rows.

    Fits of an `added` tool are measured, but not judged.
    """

    name: str
    asked: str
    run: Callable[[Block], Found]
    added: bool = False


class FailedFit(Exception):
    """A tool that returned no fit. The text says why."""


def timed(tool: Tool, block: Block) -> tuple[Found, float, str]:
    """Return what a tool returned, the seconds that it took, and its warnings: the first line of each, once.

    Raises
    ------
    FailedFit
        If it returned nothing.
    """
    if tool.added:  # it may write to the rows
        block = Block(block.X.copy(), block.Y.copy(), None if block.weights is None else block.weights.copy())
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        began = time.perf_counter()
        try:
            result = tool.run(block)
        except (MissingDependencyError, ArithmeticError, ValueError) as error:
            raise FailedFit(first_line(error)) from error
        except Exception as error:
            if not tool.added:
                raise
            raise FailedFit(f"{type(error).__name__}: {first_line(error)}") from error
    seconds = time.perf_counter() - began
    return result, seconds, "; ".join(dict.fromkeys(first_line(w.message) for w in said))


def first_line(text: object) -> str:
    """Return the first line of an error or a warning."""
    return str(text).strip().partition("\n")[0]


def best(block: Block, names: Sequence[str], fit_intercept: bool, jobs: int) -> Training:
    """Return the fit that all others are measured against."""
    return _train(block, names, choose.reference(len(block.X), len(names), fit_intercept), jobs)


def _train(block: Block, names: Sequence[str], options: TrainOptions, jobs: int, limits: Limits = NEVER) -> Training:
    over, precision, *_ = choose.reading(options)
    rows = partial(blocks_of, block.X, block.Y, block.weights)
    with one_blas_thread():
        data = collect_rows(rows(), over, jobs, precision=precision, limits=limits)
        return Regression(replace(data, again=rows), options, names).train()


def ours(names: Sequence[str], options: TrainOptions, jobs: int, limits: Limits) -> Iterator[Tool]:
    """Yield the fits of regress: the default (exact within some limits), the same by autodiff, plain descent."""

    def run(options: TrainOptions, block: Block) -> ToolFit:
        fit = _train(block, names, options, jobs, limits)
        if fit.status.remedy:
            warnings.warn(f"{fit.status.message} {fit.status.remedy_for(options)}", UserWarning, stacklevel=2)
        return ToolFit(fit.w, fit.center, fit.b_center, fit.b, fit.n_iter, fit.rank)

    asked = "The default of regress.fit: the exact minimum where sums are exact, else Newton steps."
    yield Tool(OURS[0], asked, partial(run, options))
    asked = "Newton steps in float64, with every gradient from TensorFlow's tape."
    try:
        autodiff.prepare(np.zeros(1))  # the import is not fitting
    except MissingDependencyError as error:
        message = str(error)

        def missing(block: Block) -> ToolFit:
            raise MissingDependencyError(message)

        yield Tool(OURS[1], asked, missing)
    else:
        yield Tool(OURS[1], asked, partial(run, replace(options, gradient="autodiff")))
    asked = "w ← w − η ∇L/m in standardized columns, until the gradient is small or the maximum number of iterations."
    yield Tool(OURS[2], asked, partial(run, replace(options, solver="gd")))


def scikit_learn(fit_intercept: bool) -> Iterator[Tool]:
    """Yield scikit-learn's fits: with default options, and as an expert would call it."""
    from sklearn.linear_model import LinearRegression, Ridge, SGDRegressor
    from sklearn.preprocessing import StandardScaler

    def plain(make: Callable[[], Any], block: Block) -> ToolFit:
        X, y, weights, n = block.X, block.Y[:, 0], block.weights, block.X.shape[1]
        model = make()
        model.fit(X, y, sample_weight=weights)
        iterations, rank = getattr(model, "n_iter_", None), getattr(model, "rank_", None)
        b = float(model.intercept_)
        return ToolFit(model.coef_, np.zeros(n), b, b, iterations, rank)

    def scaled(make: Callable[[], Any], block: Block) -> ToolFit:
        X, y, weights, n = block.X, block.Y[:, 0], block.weights, block.X.shape[1]
        model = make()
        scaler = StandardScaler(with_mean=fit_intercept).fit(X, sample_weight=weights)
        model.fit(scaler.transform(X), y, sample_weight=weights)
        center = scaler.mean_ if fit_intercept else np.zeros(n)
        w, b_center = model.coef_ / scaler.scale_, float(np.squeeze(model.intercept_))
        return ToolFit(w, center, b_center, error_free.dot(-center, w, b_center), model.n_iter_, None)

    b = "" if fit_intercept else "fit_intercept=False"
    yield Tool(
        "LinearRegression()",
        f"LinearRegression({b}).fit(X, y), with default options.",
        partial(plain, partial(LinearRegression, fit_intercept=fit_intercept)),
    )
    yield Tool(
        "LinearRegression(tol=0)",
        "The same without its cutoff on singular values.",
        partial(plain, partial(LinearRegression, fit_intercept=fit_intercept, tol=0.0)),
    )
    yield Tool(
        f"Ridge(alpha={TINY:g})",
        "Ridge with a negligible penalty: the normal equations by Cholesky.",
        partial(plain, partial(Ridge, alpha=TINY, fit_intercept=fit_intercept)),
    )
    yield Tool(
        "StandardScaler + SGDRegressor",
        "SGDRegressor(random_state=0) on scaled columns, with its default penalty. Coefficients are in "
        "the table's units.",
        partial(scaled, partial(SGDRegressor, fit_intercept=fit_intercept, random_state=0)),
    )
