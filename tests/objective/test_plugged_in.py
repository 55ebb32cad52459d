"""A loss, a penalty and a solver from outside the package, each against an oracle; what they cannot have is refused."""

from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.optimize import minimize

import regress
from regress import InputError, LinearRegressor, Loss, Penalty, Solver, State
from regress.aggregates.collect import collect_rows
from regress.blocks import Block
from regress.objective import gradient
from regress.objective.losses import QuadraticForm, SquaredError
from regress.objective.penalties import Ridge
from regress.options import TrainOptions
from regress.solvers.train import Regression

random = np.random.default_rng(4)
X = random.normal(size=(120, 3)) * [1.0, 20.0, 0.1] + [0.0, 300.0, 1.0]
y = X @ [2.0, -0.1, 5.0] + 3.0 + random.standard_t(1.5, size=120)
a = random.uniform(0.5, 2.0, size=120)


@dataclass(frozen=True)
class Huber(Loss):
    """Σ a h(ŷ − y), with h(r) = r² up to |r| = δ, and from there on its tangent: outliers pull no harder than δ."""

    delta: float = 1.0
    curvature_bound = 2.0  # h″ is 2 or 0

    def value(self, prediction, target, weights, xp):
        size = xp.abs(prediction - target)
        return xp.sum(weights * xp.where(size <= self.delta, size**2, self.delta * (2.0 * size - self.delta)))

    def gradient(self, prediction, target, weights):
        return 2.0 * weights * np.clip(prediction - target, -self.delta, self.delta)


@dataclass(frozen=True, eq=False)
class ColumnRidge(Penalty):
    """Σ αⱼ wⱼ²: a ridge penalty with a weight for each column."""

    alpha: np.ndarray
    quadratic = True

    def value(self, w):
        return float(self.alpha @ w**2)

    def gradient(self, w):
        return 2.0 * self.alpha * w

    def curvature(self, n):
        return 2.0 * self.alpha


@dataclass(frozen=True)
class Momentum(Solver):
    """Polyak's heavy ball: a gradient step, and a part of the last move."""

    friction: float = 0.1

    def init(self, objective, w, b):
        return State(w, b, {"rate": objective.longest_step, "move_w": np.zeros(len(w)), "move_b": 0.0})

    def step(self, objective, state):
        _, grad_w, grad_b = objective(state.w, state.b)
        rate, kept = state.memory["rate"] / objective.weight, 1.0 - self.friction
        move_w = kept * state.memory["move_w"] - rate * grad_w
        move_b = kept * state.memory["move_b"] - rate * grad_b
        return state.moved(state.w + move_w, state.b + move_b, move_w=move_w, move_b=move_b)


def changed(kind, method, result):
    """Return an object of a subclass of which one method returns something else."""
    return type("Changed", (kind,), {method: lambda *_: result})


def bounded(bound):
    return type("Bounded", (Huber,), {"curvature_bound": bound})()


class Unbounded(Loss):
    value, gradient = Huber.value, Huber.gradient
    delta = 1.0


class OfNumPy(Huber):
    def value(self, prediction, target, weights, xp):
        return np.sum(np.array(weights) * np.array(prediction - target) ** 2)


class PerRow(Huber):
    def value(self, prediction, target, weights, xp):
        return weights * (prediction - target) ** 2


class Proximal(Momentum):
    needs = frozenset({"gradient", "prox"})


def huber_oracle(delta, weights=1.0, alpha=0.0, columns=X, target=y):
    """Return (w, b) where Σ a h(ŷ − y) + α‖w‖² is least, by SciPy in standardized columns."""
    center, scale = columns.mean(0), columns.std(0)
    Z = (columns - center) / scale

    def value(p):
        size = np.abs(Z @ p[:-1] + p[-1] - target)
        h = np.where(size <= delta, size**2, 2.0 * delta * size - delta**2)
        return float(np.sum(weights * h) + alpha * np.sum((p[:-1] / scale) ** 2))

    found = minimize(value, np.zeros(Z.shape[1] + 1), method="BFGS", options={"gtol": 1e-6})
    w = found.x[:-1] / scale
    return w, found.x[-1] - center @ w, found.fun


