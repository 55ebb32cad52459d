"""The loop: how it ends, what it keeps, and what the options refuse."""

import numpy as np
import pytest

from regress.aggregates.collect import collect_rows
from regress.blocks import blocks_of
from regress.errors import InputError
from regress.options import TrainOptions
from regress.solvers.loop import descend
from regress.solvers.state import State
from regress.solvers.status import Status
from regress.solvers.steps import GradientDescent
from regress.solvers.train import Regression
from regress.solvers.watch import StopRule, Watch

random = np.random.default_rng(0)
X = random.normal(size=(50, 2))
y = X @ [1.0, 2.0] + 3.0


def problem(**options):
    data = collect_rows(blocks_of(X, y[:, None]), "rows")
    return Regression(data, TrainOptions(over="rows", **options), ["a", "b"])


def run(solver, callbacks=(), **options):
    """Descend with a rate that is not looked at, unlike the user's."""
    objective = problem().objective()
    state = State(np.zeros(2), 0.0, {"rate": solver.learning_rate})
    stop = StopRule(**{"tol": 1e-10, "max_iter": 1000, **options})
    return descend(objective, solver, state, stop, watch=Watch(callbacks=callbacks))


def test_history_has_a_row_an_evaluation_and_the_loss_falls():
    ended = run(GradientDescent(0.4))
    assert ended.status is Status.CONVERGED
    assert [row.iteration for row in ended.history] == list(range(len(ended.history)))
    losses = [row.loss for row in ended.history]
    assert losses == sorted(losses, reverse=True)
    seconds = [row.seconds for row in ended.history]
    assert seconds == sorted(seconds)
    assert np.isnan(ended.history[0].step)
    assert np.isfinite([row.step for row in ended.history[1:]]).all()


def test_the_limit_ends_it_with_the_last_point():
    ended = run(GradientDescent(0.1), max_iter=3)
    assert ended.status is Status.MAX_ITER
    assert len(ended.history) == 4
    assert ended.evaluation.value == ended.history[-1].loss < ended.history[0].loss


def test_a_blow_up_gives_back_the_point_of_lowest_loss():
    ended = run(GradientDescent(5.0))
    assert ended.status is Status.DIVERGED
    assert ended.evaluation.value == min(row.loss for row in ended.history)


class Leap(GradientDescent):
    """Goes well twice, then to infinity."""

    def step(self, objective, state):
        return super().step(objective, state) if state.iteration < 2 else state.moved(state.w + np.inf, state.b)


def test_a_value_that_is_not_finite_ends_it_with_the_last_good_point():
    ended = run(Leap(0.1))
    assert ended.status is Status.NON_FINITE
    assert np.isfinite(ended.state.w).all()
    assert ended.evaluation.value == ended.history[-1].loss


def test_an_interrupt_keeps_the_last_good_point():
    seen = []

    def watch(state, record):
        seen.append(state)
        assert record.iteration == state.iteration == len(seen) - 1
        if len(seen) == 5:
            raise KeyboardInterrupt

    ended = run(GradientDescent(0.1), callbacks=[watch])
    assert ended.status is Status.INTERRUPTED
    assert ended.state is seen[-1]


@pytest.mark.parametrize("status", Status)
def test_every_status_says_what_happened_and_what_to_do(status):
    assert status.message.endswith(".")
    assert (status.remedy == "") == status.as_asked
    assert str(status) == status.value


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"solver": "lbfgs"}, "solver must be one of auto, gd"),
        ({"gradient": "torch"}, "derived, autodiff"),
        ({"over": "columns"}, "rows, moments, blocks"),
        ({"alpha": -1.0}, "alpha must be a finite number of at least 0; got -1.0"),
        ({"alpha": float("nan")}, "alpha"),
        ({"alpha": "1"}, "alpha"),
        ({"tol": 0.0}, "tol must be a finite number above 0"),
        ({"max_iter": 0}, "max_iter must be an integer"),
        ({"max_iter": 2.5}, "max_iter"),
        ({"learning_rate": 0.1}, "needs solver='gd', accelerated, sgd, averaged-sgd or adam; 'auto' sets"),
        ({"learning_rate": 0.1, "solver": "newton"}, "newton"),
        ({"learning_rate": 0.0, "solver": "gd"}, "learning_rate"),
        ({"learning_rate": "fast", "solver": "gd"}, "learning_rate"),
    ],
)
def test_options_are_refused_in_a_sentence(options, words):
    with pytest.raises(InputError, match=words.replace("(", r"\(")):
        TrainOptions(**options)


def test_numbers_of_numpy_are_numbers():
    options = TrainOptions(alpha=np.float32(0.5), max_iter=np.int64(5), tol=np.float64(1e-8))
    assert options.iteration_limit("gd", 3) == 5
    assert (type(options.alpha), type(options.tol)) == (float, float)


def test_each_solver_has_its_own_limit():
    limits = {solver: TrainOptions().iteration_limit(solver, 7) for solver in ("gd", "accelerated", "cg", "newton")}
    assert limits == {"gd": 100_000, "accelerated": 10_000, "cg": 80, "newton": 100}
    assert TrainOptions(max_iter=5).iteration_limit("gd", 7) == 5


class Still(GradientDescent):
    """Never moves, and does not count its steps."""

    def step(self, objective, state):
        return state


class Uncounted(GradientDescent):
    """Moves, and does not count its steps."""

    def step(self, objective, state):
        moved = super().step(objective, state)
        return State(moved.w, moved.b, moved.memory)


@pytest.mark.parametrize("solver", [Still(0.1), Uncounted(0.1)], ids=["still", "uncounted"])
def test_the_loop_counts_the_steps_itself(solver):
    seen = []
    ended = run(solver, callbacks=[lambda state, record: seen.append((state.iteration, record.iteration))], max_iter=4)
    assert ended.status is Status.MAX_ITER
    assert seen == [(i, i) for i in range(5)]
    rest = descend(problem().objective(), solver, ended.state, StopRule(tol=1e-10, max_iter=6))
    assert [row.iteration for row in rest.history] == [4, 5, 6]


class Returning(GradientDescent):
    returned: object = None

    def step(self, objective, state):
        return self.returned


@pytest.mark.parametrize("returned", [None, np.zeros(2), State(np.zeros(3), 0.0), State(np.zeros((2, 1)), 0.0)])
def test_a_step_that_returns_no_such_state_is_refused(returned):
    solver = Returning(0.1)
    object.__setattr__(solver, "returned", returned)
    with pytest.raises(InputError, match=r"Returning.step must return a regress.State with w of shape \(2,\)"):
        run(solver)
