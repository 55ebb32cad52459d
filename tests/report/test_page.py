"""Pages of fits, comparisons and certificates: every figure against the result, every chart against the rows."""

import io
import json
import math
import os
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from fractions import Fraction
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri

import regress
from regress.api import drawings
from regress.api.report import page, write_report
from regress.cli.main import main
from regress.errors import INSTALL_TENSORFLOW, ConvergenceWarning, DataWarning, InputError
from regress.inference import residuals
from regress.inference.descent_paths import descents
from regress.messages import visible
from regress.objective import autodiff
from regress.report import charts, fit_charts
from regress.solvers.loop import Status

DATA = Path(__file__).parents[2] / "data"
DIABETES = str(DATA / "diabetes.csv")
TAGS = set(
    "html head meta title style body header h1 p dl div dt dd nav ul li a main section h2 h3 table caption thead tbody "
    "tr th td span i figure figcaption svg desc text path polyline circle g rect clippath strong code pre label input "
    "output footer script data".split()
)
ATTRIBUTES = set(
    "lang charset name content http-equiv id class style href role aria-labelledby aria-label aria-hidden scope "
    "colspan "
    "tabindex hidden for type min max value data-texts data-x data-y viewbox d x y cx cy r width height points "
    "transform text-anchor clip-path".split()
)
VOID = {"meta", "input"}
EMPTY_SVG = {"path", "polyline", "circle", "rect"}


class Node:
    """An element: its tag, attributes, and what is inside, in order."""

    def __init__(self, tag, attributes):
        self.tag, self.attributes, self.inside = tag, attributes, []

    def all(self, tag=None, **wanted):
        """Return the elements within, in order; class_ asks for one of the classes."""
        found = []
        for node in self.inside:
            if isinstance(node, Node):
                of = node.attributes
                same = all(
                    value in of.get("class", "").split() if name == "class_" else of.get(name) == value
                    for name, value in wanted.items()
                )
                found += [node] * (same and tag in (None, node.tag)) + node.all(tag, **wanted)
        return found

    def one(self, tag=None, **wanted):
        (found,) = self.all(tag, **wanted)
        return found

    @property
    def text(self):
        return "".join(node.text if isinstance(node, Node) else node for node in self.inside)

    @property
    def values(self):
        """The figures within, to the last bit."""
        return [float(node.attributes["value"]) for node in self.all("data")]


class Reader(HTMLParser):
    """Reads a page and insists that every element is known, and closed in its turn."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.root = Node("", {})
        self.open = [self.root]

    def handle_starttag(self, tag, attrs):
        assert tag in TAGS, tag
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names)
        assert set(names) <= ATTRIBUTES, set(names) - ATTRIBUTES
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].inside.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag, attrs):
        assert tag in EMPTY_SVG, tag
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop().tag == tag

    def handle_data(self, data):
        self.open[-1].inside.append(data)

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data}")


def read(html):
    """Return the tree of a page, sound in form: one script at most, one style, no figure that is none."""
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == [reader.root]
    root = reader.root
    assert len(root.all("style")) == len(root.all("h1")) == 1
    assert len(root.all("script")) <= 1
    ids = [node.attributes["id"] for node in root.all() if "id" in node.attributes]
    assert len(set(ids)) == len(ids)
    for link in root.all("a"):
        assert link.attributes["href"][1:] in ids
    for node in root.all():
        if node.tag not in ("style", "script"):
            assert not re.search(r"\b(nan|-?inf|None|NaN|Infinity|np\.\w+)\b", "".join(map(str, strings(node)))), (
                node.text
            )
    assert all(math.isfinite(value) for value in root.values)
    for svg in root.all("svg"):
        for node in svg.all():
            for name in ("d", "points", "cx", "cy", "r", "x", "y", "data-x", "data-y"):
                for number in re.findall(r"-?[\w.]+", re.sub(r"[MVHhvzL,]", " ", node.attributes.get(name, ""))):
                    assert math.isfinite(float(number)), (name, number)
    return root


def strings(node):
    return [part for part in node.inside if isinstance(part, str)]


def page_of(*arguments, **options):
    return read(page(regress.fit(*arguments, **options)))


def rows_of(table):
    """Return the cells of a table's body by the name of its row: figures as numbers, dashes as None, else text."""
    rows = {}
    for row in table.one("tbody").all("tr"):
        cells = []
        for cell in row.all("td"):
            cells.append(cell.values[0] if cell.all("data") else None if cell.text == "–" else cell.text)
        rows[row.one("th").text] = cells
    return rows


def table_of(root, section, number=0):
    return rows_of(root.one("section", id=section).all("table")[number])


def nothing(value):
    return None if value is None or not math.isfinite(value) else value


def offset_of(label):
    """Return what the label of an axis says is taken off its ticks."""
    found = re.search(r" ([−+]) ([−\d,.e+-]+)$", label)
    size = number(found[2]) if found else 0.0
    return size if found and found[1] == "−" else -size


def number(text):
    """Return a number as it is written for people."""
    return float(text.replace("−", "-").replace(",", ""))


RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


class Drawn:
    """A chart of a page, its positions mapped back to values by what its ticks say."""

    def __init__(self, root, name):
        self.svg = root.one("figure", id=f"figure-{name}").one("svg")
        grid = [path.attributes["d"] for path in self.svg.all("path", class_="grid")]
        across = [float(re.match(r"M([-\d.]+) ", d)[1]) for d in grid if "V" in d]
        down = [float(re.match(r"M[-\d.]+ ([-\d.]+)H", d)[1]) for d in grid if "H" in d]
        texts = self.svg.all("text")
        at_end = [text for text in texts if text.attributes.get("text-anchor") == "end"]
        below = [t for t in texts if t.attributes.get("text-anchor") == "middle" and "transform" not in t.attributes]
        self.x_label = below[-1].text
        turned = [text.text for text in texts if "transform" in text.attributes]
        self.base = [offset_of(self.x_label), offset_of(turned[0] if turned else "")]
        for text in below[: len(across)]:
            assert float(text.attributes["x"]) + 3.0 * len(text.text) <= 400  # half as wide as digits are
        self.logs = [False, False]
        self.x = self._line(across, below[: len(across)], 0)
        self.names = {}
        if down:
            self.y = self._line(down, at_end, 1)
        else:
            self.names = {float(t.attributes["y"]) - 3.5: (t.all("title") or [t])[0].text for t in at_end}

    def _line(self, places, texts, axis):
        """Return start, slope and rounding of the values along an axis; the ticks must all lie on it."""
        values = [self._value(text.text, axis) for text in texts]
        assert len(values) == len(places) >= 2
        slope = (values[-1] - values[0]) / (places[-1] - places[0])
        for place, value in zip(places, values, strict=True):
            assert abs((place - places[0]) * slope + values[0] - value) <= 0.11 * abs(slope)
        return values[0] - slope * places[0], slope, abs(slope) * 0.16

    def _value(self, text, axis):
        text = text.replace("−", "-").replace(",", "")
        if re.fullmatch(r"10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+", text):
            self.logs[axis] = True
            return float(text[2:].translate(RAISED))
        if text == "1" and self.logs[axis]:
            return 0.0
        return float(text) + self.base[axis]

    def at_x(self, place):
        return self.x[0] + self.x[1] * place

    def at_y(self, place):
        return self.y[0] + self.y[1] * place

    def dots(self, number=0):
        """Return the values of the dots of one group, and their radii."""
        group = self.svg.all("g", class_="dots")[number]
        places = [[float(c.attributes[a]) for a in ("cx", "cy", "r")] for c in group.all("circle")]
        return [(self.at_x(x), self.names.get(y) or self.at_y(y), r) for x, y, r in places]

    def line(self, number=0):
        points = self.svg.all("polyline")[number].attributes["points"]
        return [(self.at_x(float(x)), self.at_y(float(y))) for x, y in (point.split(",") for point in points.split())]

    def agree(self, found, expected):
        """Hold positions against values, to what a drawing can show; logarithms on log scales."""
        assert len(found) == len(expected) > 0
        for (x, y, *_), (true_x, true_y, *_) in zip(found, expected, strict=True):
            assert abs(x - (math.log10(true_x) if self.logs[0] else true_x)) <= self.x[2]
            assert abs(y - (math.log10(true_y) if self.logs[1] else true_y)) <= self.y[2]


def normal_rows(m=300, n=3, seed=0):
    random = np.random.default_rng(seed)
    X = random.normal(size=(m, n)) * [1.0, 40.0, 0.02][:n] + [0.0, 5.0, 1.0][:n]
    return X, X @ [1.5, -0.2, 30.0][:n] + 7.0 + random.normal(size=m) * 0.7


def solved(X, y, a=None, intercept=True):
    """Return w, b and residuals by numpy."""
    Z = np.column_stack([X, np.ones(len(X))]) if intercept else X
    root = np.ones(len(X)) if a is None else np.sqrt(a)
    found = np.linalg.lstsq(Z * root[:, None], y * root)[0]
    return found[: X.shape[1]], found[-1] if intercept else 0.0, y - Z @ found


def correlated_rows():
    """Rows whose columns have much in common, so that descents take their time."""
    X, y = normal_rows()
    mixed = X @ [[1.0, 0.0, 0.9], [0.0, 1.0, 0.02], [0.0, 0.0, 20.0]]
    return mixed, y


def dependent_rows():
    X, y = normal_rows()
    X = np.round(X * 8.0) / 8.0
    return np.column_stack([X, X[:, 0] + X[:, 1]]), y


@pytest.fixture
def without_tensorflow(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)  # what Python does for a package that is not there
    autodiff._functions.cache_clear()
    yield
    autodiff._functions.cache_clear()


# ---------------------------------------------------------------------------------------------------------------------
# The figures of a fit


