"""The loss on validation rows against rational arithmetic."""

from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest

import regress
from regress.aggregates.held_out import HeldOut
from regress.api.process import validated
from regress.api.read import read_table
from regress.api.sums import Reading
from regress.errors import ConvergenceWarning, InputError
from regress.objective.losses import Loss
from regress.options import ProcessOptions, TableOptions, TrainOptions
from regress.solvers.running import Running
from regress.solvers.train import Regression

random = np.random.default_rng(23)
M, N = 90, 30


def table(rows, noise, far=False, columns=3):
    """Return a frame whose rows lie on a plane but for some noise."""
    X = random.normal(size=(rows, columns)) + 1.0
    if far:
        X[:, 0] = 1.7e9 + random.uniform(0, 3600, rows)
        X[:, 1] *= 1e-6
    slopes = np.r_[0.001 if far else 1.0, 1e6 if far else 2.0, np.linspace(1, 3, columns - 2)]
    y = X @ slopes - (1.7e6 if far else -5.0) + noise * random.normal(size=rows)
    return pl.DataFrame({**{f"x{j}": X[:, j] for j in range(columns)}, "a": random.uniform(0.3, 4.0, rows), "y": y})


def at(problem, state, X, y, weights):
    """Return L at a state as a fraction."""
    c = problem.coordinates()
    w = [Fraction(v) / Fraction(s) for v, s in zip(state.w.tolist(), c.scale.tolist(), strict=True)]
    level, origin = Fraction(state.b) + Fraction(c.target_origin), [Fraction(v) for v in c.origin.tolist()]
    total = Fraction(0)
    for row, target, a in zip(X.tolist(), y.tolist(), weights.tolist(), strict=True):
        error = level - Fraction(target)
        error += sum((p * (Fraction(x) - o) for p, x, o in zip(w, row, origin, strict=True)), Fraction(0))
        total += Fraction(a) * error * error
    return total


def descend(prepared, **options):
    """Return the problem, and the states and rows that a callback sees."""
    seen = []
    batched = options["solver"] in ("sgd", "averaged-sgd", "adam")
    training = TrainOptions(**({"epochs": 20} if batched else {"max_iter": 40}) | options)
    running = Running(
        descends=True, held_out=prepared.held_out, callbacks=[lambda state, row: seen.append((state, row))]
    )
    problem = Regression(prepared.data, training, prepared.names, running=running)
    problem.train()
    return problem, seen


def agrees(problem, seen, X, y, weights, rel):
    for state, row in [*seen[:2], *seen[2:-1:5], *seen[2:][-1:]]:  # fractions take long
        assert row.val_loss == pytest.approx(float(at(problem, state, X, y, weights)), rel=rel, abs=0.0)


FRAMES = {
    "plain": {},
    "timestamps": {"far": True},
    "more columns than rows held out": {"columns": 40},
}


@pytest.mark.parametrize("weights", [None, "a"])
@pytest.mark.parametrize("noise", [1.0, 1e-8])
@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize("solver", ["gd", "cg", "newton", "sgd", "averaged-sgd", "adam"])
def test_rows_held_out_are_those_of_rational_arithmetic(solver, kind, noise, weights):
    frame = table(M + N, noise, **FRAMES[kind])
    options = TableOptions(test_size=0.25, random_state=3, weights=weights, drop=[] if weights else ["a"])
    prepared = read_table(frame, "y", options, Reading("rows", precision="exact"))
    kept = read_table(frame, "y", options, Reading("rows", keep_held_out=True)).held_out
    assert prepared.held_out.count == N
    X, y = (np.concatenate([getattr(block, name) for block in kept.rows]) for name in ("X", "Y"))
    a = np.concatenate([block.weights for block in kept.rows]) if weights else np.ones(N)
    problem, seen = descend(prepared, solver=solver)
    agrees(problem, seen, X, y[:, 0], a, rel=1e-12 if noise == 1.0 else 1e-6)
    if kind != "more columns than rows held out" and solver in ("cg", "newton"):
        assert seen[-1][1].val_loss < 100 * noise**2 * a.sum()


