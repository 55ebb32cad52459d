"""The line about a descent that runs: what it has, and how well it knows the time left."""

from math import inf, nan

import numpy as np
import pytest

import regress
from regress.report.live import Place, Totals, duration, line, time_left
from regress.solvers.course import Iteration

ROW = Iteration(12, 3, 1234.5678, nan, 99.5, 12.25, 0.5, 0.125, 2.5e-9, 1.0)
EPOCHS = Totals(epochs=20, rows=1000)


def test_the_line_has_every_figure_and_its_name():
    assert line(ROW, EPOCHS, 75.0) == (
        "epoch 3 of 20, 1 min 15 s left, loss 1234.57, 2.5e-09 above the minimum, held-out loss 99.5, ‖∇L‖ 12.25, "
        "learning rate 0.125"
    )
    assert line(ROW._replace(epoch=1234), Totals(max_iter=10), inf).startswith("iteration 1,234, loss 1234.57, ")


def test_what_is_unknown_is_not_shown_and_a_loss_of_batches_is_called_that():
    row = ROW._replace(loss=nan, batch_loss=7.5, val_loss=nan, gradient_norm=nan, gap=nan)
    assert line(row, EPOCHS, inf) == "epoch 3 of 20, batch loss 7.5, learning rate 0.125"
    assert "batch" not in line(ROW._replace(batch_loss=7.5), EPOCHS, inf)


def test_the_line_fits_into_a_narrow_terminal():
    all_of_it = line(ROW, EPOCHS, 75.0)
    for room in range(1, 150):
        text = line(ROW, EPOCHS, 75.0, room)
        assert len(text) <= room
        assert all_of_it.startswith(text)
        assert text == all_of_it or room < 13 or all_of_it[len(text)] == ","


def test_eighty_columns_have_room_for_the_gap():
    row = ROW._replace(epoch=100, loss=123456.78)
    assert line(row, Totals(epochs=300, rows=10), 75.0, 79).endswith(", 2.5e-09 above the minimum")


def test_seconds_are_shown_as_people_count():
    assert [duration(s) for s in (0.2, 59.6, 3599.0, 7322.0)] == ["0 s", "1 min 0 s", "59 min 59 s", "2 h 2 min"]


@pytest.mark.parametrize("done", [0.1, 0.25, 0.9])
@pytest.mark.parametrize("before", [0.0, 0.05])
def test_passes_over_rows_take_as_long_as_those_before(done, before):
    """A run of 20 epochs, an epoch in 3 s, that goes on from a checkpoint `before` or begins anew."""
    start = Place(int(before * 20_000), 500.0 if before else 0.0)
    here = int(done * 20_000)
    now = Place(here, start.seconds + 3.0 * (here - start.done) / 1000)
    assert time_left(EPOCHS, start, now, 1.0, [ROW]) == pytest.approx(3.0 * (20_000 - here) / 1000)


def test_no_time_is_left_beyond_the_limit():
    limited = Totals(epochs=20, rows=1000, max_seconds=10.0)
    assert time_left(limited, Place(0, 0.0), Place(1000, 3.0), 1.0, [ROW]) == 7.0
    assert time_left(limited, Place(0, 0.0), Place(0, 4.0), 1.0, []) == 6.0
    assert time_left(EPOCHS, Place(0, 0.0), Place(0, 4.0), 1.0, []) == inf  # unknown
    by_steps = Totals(max_iter=100, tol=1e-300, steady=True)
    shrinking = [ROW._replace(iteration=k, gradient_norm=0.5**k) for k in range(11)]
    assert time_left(by_steps, Place(0, 0.0), Place(10, 1.0), 0.5**10, shrinking) == pytest.approx(9.0)
    growing = [ROW._replace(iteration=k, gradient_norm=2.0**k) for k in range(11)]
    assert time_left(by_steps, Place(0, 0.0), Place(10, 1.0), 1.0, growing) == pytest.approx(9.0)
    assert time_left(Totals(max_iter=100, tol=1.0), Place(0, 0.0), Place(10, 1.0), 0.5, shrinking) == 0.0


def course(solver, X, y):
    """Return the rows of a descent, and the size that the stopping rule compares with tol at each: a clock of steps."""
    rows = []
    fit = regress.fit(X, y, solver=solver, callbacks=[lambda state, record: rows.append(record)], precision="float64")
    centered = np.column_stack([X - X.mean(0), np.ones(len(X))])
    residual = y[:, None] - centered @ np.linalg.lstsq(centered, y)[0][:, None]
    assert fit.status == "converged"
    assert np.abs(centered.T @ residual).max() < 1e-9 * np.linalg.norm(y) * np.linalg.norm(centered)
    sizes = [row.gradient_norm / rows[-1].gradient_norm * fit._held.training.stationarity for row in rows]
    return rows, sizes


@pytest.mark.parametrize("condition", [10.0, pytest.param(100.0, marks=pytest.mark.slow)])
def test_a_descent_that_shrinks_its_gradient_steadily_knows_its_end(condition):
    random = np.random.default_rng(7)
    q, _ = np.linalg.qr(random.normal(size=(300, 3)) - 0.0)
    turned, _ = np.linalg.qr(random.normal(size=(3, 3)))
    X, y = (q * [1.0, 0.5, 1.0 / condition]) @ turned, random.normal(size=300)
    rows, sizes = course("gd", X, y)
    last = len(rows) - 1
    totals = Totals(max_iter=100_000, tol=1e-10, steady=True)
    for k in (max(int(part * last), 3) for part in (0.1, 0.2, 0.5, 0.9)):
        left = time_left(totals, Place(0, 0.0), Place(k, 0.25 * k), sizes[k], rows[: k + 1])
        assert left == pytest.approx(0.25 * (last - k), rel=0.3, abs=1.0)


def test_an_accelerated_descent_knows_its_end_roughly():
    random = np.random.default_rng(7)
    rows, sizes = course(
        "accelerated", random.normal(size=(300, 6)) @ random.normal(size=(6, 6)), random.normal(size=300)
    )
    last = len(rows) - 1
    for k in (last // 4, last // 2, 3 * last // 4):
        left = time_left(Totals(max_iter=10_000, tol=1e-10), Place(0, 0.0), Place(k, 0.25 * k), sizes[k], rows[: k + 1])
        assert 0.3 < left / (0.25 * (last - k)) < 3.0
    assert time_left(Totals(tol=1e-10), Place(0, 0.0), Place(1, 1.0), inf, rows[:1]) <= 0.0
