"""Formulas in every verb and way of reading: what they compute is what a table with such columns gives."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest

import regress

N = np.arange(240)
TABLE = pd.DataFrame(
    {
        "a": N % 13 - 4,
        "z": (N * 7) % 11 + 1,
        "zone": np.array(["north", "south", "west"])[(N * 5 + N // 7) % 3],
        "new": (N // 3) % 2 == 0,
        "day": pd.Timestamp("2024-01-01") + pd.to_timedelta((N * 17) % 300, unit="D"),
        "w": N % 3 + 1,
        "y": (N * 37) % 101 + 3 * (N % 13) + 1,
    }
)
FORMULA = "y ~ a * zone + poly(z, 3) + a:new + month(day)"


def by_hand(table: pd.DataFrame) -> pd.DataFrame:
    """The columns of the formula as numbers, in its order."""
    a, z, zone = table["a"], table["z"], table["zone"]
    columns = {"a": a, "zone=south": zone == "south", "zone=west": zone == "west"}
    columns |= {f"poly(z, 3)[{k}]": z**k for k in (1, 2, 3)}
    columns |= {"month(day)": table["day"].dt.month}
    columns |= {f"a:zone={level}": a * (zone == level) for level in ("south", "west")}
    columns |= {"a:new": a * table["new"]}
    return pd.DataFrame(columns).astype(float)


PLAIN = by_hand(TABLE)


def same(one: regress.Fit, other: regress.Fit) -> bool:
    """Whether two fits have the same bits."""
    return one.names == other.names and one.w.tolist() == other.w.tolist() and one.b == other.b


@pytest.fixture(scope="module")
def fit() -> regress.Fit:
    return regress.fit(TABLE, FORMULA)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The table as files of every kind, and one in four parts."""
    folder = tmp_path_factory.mktemp("files")
    TABLE.to_csv(folder / "t.csv", index=False)
    TABLE.to_parquet(folder / "t.parquet")
    pl.DataFrame(TABLE).write_ndjson(folder / "t.jsonl")
    for k in range(4):
        TABLE[60 * k : 60 * k + 60].to_csv(folder / f"part{k}.csv", index=False)
    return folder


def test_the_fit_is_that_of_columns_computed_by_hand(fit):
    expected = regress.fit(PLAIN, TABLE["y"])
    assert sorted(fit.names) == sorted(PLAIN)
    assert fit.params.to_dict() == expected.params.to_dict()
    assert fit.bse.to_dict() == pytest.approx(expected.bse.to_dict(), rel=1e-13)
    assert fit.r2 == expected.r2


def test_every_source_gives_the_same_bits(fit, files):
    tables = [pl.DataFrame(TABLE), *(files / name for name in ("t.csv", "t.parquet", "t.jsonl")), files / "part*.csv"]
    for table in tables:
        assert same(regress.fit(table, FORMULA), fit), table


@pytest.mark.parametrize(
    "formula", ["log(y) ~ a * zone", "log(y) ~ 0 + zone + center(z) + bs(a, df=5)", "y ~ scale(z):zone + ns(a, df=3)"]
)
def test_what_is_rounded_has_the_same_bits_in_every_source_too(formula, files):
    expected = regress.fit(TABLE, formula, precision="exact")
    tables = [pl.DataFrame(TABLE), *(files / name for name in ("t.csv", "t.parquet", "t.jsonl")), files / "part*.csv"]
    for table in tables:
        assert same(regress.fit(table, formula, precision="exact"), expected), table


