"""Files of moments: they hold what the moments hold and no row, and no bytes do harm."""

import hashlib
import json
import struct
import tracemalloc
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import regress
from regress.api.moments.file import HEADER, moments_of, written
from tests.examples import examples

random = np.random.default_rng(2024)
FRAME = pd.DataFrame(
    {
        "x": [0.1, 0.7, np.nan, 1.9, 2.5, 3.1],
        "g": list("abacab"),
        "f": [True, False, True, True, False, False],
        "w": [1.0, 2.0, 1.0, 1.5, 1.0, 1.0],
        "y": [1.0, 2.0, 3.0, 5.0, 4.0, 7.0],
    }
)
OPTIONS: dict[str, Any] = {"missing": "drop", "weights": "w", "test_size": 0.3, "sample": 2}


def small() -> regress.TableMoments:
    return regress.moments(FRAME, "y", **OPTIONS)


def content(moments: regress.TableMoments) -> bytes:
    return written(moments.sums, moments.read, moments.parts)


DATA = content(small())
TEXT, REST = DATA[len(HEADER) : -32].split(b"\n", 1)
HEAD = json.loads(TEXT)


def signed(head: Any = HEAD, rest: bytes = REST, text: bytes | None = None) -> bytes:
    """A file with this header and sections, whose hash is right."""
    data = HEADER + (json.dumps(head).encode() if text is None else text) + b"\n" + rest
    return data + hashlib.sha256(data).digest()


def fitted(moments: regress.TableMoments) -> regress.Fit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return regress.fit(moments, sample=2)


def refused(path: Path, data: bytes) -> str:
    """What is said of bytes that are no moments."""
    path.write_bytes(data)
    with pytest.raises(regress.InputError) as error:
        regress.load_moments(path)
    said = str(error.value)
    assert "\n" not in said
    assert len(max(said.split(". "), key=len).split()) <= 25
    return said


def test_a_file_holds_the_moments(tmp_path):
    moments = small()
    moments.save(tmp_path / "m.moments")
    loaded = regress.load_moments(tmp_path / "m.moments")
    assert content(loaded) == DATA == (tmp_path / "m.moments").read_bytes()
    assert (loaded.fingerprint, loaded.sampled) == (moments.fingerprint, 2)
    one, other = (fitted(m).to_dict() | {"source": ""} for m in (moments, loaded))
    assert one == other
    loaded.save(tmp_path / "m.moments")
    assert (tmp_path / "m.moments").read_bytes() == DATA


def test_sums_of_held_out_rows_merge_with_those_of_a_file(tmp_path):
    small().save(tmp_path / "m.moments")
    other = regress.moments(FRAME.assign(y=FRAME["y"] + 1), "y", **OPTIONS)
    expected = small() + other
    assert expected.sums.tally.held_out
    loaded = regress.load_moments(tmp_path / "m.moments")
    for week in (loaded + other, other + loaded):
        assert week.fingerprint == expected.fingerprint


def test_every_byte_counts(tmp_path):
    path = tmp_path / "m.moments"
    for k in range(len(DATA)):
        flipped = bytearray(DATA)
        flipped[k] ^= 1 << (k % 8)
        if k < len(HEADER) or k % 50 == 0:
            said = refused(path, bytes(flipped))
            assert "is damaged" in said or "does not hold moments" in said or "another version" in said
        if k >= len(HEADER):
            for damaged in (bytes(flipped), DATA[:k] + DATA[k + 1 :], DATA[:k]):
                with pytest.raises(ValueError, match="hash"):
                    moments_of(damaged)
    for more in (b"\0", b"\n", DATA):
        assert "is damaged" in refused(path, DATA + more)


