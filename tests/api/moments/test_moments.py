"""Moments of parts of a table: merged and subtracted, they are those of the rows; fits of them have the same bits."""

import pickle
import warnings
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import regress
from regress.api.moments.file import written
from regress.api.moments.table_moments import TableMoments, merged
from tests.examples import examples
from tests.objective.test_plugged_in import ColumnRidge
from tests.oracles.rational import LeastSquares, nearest

random = np.random.default_rng(2024)
OPTIONS: dict[str, Any] = {"missing": "drop"}


def bits(moments: TableMoments) -> bytes:
    return written(moments.sums, moments.read, moments.parts)


def fitted(table: Any, target: Any = "y", **options: Any) -> regress.Fit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return regress.fit(table, target, **options)


def record(fit: regress.Fit) -> dict[str, Any]:
    """All of a fit, but for how its table was called and its arithmetic chosen."""
    found = fit.to_dict()
    for name in ("table", "source", "label", "precision_reason", "environment", "read_as"):
        found.pop(name, None)
    for name in ("precision", "over"):
        found["options"].pop(name)
    return found


def drawn(seed: int, rows: int) -> pd.DataFrame:
    """Numbers of all magnitudes, text of few levels, booleans, missing cells, weights, and a key of the split."""
    rng = np.random.default_rng(seed)
    scale = 10.0 ** rng.integers(-120, 120) if seed % 3 == 0 else 10.0 ** rng.integers(-3, 4)
    frame = pd.DataFrame(
        {
            "x": rng.normal(size=rows) * scale,
            "k": rng.integers(-5, 6, rows).astype(float),
            "g": rng.choice(list("abcde"), rows, p=[0.5, 0.3, 0.1, 0.05, 0.05]),
            "f": rng.random(rows) < 0.5,
            "a": rng.integers(1, 4, rows).astype(float),
            "id": [f"r{i}" for i in rng.permutation(rows)],
            "y": rng.normal(size=rows) * 10.0 ** rng.integers(-20, 20),
        }
    )
    if seed % 2:
        frame.loc[rng.random(rows) < 0.2, "x"] = np.nan
        frame.loc[rng.random(rows) < 0.2, "g"] = None
    return frame


@st.composite
def cut(draw: Any) -> tuple[pd.DataFrame, list[pd.DataFrame], dict[str, Any]]:
    """A table, parts of its rows in any order with columns in any order, and options."""
    rows = draw(st.integers(1, 40))
    frame = drawn(draw(st.integers(0, 10**6)), rows)
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    shuffled = frame.iloc[rng.permutation(rows)]
    cuts = sorted(draw(st.lists(st.integers(0, rows), max_size=5)))
    parts = [shuffled.iloc[i:j] for i, j in zip([0, *cuts], [*cuts, rows], strict=True)]
    parts = [part[list(rng.permutation(frame.columns))] for part in parts]
    weights = draw(st.sampled_from([{}, {"weights": "a"}, {"weights": "a", "weight_type": "frequency"}]))
    held_out = draw(st.sampled_from([{"drop": ["id"]}, {"test_size": 0.3, "split_key": "id"}]))
    return frame, parts, {**OPTIONS, **weights, **held_out}


def in_a_tree(parts: list[TableMoments], rng: np.random.Generator) -> TableMoments:
    """Merge parts two at a time, in any order."""
    left = list(parts)
    while len(left) > 1:
        i, j = rng.choice(len(left), 2, replace=False)
        both = merged([left[i], left[j]], allow_equal=True)
        left = [part for k, part in enumerate(left) if k not in (i, j)] + [both]
    return left[0]