SITUATIONS = {
    "plain": (normal_rows(), {}),
    "double": (normal_rows(), {"precision": "float64"}),
    "no intercept": (normal_rows(), {"fit_intercept": False}),
    "alpha": (normal_rows(), {"alpha": 2.0}),
    "weights": (normal_rows(), {"weights": np.random.default_rng(1).uniform(0.5, 4.0, 300)}),
    "frequency": (normal_rows(), {"weights": np.arange(300.0) % 3 + 1.0, "weight_type": "frequency"}),
    "HC1": (normal_rows(), {"cov_type": "HC1"}),
    "held out": (normal_rows(), {"test_size": 0.3}),
    "gd": (normal_rows(), {"solver": "gd"}),
    "accelerated": (normal_rows(), {"solver": "accelerated"}),
    "cg": (normal_rows(), {"solver": "cg"}),
    "not converged": (normal_rows(), {"solver": "gd", "max_iter": 1}),
    "raw units": (normal_rows(), {"solver": "gd", "standardize": False, "max_iter": 40}),
    "dependent": (dependent_rows(), {}),
    "dependent, in double": (dependent_rows(), {"precision": "float64"}),
    "dependent, by gd": (dependent_rows(), {"solver": "gd"}),
    "dropped": (dependent_rows(), {"collinear": "drop"}),
    "constant column": ((np.column_stack([normal_rows()[0], np.full(300, 4.0)]), normal_rows()[1]), {}),
    "constant target": ((normal_rows()[0], np.full(300, 2.5)), {}),
    "zero target": ((normal_rows()[0], np.zeros(300)), {}),
    "constant target, no intercept": ((normal_rows()[0], np.full(300, 2.5)), {"fit_intercept": False}),
    "perfect": ((np.arange(24.0).reshape(12, 2) ** 2, np.arange(24.0).reshape(12, 2) ** 2 @ [2.0, 3.0] + 1.0), {}),
    "one column": (normal_rows(n=1), {}),
    "one row": ((np.array([[1.5, 2.25]]), np.array([3.0])), {}),
    "two rows": ((np.array([[1.5, 2.25], [1.0, 7.0]]), np.array([3.0, 4.0])), {}),
    "more columns than rows": ((np.random.default_rng(2).normal(size=(20, 33)), np.arange(20.0)), {}),
    "few rows, more columns": ((np.random.default_rng(2).normal(size=(3, 5)), np.arange(3.0)), {}),
    "as many rows as coefficients": ((np.random.default_rng(2).normal(size=(4, 3)), np.arange(4.0) ** 2), {}),
    "small target": ((normal_rows()[0], normal_rows()[1] * 1e-200), {}),
    "large target": ((normal_rows()[0], normal_rows()[1] * 1e140), {}),
    "small columns": ((normal_rows()[0] * 1e-140, normal_rows()[1]), {}),
    "two values": ((np.arange(100.0)[:, None] % 3 > 1, normal_rows(100)[1]), {}),
    "constant prediction": ((np.full((60, 1), 4.0), normal_rows(60)[1]), {}),
    "without a sample": (normal_rows(), {"sample": 0}),
    "outlier": ((normal_rows(100)[0], np.append(normal_rows(99)[1], 1e6)), {}),
    "negative, far from zero": ((normal_rows()[0], normal_rows()[1] * 0.01 - 1.7e9), {}),
    "far from zero": ((normal_rows()[0] + 1e9, normal_rows()[1] + 1e12), {}),
}


@pytest.fixture(scope="module")
def situation():
    """Fit one of the situations, once."""
    done = {}

    def call(name):
        if name not in done:
            (X, y), options = SITUATIONS[name]
            with pytest.warns((ConvergenceWarning, DataWarning)) if noisy(name) else pytest.MonkeyPatch.context():
                done[name] = regress.fit(X, y, **options)
        return done[name]

    return call


def noisy(name):
    return name in (
        "not converged", "raw units", "dependent", "dependent, in double", "dependent, by gd", "dropped",
        "constant column", "constant prediction", "one row", "two rows", "more columns than rows",
        "few rows, more columns", "perfect",
    )  # fmt: skip


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_page_is_sound_whatever_was_fitted(situation, name):
    fit = situation(name)
    html = page(fit)
    root = read(html)
    assert len(html.encode()) < 100_000
    sections = [node.attributes["id"] for node in root.all("section")]
    expected = ["rows", "equation", "coefficients", "certificate", "convergence", "residuals", "descent"]
    assert sections == [*expected, *(["collinearity"] if fit.equations else []), "environment"]
    for section in root.all("section"):
        assert section.all("table") or section.all("figure") or section.all("p")


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_coefficients_are_those_of_the_fit_to_the_last_bit(situation, name):
    fit = situation(name)
    tests = None if fit.statistics is None else fit.statistics.tests()
    digits = fit.digits_at_least
    expected = {}
    of_intercept = [("(intercept)", fit.b, None)] if fit.model.options["fit_intercept"] else []
    for j, (label, w, beta) in enumerate([*of_intercept, *zip(fit.names, fit.w, fit.standardized, strict=True)]):
        figures = [] if tests is None else list(tests[j])
        right = None if digits is None else fit.intercept_digits if label == "(intercept)" else digits[label]
        expected[label] = [nothing(v) for v in (w, *figures, beta, right)]
    shown = table_of(read(page(fit)), "coefficients")
    assert list(shown) == list(expected)
    for label in fit.dropped:
        said = shown.pop(label)
        assert said[0].startswith("left out")
        assert not any(isinstance(cell, float) for cell in said)
        del expected[label]
    assert shown == expected


OBJECTIVES = {"weights": "Σa(ŷ − y)²", "frequency": "Σa(ŷ − y)²", "alpha": "Σ(ŷ − y)² + 2‖w‖²"}


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_quality_of_a_fit_is_that_of_its_statistics(situation, name):
    fit = situation(name)
    root = read(page(fit))
    q = fit.statistics
    if q is None:
        assert f"No standard errors: {fit.statistics_missing}" in root.one("section", id="coefficients").text
        assert fit.loss in root.one("section", id="coefficients").values
        return
    intercept = fit.model.options["fit_intercept"]
    kind = "" if intercept else ", uncentered"
    expected = {f"R²{kind}": fit.r2, f"R²{kind}, adjusted": q.r2_adjusted}
    expected |= {} if fit.r2_test is None else {"R² on rows held out, about their mean": fit.r2_test}
    expected |= {
        f"Loss {OBJECTIVES.get(name, 'Σ(ŷ − y)²')}": fit.loss,
        "Residual standard error": q.sigma,
        "Degrees of freedom": q.df_resid,
        "F of all columns": q.fvalue,
        "p of F": q.f_pvalue,
        "AIC": q.aic,
        "BIC": q.bic,
        "Condition number of scaled columns": q.condition,
    }
    assert table_of(root, "coefficients", 1) == {k: [nothing(v)] for k, v in expected.items()}
    assert re.search(rf"Standard errors are {q.cov_type}|{q.cov_type} standard errors", root.text)


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_head_says_how_it_ended(situation, name):
    fit = situation(name)
    head = read(page(fit)).one("header")
    tiles = {tile.one("dt").text: tile.one("dd") for tile in head.one("dl").all("div")}
    converged = fit.status is Status.CONVERGED
    assert tiles["Status"].text.startswith("✓ Converged" if converged else "✗ ")
    assert tiles["Status"].attributes["class"] == ("good" if converged else "bad")
    assert tiles["Rows used"].values == [fit.tally.used]
    r2 = next(tile for name, tile in tiles.items() if name.startswith("R²"))  # the first: of training rows
    assert r2.values == [fit.r2] * math.isfinite(fit.r2)
    if fit.certificate is not None:
        assert tiles["Digits right, worst coefficient"].values == [fit.certificate.worst]
    assert [note.text for note in head.all("p", class_="note")] == fit.notes()


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_certificate_is_that_of_the_fit(situation, name):
    fit = situation(name)
    root = read(page(fit))
    section, certificate = root.one("section", id="certificate"), fit.certificate
    if certificate is None:
        assert f"Sums were in double precision ({fit.precision_reason})" in section.text
        assert "Certified" not in section.text
    else:
        figures = [certificate.worst, certificate.gradient_norm, certificate.excess_loss, certificate.loss]
        assert section.values == figures
        assert section.one("strong").text == ("✓ Certified." if certificate.passed else "✗ Not certified.")
        assert section.one("strong").attributes["class"] == ("good" if certificate.passed else "bad")
        assert f"true minimum of {OBJECTIVES.get(name, 'Σ(ŷ − y)²')} is" in section.text
    assert ("It proves" in section.text) is (certificate is not None and certificate.passed)
    if fit.digits_at_least is not None and len(fit.names) > 1:
        digits = dict(fit.digits_at_least)
        if fit.intercept_digits is not None:
            digits["(intercept)"] = fit.intercept_digits
        bars = bars_of(root, "digits")
        worst = sorted(digits.values())[:25]
        assert sorted(value for _, value in bars) == pytest.approx(worst, abs=0.03)
        assert [value for _, value in bars] == sorted(value for _, value in bars)
        for label, value in bars:
            assert value == pytest.approx(digits[label], abs=0.03)


def bars_of(root, name):
    """Return what bars there are: the name beside each, and where it ends."""
    drawn = Drawn(root, name)
    bars = re.findall(
        r"M([-\d.]+) ([-\d.]+)H([-\d.]+)v([-\d.]+)H", drawn.svg.one("path", class_="bars").attributes["d"]
    )
    found = []
    for zero, top, end, high in bars:
        assert abs(drawn.at_x(float(zero))) <= drawn.x[2]
        middle = float(top) + float(high) / 2
        place = min(drawn.names, key=lambda y: abs(y - middle))
        assert abs(place - middle) < 0.2
        found.append((drawn.names[place], drawn.at_x(float(end))))
    return found


@pytest.mark.parametrize("name", ["plain", "gd", "not converged", "double", "no intercept"])
def test_the_environment_says_how_it_was_asked(situation, name):
    fit = situation(name)
    shown = table_of(read(page(fit)), "environment")
    expected = {**fit.model.versions, **{k: v for k, v in fit.model.options.items() if v is not None}}
    assert shown == {k: [str(v)] for k, v in expected.items()}


