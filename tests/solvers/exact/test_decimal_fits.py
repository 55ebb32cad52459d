"""Fits to decimals are those of rational arithmetic on their text: coefficients, loss, errors, certificates, R²."""

from dataclasses import replace
from fractions import Fraction
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regress.aggregates.collect import collect_rows
from regress.aggregates.exact_sums import exact_totals
from regress.aggregates.held_out import HeldOut
from regress.blocks import STORED
from regress.errors import InputError
from regress.inference.certificate import certificate
from regress.inference.covariance import inverse_of_minimum
from regress.inference.measurement_noise import collinearity
from regress.inference.scores import r2
from regress.inference.standard_errors import Statistics
from regress.inference.sums_of_squares import squares_of
from regress.objective.losses import SquaredError
from regress.objective.scaling import Coordinates
from regress.options import TrainOptions
from regress.solvers.train import Regression
from regress.solvers.validation import validation_loss
from tests.examples import examples
from tests.oracles.decimal_tables import block_of, integers, inverse
from tests.oracles.rational import LeastSquares, nearest

SMALL = [st.integers(-99, 99).map(lambda k: f"{k}e-1"), st.integers(-(10**6), 10**6).map(lambda k: f"{k}e-9")]
LARGE = [st.integers(-(10**12), 10**12).map(lambda k: f"{k}e-3"), st.integers(1, 30).map(str)]
weight = st.integers(1, 10**4).map(lambda k: f"{k}e-2")


def regression(X, y, weights=None, over="auto", cut=0, **options):
    """Return the problem, and what was collected in one or two blocks, each with the decimals that it needs."""
    halves = [slice(cut), slice(cut, None)] if 0 < cut < len(y) else [slice(None)]
    blocks = [block_of(X[rows], y[rows], weights and weights[rows]) for rows in halves]
    data = collect_rows(blocks, over, precision="exact")
    names = [f"x{j}" for j in range(len(X[0]))]
    return Regression(data, TrainOptions(precision="exact", **options), names), data


def oracle(X, y, weights=None, alpha=0.0, fit_intercept=True):
    """Return rational arithmetic on the text, times a power of ten that it is returned with, and y so."""
    values, ten = integers([*zip(*X, strict=True), y])
    (a,), of_a = integers([weights]) if weights is not None else ([[1] * len(y)], 1)
    rows = [list(row) for row in zip(*values[:-1], strict=True)]
    return LeastSquares(rows, a, Fraction(alpha) * ten**2 * of_a, fit_intercept), values[-1], ten


def loss(X, y, a, w, alpha, fit_intercept):
    """Return the loss at doubles w, with b at its best."""
    e = [Fraction(t) - sum(Fraction(v) * u for u, v in zip(w, row, strict=True)) for row, t in zip(X, y, strict=True)]
    b = sum(c * v for c, v in zip(a, e, strict=True)) / sum(a) if fit_intercept else 0
    return sum(c * (v - b) ** 2 for c, v in zip(a, e, strict=True)) + Fraction(alpha) * sum(u * u for u in w)


@settings(deadline=None, max_examples=examples(150), derandomize=True)
@given(st.data(), st.integers(1, 8), st.integers(1, 4), st.booleans(), st.booleans())
def test_any_fit_is_that_of_the_text(data, m, n, weighted, fit_intercept):
    *kinds, of_y = data.draw(st.lists(st.sampled_from([*SMALL, *LARGE]), min_size=n + 1, max_size=n + 1))
    X = [[data.draw(kind) for kind in kinds] for _ in range(m)]
    y = data.draw(st.lists(of_y, min_size=m, max_size=m))
    a = data.draw(st.lists(weight, min_size=m, max_size=m)) if weighted else None
    alpha = data.draw(st.sampled_from([0.0, 0.0, 0.1, 1e-9, 1e6]))
    over = data.draw(st.sampled_from(["auto", "moments"]))
    cut = data.draw(st.integers(0, m))
    problem, _ = regression(X, y, a, over, cut, alpha=alpha, fit_intercept=fit_intercept)
    trained = problem.train()
    exact, target, ten = oracle(X, y, a, alpha, fit_intercept)
    least = exact.minimum(target)
    assert trained.w.tolist() == [nearest(v) for v in least.w]
    assert trained.b == nearest(least.b / ten)
    assert trained.rank == exact.rank
    if trained.minimum is not None:
        w, ones = [Fraction(v) for v in trained.w.tolist()], [Fraction(c) for c in a or ["1"] * m]
        assert trained.loss == nearest(loss(X, y, ones, w, alpha, fit_intercept))


