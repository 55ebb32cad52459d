"""What a column is: decided by all of its cells, whatever their order, the blocks they come in and the source."""

import csv
import io

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import regress
from regress.api.read import read_table
from regress.api.sums import Reading
from regress.errors import InputError, TableError
from regress.options import TableOptions
from regress.sources import polars_frames
from regress.sources.cell_types import level_of
from regress.sources.csv import dialect, stream
from tests.examples import examples
from tests.tables import columns_of

pytestmark = pytest.mark.filterwarnings("ignore:.* on a single row:regress.errors.DataWarning")

PLAIN = ["5", "-2.5", "1e3", ".5", "+7", "0", "12."]
LIKE = [  # numbers with something about them, dates and times
    *("26.6 kmpl", "998 CC", "00:41:07", "'5", "45 600", "€110.5M", "(312)", "<0.5", "\u22125", "12\u00a0000"),
    *("12\u202f000", "1,00,000", "₹5", "USD 5", "CHF 5.50", '="5"', "5_000", "5D+00", "5 kg", "<5", "28/01/2020"),
    *(
        "5-Jan-2020",
        "10:30",
        "$1,000",
        "5%",
        "1'000",
        "1,5",
        "1.234.567,8",
        "２",
        "36 months",
        "10+ years",
        "2020-02-30",
    ),
]
WORDS = ["C85", "red", "A/5 21171", "1st", "12 Main Street", "10.0.0.1", "1.2.3", "x", "PC 17599", "true blue", "4x4"]


def table_of(cells):
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([["x", "y"], *([cell, i] for i, cell in enumerate(cells))])
    return text.getvalue()


def kind(path, **options):
    """What a file's column x turns out to be."""
    options = TableOptions(features=["x"], missing="drop", **options)
    try:
        (term,) = read_table(path, "y", options, Reading("rows")).reader.design.variables
    except TableError as error:
        return "text" if "has a single level" in str(error) else "refused"
    except InputError as error:
        return "numbers" if "no row left" in str(error) else "refused"
    return "text" if term.kind == "text" else "numbers"


@pytest.mark.parametrize("cell", [*LIKE, *WORDS])
def test_a_column_of_one_kind_of_cell_is_text_or_refused(tmp_path, cell):
    path = tmp_path / "t.csv"
    path.write_text(table_of([cell] * 30))
    assert kind(path) == ("refused" if cell in LIKE else "text")


@pytest.mark.parametrize("odd", [".", "?", "n/a", "-", "missing", *LIKE])
@pytest.mark.parametrize("at", [0, 7, 39])
def test_one_odd_cell_is_shown_with_its_line_and_the_remedy_wherever_it_stands(tmp_path, odd, at):
    path = tmp_path / "t.csv"
    cells = [str(i % 11) for i in range(40)]
    cells[at] = odd
    path.write_text(table_of(cells))
    with pytest.raises(TableError) as refused:
        regress.fit(path, "y")
    assert f"(t.csv, line {at + 2})" in str(refused.value)
    assert repr(odd)[1:-1] in str(refused.value)
    assert "categorical=['x']" in str(refused.value)
    assert len(regress.fit(path, "y", categorical=["x"]).names) == 11
    assert regress.fit(path, "y", na_values=[odd], missing="drop").names == ("x",)
    assert regress.fit(path, "y", on_bad_lines="skip").tally.bad == 1


@pytest.mark.parametrize("numbers", [3, 4])
def test_a_tenth_of_numbers_is_too_many_for_text(tmp_path, numbers):
    path = tmp_path / "t.csv"
    path.write_text(table_of([*map(str, range(numbers)), *("a", "b", "c", "d") * 9]))
    assert kind(path) == ("text" if numbers == 3 else "refused")


@pytest.fixture
def small(monkeypatch):
    """Look at few cells first, and read blocks of some bytes, so that the first cells decide nothing."""
    monkeypatch.setattr(dialect, "_ROWS", 20)
    monkeypatch.setattr(dialect, "_LOOK", 2)
    monkeypatch.setattr(polars_frames, "LOOK", 2)
    monkeypatch.setattr(stream, "BLOCK", 40)