def rough_csv(path):
    """A table in which rows go every way: 2 missing x, 3 missing z, 4 of weight zero, 5 bad, the others used."""
    random = np.random.default_rng(8)
    lines = ["x,z,a,y"]
    for i in range(400):
        x, z, a, y = (f"{v:.9f}" for v in (*random.normal(size=2), random.uniform(1, 2), random.normal()))
        x, z = "" if i in (5, 50) else x, "NA" if i in (7, 8, 9) else z
        lines.append(f"{x},{z},{'0' if i in (100, 101, 102, 103) else a},{'oops' if 200 <= i < 205 else y}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.filterwarnings("ignore:R² on held-out rows is negative")
def test_the_account_of_the_rows(tmp_path):
    fit = regress.fit(
        rough_csv(tmp_path / "rough.csv"), "y", weights="a", missing="drop", on_bad_lines="skip", test_size=0.25
    )
    section = read(page(fit)).one("section", id="rows")
    tally = fit.tally
    assert (tally.rows, tally.missing, tally.zero_weight, tally.bad) == (400, 5, 4, 5)
    counts = {
        "used": tally.used, "held out": tally.held_out, "missing a cell": 5, "of weight zero": 4, "bad": 5, "all": 400
    }  # fmt: skip
    shown = rows_of(section.one("table"))
    assert {label: cells[0] for label, cells in shown.items()} == counts
    assert section.one("table").attributes["class"] == "key"
    assert [i.attributes["class"] for i in section.all("i")] == [
        span.attributes["class"] for span in section.one("div", class_="account").all("span")
    ]
    parts = [span.attributes["style"] for span in section.one("div", class_="account").all("span")]
    widths = [float(re.fullmatch(r"width: ([\d.]+)%", part)[1]) for part in parts]
    assert widths == pytest.approx([100 * n / 400 for n in list(counts.values())[:-1]], abs=1e-4)
    assert sum(widths) == pytest.approx(100, abs=1e-3)
    percent = [cell.text.removesuffix(" %") for cell in section.all("td")[1::2]]
    assert [float(text) for text in percent] == pytest.approx([*widths, 100], rel=1e-3)
    assert "Missing cells: x 2, z 3." in section.text
    assert f"Read as {fit.read_as}." in section.text


def test_missing_cells_are_counted_by_column(tmp_path):
    fit = regress.fit(rough_csv(tmp_path / "rough.csv"), "y", weights="a", missing="drop", on_bad_lines="skip")
    assert fit.tally.missing_cells == {"x": 2, "z": 3}
    assert fit.model.report["rows"]["missing_cells"] == {"x": 2, "z": 3}
    assert fit.to_dict()["rows"]["missing_cells"] == {"x": 2, "z": 3}


@pytest.mark.parametrize("name", ["plain", "no intercept", "held out", "more columns than rows", "double"])
def test_the_equation_is_what_predicts(situation, name):
    fit = situation(name)
    equation = read(page(fit)).one("p", class_="equation")
    terms, intercept = [], 0.0
    for term in equation.all("span", class_="term"):
        if term.all("span", class_="name"):
            sign = -1.0 if term.text.strip().startswith("−") else 1.0
            terms.append((term.one("span", class_="name").text, sign * term.values[0]))
        else:
            (intercept,) = term.values
    assert intercept == fit.b
    order = sorted(range(len(fit.names)), key=lambda j: -abs(fit.standardized[j]))[:12]
    assert terms == [(fit.names[j], fit.w[j]) for j in sorted(order)]
    left = len(fit.names) - len(terms)
    assert (f"+ {left} terms more" in " ".join(equation.text.split())) is (left > 0)
    if not left:
        x = np.arange(1.0, len(terms) + 1)
        assert np.dot(x, [w for _, w in terms]) + intercept == pytest.approx(fit.predict(x[None, :])[0], rel=1e-12)


def test_levels_are_compared_with_the_first(tmp_path):
    X, y = normal_rows(200, 2)
    frame = pd.DataFrame({"x": X[:, 0], "kind": np.array(["mid", "low", "top", "low"] * 50), "y": y})
    root = page_of(frame, "y")
    assert "kind is text: each level is compared with “low”." in root.one("section", id="equation").text
    assert list(table_of(root, "coefficients")) == ["(intercept)", "x", "kind=mid", "kind=top"]


# ---------------------------------------------------------------------------------------------------------------------
# The charts of a fit


@pytest.mark.parametrize("name", ["plain", "double", "alpha", "no intercept", "dependent", "constant column", "HC1"])
def test_the_dots_of_coefficients_are_where_they_should_be(situation, name):
    fit = situation(name)
    drawn = Drawn(read(page(fit)), "betas")
    order = sorted(range(len(fit.names)), key=lambda j: -abs(fit.standardized[j]))
    dots = drawn.dots()
    assert [label for _, label, _ in dots] == [fit.names[j] for j in order]
    assert [x for x, _, _ in dots] == pytest.approx([fit.standardized[j] for j in order], abs=drawn.x[2])
    spans = drawn.svg.one("path", class_="line").attributes["d"]
    found = [
        (drawn.at_x(float(a)), y, drawn.at_x(float(b))) for a, y, b in re.findall(r"M(\S+) (\S+?)H([\d.]+)", spans)
    ]
    if fit.statistics is None:
        assert found == []
        return
    X, y = SITUATIONS[name][0]
    tests = fit.statistics.tests()[-len(fit.names) :]
    ends = {}
    for j, (*_, low, high) in enumerate(tests):
        if math.isfinite(low) and fit.w[j]:
            unit = X[:, j].std() / y.std()
            ends[fit.names[j]] = low * unit, high * unit
    assert {drawn.names[float(y)] for _, y, _ in found} == set(ends)
    for low, place, high in found:
        assert (low, high) == pytest.approx(ends[drawn.names[float(place)]], abs=drawn.x[2])


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_line_at_zero_is_behind_the_coefficients(situation, name):
    fit = situation(name)
    root = read(page(fit))
    drawn, count = Drawn(root, "betas"), min(len(fit.names), 25)
    (line,) = drawn.svg.all("polyline")
    assert line.attributes["class"] == "line muted"
    points = [[float(v) for v in point.split(",")] for point in line.attributes["points"].split()]
    assert [drawn.at_x(x) for x, _ in points] == pytest.approx([0.0, 0.0], abs=drawn.x[2])
    assert points[0][1] <= min(drawn.names) < max(drawn.names) + 1e-9 <= points[1][1]
    assert drawn.svg.all().index(line) < drawn.svg.all().index(drawn.svg.all("g", class_="dots")[0])
    arrived = fit.status is Status.CONVERGED if fit.certificate is None else fit.certificate.passed
    assert len(drawn.names) == count
    assert ("Training did not arrive" in root.one("figure", id="figure-betas").one("figcaption").text) is not arrived
    if fit.statistics is not None:
        caption = root.one("section", id="coefficients").all("caption")[0].text
        assert ("training did not arrive" in caption) is not arrived
        assert ("95 times of 100" in caption) is arrived


def test_many_coefficients_are_drawn_up_to_twenty_five():
    random = np.random.default_rng(3)
    X = random.normal(size=(400, 60))
    fit = regress.fit(X, X @ random.normal(size=60) + random.normal(size=400))
    root = read(page(fit))
    order = sorted(range(60), key=lambda j: -abs(fit.standardized[j]))[:25]
    dots = Drawn(root, "betas").dots()
    assert [label for _, label, _ in dots] == [fit.names[j] for j in order]
    assert len(table_of(root, "coefficients")) == 61
    assert len(bars_of(root, "digits")) == 25


@pytest.mark.parametrize("solver", ["gd", "accelerated", "cg", "newton"])
def test_the_course_of_the_descent(solver):
    X, y = correlated_rows()
    fit = regress.fit(X, y, solver=solver)
    root = read(page(fit))
    lowest = (solved(X, y)[2] ** 2).sum()
    above = Drawn(root, "loss").line()
    early = [(i.iteration, i.loss - lowest) for i in fit.history if i.loss - lowest > 1e-6 * fit.history[0].loss]
    assert len(early) >= (10 if solver in ("gd", "accelerated") else 1)
    drawn = Drawn(root, "loss")
    if fit.certificate is not None and fit.certificate.excess_loss > 0:  # the last point is by exact sums
        drawn.agree(above[-1:], [(fit.n_iter, fit.certificate.excess_loss)])
    if len(fit.history) <= 300:
        drawn.agree(above[: len(early)], early)
        drawn = Drawn(root, "gradient")
        drawn.agree(drawn.line(), [(i.iteration, i.gradient_norm) for i in fit.history if i.gradient_norm > 0])
    else:
        assert len(above) <= 300
    section = root.one("section", id="convergence").text
    assert f"{solver} over moments, derived gradient" in section
    assert [fit.n_iter, *([fit.learning_rate] if solver in ("gd", "accelerated") else [])] == root.one(
        "section", id="convergence"
    ).values


@pytest.mark.parametrize("name", [name for name in SITUATIONS if name != "small target"])  # whose squares are zero
def test_where_descent_began_at_the_minimum_there_is_no_course(situation, name):
    section = read(page(situation(name))).one("section", id="convergence")
    figures = [figure.attributes["id"] for figure in section.all("figure")]
    if name in ("constant target", "zero target", "constant prediction", "one row"):
        assert figures == []
        why = "There was nothing to descend: the first point passed for the minimum."
        assert section.one("p", class_="lack").text == f"Not shown: {why}"
    else:
        assert figures == ["figure-loss", "figure-gradient"]
        assert section.all("p", class_="lack") == []


def plain_residuals(X, y, a=None, intercept=True):
    """Return ŷ, y − ŷ and z = √a (y − ŷ)/σ by numpy."""
    _, _, residual = solved(X, y, a, intercept)
    a = np.ones(len(y)) if a is None else a
    sigma = np.sqrt((a * residual**2).sum() / (len(y) - X.shape[1] - intercept))
    return y - residual, residual, np.sqrt(a) * residual / sigma


def slices_of(m):
    """Return where slices of m rows in order of ŷ begin, if no two are equal, and where the last ends."""
    count = min(24, int(0.7 * math.sqrt(m)))
    return [m * k // count for k in range(count + 1)]


def fenced(values):
    """Move what is further than five times the middle half of the rows beyond it there."""
    low, high = np.percentile(values, [25, 75])
    reach = 5 * (high - low) or math.inf
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


@pytest.mark.parametrize("name", ["plain", "weights", "no intercept", "double", "frequency", "outlier", "two values"])
def test_the_groups_of_a_fit_are_those_of_its_rows(situation, name):
    predicted, residual, z = of_situation(name)
    found = situation(name).model.report["residuals"]
    assert found["rows"] == len(z)
    groups = found["groups"]
    predicted = np.round(predicted, 9) if name == "two values" else predicted  # so that rows tie as they should
    assert_partition(groups, fenced(predicted), fenced(residual), np.sqrt(np.abs(fenced(z))))
    means, rows = np.array(groups)[:, 1:4], np.array(groups)[:, 4]
    for mean, values in zip(means.T, (fenced(predicted), fenced(residual), np.sqrt(np.abs(fenced(z)))), strict=True):
        assert rows @ mean / rows.sum() == pytest.approx(values.mean(), abs=6e-4 * np.ptp(mean) + 1e-12)
    assert found["far"] == {"outlier": None}.get(name, 0)


@pytest.mark.parametrize("name", ["plain", "weights", "no intercept", "double", "frequency"])
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
    part, x, mean, root, rows = zip(*regress.fit(X, y).model.report["residuals"]["groups"], strict=True)
    for values, true in ((mean, residual), (root, np.sqrt(np.abs(z)))):
        found = fit_charts.trend(part, x, values, rows)
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
    found = fit.model.report["residuals"]["normal"]
    assert {number for number, *_ in found} == {0}
    ends = np.cumsum([rows for *_, rows in found]).tolist()
    assert ends[-1] == m
    parts = [slice(a, b) for a, b in pairwise([0, *ends])]
    close([q for _, q, _, _ in found], [normal[part].mean() for part in parts])
    close([mean for _, _, mean, _ in found], [z[part].mean() for part in parts])
    drawn = Drawn(read(page(fit)), "normal")
    drawn.agree(drawn.dots(), [(q, mean) for _, q, mean, _ in found])


@pytest.mark.parametrize("m", [10, 11, 57, 300, 5000])
def test_all_pictures_over_the_prediction_show_the_same_groups(m):
    X, y = normal_rows(m, seed=m)
    fit = regress.fit(X, y)
    predicted, residual, z = plain_residuals(X, y)
    groups = fit.model.report["residuals"]["groups"]
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
        each.name: [mark for mark in each.marks if mark.kind == "dots"] for each in fit_charts.residuals(fit.model)
    }
    for chart in ("actual", "fitted", "scale"):
        (mark,) = drawn[chart]
        assert (list(mark.x), list(mark.size)) == (x.tolist(), rows.tolist())


@pytest.mark.parametrize("name", SITUATIONS)
def test_all_dots_are_in_view_and_little_else(situation, name):
    model = situation(name).model
    if model.report["residuals"] is None:
        return
    root = read(page(model))
    for chart in fit_charts.residuals(model):
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
    groups = fit.model.report["residuals"]["groups"]
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
    model = situation(name).model
    section = read(page(model)).one("section", id="residuals")
    if name in reasons:
        assert model.report["residuals"] is None
        assert model.report["residuals_missing"] == reasons[name]
        assert (section.all("figure"), section.all("table")) == ([], [])
        assert section.one("p", class_="lack").text == f"Not shown: There are no residuals to draw. {reasons[name]}"
    elif name != "small target":
        assert model.report["residuals_missing"] == ""
        assert len(section.all("figure")) == 4
        assert section.all("p", class_="lack") == []


@pytest.mark.parametrize(("size", "shown"), [(1.0, True), (2.0**-40, True), (2.0**-49, False), (0.0, False)])
def test_residuals_of_64_ulps_of_the_target_are_rounding(size, shown):
    x = np.repeat(np.arange(20.0), 2)
    y = 1.0 + x * 2.0**-6 + size * np.tile([2.0**-4, -(2.0**-4)], 20)
    assert (regress.fit(x[:, None], y).model.report["residuals"] is not None) is shown


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
    assert fit.model.report["residuals"]["far"] == 0
    held = fit.model.report["residuals"]["bands"]
    assert [band[:3] for band in held] == [[2, 3, 10], [3, 4, 0], [4, 6, None], [6, None, None]]
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
    assert [count for _, _, count, _ in fit.model.report["residuals"]["bands"]] == counts
    shown = table_of(read(page(fit)), "residuals")
    assert [row[0] for row in shown.values()] == ["1 to 4" if count is None else count for count in counts]


@pytest.mark.parametrize(("far", "says"), [(0, ""), (1, "A few rows"), (2, "A few rows"), (3, "6"), (30, "60")])
def test_rows_far_off_are_moved_to_a_fence(far, says):
    X, y = heavy(3000, [25.0 + k for k in range(far)])
    predicted, residual, z = plain_residuals(X, y)
    inside = [fenced(values) for values in (predicted, residual, z)]
    assert int((inside[1] != residual).sum()) == 2 * far
    fit = regress.fit(X, y)
    found = fit.model.report["residuals"]
    assert found["far"] == (None if 0 < far < 3 else 2 * far)
    assert_partition(found["groups"], inside[0], inside[1], np.sqrt(np.abs(inside[2])))
    close([found["normal"][k][2] for k in (0, -1)], [np.sort(inside[2])[part].mean() for part in fenced_ends(found)])
    text = " ".join(read(page(fit)).one("section", id="residuals").text.split())
    assert ("moved to a fence" in text) is (far > 0)
    assert f"{says} lie far off, and are moved" in text or not far


def fenced_ends(found):
    """Return which of the sorted rows the first and the last group of a quantile plot hold."""
    return slice(None, found["normal"][0][3]), slice(-found["normal"][-1][3], None)


# ---------------------------------------------------------------------------------------------------------------------
# The descent


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
    found = descents(fit.moments, fit.names, pair, options["intercept"], options["alpha"])
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
    found = descents(fit.moments, fit.names, (1, 2), options["intercept"], options["alpha"])
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
    chart = drawings.descent(fit.model, pair).chart
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
    model = regress.fit(np.array(X, float), np.array(y, float), fit_intercept=fit_intercept).model
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

    from regress.aggregates.plain_moments import to_moments

    found = descents(to_moments(model.report["moments"]), model.names, (0, 1), fit_intercept, 0.0)
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
    for number, method in ((7, "plain"), (8, "accelerated")):
        assert method in [t.text for t in drawn.svg.all("text")]
        points, excess = walked(X, y, method, len(drawn.line(number)) - 1, **options)
        drawn.agree(drawn.line(number), points[:, [2, 0]].tolist())
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
        assert [said == "nothing but rounding" for said in told] == [k >= arrives for k in steps]
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
    assert told.endswith("preconditioned nothing but rounding")


def test_without_names_the_two_largest_coefficients_walk():
    X, y = normal_rows()
    fit = regress.fit(X, y)
    first, second = sorted(np.argsort(-np.abs(fit.standardized))[:2].tolist())
    assert Drawn(page_of(X, y), "descent-map").x_label == f"coefficient of {fit.names[first]}"
    chart = drawings.descent(fit.model).chart
    assert chart.y.label == f"coefficient of {fit.names[second]}"


# ---------------------------------------------------------------------------------------------------------------------
# Ticks and texts


@settings(deadline=None, max_examples=300, derandomize=True)
@given(st.floats(-1e12, 1e12), st.floats(1e-9, 1e12), st.integers(1, 8), st.booleans())
def test_the_texts_of_ticks_are_their_values(low, extent, most, whole):
    high = low + extent
    if not high - low > 1e-9 * abs(low):
        return
    found = charts.ticks((low, high), most, charts.Axis("", whole=whole))
    assert len(found) <= most + 1
    label = charts.label(charts.Axis("x"), charts.offset((low, high), charts.Axis("")))
    base = offset_of(label)
    for value, text in found:
        assert low <= value * (1 + 1e-12) + 1e-300 or math.isclose(low, value, rel_tol=1e-9, abs_tol=extent * 1e-9)
        assert number(text) + base == pytest.approx(value, rel=1e-15, abs=extent * 1e-9)
        assert len(text) <= 12
    assert len({text for _, text in found}) == len(found)
    assert (base == 0) is (max(abs(low), abs(high)) < 1e4 * (high - low)) or low < 0 < high or abs(low) < 1e-300


@pytest.mark.parametrize(
    ("span", "label", "texts"),
    [
        ((1.6999999e9 + 10, 1.6999999e9 + 60), "x − 1,699,999,900", ["10", "20", "30", "40", "50", "60"]),
        ((1.00001, 1.00006), "x − 1", None),
        ((0.0, 60.0), "x", ["0", "10", "20", "30", "40", "50", "60"]),
        ((-60.0, 0.0), "x", ["−60", "−50", "−40", "−30", "−20", "−10", "0"]),
    ],
)
def test_what_is_taken_off_the_ticks_is_said(span, label, texts):
    axis = charts.Axis("x")
    assert charts.label(axis, charts.offset(span, axis)) == label
    assert texts is None or [text for _, text in charts.ticks(span, 7, axis)] == texts


def test_of_values_far_below_zero_the_offset_is_written_with_signs_of_people():
    axis = charts.Axis("x")
    label = charts.label(axis, charts.offset((-1.7e9 - 60, -1.7e9 - 10), axis))
    assert offset_of(label) == pytest.approx(-1.7e9, rel=1e-6)
    assert label.startswith("x ")
    assert "-" not in label


@pytest.mark.parametrize("name", ["far from zero", "negative, far from zero"])
def test_what_is_far_from_zero_can_be_told_apart(situation, name):
    fit = situation(name)
    root = read(page(fit))
    _, x, mean, _, _ = np.array(fit.model.report["residuals"]["groups"]).T
    drawn = Drawn(root, "actual")
    assert min(np.abs(drawn.base)) > 1e8
    assert drawn.x[1] * 400 < 100 * np.ptp(x)
    drawn.agree(drawn.dots(), np.column_stack([x, x + mean]).tolist())
    drawn = Drawn(root, "fitted")
    assert drawn.base[1] == 0
    drawn.agree(drawn.dots(), np.column_stack([x, mean]).tolist())


@settings(deadline=None, derandomize=True)
@given(st.text(max_size=60))
def test_what_is_made_visible_is_printable_and_otherwise_the_same(text):
    shown = visible(text)
    assert shown.isprintable()
    assert shown == text or not text.isprintable()
    assert shown.encode().decode() == shown


# ---------------------------------------------------------------------------------------------------------------------
# Privacy


def leaves(value):
    """Return all numbers and texts of a JSON tree."""
    if isinstance(value, dict):
        return [leaf for each in value.values() for leaf in leaves(each)]
    if isinstance(value, list | tuple):
        return [leaf for each in value for leaf in leaves(each)]
    return [value]


@pytest.mark.parametrize("m", [3, 9, 10, 11, 14, 15, 57, 5000])
def test_no_row_is_on_a_page_or_in_its_model(m, tmp_path):
    random = np.random.default_rng(m)
    X, y = random.uniform(1.0, 2.0, size=(m, 2)), random.uniform(5.0, 6.0, size=m)
    fit = regress.fit(X, y)
    secrets = np.concatenate([X.ravel(), y])
    if m > 3:
        predicted, residual, z = plain_residuals(X, y)
        secrets = np.concatenate([secrets, predicted, residual, z, np.sqrt(np.abs(z))])
    secrets = np.sort(np.abs(secrets))
    fit.save(tmp_path / "m.json")
    held = json.loads((tmp_path / "m.json").read_text())["report"]
    html = page(fit)
    read(html)
    style_apart = re.sub(r"<(style|script)>.*?</\1>", "", html, flags=re.DOTALL)
    written = re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?", style_apart)
    numbers = [float(text.replace(",", "")) for text in written if len(re.sub(r"e.*|\D", "", text).lstrip("0")) >= 7]
    numbers += [abs(v) for v in leaves(held) if isinstance(v, float) and len(repr(v)) > 9]
    assert len(numbers) > 20
    at = np.clip(np.searchsorted(secrets, numbers), 1, len(secrets) - 1)
    near = np.minimum(np.abs(secrets[at] - numbers), np.abs(secrets[at - 1] - numbers))
    assert near.min() > 1e-9
    found = held["residuals"]
    if m < 10:
        assert found is None
        assert "There are fewer than ten rows, and a group takes five." in html
        return
    assert found["rows"] == m
    for name in ("groups", "normal"):
        rows = [rows for *_, rows in found[name]]
        assert min(rows) >= 5, name
        assert sum(rows) == m, name
    assert not {1, 2, 3, 4} & {count for _, _, count, _ in found["bands"]}
    assert found["far"] not in (1, 2, 3, 4)


def test_rows_of_equal_values_do_not_make_small_groups():
    x = np.repeat([0.0, 1.0, 2.0], [40, 3, 40])
    found = regress.fit(x[:, None], x + np.tile([0.5, -0.5], 42)[:83]).model.report["residuals"]
    for name in ("groups", "normal"):
        assert min(rows for *_, rows in found[name]) >= 5
        assert sum(rows for *_, rows in found[name]) == 83
    assert len({part for part, *_ in found["groups"]}) == 2  # three rows are no slice


@pytest.mark.parametrize("of", ["target", "column", "both"])
@pytest.mark.parametrize("at", [0, 50, 99])
def test_an_outlier_is_no_mean_of_its_group(of, at):
    X, y = normal_rows(100)
    if of != "column":
        y[at] = 1e6
    if of != "target":
        X[at, 0], y[at] = 1e6, 1.5e6 if of == "column" else -1e6
    predicted, residual, z = plain_residuals(X, y)
    found = regress.fit(X, y).model.report["residuals"]
    assert found["far"] is None
    part, x, mean, root, rows = np.array(found["groups"]).T
    for values, means in (
        (predicted, x),
        (residual, mean),
        (np.sqrt(np.abs(z)), root),
        (predicted + residual, x + mean),
    ):
        secret = abs(values[at])
        if secret > 50 * np.median(np.abs(values)):
            assert np.abs(np.abs(means * rows) / secret - 1.0).min() > 0.1
            slices = np.bincount(part.astype(int), means * rows)
            assert np.abs(np.abs(slices) / secret - 1.0).min() > 0.1
    _, _, deviations, rows = np.array(found["normal"]).T
    if abs(z[at]) > 5:
        assert np.abs(np.abs(deviations * rows) / abs(z[at]) - 1.0).min() > 0.1


# ---------------------------------------------------------------------------------------------------------------------
# A model's page


def run(*arguments):
    """Run the command line: its exit code, and what it says on both outputs."""
    with redirect_stdout(io.StringIO()) as said, redirect_stderr(io.StringIO()) as told:
        with pytest.raises(SystemExit) as ended:
            main([str(a) for a in arguments])
    return ended.value.code or 0, said.getvalue(), told.getvalue()


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_saved_model_makes_the_page_of_its_fit(situation, name, tmp_path):
    fit = situation(name)
    fit.save(tmp_path / "m.json")
    assert page(regress.load(tmp_path / "m.json")) == page(fit)
    assert page(fit.model) == page(fit)


def test_the_command_makes_the_page_of_the_fit(tmp_path):
    model, first, second = tmp_path / "m.json", tmp_path / "first.html", tmp_path / "second.html"
    code, _, _ = run("fit", DIABETES, "--target", "progression", "--save", model, "--report", first)
    assert code == 0
    code, said, _ = run("report", model, "-o", second)
    assert (code, said) == (0, f"{second}\n")
    assert first.read_bytes() == second.read_bytes()
    command = f"regress fit {DIABETES} --target progression --save {model} --report {first}"
    assert read(first.read_text()).one("pre").text == command
    assert run("report", model)[1] == f"{tmp_path / 'm.html'}\n"
    assert (tmp_path / "m.html").read_bytes() == first.read_bytes()
    assert run("report", model, "--descent", "bmi,s5")[0] == 0
    page_of_pair = (tmp_path / "m.html").read_text()
    assert page_of_pair != first.read_text()
    assert page_of_pair == page(regress.load(model), ["bmi", "s5"])


def test_a_model_without_a_report_says_what_its_page_lacks(tmp_path):
    X, y = normal_rows()
    regress.fit(X, y).save(tmp_path / "m.json")
    held = json.loads((tmp_path / "m.json").read_text())
    held["report"] = None
    (tmp_path / "old.json").write_text(json.dumps(held))
    model = regress.load(tmp_path / "old.json")
    root = read(page(model))
    assert table_of(root, "coefficients") == {
        "(intercept)": [model.b], **{n: [v] for n, v in zip(model.names, model.w, strict=True)}
    }  # fmt: skip
    for section in ("rows", "coefficients", "certificate", "convergence", "residuals", "descent"):
        lacks = root.one("section", id=section).all("p", class_="lack")
        assert [text.text for text in lacks] == [
            "Not shown: This model was saved without what a report shows. Fit it anew to see it."
        ], section
    assert root.all("script") == []
    assert root.one("p", class_="equation").values == [model.b, *np.abs(model.w)]
    code, _, told = run("report", tmp_path / "old.json", "--descent", "x0,x1")
    assert code == 2
    assert "Fit it anew" in told


def paths_of(value, path=()):
    """Return where every value of a JSON tree is; of lists the first, the second and the last."""
    items = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = [(k, value[k]) for k in sorted({0, min(1, len(value) - 1), len(value) - 1}) if value]
    return [found for key, each in items for found in [(*path, key), *paths_of(each, (*path, key))]]


def changed(value, path, new):
    """Return a copy of a JSON tree with one value replaced, or taken out where `new` is ..."""
    copy = json.loads(json.dumps(value))
    at = copy
    for key in path[:-1]:
        at = at[key]
    if new is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = new
    return copy


@cache
def blocks():
    """Models with their report blocks: one with everything in it, and one of a descent in double."""
    X, y = dependent_rows()
    with pytest.warns(DataWarning):
        full = regress.fit(X, y, test_size=0.2).model
    double = regress.fit(*normal_rows(), solver="cg", precision="float64").model
    return [(model, json.loads(json.dumps(model.report))) for model in (full, double)]


def wrong_with(model, report):
    """Make the page of a model with another block; say what else comes of it than a page or one sentence."""
    try:
        html = page(replace(model, report=report))
    except InputError as error:
        said = str(error)
        return None if "\n" not in said and said.endswith(".") else said
    except Exception as error:  # whatever it is: all of them are to be seen at once
        return f"{type(error).__name__}: {error}"
    return None if html.rstrip().endswith("</html>") else "an unfinished page"


WRONG = {"null": None, "text": "x", "list": [], "infinity": float("inf"), "taken out": ...}
MORE = {"object": {}, "lists": [[]], "nan": float("nan"), "minus one": -1, "zero": 0, "half": 0.5, "true": True}
MORE |= {"markup": "<b>", "a large number": 10**400}


@pytest.mark.parametrize("new", WRONG.values(), ids=WRONG)
def test_a_malformed_report_block_gives_a_page_or_one_sentence(new):
    found = {}
    for model, report in blocks():
        one_of_each = [path for path in paths_of(report) if not {1, 2, 3} & set(path)]
        found |= {path: wrong_with(model, changed(report, path, new)) for path in one_of_each}
    assert {path: said for path, said in found.items() if said} == {}


@pytest.mark.slow
@pytest.mark.parametrize("new", (WRONG | MORE).values(), ids=WRONG | MORE)
def test_any_malformed_value_of_a_report_block_gives_a_page_or_one_sentence(new):
    found = {}
    for model, report in blocks():
        found |= {path: wrong_with(model, changed(report, path, new)) for path in paths_of(report)}
    assert {path: said for path, said in found.items() if said} == {}


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    st.integers(0, 1),
    st.lists(
        st.tuples(
            st.integers(0, 10**6), st.sampled_from([None, "x", [], [[]], {}, float("inf"), -1.5, 0, 10**400, True])
        ),
        min_size=2,
        max_size=3,
    ),
)
def test_several_malformed_values_give_a_page_or_one_sentence(which, wrong):
    model, report = blocks()[which]
    for number, new in wrong:
        places = paths_of(report)
        report = changed(report, places[number % len(places)], new)
    assert wrong_with(model, report) is None


