"""JSON lines: the same rows as CSV and pandas give; what is no table is refused with its line."""

import gzip
import io
import json
import pickle
import random
from dataclasses import replace

import pandas as pd
import polars as pl
import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

import regress
from regress.errors import InputError, TableError
from regress.options import FileOptions
from regress.sources.open import open_table
from regress.sources.rereading import rereading
from tests.examples import examples

RNG = random.Random(3)
ROWS = [
    {"x": RNG.gauss(0, 1), "n": i, "k": RNG.choice(["red", "blue", "a: b", 'say "null"']), "t": i % 3 == 0}
    | {"y": RNG.gauss(0, 1) * 10.0 ** RNG.randint(-3, 3)}
    for i in range(400)
]


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def write(tmp_path):
    def write(text, name="t.jsonl"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def bits(fit):
    return fit.names, fit.w.tolist(), fit.b, fit.tally, fit.coefficients.to_csv()


def read(path):
    """Return the rows of a table as the sources read it, by column."""

    def columns(source):
        names = [c.name for c in source.columns if c.kind != "unusable"]
        batches = list(source.batches(names))
        return {name: [cell for batch in batches for cell in batch.texts(name)] for name in names}

    return rereading(open_table(path), columns)


def test_the_same_rows_as_csv_give_the_same_bits(write, tmp_path):
    pd.DataFrame(ROWS).to_csv(tmp_path / "t.csv", index=False)
    expected = bits(regress.fit(tmp_path / "t.csv", "y"))
    text = lines(ROWS)
    packed = {".gz": gzip.compress(text.encode()), ".zst": zstd.compress(text.encode())}
    paths = [write(text), write(text, "t.ndjson"), write(text, "t.json"), write("\ufeff" + text, "rows")]
    paths += [write(data, f"t.jsonl{ending}") for ending, data in packed.items()]
    for path in paths:
        assert bits(regress.fit(path, "y")) == expected, path
    for separators in ((",", ":"), (" ,", " : ")):
        path = write("".join(json.dumps(row, separators=separators) + "\r\n\n" for row in ROWS))
        assert bits(regress.fit(path, "y")) == expected
    for drop in (["k"], ["t", "x"]):
        fit = regress.fit(write(text), "y", drop=drop, precision="float64")
        assert bits(fit) == bits(regress.fit(tmp_path / "t.csv", "y", drop=drop, precision="float64"))


def test_blocks_are_read_again_from_where_they_were(write):
    source = open_table(write(lines(ROWS)))
    part = replace(source.partitions()[0], block=2000)
    batches = list(part.batches(source.kinds(["x", "k"])))
    assert len(batches) > 10
    for batch in batches:
        again = part.batch_at(source.kinds(["x", "k"]), batch.bookmark)
        assert again.frame.equals(batch.frame)
        assert (again.first, again.read) == (batch.first, batch.read)


def test_a_missing_key_is_a_missing_cell(write):
    rows = [dict(row) for row in ROWS]
    for i in range(0, 400, 7):
        del rows[i]["x"]
    rows[5]["x"], rows[9]["k"] = None, None
    frame = pd.read_json(io.StringIO(lines(rows)), lines=True)
    path = write(lines(rows))
    with pytest.raises(InputError, match=r"missing cells \(x 59, k 1\)"):
        regress.fit(path, "y")
    fit, same = (regress.fit(table, "y", missing="drop") for table in (path, frame))
    assert fit.w == pytest.approx(same.w, rel=1e-12)
    assert fit.tally.used == same.tally.used == frame.dropna().shape[0]


@pytest.mark.parametrize("late", [{"z": 2.5}, {"z": "red"}, {"z": True}, {"z": "c: d", "q": 1}])
def test_a_key_that_turns_up_late_is_a_column(write, late):
    rows = [*ROWS * 4, {**ROWS[0], **late}, *ROWS]
    columns = read(write(lines(rows)))
    frame = pl.read_ndjson(lines(rows).encode(), infer_schema_length=None)
    name = list(late)[-1]
    assert list(columns) == [*ROWS[0], *late]
    assert [cell for cell in columns[name] if cell] == [str(frame[name].drop_nulls()[0]).lower().removesuffix(".0")]
    with pytest.raises(InputError, match=rf"missing cells \([^)]*{name} 2,000"):
        regress.fit(write(lines(rows)), "y")


BAD = {
    "text among numbers": ('{"x": "oops", "y": 3}', r"line 1002, column 'x': \"oops\" is text, and the first value"),
    "a number among text": ('{"x": 1, "k": 7, "y": 3}', r"line 1002, column 'k': 7.0 is a number, .*in quotes"),
    "true among text": ('{"x": 1, "k": true, "y": 3}', r"line 1002, column 'k': true is true or false"),
    "true among numbers": ('{"x": true, "y": 3}', r"line 1002, column 'x': true is true or false"),
    "an object": ('{"x": {"a": 1}, "y": 3}', r"line 1002, column 'x': an object is not one value.*drop=\['x'\]"),
    "an array": ('{"k": [1], "y": 3}', r"line 1002, column 'k': an array is not one value"),
    "beyond float64": ('{"x": 1e400, "y": 3}', r"line 1002, column 'x': the number is beyond the range"),
    "a long integer": (f'{{"x": {"9" * 5000}, "y": 3}}', r"line 1002, column 'x': the number is beyond the range"),
    "NaN": ('{"x": NaN, "y": 3}', r"line 1002 is not a JSON object: NaN is not JSON. Write null"),
    "cut off": ('{"x": 1, "y": 3', r"line 1002 is not a JSON object: expecting ',' delimiter at character"),
    "an array of values": ("[1, 2]", r"line 1002 is not a JSON object: it is an array"),
    "an empty key": ('{"": 1, "y": 3}', r"line 1002 is not a JSON object: a key is empty"),
    "null": ("null", r"line 1002 is not a JSON object: it is null"),
    "two objects": ('{"x": 1, "y": 3} {"x": 2, "y": 3}', r"line 1002 is not a JSON object: extra data"),
    "not UTF-8": (b'{"k": "gr\xfc", "y": 3}', r"line 1002 is not a JSON object: byte 0xfc is not UTF-8"),
    "half a character": (r'{"k": "\ud800", "y": 3}', r"line 1002 is not a JSON object: half a character"),
    "deep": ('{"x": ' + "[" * 100_000 + "]" * 100_000 + ', "y": 3}', r"line 1002 is not a JSON object: it is nested"),
    "twice, and wrong": ('{"x": 1, "x": "a", "y": 3, "z": 5}', r"line 1002 is not a JSON object: the key 'x' stands"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_named_with_its_line(write, case):
    line, message = BAD[case]
    start = lines([{"x": i, "k": "a" if i % 2 else "b", "y": i * i} for i in range(1000)]) + "\n"
    line = line if isinstance(line, bytes) else line.encode()
    for path in (write(start.encode() + line + b"\n" + start.encode()), write(start.encode() + line)):
        with pytest.raises(TableError, match=r"^t\.jsonl, " + message) as found:
            regress.fit(path, "y", missing="drop")
        assert "\n" not in str(found.value)


def test_what_is_no_json_lines_is_refused_at_once(write):
    for text, message in [
        ("", r"t\.jsonl is empty"),
        ("\n \n", r"t\.jsonl is empty"),
        ("x,y\n1,2\n", r"t\.jsonl, line 1 is not a JSON object: expecting value"),
        ('[{"x": 1}, {"x": 2}]', r"t\.jsonl is JSON\. Convert it"),
        ('{"x": "' + "a" * 2**23 + '"}\n', r"t\.jsonl, line 1 is longer than 4 MB"),
        ('{\n"x": 1\n}\n', r"t\.jsonl, line 1 is not a JSON object"),
        ('{"x": 1, "x": 2}\n', r"t\.jsonl, line 1 is not a JSON object: the key 'x' stands there twice"),
    ]:
        with pytest.raises(TableError, match=message):
            open_table(write(text))
    with pytest.raises(TableError, match=r"document is JSON\. Convert"):
        open_table(write('{"x": [1, 2], "y": [3, 4]}', "document"))
    with pytest.raises(InputError, match=r"delimiter is for CSV files; .*t\.jsonl is JSON lines"):
        open_table(write(lines(ROWS)), FileOptions(delimiter=";"))


def test_columns_are_what_their_values_are(write):
    rows = [{"a": None, "b": "1", "c": {"q": [1]}, "d": [1], "e": 1, "f": False, "g": "x: y"}, {"b": "2.5", "e": 2}]
    path = write(lines(rows * 5))
    kinds = {c.name: (c.kind, c.dtype) for c in open_table(path).columns}
    assert kinds == {
        "a": ("number", "empty"),
        "b": ("number", "text"),
        "c": ("unusable", "object"),
        "d": ("unusable", "array"),
        "e": ("number", ""),
        "f": ("boolean", ""),
        "g": ("text", "text"),
    }
    with pytest.raises(InputError, match=r"Column 'c' of t\.jsonl is of type object"):
        regress.fit(path, "e", missing="drop")
    assert read(path)["b"] == ["1", "2.5"] * 5


def test_numbers_may_be_read_as_text(write):
    rows = [{"k": [1, 2.50, 9007199254740993, "red", True][i % 5], "y": i * i % 11} for i in range(100)]
    fit = regress.fit(write(lines(rows)), "y", categorical=["k"])
    assert sorted(fit.names) == ["k=2.5", "k=9007199254740993", "k=red", "k=true"]


@settings(deadline=None, max_examples=examples(60), derandomize=True)
@given(st.lists(st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**70), 2**70)), min_size=1))
def test_numbers_are_read_as_python_reads_them(tmp_path_factory, numbers):
    path = tmp_path_factory.mktemp("t") / "t.jsonl"
    path.write_text(lines({"x": number} for number in numbers))
    (batch,) = open_table(path).batches(["x"])
    assert batch.numbers("x").tolist() == [float(number) for number in numbers]


