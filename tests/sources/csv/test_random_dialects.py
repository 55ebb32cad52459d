"""Random tables in random dialects, as `python -m tests.oracles.random_dialects` reads by the thousand."""

from tests.examples import examples
from tests.oracles.random_dialects import run


def test_no_cell_of_a_random_table_is_read_as_another():
    count = examples(250)
    counts, wrong = run(1, count)
    assert not wrong
    assert counts["read"] > 0.8 * count
