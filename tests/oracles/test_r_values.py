"""The constants of R belong to the script that makes them, and fit together."""

import csv
import json

import numpy as np
import pytest

from tests.oracles.r_values import BASES, DESIGNS, FITS, NEW_X, QUANTILES, ROOT, ROWS, X

SCRIPT = (ROOT / "scripts" / "r_values.R").read_text(encoding="utf-8")
IDS = [f"{case.table.stem}: {case.formula}" for case in FITS]


def test_the_script_names_every_formula():
    for case in (*FITS, *DESIGNS):
        assert json.dumps(case.r) in SCRIPT
        assert json.dumps(case.formula) in SCRIPT


def test_at_least_twelve_tables_have_three_formulas():
    tables = [case.table for case in FITS]
    assert sum(tables.count(table) >= 3 for table in set(tables)) >= 12
    assert {path for path in tables if path.parent.name == "r_tables"} == set(
        (ROOT / "tests/oracles/r_tables").glob("*.csv")
    )


@pytest.mark.parametrize("case", FITS, ids=IDS)
def test_figures_of_a_fit_belong_together(case):
    with case.table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert case.nobs <= len(rows)
    assert case.sigma**2 * (case.nobs - case.rank) == pytest.approx(case.rss, rel=1e-12)
    assert len(case.names) == len(case.coef) == len(case.std_err)
    assert np.isfinite(case.coef).sum() == np.isfinite(case.std_err).sum() == case.rank
    assert case.aliased == (case.rank < len(case.names))
    assert case.intercept == ("(Intercept)" in case.names)


@pytest.mark.parametrize("case", BASES, ids=lambda case: f"{case.name} {case.options}")
def test_bases_have_a_row_for_each_value(case):
    assert case.columns.shape == (len(X), case.new_columns.shape[1])
    assert len(case.new_columns) == len(NEW_X)
    both = sorted({*X.tolist()} & {*NEW_X.tolist()})  # a value has one row, whichever of the two it stands in
    assert len(both) == 3
    for v in both:
        assert case.columns[X.tolist().index(v)] == pytest.approx(case.new_columns[NEW_X.tolist().index(v)], abs=1e-14)


@pytest.mark.parametrize("case", QUANTILES, ids=lambda case: str(case.x))
def test_quantiles_are_numpys(case):
    assert np.quantile(case.x, case.p) == pytest.approx(case.quantiles, rel=1e-14)


@pytest.mark.parametrize("case", DESIGNS, ids=lambda case: case.formula)
def test_designs_are_aliased_as_marked(case):
    assert case.columns.shape == (len(ROWS["x"]), len(case.names))
    assert case.aliased == (np.linalg.matrix_rank(case.columns) < len(case.names))
