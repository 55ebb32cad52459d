"""Tables that a Dask cluster reads: the same bits as in one process, for any number of workers and any partition."""

import json
import sys
import warnings

import numpy as np
import pandas as pd
import pytest

import regress
from regress.api.cluster import files
from regress.api.tables import Where, opened
from regress.errors import INSTALL_DASK, MissingDependencyError
from regress.options import TableOptions

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture(scope="module")
def client():
    """Two workers of one thread each."""
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as local,
        distributed.Client(local) as found,
    ):
        yield found


def rows(count, seed=0):
    """Rows with a column of text, one of whole numbers, and one far from zero."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({"a": random.normal(size=count), "b": 1e9 + random.integers(0, 99, count)})
    frame["c"] = random.choice(list("pqrs"), count)
    frame["y"] = 2.0 * frame["a"] - frame["b"] + (frame["c"] == "r") + random.normal(size=count).round(3)
    return frame


def written(folder, frame, cuts):
    """Write a frame as files cut at some rows; the address of all."""
    folder.mkdir(exist_ok=True)
    for k, (start, stop) in enumerate(zip([0, *cuts], [*cuts, len(frame)], strict=True)):
        frame.iloc[start:stop].to_csv(folder / f"part{k}.csv", index=False)
    return str(folder / "*.csv")


def known(fit):
    """All that is known of a fit, but for where its rows came from and how it was asked."""
    told = fit.to_dict()
    for name in ("source", "options", "precision_reason", "read_as"):
        told.pop(name, None)
    return json.dumps(told, sort_keys=True)


def both(table, client, target="y", **options):
    """Fit a table here and by a cluster, quietly."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        here = regress.fit(table, target, precision="exact", over="moments", **options)
        there = regress.fit(table, target, cluster=client, **options)
    return here, there


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"cov_type": "HC1"},
        {"test_size": 0.3, "split_key": "b"},
        {"test_size": 0.3},
        {"weights": "w", "drop": ["c"]},
        {"fit_intercept": False},
        {"missing": "mean", "alpha": 0.5},
    ],
    ids=str,
)
def test_a_cluster_gives_the_bits_of_one_process(tmp_path, client, options):
    frame = rows(900)
    frame["w"] = np.random.default_rng(1).uniform(0.5, 2.0, 900)
    if options.get("missing"):
        frame.loc[::7, "a"] = np.nan
    here, there = both(written(tmp_path / "t", frame, [100, 101, 500]), client, **options)
    assert known(here) == known(there)


def test_any_cut_and_order_of_the_rows_gives_the_same_coefficients(tmp_path, client):
    frame = rows(400)
    one, _ = both(written(tmp_path / "one", frame, [50]), client)
    shuffled = frame.sample(frac=1.0, random_state=3)
    for k, cuts in enumerate([[1, 2, 399], [], [133, 266]]):
        _, there = both(written(tmp_path / f"cut{k}", shuffled, cuts), client)
        assert [there.b, *there.w] == [one.b, *one.w]


@pytest.mark.slow
def test_one_and_three_workers_agree(tmp_path):
    table = written(tmp_path / "t", rows(300), [100, 200, 250])
    fits = [regress.fit(table, "y", cluster=f"local:{n}") for n in (1, 3)]
    assert known(fits[0]) == known(fits[1])


def test_a_large_file_is_cut_into_ranges(tmp_path, client, monkeypatch):
    frame = rows(2000)
    frame["c"] = frame["c"].replace({"p": 'two\nlines, and "quotes"'})
    frame.to_csv(tmp_path / "t.csv", index=False)
    monkeypatch.setattr(files, "RANGE", 5000)
    seen = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        here = regress.fit(str(tmp_path / "t.csv"), "y", precision="exact", over="moments", test_size=0.2)
        there = regress.fit(
            str(tmp_path / "t.csv"), "y", cluster=client, test_size=0.2, progress=lambda *told: seen.append(told)
        )
    assert known(here) == known(there)
    assert (tmp_path / "t.csv").stat().st_size > 10 * 5000
    assert seen


