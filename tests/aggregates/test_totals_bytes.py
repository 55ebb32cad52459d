"""Totals as bytes: what is read is what was written, damage is refused, and files merge and are subtracted."""

import math
import struct
import tracemalloc
from fractions import Fraction
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regress.aggregates.exact_sums import ExactSums
from regress.aggregates.totals_bytes import fingerprint, from_bytes, to_bytes
from regress.blocks import Block
from tests.examples import examples

random = np.random.default_rng(4)
BLOCK = Block(
    random.normal(size=(9, 2)) * [1e-300, 1e9], random.normal(size=(9, 1)), random.uniform(size=9), ("ü" * 200, "")
)
START = len(b"regress totals 1\n")


def bytes_of(*blocks):
    sums = ExactSums()
    for block in blocks:
        sums.add(block)
    return to_bytes(sums)


def signed(data):
    """Return bytes with the hash that they should have at their end."""
    return data[:-32] + sha256(data[:-32]).digest()


def refused_or_read(data):
    """Tell whether bytes are read as totals, which then have these bytes and no others."""
    try:
        sums = from_bytes(data)
    except ValueError as error:
        return "damaged" not in str(error)
    assert sums.possible()
    assert to_bytes(sums) == data
    return True


GOOD = bytes_of(BLOCK)
SMALL = bytes_of(Block(np.array([[3.0], [0.5]]), np.array([[-1.0], [7.0]]), None, ("a",)))


def test_names_and_numbers_of_any_length_come_back():
    totals = from_bytes(GOOD).finish()
    assert (totals.columns, totals.targets, totals.rows) == (("", "ü" * 200), 1, 9)
    a = [Fraction(v) for v in BLOCK.weights.tolist()]
    Z = [[Fraction(v) for v in (1.0, x[1], x[0], *y)] for x, y in zip(BLOCK.X.tolist(), BLOCK.Y.tolist(), strict=True)]
    for i in range(4):
        for j in range(4):
            assert totals.fraction(i, j) == sum(w * z[i] * z[j] for w, z in zip(a, Z, strict=True))
        ulps = [Fraction(math.ulp(float(z[i]))) for z in Z]
        assert totals.noise[i] == sum(w * u**2 for w, u in zip(a, ulps, strict=True))
    assert totals.whole.tolist() == [True, False, False, False]
    assert fingerprint(GOOD) == sha256(GOOD[:-32]).hexdigest()


def test_columns_without_names_keep_their_order_and_zeros():
    sums = ExactSums()
    sums.add(BLOCK._replace(columns=None, X=np.c_[BLOCK.X[:, :1], np.zeros(9), BLOCK.X[:, 1:]]))
    back, expected = from_bytes(to_bytes(sums)).finish(), sums.finish()
    assert back.columns is None
    assert [back.fraction(1, j) for j in range(5)] == [expected.fraction(1, j) for j in range(5)]
    assert not back.value[2].any()


def test_no_row_is_written_and_merges():
    empty = to_bytes(ExactSums())
    sums = from_bytes(empty)
    assert sums.rows == 0
    sums.merge(from_bytes(GOOD))
    assert to_bytes(sums) == GOOD
    sums.subtract_sums(from_bytes(GOOD))
    assert to_bytes(sums) == empty
    sums.subtract_sums(from_bytes(empty))
    assert to_bytes(sums) == empty


def test_a_column_that_is_zero_in_all_rows_is_as_one_that_is_not_there():
    wide = BLOCK._replace(X=np.c_[BLOCK.X, np.zeros(9)], columns=(*BLOCK.columns, "z"))
    assert bytes_of(wide) == GOOD
    other = wide._replace(X=wide.X + np.array([0.0, 0.0, 0.1]))
    sums = from_bytes(bytes_of(wide, other))
    assert sums.finish().columns == ("", "z", "ü" * 200)
    sums.subtract_sums(from_bytes(bytes_of(other)))
    assert to_bytes(sums) == GOOD


def test_ordinary_totals_are_small():
    names = tuple(f"x{j}" for j in range(99))
    normal, decimals = random.normal(size=(2000, 100)), np.round(random.normal(size=(2000, 100)) * 1e4, 2)
    for Z in (normal, decimals, normal * 10.0 ** random.integers(-9, 9, 100)):
        assert len(bytes_of(Block(Z[:, :20], Z[:, 20:21], None, names[:20]))) < 8_000
        assert len(bytes_of(Block(Z[:, :99], Z[:, 99:], None, names))) < 140_000
    mixed = normal.copy()
    mixed[:2, 0] = 1e300, 1e-300  # which makes only the entries of its column long
    assert len(bytes_of(Block(mixed[:, :99], mixed[:, 99:], None, names))) < 300_000