@pytest.mark.parametrize("text", ["1e999", '"x"', "[]", "{}", "null", "true"])
def test_a_malformed_block_in_a_file_is_one_error_of_the_command(tmp_path, text):
    regress.fit(*normal_rows()).save(tmp_path / "m.json")
    held = json.loads((tmp_path / "m.json").read_text())
    for key in ("history", "moments", "n_iter", "lines"):
        report = {**held["report"], key: "PLACE"}
        (tmp_path / "bad.json").write_text(json.dumps({**held, "report": report}).replace('"PLACE"', text))
        written = tmp_path / f"{key}.html"
        code, _, told = run("report", tmp_path / "bad.json", "-o", written)
        assert code in (0, 2)
        assert written.exists() is (code == 0)
        assert re.fullmatch(r"Error: .*\n" if code else "", told)


@pytest.mark.parametrize("report", ["null", '"x"', "[]", "7", "{}"])
def test_a_block_that_is_none_is_one_error_or_missing(tmp_path, report):
    regress.fit(*normal_rows()).save(tmp_path / "m.json")
    held = json.loads((tmp_path / "m.json").read_text())
    (tmp_path / "bad.json").write_text(json.dumps({**held, "report": json.loads(report)}))
    code, _, told = run("report", tmp_path / "bad.json")
    assert code == 0 if report == "null" else re.fullmatch(r"Error: .*\n", told)


