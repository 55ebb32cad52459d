"""Polluted files, some of each kind: none is read wrongly in silence, and most are read."""

import pytest

from tests.oracles.pollock import clean, load, lost, sample, score, whole_files

SAMPLE = sample(100)
NO_TABLE = {"file_header_none", "file_preamble", "file_preamble_padded", "file_empty"}  # what they lack is a flag


@pytest.mark.parametrize("file", SAMPLE, ids=[file.name for file in SAMPLE])
def test_no_polluted_file_is_read_wrongly_in_silence(file, tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(file.content)
    strict = load(path, "error")
    assert lost(file, strict) == 0
    skipping = load(path, "skip")
    assert lost(file, skipping) == 0
    assert bool(skipping.error) == (file.name in NO_TABLE), skipping.error
    if file.name.startswith("row"):
        assert skipping.rejected <= 1
        assert len(skipping.rows) + skipping.rejected == len(clean())
        assert score(file, skipping)[0] == 1


@pytest.mark.parametrize("file", list(whole_files()), ids=lambda file: file.name)
def test_files_in_any_form_are_read_as_the_clean_table_is(file, tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(file.content)
    loaded = load(path, "skip")
    lines = [line for line in loaded.error.split() if line.rstrip(".;:").isdigit()]
    if file.name.startswith("file_preamble"):
        assert "--skip-lines" in lines or "skip_lines=" in loaded.error
    elif file.name not in NO_TABLE | {"file_escape_none"}:
        assert (loaded.header, loaded.rows) == (file.header, file.rows)


def test_the_measure_sees_rows_that_are_lost_or_changed():
    file = next(whole_files())
    from tests.oracles.pollock import Loaded

    changed = [[*row[:-1], "x"] if i == 3 else row for i, row in enumerate(file.rows)]
    assert lost(file, Loaded(file.header, changed, 0)) == 1
    assert lost(file, Loaded(file.header, file.rows[1:], 0)) == 1
    assert lost(file, Loaded(file.header, file.rows[1:], 1)) == 0
    assert sum(score(file, Loaded(file.header, file.rows, 0))) == 10
    assert 9 < sum(score(file, Loaded(file.header, changed, 0))) < 10
