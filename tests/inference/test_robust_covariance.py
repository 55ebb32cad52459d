"""White's standard errors of exact sums: the same bits in any order, partition and threads, and every digit right."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import regress

m, n = 700, 3
random = np.random.default_rng(47)
noise = random.normal(size=m) * np.exp(random.normal(size=m))
NORMAL = random.normal(size=(m, n))
FAMILIES = {
    "normal": NORMAL,
    "timestamps": 1.7e9 + random.uniform(0, 1e6, size=(m, n)),
    "many decades": 10 ** random.uniform(-70, 70, size=(m, n)),
}
WEIGHTS = {"none": None, "real": random.uniform(0.1, 3.0, m), "whole": random.integers(1, 9, m).astype(float)}


def bits(fit):
    s = fit._held.statistics
    return fit.coefficients["std_err"].tolist(), [v.tolist() for v in s.covariance[:2]], s.covariance[2], s.fvalue


@pytest.mark.parametrize("kind", WEIGHTS)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_bits_depend_on_neither_order_nor_partition_nor_threads(family, kind, tmp_path):
    X, a = FAMILIES[family], WEIGHTS[kind]
    table = pd.DataFrame(X, columns=list("abc")).assign(y=X[:, 0] / X[:, 0].std() + noise)
    options = {"cov_type": "HC1", "precision": "exact"}
    if a is not None:
        table["weight"] = a
        options |= {"weights": "weight", "weight_type": "frequency" if kind == "whole" else "analytic"}
    first = bits(regress.fit(table, "y", n_jobs=1, **options))
    for jobs in (1, 2, 3):
        other = table.iloc[random.permutation(m)]
        np.testing.assert_equal(bits(regress.fit(other, "y", n_jobs=jobs, **options)), first)
    for name, part in zip("cab", np.split(np.arange(m), [7, 513]), strict=True):
        table.iloc[part].to_csv(tmp_path / f"{name}.csv", index=False)
    np.testing.assert_equal(bits(regress.fit(str(tmp_path / "*.csv"), "y", **options)), first)


def rationals(values):
    return np.vectorize(Fraction, otypes=[object])(np.asarray(values, dtype=float))


def rational_errors(model, X, y, a):
    """Return HC0 of b and w by elimination in rational arithmetic, at the stored model, rounded at the end."""
    Z, k = rationals(np.c_[np.ones(len(X)), X]), X.shape[1] + 1
    e = (Z[:, 1:] - rationals(model.center)) @ rationals(model.w) + Fraction(model.b_center) - rationals(y)
    A = np.c_[Z.T @ (rationals(a)[:, None] * Z), rationals(np.eye(k))]
    for i in range(k):
        A[i] /= A[i, i]
        A -= np.where(np.arange(k) == i, 0, A[:, i])[:, None] * A[i]
    scores = (rationals(a) * e)[:, None] * (Z @ A[:, k:])
    squares = [Fraction(v) for v in (scores**2).sum(0)]
    scale = [Fraction(2) ** ((s.denominator.bit_length() - s.numerator.bit_length()) // 2) for s in squares]
    return [float(s * c * c) ** 0.5 / float(c) for s, c in zip(squares, scale, strict=True)]


@pytest.mark.parametrize("noise_size", [1.0, 1e-10])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("scale", [1.0, 1e140, 1e-140])
def test_every_digit_is_right(scale, weighted, noise_size):
    X = NORMAL[:150] + np.array([0.0, 1.0, 50.0])
    y = (X @ [1.0, 2.0, 3.0] + noise_size * noise[:150]) * scale
    X, a = X * [scale, scale, 1.0], random.uniform(0.1, 3.0, 150) if weighted else np.ones(150)
    got = regress.fit(X, y, weights=a, precision="exact", cov_type="HC0")
    expected = rational_errors(got.model, X, y, a)
    assert got.coefficients["std_err"].tolist() == pytest.approx(expected, rel=1e-12, abs=0)


def test_small_residuals_have_the_errors_of_statsmodels_on_residuals_alone():
    y = NORMAL @ [1.0, 2.0, 3.0] + 1e-9 * noise
    got = regress.fit(NORMAL, y, precision="exact", cov_type="HC1")
    theirs = sm.OLS(1e-9 * noise, sm.add_constant(NORMAL)).fit(cov_type="HC1")  # the same residuals, but for rounding
    assert got.coefficients["std_err"].tolist() == pytest.approx(theirs.bse.tolist(), rel=1e-6)