@pytest.mark.parametrize("delta", [0.5, 2.0])
@pytest.mark.parametrize(
    "options", [{}, {"solver": "gd"}, {"weights": a}, {"alpha": 3.0}, {"standardize": True}], ids=str
)
def test_a_loss_from_outside_is_minimized(options, delta):
    fit = regress.fit(X, y, loss=Huber(delta), **options)
    w, b, least = huber_oracle(delta, options.get("weights", 1.0), options.get("alpha", 0.0))
    assert fit.status == "converged"
    assert fit.w == pytest.approx(w, rel=1e-5)
    assert fit.b == pytest.approx(b, rel=1e-5)
    assert least * (1.0 - 1e-9) <= fit.loss <= least * (1.0 + 1e-12)
    assert (fit.solver, fit.over, fit.precision) == (options.get("solver", "accelerated"), "rows", "float64")
    assert fit.r2 == pytest.approx(1.0 - np.sum(fit_weights(options) * (X @ fit.w + fit.b - y) ** 2) / total(options))


def fit_weights(options):
    return options.get("weights", np.ones(120))


def total(options):
    weights = fit_weights(options)
    return weights @ (y - weights @ y / weights.sum()) ** 2


def test_what_only_the_squared_error_has_is_absent_and_says_why(tmp_path):
    fit = regress.fit(X, y, loss=Huber())
    assert fit.statistics is None
    assert fit.statistics_missing == "They are those of the squared error, and the loss is Huber."
    assert (fit.certificate, fit.digits, fit.digits_at_least, fit.rank) == (None, None, None, None)
    assert fit.precision_reason == "the loss Huber is minimized in float64"
    assert f"\nHuber = {fit.loss:.10g}" in fit.summary()
    assert "ŷ − y" not in fit.summary()
    fit.save(tmp_path / "m.json")
    loaded = regress.load(tmp_path / "m.json")
    assert np.array_equal(loaded.predict(X), fit.predict(X))
    for claim in (fit, loaded):
        with pytest.raises(InputError, match="minimizes Huber"):
            regress.certify(claim, X, y)
    for name in ("dependent", "constant"):
        Z = np.c_[X, X[:, 0] * 2.0 if name == "dependent" else np.ones(120)]
        with pytest.warns(regress.DataWarning) if name == "constant" else nullcontext():
            assert regress.fit(Z, y, loss=Huber()).loss == pytest.approx(fit.loss, rel=1e-9)


@pytest.mark.tensorflow
@pytest.mark.parametrize("weights", [None, a])
def test_the_tape_differentiates_the_value_of_a_loss_from_outside(weights):
    derived, taped = (regress.fit(X, y, loss=Huber(), weights=weights, gradient=g) for g in ("derived", "autodiff"))
    assert taped.w == pytest.approx(derived.w, rel=1e-7)
    assert [*taped.history["loss"][:5]] == pytest.approx([*derived.history["loss"][:5]], rel=1e-12)


def test_equal_targets_are_no_reason_to_stop():
    fit = regress.fit(X, np.full(120, 7.0), loss=Huber())
    assert fit.b == pytest.approx(7.0, rel=1e-8)
    assert np.abs(fit.w).max() < 1e-6


@pytest.mark.parametrize("solver", ["auto", "newton", "accelerated", "cg", "gd"])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weights", [None, a])
def test_a_penalty_from_outside_gives_the_closed_form(solver, fit_intercept, weights):
    alpha = np.array([0.0, 1000.0, 3.0])
    options = {} if fit_intercept or solver not in ("gd", "accelerated") else {"tol": 1e-8, "max_iter": 300_000}
    fit = regress.fit(
        X, y, penalty=ColumnRidge(alpha), solver=solver, fit_intercept=fit_intercept, weights=weights, **options
    )
    design, D = (np.c_[X, np.ones(120)], np.diag([*alpha, 0.0])) if fit_intercept else (X, np.diag(alpha))
    weighted = design.T * (np.ones(120) if weights is None else weights)
    closed = np.linalg.solve(weighted @ design + D, weighted @ y)
    assert [*fit.w, *([fit.b] if fit_intercept else [])] == pytest.approx(closed, rel=1e-4 if options else 1e-6)
    assert fit.solver == ("newton" if solver == "auto" else solver)
    assert "A penalty biases" in fit.statistics_missing
    assert "+ ColumnRidge" in fit.summary()
    assert fit.certificate is None


@pytest.mark.parametrize("over", ["rows", "moments"])
def test_a_solver_from_outside_reaches_the_minimum(over):
    fit = regress.fit(X, y, solver=Momentum(), over=over)
    best = regress.fit(X, y)
    assert fit.w == pytest.approx(best.w, rel=1e-6)
    assert (fit.solver, fit.status, fit.precision) == ("Momentum", "converged", "float64")
    assert fit.precision_reason == "Momentum descends in float64"
    assert fit.n_iter > 10
    assert fit.certificate.worst > 5.0  # the exact minimum judges any solver
    both = regress.fit(X, y, solver=Momentum(), loss=Huber(), penalty=ColumnRidge(np.full(3, 3.0)))
    assert both.w == pytest.approx(huber_oracle(1.0, alpha=3.0)[0], rel=1e-5)


