"""Mini-batches of rows that are read again in every epoch: the loop over the same rows in the documented order."""

import gzip
import warnings
from itertools import product

import numpy as np
import polars as pl
import pytest

import regress
from regress.errors import InputError
from regress.objective.losses import Loss
from regress.sources import parquet, polars_frames
from regress.sources.csv import stream
from tests.oracles.mini_batches import in_blocks, plain_loop

random = np.random.default_rng(61)
M, SEED = 230, 7
X = random.normal(size=(M, 3)) * [1.0, 3.0, 0.5] + [0.0, 1.0, -1.0]
y = X @ [1.0, -2.0, 0.5] + 1.0 + 0.3 * random.normal(size=M)
a = random.uniform(0.3, 3.0, size=M)
FRAME = pl.DataFrame({"p": X[:, 0], "q": X[:, 1], "r": X[:, 2], "a": a, "y": y})
NAMES = ["p", "q", "r"]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Make many blocks of a few rows."""
    monkeypatch.setattr(stream, "BLOCK", 1500)
    monkeypatch.setattr(polars_frames, "SLICE", 23)
    monkeypatch.setattr(parquet, "_FIRST", 20)
    monkeypatch.setattr(parquet, "_BLOCK", 8 * 5 * 31)


def one_file(folder):
    FRAME.write_csv(folder / "t.csv")
    return folder / "t.csv"


def several_files(folder):
    for k, part in enumerate((FRAME[:40], FRAME[40:41], FRAME[41:150], FRAME[150:])):
        part.write_csv(folder / f"t{k}.csv")
    return folder / "t*.csv"


def parquet_file(folder):
    FRAME.write_parquet(folder / "t.parquet", row_group_size=50)
    return folder / "t.parquet"


def compressed(folder):
    (folder / "t.csv.gz").write_bytes(gzip.compress(FRAME.write_csv().encode()))
    return folder / "t.csv.gz"


def frame(folder):
    return FRAME


TABLES = {f.__name__: f for f in (one_file, several_files, parquet_file, compressed, frame)}


def trained(table, **options):
    """Return the fit, and the states and rows that a callback sees."""
    seen = []
    drop = [] if options.get("weights") else ["a"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", regress.ConvergenceWarning)
        fit = regress.fit(
            table,
            "y",
            drop=drop,
            random_state=SEED,
            callbacks=lambda state, row: seen.append((state, row)),
            **{"over": "blocks", **options},
        )
    return fit, seen


def sizes(table, **options):
    """Return the training rows of each block, as an index of the table has them."""
    from regress.api.read import read_table
    from regress.api.sums import Reading
    from regress.options import TableOptions

    drop = [] if options.get("weights") else ["a"]
    return [
        place.used for place in read_table(table, "y", TableOptions(drop=drop, **options), Reading(indexed=True)).index
    ]


def agree(seen, loop, rel=1e-11):
    points, ends, rates = loop
    assert [state.iteration for state, _ in seen] == ends
    for state, row in seen:
        near = [rates[k] for k in (state.iteration - 1, state.iteration) if 0 <= k < len(rates)]  # a function's is late
        assert state.iteration == ends[-1] or any(row.learning_rate == pytest.approx(v, rel=1e-14) for v in near)
        want = points[state.iteration]
        assert np.abs(np.append(state.w, state.b) - want).max() <= rel * max(np.abs(want).max(), 1e-300)


RULES = {
    "sgd": {"solver": "sgd", "learning_rate": 0.02},
    "nesterov": {"solver": "sgd", "momentum": 0.8, "nesterov": True, "learning_rate": 0.01},
    "averaged": {"solver": "averaged-sgd", "learning_rate": 0.05, "schedule": "cosine"},
    "adam": {"solver": "adam", "learning_rate": lambda t: 0.05 / (1 + t // 9)},
}


# Each kind of table with each order of its blocks; the rules take turns, so that each meets every kind and every order.
ORDERS = list(product((1, 60, 10**6), (True, False)))
CASES = [
    (kind, [*RULES][(i + j) % len(RULES)], *order) for i, kind in enumerate(TABLES) for j, order in enumerate(ORDERS)
]


@pytest.mark.parametrize(
    ("kind", "rule", "most", "shuffle"),
    [pytest.param(*case, marks=[pytest.mark.slow] * (k % 7 > 0)) for k, case in enumerate(CASES)],
)
def test_every_epoch_is_that_of_the_loop_in_the_documented_order(kind, rule, most, shuffle, tmp_path):
    table = TABLES[kind](tmp_path)
    held = sizes(table)
    assert len(held) > 5
    options = {**RULES[rule], "batch_size": 16, "epochs": 4}
    fit, seen = trained(table, shuffle_rows=most, shuffle=shuffle, **options)
    groups = in_blocks(held, SEED, most, shuffle=shuffle, random=kind != "compressed")
    assert (most == 10**6) == (len(list(groups(0))) == 1)
    agree(seen, plain_loop(X, y, groups, **options))
    assert fit.over == "blocks"


@pytest.mark.parametrize(
    "way", [{"alpha": 2.0}, {"fit_intercept": False}, {"standardize": False}, {"weights": "a"}], ids=str
)
@pytest.mark.parametrize("rule", ["sgd", "averaged"])
def test_every_epoch_is_that_of_the_loop_in_any_way(rule, way, tmp_path):
    table = several_files(tmp_path)
    options = {**RULES[rule], "batch_size": 16, "epochs": 3, **way}
    held = sizes(table, **({"weights": "a"} if "weights" in way else {}))
    _, seen = trained(table, shuffle_rows=50, **options)
    weights = {"weights": a} if "weights" in way else {}
    agree(seen, plain_loop(X, y, in_blocks(held, SEED, 50), **options | weights))


@pytest.mark.tensorflow
@pytest.mark.parametrize("rule", RULES)
def test_the_tape_takes_the_same_path(rule, tmp_path):
    table = several_files(tmp_path)
    options = {**RULES[rule], "batch_size": 16, "epochs": 2}
    _, seen = trained(table, shuffle_rows=50, gradient="autodiff", **options)
    agree(seen, plain_loop(X, y, in_blocks(sizes(table), SEED, 50), **options))


def test_rows_that_are_not_used_are_in_no_batch(tmp_path):
    """Rows of weight zero, rows with missing cells, and blocks that have no other."""
    weight = np.where(np.arange(M) % 7 == 2, 0.0, a)
    q = np.where((np.arange(M) > 60) & (np.arange(M) < 140) | (np.arange(M) % 11 == 0), np.nan, X[:, 1])
    FRAME.with_columns(a=pl.Series(weight), q=pl.Series(q)).fill_nan(None).write_csv(tmp_path / "t.csv")
    used = (weight > 0) & np.isfinite(q)
    options = {**RULES["sgd"], "batch_size": 16, "epochs": 3}
    held = sizes(tmp_path / "t.csv", weights="a", missing="drop")
    assert 0 in held
    assert sum(held) == used.sum()
    fit, seen = trained(tmp_path / "t.csv", weights="a", missing="drop", shuffle_rows=40, **options)
    agree(seen, plain_loop(X[used], y[used], in_blocks(held, SEED, 40), weights=weight[used], **options))
    assert fit.tally.used == used.sum()


def test_memory_and_one_group_of_blocks_differ_in_the_order_alone(tmp_path):
    options = {**RULES["sgd"], "batch_size": M, "epochs": 3}
    (fit, _), (other, _) = (trained(one_file(tmp_path), over=over, **options) for over in ("blocks", "rows"))
    assert fit.w == pytest.approx(other.w, rel=1e-12)
    assert (fit.loss, fit.r2) == (pytest.approx(other.loss, rel=1e-12), pytest.approx(other.r2, rel=1e-12))


class Cauchy(Loss):
    """Not quadratic: the loss of an epoch takes a pass."""

    curvature_bound = 2.0

    def value(self, prediction, target, weights, xp):
        return xp.sum(weights * xp.log1p((prediction - target) ** 2))

    def gradient(self, prediction, target, weights):
        error = prediction - target
        return 2.0 * weights * error / (1.0 + error**2)


@pytest.mark.parametrize("weights", [None, "a"])
@pytest.mark.parametrize("every", [1, 2, 3])
def test_another_loss_is_evaluated_over_the_blocks(every, weights, tmp_path):
    options = {"solver": "sgd", "learning_rate": 0.05, "batch_size": 16, "epochs": 5, "weights": weights}
    fit, seen = trained(one_file(tmp_path), loss=Cauchy(), monitor_every=every, **options)
    v = a if weights else np.ones(M)
    center = v @ X / v.sum()
    Z = (X - center) / np.sqrt(v @ (X - center) ** 2 / v.sum())
    for (state, row), number in zip(seen, range(6), strict=True):
        loss = v @ np.log1p((Z @ state.w + state.b - y) ** 2)
        looked = number % every == 0 or number == 5
        assert np.isnan(row.loss) != looked
        assert row.loss == pytest.approx(loss, rel=1e-12, nan_ok=not looked) or not looked
        assert np.isnan(row.batch_loss) == (number == 0)
    assert fit.loss == pytest.approx(loss, rel=1e-12)


def test_a_file_that_changes_within_training_is_refused(tmp_path):
    path = one_file(tmp_path)

    def change(state, row):
        if row.epoch == 1:
            FRAME[::-1].write_csv(path)

    with pytest.raises(InputError):
        regress.fit(path, "y", solver="sgd", over="blocks", epochs=3, shuffle_rows=1, callbacks=change)


@pytest.mark.parametrize("loss", ["squared_error", Cauchy()])
def test_arrays_of_an_estimator_are_not_read_again(loss):
    estimator = regress.LinearRegressor(solver="sgd", over="blocks", loss=loss)
    with pytest.raises(InputError, match=r"over='blocks' is for tables that are read again\. Use over='rows'"):
        estimator.fit(X, y)


@pytest.mark.filterwarnings("ignore:All epochs were run")
@pytest.mark.parametrize("solver", ["sgd", "averaged-sgd", "adam"])
def test_targets_of_an_estimator_are_trained_one_by_one(solver):
    several = regress.LinearRegressor(solver=solver, epochs=3, batch_size=16)
    alone = regress.LinearRegressor(solver=solver, epochs=3, batch_size=16)
    targets = np.c_[y, -2.0 * y + X[:, 0]]
    each = [alone.fit(X, target).coef_.tolist() for target in targets.T]
    assert several.fit(X, targets).coef_.tolist() == each
