"""Rows read once under the names of their columns: what is held, summed and selected after the last block."""

import weakref

import numpy as np
import pytest

from regress.aggregates import collect
from regress.aggregates.collect import collect_rows
from regress.blocks import Block
from regress.design.columns import Selection
from regress.errors import InputError
from regress.solvers import choose

random = np.random.default_rng(12)
Z, Y = random.normal(size=(90, 4)), random.normal(size=(90, 1))
Z[:60, 2], Z[:30, 1] = 0.0, 0.0
NAMES = ("late", "a", "b", "nowhere")  # selected of a, b, reference and late
WANTED = np.column_stack([Z[:, 2], Z[:, 0], Z[:, 1], np.zeros(90)])


def blocks():
    """Yield blocks in which columns turn up one after the other."""
    for start, at in ((0, [0, 3]), (30, [0, 3, 1]), (60, [0, 3, 1, 2])):
        columns = tuple(("a", "b", "late", "reference")[j] for j in at)
        yield Block(Z[start : start + 30, at], Y[start : start + 30], None, columns)


@pytest.mark.parametrize("precision", ["float64", "exact", "auto"])
@pytest.mark.parametrize("over", ["auto", "rows", "moments"])
def test_columns_are_selected_after_the_last_block(over, precision):
    asked = []

    def names():
        asked.append(read)
        return NAMES

    def watched():
        nonlocal read
        for block in blocks():
            yield block
            read += 1

    read = 0
    data = collect_rows(
        watched(), over, 2, precision=precision, selection=lambda: Selection(names()), limits=choose.FILES
    )
    assert set(asked) == {3}
    centered = WANTED - WANTED.mean(0)
    np.testing.assert_allclose(data.moments.xx, centered.T @ centered, atol=1e-12)
    np.testing.assert_allclose(data.moments.xy, centered.T @ Y, atol=1e-12)
    assert data.moments.columns == NAMES
    assert (data.totals is not None) == (precision != "float64")
    if over == "rows":
        np.testing.assert_array_equal(np.concatenate([block.X for block in data.rows]), WANTED)


def test_the_final_number_of_columns_decides_whether_rows_are_held():
    block = Block(np.eye(6)[:4], Y[:4], None, tuple("abcdef"))
    held = collect_rows([block], selection=lambda: Selection(tuple("abcd")))
    assert held.moments is None
    assert held.rows[0].X.shape == (4, 4)
    summed = collect_rows([block], selection=lambda: Selection(tuple("abc")))
    assert summed.moments.xx.shape == (3, 3)
    assert summed.rows is None


def test_columns_of_x_count_and_not_those_of_blocks():
    limits = choose.FILES._replace(cells=90 * (3 + 2))  # exact for three columns, in float64 for four
    read = {
        n: collect_rows(
            blocks(), precision="auto", selection=lambda: Selection(NAMES[:3]), width=lambda n=n: n, limits=limits
        )
        for n in (3, 4)
    }
    assert (read[3].exact, read[4].exact) == (True, False)


def test_moments_of_columns_that_turn_up_late_may_not_fit_into_memory(monkeypatch):
    monkeypatch.setattr(collect, "memory", lambda: 8 * 3 * 3 * 4)
    with pytest.raises(InputError, match="n×n matrix of 4 columns"):
        collect_rows(blocks(), "moments", precision="auto", limits=choose.FILES)
    monkeypatch.setattr(collect, "memory", lambda: 8 * 4 * 4 * 4)
    collect_rows(blocks(), "moments", precision="auto", limits=choose.FILES)


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("jobs", [1, 2])
def test_text_of_few_columns_is_summed_as_it_comes(jobs, wide):
    alive, most, read = [], 0, 0

    def rows():
        nonlocal most, read
        for _ in range(40):
            X = np.ones((50, 3)) * random.normal(size=(50, 1))
            alive.append(weakref.ref(X))
            most = max(most, sum(there() is not None for there in alive))
            read += 1
            yield Block(X, X[:, :1])

    def width():
        return 4 if wide and read > 20 else 3

    data = collect_rows(rows(), n_jobs=jobs, precision="auto", width=width, limits=choose.Limits(columns=3))
    assert (data.exact, data.summary.rows) == (not wide, 2000)
    assert most <= jobs + 3  # two that wait, and one that is being made


def test_a_table_that_turns_out_wider_has_the_moments_of_all_rows():
    widths = iter([2, 2, 2, 9, 9, 9, 9, 9])
    data = collect_rows(
        blocks(),
        "rows",
        precision="auto",
        selection=lambda: Selection(NAMES),
        width=lambda: next(widths),
        limits=choose.Limits(columns=2),
    )
    plain = collect_rows(blocks(), "rows", selection=lambda: Selection(NAMES))
    assert (data.exact, data.totals, data.sums) == (False, None, None)
    np.testing.assert_allclose(data.moments.xx, plain.moments.xx, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(data.moments.xy, plain.moments.xy, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(data.moments.center, plain.moments.center, rtol=1e-12, atol=1e-12)
    for one, other in zip(data.rows, plain.rows, strict=True):
        np.testing.assert_array_equal(one.X, other.X)