@settings(max_examples=examples(40), deadline=None)
@given(cut(), st.integers(0, 10**6))
def test_parts_in_any_tree_give_the_bits_of_the_complete_table(tmp_path_factory, drawing, seed):
    frame, pieces, options = drawing
    rng = np.random.default_rng(seed)
    parts = [regress.moments(piece, "y", **options) for piece in pieces]
    if seed % 2:
        path = tmp_path_factory.mktemp("parts") / "p.moments"
        for k in range(0, len(parts), 2):
            parts[k].save(path)
            parts[k] = regress.load_moments(path)
    together, complete = in_a_tree(parts, rng), regress.moments(frame, "y", **options)
    assert together.fingerprint == complete.fingerprint
    assert together.sums.tally == complete.sums.tally
    if not together.n_rows:
        with pytest.raises(regress.InputError):
            fitted(together)
        return
    order = [c for c in frame.columns if c in complete.names]
    try:
        expected = fitted(frame, over="moments", precision="exact", sample=0, features=order, **{**options, "drop": []})
    except regress.InputError as error:
        with pytest.raises(regress.InputError, match=str(error)[-40:].replace("(", ".").replace(")", ".")):
            fitted(together, features=order)
        return
    found, wanted = record(fitted(together, features=order)), record(expected)
    in_sums, in_rows = found.pop("r2_test"), wanted.pop("r2_test")  # few rows held out are not summed
    assert in_sums == (in_rows if in_rows is None else pytest.approx(in_rows, rel=1e-12, abs=1e-12))
    assert found == wanted


@settings(max_examples=examples(20), deadline=None)
@given(st.integers(0, 10**6), st.booleans(), st.sampled_from([0.0, 0.5, 3.0]))
def test_coefficients_are_those_of_rational_arithmetic(seed, weighted, alpha):
    frame = drawn(2 * seed, 30).drop(columns="id")
    options = {"weights": "a"} if weighted else {"drop": ["a"]}
    together = merged([regress.moments(frame[i : i + 7], "y", **options) for i in range(0, 30, 7)], allow_equal=True)
    fit = fitted(together, alpha=alpha)
    X = pd.DataFrame({name: frame[name] if name in frame else frame["g"] == name[2:] for name in fit.names})
    exact = LeastSquares(X.astype(float).to_numpy().tolist(), list(frame["a"]) if weighted else None, alpha)
    if exact.rank < X.shape[1] and not alpha:
        return
    assert fit.w.tolist() == [nearest(w) for w in exact.minimum(frame["y"].tolist()).w]


def test_equal_rows_have_one_fingerprint_and_others_another():
    frame = drawn(4, 30)
    first = regress.moments(frame, "y", drop=["id"])
    assert first.fingerprint == regress.moments(frame[::-1], "y", drop=["id"]).fingerprint
    other = frame.assign(x=frame["x"].where(frame.index > 0, np.nextafter(frame["x"], np.inf)))
    assert first.fingerprint != regress.moments(other, "y", drop=["id"]).fingerprint


def test_merging_changes_no_operand_and_pickles():
    parts = [regress.moments(drawn(k, 10), "y", drop=["id"], sample=4, **OPTIONS) for k in (1, 2, 3)]
    before = [bits(part) for part in parts]
    week = reduce(lambda one, other: one + other, parts)
    _ = week - parts[1]
    assert [bits(part) for part in parts] == before
    assert bits(pickle.loads(pickle.dumps(week))) == bits(week)
    assert bits(sum(parts)) == bits(week)
    with pytest.raises(TypeError):
        _ = week + 3
    with pytest.raises(TypeError):
        _ = 3 + week


def test_subtracting_gives_the_bits_of_merging_the_others():
    parts = [regress.moments(drawn(7 * k, 12), "y", drop=["id"], **OPTIONS) for k in range(1, 5)]
    week = merged(parts)
    rest = week - parts[1] - parts[3]
    expected = merged([parts[0], parts[2]])
    assert rest.fingerprint == expected.fingerprint
    assert rest.parts == expected.parts
    assert rest.sums.tally == expected.sums.tally
    assert rest.sums.log_weight.units == expected.sums.log_weight.units
    found, wanted = fitted(rest), fitted(expected)
    assert (found.names, found.b) == (wanted.names, wanted.b)
    assert found.w.tolist() == wanted.w.tolist()
    assert found.coefficients.equals(wanted.coefficients)


def test_a_part_that_was_subtracted_can_be_added_again():
    frame = drawn(2, 20)
    table, part = (regress.moments(rows, "y", drop=["id"]) for rows in (frame, frame[:5]))
    rest = table - part
    assert [p.sign for p in rest.parts] == [1, -1]
    again = rest + part
    assert (again.parts, again.fingerprint) == (table.parts, table.fingerprint)


