"""A state is plain data, and a descent that goes on from one has the same bits as one that ran through."""

import json
from dataclasses import FrozenInstanceError, dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from regress.aggregates.collect import collect_rows
from regress.blocks import blocks_of
from regress.errors import InputError
from regress.options import TrainOptions
from regress.solvers.course import Course
from regress.solvers.running import Running
from regress.solvers.state import State
from regress.solvers.status import Status
from regress.solvers.steps import Solver
from regress.solvers.train import Regression
from tests.examples import examples

random = np.random.default_rng(6)
X = random.normal(size=(80, 4)) * [1.0, 5.0, 0.2, 1.0] + [0.0, 3.0, 1.0, -1.0]
y = X @ [1.0, -2.0, 3.0, 0.5] + 4.0 + random.normal(size=80)
WIDE = random.normal(size=(6, 9))


def problem(X=X, y=y, callbacks=(), state=None, **options):
    options = TrainOptions(**options)
    data = collect_rows(blocks_of(X, y[:, None]), options.over)
    resumed = None if state is None else lambda start, step: (state, Course())
    running = Running(callbacks=callbacks, resumed=resumed)
    return Regression(data, options, [f"x{j}" for j in range(X.shape[1])], running=running)


@dataclass(frozen=True)
class Kicked(Solver):
    """Gradient steps with noise that fades: what it draws is in the state."""

    def init(self, objective, w, b):
        return State(w, b, rng=np.random.default_rng(3).bit_generator.state, position=0)

    def step(self, objective, state):
        _, grad_w, grad_b = objective(state.w, state.b)
        generator = np.random.default_rng()
        generator.bit_generator.state = dict(state.rng)
        rate = objective.longest_step / 2.0 / objective.weight
        noise = generator.normal(size=len(state.w)) * 0.5**state.iteration
        moved = state.moved(state.w - rate * grad_w + noise, state.b - rate * grad_b)
        return State(moved.w, moved.b, {}, moved.iteration, generator.bit_generator.state, state.position + 80)


def plain(record):
    """Return what a row holds of its own state alone."""
    return record.iteration, record.epoch, record.loss, record.gradient_norm


@pytest.mark.parametrize("over", ["rows", "moments"])
@pytest.mark.parametrize("solver", ["gd", "accelerated", "cg", "newton", Kicked()], ids=str)
def test_a_descent_resumed_from_json_has_the_same_bits(solver, over):
    seen, rest = [], []
    options = dict(solver=solver, over=over, tol=1e-14, max_iter=40)
    whole = problem(**options, callbacks=[lambda state, record: seen.append((state, record))]).train()
    cut = len(seen) // 2
    held = State.from_dict(json.loads(json.dumps(seen[cut][0].to_dict(), allow_nan=False)))
    assert held == seen[cut][0]
    watch = [lambda state, record: rest.append((state, record))]
    resumed = problem(**options, callbacks=watch, state=held).train()
    assert [state for state, _ in rest] == [state for state, _ in seen[cut:]]
    assert [plain(r) for _, r in rest] == [plain(r) for _, r in seen[cut:]]
    assert (resumed.w.tolist(), resumed.b, resumed.loss) == (whole.w.tolist(), whole.b, whole.loss)
    assert (resumed.status, resumed.learning_rate) == (whole.status, whole.learning_rate)


def test_a_wide_table_resumes_too():
    seen = []
    whole = problem(WIDE, y[:6], [lambda state, _: seen.append(state)], solver="cg").train()
    assert problem(WIDE, y[:6], state=seen[2], solver="cg").train().w.tolist() == whole.w.tolist()


numbers = st.floats(allow_nan=False, allow_infinity=False)
memories = st.dictionaries(st.text(max_size=5), st.one_of(numbers, arrays(np.float64, 3, elements=numbers)), max_size=3)


@settings(deadline=None, max_examples=examples(60), derandomize=True)
@given(arrays(np.float64, 3, elements=numbers), numbers, memories, st.integers(0, 10**6))
def test_a_state_survives_json_in_every_bit(w, b, memory, iteration):
    state = State(w, b, memory, iteration)
    again = State.from_dict(json.loads(json.dumps(state.to_dict())))
    assert again == state
    assert again.w.tobytes() == state.w.tobytes()
    assert State(w, b, memory, iteration + 1) != state
    assert State(np.append(w, 0.0), b, memory, iteration) != state


