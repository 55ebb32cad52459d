"""The descent on a page: paths, contours and the slider, against a loop over the rows."""

import math
import re
from fractions import Fraction

import numpy as np
import pytest

import regress
from regress.aggregates.plain_moments import to_moments
from regress.api import drawings
from regress.api.report import page
from regress.inference.descent_paths import descents
from tests.pages import (
    Drawn,
    number,
    page_of,
    read,
)
from tests.report.situations import (
    correlated_rows,
    normal_rows,
)


def walked(X, y, method, steps, a=None, alpha=0.0, intercept=True):
    """Gradient descent, or Nesterov's with restarts, over rows in standardized columns: w in the user's units."""
    a = np.ones(len(y)) if a is None else a
    mean = a @ X / a.sum() if intercept else np.zeros(X.shape[1])
    level = a @ y / a.sum() if intercept else 0.0
    spread = np.sqrt(a @ (X - a @ X / a.sum()) ** 2 / a.sum()) if intercept else np.sqrt(a @ X**2 / a.sum())
    spread = np.where(spread > 0, spread, 1.0)
    Z = (X - mean) / spread
    Z = np.column_stack([Z, np.ones(len(y))]) if intercept else Z
    ridge = np.diag([*(alpha / spread**2), *([0.0] if intercept else [])])
    H = 2.0 * (Z.T @ (a[:, None] * Z) + ridge)
    # half the limit Σa/λmax, which is that of the rows and of the penalty: a step of 1/λmax of ∇²L
    rate = 1.0 / np.linalg.eigvalsh(H)[-1]
    g = 2.0 * Z.T @ (a * (y - level))

    def gradient(v):
        return H @ v - g

    x = v = np.zeros(Z.shape[1])
    t, seen = 1.0, [v]
    for _ in range(steps):
        down = v - rate * gradient(v)
        if method == "plain":
            v = down
        else:
            if gradient(v) @ (down - x) > 0:
                t = 1.0
            new = (1.0 + math.sqrt(1.0 + 4.0 * t * t)) / 2.0
            v, x, t = down + (t - 1.0) / new * (down - x), down, new
        seen.append(v)
    best = np.linalg.solve(H, g) if np.linalg.matrix_rank(H) == len(H) else np.linalg.pinv(H) @ g
    points = np.array(seen)
    excess = [(v - best) @ H @ (v - best) / 2.0 for v in seen]
    return points[:, : X.shape[1]] / spread, np.array(excess)


DESCENTS = {
    "plain": (correlated_rows(), {}),
    "alpha": (correlated_rows(), {"alpha": 20.0}),
    "no intercept": (correlated_rows(), {"fit_intercept": False}),
    "weights": (correlated_rows(), {"weights": np.random.default_rng(1).uniform(0.5, 4.0, 300)}),
    "easy": (normal_rows(), {}),
    "gd itself": (correlated_rows(), {"solver": "gd"}),
}


def of_descent(name):
    (X, y), options = DESCENTS[name]
    told = {"a": options.get("weights"), "alpha": options.get("alpha", 0.0)}
    return X, y, regress.fit(X, y, **options), {**told, "intercept": options.get("fit_intercept", True)}


@pytest.mark.parametrize("method", ["plain", "accelerated"])
@pytest.mark.parametrize("name", DESCENTS)
def test_paths_are_those_of_a_loop_over_the_rows(name, method):
    X, y, fit, options = of_descent(name)
    pair = (0, 2)
    found = descents(fit._held.data.moments, fit.names, pair, options["intercept"], options["alpha"])
    (path,) = [path for path in found.paths if path.method == method]
    arrives = np.flatnonzero(walked(X, y, method, 200, **options)[1] <= 1e-15 * path.excess[0])
    assert path.arrived is (arrives.size > 0)
    assert len(path.points) == len(path.excess) == (arrives[0] + 1 if path.arrived else 201) > 7
    assert path.excess.min() >= 0
    points, excess = walked(X, y, method, len(path.points) - 1, **options)
    size = np.abs(points[:, list(pair)]).max(0)
    np.testing.assert_allclose(path.points / size, points[:, list(pair)] / size, atol=1e-8)
    clear = excess > 1e-9 * excess[0]
    np.testing.assert_allclose(path.excess[clear], excess[clear], rtol=1e-5)
    np.testing.assert_allclose(path.excess[~clear], excess[~clear], atol=1e-8 * excess[0])


