"""Exact sums of rows cut, spread, pickled and merged in any way are those of rational arithmetic, to the byte."""

import math
import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regress.aggregates.base import in_any_order
from regress.aggregates.exact_sums import ExactSums, exact_totals
from regress.aggregates.totals_bytes import from_bytes, to_bytes
from regress.blocks import Block
from regress.errors import InputError
from tests.examples import examples

NAMES = ("e", "b", "d", "a", "c")
cell = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0, 5e-324, -2.2e-308, 1e-300, -1e300, 1.7976931348623157e308, 0.1, 2.0**53, 2.0**53 - 1]),
    st.floats(-1e3, 1e3),
    st.integers(-1000, 1000).map(float),
    st.floats(-1e-308, 1e-308),
)
weight = st.one_of(st.floats(0.0, 1e6, exclude_min=True), st.integers(1, 2**16).map(float), st.just(5e-324))
FAMILIES = {
    "normal": lambda r, m: r.normal(size=m),
    "wide": lambda r, m: r.choice([-1.0, 1.0], m) * 10.0 ** r.uniform(-300, 300, m),
    "growing": lambda r, m: np.sort(np.exp(9 * r.normal(size=m))),
    "subnormal": lambda r, m: r.normal(size=m) * 1e-310,
    "whole": lambda r, m: np.rint(r.normal(size=m) * 1e4),
    "mostly zero": lambda r, m: np.where(r.random(m) < 0.02, r.normal(size=m), 0.0),
    "zero": lambda r, m: np.zeros(m),
    "one enormous": lambda r, m: np.where(np.arange(m) == m // 3, 1e305, r.normal(size=m)),
}


def expected(names, rows, weights):
    """Return Σ a z zᵀ over z = [1, x of these names, y], Σ a ulp(z)², and what is whole, of rows ({name: x}, y)."""
    Z = [[1.0, *(x.get(name, 0.0) for name in names), y] for x, y in rows]
    exact = [[Fraction(v) for v in z] for z in Z]
    a = [Fraction(v) for v in weights]
    p = range(len(names) + 2)
    sums = [[sum((w * z[i] * z[j] for w, z in zip(a, exact, strict=True)), Fraction(0)) for j in p] for i in p]
    ulps = [[Fraction(math.ulp(v)) if v else Fraction(0) for v in z] for z in Z]
    noise = [sum((w * u[j] ** 2 for w, u in zip(a, ulps, strict=True)), Fraction(0)) for j in p]
    return sums, noise, [all(z[j].is_integer() and abs(z[j]) < 2**53 for z in Z) for j in p]


def facts(totals):
    p = range(len(totals.unit))
    return [[totals.fraction(i, j) for j in p] for i in p], totals.noise.tolist(), totals.whole.tolist()


def block_of(rows, weights, names):
    X = np.array([[x.get(name, 0.0) for name in names] for x, _ in rows]).reshape(len(rows), len(names))
    return Block(X, np.array([[y] for _, y in rows]), weights, names)


def added(blocks):
    sums = ExactSums()
    for block in blocks:
        sums.add(block)
    return sums


SENT = [lambda sums: pickle.loads(pickle.dumps(sums)), lambda sums: from_bytes(to_bytes(sums))]


@settings(deadline=None, max_examples=examples(150), derandomize=True)
@given(st.data(), st.integers(1, 9), st.booleans())
def test_any_blocks_and_any_tree_of_merges_give_the_bytes_of_rational_arithmetic(data, count, weighted):
    named = st.dictionaries(st.sampled_from(NAMES), cell, max_size=3)
    rows = data.draw(st.lists(st.tuples(named, cell), min_size=count, max_size=count))
    a = np.array(data.draw(st.lists(weight, min_size=count, max_size=count))) if weighted else np.ones(count)
    names = tuple({name: None for x, _ in rows for name in x})
    first = exact_totals([block_of(rows, a if weighted else None, names)])
    assert facts(first.select(sorted(names))) == expected(sorted(names), rows, a)
    order = data.draw(st.permutations(range(count)))
    cuts = sorted(data.draw(st.sets(st.integers(1, max(count - 1, 1)))))
    parts = []
    for at in np.split(np.array(order), [cut for cut in cuts if cut < count]):
        chosen = [rows[i] for i in at]
        own = tuple(data.draw(st.permutations(list({name: None for x, _ in chosen for name in x}))))
        parts.append(added([block_of(chosen, a[at] if weighted else None, own)]))
    while len(parts) > 1:
        other = parts.pop(data.draw(st.integers(0, len(parts) - 1)))
        into = parts[data.draw(st.integers(0, len(parts) - 1))]
        into.merge(data.draw(st.sampled_from([lambda sums: sums, *SENT]))(other))
    totals = parts[0].finish()
    written = to_bytes(parts[0])
    assert written == to_bytes(added([block_of(rows, a if weighted else None, names)]))
    assert facts(from_bytes(written).finish().select(sorted(names))) == facts(totals.select(sorted(names)))


@pytest.mark.slow
@settings(deadline=None, max_examples=examples(25), derandomize=True)
@given(st.integers(0, 2**32), st.lists(st.sampled_from(sorted(FAMILIES)), min_size=2, max_size=4), st.booleans())
def test_many_rows_have_the_bytes_of_one_pass_in_any_order_and_partition(seed, kinds, weighted):
    random = np.random.default_rng(seed)
    m = int(random.integers(1, 3000))
    Z = np.column_stack([FAMILIES[kind](random, m) for kind in kinds])
    a = random.uniform(0.1, 3.0, m) if weighted else None
    names = NAMES[: len(kinds) - 1]

    def block(rows):
        chosen = random.permutation(len(names))
        return Block(Z[rows][:, chosen], Z[rows, -1:], None if a is None else a[rows], tuple(names[j] for j in chosen))

    first = to_bytes(added([block(np.arange(m))]))
    order = random.permutation(m)
    sums = [ExactSums() for _ in range(4)]
    for rows in np.array_split(order, random.integers(1, 12)):
        if len(rows):
            sums[random.integers(4)].add(block(rows))
    for other in sums[1:]:
        sums[0].merge(SENT[random.integers(2)](other))
    assert to_bytes(sums[0]) == first
    cut = [block(rows) for rows in np.array_split(order, 3) if len(rows)]
    assert to_bytes(in_any_order(ExactSums, cut, 2)) == first


def test_many_columns_with_weights_merge_in_another_order():
    random = np.random.default_rng(2)
    Z, a = random.normal(size=(60, 131)), random.uniform(0.1, 3.0, 60)
    names = tuple(f"x{j}" for j in range(130))
    one = added([Block(Z[:30, :-1], Z[:30, -1:], a[:30], names)])
    one.merge(added([Block(Z[30:, -2::-1], Z[30:, -1:], a[30:], names[::-1])]))
    assert to_bytes(one) == to_bytes(added([Block(Z[:, :-1], Z[:, -1:], a, names)]))


@pytest.mark.parametrize("weighted", [False, True])
def test_a_result_may_be_asked_for_at_any_time(weighted):
    random = np.random.default_rng(3)
    Z = np.exp(4 * random.normal(size=(900, 3)))
    a = random.uniform(0.1, 3.0, 900) if weighted else None
    sums = ExactSums()
    for i in range(0, 900, 300):
        sums.add(Block(Z[i : i + 300, :2], Z[i : i + 300, 2:], None if a is None else a[i : i + 300]))
        until = i + 300
        alone = added([Block(Z[:until, :2], Z[:until, 2:], None if a is None else a[:until])])
        assert to_bytes(sums) == to_bytes(alone) == to_bytes(sums)
        assert facts(sums.finish()) == facts(alone.finish()) == facts(sums.finish())


def test_an_accumulator_that_is_merged_stays_as_it_was():
    random = np.random.default_rng(5)
    Z = np.exp(5 * random.normal(size=(700, 4))) * [1.0, 1e9, 1e-9, 1.0]  # some rows are set aside
    one, other = (added([Block(part[:, :3], part[:, 3:], None, ("a", "b", "c"))]) for part in (Z[:300] * 1e9, Z[300:]))
    before = to_bytes(other)
    one.merge(other)
    one.merge(other)
    assert to_bytes(other) == before
    twice = np.concatenate([Z[:300] * 1e9, Z[300:], Z[300:]])
    assert to_bytes(one) == to_bytes(added([Block(twice[:, :3], twice[:, 3:], None, ("a", "b", "c"))]))


def test_small_accumulators_by_the_thousand_do_not_overflow():
    Z = np.full((512, 2), 1.0 + 2.0**-52)
    part, sums = added([Block(Z[:, :1], Z[:, 1:])]), ExactSums()
    for _ in range(3000):
        sums.merge(part)
    for _ in range(12):
        sums.merge(pickle.loads(pickle.dumps(sums)))
    assert sums.finish().fraction(1, 2) == 512 * 3000 * 2**12 * Fraction(Z[0, 0]) ** 2


def test_columns_are_told_apart_by_name_and_lack_of_one_is_zero():
    one = Block(np.array([[1.0, 2.0]]), np.array([[5.0, 7.0]]), None, ("a", "b"))
    two = Block(np.array([[3.0, 4.0]]), np.array([[6.0, 8.0]]), None, ("c", "a"))
    totals = exact_totals([one, two])
    assert (totals.columns, totals.targets, totals.rows) == (("a", "b", "c"), 2, 2)
    assert [float(totals.fraction(0, j)) for j in range(6)] == [2.0, 5.0, 2.0, 3.0, 11.0, 15.0]
    chosen = totals.select(["c", "no such", "a"])
    assert chosen.columns == ("c", "no such", "a")
    assert [float(chosen.fraction(3, j)) for j in range(6)] == [5.0, 12.0, 0.0, 17.0, 29.0, 39.0]
    assert chosen.rounding.tolist() == [0.0] * 6
    assert exact_totals([two, one], 2).columns == ("c", "a", "b")


def test_wholeness_is_known_though_the_units_are_raised_late():
    first, later = np.ones((600, 1)), np.full((600, 1), 2.0**60)
    rare = np.where(np.arange(600)[:, None] == 7, later, first)
    for blocks in ([first, later], [later, first], [first, rare], [rare, first]):
        assert exact_totals([Block(x, np.zeros((600, 1))) for x in blocks]).whole.tolist() == [True, False, True]


def test_a_state_is_about_as_small_as_its_digits():
    random = np.random.default_rng(8)
    sums = added([Block(random.normal(size=(20_000, 20)), random.normal(size=(20_000, 1)))])
    assert len(pickle.dumps(sums)) < 60_000


@settings(deadline=None, max_examples=examples(80), derandomize=True)
@given(st.data(), st.integers(1, 9))
def test_what_remains_has_the_bytes_of_its_rows_alone_with_and_without_weights(data, count):
    rows = data.draw(st.lists(st.tuples(st.fixed_dictionaries({"a": cell, "b": cell}), cell), min_size=count))
    a = np.array(data.draw(st.lists(st.one_of(st.just(1.0), weight), min_size=len(rows), max_size=len(rows))))

    def block(at, names):
        plain = (a[at] == 1.0).all() and data.draw(st.booleans())
        return block_of([rows[i] for i in at], None if plain else a[at], names)

    order = data.draw(st.permutations(range(len(rows))))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(rows)))))
    sums = added([block(at, ("a", "b")) for at in np.split(np.array(order), cuts) if len(at)])
    sums = from_bytes(to_bytes(sums)) if data.draw(st.booleans()) else sums
    gone = np.array(data.draw(st.permutations(order)))[: data.draw(st.integers(0, len(rows)))]
    for at in np.array_split(gone, 2):
        if len(at) and data.draw(st.booleans()):
            sums.subtract(block(at, ("b", "a")))
        elif len(at):
            sums.subtract_sums(from_bytes(to_bytes(added([block(at, ("b", "a"))]))))
    left = [i for i in order if i not in gone]
    if left:
        total = to_bytes(sums)
        assert facts(sums.finish().select(["a", "b"])) == expected(["a", "b"], [rows[i] for i in left], a[left])
        assert total == to_bytes(added([block(np.array(left), ("a", "b"))]))
        with pytest.raises(InputError, match="not all added"):
            sums.subtract(block_of([rows[left[0]]] * (len(left) + 1), None, ("a", "b")))
        with pytest.raises(InputError, match="not all added"):
            sums.subtract(block_of([({"c": 1.0}, 1.0)], None, ("a", "c")))
        assert to_bytes(sums) == total
    else:
        with pytest.raises(ValueError, match="no row"):
            sums.finish()


def test_what_is_taken_away_may_be_known_before_what_is_added():
    random = np.random.default_rng(4)
    Z = np.exp(5 * random.normal(size=(900, 3)))
    one, other = (added([Block(part[:, :2], part[:, 2:])]) for part in (Z, Z[:300]))
    left = other.negated()
    left.merge(one)
    assert to_bytes(left) == to_bytes(added([Block(Z[300:, :2], Z[300:, 2:])]))


def test_no_row_has_no_totals():
    empty = ExactSums()
    empty.merge(ExactSums())
    with pytest.raises(ValueError, match="no row"):
        empty.finish()
