"""The sample of rows: those of the smallest hashes, worked out again in whole numbers from all rows."""

import gzip
import hashlib
from contextlib import contextmanager

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

import regress
from regress.aggregates import sample as sampling
from regress.aggregates.limits import NEVER
from regress.aggregates.sample import Sampler
from regress.api.read import read_table
from regress.api.sums import Reading
from regress.design.encode import Encoded
from regress.design.rows import PlacedRows
from regress.design.terms import Design
from regress.design.variables import Variable
from regress.options import TableOptions
from regress.sources import arrays
from regress.sources.arrays import ArrayBatch
from regress.sources.csv import stream
from tests.examples import examples

WORD = 2**64
DESIGN = Design.of((Variable("u", "number"), Variable("text", "text", open=True)))
LEVELS = {"text": [str(k) for k in range(200)]}


def scrambled(x):
    """The finalizer of splitmix64, modulo 2^64."""
    x = (x + 0x9E3779B97F4A7C15) % WORD
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 % WORD
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB % WORD
    return x ^ (x >> 31)


def salt(text):
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def smallest(records, k, seed=0):
    """Return the k of some (file name, record number) that have the smallest hashes."""
    salts = {name: salt(f"{seed}:{name}") for name, _ in records}
    return sorted(records, key=lambda record: scrambled(record[1] ^ salts[record[0]]))[:k]


def held_out(name, record, fraction, seed=0):
    """Tell whether the split holds a row out."""
    return (scrambled(scrambled(record) ^ salt(f"{seed}:{name}")) >> 11) / 2**53 < fraction


def read(table, k, target="y", **options):
    return read_table(table, target, TableOptions(**options), Reading("moments", sampled=k))


def kept(table, k, **options):
    """Return the values of the first column in the sample, in order of size; here they say which row it is."""
    return sorted(read(table, k, **options).sample.X[:, 0].tolist())


