"""Mini-batches: every update equals the loop written out in NumPy, by the derived line and by the tape."""

from itertools import pairwise

import numpy as np
import pytest

from regress.aggregates.collect import collect_rows
from regress.blocks import Block
from regress.errors import InputError, LearningRateError
from regress.objective import batches
from regress.objective.losses import Loss
from regress.options import TrainOptions
from regress.solvers.running import Running
from regress.solvers.status import Status
from regress.solvers.train import Regression
from tests.oracles.mini_batches import in_memory, plain_loop

random = np.random.default_rng(31)
M, EPOCHS, SIZE, SEED = 53, 12, 8, 5
X = random.normal(size=(M, 3)) * [1.0, 4.0, 0.3] + [0.0, 2.0, -1.0]
y = X @ [1.0, -0.5, 3.0] + 2.0 + 0.3 * random.normal(size=M)
a = random.uniform(0.2, 5.0, size=M)


def regression(weights=None, callbacks=(), parts=1, table=X, target=y, **options):
    """Return the problem of rows in memory, in so many blocks."""
    cuts = np.array_split(np.arange(len(target)), parts)
    data = collect_rows(
        [Block(table[k], target[k, None], None if weights is None else weights[k]) for k in cuts], "rows"
    )
    names = [f"x{j}" for j in range(table.shape[1])]
    return Regression(data, TrainOptions(**options), names, running=Running(callbacks=callbacks, seed=SEED))


def updates(problem):
    """Return (w, b) and the learning rate before the first update, and after every one."""
    objective, solver = problem.objective(), problem.plan.solver
    state = solver.init(objective, np.zeros(X.shape[1]), 0.0)
    seen = [(state, solver.next_rate(objective, state))]
    while state.position < objective.batches.epochs * objective.batches.rows:
        state = solver.step(objective, state)
        seen.append((state, solver.next_rate(objective, state)))
    return seen


def plain(shuffle=True, **options):
    """Return the path by the loop written out."""
    return plain_loop(X, y, in_memory(M, SEED, shuffle), **options)


def same(got, want, rel=1e-12, last=False):
    """Compare the points and rates of every update; a state has the rate of the next one, or of the last one."""
    rates = [rate for _, rate in (got[1:] if last else got[:-1])]
    assert rates == pytest.approx(want.rates, rel=1e-14)
    want = want.points
    assert len(got) == len(want)
    for k, ((state, _), point) in enumerate(zip(got, want, strict=True)):
        ours = np.append(state.w, state.b)
        assert state.iteration == k
        assert np.abs(ours - point).max() <= rel * max(np.abs(point).max(), 1e-300), k


