"""Later looks at the rows: the same bits for any cut, order and grouping of the rows, as a cluster has them."""

import json
import pickle
import warnings
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

import regress
from regress.aggregates.collect import TrainingData
from regress.blocks import Block

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
    for X, Y, a, columns in data.rows if data.rows is not None else data.again():
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