@settings(deadline=None, max_examples=examples(60), derandomize=True)
@given(
    st.lists(st.dictionaries(st.text(min_size=1, max_size=2), st.sampled_from([None, "a", ":", '"y":', "null", "{"])))
)
def test_no_key_and_no_cell_is_lost(tmp_path_factory, rows):
    """Keys that turn up late, and text that looks like keys and null."""
    path = tmp_path_factory.mktemp("t") / "t.jsonl"
    path.write_text('{"y": 1}\n' * 1000 + lines(rows))
    columns = read(path)
    for name in {name for row in rows for name in row}:
        wanted = [row.get(name) or "" for row in rows]
        if any(wanted):
            assert columns[name][1000:] == wanted


def test_a_file_is_sent_to_another_process(write):
    source = open_table(write(lines(ROWS)))
    (sent,) = pickle.loads(pickle.dumps(source.partitions()))
    assert sum(batch.rows for batch in sent.batches(source.kinds(["x", "k"]))) == len(ROWS)


def test_only_a_part_of_a_table_cannot_take_a_late_key(write, tmp_path):
    write(lines(ROWS), "a.jsonl")
    write(lines([*ROWS * 3, {**ROWS[0], "z": 1}]), "b.jsonl")
    source = open_table(tmp_path)
    with pytest.raises(TableError, match=r"b\.jsonl has a column 'z' that is not in its first rows"):
        list(source.only(source.partitions()[1:]).batches(["x"]))
