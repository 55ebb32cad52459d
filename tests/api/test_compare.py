"""compare: every figure against exact arithmetic, the verdict on good, badly scaled and dependent columns."""

import json
import math
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn.linear_model
from sklearn.linear_model import LinearRegression, SGDRegressor
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import regress
from regress.api import compare
from regress.errors import INSTALL_TENSORFLOW
from regress.numerics.atomic_write import strict
from regress.report.text import comparison_lines

DATA = Path(__file__).parents[2] / "data"
TOOLS = [
    "regress",
    "regress autodiff",
    "regress plain descent",
    "LinearRegression()",
    "LinearRegression(tol=0)",
    "Ridge(alpha=1e-10)",
    "StandardScaler + SGDRegressor",
]


def by_name(result):
    return {fit.name: fit for fit in result.fits}


def normal_rows(m=80, seed=0):
    """Three columns x0, x1, x2 and y: well conditioned."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(m, 3))
    return X, X @ [1.0, -2.0, 0.5] + 3.0 + random.normal(size=m)


@pytest.fixture(scope="module")
def diabetes():
    return regress.compare(DATA / "diabetes.csv", "progression")


@pytest.fixture(scope="module")
def income_rate():
    return regress.compare(DATA / "income_rate.csv", "spend")


@pytest.fixture(scope="module")
def powers():
    """x … x⁵ at 0 … 20 and a rough y: every tool loses digits, each its own number of them; with exact answers."""
    frame = pd.DataFrame({f"x{k}": np.arange(21.0) ** k for k in range(1, 6)})
    frame["y"] = frame.x1 - 3.0 * frame.x2 + 0.25 * frame.x3 + frame.x4 / 64.0 + np.arange(21) ** 2 % 7
    return frame, regress.compare(frame, "y", test_size=0.0)


def exact_solution(frame):
    """Coefficients, intercept last, in rational arithmetic."""
    design = [[*map(Fraction, row), Fraction(1)] for row in frame.drop(columns="y").to_numpy().tolist()]
    y = [Fraction(v) for v in frame.y.tolist()]
    n = len(design[0])
    table = [[sum(r[i] * r[j] for r in design) for j in range(n)] for i in range(n)]
    table = [[*row, sum(r[i] * v for r, v in zip(design, y, strict=True))] for i, row in enumerate(table)]
    for i in range(n):
        table[i] = [v / table[i][i] for v in table[i]]
        for k in range(n):
            if k != i:
                table[k] = [a - table[k][i] * b for a, b in zip(table[k], table[i], strict=True)]
    return [row[-1] for row in table]


def exact_loss(frame, w, b):
    rows, y = frame.drop(columns="y").to_numpy().tolist(), frame.y.tolist()
    return sum(
        (sum(Fraction(c) * Fraction(x) for c, x in zip(w, row, strict=True)) + Fraction(b) - Fraction(v)) ** 2
        for row, v in zip(rows, y, strict=True)
    )


def test_agrees_with_scikit_learn_on_diabetes(diabetes):
    assert diabetes.agree is True
    assert diabetes.verdict[0].endswith(" is correct: 6 or more correct digits.")
    assert [fit.name for fit in diabetes.fits] == TOOLS
    assert by_name(diabetes)["LinearRegression()"].digits > 10
    assert by_name(diabetes)["regress autodiff"].digits > 10


def test_catches_scikit_learns_wrong_default_on_badly_scaled_columns(income_rate):
    fits = by_name(income_rate)
    assert income_rate.agree is False
    assert income_rate.verdict[0].endswith(" is wrong here: fewer than 6 correct digits.")
    (said,) = [line for line in income_rate.verdict[1:] if line.startswith("LinearRegression() ")]
    assert "Coefficient of 'rate'" in said
    assert "It treated X as rank 1 of 2: its singular-value cutoff" in said
    assert fits["LinearRegression()"].digits == 0.0
    assert abs(fits["LinearRegression()"].w[1]) < 1e-9  # of a true 100
    assert fits["LinearRegression()"].excess_loss > 100
    assert fits["LinearRegression(tol=0)"].digits > 10
    assert fits["regress"].w == pytest.approx([1e-6, 100], rel=0.01)
    assert fits["regress"].metrics["r2"] > 0.99 > 0.8 > fits["LinearRegression()"].metrics["r2"]


@pytest.mark.parametrize(("change", "digits", "agree"), [(1e-4, 3, True), (1e-4, 6, False), (1e-9, 12, True)])
def test_the_digits_asked_for_decide_unless_what_is_wrong_moves_no_fitted_value(monkeypatch, change, digits, agree):
    class Off(LinearRegression):
        def fit(self, X, y, sample_weight=None):
            super().fit(X, y, sample_weight)
            self.coef_ = self.coef_ * (1.0 - change)
            return self

    monkeypatch.setattr(sklearn.linear_model, "LinearRegression", Off)
    X, y = normal_rows()
    result = regress.compare(X, y, test_size=0.0, digits=digits)
    fit = by_name(result)["LinearRegression()"]
    assert fit.digits == pytest.approx(-math.log10(change), abs=0.01)
    off, b = change * LinearRegression().fit(X, y).coef_, result.fits[0].b - fit.b
    spread = min(y.std(), np.diff(np.quantile(y, [0.25, 0.75]))[0] / 1.349)
    moved = np.abs(X @ off + b).max() / spread
    assert fit.moved == pytest.approx(moved, rel=1e-5)
    assert result.agree is agree


def test_the_digits_are_those_of_exact_arithmetic(powers):
    frame, result = powers
    exact = exact_solution(frame)[:-1]

    def true(fit):
        error = max(abs((Fraction(w) - e) / e) for w, e in zip(fit.w.tolist(), exact, strict=True))
        return max(-math.log10(error), 0.0)

    judged = [fit for fit in result.fits if fit.digits < 12]  # beyond, the rounding of the best fit shows
    assert len(judged) >= 5
    for fit in judged:
        assert fit.digits == pytest.approx(true(fit), abs=0.5), fit.name
    for fit in result.fits:
        assert fit in judged or true(fit) > 11.5, fit.name


def test_the_loss_above_the_minimum_is_that_of_exact_arithmetic(powers):
    frame, result = powers
    *w, b = exact_solution(frame)
    minimum = exact_loss(frame, w, b)
    judged = 0
    for fit in result.fits:
        excess = float(exact_loss(frame, fit.w.tolist(), fit.b) - minimum)
        assert fit.loss == pytest.approx(float(minimum) + excess, rel=1e-12)  # y is as far as 500, its residuals 3
        if excess > 1e-9:
            # Our own fit has 10 digits or more here, and excess loss is quadratic in the distance from it.
            assert fit.excess_loss == pytest.approx(excess, rel=1e-4), fit.name
            judged += 1
        else:
            assert 0.0 <= fit.excess_loss < 1.1e-9, fit.name
    assert judged >= 2


def test_the_loss_above_the_minimum_counts_weights_and_the_intercept():
    X, y = normal_rows()
    a = np.random.default_rng(1).uniform(0.1, 5.0, 80)
    result = regress.compare(X, y, weights=a, test_size=0.0)
    theirs = LinearRegression().fit(X, y, a)
    minimum = a @ (theirs.predict(X) - y) ** 2
    fit = by_name(result)["StandardScaler + SGDRegressor"]
    loss = a @ (X @ fit.w + fit.b - y) ** 2
    assert fit.excess_loss == pytest.approx(loss - minimum, rel=1e-9)  # 1e-5 of the loss, which has 15 digits
    assert fit.excess_loss > 1e-5 * minimum


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_the_sgd_row_is_the_pipeline_that_a_user_would_write(fit_intercept):
    X, y = normal_rows()
    X = X + np.array([0.0, 10.0, -5.0])
    scaler, sgd = StandardScaler(with_mean=fit_intercept), SGDRegressor(random_state=0, fit_intercept=fit_intercept)
    pipeline = make_pipeline(scaler, sgd).fit(X, y)
    fit = by_name(regress.compare(X, y, test_size=0.0, fit_intercept=fit_intercept))["StandardScaler + SGDRegressor"]
    np.testing.assert_allclose(X @ fit.w + fit.b, pipeline.predict(X), rtol=0, atol=1e-12)
    assert fit.n_iter == sgd.n_iter_


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_the_gradient_norm_is_that_of_numpy(fit_intercept, weighted):
    X, y = normal_rows()
    a = np.random.default_rng(1).uniform(0.5, 2.0, 80) if weighted else np.ones(80)
    result = regress.compare(X, y, weights=a, test_size=0.0, fit_intercept=fit_intercept)
    center = a @ X / a.sum() if fit_intercept else np.zeros(3)
    fit = by_name(result)["StandardScaler + SGDRegressor"]
    residual = a * (X @ fit.w + fit.b - y)
    gradient = 2.0 * np.append((X - center).T @ residual, residual.sum() if fit_intercept else 0.0)
    assert fit.gradient_norm == pytest.approx(np.linalg.norm(gradient), rel=1e-9)  # far from the minimum: no loss
    assert fit.gradient_norm > 1.0
    assert by_name(result)["regress"].gradient_norm < 1e-11 * np.linalg.norm(2.0 * X.T @ y)


def split_of(frame, **options):
    """Return which rows are held out, as the mean of an indicator of each row over the training rows tells."""
    m = len(frame)
    marks = pd.DataFrame(np.eye(m), columns=[f"row {i}" for i in range(m)], index=frame.index)
    with pytest.warns(regress.DataWarning, match=r"Constant in the training rows|There are only"):
        fit = regress.fit(pd.concat([frame, marks], axis=1), "y", features=list(marks), test_size=0.2, **options)
    return fit.model.center == 0.0


@pytest.mark.filterwarnings("ignore:R² on held-out rows is negative")
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("split_key", [None, "key"])
def test_r2_on_test_rows_is_that_of_scikit_learn_on_the_same_rows(weighted, split_key):
    X, y = normal_rows(120)
    frame = pd.DataFrame(X, columns=["a", "b", "c"]).assign(y=y, weight=1.0, key=[f"k{i}" for i in range(120)])
    if weighted:
        frame["weight"] = np.random.default_rng(1).uniform(0.5, 3.0, 120)
    options = {"weights": "weight", "split_key": split_key}
    held_out = split_of(frame, **options)
    assert 10 < held_out.sum() < 40
    result = regress.compare(frame, "y", features=["a", "b", "c"], **options)
    for fit in result.fits:
        predicted = X[held_out] @ fit.w + fit.b
        expected = r2_score(y[held_out], predicted, sample_weight=frame.weight[held_out])
        assert fit.metrics["r2"] == pytest.approx(expected, rel=1e-12), fit.name
    kept = LinearRegression().fit(X[~held_out], y[~held_out], frame.weight[~held_out])
    np.testing.assert_allclose(by_name(result)["LinearRegression()"].w, kept.coef_, rtol=1e-12)


def test_a_split_by_key_does_not_depend_on_the_order_of_rows():
    X, y = normal_rows(120)
    frame = pd.DataFrame(X, columns=["a", "b", "c"]).assign(y=y, key=[f"k{i}" for i in range(120)])
    results = [
        by_name(regress.compare(f, "y", features=["a", "b", "c"], split_key="key"))["regress"]
        for f in (frame, frame.sample(frac=1.0, random_state=0))
    ]
    np.testing.assert_allclose(results[0].w, results[1].w, rtol=1e-13)
    assert results[0].metrics == pytest.approx(results[1].metrics, rel=1e-13)


def test_another_seed_holds_out_other_rows(diabetes):
    other = regress.compare(DATA / "diabetes.csv", "progression", random_state=1)
    assert other.fits[0].metrics["r2"] != diabetes.fits[0].metrics["r2"]
    assert other.agree


def test_no_row_is_held_out_of_fewer_than_fifty():
    X, y = normal_rows(50)
    few, enough = regress.compare(X[:49], y[:49]), regress.compare(X, y)
    assert few.rows == "49 rows = 49 used"
    assert few.metrics == ()
    assert not any(fit.metrics for fit in few.fits)
    assert "held out" in enough.rows
    np.testing.assert_allclose(few.fits[0].w, LinearRegression().fit(X[:49], y[:49]).coef_, rtol=1e-12)


def test_dependent_columns_are_judged_by_the_distance_to_the_nearest_minimizer():
    X, y = normal_rows()
    result = regress.compare(np.column_stack([X, X[:, 0]]), y)
    fits = by_name(result)
    assert result.agree is True
    assert "6 or more correct digits" in result.verdict[0]
    assert fits["LinearRegression()"].digits > 12
    assert fits["regress"].rank == 3
    np.testing.assert_allclose(fits["regress"].w[0], fits["regress"].w[3], rtol=1e-9)  # least ‖w‖ shares alike
    assert fits["LinearRegression()"].excess_loss < 1e-9 * np.square(y - y.mean()).sum()


def test_a_distance_to_all_minimizers_fails_on_dependent_columns(monkeypatch):
    class Half(LinearRegression):
        def fit(self, X, y, sample_weight=None):
            super().fit(X, y, sample_weight)
            self.coef_ = self.coef_ * (1.0 - 1e-4)  # loss about 1e-8 of the variation above the minimum
            return self

    monkeypatch.setattr(sklearn.linear_model, "LinearRegression", Half)
    X, y = normal_rows()
    assert regress.compare(np.column_stack([X, X[:, 0]]), y).agree is False


def test_weights_reach_every_tool():
    X, y = normal_rows()
    a = np.random.default_rng(1).integers(0, 5, 80).astype(float)
    result = regress.compare(X, y, weights=a, test_size=0.0)
    expected = LinearRegression().fit(X, y, a).coef_
    assert "zero weight" in result.rows
    for fit in result.fits[:-1]:
        np.testing.assert_allclose(fit.w, expected, rtol=1e-7, err_msg=fit.name)  # plain descent: tol 1e-10, cond. 10
    np.testing.assert_allclose(result.fits[-1].w, expected, atol=0.2)  # SGD: roughly
    assert not np.allclose(expected, LinearRegression().fit(X, y).coef_, atol=0.01)


def test_without_intercept_no_tool_has_one():
    X, y = normal_rows()
    result = regress.compare(X, y, fit_intercept=False, test_size=0.0)
    expected = np.linalg.lstsq(X, y)[0]
    assert result.agree
    assert {fit.b for fit in result.fits} == {0.0}
    for fit in result.fits[:-1]:
        np.testing.assert_allclose(fit.w, expected, rtol=1e-7, err_msg=fit.name)
    np.testing.assert_allclose(result.fits[-1].w, expected, atol=0.2)


def test_text_columns_are_encoded_alike_for_every_tool():
    iris = pd.read_csv(DATA / "iris.csv")
    result = regress.compare(DATA / "iris.csv", "petal_width", test_size=0.0)
    dummies = pd.get_dummies(iris.drop(columns="petal_width"), drop_first=True, dtype=float)
    expected = LinearRegression().fit(dummies, iris.petal_width)
    assert result.names[-2:] == ("species=versicolor", "species=virginica")
    assert result.agree
    for name in ("regress", "LinearRegression()"):
        np.testing.assert_allclose(by_name(result)[name].w, expected.coef_, rtol=1e-10)
        assert by_name(result)[name].b == pytest.approx(expected.intercept_, rel=1e-10)


def test_iterations_and_ranks_stand_where_a_tool_has_them(diabetes):
    fits = by_name(diabetes)
    assert {name: fit.rank for name, fit in fits.items()} == dict(zip(TOOLS, [10] * 5 + [None] * 2, strict=True))
    assert fits["regress"].n_iter < 5 < 1000 < fits["regress plain descent"].n_iter
    assert fits["LinearRegression()"].n_iter is None
    assert fits["StandardScaler + SGDRegressor"].n_iter > 1
    assert all(fit.seconds > 0 for fit in diabetes.fits)


def test_the_table_has_a_row_a_tool(diabetes):
    table = diabetes.table
    assert list(table.index) == TOOLS
    assert {"digits", "excess_loss", "gradient_norm", "r2", "rmse", "seconds", "n_iter", "rank"} <= set(table.columns)
    assert table.loc["LinearRegression()", "digits"] == by_name(diabetes)["LinearRegression()"].digits


def as_json(result):
    return json.loads(json.dumps(strict(result.to_dict()), allow_nan=False))


def test_the_json_has_every_figure_of_every_tool(diabetes):
    held = as_json(diabetes)
    assert held["agree"] is True
    for shown, fit in zip(held["fits"], diabetes.fits, strict=True):
        assert shown["coef"] == dict(zip(diabetes.names, fit.w.tolist(), strict=True))
        assert shown["intercept"] == fit.b
        for figure in ("name", "loss", "gradient_norm", "digits", "metrics", "seconds", "n_iter", "rank"):
            assert shown[figure] == getattr(fit, figure)


def test_plain_descent_says_when_it_did_not_arrive(powers):
    fit = by_name(powers[1])["regress plain descent"]
    assert fit.n_iter == 100_000
    assert "maximum number of iterations was reached before" in fit.note
    assert any("plain descent disagrees" in line and "100,000 iterations" in line for line in powers[1].verdict)


def test_sgd_on_columns_of_huge_scale_gets_a_row():
    X, y = normal_rows()
    result = regress.compare(X * [1e120, 1.0, 1e-120], y)
    assert [fit.name for fit in result.fits] == TOOLS
    assert result.agree is False
    as_json(result)


def test_a_tool_that_diverged_says_so():
    X, y = normal_rows()
    sgd = regress.compare(X, y, weights=np.full(80, 1e6), test_size=0.0)  # SGD multiplies its step by the weight
    assert by_name(sgd)["StandardScaler + SGDRegressor"].loss > 1e10 * by_name(sgd)["regress"].loss
    assert any(line.startswith("StandardScaler") and "It diverged" in line for line in sgd.verdict)
    assert sgd.agree


def test_a_tool_whose_loss_overflows_gets_a_row_without_figures():
    X, y = normal_rows()
    result = regress.compare(X, y, weights=np.full(80, 1e100), test_size=0.0)
    fit = by_name(result)["StandardScaler + SGDRegressor"]
    assert fit.w is None
    assert fit.note.startswith("It diverged")
    shown = as_json(result)["fits"][-1]
    assert {shown[key] for key in ("coef", "intercept", "loss", "digits", "gradient_norm")} == {None}
    assert result.agree
    row = next(line for line in comparison_lines(result.record) if line.startswith("StandardScaler"))
    assert row.strip() == "StandardScaler + SGDRegressor"


class Refusing(LinearRegression):
    def fit(self, X, y, sample_weight=None):
        raise ValueError("Floating-point overflow occurred at epoch #1.\nScale the data.")


class NotANumber(LinearRegression):
    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)
        self.coef_ = self.coef_ * np.nan
        return self


@pytest.mark.parametrize(("tool", "says"), [(Refusing, "overflow occurred at epoch #1."), (NotANumber, "It diverged")])
def test_without_an_answer_from_linear_regression_there_is_no_agreement(monkeypatch, tool, says):
    monkeypatch.setattr(sklearn.linear_model, "LinearRegression", tool)
    result = regress.compare(*normal_rows())
    fit = by_name(result)["LinearRegression()"]
    assert result.agree is False
    assert fit.w is None
    assert says in fit.note
    assert "\n" not in fit.note
    assert by_name(result)["Ridge(alpha=1e-10)"].digits > 8


@pytest.mark.usefixtures("without_tensorflow")
def test_without_tensorflow_its_row_holds_the_install_line():
    result = regress.compare(*normal_rows())
    fit = by_name(result)["regress autodiff"]
    assert fit.w is None
    assert INSTALL_TENSORFLOW in fit.note
    assert result.agree
    assert as_json(result)["fits"][1]["loss"] is None
    assert pd.isna(result.table.loc["regress autodiff", "digits"])


@pytest.mark.parametrize("level", [0.1, 0.7, 0.0, 1e9 / 3])
def test_a_constant_target_is_agreed_upon(level):
    # The mean of equal numbers may differ from them in the last bit, and coefficients of 1e-17 fit the difference.
    result = regress.compare(normal_rows()[0], np.full(80, level), test_size=0.0)
    assert result.agree
    np.testing.assert_array_equal(result.fits[0].w, 0.0)


def test_a_constant_column_and_columns_far_from_zero_are_agreed_upon():
    X, y = normal_rows()
    assert regress.compare(np.column_stack([X[:, 0], np.full(80, 0.3)]), y).agree
    assert regress.compare(X + np.array([1.7e9, 0.0, 1e6]), y).agree


def test_a_penalty_is_refused():
    with pytest.raises(regress.InputError, match=r"no penalty.*Remove alpha"):
        regress.compare(*normal_rows(), alpha=1.0)


def test_an_unknown_option_is_an_error():
    with pytest.raises(TypeError, match="'color'"):
        regress.compare(*normal_rows(), color="red")


def test_our_own_refusal_of_a_table_is_not_swallowed():
    X, y = normal_rows()
    with pytest.raises(regress.InputError, match=r"x1.*overflow"):
        regress.compare(X * [1.0, 1e200, 1.0], y)


def test_more_rows_than_scikit_learn_has_memory_for_are_refused_with_how_many_to_read(monkeypatch):
    random = np.random.default_rng(0)
    X = random.normal(size=(300_000, 2))
    y = X @ [1.0, 2.0] + random.normal(size=300_000)
    # Half of it, for five copies of two columns of doubles, holds 200,000 rows.
    monkeypatch.setattr(compare, "free_memory", lambda: 2 * 5 * 2 * 8 * 200_000)
    with pytest.raises(regress.InputError, match=r"more than half of the free memory.*rows=\d+") as refused:
        regress.compare(X, y)
    fewer = int(re.search(r"rows=(\d+)", str(refused.value))[1])
    result = regress.compare(X, y, rows=fewer, test_size=0.0)
    assert result.rows == f"{fewer:,} rows = {fewer:,} used"
    np.testing.assert_allclose(result.fits[0].w, LinearRegression().fit(X[:fewer], y[:fewer]).coef_, rtol=1e-10)


def test_free_memory_is_a_part_of_all_memory():
    from regress.aggregates.collect import memory

    assert 2**20 < compare.free_memory() <= memory()


def test_progress_is_told_the_rows_read():
    told = []
    regress.compare(*normal_rows(), progress=lambda *step: told.append(step))
    assert ("rows", 80, 80, 80) in told