def test_the_estimator_takes_them_too():
    estimator = LinearRegressor(loss=Huber(2.0), solver=Momentum()).fit(X, y)
    assert estimator.coef_ == pytest.approx(huber_oracle(2.0)[0], rel=1e-5)
    assert estimator.rank_ is None


WIDE = np.random.default_rng(5).normal(size=(12, 20))


def test_with_more_columns_than_rows_too():
    target, alpha = y[:12], np.linspace(0.5, 2.0, 20)
    center, level = WIDE.mean(0), target.mean()
    Z = WIDE - center
    closed = np.linalg.solve(Z.T @ Z + np.diag(alpha), Z.T @ (target - level))
    fit = regress.fit(WIDE, target, penalty=ColumnRidge(alpha))
    assert fit.w == pytest.approx(closed, rel=1e-6)
    assert fit.solver == "cg"  # no n × n matrix
    assert regress.fit(WIDE, target, penalty=Ridge(2.0)).w == pytest.approx(
        regress.fit(WIDE, target, alpha=2.0).w, rel=1e-9
    )
    fit = regress.fit(WIDE, target, loss=Huber(), alpha=0.7)
    assert fit.w == pytest.approx(huber_oracle(1.0, 1.0, 0.7, WIDE, target)[0], rel=1e-4)


def test_our_own_loss_and_penalty_as_objects_change_nothing():
    fit = regress.fit(X, y, loss=SquaredError())
    assert (fit.w.tolist(), fit.solver) == (regress.fit(X, y).w.tolist(), "direct")
    ridge = regress.fit(X, y, penalty=Ridge(3.0))
    assert ridge.w == pytest.approx(regress.fit(X, y, alpha=3.0).w, rel=1e-10)
    assert (ridge.certificate, ridge.precision) == (None, "float64")


def ar1(rho, m):
    """Return the inverse of the correlation ρ^|i − j|."""
    return np.linalg.inv(rho ** np.abs(np.subtract.outer(np.arange(m), np.arange(m))))


@pytest.mark.parametrize("rho", [0.0, 0.6])
@pytest.mark.parametrize("engine", ["derived", pytest.param("autodiff", marks=pytest.mark.tensorflow)])
def test_generalized_least_squares_are_those_of_numpy_and_statsmodels(rho, engine):
    A = ar1(rho, 120)
    fit = regress.fit(X, y, loss=QuadraticForm(A), gradient=engine, tol=1e-12)
    design = np.c_[np.ones(120), X]
    closed = np.linalg.solve(design.T @ A @ design, design.T @ A @ y)
    assert [fit.b, *fit.w] == pytest.approx(closed, rel=1e-8)
    assert [fit.b, *fit.w] == pytest.approx(sm.GLS(y, design, np.linalg.inv(A)).fit().params, rel=1e-8)
    r = X @ fit.w + fit.b - y
    assert fit.loss == pytest.approx(r @ A @ r, rel=1e-12)
    ours = regress.fit(X, y, loss=QuadraticForm(A + np.triu(np.ones((120, 120)), 1) - np.tril(np.ones((120, 120)), -1)))
    assert ours.w == pytest.approx(fit.w, rel=1e-6)  # only A + Aᵀ counts


