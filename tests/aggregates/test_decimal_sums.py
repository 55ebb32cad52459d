"""Sums of decimals are those of fractions of their text, whatever the blocks, decimals a block, and merges."""

import math
import pickle
from fractions import Fraction
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regress.aggregates.base import in_any_order
from regress.aggregates.exact_sums import ExactSums, exact_totals
from regress.aggregates.held_out import HeldOutSums
from regress.aggregates.moment_sums import MomentSums
from regress.aggregates.totals import moments_of
from regress.aggregates.totals_bytes import from_bytes, to_bytes
from regress.blocks import STORED, Block, Decimals
from regress.errors import InputError
from regress.messages import speaking_flags
from regress.numerics.decimals import places, whole
from tests.examples import examples

NAMES = ("short", "long", "wide", "stored")  # three of decimals, and one of doubles that are meant as they are
DIGITS = {"short": (99, 1), "long": (10**6, 6), "wide": (10**5, 4), "y": (10**6, 3), "weight": (10**4, 2)}


def text(name):
    most, d = DIGITS[name]
    lowest = 1 if name == "weight" else -most
    return st.tuples(st.integers(lowest, most), st.integers(0, d)).map(lambda t: f"{t[0]}e-{t[1]}")


cells = {name: text(name) for name in ("short", "long", "wide")} | {"stored": st.floats(-1e9, 1e9).map(repr)}
row = st.fixed_dictionaries({"y": text("y"), "weight": text("weight")}, optional=cells)


def value(name, cell):
    return Fraction(float(cell)) if name == "stored" else Fraction(cell)


def expected(names, rows, weighted):
    """Return Σ a z zᵀ over z = [1, x, y], and Σ a ulp² of columns of doubles."""
    Z = [[Fraction(1), *(value(n, r.get(n, "0")) for n in names), value("y", r["y"])] for r in rows]
    a = [Fraction(r["weight"]) if weighted else Fraction(1) for r in rows]
    p = range(len(names) + 2)
    sums = [[sum((w * z[i] * z[j] for w, z in zip(a, Z, strict=True)), Fraction(0)) for j in p] for i in p]
    ulps = [[Fraction(math.ulp(1.0)), *(Fraction(0) for _ in names), Fraction(0)] for _ in rows]
    for of_row, r in zip(ulps, rows, strict=True):
        if "stored" in names and float(r.get("stored", 0.0)):
            of_row[1 + names.index("stored")] = Fraction(math.ulp(float(r["stored"])))
    noise = [sum((w * u[j] ** 2 for w, u in zip(a, ulps, strict=True)), Fraction(0)) for j in p]
    return sums, noise


def facts(totals):
    p = range(len(totals.unit))
    return [[totals.fraction(i, j) for j in p] for i in p], totals.noise.tolist()


def block_of(rows, names, weighted, more=lambda: 0):
    """Return rows as a block of integers, its columns with `more` decimals than they need."""

    def column(name):
        values = np.array([float(r.get(name, "0")) for r in rows])
        if name == "stored":
            return values, STORED
        d = places(values) + more()
        return whole(values, d), d

    x = [column(name) for name in names]
    (y, of_y), (a, of_a) = column("y"), column("weight")
    X = np.array([k for k, _ in x]).reshape(len(names), len(rows)).T
    decimals = Decimals(tuple(d for _, d in x), (of_y,), of_a if weighted else 0)
    return Block(X, y[:, None], a if weighted else None, tuple(names), decimals)


def added(blocks):
    sums = ExactSums()
    for block in blocks:
        sums.add(block)
    return sums


SENT = [lambda s: s, lambda s: pickle.loads(pickle.dumps(s)), lambda s: from_bytes(to_bytes(s))]


