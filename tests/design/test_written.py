"""Numbers as written: fits of decimals are those of the text, in rational arithmetic."""

import csv
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import regress
from regress.errors import InputError, TableError
from tests.examples import examples
from tests.oracles.decimal_tables import inverse


def solved(X, y, a):
    """Return the least-squares solution of rows of fractions, each coefficient rounded once."""
    columns = [*zip(*X, strict=True)]
    gram = [[sum(w * u * v for u, v, w in zip(p, q, a, strict=True)) for q in columns] for p in columns]
    right = [sum(w * u * t for u, t, w in zip(p, y, a, strict=True)) for p in columns]
    return [float(sum(u * v for u, v in zip(row, right, strict=True))) for row in inverse(gram)]


@st.composite
def tables(draw):
    places = [draw(st.integers(0, 6)) for _ in range(3)]
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    numbers = [rng.integers(-(10**6), 10**6, size=30) for _ in places]
    columns = [[f"{int(k)}e-{d}" for k in column] for column, d in zip(numbers, places, strict=True)]
    return [*columns, [f"{int(k)}e-2" for k in rng.integers(1, 500, size=30)]]


@pytest.mark.parametrize(
    ("formula", "row"),
    [
        (None, lambda u, v: [1, u, v]),
        ("y ~ u + v", lambda u, v: [1, u, v]),
        ("y ~ u + u:v + I(v**2)", lambda u, v: [1, u, v**2, u * v]),
        ("y ~ poly(u, 3) - 1", lambda u, v: [u, u**2, u**3]),
    ],
)
@settings(max_examples=examples(15), deadline=None)
@given(columns=tables(), weighted=st.booleans())
def test_a_fit_is_that_of_the_text(tmp_path_factory, formula, row, columns, weighted):
    path = tmp_path_factory.mktemp("written") / "t.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["u", "v", "y", "a"], *zip(*columns, strict=True)])
    u, v, y, a = ([Fraction(cell) for cell in column] for column in columns)
    weights = a if weighted else [Fraction(1)] * len(y)
    expected = solved([row(*pair) for pair in zip(u, v, strict=True)], y, weights)
    fit = regress.fit(
        path,
        "y" if formula is None else formula,
        as_written=True,
        weights="a" if weighted else None,
        drop=["a"] if formula is None and not weighted else (),
    )
    assert [*([fit.b] if fit.options["fit_intercept"] else []), *fit.w.tolist()] == expected


def test_frames_files_and_parts_in_any_order_have_the_same_bits(tmp_path):
    frame = pd.DataFrame({"u": [0.1, 0.25, 3.0, 4.125, -0.5, 7.0], "y": [1.5, 2.0, 2.25, 0.125, 7.0, 0.3]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    folder = tmp_path / "parts"
    folder.mkdir()
    for k, at in enumerate(([5, 2], [3, 0], [4, 1])):  # decimals grow from part to part
        frame.iloc[at].to_csv(folder / f"{k}.csv", index=False)
    tables = [frame, pl.DataFrame(frame.to_dict("list")), tmp_path / "t.csv", folder]
    fits = [regress.fit(table, "y ~ poly(u, 2)", as_written=True) for table in tables]
    assert len({(fit.b, *fit.w.tolist(), fit.record.fingerprint) for fit in fits}) == 1
    assert fits[0].record.fingerprint != regress.fit(frame, "y ~ poly(u, 2)").record.fingerprint


def test_a_number_that_is_no_decimal_is_refused_with_its_place(tmp_path):
    (tmp_path / "t.csv").write_text("u,y\n0.5,1\n0.3333333333333333,2\n1,3\n2,4\n")
    with pytest.raises(
        TableError, match=r"t\.csv, line 3, column 'u': 0\.3333333333333333 is not a decimal of 15 digits"
    ):
        regress.fit(tmp_path / "t.csv", "y", as_written=True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"precision": "float64"}, "as_written needs exact arithmetic"),
        ({"over": "rows"}, "as_written needs exact arithmetic"),
        ({"missing": "mean"}, "A mean is not a decimal"),
    ],
)
def test_what_cannot_go_with_numbers_as_written_is_refused(options, words):
    with pytest.raises(InputError, match=words):
        regress.fit({"u": [1.0, 2.0, 4.0], "y": [1.0, 2.0, 3.5]}, "y", as_written=True, **options)


def test_what_is_computed_is_taken_as_float64():
    frame = {"u": [1.5, 2.25, 4.0, 8.5, 3.0], "y": [1.0, 2.0, 3.5, 1.25, 7.0]}
    one, other = (regress.fit(frame, "y ~ log(u)", as_written=written) for written in (True, False))
    assert (one.b, one.w.tolist()) == (other.b, other.w.tolist())  # the target and the intercept are dyadic