@contextmanager
def pieces(size, block=None):
    """Look at so many rows at a time, and read blocks of so many bytes or rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "_PIECE", size)
        if block is not None:
            patch.setattr(stream, "BLOCK", block)
            patch.setattr(stream, "_LOOK", max(block // 2, 1))
            patch.setattr(arrays, "block_rows", lambda n: block)
        yield


def numbered(m, seed=1):
    """A table whose column `id` counts rows from 0, with a column and a target of many digits."""
    random = np.random.default_rng(seed)
    return pd.DataFrame({"id": np.arange(float(m)), "x": random.normal(size=m), "y": random.normal(size=m)})


def opened(kind, frame, folder):
    """Return a table as a source of some kind, and the name that its rows are hashed by."""
    path = folder / f"rows.{kind}"
    if kind == "frame":
        return frame, ""
    if kind == "polars":
        return pl.from_pandas(frame), ""
    if kind == "parquet":
        pl.from_pandas(frame).write_parquet(path)
    elif kind == "csv":
        frame.to_csv(path, index=False)
    else:
        path.write_bytes(gzip.compress(frame.to_csv(index=False).encode()))
    return path, path.name


@pytest.mark.parametrize("seed", [0, 1, 20_260])
@pytest.mark.parametrize("kind", ["frame", "polars", "csv", "csv.gz", "parquet"])
def test_it_is_the_rows_of_the_smallest_hashes(tmp_path, kind, seed):
    frame = numbered(900)
    table, name = opened(kind, frame, tmp_path)
    block = read(table, 70, random_state=seed).sample
    at = [record for _, record in smallest([(name, i) for i in range(900)], 70, seed)]
    np.testing.assert_array_equal(block.X, frame[["id", "x"]].to_numpy()[at])
    np.testing.assert_array_equal(block.Y[:, 0], frame.y.to_numpy()[at])
    assert block.weights is None


@pytest.mark.slow
def test_it_is_the_same_of_an_array():
    frame = numbered(5_000)
    X, y = frame[["id", "x"]].to_numpy(), frame.y.to_numpy()
    at = [record for _, record in smallest([("", i) for i in range(5_000)], 100)]
    for size, block in ((2**18, None), (7, 1), (64, 100), (1, 4_999)):
        with pieces(size, block):
            found = read_table(X, y, TableOptions(), Reading("moments", sampled=100)).sample
        np.testing.assert_array_equal(found.X, X[at])
        np.testing.assert_array_equal(found.Y[:, 0], y[at])


@pytest.mark.parametrize("m", [1, 2, 39, 40, 41])
def test_a_table_of_no_more_rows_is_kept_whole(m):
    assert kept(numbered(m), 40) == sorted(i for _, i in smallest([("", i) for i in range(m)], 40))
    assert read(numbered(m), 0).sample is None


@pytest.mark.parametrize("size", [1, 17, 333, 4096, None])
def test_it_does_not_depend_on_how_a_file_is_cut_into_blocks(tmp_path, size):
    table, name = opened("csv", numbered(700), tmp_path)
    with pieces(size or 2**18, size):
        found = kept(table, 50)
    assert found == sorted(i for _, i in smallest([(name, i) for i in range(700)], 50))


def test_it_does_not_depend_on_how_a_frame_is_cut_into_slices():
    m = 2**16 * 2 + 77  # a frame comes in slices of 65,536 rows
    expected = sorted(i for _, i in smallest([("", i) for i in range(m)], 300))
    assert kept(numbered(m), 300) == expected
    with pieces(1000):
        assert kept(numbered(m), 300) == expected


def test_the_names_of_files_decide_and_not_their_order(tmp_path):
    parts = {"b.csv": numbered(200), "c.csv": numbered(150) + 1000.0, "a.csv": numbered(250) + 2000.0}
    records = [(name, i) for name, part in parts.items() for i in range(len(part))]
    expected = sorted(float(parts[name].id[i]) for name, i in smallest(records, 60))
    for folder, order in (("one", "abc"), ("two", "cab"), ("three", "bca")):
        for place, letter in enumerate(order):
            inside = tmp_path / folder / str(place)
            inside.mkdir(parents=True)
            parts[f"{letter}.csv"].to_csv(inside / f"{letter}.csv", index=False)
        assert kept(tmp_path / folder / "*" / "*.csv", 60) == expected


def test_of_files_with_one_name_the_whole_path_decides(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parts = {"one/t.csv": numbered(100), "two/t.csv": numbered(100) + 1000.0}
    for path, part in parts.items():
        (tmp_path / path).parent.mkdir()
        part.to_csv(path, index=False)
    records = [(path, i) for path in parts for i in range(100)]
    assert kept("*/t.csv", 30) == sorted(float(parts[path].id[i]) for path, i in smallest(records, 30))


def test_a_moved_file_gives_the_same_rows_and_a_renamed_one_others(tmp_path):
    frame, (first, second) = numbered(400), (tmp_path / "first", tmp_path / "second")
    for folder in (first, second):
        folder.mkdir()
    table, _ = opened("csv", frame, first)
    moved, _ = opened("csv", frame, second)
    packed, name = opened("csv.gz", frame, second)
    assert kept(table, 40) == kept(moved, 40)
    assert kept(packed, 40) != kept(table, 40)  # as the split has it: the name is another
    assert kept(packed, 40) == sorted(i for _, i in smallest([(name, i) for i in range(400)], 40))


def rough(m=1200, seed=3):
    """CSV text with bad, missing and weightless rows, and which records are none of these."""
    random, lines, sound = np.random.default_rng(seed), ["id,x,kind,a,y"], {}
    for i in range(m):
        x, y, a = f"{random.normal():.12f}", f"{random.normal():.12f}", f"{random.integers(1, 9) / 4}"
        kind, fate = "pqrst"[min(i // 300, 4)], random.integers(0, 12)
        row = [str(i), x, kind, a, y]
        if fate in (0, 1, 2, 3):
            row[(1, 2, 3, 4)[fate]] = "" if fate != 0 else "NA"
        elif fate == 4:
            row[1] = "oops"
        elif fate == 5:
            row = row[:-1]
        elif fate == 6:
            row[3] = "0"
        else:
            sound[i] = (float(x), kind, float(a), float(y))
        lines.append(",".join(row))
    return "\n".join(lines) + "\n", sound


@pytest.mark.parametrize("block", [None, 100, 1000])
@pytest.mark.parametrize("fraction", [0.0, 0.35])
def test_only_rows_that_are_trained_on_are_in_it(tmp_path, fraction, block):
    text, sound = rough()
    (tmp_path / "r.csv").write_text(text)
    options = {"weights": "a", "missing": "drop", "on_bad_lines": "skip", "test_size": fraction, "random_state": 5}
    with pieces(2**18 if block is None else block // 4, block):
        found = read(tmp_path / "r.csv", 150, **options)
    training = [i for i in sound if not held_out("", i, fraction, 5)]
    assert found.tally.used == len(training) > 300
    at = [i for _, i in smallest([("r.csv", i) for i in training], 150, 5)]
    names = found.names
    expected = np.zeros((150, len(names)))
    for row, i in enumerate(at):
        x, kind, _, _ = sound[i]
        expected[row, names.index("id")], expected[row, names.index("x")] = i, x
        if kind != "p":
            expected[row, names.index(f"kind={kind}")] = 1.0
    np.testing.assert_array_equal(found.sample.X, expected)
    np.testing.assert_array_equal(found.sample.weights, [sound[i][2] for i in at])
    np.testing.assert_array_equal(found.sample.Y[:, 0], [sound[i][3] for i in at])


def test_a_level_that_only_rows_held_out_have_is_no_column_of_it():
    frame = numbered(300)
    hashes = [scrambled(scrambled(i) ^ salt("0:")) for i in range(300)]
    out = np.array(hashes) < sorted(hashes)[120]
    frame["kind"] = np.where(out, "b", np.where(np.arange(300) % 2, "a", "z"))
    found = read(frame, 50, test_size=0.4)
    assert found.names == ("id", "x", "kind=z")
    at = [i for _, i in smallest([("", i) for i in np.flatnonzero(~out).tolist()], 50)]
    np.testing.assert_array_equal(found.sample.X[:, 2], (frame.kind == "z").to_numpy()[at])


@pytest.mark.parametrize("kind", ["frame", "csv"])
@pytest.mark.parametrize("texts", [1, 2])
def test_levels_that_turn_up_late_stand_where_the_design_has_them(tmp_path, kind, texts):
    frame = numbered(1500)
    late = np.array(["mm"] * 500 + ["zz"] * 400 + ["aa"] * 300 + ["kk"] * 299 + ["bb"])
    frame.insert(1, "late", late)
    if texts == 2:
        frame["more"] = np.where(np.arange(1500) < 1490, "u", "t")
    table, name = opened(kind, frame, tmp_path)
    with pieces(64, 2000):
        found = read(table, 200)
    encoded = pd.get_dummies(frame.drop(columns="y"), prefix_sep="=", dtype=float).drop(
        columns=["late=aa", *(["more=t"] if texts == 2 else [])]
    )
    assert set(found.names) == set(encoded.columns)
    at = [i for _, i in smallest([(name, i) for i in range(1500)], 200)]
    np.testing.assert_array_equal(found.sample.X, encoded[list(found.names)].to_numpy()[at])


def test_true_and_false_are_ones_and_zeros_in_it():
    frame = numbered(400)
    frame["flag"] = np.arange(400) % 3 == 0
    block = read(frame, 50).sample
    np.testing.assert_array_equal(block.X[:, 2], block.X[:, 0] % 3 == 0)


def test_numbers_read_as_text_are_encoded_in_it():
    X = np.column_stack([np.arange(400.0), np.arange(400) % 3])
    found = read_table(X, X[:, 0], TableOptions(categorical=("x1",)), Reading("moments", sampled=30))
    at = [i for _, i in smallest([("", i) for i in range(400)], 30)]
    assert found.names == ("x0", "x1=1", "x1=2")
    np.testing.assert_array_equal(
        found.sample.X, np.column_stack([X[at, 0], X[at, 1] == 1, X[at, 1] == 2]).astype(float)
    )


@pytest.mark.parametrize("kind", ["frame", "csv"])
def test_missing_numbers_are_filled_as_in_training(tmp_path, kind):
    frame = numbered(600)
    frame.loc[::4, "x"] = np.nan
    table, name = opened(kind, frame, tmp_path)
    block = read(table, 80, missing="mean").sample
    at = [i for _, i in smallest([(name, i) for i in range(600)], 80)]
    filled = frame.x.fillna(frame.x.mean()).to_numpy()[at]
    assert np.isnan(frame.x.to_numpy()[at]).sum() > 10
    np.testing.assert_allclose(block.X[:, 1], filled, rtol=1e-13)


@pytest.fixture(scope="module")
def large():
    """More rows than a fit keeps, and what it keeps of them."""
    random = np.random.default_rng(4)
    X = random.normal(size=(23_000, 2))
    y = X @ [2.0, -1.0] + 0.5 + random.normal(size=23_000)
    return X, y, [i for _, i in smallest([("", i) for i in range(23_000)], 20_000)]


@pytest.mark.parametrize("options", [{}, {"cov_type": "HC1"}, {"precision": "exact"}, {"precision": "float64"}])
def test_a_fit_keeps_twenty_thousand_rows_whatever_passes_it_takes(large, options):
    X, y, at = large
    fit = regress.fit(X, y, **options)
    solution = np.linalg.lstsq(np.column_stack([X, np.ones(len(X))]), y)[0]
    np.testing.assert_array_equal(fit._held.sampled.actual, y[at])
    np.testing.assert_allclose(fit._held.sampled.predicted, X[at] @ solution[:2] + solution[2], atol=1e-12)
    np.testing.assert_array_equal(fit._held.sampled.weights, 1.0)


def test_the_second_reading_for_exact_sums_keeps_the_same_rows(monkeypatch):
    monkeypatch.setattr("regress.solvers.choose.FILES", NEVER)  # a small table is read as a large one
    frame = numbered(500)
    frame["near"] = frame.x + np.random.default_rng(6).normal(size=500) * 1e-9
    frame["kind"] = np.where(frame.id < 450, "v", "u")
    passes = []
    fit = regress.fit(frame, "y", progress=lambda what, count, *_: passes.append(count) if what == "rows" else None)
    assert fit.precision == "exact"
    assert fit.precision_reason.startswith("float64 would leave")
    assert passes.count(500) == 2
    at = [i for _, i in smallest([("", i) for i in range(500)], 500)]
    np.testing.assert_array_equal(fit._held.sampled.actual, frame.y.to_numpy()[at])


@pytest.mark.parametrize(("kind", "shown"), [("analytic", "weights"), ("frequency", "ones")])
def test_weights_of_a_sample_are_those_of_its_rows(kind, shown):
    frame = numbered(300)
    frame["a"] = np.arange(300) % 4
    fit = regress.fit(frame, "y", weights="a", weight_type=kind)
    at = [i for _, i in smallest([("", i) for i in range(300) if i % 4], 20_000)]
    expected = (np.array(at) % 4).astype(float) if shown == "weights" else np.ones(225)
    np.testing.assert_array_equal(fit._held.sampled.weights, expected)
    np.testing.assert_array_equal(fit._held.sampled.actual, frame.y.to_numpy()[at])


@settings(deadline=None, max_examples=examples(60), derandomize=True)
@given(
    parts=st.lists(st.tuples(st.sampled_from(["", "a.csv", "b.csv"]), st.lists(st.integers(1, 30), max_size=6)),
                   min_size=1, max_size=3, unique_by=lambda part: part[0]),
    k=st.integers(1, 40), cells=st.integers(1, 200), piece=st.integers(1, 40),
    seed=st.integers(0, 3), drop=st.integers(2, 7),
)  # fmt: skip
def test_any_batches_give_the_smallest_hashes_in_bounded_room(parts, k, cells, piece, seed, drop):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "_CELLS", cells)
        patch.setattr(sampling, "_PIECE", piece)
        sample, counted, marks = Sampler(k, seed, DESIGN, LEVELS), [], {}
        for part, sizes in parts:
            first = 0
            for size in sizes:
                y = np.arange(first, first + size) + 1000.0 * len(part)
                batch = ArrayBatch(part, first, size, np.column_stack([y, -y]), {"u": 0, "v": 1})
                chosen = (np.arange(size) + first) % drop != 0
                numbers, codes = batch.columns(["u"]), [np.arange(first, first + size, dtype=np.int32)]
                encoded = Encoded(numbers, codes, None)
                sample.add(PlacedRows(batch, encoded, y, y + 0.5, chosen if drop != 7 else None))
                here = [(part, first + i) for i in range(size) if drop == 7 or chosen[i]]
                counted += here
                marks |= {record: y[record[1] - first] for record in here}
                first += size
                assert sample._numbers.size + sample._codes.size <= max(cells, 4)
        expected = smallest(counted, min(k, max(cells // 4, 1)), seed)
        if not expected:
            assert sample.finish() is None
            return
        X, Y, a, columns, _ = sample.finish()
        y = Y[:, 0]
        assert y.tolist() == [marks[record] for record in expected]
        assert X[:, 0].tolist() == y.tolist()
        assert [columns[1 + row.argmax()] for row in X[:, 1:]] == [f"text={record}" for _, record in expected]
        assert a.tolist() == (y + 0.5).tolist()


def test_many_columns_are_held_in_bounded_room(monkeypatch):
    held, let_go = [], 0

    class Watched(Sampler):
        def add(self, *arguments):
            super().add(*arguments)
            held.append(self._numbers.size)

        def _compact(self):
            nonlocal let_go
            super()._compact()
            let_go += 1

    monkeypatch.setattr("regress.aggregates.fold.Sampler", Watched)
    X = np.random.default_rng(5).normal(size=(10_000, 200))
    X[:, 0] = np.arange(10_000)
    monkeypatch.setattr(sampling, "_CELLS", 80_000)  # a hundredth, which shows the same at fewer rows
    monkeypatch.setattr(sampling, "_PIECE", 500)
    block = read_table(X, X[:, 1], TableOptions(), Reading("moments", sampled=20_000)).sample
    assert max(held) <= 80_000
    assert let_go > 1
    at = [i for _, i in smallest([("", i) for i in range(10_000)], 200)]
    assert block.X[:, 0].tolist() == at


@pytest.mark.slow
@pytest.mark.slow
def test_a_thousand_columns_take_eight_million_cells(monkeypatch):
    held = []

    class Watched(Sampler):
        def add(self, *arguments):
            super().add(*arguments)
            held.append(self._numbers.size)

    monkeypatch.setattr("regress.aggregates.fold.Sampler", Watched)
    X = np.random.default_rng(5).normal(size=(40_000, 1000))
    X[:, 0] = np.arange(40_000)
    block = read_table(X, X[:, 1], TableOptions(), Reading("moments", sampled=20_000)).sample
    assert set(held) == {8_000_000}
    assert block.X[:, 0].tolist() == [i for _, i in smallest([("", i) for i in range(40_000)], 4_000)]


@pytest.mark.parametrize("fraction", [0.0, 0.3])
def test_it_is_uniform_over_the_rows(fraction):
    X = np.arange(200_000.0)[:, None]
    options = TableOptions(test_size=fraction, random_state=11)
    found = read_table(X, X[:, 0], options, Reading("moments", sampled=20_000)).sample.X[:, 0]
    assert len(set(found.tolist())) == 20_000
    assert chisquare(np.histogram(found, 10, (0, 200_000))[0]).pvalue > 1e-3
    assert chisquare(np.bincount(found.astype(int) % 16)).pvalue > 1e-3  # nor does it prefer some record numbers