def test_one_of_two_twins_remains():
    part = regress.moments(drawn(2, 9), "y", drop=["id"])
    both = merged([part, part], allow_equal=True)
    assert len((both - part).parts) == 1
    assert (both - part).fingerprint == part.fingerprint
    assert (both - part - part).n_rows == 0


def test_what_only_rows_tell_is_withheld_after_subtraction():
    frame = pd.DataFrame({"x": [1.0, 2, 3, 4, 5], "g": list("aabbc"), "y": [0.0, 1, 1, 0, 1]})
    rest = regress.moments(frame, "y", sample=3) - regress.moments(frame[4:], "y", sample=3)
    assert rest.sampled == 0
    fit = fitted(rest)
    assert "g=c" not in fit.names  # no row of the level remains
    facts = rest.sums.counted.facts(fit.model.design)
    assert not facts.equal
    assert not facts.binary
    assert fitted(regress.moments(frame, "y", sample=3)).to_dict() != fit.to_dict()


def test_subtracting_all_leaves_nothing_and_others_are_refused():
    table = regress.moments(drawn(2, 9), "y", drop=["id"])
    nothing = table - table
    assert (nothing.n_rows, nothing.fingerprint, nothing.parts) == (0, "", ())
    with pytest.raises(regress.InputError, match="no row to train on"):
        fitted(nothing)
    assert (nothing + table).fingerprint == table.fingerprint
    for seed in (4, 6):
        with pytest.raises(regress.InputError, match="not all in the frame"):
            _ = table - regress.moments(drawn(seed, 3), "y", drop=["id"])
    with pytest.raises(regress.InputError, match="not all in"):
        _ = nothing - table


def test_twins_are_refused_unless_they_are_allowed():
    part = regress.moments(drawn(2, 9), "y", drop=["id"])
    with pytest.raises(regress.InputError, match=r"count twice.*regress merge --allow-equal"):
        _ = part + part
    with pytest.raises(regress.InputError, match="count twice"):
        _ = (part + regress.moments(drawn(4, 9), "y", drop=["id"])) + part
    assert merged([part, part], allow_equal=True).n_rows == 18


ONE = {"x": [1.0, 2.0, 4.0], "g": ["a", "b", "a"], "a": [1.0, 2.0, 1.0], "y": [1.0, 2.0, 5.0]}


@pytest.mark.parametrize(
    ("table", "target", "options", "message"),
    [
        (ONE, "x", {}, "differ in target: 'y' and 'x'"),
        (ONE, "y", {"weights": "a"}, "differ in weights: None and 'a'"),
        (ONE, "y", {"weights": [1.0, 2.0, 3.0]}, "differ in weighted: False and True"),
        (ONE, "y", {"missing": "drop"}, "differ in missing"),
        (ONE, "y", {"test_size": 0.5}, "differ in test_size"),
        (ONE, "y", {"random_state": 1}, "differ in random_state"),
        (ONE, "y", {"drop": ["a"]}, "different columns .'a' is in only one"),
        (ONE, "y", {"categorical": ["x"]}, r"'x' holds numbers in .*text in .*categorical=\['x'\]"),
        ({**ONE, "g": [1.0, 2.0, 3.0]}, "y", {}, r"'g' holds text in .*numbers in .*categorical=\['g'\]"),
        ({**ONE, "x": [True, False, True]}, "y", {}, r"'x' holds numbers in .*true and false in .*same way"),
        (pd.DataFrame({**ONE, "g": pd.Categorical(["b", "a", "b"], ["b", "a"])}), "y", {}, "order of the categories"),
    ],
)
def test_parts_that_were_made_in_other_ways_are_refused(table, target, options, message):
    one, other = regress.moments(ONE, "y"), regress.moments(table, target, **options)
    for refused in (lambda: one + other, lambda: one - other):
        with pytest.raises(regress.InputError, match=message) as error:
            refused()
        assert len(max(str(error.value).split(". "), key=len).split()) <= 25


