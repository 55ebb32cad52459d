"""Plots on matplotlib's axes: what is drawn are the values of the fit, on the axes that were given."""

import os
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest

matplotlib.use("Agg")

from markupsafe import escape
from matplotlib import pyplot
from matplotlib.collections import LineCollection, PathCollection

import regress
from regress import plot
from regress.api.report import page
from regress.errors import INSTALL_PLOT, ConvergenceWarning, DataWarning, InputError, MissingDependencyError
from regress.objective import autodiff

ROOT = Path(__file__).resolve().parents[2]
CHARTS = {"coefficients": 1, "convergence": 2, "training": 2, "residuals": 4, "descent": 1}


@pytest.fixture(autouse=True)
def no_figure_is_left():
    """Begin and end without a figure, and draw few pixels meanwhile."""
    pyplot.close("all")
    with matplotlib.rc_context({"figure.dpi": 30}):
        yield
    pyplot.close("all")


def rows(m=300, n=3, seed=0):
    random = np.random.default_rng(seed)
    X = random.normal(size=(m, n)) * np.linspace(0.1, 9.0, n)
    return X, X @ np.linspace(3.0, -1.0, n) + 2.0 + random.normal(size=m)


@pytest.fixture(scope="module")
def fit():
    return regress.fit(*rows(), over="rows")  # so that there is a descent to draw


@pytest.fixture(scope="module")
def compared():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "tensorflow", None)  # it takes seconds to import, and is a row less
        autodiff._tensorflow.cache_clear()
        result = regress.compare(*rows(60))
    autodiff._tensorflow.cache_clear()
    return result


def drawn(figure):
    """Return the picture as pixels: what does not draw raises here."""
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())


def points(ax):
    """Return what dots, lines and spans are at, in the order drawn."""
    dots = [part.get_offsets().tolist() for part in ax.collections if isinstance(part, PathCollection)]
    spans = [
        [segment.tolist() for segment in part.get_segments()]
        for part in ax.collections
        if isinstance(part, LineCollection)
    ]
    return dots, [line.get_xydata().tolist() for line in ax.lines], spans


@pytest.mark.parametrize("name", CHARTS)
def test_what_is_returned_says_where_it_was_drawn(fit, name):
    display = getattr(plot, name)(fit)
    assert len(display.axes_) == CHARTS[name]
    assert display.ax_ is display.axes_[0]
    assert all(ax.figure is display.figure_ for ax in display.axes_)
    assert list(display.figure_.axes) == list(display.axes_)
    assert pyplot.get_fignums() == [display.figure_.number]
    assert drawn(display.figure_).std() > 0
    for ax in display.axes_:
        assert ax.get_title()
        assert ax.get_xlabel()


def test_a_comparison_is_drawn_on_three_axes(compared):
    display = plot.comparison(compared)
    assert len(display.axes_) == 3
    done = [each for each in compared.fits if each.w is not None]
    digits, loss, seconds = display.axes_
    assert [bar.get_width() for bar in digits.patches] == [each.digits for each in done]
    assert [label.get_text() for label in digits.get_yticklabels()] == [each.name for each in done]
    above = [each.excess_loss for each in done]
    (dots,) = points(loss)[0]
    assert dots == [[value, place] for place, value in enumerate(above) if value > 0]
    (dots,) = points(seconds)[0]
    assert dots == [[each.seconds, place] for place, each in enumerate(done)]
    assert loss.get_xscale() == seconds.get_xscale() == "log"
    drawn(display.figure_)


@pytest.mark.parametrize("name", CHARTS)
def test_axes_that_are_given_are_drawn_on(fit, name):
    count = CHARTS[name]
    figure, axes = pyplot.subplots(1, count)
    display = getattr(plot, name)(fit, ax=axes)
    assert list(display.axes_) == list(np.ravel(axes))
    assert display.figure_ is figure
    assert pyplot.get_fignums() == [figure.number]
    assert all(ax.has_data() for ax in display.axes_)
    drawn(figure)


@pytest.mark.parametrize("shape", [(2, 2), (4, 1), (1, 4)])
def test_axes_may_come_in_any_shape(fit, shape):
    figure, axes = pyplot.subplots(*shape)
    for given in (axes, list(axes.ravel()), tuple(axes.ravel())):
        assert list(plot.residuals(fit, ax=given).axes_) == list(axes.ravel())
    assert pyplot.get_fignums() == [figure.number]