OTHERS: list[Any] = [None, True, -1, 0, 0.5, 1e308, 2**62, 2**70, "", "x", "\ud800", [], [1], {}, {"x": 1}, [[]]]


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """All places in a document."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, held in inside for place in places(held, (*at, key)))]


def with_value(document: Any, at: tuple[Any, ...], value: Any) -> Any:
    """A copy of a document with another value at a place."""
    if not at:
        return value
    copy = dict(document) if isinstance(document, dict) else list(document)
    copy[at[0]] = with_value(copy[at[0]], at[1:], value)
    return copy


@pytest.mark.parametrize("at", places(HEAD), ids=str)
def test_other_values_in_a_header_are_refused_or_harmless(at):
    for other in OTHERS:
        data = signed(with_value(HEAD, at, other))
        try:
            sums, read, parts = moments_of(data)
        except ValueError:
            continue
        moments = regress.TableMoments(sums, read, parts)
        try:  # what a header may hold may not break anything later
            _ = repr(moments), str(moments), fitted(moments)
            _ = content(moments + regress.moments(FRAME.assign(y=1.0), "y", **OPTIONS))
        except regress.InputError:
            pass


@settings(max_examples=examples(150), deadline=None)
@given(st.binary(max_size=300), st.integers(0, len(REST)), st.booleans())
def test_sections_of_any_bytes_are_refused(junk, at, put):
    rest = REST[:at] + junk + (REST[at:] if put else b"")
    if rest != REST:
        with pytest.raises(ValueError):  # noqa: PT011  whatever it is
            moments_of(signed(rest=rest))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[" * 200_000, "not JSON"),
        (b'{"a":' * 200_000, "not JSON"),
        (b"9" * 100_000, "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[]", "must be an object"),
        (b"null", "damaged"),
        (TEXT[:-1] + b', "seen": {}}', "'seen' occurs in it twice"),
        (TEXT.replace(b'"unseen": 0', b'"unseen": NaN'), "NaN"),
    ],
    ids=range(10),
)
def test_headers_that_are_no_header_are_refused(tmp_path, text, message):
    said = refused(tmp_path / "m.moments", signed(text=text))
    assert message in said


def test_sections_that_unpack_to_more_than_they_may_are_refused_before_they_do(tmp_path):
    bomb = zlib.compress(b"\0" * 50_000_000, 9)
    for size in (50_000_000, HEAD["sections"][0]["size"]):
        sections = [{**HEAD["sections"][0], "stored": len(bomb), "size": size}, *HEAD["sections"][1:]]
        data = signed({**HEAD, "sections": sections}, bomb + REST[HEAD["sections"][0]["stored"] :])
        tracemalloc.start()
        refused(tmp_path / "m.moments", data)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 5_000_000 + 5 * len(data)


@pytest.mark.parametrize("junk", [b"\0", b"regress moments 1\n\xff", b"regress moments 1\n[[", b"a,b\n1,2\n"])
def test_ten_megabytes_of_anything_need_little_memory(tmp_path, junk):
    data = junk * (10_000_000 // len(junk))
    tracemalloc.start()
    refused(tmp_path / "m.moments", data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * len(data)


def test_other_files_get_a_sentence_that_helps(tmp_path, write):
    moments, fit = small(), fitted(small())
    path = tmp_path / "m.moments"
    moments.save(path)
    fit.save(tmp_path / "model.json")
    for other in (write("a,b\n1,2\n"), tmp_path / "model.json", write("", "empty")):
        with pytest.raises(regress.InputError, match=r"does not hold moments. Make some with regress.moments"):
            regress.load_moments(other)
    for call in (
        lambda: regress.compare(path, "y"),
        lambda: fit.predict(path),
        lambda: regress.fit(str(tmp_path / "*.moments"), "y"),
    ):
        with pytest.raises(regress.InputError, match=r"m.moments holds (moments: )?sums over rows"):
            call()
    with pytest.raises(regress.InputError, match="is not a model"):
        regress.load(path)
    for missing in (tmp_path, tmp_path / "none", "a\0b"):
        with pytest.raises(regress.InputError, match=r"cannot be read|is not the name of a file"):
            regress.load_moments(missing)
    for where in (tmp_path / "no" / "m.moments", tmp_path):
        with pytest.raises(regress.InputError, match="cannot be written"):
            moments.save(where)
    path.write_bytes(DATA[:-40])
    with pytest.raises(regress.InputError, match=r"m.moments is damaged: .* Make it again"):
        regress.fit(path)
    path.write_bytes(DATA.replace(b"moments 1", b"moments 2", 1))
    with pytest.raises(regress.InputError, match="another version"):
        regress.fit(str(path))


def test_names_of_any_characters(tmp_path):
    names = ["a\x1b[31m", "line\nbreak", "\u202eright", "=cmd", "\x00", 'quo"te', "é" * 50]
    frame = pd.DataFrame(random.normal(size=(20, len(names) + 1)), columns=[*names, "y"])
    frame["t\t"] = random.choice(["\x07bell", "b\nc", "d"], 20)
    moments = regress.moments(frame, "y")
    moments.save(tmp_path / "m.moments")
    loaded = regress.load_moments(tmp_path / "m.moments")
    assert loaded.names == (*names, "t\t")
    assert content(loaded + regress.moments(frame[:5], "y"))
    assert (repr(loaded) + str(loaded)).isprintable()
    assert regress.fit(loaded).w.tolist() == regress.fit(moments).w.tolist()


def test_no_row_is_inside_without_a_sample(tmp_path):
    """Levels of text that rows have are inside of necessity; numbers, and text of dropped rows, are not."""
    values = random.normal(size=200)
    frame = pd.DataFrame({"x": values, "g": ["seen"] * 100 + ["also"] * 100, "y": random.normal(size=200)})
    frame.loc[7, ["x", "g"]] = np.nan, "secret"
    for sample in (0, 20):
        regress.moments(frame, "y", missing="drop", sample=sample).save(tmp_path / "m.moments")
        data = (tmp_path / "m.moments").read_bytes()
        text, rest = data[len(HEADER) : -32].split(b"\n", 1)
        unpacked, at = text, 0
        for section in json.loads(text)["sections"]:
            unpacked += zlib.decompress(rest[at : at + section["stored"]])
            at += section["stored"]
        assert b"seen" in unpacked
        assert b"secret" not in unpacked
        held = sum(struct.pack("<d", v) in unpacked for v in values)
        assert held == sample
        loaded = regress.load_moments(tmp_path / "m.moments")
        assert ("a sample of" in str(loaded)) == ("a sample of" in repr(loaded)) == bool(sample)


@pytest.mark.parametrize(("columns", "most"), [(21, 20_000), (100, 300_000)])
def test_the_size_of_totals(columns, most):
    X = np.round(random.normal(size=(2_000, columns)) * 100, 2)
    moments = regress.moments(pd.DataFrame(X, columns=[f"c{j}" for j in range(columns)]).assign(y=X[:, 0]), "y")
    assert len(content(moments)) <= most