def table(seed, m=40):
    """Return columns with one, three and seven decimals, a target with two, and weights."""
    random = np.random.default_rng(seed)
    X = np.column_stack([np.round(random.normal(size=m) * s, d) for s, d in ((30.0, 1), (1.0, 3), (1e-3, 7))])
    y = np.round(X @ [0.1, -3.0, 700.0] + 12.0 + random.normal(size=m), 2)
    texts = [[repr(v) for v in row] for row in X.tolist()]
    return texts, [repr(v) for v in y.tolist()], [repr(v) for v in np.round(random.uniform(0.1, 2.0, m), 2).tolist()]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_standard_errors_and_sums_of_squares_are_those_of_the_text(seed, fit_intercept):
    X, y, a = table(seed)
    problem, data = regression(X, y, a, fit_intercept=fit_intercept)
    options = TrainOptions(precision="exact", fit_intercept=fit_intercept)
    trained = problem.train()
    squares, _ = squares_of(trained, data, options)
    of_minimum = inverse_of_minimum(trained.minimum)
    told = Statistics(trained.w, trained.b, of_minimum, squares, 40.0, data.summary.weight, 0.0, fit_intercept)
    Z = [[*[Fraction(1)] * fit_intercept, *map(Fraction, row)] for row in X]
    target, weights = [Fraction(t) for t in y], [Fraction(c) for c in a]
    p = range(len(Z[0]))
    G = [[sum(c * z[i] * z[j] for c, z in zip(weights, Z, strict=True)) for j in p] for i in p]
    right = [sum(c * z[i] * t for c, z, t in zip(weights, Z, target, strict=True)) for i in p]
    bread = inverse(G)
    theta = [sum(v * r for v, r in zip(row, right, strict=True)) for row in bread]
    assert told.estimates.tolist() == [nearest(v) for v in theta]
    e = [t - sum(v * u for v, u in zip(z, theta, strict=True)) for z, t in zip(Z, target, strict=True)]
    rss = sum(c * v * v for c, v in zip(weights, e, strict=True))
    mean = sum(c * t for c, t in zip(weights, target, strict=True)) / sum(weights) * fit_intercept
    total = sum(c * (t - mean) ** 2 for c, t in zip(weights, target, strict=True))
    sigma = rss / (len(y) - len(Z[0]))
    assert told.rss == pytest.approx(nearest(rss), rel=4e-16, abs=0.0)
    assert told.sigma == pytest.approx(sqrt(sigma), rel=1e-15, abs=0.0)
    assert told.r2 == pytest.approx(nearest(1 - rss / total), rel=4e-16, abs=0.0)
    assert told.all_errors == pytest.approx([sqrt(sigma * bread[i][i]) for i in p], rel=2e-15, abs=0.0)


@pytest.mark.parametrize("alpha", [0.0, 0.3])
def test_a_certificate_measures_the_distance_from_the_text(alpha):
    X, y, a = table(7)
    problem, _ = regression(X, y, a, alpha=alpha)
    minimum = problem.train().minimum
    exact, target, ten = oracle(X, y, a, alpha)
    least = exact.minimum(target)
    w = np.array([nearest(v) for v in least.w])
    center = np.array([0.5, 0.25, 0.0])
    b = nearest(least.b / ten)
    at_center = nearest(least.b / ten + sum(Fraction(c) * v for c, v in zip(center, least.w, strict=True)))
    found = certificate(minimum, ["x0", "x1", "x2"], w * [1.0, 1.0 + 1e-7, 1.0], center, b_center=at_center, b=b)
    assert found.true_w.tolist() == w.tolist()
    assert found.true_b == b
    assert found.digits["x1"] == pytest.approx(7.0, abs=0.1)
    assert min(found.digits["x0"], found.digits["x2"]) > 15.5
    off = [Fraction(v) - u for v, u in zip((w * [1.0, 1.0 + 1e-7, 1.0]).tolist(), least.w, strict=True)]
    assert found.distance == pytest.approx([nearest(v) for v in off], rel=1e-4, abs=0.0)
    weights = [Fraction(c) for c in a]
    assert found.loss == nearest(loss(X, y, weights, least.w, alpha, True))


