"""A CSV file cut into byte ranges: their rows, numbers, lines and errors are those of the file read in one go."""

import gzip
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import regress
from regress.errors import TableError
from regress.options import FileOptions
from regress.sources.base import Batch, ColumnKind
from regress.sources.csv import range_counts, ranges, rewrite
from regress.sources.csv.range_counts import Range, count
from regress.sources.csv.ranges import cut, ranges_of
from regress.sources.csv.reader import CsvPart
from regress.sources.csv.record_ends import Format, proper_quotes, sound_quotes
from regress.sources.file_parts import LocalFile
from regress.sources.files import open_files
from regress.sources.table import Table
from tests.examples import examples
from tests.oracles.pollock import sample
from tests.oracles.random_dialects import drawn
from tests.tables import texts


def part_of(path: Path, **options: object) -> CsvPart:
    """The only part of a file."""
    (part,) = open_files(path, FileOptions(**options)).partitions()
    assert isinstance(part, CsvPart)
    return part


def cut_up(part: CsvPart, size: int) -> list[CsvPart] | str:
    """Cut a file as a cluster does: everything goes through pickle, and counts come back in any order."""
    found = ranges_of(part, size)
    if isinstance(found, str):
        return found
    counts = [pickle.loads(pickle.dumps(count(pickle.loads(pickle.dumps(one))))) for one in found]
    return cut(part, counts[1::2] + counts[::2])


def cells_of(batch: Batch, kinds: dict[str, ColumnKind]) -> list[Sequence[object]]:
    """The cells of a batch by column."""
    return [
        texts(batch, name) if kind == "text" else [None if x != x else x for x in batch.numbers(name).tolist()]
        for name, kind in kinds.items()
    ]


def rows_of(parts: Sequence[CsvPart], kinds: dict[str, ColumnKind]) -> tuple[list[tuple[object, ...]], str]:
    """The number of each record, whether it is bad and its cells, and the error that ended the reading."""
    rows: list[tuple[object, ...]] = []
    try:
        for part in parts:
            for batch in part.batches(kinds):
                assert (batch.part, batch.key) == (parts[0].name, parts[0].key)
                columns = cells_of(batch, kinds)
                assert batch.bookmark is not None
                assert cells_of(part.batch_at(kinds, batch.bookmark), kinds) == columns
                bad = [False] * batch.rows if batch.bad is None else batch.bad.tolist()
                for k, cells in enumerate(zip(*columns, strict=True)):
                    rows.append((batch.first + k, bad[k], () if bad[k] else cells))
    except TableError as error:
        return rows, str(error)
    return rows, ""


def compare(part: CsvPart, parts: Sequence[CsvPart], kinds: dict[str, ColumnKind]) -> None:
    """Compare the ranges of a file with the file."""
    rows, error = rows_of([part], kinds)
    skipped = list(part.rejects.skipped.rows)
    part.rejects.begin()
    found, other = rows_of(parts, kinds)
    assert other == error
    if error:  # a block that is refused yields no rows, and blocks begin elsewhere
        both = min(len(rows), len(found))
        assert found[:both] == rows[:both]
    else:
        assert found == rows
        assert part.rejects.skipped.rows == skipped
        assert sum(one.size for one in parts) == part.size
    for one in parts[:: max(len(parts) // 3, 1)]:
        some = {0, max(one.records_before - 1, 0), one.records_before, len(rows)}
        assert [one.place(record) for record in some] == [part.place(record) for record in some]


class End(NamedTuple):
    """The end of a record: the byte and the line behind it, and whether the record is a blank line."""

    byte: int
    line: int
    blank: bool


def walked(data: bytes, quoted: bool) -> Iterator[End]:
    """Walk from byte to byte, and yield the ends of records; a last line may have no newline."""
    text, line = "?" * quoted, 0
    for at, character in enumerate(data.decode() + "\n" * (not data.endswith(b"\n"))):
        quoted ^= character == '"'
        line += character == "\n"
        if character == "\n" and not quoted:
            yield End(at + 1, line, text in ("", "\r"))
            text = ""
        else:
            text += character


PIECES = [
    "1",
    "ab",
    ",",
    "\n",
    "\n",
    "\r\n",
    "\n\n",
    '"a"',
    '"',
    '"x\ny"',
    '"a""b"',
    "\r",
    "c" * 70,
    '"' + "k\n" * 60 + '"',
]
BODIES = st.lists(st.sampled_from(PIECES), max_size=40).map(lambda pieces: "".join(pieces).encode())
SHARED = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])


