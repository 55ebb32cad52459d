"""Exact totals equal rational arithmetic, and what is solved from them is the nearest double."""

import csv
import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import regress
from regress import LinearRegressor
from regress.aggregates import slices
from regress.aggregates.exact_sums import exact_totals
from regress.blocks import Block
from regress.errors import DataWarning, InputError
from regress.solvers.exact.refinement import minimize
from tests.examples import examples
from tests.oracles.ill_conditioned import ILL, answer, rational

NIST = Path(__file__).resolve().parents[2] / "data" / "nist"
random = np.random.default_rng(12)
m = 150


EXTREME = {
    "normal": random.normal(size=(m, 3)),
    "timestamps": 1.7e9 + random.uniform(size=(m, 3)),
    "twelve decades": 10 ** random.uniform(-12, 0, size=(m, 3)),
    "heavy tails": np.exp(5 * random.normal(size=(m, 3))),
    "scales of 1e150, 1, 1e-150": random.normal(size=(m, 3)) * [1e150, 1.0, 1e-150],
    "subnormal and enormous": np.array([[5e-324, 1e-310, 1.0], [1e300, 1e-300, 2.0], [0.0, 3.0, -1e308]]),
    "few bits": np.round(random.normal(size=(m, 3)) * 8),
    "a larger value in the last row": np.r_[random.normal(size=(m, 3)), [[1e20, 1e-20, 3.0]]],
    "cancellation": np.c_[[1e16, 1.0, -1e16], [1.0, 1e-16, 1.0], [1e8, 1.0, -1e8]],
    "zeros first": np.r_[np.zeros((9, 3)), random.normal(size=(9, 3))],
    "zeros only": np.zeros((4, 3)),
}


def totals(Z, step=10**6, weights=None, jobs=1):
    blocks = [
        Block(Z[i : i + step, :-1], Z[i : i + step, -1:], None if weights is None else weights[i : i + step])
        for i in range(0, len(Z), step)
    ]
    return exact_totals(blocks, jobs)


@pytest.mark.parametrize("family", EXTREME)
def test_totals_equal_rational_arithmetic_in_any_order_and_partition(family):
    Z = EXTREME[family]
    expected = rational(Z)
    order = random.permutation(len(Z))
    for got in (totals(Z), totals(Z, 7), totals(Z, 1), totals(Z[order], 10), totals(Z, 20, jobs=2)):
        assert [[got.fraction(i, j) for j in range(4)] for i in range(4)] == expected
        assert got.rows == len(Z)


@pytest.mark.parametrize("family", [f for f in EXTREME if "enormous" not in f])
@pytest.mark.parametrize("kind", ["whole", "real"])
def test_weighted_totals_equal_rational_arithmetic(family, kind):
    Z = EXTREME[family]
    weights = random.integers(1, 2**16, len(Z)).astype(float) if kind == "whole" else random.uniform(0.1, 3.0, len(Z))
    got = totals(Z, 50, weights)
    assert [[got.fraction(i, j) for j in range(4)] for i in range(4)] == rational(Z, weights)


def test_many_rows_of_many_bits_do_not_overflow_a_level():
    Z = np.full((70_000, 2), np.nextafter(2.0, 1.0))
    got = totals(Z, 65_536)
    assert got.fraction(1, 2) == 70_000 * Fraction(Z[0, 0]) ** 2