@pytest.mark.parametrize("name", DESCENTS)
def test_preconditioned_descent_arrives_in_a_step(name):
    _, _, fit, options = of_descent(name)
    found = descents(fit._held.data.moments, fit.names, (1, 2), options["intercept"], options["alpha"])
    (path,) = [path for path in found.paths if path.method == "preconditioned"]
    np.testing.assert_allclose(path.points[1], fit.w[[1, 2]], rtol=1e-7 if name == "gd itself" else 1e-9)
    np.testing.assert_allclose(found.minimum, fit.w[[1, 2]], rtol=1e-7 if name == "gd itself" else 1e-9)
    assert 0 <= path.excess[1] <= 1e-15 * path.excess[0]
    assert path.arrived is True
    assert len(path.excess) == len(path.points) == 2


def loss_with_others_best(X, y, pair, point, a=None, alpha=0.0, intercept=True):
    """Return L where two coefficients are given and all others the best there are, over the rows."""
    a = np.ones(len(y)) if a is None else a
    rest = [j for j in range(X.shape[1]) if j not in pair]
    target = y - X[:, pair] @ point
    Z = np.column_stack([X[:, rest], np.ones(len(y))]) if intercept else X[:, rest]
    root, penalty = np.sqrt(a)[:, None], np.sqrt(alpha) * np.eye(len(rest), Z.shape[1])
    A, c = np.vstack([Z * root, penalty]), np.append(target * root[:, 0], np.zeros(len(rest)))
    left = c - A @ np.linalg.lstsq(A, c)[0]
    return left @ left + alpha * point @ point


@pytest.mark.parametrize("pair", [("x0", "x2"), ("x2", "x1")])
@pytest.mark.parametrize("name", DESCENTS)
def test_contours_lie_where_the_loss_is_equal(name, pair):
    X, y, fit, options = of_descent(name)
    at = [fit.names.index(each) for each in pair]
    chart = drawings.descent(fit.record, pair).chart
    contours = [mark for mark in chart.marks if mark.kind == "line" and mark.role == "muted"]
    assert len(contours) == 7
    lowest = loss_with_others_best(X, y, at, fit.w[at], **options)
    first = walked(X, y, "plain", 0, **options)[1][0]
    for k, contour in enumerate(contours):
        levels = [
            loss_with_others_best(X, y, at, np.array(p), **options) - lowest
            for p in list(zip(contour.x, contour.y, strict=True))[::9]
        ]
        np.testing.assert_allclose(levels, first / 4.0**k, rtol=1e-6)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_the_loss_above_the_minimum_is_that_of_fractions(fit_intercept):
    X, y = [[1, 2], [3, -1], [4, 4], [-2, 5], [0, 1], [7, 3]], [3, -1, 8, 2, 0, 11]
    model = regress.fit(np.array(X, float), np.array(y, float), fit_intercept=fit_intercept)
    rows = [[Fraction(v) for v in row] for row in X]
    target = [Fraction(v) for v in y]
    if fit_intercept:  # b at its best: columns about their means
        means = [sum(column) / 6 for column in zip(*rows, strict=True)]
        rows = [[v - m for v, m in zip(row, means, strict=True)] for row in rows]
        target = [v - sum(target) / 6 for v in target]
    products = [[sum(r[i] * r[j] for r in rows) for j in (0, 1)] for i in (0, 1)]
    across = [sum(r[i] * v for r, v in zip(rows, target, strict=True)) for i in (0, 1)]
    det = products[0][0] * products[1][1] - products[0][1] ** 2
    best = [
        (across[0] * products[1][1] - across[1] * products[0][1]) / det,
        (across[1] * products[0][0] - across[0] * products[0][1]) / det,
    ]

    def loss(w):
        return sum((sum(c * v for c, v in zip(w, r, strict=True)) - t) ** 2 for r, t in zip(rows, target, strict=True))

    found = descents(to_moments(model.record.moments), model.names, (0, 1), fit_intercept, 0.0)
    for path in found.paths:
        for point, excess in zip(path.points.tolist(), path.excess.tolist(), strict=True):
            true = float(loss([Fraction(v) for v in point]) - loss(best))
            if true > 1e-8 * path.excess[0]:
                assert excess == pytest.approx(true, rel=1e-6)
            else:
                assert excess <= 1.1e-8 * path.excess[0]
    np.testing.assert_allclose(found.minimum, [float(v) for v in best], rtol=1e-13)