@settings(SHARED, max_examples=examples(60))
@given(body=BODIES, size=st.sampled_from([1, 7, 65, 1000, 1000]), piece=st.sampled_from([64, 64, 128, 2**18]))
def test_counts_are_those_of_a_walk_from_byte_to_byte(write, body, size, piece):
    file = LocalFile.seen(write(body), "t.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(range_counts, "_PIECE", piece)
        for start in range(0, len(body), size):
            stop = min(start + size, len(body))
            found = count(Range(file, Format(), 0, start, stop))
            unended = stop == len(body) and not body.endswith(b"\n")
            assert found.odd == body.count(b'"', start, stop) % 2
            assert found.lines == body.count(b"\n", start, stop) + unended
            for ends, quoted in ((found.outside, False), (found.inside, True)):
                begins = quoted ^ body.count(b'"', 0, start) % 2
                known = [end for end in walked(body, begins) if start < end.byte <= stop + unended]
                assert ends.records == sum(not end.blank for end in known)
                assert (ends.first, ends.last) == ((known[0].byte, known[-1].byte) if known else (0, 0))
                assert ends.lines == (known[-1].line - body.count(b"\n", 0, start) if known else 0)


@settings(SHARED, max_examples=examples(100))
@given(body=BODIES, size=st.sampled_from([1, 7, 65, 1000, 1000]), piece=st.sampled_from([64, 64, 128, 2**18]))
def test_quotes_are_proper_where_the_reader_takes_them_for_that(write, body, size, piece):
    file = LocalFile.seen(write(body), "t.csv")
    proper, quoted = True, False
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(range_counts, "_PIECE", piece)
        for start in range(0, len(body), size):
            found = count(Range(file, Format(), 0, start, min(start + size, len(body))))
            proper &= (found.inside if quoted else found.outside).proper
            quoted ^= found.odd
    assert proper == (proper_quotes(body, Format()) is not None)


KINDS: list[ColumnKind] = ["number", "text"]
CELLS = [
    "1",
    "2.5",
    "",
    "NA",
    "oops",
    '"x"',
    '"a""b"',
    '"u, v"',
    '"p\nq"',
    '"\r\n\n"',
    '"1"',
    " ",
    '"' + "k\n" * 80 + '"',
]
ROWS = st.one_of(
    st.sampled_from([f"{x},{y}" for x in ("1", "2.5", "") for y in ("7", '"a""b"', '"p\nq"')]),
    st.lists(st.sampled_from(CELLS), min_size=2, max_size=2).map(",".join),
    st.sampled_from(["", "", "\r", "1", "1,2,3", '"x\ny",2,3', '5" nail,1', '"a,1']),
)


@settings(SHARED, max_examples=examples(80))
@given(
    rows=st.lists(ROWS, max_size=12),
    end=st.sampled_from(["\n", "\r\n"]),
    last=st.sampled_from(["", "\n", "\r\n", "\r", "\n\n"]),
    mark=st.sampled_from([b"", b"\xef\xbb\xbf"]),
    size=st.sampled_from([1, 3, 13, 40, 200]),
    block=st.sampled_from([1, 50, 2**24]),
    skip=st.booleans(),
    first=st.sampled_from(KINDS),
)
def test_the_ranges_of_a_file_hold_its_rows(write, rows, end, last, mark, size, block, skip, first):
    path = write(mark + f"a,b{end}{end.join(rows)}{last}".encode())
    options = {"on_bad_lines": "skip" if skip else "error", "quotechar": '"', "delimiter": ",", "header": "yes"}
    try:
        part = replace(part_of(path, **options), block=block)
    except TableError:
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rewrite, "_PIECE", min(block, 2**20))
        parts = cut_up(part, size)
        body = path.read_bytes().partition(b"\n")[2]
        assert isinstance(parts, str) == (not sound_quotes(body, part.written.form))
        if not isinstance(parts, str):
            compare(part, parts, {"a": first, "b": "text"})


@pytest.mark.parametrize(("size", "records"), [(1, [0, 1, 2, 3, 4, 4, 5]), (60, [0, 1, 2, 3])])
def test_a_quoted_cell_longer_than_ranges_is_not_cut(write, size, records):
    cell = '"' + 'no, "" such\n1,2\n' * 10 + '"'
    part = part_of(write("a,b\n1,x\n" + f"2,{cell}\n" * 3 + "\n3,y\n4\n"), on_bad_lines="skip")
    parts = cut_up(part, size)
    assert [one.records_before for one in parts] == records
    compare(part, parts, {"a": "number", "b": "text"})
    assert parts[-1].place(4) == f"t.csv, line {2 + 3 * 21 + 2}"


@pytest.mark.parametrize(
    ("seeds", "size", "least"),
    [(range(40), 300, 10), pytest.param(range(40, 90), 60, 20, marks=pytest.mark.slow)],
    ids=["some", "many"],
)
def test_random_dialects_are_cut_or_stay_one_part(write, seeds, size, least):
    count = 0
    for seed in seeds:
        path = write(drawn(seed)[0])
        try:
            source = open_files(path)
        except TableError:
            continue
        (part,) = source.partitions()
        parts = cut_up(part, size)
        if isinstance(parts, str):
            assert parts.startswith("t.csv is read as one part: ")
            continue
        count += len(parts) > 1
        compare(part, parts, {c.name: c.kind for c in source.columns})
    assert count > least


