"""Pages of inspections: every figure against pandas, and hostile texts."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest

import regress
from regress.api.report import page, write_report
from tests.command import run
from tests.pages import read, rows_of, table_of
from tests.report.situations import DATA
from tests.report.test_page_hostile_texts import TEXTS, assert_harmless

PENGUINS = DATA / "penguins.csv"


def test_a_page_has_the_figures_of_pandas():
    frame = pd.read_csv(PENGUINS)
    seen = regress.inspect(PENGUINS)
    root = read(page(seen))
    assert root.all("script") == []
    assert root.one("title").text == root.one("h1").text == "What is in penguins.csv"
    tiles = {tile.one("dt").text: tile.values[0] for tile in root.one("dl", class_="tiles").all("div")}
    missing = frame.isna().sum()
    assert tiles == {"Rows": 344, "Columns": 8, "Missing cells": missing.sum(), "Remarks": 0}
    shown = table_of(root, "columns")
    assert [*shown] == [*frame.columns]
    for name, (_, _, absent, mean, spread, low, high, levels) in shown.items():
        assert absent == missing[name]
        if not pd.api.types.is_numeric_dtype(frame[name]):
            rows = ", ".join(f"{level} ({count})" for level, count in Counter(frame[name].dropna()).most_common(4))
            assert levels == rows
            continue
        expected = (frame[name].mean(), frame[name].std(), frame[name].min(), frame[name].max())
        assert (mean, spread, low, high) == pytest.approx(expected, rel=1e-12)
        assert levels == ""
    assert root.one("section", id="next").one("code").text == "regress fit penguins.csv --target COLUMN --missing drop"
    targets = "bill_length_mm, bill_depth_mm, flipper_length_mm, body_mass_g, year"
    assert root.one("section", id="next").one("p").text.endswith(f" {targets}.")


def heights_of(row):
    return [float(bar.attributes["height"]) for bar in row.all("rect")]


def test_small_histograms_have_the_heights_of_their_rows():
    seen = regress.inspect({"x": [0.0] * 20 + [1.0] * 10 + [3.0] * 5, "k": ["u"] * 28 + ["v"] * 7, "c": [2.0] * 35})
    x, k, c = read(page(seen)).one("section", id="columns").one("tbody").all("tr")
    assert heights_of(x) == [20.0, 10.0, 5.0]
    places = [float(bar.attributes["x"]) for bar in x.all("rect")]
    assert places[2] - places[1] == 2 * (places[1] - places[0])  # no row has 2
    assert heights_of(k) == [20.0, 5.0]
    assert c.all("svg") == []
    labels = [svg.attributes["aria-label"] for row in (x, k) for svg in row.all("svg")]
    assert labels == ["Histogram of x: its values", "Histogram of k: its most frequent levels"]


def test_a_page_says_of_how_many_rows_its_histograms_are():
    y = np.arange(5000.0)
    assert "of a sample of 4,096 rows" in read(page(regress.inspect({"y": y}))).one("caption").text
    assert "sample" not in read(page(regress.inspect({"y": y[:4096]}))).one("caption").text


def test_a_page_shows_remarks_terms_and_dates(tmp_path):
    days = pd.date_range("2024-02-28", periods=30)
    frame = pd.DataFrame({"day": days, "z": np.arange(30) % 7, "g": list("abc") * 10, "y": np.arange(30) ** 0.5})
    seen = regress.inspect(frame, "y ~ day + z:g")
    write_report(seen, tmp_path / "page.html", command="made so")
    root = read((tmp_path / "page.html").read_text())
    assert root.one("title").text == "What is in the frame"
    remarks = [note.text for note in root.one("section", id="remarks").all("p", class_="note")]
    assert remarks == seen.remarks == ["day: dates, read as days since 1970-01-01."]
    day = table_of(root, "columns")["day"]
    assert day[3:7] == [
        "2024-03-13",
        pytest.approx(days.to_series().std() / pd.Timedelta(days=1)),
        "2024-02-28",
        "2024-03-28",
    ]
    terms = rows_of(root.one("section", id="terms").one("table"))
    assert terms["day"] == ["number", "day", 1.0, 0.0, "2024-02-28", "2024-03-28"]
    assert terms["z:g=…"][:3] == ["number × levels", "z × levels of g", 3.0]
    assert root.one("section", id="terms").one("caption").text == "y ~ day + z:g: 4 columns"
    assert root.one("section", id="computation").one("code").text == "made so"


def test_the_command_writes_a_page_without_folders(tmp_path):
    (tmp_path / "a b").mkdir()
    table = tmp_path / "a b" / "t.csv"
    table.write_text("x;y\n1;2\n3;x\n4;9\n2;2\n")
    code, out, err = run(
        "inspect", table, "--target", "y", "--on-bad-lines", "skip", "--report", tmp_path / "page.html"
    )
    assert (code, err) == (0, "")
    assert f"Next: regress fit '{table}' --target y" in out
    html = (tmp_path / "page.html").read_text()
    assert str(tmp_path) not in html
    root = read(html)
    assert root.one("section", id="next").one("code").text == "regress fit t.csv --target y --on-bad-lines skip"
    assert root.one("section", id="computation").one("code").text.startswith("regress inspect t.csv --target y ")
    tiles = {tile.one("dt").text: tile.values for tile in root.one("dl", class_="tiles").all("div")}
    assert tiles["Bad rows, excluded"] == [1]
    code, _, err = run("inspect", table, "--report", table)
    assert (code, "would overwrite" in err) == (2, True)


@pytest.mark.parametrize("text", TEXTS)
def test_names_and_levels_are_only_text(text):
    frame = pd.DataFrame({text: np.arange(30) % 4, "k": [text, "b" + text, "c"] * 10, "y": np.arange(30) ** 0.5})
    seen = regress.inspect(frame, formula=None)
    root = assert_harmless(page(seen), [text])
    assert len(root.one("section", id="columns").one("tbody").all("tr")) == 3


def test_pages_of_wide_tables_stay_small():
    frame = pd.DataFrame({f"{'name' * 100}{j}": ["level" * 100 + str(i % 9) for i in range(10)] for j in range(310)})
    html = page(regress.inspect(frame))
    assert len(html.encode()) < 1_000_000
    root = read(html)
    assert len(root.one("section", id="columns").one("tbody").all("tr")) == 300
    assert "The first 300 of 310 columns are shown." in root.one("section", id="columns").text