def test_a_column_that_later_parts_contradict_is_text_in_all(tmp_path, client):
    frame = rows(600)
    frame["d"] = np.where(np.arange(600) < 20, "1", "x")
    here, there = both(written(tmp_path / "t", frame, [20, 400]), client)
    assert "d=x" in there.model.names
    assert known(here) == known(there)


def test_files_that_workers_open_show_what_the_first_does_not(tmp_path, client, monkeypatch):
    monkeypatch.setattr("regress.sources.files._FEW", 1)
    frame = rows(600)
    frame["d"] = np.where(np.arange(600) < 20, "1", "x")
    table = written(tmp_path / "t", frame, [20, 200, 400])
    here, there = both(table, client)
    assert known(here) == known(there)
    frame[400:].drop(columns="a").to_csv(tmp_path / "t" / "part3.csv", index=False)
    with pytest.raises(regress.TableError, match=r"part0\.csv and part3\.csv have different columns \('a' is in only"):
        regress.fit(table, "y", cluster=client)


def test_a_decimal_mark_that_later_rows_tell_is_found(tmp_path, client):
    for k in range(3):
        values = "1;2\n2;3\n" if k < 2 else "1,5;2,25\n4;7\n"
        (tmp_path / f"p{k}.csv").write_text(f"a;y\n{values}")
    here, there = both(str(tmp_path / "*.csv"), client)
    assert known(here) == known(there)