@settings(deadline=None, max_examples=examples(150), derandomize=True)
@given(st.data(), st.lists(row, min_size=1, max_size=9), st.booleans())
def test_any_blocks_and_any_tree_of_merges_give_the_bytes_of_fractions_of_the_text(data, rows, weighted):
    def more():
        return data.draw(st.integers(0, 3))

    names = tuple(n for n in NAMES if any(n in r for r in rows))
    first = added([block_of(rows, names, weighted)])
    assert facts(first.finish()) == expected(list(names), rows, weighted)
    order = data.draw(st.permutations(range(len(rows))))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(rows)))))
    parts = [ExactSums()]
    for at in np.split(np.array(order), cuts):
        chosen = [rows[i] for i in at]
        own = data.draw(st.permutations([n for n in NAMES if any(n in r for r in chosen)]))
        plain = weighted and all(Fraction(r["weight"]) == 1 for r in chosen)
        if len(chosen) and data.draw(st.booleans()):
            parts[-1].add(block_of(chosen, own, weighted and not plain, more))
        elif len(chosen):
            parts.append(added([block_of(chosen, own, weighted, more)]))
    while len(parts) > 1:
        other = parts.pop(data.draw(st.integers(0, len(parts) - 1)))
        parts[data.draw(st.integers(0, len(parts) - 1))].merge(data.draw(st.sampled_from(SENT))(other))
    totals = parts[0].finish().select(names)
    assert facts(totals) == expected(list(names), rows, weighted)
    assert totals.whole.tolist() == first.finish().whole.tolist()
    assert to_bytes(parts[0]) == to_bytes(first)
    again = from_bytes(to_bytes(first))
    assert to_bytes(again) == to_bytes(first)
    assert facts(again.finish().select(names)) == facts(totals)
    one, other = first.finish().select(names), again.finish().select(names)
    assert (one.value.tolist(), one.unit.tolist(), one.divisor) == (
        other.value.tolist(),
        other.unit.tolist(),
        other.divisor,
    )


@settings(deadline=None, max_examples=examples(60), derandomize=True)
@given(st.data(), st.lists(row, min_size=2, max_size=9), st.booleans())
def test_what_remains_has_the_bytes_of_its_rows_alone(data, rows, weighted):
    names = tuple(n for n in NAMES if any(n in r for r in rows))
    sums = data.draw(st.sampled_from(SENT))(added([block_of(rows, names, weighted)]))
    gone = data.draw(st.sets(st.integers(0, len(rows) - 1), max_size=len(rows) - 1))
    left = [r for i, r in enumerate(rows) if i not in gone]
    if gone:
        taken = block_of([rows[i] for i in sorted(gone)], names[::-1], weighted)
        if data.draw(st.booleans()):
            sums.subtract(taken)
        else:
            sums.subtract_sums(data.draw(st.sampled_from(SENT))(added([taken])))
    before = to_bytes(sums)
    assert before == to_bytes(added([block_of(left, names, weighted)]))
    with pytest.raises(InputError, match="not all added"):
        sums.subtract(block_of([*left, left[0]], names, weighted))
    assert to_bytes(sums) == before


def test_many_rows_in_threads_have_the_bytes_of_one_pass():
    random = np.random.default_rng(5)
    X = np.column_stack([np.round(random.normal(size=4000) * scale, d) for scale, d in ((1e6, 1), (1.0, 6), (1e-3, 8))])
    y = np.round(random.normal(size=4000), 5)

    def block(rows):
        x, d = [(places(X[rows, j]), X[rows, j]) for j in range(3)], places(y[rows])
        k = np.column_stack([whole(values, p) for p, values in x])
        return Block(k, whole(y[rows], d)[:, None], None, None, Decimals(tuple(p for p, _ in x), (d,)))

    first = added([block(np.arange(4000))])
    cut = [block(rows) for rows in np.array_split(random.permutation(4000), 23)]
    assert to_bytes(in_any_order(ExactSums, cut, 3)) == to_bytes(first)
    for j in range(3):
        texts = [Fraction(repr(v)) for v in X[:, j].tolist()]
        assert first.finish().fraction(0, 1 + j) == sum(texts)
        assert first.finish().fraction(1 + j, 1 + j) == sum(v * v for v in texts)


