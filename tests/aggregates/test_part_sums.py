"""Sums over partitions: they merge in any order, and a partition counts once."""

from collections import Counter
from copy import deepcopy

import numpy as np
import pytest

from regress.aggregates.part_sums import PartSums, add_logs
from regress.api.read import read_sums
from regress.api.sums import Reading
from regress.blocks import Block, Decimals
from regress.errors import InputError
from regress.numerics.whole_sum import WholeSum
from regress.options import TableOptions

random = np.random.default_rng(2024)
READING = Reading("moments", 1, "exact", summed=True)


def sums(rows: int, part: str = "", **columns: object) -> PartSums:
    table = {"x": random.normal(size=rows), "g": random.choice(list("abc"), rows), "y": random.normal(size=rows)}
    found = read_sums(table | columns, "y", TableOptions(), READING)[1]
    found.parts = frozenset([part] if part else [])
    return found


def test_a_partition_counts_once():
    one, other = sums(5, "a"), sums(5, "b")
    one.merge(other)
    assert one.parts == {"a", "b"}
    with pytest.raises(ValueError, match="b would count twice"):
        one.merge(other)
    one.subtract(other)
    assert one.parts == {"a"}


@pytest.mark.parametrize("what", ["rows", "levels"])
def test_rows_that_are_not_there_are_not_taken_away(what):
    one = sums(10, g=np.array(list("aabbaabbaa")))
    other = sums(11) if what == "rows" else sums(2, g=np.array(["z", "z"]))
    with pytest.raises(InputError):
        deepcopy(one).subtract(other)


def test_levels_without_a_row_are_forgotten():
    one, other = sums(4, g=np.array(list("abab"))), sums(2, g=np.array(list("bc")))
    week = deepcopy(one)
    week.merge(other)
    assert {*week.counted.levels()["g"]} == {*"abc"}
    week.subtract(other)
    assert week.counted.levels() == one.counted.levels()
    assert week.seen.levels == {"g": Counter("abab")}
    assert week.sample.finish() is None


def test_columns_that_turn_up_have_no_value_so_far():
    week = sums(4).over(["g", "new"], ["flag"])
    assert week.counted.training["new"] == {}
    assert week.counted.flags == {"flag": (0.0, 0.0)}
    assert set(sums(4).over([], []).counted.training) == set()


def test_logs_of_weights_are_those_of_the_weights_as_written():
    block = Block(np.ones((2, 1)), np.ones((2, 1)), np.array([25.0, 150.0]))
    plain, written = WholeSum(), WholeSum()
    add_logs(plain, block._replace(weights=np.array([0.25, 1.5])))
    add_logs(written, block._replace(decimals=Decimals((0,), (0,), 2)))
    assert written.fraction == plain.fraction