# ---------------------------------------------------------------------------------------------------------------------
# Size


def test_a_long_descent_makes_a_small_page():
    X, y = normal_rows(60)
    X[:, 1] = X[:, 0] + 1e-3 * X[:, 1]
    with pytest.warns(ConvergenceWarning):
        fit = regress.fit(X, y, solver="gd", tol=1e-300, max_iter=100_000)
    assert fit.n_iter == 100_000
    html = page(fit)
    assert len(html.encode()) < 100_000
    root = read(html)
    drawn = Drawn(root, "gradient")
    line = drawn.line()
    assert 250 < len(line) <= 300
    assert line[0][0] == pytest.approx(0, abs=drawn.x[2])
    assert line[-1][0] == pytest.approx(100_000, abs=drawn.x[2])
    assert line[-1][1] == pytest.approx(math.log10(fit.history[-1].gradient_norm), abs=drawn.y[2])
    assert len(fit.model.report["history"]) <= 1000


@pytest.mark.parametrize("letter", ["n", "&", "ŷ", "\u202e"])
def test_long_levels_and_names_make_a_small_page(letter, tmp_path):
    random = np.random.default_rng(1)
    levels = np.array([f"{k:02d}" + letter * 498 for k in range(60)])
    frame = pd.DataFrame({"kind": levels[np.arange(600) % 60], "y": random.normal(size=600)})
    fit = regress.fit(frame, "y")
    html = page(fit)
    assert len(html.encode()) < 1_000_000
    assert len(table_of(read(html), "coefficients")) == 60


