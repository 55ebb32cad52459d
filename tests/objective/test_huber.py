"""Huber's loss by hand against its definition, central differences and the tape; the lowest point of a line."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regress.objective import autodiff, gradient
from regress.objective.gradient import Rows
from regress.objective.huber import Huber, Line

random = np.random.default_rng(6)
X = random.normal(size=(60, 3))
y = X @ [2.0, -1.0, 0.5] + random.standard_t(1.5, size=60)
a = random.uniform(0.5, 2.0, size=60)
LOSS = Huber(epsilon=1.35, scale=0.8)
whole = st.integers(-6, 6)


def definition(residual, delta):
    size = np.abs(residual)
    return np.where(size <= delta, size**2, 2.0 * delta * size - delta**2)


@pytest.mark.parametrize("weights", [1.0, a], ids=["plain", "weighted"])
def test_the_value_is_its_definition(weights):
    assert LOSS.value(y, np.zeros(60), weights) == pytest.approx(np.sum(weights * definition(y, LOSS.delta)), rel=1e-14)
    assert np.mean(np.abs(y) > LOSS.delta) > 0.2  # both parts are there


def test_without_a_finite_scale_it_is_the_squared_error():
    plain = Huber(scale=np.inf)
    assert plain.value(y, np.zeros(60)) == pytest.approx(y @ y, rel=1e-14)
    assert np.array_equal(plain.gradient(y, np.zeros(60)), 2.0 * y)


@pytest.mark.parametrize("weights", [1.0, a], ids=["plain", "weighted"])
def test_the_gradient_is_that_of_central_differences(weights):
    part, w, b = Rows(X, y, weights), np.array([1.0, 0.0, 1.0]), 0.25
    at = gradient.rows(LOSS, part, w, b)
    h = 2.0**-20  # h is quadratic but at |r| = δ, where its derivative bends by 2: an error of h a row at most
    for j, step in enumerate(np.eye(3) * h):
        difference = gradient.rows(LOSS, part, w + step, b).value - gradient.rows(LOSS, part, w - step, b).value
        assert at.grad_w[j] == pytest.approx(difference / (2.0 * h), abs=1e-6)
    difference = gradient.rows(LOSS, part, w, b + h).value - gradient.rows(LOSS, part, w, b - h).value
    assert at.grad_b == pytest.approx(difference / (2.0 * h), abs=1e-6)


@pytest.mark.tensorflow
@pytest.mark.parametrize("weights", [1.0, a], ids=["plain", "weighted"])
def test_the_tape_over_the_value_gives_the_gradient_by_hand(weights):
    ties = y.copy()
    ties[:2] = X[:2] @ [1.0, 0.0, 1.0] + 0.25 + np.array([LOSS.delta, -LOSS.delta])
    (taped,) = autodiff.prepare_rows([Rows(X, ties, weights)])
    by_hand = gradient.rows(LOSS, Rows(X, ties, weights), np.array([1.0, 0.0, 1.0]), 0.25)
    by_tape = autodiff.rows(LOSS, taped, np.array([1.0, 0.0, 1.0]), 0.25)
    assert by_tape.value == pytest.approx(by_hand.value, rel=1e-14)
    assert by_tape.grad_w == pytest.approx(by_hand.grad_w, rel=1e-13, abs=1e-13)
    assert by_tape.grad_b == pytest.approx(by_hand.grad_b, rel=1e-13, abs=1e-13)


@given(
    st.lists(st.tuples(whole, whole, st.integers(1, 3)), min_size=1, max_size=8),
    st.integers(1, 3),
    st.integers(-3, 3),
    st.integers(0, 2),
    st.sampled_from([1.0, 3.0, np.inf]),
)
def test_the_lowest_point_of_a_line_is_where_its_exact_derivative_vanishes(rows, delta, slope, curvature, longest):
    r, q, weights = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    loss, line = Huber(1.0, float(delta)), Line(r, q, weights, float(slope), float(curvature))

    def derivative(t):
        pulls = (2 * k * u * max(-delta, min(delta, s + t * u)) for s, u, k in rows)
        return sum(pulls, Fraction(0)) + slope + curvature * t

    if derivative(Fraction(0)) >= 0 or (longest == np.inf and derivative(Fraction(1000)) < 0):  # no descent, no minimum
        return
    t = Fraction(line.lowest(loss, longest))
    assert 0 <= t <= longest
    if t == longest:
        assert derivative(t) <= 0
    else:
        assert abs(derivative(t)) < 1e-12
