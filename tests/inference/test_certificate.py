"""Certificates equal rational arithmetic, whoever's coefficients they are of, and nothing wrong passes."""

import json
import re
import subprocess
import sys
from fractions import Fraction
from functools import partial
from math import hypot, log10
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.api as sm
from sklearn import linear_model as sk
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, PolynomialFeatures, StandardScaler

import regress
from regress import InputError, LinearRegressor, certify
from regress.cli.main import main
from tests.examples import in_turn
from tests.oracles.ill_conditioned import ILL, answer, rational, x

IRIS = Path(__file__).resolve().parents[2] / "data" / "iris.csv"
quiet = pytest.mark.filterwarnings("ignore::regress.DataWarning", "ignore::regress.ConvergenceWarning")
random = np.random.default_rng(31)


class Oracle:
    """Σa(ŷ − y)² + α‖w‖² in rational arithmetic; parameters are p = [b, w]."""

    def __init__(self, X, y, alpha=0.0, weights=None, fit_intercept=True):
        T = self.T = rational(np.c_[X, y], weights)
        self.alpha, self.first = Fraction(alpha), 0 if fit_intercept else 1
        self.mean = [v / T[0][0] * (1 - self.first) for v in T[0]]
        self.norm = [float(T[j][j] - c * T[0][j]) ** 0.5 for j, c in enumerate(self.mean)]

    def slope(self, p):
        raw = [2 * (sum(t * v for t, v in zip(row, p, strict=False)) - row[-1]) for row in self.T[:-1]]
        by_w = [g - c * raw[0] + 2 * self.alpha * v for g, c, v in zip(raw, self.mean, p, strict=False)][1:]
        return hypot(*map(float, [*by_w, Fraction(0) if self.first else raw[0]]))

    def loss(self, p):
        z = [*p, Fraction(-1)]
        square = sum(u * v * t for u, row in zip(z, self.T, strict=True) for v, t in zip(z, row, strict=True))
        return square + self.alpha * sum(v * v for v in p[1:])

    def assert_digits(self, got, off, true):
        floor = [0.0, *(self.norm[-1] / s for s in self.norm[1:-1])][-len(off) :]
        for g, d, v, f in zip(got, off, map(float, true), floor, strict=True):
            expected = -log10(max(abs(d / Fraction(v if abs(v) >= f / 2**52 else f)), Fraction(1, 10**16)))
            assert g == pytest.approx(max(expected, 0.0), abs=1e-3) if expected < 15 else 14.99 <= g <= 15.95


VARIANTS = [{}, {"alpha": 0.75}, {"fit_intercept": False}, {"weights": True}, {"weights": True, "alpha": 1e-3}]


def problem(family, options):
    X = ILL.get(family, x)
    options = options | ({"weights": random.uniform(0.5, 2.0, len(X))} if "weights" in options else {})
    return X, X @ np.arange(1.0, X.shape[1] + 1.0) + random.normal(size=len(X)), options


def claims(X, y, truth, alpha=0.0, weights=None, fit_intercept=True):
    tool = sk.Ridge(alpha, solver="svd") if alpha else sk.LinearRegression(tol=0)
    tool.set_params(fit_intercept=fit_intercept).fit(X, y, weights)
    root, n = np.sqrt(np.ones(len(X)) if weights is None else weights), X.shape[1]
    A = np.r_[root[:, None] * np.c_[np.full(len(X), float(fit_intercept)), X], alpha**0.5 * np.eye(n + 1)[1:]]
    p = np.linalg.lstsq(A, np.r_[root * y, np.zeros(n)])[0]
    wrong = np.array(truth, dtype=float) * (1 + 10.0 ** -random.permutation(np.linspace(1, 14, n + 1)))
    return (tool.coef_, tool.intercept_), (p[1:], p[0]), (wrong[1:], wrong[0])