@pytest.mark.parametrize(
    ("files", "size", "least"),
    [(26, 2000, 4), pytest.param(40, 900, 12, marks=pytest.mark.slow)],
    ids=["some", "many"],
)
def test_polluted_files_are_cut_or_stay_one_part(write, files, size, least):
    count = 0
    for file in sample(files):
        try:
            source = open_files(write(file.content), FileOptions(on_bad_lines="skip"))
        except TableError:
            continue
        (part,) = source.partitions()
        parts = cut_up(part, size)
        if not isinstance(parts, str):
            count += 1
            compare(part, parts, dict.fromkeys(part.written.names, "text"))
    assert count > least


TEXT = "a,k,y\n" + "".join(f"{i},{'uvw'[i % 3]},{i * i % 17}\n" for i in range(200))
WHOLE = {
    "compressed": (gzip.compress(TEXT.encode()), {}, "a file compressed by gzip is read from its start"),
    "encoded": (TEXT.encode("utf-16"), {}, "a file in utf-16-le is read from its start"),
    "escaped": (TEXT, {"escapechar": "\\"}, "with escapes, comments or blanks between cells, records have"),
    "comments": (TEXT, {"comment": "#"}, "with escapes, comments or blanks between cells, records have no certain end"),
    "blanks": (
        TEXT.replace(",", "  "),
        {},
        "with escapes, comments or blanks between cells, records have no certain end",
    ),
    "returns": (TEXT.replace("\n", "\r"), {}, "its lines end in carriage returns"),
    "trailing": (TEXT.replace("\n", ",\n"), {}, "its rows end in delimiters"),
    "unmarked": ("a;y\n" + "1;2\n" * 2000, {}, "its decimal mark is not known before all cells are read"),
    "inches": (TEXT + '5,5" nail,1\n', {}, "quotes between lines 194 and 203 do not enclose cells"),
    "unpaired": (TEXT + '5,"nail,1\n', {}, "its number of quotes is odd"),
    "shifted": (TEXT.replace("50,w", '50,"w') + '5,"nail, steel",1\n', {}, "quotes between lines 194 and 203"),
}


@pytest.mark.parametrize("case", WHOLE)
def test_what_is_not_sure_to_be_cut_right_stays_one_part(write, case):
    content, options, reason = WHOLE[case]
    found = cut_up(part_of(write(content), **options), 100)
    assert isinstance(found, str)
    assert found.startswith(f"t.csv is read as one part: {reason}")
    assert found.endswith(".")


def test_a_record_that_no_block_can_hold_stays_in_one_part(write, monkeypatch):
    monkeypatch.setattr(range_counts, "_PIECE", 64)
    part = part_of(write(TEXT + f'1,"{"long" * 300}",2\n' + TEXT[6:]))
    for size, line in ((50, 202), (10**6, 2)):
        monkeypatch.setattr(ranges, "LONGEST", 2000)
        assert isinstance(cut_up(part, size), list)
        monkeypatch.setattr(ranges, "LONGEST", 1000)
        assert cut_up(part, size) == f"t.csv is read as one part: a record below line {line} is longer than 0 MB."


@pytest.mark.filterwarnings("ignore:R² on held-out rows is negative")
def test_a_fit_over_ranges_is_that_over_the_file(write):
    path = write(TEXT.replace("\n7,", "\nNA,").replace(",w,", ',"w,\nx",'))
    (part,) = open_files(path).partitions()
    parts = cut_up(part, 300)
    assert len(parts) > 3
    found, known = (regress.fit(one, "y", missing="drop", test_size=0.3) for one in (Table("t.csv", parts), path))
    assert (found.w.tolist(), found.b, found.tally) == (known.w.tolist(), known.b, known.tally)
    assert found.r2_test == known.r2_test


def test_bad_rows_of_ranges_are_skipped_as_those_of_the_file(write, tmp_path):
    lines = TEXT.splitlines()
    lines[20], lines[100], lines[101] = "x,u,1", "3,u", '"9",v,1,1'
    path = write("\n".join(lines))
    (part,) = open_files(path, FileOptions(on_bad_lines="skip", rejects=tmp_path / "r.csv")).partitions()
    table = Table("t.csv", cut_up(part, 300), rejects=part.rejects)
    found = regress.fit(table, "y")
    rejected = (tmp_path / "r.csv").read_text()
    assert found.tally == regress.fit(path, "y", on_bad_lines="skip", rejects=tmp_path / "r.csv").tally
    assert (tmp_path / "r.csv").read_text() == rejected
    assert [line.split(",")[1] for line in rejected.splitlines()[1:]] == ["21", "101", "102"]


def test_a_file_that_changes_is_refused(write):
    path = write(TEXT)
    found = ranges_of(part_of(path), 300)
    path.write_text(TEXT[:-2000])
    for one in found:
        with pytest.raises(TableError, match=r"t\.csv changed while it was read"):
            count(one)


def test_counts_of_some_ranges_are_not_enough(write):
    part = part_of(write(TEXT))
    counts = [count(one) for one in ranges_of(part, 300)]
    for wrong in (counts[1:-1], counts[:-1], counts[:2] + counts[3:], [*counts, counts[1]]):
        with pytest.raises(ValueError, match=r"ranges of t\.csv are missing or double"):
            cut(part, wrong)
