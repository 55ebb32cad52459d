"""Tables of many files, of which a cluster's client opens the first: each worker opens its own."""

import gzip
import io
import json
import os
import pickle
import warnings
from contextlib import nullcontext

import numpy as np
import pandas as pd
import polars as pl
import pytest

import regress
from regress.api.cluster import files as clusters
from regress.sources import files, unopened

pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("ignore:R² on held-out rows is negative")


class Nearby:
    """A cluster that is this process: everything goes through pickle, and each part is read alone."""

    def __init__(self):
        self.rounds = 0
        self.here, self.there, self.working, self.before = [], [], False, lambda work: None

    def reduce(self, units, job, address, **options):
        """Do the work of all units, in an order of its own; the first error in their order counts."""
        total, errors = None, {}
        self.rounds += 1
        assert self.rounds < 12
        self.working = True
        for k in [*range(1, len(units), 2), *range(0, len(units), 2)]:
            fold, work = pickle.loads(pickle.dumps((job.fold, units[k].work)))
            self.before(work)
            try:
                one = pickle.loads(pickle.dumps(fold(work, lambda *told: None)))
            except Exception as error:
                errors[k] = pickle.loads(pickle.dumps(error))
                continue
            if total is None:
                total = one
            else:
                total.merge(one)
        self.working = False
        if errors:
            raise errors[min(errors)]
        assert total.parts == {unit.key for unit in units}
        return total

    def open_file(self, file, *more, opener=unopened.open_file):
        """Open a file, and note where."""
        (self.there if self.working else self.here).append(file.name)
        return opener(file, *more)


@pytest.fixture
def nearby(monkeypatch):
    """A cluster in this process, where two files are many."""
    cluster = Nearby()
    monkeypatch.setattr(files, "_FEW", 1)
    for module in (files, unopened):
        monkeypatch.setattr(module, "open_file", cluster.open_file)
    monkeypatch.setattr("regress.api.cluster.dask_client.client_of", lambda *_: nullcontext(cluster))
    monkeypatch.setattr("regress.api.cluster.dask_engine.reduce", cluster.reduce)
    return cluster


def known(fit):
    """All that is known of a fit, but for how it was asked and how its files are written."""
    told = fit.to_dict()
    for name in ("source", "options", "precision_reason", "read_as"):
        told.pop(name, None)
    return json.dumps(told, sort_keys=True)


