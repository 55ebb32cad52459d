"""Where a descent begins: (w, b), a fit, a model, or a model's file."""

import warnings

import numpy as np
import pandas as pd
import pytest

import regress
from regress.errors import InputError
from regress.messages import speaking_flags

random = np.random.default_rng(71)
X = random.normal(size=(80, 3)) * [1.0, 4.0, 0.2] + [5.0, 0.0, 1e6]
E = random.normal(size=80)
y = X @ [1.0, 2.0, 3.0] - 3e6 + E
BEST = regress.fit(X, y)
FLAT = regress.fit(X, y, fit_intercept=False)
SOLVERS = ["gd", "accelerated", "cg", "newton", "sgd", "averaged-sgd", "adam"]


def trained(init, X=X, y=y, **options):
    """Return the fit, and the states and rows that a callback sees."""
    seen = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", regress.ConvergenceWarning)
        fit = regress.fit(X, y, init=init, callbacks=lambda state, row: seen.append((state, row)), **options)
    return fit, seen


STARTS = {
    "(w, b)": lambda path: (BEST.w, BEST.b),
    "lists": lambda path: [BEST.w.tolist(), BEST.b],
    "a Series": lambda path: (pd.Series(BEST.w), np.float64(BEST.b)),
    "a fit": lambda path: BEST,
    "a model": lambda path: BEST.model,
    "a file": lambda path: BEST.save(path) or path,
    "its name": lambda path: BEST.save(path) or str(path),
}


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_at_the_minimum_it_converges_at_once(solver, start, tmp_path):
    fit, seen = trained(STARTS[start](tmp_path / "m.json"), solver=solver)
    assert (fit.status, fit.n_iter, len(seen)) == ("converged", 0, 1)
    assert fit.w == pytest.approx(BEST.w, rel=1e-12)
    assert seen[0][1].loss == pytest.approx(BEST.loss, rel=1e-6)  # a column of 1e6 takes six digits of b


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("solver", ["gd", "sgd", "adam"])
def test_the_first_state_is_that_of_the_start(solver, fit_intercept, standardize):
    Z = X - [5.0, 0.0, 1e6]
    w, b = np.array([0.5, -1.0, 2.0]), 7.0 * fit_intercept
    limits = {"max_iter": 3} if solver == "gd" else {"epochs": 2}
    options = dict(solver=solver, fit_intercept=fit_intercept, standardize=standardize, **limits)
    _, seen = trained((w, b), X=Z, y=Z @ [1.0, 2.0, 3.0] + E, **options)
    error = Z @ w + b - (Z @ [1.0, 2.0, 3.0] + E)
    assert seen[0][1].loss == pytest.approx(error @ error, rel=1e-12)
    assert seen[0][0].iteration == 0


def test_another_loss_begins_there_too():
    class Cauchy(regress.Loss):
        curvature_bound = 2.0

        def value(self, prediction, target, weights, xp):
            return xp.sum(weights * xp.log1p((prediction - target) ** 2))

        def gradient(self, prediction, target, weights):
            error = prediction - target
            return 2.0 * weights * error / (1.0 + error**2)

    Z = X - X.mean(0)
    _, seen = trained((np.ones(3), 2.0), X=Z, y=Z @ [1.0, 2.0, 3.0] + E, loss=Cauchy(), max_iter=2)
    assert seen[0][1].loss == pytest.approx(np.log1p((Z.sum(1) + 2.0 - Z @ [1.0, 2.0, 3.0] - E) ** 2).sum(), rel=1e-12)


def test_zeros_are_the_default():
    (given, seen), (default, others) = (trained(init, solver="gd", max_iter=5) for init in ((np.zeros(3), 0.0), None))
    assert given.w == pytest.approx(default.w, rel=1e-9, abs=1e-12)
    assert seen[0][0].w.tolist() == others[0][0].w.tolist() == [0.0] * 3