def test_text_that_looks_like_numbers_in_a_part_says_what_to_do(write):
    one = regress.moments(write("g,y\n1,1\n2,2\n1,3\n", "one.csv"), "y")
    other = regress.moments(write("g,y\na,1\nb,2\nb,4\n", "other.csv"), "y")
    with pytest.raises(regress.InputError, match=r"'g' holds numbers in one.csv, and text in other.csv.*categorical"):
        _ = one + other
    one = regress.moments(write("g,y\n1,1\n2,2\n1,3\n", "one.csv"), "y", categorical=["g"])
    other = regress.moments(write("g,y\na,1\nb,2\nb,4\n", "other.csv"), "y", categorical=["g"])
    assert fitted(one + other).names == ("g=2", "g=a", "g=b")


EMPTY_PARTS = {
    "header only": (pd.DataFrame({"x": [], "g": [], "f": [], "y": []}), {}),
    "all missing": (pd.DataFrame({"x": [np.nan] * 2, "g": [None] * 2, "f": [None] * 2, "y": [1.0, 2.0]}), OPTIONS),
    "all dropped": (pd.DataFrame({"x": [1.0, np.nan], "g": [None, "b"], "f": [True, False], "y": [1.0, 2]}), OPTIONS),
}


@pytest.mark.parametrize("name", EMPTY_PARTS)
@pytest.mark.parametrize("first", [True, False])
def test_a_part_without_rows_merges(name, first, tmp_path):
    empty, options = EMPTY_PARTS[name]
    frame = drawn(2, 20)[["x", "g", "f", "y"]]
    part, rest = regress.moments(empty, "y", **options), regress.moments(frame, "y", **options)
    assert (part.n_rows, part.fingerprint) == (0, "")
    part.save(tmp_path / "empty.moments")
    for one in (part, regress.load_moments(tmp_path / "empty.moments")):
        week = one + rest if first else rest + one
        assert week.fingerprint == rest.fingerprint
        assert week.sums.tally.rows == 20 + len(empty)
        assert fitted(week).w.tolist() == fitted(frame).w.tolist()
        assert (week - one).sums.tally == rest.sums.tally
        assert (one + week).parts.count(one.parts[0]) == 2  # without rows it is no twin
    with pytest.raises(regress.InputError, match="no row"):
        fitted(part)


def test_a_part_of_held_out_rows_only_merges():
    frame = drawn(2, 40)
    options: dict[str, Any] = {"test_size": 0.5, "split_key": "id"}
    parts = [regress.moments(frame[i : i + 1], "y", **options) for i in range(40)]
    held_out = [part for part in parts if part.sums.tally.held_out]
    assert held_out
    assert all(part.fingerprint for part in held_out)  # which tells them apart
    week = in_a_tree(parts, random)
    assert week.fingerprint == regress.moments(frame, "y", **options).fingerprint
    with pytest.raises(regress.InputError, match="no row left to train on"):
        fitted(held_out[0])


def test_more_levels_than_allowed_in_all_parts_together():
    parts = [regress.moments({"g": [f"l{k}" for k in range(i, i + 60)], "y": np.arange(60.0)}, "y") for i in (0, 60)]
    with pytest.raises(regress.InputError, match="more than max_categories=100"):
        fitted(parts[0] + parts[1])
    assert len(fitted(parts[0] + parts[1], max_categories=120).names) == 119


def test_more_columns_than_rows():
    frame = pd.DataFrame(random.normal(size=(4, 9)), columns=[*"abcdefgh", "y"])
    week = regress.moments(frame[:3], "y") + regress.moments(frame[3:], "y")
    assert record(fitted(week)) == record(fitted(frame, over="moments", precision="exact", sample=0))


def test_target_and_weights_given_as_values():
    frame = drawn(2, 20).drop(columns=["id", "y", "a"])
    y, a = random.normal(size=20), random.integers(1, 4, 20).astype(float)
    parts = [regress.moments(frame[i : i + 5], y[i : i + 5], weights=a[i : i + 5]) for i in range(0, 20, 5)]
    fit = fitted(merged(parts), None)
    assert record(fit) == record(fitted(frame, y, weights=a, precision="exact", sample=0))
    assert record(fitted(merged(parts), fit.target)) == record(fit)


