"""What docs/which-tool.md says of accuracy and speed holds in the tables that it refers to."""

import re
from pathlib import Path

import pytest

import marked
import readme

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = " ".join((DOCS / "which-tool.md").read_text(encoding="utf-8").split())
SECONDS = {"ms": 1e-3, "s": 1.0}


def measured(case, title):
    """Return the seconds and megabytes of each tool of a benchmark."""
    text = marked.split((DOCS / "benchmarks.md").read_text(encoding="utf-8"), f"benchmark:{case}")[1]
    head, *lines = readme.rows(text.partition(f"**{case}: {title}")[2])
    found = {}
    for line in lines:
        row = dict(zip(head, line, strict=True))
        if time := re.fullmatch(r"([\d.]+) (m?s)", row["median"]):
            memory = float(row["peak memory"].removesuffix(" MB").replace(",", ""))
            found[row["tool"]] = float(time[1]) * SECONDS[time[2]], memory
    return found


def digits(mark):
    """Return the rows of a table of docs/accuracy.md as dictionaries."""
    text = marked.split((DOCS / "accuracy.md").read_text(encoding="utf-8"), mark)[1]
    head, *lines = readme.rows(text)
    return [dict(zip(head, line, strict=True)) for line in lines]


@pytest.mark.parametrize(
    "claim",
    [
        "all digits of regress are correct ([table](accuracy.md#on-the-bundled-data))",
        "about a tenth of the memory of pandas with `LinearRegression()` ([table](benchmarks.md#csv))",
        "hardly longer than Polars takes to read the file",
        "regress is the fastest on arrays of a million rows and 10 columns ([table](benchmarks.md#memory))",
        "takes tens of times as long on a million rows ([table](benchmarks.md#memory))",
        "Its default method has no correct digit on NIST's set `filip` ([table](accuracy.md#on-nists-certified-sets))",
        "scikit-learn is faster on tables with as many columns as rows ([table](benchmarks.md#wide))",
        "take one predictor, and are faster than regress there ([table](benchmarks.md#csv))",
        "On NIST's set `filip`, `lstsq` has no correct digit ([table](accuracy.md#on-nists-certified-sets))",
    ],
)
def test_the_page_makes_the_claims_that_are_checked_here(claim):
    assert claim in PAGE


def test_every_claim_with_a_table_is_checked_here():
    assert PAGE.count("([table](") == 8  # two of the claims above share one


def test_claims_on_accuracy_hold():
    assert {row["regress"] for row in digits("compare_all")} == {"15.9"}
    (filip,) = [row for row in digits("nist") if row["set"] == "filip"]
    assert float(filip["statsmodels `pinv`"]) == float(filip["`numpy.linalg.lstsq`"]) == 0.0


def test_claims_on_speed_and_memory_hold():
    file = measured("csv", "5,000,000 × 21")
    assert file["regress fit"][1] < 0.15 * file["pandas + LinearRegression"][1]
    assert file["regress fit"][0] < 1.25 * file["Polars parse"][0]
    line = measured("csv", "one column of 5,000,000 × 21")
    assert line["DuckDB regr_slope"][0] < line["regress fit"][0]
    array = measured("memory", "1,000,000 × 10")
    assert min(array, key=lambda tool: array[tool][0]) == "regress"
    assert array["statsmodels"][0] > 20 * array["regress"][0]
    for size in ("100 × 100", "200 × 200", "1,000 × 1,000"):
        square = measured("wide", size)
        assert square["scikit-learn"][0] < square["LinearRegressor"][0]