@pytest.mark.parametrize(("length", "kept"), [(240, True), (241, False), (3000, False)])
def test_the_middle_of_a_very_long_name_is_left_out_of_tables(length, kept):
    X, y = normal_rows(60, 2)
    name = ("ab" + "".join(chr(0x4E00 + k) for k in range(length)))[: length - 2] + "yz"
    fit = regress.fit(pd.DataFrame({name: X[:, 0], "x": X[:, 1], "y": y}), "y")
    claimed = regress.certify(([1.0, 2.0], 3.0), pd.DataFrame({name: X[:, 0], "x": X[:, 1], "y": y}), "y")
    for result in (fit, claimed):
        (shown,) = set(table_of(read(page(result)), "coefficients")) - {"(intercept)", "x"}
        assert len(shown) == 240
        if kept:
            assert shown == name
        else:
            head, tail = shown.split("…")
            assert name.startswith(head)
            assert name.endswith(tail)
            assert min(len(head), len(tail)) >= 60


def of_long_names(rows, columns, letter):
    """A fit of so many columns, whose names have 200 characters."""
    random = np.random.default_rng(1)
    frame = pd.DataFrame(
        random.normal(size=(rows, columns)), columns=[f"{j:04d}" + letter * 196 for j in range(columns)]
    )
    frame["y"] = random.normal(size=rows)
    return regress.fit(frame, "y", precision="float64")


def assert_small(fit):
    html = page(fit)
    assert len(html.encode()) < 1_000_000
    root = read(html)
    shown = table_of(root, "coefficients")
    assert len(shown) == 501
    size = np.sort(np.abs(fit.standardized))[::-1]
    assert sorted((abs(row[-2]) for row in shown.values() if row[-2] is not None), reverse=True) == size[:500].tolist()
    assert f"{len(fit.names) - 500:,} coefficients more" in root.one("section", id="coefficients").text


@pytest.mark.parametrize("letter", ["n", "&", "ŷ", "\u202e"])
def test_hundreds_of_long_names_make_a_small_page(letter):
    assert_small(of_long_names(600, 510, letter))


@pytest.mark.slow
def test_two_thousand_long_names_make_a_small_page():
    assert_small(of_long_names(2200, 2000, "n"))


def test_many_equations_of_long_names_make_a_small_page():
    random = np.random.default_rng(1)
    X = random.integers(-9, 9, size=(120, 30)).astype(float)
    X = np.column_stack([X, *[X @ random.integers(-3, 4, 30) for _ in range(60)]])
    frame = pd.DataFrame(X, columns=[f"{j:04d}" + "n" * 996 for j in range(90)])
    frame["y"] = random.normal(size=120)
    with pytest.warns(DataWarning):
        fit = regress.fit(frame, "y")
    assert len(fit.equations) == 60
    html = page(fit)
    assert len(html.encode()) < 1_000_000
    assert read(html).one("section", id="collinearity").all("li")


def test_more_columns_than_rows_make_a_small_page():
    random = np.random.default_rng(1)
    with pytest.warns(DataWarning):
        fit = regress.fit(random.normal(size=(200, 3000)), random.normal(size=200))
    html = page(fit)
    assert len(html.encode()) < 1_000_000
    assert "2,500 coefficients more" in read(html).text


@pytest.mark.slow
def test_ten_million_rows_make_a_page_no_larger_than_a_thousand(tmp_path):
    random = np.random.default_rng(1)
    X = random.normal(size=(10_000_000, 3))
    y = X @ [1.0, 2.0, 3.0] + random.normal(size=len(X))
    few, many = page(regress.fit(X[:1000], y[:1000])), page(regress.fit(X, y))
    assert len(many.encode()) < len(few.encode()) + 50_000 < 150_000
    root = read(many)
    assert "a sample of 20,000 of the 10,000,000 rows" in " ".join(root.one("section", id="residuals").text.split())


@pytest.mark.slow
def test_five_thousand_columns_make_a_small_page():
    random = np.random.default_rng(1)
    X = random.normal(size=(6000, 5000))
    fit = regress.fit(X, X[:, 0] + random.normal(size=6000))
    html = page(fit)
    assert len(html.encode()) < 1_000_000
    assert "a sample of 800 of the 6,000 rows" in " ".join(read(html).one("section", id="residuals").text.split())


# ---------------------------------------------------------------------------------------------------------------------
# Files and flags


def test_a_page_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    fit = regress.fit(*normal_rows())
    path = tmp_path / "p.html"
    write_report(fit, path)
    before = path.read_bytes()
    assert before == page(fit).encode()
    with pytest.raises(InputError, match="no coefficient 'x9'"):
        write_report(fit, path, descent=["x0", "x9"])
    with pytest.raises(InputError, match="cannot be written: No such file or directory"):
        write_report(fit, tmp_path / "none" / "p.html")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(InputError, match="cannot be written: No space left on device"):
        write_report(fit, path, descent=["x0", "x1"])
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["p.html"]


FIT = ["fit", DIABETES, "--target", "progression"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([*FIT, "--report", "FOLDER/none/p.html"], "there is no folder FOLDER/none"),
        ([*FIT, "--report", DIABETES], "--report would overwrite .*diabetes.csv, which is the table"),
        ([*FIT, "--save", "FOLDER/a.html", "--report", "FOLDER/a.html"], "--report would overwrite FOLDER/a.html"),
        ([*FIT, "--report", "FOLDER/p.html", "--descent", "bmi,age_"], "no coefficient 'age_'. Nearest: 'age'"),
        ([*FIT, "--report", "FOLDER/p.html", "--descent", "BMI,age"], "no coefficient 'BMI'. Nearest: 'bmi'"),
        ([*FIT, "--report", "FOLDER/p.html", "--descent", "bmi,bmi"], "two different coefficients; got 'bmi' twice"),
        ([*FIT, "--report", "FOLDER/p.html", "--descent", "bmi"], "two coefficients.*got .*bmi"),
        ([*FIT, "--report", "FOLDER/p.html", "--descent", "bmi,age,s5"], "two coefficients.*got .*s5"),
        ([*FIT, "--descent", "bmi,age"], "--descent says what a page draws. Name the page with --report"),
        ([*FIT, "--features", "bmi", "--report", "FOLDER/p.html", "--descent", "bmi,age"], "this model has one"),
        ([*FIT, "--report", "-"], "--report takes the name of a file; got '-'"),
        ([*FIT, "--report", ""], "--report takes the name of a file; got ''"),
        ([*FIT, "--save", "-"], "--save takes the name of a file; got '-'"),
        ([*FIT, "--save", ""], "--save takes the name of a file; got ''"),
        (["report", "FOLDER/m.json", "-o", "-"], "--output takes the name of a file; got '-'"),
        (["report", "FOLDER/m.json", "-o", ""], "--output takes the name of a file; got ''"),
        (["certify", "FOLDER/m.json", DIABETES, "--report", "-"], "--report takes the name of a file; got '-'"),
        (["compare", DIABETES, "--target", "progression", "--report", ""], "--report takes the name of a file; got ''"),
        ([*FIT, "--report", "FOLDER"], "--report FOLDER is a folder. Name a file"),
        ([*FIT, "--save", "FOLDER"], "--save FOLDER is a folder. Name a file"),
        (["report", "FOLDER/m.json", "-o", "FOLDER"], "--output FOLDER is a folder. Name a file"),
        (["certify", "FOLDER/m.json", DIABETES, "--report", "FOLDER"], "--report FOLDER is a folder. Name a file"),
        (["report", "FOLDER/none.json"], "The model FOLDER/none.json cannot be read"),
        (["report", "FOLDER/m.json", "-o", "FOLDER/m.json"], "--output would overwrite FOLDER/m.json.*the model"),
        (["report", "FOLDER/m.json", "-o", "FOLDER/none/p.html"], "there is no folder"),
        (["report", "FOLDER/m.json", "--descent", "bmi,sex_"], "no coefficient 'sex_'. Nearest: 'sex'"),
        (["report", DIABETES], "is not a model: it is not JSON"),
        (["certify", "FOLDER/m.json", DIABETES, "--report", "FOLDER/m.json"], "which is the model"),
        (["certify", "FOLDER/m.json", DIABETES, "--report", DIABETES], "which is the table"),
        (["compare", DIABETES, "--target", "progression", "--report", DIABETES], "which is the table"),
        (["compare", DIABETES, "--target", "progression", "--descent", "bmi,age"], "No such option"),
    ],
)
def test_what_cannot_be_made_is_one_sentence(tmp_path, arguments, says):
    regress.fit(DIABETES, "progression").save(tmp_path / "m.json")
    model, table = (tmp_path / "m.json").read_bytes(), Path(DIABETES).read_bytes()
    code, _, told = run(*(argument.replace("FOLDER", str(tmp_path)) for argument in arguments))
    assert code == 2
    assert re.fullmatch(r"Error: [^\n]*\n", told)
    assert re.search(says.replace("FOLDER", re.escape(str(tmp_path))), told)
    assert (tmp_path / "m.json").read_bytes() == model
    assert Path(DIABETES).read_bytes() == table
    assert not list(tmp_path.glob("*.html")) or arguments[-1] == "FOLDER/a.html"