@pytest.mark.parametrize("options", VARIANTS, ids=str)
@pytest.mark.parametrize("family", ILL)
def test_a_certificate_equals_rational_arithmetic(family, options):
    X, y, options = problem(family, options)
    oracle = Oracle(X, y, **options)
    truth, first = answer(X, y, **options)[0], oracle.first
    for w, b in claims(X, y, truth, **options):
        got = certify((w, b), X, y, **options)
        p = [Fraction(v) for v in [float(b), *w.tolist()]]
        digits = [*([] if first else [got.intercept_digits]), *got.digits.values()]
        oracle.assert_digits(digits, [v - t for v, t in zip(p, truth, strict=True)][first:], truth[first:])
        assert (got.worst, got.intercept_digits is None) == (min(digits), bool(first))
        assert got.gradient_norm == pytest.approx(oracle.slope(p), rel=1e-9)
        assert got.excess_loss == pytest.approx(float(oracle.loss(p) - oracle.loss(truth)), rel=1e-9)
        assert got.true_w == pytest.approx(np.array(truth[1:], dtype=float), rel=1e-15)


FRAME = pd.DataFrame(random.normal(size=(80, 3)) * [1.0, 5.0, 0.2] + [3.0, 0.0, 9.0], columns=list("abc"))
FRAME["kind"], FRAME["v"] = random.choice(["u", "v", "w"], 80), random.uniform(0.5, 2.0, 80)
FRAME["y"] = FRAME[["a", "b", "c"]] @ [1.0, -2.0, 3.0] + 4.0 + (FRAME.kind == "v") + random.normal(size=80)
ABC, V, Y = ["a", "b", "c"], FRAME.v.to_numpy(), FRAME.y.to_numpy()
X, NUMBERS, FIT = FRAME[ABC].to_numpy(), FRAME[[*ABC, "y"]], regress.fit(FRAME[[*ABC, "y"]], "y")
L, S, OLS, pipe = sk.LinearRegression, StandardScaler, sm.OLS, make_pipeline
SGD = partial(sk.SGDRegressor, alpha=0.1, max_iter=100_000, tol=None, power_t=0.6, random_state=0)
SEE = {  # a table and its target
    "numbers": lambda y: (NUMBERS.assign(y=y), "y"), "reversed": lambda y: (NUMBERS.assign(y=y)[["y", *"cba"]], "y"),
    "all": lambda y: (FRAME.assign(y=y), "y"), "model's": lambda y: (FRAME.assign(y=y), None),
    "arrays": lambda y: (X, y), "polars": lambda y: (pl.DataFrame(np.c_[X, y], [*ABC, "y"]), "y"),
}  # fmt: skip
FORMS = {
    "fit numbers": FIT, "fit without b reversed": regress.fit(NUMBERS, "y", fit_intercept=False),
    "fit arrays": regress.fit(X, Y), "fit with weights numbers": regress.fit(NUMBERS, "y", weights=V),
    "model's": regress.fit(FRAME, "y", weights="v", alpha=0.5, test_size=0.3, random_state=7).model,
    "LinearRegression arrays": L().fit(X, Y), "LinearRegression reversed": L().fit(FRAME[ABC], FRAME[["y"]]),
    "LinearRegression polars": L().fit(FRAME[ABC], Y), "LinearRegression all": L().fit(FRAME[["c", "a"]], Y),
    "LinearRegression with weights all": L(fit_intercept=False).fit(FRAME[ABC], Y, V),
    "Ridge numbers": sk.Ridge(2.5).fit(FRAME[ABC], Y), "RidgeCV arrays": sk.RidgeCV([0.1, 3.0]).fit(X, Y),
    "LinearRegressor with weights all": LinearRegressor(alpha=0.1).fit(FRAME[ABC], Y, V),
    "LinearRegressor arrays": LinearRegressor().fit(X, Y[:, None]), "SGD arrays": pipe(S(), SGD()).fit(X, Y),
    "SGD with weights arrays": pipe(S(), SGD()).fit(X, Y, sgdregressor__sample_weight=V),
    "Pipeline reversed": pipe(S(), PolynomialFeatures(2), L()).fit(FRAME[ABC], Y),
    "Pipeline without names numbers": pipe(FunctionTransformer(np.exp), L()).fit(FRAME[ABC], Y),
    "Pipeline with weights arrays": pipe(S(), L()).fit(X, Y, linearregression__sample_weight=V),
    "Pipeline of arrays numbers": pipe(S(), L()).fit(X, Y), "Pipeline of one all": pipe(L()).fit(FRAME[["c", "a"]], Y),
    "Pipeline in a Pipeline arrays": pipe(S(), pipe(MinMaxScaler(), L())).fit(X, Y),
    "Pipeline of nothing arrays": pipe("passthrough", L()).fit(X, Y),
    "our Pipeline all": regress.to_sklearn(regress.fit(FRAME, "y")), "(array, float) numbers": (FIT.w, FIT.b),
    "(list, float) arrays": (FIT.w.tolist(), FIT.b), "mapping numbers": {"coef": FIT.w.tolist(), "intercept": FIT.b},
    "(dict, float) reversed": ({"b": FIT.w[1], "a": FIT.w[0], "c": FIT.w[2]}, FIT.b),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_claim_passes_on_its_own_data_and_on_no_other(form):
    other, digits = FORMS[form], 4.0 if "SGD" in form else 10.0
    see, options = SEE[next(n for n in SEE if form.endswith(n))], {"weights": V} if "with weights" in form else {}
    got = certify(other, *see(Y), digits=digits, **options)
    assert (got.passed, got.worst >= digits) == (True, True)
    steps = [name for name, _ in getattr(other, "steps", [])[:-1]]
    assert (got.space + " → ").startswith("after " + " → ".join([*steps, ""])) if steps else got.space == ""
    assert not certify(other, *see(Y * (1.0 + 0.02 * np.cos(np.arange(80)))), **options).passed


@pytest.mark.parametrize("j", range(3))
def test_one_wrong_coefficient_is_named(j):
    w = FIT.w * np.where(np.arange(3) == j, 1.001, 1.0)
    got = certify((w, FIT.b), NUMBERS, "y")
    assert [round(d, 2) for d in got.digits.values()] == [3.0 if k == j else 15.95 for k in range(3)]
    assert (got.passed, got.intercept_digits) == (False, 15.95)
    assert got.table.loc[ABC[j]].tolist() == [w[j], FIT.w[j], got.digits[ABC[j]]]
    assert re.search(rf"^{ABC[j]} .* 3\.0\n(.*\n)*Not certified: the worst .* 3\.0", got.summary(), re.MULTILINE)


OTHERS = sk.Lasso(), sk.ElasticNet(), sk.HuberRegressor(), sk.SGDRegressor("huber"), sk.SGDRegressor(penalty="l1"), S()
MORE = sk.BayesianRidge(), L(positive=True), sk.Ridge(positive=True), pipe(S(), sk.Lasso()), pipe(S(), "passthrough")
REFUSED = {
    **{" ".join(str(e).split()): partial(e.fit, X, Y) for e in (*OTHERS, *MORE)},
    **{f"{e} of two": partial(e.fit, X, np.c_[Y, -Y]) for e in (L(), sk.Ridge(), LinearRegressor())},
    **{k.__name__: k(Y, X).fit for k in (sm.RLM, sm.GLS, sm.QuantReg)}, "model": partial(OLS, Y, X),
    "penalty": partial(OLS(Y, X).fit_regularized, alpha=0.1),
    "weights": partial(regress.fit, NUMBERS, "y", weights=V), "b": lambda: (OLS(Y, X).fit().params, 5.0),
    **{repr(o): partial(lambda o: o, o) for o in (
        3.0, [1.0, 2.0, 3.0], "nowhere.json", {"intercept": 1.0}, ([1.0, 2.0], 0.0), ([[1.0, 2.0, 3.0]], 0),
        (["1", "x", "3"], 0.0), ({"a": 1.0, "z": 2.0}, 0.0), ([1.0, np.nan, 3.0], 0.0), ([1.0, 2.0, 3.0], np.inf),
        {"coef": {"a": None, "b": 1.0}})},
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_certified_is_refused(case):
    with pytest.raises(InputError):
        certify(REFUSED[case](), NUMBERS, "y", fit_intercept=case != "b")


G = np.round(random.normal(size=(40, 3)) * 64)
DEPENDENT = {
    "a total": (np.c_[G, G[:, 0] + G[:, 1]], [1, 1, 0, -1]), "a column twice": (np.c_[G, G[:, 1]], [0, 1, 0, -1]),
    "a full set of dummies": (np.eye(3)[np.arange(40) % 3], [1, 1, 1]),
}  # fmt: skip


@quiet
@pytest.mark.parametrize(("X", "null"), DEPENDENT.values(), ids=DEPENDENT)
def test_dependent_columns_are_measured_to_the_nearest_minimizer(X, null):
    def apart(v):
        along = sum(a * k for a, k in zip(v, null, strict=True)) / sum(k * k for k in null)
        return [a - along * k for a, k in zip(v, null, strict=True)]

    y = random.normal(size=40) + 3.0
    oracle, dropped = Oracle(X, y), regress.fit(X, y, collinear="drop").w
    start = [*answer(X[:, :-1], y)[0], Fraction(0)]
    near = np.array(least := apart(start[1:]), dtype=float)
    far, wrong = near + 7.0 * np.array(null), near * (1 + 1e-4 * random.normal(size=len(null)))
    for w, right in (near, "both"), (far, "one"), (dropped, "one"), (L().fit(X, y).coef_, "both"), (wrong, "none"):
        got = certify((w, y.mean() - X.mean(0) @ w), X, y)
        p = [Fraction(v) for v in (got.b, *w.tolist())]
        off = [v - t for v, t in zip(p[1:], least, strict=True)]
        oracle.assert_digits(got.digits.values(), apart(off), [v - d for v, d in zip(p[1:], apart(off), strict=True)])
        oracle.assert_digits(got.min_norm_digits.values(), off, least)
        assert got.excess_loss == pytest.approx(float(oracle.loss(p) - oracle.loss(start)), rel=1e-9)
        assert (got.passed, len(got.equations)) == (right != "none", 1)
        assert (min(got.min_norm_digits.values()) > 9) == (right == "both")
    nonsense = np.r_[regress.fit(X, y, collinear="drop", fit_intercept=False).w[:-1], 1000.0], 0.0
    assert not certify(nonsense, X, y, fit_intercept=False, collinear="drop").passed


@pytest.mark.parametrize("alpha", [0.0, 6.0])
@pytest.mark.parametrize(("off", "passed"), [(0.0, True), (1e-9, True), (1e-3, False)])
def test_a_true_zero_is_no_failure_nor_is_a_constant_target(alpha, off, passed):
    Z = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    got = certify(([6.0 / (2.0 + alpha), off], 0.0), Z, 3.0 * Z[:, 0], alpha=alpha)
    assert got.digits == pytest.approx({"x0": 15.95, "x1": -log10(off / 3.0) if off else 15.95}, abs=1e-3)
    assert (got.passed, got.intercept_digits) == (passed, 15.95)
    got = certify(([0.0, off], 5.0 + off), Z, np.full(4, 5.0), alpha=alpha)
    assert (got.passed, got.digits["x0"], got.loss, got.true_b) == (passed, 15.95, 0.0, 5.0)
    assert got.intercept_digits == pytest.approx(-log10(off / 5.0) if off else 15.95, abs=1e-3)


@pytest.mark.parametrize("effect", [1e-9, 1e-7, 1e-4])
@pytest.mark.parametrize("weights", [None, V], ids=["plain", "weighted"])
def test_what_moves_no_fitted_value_passes(effect, weights):
    y = X @ [5.0, effect, 1.0]
    fit = regress.fit(X, y, weights=weights)
    got = certify((fit.w * [1.0, 2.0, 1.0], fit.b + effect), X, y, weights=weights)
    quartiles = np.diff(np.quantile(y, [0.25, 0.75]))[0]  # of rows, whatever their weights
    spread = min(np.sqrt(np.cov(y, aweights=weights, bias=True)), quartiles / 1.349)
    assert got.moved == pytest.approx(np.abs(X[:, 1] * fit.w[1] + effect).max() / spread, rel=1e-4)
    assert got.digits["x1"] == pytest.approx(0.0, abs=1e-3)
    assert got.passed == (got.moved <= 1e-6) == (effect < 1e-5)


def test_a_model_that_predicts_about_the_means_moves_nothing():
    X = np.c_[1.7e9 + random.uniform(0, 0.1, 60), random.normal(size=60)]
    got = certify(regress.fit(X, y := X @ [1.0, 0.01] - 1.7e9), X, y, digits=16.0)
    assert (got.moved < 1e-9, got.passed) == (True, True)


@quiet
@pytest.mark.parametrize(("family", "solver"), in_turn([*ILL, "normal"], ["auto", "cg", "gd"]))
def test_a_fit_carries_its_digits(family, solver):
    for options in VARIANTS:
        X, y, options = problem(family, options)
        again = partial(certify, table=X, target=y, weights=options.get("weights"))
        fit = regress.fit(X, y, precision="exact", **options)
        assert (fit.digits, fit.intercept_digits) == (again(fit).digits, again(fit).intercept_digits)
        assert (fit.digits == fit.digits_at_least, min(fit.digits.values()) > 15.9) == (True, True)
        fit = regress.fit(X, y, precision="float64", solver=solver, max_iter=300, **options)
        least, certified = fit.digits_at_least, again(fit).digits
        assert (fit.digits, fit.intercept_digits) == (None, None)
        assert least is None or all(digits <= certified[name] for name, digits in least.items())
        assert family != "normal" or min(least.values()) > 5


def shell(capfd, *arguments):
    with pytest.raises(SystemExit) as ended:
        main([*map(str, arguments)])
    return ended.value.code or 0, *capfd.readouterr()


def test_a_claim_that_is_far_off_fails_quietly():
    got, slope = certify(([1e200] * 3, 0.0), X, Y), Oracle(X, Y).slope([0, *[Fraction(1e200)] * 3])
    assert (got.passed, got.worst, got.gradient_norm) == (False, 0.0, pytest.approx(slope))


def test_the_command_certifies_a_saved_model(capfd, tmp_path):
    fit = regress.fit(IRIS, "sepal_length", test_size=0.3, random_state=5, alpha=0.1)
    fit.save(model := tmp_path / "m.json")
    code, out, err = shell(capfd, "certify", model, IRIS)
    title = f"Computed in exact arithmetic over {fit.tally.used} rows"
    shown = rf"^{title}\n(.*\n)*species=virginica .* 15\.9\n(.*\n)*Certified: the .* 15\.9"
    assert (code, err, bool(re.match(shown, out))) == (0, "", True)
    code, out, _ = shell(capfd, "certify", model, IRIS, "--json")
    assert (code, json.loads(out, parse_constant=pytest.fail)) == (0, certify(model, IRIS).to_dict())
    (other := tmp_path / "other.csv").write_text(IRIS.read_text().replace("5.1,3.5", "5.2,3.5"))
    assert shell(capfd, "certify", model, other)[0] == 1
    code = f"""import sys; from regress.cli.main import main
try: main(["certify", {str(model)!r}, {str(IRIS)!r}])
except SystemExit: print({{"pandas", "sklearn", "statsmodels"}} & {{*sys.modules}})"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=IRIS.parents[1])
    assert (done.returncode, done.stderr, done.stdout.splitlines()[-1]) == (0, "", "set()")


def test_the_command_certifies_json(capfd, tmp_path):
    claim, asked = tmp_path / "c.json", ["--target", "sepal_length", "--weights", "petal_width"]
    flags = [*asked, "--alpha", "0.5", "--no-intercept"]
    claim.write_text(shell(capfd, "fit", IRIS, *flags, "--json")[1])
    code, out, _ = shell(capfd, "certify", claim, IRIS, *flags, "--json")
    assert (code, json.loads(out)["digits"]["coef"]["species=virginica"]) == (0, 15.95)
    assert shell(capfd, "certify", claim, IRIS, *asked, "--no-intercept")[0] == 1
    for less in (asked, [*asked, "--alpha", "0.5"]):  # with an intercept the first species has no column
        code, _, err = shell(capfd, "certify", claim, IRIS, *less)
        assert (code, "'species=setosa' is in only one of them" in err) == (2, True)
    held = json.loads(claim.read_text())
    claim.write_text(json.dumps(held | {"coef": {name: 1.001 * value for name, value in held["coef"].items()}}))
    assert [shell(capfd, "certify", claim, IRIS, *flags, "--digits", d)[0] for d in ("2", "3.5", "6")] == [0, 1, 1]
    code, out, err = shell(capfd, "certify", claim, IRIS)
    assert (code, out, "--target" in err) == (2, "", True)
    for text in '{"coef": {"petal_width": NaN}}', '{"coef": {"petal_width": null}}', '{"coef": 3}', "{}", "[":
        claim.write_text(text)
        assert shell(capfd, "certify", claim, IRIS, "--target", "sepal_length")[:2] == (2, "")