GIVEN = {
    "frame": lambda frame, path: frame,
    "file": lambda frame, path: frame.write_csv(path) or path,
    "pandas": lambda frame, path: pd.DataFrame(frame.to_dict(as_series=False)),
    "columns": lambda frame, path: frame.to_dict(as_series=False),
}


@pytest.mark.parametrize("weights", [None, "a"])
@pytest.mark.parametrize("noise", [1.0, 1e-8])
@pytest.mark.parametrize("given", GIVEN)
def test_a_table_of_its_own_is_validated_on(given, noise, weights, tmp_path):
    frame, own = table(M, noise, far=True), table(N, noise, far=True)
    options = TableOptions(weights=weights, drop=[] if weights else ["a"])
    prepared = read_table(frame, "y", options, Reading("rows", precision="exact"))
    process = ProcessOptions(validation=GIVEN[given](own, tmp_path / "v.csv"))
    prepared = validated(prepared, process, options, kept=False)
    problem, seen = descend(prepared, solver="cg")
    a = own["a"].to_numpy() if weights else np.ones(N)
    agrees(problem, seen, own["x0", "x1", "x2"].to_numpy(), own["y"].to_numpy(), a, rel=1e-12 if noise == 1.0 else 1e-7)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("rows", [N, 2])
def test_arrays_are_validated_on(rows, weighted):
    X, V = random.normal(size=(M, 3)), random.normal(size=(rows, 3))
    y, v = X @ [1.0, 2.0, 3.0] + 1.0, V @ [1.0, 2.0, 3.0] + random.normal(size=rows)
    a = random.uniform(1, 2, size=rows)
    options = TableOptions()
    prepared = read_table(X, y, options, Reading("rows", precision="exact"))
    given = (V, v, a) if weighted else (V, v)
    prepared = validated(prepared, ProcessOptions(validation=given), options, kept=False)
    problem, seen = descend(prepared, solver="sgd")
    agrees(problem, seen, V, v, a if weighted else np.ones(rows), rel=1e-12)


@pytest.mark.parametrize("noise", [1.0, 1e-4])
def test_more_than_600_columns_keep_all_but_the_digits_that_the_spread_of_y_takes(noise):
    """Their sums are in float64."""
    frame, own = table(700, noise, columns=620), table(650, noise, columns=620)
    options = TableOptions(drop=["a"])
    prepared = read_table(frame, "y", options, Reading("rows"))
    prepared = validated(prepared, ProcessOptions(validation=own), options, kept=False)
    problem, seen = descend(prepared, solver="newton", over="moments")
    X, y = (part.astype(np.longdouble) for part in (own.drop("a", "y").to_numpy(), own["y"].to_numpy()))
    for state, row in seen:
        user, level = problem.coordinates().to_user(state.w, state.b)
        error = (X - problem.coordinates().origin) @ user.astype(np.longdouble) + level - y
        rounding = 1e-13 * float(((y - y.mean()) ** 2).sum())
        assert row.val_loss == pytest.approx(float(error @ error), rel=1e-10, abs=rounding)


class Cauchy(Loss):
    """Not quadratic."""

    curvature_bound = 2.0

    def value(self, prediction, target, weights, xp):
        return xp.sum(weights * xp.log1p((prediction - target) ** 2))

    def gradient(self, prediction, target, weights):
        error = prediction - target
        return 2.0 * weights * error / (1.0 + error**2)


@pytest.mark.parametrize("weights", [None, "a"])
@pytest.mark.parametrize("own", [False, True])
def test_another_loss_is_that_of_the_rows(own, weights):
    frame, validation = table(M, 0.5), table(N, 0.5)
    drop = [] if weights else ["a"]
    options = TableOptions(weights=weights, drop=drop, test_size=0.0 if own else 0.25, random_state=3)
    prepared = read_table(frame, "y", options, Reading("rows", keep_held_out=True))
    prepared = validated(prepared, ProcessOptions(validation=validation if own else None), options, kept=True)
    rows = prepared.held_out.rows
    X, y = (np.concatenate([getattr(block, name) for block in rows]) for name in ("X", "Y"))
    a = np.concatenate([block.weights for block in rows]) if weights else np.ones(len(y))
    assert not own or (X == validation["x0", "x1", "x2"].to_numpy()).all()
    problem, seen = descend(prepared, solver="sgd", loss=Cauchy())
    for state, row in seen:
        w, level = problem.coordinates().to_user(state.w, state.b)
        error = (X - problem.coordinates().origin) @ w + level - y[:, 0]
        assert row.val_loss == pytest.approx(float(a @ np.log1p(error**2)), rel=1e-12, abs=0.0)


