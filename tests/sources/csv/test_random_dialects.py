"""Random tables in random dialects, as `python -m tests.oracles.random_dialects` reads by the thousand."""

from tests.oracles.random_dialects import run


def test_no_cell_of_a_random_table_is_read_as_another():
    counts, wrong = run(1, 250)
    assert not wrong
    assert counts["read"] > 200