@pytest.mark.parametrize("descent", ["bmi,age", "bmi"])
def test_flags_that_do_not_go_together_are_refused_before_the_fit(tmp_path, descent):
    page_wanted = [] if "," in descent else ["--report", tmp_path / "p.html"]
    assert run(*FIT, "--save", tmp_path / "m.json", *page_wanted, "--descent", descent)[0] == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--report", "--save"])
@pytest.mark.parametrize("output", ["-", "", "FOLDER", "FOLDER/p.html"])
def test_where_nothing_can_be_written_is_refused_before_the_fit(tmp_path, monkeypatch, option, output):
    access = os.access
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) != tmp_path and access(path, mode))
    monkeypatch.setattr("regress.api.fit.fit", lambda *_, **__: pytest.fail("it was fitted"))
    monkeypatch.setattr("regress.fit", lambda *_, **__: pytest.fail("it was fitted"))
    code, _, told = run(*FIT, option, output.replace("FOLDER", str(tmp_path)))
    assert code == 2
    why = {"FOLDER": "is a folder", "FOLDER/p.html": "its folder is read-only"}
    assert re.fullmatch(rf"Error: {option} .*{why.get(output, 'takes the name of a file')}.*\n", told)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sample", [2.5, 7.0, True, -1, "7", None, float("nan"), float("inf")])
def test_a_sample_that_is_no_whole_number_is_refused(sample):
    with pytest.raises(InputError, match="sample must be a whole number of at least 0"):
        regress.fit(*normal_rows(60), sample=sample)


@pytest.mark.parametrize(
    ("sample", "rows"), [(0, None), (1, None), (20, 20), (np.int64(20), 20), (60, 60), (10**9, 60)]
)
def test_a_sample_has_as_many_rows_as_were_asked_for(sample, rows):
    found = regress.fit(*normal_rows(60), sample=sample).model.report["residuals"]
    assert (found and found["rows"]) == rows


