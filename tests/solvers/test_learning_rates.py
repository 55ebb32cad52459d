"""Learning rates are refused where a step would lengthen the distance, by the spectral radius of the iteration."""

import numpy as np
import pytest

from regress.aggregates.collect import collect_rows
from regress.blocks import blocks_of
from regress.errors import LearningRateError
from regress.options import TrainOptions
from regress.solvers.status import Status
from regress.solvers.train import Regression

random = np.random.default_rng(82)
X = random.normal(size=(80, 3)) * [1.0, 2.0, 0.5] + [3.0, -1.0, 0.2]
y = X @ [1.0, 2.0, 3.0] + random.normal(size=80)
a = random.uniform(0.2, 5.0, size=80)
WIDE = random.normal(size=(6, 9)) + 0.5


def problem(X=X, y=y, weights=None, **options):
    options = TrainOptions(**options)
    data = collect_rows(blocks_of(X, y[:, None], weights), options.over)
    return Regression(data, options, [f"x{j}" for j in range(X.shape[1])])


def curvature(X, weights, alpha, standardize, fit_intercept):
    """Return the eigenvalues of ∇²L/Σa, built row by row in the coordinates of the descent."""
    weights = np.ones(len(X)) if weights is None else weights
    total = weights.sum()
    center = weights @ X / total if standardize and fit_intercept else np.zeros(X.shape[1])
    scale = np.sqrt(weights @ (X - center) ** 2 / total) if standardize else np.ones(X.shape[1])
    rows = (X - center) / scale
    penalty = alpha / scale**2
    if fit_intercept:
        rows, penalty = np.c_[rows, np.ones(len(X))], np.append(penalty, 0.0)
    hessian = 2.0 * sum(w * np.outer(row, row) for w, row in zip(weights, rows, strict=True)) + 2.0 * np.diag(penalty)
    return np.linalg.eigvalsh(hessian) / total


def radius(solver, rate, values):
    """Return the largest factor a step: the spectral radius of the iteration, with the largest momentum below 1."""
    largest = 0.0
    for step in 1.0 - rate * values:
        for beta in (0.0,) if solver == "gd" else (0.0, 0.5, 1.0 - 1e-9):
            # a step of the method takes (x now, x before) to (next x, x now)
            matrix = np.array([[(1.0 + beta) * step, -beta * step], [1.0, 0.0]])
            largest = max(largest, np.abs(np.linalg.eigvals(matrix)).max())
    return largest


def limit_of(refused):
    return float(str(refused.value).split(" is above ")[1].split(",")[0])


CASES = {
    "plain": {},
    "weights": {"weights": a},
    "ridge": {"alpha": 50.0},
    "weights and ridge": {"weights": a, "alpha": 50.0},
    "from the rows": {"over": "rows", "weights": a},
    "more columns than rows": {"X": WIDE, "y": y[:6], "alpha": 0.5, "weights": a[:6]},
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("solver", ["gd", "accelerated"])
def test_a_rate_is_refused_just_where_a_step_makes_the_distance_longer(solver, standardize, fit_intercept, case):
    options = {"solver": solver, "standardize": standardize, "fit_intercept": fit_intercept, **CASES[case]}
    with pytest.raises(LearningRateError, match=f"stability limit of {solver} ") as refused:
        problem(learning_rate=1e9, **options).train()
    limit = limit_of(refused)
    rows, weights, alpha = options.get("X", X), options.get("weights"), options.get("alpha", 0.0)
    values = curvature(rows, weights, alpha, standardize, fit_intercept)
    assert radius(solver, 0.999 * limit, values) <= 1.0 < 1.0005 < radius(solver, 1.001 * limit, values)
    within = problem(learning_rate=0.999 * limit, max_iter=200, **options).train()
    assert within.status in (Status.CONVERGED, Status.MAX_ITER)
    assert within.loss <= within.history[0].loss
    with pytest.raises(LearningRateError):
        problem(learning_rate=1.001 * limit, **options).train()
    assert problem(**options, max_iter=1).train().learning_rate == pytest.approx(1.0 / values[-1], rel=1e-5)  # Lanczos


@pytest.mark.parametrize("solver", ["gd", "accelerated"])
def test_just_below_the_limit_a_descent_converges(solver):
    limit = (1.0 if solver == "gd" else 2.0 / 3.0) * 2.0 / curvature(X, None, 0.0, True, True)[-1]
    assert problem(solver=solver, learning_rate=0.999 * limit).train().status is Status.CONVERGED


@pytest.mark.parametrize("solver", ["gd", "accelerated"])
@pytest.mark.parametrize("rows", [np.array([[2.0]]), np.zeros((1, 2)), np.zeros((2, 3))], ids=str)
def test_a_single_number_and_zeros_have_a_rate(solver, rows):
    target = np.arange(len(rows)) + 3.0
    trained = problem(rows, target, solver=solver, fit_intercept=False).train()
    assert trained.status is Status.CONVERGED
    assert trained.w == pytest.approx(np.linalg.pinv(rows) @ target)
