"""Columns that differ by no more than rounding are named in equations that hold as printed, whatever the source."""

import re
import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.outliers_influence import variance_inflation_factor

import regress
from regress.errors import DataWarning, InputError
from tests.examples import examples

m = 300
random = np.random.default_rng(21)
y = random.normal(size=m)
ONE_BY_ONE = "Do not interpret their coefficients one by one."


def quietly(table, target=y, **options):
    """Fit, and let columns be collinear."""
    with pytest.warns(DataWarning):
        return regress.fit(table, target, **options)


def side(text):
    """Return the number before each name of one side of an equation; the constant is that of the name ""."""
    terms = {}
    for sign, number, name in re.findall(r"([−+]?) ?(?:([\d./]+(?:e[+-]\d+)?)(?![\w.]))?·?([a-z]\w*)?", text):
        if number or name:
            terms[name] = (-1 if sign == "−" else 1) * Fraction(number or 1)
    return terms


def off(text, table):
    """Return what an equation, as printed, leaves of each row, and its numbers."""
    left, right = map(side, text.split(" = "))
    assert not left.keys() & right.keys()
    numbers = left | {name: -number for name, number in right.items()}
    columns = [[c * Fraction(x) for x in table[name].tolist()] for name, c in numbers.items() if name]
    return [numbers.get("", 0) + sum(row) for row in zip(*columns, strict=True)], numbers


def noise(numbers, table, steps):
    """Return Σ over rows and columns of what rounding to steps adds to the square of an equation."""
    squares = (float(c) ** 2 * np.square(steps(table[name].to_numpy())).sum() for name, c in numbers.items() if name)
    return sum(squares) / 12.0


def ulps(x):
    return 0.0 * x if (x == np.rint(x)).all() else np.spacing(np.abs(x))


def holds(text, table, steps=ulps, times=10.0):
    left, numbers = off(text, table)
    return float(sum(v**2 for v in left)) <= times**2 * noise(numbers, table, steps)


def test_the_parser_of_equations_reads_what_is_written():
    assert side("0.5·a − 9/5·b2 + c + 1e-9") == {"a": 0.5, "b2": Fraction(-9, 5), "c": 1, "": Fraction("1e-9")}
    assert side("−2·a") == {"a": -2}
    assert off("a + loss = 0.3", pd.DataFrame({"a": [0.5], "loss": [-0.25]}))[0] == [Fraction(0.25) - Fraction("0.3")]


# equations within the rounding of the stored values, as printed

p, q, r = random.normal(size=(3, m))
far_off = np.where(np.arange(m) == 3, 1e20, p)
lower = 1.7e15 + np.cumsum(random.integers(1, 1000, m)).astype(float)
PRINTED = {
    "ends": ({"start": lower, "end": lower + 2.5}, "end = start + 2.5"),
    "long decimals": ({"p": p, "q": q, "s": 0.123456789 * p - 4.56 * q + 7.25}, "0.123456789·p = 4.56·q + s − 7.25"),
    "no short number": ({"p": p, "s": np.pi * p}, None),
    "milliseconds": ({"ms": 86_400_000.0 * p, "days": p}, "days = 1/86400000·ms"),
    "nearly alike": ({"p": p, "like": p + 1e-9 * q, "s": 2 * p + 1e-9 * q}, "s = p + like"),
    "large and small": ({"p": 1e9 * p, "q": 1e-9 * q, "s": 1e9 * p + 3 * (1e-9 * q)}, None),
    "hardly any of it": ({"p": p, "q": 1e-16 * q, "s": p + 1e-16 * q}, "s = p + q"),
    "digits of an outlier": ({"p": far_off, "q": q, "s": np.pi * far_off + 2 * q + 1000}, None),
    "varies by an ulp": ({"p": p, "k": np.where(q > 0, 0.3, np.nextafter(0.3, 1.0))}, "k = 0.3"),
    "whole numbers": ({"p": np.round(99 * p), "s": 123 * np.round(99 * p) - 17}, "s = 123·p − 17"),
    "a ratio of whole numbers": ({"p": 457 * np.round(99 * p), "s": 123 * np.round(99 * p)}, "s = 123/457·p"),
}


@pytest.mark.parametrize("family", PRINTED)
def test_an_equation_holds_as_printed(family):
    columns, text = PRINTED[family]
    table = pd.DataFrame(columns)
    fit = quietly(table)
    (equation,) = fit.equations
    assert text is None or equation == text
    assert holds(equation, table)
    assert not any("Constant" in note for note in fit.notes())


