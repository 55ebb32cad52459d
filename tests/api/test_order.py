"""Notes on the order of rows, where mini-batches follow it."""

import gzip
import warnings

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import regress
from regress.api.order import drifts

random = np.random.default_rng(5)
X = random.normal(size=(3000, 2))
Y = X @ [1.0, -2.0] + random.normal(size=3000)
RISING = np.argsort(Y)


def notes(X, y, **options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit = regress.fit(X, y, **{"solver": "sgd", "epochs": 2, "batch_size": 100} | options)
    data = [str(w.message) for w in caught if issubclass(w.category, regress.DataWarning)]
    return fit.notes(), data


def sorted_rows(said):
    return [text for text in said if "sorted by the target or drift, and shuffle is off" in text]


@pytest.mark.parametrize("order", [RISING, RISING[::-1]], ids=["rising", "falling"])
def test_sorted_rows_are_worth_a_warning_if_they_are_taken_in_order(order):
    said, caught = notes(X[order], Y[order], shuffle=False)
    assert len(sorted_rows(said)) == len(sorted_rows(caught)) == 1
    assert not sorted_rows(notes(X[order], Y[order])[0])
    assert not sorted_rows(notes(X, Y, shuffle=False)[0])
    assert not sorted_rows(notes(X[order], Y[order], solver="gd", epochs=100, batch_size=256)[0])


def test_the_index_of_files_shows_it_as_well(tmp_path):
    rows = np.column_stack([X, Y])
    for name, order in (("sorted", RISING), ("mixed", np.arange(3000))):
        for part, chosen in enumerate(np.array_split(order, 30)):
            (tmp_path / name).mkdir(exist_ok=True)
            pl.DataFrame(rows[chosen], schema=["a", "b", "y"]).write_csv(tmp_path / name / f"{part:02}.csv")
        said, _ = notes(tmp_path / name, "y", over="blocks", shuffle=False)
        assert bool(sorted_rows(said)) == (name == "sorted")


def test_a_compressed_file_is_shuffled_within_a_buffer_only(tmp_path):
    table = pl.DataFrame(np.column_stack([X, Y]), schema=["a", "b", "y"])
    with gzip.open(tmp_path / "t.csv.gz", "wb") as file:
        file.write(table.write_csv().encode())
    table.write_csv(tmp_path / "t.csv")
    word = "t.csv.gz can only be read in order. Rows are shuffled within a buffer of 1,000 rows only."
    said, caught = notes(tmp_path / "t.csv.gz", "y", over="blocks", shuffle_rows=1000)
    assert any(text.startswith(word) for text in said)
    assert not any(text.startswith(word) for text in caught)
    for path, options in (("t.csv.gz", {"shuffle_rows": 3000}), ("t.csv", {"shuffle_rows": 1000})):
        assert not any("buffer" in text for text in notes(tmp_path / path, "y", over="blocks", **options)[0])


@given(st.lists(st.integers(-3, 3) | st.floats(-1e6, 1e6), min_size=3, max_size=60))
def test_the_rank_correlation_is_that_of_scipy(values):
    means = np.array(values, dtype=float)
    if len(set(values)) == 1:
        assert not drifts(means)
        return
    expected = abs(stats.spearmanr(np.arange(len(means)), means).statistic)
    limit = max(0.1, 2.0 / np.sqrt(len(means) - 1))
    if abs(expected - limit) > 1e-9:
        assert drifts(means) == (expected > limit)