def test_training_goes_on_from_a_fit():
    first, _ = trained(None, solver="cg", max_iter=1)
    second, seen = trained(first, solver="cg")
    assert seen[0][1].loss == pytest.approx(first.loss, rel=1e-9)
    assert second.w == pytest.approx(BEST.w, rel=1e-6)


def test_without_intercept_a_fit_without_one_is_a_start():
    fit, seen = trained(FLAT, fit_intercept=False, solver="cg")
    assert (fit.n_iter, fit.b) == (0, 0.0)
    fit, seen = trained(FLAT, solver="newton")
    assert seen[0][1].loss == pytest.approx(FLAT.loss, rel=1e-6)
    assert fit.w == pytest.approx(BEST.w, rel=1e-9)


NAMED = pd.DataFrame(X, columns=["p", "q", "r"]).assign(y=y)
PAIR = r"init must be \(w, b\): 3 coefficients and the intercept"
REFUSED = {
    "one": ((BEST.w,), {}, rf"{PAIR}; got 1 values"),
    "three": ((BEST.w, 0.0, 0.0), {}, rf"{PAIR}; got 3 values"),
    "two columns": ((BEST.w[:2], 0.0), {}, rf"{PAIR}; w has shape \(2,\)"),
    "a matrix": ((BEST.w[:, None], 0.0), {}, rf"{PAIR}; w has shape \(3, 1\)"),
    "texts": ((["1", "2", "3"], 0.0), {}, rf"{PAIR}, all numbers"),
    "complex": ((BEST.w * 1j, 0.0), {}, rf"{PAIR}, all numbers"),
    "ragged": (([1, [2, 3], 4], 0.0), {}, rf"{PAIR}, all numbers"),
    "no b": ((BEST.w, None), {}, rf"{PAIR}, all numbers"),
    "b of three": ((BEST.w, BEST.w), {}, rf"{PAIR}, all numbers"),
    "NaN": ((BEST.w * np.nan, 0.0), {}, rf"{PAIR}, all finite"),
    "infinite b": ((BEST.w, np.inf), {}, rf"{PAIR}, all finite"),
    "an array": (BEST.w, {}, r"init must be \(w, b\), a fit, or a model's file; got ndarray"),
    "a dict": ({"w": 1}, {}, "got dict"),
    "an estimator": (regress.LinearRegressor().fit(X, y), {}, "got LinearRegressor"),
    "fewer columns": (regress.fit(X[:, :2], y), {}, r"has other columns than this fit, such as 'x2'. Give \(w, b\)"),
    "names": (regress.fit(NAMED, "y"), {}, r"has other columns than this fit, such as 'p'"),
    "order": (regress.fit(NAMED[["r", "q", "p", "y"]], "y"), {}, "has other columns than this fit"),
    "an intercept": (
        (BEST.w, 1.0),
        {"fit_intercept": False},
        r"init has an intercept, but this fit does not. Give \(w, 0.0",
    ),
    "a fit's intercept": (BEST, {"fit_intercept": False}, "init has an intercept, but this fit does not"),
    "no file": ("nowhere.json", {}, "The model nowhere.json cannot be read"),
    "too large": (([1e200] * 3, 0.0), {}, "The loss at init is beyond the range of float64. Give another start."),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_start_is_refused_in_a_sentence(case):
    init, options, words = REFUSED[case]
    table, target = (NAMED, "y") if case == "order" else (X, y)
    with pytest.raises(InputError, match=words):
        regress.fit(table, target, init=init, solver="gd", **options)


def test_the_command_line_names_a_start_that_it_can_take():
    with speaking_flags(), pytest.raises(InputError, match=r"given as --init .* Give a model of the same columns, in"):
        regress.fit(NAMED, "y", init=BEST, solver="gd")


def test_a_file_that_is_no_model_is_refused(tmp_path):
    (tmp_path / "m.json").write_text("{}")
    with pytest.raises(InputError, match=r"m\.json"):
        regress.fit(X, y, init=tmp_path / "m.json", solver="gd")
