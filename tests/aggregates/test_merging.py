"""Tables read in parts and merged in any tree give what one pass gives, which is counted here by hand."""

import csv
import hashlib
import pickle
from collections import Counter
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regress.aggregates.exact_sums import ExactSums, exact_totals
from regress.aggregates.fold import Fold
from regress.aggregates.held_out import HeldOutSums
from regress.aggregates.moment_sums import MomentSums
from regress.api.inspect_columns import Levels, Numbers
from regress.blocks import Block
from regress.design.plan import match, plan
from regress.design.preparation import prepared
from regress.design.roles import Values
from regress.design.rows import Reader
from regress.design.split import Split
from regress.inference.robust_covariance import MeatSums
from regress.sources.csv import stream
from regress.sources.open import open_table
from tests.examples import examples

HEADER = ("x", "g", "key", "z", "h", "a", "y")
FOREVER = Split(0.4, "key", 3)
MODEL = SimpleNamespace(w=np.array([1.5, -0.3]), center=np.array([0.1, 2.0]), b_center=0.7)

numbers = st.floats(-1e4, 1e4).map(lambda v: repr(round(v, 3)))
cells = {
    "x": st.one_of(numbers, numbers, numbers, st.just("")),
    "g": st.sampled_from(["red", "green", "blue", "red", "red", "NA", "late"]),
    "key": st.integers(0, 30).map("k{}".format),
    "z": numbers,
    "h": st.sampled_from("uvw"),
    "a": st.sampled_from(["1.5", "2", "0", "0.25", "3"]),
    "y": st.one_of(numbers, numbers, numbers, st.just("")),
}
tables = st.lists(st.lists(st.tuples(*cells.values()), min_size=1, max_size=12), min_size=1, max_size=5)


def in_trees(parts, random):
    """Merge pickled copies of some parts, two at a time in random order."""
    parts = [pickle.loads(pickle.dumps(part)) for part in parts]
    while len(parts) > 1:
        one, two = random.permutation(len(parts))[:2]
        parts[one].merge(parts[two])
        del parts[two]
    return parts[0]


class Pass:
    """Everything that is summed in a pass over some files of a table."""

    def __init__(self, files, design, weighted):
        source = match(open_table(files), design).read_as({"key": "text"})
        a = Values("a", None) if weighted else None
        reader = Reader(
            source=source, design=design, target=Values("y", None), weights=a, missing="drop", split=FOREVER
        )
        fold = Fold(prepared(reader), 4, HeldOutSums(True))
        self.parts = {"moments": MomentSums(), "totals": ExactSums(), "held_out": fold.held_out}
        self.parts |= {"tally": fold.tally, "counts": fold.counts, "sample": fold.sample}
        for block in fold.blocks(1):
            self.parts["moments"].add(block)
            self.parts["totals"].add(block)


def entries(totals):
    p = len(totals.unit)
    return [[totals.fraction(i, j) for j in range(p)] for i in range(p)]


def held_out(key):
    """Tell whether the split holds out the rows of a key."""
    word, salt = (int.from_bytes(hashlib.blake2b(t.encode(), digest_size=8).digest(), "little") for t in (key, "3"))
    return (mixed(mixed(word) ^ salt) >> 11) / 2**53 < 0.4


def mixed(x):
    """The finalizer of splitmix64, modulo 2^64."""
    x = (x + 0x9E3779B97F4A7C15) % 2**64
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB % 2**64
    return x ^ (x >> 31)


def expected_totals(rows, names, weighted):
    """Return Σ a z zᵀ over z = [1, x, y] in rational arithmetic, x as the columns of these names."""
    total = [[Fraction(0)] * (len(names) + 2) for _ in range(len(names) + 2)]
    for row in rows:
        cells = {column: row[column] for column in ("x", "z")} | {f"{t}={row[t]}": 1.0 for t in "gh"}
        z = [Fraction(1), *(Fraction(float(cells.get(name, 0.0))) for name in names), Fraction(float(row["y"]))]
        a = Fraction(float(row["a"])) if weighted else 1
        for i, one in enumerate(z):
            for j, other in enumerate(z):
                total[i][j] += a * one * other
    return total


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("parts")


