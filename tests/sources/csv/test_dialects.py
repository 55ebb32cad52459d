"""Random tables in random dialects and blocks of any size: what Python's csv and fractions say is what is read."""

import csv
import gzip
import io
import itertools
import tempfile
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from backports import zstd
from hypothesis import example, given, settings
from hypothesis import strategies as st

import regress
from regress.errors import InputError
from regress.options import FileOptions
from regress.sources.base import MISSING
from regress.sources.csv import stream
from regress.sources.files import open_files
from tests.examples import examples
from tests.tables import cells

PACK = {"": bytes, ".gz": lambda b: gzip.compress(b, 1), ".zst": zstd.compress}


@contextmanager
def blocks_of(size):
    """Read blocks of so many bytes; None for as many as ever."""
    with pytest.MonkeyPatch.context() as patch:
        if size is not None:
            patch.setattr(stream, "BLOCK", size)
            patch.setattr(stream, "_LOOK", max(size // 2, 1))
        yield


@contextmanager
def written(content, pack=""):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"t.csv{pack}"
        path.write_bytes(PACK[pack](content))
        yield path


def read(path, **options):
    """Columns by name, rows that are bad, and the line of each row; refusals as their text."""
    try:
        source = open_files(path, FileOptions(**options))
        columns, bad, source = cells(source)
        return columns, bad, [source.place(path.name, i) for i in range(len(bad))]
    except InputError as error:
        return str(error)


# Cells: the text that is written, and the number that it is.

MANY_DIGITS = st.text("0123456789", min_size=1, max_size=30)
SIGNS = st.sampled_from(["", "-", "+"])


@st.composite
def notations(draw):
    """A number in some notation, with a decimal point."""
    whole = draw(MANY_DIGITS) if draw(st.booleans()) else str(draw(st.integers(0, 10**6)))
    text = draw(st.sampled_from([whole, f"{whole}.{draw(MANY_DIGITS)}", repr(draw(st.floats(0, 1e300)))]))
    if "e" not in text and draw(st.booleans()):
        text += draw(st.sampled_from("eE")) + draw(SIGNS) + str(draw(st.integers(0, 25)))
    blank = draw(st.sampled_from(["", "", "", " ", "\t"]))
    return blank + draw(SIGNS) + text + blank


def rounded(text):
    return float(Fraction(text.strip()))


words = st.text(st.sampled_from("ab é,;|\t\"'\n.5-"), min_size=1, max_size=7).map(lambda t: f"w{t}w")
columns_of = {
    "number": st.one_of(notations(), st.sampled_from(["", "NA", "NULL"])),
    "text": st.one_of(words, st.sampled_from(["", "NA", "NaN"])),
    "boolean": st.sampled_from(["true", "False", "TRUE", "false", ""]),
}
FIRST = {"number": "1.5", "text": "first", "boolean": "true"}


@st.composite
def dialects(draw):
    delimiter = draw(st.sampled_from(",;\t|"))
    return {
        "delimiter": delimiter,
        "quotechar": draw(st.sampled_from("\"'")),
        "quoting": draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])),
        "lineterminator": draw(st.sampled_from(["\n", "\r\n"])),
        "decimal": draw(st.sampled_from(".,")),
        "header": draw(st.booleans()),
        "encoding": draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252"])),
        "pack": draw(st.sampled_from(list(PACK))),
        "blank": draw(st.sets(st.integers(0, 10), max_size=3)),
        "ended": draw(st.booleans()),
    }


@st.composite
def tables(draw):
    kinds = draw(st.lists(st.sampled_from(list(columns_of)), min_size=2, max_size=4))
    rows = draw(st.lists(st.tuples(*(columns_of[k] for k in kinds)), max_size=8))
    return kinds, [[FIRST[k] for k in kinds], *map(list, rows)]


class Number(float):
    """A float for the csv writer, which leaves it without quotes, that is written as the text says."""

    def __new__(cls, text):
        made = super().__new__(cls, 0.0)
        made.text = text
        return made

    def __repr__(self):
        return self.text

    __str__ = __repr__


def write(kinds, rows, d):
    """The file's bytes, and the line in which each row begins."""
    text, lines = io.StringIO(newline=""), []
    form = {k: d[k] for k in ("delimiter", "quotechar", "quoting", "lineterminator")}
    writer = csv.writer(text, **form)
    if d["header"]:
        writer.writerow([f"c{j}" for j in range(len(kinds))])
    for i, row in enumerate(rows):
        if i in d["blank"] and (i or d["header"]):
            text.write(d["lineterminator"])
        lines.append(text.getvalue().count("\n") + 1)
        cells = [
            cell.replace(".", d["decimal"]) if kind == "number" else cell for cell, kind in zip(row, kinds, strict=True)
        ]
        writer.writerow([Number(c) if k == "number" else c for c, k in zip(cells, kinds, strict=True)])
    whole = text.getvalue()
    if not d["ended"]:
        whole = whole.removesuffix(d["lineterminator"])
    return whole.encode(d["encoding"]), lines


