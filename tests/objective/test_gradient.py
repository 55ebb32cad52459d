"""The derived formulas against rational arithmetic, differences of the loss, and each other."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regress.errors import InputError
from regress.objective import gradient
from regress.objective.gradient import Rows
from regress.objective.losses import MomentForm, QuadraticForm, SquaredError, central_difference_step
from tests.examples import examples

whole = st.integers(-9, 9)


@st.composite
def problems(draw):
    """Small whole numbers, on which floating point is exact."""
    m, n = draw(st.integers(1, 5)), draw(st.integers(1, 4))

    def array(*shape):
        size = int(np.prod(shape))
        return np.array(draw(st.lists(whole, min_size=size, max_size=size)), dtype=float).reshape(shape)

    return array(m, n), array(m), array(n), float(draw(whole)), array(m, m), np.abs(array(m)) + 1


relaxed = settings(deadline=None, max_examples=examples(60), derandomize=True)


def slopes(value, w, b):
    """Return the gradient of a quadratic from its values: whole numbers, so central differences are exact."""
    steps = np.eye(len(w))
    return [(value(w + h, b) - value(w - h, b)) / 2 for h in steps], (value(w, b + 1) - value(w, b - 1)) / 2


@relaxed
@given(problems())
def test_the_squared_error_and_its_gradient_are_exact_on_whole_numbers(problem):
    X, y, w, b, _, a = problem
    for weights in (None, a):

        def value(w, b, weights=weights):
            scale = np.ones(len(y)) if weights is None else weights
            return sum(int(s) * int(r) ** 2 for s, r in zip(scale, X @ w + b - y, strict=True))

        at = gradient.rows(SquaredError(), Rows(X, y, 1.0 if weights is None else weights), w, b)
        assert at.value == value(w, b)
        assert (at.grad_w.tolist(), at.grad_b) == slopes(value, w, b)


@relaxed
@given(problems())
def test_any_quadratic_form_has_the_gradient_of_a_plus_its_transpose(problem):
    X, y, w, b, A, _ = problem
    form = QuadraticForm(A)

    def value(w, b):
        r = X @ w + b - y
        return sum(r[i] * A[i, j] * r[j] for i in range(len(r)) for j in range(len(r)))

    at = gradient.rows(form, Rows(X, y), w, b)
    assert at.value == value(w, b)
    assert (at.grad_w.tolist(), at.grad_b) == slopes(value, w, b)


def test_the_common_formula_is_wrong_where_a_is_not_symmetric():
    A, r = np.array([[1.0, 4.0], [0.0, 1.0]]), np.array([1.0, 2.0])
    right = QuadraticForm(A).gradient(r, np.zeros(2))
    assert right.tolist() == [10.0, 8.0]
    assert (2 * A.T @ r).tolist() != right.tolist()
    symmetric = (A + A.T) / 2
    assert np.array_equal(QuadraticForm(symmetric).gradient(r, np.zeros(2)), 2 * symmetric.T @ r)


@pytest.mark.parametrize("shape", [(2, 3), (4,)])
def test_a_form_that_is_not_square_is_refused(shape):
    with pytest.raises(InputError, match="square"):
        QuadraticForm(np.zeros(shape))


def test_row_weights_are_a_diagonal_form():
    random = np.random.default_rng(0)
    prediction, y, a = random.normal(size=(3, 6)) ** 2
    diagonal, squared = QuadraticForm(np.diag(a)), SquaredError()
    assert np.allclose(diagonal.gradient(prediction, y), squared.gradient(prediction, y, a), rtol=1e-15)
    assert np.isclose(diagonal.value(prediction, y), squared.value(prediction, y, a), rtol=1e-15)


@pytest.mark.parametrize("weighted", [False, True])
def test_moments_give_the_rational_value_and_gradient(weighted):
    random = np.random.default_rng(5)
    X, y = random.normal(size=(30, 3)) + 2.0, random.normal(size=30)
    a = random.integers(1, 4, size=30).astype(float) if weighted else np.ones(30)
    w, b = random.normal(size=3), 0.7
    mean, target_mean = a @ X / a.sum(), a @ y / a.sum()
    Z, t = X - mean, y - target_mean
    form = MomentForm(a.sum(), mean, Z.T @ (a[:, None] * Z), Z.T @ (a * t), float(a @ t**2), float(target_mean))
    at = gradient.moments(form, w, b)
    value, slope, level = Fraction(0), [Fraction(0)] * 3, Fraction(0)
    for x, t, s in zip(X.tolist(), y.tolist(), a.tolist(), strict=True):
        r = sum(Fraction(u) * Fraction(v) for u, v in zip(x, w.tolist(), strict=True)) + Fraction(b) - Fraction(t)
        value += Fraction(s) * r * r
        level += 2 * Fraction(s) * r
        slope = [g + 2 * Fraction(s) * r * Fraction(u) for g, u in zip(slope, x, strict=True)]
    assert at.value == pytest.approx(float(value), rel=1e-13)  # thirty terms of rounding
    assert at.grad_w == pytest.approx([float(g) for g in slope], rel=1e-12)
    assert at.grad_b == pytest.approx(float(level), rel=1e-12)


def test_nothing_is_changed_in_place():
    random = np.random.default_rng(0)
    arrays = random.normal(size=(5, 2)), random.normal(size=5), np.ones(5), random.normal(size=2)
    before = [array.copy() for array in arrays]
    gradient.rows(SquaredError(), Rows(*arrays[:3]), arrays[3], 0.5)
    assert all(np.array_equal(array, copy) for array, copy in zip(arrays, before, strict=True))


def test_the_difference_step_balances_and_leaves_a_zero_column_alone():
    assert central_difference_step(6.0, np.array([2.0, 0.0])).tolist() == [3.0, 1.0]