@settings(deadline=None, max_examples=examples(100), derandomize=True)
@given(tables, st.booleans(), st.integers(0, 2**32 - 1), st.sampled_from([2**24, 90]))
def test_parts_merge_into_the_whole_table(folder, table, weighted, seed, block):
    names = []
    for path in folder.iterdir():
        path.unlink()
    for j, part in enumerate(table):
        names.append(folder / f"{j}.csv")
        with names[-1].open("w", newline="") as file:
            csv.writer(file).writerows([HEADER, *part])
    source = open_table(str(folder / "*.csv")).read_as(dict.fromkeys(("g", "h", "key"), "text"))
    source = source.read_as(dict.fromkeys(("x", "z", "a", "y"), "number"))
    _, design = plan(source, exclude=["y", "a", "key"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "BLOCK", block)  # more than one batch a file
        patch.setattr(stream, "_LOOK", max(block // 2, 1))
        one = Pass(str(folder / "*.csv"), design, weighted).parts
        parts = [Pass(name, design, weighted).parts for name in names]
    random = np.random.default_rng(seed)
    merged = {name: in_trees([part[name] for part in parts], random) for name in one}

    rows = [dict(zip(HEADER, row, strict=True)) for part in table for row in part]
    zero = [row for row in rows if weighted and float(row["a"]) == 0.0]
    whole = [row for row in rows if row not in zero and "" not in (row["x"], row["y"]) and row["g"] != "NA"]
    out = [row for row in whole if held_out(row["key"])]
    used = [row for row in whole if not held_out(row["key"])]
    for parts in (one, merged):
        check_counts(parts, rows, zero, used, out)
        check_sums(parts, used, out, weighted)
    assert merged["tally"].finish() == one["tally"].finish()
    first, second = (parts["sample"].finish() for parts in (one, merged))
    if used:
        columns = ["x", "z", *sorted({f"{t}={row[t]}" for row in used for t in "gh"})]
        assert set(first.columns) | set(second.columns) <= set(columns)  # a level of no row that is kept is zeros
        for mine, theirs in zip(values_of(first, columns), values_of(second, columns), strict=True):
            np.testing.assert_array_equal(mine, theirs)
        assert len(first.X) == min(len(used), 4)
    else:
        assert first is second is None


def values_of(block, names):
    at = [block.columns.index(name) if name in block.columns else -1 for name in names]
    weights = np.ones(len(block.X)) if block.weights is None else block.weights
    return np.column_stack([np.zeros(len(block.X)) if j < 0 else block.X[:, j] for j in at]), block.Y, weights


def check_counts(parts, rows, zero, used, out):
    tally, counted = parts["tally"].finish(), parts["counts"].finish()
    assert (tally.rows, tally.used, tally.held_out) == (len(rows), len(used), len(out))
    assert (tally.zero_weight, tally.missing) == (len(zero), len(rows) - len(zero) - len(used) - len(out))
    lost = Counter(c for row in rows if row not in zero for c in HEADER if row[c] in ("", "NA"))
    assert tally.missing_cells == lost
    for text in "gh":
        for found, among in ((counted.training, used), (counted.held_out, out)):
            assert {k: n for k, n in found[text].items() if n} == Counter(row[text] for row in among)
    if used:
        assert sorted(counted.levels()["g"]) == sorted({row["g"] for row in used})
        equal = tuple(name for name in ("x", "z") if all(float(row[name]) == float(row["y"]) for row in used))
        assert counted.equal == equal


def check_sums(parts, used, out, weighted):
    names = ["h=v", "x", "g=late", "g=red", "nowhere", "z", "h=u"]
    if used:
        expected = expected_totals(used, names, weighted)
        assert entries(parts["totals"].finish().select(names)) == expected
        check_moments(parts["moments"].finish().select(names), expected)
    held = parts["held_out"].finish()
    assert held.count == len(out)
    held = held.select(names)
    if out:
        totals = held.totals if held.totals is not None else exact_totals(held.rows)
        assert entries(totals) == expected_totals(out, names, weighted)


def check_moments(moments, totals):
    """Compare moments of one target with rational totals of [1, x, y]."""
    n, W = len(totals) - 2, totals[0][0]
    co = [[totals[i][j] - totals[0][i] * totals[0][j] / W for j in range(1, n + 2)] for i in range(1, n + 2)]
    size = [max(float(co[j][j]), 1e-6 * float(totals[1 + j][1 + j])) ** 0.5 + 1e-12 for j in range(n + 1)]
    got = np.block([[moments.xx, moments.xy], [moments.xy.T, moments.yy[:, None]]])
    for i in range(n + 1):
        for j in range(n + 1):
            assert abs(float(Fraction(got[i, j]) - co[i][j])) <= 1e-11 * size[i] * size[j]
    assert moments.weight == pytest.approx(float(W), rel=1e-13)
    for j, mean in enumerate([*moments.center, *moments.target_center]):
        assert mean == pytest.approx(float(totals[0][1 + j] / W), rel=1e-12, abs=1e-12 * size[j])


cell = st.one_of(st.floats(-1e6, 1e6), st.just(np.nan), st.integers(0, 12).map(float))


@settings(deadline=None, max_examples=examples(100), derandomize=True)
@given(st.lists(st.lists(cell, max_size=12), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_parts_of_a_column_merge_in_their_order(parts, seed):
    random = np.random.default_rng(seed)
    summaries = []
    for part in [[v for some in parts for v in some], *parts]:
        summary = Numbers(open_table(np.zeros((1, 1))).columns[0])
        if part:
            (batch,) = open_table(np.array(part)[:, None]).batches(["x0"])
            summary.add(batch, np.ones(len(part), dtype=bool))
        summaries.append(pickle.loads(pickle.dumps(summary)))
    one, *rest = summaries
    while len(rest) > 1:  # any tree over the parts in their order
        at = random.integers(len(rest) - 1)
        rest[at].merge(rest[at + 1])
        del rest[at + 1]
    values = np.array([v for part in parts for v in part])
    found = values[np.isfinite(values)]
    for report in (one.finish(), rest[0].finish()):
        assert report.missing == len(values) - len(found)
        if len(found):
            assert (report.low, report.high) == (found.min(), found.max())
            assert report.mean == pytest.approx(found.mean(), rel=1e-12, abs=1e-9)
            spread = found.std(ddof=1) if len(found) > 1 else 0.0
            assert report.spread == pytest.approx(spread, rel=1e-9, abs=1e-12 * np.abs(found).max())
    assert one.finish().looks_like_id == rest[0].finish().looks_like_id


@settings(deadline=None, max_examples=examples(40), derandomize=True)
@given(st.permutations(range(4)), st.integers(1, 10), st.integers(11, 25), st.booleans())
def test_a_counter_is_one_in_any_order_of_its_parts(order, first, second, twice):
    ends = [0, first, second, 30, 40]
    parts = []
    for j in order:
        counter = np.arange(float(ends[j]), ends[j + 1] - twice * (j == 3))
        (batch,) = open_table(np.append(counter, np.ones(twice * (j == 3)))[:, None]).batches(["x0"])
        parts.append(Numbers(open_table(np.zeros((1, 1))).columns[0]))
        parts[-1].add(batch, np.ones(batch.rows, dtype=bool))
    for part in parts[1:]:
        parts[0].merge(part)
    assert parts[0].finish().looks_like_id != twice


@settings(deadline=None, max_examples=examples(50), derandomize=True)
@given(st.lists(st.lists(st.sampled_from(["a", "b", "NA", None, "7", "late"]), min_size=1), min_size=1, max_size=5))
def test_levels_of_parts_are_those_of_the_whole_column(parts):
    merged = None
    for part in parts:
        source = open_table(pl.DataFrame({"k": part}, schema={"k": pl.String})).read_as({"k": "text"})
        levels = Levels(source.columns[0])
        for batch in source.batches(["k"]):
            levels.add(batch, np.ones(batch.rows, dtype=bool))
        levels = pickle.loads(pickle.dumps(levels))
        if merged is None:
            merged = levels
        else:
            merged.merge(levels)
    found = [cell for part in parts for cell in part if cell is not None]
    report = merged.finish()
    assert report.levels == sorted(set(found))
    rows = Counter(found)
    assert report.frequent == sorted(rows.items(), key=lambda item: (-item[1], item[0]))
    assert report.n_single == sum(count == 1 for count in rows.values())
    assert report.n_like_numbers == rows["7"]
    assert report.missing == sum(map(len, parts)) - len(found)


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("repeated", [True, False])
def test_the_middle_of_a_sandwich_merges(exact, repeated):
    random = np.random.default_rng(8)
    X, y, a = random.normal(size=(40, 2)), random.normal(size=(40, 1)), random.integers(1, 4, 40).astype(float)
    model = SimpleNamespace(**vars(MODEL), minimum=object() if exact else None)
    center = X.mean(0)
    e = (X - model.center) @ model.w + model.b_center - y[:, 0]
    z = np.column_stack([X - center, np.ones(40)])
    expected = (z * (a * e**2 if repeated else (a * e) ** 2)[:, None]).T @ z
    found = []
    for cuts in ([], [3, 17, 18], [20]):
        sums = []
        for at in np.split(np.arange(40), cuts):
            sums.append(MeatSums(model, center, ("u", "v"), repeated))
            sums[-1].add(Block(X[at][:, ::-1], y[at], a[at], ("v", "u")))
        merged = in_trees([*sums, MeatSums(model, center, ("u", "v"), repeated)], random).finish()
        found.append(merged.matrix * merged.scale * merged.scale[:, None])
        np.testing.assert_allclose(found[-1], expected, rtol=1e-11, atol=1e-11)
    if exact:
        assert len({f.tobytes() for f in found}) == 1
