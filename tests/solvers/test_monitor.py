"""What the history shows of a state, against the same in rational arithmetic."""

from fractions import Fraction
from math import isnan, sqrt

import numpy as np
import pytest

from regress.aggregates.collect import collect_rows
from regress.blocks import blocks_of
from regress.options import TrainOptions
from regress.solvers.running import Running, Start
from regress.solvers.train import Regression
from tests.oracles.ill_conditioned import answer

random = np.random.default_rng(17)
M = 60
X = random.normal(size=(M, 3)) * [1.0, 5.0, 0.2] + [0.0, 3.0, 1.0]
NOISE = random.normal(size=M)
FAR = np.c_[1.7e9 + random.uniform(0, 100, M), X[:, :2]]
a = random.uniform(0.2, 5.0, size=M)
EPS = 2.0**-52


def watched(X, y, weights=None, exact=True, **options):
    """Return a problem, and the states and rows of its history that a callback sees."""
    seen = []
    options = TrainOptions(**({"epochs": 30} if options["solver"] in BATCHED else {}) | options)
    data = collect_rows(blocks_of(X, y[:, None], weights), "rows", precision="exact" if exact else "float64")
    running = Running(descends=True, callbacks=[lambda state, row: seen.append((state, row))])
    problem = Regression(data, options, [f"x{j}" for j in range(X.shape[1])], running=running)
    problem.train()
    return problem, seen


def some(seen):
    """Return the first states, the last one, and every fifth between: fractions take long."""
    return [*seen[:2], *seen[2:-1:5], *seen[2:][-1:]]


def loss_at(problem, state, X, y, weights=None, alpha=0.0):
    """Return L + P at a state as a fraction."""
    at = problem.coordinates()
    w = [Fraction(v) / Fraction(s) for v, s in zip(state.w.tolist(), at.scale.tolist(), strict=True)]
    level, origin = Fraction(state.b) + Fraction(at.target_origin), [Fraction(v) for v in at.origin.tolist()]
    total = Fraction(alpha) * sum((v * v for v in w), Fraction(0))
    for row, target, v in zip(X.tolist(), y.tolist(), [1.0] * len(y) if weights is None else weights, strict=True):
        error = level - Fraction(target)
        error += sum((p * (Fraction(x) - o) for p, x, o in zip(w, row, origin, strict=True)), Fraction(0))
        total += Fraction(float(v)) * error * error
    return total


def gradient_at(problem, state, X, y, weights=None, alpha=0.0):
    """Return ‖∇(L + P)‖ in the coordinates of the descent."""
    at = problem.coordinates()
    v = np.ones(len(y)) if weights is None else weights
    Z = np.c_[(X - at.origin) / at.scale, np.ones(len(y))]
    slope = 2 * Z.T @ (v * (Z @ np.append(state.w, state.b) - (y - at.target_origin)))
    slope[:-1] += 2 * alpha * state.w / at.scale**2
    return np.linalg.norm(slope if problem.objective().fit_intercept else slope[:-1])


BATCHED = ("sgd", "averaged-sgd", "adam")
SOLVERS = ["gd", "accelerated", "cg", "newton", "sgd", "averaged-sgd", "adam"]
WAYS = {
    "plain": {},
    "weights": {"weights": a},
    "weights and ridge": {"weights": a, "alpha": 4.0},
    "no intercept": {"fit_intercept": False},
    "raw": {"standardize": False},
}


def checked(X, y, **options):
    """Compare loss and gap of every row with rational arithmetic."""
    problem, seen = watched(X, y, **options)
    kept = {name: options[name] for name in ("weights", "alpha") if name in options}
    best, least = answer(X, y, fit_intercept=options.get("fit_intercept", True), **kept)
    at = problem.coordinates()
    size = sum(abs(float(v)) * s for v, s in zip(best[1:], at.scale, strict=True))
    rounding = 4 * EPS * (size + abs(float(best[0]))) * sqrt(sum(options.get("weights", np.ones(M))))
    assert len(seen) > 2 or options["solver"] == "newton"
    for state, row in some(seen):
        exact = loss_at(problem, state, X, y, **kept)
        gap = sqrt(float(exact - least))
        assert abs(sqrt(row.gap) - gap) <= 1e-12 * gap + rounding
        assert row.loss == pytest.approx(float(exact), rel=1e-12, abs=(2 * gap + rounding) * rounding)
    return problem, seen, float(least)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_loss_and_gap_are_those_of_rational_arithmetic(solver, way):
    options = {"solver": solver, **WAYS[way]}
    if solver == "gd":
        options["max_iter"] = 60
    y = X @ [1.0, 2.0, 3.0] + 5.0 + NOISE
    problem, seen, _ = checked(X, y, **options)
    first = seen[0][1].gradient_norm
    for state, row in seen:
        kept = {name: options[name] for name in ("weights", "alpha") if name in options}
        assert row.gradient_norm == pytest.approx(
            gradient_at(problem, state, X, y, **kept), rel=1e-9, abs=1e-12 * first
        )