def outcome(table, **options):
    """A fit, or the message of its error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            return known(regress.fit(table, "y", **options))
        except regress.InputError as error:
            return str(error)


def both(table, nearby, **options):
    """What one process and a cluster make of a table."""
    here = outcome(table, precision="exact", over="moments", **options)
    nearby.here.clear()
    return here, outcome(table, cluster="nearby", **options)


def frame(count=40, seed=0):
    """Rows with numbers and text."""
    random = np.random.default_rng(seed)
    table = pd.DataFrame({"a": random.normal(size=count).round(3), "k": random.choice(list("pqr"), count)})
    table["d"] = random.integers(1, 99, count)
    table["y"] = (table["a"] + 0.1 * table["d"] + random.normal(size=count)).round(3)
    return table


def written(folder, kinds, first="plain"):
    """Write files of the kinds named, behind a first one; the address of all."""
    for k, kind in enumerate([first, *kinds]):
        name, content = KINDS[kind](frame(seed=k))
        (folder / f"part{k}{name}").write_bytes(content.encode() if isinstance(content, str) else content)
    return str(folder / "part*")


def parquet(table, **changed):
    """The bytes of a Parquet file."""
    file = pl.DataFrame({**{name: table[name].to_list() for name in table}, **changed})
    stream = io.BytesIO()
    file.write_parquet(stream)
    return stream.getvalue()


def rows(table, at, **cells):
    """CSV with other cells in some rows."""
    table = table.astype(dict.fromkeys(cells, object))
    for name, cell in cells.items():
        table.loc[at, name] = cell
    return table.to_csv(index=False)


KINDS = {
    "plain": lambda t: (".csv", t.to_csv(index=False)),
    "shuffled": lambda t: (".csv", t[["y", "d", "a", "k"]].to_csv(index=False)),
    "semicolon": lambda t: (".csv", t.to_csv(index=False, sep=";", decimal=",")),
    "gzip": lambda t: (".csv.gz", gzip.compress(t.to_csv(index=False).encode())),
    "utf16": lambda t: (".csv", t.to_csv(index=False).encode("utf-16")),
    "json": lambda t: (".jsonl", t.to_json(orient="records", lines=True)),
    "parquet": lambda t: (".parquet", parquet(t)),
    "header": lambda t: (".csv", "a,k,d,y\n"),
    "text": lambda t: (".csv", rows(t, t.index, d="u")),
    "late": lambda t: (".csv", rows(pd.concat([t] * 12, ignore_index=True), 470, d="u")),
    "few": lambda t: (".csv", rows(t, t.index[::5], d="u")),
    "mixed": lambda t: (".csv", rows(t, t.index[::6], k=7)),
    "numbers": lambda t: (".csv", rows(t, t.index, k=7)),
    "boolean": lambda t: (".csv", rows(t, t.index, k="true")),
    "blank": lambda t: (".csv", rows(t, t.index, a="")),
    "long": lambda t: (".csv", pd.concat([t] * 40).drop(columns="k").assign(k="p").to_csv(index=False, sep=";")),
    "words": lambda t: (".parquet", parquet(t, d=[str(x) for x in t["d"]])),
    "typed": lambda t: (".jsonl", t.assign(d="u").to_json(orient="records", lines=True)),
    "untyped": lambda t: (
        ".jsonl",
        pd.concat([t.assign(d=1)] * 50 + [t.assign(d="u")]).to_json(orient="records", lines=True),
    ),
    "fewer": lambda t: (".csv", t.drop(columns="d").to_csv(index=False)),
    "more": lambda t: (".csv", t.assign(z=1).to_csv(index=False)),
    "empty": lambda t: (".csv", ""),
    "headless": lambda t: (".csv", t.to_csv(index=False, header=False)),
    "bad": lambda t: (".csv", rows(t, 30, a="oops")),
}
TABLES = [
    ["plain"] * 4,
    ["shuffled", "semicolon", "gzip", "utf16", "plain"],
    ["json", "parquet", "plain"],
    ["header", "plain", "header"],
    ["plain", "text", "plain"],
    ["plain", "late"],
    ["late", "text", "semicolon"],
    ["few", "plain", "numbers"],
    ["numbers", "numbers"],
    ["boolean", "plain"],
    ["blank", "blank"],
    ["words", "plain"],
    ["typed", "plain"],
    ["untyped", "typed"],
    ["untyped", "plain"],
    ["plain", "fewer", "more"],
    ["bad", "plain", "more"],
    ["bad", "plain"],
    ["plain", "empty", "bad"],
    ["headless", "plain"],
]


@pytest.mark.parametrize("kinds", TABLES, ids="-".join)
@pytest.mark.parametrize("options", [{}, {"categorical": ["d"], "missing": "drop"}], ids=str)
def test_the_client_opens_one_file_and_the_fit_is_that_of_one_process(tmp_path, nearby, kinds, options):
    here, there = both(written(tmp_path, kinds), nearby, **options)
    assert there == here
    assert nearby.here == ["part0.csv"]


def test_an_error_is_that_of_all_files(tmp_path, nearby):
    here, there = both(written(tmp_path, ["untyped", "json", "typed"], first="json"), nearby)
    assert there == here
    assert "cannot be used as it is" in there


def test_what_was_decided_stays_when_files_are_opened(tmp_path, nearby):
    here, there = both(written(tmp_path, ["plain"] * 3, first="mixed"), nearby, categorical=["d"])
    assert there == here
    assert "d=12" in json.loads(there)["coef"]


def test_options_of_files_hold_for_those_that_workers_open(tmp_path, nearby):
    options = {"delimiter": ";", "decimal": ",", "na_values": ["7"], "missing": "drop", "encoding": "cp1252"}
    for k in range(3):
        table = frame(seed=k).assign(k="é").to_csv(index=False, sep=";", decimal=",")
        (tmp_path / f"part{k}.csv").write_text(table, encoding="cp1252")
    here, there = both(str(tmp_path), nearby, drop=["k"], **options)
    assert there == here
    assert json.loads(there)


def test_notes_on_files_that_workers_open_are_kept(tmp_path, nearby):
    for k in range(3):
        table = frame(seed=k).assign(y=range(40))
        table.assign(a="1,234" if k == 2 else table["a"]).to_csv(
            tmp_path / f"part{k}.csv", index=False, sep=";", decimal=","
        )
    here, there = both(str(tmp_path), nearby, decimal=",")
    assert there == here
    assert "part2.csv" in there


def test_a_decimal_mark_that_late_rows_show_is_found(tmp_path, nearby):
    for k in range(4):
        table = pd.DataFrame({"a": range(1500), "y": np.arange(1500) ** 2 % 17}).astype(object)
        table.loc[1400, "a"] = "1,5" if k == 2 else 2
        table.to_csv(tmp_path / f"part{k}.csv", index=False, sep=";")
    here, there = both(str(tmp_path), nearby)
    assert there == here
    assert json.loads(there)


def test_bad_rows_of_files_that_workers_open_are_skipped(tmp_path, nearby):
    table = written(tmp_path, ["bad", "plain", "bad", "late"])
    options = {"on_bad_lines": "skip", "categorical": ["d"]}
    here, there = both(table, nearby, rejects=tmp_path.with_suffix(".csv"), **options)
    assert there == here
    assert [line[:13] for line in tmp_path.with_suffix(".csv").read_text().splitlines()[1:]] == [
        "part1.csv,32,",
        "part3.csv,32,",
    ]
    mostly = rows(frame(), frame().index[:30], y="oops")
    (tmp_path / "part2.csv").write_text(mostly)
    here, there = both(table, nearby, **options)
    assert there == here
    assert "part2.csv: 30 of 40 rows cannot be used" in there


@pytest.mark.parametrize("change", ["replaced", "touched", "removed", "emptied"])
def test_a_file_that_changes_after_it_was_listed_is_refused(tmp_path, nearby, change):
    table = written(tmp_path, ["plain", "plain", "plain"])
    path = tmp_path / "part2.csv"

    def alter(work):
        if change == "replaced":
            (tmp_path / "new").write_text(rows(frame(), 3, a=9))
            os.replace(tmp_path / "new", path)
        elif change == "touched":
            os.utime(path, ns=(1, 1))
        elif change == "removed":
            path.unlink(missing_ok=True)
        else:
            path.write_text("")

    nearby.before = alter
    there = outcome(table, cluster="nearby")
    assert there == "part2.csv changed while it was read. Read it again when no program writes to it."


def test_few_files_are_opened_by_the_client(tmp_path, nearby, monkeypatch):
    monkeypatch.setattr(files, "_FEW", 3)
    both(written(tmp_path, ["plain", "plain"]), nearby)
    assert (len(nearby.here), nearby.there) == (3, [])
    both(written(tmp_path, ["plain", "plain", "plain"]), nearby)
    assert (len(nearby.here), len(nearby.there)) == (1, 3)


def test_large_files_are_opened_by_workers_and_cut_into_ranges(tmp_path, nearby, monkeypatch):
    monkeypatch.setattr(clusters, "RANGE", 2000)
    table = written(tmp_path, ["late", "gzip", "semicolon", "late", "parquet"])
    here, there = both(table, nearby)
    assert there == here
    assert [nearby.there.count(name) for name in ("part1.csv", "part4.csv")] == [1, 1]


def test_a_file_read_in_smaller_blocks_gives_the_same(tmp_path, nearby):
    table = files.open_files(written(tmp_path, ["plain", "late"]), first_only=True)
    part = table.partitions()[2].smaller()
    assert part.opened().block == part.block > 0 == table.partitions()[0].block
    kinds = {"a": "number", "d": "text"}
    assert [b.texts("d") for b in part.batches(kinds)] == [b.texts("d") for b in part.opened().batches(kinds)]
