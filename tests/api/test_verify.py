"""Verification: a model is that of a table if the sums over its training rows are, and of no other table."""

import json
import random
from pathlib import Path

import numpy as np
import pytest

import regress
from tests.command import run

pytestmark = pytest.mark.filterwarnings("ignore::regress.errors.DataWarning")
ROOT = Path(__file__).resolve().parents[2]
PENGUINS = ROOT / "data" / "penguins.csv"


@pytest.fixture(scope="module")
def lines():
    return PENGUINS.read_text().splitlines()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "m.json"
    regress.fit(PENGUINS, "body_mass_g", missing="drop").save(path)
    return path


def written(path, lines):
    path.write_text("\n".join([*lines, ""]))
    return path


def test_the_rows_match_in_any_order_cut_and_format(model, lines, tmp_path):
    import polars as pl

    head, *rows = lines
    random.Random(1).shuffle(rows)
    shuffled = written(tmp_path / "shuffled.csv", [head, *rows])
    (folder := tmp_path / "cut").mkdir()
    for k in range(3):
        written(folder / f"{k}.csv", [head, *rows[k::3]])
    columns = list(reversed(head.split(",")))
    pl.read_csv(PENGUINS, null_values=["NA"]).select(columns).write_parquet(tmp_path / "p.parquet")
    moments = regress.moments(shuffled, "body_mass_g", missing="drop")
    for table in (PENGUINS, shuffled, folder, tmp_path / "p.parquet", moments):
        found = regress.verify(model, table)
        assert found.matches, found
        assert found.fingerprint == found.model_fingerprint
        assert (found.rows, found.differences) == (333, ())


def test_a_single_digit_of_a_cell_is_another_table(model, lines, tmp_path):
    for column in (3, 5, 6):  # numbers, the target, and text
        row = lines[1].split(",")
        row[column] = {"male": "female", "MALE": "FEMALE"}.get(row[column]) or row[column].replace("1", "2").replace(
            "3", "4"
        )
        assert ",".join(row) != lines[1]
        found = regress.verify(model, written(tmp_path / "t.csv", [lines[0], ",".join(row), *lines[2:]]))
        assert not found.matches, column
        assert found.fingerprint != found.model_fingerprint
        assert found.differences == ()


def test_what_is_known_to_differ_is_told(model, lines, tmp_path):
    fewer = regress.verify(model, written(tmp_path / "fewer.csv", lines[:-1]))
    assert not fewer.matches
    assert fewer.differences == (
        "The table has 343 rows = 332 used + 11 missing; the model has 344 rows = 333 used + 11 missing.",
    )
    renamed = [line.replace("Adelie", "Adélie") for line in lines]  # the reference level, which has no column
    other = regress.verify(model, written(tmp_path / "renamed.csv", renamed))
    assert not other.matches
    assert other.differences == ("Column 'species' has the category 'Adelie' only in the model.",)


def test_a_row_twice_and_one_less_is_another_table(model, lines, tmp_path):
    used = [line for line in lines[1:] if "NA" not in line and ",," not in line]
    twice = [lines[0], *used[1:], used[1]]
    assert not regress.verify(model, written(tmp_path / "t.csv", twice)).matches


@pytest.mark.parametrize(
    "options",
    [
        {"weights": "w"},
        {"weights": "w", "weight_type": "frequency"},
        {"test_size": 0.3, "random_state": 5},
        {"test_size": 0.3, "split_key": "g"},
        {"features": ["x"]},
        {"categorical": ["g"], "max_categories": 150},
        {"fit_intercept": False},
        {"alpha": 2.0},
        {"solver": "newton", "precision": "exact"},
    ],
)
def test_the_options_of_the_model_decide_its_rows(options, tmp_path):
    generator = np.random.default_rng(7)
    table = {
        "x": generator.normal(size=200).round(3).tolist(),
        "g": (np.arange(200) % 120).tolist(),
        "w": [2, *generator.integers(0, 4, size=199).tolist()],
        "y": generator.normal(size=200).round(3).tolist(),
    }
    fit = regress.fit(table, "y", **options)
    fit.save(tmp_path / "m.json")
    assert regress.verify(fit, table).matches
    assert regress.verify(str(tmp_path / "m.json"), table).matches
    changed = {**table, "y": [table["y"][0] + 0.001, *table["y"][1:]]}
    # of the rows held out nothing is known
    assert regress.verify(fit, changed).matches == ("test_size" in options and not _trains_first(table, options))


def _trains_first(table, options):
    """Tell whether the first row is a training row, by a fit without it."""
    rest = {**table, "w": [0, *table["w"][1:]]}
    held = {**options, "weights": "w"}
    weights = [1] * 200
    full = regress.fit({**table, "w": weights}, "y", **held).tally.used
    return regress.fit({**rest, "w": [0, *weights[1:]]}, "y", **held).tally.used < full


def test_means_fill_as_in_training(tmp_path):
    table = {"x": [1.0, None, 4.0, 5.5], "y": [1.0, 2.0, 4.0, 4.5]}
    fit = regress.fit(table, "y", missing="mean")
    assert regress.verify(fit, table).matches
    assert not regress.verify(fit, {**table, "x": [1.0, None, 4.0, 5.0]}).matches


def test_values_of_target_and_weights_are_passed_again():
    X, y, a = np.arange(12.0).reshape(6, 2) ** 2, np.arange(6.0), np.array([1.0, 2, 1, 3, 1, 1])
    fit = regress.fit(X, y, weights=a)
    with pytest.raises(regress.InputError, match="Pass them again as weights"):
        regress.verify(fit, X, y)
    assert regress.verify(fit, X, y, weights=a).matches
    assert not regress.verify(fit, X, y, weights=a[::-1]).matches


def test_a_model_without_a_fingerprint_is_refused_with_what_to_do(tmp_path):
    table = {"x": [1.0, 2.0, 4.0], "y": [1.0, 2.0, 4.5]}
    with pytest.raises(regress.InputError, match=r"summed in float64. Fit it again with precision='exact'.$"):
        regress.verify(regress.fit(table, "y", precision="float64"), table)
    wide = np.random.default_rng(1).normal(size=(300, 201))
    with pytest.raises(regress.InputError, match=r"more than 200 columns. Use certify in place of verify.$"):
        regress.verify(regress.fit(wide, wide[:, 0] * 2, precision="exact"), wide, wide[:, 0] * 2)
    with pytest.raises(regress.InputError, match="no more of them than columns"):
        regress.verify(regress.fit(wide[:5, :9], wide[:5, 10]), wide[:5, :9], wide[:5, 10])
    with pytest.raises(regress.InputError, match="takes a fit or its file, not an object of type tuple"):
        regress.verify((np.ones(1), 0.0), table)


def test_the_command_line_answers_by_its_exit_code(model, lines, tmp_path):
    code, out, err = run("verify", model, PENGUINS)
    assert (code, err) == (0, "")
    assert out.startswith(
        "The model was fitted to the rows of penguins.csv.\n333 training rows, fingerprint of the model"
    )
    other = written(tmp_path / "other.csv", lines[:-1])
    code, out, _ = run("verify", model, other)
    assert code == 1
    assert out.startswith("The model was not fitted to the rows of other.csv.\nThe table has 343 rows")
    code, out, _ = run("verify", model, other, "--json")
    assert code == 1
    held = json.loads(out)
    assert (held["matches"], held["rows"], held["model_rows"]) == (False, 332, 333)
    code, _, err = run("verify", model, ROOT / "data" / "diabetes.csv")
    assert code == 2
    assert "has no column" in err