def test_charts_share_the_place_of_one_axes_in_a_grid(fit, compared):
    figure, (left, right) = pyplot.subplots(1, 2)
    plot.coefficients(fit, ax=left)
    box = right.get_position()
    for draw, result, count in ((plot.residuals, fit, 4), (plot.convergence, fit, 2), (plot.comparison, compared, 3)):
        display = draw(result, ax=right)
        assert display.figure_ is figure
        assert len(display.axes_) == count
        assert not {left, right} & set(display.axes_)
        drawn(figure)
        for ax in display.axes_:
            inside = ax.get_position()
            assert box.x0 - 0.01 <= inside.x0 < inside.x1 <= box.x1 + 0.01
        for ax in display.axes_:
            ax.remove()
    assert pyplot.get_fignums() == [figure.number]


def test_one_chart_takes_an_axes_of_a_subfigure(fit):
    figure = pyplot.figure()
    part, _ = figure.subfigures(1, 2)
    ax = part.subplots()
    display = plot.descent(fit, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is part
    display = plot.residuals(fit, ax=part.subplots(2, 2))
    assert display.figure_ is part
    drawn(figure)


def test_a_wrong_number_of_axes_or_none_at_all_is_refused(fit, compared):
    figure, axes = pyplot.subplots(2, 3)
    lonely = figure.add_axes((0, 0, 0.1, 0.1))
    before = [len(ax.get_children()) for ax in figure.axes]
    for draw, result, given in (
        (plot.residuals, fit, axes),
        (plot.residuals, fit, axes[0]),
        (plot.residuals, fit, lonely),
        (plot.convergence, fit, lonely),
        (plot.convergence, fit, []),
        (plot.coefficients, fit, []),
        (plot.coefficients, fit, axes[0]),
        (plot.coefficients, fit, figure),
        (plot.coefficients, fit, "ax"),
        (plot.coefficients, fit, 0),
        (plot.descent, fit, [lonely, lonely]),
        (plot.convergence, fit, [lonely, None]),
        (plot.comparison, compared, axes),
    ):
        with pytest.raises(InputError):
            draw(result, ax=given)
    assert [len(ax.get_children()) for ax in figure.axes] == before
    assert pyplot.get_fignums() == [figure.number]


def test_the_dots_of_coefficients_are_the_standardized_ones_and_the_lines_their_intervals(fit):
    ax = plot.coefficients(fit).ax_
    order = np.argsort(-np.abs(fit.standardized))
    (dots,), ((start, end),), (spans,) = points(ax)
    assert (start[0], end[0]) == (0.0, 0.0)  # a line at zero, past all of them
    assert start[1] < 0
    assert end[1] > len(order) - 1
    assert dots == [[fit.standardized[j], place] for place, j in enumerate(order)]
    assert [label.get_text() for label in ax.get_yticklabels()] == [fit.names[j] for j in order]
    X, y = rows()
    tests = fit._held.statistics.tests()[1:]
    for place, j in enumerate(order):
        *_, low, high = tests[j]
        unit = X[:, j].std() / y.std()
        np.testing.assert_allclose(spans[place], [[low * unit, place], [high * unit, place]], rtol=1e-12)
    top, bottom = sorted(ax.get_ylim(), reverse=True)
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the largest is on top
    assert bottom < 0
    assert top > len(order) - 1


def test_the_residuals_are_those_of_the_rows(fit):
    X, y = rows()
    solution = np.linalg.lstsq(np.column_stack([X, np.ones(300)]), y)[0]
    residual = y - X @ solution[:3] - solution[3]
    predicted = y - residual
    actual, against, normal, scale = plot.residuals(fit).axes_
    parts = np.array_split(np.argsort(predicted), 12)  # int(0.7 √300) slices
    _, (zero, mean), _ = points(against)
    assert [y for _, y in zero] == [0.0, 0.0]
    expected = [[predicted[part].mean(), residual[part].mean()] for part in parts]
    np.testing.assert_allclose(mean, expected, atol=0.006 * np.ptp(predicted) / 10)
    z = residual / np.sqrt(residual @ residual / 296)
    _, (mean,), _ = points(scale)
    expected = [np.sqrt(np.abs(z[part])).mean() for part in parts]
    np.testing.assert_allclose([y for _, y in mean], expected, atol=0.006)
    for ax, values in ((actual, y), (against, residual), (normal, z), (scale, np.sqrt(np.abs(z)))):
        dots = np.array(points(ax)[0][0])
        assert values.min() <= dots[:, 1].min() <= dots[:, 1].max() <= values.max()
        sizes = ax.collections[0].get_sizes()
        assert len(set(sizes)) > 1 or ax is normal
    for ax in (actual, normal):
        (_, (line,), _) = points(ax)
        assert line[0][0] == line[0][1]
        assert line[1][0] == line[1][1]


def test_pictures_over_the_prediction_show_the_same_groups(fit):
    actual, against, _, scale = plot.residuals(fit).axes_
    groups = np.array(fit.record.residuals.groups)
    for ax, values in ((actual, groups[:, 1] + groups[:, 2]), (against, groups[:, 2]), (scale, groups[:, 3])):
        assert points(ax)[0] == [np.column_stack([groups[:, 1], values]).tolist()]
        assert ax.collections[0].get_sizes().tolist() == actual.collections[0].get_sizes().tolist()
        area = ax.collections[0].get_sizes() - 10.0
        np.testing.assert_allclose(area / area.max(), groups[:, 4] / groups[:, 4].max(), rtol=1e-12)


def test_all_dots_of_residuals_are_in_view(fit):
    for ax in plot.residuals(fit).axes_:
        for values, (low, high) in zip(np.array(points(ax)[0][0]).T, (ax.get_xlim(), ax.get_ylim()), strict=True):
            assert low < values.min() <= values.max() < high  # and none is cut in half by the frame
            assert high - low < 1.5 * np.ptp(values)


@pytest.mark.parametrize("solver", ["gd", "newton"])
def test_the_course_of_the_descent(solver):
    X, y = rows(60)
    fit = regress.fit(X, y, solver=solver, over="rows")
    loss, gradient = plot.convergence(fit).axes_
    (line, *_) = points(gradient)[1]
    assert line == [[i.iteration, i.gradient_norm] for i in fit.history.itertuples() if i.gradient_norm > 0]
    residual = y - np.column_stack([X, np.ones(60)]) @ np.linalg.lstsq(np.column_stack([X, np.ones(60)]), y)[0]
    (line, *_) = points(loss)[1]
    early = [[i.iteration, i.loss - residual @ residual] for i in fit.history.itertuples()]
    early = [point for point in early if point[1] > 1e-6 * early[0][1]]
    np.testing.assert_allclose(line[: len(early)], early, rtol=1e-6)
    assert loss.get_yscale() == gradient.get_yscale() == "log"
    assert loss.get_xscale() == "linear"
    drawn(loss.figure)


@pytest.mark.parametrize("pair", [(None, None), ("x2", "x0")])
def test_the_descent_ends_at_the_coefficients(fit, pair):
    X, y = rows()
    display = plot.descent(fit, *pair)
    ax = display.ax_
    first, second = (2, 0) if pair[0] else sorted(np.argsort(-np.abs(fit.standardized))[:2].tolist())
    assert ax.get_xlabel() == f"coefficient of x{first}"
    assert ax.get_ylabel() == f"coefficient of x{second}"
    best = fit.w[[first, second]]
    paths = [line for line in ax.lines if line.get_label() in ("plain", "accelerated", "preconditioned")]
    assert len(paths) == 3
    for line in paths:
        np.testing.assert_array_equal(line.get_xydata()[0], 0.0)
        np.testing.assert_allclose(line.get_xydata()[-1], best, rtol=1e-6)
        assert ax.viewLim.fully_containsx(line.get_xdata().min())
        assert ax.viewLim.fully_containsy(line.get_ydata().max())
    (rest,) = {0, 1, 2} - {first, second}
    Z = np.column_stack([X[:, rest], np.ones(300)])

    def lowest(w):
        left = y - X[:, [first, second]] @ w
        left = left - Z @ np.linalg.lstsq(Z, left)[0]
        return left @ left

    contours = [line for line in ax.lines if line not in paths]
    assert len(contours) == 7
    levels = [[lowest(p) - lowest(best) for p in line.get_xydata()[::12]] for line in contours]
    np.testing.assert_allclose(levels, np.broadcast_to([[levels[0][0] / 4.0**k] for k in range(7)], (7, 7)), rtol=1e-6)
    assert {text.get_text() for text in ax.get_legend().get_texts()} == {
        "plain", "accelerated", "preconditioned", "minimum"
    }  # fmt: skip
    drawn(display.figure_)


@pytest.mark.parametrize("name", CHARTS)
def test_a_saved_model_draws_what_its_fit_draws(fit, name, tmp_path):
    fit.save(tmp_path / "m.json")
    pictures = [getattr(plot, name)(each).axes_ for each in (fit, regress.load(tmp_path / "m.json"))]
    for axes in zip(*pictures, strict=True):
        assert points(axes[0]) == points(axes[1])
        assert len({(ax.get_title(), ax.get_xlabel(), ax.get_ylabel()) for ax in axes}) == 1
    assert (drawn(pictures[0][0].figure) == drawn(pictures[1][0].figure)).all()


NAMES = ["$x_1", "$\\frac{$", "$^$", "$\\frac{", "a_b^c$d$", "100 % $", "_hidden", "\\alpha", "nul\x07 \u202e"]


def test_names_are_text_and_not_formulas():
    random = np.random.default_rng(1)
    frame = pd.DataFrame(random.normal(size=(80, len(NAMES))), columns=NAMES)
    frame["$y_{"] = random.normal(size=80)
    fit = regress.fit(frame, "$y_{")
    display = plot.coefficients(fit)
    drawn(display.figure_)
    shown = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert sorted(shown) == sorted([*NAMES[:-1], "nul\\x07 \\u202e"])
    for first, second in zip(NAMES[::2], [*NAMES[1::2], NAMES[1]], strict=True):
        display = plot.descent(fit, first, second)
        drawn(display.figure_)
        pyplot.close(display.figure_)
    display = plot.residuals(fit)
    drawn(display.figure_)
    assert display.ax_.get_xlabel() == "predicted $y_{"
    labels = [text.get_text() for text in plot.descent(fit, "_hidden", "\\alpha").ax_.get_legend().get_texts()]
    assert labels == ["plain", "accelerated", "preconditioned", "minimum"]


def test_as_little_is_drawn_of_a_million_rows_as_of_a_thousand():
    few, many = regress.fit(*rows(1000), over="rows"), regress.fit(*rows(1_000_000), over="rows")
    for name in CHARTS:
        counts = []
        for fit in (few, many):
            axes = getattr(plot, name)(fit).axes_
            counts.append(sum(len(part) for ax in axes for kind in points(ax) for part in kind))
            assert sum(len(ax.get_children()) for ax in axes) < 40 * len(axes)
        assert counts[1] <= counts[0] + 2000
        assert counts[1] < 4000


def test_a_long_descent_is_thinned():
    X, y = rows(60)
    X[:, 1] = X[:, 0] + 1e-3 * X[:, 1]
    fit = regress.fit(X, y, solver="gd", tol=1e-4)
    assert fit.n_iter > 1000
    for ax in plot.convergence(fit).axes_:
        assert all(len(line) <= 300 for line in points(ax)[1])


def test_figures_are_left_to_their_owner(fit, compared):
    for _ in range(3):
        for name in CHARTS:
            pyplot.close(getattr(plot, name)(fit).figure_)
        pyplot.close(plot.comparison(compared).figure_)
    assert pyplot.get_fignums() == []


def test_what_cannot_be_drawn_leaves_no_figure(fit, compared):
    X, y = rows(8)
    few = regress.fit(X, y)
    one = regress.fit(X[:, :1], y)
    sampled, still = regress.fit(*rows(60), sample=0), regress.fit(rows(60)[0], np.full(60, 2.5), over="rows")
    with pytest.warns(ConvergenceWarning):
        stopped = regress.fit(*rows(60), solver="gd", callbacks=lambda state, record: "stop")
    perfect = regress.fit(np.arange(24.0)[:, None], np.arange(24.0) * 2.0 + 1.0)
    for draw, message in (
        (lambda: plot.residuals(sampled), "No rows were kept for them"),
        (lambda: plot.residuals(perfect), "They are rounding"),
        (lambda: plot.convergence(still), "first point was already the minimum"),
        (lambda: plot.convergence(stopped), "Training ended before its first step"),
        (lambda: plot.convergence(few), "Solved directly in exact arithmetic. Use solver='gd'"),
        (lambda: plot.residuals(few), "There are fewer than ten rows, and a group takes five"),
        (lambda: plot.descent(one), "this model has one"),
        (lambda: plot.descent(fit, "x0", "x00"), "no coefficient 'x00'. Nearest: 'x0'"),
        (lambda: plot.descent(fit, "x0", "x0"), "two different"),
        (lambda: plot.descent(fit, "x0"), "Name both of them"),
        (lambda: plot.descent(fit, second="x0"), "Name both of them"),
        (lambda: plot.coefficients(None), "got NoneType"),
        (lambda: plot.residuals(compared), "got Comparison"),
        (lambda: plot.comparison(fit), "got Fit"),
    ):
        with pytest.raises(InputError, match=message):
            draw()
    assert pyplot.get_fignums() == []


@pytest.mark.parametrize(
    ("X", "y", "options", "lacks"),
    [
        (rows()[0], np.full(300, 2.5), {}, ["residuals", "descent"]),
        (np.column_stack([rows()[0], np.ones(300)]), rows()[1], {}, []),
        (np.column_stack([rows()[0], rows()[0][:, 0]]), rows()[1], {}, []),
        (rows()[0], rows()[1], {"alpha": 5.0}, []),
        (rows()[0], rows()[1], {"fit_intercept": False}, []),
        (np.arange(24.0).reshape(12, 2) ** 2, np.arange(24.0).reshape(12, 2) ** 2 @ [2.0, 3.0], {}, ["residuals"]),
        (np.random.default_rng(1).normal(size=(20, 60)), np.arange(20.0), {}, ["residuals", "descent"]),
        (rows()[0], rows()[1], {"sample": 0}, ["residuals"]),
        (rows()[0][:, :1] > 0, rows()[1], {}, ["descent"]),
        (np.full((300, 1), 4.0), rows()[1], {}, ["descent"]),
        (rows()[0], rows()[1] * 0.01 - 1.7e9, {}, []),
    ],
    ids=[
        *("constant target", "constant column", "dependent", "alpha", "no intercept", "perfect", "wide"),
        *("without a sample", "two values", "constant prediction", "far from zero"),
    ],
)
@pytest.mark.filterwarnings("ignore::regress.errors.DataWarning")
def test_unusual_fits_are_drawn(X, y, options, lacks):
    fit, lacks = regress.fit(X, y, **options), ["convergence", "training", *lacks]  # these are solved directly
    html = page(fit)
    for name in CHARTS:
        if name in lacks:  # which the page says as well
            with pytest.raises(InputError) as raised:
                getattr(plot, name)(fit)
            on_page = str(raised.value).partition(" Use ")[0]  # of the option that draws one
            direct = on_page.startswith("Solved directly")
            assert (on_page.rstrip(".") if direct else str(escape(f"Not shown: {on_page}"))) in html
            assert pyplot.get_fignums() == []
            continue
        display = getattr(plot, name)(fit)
        drawn(display.figure_)
        for ax in display.axes_:
            assert np.isfinite([*ax.get_xlim(), *ax.get_ylim()]).all()
        pyplot.close(display.figure_)
    assert html.count("Not shown:") == len(lacks) - 1 - (fit.precision == "exact")


def test_a_model_alone_holds_nothing_to_draw(fit):
    for name in CHARTS:
        with pytest.raises(InputError, match=r"regress.plot draws a fit, .*; got LinearModel"):
            getattr(plot, name)(fit.model)


def test_without_matplotlib_the_install_line_is_told(fit, compared, monkeypatch):
    for module in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # what Python does for a package that is not there
    draws = [lambda name=name: getattr(plot, name)(fit) for name in CHARTS]
    for draw in (*draws, lambda: plot.comparison(compared)):
        with pytest.raises(MissingDependencyError, match="needs matplotlib") as raised:
            draw()
        assert INSTALL_PLOT in str(raised.value)
        assert isinstance(raised.value, ImportError)


@pytest.mark.parametrize(
    "code", ["import regress", "import regress.plot", "import regress; regress.plot.residuals; regress.load"]
)
def test_matplotlib_is_imported_where_something_is_drawn(code, tmp_path):
    code += "\nimport sys; print([m for m in sys.modules if m.partition('.')[0] in ('matplotlib', 'jinja2')])"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = done.stdout.strip()
    assert "matplotlib" not in loaded


def test_of_dependent_columns_a_warning_is_all_that_is_said():
    X, y = rows()
    with pytest.warns(DataWarning):
        fit = regress.fit(np.column_stack([X, X[:, 0]]), y)
    drawn(plot.descent(fit, "x0", "x3").figure_)  # a valley without an end