RULES = {
    "sgd": {"solver": "sgd"},
    "momentum": {"solver": "sgd", "momentum": 0.9},
    "nesterov": {"solver": "sgd", "momentum": 0.8, "nesterov": True},
    "averaged": {"solver": "averaged-sgd"},
    "averaged nesterov": {"solver": "averaged-sgd", "momentum": 0.5, "nesterov": True},
    "adam": {"solver": "adam"},
}
SCHEDULES = {name: {"schedule": name} for name in ("constant", "invscaling", "cosine", "step")}
SCHEDULES["function"] = {"learning_rate": lambda t: 0.02 / (1 + t // 7)}
WAYS = {
    "weights": {"weights": a},
    "ridge": {"alpha": 3.0},
    "weights and ridge": {"weights": a, "alpha": 3.0},
    "no intercept": {"fit_intercept": False},
    "raw": {"standardize": False},
    "raw, no intercept, ridge": {"standardize": False, "fit_intercept": False, "alpha": 2.0},
    "a batch of more rows than there are": {"batch_size": 500},
    "all rows but one": {"batch_size": M - 1},
    "one row": {"batch_size": 1, "epochs": 3, "learning_rate": 0.001},
    "in order": {"shuffle": False},
    "in order, with weights": {"shuffle": False, "weights": a},
}


@pytest.fixture
def one_by_one(monkeypatch):
    """Let every step be of one batch, so that each update is seen."""
    monkeypatch.setattr(batches, "_CHUNK", 1)


def asked(options):
    """Return the options with those that the loop here takes for granted."""
    return {"learning_rate": 0.01, "batch_size": SIZE, "epochs": EPOCHS, **options}


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("rule", RULES)
def test_every_update_equals_the_loop_written_out(one_by_one, rule, schedule):
    options = asked(RULES[rule] | SCHEDULES[schedule])
    same(updates(regression(**options)), plain(**options), last=schedule == "function")


PAIRS = [(rule, way) for rule in ("sgd", "nesterov", "averaged", "adam") for way in WAYS]
PAIRS.remove(("adam", "a batch of more rows than there are"))  # the slope in b is rounding, divided by its size


@pytest.mark.parametrize(("rule", "way"), PAIRS)
def test_every_update_equals_the_loop_in_any_way(one_by_one, rule, way):
    options = asked(RULES[rule] | WAYS[way])
    same(updates(regression(**options)), plain(**options))


@pytest.mark.tensorflow
@pytest.mark.parametrize("way", ["raw", "weights and ridge", "no intercept"])
@pytest.mark.parametrize("rule", ["momentum", "averaged nesterov", "adam"])
def test_every_update_by_the_tape_equals_the_loop(one_by_one, rule, way):
    options = asked(RULES[rule] | WAYS[way])
    same(updates(regression(**options, gradient="autodiff")), plain(**options))


@pytest.mark.parametrize("rule", RULES)
def test_in_raw_units_the_bits_are_those_of_the_loop(one_by_one, rule):
    """The same operations in the same order: for sgd, every bit."""
    options = asked(RULES[rule] | {"standardize": False, "learning_rate": 0.0078125})
    got, want = updates(regression(**options)), plain(**options)
    if rule in ("sgd", "momentum", "nesterov"):
        assert [[*state.w, state.b] for state, _ in got] == [point.tolist() for point in want.points]
    same(got, want, rel=1e-14 * len(got))


@pytest.mark.parametrize("chunk", [1, 3 * 3 * SIZE, 3 * 5 * SIZE, 2**20])
@pytest.mark.parametrize("rule", RULES)
def test_a_descent_has_the_same_bits_in_steps_of_any_size(monkeypatch, rule, chunk):
    whole = regression(**asked(RULES[rule])).train()
    monkeypatch.setattr(batches, "_CHUNK", chunk)
    parts = regression(**asked(RULES[rule])).train()
    assert (parts.w.tolist(), parts.b) == (whole.w.tolist(), whole.b)
    assert [row._replace(seconds=0.0) for row in parts.history[1:]] == [
        row._replace(seconds=0.0) for row in whole.history[1:]
    ]


def test_blocks_in_memory_are_one_table():
    whole, parts = (regression(parts=k, **asked(RULES["averaged"])).train() for k in (1, 4))
    assert parts.w == pytest.approx(whole.w, rel=1e-13)
    other = regression(parts=4, weights=a, **asked({"solver": "sgd"})).train()
    assert other.w == pytest.approx(regression(weights=a, **asked({"solver": "sgd"})).train().w, rel=1e-13)


@pytest.mark.parametrize("rule", RULES)
def test_callbacks_see_the_end_of_every_epoch_and_the_result_is_the_last(rule):
    seen = []
    options = asked(RULES[rule] | {"weights": a, "alpha": 0.5, "standardize": False, "learning_rate": 0.004})
    got = regression(callbacks=[lambda state, row: seen.append((state, row))], **options).train()
    per_epoch = -(-M // SIZE)
    want = plain(**options).points[::per_epoch]
    assert [row.epoch for _, row in seen] == list(range(EPOCHS + 1))
    for k, ((state, row), point) in enumerate(zip(seen, want, strict=True)):
        assert np.append(state.w, state.b) == pytest.approx(point, rel=1e-11, abs=1e-13)
        assert (state.iteration, state.position) == (row.iteration, k * M) == (k * per_epoch, k * M)
        loss = a @ (X @ point[:3] + point[3] - y) ** 2 + 0.5 * point[:3] @ point[:3]
        assert row.loss == pytest.approx(loss, rel=1e-11)
    assert got.status is Status.EPOCHS
    assert [*got.w, got.b] == pytest.approx(want[-1], rel=1e-11)
    moves = [np.linalg.norm(after - before) for before, after in pairwise(want)]
    assert [row.step for _, row in seen[1:]] == pytest.approx(moves, rel=1e-9)


def test_each_row_counts_once_an_epoch_in_the_order_of_its_seed():
    """Rows that are powers of two show in a sum which of them were read."""
    target = 2.0 ** np.arange(M)
    problem = regression(target=target, table=np.arange(M, dtype=float)[:, None], solver="sgd", batch_size=7)
    rows = problem.objective().batches
    center = target.mean()
    for epoch in range(3):
        order = np.random.default_rng([SEED, epoch, 0]).permutation(M)
        position, read = epoch * M, []
        while position < (epoch + 1) * M:
            for part in rows.after(position):
                read += part.y.tolist()
                position += len(part.y)
        assert read == [v - center for v in target[order]]


def steepest(solver, size, weights=None, alpha=0.0, momentum=0.0, standardize=True):
    """Return the first rate from dense eigenvalues of the curvature of L/Σa."""
    v = np.ones(M) if weights is None else weights
    center = v @ X / v.sum() if standardize else np.zeros(3)
    scale = np.sqrt(v @ (X - center) ** 2 / v.sum()) if standardize else np.ones(3)
    Z = np.c_[(X - center) / scale, np.ones(M)]
    H = 2 * Z.T * v @ Z / v.sum() + np.diag([*(2 * alpha / scale**2 / v.sum()), 0.0])
    sharpest = max(np.linalg.eigvalsh(2 * c * np.outer(z, z)).max() for z, c in zip(Z, v / v.mean(), strict=True))
    return (1 - momentum) / (np.linalg.eigvalsh(H).max() + sharpest / min(size, M))


@pytest.mark.parametrize("size", [1, 8, 500])
@pytest.mark.parametrize(
    "way",
    [{}, {"weights": a}, {"alpha": 30.0}, {"standardize": False}, {"momentum": 0.9}, {"solver": "averaged-sgd"}],
    ids=str,
)
def test_the_automatic_rate_is_that_of_dense_eigenvalues(size, way):
    options = {"solver": "sgd", **way}
    (_, rate), *_ = updates(regression(batch_size=size, epochs=1, **options))
    assert rate == pytest.approx(steepest(size=size, **options), rel=1e-9)


def test_the_automatic_rate_of_adam_is_a_hundredth_of_the_spread_of_the_target():
    (_, rate), *_ = updates(regression(solver="adam", epochs=1))
    assert rate == pytest.approx(y.std() / 100, rel=1e-12)
    (_, rate), *_ = updates(regression(solver="adam", epochs=1, standardize=False))
    assert rate == pytest.approx(y.std() / X.std(0).max() / 100, rel=1e-12)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("way", ["weights", "raw", "one row"])
def test_the_automatic_rate_descends(rule, way):
    options = {"epochs": 60, "batch_size": SIZE, **RULES[rule], **WAYS[way], "learning_rate": "auto"}
    got = regression(**options).train()
    assert got.history[-1].loss < 0.5 * got.history[0].loss
    assert got.status is Status.EPOCHS


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_a_rate_that_no_momentum_makes_stable_is_refused(momentum):
    v = np.c_[(X - X.mean(0)) / X.std(0), np.ones(M)]
    limit = (1 + momentum) * 2 / np.linalg.eigvalsh(2 * v.T @ v / M).max()
    regression(solver="sgd", momentum=momentum, learning_rate=limit * 0.999, epochs=1).train()
    with pytest.raises(LearningRateError, match="stability limit of sgd"):
        regression(solver="sgd", momentum=momentum, learning_rate=limit * 1.001, epochs=1).train()


@pytest.mark.parametrize("returned", [-1.0, np.nan, np.inf, "fast", None, np.ones(2)])
def test_a_function_that_returns_no_rate_is_refused(returned):
    with pytest.raises(InputError, match="learning_rate must be a finite number"):
        regression(solver="sgd", learning_rate=lambda t: returned, epochs=1).train()


class Cauchy(Loss):
    """Not quadratic: its gradient is bounded."""

    curvature_bound = 2.0

    def value(self, prediction, target, weights, xp):
        return xp.sum(weights * xp.log1p((prediction - target) ** 2))

    def gradient(self, prediction, target, weights):
        error = prediction - target
        return 2.0 * weights * error / (1.0 + error**2)


def test_another_loss_takes_batches_too():
    """There y is not shifted; the batch's loss is summed before each update."""
    seen = []
    options = asked({"solver": "sgd", "loss": Cauchy(), "momentum": 0.5})
    regression(weights=a, callbacks=[lambda state, row: seen.append((state, row))], **options).train()
    center = a @ X / a.sum()
    Z = (X - center) / np.sqrt(a @ (X - center) ** 2 / a.sum())
    point, velocity, v = np.zeros(4), np.zeros(4), a / a.mean()
    for epoch, (state, row) in enumerate(seen):
        assert np.append(state.w, state.b) == pytest.approx(point, rel=1e-11)
        error = Z @ point[:3] + point[3] - y
        assert row.loss == pytest.approx(a @ np.log1p(error**2), rel=1e-12)
        if epoch:
            assert row.batch_loss == pytest.approx(total, rel=1e-12)  # noqa: F821
        total, rows = 0.0, np.random.default_rng([SEED, epoch, 0]).permutation(M)
        for k in range(0, M, SIZE):
            part = rows[k : k + SIZE]
            error = Z[part] @ point[:3] + point[3] - y[part]
            total += a[part] @ np.log1p(error**2)
            slope = np.append(Z[part], np.ones((len(part), 1)), axis=1).T @ (2 * v[part] * error / (1 + error**2))
            velocity = 0.5 * velocity - 0.01 * slope / len(part)
            point = point + velocity
    assert len(seen) == EPOCHS + 1


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    "options",
    [{"solver": "sgd"}, {"momentum": 0.875}, {"momentum": 0.75, "nesterov": True}, {"solver": "adam"}],
    ids=str,
)
def test_every_update_is_that_of_keras(options):
    """For the same slopes. Keras keeps its numbers in float32: these are exact there, but not 1 − 0.999ᵗ of Adam."""
    import keras

    rate, adam = 0.0078125, options.get("solver") == "adam"
    solver = regression(**{"solver": "sgd", **options}, learning_rate=rate).plan.solver
    given = {"epsilon": 1e-12} if adam else {"momentum": solver.momentum, "nesterov": solver.nesterov}
    theirs = (keras.optimizers.Adam if adam else keras.optimizers.SGD)(rate, **given)
    variable, point, memory = keras.Variable(np.zeros(4), dtype="float64"), np.zeros(4), solver.begin(3)
    for _ in range(30):
        slope = random.normal(size=4)
        solver.update(point, slope, rate, memory)
        theirs.apply([slope], [variable])
        assert point == pytest.approx(
            np.asarray(variable), rel=2e-5 if adam else 1e-13, abs=2e-5 * rate if adam else 0.0
        )
