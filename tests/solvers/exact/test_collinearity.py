"""Columns that depend on each other are named, and handled as asked; columns that only look alike are left in peace."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import regress
from regress.aggregates.limits import NEVER
from regress.errors import DataWarning, InputError
from tests.examples import examples

NIST = Path(__file__).resolve().parents[3] / "data" / "nist"
m = 200
random = np.random.default_rng(8)
cents = np.round(random.normal(size=(m, 3)) * 100, 2)
a, b, c = cents.T
whole = np.round(cents)  # whose sums are exact
y = random.normal(size=m)
dummy = np.eye(3)[random.permutation(np.arange(m) % 3)]
second = 1.7e9 + np.round(random.uniform(0, 1e7, m))
celsius = np.round(random.normal(15, 8, m), 1)


def rationals(values):
    return np.vectorize(Fraction, otypes=[object])(np.asarray(values, dtype=float))


def minimum(X, y, alpha=0.0, weights=None, null=()):
    """Return rational w and b of the minimum, w ⊥ `null` N: [G + α N; Nᵀ 0][w; λ] = [c; 0], by elimination."""
    Z, n, N = rationals(np.c_[X, y]), X.shape[1], rationals(null).reshape(-1, X.shape[1])
    weights = rationals(np.ones(len(X)) if weights is None else weights)[:, None]
    mean = (weights * Z).sum(0) / weights.sum()
    G = (Z - mean).T @ (weights * (Z - mean))
    above = np.hstack([G[:n, :n] + Fraction(alpha) * np.eye(n, dtype=int), N.T, G[:n, n:]])
    rows = np.vstack([above, np.pad(N, ((0, 0), (0, len(N) + 1)))])
    for i in range(len(rows)):
        pivot = next(k for k in range(i, len(rows)) if rows[k, i])
        rows[[i, pivot]] = rows[[pivot, i]]
        rows[i] = rows[i] / rows[i, i]
        others = [k for k in range(len(rows)) if k != i]
        rows[others] = rows[others] - np.outer(rows[others, i], rows[i])
    return rows[:n, -1], mean[-1] - rows[:n, -1] @ mean[:-1]


def sums(offset, order="abct"):
    x = dict(zip("abc", np.round(cents + offset, 2).T, strict=True))
    return {("total" if k == "t" else k): (x["a"] + x["b"] + x["c"] if k == "t" else x[k]) for k in order}


def dependent(table, **options):
    with pytest.warns(DataWarning, match=r"depend on each other \(rank"):
        return regress.fit(pd.DataFrame(table), y, **options)


ORDERS = {"abct": "total = a + b + c", "tabc": "total = a + b + c", "ctba": "total = c + b + a"}
exact = random.normal(size=m)
near = exact * (1 + 2.2e-16 * random.integers(-2, 3, m))
NAMED = {
    **{f"{text} at {at:g}": (sums(at, order), [text]) for order, text in ORDERS.items() for at in (0.0, 1e9)},
    "a column twice": ({"a": a, "b": b, "again": a}, ["again = a"]),
    "a column three times": ({"a": a, "b": a, "c": a}, ["b = a", "c = a"]),
    "its negative": ({"a": a, "b": b, "loss": -a}, ["a + loss = 0"]),
    "dummies": ({"a": dummy[:, 0], "b": dummy[:, 1], "c": dummy[:, 2]}, ["a + b + c = 1"]),
    "seconds, minutes": ({"seconds": second, "minutes": second / 60}, ["minutes = 1/60·seconds"]),
    "minutes, seconds": ({"minutes": second / 60, "seconds": second}, ["seconds = 60·minutes"]),
    "degrees": ({"celsius": celsius, "fahrenheit": celsius * 9 / 5 + 32}, ["fahrenheit = 9/5·celsius + 32"]),
    "a difference": ({"a": a, "b": b, "left": a - b}, ["a = b + left"]),
    "two equations": ({"a": a, "b": b, "sum": a + b, "c": c, "half": c / 2}, ["sum = a + b", "half = 1/2·c"]),
    "a copy of what differs by ulps": (
        {"p": exact, "q": near, "r": near, "s": 2 * near},
        ["q = p", "r = p", "s = 2·p"],
    ),
    "decimals": ({"a": a, "b": b, "d": 0.123456789 * a + b}, ["d = 0.123456789·a + b"]),
    "a constant beside": ({"k": np.full(m, 0.1), "a": a, "b": 3 * a}, ["b = 3·a"]),
}


@pytest.mark.parametrize("weights", [None, random.uniform(0.1, 3.0, m)], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("family", NAMED)
def test_an_equation_is_written_in_the_names_of_the_columns(family, weights):
    table, equations = NAMED[family]
    with pytest.warns(DataWarning) as caught:
        fit = regress.fit(pd.DataFrame(table), y, weights=weights)
    assert [str(w.message).split()[0] for w in caught] == ["Constant"] * ("k" in table) + ["Columns"]
    assert list(fit.equations) == fit.to_dict()["equations"] == equations
    assert fit.rank == len(table) - len(equations) - ("k" in table)
    assert any("; ".join(equations) in note for note in fit.notes())


def test_without_an_intercept_an_equation_has_no_constant():
    table = pd.DataFrame(dummy, columns=["a", "b", "c"])
    fit = regress.fit(table, y, fit_intercept=False)
    assert (fit.rank, fit.equations, fit.notes()) == (3, (), [])
    assert dependent(table.assign(d=dummy[:, 0] - dummy[:, 2]), fit_intercept=False).equations == ("a = c + d",)
    shifted = regress.fit(pd.DataFrame({"a": a, "b": a + 1.0}), y, fit_intercept=False)
    assert (shifted.rank, shifted.equations) == (2, ())


def test_without_an_intercept_a_constant_column_is_not_said_to_have_coefficient_0():
    fit = regress.fit(np.c_[np.ones(m), a], y + 5.0, fit_intercept=False)
    assert fit.w[0] == pytest.approx(5.0, abs=0.5)
    assert (fit.rank, fit.notes()) == (2, [])


year = np.arange(1980.0, 2024.0)
INDEPENDENT = {
    "filip": pd.read_csv(NIST / "filip.csv").iloc[:, :-1].to_numpy(),
    "longley": pd.read_csv(NIST / "longley.csv").iloc[:, :-1].to_numpy(float),
    "a cubic of a year": np.column_stack([year, year**2, year**3]),
    "near duplicates": np.c_[exact, exact * (1 + 1e-10 * random.normal(size=m))],
    "scales 1 and 1e4": random.normal(size=(m, 2)) * [1.0, 1e4],
    "at 1e9": 1e9 + random.normal(size=(m, 3)),
    "rare dummies": np.eye(m)[:, :3],
}


@pytest.mark.parametrize("options", [{}, {"collinear": "drop"}, {"collinear": "error"}, {"weighted": True}], ids=str)
@pytest.mark.parametrize("family", INDEPENDENT)
def test_no_false_alarm(family, options):
    X = INDEPENDENT[family]
    weights = random.uniform(0.1, 3.0, len(X)) if options.get("weighted") else None
    fit = regress.fit(X, random.normal(size=len(X)), weights=weights, collinear=options.get("collinear", "min-norm"))
    assert (fit.rank, fit.equations, fit.near_equations) == (X.shape[1], (), ())  # and a warning would be an error


p, q, r = whole.T
POLICIES = {  # columns, null vectors, and the last column of each equation
    "total": (np.c_[whole, p + q + r], [[1, 1, 1, -1]], [3]),
    "total first": (np.c_[p + q + r, whole], [[1, -1, -1, -1]], [3]),
    "dummies": (dummy, [[1, 1, 1]], [2]),
    "scales": (np.c_[p, 1024 * p, q], [[1024, -1, 0]], [1]),
    "far scales": (np.c_[p, 2.0**45 * p, q], [[2.0**45, -1, 0]], [1]),
    "two": (np.c_[p, q, p - 2 * q, r, r], [[1, -2, -1, 0, 0], [0, 0, 0, 1, -1]], [2, 4]),
    "a constant": (np.c_[p, np.full(m, 7.0), 2 * p], [[2, 0, -1], [0, 1, 0]], [1, 2]),
}


@pytest.mark.filterwarnings("ignore::regress.DataWarning")
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("alpha", [0.0, 0.7])
@pytest.mark.parametrize("family", POLICIES)
def test_policies(family, alpha, weighted):
    X, null, last = POLICIES[family]
    weights = random.uniform(0.5, 2.0, m) if weighted else None
    expected, _ = minimum(X, y, alpha, weights, [] if alpha else null)
    fit = regress.fit(X, y, alpha=alpha, weights=weights)
    for got, true in zip(fit.w.tolist(), expected, strict=True):
        assert np.nextafter(float(true), -np.inf) <= got <= np.nextafter(float(true), np.inf)
    dropped = regress.fit(X, y, alpha=alpha, weights=weights, collinear="drop")
    without = regress.fit(np.delete(X, last, 1), y, alpha=alpha, weights=weights)
    assert dropped.w[last].tolist() == [0.0] * len(last)
    assert np.array_equal(np.delete(dropped.w, last), without.w)
    assert (dropped.b, dropped.loss, dropped.rank) == (without.b, without.loss, X.shape[1] - len(last))
    with pytest.raises(InputError) as refused:
        regress.fit(X, y, alpha=alpha, weights=weights, collinear="error")
    shown = (*fit.equations, "collinear='drop'")
    assert [text for text in shown if text not in str(refused.value)] == [] != list(fit.equations)


def test_least_norm_of_a_rounded_total_is_that_of_its_equation():
    table = pd.DataFrame(sums(1e9))
    effective, _ = minimum(table[["a", "b", "c"]].to_numpy(), y)
    extra = sum(effective) / 4
    assert dependent(table).w == pytest.approx([float(v) for v in (*(effective - extra), extra)], rel=3e-16, abs=0.0)


@pytest.mark.parametrize("policy", ["drop", "error"])
def test_a_policy_that_cannot_be_decided_is_refused_with_its_remedy(policy):
    with pytest.raises(InputError, match="Use precision='exact'"):
        regress.fit(pd.DataFrame(sums(0)), y, collinear=policy, precision="float64")
    for precision in ("auto", "float64", "exact"):
        with pytest.raises(InputError, match="Use collinear='min-norm'"):
            regress.fit(random.normal(size=(5, 9)), y[:5], collinear=policy, precision=precision)


@pytest.mark.parametrize("offset", [0.0, 1e9, 1e12])
def test_double_precision_does_not_claim_a_rank_that_it_cannot_know(offset):
    table = pd.DataFrame(sums(offset))
    with pytest.warns(DataWarning, match=r"Rank unknown.*set precision to exact"):
        fit = regress.fit(table, y, precision="float64")
    assert (fit.rank, fit.to_dict()["rank"], fit.equations) == (None, None, ())
    assert (dependent(table, precision="exact").rank, dependent(table).rank) == (3, 3)


@pytest.mark.parametrize("policy", ["min-norm", "drop"])
def test_a_larger_table_of_unknown_rank_is_read_again_for_exact_sums(policy, monkeypatch):
    monkeypatch.setattr("regress.solvers.choose.FILES", NEVER)
    table = pd.DataFrame({"a": a, "b": b, "again": a})
    plain = regress.fit(table[["a", "b"]], y)
    assert (plain.precision, plain.rank) == ("float64", 2)
    fit = dependent(table, collinear=policy)
    assert (fit.precision, fit.rank, "rank" in fit.precision_reason) == ("exact", 2, True)
    share = [0.5, 1.0, 0.5] if policy == "min-norm" else [1.0, 1.0, 0.0]
    assert fit.w == pytest.approx(plain.w[[0, 1, 0]] * share, rel=1e-12)


@pytest.mark.parametrize("times", [100.0, 300.0, 1000.0])
def test_columns_that_differ_by_their_last_digits_are_solved_and_named(times):
    noise = (np.mean(np.spacing(np.abs(np.r_[a, a])) ** 2) / 6.0) ** 0.5  # of the difference of a and its like
    like = a + times * noise * np.round(random.normal(size=m), 1)
    X = pd.DataFrame({"a": a, "like": like})
    with pytest.warns(DataWarning, match=r"Nearly collinear \(they differ only by rounding\): like = a\."):
        fit = regress.fit(X, y)
    assert (fit.rank, fit.equations) == (2, ())
    w, intercept = minimum(X.to_numpy(), y)
    assert (fit.w.tolist(), fit.b) == ([float(v) for v in w], float(intercept))


def test_more_columns_than_are_worked_out_in_whole_numbers_have_no_circle_of_remedies():
    X = random.normal(size=(330, 310))
    X[:, 307] = X[:, 2]
    many = X, random.normal(size=330)
    with pytest.raises(InputError, match=r"at most 300; there are 310.*precision='float64'"):
        regress.fit(*many, precision="exact")
    with pytest.warns(DataWarning, match="Rank unknown") as caught:
        fit = regress.fit(*many)
    assert (fit.precision, fit.rank, len(caught)) == ("float64", None, 1)
    assert fit.w[2] == pytest.approx(fit.w[307], rel=1e-6)
    assert fit.precision_reason == "too many columns"
    assert 'precision="exact"' not in fit.notes()[0]  # which is refused, as above
    with pytest.raises(InputError, match=r'^((?!precision="exact").)*$'):
        regress.fit(*many, collinear="drop")


@pytest.mark.parametrize("large", [1.0, 1e4])
@settings(deadline=None, max_examples=examples(60), derandomize=True)
@given(
    st.lists(st.integers(-3, 3), min_size=3, max_size=3).filter(any),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.0, 1e3, 1e9]),
    st.integers(-5, 5),
    st.permutations(range(4)),
)
def test_small_coefficients_are_recovered(large, coefficients, seed, offset, constant, order):
    draw = np.random.default_rng(seed)
    X = np.round(draw.normal(size=(40, 3)) * [50 * large, 50, 50] + offset, 2)
    table = np.c_[X, X @ coefficients + float(constant)][:, order]
    with pytest.warns(DataWarning, match="depend on each other"):
        fit = regress.fit(table, draw.normal(size=40))
    (relation,) = fit._held.training.minimum.dependence.relations
    assert (relation.column, fit.rank) == (max(order.index(k) for k in (*np.flatnonzero(coefficients), 3)), 3)
    found = {relation.column: Fraction(-1), **relation.coefficients}
    unit = -found[order.index(3)]
    assert {order[k]: v / unit for k, v in found.items()} == {k: v for k, v in enumerate([*coefficients, -1]) if v}
    assert relation.constant / unit == constant


@pytest.mark.parametrize("alpha", [1e-20, 1e-40, 1e-60])
def test_the_smallest_penalty_chooses_the_least_norm(alpha):
    X, null, _ = POLICIES["total"]
    fit = regress.fit(X, y, alpha=alpha, precision="exact")
    assert fit.w == pytest.approx(minimum(X, y, null=null)[0].astype(float), rel=1e-15, abs=0.0)