def expected(kinds, rows, d):
    names = [f"{'c' if d['header'] else 'x'}{j}" for j in range(len(kinds))]
    meaning = {
        "number": lambda c: np.nan if c in MISSING else rounded(c),
        "text": lambda c: None if c in MISSING else c,
        "boolean": lambda c: np.nan if c in MISSING else float(c.lower() == "true"),
    }
    return {
        name: [meaning[kind](row[j]) for row in rows] for j, (name, kind) in enumerate(zip(names, kinds, strict=True))
    }


def same(found, known):
    return list(found) == list(known) and all(
        len(found[name]) == len(known[name])
        and all(a == b or (a != a and b != b) for a, b in zip(found[name], known[name], strict=True))
        for name in known
    )


def sizes(content, count, *more):
    """Sizes of blocks: a byte, some about the length of a record, and the one that is ever used."""
    record = max(len(content) // max(count, 1), 2)
    return [1, record - 1, record, record + 1, *more, None]


@settings(deadline=None, max_examples=examples(50), derandomize=True)
@given(table=tables(), d=dialects(), size=st.integers(2, 60))
def test_what_python_writes_is_read_in_any_dialect_and_any_blocks(table, d, size):
    kinds, rows = table
    content, lines = write(kinds, rows, d)
    options = {name: d[name] for name in ("delimiter", "decimal")}
    options |= {"quotechar": d["quotechar"], "encoding": d["encoding"], "header": "yes" if d["header"] else "no"}
    known = expected(kinds, rows, d)
    with written(content, d["pack"]) as path:
        for block in sizes(content, len(rows), size):
            with blocks_of(block):
                found = read(path, **options)
            assert not isinstance(found, str), (block, found)
            columns, bad, places = found
            assert same(columns, known), (block, columns, known)
            assert not any(bad)
            assert places == [f"{path.name}, line {line}" for line in lines], block


@settings(deadline=None, max_examples=examples(60), derandomize=True)
@given(table=tables(), d=dialects())
def test_what_python_writes_is_read_without_a_flag_where_nothing_is_a_guess(table, d):
    kinds, rows = table
    quotes = '"' if d["quoting"] != csv.QUOTE_ALL else d["quotechar"]
    decimal = d["decimal"] if d["delimiter"] != "," and "number" in kinds else "."
    d |= {"header": True, "quotechar": quotes, "decimal": decimal}
    d["encoding"] = "utf-8" if d["encoding"] == "cp1252" else d["encoding"]
    unclear = str.maketrans(dict.fromkeys(",;|\t" + "\"'".replace(quotes, ""), "_"))
    rows = [[c.translate(unclear) if k == "text" else c for c, k in zip(row, kinds, strict=True)] for row in rows]
    content, _ = write(kinds, rows, d)
    with written(content, d["pack"]) as path:
        found = read(path)
    assert not isinstance(found, str), found
    assert same(found[0], expected(kinds, rows, d))


# Corrupted rows

RUBBISH = st.sampled_from(["oops", "1_000", "0x1F", "1,5,", "--1", "5%", "1 2", "é", "€ 5"])
corruptions = st.one_of(st.just("short"), st.just("long"), RUBBISH)


@pytest.mark.filterwarnings("ignore:.*rests? on a single row")
@settings(deadline=None, max_examples=10, derandomize=True)
@given(
    wrong=st.dictionaries(st.integers(1, 29), st.tuples(corruptions, st.integers(0, 2)), min_size=1, max_size=8),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    pack=st.sampled_from(list(PACK)),
    inch=st.booleans(),
    size=st.integers(2, 80),
)
def test_corrupted_rows_are_skipped_named_and_leave_the_fit_of_the_others(wrong, quoting, pack, inch, size):
    random = np.random.default_rng(len(wrong))
    kinds = ["k,a", "k\nb", "c"]
    lines, sound, corrupted = [], [], []
    line = 2
    for i, values in enumerate(random.normal(size=(30, 3)).round(3).tolist()):
        row = [kinds[i % 3], *map(repr, values)]
        what, where = wrong.get(i, (None, 0))
        if what == "short":
            row = row[:-1]
        elif what == "long":
            row = [*row, "1"]
        elif what is not None:
            row[1 + where] = what
        text = record(row, quoting)
        if inch and i % 7 == 3 and what is None:
            text = f'5" {i % 3},' + record(row[1:], quoting)
        (sound if what is None else corrupted).append((line, text))
        lines.append(text)
        line += text.count("\n")
    header = "k,x,z,y\n"
    with written("".join([header, *(t for _, t in sound)]).encode(), pack) as path:
        clean = regress.fit(path, "y", precision="float64")
    with written("".join([header, *lines]).encode(), pack) as path:
        rejects = path.parent / "r.csv"
        for block in sizes("".join(lines), 30, size):
            with blocks_of(block):
                fit = regress.fit(path, "y", on_bad_lines="skip", rejects=rejects, precision="float64")
            tally = fit.tally
            assert (tally.rows, tally.used, tally.bad) == (30, 30 - len(wrong), len(wrong)), block
            assert (fit.names, fit.w.tolist(), fit.b) == (clean.names, clean.w.tolist(), clean.b), block
            with rejects.open(newline="", encoding="utf-8") as file:
                told = [(r["file"], int(r["line"]), r["text"]) for r in csv.DictReader(file, strict=True)]
            assert told == [(path.name, line, text.rstrip("\n")) for line, text in corrupted], block


def record(row, quoting):
    text = io.StringIO(newline="")
    csv.writer(text, quoting=quoting, lineterminator="\n").writerow(row)
    return text.getvalue()


# Rubbish

rubbish = st.text(st.sampled_from('12.,"\n\r;xé \t-\0'), max_size=40).map(str.encode)
bodies = st.one_of(
    rubbish,
    st.lists(st.sampled_from([b"1,2", b'"', b'5" x', b"\n", b",", b"\r", b"\xe9", b"a"]), max_size=25).map(b"".join),
)
headers = st.sampled_from(
    [b"a,b\n", b"a\n", b'"a","b",c\n', b"a,b\r\n", b"\xef\xbb\xbfa,b\n", b"a,b\nx,1\n", b"a,b\n1,2\n", b""]
)


def records(content):
    """How many records Python's csv finds after the first, blank lines left out; None where it cannot read them."""
    try:
        lines = [line.decode("utf-8", "replace") for line in io.BytesIO(content.removeprefix(b"\xef\xbb\xbf"))]
        return len([row for row in csv.reader(lines, strict=True) if row]) - 1
    except csv.Error:
        return None


@settings(deadline=None, max_examples=examples(120), derandomize=True)
@example(header=b"a,b\n", body=b'5" x,1\nab,20', size=11)  # a block that ends within a record
@example(header=b"a,b\n", body=b'1,"', size=2)  # Polars panics at a lone quote
@example(header=b"a,b\n", body=b'x,1\n"y"\rz,2\n', size=2)
@example(header=b"a,b\n", body=b'"x"y,1\nz,2\n', size=2)
@example(header=b"a\n", body=b"1\n\r5", size=2)
@given(header=headers, body=bodies, size=st.integers(2, 30))
def test_rubbish_is_read_or_refused_in_the_same_words_at_every_block_size(header, body, size):
    content = header + body
    with written(content) as path:
        for options in ({}, {"on_bad_lines": "skip"}, {"on_bad_lines": "skip", "header": "yes", "delimiter": ","}):
            outcomes = []
            for block in (None, 1, size):
                with blocks_of(block):
                    outcomes.append(read(path, **options))
            assert all(alike(outcomes[0], other) for other in outcomes[1:]), outcomes
            if isinstance(outcomes[0], str):
                assert "t.csv" in outcomes[0]
            elif (
                body.strip(b'\r\n,"; \t') and (count := records(content)) is not None
            ):  # blank lines: a matter of taste
                assert len(outcomes[0][1]) == count


def alike(one, other):
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return same(one[0], other[0]) and one[1:] == other[1:]


@settings(deadline=None, max_examples=examples(100), derandomize=True)
@given(
    content=st.binary(max_size=60),
    start=st.sampled_from([b"", b"x,y\n1,2\n", b"\xff\xfe", b"\x1f\x8b\x08", b"PK", b"\x28\xb5\x2f\xfd"]),
)
def test_bytes_that_are_no_text_are_read_or_refused(content, start):
    with written(start + content) as path:
        for encoding, skip in itertools.product([None, "cp1252", "utf-16"], ["error", "skip"]):
            found = read(path, encoding=encoding, on_bad_lines=skip)
            assert not isinstance(found, str) or "t.csv" in found
