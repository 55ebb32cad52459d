"""Numbers at the edge of what a double holds: right, or refused in a sentence."""

import warnings
from fractions import Fraction

import numpy as np
import pytest

import regress
from regress.errors import DataWarning, InputError

random = np.random.default_rng(3)
X = random.normal(size=(30, 2))
y = X @ [1.0, 2.0] + random.normal(size=30)
PLAIN = regress.fit(X, y)


@pytest.mark.parametrize("weight", [2.0**-900, 1e200, 1e300])
def test_equal_weights_of_any_size_change_nothing(weight):
    fit = regress.fit(X, y, weights=np.full(30, weight))
    assert fit.w == pytest.approx(PLAIN.w, rel=1e-15)
    assert fit.coefficients["std_err"].to_numpy() == pytest.approx(PLAIN.coefficients["std_err"].to_numpy())
    assert fit.status == "converged"


@pytest.mark.parametrize("scale", [2.0**-560, 2.0**-300, 2.0**300])
def test_a_scaled_target_scales_its_coefficients(scale):
    fit = regress.fit(X, y * scale)
    assert (fit.w / scale).tolist() == PLAIN.w.tolist()
    assert fit.b / scale == PLAIN.b


def test_what_underflows_in_double_is_refused_and_not_called_constant():
    with pytest.raises(InputError, match="the target underflow"):
        regress.fit(X, y * 1e-170, precision="float64")
    with pytest.raises(InputError, match="x0, x1 underflow"):
        regress.fit(X * 1e-170, y, precision="float64")


def test_far_columns_in_raw_coordinates_promise_no_digit_that_they_lack():
    fit = regress.fit(X[:, :1] + 1e9, y, precision="float64", standardize=False, max_iter=10, tol=1e-3)
    assert fit.digits_at_least["x0"] <= regress.certify(fit, X[:, :1] + 1e9, y).digits["x0"]


@pytest.mark.parametrize("last", [np.ones(30), np.zeros(30)], ids=["ones", "zeros"])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_a_constant_column_in_double_promises_no_digit_that_it_lacks(last, fit_intercept):
    Z = np.c_[X, last]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        fit = regress.fit(Z, y, precision="float64", fit_intercept=fit_intercept)
    assert (fit.rank == 3) is bool(last[0] and not fit_intercept)
    true = regress.certify(fit, Z, y).digits
    assert fit.rank is None or all(0 < fit.digits_at_least[name] <= true[name] for name in fit.names)


@pytest.mark.parametrize("power", [27, 40])
def test_the_least_norm_is_exact_where_scales_are_far_apart(power):
    x = np.arange(30.0) % 7
    low, high = 2.0**-power, 3.0 * 2.0**power
    with pytest.warns(DataWarning, match="rank 1 of 2"):
        fit = regress.fit(np.c_[x * low, x * high], y)
    b = [Fraction(v) for v in y.tolist()]
    mean = sum(Fraction(v) for v in x.tolist()) / 30
    a = [Fraction(v) - mean for v in x.tolist()]
    slope = sum(u * v for u, v in zip(a, b, strict=True)) / sum(u * u for u in a)
    norm = Fraction(low) ** 2 + Fraction(high) ** 2
    assert fit.w == pytest.approx([float(slope * Fraction(v) / norm) for v in (low, high)], rel=4e-16)


def test_claims_beyond_a_double_are_refused(tmp_path):
    for text in (
        '{"coef": {"x0": 1' + "0" * 400 + '}, "intercept": 0}',
        "[" * 100_000,
        '{"coef": [null], "intercept": 1}',
    ):
        (tmp_path / "claim.json").write_text(text)
        with pytest.raises(InputError):
            regress.certify(tmp_path / "claim.json", X[:, :1], y)


def test_the_loss_of_a_certificate_is_the_minimum():
    hilbert = np.array([[1.0 / (i + j + 1) for j in range(8)] for i in range(14)])
    target = hilbert @ np.ones(8)
    found = regress.certify((np.ones(8), 0.0), hilbert, target)
    again = regress.certify((np.zeros(8), 0.0), hilbert, target)
    assert found.loss == again.loss <= found.excess_loss + found.loss
    assert again.loss < 1e-30