@pytest.mark.parametrize("name", ["plain", "alpha", "easy"])
def test_the_descent_of_a_page_is_drawn_where_it_goes(name):
    X, y, fit, options = of_descent(name)
    root = read(page(fit, ["x2", "x0"]))
    drawn = Drawn(root, "descent-map")
    assert drawn.x_label == "coefficient of x2"
    lines = drawn.svg.all("polyline")
    assert len(lines) == 7 + 3
    for at, method in ((7, "plain"), (8, "accelerated")):
        assert method in [t.text for t in drawn.svg.all("text")]
        points, excess = walked(X, y, method, len(drawn.line(at)) - 1, **options)
        drawn.agree(drawn.line(at), points[:, [2, 0]].tolist())
        course = Drawn(root, "descent-loss")
        clear = [(k, e) for k, e in enumerate(excess.tolist()) if e > 1e-8 * excess[0]]
        line = course.line(("plain", "accelerated").index(method))
        course.agree(line[: len(clear)], clear)
        assert len(line) == len(excess)
        assert excess[-2] > 1e-15 * excess[0]
        floor = max(excess[-1], 1e-15 * excess[0])
        course.agree(line[-1:], [(len(line) - 1, floor)])  # what has arrived ends at the floor
        assert len(line) == 201 or floor == 1e-15 * excess[0]


@pytest.mark.parametrize("name", ["plain", "easy", "no intercept"])
def test_what_the_slider_says_is_where_the_walkers_are(name):
    X, y, fit, options = of_descent(name)
    root = read(page(fit, ["x0", "x1"]))
    drawn = Drawn(root, "descent-map")
    texts = root.one("output").attributes["data-texts"].split("|")
    slider = root.one("input").attributes
    assert (slider["min"], slider["max"], slider["value"]) == ("0", str(len(texts) - 1), str(len(texts) - 1))
    steps = [int(re.match(r"Step ([\d,]+)\.", text)[1].replace(",", "")) for text in texts]
    assert steps == sorted(set(steps))
    assert steps[:10] == list(range(10))
    assert steps[-1] <= 200
    walkers = drawn.svg.all("circle", class_="walker")
    assert len(walkers) == 3
    for walker, method in zip(walkers, ("plain", "accelerated"), strict=False):
        points, excess = walked(X, y, method, steps[-1], **options)
        arrives = next((k for k, above in enumerate(excess) if above <= 1e-15 * excess[0]), 201)
        stops = [min(k, arrives) for k in steps]
        xs, ys = ([float(v) for v in walker.attributes[f"data-{a}"].split()] for a in "xy")
        places = [(drawn.at_x(x), drawn.at_y(y)) for x, y in zip(xs, ys, strict=True)]
        drawn.agree(places, points[np.ix_(stops, [0, 1])].tolist())
        assert (walker.attributes["cx"], walker.attributes["cy"]) == (f"{xs[-1]}", f"{ys[-1]}")
        told = [re.search(rf"{method} ([^,]+)", text)[1] for text in texts]
        assert [said == "only rounding" for said in told] == [k >= arrives for k in steps]
        for k, said in zip(steps, told, strict=True):
            if excess[k] > 1e-8 * excess[0]:
                assert number(said) == pytest.approx(excess[k], rel=0.006)
        svg = root.one("figure", id="figure-descent-map").one("svg")
        ends = f"{method} arrives at the minimum after {arrives} steps"
        assert (ends in svg.one("desc").text) is (arrives <= 200)
    assert "-" not in "".join(texts)
    assert "preconditioned arrives at the minimum after 1 step." in svg.one("desc").text


def test_what_does_not_arrive_says_how_far_above_it_is():
    X, y = normal_rows()
    X[:, 1] = X[:, 0] + 0.05 * X[:, 1] / 40
    fit = regress.fit(X, y)
    root = read(page(fit, ["x0", "x1"]))
    told = root.one("output").attributes["data-texts"].split("|")[-1]
    course = Drawn(root, "descent-loss")
    for number_of, method in enumerate(("plain", "accelerated")):
        excess = walked(X, y, method, 200)[1]
        assert excess[-1] > 1e-9 * excess[0]
        for chart in ("descent-map", "descent-loss"):
            alt = root.one("figure", id=f"figure-{chart}").one("desc").text
            above = re.search(rf"{method} is (\S+) above it after 200 steps", alt)[1]
            assert number(above) == pytest.approx(excess[-1], rel=0.06)
        assert number(re.search(rf"{method} ([^,]+)", told)[1]) == pytest.approx(excess[-1], rel=0.006)
        line = course.line(number_of)
        assert len(line) == 201
        course.agree(line[-1:], [(200, excess[-1])])
    assert told.startswith("Step 200.")
    assert told.endswith("preconditioned only rounding")


def test_without_names_the_two_largest_coefficients_walk():
    X, y = normal_rows()
    fit = regress.fit(X, y)
    first, second = sorted(np.argsort(-np.abs(fit.standardized))[:2].tolist())
    assert Drawn(page_of(X, y), "descent-map").x_label == f"coefficient of {fit.names[first]}"
    chart = drawings.descent(fit.record).chart
    assert chart.y.label == f"coefficient of {fit.names[second]}"