def test_every_beginning_and_every_continuation_is_refused():
    for end in range(len(GOOD)):
        with pytest.raises(ValueError, match=r"not exact totals|damaged"):
            from_bytes(GOOD[:end])
    for end in range(len(GOOD) - 32):
        with pytest.raises(ValueError, match=r"not exact totals|damaged"):
            from_bytes(signed(GOOD[:end] + bytes(32)))
    with pytest.raises(ValueError, match="damaged"):
        from_bytes(GOOD + b"\0")
    with pytest.raises(ValueError, match="damaged: they go on"):
        from_bytes(signed(GOOD[:-32] + b"\0" + bytes(32)))


def test_every_changed_byte_is_refused_and_where_the_hash_fits_has_other_totals_that_are_possible():
    read = 0
    for at in range(len(SMALL) - 32):
        for bit in (1, 2, 4, 8, 16, 32, 64, 128):
            changed = SMALL[:at] + bytes([SMALL[at] ^ bit]) + SMALL[at + 1 :]
            with pytest.raises(ValueError, match=r"not exact totals|their hash differs"):
                from_bytes(changed)
            read += at >= START and refused_or_read(signed(changed))
    assert 100 < read < 8 * (len(SMALL) - 32) / 2
    for at in range(len(SMALL) - 32, len(SMALL)):
        with pytest.raises(ValueError, match="their hash differs"):
            from_bytes(SMALL[:at] + bytes([SMALL[at] ^ 1]) + SMALL[at + 1 :])


@settings(deadline=None, max_examples=examples(300), derandomize=True)
@given(st.integers(START, len(GOOD) - 32), st.binary(max_size=3), st.integers(0, 3))
def test_changed_bytes_of_the_right_hash_are_refused_or_are_other_totals(at, new, gone):
    refused_or_read(signed(GOOD[:at] + new + GOOD[min(at + gone, len(GOOD) - 32) :]))


def numbers(digits):
    """Return numbers written as digits by level and place, {level: {place: digit}}, of at most eight."""
    at = sorted(digits)
    masks = b"".join(bytes([sum(1 << i for i in digits[level])]) for level in at)
    cells = b"".join(digits[level][i].to_bytes(3, "little", signed=True) for level in at for i in sorted(digits[level]))
    return struct.pack("<q", len(at)) + b"".join(struct.pack("<h", level) for level in at) + masks + cells


def written(products, squares, *, rows=1, inexact=(0, 0), names=("a",), head=None):
    texts = [name.encode() for name in names]
    head = head or (rows, 0, len(texts), 1, sum(map(len, texts)), 0)
    parts = [struct.pack("<6q", *head), *(struct.pack("<I", len(text)) for text in texts), *texts]
    parts += [struct.pack("<q", count) for count in inexact]
    data = SMALL[:START] + b"".join(parts) + numbers(products) + numbers(squares) + bytes(32)
    return signed(data)


def test_what_no_rows_have_is_refused():
    one = {0: {0: 1, 1: 3, 2: 9}}, {0: {0: 1, 1: 4}}  # the row a = 3
    assert from_bytes(written(*one)).finish().fraction(0, 1) == 3
    refused = {
        "Σa < 0": ({0: {0: -1, 1: 3, 2: 9}}, {0: {0: -1, 1: 4}}),
        "a negative square": ({0: {0: 1, 1: 3, 2: -9}}, one[1]),
        "a negative variance": ({0: {0: 1, 1: 4, 2: 9}}, one[1]),
        "a negative ulp": (one[0], {0: {0: 1, 1: -4}}),
        "1 has another ulp": (one[0], {0: {0: 2, 1: 4}}),
        "a cell too large for its ulp": (one[0], {0: {0: 1, 1: 2}}),
        "no ulp": (one[0], {0: {0: 1}}),
        "zeros have no ulp": ({0: {0: 1}}, one[1]),
        "a named column of zeros": ({0: {0: 1}}, {0: {0: 1}}),
        "a digit above 2^22": ({0: {0: 1, 1: 3, 2: 2**22}}, {0: {0: 1, 1: 2**21}}),
        "a digit below -2^22": ({-1: {2: 2}, 0: {0: 1, 1: 3, 2: -(2**22) - 1}}, {0: {0: 1, 1: 2**22 - 1}}),
        "a digit that is zero": ({0: {0: 1, 1: 3, 2: 9}, 1: {0: 0}}, one[1]),
        "a level without digits": ({0: {0: 1, 1: 3, 2: 9}, 1: {}}, one[1]),
        "a bit beyond the numbers": ({0: {0: 1, 1: 3, 2: 9, 3: 1}}, one[1]),
        "beyond doubles": ({-146: {2: 9}, 0: {0: 1, 1: 3}}, {-146: {1: 4}, 0: {0: 1}}),
    }
    for why, sums in refused.items():
        with pytest.raises(ValueError, match="damaged"):
            pytest.fail(f"{why}: {from_bytes(written(*sums)).finish()}")
    for options in (
        {"rows": 0},
        {"rows": -1},
        {"rows": 2**53 + 1},
        {"inexact": (0, 2)},
        {"inexact": (0, -1)},
        {"inexact": (1, 0)},
        {"head": (1, 0, 1, 2, 1, 0)},
        {"head": (1, 0, 1, 1, 1, -1)},
        {"head": (1, 0, 1, 1, 1, 2**11)},
        {"head": (1, 0, 1, 1, 2, 0)},
        {"head": (1, 0, 1, 1, -1, 0)},
        {"head": (1, -1, 1, 1, 1, 0)},
        {"head": (1, 0, 2**62, 1, 1, 0)},
        {"names": ("\ud800",), "head": (1, 0, 1, 0, 3, 0)},
    ):
        with pytest.raises((ValueError, UnicodeEncodeError), match=r"damaged|surrogates"):
            pytest.fail(f"{options}: {from_bytes(written(*one, **options)).finish()}")


