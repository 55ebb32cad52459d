"""The choice of solver, way and precision: what runs is what was asked for, and it says so."""

import numpy as np
import pytest

import regress
from regress import InputError, LinearRegressor
from regress.aggregates.collect import collect_rows
from regress.blocks import blocks_of
from regress.objective import autodiff, gradient
from regress.solvers import choose
from regress.solvers.train import Regression

random = np.random.default_rng(12)
X = random.normal(size=(60, 3)) + np.array([0.0, 5.0, -2.0])
y = X @ [1.0, 2.0, 3.0] + random.normal(size=60)


@pytest.mark.filterwarnings("ignore::regress.DataWarning")  # few rows
@pytest.mark.parametrize("table", [(X, y), (X[:3], y[:3])], ids=["tall", "wide"])
@pytest.mark.parametrize("options", [{}, {"precision": "exact"}, {"solver": "newton"}, {"alpha": 2.0}], ids=str)
def test_an_exact_minimum_has_no_history(table, options):
    fit = regress.fit(*table, **options)
    assert (fit.solver, fit.precision, fit.status) == ("direct", "exact", "converged")
    assert (fit.n_iter, len(fit.history), fit.learning_rate) == (0, 0, None)
    assert fit._held.training.stationarity < 1e-14
    assert fit._held.training.gradient_norm < 1e-10
    assert LinearRegressor(**options).fit(*table).n_iter_ == 1  # as scikit-learn demands


@pytest.mark.parametrize("options", [{"solver": s} for s in ("gd", "accelerated", "cg")] + [{"over": "rows"}], ids=str)
def test_a_descent_that_is_asked_for_runs_and_is_certified_all_the_same(options):
    fit = regress.fit(X, y, **options)
    assert (fit.solver, fit.precision) == (options.get("solver", "newton"), "float64")
    assert fit.n_iter == len(fit.history) - 1 >= 1
    assert "float64" in fit.precision_reason
    norms = fit.history["gradient_norm"].to_numpy()
    assert norms[-1] < 1e-5 * norms[0]
    assert fit.certificate.worst > 6.0
    assert fit.over == options.get("over", "moments")


@pytest.mark.tensorflow
@pytest.mark.parametrize("over", ["auto", "rows"])
def test_the_tape_is_used_where_it_is_asked_for(over, monkeypatch):
    calls = []
    for name in ("rows", "moments"):
        taped = getattr(autodiff, name)
        monkeypatch.setattr(autodiff, name, lambda *given, taped=taped: calls.append(1) or taped(*given))
        monkeypatch.setattr(gradient, name, None)  # the derived gradient is out of reach
    fit = regress.fit(X, y, gradient="autodiff", over=over)
    assert fit.precision_reason == "autodiff descends in float64"
    assert len(calls) == len(fit.history) > 1
    with pytest.raises(InputError, match="autodiff descends in float64"):
        regress.fit(X, y, gradient="autodiff", precision="exact")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({}, "by default"),
        ({"precision": "float64"}, "as requested"),
        ({"solver": "cg"}, "cg descends in float64"),
        ({"over": "rows"}, "the gradient over rows is in float64"),
        ({"over": "moments"}, "by default"),
    ],
    ids=str,
)
def test_the_reason_is_said(options, reason):
    assert regress.fit(X, y, **options).precision_reason == reason


@pytest.mark.parametrize("limits", [choose.FILES, choose.ARRAYS], ids=["files", "arrays"])
@pytest.mark.parametrize("n", [1, 7, 40])
def test_sums_are_exact_up_to_the_limits_and_not_a_row_further(limits, n):
    most = min(limits.cells // (n + 2), limits.products // n**2)
    assert limits.allow(most, n)
    assert not limits.allow(most + 1, n)


@pytest.mark.parametrize("n", [1, 40, 41, 300])
def test_text_of_forty_columns_has_no_limit_of_rows(n):
    assert choose.TEXT.allow(10**15, n) == (n <= 40)
    for rows in (1000, 10**5, 10**7):
        assert choose.TEXT.allow(rows, n) == (n <= 40 or choose.FILES.allow(rows, n))
        assert choose.TEXT.wait(rows, n) == (n > 40 and choose.FILES.allow(rows, n))


def test_arrays_are_summed_exactly_up_to_a_tenth_of_what_files_are(monkeypatch):
    monkeypatch.setattr(choose, "FILES", choose.Limits(cells=600, products=10**9))
    monkeypatch.setattr(choose, "ARRAYS", choose.Limits(cells=60, products=10**9))
    assert regress.fit(X, y).precision == "exact"
    seen = []
    monkeypatch.setattr(choose, "better_exact", lambda options, data, accuracy: seen.append(data.exact))
    LinearRegressor().fit(X, y)
    LinearRegressor().fit(X[:12], y[:12])
    assert seen == [False, True]


def test_the_reference_of_a_comparison_is_exact_where_that_takes_seconds():
    assert choose.reference(1000, 10, True).precision == "exact"
    assert choose.reference(10**8, 10, True).precision == "float64"
    assert choose.reference(10**5, 400, False).over == "rows"
    for shape in ((60, 3), (3, 60)):
        options = choose.reference(*shape, True)
        table = random.normal(size=shape)
        data = collect_rows(blocks_of(table, y[: len(table), None]), options.over, precision="exact")
        assert Regression(data, options, [str(j) for j in range(shape[1])]).train().precision == "exact"
