"""Moments against exact rational arithmetic, and the same bits however the work is shared."""

from fractions import Fraction

import numpy as np
import pytest

from regress import blocks
from regress.aggregates.moment_sums import MomentSums, accumulate, choose_shift
from regress.blocks import Block, block_rows, blocks_of


def exact(X, Y, a=None):
    """Return mean and centered co-moments of [X Y] as rationals."""
    Z = [[Fraction(v) for v in row] for row in np.c_[X, Y].tolist()]
    a = [Fraction(1)] * len(Z) if a is None else [Fraction(v) for v in a.tolist()]
    W, p = sum(a), len(Z[0])
    mean = [sum(w * z[j] for w, z in zip(a, Z, strict=True)) / W for j in range(p)]
    centered = [[v - m for v, m in zip(z, mean, strict=True)] for z in Z]
    co = [[sum(w * z[i] * z[j] for w, z in zip(a, centered, strict=True)) for j in range(p)] for i in range(p)]
    return W, mean, co


def digits(got, X, Y, a=None):
    """Return the digits of the worst co-moment, relative to √(Gᵢᵢ Gⱼⱼ), and mean, relative to the spread."""
    W, mean, co = exact(X, Y, a)
    n, p = X.shape[1], len(mean)
    ours = np.block([[got.xx, got.xy], [got.xy.T, np.full((p - n, p - n), np.nan)]])
    size = np.sqrt([float(co[j][j]) for j in range(p)])
    worst = 0.0
    for i in range(n):
        for j in range(p):
            worst = max(worst, abs(float(Fraction(ours[i, j]) - co[i][j])) / (size[i] * size[j]))
    for j in range(n, p):
        worst = max(worst, abs(float(Fraction(got.yy[j - n]) - co[j][j])) / float(co[j][j]))
    shift, relative = np.r_[got.shift.x, got.shift.y], np.r_[got.mean_x, got.mean_y]
    off = [abs(float(Fraction(c) + Fraction(m) - mu)) for c, m, mu in zip(shift, relative, mean, strict=True)]
    worst = max(worst, *(o / (s / np.sqrt(float(W))) for o, s in zip(off, size, strict=True)))
    assert got.weight == float(W)
    return -np.log10(max(worst, 1e-17))


