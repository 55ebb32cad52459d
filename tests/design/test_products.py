"""Powers and products of doubles that need all of their digits, against rational arithmetic."""

from fractions import Fraction
from math import isqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import regress
from tests.oracles.rational import LeastSquares, nearest

FORMULA = "y ~ x + I(x ** 2):z + x:z + zone:x"
SCALES = {"ordinary": (0.0, 1.0), "far": (1e6, 1.0), "tiny": (0.0, 1e-20), "large": (-3e8, 1e3)}


def table(seed, scale, rows=40):
    random = np.random.default_rng(seed)
    shift, unit = SCALES[scale]
    return pd.DataFrame(
        {
            "x": shift + unit * random.normal(size=rows),
            "z": random.uniform(1, 2, rows) / 3,
            "zone": np.array(["a", "b"])[np.arange(rows) % 2],
            "y": random.normal(size=rows),
            "w": random.uniform(0.5, 2, rows),
        }
    )


def columns(frame, read=Fraction):
    """Return the columns of X in rational numbers: x, then poly's powers or the products."""
    made = {"x": [], "I(x ** 2):z": [], "x:z": [], "zone=b:x": []}
    for x, z, zone in zip(map(read, frame["x"]), map(read, frame["z"]), frame["zone"], strict=True):
        for name, value in zip(made, (x, x * x * z, x * z, x if zone == "b" else Fraction(0)), strict=True):
            made[name].append(value)
    return made


def root(value):
    """Return the square root of a fraction to far more digits than a double has."""
    return Fraction(isqrt(value.numerator * 2**800 // value.denominator), 2**400)


def check(fit, made, y, weights=None):
    """Compare a fit with the minimum over rational columns, by the names of its columns."""
    ours = [name if name in made else ":".join(reversed(name.split(":"))) for name in fit.names]
    rows = list(zip(*(made[name] for name in ours), strict=True))
    loss = LeastSquares(rows, weights)
    least = loss.minimum(y)
    assert fit.w.tolist() == [nearest(v) for v in least.w]
    assert fit.b == nearest(least.b)
    rss, total = loss.least(least, y), loss.square(y, about_mean=True)
    assert fit.statistics.rss == nearest(rss)
    assert fit.r2 == pytest.approx(nearest(1 - rss / total), rel=5e-16)
    assert fit.statistics.sigma == pytest.approx(float(root(rss / (len(rows) - len(ours) - 1))), rel=3e-16)
    assert min(*fit.digits.values(), fit.intercept_digits) >= 15.9


@pytest.mark.parametrize("scale", SCALES)
@settings(deadline=None, max_examples=3, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_products_of_stored_doubles_lose_no_digit(scale, seed, weighted):
    frame = table(seed, scale)
    fit = regress.fit(frame, FORMULA, weights="w" if weighted else None, precision="exact")
    check(fit, columns(frame), frame["y"].tolist(), frame["w"].tolist() if weighted else None)


@pytest.mark.filterwarnings("ignore:Nearly collinear:regress.errors.DataWarning")
def test_polynomials_of_stored_doubles_lose_no_digit():
    frame = table(7, "ordinary")
    fit = regress.fit(frame, "y ~ poly(x, 5)", precision="exact")
    check(fit, {f"poly(x, 5)[{k}]": [Fraction(v) ** k for v in frame["x"]] for k in range(1, 6)}, frame["y"].tolist())


@pytest.mark.parametrize("weights", [None, "w"])
def test_products_of_numbers_as_written_are_those_of_decimals(tmp_path, weights):
    frame = table(3, "ordinary").round(4)
    frame["x"] += 1000
    frame.map(str).to_csv(tmp_path / "t.csv", index=False)
    fit = regress.fit(tmp_path / "t.csv", FORMULA, weights=weights, as_written=True)
    text = pd.read_csv(tmp_path / "t.csv", dtype=str)
    # LeastSquares needs dyadic numbers: all columns in units of 10^-12, which divides every coefficient by 10^12.
    made = {name: [Fraction(v * 10**12) for v in values] for name, values in columns(text).items()}
    y = [Fraction(v) * 10**4 for v in text["y"]]
    a = None if weights is None else [Fraction(v) * 10**4 for v in text["w"]]
    ours = [name if name in made else ":".join(reversed(name.split(":"))) for name in fit.names]
    loss = LeastSquares(list(zip(*(made[name] for name in ours), strict=True)), a)
    least = loss.minimum(y)
    assert fit.w.tolist() == [nearest(v * 10**8) for v in least.w]
    assert fit.b == nearest(least.b / 10**4)
    rss = loss.least(least, y) / 10**8 / (1 if weights is None else 10**4)
    assert fit.statistics.rss == nearest(rss)


@pytest.mark.filterwarnings("ignore:Rank unknown:regress.errors.DataWarning")
def test_float64_is_near_the_rational_minimum_of_products():
    frame = table(5, "ordinary", rows=300)
    frame["x"] = 1e6 + 1e4 * frame["x"]
    fit = regress.fit(frame, "y ~ x + I(x ** 2) + x:z", precision="float64")
    made = {"x": [], "I(x ** 2)": [], "x:z": []}
    for x, z in zip(map(Fraction, frame["x"]), map(Fraction, frame["z"]), strict=True):
        for name, value in zip(made, (x, x * x, x * z), strict=True):
            made[name].append(value)
    least = LeastSquares(list(zip(*(made[name] for name in fit.names), strict=True))).minimum(frame["y"].tolist())
    for error, found, true in zip(fit.coefficients["std_err"][1:], fit.w, least.w, strict=True):
        assert abs(Fraction(float(found)) - true) <= Fraction(float(error)) / 10**6