def test_rows_in_several_blocks_are_one_piece_for_generalized_least_squares(monkeypatch):
    A = ar1(0.5, 120)
    whole = regress.fit(X, y, loss=QuadraticForm(A))
    monkeypatch.setattr(gradient, "_CACHED", 60)  # where rows may be cut, they would be
    blocks = [Block(X[i : i + 50], y[i : i + 50, None]) for i in (0, 50, 100)]
    options = TrainOptions(loss=QuadraticForm(A))
    trained = Regression(collect_rows(blocks, "rows"), options, ["a", "b", "c"]).train()
    assert trained.w == pytest.approx(whole.w, rel=1e-7)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"loss": 3.0}, "loss must be squared_error, huber or an object of a subclass of regress.Loss; got 3.0"),
        ({"loss": "hubert"}, "loss must be one of squared_error, huber; got 'hubert'"),
        ({"penalty": 3.0}, "penalty must be an object of a subclass of regress.Penalty; got 3.0"),
        ({"solver": Huber()}, "solver must be a name or an object of a subclass of regress.Solver"),
        ({"penalty": ColumnRidge(np.ones(3)), "alpha": 1.0}, "alpha and penalty are both given"),
        ({"loss": Huber(), "over": "moments"}, "over='moments' needs the squared error.*Use over='rows'"),
        ({"loss": Huber(), "solver": "newton"}, "needs hessian, which only the squared.*Use solver='accelerated'"),
        ({"loss": Huber(), "solver": "cg"}, "solver='cg' needs hessian_along, which only.*Use solver='accelerated'"),
        ({"loss": Huber(), "precision": "exact"}, "precision='exact' is not possible: the loss Huber"),
        ({"loss": Huber(), "collinear": "drop"}, "collinear='drop' needs the squared error"),
        ({"penalty": ColumnRidge(np.ones(3)), "precision": "exact"}, "precision='exact' is not possible: the penalty"),
        ({"solver": Momentum(), "precision": "exact"}, "precision='exact' needs solver='newton' or auto"),
        ({"solver": Momentum(), "learning_rate": 0.1}, "learning_rate needs solver='gd', accelerated, sgd"),
        ({"gradient": "autodiff", "precision": "exact"}, "autodiff descends in float64. Use precision='auto'"),
        ({"over": "rows", "precision": "exact"}, "the gradient over rows is in float64. Use precision='auto'"),
        ({"solver": Proximal()}, "solver='Proximal' needs prox, which no objective here has"),
        ({"loss": QuadraticForm(np.eye(7))}, "of 7 rows, and there are 120 training rows"),
        ({"loss": QuadraticForm(np.eye(120)), "weights": a}, "not a sum over rows, so it takes no weights"),
        ({"loss": QuadraticForm(-np.eye(120))}, "negative eigenvalue"),
        ({"loss": Unbounded()}, "Unbounded.curvature_bound must be a finite number above 0; got None"),
        *(
            ({"loss": bounded(b)}, "Bounded.curvature_bound must be a finite number above 0; got")
            for b in (None, "2", 0.0, -1.0, np.inf, np.nan, np.ones(3))
        ),
        *(
            ({"loss": changed(Huber, "value", v)()}, "Changed.value must return one number; it returned")
            for v in (None, "1", [1.0], [[1.0], []], np.ones(120), 1j)
        ),
        *(
            ({"loss": changed(Huber, "gradient", g)()}, r"Changed.gradient must return an array of shape \(120,\)")
            for g in (None, 1.0, [1.0] * 120, np.ones(119), np.ones((120, 1)), np.array(["1"] * 120))
        ),
        *(
            ({"penalty": changed(ColumnRidge, "value", v)(np.ones(3))}, "Changed.value must return one number")
            for v in (None, np.ones(3))
        ),
        *(
            ({"penalty": changed(ColumnRidge, m, g)(np.ones(3))}, rf"Changed.{m} must return an array of shape \(3,\)")
            for m in ("gradient", "curvature")
            for g in (None, 1.0, np.ones(2), np.ones((3, 1)))
        ),
        *(
            ({"solver": changed(Momentum, m, s)()}, rf"Changed.{m} must return a regress.State with w of shape \(3,\)")
            for m in ("init", "step")
            for s in (None, np.zeros(3), State(np.zeros(4), 0.0))
        ),
    ],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
def test_what_cannot_be_combined_is_refused_in_a_sentence(options, says):
    with pytest.raises(InputError, match=says):
        regress.fit(X, y, **options)
    if set(options) <= set(LinearRegressor().get_params()):
        with pytest.raises(InputError, match=says):
            LinearRegressor(**options).fit(X, y)


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("loss", "says"),
    [
        (OfNumPy(), "cannot differentiate OfNumPy.value; write value with the functions of xp"),
        (changed(Huber, "value", None)(), "cannot differentiate Changed.value; write value with the functions of xp"),
        (changed(Huber, "value", 3.0)(), "cannot differentiate Changed.value; write value with the functions of xp"),
        (PerRow(), "PerRow.value must return one number"),
    ],
    ids=str,
)
def test_a_value_that_tensorflow_cannot_differentiate_is_refused(loss, says):
    with pytest.raises(InputError, match=says):
        regress.fit(X, y, loss=loss, gradient="autodiff")


def test_newton_on_a_wide_table_says_which_penalty_it_needs():
    with pytest.raises(InputError, match=r"more rows than columns or a single ridge penalty\. Use solver='cg'"):
        regress.fit(WIDE, y[:12], penalty=ColumnRidge(np.ones(20)), solver="newton")


def test_one_iteration_is_singular():
    with pytest.warns(regress.ConvergenceWarning):
        fit = regress.fit(X, y, loss=Huber(), max_iter=1)
    assert "after 1 iteration (" in fit.summary()