def test_levels_are_in_order_and_come_once():
    data = written({0: {0: 1, 1: 3, 2: 9}, 77: {2: 1}, 78: {2: 1}}, {0: {0: 1, 1: 4}})
    order = struct.pack("<2h", 77, 78)
    assert from_bytes(data).rows == 1
    assert data.count(order) == 1
    for other in ((78, 77), (77, 77)):
        with pytest.raises(ValueError, match="their digits"):
            from_bytes(signed(data.replace(order, struct.pack("<2h", *other))))


def test_a_matrix_with_a_negative_eigenvalue_is_refused():
    # [1, a, b] with a² = b² = 1 and ab = −1 each time, and yet Σa = Σb = 1 of one row
    signs = {0: {0: 1, 1: 1, 2: 1, 3: 1, 4: -1, 5: 1}}
    with pytest.raises(ValueError, match="no rows have them"):
        from_bytes(written(signs, {0: {0: 1, 1: 1, 2: 1}}, names=("a", "b"), inexact=(0, 0, 0)))
    signs[0][4] = 1
    assert from_bytes(written(signs, {0: {0: 1, 1: 1, 2: 1}}, names=("a", "b"), inexact=(0, 0, 0))).rows == 1


def test_names_are_in_order_and_come_once():
    data = bytes_of(BLOCK._replace(columns=("a", "b")))
    assert from_bytes(data).finish().columns == ("a", "b")
    for names in (b"aa", b"ba", b"a\xff"):
        with pytest.raises(ValueError, match="name"):
            from_bytes(signed(data.replace(b"ab", names)))
    surrogate = bytes_of(BLOCK._replace(columns=("a", "\ud800")))
    assert from_bytes(surrogate).finish().columns == ("a", "\ud800")


@pytest.mark.parametrize("field", range(1, 6))
@pytest.mark.parametrize("count", [2**20, 2**31, 2**40, 2**63 - 1, -1, -(2**63)])
def test_bytes_that_claim_much_get_no_memory(field, count):
    head = list(struct.unpack_from("<6q", SMALL, START))
    head[field] = count
    hostile = signed(SMALL[:START] + struct.pack("<6q", *head) + SMALL[START + 48 :])
    assert peak_of(hostile) < 100_000


def test_memory_is_bounded_by_the_length_of_the_bytes():
    p, count = 400, 200  # a digit at each level: as little as so many levels can have
    size = p * (p + 1) // 2
    at = np.arange(-100, 100)
    products = struct.pack("<q", count) + at.astype("<i2").tobytes()
    products += (b"\1" + bytes(-(-size // 8) - 1)) * count + b"\1\0\0" * count
    data = SMALL[:START] + struct.pack("<6q", 1, 0, p - 1, 0, 0, 0) + bytes(8 * p) + products
    data += struct.pack("<q", 1) + struct.pack("<h", 0) + b"\1" + bytes(p // 8 - 1) + b"\1\0\0" + bytes(32)
    assert peak_of(signed(data)) < 250 * len(data)


def peak_of(data):
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="damaged"):
            from_bytes(data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
