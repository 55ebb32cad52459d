"""Which coefficients have standard errors where columns depend on each other, and how right these are."""

import re
import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import regress
from regress.numerics.atomic_write import strict
from tests.examples import first, in_turn

TESTS = ["std_err", "t", "p_value", "ci_low", "ci_high"]
_random = np.random.default_rng(11)
A, B, C, D = np.rint(_random.normal(size=(4, 90)) * [[50.0], [9.0], [300.0], [20.0]])
LEVEL = np.arange(90) % 3
Y = 0.3 * A - B + 0.01 * C + _random.normal(size=90) * (1.0 + 0.02 * np.abs(D))
REAL = _random.uniform(0.2, 5.0, 90)
TABLES = {
    "a total": {"a": A, "b": B, "c": C, "total": A + B, "d": D},
    "a total with a constant": {"a": A, "b": B, "c": C, "total": A + B + 7.0, "d": D},
    "a copy in other units": {"a": A, "b": B, "meters": 1000.0 * A, "c": C},
    "two totals": {"a": A, "b": B, "ab": A + B, "c": C, "d": D, "cd": 2.0 * C - D},
    "totals that share a part": {"a": A, "b": B, "ab": A + B, "c": C, "bc": B + C, "d": D},
    "all levels": {"a": A, **{f"l{k}": (LEVEL == k).astype(float) for k in range(3)}, "b": B},
    "a constant": {"one": np.full(90, 1.0), "a": A, "b": B},
    "a constant before a total": {"one": np.full(90, 3.0), "a": A, "b": B, "total": A + B},
    "zeros": {"none": np.zeros(90), "a": A},
    "nothing": {"a": A, "b": B, "c": C},
    "decimals": {"a": A / 10.0, "b": B / 10.0, "total": A / 10.0 + B / 10.0, "c": C},
    "far from zero": {"start": 1e4 + A, "end": 1e4 + A + C, "length": C, "b": B},
}
in_any_way = pytest.mark.parametrize(
    ("name", "intercept", "se"), in_turn(TABLES, [True, False], ["nonrobust", "HC0", "HC1"])
)
dependent = pytest.mark.filterwarnings("ignore::regress.errors.DataWarning")


def close(value, rel=1e-10):
    return pytest.approx(value, rel=rel, abs=0.0, nan_ok=True)


def kept(X, intercept):
    """Return the columns that are in the model: beside an intercept, those that are not constant."""
    return np.ptp(X, axis=0) > 0 if intercept else np.ones(X.shape[1], dtype=bool)


def estimable(X, intercept):
    """Return what has a unit vector in the row space of [1 X], by singular values, for b and each w."""
    used = np.append(True, kept(X, intercept)) if intercept else kept(X, intercept)
    Z = (np.c_[np.ones(len(X)), X] if intercept else X)[:, used]
    Z = Z / np.maximum(np.linalg.norm(Z, axis=0), 1e-300)
    _, s, rows = np.linalg.svd(Z, full_matrices=True)
    free = rows[np.append(s, np.zeros(len(rows) - len(s))) < 1e-12 * s[0]]
    found = np.zeros(len(used), dtype=bool)
    found[used] = (np.abs(free) < 1e-6).all(0)
    return found


@dependent
@in_any_way
def test_what_the_rows_do_not_tell_has_no_standard_error(name, intercept, se):
    frame = pd.DataFrame(TABLES[name])
    got = regress.fit(frame.assign(y=Y), "y", fit_intercept=intercept, cov_type=se)
    X = frame.to_numpy()
    shown = estimable(X, intercept)
    table = got.coefficients[TESTS].to_numpy()
    assert np.isfinite(table).all(1).tolist() == shown.tolist()
    assert np.isnan(table[~shown]).all()
    held = strict(got.to_dict())["statistics"]
    for head in ("std_err", "t", "p_value", "ci_low", "ci_high"):
        assert [v is not None for v in held[head].values()] == shown.tolist()
    marked = [line for line in got.summary().splitlines() if line.endswith(("  not unique", "  constant"))]
    assert len(marked) == (~shown).sum()
    assert all(not re.search(r"\d (0\.|<0)", line) for line in marked)  # no p-value
    used = kept(X, intercept)
    Z = np.c_[np.ones(len(X)), X[:, used]] if intercept else X[:, used]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that columns depend on each other
        them = sm.OLS(Y, Z).fit(cov_type=se, use_t=True)
    mine = shown[np.append(True, used) if intercept else used]
    assert table[shown, 0] == close(them.bse[mine], 1e-8)
    assert got.statistics.df_resid == them.df_resid


@dependent
@in_any_way
def test_without_dependent_columns_all_others_have_the_figures_of_a_fit_without_them(name, intercept, se):
    frame = pd.DataFrame(TABLES[name])
    options = {"fit_intercept": intercept, "cov_type": se}
    got = regress.fit(frame.assign(y=Y), "y", collinear="drop", **options)
    least = regress.fit(frame.assign(y=Y), "y", **options)
    rest = [c for c in frame if c not in got.dropped]
    without = regress.fit(frame[rest].assign(y=Y), "y", **options)
    present = [*(["(intercept)"] if intercept else []), *rest]
    assert got.coefficients.loc[present, TESTS].to_numpy() == close(without.coefficients[TESTS].to_numpy())
    assert got.coefficients.loc[list(got.dropped), TESTS].isna().all(axis=None)
    assert "not unique" not in got.summary()
    assert got.fvalue == close(least.fvalue, 1e-8)
    for fit in (got, least):  # rows that obey the equations have one prediction, whose interval is known
        assert fit.predict_interval(frame).to_numpy() == close(without.predict_interval(frame).to_numpy(), 1e-8)


def adjugate(matrix):
    """Return adj(M) and det(M) of whole numbers, by Bareiss's elimination, which divides without a rest."""
    n, last = len(matrix), 1
    work = np.c_[matrix, np.eye(n, dtype=int).astype(object)]
    for k in range(n):
        row = work[k].copy()
        work = (row[k] * work - np.outer(work[:, k], row)) // last
        work[k], last = row, row[k]
    return work[:, n:], last


@pytest.mark.parametrize(
    "case",
    first([(42, 4, False), (42, 24, True)], [(42, 14, True), (42, 24, False), (60, 22, True)]),
)
def test_many_columns_have_standard_errors_to_the_last_digits(case):
    n, bits, intercept = case
    random = np.random.default_rng(n)
    rows = random.integers(-(2**26), 2**26, size=(n + 40, n + 1))
    rows[:, 1] = rows[:, 0] + (rows[:, 1] >> bits)
    rows[:, 5] = rows[:, 2] - 2 * rows[:, 3] + (rows[:, 5] >> bits) + 2**30
    got = regress.fit(rows[:, :n].astype(float), rows[:, n].astype(float), precision="exact", fit_intercept=intercept)
    Z = rows.astype(object)
    G = len(Z) * (Z.T @ Z) - np.outer(Z.sum(0), Z.sum(0)) if intercept else Z.T @ Z
    inverse, det = adjugate(G)  # its last entry is 1/Σe², and the others move by what y explains
    rss = Fraction(det, int(inverse[n, n]))
    diagonal = [
        Fraction(int(inverse[j, j] * inverse[n, n] - inverse[j, n] ** 2), int(det * inverse[n, n])) for j in range(n)
    ]
    expected = [float(rss * v / (len(Z) - n - intercept)) ** 0.5 for v in diagonal]
    assert max(got._held.statistics.inverse.inflation) > 2.0 ** (2 * bits - 4)
    assert got._held.statistics.standard_errors.tolist() == close(expected, 1e-11)
