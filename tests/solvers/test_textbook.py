"""The descent that textbooks show is there, unhidden: every iteration equals the loop written out."""

import numpy as np
import pytest

from regress.aggregates.collect import collect_rows
from regress.blocks import blocks_of
from regress.options import TrainOptions
from regress.solvers.running import Running
from regress.solvers.train import Regression

random = np.random.default_rng(2)
X = random.normal(size=(300, 4)) * [1.0, 2.0, 0.5, 3.0] + [0.0, 1.0, -2.0, 0.5]
y = X @ [1.0, -2.0, 3.0, 0.5] + 4.0 + random.normal(size=300)


def path(X, y, **options):
    """Return every (w, b) that the trainer evaluates."""
    options = TrainOptions(**options)
    seen = []
    data = collect_rows(blocks_of(X, y[:, None]), options.over)
    running = Running(callbacks=[lambda state, _: seen.append((state.w, state.b))])
    Regression(data, options, list("abcd"), running=running).train()
    return seen


def textbook(X, y, eta, steps):
    """Return the same by w -= η/m 2Xᵀ(ŷ − y), b -= η/m 2Σ(ŷ − y), from zero."""
    m = len(y)
    w, b, seen = np.zeros(X.shape[1]), 0.0, []
    for _ in range(steps + 1):
        seen.append((w.copy(), b))
        prediction = X @ w + b
        w -= eta / m * 2 * X.T @ (prediction - y)
        b -= eta / m * 2 * (prediction - y).sum()
    return seen


@pytest.mark.parametrize("eta", [0.01, 0.05])
def test_every_iteration_equals_the_textbook_loop(eta):
    plain = dict(solver="gd", over="rows", standardize=False, learning_rate=eta, max_iter=200)
    ours, theirs = path(X, y, **plain), textbook(X, y, eta, 200)
    assert len(ours) == len(theirs) == 201
    for (w, b), (v, c) in zip(ours, theirs, strict=True):
        assert np.abs(w - v).max() <= 1e-12 * max(np.abs(v).max(), 1e-300)
        assert abs(b - c) <= 1e-12 * max(abs(c), 1e-300)


def test_repeating_every_row_does_not_change_the_path():
    plain = dict(solver="gd", over="rows", standardize=False, learning_rate=0.05, max_iter=50)
    once, thrice = path(X, y, **plain), path(np.tile(X, (3, 1)), np.tile(y, 3), **plain)
    for (w, b), (v, c) in zip(once, thrice, strict=True):
        assert np.allclose(w, v, rtol=1e-11, atol=1e-13)  # another order of summation, over fifty steps
        assert np.isclose(b, c, rtol=1e-11, atol=1e-13)


@pytest.mark.tensorflow
@pytest.mark.parametrize("over", ["rows", "moments"])
@pytest.mark.parametrize("solver", ["gd", "accelerated", "newton"])
def test_autodiff_follows_the_derived_path(solver, over):
    derived, autodiff = (path(X, y, solver=solver, over=over, gradient=g) for g in ("derived", "autodiff"))
    assert abs(len(derived) - len(autodiff)) <= 1  # the last step may lie on the edge of the tolerance
    for (w, b), (v, c) in zip(derived, autodiff, strict=False):
        assert np.allclose(w, v, rtol=0, atol=1e-10 * np.abs(derived[-1][0]).max())
        assert abs(b - c) <= 1e-10 * np.abs(derived[-1][0]).max()


@pytest.mark.tensorflow
def test_conjugate_gradients_by_autodiff_end_at_the_same_parameters():
    derived, autodiff = (path(X, y, solver="cg", gradient=g)[-1] for g in ("derived", "autodiff"))
    assert np.allclose(derived[0], autodiff[0], rtol=1e-9)