def expected(cells, skip):
    held = [cell for cell in cells if cell]
    numbers, like, booleans = (sum(cell in pool for cell in held) for pool in (PLAIN, LIKE, ("true", "False")))
    if numbers == len(held) or booleans == len(held):
        return "numbers"
    if 10 * (numbers + like) < len(held):
        return "text"
    return "numbers" if skip and 2 * numbers >= len(held) else "refused"


mixtures = st.lists(st.sampled_from(["plain", "like", "words", "booleans", "none"]), min_size=1, max_size=3).flatmap(
    lambda kinds: st.lists(
        st.one_of(
            *(
                st.sampled_from(
                    {"plain": PLAIN, "like": LIKE, "words": WORDS, "booleans": ["true", "False"], "none": [""]}[kind]
                )
                for kind in kinds
            )
        ),
        min_size=1,
        max_size=14,
    )
)


@settings(
    deadline=None,
    max_examples=examples(150),
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(cells=mixtures, order=st.randoms(use_true_random=False), skip=st.booleans())
def test_neither_order_nor_blocks_decide_what_a_column_is(tmp_path, small, cells, order, skip):
    path, shuffled = tmp_path / "t.csv", list(cells)
    order.shuffle(shuffled)
    options = {"on_bad_lines": "skip"} if skip else {}
    for rows in (cells, shuffled):
        path.write_text(table_of(rows))
        assert kind(path, **options) == expected(cells, skip)


@settings(
    deadline=None,
    max_examples=examples(60),
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(cells=mixtures)
@pytest.mark.filterwarnings("ignore::regress.errors.DataWarning")
def test_every_source_says_the_same_of_a_column(tmp_path, small, cells):
    cells = [cell or None for cell in cells]
    frame = pl.DataFrame({"x": pl.Series(cells, dtype=pl.String), "y": np.arange(len(cells)) * 1.0})
    path, parquet = tmp_path / "t.csv", tmp_path / "t.parquet"
    path.write_text(table_of([cell or "" for cell in cells]))
    frame.write_parquet(parquet)

    def names(table):
        try:
            return regress.fit(table, "y", missing="drop").names
        except regress.RegressError as error:
            return type(error)

    found = names(path)
    assert names(parquet) == names(frame) == names(pd.DataFrame(frame.to_dict(as_series=False))) == found


@pytest.mark.filterwarnings("ignore::regress.errors.DataWarning")
@pytest.mark.parametrize("late", ["text", "number"])
def test_a_column_that_changes_late_is_read_again(tmp_path, late):
    path = tmp_path / "t.csv"
    first, last = (["5"] * 300, ["a", "b"] * 1700) if late == "text" else (["a", "b"] * 150, ["5"] * 30)
    path.write_text(table_of([*first, *last]))
    assert regress.fit(path, "y").names == ("x=a", "x=b")


def test_levels_that_are_equal_numbers_or_booleans_are_one():
    for same in (
        ["1", "1.0", " 1 ", "+1", "1."],
        ["True", "true", "TRUE"],
        ["0.5", ".5", "0.50"],
        ["1e+16", "1" + "0" * 16],
    ):
        assert len({level_of(cell) for cell in same}) == 1
    codes = ["007", "07", "7", "12E3", "12000", "a", "A"]
    assert [level_of(code) for code in codes] == codes


@pytest.mark.parametrize(
    "column", [[1, 2, 10, 2], [1.0, 2.0, 10.0, 2.0], ["1", "2.0", "10", "2"], [True, False, True, False]]
)
def test_levels_are_the_same_from_every_source(tmp_path, column):
    y = [1.0, 2.0, 4.0, 2.5]
    pandas, polars = pd.DataFrame({"k": column, "y": y}), pl.DataFrame({"k": column, "y": y})
    pandas.to_csv(tmp_path / "t.csv", index=False)
    polars.write_parquet(tmp_path / "t.parquet")
    tables = [pandas, polars, tmp_path / "t.csv", tmp_path / "t.parquet"]
    fits = [regress.fit(table, "y", categorical=["k"]) for table in tables]
    assert {fit.names for fit in fits} == {("k=2", "k=10") if column[0] is not True else ("k=true",)}
    for fit in fits:
        for table in tables:
            assert fit.predict(table) == pytest.approx(fits[0].predict(pandas))
        assert regress.to_sklearn(fit).predict(pandas) == pytest.approx(fit.predict(pandas))


def test_blanks_around_a_level_do_not_count(tmp_path):
    (tmp_path / "t.csv").write_text("sex,y\nmale,1\nmale ,2\n female,3\nfemale,4\n NA ,9\n")
    fit = regress.fit(tmp_path / "t.csv", "y", missing="drop")
    assert (fit.names, fit.tally.missing) == (("sex=male",), 1)


@pytest.mark.parametrize(
    ("cells", "thousands", "options"),
    [
        (["1,200", "980", "12,345,678", "-1,000.5"], ",", {}),
        (["1,00,000", "12,34,567.25", "3", "+9,999"], ",", {}),
        (["1.200", "980", "1.234,5", "0,25"], ".", {}),
        (["1'200", "980", "1'000'000", "7.5"], "'", {}),
        (["12 000", "12\u00a0000", "12\u202f000", "12\u2009000"], " ", {}),
        (["12 000,5", "7", "1 000 000", "0,5"], " ", {"decimal": ","}),
        (["5_000", "7", "1_000_000", "1e3"], "_", {}),
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_thousands_are_read_on_request(tmp_path, cells, thousands, options, delimiter):
    decimal = options.get("decimal", "," if thousands == "." else ".")
    strip = str.maketrans("", "", thousands + ("\u00a0\u202f\u2009" if thousands == " " else ""))
    values = [float(cell.translate(strip).replace(decimal, ".")) for cell in cells]
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows([["x", "k", "y"], *([c, "NA", i] for i, c in enumerate(cells))])
    path = tmp_path / "t.csv"
    path.write_text(text.getvalue())
    assert columns_of(path, ["x"], thousands=thousands, **options)["x"] == values
    with pytest.raises(TableError, match=r"thousands=|decimal="):
        columns_of(path, ["x"], **options)


@pytest.mark.parametrize("cell", ["1,23", "1,2345", ",123", "1,234,5", "12,3456", "1.5,000", "1,,000", "1, 000"])
def test_what_thousands_do_not_fit_is_no_number(tmp_path, cell):
    path = tmp_path / "t.csv"
    path.write_text(table_of(["1,000"] * 9 + [cell]))
    with pytest.raises(TableError, match=r"line 11"):
        columns_of(path, ["x"], thousands=",")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x;y\n1.234;2.468\n999;1.998\n", None),
        ("x;y\n1.234;2.468\n999;1.998\n0.5;7\n", 1.234),
        ("x;y\n1.234;2.468\n999;1.998\n7,5;7\n", None),
        ("x;y\n1,234;2\n999;1\n", None),
        ("x;y\n1,234;2\n999;1,5\n", 1.234),
        ("x\ty\n1.234\t2.468\n999\t1.998\n", 1.234),
        ("x,y\n1.234,2.468\n999,1.998\n", 1.234),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_three_digits_after_a_mark_are_read_only_where_the_file_tells(tmp_path, small, text, value, turned):
    header, *rows = text.splitlines(keepends=True)
    rows = [*("5;6\n".replace(";", header[1]) for _ in range(30)), *rows]  # nothing in the rows looked at first
    (tmp_path / "t.csv").write_text(header + "".join(rows[::-1] if turned else rows))
    if value is None:
        with pytest.raises(TableError, match=r"thousands=|decimal="):
            columns_of(tmp_path / "t.csv")
    else:
        assert value in columns_of(tmp_path / "t.csv")["x"]


@pytest.mark.parametrize("late", [False, True])
def test_na_is_a_level_where_that_is_asked_for(tmp_path, small, late):
    rows = ["Pave,NA,1", "NA,3,2", "None,4,3.5", ",6,4", "Grvl,7,5", "NULL,9,7"]
    path = tmp_path / "t.csv"
    path.write_text("alley,area,y\n" + "\n".join(rows[::-1] if late else rows) + "\n")
    fit = regress.fit(path, "y", keep_na=True, missing="drop", features=["alley"])
    assert fit.names == ("alley=NA", "alley=NULL", "alley=None", "alley=Pave")
    assert fit.tally.missing_cells == {"alley": 1}
    assert np.isnan(columns_of(path, ["area"], keep_na=True)["area"]).sum() == 1
    assert regress.fit(path, "y", missing="drop", features=["alley"]).names == ("alley=Pave",)
    kept = regress.fit(path, "y", keep_na=True, na_values=["NULL"], missing="drop", features=["alley"])
    assert kept.names == ("alley=NA", "alley=None", "alley=Pave")
    np.testing.assert_array_equal(fit.predict(path), fit.predict(path, keep_na=True))  # a level of the model stays one


def test_a_model_knows_what_its_columns_are(tmp_path):
    (tmp_path / "train.csv").write_text("x,y\n1,3\n2,5\n3,7.5\n")
    (tmp_path / "new.csv").write_text("x\nunknown\n2\n")
    fit = regress.fit(tmp_path / "train.csv", "y")
    with pytest.raises(TableError, match=r"new.csv, line 2, column 'x': 'unknown' is not a number"):
        fit.predict(tmp_path / "new.csv")
    values = fit.predict(tmp_path / "new.csv", on_bad_lines="skip")
    assert np.isnan(values[0])
    assert values[1] == fit.predict([[2.0]])[0]


def test_options_that_cannot_be_meant_are_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x,y\n1,2\n3,4\n")
    for options, words in (
        ({"thousands": "x"}, "thousands must be one of"),
        ({"thousands": ",", "decimal": ","}, "thousands and decimal are both"),
        ({"na_values": "NA"}, "na_values must be a list"),
    ):
        with pytest.raises(regress.InputError, match=words):
            regress.fit(path, "y", **options)


def test_levels_that_differ_by_case_are_noted(tmp_path):
    (tmp_path / "t.csv").write_text("sex,y\nmale,1\nMale,2\nfemale,3\nfemale,4\nMale,5\nmale,9\n")
    with pytest.warns(regress.errors.DataWarning, match=r"case only: sex=Male and sex=male\."):
        fit = regress.fit(tmp_path / "t.csv", "y")
    assert fit.names == ("sex=female", "sex=male")


@pytest.mark.parametrize("library", [pd, pl])
def test_numbers_that_a_frame_holds_as_text_are_read_and_noted(library):
    frame = library.DataFrame({"x": ["1", "2", "3", "4", "5.5"], "y": [1.0, 2.1, 2.9, 4.2, 5.0]})
    with pytest.warns(regress.errors.DataWarning, match=r"holds numbers as text in 'x'"):
        fit = regress.fit(frame, "y")
    assert fit.names == ("x",)
    assert len(regress.fit(frame, "y", categorical=["x"]).names) == 4


def test_a_decimal_comma_that_may_be_thousands_is_noted(tmp_path):
    (tmp_path / "t.csv").write_text('x,y\n"1,200",10\n980,9\n"2,500",12\n')
    with pytest.warns(regress.errors.DataWarning, match=r"'1,200' is 1\.200.*thousands=','"):
        regress.fit(tmp_path / "t.csv", "y", decimal=",")
    (tmp_path / "t.csv").write_text('x,y\n"1,200",10\n980,9\n"2,5",12\n')
    regress.fit(tmp_path / "t.csv", "y", decimal=",")  # no warning


def test_a_decimal_mark_that_comes_late_is_known_to_predictions_too(tmp_path, small):
    rows = "".join(f"{i};{2 * i + i % 3}\n" for i in range(40))
    (tmp_path / "t.csv").write_text("x;y\n" + rows)
    (tmp_path / "new.csv").write_text("x;y\n" + rows + "1,5;2\n")
    fit = regress.fit(tmp_path / "t.csv", "y")
    assert fit.predict(tmp_path / "new.csv")[-1] == fit.predict([[1.5]])[0]
    assert regress.certify(fit, tmp_path / "new.csv", "y").to_dict()["n_rows"] == 41
