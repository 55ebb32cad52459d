"""Files together: levels and types that differ from file to file, and outputs that must not be inputs."""

import re
from fractions import Fraction

import numpy as np
import polars as pl
import pytest

import regress
from regress.cli.main import main
from regress.errors import DataWarning, InputError, TableError
from regress.numerics.whole_sum import WholeSum

RANDOM = np.random.default_rng(7)


def code_of(*words):
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    return end.value.code


@pytest.fixture
def folder(tmp_path):
    rows = "".join(f"{i},{2 * i + 1}\n" for i in range(20))
    (tmp_path / "t.csv").write_text("x,y\n" + rows)
    (tmp_path / "bad.csv").write_text("x,y\n" + rows + "oops,1\n")
    regress.fit(tmp_path / "t.csv", "y").save(tmp_path / "m.json")
    return tmp_path


def test_a_column_named_like_a_level_is_refused_also_for_the_reference_level():
    k, x = RANDOM.choice(["a", "b"], 200), RANDOM.normal(size=200)
    with pytest.raises(TableError, match="Two columns of X would be named 'k=a'"):
        regress.fit(pl.DataFrame({"k": k, "k=a": x, "y": 3.0 * x + 2.0 * (k == "b")}), "y")


def test_enums_that_differ_from_file_to_file_have_all_their_levels(tmp_path):
    for name, levels in (("1", ["b", "a"]), ("2", ["d", "c"])):
        k = pl.Series(levels * 10, dtype=pl.Enum(levels))
        pl.DataFrame({"k": k, "y": RANDOM.normal(size=20)}).write_parquet(tmp_path / f"{name}.parquet")
    assert regress.fit(tmp_path, "y").names == ("k=b", "k=c", "k=d")


def test_levels_of_rows_that_miss_a_cell_are_not_those_of_the_model():
    x = [None] * 5 + RANDOM.normal(size=40).tolist()
    frame = pl.DataFrame({"k": ["a"] * 5 + ["b", "c"] * 20, "x": x, "y": RANDOM.normal(size=45)})
    assert regress.fit(frame, "y", missing="drop").names == ("k=c", "x")


def test_kept_columns_whose_types_differ_are_written_without_loss(folder):
    (folder / "p").mkdir()
    pl.DataFrame({"x": [1, 2], "k": [1, 2]}).write_parquet(folder / "p" / "1.parquet")
    pl.DataFrame({"x": [1.5, 2.5], "k": [16777217.0, 2.7]}).write_parquet(folder / "p" / "2.parquet")
    pl.DataFrame({"x": [3.5], "k": [None]}).write_parquet(folder / "p" / "3.parquet")
    for out in ("out.csv", "out.parquet"):
        assert code_of("predict", folder / "m.json", folder / "p", "--keep", "k,x", "-o", folder / out) == 0
    told = [line.split(",") for line in (folder / "out.csv").read_text().splitlines()[1:]]
    assert [float(k) for _, k, *_ in told[:4]] == [1, 2, 16777217, 2.7]
    assert [float(x) for _, _, x, _ in told] == [1, 2, 1.5, 2.5, 3.5]
    assert told[4][1] == ""
    assert pl.read_parquet(folder / "out.parquet")["k"].to_list()[2:] == ["16777217.0", "2.7", None]


@pytest.mark.parametrize("name", ["row", "prediction", "pi_low"])
def test_a_kept_column_cannot_have_the_name_of_a_prediction(folder, name, capsys):
    pl.DataFrame({"x": [1.0], name: [2.0]}).write_csv(folder / "n.csv")
    words = ("predict", folder / "m.json", folder / "n.csv", "--keep", name, "--interval", "0.9")
    assert code_of(*words, "-o", folder / "out.csv") == 2
    assert f"--keep {name}" in capsys.readouterr().err
    assert not (folder / "out.csv").exists()


SKIP = ("--on-bad-lines", "skip", "--rejects")


@pytest.mark.parametrize(
    "words",
    [
        ("fit", "bad.csv", "--target", "y", *SKIP, "bad.csv"),
        ("fit", "t.csv", "--target", "y", "--save", "t.csv"),
        ("fit", "bad.csv", "--target", "y", *SKIP, "out", "--save", "out"),
        ("predict", "m.json", "t.csv", "-o", "t.csv"),
        ("predict", "m.json", "bad.csv", *SKIP, "m.json"),
        ("predict", "m.json", "bad.csv", *SKIP, "out", "-o", "out"),
        ("certify", "m.json", "bad.csv", *SKIP, "m.json"),
    ],
)
def test_nothing_is_written_over_an_input_or_another_output(folder, monkeypatch, words, capsys):
    monkeypatch.chdir(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert code_of(*words) == 2
    assert "would overwrite" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_the_account_of_a_skipped_table_may_not_be_the_table_in_python_either(folder):
    with pytest.raises(InputError, match="would overwrite"):
        regress.fit(folder / "bad.csv", "y", on_bad_lines="skip", rejects=folder / "bad.csv")


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["?", *"123456789"] * 2, r"'\?' \(t.csv, line 2\) is not a number, but 90% .* na_values=\['\?'\]"),
        (["5 %"] * 20, "with a unit or another sign, such as '5 %'"),
        (['"1.200,50"', '"900,00"', '"-3.001.100,1"'] * 7, "thousands='.', decimal=','"),
        (["$1.50"] * 20, "another sign"),
        (['"1,234,567"'] * 20, "thousands=','"),
        (['"1,5"', '"2,25"'] * 10, "decimal=','"),
    ],
)
def test_text_that_looks_like_numbers_says_what_to_do(tmp_path, cells, words):
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{cell},{i}\n" for i, cell in enumerate(cells)))
    with pytest.raises(TableError, match=words):
        regress.fit(tmp_path / "t.csv", "y")


@pytest.mark.parametrize("cell", ["1.2.3", "10.0.0.1", '"48.8, 2.3"', "A-17", "C85", "2nd", "12 Main Street"])
def test_text_that_is_no_number_is_text(tmp_path, cell):
    (tmp_path / "t.csv").write_text("x,z,y\n" + "".join(f"{cell},{i % 7},{i}\n" for i in range(20)))
    with pytest.warns(DataWarning, match=f"single level is excluded: x={re.escape(cell.strip(chr(34)))}"):
        assert regress.fit(tmp_path / "t.csv", "y").names == ("z",)


def test_whole_sums_add_products_of_any_size_without_rounding():
    a = np.concatenate([10.0 ** RANDOM.uniform(-300, 300, 50), [5e-324, 1e-160, 1.7e308]])
    b = np.concatenate([RANDOM.normal(size=50), [5e-324, 3e-160, 1.7e308]])
    total = WholeSum()
    total.add_products(a, b)
    total.add(b)
    pairs = zip(a.tolist(), b.tolist(), strict=True)
    assert total.fraction == sum(Fraction(x) * Fraction(y) + Fraction(y) for x, y in pairs)