def test_a_folder_that_cannot_be_written_is_said(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied", f"{tmp_path}/.p.html.abc")

    monkeypatch.setattr("os.open", refuse)
    monkeypatch.setattr("tempfile.mkstemp", refuse)
    with pytest.raises(InputError, match=r"p\.html cannot be written: Permission denied\."):
        write_report(regress.fit(*normal_rows()).model, tmp_path / "p.html")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("descent", ["x0", "x0,x1", ["x0"], [], ["x0", "x1", "x2"], ["x0", 1], [None, "x0"]])
def test_a_descent_that_is_no_pair_of_names_is_refused(descent):
    with pytest.raises(InputError):
        page(regress.fit(*normal_rows()), descent)


@pytest.mark.usefixtures("without_tensorflow")
def test_only_fits_descend_and_only_results_are_shown(tmp_path):
    X, y = normal_rows()
    compared, certified = regress.compare(X, y), regress.certify(([1.0, 2.0, 3.0], 4.0), X, y)
    for result in (compared, certified):
        with pytest.raises(InputError, match="drawn for a fit"):
            page(result, ["x0", "x1"])
    for result in (None, 7, "page", X):
        with pytest.raises(InputError, match="no report of a"):
            write_report(result, tmp_path / "p.html")
    assert list(tmp_path.iterdir()) == []


def test_of_one_column_there_is_no_descent():
    X, y = normal_rows(n=1)
    root = page_of(X, y)
    assert "this model has one" in root.one("section", id="descent").one("p", class_="lack").text
    assert root.all("script") == []
    assert len(Drawn(root, "betas").dots()) == 1


def test_of_more_than_fifty_columns_there_is_no_descent():
    random = np.random.default_rng(1)
    for n, drawn in ((50, True), (51, False)):
        root = page_of(random.normal(size=(100, n)), random.normal(size=100))
        assert bool(root.all("figure", id="figure-descent-map")) is drawn
        assert bool(root.all("script")) is drawn


def test_why_there_is_no_descent_of_few_rows_is_told_truly():
    with pytest.warns(DataWarning):
        fit = regress.fit(np.random.default_rng(2).normal(size=(3, 5)), np.arange(3.0))
    why = read(page(fit)).one("section", id="descent").one("p", class_="lack").text
    assert "50" not in why  # there are five columns: their number is not what is in the way


# ---------------------------------------------------------------------------------------------------------------------
# Hostile texts


ATTACK = "</title></style></svg></script><script>alert(1)</script><img src=x onerror=alert(1)><!--"
TEXTS = [
    ATTACK,
    "\" onmouseover=alert(1) x='`&amp;&lt;&#60;",
    "{{ 7 * 7 }}{% raw %}{# #}${x}",
    "a\u202eb\u2067c\u200bd\u00ade\ufefff",
    "bell\x07 escape\x1b[31m next\x85 zero\x00 line\u2028 tab\t end",
    "]]> \\u003cb\\u003e \U0001f600 \U000e0041",
    "| step |",
]


def assert_harmless(html, texts):
    root = read(html)
    for node in root.all():
        for name, value in node.attributes.items():
            assert name == "aria-label" or "alert(1)" not in value, (name, value)
    shown = "".join(
        part for node in [root, *root.all()] if node.tag not in ("style", "script") for part in strings(node)
    )
    hidden = [c for c in shown if not c.isprintable() and c != "\n"]
    assert hidden == []
    assert [c for c in html if not c.isprintable() and c != "\n"] == []
    policy = [meta.attributes["content"] for meta in root.all("meta") if "http-equiv" in meta.attributes]
    assert len(policy) == 1
    assert policy[0].startswith("default-src 'none'")
    for text in texts:
        assert visible(text) in shown, text
    return root


@pytest.mark.parametrize("text", TEXTS)
def test_names_of_a_table_are_only_text(text, tmp_path):
    random = np.random.default_rng(4)
    frame = pd.DataFrame(random.normal(size=(90, 2)), columns=[text, "x" + text])
    frame["level"] = np.array([text, "a" + text, "b" + text] * 30)
    frame["twice"] = frame[text] * 2.0
    frame["w"] = 1.0 + random.random(90)
    frame["y" + text] = random.normal(size=90)
    frame.loc[3, text] = np.nan
    with pytest.warns(DataWarning):
        fit = regress.fit(frame, "y" + text, missing="drop", weights="w")
    fit = replace(fit, command=f"regress fit '{text}'", source=f"{text}.csv", read_as=f"delimiter {text}")
    root = assert_harmless(page(fit), [text, "y" + text, f"level=b{text}", f"regress fit '{text}'", f"{text}.csv"])
    assert len(root.all("script")) == 1
    root = assert_harmless(page(fit, [text, "x" + text]), [text])
    fit.save(tmp_path / "m.json")
    assert page(regress.load(tmp_path / "m.json")) == page(fit)


@pytest.mark.usefixtures("without_tensorflow")
@pytest.mark.parametrize("text", TEXTS)
def test_texts_of_a_comparison_and_a_certificate_are_only_text(text):
    random = np.random.default_rng(4)
    frame = pd.DataFrame(random.normal(size=(90, 2)), columns=[text, "x" + text])
    frame["twice"] = frame[text] * 2.0
    frame["y" + text] = random.normal(size=90)
    compared = regress.compare(frame, "y" + text)
    compared = replace(compared, source=f"{text}.csv", verdict=[*compared.verdict, text])
    compared.fits[1] = replace(compared.fits[1], w=None, digits_of=None, note=text, name=f"tool {text}", asked=text)
    assert_harmless(
        page(compared, command=f"regress '{text}'"), [text, "y" + text, f"tool {text}", f"regress '{text}'"]
    )
    claimed = regress.certify(([1.0, 2.0, 3.0], 4.0), frame, "y" + text)
    claimed = replace(claimed, source=f"{text}.csv", space=text)
    assert_harmless(page(claimed, command=f"regress '{text}'"), [text, "y" + text, f"{text}.csv", f"regress '{text}'"])


def test_a_file_name_that_is_no_text_is_written_out(tmp_path):
    fit = replace(regress.fit(*normal_rows()), source="caf\udce9.csv", command="regress fit caf\udce9.csv")
    write_report(fit, tmp_path / "p.html")  # what Python makes of a byte that is no UTF-8
    assert "caf\\udce9.csv" in read((tmp_path / "p.html").read_text(encoding="utf-8")).text


def test_the_policy_allows_the_one_script_by_its_hash():
    import base64
    import hashlib

    root = page_of(*normal_rows())
    digest = base64.b64encode(hashlib.sha256(root.one("script").text.encode()).digest()).decode()
    (policy,) = [m.attributes["content"] for m in root.all("meta") if "http-equiv" in m.attributes]
    assert f"script-src 'sha256-{digest}'" in policy


# ---------------------------------------------------------------------------------------------------------------------
# Comparisons and certificates


COMPARED = {
    "plain": (normal_rows(), {}),
    "no intercept": (normal_rows(), {"fit_intercept": False}),
    "weights": (normal_rows(), {"weights": np.random.default_rng(1).uniform(0.5, 4.0, 300)}),
    "dependent": (dependent_rows(), {}),
    "constant target": ((normal_rows()[0], np.full(300, 2.5)), {}),
    "perfect": ((np.arange(12.0)[:, None], np.arange(12.0) * 2.0 + 1.0), {"test_size": 0.0}),
    "more columns than rows": ((np.random.default_rng(2).normal(size=(20, 60)), np.arange(20.0)), {"test_size": 0.0}),
}


@pytest.mark.parametrize("name", COMPARED)
@pytest.mark.usefixtures("without_tensorflow")
def test_the_page_of_a_comparison_has_its_figures(name):
    (X, y), options = COMPARED[name]
    result = regress.compare(X, y, **options)
    html = page(result, command="regress compare")
    assert len(html.encode()) < 150_000
    root = read(html)
    assert root.all("script") == []
    expected = {
        fit.name: [
            nothing(v)
            for v in (
                *(fit.digits, fit.moved, fit.excess_loss, fit.gradient_norm),
                *(fit.r2_test, fit.seconds, fit.n_iter, fit.rank),
            )
        ]
        for fit in result.fits
    }  # fmt: skip
    assert table_of(root, "table") == expected
    assert expected["regress autodiff"] == [None] * 8
    notes = [note.text for note in root.one("section", id="table").all("p", class_="note")]
    assert notes == [f"{fit.name}: {fit.note}" for fit in result.fits if fit.note]
    assert any(INSTALL_TENSORFLOW in note for note in notes)
    mark = "✓" if result.agree else "✗"
    assert root.one("section", id="verdict").one("strong").text == f"{mark} {result.verdict[0]}"
    said = [note.text for note in root.one("section", id="digits").all("p", class_="note")]
    assert said == result.verdict[1:]
    assert {name: cell[0] for name, cell in table_of(root, "asked").items()} == {f.name: f.asked for f in result.fits}
    assert root.one("section", id="asked").one("table").attributes["class"] == "texts"
    done = [fit for fit in result.fits if fit.w is not None]
    assert [label for label, _ in bars_of(root, "worst")] == [fit.name for fit in done]
    assert [value for _, value in bars_of(root, "worst")] == pytest.approx([fit.digits for fit in done], abs=0.03)
    drawn = Drawn(root, "seconds")
    assert {label: x for x, label, _ in drawn.dots()} == pytest.approx(
        {fit.name: math.log10(fit.seconds) for fit in done}, abs=drawn.x[2]
    )
    drawn = Drawn(root, "loss-above")
    assert {label: x for x, label, _ in drawn.dots()} == pytest.approx(
        {fit.name: math.log10(fit.excess_loss) for fit in done if fit.excess_loss > 0}, abs=drawn.x[2]
    )


@pytest.mark.parametrize("name", COMPARED)
@pytest.mark.usefixtures("without_tensorflow")
def test_the_map_of_digits_shows_the_worst_coefficients(name):
    (X, y), options = COMPARED[name]
    result = regress.compare(X, y, **options)
    section = read(page(result)).one("section", id="digits")
    table, intercept = section.one("table"), options.get("fit_intercept", True)
    assert [head.text for head in table.one("thead").all("th")] == ["Coefficient", *(fit.name for fit in result.fits)]
    cells = rows_of(table)
    assert list(cells)[:intercept] == ["(intercept)"] * intercept
    heads = list(cells)[intercept:]
    assert "(intercept)" not in heads
    found = [fit.digits_of for fit in result.fits if fit.digits_of is not None]
    worst = np.min(found, axis=0)
    assert len(heads) == min(len(worst), 40)
    assert [n for n in result.names if n in heads] == heads
    shown = [result.names.index(head) for head in heads]
    left = [j for j in range(len(worst)) if j not in shown]
    assert not left or worst[left].min() >= worst[shown].max()
    assert (f"Of {len(worst)} coefficients, those with the fewest digits are shown." in section.text) is bool(left)
    for fit, column in zip(result.fits, zip(*cells.values(), strict=True), strict=True):
        of = [None] * len(heads) if fit.digits_of is None else [float(fit.digits_of[j]) for j in shown]
        b = [None if fit.w is None else fit.intercept_digits] * intercept
        assert list(column) == [*b, *of]
    for cell in table.all("td"):
        shade = int(cell.attributes["class"].removeprefix("cell s"))
        assert shade == (0 if cell.text == "–" else min(cell.values[0] // 3 + 1, 6))


CLAIMS = {
    "wrong": (([1.0, 2.0, 3.0], 4.0), normal_rows(), {}),
    "no intercept": (([1.5, -0.2, 30.0], 0.0), normal_rows(), {"fit_intercept": False}),
    "alpha": (([1.5, -0.2, 30.0], 7.0), normal_rows(), {"alpha": 3.0}),
    "weights": (([1.5, -0.2, 30.0], 7.0), normal_rows(), {"weights": np.arange(1.0, 301.0)}),
    "dependent": (([1.5, -0.2, 30.0, 0.0], 7.0), dependent_rows(), {}),
    "constant target": (([0.0, 0.0, 0.0], 2.5), (normal_rows()[0], np.full(300, 2.5)), {}),
    "constant target, wrong": (([1.0, 0.0, 0.0], 2.0), (normal_rows()[0], np.full(300, 2.5)), {}),
    "perfect": (([2.0], 1.0), (np.arange(12.0)[:, None], np.arange(12.0) * 2.0 + 1.0), {}),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_the_page_of_a_certificate_has_its_figures(name):
    claim, (X, y), options = CLAIMS[name]
    result = regress.certify(claim, X, y, **options)
    root = read(page(result, command="regress certify a 'b c'"))
    assert root.all("script") == []
    objective = {"alpha": "Σ(ŷ − y)² + 3‖w‖²", "weights": "Σa(ŷ − y)²"}.get(name, "Σ(ŷ − y)²")
    assert f"the exact minimum of {objective} over {len(y)} rows" in root.one("header").one("p", class_="lead").text
    assert f"The minimum of {objective} is" in root.one("section", id="meaning").text
    strong = root.one("section", id="verdict").one("strong")
    assert strong.text == ("✓ Certified:" if result.passed else "✗ Not certified:")
    assert strong.attributes["class"] == ("good" if result.passed else "bad")
    lines = sorted(result.lines(), key=lambda line: line[3])
    assert table_of(root, "coefficients") == {label: list(figures) for label, *figures in lines}
    assert list(table_of(root, "coefficients")) == [label for label, *_ in lines]
    tiles = {tile.one("dt").text: tile.one("dd") for tile in root.one("header").one("dl").all("div")}
    assert tiles["Verdict"].text == ("✓ Certified" if result.passed else "✗ Not certified")
    assert tiles["Digits right, worst coefficient"].values == [result.worst]
    assert tiles["‖∇L‖ at the claim"].values == [result.gradient_norm]
    assert tiles["Loss above its minimum"].values == [result.excess_loss]
    assert tiles["Minimum of the loss"].values == [result.loss]
    section = root.one("section", id="verdict")
    assert section.values[:2] == [result.worst, result.asked]
    if result.moved is not None and math.isfinite(result.moved):
        assert section.values[2] == result.moved
    if result.min_norm_digits is not None:
        assert section.values[-1] == min(result.min_norm_digits.values())
    assert root.one("pre").text == "regress certify a 'b c'"
    for label, value in bars_of(root, "digits"):
        assert value == pytest.approx(dict((n, d) for n, _, _, d in lines)[label], abs=0.03)


def test_the_commands_write_the_pages_of_a_comparison_and_a_certificate(tmp_path):
    regress.fit(DIABETES, "progression").save(tmp_path / "m.json")
    code, said, _ = run("certify", tmp_path / "m.json", DIABETES, "--report", tmp_path / "c.html", "--json")
    assert code == 0
    root, told = read((tmp_path / "c.html").read_text()), json.loads(said)
    shown = table_of(root, "coefficients")
    assert {name: row[0] for name, row in shown.items()} == {**told["coef"], "(intercept)": told["intercept"]}
    assert {name: row[1] for name, row in shown.items()} == {**told["true_coef"], "(intercept)": told["true_intercept"]}
    table = str(DATA / "income_rate.csv")
    code, said, _ = run("compare", table, "--target", "spend", "--report", tmp_path / "d.html", "--json")
    assert code == 1
    root, told = read((tmp_path / "d.html").read_text()), json.loads(said)
    shown = table_of(root, "table")
    for fit in told["fits"]:
        assert shown[fit["name"]][:4] == [fit[k] for k in ("digits", "moved", "excess_loss", "gradient_norm")]
    assert root.one("strong").attributes["class"] == "bad"
    command = f"regress compare {table} --target spend --report {tmp_path / 'd.html'} --json"
    assert root.one("pre").text == command


# ---------------------------------------------------------------------------------------------------------------------
# Descents that do not end well


def test_a_fit_interrupted_before_its_first_step_has_a_page():
    X, y = normal_rows()
    fit = regress.fit(X, y, solver="gd")
    stopped = replace(fit._training, status=Status.INTERRUPTED, history=[])
    fit = replace(fit, _training=stopped, _bare=replace(fit._bare, status="interrupted"))
    root = read(page(fit))
    assert "✗ Interrupted" in root.one("header").text


@pytest.mark.parametrize("status", list(Status))
def test_every_status_has_words(status):
    X, y = normal_rows()
    fit = regress.fit(X, y)
    fit = replace(fit, _training=replace(fit._training, status=status), _bare=replace(fit._bare, status=str(status)))
    root = read(page(fit))
    tile = root.one("header").one("dl").all("dd")[0]
    assert tile.attributes["class"] == ("good" if status is Status.CONVERGED else "bad")
    assert str(status) not in ("converged",) or tile.text == "✓ Converged"
    assert "_" not in tile.text


def test_a_loss_of_nothing_but_missing_figures_has_a_page():
    X, y = normal_rows()
    fit = regress.fit(X, y, precision="float64", solver="cg")
    nan = float("nan")
    history = [i._replace(loss=nan, gradient_norm=nan) for i in fit.history]
    broken = replace(
        fit,
        _training=replace(fit._training, status=Status.NON_FINITE, history=history, stationarity=nan),
        _bare=replace(fit._bare, status="non_finite", loss=nan),
        r2=nan,
        standardized=np.full(3, nan),
        _digits_estimate=None,
    )
    root = read(page(broken))
    assert "✗ Stopped at a number that is none" in root.one("header").text
