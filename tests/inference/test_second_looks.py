"""Later looks at the rows: the same bits for any cut, order and grouping of the rows, as a cluster has them."""

import json
import math
import pickle
import warnings
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

import regress
from regress.aggregates.collect import TrainingData
from regress.blocks import Block
from regress.inference.measurement_noise import Grains, OfColumns
from regress.inference.sums_of_squares import Explained, ResidualSums, _Line
from regress.solvers.exact.granularity import Steps
from regress.solvers.exact.row_check import DividedSums, StepExponents, _Division

m = 300
random = np.random.default_rng(5)
p, q, r, y = random.normal(size=(4, m))
kelvin = random.normal(288.0, 8.0, m)
share = np.round(100.0 * random.dirichlet([2.0, 3.0, 4.0, 5.0], m), 1)
hidden = random.normal(size=(m, 3))
hidden[:5] = 1e17
single = random.normal(size=(m, 2)).astype(np.float32)
heavy = np.exp(5.0 * random.normal(size=(m, 2)))

TABLES = {
    "a fill value hides differences": pd.DataFrame(hidden, columns=list("abc")),
    "a fill value and a total": pd.DataFrame(hidden, columns=list("abc")).assign(t=hidden.sum(1)),
    "degrees": pd.DataFrame({"c": np.round(kelvin - 273.15, 1), "f": np.round(kelvin * 1.8 - 459.67, 1)}),
    "percent": pd.DataFrame(share, columns=list("abcd")),
    "single precision": pd.DataFrame({"a": single[:, 0], "b": single[:, 1], "t": single.sum(1)}),
    "nearly alike": pd.DataFrame({"p": p, "like": p + 1e-9 * q, "s": 2 * p + 1e-9 * q}),
    "heavy tails": pd.DataFrame({"a": heavy[:, 0], "b": heavy[:, 1], "t": 0.3 * heavy[:, 0] - 7.0 * heavy[:, 1]}),
    "near-collinear": pd.DataFrame({"p": p, "q": p + 1e-7 * q, "r": r}),
    "a perfect fit": pd.DataFrame({"p": p, "q": q, "y": 3.0 * p - 0.1 * q + 2.0}),
    "a fill value hides residuals": pd.DataFrame(hidden[:, :2], columns=list("ab")).assign(y=hidden[:, :2].sum(1) + r),
    "tiny residuals": pd.DataFrame({"p": p, "q": q, "y": 1e6 + p + 1e-11 * r}),
}
TABLES = {name: table if "y" in table else table.assign(y=y) for name, table in TABLES.items()}
TABLES |= {f"{name}, weighted": TABLES[name].assign(w=np.exp(q)) for name in ("percent", "a fill value and a total")}


class Small(regress.Penalty):
    """Half of the square, from outside."""

    def value(self, w):
        return 0.5 * float(w @ w)

    def gradient(self, w):
        return w

    def curvature(self, n):
        return np.ones(n)


def elsewhere(data, make):
    """Fold rows in pieces of random lengths, in random order, into aggregates that travel and merge in random pairs."""
    draw = np.random.default_rng(11)
    pieces = []
    for X, Y, a, columns, _ in data.rows if data.rows is not None else data.again():
        cuts = [0, *np.sort(draw.integers(1, len(X), 6)).tolist(), len(X)]
        for i, j in pairwise(cuts):
            if i < j:
                pieces.append(Block(X[i:j], Y[i:j], None if a is None else a[i:j], columns))
    parts = [make() for _ in range(3)]
    for k in draw.permutation(len(pieces)).tolist():
        parts[draw.integers(0, 3)].add(pieces[k])
    parts.append(make())  # of a partition without rows
    while len(parts) > 1:
        i, j = draw.choice(len(parts), 2, replace=False).tolist()
        one, other = pickle.loads(pickle.dumps(parts[i])), pickle.loads(pickle.dumps(parts[j]))
        one.merge(other)
        parts = [part for k, part in enumerate(parts) if k not in (i, j)] + [one]
    return parts[0]


def known(table, **options):
    """All that is known of a fit."""
    options |= {"weights": "w"} if "w" in table else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return json.dumps(regress.fit(table, "y", **options).to_dict(), sort_keys=True)


