"""R² on rows held out: rounded once, in any order and partition, and near 1 too, where sums in float64 cancel."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

import regress
from regress.aggregates.exact_sums import exact_totals
from regress.aggregates.held_out import HeldOutSums
from regress.blocks import Block
from regress.design.split import Split
from regress.sources.csv import stream
from regress.sources.open import open_table

m = 900
random = np.random.default_rng(23)
KEYS = [f"row {i}" for i in range(m)]
OUT = Split(0.4, "key").held_out(next(iter(open_table(pd.DataFrame({"key": KEYS})).batches(["key"]))))
SPLIT = {"test_size": 0.4, "split_key": "key", "drop": ["key"]}
X = random.normal(size=(m, 3))
FAMILIES = {
    "normal": X @ [1.0, 2.0, 3.0] + random.normal(size=m),
    "nearly perfect": X @ [1.0, 2.0, 3.0] + 1e-7 * random.normal(size=m),
    "constant": np.full(m, 0.1),
}


def table_of(family):
    return pd.DataFrame(X * [1e-3, 1.0, 1e5] + [0.0, 9.0, 1.7e9], columns=list("abc")).assign(
        key=KEYS, y=FAMILIES[family], weight=random.uniform(0.1, 3.0, m)
    )


def rationals(values):
    return np.vectorize(Fraction, otypes=[object])(np.asarray(values, dtype=float))


def rational_r2(w, center, level, X, y, a):
    """Return R² of ŷ = (x − center)ᵀw + level in rational arithmetic, rounded at the end; NaN for a constant y."""
    y, a = rationals(y), rationals(a)
    error = (rationals(X) - rationals(center)) @ rationals(w) + Fraction(level) - y
    square = (a * (y - (a @ y) / a.sum()) ** 2).sum()
    return float(1 - (a @ error**2) / square) if square else np.nan


@pytest.mark.parametrize("precision", ["exact", "float64"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_it_is_rounded_once(family, weighted, precision):
    table = table_of(family)
    a, options = (table.weight[OUT], {"weights": "weight"}) if weighted else (np.ones(OUT.sum()), {})
    fit = regress.fit(table, "y", features=list("abc"), precision=precision, **options, **SPLIT)
    assert fit.tally.held_out == OUT.sum()
    held, model = table[OUT], fit.model
    expected = rational_r2(model.w, model.center, model.b_center, held[list("abc")], held.y, a)
    np.testing.assert_equal(fit.r2_test, expected)


@pytest.mark.filterwarnings("ignore:.*rests? on a single row")
def test_it_has_the_same_bits_in_any_order_partition_and_number_of_threads(tmp_path):
    table = table_of("nearly perfect").assign(k=random.choice(["u", "v", "w"], m))
    table.loc[[5, 700], "k"] = "rare"
    table["y"] += table.k.map({"u": 0.0, "v": 1.0, "w": 2.0, "rare": 3.0})
    options = {"weights": "weight", "precision": "exact", **SPLIT}
    first = regress.fit(table, "y", n_jobs=1, **options).r2_test
    assert 0.0 < 1.0 - first < 1e-11
    for jobs in (1, 2, 3):
        assert regress.fit(table.iloc[random.permutation(m)], "y", n_jobs=jobs, **options).r2_test == first
    for name, part in zip("cab", np.split(np.arange(m), [7, 513]), strict=True):
        table.iloc[part].to_csv(tmp_path / f"{name}.csv", index=False)
    assert regress.fit(str(tmp_path / "*.csv"), "y", **options).r2_test == first


@pytest.mark.slow
def test_the_fits_of_a_comparison_are_scored_alike():
    table, held = table_of("normal"), table_of("normal")[OUT]
    options = {"features": list("abc"), "test_size": 0.4, "split_key": "key"}
    first, other = (regress.compare(t, "y", **options).fits for t in (table, table.iloc[random.permutation(m)]))
    for fit in first:
        if fit.w is not None:
            expected = rational_r2(fit.w, np.zeros(3), fit.b, held[list("abc")], held.y, np.ones(len(held)))
            assert fit.metrics["r2"] == pytest.approx(expected, rel=1e-9), fit.name
    assert (other[0].name, other[0].metrics) == (first[0].name, first[0].metrics)


@pytest.mark.filterwarnings("ignore:There are only:regress.DataWarning")
def test_no_more_rows_than_columns_are_kept_as_rows():
    Z = random.normal(size=(80, 60))
    table = pd.DataFrame(Z, columns=[f"z{j}" for j in range(60)]).assign(y=Z @ random.normal(size=60), key=KEYS[:80])
    first = regress.fit(table, "y", precision="exact", **SPLIT)
    other = regress.fit(table.iloc[random.permutation(80)], "y", precision="exact", **SPLIT)
    assert other.r2_test == first.r2_test
    held, model = table[OUT[:80]], first.model
    expected = rational_r2(model.w, model.center, model.b_center, held[list(first.names)], held.y, np.ones(len(held)))
    assert first.r2_test == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("exact", [True, False])
def test_fits_in_double_have_the_same_bits_for_any_block_and_number_of_threads(exact, tmp_path, monkeypatch):
    if not exact:
        monkeypatch.setattr("regress.aggregates.held_out._MOST", 0)
    Z = random.normal(size=(20_000, 3)).round(3)
    table = pd.DataFrame(Z, columns=list("abc")).assign(k=random.choice(["u", "v", "w"], 20_000))
    table["y"] = Z.sum(1) + table.k.map({"u": 1.0, "v": -1.0, "w": 0.0}) + 1e-5 * random.normal(size=20_000)
    table.to_csv(tmp_path / "t.csv", index=False)
    batches = open_table(tmp_path / "t.csv").batches(["y"])
    held = table[np.concatenate([Split(0.3).held_out(batch) for batch in batches])]
    fits = []
    for block, jobs in ((2**24, 1), (2**17, 3), (2**15, 2)):
        monkeypatch.setattr(stream, "BLOCK", block)
        monkeypatch.setattr(stream, "_LOOK", block)
        fits.append(regress.fit(tmp_path / "t.csv", "y", test_size=0.3, precision="float64", n_jobs=jobs))
    assert fits[0].tally.held_out == len(held)
    assert len({(fit.r2_test, *fit.w) for fit in fits}) == 1
    model, Z = fits[0].model, held[list("abc")].assign(v=held.k == "v", w=held.k == "w")
    expected = rational_r2(model.w, model.center, model.b_center, Z, held.y, np.ones(len(held)))
    assert fits[0].r2_test == pytest.approx(expected, rel=0.0 if exact else 1e-14)


@pytest.mark.parametrize("exact", [True, False])
def test_columns_that_turn_up_late_were_zero_before(exact, monkeypatch):
    if not exact:
        monkeypatch.setattr("regress.aggregates.held_out._MOST", 0)
    Z, y, names = random.normal(size=(40, 5)), random.normal(size=(40, 1)), tuple("abcde")
    Z[:20, 3:] = 0.0
    early, rest = Block(Z[:20, :3], y[:20], columns=names[:3]), Block(Z[20:], y[20:], columns=names)
    late, whole = HeldOutSums(exact), HeldOutSums(exact)
    for held, blocks in ((late, (early, rest)), (whole, (Block(Z, y, columns=names),))):
        for block in blocks:
            held.add(block)
    late, whole = (held.finish().select(["e", "a", "nowhere", "d"]) for held in (late, whole))
    if exact:
        entries = [[[h.totals.fraction(i, j) for j in range(6)] for i in range(6)] for h in (late, whole)]
        assert entries[0] == entries[1]
        return
    np.testing.assert_allclose(late.moments.xx, whole.moments.xx, atol=1e-13)
    np.testing.assert_allclose(late.moments.xy, whole.moments.xy, atol=1e-13)


@pytest.mark.parametrize("sizes", [(9, 9), (9, 2), (2, 9), (2, 2), (2, 1)])
def test_rows_of_parts_that_are_held_or_summed_are_all_in_the_whole(sizes):
    Z, y, one = random.normal(size=(sum(sizes), 3)), random.normal(size=(sum(sizes), 1)), HeldOutSums(True)
    Z[: sizes[0], 2], Z[sizes[0] :, 0] = 0.0, 0.0
    one.add(Block(Z[: sizes[0], :2], y[: sizes[0]], columns=("a", "b")))
    other = HeldOutSums(True)
    other.add(Block(Z[sizes[0] :, 1:], y[sizes[0] :], columns=("b", "c")))
    one.merge(other)
    found = one.finish().select("abc")
    assert found.count == sum(sizes)
    assert bool(found.rows) == (sum(sizes) <= 3)
    totals = exact_totals(found.rows) if found.rows else found.totals
    R = np.column_stack([rationals(np.ones(sum(sizes))), rationals(Z), rationals(y)])
    assert [[totals.fraction(i, j) for j in range(5)] for i in range(5)] == (R.T @ R).tolist()


def test_parts_with_more_columns_than_are_summed_exactly_merge_into_moments(monkeypatch):
    monkeypatch.setattr("regress.aggregates.held_out._MOST", 3)
    Z, y, names = random.normal(size=(60, 5)), random.normal(size=(60, 1)), tuple("abcde")
    Z[:20, 3:] = 0.0
    few = HeldOutSums(exact=False)
    few.add(Block(Z[:20, :3], y[:20], columns=names[:3]))
    many = HeldOutSums(exact=False)
    many.add(Block(Z[20:], y[20:], columns=names))
    assert few.finish().totals is not None
    assert many.finish().moments is not None
    centered = Z - Z.mean(0)
    for one, other in ((few, many), (many, few)):
        sums = HeldOutSums(exact=False)
        sums.merge(one)
        sums.merge(other)
        found = sums.finish()
        assert found.count == found.moments.rows == 60
        np.testing.assert_allclose(found.select(names).moments.xx, centered.T @ centered, atol=1e-12)
