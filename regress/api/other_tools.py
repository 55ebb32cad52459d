"""The fits that a comparison puts side by side: ours, and scikit-learn's."""

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from regress.aggregates.collect import collect_rows
from regress.blocks import Array, Block, blocks_of
from regress.errors import MissingDependencyError
from regress.numerics import error_free
from regress.numerics.threads import one_blas_thread
from regress.objective import autodiff
from regress.options import TrainOptions
from regress.solvers import choose
from regress.solvers.solution import Training
from regress.solvers.train import Regression

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


Run = Callable[[], ToolFit]


class Tool(NamedTuple):
    """A tool, as a user would call it, what it is asked to do, and the call that does it."""

    name: str
    asked: str
    run: Run


def timed(run: Run) -> tuple[ToolFit, float, str]:
    """Return what a tool returned, the seconds that it took, and its warnings: the first line of each, once."""
    began = time.perf_counter()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        result = run()
    seconds = time.perf_counter() - began
    return result, seconds, "; ".join(dict.fromkeys(str(w.message).partition("\n")[0] for w in said))


def best(block: Block, names: Sequence[str], fit_intercept: bool, jobs: int) -> Training:
    """Return the fit that all others are measured against."""
    return _train(block, names, choose.reference(len(block.X), len(names), fit_intercept), jobs)


def _train(block: Block, names: Sequence[str], options: TrainOptions, jobs: int) -> Training:
    over, precision, _ = choose.reading(options)
    rows = partial(blocks_of, block.X, block.Y, block.weights)
    with one_blas_thread():
        data = collect_rows(rows(), over, jobs, precision=precision, limits=choose.FILES)
        return Regression(replace(data, again=rows), options, names).train()


def ours(block: Block, names: Sequence[str], options: TrainOptions, jobs: int) -> Iterator[Tool]:
    """Yield our fits: the default, the same by autodiff, plain descent."""

    def run(options: TrainOptions) -> ToolFit:
        fit = _train(block, names, options, jobs)
        if fit.status.remedy:
            warnings.warn(f"{fit.status.message} {fit.status.remedy}", UserWarning, stacklevel=2)
        return ToolFit(fit.w, fit.center, fit.b_center, fit.b, fit.n_iter, fit.rank)

    asked = "The default of regress.fit: the exact minimum where that is fast, else Newton steps."
    yield Tool("regress", asked, lambda: run(options))
    asked = "Newton steps in float64, with every gradient from TensorFlow's tape."
    try:
        autodiff.prepare(np.zeros(1))  # the import is not fitting
    except MissingDependencyError as error:
        message = str(error)

        def missing() -> ToolFit:
            raise MissingDependencyError(message)

        yield Tool("regress autodiff", asked, missing)
    else:
        yield Tool("regress autodiff", asked, lambda: run(replace(options, gradient="autodiff")))
    asked = "w ← w − η ∇L/m in standardized columns, until the gradient is small or the maximum number of iterations."
    yield Tool("regress plain descent", asked, lambda: run(replace(options, solver="gd")))


def scikit_learn(block: Block, fit_intercept: bool) -> Iterator[Tool]:
    """Yield scikit-learn's fits: with default options, and as an expert would call it."""
    from sklearn.linear_model import LinearRegression, Ridge, SGDRegressor
    from sklearn.preprocessing import StandardScaler

    X, Y, weights, _ = block
    y, n = Y[:, 0], X.shape[1]

    def plain(model: Any) -> ToolFit:
        model.fit(X, y, sample_weight=weights)
        iterations, rank = getattr(model, "n_iter_", None), getattr(model, "rank_", None)
        b = float(model.intercept_)
        return ToolFit(model.coef_, np.zeros(n), b, b, iterations, rank)

    def scaled(model: Any) -> ToolFit:
        scaler = StandardScaler(with_mean=fit_intercept).fit(X, sample_weight=weights)
        model.fit(scaler.transform(X), y, sample_weight=weights)
        center = scaler.mean_ if fit_intercept else np.zeros(n)
        w, b_center = model.coef_ / scaler.scale_, float(np.squeeze(model.intercept_))
        return ToolFit(w, center, b_center, error_free.dot(-center, w, b_center), model.n_iter_, None)

    b = "" if fit_intercept else "fit_intercept=False"
    yield Tool(
        "LinearRegression()",
        f"LinearRegression({b}).fit(X, y), with default options.",
        lambda: plain(LinearRegression(fit_intercept=fit_intercept)),
    )
    yield Tool(
        "LinearRegression(tol=0)",
        "The same without its cutoff on singular values.",
        lambda: plain(LinearRegression(fit_intercept=fit_intercept, tol=0.0)),
    )
    yield Tool(
        f"Ridge(alpha={TINY:g})",
        "Ridge with a negligible penalty: the normal equations by Cholesky.",
        lambda: plain(Ridge(alpha=TINY, fit_intercept=fit_intercept)),
    )
    yield Tool(
        "StandardScaler + SGDRegressor",
        "SGDRegressor(random_state=0) on scaled columns, with its default penalty. Coefficients are in "
        "the table's units.",
        lambda: scaled(SGDRegressor(fit_intercept=fit_intercept, random_state=0)),
    )
