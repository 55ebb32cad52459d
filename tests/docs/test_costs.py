"""The costs of many rows are arithmetic on the benchmarks' figures, and the page shows what follows from them."""

from fractions import Fraction

import pytest

import costs
import marked
from regress.api.cluster import run

PAGE = """<!-- benchmark:csv -->
Some machine, 4 CPUs; linux

**csv: 1,000,000 × 5, 0.10 GB**

| tool | median | ratio | peak memory | off by | limits |
|---|---|---|---|---|---|
| regress fit | 200 ms | base | 300 MB | 0 |  |
| regress fit, exact | 250 ms | 1.25× regress fit | 300 MB | 0 |  |
<!-- /benchmark:csv -->
"""


def test_the_page_shows_what_follows_from_the_benchmarks():
    figures = costs.measured(costs.BENCHMARKS.read_text(encoding="utf-8"))
    shown = marked.split(costs.PAGE.read_text(encoding="utf-8"), "costs")[1]
    assert shown == costs.text(figures), "Run python scripts/costs.py --write."


def test_the_arithmetic():
    found = costs.measured(PAGE)
    assert (found.cpus, found.rows, found.columns, found.size, found.seconds) == (4, 10**6, 5, 1e8, 0.25)
    assert (found.a_row, found.rate) == (100.0, 1e8)
    times, merges = (costs.rows(part) for part in costs.text(found).split("A part has"))
    size = Fraction(100) * 10**12
    assert times[-1] == ["1e12", "100 TB", "12 days", "17 h", "17 min", "100 s"]
    assert merges[-1][:3] == ["1e12", f"{-(-size // 2**25):,}", f"{-(-size // 2**28):,}"]
    levels = int(merges[-1][3])
    assert 8 ** (levels - 1) < size / 2**28 <= 8**levels


def test_a_task_is_that_of_the_engine():
    assert costs.TASK == run._BYTES


@pytest.mark.parametrize("old", ["0.10 GB", "4 CPUs"])
def test_a_page_without_the_figures_is_an_error(old):
    with pytest.raises(ValueError, match="no table of csv"):
        costs.measured(PAGE.replace(old, "much"))


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.0123, "0.012 s"), (1.0, "1 s"), (119, "120 s"), (7200, "2 h"), (9e7, "2.9 years")]
)
def test_durations(seconds, told):
    assert costs.duration(seconds) == told