random = np.random.default_rng(3)
NORMAL = random.normal(size=(700, 3))
FAMILIES = {
    "normal": NORMAL,
    "offset of 1e9 spreads": NORMAL + 1e9,
    "sorted timestamps": 1.7e9 + np.sort(random.uniform(0, 100, size=(700, 3)), axis=0),
    "a first block unlike the rest": np.r_[NORMAL[:100] * 1e-3, NORMAL[100:] * 5 + 1e6],
    "scales of 1e-8, 1, 1e8": NORMAL * [1e-8, 1.0, 1e8],
    "one huge row": np.r_[NORMAL[:-1], [[1e6, 1e6, 1e6]]],
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_moments_keep_thirteen_digits_of_rational_ones(family, weighted, monkeypatch):
    monkeypatch.setattr(blocks, "block_rows", lambda n: 64)  # many blocks of a small table
    X = FAMILIES[family]
    Y = X @ [[1.0, 2.0], [3.0, -1.0], [0.5, 0.0]] + random.normal(size=(700, 2))
    a = random.integers(1, 5, size=700).astype(float) if weighted else None
    got = accumulate(blocks_of(X, Y, a))
    assert got.rows == 700
    assert digits(got, X, Y, a) > 13


def test_parts_with_other_shifts_merge_into_the_whole():
    X = np.r_[NORMAL + 1e9, NORMAL[::-1] * 3 + 2e9]
    Y = X[:, :1] - 1e9
    parts = [accumulate(blocks_of(part, y)) for part, y in ((X[:700], Y[:700]), (X[700:], Y[700:]))]
    assert not np.array_equal(parts[0].shift.x, parts[1].shift.x)
    assert digits(parts[0].merge(parts[1]), X, Y) > 13


@pytest.mark.parametrize("weighted", [False, True])
def test_columns_that_a_block_does_not_name_are_zero_in_its_rows(weighted):
    rng = np.random.default_rng(9)
    X = rng.normal((0.0, 5.0, 1e3, 0.0), size=(200, 4))  # two columns have a shift
    Y, a = rng.normal(size=(200, 1)), rng.integers(1, 5, size=200).astype(float) if weighted else None
    parts, names = [], np.array(list("abcd"))
    for at, columns in zip(
        np.split(np.arange(200), [60, 90, 150]), ([0, 1, 2], [2, 0], [3, 1], [1, 0, 3, 2]), strict=True
    ):
        X[np.ix_(at, np.setdiff1d(range(4), columns))] = 0.0
        weights = None if a is None else a[at]
        parts.append(Block(X[np.ix_(at, columns)], Y[at], weights, tuple(names[columns].tolist())))
    one, other = MomentSums(), MomentSums()
    one.add_all(parts, 2)
    for part in parts[::-1]:
        sums = MomentSums()
        sums.add(part)
        other.merge(sums)
    assert one.finish().columns == ("a", "b", "c", "d")
    for sums in (one, other):
        assert digits(sums.finish().select("abcd"), X, Y, a) > 12
    order = [3, 1, 0, 2]
    assert digits(one.finish().select(names[order].tolist()), X[:, order], Y, a) > 12


def test_rows_with_and_without_names_do_not_mix():
    sums = MomentSums()
    sums.add(Block(NORMAL, NORMAL[:, :1], None, ("a", "b", "c")))
    with pytest.raises(ValueError, match="named columns"):
        sums.add(Block(NORMAL, NORMAL[:, :1]))


@pytest.mark.parametrize("n", [3, 15, 40])
def test_the_bits_do_not_depend_on_the_number_of_threads(n):
    rows = 3 * block_rows(n) + 17
    X = np.random.default_rng(0).normal(size=(rows, n)) + 5.0
    Y = X[:, :2] ** 2
    one, *others = (accumulate(blocks_of(X, Y), jobs) for jobs in (1, 2, 3))
    for other in others:
        for name in ("mean_x", "mean_y", "xx", "xy", "yy"):
            assert np.array_equal(getattr(one, name), getattr(other, name)), name


@pytest.mark.parametrize("n", [1, 3, 12, 13, 20, 21])
def test_few_columns_taken_several_rows_at_a_time_give_the_same_sums(n):
    X = np.random.default_rng(n).normal(size=(1001, n))
    got = accumulate([Block(X, X[:, :1])])
    centered = X - X.mean(0)
    assert np.allclose(got.xx, centered.T @ centered, rtol=0, atol=1e-11 * len(X))  # two orders of summation


def test_columns_stored_one_after_the_other_give_the_same_sums():
    X = NORMAL + 3.0
    rows, columns = accumulate([Block(X, X[:, :1])]), accumulate([Block(np.asfortranarray(X), X[:, :1])])
    assert np.allclose(rows.xx, columns.xx, rtol=1e-13)


def test_a_constant_column_has_moments_of_exactly_zero():
    X = np.c_[NORMAL[:, 0], np.full(700, 0.1), np.full(700, 1.7e9 + 1 / 3)]
    got = accumulate(blocks_of(X, X[:, :1]))
    assert not got.xx[1:].any()
    assert not got.xy[1:].any()
    assert got.center[1:].tolist() == [0.1, 1.7e9 + 1 / 3]


def test_one_row_is_its_own_mean():
    got = accumulate([Block(np.array([[3.0, 1e300]]), np.array([[7.0]]))])
    assert got.center.tolist() == [3.0, 1e300]
    assert not got.xx.any()


def test_whole_weights_are_repeated_rows():
    times = np.random.default_rng(1).integers(1, 4, size=700)
    weighted = accumulate([Block(NORMAL + 10, NORMAL[:, :1], times.astype(float))])
    repeated = accumulate([Block(np.repeat(NORMAL + 10, times, axis=0), np.repeat(NORMAL[:, :1], times, axis=0))])
    assert weighted.weight == repeated.weight
    assert np.allclose(weighted.xx, repeated.xx, rtol=1e-12)
    assert np.allclose(weighted.center, repeated.center, rtol=1e-14)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e200])
def test_what_is_not_finite_or_overflows_shows_without_a_warning(value):
    X = NORMAL.copy()
    X[500, 1] = value
    got = accumulate([Block(X, NORMAL[:, :1])])
    assert not got.finite()
    assert accumulate([Block(NORMAL, NORMAL[:, :1])]).finite()


def test_blocks_are_views_on_a_grid_that_depends_on_the_columns_only():
    X = np.zeros((2 * block_rows(1000) + 1, 1000))
    parts = list(blocks_of(X, X[:, :1]))
    assert [len(part.X) for part in parts] == [block_rows(1000)] * 2 + [1]
    assert all(np.shares_memory(part.X, X) for part in parts)


def test_columns_near_zero_are_not_shifted_and_far_ones_are():
    shift = choose_shift(Block(np.c_[NORMAL[:, 0], NORMAL[:, 0] + 1e6], NORMAL[:, :1]))
    assert shift.x[0] == 0.0
    assert abs(shift.x[1] - 1e6) < 3
