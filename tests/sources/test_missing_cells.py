"""Which cells are missing, what a level is, and what decides: the same from every source, in any order."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import regress
from regress.errors import InputError, TableError

pytestmark = [
    pytest.mark.filterwarnings("ignore:.* on a single row"),
    pytest.mark.filterwarnings("ignore:The split key"),
    pytest.mark.filterwarnings("ignore:R² on held-out rows is negative"),
]


def sources(tmp_path, frame):
    frame.write_csv(tmp_path / "t.csv")
    frame.write_parquet(tmp_path / "t.parquet")
    return [tmp_path / "t.csv", tmp_path / "t.parquet", frame, pd.DataFrame(frame.to_dict(as_series=False))]


@pytest.mark.parametrize("code", ["-999", "-999.0", " -999 "])
@pytest.mark.parametrize("late", [False, True])
def test_a_number_may_stand_for_a_missing_cell(tmp_path, code, late):
    x = [float(i) for i in range(60)]
    x[7] = x[31] = -999.0
    frame = pl.DataFrame({"x": x[::-1] if late else x, "y": np.arange(60.0) ** 1.5})
    for table in sources(tmp_path, frame):
        assert regress.fit(table, "y", na_values=[code], missing="drop").tally.missing_cells == {"x": 2}
    with (tmp_path / "t.csv").open("a") as file:
        file.write("NA,1\n")
    assert regress.fit(tmp_path / "t.csv", "y", na_values=[code], missing="drop").tally.missing == 3


def test_numbers_of_articles_do_not_decide_the_decimal_mark(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_text("art\tpop\ty\n120.456.780\t1,100\t3\n120.456.781\t1,200\t4\n1.1.1\t1,300\t6\n")
    with pytest.raises(TableError, match=r"'1,100' may be 1\.100 or 1100"):
        regress.fit(path, "y", drop=["art"])


def test_points_as_thousands_leave_the_comma_for_fractions_in_every_source(tmp_path):
    frame = pl.DataFrame({"x": ["1.234", "1.234,5", "12.345", "3"], "y": [1.0, 2.0, 3.0, 4.0]})
    with pytest.warns(regress.DataWarning, match="numbers as text"):
        fits = [regress.fit(table, "y", thousands=".") for table in sources(tmp_path, frame)[1:]]
    expected = regress.fit(np.array([[1234.0], [1234.5], [12345.0], [3.0]]), frame["y"].to_numpy())
    assert [fit.w.tolist() for fit in fits] == [expected.w.tolist()] * 3
    with pytest.raises(TableError, match=r"1\.5"):
        regress.fit(frame.with_columns(x=pl.Series(["1.234", "1.5", "7", "3"])), "y", thousands=".")


@pytest.mark.parametrize("cell", ["1’000", "12’000.5"])
def test_a_typographic_apostrophe_is_one(tmp_path, cell):
    path = tmp_path / "t.csv"
    path.write_text(f"x,y\n{cell},1\n7,2\n2’000,4\n")
    with pytest.raises(TableError, match='thousands="\'"'):
        regress.fit(path, "y")
    assert regress.fit(path, "y", thousands="'").names == ("x",)


def test_row_names_are_no_feature_whatever_they_look_like_in_the_files_of_a_folder(tmp_path):
    (tmp_path / "1.csv").write_text(",a,y\n0,1,2\n1,2,4\n2,3,5\n")
    (tmp_path / "2.csv").write_text(",a,y\n" + "".join(f"r{i},{i},{i * 2}\n" for i in range(40)))
    (tmp_path / "3.csv").write_text(",a,y\n" + "".join(f",{i},{i * 2}\n" for i in range(40)))
    assert regress.fit(tmp_path, "y").names == ("a",)
    assert regress.fit(tmp_path / "3.csv", "y").names == ("a",)


def test_no_cell_of_a_split_key_makes_a_row_bad(tmp_path):
    texts = "".join(f"k{i},{i},{2 * i + i % 3}\n" for i in range(200))
    numbers = "".join(f"{i},{i},{2 * i + i % 3}\n" for i in range(400))
    tallies = []
    for rows in (texts + numbers, numbers + texts):
        (tmp_path / "t.csv").write_text("id,x,y\n" + rows)
        fit = regress.fit(tmp_path / "t.csv", "y", test_size=0.2, split_key="id", on_bad_lines="skip")
        tallies.append((fit.tally.used, fit.tally.held_out, fit.tally.bad))
    assert tallies[0] == tallies[1]
    assert tallies[0][2] == 0


def test_a_missing_key_is_not_the_key_zero(tmp_path):
    key = [0.0] * 50 + [None] * 50 + [float(i) for i in range(20)]
    frame = pl.DataFrame({"id": key, "x": np.arange(120.0), "y": np.arange(120.0) ** 1.5})
    held = {
        regress.fit(frame, "y", test_size=0.4, split_key="id", drop=["id"], random_state=s).tally.held_out
        for s in range(9)
    }
    assert any(50 <= count < 90 for count in held)


def test_true_and_false_are_known_to_a_model_where_a_table_begins_with_gaps(tmp_path):
    pl.DataFrame({"b": ["true", "false"] * 20, "y": np.arange(40.0)}).write_parquet(tmp_path / "t.parquet")
    fit = regress.fit(tmp_path / "t.parquet", "y")
    gaps = pl.DataFrame({"b": [None] * 300 + ["true", "false"]}, schema={"b": pl.String})
    gaps.write_parquet(tmp_path / "new.parquet")
    assert fit.predict(tmp_path / "new.parquet")[-2:] == pytest.approx([19.0, 20.0])


def test_what_is_no_number_of_a_float_column_is_no_level():
    frame = pl.DataFrame({"c": [1.0, 2.0, float("nan"), float("inf"), None] * 9, "y": np.arange(45.0)})
    fit = regress.fit(frame, "y", categorical=["c"], missing="drop")
    assert (fit.names, fit.tally.missing) == (("c=2",), 27)


@pytest.mark.parametrize("text", [np.array([["1_000"], ["2"]]), np.array([[True], ["2"]], dtype=object)])
def test_text_in_an_array_is_refused(text):
    with pytest.raises(InputError, match="X holds text"):
        regress.fit(text, [1.0, 2.0])


@pytest.mark.parametrize("odd", [[1], 1 + 2j, b"3", {"a": 1}])
@pytest.mark.parametrize("at", [0, 300])
def test_an_object_that_is_no_cell_is_refused_wherever_it_stands(odd, at):
    cells = [1, 2] * 150
    cells.insert(at, odd)
    with pytest.raises(TableError, match=r"drop=\['s'\]"):
        regress.fit(pd.DataFrame({"s": pd.Series(cells, dtype=object), "y": np.arange(301.0)}), "y")


def test_an_integer_beyond_any_double_is_refused():
    frame = pd.DataFrame({"s": pd.Series([1, 2, 10**400], dtype=object), "y": [1.0, 2.0, 4.0]})
    with pytest.raises(TableError, match="beyond the range"):
        regress.fit(frame, "y")


def test_kept_columns_keep_what_their_source_calls_a_value(tmp_path):
    frame = pl.DataFrame({"country": ["NA", "DE", "NA", None], "x": [1.0, 2.0, 4.0, 3.0], "y": [1.0, 2.5, 4.0, 3.5]})
    fit = regress.fit(frame, "y", features=["x"])
    fit.save(tmp_path / "m.json")
    frame.write_parquet(tmp_path / "t.parquet")
    from regress.cli.main import main

    with pytest.raises(SystemExit):
        main(["predict", str(tmp_path / "m.json"), str(tmp_path / "t.parquet"), "--keep", "country", "-o",
              str(tmp_path / "p.csv")])  # fmt: skip
    assert pl.read_csv(tmp_path / "p.csv")["country"].to_list() == ["NA", "DE", "NA", None]


def test_a_delimiter_that_is_the_quote_is_refused(tmp_path):
    (tmp_path / "t.csv").write_text("x,y\n1,2\n2,3\n")
    with pytest.raises(InputError, match="delimiter and quotechar are both"):
        regress.fit(tmp_path / "t.csv", "y", delimiter='"')


def test_a_cell_that_predict_refuses_is_answered_by_the_flag_that_reads_it(tmp_path):
    (tmp_path / "t.csv").write_text("x,y\n1,3\n2,5\n3,7.5\n")
    fit = regress.fit(tmp_path / "t.csv", "y")
    for cell, words in (('"1,234"', "thousands=','"), ('"1,5"', "decimal=','"), ("5%", "plain number")):
        (tmp_path / "new.csv").write_text(f"x\n{cell}\n2\n")
        with pytest.raises(TableError, match=words):
            fit.predict(tmp_path / "new.csv")
