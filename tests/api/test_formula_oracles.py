"""Random formulas span the columns that formulaic makes of them: the same rank, fitted values and coefficients."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from formulaic import model_matrix
from hypothesis import given, settings
from hypothesis import strategies as st

import regress
from tests.examples import examples

ROWS = 150
_random = np.random.default_rng(17)
TABLE = pd.DataFrame(
    {
        "x": _random.normal(size=ROWS),
        "z": _random.uniform(1.0, 4.0, ROWS),
        "k": _random.integers(0, 3, ROWS),
        "zone": _random.choice(["north", "south", "west"], ROWS),
        "kind": _random.choice(["flat", "house"], ROWS),
        "y": _random.normal(size=ROWS),
    }
)
NEW = pd.DataFrame(
    {
        "x": np.linspace(TABLE["x"].min(), TABLE["x"].max(), 36),
        "z": np.linspace(TABLE["z"].max(), TABLE["z"].min(), 36),
        "k": np.arange(36) % 3,
        "zone": np.array(["west", "north", "south"])[np.arange(36) // 3 % 3],
        "kind": np.array(["house", "flat"])[np.arange(36) // 9 % 2],
    }
)
SAME = ["x", "z", "zone", "kind", "C(k)", "I(x ** 2)", "I(x * z)", "log(z)", "exp(x)", "I(z / (1 + x ** 2))"]
SAME += ["center(x)", "scale(z)", "I(x > 0)"]
OTHER = {  # as formulaic writes it
    "poly(x, 3)": "poly(x, degree=3, raw=True)",
    "poly(z, 2, orthogonal=True)": "poly(z, degree=2)",
    "bs(x, df=5)": "bs(x, df=5)",
    "bs(z, knots=[2, 3], degree=2)": "bs(z, knots=[2, 3], degree=2)",
}


def joined(operator):
    return lambda pair: f"{pair[0]} {operator} {pair[1]}"


FACTORS = st.sampled_from([*SAME, *OTHER])
CROSSED = st.one_of(
    FACTORS,
    FACTORS,
    *(st.tuples(FACTORS, FACTORS).map(joined(operator)) for operator in ("*", ":", "/")),
    st.lists(st.sampled_from(SAME[:5]), min_size=2, max_size=3, unique=True).map(
        lambda some: f"({' + '.join(some)})^2"
    ),
    st.lists(st.sampled_from(SAME[:5]), min_size=3, max_size=3, unique=True).map(":".join),
)
FORMULAS = st.builds(
    lambda start, terms: start + " + ".join(terms),
    st.sampled_from(["y ~ ", "y ~ ", "y ~ 0 + "]),
    st.lists(CROSSED, min_size=1, max_size=3),
)


def theirs(formula, table, *, full_rank):
    for ours, name in OTHER.items():
        formula = formula.replace(ours, name)
    return model_matrix(formula.partition("~")[2], table, ensure_full_rank=full_rank)


def plain(name):
    """Return formulaic's name of a column as a set of factors, spelled as here: zone=south, not zone[T.south]."""
    name = re.sub(r"(zone|kind)\[(?:T\.)?(\w+)\]", r"\1=\2", name)
    return frozenset(re.sub(r"C\(k\)\[(?:T\.)?(\w+)\]", r"k=\1", name).split(":"))


@settings(deadline=None, max_examples=examples(60), derandomize=True)
@given(FORMULAS)
def test_random_formulas_span_the_columns_of_formulaic(formula):
    every = theirs(formula, TABLE, full_rank=False)
    Z = np.asarray(every, dtype=float)
    Z = Z / np.linalg.norm(Z, axis=0)
    y = TABLE["y"].to_numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", regress.errors.DataWarning)  # columns may depend on each other
        fit = regress.fit(TABLE, formula)
    assert fit.rank + (not formula.startswith("y ~ 0")) == np.linalg.matrix_rank(Z, tol=1e-9)
    fitted = Z @ np.linalg.lstsq(Z, y, rcond=1e-12)[0]
    assert fit.predict(TABLE) == pytest.approx(fitted, rel=0, abs=1e-9)
    coded = theirs(formula, TABLE, full_rank=True)
    names = dict(zip(map(plain, coded.columns), coded.columns, strict=True))
    if fit.rank == len(fit.names) and {plain(name) for name in fit.names} == names.keys() - {frozenset({"Intercept"})}:
        expected = np.linalg.lstsq(np.asarray(coded, dtype=float), y)[0]
        found = [{"Intercept": fit.b, **{names[plain(n)]: v for n, v in zip(fit.names, fit.w, strict=True)}}[n]
                 for n in coded.columns]  # fmt: skip
        assert found == pytest.approx(expected, rel=1e-8, abs=1e-9)


@settings(deadline=None, max_examples=examples(30), derandomize=True)
@given(FORMULAS)
def test_new_rows_have_the_columns_of_formulaic(formula):
    coded = theirs(formula, TABLE, full_rank=False)
    Z, new = (np.asarray(m, dtype=float) for m in (coded, coded.model_spec.get_model_matrix(NEW)))
    size = np.linalg.norm(Z, axis=0)
    least = np.linalg.lstsq(Z / size, TABLE["y"].to_numpy(), rcond=1e-12)[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", regress.errors.DataWarning)
        fit = regress.fit(TABLE, formula)
    predicted = fit.predict(NEW)
    assert predicted == pytest.approx(new / size @ least, rel=0, abs=1e-8)
    one = [fit.model.predict_one(row) for row in NEW.to_dict("records")]
    assert one == predicted.tolist()
