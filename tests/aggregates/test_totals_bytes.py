"""Totals as bytes: what is read is what was written, and damaged bytes are refused."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from regress.aggregates.exact_sums import exact_totals
from regress.aggregates.totals_bytes import from_bytes, to_bytes
from regress.blocks import Block

random = np.random.default_rng(4)
BLOCK = Block(
    random.normal(size=(9, 2)) * [1e-300, 1e9], random.normal(size=(9, 1)), random.uniform(size=9), ("ü" * 200, "")
)
GOOD = to_bytes(exact_totals([BLOCK]))


def test_names_and_numbers_of_any_length_come_back():
    totals = from_bytes(GOOD)
    assert (totals.columns, totals.targets, totals.rows) == (("", "ü" * 200), 1, 9)
    again = exact_totals([BLOCK]).select(totals.columns)
    p = range(4)
    assert [[totals.fraction(i, j) for j in p] for i in p] == [[again.fraction(i, j) for j in p] for i in p]
    assert totals.ulps.tolist() == again.ulps.tolist()
    assert totals.whole.tolist() == again.whole.tolist()


def test_columns_without_names_keep_their_order():
    nameless = exact_totals([BLOCK._replace(columns=None)])
    assert from_bytes(to_bytes(nameless)).columns is None
    assert from_bytes(to_bytes(nameless)).fraction(0, 2) == nameless.fraction(0, 2)


def test_every_beginning_is_refused():
    for end in range(len(GOOD)):
        with pytest.raises(ValueError, match=r"not exact totals|damaged|strict"):
            from_bytes(GOOD[:end])
    with pytest.raises(ValueError, match="damaged"):
        from_bytes(GOOD + b"\0")


@settings(deadline=None, max_examples=400, derandomize=True)
@given(st.integers(0, len(GOOD) - 1), st.binary(max_size=3), st.integers(0, 3))
@example(17, b"\x08" + b"\xff" * 7 + b"\x7f", 2)  # targets beyond all memory
@example(19, b"\x01\x00", 2)  # 0 rows, written longer than need be
def test_changed_bytes_are_refused_or_are_other_totals(at, new, gone):
    changed = GOOD[:at] + new + GOOD[at + gone :]
    try:
        totals = from_bytes(changed)
    except ValueError:
        return
    assert to_bytes(totals) == changed


def test_what_no_rows_have_is_refused():
    header, number = b"regress totals 1\n", {0: b"\0", 1: b"\1\1", -1: b"\1\xff", 3: b"\1\3"}
    one = b"".join([header, number[0], number[1], number[0], number[0], number[1]])  # no targets, a row, no columns
    ulp, weight = number[1] + b"\1\x98", number[1] + number[0]
    assert from_bytes(one + ulp + weight).fraction(0, 0) == 1
    for sums in (
        ulp + number[-1] + number[0],  # a negative square
        number[-1] + number[0] + weight,
        ulp + number[0] + number[1],  # zeros have no exponent
        ulp + b"\1\2" + number[0],  # 2 is 1·2
        ulp + number[1] + b"\3\xff\xff\x7f",  # an exponent that would fill the memory
        ulp + number[1] + b"\2\1\0",  # 1, written longer than need be
    ):
        with pytest.raises(ValueError, match="damaged"):
            from_bytes(one + sums)
    with pytest.raises(ValueError, match="not exact totals"):
        from_bytes(b"regress totals 2\n" + (one + ulp + weight)[len(header) :])


def test_a_name_may_not_come_twice():
    twice = to_bytes(exact_totals([BLOCK._replace(columns=("a", "b"))])).replace(b"\1a\1b", b"\1a\1a")
    with pytest.raises(ValueError, match="damaged"):
        from_bytes(twice)