def test_a_fit_without_an_intercept_has_all_levels_of_the_first_text_column():
    frame = drawn(2, 40).drop(columns="id")
    week = regress.moments(frame[:20], "y") + regress.moments(frame[20:], "y")
    fit = fitted(week, fit_intercept=False)
    assert record(fit) == record(fitted(frame, fit_intercept=False, precision="exact", sample=0))
    assert {f"g={level}" for level in frame["g"]} <= set(fit.names)


def test_categories_keep_their_order():
    frame = drawn(2, 40)[["g", "k", "y"]]
    frame["g"] = pd.Categorical(frame["g"], list("edcba"))
    week = regress.moments(frame[:20], "y") + regress.moments(frame[20:], "y")
    assert record(fitted(week)) == record(fitted(frame, precision="exact", sample=0))
    with pytest.raises(regress.InputError, match="differ in the order of the categories"):
        _ = regress.moments(frame, "y") + regress.moments(frame.assign(g=frame["g"].astype(str)), "y")


def test_some_of_the_features():
    frame = drawn(2, 30).drop(columns="id")
    week = regress.moments(frame, "y")
    for options in ({"features": ["k", "g"]}, {"drop": ["x", "a"]}, {"features": ["f"]}):
        assert record(fitted(week, **options)) == record(fitted(frame, precision="exact", sample=0, **options))
    with pytest.raises(regress.InputError, match="no column 'z'"):
        fitted(week, features=["z"])
    with pytest.raises(regress.InputError, match="no column left"):
        fitted(week, drop=list(week.names))


def test_a_column_for_which_rows_were_dropped_must_stay():
    frame = drawn(3, 30).drop(columns="id")
    week = regress.moments(frame, "y", **OPTIONS)
    assert week.sums.tally.missing_cells["x"]
    for options in ({"drop": ["x"]}, {"features": ["k"]}):
        with pytest.raises(regress.InputError, match=r"excludes rows that miss a cell of '[gx]'.*features"):
            fitted(week, **options)
    assert record(fitted(week, drop=["k"])) == record(fitted(frame, drop=["k"], precision="exact", sample=0, **OPTIONS))


@pytest.mark.parametrize(
    "options",
    [
        {"alpha": 2.5},
        {"solver": "newton"},
        {"solver": "gd"},
        {"solver": "accelerated"},
        {"solver": "cg"},
        {"collinear": "drop"},
        {"level": 0.9},
        {"over": "moments"},
        {"standardize": False, "solver": "cg"},
    ],
)
def test_training_that_needs_no_rows(options):
    frame = drawn(2, 40).drop(columns="id")
    frame["double"] = 2 * frame["k"]
    week = regress.moments(frame[:20], "y") + regress.moments(frame[20:], "y")
    exact = options.get("solver", "newton") == "newton"
    same = {"precision": "exact"} if exact else {"over": "moments"}
    found, expected = fitted(week, **options), fitted(frame, sample=0, **same | options)
    np.testing.assert_allclose(found.w, expected.w, rtol=1e-7, atol=1e-9 * np.abs(expected.w).max())
    assert found.status == expected.status
    if exact:
        assert record(found) == record(expected)


@pytest.mark.tensorflow
def test_training_by_tensorflow():
    pytest.importorskip("tensorflow")
    frame = drawn(2, 40).drop(columns="id")
    week = regress.moments(frame[:20], "y") + regress.moments(frame[20:], "y")
    found = fitted(week, solver="cg", gradient="autodiff")
    np.testing.assert_allclose(found.w, fitted(week, solver="cg").w, rtol=1e-7)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "huber"}, "loss='huber' needs the rows"),
        ({"over": "rows"}, "over='rows' needs the rows"),
        ({"solver": "sgd"}, "solver='sgd' needs the rows"),
        ({"penalty": ColumnRidge([1.0])}, "penalty needs the rows"),
        ({"cov_type": "HC1"}, "cov_type='HC1' needs the rows"),
        ({"weights": "k"}, "summed without weights, not with weights='k'"),
        ({"test_size": 0.5}, "summed with test_size=0.0, not with test_size=0.5"),
        ({"missing": "mean"}, "summed with missing='raise', not with missing='mean'"),
        ({"categorical": ["k"]}, "categorical decides which rows"),
        ({"delimiter": ";"}, "delimiter is for CSV files"),
    ],
)
def test_what_needs_the_rows_is_refused(options, message):
    with pytest.raises(regress.InputError, match=message):
        fitted(regress.moments(drawn(2, 30), "y", drop=["id"]), **options)