@pytest.mark.parametrize("precision", ["exact", "float64"])
@pytest.mark.parametrize("name", TABLES)
def test_any_cut_and_order_gives_the_same_bits(name, precision, monkeypatch):
    looks = []

    def fold(data, make):
        looks.append(make)
        return elsewhere(data, make)

    options = {"precision": precision, "over": "moments"}
    here = known(TABLES[name], **options)
    monkeypatch.setattr(TrainingData, "fold", fold)
    assert known(TABLES[name], **options) == here
    assert looks or precision == "float64"  # in which some ranks are not known, so that nothing is looked for


def test_a_penalty_from_outside_gives_the_same_bits(monkeypatch):
    options = {"over": "moments", "penalty": Small()}
    here = known(TABLES["percent"], **options)
    monkeypatch.setattr(TrainingData, "fold", elsewhere)
    assert known(TABLES["percent"], **options) == here


def test_a_table_that_is_summed_elsewhere_keeps_no_rows():
    data = TrainingData(None, None, None)
    assert not data.has_rows
    assert replace(data, elsewhere=lambda make: make()).has_rows
    assert replace(data, elsewhere=lambda make: make()).fold(list) == []


LINE = _Line(np.array([1.0, 2.0]), 0.5, 0.0)
STEPS = Steps(np.array([53, 24]), np.array([np.nan, np.nan]), np.array([False, False]))
FIXED = Steps(np.array([53, 53]), np.array([0.1, np.nan]), np.array([False, False]))
DIVISIONS = [_Division([0, 1], np.ones(2), STEPS, 0), _Division([1, 0], np.array([1.0, 3.0]), FIXED.take([1, 0]), 0)]
LOOKS = {
    "exponents": lambda: StepExponents(STEPS),
    "divided sums": lambda: DividedSums(DIVISIONS),
    "grains": lambda: OfColumns(lambda: Grains(2, True), [0, 1]),
    "explained": lambda: Explained(LINE),
    "residuals": lambda: ResidualSums(LINE, 2.0, np.array([0.1, 0.2])),
}
PARTS = [
    np.round(random.normal(size=(5, 2)), 1),
    np.round(1e3 * random.normal(size=(6, 2)), 3),
    random.normal(size=(7, 2)) * 1e9,
]


def plain(value):
    """A result as plain values, to the bit."""
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, bool | float):
        return value
    return {name: plain(getattr(value, name)) for name in ("decimal", "single", "value", "unit") if name in dir(value)}


@pytest.mark.parametrize("look", LOOKS)
def test_a_part_that_differs_counts_in_any_place(look):
    blocks = [Block(X, X @ LINE.w[:, None] + 0.5 + 100.0 * k, np.arange(1.0, len(X) + 1)) for k, X in enumerate(PARTS)]
    kept = [plain(found(LOOKS[look], blocks[:k]).finish()) for k in (1, 2, 3)]
    assert kept[0] != kept[1]
    for order in ([0, 1], [1, 0], [0, 1, 2], [2, 1, 0]):
        merged = LOOKS[look]()
        for k in order:
            merged.merge(found(LOOKS[look], [blocks[k]]))
        assert plain(merged.finish()) == kept[len(order) - 1]


def found(make, blocks):
    """Add blocks to an aggregate."""
    aggregate = make()
    for block in blocks:
        aggregate.add(block)
    return aggregate


def test_squares_of_steps_are_those_of_rational_arithmetic():
    X, a = np.array([[1.0, 3.0], [0.0, 1e5], [1e-3, 7.0]]), np.array([1.0, 2.0, 3.0])
    ((_, squares),) = found(lambda: DividedSums(DIVISIONS[:1]), [Block(X, X[:, :1], a)]).finish()
    expected = [0, 0]
    for row, weight in zip(X.tolist(), a.tolist(), strict=True):
        steps = [Fraction(2) ** (math.frexp(x)[1] - bits) if x else 0 for x, bits in zip(row, (53, 24), strict=True)]
        power = Fraction(2) ** math.frexp(float(max(steps)))[1]
        expected = [sum_ + Fraction(weight) * (step / power) ** 2 for sum_, step in zip(expected, steps, strict=True)]
    assert squares.tolist() == [float(value) for value in expected]