@pytest.mark.parametrize(
    "options",
    [
        {"over": "rows", "solver": "newton", "precision": "float64"},
        {"over": "rows", "solver": "gd", "max_iter": 20},
        {"solver": "gd", "max_iter": 20, "precision": "float64"},
        {"loss": "huber"},
        {"solver": "sgd", "epochs": 3, "learning_rate": 1e-3},
        {"solver": "averaged-sgd", "epochs": 3},
        {"solver": "sgd", "epochs": 2, "over": "blocks"},
        {"alpha": 2.0},
        {"weights": "w"},
        {"gradient": "autodiff", "solver": "gd", "max_iter": 20},
    ],
    ids=str,
)
def test_every_solver_sees_the_columns_computed_by_hand(options, files):
    formula = "y ~ a + poly(z, 3)"
    columns = TABLE[["y", "a", "w"]].assign(z=TABLE["z"], z2=TABLE["z"] ** 2, z3=TABLE["z"] ** 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", regress.ConvergenceWarning)
        one = regress.fit(TABLE, formula, **options)
        other = regress.fit(columns, "y", features=["a", "z", "z2", "z3"], **options)
    assert one.status == other.status
    assert one.w.tolist() == other.w.tolist()
    assert one.b == other.b


def test_rows_in_blocks_are_those_in_memory(files):
    options = {"solver": "sgd", "epochs": 2, "shuffle": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one, other = (regress.fit(files / "t.csv", FORMULA, over=over, **options) for over in ("rows", "blocks"))
    assert same(one, other)


def test_rows_held_out_and_missing_cells(files):
    holes = TABLE.assign(z=TABLE["z"].where(N % 10 != 3).astype(float), zone=TABLE["zone"].where(N % 17 != 5))
    plain = by_hand(holes).assign(y=holes["y"])
    plain = plain.mask(holes["zone"].isna())
    one = regress.fit(holes, FORMULA, missing="drop", test_size=0.3)
    other = regress.fit(plain, "y", missing="drop", test_size=0.3)
    assert one.params.to_dict() == other.params.to_dict()
    assert one.r2_test == pytest.approx(other.r2_test, rel=1e-12)
    assert one.record.outcome.rows.used == other.record.outcome.rows.used


def test_a_validation_table_is_read_as_the_rows_are():
    plain = PLAIN.assign(y=TABLE["y"])
    options = {"solver": "gd", "max_iter": 30, "early_stopping": 5}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", regress.ConvergenceWarning)
        one = regress.fit(TABLE[:160], FORMULA, validation=TABLE[160:], **options)
        other = regress.fit(plain[:160], "y", features=list(one.names), validation=plain[160:], **options)
    assert one.w.tolist() == other.w.tolist()
    assert one.r2_test == other.r2_test
    with pytest.raises(regress.InputError, match="computes the target"):
        regress.fit(TABLE, "log(y) ~ a", validation=(TABLE[["a"]], TABLE["y"]))


def test_a_descent_goes_on_with_the_same_bits_and_only_for_its_formula(tmp_path):
    options = {"solver": "gd", "checkpoint": tmp_path / "c.json", "over": "rows"}
    formula = "log(y) ~ a * zone + center(z)"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", regress.ConvergenceWarning)
        expected = regress.fit(TABLE, formula, solver="gd", over="rows", max_iter=40)
        regress.fit(TABLE, formula, max_iter=15, **options)
        for other in ("log(y) ~ a * zone", "log(y) ~ a * zone + scale(z)", "y ~ a * zone + center(z)"):
            with pytest.raises(regress.InputError, match="checkpoint"):
                regress.fit(TABLE, other, max_iter=40, resume=True, **options)
        assert same(regress.fit(TABLE, formula, max_iter=40, resume=True, **options), expected)


@pytest.mark.slow
def test_a_comparison_fits_all_tools_to_the_columns():
    one, other = regress.compare(TABLE, FORMULA), regress.compare(PLAIN.assign(y=TABLE["y"]), "y")
    assert one.agree
    assert set(one.names) == set(other.names)
    assert one.table["digits"]["LinearRegression()"] > 8
    assert one.table["r2"].to_dict() == pytest.approx(other.table["r2"].to_dict(), abs=1e-6)


def test_without_an_intercept_all_verbs_have_none():
    formula = "y ~ 0 + zone + a"
    fit = regress.fit(TABLE, formula)
    assert fit.b == 0.0
    assert not regress.compare(TABLE, formula).fit_intercept
    assert "(intercept)" not in regress.check_gradients(TABLE, formula).table.index
    assert regress.certify((fit.w, 0.0), TABLE, formula).passed
    with pytest.raises(regress.InputError, match="the model has no intercept"):
        regress.certify((fit.w, 1.0), TABLE, formula)


def test_gradients_agree_on_the_columns():
    result = regress.check_gradients(TABLE, FORMULA)
    assert result.passed
    assert set(result.table.index) == {*PLAIN, "(intercept)"}


def test_a_fit_is_certified_and_verified_on_any_source(fit, files, tmp_path):
    fit.save(tmp_path / "m.json")
    for table in (TABLE, files / "t.csv", files / "t.parquet", files / "part*.csv"):
        for model in (fit, tmp_path / "m.json"):
            assert regress.certify(model, table, digits=15).passed
            assert regress.verify(model, table).matches
    other = TABLE.assign(z=TABLE["z"].where(N != 5, 4))
    assert not regress.verify(fit, other).matches
    with pytest.raises(regress.InputError, match="stores its own columns"):
        regress.certify(fit, TABLE, FORMULA)


def test_coefficients_of_others_are_certified_in_the_columns_of_a_formula(fit):
    from sklearn.linear_model import LinearRegression

    ordered = PLAIN[list(fit.names)]
    model = LinearRegression().fit(ordered, TABLE["y"])
    assert regress.certify(model, TABLE, FORMULA, digits=8).passed
    assert regress.certify(LinearRegression().fit(ordered.to_numpy(), TABLE["y"]), TABLE, formula=FORMULA).passed
    assert regress.certify((dict(zip(fit.names, fit.w, strict=True)), fit.b), TABLE, FORMULA, digits=15).passed
    with pytest.raises(regress.InputError, match="in only one of them"):
        regress.certify(model, TABLE, "y ~ a * zone")


def test_results_of_statsmodels_formulas_are_certified_in_their_columns():
    smf = pytest.importorskip("statsmodels.formula.api")
    assert regress.certify(smf.ols("y ~ a * zone + z", TABLE).fit(), TABLE).passed
    logs = smf.ols("np.log(y) ~ a * zone", TABLE).fit()
    assert regress.certify(logs, TABLE, "log(y) ~ a * zone").passed
    with pytest.raises(regress.InputError, match="Name the target, as a formula"):
        regress.certify(logs, TABLE)
    with pytest.raises(regress.InputError, match="was fitted to"):
        regress.certify(logs, TABLE, "sqrt(y) ~ a * zone")


MISREAD = [
    ("y ~ month(z)", "'z' of the frame holds no dates, so month(z) cannot be computed. If it holds dates such as"),
    ("y ~ C(hour(z)) + a", "pass date_format={'z': '%Y%m%d'}."),
    ("y ~ poly(zone, 2)", "Column 'zone' of the frame is text, not numbers."),
    ("y ~ log(zone)", "Column 'zone' of the frame is text, not numbers, so log(zone) cannot be computed."),
    ("y ~ C(zone, Sum)", "C(zone, Sum) has 2. Write C(a, ref='red') or C(a, coding='sum')."),
]


@pytest.mark.parametrize(("formula", "said"), MISREAD)
def test_columns_of_another_kind_are_refused(formula, said):
    with pytest.raises(regress.InputError) as refused:
        regress.fit(TABLE, formula)
    assert said in str(refused.value)


def test_a_table_and_a_formula_in_the_order_of_statsmodels_are_refused():
    with pytest.raises(regress.InputError, match="The table comes first, then the formula"):
        regress.fit("y ~ a", TABLE)


@pytest.mark.parametrize("verb", [regress.fit, regress.compare, regress.check_gradients, regress.moments])
def test_all_verbs_refuse_what_is_no_formula(verb):
    for formula, said in [("y ~ a +", "expected"), ("y ~ nothing", "no column 'nothing'"), ("y ~", "expected")]:
        with pytest.raises(regress.InputError, match=said):
            verb(TABLE, formula)
    with pytest.raises(regress.InputError, match="Name the column to predict with target"):
        verb(TABLE, formula="a * zone")
    with pytest.raises(regress.InputError, match="target is another"):
        verb(TABLE, TABLE["z"].to_numpy(), formula="y ~ a")


def test_numbers_as_written_need_no_product():
    table = {"a": [0.1, 0.2, 0.5, 0.7], "y": [1.2, 2.4, 6.0, 8.4]}
    for verb in (regress.fit, regress.moments):
        fit = verb(table, "y ~ a", as_written=True)
        fit = fit if isinstance(fit, regress.Fit) else regress.fit(fit)
        assert (fit.w.tolist(), fit.b) == ([12.0], 0.0)


def test_a_fit_whose_rounded_coefficients_cannot_predict_is_warned_of():
    year = np.arange(1958.0, 2002.0, 0.1)
    table = {"year": year, "y": np.sin(year) + 0.1 * year}
    with pytest.warns(
        regress.DataWarning, match="Coefficients rounded to float64 raise the loss .* so predictions are wrong"
    ):
        regress.fit(table, "y ~ poly(year, 8)")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit = regress.fit(table, "y ~ poly(center(year), 8)")
    assert fit.r2 == pytest.approx(
        np.corrcoef(np.polynomial.Chebyshev.fit(year, table["y"], 8)(year), table["y"])[0, 1] ** 2
    )