def test_what_a_fit_gives_apart_from_coefficients(tmp_path):
    frame = drawn(2, 40).drop(columns="id")
    week = regress.moments(frame[:20], "y", sample=30) + regress.moments(frame[20:], "y", sample=30)
    fit, direct = fitted(week), fitted(frame, precision="exact")
    assert str(fit).splitlines()[1:6] == str(direct).splitlines()[1:6]
    assert fit.predict(frame).tolist() == direct.predict(frame).tolist()
    regress.write_report(fit, tmp_path / "page.html")
    assert (tmp_path / "page.html").stat().st_size > 10_000
    fit.save(tmp_path / "model.json")
    assert regress.load(tmp_path / "model.json").w.tolist() == direct.w.tolist()
    X = frame.drop(columns="y")
    np.testing.assert_allclose(regress.to_sklearn(fit).predict(X), direct.predict(X), rtol=1e-9)


def test_a_fit_that_is_perfect_but_for_rounding():
    x = random.normal(size=50)
    week = regress.moments({"x": x, "y": 0.1 * x + 0.3}, "y")
    for options in ({}, {"solver": "cg"}):
        fit = fitted(week, **options)
        assert fit.perfect
        assert fit.w.tolist() == [0.1]
    with pytest.raises(regress.InputError, match=r"too small for sums in float64.*precision='exact'"):
        fitted(week, precision="float64")


def test_equations_that_only_rows_could_confirm_are_not_looked_for():
    frame = pd.DataFrame({"x": np.round(random.normal(size=60), 3), "z": random.normal(size=60)})
    frame["km"], frame["y"] = np.round(frame["x"] * 1.609344, 3), frame["z"]
    week = regress.moments(frame, "y")
    found, expected = fitted(week), fitted(frame, precision="exact")
    assert expected.near_equations
    assert found.w.tolist() == expected.w.tolist()


def test_a_mean_of_all_parts_is_refused():
    with pytest.raises(regress.InputError, match=r"missing='mean'.*missing='drop'"):
        regress.moments(drawn(3, 9), "y", missing="mean")


def test_moments_say_whether_they_hold_rows():
    frame = drawn(2, 9).drop(columns="id")
    without, sampled = regress.moments(frame, "y"), regress.moments(frame, "y", sample=4)
    assert "sample" not in str(without) + repr(without)
    assert "1 part" in str(without)
    for shown in (str(sampled), repr(sampled)):
        assert "a sample of 4 rows" in shown


def test_a_sample_is_the_same_in_any_order_and_none_where_a_part_has_none():
    parts = [regress.moments(drawn(k, 15), "y", drop=["id"], sample=size) for k, size in ((2, 6), (4, 8), (8, 7))]
    samples = [in_a_tree(parts, np.random.default_rng(seed)).sums.sample.finish() for seed in range(6)]
    for sample in samples:
        names = sorted(sample.columns)
        first = samples[0]
        assert len(sample.Y) == 6
        assert sample.Y.tolist() == first.Y.tolist()
        at, here = [first.columns.index(n) for n in names], [sample.columns.index(n) for n in names]
        assert sample.X[:, here].tolist() == first.X[:, at].tolist()
    assert merged([*parts, regress.moments(drawn(10, 5), "y", drop=["id"])]).sampled == 0


def test_the_exact_mean_of_a_column():
    parts = [regress.moments({"x": [x], "y": [0.0]}, "y") for x in (1e150, 1.0, -1e150, 2.0**-1000)]
    totals = merged(parts).sums.training.finish()
    assert totals.fraction(0, 1) == Fraction(1) + Fraction(2) ** -1000