NUMBERS = st.one_of(st.integers(-9, 9), st.floats(1e-3, 1e3), st.floats(-1e3, -1e-3))


@settings(deadline=None, max_examples=examples(60), derandomize=True)
@given(
    st.integers(0, 2**32 - 1),
    st.lists(NUMBERS, min_size=3, max_size=3).filter(any),
    NUMBERS,
    st.sampled_from([0.0, 3.0]),
    st.sampled_from(["", "outlier", "outliers"]),
)
def test_sums_of_columns_are_named_and_hold(seed, coefficients, constant, heavy, outliers):
    draw = np.random.default_rng(seed)
    X = draw.normal(size=(60, 3)) * np.exp(heavy * draw.normal(size=(60, 3)))
    if outliers:
        X[0, 1:2] = 1e17
    if outliers == "outliers":
        X[1] = 3e12
    table = pd.DataFrame(X, columns=list("abc")).assign(t=X @ np.array(coefficients, dtype=float) + float(constant))
    fit = quietly(table, draw.normal(size=60))
    (equation,) = fit.equations
    assert fit.rank == 3
    assert holds(equation, table)


def of_columns(fit):
    """Return the notes but that on predictions, which rounding of coefficients spoils at a fill value."""
    return [note for note in fit.notes() if not note.startswith("Coefficients rounded to float64")]


@pytest.mark.parametrize("fill", [1e10, 1e17, 9.96921e36])
@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("rows", [1, 20, 150])
def test_columns_that_share_a_fill_value_only_are_never_named(fill, kind, rows):
    X = random.normal(size=(m, 3)).astype(kind)
    X[:rows] = fill
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        fit = regress.fit(X, y)
    assert (fit.rank, fit.equations, fit.near_equations) == (3, (), ())
    (note,) = of_columns(fit)
    assert re.fullmatch(rf"Nearly collinear: (x\d, ){{2}}x\d \(.*factor is [\d.e+]+\)\. {ONE_BY_ONE}", note)


def test_a_total_is_told_from_columns_that_share_its_fill_value():
    X = random.normal(size=(m, 3))
    X[:5] = 1e17
    table = pd.DataFrame(X, columns=list("abc")).assign(t=X.sum(1))
    assert quietly(table).equations == ("t = a + b + c",)


# whole numbers


def rank(rows):
    """Return the rank of a table of fractions, by elimination."""
    rows, found = [[Fraction(v) for v in row] for row in rows], 0
    for j in range(len(rows[0])):
        pivot = next((row for row in rows[found:] if row[j]), None)
        if pivot is None:
            continue
        rows.remove(pivot)
        rows.insert(found, pivot)
        found += 1
        for row in rows[found:]:
            factor = row[j] / pivot[j]
            row[:] = [a - factor * b for a, b in zip(row, pivot, strict=True)]
    return found