DEPTHS = {
    "zeros": lambda r, m: np.zeros(m),
    "flags": lambda r, m: r.integers(0, 2, m).astype(float),
    "integers": lambda r, m: r.integers(-1000, 1000, m).astype(float),
    "decimals": lambda r, m: np.round(r.normal(size=m), 2),
    "doubles": lambda r, m: r.normal(size=m),
    "low parts": lambda r, m: r.normal(size=m) * 2.0**-53,
    "24 decades": lambda r, m: 10 ** r.uniform(-12, 12, m),
    "240 decades": lambda r, m: 10 ** r.uniform(-120, 120, m),
    "a deep cell": lambda r, m: np.where(np.arange(m) == m // 2, 1e-40, r.normal(size=m)),
    "a cell far above": lambda r, m: np.where(np.arange(m) == m // 3, 1e40, r.normal(size=m)),
}


@given(
    kinds=st.lists(st.sampled_from(sorted(DEPTHS)), min_size=1, max_size=8),
    rows=st.integers(1, 12),
    times=st.sampled_from([1, 60, 700]),  # so that chunks are small and large
    step=st.sampled_from([100, 10**6]),
    weighted=st.sampled_from(["", "flags", "integers", "doubles", "24 decades"]),
    seed=st.integers(0, 2**32),
)
@settings(deadline=None, max_examples=examples(60), derandomize=True)
def test_columns_of_any_depth_have_the_sums_of_rational_arithmetic(kinds, rows, times, step, weighted, seed):
    r = np.random.default_rng(seed)
    Z = np.column_stack([*(DEPTHS[kind](r, rows) for kind in kinds), r.normal(size=rows)])
    weights = np.abs(DEPTHS[weighted](r, rows)) + (weighted in ("flags", "integers")) if weighted else np.ones(rows)
    got = totals(np.tile(Z, (times, 1)), step, np.tile(weights, times) if weighted else None)
    p = Z.shape[1] + 1
    assert [[got.fraction(i, j) / times for j in range(p)] for i in range(p)] == rational(Z, weights)
    cells = zip(weights.tolist(), Z.tolist(), strict=True)
    steps = [[Fraction(a) * Fraction(math.ulp(v) if v else 0) ** 2 for v in row] for a, row in cells]
    assert [noise / times for noise in got.noise[1:]] == [sum(column) for column in zip(*steps, strict=True)]


def test_a_deep_column_has_slices_of_its_own():
    rest = np.column_stack([random.integers(0, 2, (4096, 10)), random.uniform(size=(4096, 2))])
    rest[:, 4] = 2.0 ** -random.integers(0, 300, 4096)
    found, undone = slices.cut(rest.copy(), few=0.25)
    assert [one.columns.tolist() for one in found[:4]] == [[*range(12)], *[[4, 10, 11]] * 3]
    assert {tuple(one.columns) for one in found[4:]} == {(4,)}
    assert np.count_nonzero(undone) <= 0.25 / 12 * 4096  # few of one column are fewer than few of all
    back = np.zeros(rest.shape)
    for level, columns, part in reversed(found):
        back[:, columns] += part * 2.0 ** (-23 * level)
    assert np.array_equal(back[~undone], rest[~undone])


@pytest.mark.parametrize("options", [{}, {"alpha": 0.75}, {"fit_intercept": False}, {"weighted": True}], ids=str)
@pytest.mark.parametrize("family", ILL)
def test_every_coefficient_is_the_nearest_double(family, options):
    X = ILL[family]
    y = X @ np.arange(1.0, X.shape[1] + 1.0) + random.normal(size=len(X))
    weights = random.uniform(0.5, 2.0, len(X)) if options.get("weighted") else None
    alpha, intercept = options.get("alpha", 0.0), options.get("fit_intercept", True)
    (b, *w), loss = answer(X, y, alpha, weights, intercept)
    got = minimize(totals(np.c_[X, y], weights=weights), 1, 0, alpha, intercept)
    assert got.w.tolist() == [float(v) for v in w]
    assert float(got.b) == float(b)
    assert float(got.equations.loss(got.omega)) == pytest.approx(float(loss), rel=1e-15, abs=1e-300)


def test_a_coefficient_that_is_zero_is_zero():
    X = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    got = minimize(totals(np.c_[X, X[:, 0] * 3.0]), 1, 0, 0.0, True)
    assert (got.w.tolist(), got.b, got.loss(got.w)) == ([3.0, 0.0], 0, 0.0)


a = np.round(random.normal(size=(300, 3)) * 100, 2)
far = np.round(a + 1e9, 2)
seconds = 1.7e9 + random.uniform(0, 100, size=300)
year = np.arange(1980.0, 2024.0)
DEPENDENT = {
    "a total": np.c_[a, a.sum(1)],
    "a total at 1e9": np.c_[far, far.sum(1)],
    "seconds and minutes": np.c_[seconds, seconds / 60],
    "a column twice": np.c_[a, a[:, 1]],
    "a full set of dummies": np.eye(3)[np.arange(300) % 3],
    "a constant": np.c_[a, np.full(300, 0.1)],
}
INDEPENDENT = {
    "cubic of a year": np.column_stack([year, year**2, year**3]),
    "duplicates 1e-10 apart": np.c_[a[:, 0], a[:, 0] * (1 + 1e-10 * random.normal(size=300))],
    "powers as Filip's": np.random.default_rng(1).uniform(-9, -3, 82)[:, None] ** np.arange(1, 9),
}


@pytest.mark.parametrize("family", DEPENDENT)
def test_dependent_columns_are_seen_for_what_they_are(family):
    X = DEPENDENT[family]
    got = minimize(totals(np.c_[X, random.normal(size=len(X))]), 1, 0, 0.0, True)
    assert got.rank == X.shape[1] - 1


@pytest.mark.parametrize("family", INDEPENDENT)
def test_nearly_dependent_columns_are_solved(family):
    X = INDEPENDENT[family]
    y = random.normal(size=len(X))
    (b, *w), _ = answer(X, y)
    got = minimize(totals(np.c_[X, y]), 1, 0, 0.0, True)
    assert (got.w.tolist(), float(got.b)) == ([float(v) for v in w], float(b))
    assert got.rank == X.shape[1]


# What rounding of the certified data to doubles leaves, and the fifteen digits that are certified.
CEILING = {
    "norris": 14.0,
    "pontius": 13.4,
    "noint1": 14.5,
    "noint2": 15.0,
    "longley": 14.5,
    "wampler2": 13.1,
    "filip": 7.5,
}


@pytest.mark.parametrize("name", json.loads((NIST / "certified.json").read_text()))
def test_certified_coefficients_are_reached_by_default(name):
    certified = json.loads((NIST / "certified.json").read_text())[name]
    with (NIST / f"{name}.csv").open(newline="") as file:
        target = next(csv.reader(file))[-1]
    fit = regress.fit(NIST / f"{name}.csv", target, fit_intercept=certified["intercept"])
    ours = ([fit.b] if certified["intercept"] else []) + fit.w.tolist()
    assert (fit.status, fit.precision) == ("converged", "exact")
    for value, text in zip(ours, certified["coef"], strict=True):
        digits = 16.0 if value == float(text) else -np.log10(abs(value - float(text)) / abs(float(text)))
        assert digits >= CEILING.get(name, 14.9)


def test_the_bits_of_a_fit_depend_on_neither_order_nor_threads():
    X, y = random.normal(size=(2000, 5)) + 1e6, random.normal(size=2000)
    first = regress.fit(X, y, n_jobs=1)
    for order in (random.permutation(2000), np.arange(2000)[::-1]):
        other = regress.fit(X[order], y[order], n_jobs=2)
        assert np.array_equal(other.w, first.w)
        assert (other.b, other.loss) == (first.b, first.loss)
    estimator = LinearRegressor().fit(X, y)
    assert np.array_equal(estimator.coef_, first.w)
    assert estimator.intercept_ == first.b


def test_precision_is_chosen_by_size_and_by_name():
    X, y = random.normal(size=(3000, 300)), random.normal(size=3000)  # 3000 · 300² is more than goes unnoticed
    assert regress.fit(X, y).precision == "float64"
    assert regress.fit(X[:, :3], y).precision == "exact"
    assert regress.fit(X[:, :3], y, precision="float64").precision == "float64"
    exact = regress.fit(X[:, :50], y, precision="exact")
    assert exact.precision == "exact"
    assert exact.w == pytest.approx(regress.fit(X[:, :50], y, precision="float64").w, rel=1e-9)
    assert regress.fit(X[:, :3], y, solver="cg").precision == "float64"
    with pytest.raises(InputError, match="newton"):
        regress.fit(X, y, solver="gd", precision="exact")
    twice = np.c_[X[:, :2], X[:, 0]]
    with pytest.warns(DataWarning, match=r"rank 2 of 3\): x2 = x0\. The coefficients are not unique"):
        assert regress.fit(twice, y, precision="exact").precision == "exact"
    with pytest.warns(DataWarning, match="Rank unknown"):
        unknown = regress.fit(twice, y, precision="float64")
    assert (unknown.rank, unknown.to_dict()["rank"], unknown.digits_at_least) == (None, None, None)


WHOLES = {
    "whole": (np.round(1e6 * random.normal(size=3000)), True),
    "the largest": (np.where(np.arange(3000) == 2999, 2.0**53 - 1, 1.0), True),
    "too large": (np.where(np.arange(3000) == 2999, 2.0**53, 1.0), False),
    "far too large": (np.where(np.arange(3000) == 5, 1e300, 1.0), False),
    "all large": (2.0**53 + 2.0 * np.arange(3000.0), False),
    "one half": (np.where(np.arange(3000) == 2998, 0.5, 3.0), False),
    "halves": (np.arange(3000.0) / 2.0, False),
    "fractions": (random.normal(size=3000), False),
    "tiny": (np.where(np.arange(3000) == 7, 1e-300, 0.0), False),
    "zeros": (np.zeros(3000), True),
}


@pytest.mark.parametrize("weights", [None, random.uniform(0.5, 2.0, 3000)], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("step", [3000, 777])
def test_columns_of_whole_numbers_are_known_in_any_order_and_partition(step, weights):
    Z = np.column_stack([values for values, _ in WHOLES.values()])
    expected = [True, *(whole for _, whole in WHOLES.values())]
    for order in (np.arange(3000), np.arange(3000)[::-1], random.permutation(3000)):
        found = totals(Z[order], step, None if weights is None else weights[order], jobs=2)
        assert found.whole.tolist() == expected
        assert (found.rounding == 0.0).tolist() == expected
    names = tuple(WHOLES)[:-1]
    late = [Block(Z[:, :1], Z[:, -1:], columns=names[:1]), Block(Z[:, :5], Z[:, -1:], columns=names[:5])]
    assert exact_totals(late).whole.tolist() == [*expected[:6], True]
