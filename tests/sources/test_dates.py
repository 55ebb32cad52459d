"""Dates of every source are days since 1970-01-01 00:00 UTC: the float64 numbers nearest to the exact ones."""

import datetime as dt
import io
import json
import re
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import regress
from regress.errors import InputError, TableError
from regress.options import FileOptions
from regress.sources.cell_types import kind_of
from regress.sources.csv import dialect, stream
from regress.sources.date_columns import read
from regress.sources.dates import ISO, fitting, forms_of, of_cell
from regress.sources.open import open_table
from tests.tables import cells, columns_of

pytestmark = pytest.mark.filterwarnings("ignore:.* on a single row:regress.errors.DataWarning")

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
DAY, MICROSECOND = 86_400_000_000, dt.timedelta(microseconds=1)
DAYS = [dt.date(2024, 3, 1), dt.date(2024, 3, 2), dt.date(2024, 3, 5)]
NUMBERS = [19783.0, 19784.0, 19787.0]


def days(when):
    """The float64 number nearest to the days of a date: a quotient of integers is rounded once."""
    if not isinstance(when, dt.datetime):
        return float((when - EPOCH.date()).days)
    when = when if when.tzinfo else when.replace(tzinfo=dt.UTC)
    return float(Fraction((when - EPOCH) // MICROSECOND, DAY))


def values(table, name="when", **options):
    return cells(open_table(table, FileOptions(**options)), [name])[0][name]


def text_table(cells, delimiter=","):
    frame = pl.DataFrame({"when": cells, "y": range(len(cells))})
    return frame.write_csv(separator=delimiter)


moments = st.datetimes(dt.datetime(1, 1, 3), dt.datetime(9999, 12, 29))
offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59)
wholes = moments.map(lambda when: when.replace(microsecond=0))


@st.composite
def iso_columns(draw):
    """Dates, and each written in an ISO form: all without an offset, or all with one."""
    zoned = draw(st.booleans())
    found, written = [], []
    for _ in range(draw(st.integers(1, 6))):
        when = draw(st.one_of(moments, wholes, st.dates(dt.date(1, 1, 3), dt.date(9999, 12, 29))))
        mark = draw(st.sampled_from("-/"))
        if zoned and not isinstance(when, dt.datetime):
            when = dt.datetime(when.year, when.month, when.day)
        text = f"{when.year:04}{mark}{when.month:02}{mark}{when.day:02}"
        if isinstance(when, dt.datetime):
            seconds = not when.second and not when.microsecond and draw(st.booleans())
            text += draw(st.sampled_from(" T")) + when.time().isoformat("minutes" if seconds else "auto")
        if zoned:
            minutes = draw(offsets)
            zone = dt.timezone(dt.timedelta(minutes=minutes))
            colon = draw(st.sampled_from(["", ":"]))
            shown = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{colon}{abs(minutes) % 60:02}"
            text += "Z" if minutes == 0 else shown
            when = when.replace(tzinfo=zone)
        found.append(when)
        written.append(text)
    return found, written


@settings(deadline=None)
@given(iso_columns(), st.sampled_from(",;\t|"))
def test_iso_dates_of_files_are_the_nearest_doubles(tmp_path_factory, column, delimiter):
    found, written = column
    path = tmp_path_factory.mktemp("t") / "t.csv"
    path.write_text(text_table(written, delimiter))
    expected = [days(when) for when in found]
    assert values(path) == expected
    lines = "".join(json.dumps({"when": text, "y": 1}) + "\n" for text in written)
    path.with_suffix(".jsonl").write_text(lines)
    assert values(path.with_suffix(".jsonl")) == expected
    assert values(pl.DataFrame({"when": written})) == expected
    assert values(pd.DataFrame({"when": written})) == expected
    for text, number in zip(written, expected, strict=True):
        assert of_cell(text).micros / DAY == number


@settings(deadline=None)
@given(st.lists(st.one_of(moments, wholes), min_size=1, max_size=6))
def test_typed_dates_are_the_nearest_doubles(column):
    expected = [days(when) for when in column]
    frame = pl.DataFrame({"when": column}, schema={"when": pl.Datetime("us")})
    file = io.BytesIO()
    frame.write_parquet(file)
    file.seek(0)
    tables = [
        frame,
        frame.to_arrow(),
        pd.DataFrame({"when": np.array(column, dtype="datetime64[us]")}),
        pd.DataFrame({"when": pd.Series(column, dtype=object)}),
        pd.DataFrame({"when": pd.array(column, dtype=pd.ArrowDtype(pa.timestamp("us")))}),
        [{"when": when} for when in column],
        iter([frame]),
        pl.read_parquet(file),
    ]
    for table in tables:
        assert values(table) == expected


def test_dates_of_all_types_are_whole_days(tmp_path):
    aware = pd.to_datetime(DAYS).tz_localize("UTC").tz_convert("Asia/Tokyo")
    pl.DataFrame({"when": DAYS, "y": [1, 2, 3]}).write_parquet(tmp_path / "t.parquet")
    pl.DataFrame({"when": DAYS}).write_ipc(tmp_path / "t.arrow")
    tables = {
        "parquet": tmp_path / "t.parquet",
        "arrow": tmp_path / "t.arrow",
        "dict": {"when": DAYS},
        "objects": pd.DataFrame({"when": pd.Series(DAYS, dtype=object)}),
        "objects and texts": pd.DataFrame({"when": pd.Series([*DAYS[:2], "2024-03-05"], dtype=object)}),
        "stamps": [{"when": pd.Timestamp(day)} for day in DAYS],
        "aware": pd.DataFrame({"when": aware}),
        "aware Arrow": pd.DataFrame({"when": pd.array(aware, dtype=pd.ArrowDtype(pa.timestamp("us", "Asia/Tokyo")))}),
        "aware Polars": pl.DataFrame({"when": pl.Series(DAYS).cast(pl.Datetime("ms", "UTC"))}),
        "aware batches": iter([pd.DataFrame({"when": aware})]),
        "date32": pa.table({"when": pa.array(DAYS, pa.date32())}),
        "date64": pa.table({"when": pa.array(DAYS, pa.date64())}),
        "date32 in pandas": pd.DataFrame({"when": pd.array(DAYS, dtype=pd.ArrowDtype(pa.date32()))}),
        "structured": np.array([(np.datetime64(day), 1.0) for day in DAYS], dtype=[("when", "M8[D]"), ("y", "f8")]),
        "categorical": pl.DataFrame({"when": [str(day) for day in DAYS]}),
        **{unit: pd.DataFrame({"when": np.array(DAYS, f"datetime64[{unit}]")}) for unit in ("s", "ms", "us", "ns")},
    }
    assert {name: values(table) for name, table in tables.items()} == dict.fromkeys(tables, NUMBERS)


def test_missing_dates_are_missing():
    for table in (
        {"when": [DAYS[0], None, DAYS[2]]},
        pd.DataFrame({"when": pd.to_datetime([DAYS[0], pd.NaT, DAYS[2]])}),
        pd.DataFrame({"when": pd.Series([DAYS[0], pd.NaT, DAYS[2]], dtype=object)}),
        pl.DataFrame({"when": [DAYS[0], None, DAYS[2]]}),
        pl.DataFrame({"when": ["2024-03-01", None, "2024-03-05"]}),
    ):
        np.testing.assert_array_equal(values(table), [NUMBERS[0], np.nan, NUMBERS[2]])


def test_a_code_of_missing_numbers_is_no_date(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(text_table(["1967-04-08", "1967-04-09", "NA"]))
    np.testing.assert_array_equal(values(path, na_values=["-999"]), [-999, -998, np.nan])
    np.testing.assert_array_equal(values(path, na_values=["1967-04-09"]), [-999, np.nan, np.nan])


def test_what_is_finer_than_a_microsecond_does_not_count(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(text_table(["1969-12-31T23:59:59.999999999", "2024-03-01T00:00:00.0000019"]))
    nanoseconds = pl.DataFrame({"when": pl.Series([-1, 1709251200000001900]).cast(pl.Datetime("ns"))})
    assert values(path) == values(nanoseconds) == [-1 / DAY, float(Fraction(19783 * DAY + 1, DAY))]


CLOCK = r"[T ][0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?"
odd_texts = st.one_of(
    st.from_regex(rf"[0-9]{{4}}[-/][0-9]{{1,2}}([-/][0-9]{{1,2}}({CLOCK})?)?", fullmatch=True),
    st.from_regex(r"2024-02-[23][0-9]( 2[0-9]:[56][0-9]:[56][0-9])?", fullmatch=True),
    st.from_regex(r"2024-02-29 2[0-9]:30:00 ?(Z|UTC|[+-][0-9]{2}:?([0-9]{2})?)", fullmatch=True),
    st.sampled_from(["2024", "2024-3", "+2024-01-01", "2024-01-01T", "24-01-01", "0000-01-01", "2024-13", "2024-03"]),
)
KINDS = st.sampled_from(["date", "moment"])
FORMATS = ["%d/%m/%Y", "%m-%d-%y", "%d %b %Y %I:%M %p", "%Y%m-%d", "%y%m-%d", "%B %d, %Y", "%d.%m.%Y %H:%M:%S.%f %z"]


@given(st.lists(odd_texts, min_size=1, max_size=8), st.sampled_from([None, *FORMATS]), KINDS)
def test_a_column_reads_what_its_cells_are_one_by_one(texts, format, kind):
    forms = forms_of("when", format)
    found = [forms.find(text) for text in texts]
    expected = [one.micros if one is not None and one.kind == kind else None for one in found]
    assert read(pl.Series(texts), forms, kind).cast(pl.Int64).to_list() == expected


@given(st.lists(moments, min_size=1, max_size=5), st.sampled_from(FORMATS))
def test_formats_read_what_python_writes(column, format):
    forms = forms_of("when", {"when": format})
    kind = "moment" if "%z" in format else "date"
    written = [when.replace(tzinfo=dt.UTC).strftime(format) for when in column]
    known = []
    for text in written:
        try:
            when = dt.datetime.strptime(text, format).replace(tzinfo=dt.UTC)
            known.append((when - EPOCH) // MICROSECOND)
        except ValueError:  # a year with fewer than four digits
            known.append(None)
    assert read(pl.Series(written), forms, kind).cast(pl.Int64).to_list() == known
    assert [None if (one := forms.find(text)) is None else one.micros for text in written] == known


@pytest.fixture
def small(monkeypatch):
    """Look at few cells first, and read blocks of some bytes, so that the first cells decide nothing."""
    monkeypatch.setattr(dialect, "_ROWS", 20)
    monkeypatch.setattr(dialect, "_LOOK", 2)
    monkeypatch.setattr(stream, "BLOCK", 40)


LATE = {
    "no date": ("2024-02-30", r"'2024-02-30' \(t.csv, line 42\) is not a date, but 98% of its cells are"),
    "a word": ("soon", r"'soon' \(t.csv, line 42\) is not a date"),
    "an offset": ("2024-03-01T10:00Z", r"'2024-03-01T10:00Z' \(t.csv, line 42\), and others without one"),
}


@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("at", [0, 1, 40])
def test_a_cell_that_contradicts_is_named_wherever_it_is(tmp_path, small, late, at):
    cell, words = LATE[late]
    path = tmp_path / "t.csv"
    texts = [f"2024-01-{1 + k % 30:02}" for k in range(40)]
    texts.insert(at, cell)
    path.write_text(text_table(texts))
    words = words.replace("42", str(at + 2))
    with pytest.raises(TableError, match=words):
        regress.fit(path, "y")
    fit = regress.fit(path, "y", on_bad_lines="skip")
    assert (fit.tally.bad, fit.tally.used) == (1, 40)
    assert regress.fit(path, "y", na_values=[cell], missing="drop").tally.missing == 1
    why = "has an offset from UTC" if late == "an offset" else "is not a date"
    with pytest.raises(TableError, match=rf"t.csv, line {at + 2}, column 'when': {re.escape(repr(cell))} {why}"):
        list(open_table(path).read_as({"when": "date"}).batches(["when"]))


def test_a_number_among_dates_is_named(tmp_path, small):
    path = tmp_path / "t.csv"
    path.write_text(text_table([*map(str, DAYS), "7"]))
    with pytest.raises(TableError, match=r"'7' \(t.csv, line 5\) is not a date, but 75% of its cells are"):
        regress.fit(path, "y")


def test_dates_may_come_late(tmp_path, small):
    path = tmp_path / "t.csv"
    path.write_text(text_table(["", *[""] * 40, "2024-03-01", "2024-03-02"]))
    assert values(path)[-2:] == NUMBERS[:2]


AWARE = pl.DataFrame({"when": pl.Series(DAYS).cast(pl.Datetime("us", "UTC"))})
MIXED = {
    "objects": pd.DataFrame({"when": pd.Series([*DAYS, dt.datetime(2024, 3, 1, tzinfo=dt.UTC)], dtype=object)}),
    "texts": pl.DataFrame({"when": [*map(str, DAYS), "2024-03-01 10:00+01:00"]}),
    "batches": iter([pl.DataFrame({"when": DAYS}), AWARE]),
}


@pytest.mark.parametrize("table", MIXED)
def test_offsets_in_some_cells_only_are_refused(table):
    with pytest.raises(TableError, match=r"offset|same types"):
        values(MIXED[table])


def test_files_with_and_without_offsets_are_refused(tmp_path):
    (tmp_path / "1.csv").write_text(text_table(["2024-03-01"]))
    (tmp_path / "2.csv").write_text(text_table(["2024-03-01T00:00Z"]))
    with pytest.raises(TableError, match=r"such as '2024-03-01T00:00Z' \(2.csv, line 2\), and others without one"):
        values(tmp_path)


HINTS = {
    ("13/03/2024", "14/03/2024"): ["date_format='%d/%m/%Y', or"],
    ("03/13/2024", "03/14/2024"): ["date_format='%m/%d/%Y', or"],
    ("01/03/2024", "02/03/2024"): ["'%d/%m/%Y' if the day comes first", "'%m/%d/%Y' if the month does"],
    ("01/03/2024", "13/03/2024"): ["date_format='%d/%m/%Y', or"],
    ("1 Mar 2024", "2 Apr 2024"): ["date_format='%d %b %Y', or"],
    ("March 1, 2024", "April 2, 2024"): ["date_format='%B %d, %Y', or"],
    ("31.12.99 10:30", "30.12.99 9:15"): ["date_format='%d.%m.%y %H:%M', or"],
    ("3/31/2024 10:30 PM", "3/30/2024 9:15 AM"): ["date_format='%m/%d/%Y %I:%M %p', or"],
    ("2024-02-30", "2024-02-31"): ["dates that cannot be read", "drop=['when']"],
}


@pytest.mark.parametrize("texts", HINTS)
def test_dates_in_other_forms_are_refused_with_the_format_that_fits(tmp_path, texts):
    path = tmp_path / "t.csv"
    path.write_text(text_table([*texts, *texts]))
    with pytest.raises(TableError) as refused:
        regress.fit(path, "y")
    for words in HINTS[texts]:
        assert words in str(refused.value)
    for format in re.findall("date_format='([^']*)'", str(refused.value)):
        expected = [days(dt.datetime.strptime(text, format)) for text in texts]
        assert values(path, date_format=format) == expected * 2
        assert values(path, date_format={"when": format}) == expected * 2


def test_a_format_adds_to_the_iso_forms(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b,c,y\n01/03/2024,2024-03-01,20240301,1\n02/03/2024,2024-03-02,20240302,2\n")
    fit = {"date_format": {"a": "%d/%m/%Y", "c": "%Y%m%d"}}
    assert columns_of(path, **fit) == {name: NUMBERS[:2] for name in "abc"} | {"y": [1, 2]}
    assert columns_of(path, ["a", "b"], date_format="%d/%m/%Y") == {name: NUMBERS[:2] for name in "ab"}
    ints = pl.read_csv(path).select("c", "y")
    assert cells(open_table(ints, FileOptions(date_format={"c": "%Y%m%d"})))[0]["c"] == NUMBERS[:2]
    path.with_suffix(".jsonl").write_text('{"c": 20240301, "y": 1}\n{"c": 20240302, "y": 2}\n')
    assert columns_of(path.with_suffix(".jsonl"), ["c"], date_format={"c": "%Y%m%d"})["c"] == NUMBERS[:2]
    with pytest.raises(TableError, match="holds numbers, not dates"):
        cells(open_table(ints.cast(pl.Float64), FileOptions(date_format={"c": "%Y%m%d"})))
    with pytest.raises(TableError, match="no column 'd' to use as a column of dates"):
        open_table(path, FileOptions(date_format={"d": "%Y"}))


@pytest.mark.parametrize(
    ("format", "words"),
    [
        ("%d/%m", "it has no year"),
        ("%Q %Y", "%Q is not one of"),
        ("%Y %", "% is not one of"),
        ("%d %d %Y", "twice"),
        ("%d %Y", "%d needs %m or %b or %B"),
        ("%d/%m/%Y %I:%M", "%I needs %p"),
        ("%Y%m%d", "also reads numbers"),
        (3, "must be a format"),
        ({"when": 3}, "must be a format"),
        ({3: "%Y"}, "must be a format"),
    ],
)
def test_a_format_that_cannot_be_used_is_refused_at_once(format, words):
    with pytest.raises(InputError, match=re.escape(words)):
        FileOptions(date_format=format)


def test_times_of_day_and_durations_are_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(text_table(["10:30", "11:30", "12:00"]))
    durations = pl.DataFrame({"when": [dt.timedelta(days=1)], "y": [1]})
    for table in (path, durations, durations.to_pandas(), pl.DataFrame({"when": [dt.time(1)], "y": [1]})):
        with pytest.raises(TableError, match=r"drop=\['when'\]"):
            regress.fit(table, "y")


def test_dates_may_be_read_as_text(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(text_table([str(day) for day in DAYS] * 3))
    assert len(regress.fit(path, "y", categorical=["when"]).names) == 2
    assert regress.fit(pl.DataFrame({"when": DAYS * 3, "y": range(9)}), "y", categorical=["when"]).names == (
        "when=2024-03-02",
        "when=2024-03-05",
    )


def test_a_fit_of_dates_notes_it_and_its_model_wants_dates(tmp_path):
    frame = pl.DataFrame({"when": DAYS, "y": [1.0, 2.0, 5.0]})
    fit = regress.fit(frame, "y")
    assert fit.w == pytest.approx([1.0])
    assert "Column 'when' holds dates, read as days since 1970-01-01." in fit.notes()
    fit.save(tmp_path / "m.json")
    model = regress.load(tmp_path / "m.json")
    for cell in (
        DAYS[0],
        "2024-03-01",
        dt.datetime(2024, 3, 1),
        pd.Timestamp("2024-03-01"),
        np.datetime64("2024-03-01"),
    ):
        assert model.predict_one({"when": cell}) == pytest.approx(1.0)
    assert model.predict_one({"when": "2024-03-01T12:00-12:00"}) == pytest.approx(2.0)
    assert np.isnan(model.predict_one({"when": pd.NaT}))
    for cell in (3, "soon", "2024-02-30", True):
        with pytest.raises(TableError, match="is not a date"):
            model.predict_one({"when": cell})
    for table in (pl.DataFrame({"when": NUMBERS}), np.array(NUMBERS)[:, None]):
        with pytest.raises(TableError, match="holds numbers; training saw dates"):
            model.predict(table)
    with pytest.raises(TableError, match="holds dates; training saw numbers"):
        regress.fit({"when": NUMBERS, "y": [1.0, 2.0, 5.0]}, "y").model.predict(frame)
    assert model.predict(pl.DataFrame({"when": ["2024-03-01", "2024-03-02"]})) == pytest.approx([1.0, 2.0])
    categories = pl.DataFrame({"when": ["2024-03-02", "2024-03-01"]}, schema={"when": pl.Categorical})
    assert model.predict(categories) == pytest.approx([2.0, 1.0])
    with pytest.raises(InputError, match="'when' holds dates"):
        regress.to_sklearn(fit)


def test_the_format_of_other_dates_is_named_at_the_prediction(tmp_path):
    model = regress.fit(pl.DataFrame({"when": DAYS, "y": [1.0, 2.0, 5.0]}), "y").model
    path = tmp_path / "t.csv"
    path.write_text("when\n13.03.2024\n")
    for table in (path, pl.DataFrame({"when": ["13.03.2024"]})):
        with pytest.raises(TableError, match=r"is not a date\..* [Pp]ass date_format='%d.%m.%Y'\."):
            model.predict(table)
    with pytest.raises(TableError, match="is not a date") as refused:
        model.predict(path, date_format="%d/%m/%Y")
    assert "date_format" not in str(refused.value)


def test_a_target_may_be_a_date_and_weights_may_not():
    frame = pl.DataFrame({"when": DAYS, "y": [1.0, 2.0, 5.0]})
    assert regress.fit(frame, "when").w == pytest.approx([1.0])
    with pytest.raises(TableError, match="is dates, not numbers, so it cannot be weights"):
        regress.fit(frame, "y", weights="when")


@pytest.mark.slow
def test_a_split_in_time_takes_dates_in_a_given_format(tmp_path):
    path = tmp_path / "t.csv"
    rows = "".join(f"{1 + k % 28:02}/{1 + k // 28:02}/2024,{k % 7},{k % 5}\n" for k in range(84))
    path.write_text("when,x,y\n" + rows)
    iso = tmp_path / "iso.csv"
    iso.write_text("when,x,y\n" + re.sub(r"(\d+)/(\d+)/(\d+)", r"\3-\2-\1", rows))
    given = {"split_time": "when", "features": ["x"], "test_size": 0.25}
    comparison = regress.compare(path, "y", **given, date_format="%d/%m/%Y")
    tables = [one.table.drop(columns="seconds") for one in (comparison, regress.compare(iso, "y", **given))]
    pd.testing.assert_frame_equal(*tables)


def test_cells_in_other_forms_are_no_dates():
    assert [kind_of(text) for text in ("20240301", "2024", "2011/12", "2024-03", "1/3/2024", "2024-02-30")] == [
        *("number", "number", "dated", "date", "dated", "dated")
    ]
    assert fitting("tomorrow") == []
    assert ISO.find("2024-03-01") == of_cell(DAYS[0])