@settings(deadline=None, max_examples=examples(60), derandomize=True)
@given(st.integers(0, 2**32 - 1), st.sampled_from([3, 100, 10**6, 2**51]), st.booleans(), st.integers(1, 4))
def test_the_rank_of_whole_numbers_is_exact(seed, size, fit_intercept, true):
    draw = np.random.default_rng(seed)
    base, mix = draw.integers(-size, size, (12, true)), draw.integers(-3, 4, (true, 5))
    near = draw.integers(0, 2, (12, 5)) * draw.integers(0, 2, 5)
    X = np.clip(base @ mix // 8 * 8 + near, -(2**53) + 1, 2**53 - 1).astype(float)
    expected = rank(np.c_[np.ones(12), X].tolist() if fit_intercept else X.tolist()) - fit_intercept
    fit = fitted(X, draw.normal(size=12), fit_intercept=fit_intercept)
    assert fit.rank == expected
    table = pd.DataFrame(X, columns=[f"x{j}" for j in range(5)])
    for equation in fit.equations:
        assert off(equation, table)[0] == [0] * 12


def fitted(X, target, **options):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return regress.fit(X, target, **options)


i = np.arange(300.0)
jitter = random.integers(0, 2, 300)
WHOLE = {
    "ids": np.c_[1e15 + i, 1e15 + i + jitter],
    "microseconds": np.c_[1.7e15 + 1e6 * i, 1.7e15 + 1e6 * i + jitter],
    "an outlier": np.c_[np.where(i, i, 2.0**52), np.where(i, i + jitter, 2.0**52)],
}


@pytest.mark.parametrize("family", WHOLE)
def test_whole_numbers_that_differ_in_any_row_are_solved(family):
    X = WHOLE[family]
    target = 3.0 * (X[:, 1] - X[:, 0]) + 0.1 * y
    fit = regress.fit(X, target)
    slope, _ = np.polyfit(jitter, target, 1)  # X differs by it
    assert (fit.rank, fit.equations) == (2, ())
    assert fit.w == pytest.approx([-slope, slope], abs=0.02)
    assert fit.r2 > 0.99


def test_whole_numbers_from_2_to_the_53_on_may_be_rounded():
    X = np.c_[2.0**53 + 2.0 * i, 2.0**53 + 2.0 * i + 2.0 * jitter]
    assert len(quietly(X).equations) == 1


def test_one_value_that_is_not_whole_says_that_a_column_may_be_rounded():
    X = 1e15 + WHOLE["ids"]  # whose ulps are 1/4
    X[7, 1] += 0.5
    assert len(quietly(X).equations) == 1


# rounding of measurements

kelvin, far = random.normal(288.0, 8.0, m), random.uniform(1.0, 1000.0, m)
share = 100.0 * random.dirichlet([2.0, 3.0, 4.0, 5.0], m)
f4 = random.normal(size=(m, 2)).astype(np.float32) * np.float32([1, 10])
heavy = np.exp(5.0 * random.normal(size=(m, 3))).astype(np.float32)
outlier = random.normal(size=(m, 2)).astype(np.float32)
outlier[3, 0] = 1e12


def tenths(x):
    return np.full(len(x), 0.1)


def single(x):
    return np.spacing(np.abs(x).astype(np.float32)).astype(float)


MEASURED = {
    "single precision": ({"a": f4[:, 0], "b": f4[:, 1], "t": f4.sum(1)}, "t = a + b", single),
    "heavy tails": ({"a": heavy[:, 0], "b": heavy[:, 1], "t": heavy[:, 0] + heavy[:, 1]}, "t = a + b", single),
    "an outlier": ({"a": outlier[:, 0], "b": outlier[:, 1], "t": outlier.sum(1)}, "t = a + b", single),
    "degrees": (
        {"c": np.round(kelvin - 273.15, 1), "f": np.round(kelvin * 9 / 5 - 459.67, 1)},
        "f = 9/5·c + 32",
        tenths,
    ),
    "miles": (
        {"km": np.round(far, 3), "miles": np.round(far / 1.609344, 3)},
        "miles = 0.62137·km",
        lambda x: np.full(len(x), 0.001),
    ),
    "percent": (dict(zip("abcd", np.round(share, 1).T, strict=True)), "a + b + c + d = 100", tenths),
    "a copy": ({"x": kelvin, "copy": kelvin.astype(np.float32)}, "copy = x", single),
}


@pytest.mark.parametrize("family", MEASURED)
def test_columns_that_differ_by_the_rounding_of_measurements_are_named(family, tmp_path):
    columns, text, steps = MEASURED[family]
    frame = pd.DataFrame(columns)
    fit = quietly(frame)
    assert (fit.rank, fit.equations) == (frame.shape[1], ())
    assert fit.near_equations == (text,) == tuple(fit.to_dict()["near_equations"])
    assert [n for n in fit.notes() if "rounded to float64" not in n] == [
        f"Nearly collinear (they differ only by rounding): {text}. {ONE_BY_ONE}"
    ]
    assert holds(text, frame.astype(float), steps, times=3.0)
    whole = frame.assign(y=y)
    whole.to_csv(tmp_path / "t.csv", index=False)  # numbers in single precision as their shortest decimals
    pl.from_pandas(whole).write_parquet(tmp_path / "t.parquet")
    shuffled = whole.sample(frac=1.0, random_state=3)
    for table in (tmp_path / "t.csv", tmp_path / "t.parquet", shuffled, whole.astype(float)):
        assert of_columns(quietly(table, "y")) == of_columns(fit)
    matrix = quietly(frame.to_numpy())
    assert [off(e, frame.rename(columns=dict(zip(frame, matrix.names, strict=True))))[1] for e in matrix.near_equations]
    for policy in ("drop", "error"):  # they are for equations to the last digit
        assert np.array_equal(quietly(frame, collinear=policy).w, fit.w)


@pytest.mark.parametrize("family", ["single precision", "percent"])
def test_weights_and_sums_in_double_change_nothing(family):
    columns, text, _ = MEASURED[family]
    frame = pd.DataFrame(columns)
    assert quietly(frame, weights=random.uniform(0.5, 2.0, m)).near_equations == (text,)
    if family == "percent":
        assert quietly(frame, precision="float64").near_equations == (text,)


def test_with_a_penalty_they_are_a_note_and_no_warning():
    columns, text, _ = MEASURED["degrees"]
    fit = regress.fit(pd.DataFrame(columns), y, alpha=1.0)
    assert (fit.near_equations, len(fit.notes())) == ((text,), 1)
    total = regress.fit(np.c_[p, q, p], y, alpha=1.0)
    assert total.notes() == ["Columns depend on each other: x2 = x0. The penalty decides among them."]


@pytest.mark.filterwarnings("ignore:R² on held-out rows is negative")
def test_a_second_reading_leaves_the_account_of_the_rows_alone(tmp_path):
    columns, text, _ = MEASURED["percent"]
    frame = pd.DataFrame(columns).assign(y=y, g=np.where(q > 0, "u", "v"))
    frame.loc[3, "y"] = np.nan
    frame.to_csv(tmp_path / "t.csv", index=False)
    lines = (tmp_path / "t.csv").read_text().splitlines()
    (tmp_path / "t.csv").write_text("\n".join([*lines, "1,2,3"]) + "\n")
    options = {"missing": "drop", "on_bad_lines": "skip", "rejects": tmp_path / "bad.csv", "test_size": 0.2}
    fit = quietly(tmp_path / "t.csv", "y", **options)
    other = regress.fit(tmp_path / "t.csv", "y", drop=["d"], **options)
    assert fit.near_equations == (text,)
    assert fit.tally == other.tally
    assert (fit.tally.bad, fit.tally.missing) == (1, 1)
    assert len((tmp_path / "bad.csv").read_text().splitlines()) == 2


# what goes without an equation

z = random.normal(size=m)
FACTORS = {
    "exact": {},
    "float64": {"precision": "float64"},
    "a penalty": {"alpha": 1e-6},
    "a penalty in float64": {"alpha": 1e-6, "precision": "float64"},
    "descent": {"solver": "cg", "max_iter": 10_000},
}


@pytest.mark.parametrize("mode", FACTORS)
def test_large_inflation_never_goes_without_a_word(mode):
    X = pd.DataFrame({"a": p, "b": p + 1e-3 * q, "c": r})
    Z = np.c_[np.ones(m), X]
    factors = [variance_inflation_factor(Z, j) for j in (1, 2, 3)]
    fit = regress.fit(X, y, **FACTORS[mode])
    (note,) = fit.notes()
    said = re.fullmatch(
        r"Nearly collinear: a, b \(the largest variance .* factor is (.*)\)\. Do not interpret .*", note
    )
    assert float(said[1]) == pytest.approx(max(factors), rel=0.05)
    assert note in fit.summary()
    assert regress.fit(X.assign(b=p + 0.01 * q), y, **FACTORS[mode]).notes() == []  # 1e4


def test_more_columns_than_whole_numbers_are_worked_out_for_are_named_too():
    X = random.normal(size=(500, 310))
    X[:, 7] = X[:, 3] + 1e-4 * X[:, 7]
    for precision in ("auto", "float64", "exact"):
        (note,) = regress.fit(X, random.normal(size=500), precision=precision).notes()
        assert note.startswith("Nearly collinear: x3, x7 (")


def test_years_and_their_powers_are_whole_and_not_rounded():
    year = np.arange(1980.0, 2024.0)
    fit = regress.fit(np.column_stack([year, year**2, year**3]), y[:44])
    assert (fit.rank, fit.equations, fit.near_equations) == (3, (), ())
    assert re.match(r"Nearly collinear: x0, x1, x2 \(", *fit.notes())


@pytest.mark.filterwarnings("ignore:.*rests? on a single row")
def test_levels_with_a_rare_reference_are_no_equation():
    level = np.array(["a", *random.choice(list("bcd"), 9999)])
    fit = regress.fit(pd.DataFrame({"g": level}), random.normal(size=10_000))
    assert (fit.rank, fit.equations, fit.near_equations) == (3, (), ())


def test_the_estimator_and_the_certificate_decide_alike():
    X = random.normal(size=(m, 3))
    X[:5] = 1e17
    assert regress.LinearRegressor().fit(X, y).rank_ == 3
    assert regress.certify((np.zeros(3), 0.0), X, y).equations == ()
    X = np.c_[X, X.sum(1)]
    assert regress.LinearRegressor().fit(X, y).rank_ == 3
    assert regress.certify((np.zeros(4), 0.0), X, y).equations == ("x3 = x0 + x1 + x2",)
    with pytest.raises(InputError, match=r"x3 = x0 \+ x1 \+ x2"):
        regress.fit(X, y, collinear="error")