@pytest.mark.parametrize("noise", [1e-4, 1e-7, 1e-8, 1e-11])
@pytest.mark.parametrize("table", [X, FAR], ids=["near", "timestamps"])
@pytest.mark.parametrize("solver", ["gd", "cg", "accelerated", "sgd", "averaged-sgd"])
def test_they_keep_their_digits_where_the_rows_lie_nearly_on_a_plane(solver, table, noise):
    """The sum s − 2cᵀw + wᵀGw has no digit of a loss that is 1e-16 of s."""
    y = table @ [0.001, 2.0, 3.0] + noise * NOISE
    y = y - y[0]
    limit = {"max_iter": 200} if solver == "gd" else {}
    _, seen, least = checked(table, y, solver=solver, tol=1e-13, **limit)
    if solver == "cg":
        assert seen[-1][1].loss < max(2 * least, 1e-24)


def test_over_rows_they_are_those_of_rational_arithmetic_up_to_rounding_of_the_gradient():
    y = X @ [1.0, 2.0, 3.0] + 5.0 + 1e-6 * NOISE
    problem, seen = watched(X, y, solver="gd", over="rows", max_iter=60)
    _, least = answer(X, y)
    for state, row in some(seen):
        exact = loss_at(problem, state, X, y)
        gap = float(exact - least)
        assert abs(row.gap - gap) <= 1e-12 * gap + 100 * EPS * sqrt(gap) * np.linalg.norm(y)
        assert row.loss == pytest.approx(float(exact), rel=1e-9)


@pytest.mark.parametrize("solver", ["gd", "sgd"])
def test_without_exact_sums_they_are_those_of_float64(solver):
    y = X @ [1.0, 2.0, 3.0] + 5.0 + NOISE
    problem, seen = watched(X, y, exact=False, solver=solver, **({"max_iter": 20} if solver == "gd" else {}))
    _, least = answer(X, y)
    for state, row in seen:
        exact = loss_at(problem, state, X, y)
        assert row.loss == pytest.approx(float(exact), rel=1e-10)
        assert row.gap == pytest.approx(float(exact - least), rel=1e-9, abs=1e-12 * float(least))


def test_what_is_unknown_is_nan():
    y = X @ [1.0, 2.0, 3.0] + NOISE
    _, seen = watched(X, y, solver="cg")
    assert all(isnan(row.val_loss) and isnan(row.batch_loss) and isnan(row.learning_rate) for _, row in seen)
    assert isnan(seen[0][1].step)
    _, seen = watched(X, y, solver="sgd", epochs=2)
    assert all(isnan(row.val_loss) and isnan(row.batch_loss) for _, row in seen)  # the loss takes no pass
    wide = random.normal(size=(5, 8))
    _, seen = watched(wide, y[:5], solver="sgd", epochs=2)
    assert [row.epoch for _, row in seen] == [0, 1, 2]


@pytest.mark.parametrize("noise", [1.0, 1e-8, 1e-13])
@pytest.mark.parametrize("solver", ["gd", "sgd", "averaged-sgd", "adam", "accelerated"])
def test_a_start_near_the_minimum_is_no_blow_up(solver, noise):
    """There the loss is small next to the rounding of s − 2cᵀw + wᵀGw."""
    y = X @ [1.0, 2.0, 3.0] + 5.0 + noise * NOISE
    best, _ = answer(X, y)
    start = Start(np.array([float(v) * (1 + 1e-13) for v in best[1:]]), np.zeros(3), float(best[0]))
    data = collect_rows(blocks_of(X, y[:, None]), "rows", precision="exact")
    limit = {"max_iter": 20} if solver in ("gd", "accelerated") else {"epochs": 5}
    got = Regression(
        data, TrainOptions(solver=solver, tol=1e-30, **limit), ["a", "b", "c"], running=Running(start=start)
    ).train()
    assert str(got.status) in ("max_iter", "epochs")
