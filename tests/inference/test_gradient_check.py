"""check_gradients: the ways agree on real and on hard tables, and a wrong formula in any of them is caught."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import regress
from regress.objective import autodiff, gradient
from tests.examples import in_turn

DATA = Path(__file__).parents[2] / "data"
CERTIFIED = json.loads((DATA / "nist" / "certified.json").read_text())
WAYS = {"derived rows", "derived moments", "autodiff rows", "autodiff moments", "central difference"}


def table_of(m=60, seed=0):
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(random.normal(size=(m, 3)), columns=["a", "b", "c"])
    return frame.assign(y=random.normal(size=m) + frame.a)


@pytest.mark.parametrize(("name", "seed"), in_turn(sorted(CERTIFIED), [0, 1]))
def test_every_way_agrees_on_the_nist_sets(name, seed):
    target = "employed" if name == "longley" else "y"
    path, fit_intercept = DATA / "nist" / f"{name}.csv", CERTIFIED[name]["intercept"]
    check = regress.check_gradients(path, target, fit_intercept=fit_intercept, random_state=seed)
    assert set(check.gradients) == WAYS
    assert check.passed
    assert check.worst <= check.tolerance == 1e-12
    assert len(check.names) == len(CERTIFIED[name]["coef"])


@pytest.mark.parametrize(
    ("name", "target"), [("diabetes", "progression"), ("income_rate", "spend"), ("iris", "petal_width"), ("co2", "co2")]
)
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_every_way_agrees_on_the_other_bundled_sets(name, target, fit_intercept):
    assert regress.check_gradients(DATA / f"{name}.csv", target, fit_intercept=fit_intercept, missing="drop").passed


@pytest.mark.parametrize(
    ("change", "options"),
    [
        (lambda f: f.assign(a=f.a + 1.7e9, y=f.y - 1e6), {}),
        (lambda f: f.assign(a=f.a + 1.7e9), {"fit_intercept": False}),
        (lambda f: f.assign(a=f.a * 1e12, b=f.b * 1e-12), {}),
        (lambda f: f.assign(a=f.a * 1e100, b=f.b * 1e-100, y=f.y * 1e40), {}),
        (lambda f: f.assign(weight=np.arange(60.0) % 4), {"weights": "weight"}),
        (lambda f: f.assign(weight=np.geomspace(1e-6, 1e6, 60)), {"weights": "weight", "fit_intercept": False}),
        (lambda f: f.assign(text=["red", "green", "blue"] * 20), {}),
        (lambda f: f.assign(yes=f.a > 0), {"fit_intercept": False}),
        (lambda f: f.assign(b=0.1, c=0.0), {}),
        (lambda f: f.assign(b=0.1, c=0.0), {"fit_intercept": False}),
        (lambda f: f.assign(y=0.1), {}),
        (lambda f: f.assign(d=f.a), {}),
        (lambda f: f.head(2), {}),
        (lambda f: f.assign(a=f.a.where(f.a < 1)), {"missing": "mean"}),
        (lambda f: f, {"test_size": 0.3}),
    ],
    ids=[
        "offsets", "offset without intercept", "scales", "extreme scales", "weights", "wild weights", "text", "boolean",
        "constant columns", "constant columns without intercept", "constant target", "dependent columns",
        "fewer rows than columns", "missing cells", "split",
    ],
)  # fmt: skip
def test_every_way_agrees_on(change, options):
    check = regress.check_gradients(change(table_of()), "y", **options)
    assert check.passed, check.table
    assert all(np.isfinite(g).all() for g in check.gradients.values())


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_gradient_and_scale_belong_to_one_point_in_exact_arithmetic(fit_intercept, weighted):
    """The point is recovered from the gradient 2Σax(ŷ − y) exactly; the scale 2Σa|x||ŷ − y| must then be that of it."""
    frame = pd.DataFrame({"a": [-1.0, -2, 1, 1, 2], "b": [4.0, 1, -5, 1, -1], "y": [0.0, 2, -4, 0, 0]})
    weights = [1, 2, 1, 1, 2] if weighted else [1, 1, 1, 1, 1]
    design, y = exact_rows(frame, weights, fit_intercept)
    check = regress.check_gradients(frame.assign(weight=weights), "y", weights="weight", fit_intercept=fit_intercept)
    n = len(design[0])
    gradient = [Fraction(g) for g in check.gradients["derived rows"].tolist()]
    table = [[sum(a * r[i] * r[j] for a, r in zip(weights, design, strict=True)) for j in range(n)] for i in range(n)]
    right = [
        g / 2 + sum(a * r[i] * v for a, r, v in zip(weights, design, y, strict=True)) for i, g in enumerate(gradient)
    ]
    point = solve(table, right)
    residuals = [sum(p * x for p, x in zip(point, row, strict=True)) - v for row, v in zip(design, y, strict=True)]
    scale = [2 * sum(a * abs(r[j] * e) for a, r, e in zip(weights, design, residuals, strict=True)) for j in range(n)]
    assert check.names == (("a", "b", "(intercept)") if fit_intercept else ("a", "b"))
    np.testing.assert_allclose(check.scale, [float(s) for s in scale], rtol=1e-12)
    assert all(abs(g) > 0.01 * s for g, s in zip(gradient, scale, strict=True))  # away from the minimum


def exact_rows(frame, weights, fit_intercept):
    rows, y = frame[["a", "b"]].values.tolist(), frame.y.tolist()
    if not fit_intercept:
        return [list(map(Fraction, row)) for row in rows], list(map(Fraction, y))
    total = sum(weights)
    means = [
        sum(a * Fraction(v) for a, v in zip(weights, column, strict=True)) / total for column in zip(*rows, strict=True)
    ]
    mean = sum(a * Fraction(v) for a, v in zip(weights, y, strict=True)) / total
    centered = [[*(Fraction(x) - c for x, c in zip(row, means, strict=True)), Fraction(1)] for row in rows]
    return centered, [Fraction(v) - mean for v in y]


def solve(table, right):
    table = [[*row, value] for row, value in zip(table, right, strict=True)]
    for i in range(len(table)):
        table[i] = [v / table[i][i] for v in table[i]]
        for k in range(len(table)):
            if k != i:
                table[k] = [a - table[k][i] * b for a, b in zip(table[k], table[i], strict=True)]
    return [row[-1] for row in table]


def test_the_point_depends_on_the_seed_alone():
    one, same, other = (regress.check_gradients(table_of(), "y", random_state=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.gradients["derived rows"], same.gradients["derived rows"])
    assert not np.allclose(one.gradients["derived rows"], other.gradients["derived rows"])


def wrong(evaluation, change):
    return gradient.Evaluation(evaluation.value, *change(evaluation.grad_w, evaluation.grad_b))


CHANGES = {
    "half": lambda w, b: (w / 2.0, b / 2.0),
    "sign": lambda w, b: (-w, -b),
    "intercept only": lambda w, b: (w, b * 1.001),
    "one column": lambda w, b: (w * np.r_[1.0, 1.0 + 1e-8, np.ones(len(w) - 2)], b),
    "not a number": lambda w, b: (w * np.nan, b),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize(
    ("engine", "way"), [(gradient, "rows"), (gradient, "moments"), (autodiff, "rows"), (autodiff, "moments")]
)
def test_a_wrong_gradient_in_any_way_is_caught(monkeypatch, engine, way, change):
    right = getattr(engine, way)
    monkeypatch.setattr(engine, way, lambda *given: wrong(right(*given), change))
    check = regress.check_gradients(table_of(), "y")
    assert not check.passed
    assert not check.worst <= 1e-10


@pytest.mark.parametrize("factor", [0.5, -1.0])
def test_a_wrong_chain_rule_is_caught(monkeypatch, factor):
    monkeypatch.setattr(gradient, "chain_rule", lambda X, d: (factor * (X.T @ d), float(d.sum())))
    check = regress.check_gradients(table_of(), "y")
    assert not check.passed
    assert all(check.errors[way][:3].max() > 0.01 for way in WAYS - {"derived rows"})


def test_the_table_has_a_row_a_parameter_and_a_column_a_way():
    check = regress.check_gradients(DATA / "iris.csv", "petal_width")
    table = check.table
    assert tuple(table.index) == check.names
    assert check.names[-3:] == ("species=versicolor", "species=virginica", "(intercept)")
    assert set(table.columns) == {"gradient", "scale", *(f"error {way}" for way in WAYS - {"derived rows"})}
    np.testing.assert_array_equal(table["gradient"], check.gradients["derived rows"])
    np.testing.assert_array_equal(table["error autodiff rows"], check.errors["autodiff rows"])


def test_the_json_holds_every_figure():
    check = regress.check_gradients(table_of(), "y")
    held = json.loads(json.dumps(check.to_dict(), allow_nan=False))
    assert held["passed"] is True
    assert held["worst"] == check.worst
    for way in WAYS:
        assert held["gradients"][way] == dict(zip(check.names, check.gradients[way].tolist(), strict=True))
        assert set(held["errors"][way]) == set(held["scale"]) == set(check.names)


def test_an_unknown_option_is_an_error():
    with pytest.raises(TypeError, match="'color'"):
        regress.check_gradients(table_of(), "y", color="red")