@settings(deadline=None, max_examples=examples(60), derandomize=True)
@given(st.lists(row, min_size=2, max_size=9), st.booleans())
def test_moments_are_those_of_the_text_rounded_once(rows, weighted):
    names = ("short", "long", "wide")
    sums, _ = expected(list(names), rows, weighted)
    moments = moments_of(exact_totals([block_of(rows, names, weighted)]), 1)
    assert moments.weight == float(sums[0][0])
    for j in range(3):
        assert moments.center[j] == pytest.approx(float(sums[0][1 + j] / sums[0][0]), rel=1e-15, abs=0.0)
        for i in range(3):
            true = float(sums[1 + i][1 + j] - sums[0][1 + i] * sums[0][1 + j] / sums[0][0])
            assert moments.xx[i, j] == pytest.approx(true, rel=1e-15, abs=0.0)


def test_powers_of_decimals_in_parts_add_up():
    k = [6860120914, 4324130045, -3, 8007062211]  # with nine decimals, to the tenth power
    high = [float(v**10) for v in k]
    low = [float(v**10 - int(h)) for v, h in zip(k, high, strict=True)]
    rest = [float(v**10 - int(h) - int(m)) for v, h, m in zip(k, high, low, strict=True)]
    block = Block(np.column_stack([high, low, rest]), np.ones((4, 1)), None, None, Decimals((90, 90, 90), (0,)))
    totals = exact_totals([block])
    numbers = [sum(map(int, parts)) for parts in zip(high, low, rest, strict=True)]
    assert numbers[2] == 3**10
    assert sum(totals.fraction(0, j) for j in (1, 2, 3)) == Fraction(sum(numbers), 10**90)
    squares = sum(totals.fraction(i, j) for i in (1, 2, 3) for j in (1, 2, 3))
    assert squares == Fraction(sum(v * v for v in numbers), 10**180)
    assert totals.whole.tolist() == [True] * 5
    assert totals.rounding.tolist() == [0.0] * 5


def test_two_kinds_of_numbers_do_not_add_up():
    written = Block(np.ones((1, 1)), np.ones((1, 1)), None, None, Decimals((1,), (0,)))
    stored = written._replace(decimals=None)
    for one, other in ((written, stored), (stored, written)):
        sums = added([one])
        before = to_bytes(sums)
        for change in (lambda: sums.add(other), lambda: sums.merge(added([other])), lambda: sums.subtract(other)):  # noqa: B023
            with pytest.raises(InputError, match="as_written=True"):
                change()
        with speaking_flags(), pytest.raises(InputError, match="--as-written"):
            sums.add(other)
        assert to_bytes(sums) == before
    assert to_bytes(added([written])) != to_bytes(added([stored]))


def test_bytes_in_other_units_are_refused():
    block = Block(np.array([[25.0], [75.0]]), np.array([[100.0], [50.0]]), np.array([25.0, 75.0]), None)
    data = bytearray(to_bytes(added([block._replace(decimals=Decimals((0,), (0,), 0))])))
    start = len(b"regress totals 1\n") + 40
    assert data[start] == 1
    data[start] = 2  # as if multiplied by five
    with pytest.raises(ValueError, match="damaged"):
        from_bytes(bytes(data[:-32]) + sha256(data[:-32]).digest())


def test_rows_held_out_are_summed_however_few_and_kept_as_doubles():
    block = Block(np.array([[1.0, 25.0]]), np.array([[5.0]]), None, None, Decimals((1, 2), (1,)))
    sums = HeldOutSums(exact=False)
    sums.add(block)
    totals = sums.finish().totals
    assert [totals.fraction(0, j) for j in range(4)] == [1, Fraction(1, 10), Fraction(1, 4), Fraction(1, 2)]
    with pytest.raises(ValueError, match="summed exactly"):
        MomentSums().add(block)
    kept = HeldOutSums(exact=False, kept=True)
    kept.add(block)
    (rows,) = kept.finish().rows
    assert rows.X.tolist() == [[0.1, 0.25]]
    assert (rows.Y.tolist(), rows.decimals) == ([[0.5]], None)