def test_bad_rows_are_skipped_counted_and_written(tmp_path, client):
    frame = rows(300).astype({"a": object})
    frame.loc[[20, 150, 299], "a"] = "oops"
    table = written(tmp_path / "t", frame, [100, 200])
    options = {"on_bad_lines": "skip"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        here = regress.fit(table, "y", precision="exact", over="moments", rejects=tmp_path / "here.csv", **options)
        there = regress.fit(table, "y", cluster=client, rejects=tmp_path / "there.csv", **options)
    assert known(here) == known(there)
    assert (tmp_path / "here.csv").read_text() == (tmp_path / "there.csv").read_text()
    with pytest.raises(regress.TableError, match="more than max_bad_lines=2"):
        regress.fit(table, "y", cluster=client, max_bad_lines=2, **options)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"a": "oops"}, {}, "part1.csv, line 52"),
        ({"a": None}, {}, "missing cells"),
        ({}, {"loss": "huber"}, "needs the rows"),
        ({}, {"over": "rows"}, "needs the rows"),
        ({}, {"solver": "sgd"}, "needs the rows"),
        ({}, {"target": "z"}, "no column 'z'"),
        ({}, {"max_categories": 3}, "more than 3 different values"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_one_sentence(tmp_path, client, change, options, message):
    frame = rows(200).astype({"a": object})
    for name, cell in change.items():
        frame.loc[150, name] = cell
    table = written(tmp_path / "t", frame, [100])
    options = {"target": "y", **options}
    with pytest.raises(regress.InputError, match=message):
        regress.fit(table, cluster=client, **options)


SECOND_LOOKS = {
    "a fill value hides differences": lambda p, q, r: {"a": filled(p), "b": filled(q), "c": filled(r)},
    "a fill value and a total": lambda p, q, r: {"a": filled(p), "b": filled(q), "t": filled(p) + filled(q)},
    "degrees": lambda p, q, r: {"c": np.round(9 * p + 15, 1), "f": np.round(1.8 * (9 * p + 15) + 32, 1)},
    "percent": lambda p, q, r: dict(zip("abc", np.round(100 * shares(p, q), 1), strict=True)),
    "near-collinear": lambda p, q, r: {"p": p, "like": p + 1e-9 * q, "s": 2 * p + 1e-9 * q},
    "a perfect fit": lambda p, q, r: {"p": p, "q": q, "y": 3.0 * p - 0.1 * q + 2.0},
    "a fill value hides residuals": lambda p, q, r: {"a": filled(p), "y": filled(p) + r},
}


def filled(x):
    """Values with a fill value in some rows."""
    return np.where(np.arange(len(x)) < 5, 1e17, x)


def shares(p, q):
    """Three parts of one."""
    parts = np.exp([p, q, 0.0 * p])
    return parts / parts.sum(0)


@pytest.mark.parametrize("name", SECOND_LOOKS)
def test_the_rows_are_looked_at_again_where_they_are(tmp_path, client, name):
    p, q, r, y = np.random.default_rng(2).normal(size=(4, 400))
    frame = pd.DataFrame({"y": y} | SECOND_LOOKS[name](p, q, r))
    here, there = both(written(tmp_path / "t", frame, [2, 100, 230]), client)
    assert known(here) == known(there)


def test_a_table_in_memory_is_refused(client):
    with pytest.raises(regress.InputError, match="in memory"):
        regress.fit(rows(20), "y", cluster=client)


class Own(regress.Covariance):
    """Standard errors of a kind of one's own."""

    def begin(self, size):
        """Begin."""
        raise AssertionError


class TestCollections:
    """Frames and arrays of Dask."""

    dd = staticmethod(lambda frame, n: pytest.importorskip("dask.dataframe").from_pandas(frame, npartitions=n))

    def test_a_frame_gives_the_bits_of_pandas(self, client):
        frame = rows(500)
        here = regress.fit(frame, "y", precision="exact", over="moments", sample=0)
        for count in (1, 4):
            there = regress.fit(self.dd(frame, count), "y", cluster=client, sample=0)
            assert known(here) == known(there)

    def test_dates_give_the_bits_of_pandas(self, client):
        frame = rows(200)[["y"]].assign(when=pd.date_range("2020-01-01", periods=200, freq="7h"))
        frame["zoned"] = frame["when"].dt.floor("3D").dt.tz_localize("UTC")
        here = regress.fit(frame, "y", precision="exact", over="moments", sample=0)
        there = regress.fit(self.dd(frame, 3), "y", cluster=client, sample=0)
        assert known(here) == known(there)
        assert "Column 'zoned' holds dates, read as days since 1970-01-01." in there.notes()

    @pytest.mark.slow
    def test_unknown_divisions_and_empty_partitions(self, client):
        frame = rows(500).sort_values("a", ignore_index=True)
        part = self.dd(frame, 5)
        part = part[part["a"] > 0.5].clear_divisions()
        here = regress.fit(frame[frame["a"] > 0.5], "y", precision="exact", over="moments", sample=0)
        assert known(here) == known(regress.fit(part, "y", cluster=client, sample=0))

    def test_target_and_weights_may_be_series(self, client):
        frame = rows(200)
        frame["w"] = frame["a"].abs()
        table = self.dd(frame, 3)
        here = regress.fit(frame.drop(columns=["w"]), "y", weights=frame["w"].to_numpy(), precision="exact")
        X, w = table.drop(columns=["w"]), table["w"] * 1.0
        there = regress.fit(X, X["y"], weights=w, cluster=client)
        with pytest.raises(regress.InputError, match="has the name of a column"):
            regress.fit(X, table["y"], weights=w, cluster=client)
        assert [here.b, *here.w, *here.bse] == [there.b, *there.w, *there.bse]

    @pytest.mark.slow
    def test_rows_that_only_look_dependent_at_first(self, client):
        frame = rows(3000)[["a", "y"]].assign(f=0.0)
        frame["f"] = np.where(np.arange(3000) < 2000, frame["a"] + 0.25, frame["a"] + 0.5)
        frame.loc[::500, ["a", "f"]] = 1e17  # which hides where they differ
        here = regress.fit(frame, "y", precision="exact", over="moments", sample=0)
        there = regress.fit(self.dd(frame, 3), "y", cluster=client, sample=0)
        assert here.rank == 2
        assert known(here) == known(there)

    def test_residuals_that_are_rounding_in_the_first_rows_only(self, client):
        frame = pd.DataFrame({"a": rows(3000)["a"]})
        frame["y"] = frame["a"] + np.where(np.arange(3000) < 2000, 0.0, (-1.0) ** np.arange(3000))
        frame.loc[0] = 1e17
        here = regress.fit(frame, "y", precision="exact", over="moments", sample=0)
        there = regress.fit(self.dd(frame, 3), "y", cluster=client, sample=0)
        assert not any("perfect" in note.lower() for note in here.notes())
        assert known(here) == known(there)

    def test_text_that_looks_like_numbers_at_first(self, client):
        frame = rows(300)
        frame["d"] = np.where(np.arange(300) < 20, "1", "x")
        here = regress.fit(frame, "y", precision="exact", over="moments", sample=0)
        there = regress.fit(self.dd(frame, 3), "y", cluster=client, sample=0)
        assert "d=x" in there.model.names
        assert known(here) == known(there)

    @pytest.mark.parametrize("kind", ["frame", "array"])
    def test_a_collection_is_never_read_here(self, client, kind):
        table = self.dd(rows(50)[["a", "b"]], 2)
        table = table if kind == "frame" else table.to_dask_array(lengths=True)
        with opened(table, None, TableOptions(), Where(client)) as cluster:
            with pytest.raises(regress.InputError, match=f"A cluster reads the Dask {kind}"):
                list(cluster.source.batches([cluster.source.columns[0].name]))
        with pytest.raises(regress.InputError, match=f"A cluster reads the Dask {kind}"):
            regress.compare(table, "b" if kind == "frame" else table[:, 0], cluster=client)

    def test_standard_errors_from_outside_need_the_rows_here(self, client):
        with pytest.raises(regress.InputError, match="cov_type needs the rows here"):
            regress.fit(self.dd(rows(50), 2), "y", cluster=client, cov_type=Own())

    def test_an_array_of_unknown_chunks(self, client):
        frame = rows(200)
        table = self.dd(frame, 3)
        X, y = table[["a", "b"]].to_dask_array(), table["y"].to_dask_array()
        there = regress.fit(X, y, cluster=client)
        here = regress.fit(frame[["a", "b"]].to_numpy(), frame["y"].to_numpy(), precision="exact")
        assert [here.b, *here.w] == [there.b, *there.w]

    def test_the_current_client_is_taken(self, client):
        frame = rows(60)
        with client.as_current():
            there = regress.fit(self.dd(frame, 2), "y")
        assert there.w.tolist() == regress.fit(frame, "y", precision="exact").w.tolist()

    def test_a_collection_needs_a_cluster(self, client, monkeypatch):
        def none(allow_global):
            raise ValueError("there is none")

        monkeypatch.setattr(distributed.Client, "current", none)
        with pytest.raises(regress.InputError, match="needs a cluster"):
            regress.fit(self.dd(rows(20), 2), "y")

    def test_other_partitions_of_the_target_are_refused(self, client):
        frame = rows(60)
        with pytest.raises(regress.InputError, match="has 2 partitions, and the table 3"):
            regress.fit(self.dd(frame, 3), (self.dd(frame, 2)["y"] * 2).rename("z"), cluster=client)


def test_without_dask_the_error_names_the_command_that_installs_it(tmp_path, monkeypatch):
    table = written(tmp_path / "t", rows(9), [])
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "regress.api.cluster.dask_client", raising=False)
    with pytest.raises(MissingDependencyError) as caught:
        regress.fit(table, "y", cluster="local:2")
    assert str(caught.value) == f"cluster needs Dask, which is not installed. Install it with: {INSTALL_DASK}"