def test_rows_held_out_are_scored_as_written():
    X, y, a = table(3)
    held = HeldOut(len(y), totals=exact_totals([block_of(X, y, a)]))
    w, center, level = np.array([0.1, -3.0, 700.0]), np.array([1.0, 2.0, 0.5]), 11.0
    b = Fraction(level) - sum(Fraction(v) * Fraction(c) for v, c in zip(w.tolist(), center.tolist(), strict=True))
    e = [
        b + sum(Fraction(v) * Fraction(u) for v, u in zip(row, w.tolist(), strict=True)) - Fraction(t)
        for row, t in zip(X, y, strict=True)
    ]
    weights = [Fraction(c) for c in a]
    error = sum(c * v * v for c, v in zip(weights, e, strict=True))
    mean = sum(c * Fraction(t) for c, t in zip(weights, y, strict=True)) / sum(weights)
    total = sum(c * (Fraction(t) - mean) ** 2 for c, t in zip(weights, y, strict=True))
    assert r2(held, w, center, level) == nearest(1 - error / total)
    at = validation_loss(held, SquaredError(), Coordinates(center, np.ones(3), 0.0))
    assert at(w, level) == pytest.approx(nearest(error), rel=1e-12, abs=0.0)


def test_decimals_that_add_up_in_text_depend_on_each_other_and_no_row_is_read_again():
    random = np.random.default_rng(1)
    parts = random.integers(0, 1000, size=(50, 2))
    X = [[f"{p}e-2", f"{q}e-1", f"{p + 10 * q}e-2"] for p, q in parts.tolist()]
    y = [f"{v}e-3" for v in random.integers(0, 10**6, size=50).tolist()]

    def never():
        raise AssertionError("rows were read again")

    options = TrainOptions(precision="exact", collinear="error")
    data = replace(regression(X, y)[1], again=never)
    with pytest.raises(InputError, match=r"x2 = x0 \+ x1\. Remove"):
        Regression(data, options, ["x0", "x1", "x2"]).train()
    stored = np.array([[float(v) for v in row] for row in X])
    assert (stored[:, 0] + stored[:, 1] != stored[:, 2]).any()  # in float64 they do so but for rounding


def test_doubles_beside_decimals_depend_on_each_other_within_their_rounding():
    random = np.random.default_rng(4)
    block = block_of(*table(4)[:2])
    z = np.log(random.uniform(1.0, 9.0, len(block.X)))
    X = np.column_stack([block.X, block.X[:, 0] * 100.0, z, 3.0 * z + block.X[:, 0] / 10.0])
    of_first = block.decimals.x[0]
    decimals = block.decimals._replace(x=(*block.decimals.x, of_first, STORED, STORED))
    data = collect_rows([block._replace(X=X, decimals=decimals)], precision="exact")

    def never():
        raise AssertionError("rows were read again")

    names = [f"x{j}" for j in range(6)]
    trained = Regression(replace(data, again=never), TrainOptions(precision="exact"), names).train()
    exact, rounded = trained.minimum.dependence.relations
    assert (exact.text(names), exact.exact) == ("x3 = 100·x0", True)
    assert (rounded.text(names), rounded.exact) == ("x5 = x0 + 3·x4", False)


def test_columns_within_the_rounding_of_doubles_are_apart_where_the_text_is():
    text = [f"{k}e-15" for k in range(900000000000000, 900000000000040)]
    moved = [f"{k + (k % 3 == 0)}e-15" for k in range(900000000000000, 900000000000040)]
    y = [str(k % 7) for k in range(40)]
    X = list(zip(text, moved, strict=True))
    problem, _ = regression(X, y)
    trained = problem.train()
    exact, target, _ = oracle(X, y)
    assert trained.rank == exact.rank == 2
    assert trained.w.tolist() == [nearest(v) for v in exact.minimum(target).w]


def test_celsius_and_fahrenheit_remain_a_note_of_measurement():
    celsius = np.random.default_rng(2).integers(-200, 400, size=300).tolist()
    X = [[f"{c}e-1", f"{round(c * 1.8) + 320}e-1"] for c in celsius]
    y = [f"{c + (c * 7919) % 50}e-1" for c in celsius]
    problem, data = regression(X, y)
    block = block_of(X, y).in_doubles()
    data = replace(data, again=lambda: [block])
    trained = problem.train()
    assert trained.rank == 2
    exact = TrainOptions(precision="exact")
    (relation,) = collinearity(problem, data, exact, trained.minimum, measured=(0, 1)).relations
    assert relation.text(["c", "f"]) == "f = 9/5·c + 32"