def text(rows, levels="abcd"):
    g = random.choice(list(levels), rows)
    x = random.normal(size=rows)
    return pl.DataFrame({"g": g, "x": x, "y": 2 * x + np.array([ord(v) for v in g]) + 0.1 * random.normal(size=rows)})


@pytest.mark.filterwarnings("ignore:R² on validation rows is negative")  # after three updates
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize(("rows", "levels"), [(N, "abcd"), (N, "cd"), (N, "c"), (4, "abd"), (1, "a")])
def test_a_table_with_fewer_categories_is_predicted_as_the_model_does(rows, levels, fit_intercept):
    frame, own = text(M), text(rows, levels)
    with pytest.warns(ConvergenceWarning):
        fit = regress.fit(frame, "y", validation=own, solver="sgd", epochs=3, fit_intercept=fit_intercept)
    error = fit.predict(own) - own["y"].to_numpy()
    assert fit.record.outcome.history[-1].val_loss == pytest.approx(error @ error, rel=1e-9)


def test_history_and_r2_are_of_the_same_rows():
    frame, own = table(M, 1.0).drop("a"), table(N, 1.0).drop("a")
    fit = regress.fit(frame, "y", validation=own, solver="cg")
    y = own["y"].to_numpy()
    assert fit.r2_test == pytest.approx(
        1 - fit.record.outcome.history[-1].val_loss / ((y - y.mean()) ** 2).sum(), rel=1e-12
    )
    assert fit.tally.held_out == 0


def test_validation_changes_nothing_else():
    frame, own = table(M, 1.0).drop("a"), table(N, 1.0).drop("a")
    for solver in ("cg", "gd"):
        with_it, without = (regress.fit(frame, "y", solver=solver, validation=v) for v in (own, None))
        assert (with_it.w.tolist(), with_it.b) == (without.w.tolist(), without.b)
        assert [row.val_loss for row in without.record.outcome.history] == [None] * len(without.record.outcome.history)


REFUSED = {
    "both": ({"test_size": 0.2}, "validation and test_size are both given. Remove one of them."),
    "no target": ({"validation": table(N, 1.0).drop("y")}, "no column 'y'"),
    "no column": ({"validation": table(N, 1.0).drop("x1")}, "no column 'x1'"),
    "no rows": ({"validation": table(N, 1.0)[:0]}, "validation has no row that can be used"),
    "four": ({"validation": (1, 2, 3, 4)}, r"validation must be a table, \(X, y\) or \(X, y, weights\)"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_validation_is_refused_in_a_sentence(case):
    options, words = REFUSED[case]
    with pytest.raises(InputError, match=words):
        regress.fit(table(M, 1.0), "y", **{"validation": table(N, 1.0), **options})


def test_arrays_need_arrays():
    X, y = random.normal(size=(M, 2)), random.normal(size=M)
    with pytest.raises(InputError, match=r"The target was given as values, so validation must be \(X, y\)"):
        regress.fit(X, y, validation=X)
    with pytest.raises(InputError, match="X has 1 columns; the model takes 2"):
        regress.fit(X, y, validation=(X[:, :1], y))


@pytest.mark.parametrize("large", ["X", "y"])
def test_rows_whose_squares_overflow_are_refused(large):
    X, y = random.normal(size=(M, 2)), random.normal(size=M)
    own = (X[:9] * (1e200 if large == "X" else 1.0), y[:9] * (1e200 if large == "y" else 1.0))
    with pytest.raises(InputError, match="squares of the validation rows overflow float64"):
        regress.fit(X, y, validation=own, solver="cg")


def test_nothing_held_out_is_no_rows():
    assert HeldOut(0).rows == ()
    with pytest.raises(InputError, match=r"early_stopping needs rows to validate on. Use test_size=0.2, or validation"):
        regress.fit(table(M, 1.0), "y", early_stopping=3, solver="gd")
