"""Arrow streams: read batch by batch, whatever their batches are, and anew for each pass."""

import pickle

import numpy as np
import polars as pl
import pytest
from polars.io.plugins import register_io_source

import regress
from regress.errors import InputError, TableError
from regress.sources.open import open_table

ROWS = 200_000
FRAME = pl.DataFrame({"k": ["a", "b", "b", None] * 50_000, "x": np.arange(ROWS) % 97.0, "n": range(ROWS)}).with_columns(
    y=2 * pl.col("x") + (pl.col("n") % 11)
)


class Stream:
    """Speaks the Arrow stream protocol and nothing else; gives other rows at each call if it has several frames."""

    def __init__(self, *frames):
        self._frames, self.calls = frames, 0

    def __arrow_c_stream__(self, requested_schema=None):
        self.calls += 1
        return self._frames[min(self.calls, len(self._frames)) - 1].__arrow_c_stream__(requested_schema)


class Lazy:
    """Makes its rows in Python, which needs the lock that the reader must let go of, as they are asked for."""

    def __init__(self):
        self.made = 0

    def _make(self, *_):
        for frame in FRAME.iter_slices(5000):
            self.made += 1
            yield frame

    def __arrow_c_stream__(self, requested_schema=None):
        lazy = register_io_source(self._make, schema=FRAME.schema)
        return lazy.collect_batches(lazy=True, chunk_size=5000).__arrow_c_stream__(requested_schema)


def cut(size):
    return pl.concat([frame.clone() for frame in FRAME.iter_slices(size)], rechunk=False)


@pytest.mark.parametrize(
    "table",
    [
        Stream(FRAME.rechunk()),
        Stream(cut(3000)),
        Stream(cut(70_000)),
        Stream(pl.concat([FRAME.clear(), FRAME, FRAME.clear()], rechunk=False)),
        Lazy(),
    ],
    ids=["one batch", "small ones", "large ones", "empty ones", "made in Python"],
)
def test_a_stream_is_read_as_its_frame_is(table):
    fit, same = (regress.fit(one, "y", drop=["n"], missing="drop", cov_type="HC1") for one in (table, FRAME))
    assert (fit.names, fit.w.tolist(), fit.b, fit.tally) == (same.names, same.w.tolist(), same.b, same.tally)
    assert fit.coefficients.equals(same.coefficients)
    source = open_table(table)
    batches = [(batch.first, batch.rows) for batch in source.batches(["x"])]
    assert max(rows for _, rows in batches) <= 2**16
    assert sum(rows for _, rows in batches) == ROWS


def test_rows_come_as_they_are_asked_for():
    table = Lazy()
    batches = open_table(table).batches(["x"])
    next(batches)
    read = table.made
    assert read < ROWS // 5000
    batches.close()
    assert sum(batch.rows for batch in open_table(table).batches(["x"], limit=100)) == 100


def test_an_empty_stream_has_columns():
    source = open_table(Stream(FRAME.clear()))
    assert [c.name for c in source.columns] == ["k", "x", "n", "y"]
    assert sum(batch.rows for batch in source.batches(["x"])) == 0
    with pytest.raises(InputError, match="There is no row"):
        regress.fit(Stream(FRAME.clear()), "y")


@pytest.mark.parametrize(
    ("second", "calls"),  # the first call is for the columns, the second for the rows
    [(other, calls) for other in (FRAME.clear(), FRAME.slice(150), FRAME.reverse()) for calls in (1, 2)]
    + [(FRAME.head(70_000), 2)],
)
def test_a_stream_that_gives_other_rows_later_is_refused(second, calls):
    with pytest.raises(TableError, match=r"This Stream gives other rows when it is read again\. Pass a table that"):
        regress.fit(Stream(*[FRAME] * calls, second), "y", drop=["n"], missing="drop", cov_type="HC1")


def test_what_the_stream_says_is_passed_on():
    class Spent:
        def __arrow_c_stream__(self, requested_schema=None):
            raise RuntimeError("the cursor is closed.")

    with pytest.raises(TableError, match=r"This Spent cannot be read as a table: the cursor is closed\. Pass a table"):
        regress.fit(Spent(), "y")
    double = FRAME.select("x", pl.struct("x", "n").alias("s"))
    assert [c.kind for c in open_table(Stream(double)).columns] == ["number", "unusable"]


def test_what_cannot_be_sent_says_so():
    class Connection(Stream):
        def __reduce_ex__(self, protocol):
            raise TypeError("cannot pickle 'Connection' object")

    (partition,) = open_table(Connection(FRAME)).partitions()
    with pytest.raises(InputError, match=r"This Connection cannot be sent to another process\. Write it to a file"):
        pickle.dumps(partition)
    (partition,) = open_table(Stream(FRAME)).partitions()
    sent = pickle.loads(pickle.dumps(partition))
    assert sum(batch.rows for batch in sent.batches({"x": "number"})) == ROWS
