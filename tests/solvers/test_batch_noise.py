"""What docs/derivation.md states of mini-batches: their mean gradient, their stability limit, and their noise."""

from itertools import combinations, pairwise, product

import numpy as np
import pytest

import regress


class Standing(regress.BatchSolver):
    """Updates that move nothing, and add up the gradients of batches, times their rows."""

    def __init__(self, size, rows):
        super().__init__()
        self.size, self.rows = size, rows

    def begin(self, n):
        return {"total": np.zeros(n + 1), "seen": 0}

    def update(self, point, slope, rate, memory):
        size = min(self.size, self.rows - memory["seen"])
        memory["total"] += size * slope
        memory["seen"] += size


@pytest.mark.filterwarnings("ignore::regress.ConvergenceWarning")
@pytest.mark.parametrize("size", [1, 7, 40])
@pytest.mark.parametrize("alpha", [0.0, 3.0])
def test_the_batches_of_an_epoch_add_up_to_the_gradient(size, alpha):
    random = np.random.default_rng(0)
    X, y, a = random.normal(size=(40, 3)), random.normal(size=40), random.uniform(0.5, 3.0, size=40)
    w, b, seen = random.normal(size=3), 0.7, []
    regress.fit(
        X,
        y,
        weights=a,
        alpha=alpha,
        standardize=False,
        solver=Standing(size, 40),
        batch_size=size,
        epochs=1,
        init=(w, b),
        callbacks=[lambda state, record: seen.append(state)],
    )
    residual = a * (X @ w + b - y)
    gradient = np.append(2 * X.T @ residual + 2 * alpha * w, 2 * residual.sum())
    assert seen[-1].memory["seen"] == 40
    np.testing.assert_allclose(seen[-1].memory["total"] / 40, gradient / a.sum(), rtol=1e-12)


@pytest.mark.filterwarnings("ignore::regress.ConvergenceWarning")
@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("tail", [0.0, 2.0])
def test_twice_the_automatic_rate_shrinks_distances_on_average_over_all_batches(size, tail):
    random = np.random.default_rng(1)
    X, y = random.normal(size=(9, 3)) * np.exp(tail * random.normal(size=(9, 1))), random.normal(size=9)
    fit = regress.fit(X, y, solver="sgd", batch_size=size, epochs=1, standardize=False, tol=1e-300)
    Z, rate = np.c_[X, np.ones(9)], 2 * fit.learning_rate
    squares = []
    for batch in combinations(range(9), size):
        left = np.eye(4) - rate * 2 * Z[list(batch)].T @ Z[list(batch)] / size
        squares.append(left @ left)
    assert np.linalg.eigvalsh(np.mean(squares, axis=0)).max() < 1 + 1e-12


@pytest.mark.parametrize("size", [1, 4, 100])
def test_the_limit_for_normal_rows_is_where_distances_no_longer_shrink_on_average(size):
    """Three nodes of Gauss and Hermite in each direction have the moments of a normal row up to the fifth."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)
    weights = weights / weights.sum()
    rows = np.array(list(product(nodes, repeat=3))) * [0.5, 1.0, 3.0]
    chance = np.array([np.prod(each) for each in product(weights, repeat=3)])
    h = 2 * rows[:, :, None] * rows[:, None, :]
    H, squares = np.tensordot(chance, h, 1), np.tensordot(chance, h @ h, 1)
    largest = np.linalg.eigvalsh(H).max()
    limit = 2 / (largest + (np.trace(H) + largest) / size)

    def growth(rate):
        return np.linalg.eigvalsh(np.eye(3) - 2 * rate * H + rate**2 * (H @ H + (squares - H @ H) / size)).max()

    assert growth(limit) == pytest.approx(1.0, rel=1e-12)
    assert growth(0.99 * limit) < 1.0 < growth(1.01 * limit)


@pytest.mark.filterwarnings("ignore::regress.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["sgd", "averaged-sgd"])
@pytest.mark.parametrize("size", [1, 32])
def test_the_automatic_rate_descends_on_rows_with_heavy_tails(solver, size):
    random = np.random.default_rng(4)
    X = np.exp(2.0 * random.normal(size=(3000, 4)))
    y = X @ np.arange(1.0, 5.0) + 100.0 * random.normal(size=3000)
    fit = regress.fit(X, y, solver=solver, batch_size=size, epochs=5)
    assert fit.status == "epochs"
    assert fit.history["loss"].iloc[-1] < 0.5 * fit.history["loss"].iloc[0]


@pytest.mark.filterwarnings("ignore::regress.ConvergenceWarning")
def test_the_noise_at_a_small_constant_rate_is_that_of_the_derivation():
    random = np.random.default_rng(2)
    X = random.normal(size=(4000, 5))
    y = X @ np.arange(1.0, 6.0) + random.normal(size=4000)
    gaps = []
    regress.fit(
        X,
        y,
        solver="sgd",
        batch_size=10,
        epochs=60,
        learning_rate=0.02,
        callbacks=[lambda state, record: gaps.append(record.gap)],
    )
    expected = 4000 * 0.02 * (2 * 6) / (2 * 10)  # mσ²η tr(H)/(2|B|), with standardized columns and σ = 1
    assert np.mean(gaps[20:]) == pytest.approx(expected, rel=0.5)  # 40 epochs, and η is not that small


@pytest.mark.filterwarnings("ignore::regress.ConvergenceWarning")
def test_the_mean_of_an_epoch_is_off_by_what_its_ends_differ():
    random, seen = np.random.default_rng(3), []
    x = random.choice([-1.0, 1.0], size=60)  # x² = 1, so every batch has the curvature 2
    y = 3.0 * x + random.normal(size=60)
    regress.fit(
        x[:, None],
        y,
        solver="averaged-sgd",
        batch_size=5,
        epochs=4,
        learning_rate=0.1,
        fit_intercept=False,
        standardize=False,
        callbacks=[lambda state, record: seen.append(state)],
    )
    assert len(seen) == 5
    for before, after in pairwise(seen[1:]):
        moved = after.memory["last"][0] - before.memory["last"][0]
        # The mean is over the points after the updates: that of the derivation, and moved/T.
        expected = x @ y / 60 + moved / 12 - moved / (0.1 * 12 * 2.0)
        assert after.w[0] == pytest.approx(expected, rel=1e-12)