@pytest.mark.parametrize(
    "value",
    [
        *(np.float64(0.1), np.float32(0.1), np.int64(7), np.array(2.5), 3, True, [0.5, 1.5], (1, 2), []),
        *(
            np.array([1, 2]),
            np.array([3], dtype=np.uint8),
            np.array([0.1], dtype=np.float32),
            np.eye(2),
            np.bool_(True),
        ),
        *(np.array([], dtype=np.int64), np.array([True, False])),
    ],
    ids=repr,
)
def test_every_number_and_array_of_a_memory_survives_json(value):
    state = State([0.0], 0.0, {"held": value})
    again = State.from_dict(json.loads(json.dumps(state.to_dict())))
    assert again == state
    assert np.array_equal(again.memory["held"], value)
    assert type(again.memory["held"]) is type(state.memory["held"])
    assert np.asarray(again.memory["held"]).dtype == np.asarray(state.memory["held"]).dtype


def test_a_state_does_not_change():
    w = np.zeros(2)
    state = State(w, 1.0, {"rate": 0.5})
    w[0] = 3.0
    assert state.w.tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="read-only"):
        state.w[0] = 1.0
    with pytest.raises(FrozenInstanceError):
        state.b = 2.0
    assert state.moved([1.0, 2.0], 3.0, rate=0.25) == State([1.0, 2.0], 3.0, {"rate": 0.25}, 1)
    assert state.memory == {"rate": 0.5}
    assert state.moved(w, 0.0, last=2.0).memory == {"rate": 0.5, "last": 2.0}


def test_a_solver_serves_two_descents_at_once():
    """No state hides in a solver: steps of two descents in turn are those of each alone."""
    regression = problem(solver="accelerated")
    solver, objective = regression.plan.solver, regression.objective()
    one = other = solver.init(objective, np.zeros(4), 0.0)
    for _ in range(5):
        one = solver.step(objective, one)
    for _ in range(5):
        other = solver.step(objective, other)
        solver.step(objective, one)
    assert other == one


@pytest.mark.parametrize("solver", ["gd", "accelerated", "cg"])
def test_squares_beyond_the_range_end_no_descent_as_if_it_had_converged(solver):
    """Exact sums see a target near 1e-170, and float64 does not: a descent would stop at w = 0."""
    table = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 1.0], [3.0, 0.0, 1.0], [1.0, 1.0, 5.0]])
    target = np.array([1.0, 2.0, -1.0, 3.0]) * 1e-170
    options = TrainOptions(solver=solver)
    data = collect_rows(blocks_of(table, target[:, None]), precision="exact")
    with pytest.raises(InputError, match="squares of the target underflow"):
        Regression(data, options, ["a", "b", "c"]).train()
    with pytest.raises(InputError, match="squares of the target underflow"):
        problem(table[:3], target[:3], solver=solver).train()
    exact = Regression(data, TrainOptions(), ["a", "b", "c"]).train()
    assert exact.w == pytest.approx(np.linalg.solve(np.c_[table, np.ones(4)], target * 1e170)[:3] * 1e-170, rel=1e-12)


def test_conjugate_gradients_reach_what_is_near_the_end_of_the_range():
    target = y * 1e-100
    got = problem(X, target, solver="cg").train()
    assert got.status is Status.CONVERGED
    assert got.w == pytest.approx(problem(solver="cg").train().w * 1e-100, rel=1e-9)


def test_an_array_that_its_owner_changes_is_evaluated_anew():
    """The last value is kept for states, which cannot change; a solver may try points in an array of its own."""
    objective = problem(over="rows").objective()
    point = np.zeros(4)
    before = objective(point, 0.0)
    point[1] = 2.0
    after = objective(point, 0.0)
    assert after.value != before.value
    assert after.value == problem(over="rows").objective()(point.copy(), 0.0).value
