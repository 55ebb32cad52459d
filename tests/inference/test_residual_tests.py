"""What residuals show: tests against SciPy and statsmodels, false alarms, leverages, hexagons, and sentences."""

import warnings

import numpy as np
import pytest
import statsmodels.api as sm
from matplotlib.figure import Figure
from scipy import stats
from statsmodels.stats.diagnostic import linear_reset
from statsmodels.stats.stattools import durbin_watson

import regress
from regress.api.report import page
from regress.inference.hexagons import counted
from regress.inference.residual_tests import SampledResiduals, residual_tests
from regress.report.findings import findings


def named(fit):
    return {test.name: test for test in fit.record.residuals.tests}


def table(m=400, seed=1):
    random = np.random.default_rng(seed)
    x = random.normal(size=m)
    return x, 3.0 + 2.0 * x + random.standard_t(6, size=m)


@pytest.mark.parametrize("bend", [0.0, 0.3, -0.3])
@pytest.mark.parametrize("columns", ["x", "x, z", "x, z, twice z"])
def test_the_bend_is_that_of_ramseys_reset(bend, columns):
    x, y = table()
    y, z = y + bend * x**2, np.random.default_rng(7).uniform(size=len(x)) + 0.5 * x
    X = {"x": np.column_stack([x]), "x, z": np.column_stack([x, z])}.get(columns, np.column_stack([x, z, 2.0 * z]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", regress.DataWarning)
        fit = regress.fit(X, y)
    found = named(fit)["curvature"]
    theirs = linear_reset(sm.OLS(y, sm.add_constant(X[:, :2])).fit(), power=3, use_f=True)
    assert fit.record.residuals.bent == ("x0" if bend else None)
    assert found.statistic == pytest.approx(float(theirs.fvalue), rel=1e-6)
    assert found.p_value == pytest.approx(float(theirs.pvalue), rel=1e-5)
    assert found.found is bool(bend)
    assert not bend or np.sign(found.size) == np.sign(bend)


def test_the_spread_the_order_and_the_tails_are_those_of_scipy_and_statsmodels():
    x, y = table()
    y = y + np.repeat([1.0, -1.0], 200) + 0.8 * x * np.abs(x)
    fit, found = regress.fit(x[:, None], y), named(regress.fit(x[:, None], y))
    predicted = fit.model.predict(x[:, None])
    e = y - predicted
    rho, p = stats.spearmanr(np.abs(e), predicted)
    assert (found["spread"].statistic, found["spread"].p_value) == pytest.approx((rho, p), rel=1e-6)
    kurtosis = stats.kurtosistest(e, alternative="greater")
    assert found["tails"].statistic == pytest.approx(stats.kurtosis(e, fisher=False), rel=1e-9)
    assert found["tails"].p_value == pytest.approx(kurtosis.pvalue, rel=1e-6)
    pairs = (e[:-1] @ e[:-1] + e[1:] @ e[1:]) / 2.0  # the ends count once
    assert found["order"].statistic == pytest.approx(durbin_watson(e) * (e @ e) / pairs, rel=1e-9)
    assert found["order"].found


def test_rows_of_two_files_are_no_neighbors(tmp_path):
    x, y = table(100)
    steps = np.concatenate([y[:50] + 100.0, y[50:] - 100.0])
    for name, part in (("a", slice(50)), ("b", slice(50, 100))):
        lines = "\n".join(f"{a!r},{b!r}" for a, b in zip(x[part].tolist(), steps[part].tolist(), strict=True))
        (tmp_path / f"{name}.csv").write_text(f"x,y\n{lines}\n")
    fit = regress.fit(str(tmp_path / "*.csv"), "y")
    e = steps - fit.model.predict(x[:, None])
    inner = [(e[a : b - 1], e[a + 1 : b]) for a, b in ((0, 50), (50, 100))]
    d = sum(((f - g) ** 2).sum() for f, g in inner) / (sum((f**2).sum() + (g**2).sum() for f, g in inner) / 2.0)
    assert named(fit)["order"].statistic == pytest.approx(d, rel=1e-6)
    assert fit.record.residuals.order == ()


def clean(random, kind, most):
    """Return residuals of a linear table with normal errors."""
    m, n = int(10 ** random.uniform(2.0, most)), int(random.integers(1, 12))
    X = random.normal(size=(m, n))
    X = {"normal": X, "uniform": random.uniform(size=(m, n)), "dummies": (X > 1.0).astype(float), "skewed": np.exp(X)}[
        kind
    ]
    y = X @ random.normal(size=n) + random.normal(size=m) * 10 ** random.uniform(-1.0, 1.0)
    Z = np.column_stack([np.ones(m), X])
    predicted = Z @ np.linalg.lstsq(Z, y)[0]
    e = y - predicted
    return SampledResiduals(e / np.sqrt(e @ e / (m - n - 1)), predicted, np.ones(m), np.linalg.qr(Z)[0], None)


def alarms(tables, most, seed):
    random, count = np.random.default_rng(seed), 0
    for k in range(tables):
        rows = clean(random, ("normal", "uniform", "dummies", "skewed")[k % 4], most)
        places = np.column_stack([np.zeros(len(rows.z)), np.arange(len(rows.z))]).astype(np.uint64)
        count += any(test.found for test in residual_tests(rows._replace(places=places)))
    return count


@pytest.mark.parametrize(("tables", "most"), [pytest.param(1000, 4.0, marks=pytest.mark.slow), (200, 3.0)])
def test_clean_tables_raise_fewer_false_alarms_than_one_percent(tables, most):
    assert alarms(tables, most, seed=19) <= tables // 100


def leverages_of(X, a=None, intercept=True):
    Z = sm.add_constant(X) if intercept else X
    root = np.ones(len(X)) if a is None else np.sqrt(a)
    return np.diagonal((Z * root[:, None]) @ np.linalg.pinv(Z * root[:, None]))


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_leverages_are_the_diagonal_of_the_hat_matrix(intercept, weighted):
    random = np.random.default_rng(4)
    X = random.normal(size=(60, 3)) * [1.0, 1e4, 1e-3] + [0.0, 1e5, 0.0]
    X = np.column_stack([X, X[:, 0] - 2.0 * X[:, 2]])
    a = random.uniform(0.5, 3.0, size=60) if weighted else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", regress.DataWarning)
        fit = regress.fit(X, random.normal(size=60), weights=a, fit_intercept=intercept, points=True)
    points = fit.record.residuals.points
    assert [point.place for point in points] == list(range(60))
    assert [point.leverage for point in points] == pytest.approx(leverages_of(X, a, intercept), abs=1e-7)


def test_rows_that_decide_a_coefficient_alone_are_counted():
    random = np.random.default_rng(5)
    zone = np.array(["a"] * 40 + ["b"] * 40 + ["c", "d", "e"])
    columns = {"x": random.normal(size=83), "y": random.normal(size=83)}
    fit = regress.fit(columns | {f"in {k}": (zone == k).astype(float) for k in "cde"}, "y")
    assert fit.record.residuals.decisive == 3
    assert findings(fit.record) == ["3 rows have a leverage near 1: the fit passes close to each, whatever its y is."]


@pytest.mark.parametrize("seed", range(3))
def test_hexagons_count_as_those_of_matplotlib(seed):
    random = np.random.default_rng(seed)
    x, y = random.normal(size=(2, 4000)) * [[3.0], [100.0]]
    found = counted(x, y, 5)
    step = np.array([found.width, found.height * 1.5])
    low = np.floor(np.array([x.min(), y.min()]) / step) * step
    theirs = (
        Figure()
        .add_subplot()
        .hexbin(
            x, y, gridsize=(40, 40), mincnt=5, extent=(low[0], low[0] + 40 * step[0], low[1], low[1] + 40 * step[1])
        )
    )
    expected = {tuple(np.round(at, 6)): int(k) for at, k in zip(theirs.get_offsets(), theirs.get_array(), strict=True)}
    ours = {tuple(np.round((cx, cy), 6)): k for cx, cy, k in found.cells}
    assert sum(abs(ours.get(at, 0) - expected.get(at, 0)) for at in {*ours, *expected}) <= 12  # points at an edge
    assert sum(ours.values()) + int(found.apart.sum()) == 4000
    assert min(ours.values()) >= 5
    for width, range_ in ((step[0], np.ptp(x) / 26), (step[1], np.ptp(y) / 15)):
        assert range_ <= width <= 1.11 * range_
        assert f"{width:.1e}" == f"{width:.8e}"[:3] + f"{width:.1e}"[3:]  # two digits, which tell no value of a row
    assert counted(np.zeros(9), y[:9], 5) is None


def test_leverages_of_nearly_dependent_columns_add_up_to_the_rank_or_are_unknown():
    year = np.arange(2000.0, 2021.0)
    target = np.random.default_rng(0).normal(size=21)
    for powers in (2, 3):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", regress.DataWarning)
            fit = regress.fit(np.column_stack([year**k for k in range(1, powers + 1)]), target, points=True)
        found = [point.leverage for point in fit.record.residuals.points]
        assert None in found or sum(found) == pytest.approx(powers + 1, abs=1e-3)


def test_a_missing_intercept_is_not_taken_for_rows_that_are_alike():
    random = np.random.default_rng(3)
    fit = regress.fit(random.normal(size=(300, 1)), 5.0 + random.normal(size=300), fit_intercept=False)
    assert not named(fit)["order"].found


def test_a_row_of_zeros_without_an_intercept_can_be_drawn():
    x = np.arange(20.0)
    fit = regress.fit(x[:, None], x + np.tile([0.5, -0.5, 0.25, -0.25], 5), fit_intercept=False, points=True)
    assert fit.record.residuals.points[0].leverage == 0.0
    assert "figure-leverage" in page(fit)


@pytest.mark.parametrize("options", [{"loss": "huber"}, {"alpha": 1.0}])
def test_no_standard_errors_are_advised_that_the_fit_cannot_have(options):
    random = np.random.default_rng(2)
    x = random.uniform(1.0, 3.0, size=500)
    said = findings(regress.fit(x[:, None], x + random.normal(size=500) * x**2 / 5.0, **options).record)
    (spread,) = [text for text in said if text.startswith("The spread")]
    assert "cov_type" not in spread
    assert "allow for it" not in spread


def test_sentences_name_the_statistic_and_what_to_do():
    random = np.random.default_rng(8)
    x = random.uniform(0.0, 3.0, size=900)
    y = np.exp(x + random.normal(size=900) * 0.4)
    fit = regress.fit({"carat": x, "price": y}, "price")
    said = findings(fit.record)
    assert said[0].startswith("The relation bends upwards (RESET F ")
    assert said[0].endswith("p <0.0001): try the logarithm of price.")
    assert said[1].startswith("The spread of the residuals grows with the prediction (Spearman's ρ 0.")
    assert "use robust standard errors, cov_type='HC1', or try the logarithm of price." in said[1]
    assert said[2].startswith("The residuals have heavy tails: kurtosis ")
    robust = findings(regress.fit({"carat": x, "price": y}, "price", cov_type="HC1").record)
    assert robust[1].endswith("The standard errors allow for it.")
    assert findings(regress.fit({"carat": x, "price": y}, "log(price) ~ carat").record) == []
    concave = findings(regress.fit({"carat": y, "x": x}, "x").record)
    assert concave[0].endswith("try a curve in carat, such as its square.")
    trend = np.cumsum(random.normal(size=300))
    alike = findings(regress.fit({"t": np.arange(300.0), "y": trend}, "y").record)
    assert any(text.startswith("Neighboring rows are alike: Durbin–Watson 0.") for text in alike)


def test_a_fit_that_did_not_converge_says_nothing():
    x, y = table()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", regress.ConvergenceWarning)
        fit = regress.fit(np.column_stack([x, x**2]), y + x**3, solver="gd", max_iter=1)
    assert findings(fit.record) == []


def test_points_are_every_row_and_only_on_request(tmp_path):
    x, y = table(50)
    fit = regress.fit(x[:, None], y, points=True)
    shown = fit.record.residuals.points
    predicted = fit.model.predict(x[:, None])
    assert [p.predicted for p in shown] == pytest.approx(predicted)
    assert [p.residual for p in shown] == pytest.approx(y - predicted)
    fit.save(tmp_path / "m.json")
    assert regress.load(tmp_path / "m.json").record.residuals.points == shown
    assert regress.fit(x[:, None], y).record.residuals.points == ()
    x, y = table(2001)
    many = regress.fit(x[:, None], y, points=True).record.residuals
    assert many.points == ()
    assert {each.plane for each in many.hexagons} == {"actual", "fitted", "scale", "leverage", "order"}
    with pytest.raises(regress.InputError, match=r"points needs rows\. Remove sample=0"):
        regress.fit(x[:, None], y, points=True, sample=0)
