"""The charts of residuals: groups, trends, quantiles and counts, against the rows."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri

import regress
from regress.api.report import page
from regress.inference import residuals
from regress.report import residual_charts
from tests.pages import (
    Drawn,
    page_of,
    read,
    table_of,
)
from tests.report.situations import (
    SITUATIONS,
    normal_rows,
    plain_residuals,
)


def slices_of(m):
    """Return where slices of m rows in order of ŷ begin, if no two are equal, and where the last ends."""
    count = min(24, int(0.7 * math.sqrt(m)))
    return [m * k // count for k in range(count + 1)]


def fenced(values):
    """Move what is further than five times the middle half of the rows beyond it there."""
    low, high = np.percentile(values, [25, 75])
    reach = 5 * (high - low)
    if low == high:
        others = np.abs(values[values != low] - low)
        reach = 5 * np.percentile(others, 75) if len(others) >= 5 else 0.0
    return np.minimum(np.maximum(values, low - reach), high + reach)


def close(found, true):
    """Hold rounded means against means: a thousandth of their range is kept."""
    true = np.array(true)
    assert np.array(found) == pytest.approx(true, abs=6e-4 * np.ptp(true) + 1e-11 * np.abs(true).max() + 6e-13)


def assert_partition(found, x, y, *others):
    """Hold groups against the rows: slices along x in which ties stay together, cut along y, and means of all."""
    part, rows = [int(group[0]) for group in found], [group[-1] for group in found]
    m, in_order = len(x), np.argsort(x, kind="stable")
    assert part == sorted(part)
    assert set(part) == set(range(part[-1] + 1))
    assert part[-1] + 1 <= min(24, int(0.7 * math.sqrt(m)))
    assert min(rows) >= 5
    assert sum(rows) == m
    grain = np.subtract(*np.quantile(y, [0.995, 0.005])) / 20
    within, beyond = grain * (1 + 1e-9) + 1e-15 * np.ptp(y), grain * (1 - 1e-9) - 1e-15 * np.ptp(y)
    start, runs = 0, []
    for k in range(part[-1] + 1):
        sizes = [size for of, size in zip(part, rows, strict=True) if of == k]
        slice_rows = in_order[start : start + sum(sizes)]
        assert start == 0 or x[in_order[start - 1]] < x[in_order[start]]
        start, at = start + len(slice_rows), 0
        slice_rows = slice_rows[np.argsort(y[slice_rows], kind="stable")]
        for size in sizes:
            run, last = y[slice_rows[at : at + size]], at + size == len(slice_rows)
            runs.append(slice_rows[at : at + size])
            if last:  # fewer than five that are left over join it
                assert size < 10 or run[size - 5] - run[0] <= within
            else:
                assert size == 5 or run[-1] - run[0] <= within
                assert y[slice_rows[at + size]] - run[0] > beyond
            at += size
    for number, values in enumerate((x, y, *others), 1):
        close([group[number] for group in found], [values[run].mean() for run in runs])


def of_situation(name):
    """Return ŷ, y − ŷ and z of the rows of a situation by numpy, as they are without a fence."""
    (X, y), options = SITUATIONS[name]
    a = options.get("weights")
    predicted, residual, z = plain_residuals(X, y, a, options.get("fit_intercept", True))
    if name == "frequency":
        z = residual / np.sqrt((a * residual**2).sum() / (a.sum() - 4))
    return predicted, residual, z


@pytest.mark.parametrize("name", ["plain", "weights", "no intercept", "float64", "frequency", "outlier", "two values"])
def test_the_groups_of_a_fit_are_those_of_its_rows(situation, name):
    predicted, residual, z = of_situation(name)
    found = situation(name).record.residuals
    assert found.rows == len(z)
    groups = found.groups
    predicted = np.round(predicted, 9) if name == "two values" else predicted  # so that rows tie as they should
    assert_partition(groups, fenced(predicted), fenced(residual), np.sqrt(np.abs(fenced(z))))
    means, rows = np.array(groups)[:, 1:4], np.array(groups)[:, 4]
    for mean, values in zip(means.T, (fenced(predicted), fenced(residual), np.sqrt(np.abs(fenced(z)))), strict=True):
        assert rows @ mean / rows.sum() == pytest.approx(values.mean(), abs=6e-4 * np.ptp(mean) + 1e-12)
    assert found.far == {"outlier": None}.get(name, 0)


@pytest.mark.parametrize("name", ["plain", "weights", "no intercept", "float64", "frequency"])
def test_the_trend_is_the_mean_of_slices(situation, name):
    predicted, residual, z = of_situation(name)
    parts = np.array_split(np.argsort(predicted, kind="stable"), 12)  # int(0.7 √300)
    root = read(page(situation(name)))
    for chart, values, number in (("fitted", residual, 1), ("scale", np.sqrt(np.abs(z)), 0)):
        drawn = Drawn(root, chart)
        mean = [(predicted[part].mean(), values[part].mean()) for part in parts]
        drawn.agree(drawn.line(number), mean)


@pytest.mark.parametrize("m", [10, 11, 57, 300, 5000])
def test_the_trend_of_any_number_of_rows_is_the_mean_of_slices(m):
    X, y = normal_rows(m, seed=m)
    predicted, residual, z = plain_residuals(X, y)
    order, cuts = np.argsort(predicted), slices_of(m)
    part, x, mean, root, rows = zip(*regress.fit(X, y).record.residuals.groups, strict=True)
    for values, true in ((mean, residual), (root, np.sqrt(np.abs(z)))):
        found = residual_charts.trend(part, x, values, rows)
        slices = [order[a:b] for a, b in pairwise(cuts)]
        assert len(found) == len(slices)
        for number, of in enumerate((predicted, true)):
            expected = np.array([of[each].mean() for each in slices])
            group = np.ptp(x if number == 0 else values)
            assert [point[number] for point in found] == pytest.approx(expected, abs=6e-4 * group)


@pytest.mark.parametrize("m", [10, 11, 14, 57, 300, 5000])
def test_the_groups_of_a_quantile_plot_are_runs_of_sorted_residuals(m):
    X, y = normal_rows(m, seed=m)
    fit = regress.fit(X, y)
    z = np.sort(fenced(plain_residuals(X, y)[2]))
    normal = ndtri((np.arange(1, m + 1) - 0.5) / m)
    found = fit.record.residuals.normal
    assert {number for number, *_ in found} == {0}
    ends = np.cumsum([rows for *_, rows in found]).tolist()
    assert ends[-1] == m
    parts = [slice(a, b) for a, b in pairwise([0, *ends])]
    close([q for _, q, _, _ in found], [normal[part].mean() for part in parts])
    close([mean for _, _, mean, _ in found], [z[part].mean() for part in parts])
    drawn = Drawn(read(page(fit)), "normal")
    drawn.agree(drawn.dots(), [(q, mean) for _, q, mean, _ in found])


@pytest.mark.parametrize("m", [10, 11, 57, 300, 2000])
def test_all_pictures_over_the_prediction_show_the_same_groups(m):
    X, y = normal_rows(m, seed=m)
    fit = regress.fit(X, y)
    predicted, residual, z = plain_residuals(X, y)
    groups = fit.record.residuals.groups
    assert_partition(groups, predicted, residual, np.sqrt(np.abs(z)))
    sizes = [sum(rows for part, *_, rows in groups if part == k) for k in range(int(groups[-1][0]) + 1)]
    assert np.cumsum([0, *sizes]).tolist() == slices_of(m)
    _, x, mean, root, rows = np.array(groups).T
    tree = read(page(fit))
    for chart, values in (("actual", x + mean), ("fitted", mean), ("scale", root)):
        drawn = Drawn(tree, chart)
        dots = drawn.dots()
        drawn.agree(dots, np.column_stack([x, values]).tolist())
        area = (np.array([r for *_, r in dots]) - 1.5) ** 2
        assert area / area.max() == pytest.approx(rows / rows.max(), abs=0.06)
    drawn = {
        each.name: [mark for mark in each.marks if mark.kind == "dots"]
        for each in residual_charts.residuals(fit.record)
    }
    for chart in ("actual", "fitted", "scale"):
        (mark,) = drawn[chart]
        assert (list(mark.x), list(mark.size)) == (x.tolist(), rows.tolist())


@pytest.mark.parametrize("name", SITUATIONS)
def test_all_dots_are_in_view_and_little_else(situation, name):
    fit = situation(name)
    if fit.record.residuals is None:
        return
    root = read(page(fit))
    for chart in residual_charts.residuals(fit.record):
        if chart.name not in ("actual", "normal"):
            assert chart.view is None
            continue
        (dots,) = [mark for mark in chart.marks if mark.kind == "dots"]
        assert chart.view == ((min(dots.x), max(dots.x)), (min(dots.y), max(dots.y)))
        svg = Drawn(root, chart.name).svg
        box = [float(svg.one("clippath").one("rect").attributes[key]) for key in ("x", "y", "width", "height")]
        for circle in svg.one("g", class_="dots").all("circle"):
            for at, start, extent in zip(("cx", "cy"), box[:2], box[2:], strict=True):
                assert start < float(circle.attributes[at]) < start + extent


def test_a_prediction_of_two_values_has_dots_at_exactly_two(situation):
    fit, ((X, y), _) = situation("two values"), SITUATIONS["two values"]
    groups = fit.record.residuals.groups
    assert len(groups) > 4
    assert {part for part, *_ in groups} == {0, 1}
    assert sorted({x for _, x, *_ in groups}) == pytest.approx(sorted(y[X[:, 0] == k].mean() for k in (0, 1)), rel=1e-3)
    assert len({x for _, x, *_ in groups}) == 2
    svg = Drawn(read(page(fit)), "fitted").svg
    assert len({circle.attributes["cx"] for circle in svg.one("g", class_="dots").all("circle")}) == 2


@pytest.mark.parametrize("name", SITUATIONS)
def test_where_there_are_no_residuals_the_page_says_why(situation, name):
    reasons = {
        "without a sample": "No rows were kept for them (sample=0).",
        **dict.fromkeys(
            ["one row", "two rows", "few rows, more columns", "as many rows as coefficients"],
            "There are fewer than ten rows, and a group takes five.",
        ),
        **dict.fromkeys(
            ["perfect", "more columns than rows", "constant target", "zero target"],
            "They are rounding: the columns explain the target to its last digits.",
        ),
    }
    known = situation(name).record
    section = read(page(situation(name))).one("section", id="residuals")
    if name in reasons:
        assert known.residuals is None
        assert known.residuals_missing == reasons[name]
        assert (section.all("figure"), section.all("table")) == ([], [])
        assert section.one("p", class_="lack").text == f"Not shown: There are no residuals to draw. {reasons[name]}"
    elif name != "small target":
        assert known.residuals_missing == ""
        assert len(section.all("figure")) == 4 + len(residual_charts.further(known))
        assert section.all("p", class_="lack") == []


@pytest.mark.parametrize(("size", "shown"), [(1.0, True), (2.0**-40, True), (2.0**-49, False), (0.0, False)])
def test_residuals_of_64_ulps_of_the_target_are_rounding(size, shown):
    x = np.repeat(np.arange(20.0), 2)
    y = 1.0 + x * 2.0**-6 + size * np.tile([2.0**-4, -(2.0**-4)], 20)
    assert (regress.fit(x[:, None], y).record.residuals is not None) is shown


@settings(deadline=None, max_examples=150, derandomize=True)
@given(
    st.lists(st.tuples(st.floats(-1e9, 1e9), st.floats(-1e-6, 1e-6)), min_size=10, max_size=120)
    | st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=10, max_size=120)
    | st.lists(st.tuples(st.integers(0, 3), st.floats(-9, 9)), min_size=10, max_size=120)
)
def test_no_group_has_fewer_than_five_rows_wherever_they_lie(points):
    x, y = np.array(points, dtype=float).T
    assert_partition(residuals.groups(x, y), x, y)
    found = residuals.quantiles(y, ndtri((np.arange(len(y)) + 0.5) / len(y)))
    assert min(rows for *_, rows in found) >= 5
    assert sum(rows for *_, rows in found) == len(points)


def test_rows_far_from_each_other_share_a_group_only_where_few_are_left():
    random = np.random.default_rng(9)
    sizes = random.integers(5, 40, 20)
    y = np.repeat(np.arange(20.0), sizes) + random.uniform(-0.004, 0.004, size=sizes.sum())
    of_one = 0
    for _, x, mean, rows in residuals.groups(np.zeros(len(y)), y):
        assert x == 0
        assert abs(mean - round(mean)) < 0.03 or rows < 10
        of_one += rows * (abs(mean - round(mean)) < 0.03)
    assert of_one > 0.9 * sizes.sum()


def heavy(m, far):
    """Rows of one column whose residuals are ±1 but for some far ones, in pairs that cancel."""
    x = np.repeat(np.arange(m / 2), 2)
    e = np.tile([1.0, -1.0], m // 2)
    for k, size in enumerate(far):
        e[[2 * k, 2 * k + 1]] = size, -size
    return x[:, None], 3.0 + 0.5 * x + e


def test_how_many_residuals_are_large():
    X, y = heavy(2000, [2.6] * 5 + [4.5, 8.0])
    fit = regress.fit(X, y)
    z = np.abs(plain_residuals(X, y)[2])
    true = {k: int((z > k).sum()) for k in (2, 3, 4, 6)}
    assert true == {2: 14, 3: 4, 4: 4, 6: 2}
    shown = table_of(read(page(fit)), "residuals")
    assert list(shown) == ["2 to 3 σ", "3 to 4 σ", "4 to 6 σ", "beyond 6 σ"]
    assert [row[0] for row in shown.values()] == [10, 0, "1 to 4", "1 to 4"]
    beyond = [2000 * 2 * ndtr(-k) for k in true]
    normal = [a - b for a, b in zip(beyond, [*beyond[1:], 0.0], strict=True)]
    assert [row[1] for row in shown.values()] == pytest.approx(normal, rel=1e-12)
    assert fit.record.residuals.far == 0
    held = fit.record.residuals.bands
    assert [band[:3] for band in held] == [(2, 3, 10), (3, 4, 0), (4, 6, None), (6, None, None)]
    assert [band[3] for band in held] == pytest.approx(normal, rel=1e-12)


@pytest.mark.parametrize(("far", "says"), [(0, 0), (1, "1 to 4"), (2, "1 to 4"), (3, 6), (4, 8)])
def test_counts_from_one_to_four_are_not_told(far, says):
    X, y = heavy(3000, [3.5] * far)
    assert int((np.abs(plain_residuals(X, y)[2]) > 3).sum()) == 2 * far
    assert table_of(page_of(X, y), "residuals")["3 to 4 σ"][0] == says


@pytest.mark.parametrize("pairs", [(1, 3, 0, 1), (3, 1, 3, 0), (2, 0, 1, 4), (4, 4, 4, 2)])
def test_each_band_is_kept_back_on_its_own(pairs):
    sizes = [size for size, count in zip((2.6, 3.7, 5.0, 9.0), pairs, strict=True) for _ in range(count)]
    X, y = heavy(3000, sizes)
    z = np.abs(plain_residuals(X, y)[2])
    assert [int(((z > a) & (z <= b)).sum()) for a, b in pairwise((2, 3, 4, 6, 1e9))] == [2 * k for k in pairs]
    fit = regress.fit(X, y)
    counts = [None if 0 < k < 3 else 2 * k for k in pairs]
    assert [count for _, _, count, _ in fit.record.residuals.bands] == counts
    shown = table_of(read(page(fit)), "residuals")
    assert [row[0] for row in shown.values()] == ["1 to 4" if count is None else count for count in counts]


@pytest.mark.parametrize(
    ("far", "says"), [(0, ""), (1, "fewer than 5 rows"), (2, "fewer than 5 rows"), (3, "6 rows"), (30, "60 rows")]
)
def test_rows_far_off_are_moved_to_a_fence(far, says):
    X, y = heavy(3000, [25.0 + k for k in range(far)])
    predicted, residual, z = plain_residuals(X, y)
    inside = [fenced(values) for values in (predicted, residual, z)]
    assert int((inside[1] != residual).sum()) == 2 * far
    fit = regress.fit(X, y)
    found = fit.record.residuals
    assert found.far == (None if 0 < far < 3 else 2 * far)
    assert_partition(found.groups, inside[0], inside[1], np.sqrt(np.abs(inside[2])))
    close([found.normal[k][2] for k in (0, -1)], [np.sort(inside[2])[part].mean() for part in fenced_ends(found)])
    text = " ".join(read(page(fit)).one("section", id="residuals").text.split())
    assert ("Outliers" in text) is (far > 0)
    assert f"Outliers ({says}) are moved to five interquartile ranges beyond the quartiles" in text or not far


def fenced_ends(found):
    """Return which of the sorted rows the first and the last group of a quantile plot hold."""
    return slice(None, found.normal[0][3]), slice(-found.normal[-1][3], None)
